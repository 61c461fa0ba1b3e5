"""What differs between two POA&M workbooks of any editions: item by item, cell by cell."""

from ast import literal_eval
from collections import Counter, defaultdict, deque
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from functools import cached_property
from itertools import takewhile

import pandas as pd

from poam.asset_lines import asset_lines
from poam.frames import Row, rows
from poam.layout import METADATA_NAMES, Layouts, Owner
from poam.model import Sheet
from poam.workbook import PoamWorkbook, SheetPlan
from poam.workbook.ranges import name as cell_name

COLUMNS = [
    "kind",
    "poam_id",
    "sheet",
    "to_sheet",
    "field",
    "address_before",
    "address_after",
    "before",
    "after",
]
ASSETS = "asset_identifier"
# What an edition writes where a field has no value, by the setting that says so.
WORDS_FOR_NOTHING = {
    "adjusted_risk_rating": "no_adjusted_rating",
    "weakness_source_identifier": "no_identifier",
    "bod_22_01_tracking": "no_kev",
}


class DifferenceKind(StrEnum):
    """What a row of the difference says."""

    ADDED = "added"
    REMOVED = "removed"
    RENAMED = "renamed"  # the same item under another POA&M ID
    MOVED = "moved"  # to another sheet
    CHANGED = "changed"
    LOST = "lost"  # a value whose column the new sheet does not have
    NEW = "new"  # a value whose column the old sheet does not have


@dataclass(frozen=True, slots=True)
class CellDifference:
    """One cell: its column's header, where it was and is, and what it said and says.

    Of a list that had lines and still has some, `only_lines` says that `before` and `after` are no
    more than the lines that went and came: assets as a set, append-only columns between the equal
    lines at the beginning and the end. Of a move they are the sheets' names.
    """

    kind: DifferenceKind
    field: str
    address_before: str
    address_after: str
    before: str
    after: str
    only_lines: bool = False


@dataclass(frozen=True, slots=True)
class ItemDifference:
    """One item, as the new workbook calls it; `to_sheet` is empty where it stays."""

    poam_id: str
    weakness_name: str
    sheet: str
    to_sheet: str
    cells: tuple[CellDifference, ...]

    @property
    def kinds(self) -> tuple[DifferenceKind, ...]:
        """What happened to the item, each once."""
        return tuple(dict.fromkeys(cell.kind for cell in self.cells))


@dataclass(frozen=True)
class Difference:
    """What differs from the workbook `before` to the workbook `after`: file name and edition.

    `heading` are the cells above the table; `items` come in the order of the new workbook, those
    removed last; `notes` say which items could not be matched by POA&M ID alone.
    """

    before: str
    after: str
    heading: tuple[CellDifference, ...]
    items: tuple[ItemDifference, ...]
    notes: tuple[str, ...]

    @property
    def summary(self) -> str:
        """The counts in a line: `3 added, 1 removed, 4 moved, 12 changed in 31 cells`."""
        if not (self.heading or self.items):
            return "no difference"
        kinds = DifferenceKind
        items = Counter(kind for item in self.items for kind in item.kinds)
        cells = Counter(cell.kind for item in self.items for cell in item.cells)
        counts = [f"{items[kind]} {kind}" for kind in (kinds.ADDED, kinds.REMOVED, kinds.MOVED)]
        counts.append(f"{items[kinds.CHANGED]} changed in {_counted(cells[kinds.CHANGED], 'cell')}")
        rare = [
            (items[kinds.RENAMED], f"{items[kinds.RENAMED]} renamed"),
            (cells[kinds.LOST], f"{_counted(cells[kinds.LOST], 'value')} lost with the column"),
            (cells[kinds.NEW], f"{_counted(cells[kinds.NEW], 'value')} in a new column"),
            (len(self.heading), f"{_counted(len(self.heading), 'cell')} above the table"),
        ]
        return ", ".join([*counts, *(words for count, words in rare if count)])

    def frame(self) -> pd.DataFrame:
        """One row per cell, all text: kind, item, sheets (`open`), header, addresses, values."""
        parts = [("", Sheet.OPEN.value, "", self.heading)]
        parts += [(item.poam_id, item.sheet, item.to_sheet, item.cells) for item in self.items]
        records = [
            (c.kind.value, *head, c.field, c.address_before, c.address_after, c.before, c.after)
            for *head, cells in parts
            for c in cells
        ]
        return pd.DataFrame.from_records(records, columns=COLUMNS).astype("str")


