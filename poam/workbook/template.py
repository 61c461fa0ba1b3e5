"""Build a blank workbook in a template's layout, in this project's own words and look."""

import io
import os
import re
import zipfile
from datetime import UTC, date, datetime
from pathlib import Path

from openpyxl import Workbook
from openpyxl.cell import Cell
from openpyxl.formatting.rule import Rule
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.styles.differential import DifferentialStyle
from openpyxl.utils import get_column_letter
from openpyxl.utils.cell import column_index_from_string
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet

from poam.errors import WorkbookError
from poam.layout import Edition, FieldRule, FieldType, Layouts, PageLayout, SheetLayout
from poam.model import Sheet

_FIXED = datetime(2026, 1, 1, tzinfo=UTC)  # the same bytes every time
_ZIP_TIME = (1980, 1, 1, 0, 0, 0)
_EARLIEST = "36526"  # 2000-01-01, as the template has it
_TITLE = Font(name="Arial", size=13, bold=True, color="1F2937")
_HEAD = Font(name="Arial", size=10, bold=True, color="FFFFFF")
_PLAIN = Font(name="Arial", size=10)
_SOFT = Font(name="Arial", size=9, italic=True, color="4B5563")
_DARK = PatternFill("solid", fgColor="334155")
_PALE = PatternFill("solid", fgColor="E2E8F0")
_BAND = PatternFill("solid", bgColor="F1F5F9")
_LINE = Side(style="thin", color="CBD5E1")
_BOX = Border(left=_LINE, right=_LINE, top=_LINE, bottom=_LINE)
_TOP = Alignment(horizontal="left", vertical="top", wrap_text=True)
_GUIDANCE_HEIGHTS = (52, 28, 28)  # points
_MIDDLE = Alignment(horizontal="center", vertical="center", wrap_text=True)
_XLSX = b"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"
# An .xlsm without a macro project is valid, but only with the content type of its suffix.
_XLSM = b"application/vnd.ms-excel.sheet.macroEnabled.main+xml"


def build_template(target: Path, edition: str, layouts: Layouts) -> None:
    """Write a blank workbook of one edition; the same edition gives the same bytes."""
    if edition not in layouts.editions:
        known = ", ".join(layouts.editions)
        raise WorkbookError(f"edition {edition}: not known. Expected one of {known}.")
    layout = layouts.editions[edition]
    suffix = target.suffix.lower()
    if suffix not in layout.suffixes:
        raise WorkbookError(
            f"{target.name}: edition {edition} is written as {' or '.join(layout.suffixes)}."
        )
    book = Workbook()
    book.remove(book.worksheets[0])
    for page in layout.pages_before:
        _page(book.create_sheet(page.name), page)
    for sheet, place in layout.sheets.items():
        _items_sheet(book.create_sheet(place.name), sheet, place, layout, layouts)
    for page in layout.pages_after:
        _page(book.create_sheet(page.name), page)
    book.active = book.worksheets.index(book[layout.sheets[Sheet.OPEN].name])
    book.properties.creator = "conmon-poam"
    book.properties.created = _FIXED.replace(tzinfo=None)
    stream = io.BytesIO()
    book.save(stream)
    _repack(stream, target, _XLSM if suffix == ".xlsm" else _XLSX)


def _repack(stream: io.BytesIO, target: Path, kind: bytes) -> None:
    """Write the file with fixed times, so that equal content is equal bytes."""
    draft = target.with_name(f".{target.stem}.tmp{target.suffix}")
    stamp = _FIXED.strftime("%Y-%m-%dT%H:%M:%SZ").encode()
    try:
        with zipfile.ZipFile(stream) as made, draft.open("wb") as out:
            with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as kept:
                for name in made.namelist():
                    data = made.read(name)
                    if name == "docProps/core.xml":
                        data = re.sub(rb"(<dcterms:modified[^>]*>)[^<]*", rb"\g<1>" + stamp, data)
                    if name == "[Content_Types].xml":
                        data = data.replace(_XLSX, kind)
                    entry = zipfile.ZipInfo(name, _ZIP_TIME)
                    entry.compress_type = zipfile.ZIP_DEFLATED
                    kept.writestr(entry, data)
            out.flush()
            os.fsync(out.fileno())
        os.replace(draft, target)  # noqa: PTH105
    except OSError as e:
        raise WorkbookError(f"{target}: cannot be written ({e.strerror}).") from e
    finally:
        draft.unlink(missing_ok=True)


def _page(ws: Worksheet, page: PageLayout) -> None:
    """Fill a sheet that holds no items."""
    start = column_index_from_string(page.first_column)
    for n, width in enumerate(page.widths, start=start):
        ws.column_dimensions[get_column_letter(n)].width = width
    if page.title:
        _set(ws, page.header_row - 1, start, page.title, _TITLE)
    for n, header in enumerate(page.columns, start=start):
        _head(ws, page.header_row, n, header)
    first = page.header_row + bool(page.columns)
    for number, row in enumerate(page.rows, start=first):
        for n, text in enumerate(row, start=start):
            _set(ws, number, n, text, _PLAIN).alignment = _TOP


