"""Read a POA&M workbook of any edition: its items, and what could not be understood."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
from openpyxl.utils import get_column_letter
from openpyxl.utils.cell import column_index_from_string, coordinate_from_string
from python_calamine import CalamineError, CalamineWorkbook

from poam.errors import WorkbookError
from poam.layout import FIELD_NAMES, Edition, FieldType, Layouts, SheetLayout, normal
from poam.model import Sheet
from poam.workbook.package import STRICT, Package
from poam.workbook.values import as_date, as_text, choice_of

_HEADER_ROWS = 20
_EXPLAINING_LENGTH = 12  # "Mandatory" and the like must match whole; longer texts may go on
_KEYS = ("poam_id", "weakness_name")

Grid = list[list[Any]]


@dataclass(frozen=True, slots=True)
class CellProblem:
    """A cell that cannot be understood, and was left alone."""

    address: str
    found: str
    expected: str


@dataclass(frozen=True, slots=True)
class SheetPlan:
    """Where one sheet of a workbook keeps its items; rows and columns count from 1."""

    sheet: Sheet
    name: str
    header_row: int
    columns: dict[str, int]
    headers: dict[int, str]
    first_row: int
    last_row: int
    item_rows: tuple[int, ...]
    metadata: dict[str, tuple[int, int]]
    extras: dict[int, dict[int, str]] = field(default_factory=dict)

    def address(self, row: int, column: int) -> str:
        """Name a cell the way people do."""
        return f"{self.name}!{get_column_letter(column)}{row}"


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
    rows: list[dict[str, Any]] = []
    for sheet, name in found.items():
        if name is None:
            continue
        grid = grids[name]
        plan = _plan(path, sheet, name, grid, layouts, layouts.editions[edition])
        plan = _with_rows(plan, grid, layouts, problems)
        plans[sheet] = plan
        rows += _read_items(plan, grid, layouts, date1904, problems)
    _report_duplicates(rows, plans, problems)
    metadata = _metadata(plans[Sheet.OPEN], grids, layouts.editions[edition], date1904)
    return PoamWorkbook(
        path, edition, metadata, _frame(rows, layouts), tuple(problems), plans, date1904
    )


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
    row = _header_row(grid, layouts)
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


def _header_row(grid: Grid, layouts: Layouts) -> int | None:
    for number, row in enumerate(grid[:_HEADER_ROWS], start=1):
        if any(layouts.field_of(as_text(v)) == "poam_id" for v in row if isinstance(v, str)):
            return number
    return None


def _plan(
    path: Path, sheet: Sheet, name: str, grid: Grid, layouts: Layouts, edition: Edition
) -> SheetPlan:
    """Find the header row and what each column is."""
    row = _header_row(grid, layouts)
    if row is None:
        raise WorkbookError(
            f"{path.name}, {name}: no header POAM ID in rows 1 to {_HEADER_ROWS}. "
            "Expected the template's header row."
        )
    columns: dict[str, int] = {}
    headers: dict[int, str] = {}
    for number, value in enumerate(grid[row - 1], start=1):
        if text := as_text(value).strip():
            headers[number] = text
            known = layouts.field_of(text)
            if known is not None and known not in columns:
                columns[known] = number
    for field_name, rule in layouts.fields.items():
        if rule.required and field_name not in columns and field_name in edition.columns:
            wanted = edition.header(sheet, field_name) if sheet in edition.sheets else field_name
            raise WorkbookError(
                f"{path.name}, {name}: row {row} has no column {wanted}. "
                "Expected every header the template makes mandatory."
            )
    layout = edition.sheets.get(sheet, edition.sheets[Sheet.CLOSED])
    first = row + layout.first_data_row - layout.header_row
    metadata = _metadata_cells(grid, row, layout, edition)
    return SheetPlan(sheet, name, row, columns, headers, first, 0, (), metadata)


def _metadata_cells(
    grid: Grid, header_row: int, layout: SheetLayout, edition: Edition
) -> dict[str, tuple[int, int]]:
    """Find each value cell under its label; where labels are gone, at the layout's address."""
    found: dict[str, tuple[int, int]] = {}
    labels = {
        normal(text): name
        for name, cell in edition.metadata.items()
        for text in (cell.label, *cell.aliases)
    }
    for number, row in enumerate(grid[: header_row - 1], start=1):
        for column, value in enumerate(row, start=1):
            name = labels.get(normal(value)) if isinstance(value, str) else None
            if name and number + 1 < header_row:
                found.setdefault(name, (number + 1, column))
    if layout.metadata and header_row == layout.header_row:
        for name, cell in edition.metadata.items():
            letters, number = coordinate_from_string(cell.value_cell)
            found.setdefault(name, (number, column_index_from_string(letters)))
    return found


def _value(grid: Grid, row: int, column: int) -> Any:  # noqa: ANN401  text, number or date
    line = grid[row - 1] if row <= len(grid) else []
    return line[column - 1] if column <= len(line) else ""


