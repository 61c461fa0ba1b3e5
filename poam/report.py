"""The account of a run: counts, the changes field by field, what waits for a person."""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import date
from typing import Any

import pandas as pd

from poam.answers import Doubt
from poam.changes import ChangeSet, Decision
from poam.existing import some
from poam.gates import Gate
from poam.metrics import OpenItem
from poam.model import ChangeKind, RiskRating
from poam.triggers import Trigger

CHANGES = [
    "kind",
    "poam_id",
    "sheet",
    "detector",
    "source_identifier",
    "weakness_name",
    "field",
    "before",
    "after",
    "because",
]
REVIEW = ["poam_id", "sheet", "row", "detector", "source_identifier", "weakness_name", "because"]
WORDS = {
    ChangeKind.OPENED: "opened",
    ChangeKind.REOPENED: "reopened: found again after the closing",
    ChangeKind.HELD: "held: not late yet, not on the POA&M",
    ChangeKind.UPDATED: "updated",
    ChangeKind.UNCHANGED: "unchanged",
    ChangeKind.CLOSED: "closed, each with proof",
    ChangeKind.UNVERIFIED: "absent but not proven gone: still open",
    ChangeKind.SUPPRESSED: "seen again, closed as approved false positives",
    ChangeKind.NEEDS_REVIEW: "for a person to decide",
}

CITED = re.compile(r"(?P<text>.*?) \[(?P<notes>[\w./-]+ line \d+, .*)\]", re.DOTALL)
RARE = (ChangeKind.REOPENED, ChangeKind.HELD)  # no line where there is none


@dataclass(frozen=True)
class RunReport:
    """What a run did. `refused` are sentences about files that could not be read.

    `open_by_rating` and `late` describe the workbook after the run: open items by the rating that
    counts (configuration findings do not), and the late ones, which nothing excuses, the latest
    first. `late_soon` are those on time now and past due on the day of the next `submission`.
    """

    run_id: str
    as_of: date
    files: int
    counts: Mapping[str, int]
    open_by_rating: Mapping[str, int]
    late: tuple[OpenItem, ...]
    refused: tuple[str, ...]
    notes: tuple[str, ...]
    decisions: tuple[Decision, ...]
    gates: tuple[Gate, ...] = ()
    triggers: tuple[Trigger, ...] = ()
    submission: date | None = None
    late_soon: tuple[OpenItem, ...] = ()

    @property
    def needs_a_person(self) -> bool:
        """Whether anything waits for a decision."""
        return bool(self.counts[ChangeKind.NEEDS_REVIEW])

    def markdown(self) -> str:
        """The month in a page of text."""
        lines = [
            f"# POA&M update as of {self.as_of}",
            "",
            f"Run `{self.run_id}`, files read: {self.files}.",
            "",
        ]
        lines += [
            f"- **{self.counts[kind]}** {words}"
            for kind, words in WORDS.items()
            if self.counts[kind] or kind not in RARE
        ]
        rated = ", ".join(f"{n} {rating}" for rating, n in self.open_by_rating.items())
        counted = [f"{len(self.late)} late"]
        if self.late_soon:
            counted.append(f"{len(self.late_soon)} more before the next submission")
        lines += ["", f"Open after this run: {rated}; {', '.join(counted)}."]
        for title, sentences in (
            ("Files that could not be read; nothing was closed for their scanners", self.refused),
            ("Late", [_late_sentence(item) for item in self.late]),
            (f"Late before the next submission, {self.submission}", self._soon),
            ("Escalation triggers", [f"**{t.level}**: {t.because}." for t in self._fired]),
            ("Scan gates", [_gate_sentence(gate) for gate in self.gates]),
            ("Notes", self.notes),
            ("For a person", self._sentences(ChangeKind.NEEDS_REVIEW)),
            ("Absent but not proven gone", self._sentences(ChangeKind.UNVERIFIED)),
        ):
            if sentences:
                lines += ["", f"## {title}", "", *(f"- {sentence}" for sentence in sentences)]
        return "\n".join(lines) + "\n"

    @property
    def _soon(self) -> list[str]:
        return [f"{item.poam_id}, {item.line}, due {item.standing.due}" for item in self.late_soon]

    @property
    def _fired(self) -> list[Trigger]:
        return [trigger for trigger in self.triggers if trigger.fired]

    def _sentences(self, kind: ChangeKind) -> list[str]:
        """The decisions of a kind, those with the same reasons in one sentence."""
        of_reason: dict[tuple[str, ...], list[Decision]] = defaultdict(list)
        for d in self.decisions:
            if d.kind is kind:
                of_reason[d.because].append(d)
        return [_sentence(because, same) for because, same in of_reason.items()]


def _sentence(because: tuple[str, ...], same: Sequence[Decision]) -> str:
    why = "; ".join(map(uncited, because))
    if len(same) > 1:
        return f"{', '.join(d.poam_id or d.weakness_name for d in same)} ({len(same)}): {why}"
    (d,) = same
    identity = _identity(d.detector, d.source_identifier)
    return f"{d.poam_id or 'new'}, {d.weakness_name} ({identity}): {why}"


def _identity(detector: str, source_identifier: str) -> str:
    return ", ".join(f"{detector} {source_identifier}".split("\n")).strip()


def _late_sentence(item: OpenItem) -> str:
    stands = item.standing
    days = "1 day" if item.days_late == 1 else f"{item.days_late} days"
    return "; ".join(
        (f"{item.poam_id}, {item.line}, due {stands.due}, {days} late", *stands.because[1:])
    )