def _items_sheet(
    ws: Worksheet, sheet: Sheet, place: SheetLayout, edition: Edition, layouts: Layouts
) -> None:
    """Lay out one sheet of items."""
    start = column_index_from_string(place.first_column)
    columns = {name: n for n, name in enumerate(edition.columns, start=start)}
    if place.metadata:
        _metadata(ws, edition)
    if place.row_labels:
        ws.column_dimensions["A"].width = 22
    for name, n in columns.items():
        rule = layouts.fields[name]
        letter = get_column_letter(n)
        ws.column_dimensions[letter].width = rule.width
        _head(ws, place.header_row, n, edition.header(sheet, name))
        _validate(ws, f"{letter}{place.first_data_row}:{letter}{place.last_data_row}", rule)
        # Rows below the first take the column's style.
        for model in (ws.column_dimensions[letter], ws.cell(place.first_data_row, n)):
            model.font, model.alignment = _PLAIN, _TOP
            if rule.type is FieldType.DATE:
                model.number_format = "mm-dd-yy"
    if place.guidance_rows:
        _explain(ws, place, columns, layouts)
        for row, height in enumerate(_GUIDANCE_HEIGHTS, start=place.header_row + 1):
            ws.row_dimensions[row].height = height
    if place.freeze:
        ws.freeze_panes = f"A{place.header_row + 1}"
    last = get_column_letter(max(columns.values()))
    first = get_column_letter(start)
    banding = Rule("expression", dxf=DifferentialStyle(fill=_BAND), formula=["MOD(ROW(),2)=0"])
    ws.conditional_formatting.add(
        f"{first}{place.first_data_row}:{last}{place.last_data_row}", banding
    )
    ws.row_dimensions[place.header_row].height = 42


def _metadata(ws: Worksheet, edition: Edition) -> None:
    """Write the block above the table."""
    ws["A1"].value, ws["A1"].font = edition.title, _TITLE
    for name, place in edition.metadata.items():
        label, value = ws[place.label_cell], ws[place.value_cell]
        label.value, label.font, label.fill, label.border = place.label, _HEAD, _DARK, _BOX
        label.alignment = _TOP
        ws.row_dimensions[label.row].height = 28
        ws.row_dimensions[value.row].height = 28
        value.value, value.font, value.alignment, value.border = place.blank, _PLAIN, _TOP, _BOX
        if name == "poam_date":
            value.number_format = "mm-dd-yy"
            _date_rule(ws, place.value_cell)


def _explain(ws: Worksheet, place: SheetLayout, columns: dict[str, int], layouts: Layouts) -> None:
    """Write the rows between header and data: guidance, form, example or need."""
    first = place.header_row + 1
    for offset, label in enumerate(place.row_labels):
        cell = _set(ws, first + offset, 1, label, _HEAD)
        cell.fill, cell.alignment = _DARK, _TOP
    for name, n in columns.items():
        rule = layouts.fields[name]
        texts: tuple[str, ...] = (rule.guidance, rule.hint, rule.example)
        if place.row_labels:
            need = "Mandatory" if rule.mandatory else "Situational"
            texts = (rule.guidance, rule.example or rule.hint, need)
        for offset, text in enumerate(texts):
            if first + offset >= place.first_data_row:
                break
            cell = _set(ws, first + offset, n, _typed(text, rule), _SOFT)
            cell.alignment, cell.fill, cell.border = _TOP, _PALE, _BOX
            if isinstance(cell.value, date):
                cell.number_format = "mm-dd-yy"


def _set(ws: Worksheet, row: int, column: int, value: str | date | None, font: Font) -> Cell:
    cell: Cell = ws[f"{get_column_letter(column)}{row}"]
    cell.value, cell.font = value, font
    return cell


def _head(ws: Worksheet, row: int, column: int, text: str) -> None:
    cell = _set(ws, row, column, text, _HEAD)
    cell.fill, cell.border, cell.alignment = _DARK, _BOX, _MIDDLE


def _typed(text: str, rule: FieldRule) -> str | date | None:
    if rule.type is FieldType.DATE and re.fullmatch(r"\d{4}-\d\d-\d\d", text):
        return date.fromisoformat(text)
    return text or None


def _validate(ws: Worksheet, cells: str, rule: FieldRule) -> None:
    """Add the drop-down or date rule of a column."""
    if rule.type is FieldType.DATE:
        _date_rule(ws, cells)
    elif rule.type is FieldType.CHOICE:
        words = ",".join(rule.choices)
        found = DataValidation("list", formula1=f'"{words}"', allow_blank=True)
        found.prompt, found.showInputMessage = words, True
        found.showErrorMessage = True
        found.add(cells)
        ws.add_data_validation(found)


def _date_rule(ws: Worksheet, cells: str) -> None:
    found = DataValidation("date", operator="greaterThan", formula1=_EARLIEST, allow_blank=True)
    found.showErrorMessage = True
    found.add(cells)
    ws.add_data_validation(found)