def _with_rows(
    plan: SheetPlan, grid: Grid, layouts: Layouts, problems: list[CellProblem]
) -> SheetPlan:
    """Tell items from rows that explain and rows that are empty."""
    texts = [c for f, c in plan.columns.items() if layouts.fields[f].type is not FieldType.CHOICE]
    due = plan.columns.get("scheduled_completion_date")
    words = _explaining(layouts)
    items: list[int] = []
    last = plan.header_row
    explaining = plan.header_row
    extras: dict[int, dict[int, str]] = {}
    mapped = set(plan.columns.values())
    for number in range(plan.header_row + 1, len(grid) + 1):
        line = grid[number - 1]
        if not any(v != "" for v in line):
            continue
        if _explains(plan, line, number, words):
            last = explaining = number
            continue
        if any(_filled(line, c) for c in texts if c != due):
            last = number
            if any(_filled(line, plan.columns[k]) for k in _KEYS):
                items.append(number)
                extras[number] = {
                    c: as_text(line[c - 1])
                    for c in range(1, len(line) + 1)
                    if c not in mapped and _filled(line, c)
                }
            else:
                problems.append(
                    CellProblem(
                        plan.address(number, plan.columns["poam_id"]),
                        "values but no POAM ID and no Weakness Name",
                        "an item, or an empty row",
                    )
                )
    return SheetPlan(
        plan.sheet, plan.name, plan.header_row, plan.columns, plan.headers,
        max(plan.first_row, explaining + 1), last, tuple(items), plan.metadata, extras,
    )  # fmt: skip


def _filled(line: list[Any], column: int) -> bool:
    return column <= len(line) and as_text(line[column - 1]) != ""


@dataclass(frozen=True, slots=True)
class _Explaining:
    """Words that mark a row as explaining the columns, reduced by `normal`."""

    labels: frozenset[str]
    ids: frozenset[str]
    beginnings: tuple[str, ...]
    rows: int


def _explaining(layouts: Layouts) -> _Explaining:
    sheets = [s for e in layouts.editions.values() for s in e.sheets.values()]
    rule = layouts.fields["poam_id"]
    texts = [normal(t) for t in (*layouts.guidance_ids, rule.guidance, rule.hint)]
    return _Explaining(
        frozenset(normal(x) for s in sheets for x in s.row_labels),
        frozenset((*texts, *(normal(x) for x in layouts.example_ids))),
        tuple(t for t in texts if len(t) > _EXPLAINING_LENGTH),
        max(s.guidance_rows for s in sheets),
    )


def _explains(plan: SheetPlan, line: list[Any], number: int, words: _Explaining) -> bool:
    """Tell whether a row explains the columns: by a label left of the table, or by its ID."""
    at = plan.columns["poam_id"]
    beside = {normal(v) for v in line[: at - 1] if isinstance(v, str)}
    if at == min(plan.columns.values()) and beside & words.labels:
        return True
    own = normal(as_text(line[at - 1])) if at <= len(line) else ""
    if not own:
        near = number - plan.header_row <= words.rows
        return near and plan.sheet is Sheet.OPEN and not _looks_like_item(plan, line)
    return own in words.ids or own.startswith(words.beginnings)


def _looks_like_item(plan: SheetPlan, line: list[Any]) -> bool:
    """Tell a row whose ID was forgotten from guidance whose first cell was cleared."""
    detected = plan.columns.get("original_detection_date")
    return (
        detected is not None and detected <= len(line) and as_date(line[detected - 1]) is not None
    )


def _read_items(
    plan: SheetPlan,
    grid: Grid,
    layouts: Layouts,
    date1904: bool,
    problems: list[CellProblem],
) -> Iterator[dict[str, Any]]:
    """Give each item's fields, and note the cells that make no sense."""
    for number in plan.item_rows:
        item: dict[str, Any] = {"sheet": plan.sheet.value, "row": number}
        for name, rule in layouts.fields.items():
            column = plan.columns.get(name)
            value = _value(grid, number, column) if column else ""
            text = as_text(value)
            if rule.type is FieldType.DATE:
                blank = not text or text.strip().casefold() in {
                    w.casefold() for w in layouts.blank_words
                }
                item[name] = None if blank else as_date(value, date1904=date1904)
                if column and not blank and item[name] is None:
                    problems.append(
                        CellProblem(plan.address(number, column), repr(text), "a date, 2026-11-03")
                    )
            elif rule.type is FieldType.CHOICE and text:
                word = choice_of(text, rule)
                item[name] = word or text
                if column and word is None:
                    expected = ", ".join(rule.choices)
                    problems.append(CellProblem(plan.address(number, column), repr(text), expected))
            else:
                item[name] = text
        if not item["poam_id"]:
            problems.append(
                CellProblem(plan.address(number, plan.columns["poam_id"]), "no POAM ID", "an ID")
            )
        yield item


def _report_duplicates(
    rows: list[dict[str, Any]], plans: dict[Sheet, SheetPlan], problems: list[CellProblem]
) -> None:
    """Report an ID that stands on two rows, naming both."""
    seen: dict[str, str] = {}
    for item in rows:
        plan = plans[Sheet(item["sheet"])]
        address = plan.address(item["row"], plan.columns["poam_id"])
        key = item["poam_id"].strip().casefold()
        if key and key in seen:
            found = f"POAM ID {item['poam_id']!r}, which {seen[key]} also has"
            problems.append(CellProblem(address, found, "each POAM ID once"))
        seen.setdefault(key, address)


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


def _frame(rows: list[dict[str, Any]], layouts: Layouts) -> pd.DataFrame:
    """Give the items as a frame whose columns and types do not depend on its rows."""
    made: dict[str, pd.Series[Any]] = {
        "sheet": pd.Series([r["sheet"] for r in rows], dtype="str"),
        "row": pd.Series([r["row"] for r in rows], dtype="int64"),
    }
    for name in FIELD_NAMES:
        is_date = layouts.fields[name].type is FieldType.DATE
        made[name] = pd.Series([r[name] for r in rows], dtype="object" if is_date else "str")
    return pd.DataFrame(made)
