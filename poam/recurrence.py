"""What a scan finds again where an item of the workbook was closed."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import pandas as pd

from poam.assets import AssetIndex
from poam.changes import Decision, aside, stale
from poam.dedupe import SIGHTING
from poam.existing import Item, place_text
from poam.frames import Row
from poam.model import ChangeKind, Kind
from poam.policy import Policy

CLOSED = re.compile(r"\bclos(?:e|ed|ing|ure)\b|\bremediat", re.IGNORECASE)
ANOTHER = re.compile(r"Recurrence of|Reopened\.")


@dataclass(frozen=True)
class Sorted:
    """`news` open an item, with `comment`; `asides` are for the account; `back` was reopened."""

    news: tuple[Row, ...]
    asides: tuple[Decision, ...]
    comment: str
    back: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Recurrences:
    """The rules for what was closed. `clean_days` has by a sighting's key its last proof of gone.

    Source: no published rule; the choices and their reasons are in `timelines.yaml`, recurrence.
    """

    as_of: date
    policy: Policy
    index: AssetIndex
    clean_days: Mapping[tuple[object, ...], date]

    def sort(self, weakness: Row, left: Sequence[Row], closed: Sequence[Item]) -> Sorted:
        """Sort sightings that no open item lists by what the closed items say of their places.

        An approved false positive stays closed. A scan older than the closing, or than the proof
        that the place is clean, waits for a person. The rest is new, with the date of the scan, or
        brings the closed row back.
        """
        news: list[Row] = []
        asides: list[Decision] = []
        back: dict[int, str] = {}
        recurrence: dict[str, date | None] = {}
        for sighting in left:
            before = [item for item in closed if item.lists(sighting, self.index)]
            if said := self._said_already(weakness, sighting, before):
                asides.append(said)
            elif returning := self._returning(sighting, before):
                self._bring_back(returning, weakness, sighting)
                back[sighting.Index] = returning.record.poam_id
            else:
                recurrence |= {i.record.poam_id: i.record.status_date for i in before}
                asides += self._undocumented(weakness, sighting, before)
                news.append(_dated_anew(sighting, before))
        comment = "\n".join(
            f"{self.as_of}: Recurrence of {poam_id}, closed {day or 'earlier'}."
            for poam_id, day in sorted(recurrence.items())
        )
        return Sorted(tuple(news), tuple(asides), comment, back)

    def _said_already(
        self, weakness: Row, sighting: Row, before: Sequence[Item]
    ) -> Decision | None:
        place, seen = place_text(sighting), sighting.last_seen.date()
        for item in before:
            if item.record.false_positive == "Yes":
                words = f"seen again on {place}; {item.record.poam_id} is an approved false "
                words += "positive there"
                return aside(ChangeKind.SUPPRESSED, weakness, item.record, words)
        for item in before:
            closed = item.record.status_date
            if closed is not None and seen < closed:
                words = (
                    f"seen on {place} on {seen}, and {item.record.poam_id} for it was closed on "
                    f"{closed}: was it closed too early, or is the scan older than the fix?"
                )
                return aside(ChangeKind.NEEDS_REVIEW, weakness, item.record, words)
        clean = self.clean_days.get(tuple(getattr(sighting, name) for name in SIGHTING))
        return stale(weakness, place, seen, clean) if clean and seen < clean else None

    def _undocumented(
        self, weakness: Row, sighting: Row, before: Sequence[Item]
    ) -> Iterator[Decision]:
        """Yield the closed items that neither a scan nor a word of the row says why they closed."""
        proven = tuple(getattr(sighting, name) for name in SIGHTING) in self.clean_days
        for item in before:
            record = item.record
            told = record.supporting_documents.strip() or _tells_why(record.comments)
            if not (proven or told):
                words = (
                    f"closed without evidence, and found again on {place_text(sighting)} on "
                    f"{sighting.last_seen.date()}, from when its new item counts: was it fixed?"
                )
                yield aside(ChangeKind.NEEDS_REVIEW, weakness, record, words)

    def _returning(self, sighting: Row, before: Sequence[Item]) -> Item | None:
        """Return the item, of those that list the place the last closed, that comes back."""
        dated = [item for item in before if item.record.status_date is not None]
        if not dated:
            return None
        last = max(dated, key=lambda item: (item.record.status_date, item.record.row))
        rule = self.policy.timelines.recurrence
        days = (sighting.last_seen.date() - last.record.status_date).days
        reopens = rule.after_closing == "reopen" or days <= rule.same_cycle_days
        return last if reopens else None

    def _bring_back(self, item: Item, weakness: Row, sighting: Row) -> None:
        item.seen.update(item.lists(sighting, self.index))
        item.is_configuration = weakness.kind == Kind.CONFIGURATION
        reopens = self.policy.timelines.recurrence.after_closing == "reopen"
        rule = "after_closing" if reopens else "same_cycle_days"
        words = (
            f"{weakness.detector} {weakness.source_identifier} found it again on "
            f"{place_text(sighting)} on {sighting.last_seen.date()}, closed on "
            f"{item.record.status_date}"
        )
        item.back.append(words)
        item.cites[words] = f"timelines.recurrence.{rule}"


def _tells_why(comments: str) -> bool:
    """Whether a line tells of the closing; those that tell of another one do not."""
    lines = (line for line in comments.splitlines() if not ANOTHER.search(line))
    return any(CLOSED.search(line) for line in lines)


def _dated_anew(sighting: Row, before: Sequence[Item]) -> Row:
    """Date a recurrence by its scan: no day before the closing is its original detection."""
    closings = [item.record.status_date for item in before if item.record.status_date]
    if not closings or sighting.first_seen > pd.Timestamp(max(closings)):
        return sighting
    basis = f"the scan's date: an item for it was closed on {max(closings)}"
    return sighting._replace(first_seen=sighting.last_seen, first_seen_basis=basis)