def difference(old: PoamWorkbook, new: PoamWorkbook, layouts: Layouts) -> Difference:
    """Compare two workbooks as read; their editions and the order of their rows may differ.

    Items are matched by POA&M ID, whatever its case; where an ID stands on several rows by sheet
    and order. A row left over on either side with the same detector, source identifier (or else
    name), detection date and assets is the same item, renamed. Values are compared as people see
    them: days as days, choices by the drop-down's spelling, without blanks at a line's end. What
    two editions write for nothing is equal between them.
    """
    comparison = _Comparison(_Side(old), _Side(new), layouts)
    pairs = _paired(list(rows(old.items)), list(rows(new.items)))
    found = (comparison.item(was, now) for was, now in pairs)
    return Difference(
        f"{old.path.name} ({old.edition})",
        f"{new.path.name} ({new.edition})",
        tuple(comparison.heading()),
        tuple(item for item in found if item.cells),
        (*_notes(old), *_notes(new)),
    )


def common_start(one: Sequence[str], other: Sequence[str]) -> int:
    """How many texts at the beginning of two sequences are the same."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _folded(text: str) -> str:
    return " ".join(text.split()).casefold()


def _notes(book: PoamWorkbook) -> Iterator[str]:
    counts = Counter(map(_folded, book.items["poam_id"]))
    for poam_id, count in counts.items():
        if not poam_id:
            yield (
                f"{book.path.name}: {_counted(count, 'item')} without POA&M ID, matched by "
                "detector, source identifier, detection date and assets."
            )
        elif count > 1:
            name = next(i for i in book.items["poam_id"] if _folded(i) == poam_id).strip()
            yield f"{book.path.name}: {name} stands on {count} rows, matched by sheet and order."


def _paired(old: list[Row], new: list[Row]) -> Iterator[tuple[Row | None, Row | None]]:
    """Match rows by one key after another, in order where several rows share it."""
    pairs: dict[int, Row] = {}
    gone = {record.Index: record for record in old}
    for key in (_id_on_sheet, _id, _identity):
        waiting: dict[Hashable, deque[Row]] = defaultdict(deque)
        for record in gone.values():
            waiting[key(record)].append(record)
        waiting.pop(None, None)
        for record in new:
            if record.Index not in pairs and waiting.get(key(record)):
                was = waiting[key(record)].popleft()
                pairs[record.Index] = gone.pop(was.Index)
    yield from ((pairs.get(record.Index), record) for record in new)
    yield from ((record, None) for record in gone.values())


def _id_on_sheet(record: Row) -> Hashable:
    poam_id = _id(record)
    return poam_id and (poam_id, record.sheet)


def _id(record: Row) -> Hashable:
    return _folded(record.poam_id) or None


def _identity(record: Row) -> Hashable:
    return (
        _folded(record.weakness_detector_source),
        _folded(record.weakness_source_identifier) or _folded(record.weakness_name),
        record.original_detection_date,
        frozenset(_listed(record.asset_identifier)),
    )


def _listed(cell: str) -> dict[str, None]:
    return dict.fromkeys(line.text for line in asset_lines(cell))


def _trimmed(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.split("\n")).strip()


@dataclass(frozen=True)
class _Side:
    """One of the two workbooks."""

    book: PoamWorkbook

    @cached_property
    def unread(self) -> dict[str, str]:
        """The cells that the reader could not understand, by address."""
        return {problem.address: problem.found for problem in self.book.problems}

    def plan(self, record: Row | None) -> SheetPlan | None:
        return None if record is None else self.book.plans[Sheet(record.sheet)]

    def cell(self, record: Row | None, name: str, column: int) -> tuple[str, str]:
        """Give a cell's address and text; empty where there is no such row or column."""
        plan = self.plan(record)
        if record is None or plan is None or not column:
            return "", ""
        address = plan.address(record.row, column)
        if not name:
            return address, plan.extras.get(record.row, {}).get(column, "")
        value = getattr(record, name)
        if value is None:  # no date, or words in place of one, which the reader quotes
            return address, str(literal_eval(self.unread.get(address, "''")))
        return address, value.isoformat() if isinstance(value, date) else str(value)


@dataclass(frozen=True, slots=True)
class _Column:
    """A column of two sheets; `field` is empty for a site's own, a number 0 where it is not."""

    field: str
    header: str
    before: int
    after: int


