"""Write edits into a workbook in place: changed cells change, everything else stays as it was."""

import os
import re
import shutil
from collections.abc import Mapping
from copy import deepcopy
from datetime import date
from pathlib import Path
from typing import Any

from lxml import etree

from poam.cells import CELL_LIMIT
from poam.errors import WorkbookError
from poam.layout import FIELD_NAMES, FieldType, Layouts
from poam.model import Sheet, Value
from poam.workbook import ranges
from poam.workbook.anchors import Anchors
from poam.workbook.checks import check_edits, check_result
from poam.workbook.edits import RowAddition, RowMove, RowUpdate, WorkbookEdits
from poam.workbook.package import CALC_CHAIN, MAIN, OFFICE, Package, discard, serialise
from poam.workbook.read import PoamWorkbook, SheetPlan, read_workbook
from poam.workbook.sheet_xml import FORMULA, VALUE, SheetXml
from poam.workbook.styles_xml import Styles
from poam.workbook.values import as_date, as_text, choice_of, clean, to_serial

_PROSE = ("weakness_description", "remediation_plan")  # often pages long
_DUE = "scheduled_completion_date"
_NUMBER_LENGTH = 15  # a spreadsheet number keeps 15 digits
Item = dict[str, Any]


def write_workbook(
    source: Path, target: Path, edits: WorkbookEdits, layouts: Layouts
) -> tuple[str, ...]:
    """Write `source` with the edits to `target`; gives notes on what could not be done neatly.

    The two may be the same file. Without any real change the target is a copy, byte for byte.
    A formula is never equal to the value it shows: setting that value freezes it.
    """
    if source.suffix.lower() != target.suffix.lower():
        raise WorkbookError(
            f"{target.name}: the source is {source.suffix}. Expected a target of the same type."
        )
    book = read_workbook(source, layouts)
    check_edits(book, edits)
    draft = target.with_name(f".{target.stem}.{os.getpid()}.tmp{target.suffix}")
    package = Package(source)
    try:
        writer = _Writer(package, book, layouts)
        writer.apply(edits)
        if package.is_changed:
            package.write(draft)
            check_result(read_workbook(draft, layouts), writer.expected, target.name)
        else:
            _copy(source, draft)
        package.close()
        if target.exists():
            shutil.copymode(target, draft)
        os.replace(draft, target)  # noqa: PTH105  Path.replace is the same call
    except OSError as e:
        raise WorkbookError(f"{target}: cannot be written ({e.strerror}).") from e
    finally:
        package.close()
        draft.unlink(missing_ok=True)
    return tuple(writer.notes)


def _copy(source: Path, draft: Path) -> None:
    with source.open("rb") as old, draft.open("wb") as new:
        shutil.copyfileobj(old, new)
        new.flush()
        os.fsync(new.fileno())


