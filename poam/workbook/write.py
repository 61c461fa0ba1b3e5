"""Write edits into a workbook in place: changed cells change, everything else stays as it was."""

import os
import re
import shutil
from collections import defaultdict
from contextlib import closing
from pathlib import Path

import pandas as pd
from lxml import etree

from poam.errors import WorkbookError
from poam.layout import Layouts
from poam.model import Sheet, Value
from poam.workbook.checks import check_edits, check_result
from poam.workbook.edits import WorkbookEdits
from poam.workbook.item_sheet import Arrival, ItemSheet
from poam.workbook.moves import taken_along
from poam.workbook.package import CALC_CHAIN, MAIN, OFFICE, Package, serialise
from poam.workbook.read import COLUMNS, PoamWorkbook, item_frame, read_workbook
from poam.workbook.styles_xml import Styles

# What comes before calcPr in a workbook part (ECMA-376 part 1, 18.2.27).
_BEFORE_CALC = {
    "fileVersion",
    "fileSharing",
    "workbookPr",
    "workbookProtection",
    "bookViews",
    "sheets",
    "functionGroups",
    "externalReferences",
    "definedNames",
}


def write_workbook(
    source: Path, target: Path, edits: WorkbookEdits, layouts: Layouts
) -> tuple[str, ...]:
    """Write `source` with the edits to `target`; gives notes on what could not be done neatly.

    The two may be the same file. Without any real change the target is a copy, byte for byte.
    A formula is never equal to the value it shows: setting that value freezes it. The target
    is only replaced by a file that was read again and holds what was asked for.
    """
    if source.suffix.lower() != target.suffix.lower():
        raise WorkbookError(
            f"{target.name}: the source is {source.suffix}. Expected a target of the same type."
        )
    book = read_workbook(source, layouts)
    check_edits(book, edits)
    draft = target.with_name(f".{target.stem}.tmp{target.suffix}")
    try:
        expected, notes = _write(draft, book, edits, layouts)
        check_result(read_workbook(draft, layouts), expected, target.name)
        if target.exists():
            shutil.copymode(target, draft)
        os.replace(draft, target)  # noqa: PTH105  Path.replace is the same call
    except OSError as e:
        raise WorkbookError(f"{target}: cannot be written ({e.strerror}).") from e
    finally:
        draft.unlink(missing_ok=True)
    return notes


