"""What a caller may ask of a workbook: change cells, add rows, move rows, set its date."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from poam.model import Value


@dataclass(frozen=True, slots=True)
class RowUpdate:
    """New values for some fields of an item's row."""

    sheet: str
    row: int
    values: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class RowAddition:
    """A new item, written to the first free row of a sheet."""

    sheet: str
    values: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class RowMove:
    """An item that goes to another sheet, with some values set on the way.

    What the other sheet has no column for becomes a line `Header: value` in its comments.
    """

    sheet: str
    row: int
    to_sheet: str
    values: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class WorkbookEdits:
    """Every edit of one write. An edit that sets what is already there is no edit."""

    updates: tuple[RowUpdate, ...] = ()
    additions: tuple[RowAddition, ...] = ()
    moves: tuple[RowMove, ...] = ()
    poam_date: date | None = None