class _Writer:
    """One write: the parts being edited, and what the result must read like."""

    def __init__(self, package: Package, book: PoamWorkbook, layouts: Layouts) -> None:
        self._package, self._book, self._layouts = package, book, layouts
        self.notes: list[str] = []
        self.expected: dict[Sheet, list[Item]] = {s: [] for s in book.plans}
        self._rows: dict[tuple[Sheet, int], Item] = {}
        for item in book.items.to_dict("records"):
            made = {str(k): v for k, v in item.items()}
            self.expected[Sheet(made["sheet"])].append(made)
            self._rows[Sheet(made["sheet"]), made["row"]] = made
        parts = sheet_parts(package)
        self._parts = {s: parts[p.name] for s, p in book.plans.items()}
        self._sheets: dict[Sheet, SheetXml] = {}
        self._anchors: dict[Sheet, Anchors] = {}
        self._last = {s: max(p.last_row, p.first_row - 1) for s, p in book.plans.items()}
        self._recalculate = False
        self._styles = Styles(package)

    def _sheet(self, sheet: Sheet) -> SheetXml:
        if sheet not in self._sheets:
            self._sheets[sheet] = SheetXml(self._package, self._parts[sheet])
            name = self._book.plans[sheet].name
            self._anchors[sheet] = Anchors(self._package, self._sheets[sheet], name)
        return self._sheets[sheet]

    def apply(self, edits: WorkbookEdits) -> None:
        """Do every edit, rows that stay first, then rows that leave, then rows that come."""
        leaving = {(Sheet(m.sheet), m.row) for m in edits.moves}
        for update in edits.updates:
            if (Sheet(update.sheet), update.row) not in leaving:
                self._update(update)
        arriving = [self._taken(m, edits.updates) for m in edits.moves]
        for sheet in Sheet:
            if gone := {row for s, row in leaving if s is sheet}:
                self._take_off(sheet, gone)
        self._append(arriving, edits.additions)
        if edits.poam_date:
            self._set_poam_date(edits.poam_date)
        self._save()

    def _update(self, update: RowUpdate) -> None:
        sheet = Sheet(update.sheet)
        plan, item = self._book.plans[sheet], self._rows[sheet, update.row]
        written = False
        for name, value in update.values.items():
            column = plan.columns[name]
            new = self._understood(name, value)
            xml = self._sheet(sheet)
            frozen = new not in (None, "") and xml.has_formula(update.row, column)
            if new == item[name] and not frozen:
                continue
            item[name] = new
            style = xml.style(update.row, column, plan.first_row)
            if not xml.holds(update.row, column):
                style = self._styles.for_text(style)
            self._put(sheet, update.row, name, value, style)
            written = True
        if written:
            self._fit(sheet, update.row, item)
            self._forget_due_date(sheet, update.row, item)

    def _fit(self, sheet: Sheet, row: int, item: Item) -> None:
        columns = self._book.plans[sheet].columns
        texts = {c: as_text(item[n]) for n, c in columns.items()}
        texts |= {columns[n]: _opening_lines(as_text(item[n])) for n in _PROSE if n in columns}
        self._sheet(sheet).fit(row, texts)

    def _forget_due_date(self, sheet: Sheet, row: int, item: Item) -> None:
        """Forget what a formula gave as due date: it may now give another."""
        column = self._book.plans[sheet].columns[_DUE]
        if self._sheet(sheet).forget_result(row, column):
            item[_DUE] = None
            self._recalculate = True

    def _understood(self, name: str, value: Value) -> Any:  # noqa: ANN401  text or date
        """Give a value as the reader would read it back."""
        rule = self._layouts.fields[name]
        if rule.type is FieldType.DATE:
            return None if value in (None, "") else as_date(value)
        found = as_text(clean(as_text(value)))
        if rule.type is FieldType.CHOICE:
            return choice_of(found, rule) or found
        return found

    def _put(self, sheet: Sheet, row: int, name: str, value: Value, style: int) -> None:
        """Write one value into its column."""
        plan, xml = self._book.plans[sheet], self._sheet(sheet)
        column = plan.columns[name]
        is_date = self._layouts.fields[name].type is FieldType.DATE
        day = as_date(value) if is_date and value is not None else None
        if day is not None:
            serial = to_serial(day, date1904=self._book.date1904)
            xml.put_number(row, column, serial, self._styles.for_date(style))
            return
        found = clean(as_text(value))
        if len(found) > CELL_LIMIT:
            raise WorkbookError(
                f"{plan.address(row, column)}: {len(found):,} characters. "
                f"Expected at most {CELL_LIMIT:,}."
            )
        if name == "weakness_source_identifier" and _is_number(found):
            xml.put_number(row, column, int(found), style)
        else:
            xml.put_text(row, column, found, style)

    def _taken(self, move: RowMove, updates: tuple[RowUpdate, ...]) -> "_Arrival":
        """Collect what a moving row holds, with what its new sheet has no column for."""
        sheet, to = Sheet(move.sheet), Sheet(move.to_sheet)
        plan, goal = self._book.plans[sheet], self._book.plans[to]
        values: dict[str, Value] = {}
        for update in updates:
            if (Sheet(update.sheet), update.row) == (sheet, move.row):
                values |= update.values
        values |= move.values
        item = self._rows[sheet, move.row]
        lines = []
        for name in plan.columns:
            text = as_text(self._understood(name, values[name]) if name in values else item[name])
            if name not in goal.columns and text:
                lines.append(f"{plan.headers[plan.columns[name]]}: {text}")
        known = {h.casefold(): c for c, h in goal.headers.items()}
        extras: dict[int, str] = {}
        for column, text in plan.extras.get(move.row, {}).items():
            header = plan.headers.get(column, f"Column {ranges.name(1, column)[:-1]}")
            if header.casefold() in known and known[header.casefold()] not in goal.columns.values():
                extras[known[header.casefold()]] = text
            else:
                lines.append(f"{header}: {text}")
        self._sheet(sheet)
        for column, words in sorted(self._anchors[sheet].words.get(move.row, ())):
            header = plan.headers.get(column, f"Column {ranges.name(1, column)[:-1]}")
            lines.append(words.replace("%s", header, 1))
        if lines:
            base = values["comments"] if "comments" in values else item["comments"]
            values["comments"] = "\n".join(x for x in (as_text(base), *lines) if x)
        there = self._sheet(sheet).cells(move.row)
        cells = {n: there[c] for n, c in plan.columns.items() if n not in values and c in there}
        return _Arrival(to, item, values, self._copies(cells, item, goal), extras)

    def _copies(
        self, cells: dict[str, etree._Element], item: Item, goal: SheetPlan
    ) -> dict[str, etree._Element | Value]:
        """Give text and what nobody understood as it is; numbers and formulas as their value."""
        found: dict[str, etree._Element | Value] = {}
        for name, cell in cells.items():
            if name not in goal.columns:
                continue
            if cell.find(FORMULA) is not None:
                found[name] = item[name]
            elif len(cell):
                is_text = cell.get("t") in ("s", "inlineStr", "str")
                keep = is_text or item[name] in (None, "")
                found[name] = deepcopy(cell) if keep else item[name]
        return found

    def _take_off(self, sheet: Sheet, gone: set[int]) -> None:
        """Close the rows up over those that leave, or leave them blank where they are held."""
        plan, xml = self._book.plans[sheet], self._sheet(sheet)
        last, first = self._last[sheet], min(gone)
        self.expected[sheet] = [i for i in self.expected[sheet] if i["row"] not in gone]
        obstacle = self._anchors[sheet].obstacle(gone, last)
        for row in gone:
            xml.blank(row, plan.columns[_DUE])
        if obstacle:
            held = ", ".join(str(r) for r in sorted(gone))
            self.notes.append(f"{plan.name}: row {held} left blank because of {obstacle}.")
            return
        kept = [r for r in range(first, last + 1) if r not in gone]
        rows = {old: first + n for n, old in enumerate(kept)}
        tail = {old: first + len(kept) + n for n, old in enumerate(sorted(gone))}
        for old in (*rows, *tail):
            for cell in xml.cells(old).values():
                xml.formulas.expand(cell)
        xml.reorder(rows | tail)
        self._anchors[sheet].follow(rows, first, last)
        for item in self.expected[sheet]:
            item["row"] = rows.get(item["row"], item["row"])
        self._last[sheet] = last - len(gone)

    def _append(self, arriving: list["_Arrival"], additions: tuple[RowAddition, ...]) -> None:
        before = dict(self._last)
        for arrival in arriving:
            self._arrive(arrival)
        for addition in additions:
            sheet = Sheet(addition.sheet)
            blank: Item = {n: self._understood(n, None) for n in FIELD_NAMES}
            self._arrive(_Arrival(sheet, blank, dict(addition.values), {}, {}))
        for sheet, last in self._last.items():
            if last > before[sheet]:
                plan = self._book.plans[sheet]
                self._sheet(sheet).extend(max(before[sheet], plan.first_row), last)
                self._anchors[sheet].extend(max(before[sheet], plan.first_row), last)

    def _arrive(self, arrival: "_Arrival") -> None:
        """Write one whole item to the next free row of its sheet."""
        sheet = arrival.sheet
        plan, xml = self._book.plans[sheet], self._sheet(sheet)
        row = self._last[sheet] + 1
        if row > ranges.LAST_ROW:
            raise WorkbookError(f"{plan.name}: has no free row left.")
        self._last[sheet] = row
        item: Item = {"sheet": sheet.value, "row": row}
        styles = {
            c: self._styles.for_text(xml.style(row, c, plan.first_row))
            for c in (*plan.columns.values(), *arrival.extras)
        }
        for name in FIELD_NAMES:
            column = plan.columns.get(name)
            item[name] = self._understood(name, None)
            if column is None:
                continue
            value: Value = arrival.values.get(name)
            copied = arrival.cells.get(name)
            if name not in arrival.values and isinstance(copied, etree._Element):
                item[name] = arrival.item[name]
                xml.put_copy(row, column, copied, styles[column])
                continue
            if name not in arrival.values and not isinstance(copied, etree._Element):
                value = copied
            given = name in arrival.values or value not in (None, "")
            if not given and xml.has_formula(row, column):
                continue
            if not given and not xml.holds(row, column):
                is_date = self._layouts.fields[name].type is FieldType.DATE
                style = styles[column]
                xml.dress(row, column, self._styles.for_date(style) if is_date else style)
                continue
            item[name] = self._understood(name, value)
            self._put(sheet, row, name, value, styles[column])
        for column, text in arrival.extras.items():
            xml.put_text(row, column, clean(text), styles[column])
        self._fit(sheet, row, item)
        discard(xml.row(row), "hidden")
        self._forget_due_date(sheet, row, item)
        self.expected[sheet].append(item)

    def _set_poam_date(self, day: date) -> None:
        """Set the date in the block above the table, on every sheet that has one."""
        for sheet, plan in self._book.plans.items():
            if "poam_date" not in plan.metadata:
                continue
            row, column = plan.metadata["poam_date"]
            xml = self._sheet(sheet)
            cell = xml.cells(row).get(column)
            serial = to_serial(day, date1904=self._book.date1904)
            if cell is not None and not cell.get("t") and cell.find(FORMULA) is None:
                stored = cell.findtext(VALUE)
                if stored and float(stored) == serial:
                    continue
            style = self._styles.for_date(xml.style(row, column, 1))
            xml.put_number(row, column, serial, style)

    def _save(self) -> None:
        formulas = any(x.formulas.is_changed for x in self._sheets.values())
        if any(x.is_changed for x in self._sheets.values()):
            self._recalculate |= self._has_other_formulas()
        for xml in self._sheets.values():
            xml.save()
        self._styles.save()
        if formulas:
            self._package.drop_related(CALC_CHAIN)
        if self._recalculate:
            _recalculate_on_load(self._package)

    def _has_other_formulas(self) -> bool:
        """Tell whether formulas outside the due dates may now show a stale result."""
        for sheet, xml in self._sheets.items():
            due = self._book.plans[sheet].columns[_DUE]
            for formula in xml.data.iter(FORMULA):
                cell = formula.getparent()
                if cell is not None and ranges.split(cell.get("r", "A1"))[1] != due:
                    return True
        own = {xml.part for xml in self._sheets.values()}
        return any(
            re.search(rb"<f[ >]", self._package.read(p))
            for p in self._package.names
            if p.startswith("xl/worksheets/sheet") and p not in own
        )