def _write(
    draft: Path, book: PoamWorkbook, edits: WorkbookEdits, layouts: Layouts
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Write the draft; gives the items it must read back as, and the notes."""
    with closing(Package(book.path)) as package:
        writer = _Writer(package, book, layouts)
        writer.apply(edits)
        if package.is_changed:
            package.write(draft)
        else:
            _copy(book.path, draft)
        return writer.expected(), tuple(writer.notes)


def _copy(source: Path, draft: Path) -> None:
    with source.open("rb") as old, draft.open("wb") as new:
        shutil.copyfileobj(old, new)
        new.flush()
        os.fsync(new.fileno())


class _Writer:
    """One write: the sheets being edited, loaded once they are."""

    def __init__(self, package: Package, book: PoamWorkbook, layouts: Layouts) -> None:
        self._package, self._book, self._layouts = package, book, layouts
        self.notes: list[str] = []
        self._parts = sheet_parts(package)
        self._sheets: dict[Sheet, ItemSheet] = {}
        self._styles = Styles(package)

    def _sheet(self, sheet: Sheet) -> ItemSheet:
        if sheet not in self._sheets:
            plan = self._book.plans[sheet]
            part = self._parts[plan.name]
            self._sheets[sheet] = ItemSheet(
                self._package, part, self._styles, self._book, plan, self._layouts
            )
        return self._sheets[sheet]

    def expected(self) -> pd.DataFrame:
        """Give the items as the reader must give them from the result."""
        items, sheets = self._book.items, {k.value: v for k, v in self._sheets.items()}
        keys = list(zip(items["sheet"], items["row"], strict=True))
        kept = [s not in sheets or sheets[s].is_plain(row) for s, row in keys]
        rows = [sheets[s].new_row(row) if s in sheets else row for s, row in keys]
        others = items.assign(row=pd.Series(rows, dtype="int64"))[pd.Series(kept, dtype="bool")]
        changed = [item for sheet in sheets.values() for item in sheet.rewritten()]
        columns = {name: [item[name] for item in changed] for name in COLUMNS}
        found = pd.concat([others, item_frame(columns, self._layouts)])
        order = {sheet.value: n for n, sheet in enumerate(self._book.plans)}
        return found.sort_values(
            ["sheet", "row"],
            key=lambda column: column.map(order) if column.name == "sheet" else column,
            ignore_index=True,
        )

    def apply(self, edits: WorkbookEdits) -> None:
        """Do every edit, rows that stay first, then rows that leave, then rows that come."""
        leaving: dict[Sheet, set[int]] = defaultdict(set)
        for move in edits.moves:
            leaving[Sheet(move.sheet)].add(move.row)
        for update in edits.updates:
            if update.row not in leaving[Sheet(update.sheet)]:
                self._sheet(Sheet(update.sheet)).update(update.row, update.values)
        arriving = self._arriving(edits)
        for sheet in self._book.plans:
            if leaving[sheet] and (note := self._sheet(sheet).take_off(leaving[sheet])):
                self.notes.append(note)
        for sheet, arrivals in arriving.items():
            self._sheet(sheet).arrive(arrivals)
        for sheet, plan in self._book.plans.items():
            if edits.poam_date and "poam_date" in plan.metadata:
                self._sheet(sheet).set_poam_date(edits.poam_date)
        self._save()

    def _arriving(self, edits: WorkbookEdits) -> dict[Sheet, list[Arrival]]:
        """Collect what comes to each sheet: items that move there, then new ones."""
        updates: dict[tuple[str, int], dict[str, Value]] = defaultdict(dict)
        for update in edits.updates:
            updates[update.sheet, update.row].update(update.values)
        arriving: dict[Sheet, list[Arrival]] = defaultdict(list)
        for move in edits.moves:
            values = updates[move.sheet, move.row] | dict(move.values)
            origin, goal = self._sheet(Sheet(move.sheet)), self._book.plans[Sheet(move.to_sheet)]
            arrival = taken_along(origin, move.row, goal, values, self._layouts)
            arriving[goal.sheet].append(arrival)
        for addition in edits.additions:
            arriving[Sheet(addition.sheet)].append(Arrival(addition.values))
        return arriving

    def _save(self) -> None:
        sheets = self._sheets.values()
        is_changed = any(sheet.xml.is_changed for sheet in sheets)
        recalculate = is_changed and self._has_other_formulas()
        for sheet in sheets:
            sheet.xml.save()
        self._styles.save()
        if any(sheet.xml.formulas.is_changed for sheet in sheets):
            self._package.drop_related(CALC_CHAIN)
        if recalculate or any(sheet.lost_result for sheet in sheets):
            _recalculate_on_load(self._package)

    def _has_other_formulas(self) -> bool:
        """Tell whether formulas outside the due dates may now show a stale result."""
        if any(sheet.has_other_formulas() for sheet in self._sheets.values()):
            return True
        own = {sheet.xml.part for sheet in self._sheets.values()}
        return any(
            re.search(rb"<f[ >]", self._package.read(p))
            for p in self._package.names
            if p.startswith("xl/worksheets/sheet") and p not in own
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
        settings = etree.Element(f"{{{MAIN}}}calcPr")
        before = [element for element in root if etree.QName(element).localname in _BEFORE_CALC]
        before[-1].addnext(settings)
    if settings.get("fullCalcOnLoad") not in ("1", "true"):
        settings.set("fullCalcOnLoad", "1")
        package.replace(part, serialise(root))
