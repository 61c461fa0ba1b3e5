"""Where a sheet of a POA&M workbook keeps what: its header row, its columns, its items."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from openpyxl.utils import get_column_letter
from openpyxl.utils.cell import column_index_from_string, coordinate_from_string

from poam.errors import WorkbookError
from poam.layout import Edition, FieldType, Layouts, SheetLayout, normal
from poam.model import Sheet
from poam.workbook.values import as_date, as_text

_HEADER_ROWS = 20
_EXPLAINING_LENGTH = 12  # "Mandatory" and the like must match whole; longer texts may go on
_KEYS = ("poam_id", "weakness_name")

Grid = list[list[Any]]
"""What a sheet shows: rows of equally many cells."""


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


def header_row(grid: Grid, layouts: Layouts) -> int | None:
    """Find the row that names the columns, among the first of a sheet."""
    for number, row in enumerate(grid[:_HEADER_ROWS], start=1):
        if any(layouts.field_of(as_text(v)) == "poam_id" for v in row if isinstance(v, str)):
            return number
    return None


def plan_sheet(
    path: Path, sheet: Sheet, name: str, grid: Grid, layouts: Layouts, edition: Edition
) -> tuple[SheetPlan, list[CellProblem]]:
    """Find the header row, what each column is, and the rows of items.

    Raises WorkbookError where there is no header row, or it lacks a mandatory column.
    """
    row = header_row(grid, layouts)
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
    return _with_rows(
        SheetPlan(sheet, name, row, columns, headers, first, 0, (), metadata), grid, layouts
    )


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


def _with_rows(
    plan: SheetPlan, grid: Grid, layouts: Layouts
) -> tuple[SheetPlan, list[CellProblem]]:
    """Tell items from rows that explain and rows that are empty."""
    texts = [c for f, c in plan.columns.items() if layouts.fields[f].type is not FieldType.CHOICE]
    due = plan.columns.get("scheduled_completion_date")
    words = _explaining(layouts)
    items: list[int] = []
    last = explaining = plan.header_row
    extras: dict[int, dict[int, str]] = {}
    problems: list[CellProblem] = []
    mapped = set(plan.columns.values())
    others = [c for c in range(1, len(grid[0]) + 1) if c not in mapped]
    for number, line in enumerate(grid[plan.header_row :], start=plan.header_row + 1):
        if not any(value != "" for value in line):
            continue
        if _explains(plan, line, number, words):
            last = explaining = number
        elif any(as_text(line[c - 1]) for c in texts if c != due):
            last = number
            if any(as_text(line[plan.columns[k] - 1]) for k in _KEYS):
                items.append(number)
                found = {c: as_text(line[c - 1]) for c in others}
                extras[number] = {c: text for c, text in found.items() if text}
            else:
                problems.append(
                    CellProblem(
                        plan.address(number, plan.columns["poam_id"]),
                        "values but no POAM ID and no Weakness Name",
                        "an item, or an empty row",
                    )
                )
    first = max(plan.first_row, explaining + 1)
    rows = replace(plan, first_row=first, last_row=last, item_rows=tuple(items), extras=extras)
    return rows, problems


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
    own = normal(as_text(line[at - 1]))
    if not own:
        near = number - plan.header_row <= words.rows
        return near and plan.sheet is Sheet.OPEN and not _looks_like_item(plan, line)
    return own in words.ids or own.startswith(words.beginnings)


def _looks_like_item(plan: SheetPlan, line: list[Any]) -> bool:
    """Tell a row whose ID was forgotten from guidance whose first cell was cleared."""
    detected = plan.columns.get("original_detection_date")
    return detected is not None and as_date(line[detected - 1]) is not None