class _Arrival:
    """An item on its way to a sheet: values set, cells copied, extra columns."""

    def __init__(
        self,
        sheet: Sheet,
        item: Item,
        values: dict[str, Value],
        cells: Mapping[str, etree._Element | Value],
        extras: dict[int, str],
    ) -> None:
        self.sheet, self.item, self.values = sheet, item, values
        self.cells, self.extras = cells, extras


def _is_number(text: str) -> bool:
    return (
        text.isascii()
        and text.isdigit()
        and len(text) <= _NUMBER_LENGTH
        and (text == "0" or not text.startswith("0"))
    )


def sheet_parts(package: Package) -> dict[str, str]:
    """Give the part of each sheet."""
    workbook = package.workbook_part
    relations = package.relations(workbook)
    found = {}
    for sheet in package.xml(workbook).iter(f"{{{MAIN}}}sheet"):
        rid = sheet.get(f"{{{OFFICE}}}id", "")
        if rid in relations:
            found[sheet.get("name", "")] = relations[rid][1]
    return found


def _recalculate_on_load(package: Package) -> None:
    """Ask the spreadsheet program to compute every formula when it opens the file."""
    part = package.workbook_part
    root = package.xml(part)
    settings = root.find(f"{{{MAIN}}}calcPr")
    if settings is None:
        return
    if settings.get("fullCalcOnLoad") not in ("1", "true"):
        settings.set("fullCalcOnLoad", "1")
        package.replace(part, serialise(root))


def _opening_lines(text: str) -> str:
    """The part of a long text that a row makes room for; the rest is read in the cell."""
    return "\n".join(text[:500].split("\n")[:10])