def cited(sentence: str) -> tuple[str, tuple[str, ...]]:
    """A sentence, and apart from it the policy lines that it cites."""
    match = CITED.fullmatch(sentence)
    return (match["text"], tuple(match["notes"].split(" | "))) if match else (sentence, ())


def uncited(sentence: str) -> str:
    """A sentence without the policy lines behind it, which `poam explain` tells."""
    return cited(sentence)[0]


def run_report(
    run_id: str,
    as_of: date,
    files: int,
    changes: ChangeSet,
    items: Sequence[OpenItem],
    refused: tuple[str, ...],
    notes: tuple[str, ...],
    gates: tuple[Gate, ...] = (),
    triggers: tuple[Trigger, ...] = (),
    submission: date | None = None,
    late_soon: tuple[OpenItem, ...] = (),
) -> RunReport:
    """Count what a change set does; `items` are those of the Open sheet as it leaves them."""
    counts = Counter(decision.kind.value for decision in changes.decisions)
    ratings = Counter(item.standing.rating for item in items)
    return RunReport(
        run_id=run_id,
        as_of=as_of,
        files=files,
        counts={kind.value: counts[kind.value] for kind in ChangeKind},
        open_by_rating={rating.value: ratings[rating] for rating in RiskRating},
        late=tuple(sorted((i for i in items if i.days_late), key=lambda item: -item.days_late)),
        refused=refused,
        notes=notes,
        decisions=changes.decisions,
        gates=gates,
        triggers=triggers,
        submission=submission,
        late_soon=late_soon,
    )


def _gate_sentence(gate: Gate) -> str:
    name = gate.id.replace("_", " ").capitalize()
    if not gate.flagged:
        return f"{name}: {gate.said[0].lower()}{gate.said[1:]}"
    against = [host.asset for host in gate.hosts if "not counted" not in host.detail]
    return f"**{name}**: {gate.said} {some(against)}."


def changes_frame(changes: ChangeSet) -> pd.DataFrame:
    """One row per field that a run sets, and one per decision that sets none.

    `because` is without policy lines: they are long, and `decisions_json` has them.
    """
    rows = []
    for d in changes.decisions:
        head = (
            d.kind.value,
            d.poam_id,
            str(d.to_sheet or d.sheet),
            d.detector,
            d.source_identifier,
            d.weakness_name,
        )
        why = "; ".join(map(uncited, d.because))
        cells = [(name, _text(d.before.get(name)), _text(value)) for name, value in d.after.items()]
        rows += [(*head, *row, why) for row in cells or [("", "", "")]]
    return pd.DataFrame.from_records(rows, columns=CHANGES).astype("str")


def change_records(changes: ChangeSet) -> list[dict[str, str]]:
    """The rows of `changes_frame` that say something changed or waits, each by column."""
    frame = changes_frame(changes)
    frame = frame[frame["kind"] != ChangeKind.UNCHANGED]
    return [dict(zip(CHANGES, row, strict=True)) for row in frame.itertuples(index=False)]


def review_frame(changes: ChangeSet) -> pd.DataFrame:
    """One row per doubt: what may be which item, what has no rating, what was closed too early."""
    rows = [
        (
            d.poam_id,
            str(d.sheet),
            "" if d.row is None else str(d.row),
            d.detector,
            d.source_identifier,
            d.weakness_name,
            "; ".join(d.because),
        )
        for d in changes.of(ChangeKind.NEEDS_REVIEW)
    ]
    return pd.DataFrame.from_records(rows, columns=REVIEW).astype("str")


def decisions_json(changes: ChangeSet) -> str:
    """Every decision as JSON, one a line, for `poam explain`."""
    names = [field.name for field in fields(Decision) if field.name != "attachment"]
    encode = json.JSONEncoder(default=_encoded, ensure_ascii=False).encode
    lines = [encode({name: getattr(d, name) for name in names}) for d in changes.decisions]
    return "[\n" + ",\n".join(lines) + "\n]\n"


def _encoded(value: object) -> object:
    return asdict(value) if isinstance(value, Doubt) else str(value)


def explanation(decisions: list[Mapping[str, Any]], poam_id: str) -> str:
    """Why an item is as it is, from a run's recorded decisions; "" where the run has none on it.

    The policy lines that sentences cite are numbered and stand at the end, each once.
    """
    notes: dict[str, int] = {}
    lines = []
    for d in decisions:
        if poam_id.casefold() in str(d["poam_id"]).casefold().split(", "):
            lines.append(
                f"{d['poam_id']} {d['kind']}: {d['weakness_name']} "
                f"({_identity(d['detector'], d['source_identifier'])})"
            )
            lines += [f"  because {_noted(reason, notes)}" for reason in d["because"]]
            lines += [f"  stands: {_noted(ground, notes)}" for ground in d.get("grounds", ())]
            for name, value in d["after"].items():
                before = _text(d["before"].get(name))
                if before and before == _text(value):
                    continue
                was = f"  (was: {short(before)})" if before else ""
                lines.append(f"  {name} = {short(_text(value))}{was}")
    lines += [f"[{number}] {note}" for note, number in notes.items()]
    return "\n".join(lines)


def _noted(sentence: str, notes: dict[str, int]) -> str:
    """A sentence with numbers in place of the policy lines that it cites."""
    text, lines = cited(sentence)
    numbers = [f"[{notes.setdefault(line, len(notes) + 1)}]" for line in lines]
    return " ".join((text, "".join(numbers))) if numbers else text


def _text(value: object) -> str:
    return "" if value is None else str(value)


def short(text: str, width: int = 160) -> str:
    """A text on one line, cut where it is long."""
    line = " / ".join(text.splitlines())
    return line if len(line) <= width else line[: width - 1] + "…"
