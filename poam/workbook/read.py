"""Read a POA&M workbook of any edition: its items, and what could not be understood."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
from python_calamine import CalamineError, CalamineWorkbook

from poam.errors import WorkbookError
from poam.layout import FIELD_NAMES, Edition, FieldRule, FieldType, Layouts, normal
from poam.model import Sheet
from poam.workbook.package import STRICT, Package
from poam.workbook.plans import CellProblem, Grid, SheetPlan, header_row, plan_sheet
from poam.workbook.values import as_date, as_text, choice_of

COLUMNS = ("sheet", "row", *FIELD_NAMES)
"""The columns of `PoamWorkbook.items`."""

Columns = dict[str, list[Any]]


@dataclass(frozen=True)
class PoamWorkbook:
    """A POA&M workbook as read: `items` has one row per item, on whichever sheet."""

    path: Path
    edition: str
    metadata: dict[str, str]
    items: pd.DataFrame
    problems: tuple[CellProblem, ...]
    plans: dict[Sheet, SheetPlan]
    date1904: bool = False

    def has_field(self, sheet: str, field: str) -> bool:
        """Tell whether a sheet has a column for a field."""
        plan = self.plans.get(Sheet(sheet))
        return plan is not None and field in plan.columns


def read_workbook(path: Path, layouts: Layouts) -> PoamWorkbook:
    """Read a workbook; raises WorkbookError where it is no POA&M of a known shape."""
    date1904 = _date_system(path)
    names, found, grids = _grids(path, layouts)
    edition = _edition_of(grids[found[Sheet.OPEN] or ""], names, layouts)
    problems: list[CellProblem] = []
    plans: dict[Sheet, SheetPlan] = {}
    items: Columns = {name: [] for name in COLUMNS}
    for sheet, name in found.items():
        if name is None:
            continue
        layout = layouts.editions[edition]
        plans[sheet], stray = plan_sheet(path, sheet, name, grids[name], layouts, layout)
        read, wrong = _read_items(plans[sheet], grids[name], layouts, date1904)
        problems += [*stray, *wrong]
        for field, values in read.items():
            items[field] += values
    problems += _duplicates(items, plans)
    metadata = _metadata(plans[Sheet.OPEN], grids, layouts.editions[edition], date1904)
    frame = item_frame(items, layouts)
    return PoamWorkbook(path, edition, metadata, frame, tuple(problems), plans, date1904)


def _date_system(path: Path) -> bool:
    package = Package(path)
    try:
        head = package.read(package.workbook_part)
    finally:
        package.close()
    if STRICT.encode() in head:
        raise WorkbookError(
            f"{path.name}: a Strict Open XML workbook. Expected Excel Workbook (.xlsx) or (.xlsm)."
        )
    return re.search(rb'<workbookPr[^>]*date1904="(1|true)"', head) is not None


def _grids(
    path: Path, layouts: Layouts
) -> tuple[list[str], dict[Sheet, str | None], dict[str, Grid]]:
    """Read the sheets that hold items; others may be charts, or anything."""
    try:
        with path.open("rb") as stream:
            book = CalamineWorkbook.from_filelike(stream)
            names = book.sheet_names
            found = {s: _find_sheet(path, names, layouts, s) for s in Sheet}
            grids: dict[str, Grid] = {
                name: book.get_sheet_by_name(name).to_python(skip_empty_area=False)
                for name in found.values()
                if name is not None
            }
    except CalamineError as e:
        raise WorkbookError(f"{path.name}: cannot be read ({e}). Expected a workbook.") from e
    return names, found, grids


def _find_sheet(path: Path, names: list[str], layouts: Layouts, sheet: Sheet) -> str | None:
    """Find a sheet by name, whatever its case; open and closed must be there."""
    layouts_of = [e.sheets[sheet] for e in layouts.editions.values() if sheet in e.sheets]
    wanted = {normal(x.name) for x in layouts_of}
    for name in names:
        if normal(name) in wanted:
            return name
    if all(x.required for x in layouts_of):
        there = ", ".join(names)
        raise WorkbookError(f"{path.name}: sheets are {there}. Expected {layouts_of[0].name}.")
    return None


def _edition_of(grid: Grid, names: list[str], layouts: Layouts) -> str:
    """Pick the edition whose headers, then sheets, are most alike; ties go to the newest."""
    row = header_row(grid, layouts)
    headers = {normal(as_text(v)) for v in (grid[row - 1] if row else [])} - {""}
    sheets = {normal(n) for n in names}

    def likeness(edition: Edition) -> tuple[float, float]:
        own = {normal(edition.header(Sheet.OPEN, f)) for f in edition.columns}
        own_sheets = {normal(s.name) for s in edition.sheets.values()}
        own_sheets |= {normal(p.name) for p in (*edition.pages_before, *edition.pages_after)}
        return _alike(headers, own), _alike(sheets, own_sheets)

    return max(layouts.editions, key=lambda n: likeness(layouts.editions[n]))


def _alike(one: set[str], other: set[str]) -> float:
    return len(one & other) / len(one | other)


def _value(grid: Grid, row: int, column: int) -> Any:  # noqa: ANN401  text, number or date
    line = grid[row - 1] if row <= len(grid) else []
    return line[column - 1] if column <= len(line) else ""


def _read_items(
    plan: SheetPlan, grid: Grid, layouts: Layouts, date1904: bool
) -> tuple[Columns, list[CellProblem]]:
    """Give the items of a sheet, and the cells that make no sense, row by row."""
    lines = [grid[row - 1] for row in plan.item_rows]
    found: Columns = {"sheet": [plan.sheet.value] * len(lines), "row": list(plan.item_rows)}
    wrong: list[tuple[int, int, str, str]] = []
    for name, rule in layouts.fields.items():
        column = plan.columns.get(name)
        values = [line[column - 1] if column else "" for line in lines]
        found[name], unclear = _understood(values, rule, layouts, date1904)
        expected = ", ".join(rule.choices) or "a date, 2026-11-03"
        for at in unclear if column else ():
            wrong.append((plan.item_rows[at], column or 0, repr(as_text(values[at])), expected))
    own = plan.columns["poam_id"]
    for row, poam_id in zip(plan.item_rows, found["poam_id"], strict=True):
        if not poam_id:
            wrong.append((row, own, "no POAM ID", "an ID"))
    return found, [CellProblem(plan.address(r, c), *said) for r, c, *said in sorted(wrong)]


def _understood(
    values: Sequence[Any], rule: FieldRule, layouts: Layouts, date1904: bool
) -> tuple[list[Any], list[int]]:
    """Give what the cells of a column mean, and the places of those that mean nothing known."""
    texts = [as_text(v) for v in values]
    if rule.type is FieldType.DATE:
        blank = {"", *(word.casefold() for word in layouts.blank_words)}
        given = [
            v if t.strip().casefold() not in blank else None
            for t, v in zip(texts, values, strict=True)
        ]
        days = [None if v is None else as_date(v, date1904=date1904) for v in given]
        return days, [n for n, day in enumerate(days) if day is None and given[n] is not None]
    if rule.type is FieldType.CHOICE:
        words = {text: choice_of(text, rule) for text in {*texts} - {""}}
        unclear = [n for n, text in enumerate(texts) if text and words[text] is None]
        return [words.get(text) or text for text in texts], unclear
    return texts, []


def _duplicates(items: Columns, plans: dict[Sheet, SheetPlan]) -> list[CellProblem]:
    """Report an ID that stands on two rows, naming both."""
    seen: dict[str, str] = {}
    problems = []
    for sheet, row, poam_id in zip(items["sheet"], items["row"], items["poam_id"], strict=True):
        plan = plans[Sheet(sheet)]
        address = plan.address(row, plan.columns["poam_id"])
        key = poam_id.strip().casefold()
        if key and key in seen:
            found = f"POAM ID {poam_id!r}, which {seen[key]} also has"
            problems.append(CellProblem(address, found, "each POAM ID once"))
        seen.setdefault(key, address)
    return problems


def _metadata(
    plan: SheetPlan, grids: dict[str, Grid], edition: Edition, date1904: bool
) -> dict[str, str]:
    """Read the system's name and the like; a blank template's placeholders are nothing."""
    found: dict[str, str] = {}
    for name, cell in edition.metadata.items():
        value = _value(grids[plan.name], *plan.metadata[name]) if name in plan.metadata else ""
        text = as_text(value).strip()
        if text in cell.placeholders or (
            cell.placeholder_prefix and text.startswith(cell.placeholder_prefix)
        ):
            text = ""
        if name == "poam_date" and text:
            day = as_date(value, date1904=date1904)
            text = day.isoformat() if isinstance(day, date) else text
        found[name] = text
    return found


def item_frame(items: Columns, layouts: Layouts) -> pd.DataFrame:
    """Give items as a frame whose columns and types do not depend on its rows."""
    types = {"sheet": "str", "row": "int64"} | {
        name: "object" if rule.type is FieldType.DATE else "str"
        for name, rule in layouts.fields.items()
    }
    return pd.DataFrame({n: pd.Series(items[n], dtype=types[n]) for n in items})
