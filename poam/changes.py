"""What a run decides: changes of items, doubts for a person, places proven clean."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

import pandas as pd

from poam.answers import Doubt
from poam.frames import Row
from poam.model import ChangeKind, Sheet, Value
from poam.opening import Cohort


@dataclass(frozen=True)
class Decision:
    """One thing a run does with an item or a weakness, and why.

    `row` is the item's worksheet row, None for a new item; `after` what is set, by field;
    `before` what stood there; `to_sheet` where the item moves. `attachment` is a full asset list
    that does not fit its cell; `doubts` are what `poam review` asks a person; `grounds` are the
    rules behind the item's dates and ratings.
    """

    kind: ChangeKind
    because: tuple[str, ...]
    poam_id: str = ""
    sheet: str = Sheet.OPEN
    row: int | None = None
    to_sheet: str | None = None
    before: Mapping[str, Value] = field(default_factory=dict)
    after: Mapping[str, Value] = field(default_factory=dict)
    detector: str = ""
    source_identifier: str = ""
    weakness_name: str = ""
    attachment: str | None = None
    doubts: tuple[Doubt, ...] = ()
    grounds: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Cleaned:
    """A place of an item that a scan proved clean, and the day of that scan.

    `keys` are the item's detectors and source identifiers, `detected` its original detection.
    """

    poam_id: str
    asset: str
    location: str
    parameter: str
    port: int
    day: date
    keys: tuple[tuple[str, str], ...] = ()
    detected: date | None = None


@dataclass(frozen=True)
class ChangeSet:
    """Everything a run decided, before anything is written.

    `decisions` in the order of the workbook, new items last; `membership` has the sightings'
    columns and the `poam_id` each belongs to ("" where none); `cleaned` are the places that this
    batch proved clean; `notices` are what a person ought to know beside the decisions.
    """

    decisions: tuple[Decision, ...]
    membership: pd.DataFrame
    cleaned: tuple[Cleaned, ...] = ()
    notices: tuple[str, ...] = ()

    def of(self, *kinds: ChangeKind) -> list[Decision]:
        """The decisions of these kinds."""
        return [decision for decision in self.decisions if decision.kind in kinds]


def applied(items: pd.DataFrame, changes: ChangeSet) -> pd.DataFrame:
    """The workbook's items as a change set leaves them; a new item's row is 0.

    Columns and dtypes are those of `items`.
    """
    after: dict[tuple[str, int], dict[Any, Any]] = {
        (record["sheet"], record["row"]): record for record in items.to_dict("records")
    }
    opened: list[dict[str, Value]] = []
    empty: dict[str, Value] = {
        name: "" if items[name].dtype == "str" else None for name in items.columns
    }
    for d in changes.decisions:
        if d.kind is ChangeKind.OPENED:
            opened.append({**empty, **d.after, "sheet": str(d.sheet), "row": 0})
        elif d.row is not None and (d.after or d.to_sheet):
            after[d.sheet, d.row] |= {**d.after, "sheet": str(d.to_sheet or d.sheet)}
    left = pd.DataFrame.from_records([*after.values(), *opened], columns=items.columns)
    return left.astype(items.dtypes.to_dict())


def unrated(weakness: Row) -> Decision:
    """A weakness that no basis rates."""
    return _about(ChangeKind.NEEDS_REVIEW, weakness, (f"no rating: {weakness.rating_basis}",))


def held(cohort: Cohort, because: tuple[str, ...]) -> Decision:
    """A weakness that is not late, where only what is late is tracked."""
    return _about(ChangeKind.HELD, cohort, because)


def undecided(record: Row, because: tuple[str, ...]) -> Decision:
    """What an item of the workbook asks a person."""
    return Decision(
        ChangeKind.NEEDS_REVIEW,
        because,
        poam_id=record.poam_id,
        sheet=record.sheet,
        row=record.row,
        detector=record.weakness_detector_source,
        source_identifier=record.weakness_source_identifier,
        weakness_name=record.weakness_name,
    )


def unlisted(weakness: Row, record: Row, goes_on: str, count: int) -> Decision:
    """Assets of a weakness whose item keeps its list in a file that is not here."""
    return aside(
        ChangeKind.NEEDS_REVIEW,
        weakness,
        record,
        f"seen on {count} assets that the cell does not list; its list goes on in {goes_on}, "
        "and no ledger remembers it",
    )


def stale(weakness: Row, place: str, seen: date, clean: date) -> Decision:
    """A sighting that is older than the proof that its place is clean."""
    words = f"seen on {place} on {seen}, and proven clean there on {clean}: is this an older scan?"
    return _about(ChangeKind.NEEDS_REVIEW, weakness, (words,))


def doubtful(weakness: Row, doubts: tuple[Doubt, ...]) -> Decision:
    """A weakness that may be one of some items: a person says."""
    maybe = tuple(f"may be {d.poam_id} ({d.sheet}, row {d.row}): {d.evidence}" for d in doubts)
    ids = ", ".join(d.poam_id for d in doubts)
    return replace(_about(ChangeKind.NEEDS_REVIEW, weakness, maybe), poam_id=ids, doubts=doubts)


def aside(kind: ChangeKind, weakness: Row, record: Row, because: str) -> Decision:
    """A sighting that an existing item, named in `record`, has something to say about."""
    return replace(
        _about(kind, weakness, (because,)),
        poam_id=record.poam_id,
        sheet=record.sheet,
        row=record.row,
    )


def _about(kind: ChangeKind, weakness: Row | Cohort, because: tuple[str, ...]) -> Decision:
    return Decision(
        kind,
        because,
        detector=weakness.detector,
        source_identifier=weakness.source_identifier,
        weakness_name=weakness.name,
    )
