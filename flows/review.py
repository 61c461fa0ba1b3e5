"""The doubtful matches of a run, a person's answers, and the file that keeps them."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from flows.places import Place
from poam.answers import Answer, Doubt, Verdict, read_answers
from poam.changes import Decision
from poam.errors import RunError
from poam.ledger import Ledger
from poam.policy import read_mapping

DECISIONS = "decisions.yaml"
HEAD = """\
# Answers to doubtful matches: `poam review` adds to them, every update reads them.
# An answer falls, with a notice, when its row has another detector, identifier or name.
"""


def read_decisions(folder: Place) -> list[Mapping[str, Any]]:
    """The decisions a run recorded. Raises RunError where the folder holds no run."""
    path = folder / "decisions.json"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as e:
        raise RunError(f"{folder}: found no recorded run ({e}). Expected decisions.json.") from e
    return list(content)


def doubts_of(run: Path) -> tuple[Doubt, ...]:
    """Return what a recorded run left for a person. Raises RunError where there is no run."""
    found = []
    for decision in read_decisions(run):
        for doubt in decision.get("doubts", ()):
            found.append(Doubt(**{**doubt, "assets": tuple(doubt["assets"])}))
    return tuple(found)


def doubts_in(decisions: Iterable[Decision]) -> tuple[Doubt, ...]:
    """Return what decisions leave for a person, each once."""
    found = {doubt.id: doubt for decision in decisions for doubt in decision.doubts}
    return tuple(found.values())


def keep_answers(answers: Sequence[Answer], ledger: str, file: Path) -> None:
    """Keep answers in a ledger, by its database URL, and in a `decisions.yaml`.

    Raises LedgerError or PolicyError where one of them cannot be used.
    """
    book = Ledger(ledger)
    try:
        book.record_answers(answers)
    finally:
        book.close()
    write_decisions_file(file, answers)


def answered(
    doubts: Sequence[Doubt], accept: Iterable[str], reject: Iterable[str], who: str, when: date
) -> tuple[Answer, ...]:
    """Return the answers to doubts named by their ids.

    Raises RunError where an id is unknown or answered both ways, or a weakness is said to be
    two items.
    """
    by_id = {doubt.id: doubt for doubt in doubts}
    said: dict[str, Verdict] = {}
    for verdict, ids in (("accepted", accept), ("rejected", reject)):
        for name in ids:
            if name not in by_id:
                known = ", ".join(by_id) or "none"
                raise RunError(f"{name}: found no such doubt. Expected one of {known}.")
            if said.setdefault(name, verdict) != verdict:  # type: ignore[arg-type]
                raise RunError(f"{name}: found it accepted and rejected. Expected one of both.")
    return tuple(by_id[name].answered(verdict, who, when) for name, verdict in said.items())


def listing(doubts: Sequence[Doubt]) -> str:
    """Return the doubts for reading: both sides, the sum, what would settle it."""
    blocks = []
    for doubt in doubts:
        more = f" and {len(doubt.assets) - 3} more" if len(doubt.assets) > 3 else ""
        theirs = " ".join(doubt.item_assets.split("\n")[:3])
        blocks.append(
            f"{doubt.id}  {doubt.detector} {doubt.source_identifier}: {doubt.weakness_name}\n"
            f"        on {', '.join(doubt.assets[:3])}{more}\n"
            f"        {doubt.poam_id} ({doubt.sheet}, row {doubt.row}), {doubt.item_detector} "
            f"{doubt.item_identifier or '(no identifier)'}: {doubt.item_name}\n"
            f"        on {theirs}\n"
            f"        {doubt.evidence}\n"
            f"        settled by {doubt.settled_by}\n"
        )
    return "\n".join(blocks)


def read_decisions_file(path: Path) -> tuple[Answer, ...]:
    """Return the answers of a `decisions.yaml`; none where there is no such file.

    Raises PolicyError where it cannot be read.
    """
    return read_answers(read_mapping(path.name, path.parent), str(path)) if path.is_file() else ()


def write_decisions_file(path: Path, answers: Iterable[Answer]) -> None:
    """Add answers to a `decisions.yaml`, one line each, in order: it is made to be versioned."""
    every = {one.about: one for one in (*read_decisions_file(path), *answers)}
    lines = []
    for about in sorted(every):
        fields = every[about].model_dump(mode="json")
        pairs = ", ".join(f"{name}: {json.dumps(text)}" for name, text in fields.items())
        lines.append(f"  - {{{pairs}}}")
    text = "\n".join([HEAD + "answers:", *lines]) + "\n"
    temporary = path.with_name(f".{path.name}.partial")
    temporary.write_text(text, encoding="utf-8", newline="\n")
    temporary.replace(path)


def answers_sha256(answers: Iterable[Answer]) -> str:
    """Return one hash over answers: they decide a run's outcome as its files do."""
    lines = sorted(answer.model_dump_json() for answer in answers)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
