"""One sheet of items while it is edited: values change, rows leave, rows come."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from lxml import etree

from poam.cells import CELL_LIMIT
from poam.errors import WorkbookError
from poam.layout import FIELD_NAMES, FieldType, Layouts
from poam.model import Value
from poam.workbook import ranges
from poam.workbook.anchors import Anchors
from poam.workbook.package import Package, discard
from poam.workbook.plans import SheetPlan
from poam.workbook.read import COLUMNS, PoamWorkbook
from poam.workbook.rows import FORMULA, VALUE
from poam.workbook.sheet_xml import SheetXml
from poam.workbook.styles_xml import Styles
from poam.workbook.values import as_date, as_text, clean, to_serial, understood

_PROSE = ("weakness_description", "remediation_plan")  # often pages long
_DUE = "scheduled_completion_date"
_NUMBER_LENGTH = 15  # a spreadsheet number keeps 15 digits
_SOME = 15  # items that are looked at for how an item looks
_OF_THE_ROW = ("hidden", "outlineLevel", "collapsed", "customFormat", "s")

Item = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Arrival:
    """An item on its way to a sheet: values given, and what its row held, as far as it moves.

    `item` is how it was read, `cells` has cells to copy and values by field, `extras` texts by
    column.
    """

    given: Mapping[str, Value]
    item: Item = field(default_factory=dict)
    cells: Mapping[str, etree._Element | Value] = field(default_factory=dict)
    extras: Mapping[int, str] = field(default_factory=dict)


class ItemSheet:
    """A sheet of items: its part, what hangs on its rows, and what it must read back as."""

    def __init__(
        self,
        package: Package,
        part: str,
        styles: Styles,
        book: PoamWorkbook,
        plan: SheetPlan,
        layouts: Layouts,
    ) -> None:
        self.plan, self._layouts, self._styles = plan, layouts, styles
        self._date1904 = book.date1904
        self.xml = SheetXml(package, part)
        self.anchors = Anchors(package, self.xml, plan.name)
        self._items = {name: book.items[name].array for name in COLUMNS}
        keys = enumerate(zip(book.items["sheet"], book.items["row"], strict=True))
        self._places = {row: at for at, (sheet, row) in keys if sheet == plan.sheet}
        self._changed: dict[int, Item] = {}
        self._gone: set[int] = set()
        self._numbers: dict[int, int] = {}
        self._added: list[Item] = []
        self._usual: dict[int, int] = {}
        self._first_free = self._last = max(plan.last_row, plan.first_row - 1)
        self.lost_result = False

    def item(self, row: int) -> Item:
        """Give the item of a row, as it reads now."""
        if row not in self._changed:
            at = self._places[row]
            self._changed[row] = {name: values[at] for name, values in self._items.items()}
        return self._changed[row]

    def rewritten(self) -> list[Item]:
        """Give the items that changed or came, as the result must read."""
        kept = [(row, item) for row, item in self._changed.items() if row not in self._gone]
        return [item | {"row": self.new_row(row)} for row, item in kept] + self._added

    def is_plain(self, row: int) -> bool:
        """Tell whether the item of a row stays what it was."""
        return row not in self._changed and row not in self._gone

    def new_row(self, row: int) -> int:
        """Give the row where an item stands after others have left."""
        return self._numbers.get(row, row)

    def update(self, row: int, values: Mapping[str, Value]) -> None:
        """Write those of the values that are not there yet; a formula's value freezes it."""
        item, written = self.item(row), False
        for name, value in values.items():
            column = self.plan.columns[name]
            new = understood(value, self._layouts.fields[name])
            frozen = new not in (None, "") and self.xml.has_formula(row, column)
            if new == item[name] and not frozen:
                continue
            item[name] = new
            style = self.xml.style(row, column, self.plan.first_row)
            if not self.xml.holds(row, column):
                style = self._styles.for_text(style)
            self._put(row, name, value, style)
            written = True
        if written:
            self._fit(row, item)
        self.xml.release(row)

    def _fit(self, row: int, item: Item) -> None:
        """Fit the row, and forget what a formula gave as due date: it may now give another."""
        columns = self.plan.columns
        texts = {c: as_text(item[n]) for n, c in columns.items()}
        texts |= {columns[n]: _opening_lines(as_text(item[n])) for n in _PROSE if n in columns}
        self.xml.fit(row, texts)
        if self.xml.forget_result(row, columns[_DUE]):
            item[_DUE] = None
            self.lost_result = True

    def _put(self, row: int, name: str, value: Value, style: int) -> None:
        """Write one value into its column."""
        column = self.plan.columns[name]
        is_date = self._layouts.fields[name].type is FieldType.DATE
        day = as_date(value) if is_date and value is not None else None
        if day is not None:
            serial = to_serial(day, date1904=self._date1904)
            self.xml.put_number(row, column, serial, self._styles.for_date(style))
            return
        found = clean(as_text(value))
        if len(found) > CELL_LIMIT:
            raise WorkbookError(
                f"{self.plan.address(row, column)}: {len(found):,} characters. "
                f"Expected at most {CELL_LIMIT:,}."
            )
        if name == "weakness_source_identifier" and _is_number(found):
            self.xml.put_number(row, column, int(found), style)
        else:
            self.xml.put_text(row, column, found, style)

    def take_off(self, gone: set[int]) -> str | None:
        """Close the rows up over those that leave.

        Where something holds them they are left blank, and the note says so.
        """
        last, first = self._last, min(gone)
        self._gone = gone
        obstacle = self.anchors.obstacle(gone, last)
        for row in gone:
            self.xml.blank(row, self.plan.columns[_DUE])
        if obstacle:
            held = ", ".join(str(r) for r in sorted(gone))
            return f"{self.plan.name}: row {held} left blank because of {obstacle}."
        kept = [r for r in range(first, last + 1) if r not in gone]
        self._numbers = {old: first + n for n, old in enumerate(kept)}
        tail = {old: first + len(kept) + n for n, old in enumerate(sorted(gone))}
        self.xml.reorder(self._numbers | tail)
        self.anchors.follow(self._numbers, first, last)
        self._first_free = self._last = last - len(gone)
        return None

    def arrive(self, arrivals: Iterable[Arrival]) -> None:
        """Write items to the next free rows; validations, formats and tables reach them."""
        for arrival in arrivals:
            self._arrive(arrival)
        before = max(self._first_free, self.plan.first_row)
        if self._last > self._first_free:
            self.xml.extend(before, self._last)
            self.anchors.extend(before, self._last)

    def _arrive(self, arrival: Arrival) -> None:
        plan, row = self.plan, self._last + 1
        if row > ranges.LAST_ROW:
            raise WorkbookError(f"{plan.name}: has no free row left.")
        self._last = row
        is_prepared = row > plan.last_row and bool(self.xml.cells(row))
        styles = {
            c: self._styles.for_text(
                self.xml.style(row, c, plan.first_row) if is_prepared else self._usual_style(c)
            )
            for c in (*plan.columns.values(), *arrival.extras)
        }
        item: Item = {"sheet": plan.sheet.value, "row": row}
        for name in FIELD_NAMES:
            item[name] = understood(None, self._layouts.fields[name])
            if name in plan.columns:
                self._fill(item, name, arrival, styles[plan.columns[name]])
        for column, text in arrival.extras.items():
            self.xml.put_text(row, column, clean(text), styles[column])
        for mark in _OF_THE_ROW:  # of what stood here, where it left
            discard(self.xml.row(row), mark)
        self._fit(row, item)
        self._added.append(item)
        self.xml.release(row - 1)  # the row itself is the model of the next one

    def _usual_style(self, column: int) -> int:
        """Give the style that most items have: a person may have coloured single ones."""
        if column not in self._usual:
            rows = [self.new_row(row) for row in self.plan.item_rows if row not in self._gone]
            some = rows[:: len(rows) // _SOME + 1] or [self.plan.first_row]
            found = Counter(self.xml.style(row, column, self.plan.first_row) for row in some)
            self._usual[column] = found.most_common(1)[0][0]
        return self._usual[column]

    def _fill(self, item: Item, name: str, arrival: Arrival, style: int) -> None:
        """Write one cell of an item that comes; what nobody gives leaves a formula alone."""
        row, column, rule = item["row"], self.plan.columns[name], self._layouts.fields[name]
        is_given = name in arrival.given
        value = arrival.given[name] if is_given else arrival.cells.get(name)
        if isinstance(value, etree._Element):
            item[name] = arrival.item[name]
            self.xml.put_copy(row, column, value, style)
        elif is_given or value not in (None, ""):
            item[name] = understood(value, rule)
            self._put(row, name, value, style)
        elif not self.xml.holds(row, column):
            is_date = rule.type is FieldType.DATE
            self.xml.dress(row, column, self._styles.for_date(style) if is_date else style)
        elif not self.xml.has_formula(row, column):
            self._put(row, name, None, style)

    def set_poam_date(self, day: date) -> None:
        """Set the date in the block above the table."""
        row, column = self.plan.metadata["poam_date"]
        cell = self.xml.cells(row).get(column)
        serial = to_serial(day, date1904=self._date1904)
        if cell is not None and not cell.get("t") and cell.find(FORMULA) is None:
            stored = cell.findtext(VALUE)
            if stored and float(stored) == serial:
                return
        style = self._styles.for_date(self.xml.style(row, column, 1))
        self.xml.put_number(row, column, serial, style)

    def has_other_formulas(self) -> bool:
        """Tell whether the sheet has formulas that give no due date."""
        due = self.plan.columns[_DUE]
        return any(ranges.split(c.get("r", ""))[1] != due for c in self.xml.formula_cells())


def _is_number(text: str) -> bool:
    return (
        text.isascii()
        and text.isdigit()
        and len(text) <= _NUMBER_LENGTH
        and (text == "0" or not text.startswith("0"))
    )


def _opening_lines(text: str) -> str:
    """The part of a long text that a row makes room for; the rest is read in the cell."""
    return "\n".join(text[:500].split("\n")[:10])