@dataclass(frozen=True)
class _Comparison:
    """Compares rows that belong together."""

    old: _Side
    new: _Side
    layouts: Layouts
    columns: dict[tuple[str, str], tuple[_Column, ...]] = field(default_factory=dict)

    @cached_property
    def nothing(self) -> Mapping[str, set[str]]:
        """What both editions write for nothing, by field; one edition's words are its own."""
        one, other = (self.layouts.editions[side.book.edition] for side in (self.old, self.new))
        if one is other:
            return {}
        return {
            name: {"", _folded(getattr(one, setting)), _folded(getattr(other, setting))}
            for name, setting in WORDS_FOR_NOTHING.items()
        }

    def heading(self) -> Iterator[CellDifference]:
        """Compare the facts above the table."""
        sides = [(side.book, side.book.plans[Sheet.OPEN].metadata) for side in (self.old, self.new)]
        labels = self.layouts.editions[self.new.book.edition].metadata
        for name in METADATA_NAMES:
            before, after = (book.metadata.get(name, "") for book, _ in sides)
            if before != after:
                at = [
                    book.plans[Sheet.OPEN].address(*cells[name]) if name in cells else ""
                    for book, cells in sides
                ]
                yield CellDifference(
                    DifferenceKind.CHANGED, labels[name].label, at[0], at[1], before, after
                )

    def item(self, was: Row | None, now: Row | None) -> ItemDifference:
        """Compare two rows, one of which may not be there."""
        moved = was is not None and now is not None and was.sheet != now.sheet
        cells = [self._move(was, now)] if moved else []
        for column in self._columns(was, now):
            at, before = self.old.cell(was, column.field, column.before)
            to, after = self.new.cell(now, column.field, column.after)
            if not self._differ(column.field, before, after):
                continue
            lines = bool(before and after) and self._is_list(column.field)
            if lines:
                compared = _unlisted if column.field == ASSETS else _unlike
                before, after = compared(before, after)
            if before or after:
                kind = _kind(column, was, now)
                cells.append(CellDifference(kind, column.header, at, to, before, after, lines))
        first: Row = was or now
        last: Row = now or was
        to_sheet = last.sheet if moved else ""
        return ItemDifference(last.poam_id, last.weakness_name, first.sheet, to_sheet, tuple(cells))

    def _move(self, was: Row, now: Row) -> CellDifference:
        old, new = self.old.book.plans[Sheet(was.sheet)], self.new.book.plans[Sheet(now.sheet)]
        at = old.address(was.row, old.columns["poam_id"])
        to = new.address(now.row, new.columns["poam_id"])
        return CellDifference(DifferenceKind.MOVED, "", at, to, old.name, new.name)

    def _columns(self, was: Row | None, now: Row | None) -> tuple[_Column, ...]:
        """Give the columns of both rows' sheets, in the new workbook's order."""
        sheets = ("" if was is None else was.sheet, "" if now is None else now.sheet)
        if sheets not in self.columns:
            old, new = _named(self.old.plan(was)), _named(self.new.plan(now))
            none = ("", 0)
            self.columns[sheets] = tuple(
                _Column(
                    key[0],
                    (new.get(key) or old[key])[0],
                    old.get(key, none)[1],
                    new.get(key, none)[1],
                )
                for key in {**new, **old}
            )
        return self.columns[sheets]

    def _differ(self, name: str, before: str, after: str) -> bool:
        """Tell whether people would see two values as different."""
        if before == after or _trimmed(before) == _trimmed(after):
            return False
        return not {_folded(before), _folded(after)} <= self.nothing.get(name, set())

    def _is_list(self, name: str) -> bool:
        rule = self.layouts.fields.get(name)
        return name == ASSETS or (rule is not None and rule.owner is Owner.APPEND)


def _kind(column: _Column, was: Row | None, now: Row | None) -> DifferenceKind:
    if was is None:
        return DifferenceKind.ADDED
    if now is None:
        return DifferenceKind.REMOVED
    if not column.after:
        return DifferenceKind.LOST
    if not column.before:
        return DifferenceKind.NEW
    return DifferenceKind.RENAMED if column.field == "poam_id" else DifferenceKind.CHANGED


def _unlisted(before: str, after: str) -> tuple[str, str]:
    """Give the assets that only one of two lists has."""
    was, now = _listed(before), _listed(after)
    gone, came = [x for x in was if x not in now], [x for x in now if x not in was]
    return "\n".join(gone), "\n".join(came)


def _unlike(before: str, after: str) -> tuple[str, str]:
    """Give the lines between what two texts have in common at their beginning and end."""
    was, now = ([x for x in _trimmed(text).split("\n") if x] for text in (before, after))
    start = common_start(was, now)
    was, now = was[start:], now[start:]
    end = common_start(was[::-1], now[::-1])
    return "\n".join(was[: len(was) - end]), "\n".join(now[: len(now) - end])


def _named(plan: SheetPlan | None) -> dict[tuple[str, str, int], tuple[str, int]]:
    """Give header and number of a sheet's columns, by what they are called on any sheet.

    That is the field, or for a site's own column "" and its header, counted where several have it.
    """
    if plan is None:
        return {}
    fields = {number: name for name, number in plan.columns.items()}
    filled = {column for row in plan.extras.values() for column in row}
    found: dict[tuple[str, str, int], tuple[str, int]] = {}
    seen: Counter[str] = Counter()
    for number in sorted({*plan.headers, *filled}):
        name = fields.get(number, "")
        header = plan.headers.get(number, f"Column {cell_name(1, number)[:-1]}")
        key = "" if name else _folded(header)
        seen[key] += 1
        found[name, key, 0 if name else seen[key]] = (" ".join(header.split()), number)
    return found
