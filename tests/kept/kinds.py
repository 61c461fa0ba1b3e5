"""Every kind of content that people put into a workbook: how it is added, and how it is seen."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from poam.model import Sheet
from tests.kept import around, on_cells, on_rows, rules
from tests.kept.book import MAIN, Book
from tests.kept.on_cells import DUE
from tests.kept.rules import X14_FORMAT, X14_FORMATS, X14_VALIDATION, X14_VALIDATIONS

See = Callable[[Book, Sheet, int], Any]


@dataclass(frozen=True)
class RowKind:
    """A kind of content that belongs to a row.

    Those that `hold` keep the rows above them from closing up. `instead` says what a row has
    where the content is no longer as it was.
    """

    name: str
    add: Callable[[Book, int, str], None]
    see: See
    holds: bool = False
    instead: Callable[[Book, Sheet, int], str | None] = lambda *_: None


@dataclass(frozen=True)
class FileKind:
    """A kind of content that a workbook has once."""

    name: str
    add: Callable[[Book], None]
    see: Callable[[Book], Any]


def _result(book: Book, sheet: Sheet, row: int) -> str | None:
    return "as its result" if book.cell(sheet, row, DUE).runs else None


def _computed(book: Book, sheet: Sheet, row: int) -> str | None:
    settings = book.xml(around.WORKBOOK).find(f"{MAIN}calcPr")
    waits = book.cell(sheet, row, DUE).formula and settings.get("fullCalcOnLoad") == "1"
    return "computed on opening" if waits else None


def _like_above(book: Book, sheet: Sheet, row: int) -> str | None:
    same = on_cells.look(book, sheet, row) == on_cells.look(book, sheet, row - 1)
    return "the other sheet's" if same else None


def _fitted(book: Book, sheet: Sheet, row: int) -> str | None:
    found = book.rows(sheet)[row]
    return "fitted to the text" if found.get("ht") and not found.get("customHeight") else None


def _shown(book: Book, sheet: Sheet, row: int) -> str | None:
    return None if book.rows(sheet)[row].get("hidden") else "shown"


def _written(name: str, column: str, words: str = "") -> RowKind:
    make = (lambda _: on_cells.text(words)) if words else on_cells.text
    return RowKind(name, on_cells.write(column, make), on_cells.runs(column))


def _anchored(name: str, add: Callable[[Book, int, str], None], tag: str, key: str) -> RowKind:
    return RowKind(name, add, rules.anchored(tag, key))


def _x14(name: str, known: tuple[str, str], rule: str) -> RowKind:
    return RowKind(name, rules.x14("comments", known, rule), rules.extended(known), holds=True)


ON_ROWS = (
    _written("Cell values", "point_of_contact"),
    RowKind(
        "Rich text (italics)",
        on_cells.write("remediation_plan", on_cells.italics),
        on_cells.runs("remediation_plan"),
    ),
    _written("Text dates", "last_vendor_checkin_date", "Jan 3, 2026"),
    _written("Numbers as text", "vendor_dependent_product_name", "00123"),
    RowKind("Numbers in text columns", on_cells.amount, on_cells.runs("supporting_documents")),
    RowKind("Formulas", on_cells.formula, on_cells.formula_of(DUE), instead=_result),
    RowKind("Results of formulas", on_cells.formula, on_cells.runs(DUE), instead=_computed),
    RowKind("Formulas filled down", on_cells.filled_down, on_cells.formula_of("Age")),
    RowKind("Cell styles", on_cells.style, on_cells.look, instead=_like_above),
    RowKind(
        "Row heights",
        on_cells.set_row(ht="77", customHeight="1"),
        on_cells.attribute("customHeight"),
        instead=_fitted,
    ),
    RowKind(
        "Hidden rows",
        on_cells.set_row(hidden="1", outlineLevel="1"),
        on_cells.attribute("hidden"),
        instead=_shown,
    ),
    RowKind("Comments", on_rows.note, on_rows.notes),
    RowKind("Hyperlinks", on_rows.link, on_rows.links),
    RowKind(
        "Extra column, on one sheet only",
        on_cells.own_column("Own unit", both=False),
        on_cells.runs("Own unit"),
    ),
    RowKind(
        "Extra column, on both sheets",
        on_cells.own_column("Ticket", both=True),
        on_cells.runs("Ticket"),
    ),
    RowKind("Extra column of numbers, on both sheets", on_cells.cost, on_cells.runs("Cost")),
    RowKind(
        "Extra column of rich text, on both sheets",
        on_cells.own_column("Remark", both=True, make=on_cells.italics),
        on_cells.runs("Remark"),
    ),
    _anchored("Merged cells within a row", rules.merge, "mergeCell", "ref"),
    _anchored("Validation of a cell", rules.validation, "dataValidation", "sqref"),
    _anchored(
        "Conditional format of a cell",
        rules.conditional_format,
        "conditionalFormatting",
        "sqref",
    ),
    _anchored("Dismissed error marks", rules.ignored_error, "ignoredError", "sqref"),
    RowKind("Threaded comments", on_rows.thread, on_rows.threads, holds=True),
    RowKind("Images", on_rows.picture, on_rows.pictures, holds=True),
    _x14("Excel 2010 validation of a cell (x14)", X14_VALIDATIONS, X14_VALIDATION),
    _x14("Excel 2010 format of a cell (x14)", X14_FORMATS, X14_FORMAT),
)

MACROS = FileKind("Macros (VBA)", around.macros, around.held("xl/vbaProject.bin"))
IN_FILE = (
    FileKind("Blank rows inside the data", on_cells.blank, around.blanks),
    FileKind("Validations of a column", around.nothing, around.spanning("dataValidation")),
    FileKind(
        "Conditional formats of a column", around.nothing, around.spanning("conditionalFormatting")
    ),
    FileKind(
        "Excel 2010 validations of a column (x14)",
        around.x14_column(X14_VALIDATIONS, X14_VALIDATION),
        around.x14_spanning(X14_VALIDATIONS),
    ),
    FileKind(
        "Excel 2010 formats of a column (x14)",
        around.x14_column(X14_FORMATS, X14_FORMAT),
        around.x14_spanning(X14_FORMATS),
    ),
    FileKind("Filters", around.add_filter, around.filtered),
    FileKind("Column widths, hidden columns", around.widths, around.element("cols")),
    FileKind("Freeze panes", around.freeze, around.element("sheetViews")),
    FileKind("Merged cells above the table", around.merge_top, around.top_merges),
    FileKind("Sheet protection", around.protect, around.element("sheetProtection")),
    FileKind("Printer settings", around.printer, around.printed),
    FileKind("Defined names", around.name_register, around.names),
    FileKind("Sheets in another letter case", around.shout, around.titles),
    FileKind("Custom properties", around.properties, around.held("docProps/custom.xml")),
    FileKind("Sensitivity labels", around.label, around.held("docMetadata/LabelInfo.xml")),
    FileKind(
        "Custom XML",
        around.custom_xml,
        around.held("customXml/item1.xml", "customXml/itemProps1.xml"),
    ),
    MACROS,
)
