"""What people answered about doubtful matches, and whether an answer still stands."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

import pandas as pd
from pydantic import ValidationError

from poam.errors import PolicyError
from poam.frames import Row, rows
from poam.rules import Rules

Verdict = Literal["accepted", "rejected"]


class Answer(Rules):
    """A person's word that a weakness is an item, or is not.

    `item` is the fingerprint of the row as it was: an answer is about that row alone.
    """

    detector: str
    source_identifier: str
    poam_id: str
    answer: Verdict
    who: str
    when: date
    item: str

    @property
    def about(self) -> tuple[str, str, str]:
        """What it answers: detector, source identifier and POA&M ID."""
        return self.detector, self.source_identifier, self.poam_id


class Answers(Rules):
    """The content of a `decisions.yaml`."""

    answers: tuple[Answer, ...] = ()


@dataclass(frozen=True)
class Doubt:
    """A match that a person has to decide: both sides, the sum, and what would settle it."""

    id: str
    detector: str
    source_identifier: str
    weakness_name: str
    assets: tuple[str, ...]
    poam_id: str
    sheet: str
    row: int
    item_name: str
    item_detector: str
    item_identifier: str
    item_assets: str
    item: str
    points: int
    evidence: str
    settled_by: str

    def answered(self, answer: Verdict, who: str, when: date) -> Answer:
        """Return a person's answer to it."""
        return Answer(
            detector=self.detector,
            source_identifier=self.source_identifier,
            poam_id=self.poam_id,
            answer=answer,
            who=who,
            when=when,
            item=self.item,
        )


def doubt_id(detector: str, source_identifier: str, poam_id: str) -> str:
    """Return six letters by which a person names a doubt; the same in every run."""
    return _digest(detector, source_identifier, poam_id)[:6]


def fingerprint(item: Row) -> str:
    """Return what changes when a row becomes another one: its detector, identifiers and name."""
    cells = (item.weakness_detector_source, item.weakness_source_identifier, item.weakness_name)
    return _digest(*cells)[:12]


def in_force(
    answers: Iterable[Answer], items: pd.DataFrame
) -> tuple[dict[tuple[str, str, str], Answer], tuple[str, ...]]:
    """Return the answers that still stand, by what they are about, and a notice of each that fell.

    An answer falls when its row is gone, or has another detector, identifier or name now. Of two
    about the same the later counts.
    """
    now = {item.poam_id: fingerprint(item) for item in rows(items)}
    kept: dict[tuple[str, str, str], Answer] = {}
    notices: list[str] = []
    for answer in sorted(answers, key=lambda a: (a.when, a.about)):
        if now.get(answer.poam_id) == answer.item:
            kept[answer.about] = answer
        else:
            change = "has changed" if answer.poam_id in now else "is gone"
            notices.append(
                f"{answer.who}'s answer of {answer.when}, that {answer.detector} "
                f"{answer.source_identifier} is{' not' * (answer.answer == 'rejected')} "
                f"{answer.poam_id}, was dropped: the row {change}."
            )
    return kept, tuple(notices)


def read_answers(content: Mapping[str, Any], file: str) -> tuple[Answer, ...]:
    """Read the content of a `decisions.yaml`. Raises PolicyError where it is none."""
    try:
        return Answers.model_validate(content).answers
    except ValidationError as e:
        problem = e.errors()[0]
        place = ".".join(str(step) for step in problem["loc"])
        raise PolicyError(
            f"{file}, {place}: found {problem['input']!r}. Expected answers as `poam review` "
            f"writes them ({problem['msg']})."
        ) from e


def _digest(*texts: str) -> str:
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()
