"""What people write into the cells of a row, and how it is found there again."""

from collections.abc import Callable
from typing import Any
from xml.sax.saxutils import escape

from lxml import etree

from poam.model import Sheet
from poam.workbook.ranges import name as cell_name
from tests.kept.book import MAIN, OFFICE, Book, append, made, translated

DUE = "scheduled_completion_date"
# Columns right of the table that people added: how far right, and what they are called.
EXTRAS = {"Own unit": 1, "Ticket": 2, "Cost": 3, "Remark": 4, "Age": 5}
SHIFT = 10  # how much further right they are on the closed sheet


def spare(book: Book, sheet: Sheet = Sheet.OPEN) -> int:
    """Give the last column of the table."""
    return max(book.plans[sheet].columns.values())


def column_of(book: Book, name: str) -> int:
    """Give the column of a field, or of an extra column, on the open sheet."""
    return book.plans[Sheet.OPEN].columns.get(name) or spare(book) + EXTRAS[name]


def fill(cell: etree._Element, kind: str, *children: str) -> None:
    """Give a cell a value of a kind; its style stays."""
    for child in list(cell):
        cell.remove(child)
    cell.set("t", kind)
    cell.extend(made(child) for child in children)


def share(book: Book, string: str) -> str:
    """Add a shared string; gives its number, as a cell's value."""
    return f"<v>{append(book.strings, made(string))}</v>"


def text(words: str) -> str:
    """Give a shared string of words alone."""
    return f'<si><t xml:space="preserve">{escape(words)}</t></si>'


def italics(words: str) -> str:
    """Give a shared string whose second run is in italics."""
    return (
        '<si><r><t xml:space="preserve">Plain, then </t></r><r><rPr><i/><sz val="11"/></rPr>'
        f'<t xml:space="preserve">{escape(words)} sensitive</t></r></si>'
    )


def write(name: str, make: Callable[[str], str] = text) -> Callable[[Book, int, str], None]:
    """Give a way to write a text into a column."""

    def add(book: Book, row: int, words: str) -> None:
        cell = book.element(Sheet.OPEN, row, column_of(book, name))
        fill(cell, "s", share(book, make(words)))

    return add


def own_column(
    name: str, both: bool, make: Callable[[str], str] = text
) -> Callable[[Book, int, str], None]:
    """Give a way to fill a column that people added, on the open sheet or on both."""

    def add(book: Book, row: int, words: str) -> None:
        _head(book, name, both)
        write(name, make)(book, row, words)

    return add


def _head(book: Book, name: str, both: bool) -> None:
    for sheet, right in ((Sheet.OPEN, 0), (Sheet.CLOSED, SHIFT)):
        if sheet is Sheet.OPEN or both:
            column = spare(book, sheet) + EXTRAS[name] + right
            cell = book.element(sheet, book.plans[sheet].header_row, column)
            if not len(cell):
                fill(cell, "s", share(book, text(name)))


def cost(book: Book, row: int, _words: str) -> None:
    """Fill a column of numbers that is on both sheets."""
    _head(book, "Cost", both=True)
    fill(book.element(Sheet.OPEN, row, column_of(book, "Cost")), "n", "<v>1250</v>")


def amount(book: Book, row: int, _words: str) -> None:
    """Write a number, shown with two decimals, into a column of texts."""
    cell = book.element(Sheet.OPEN, row, column_of(book, "supporting_documents"))
    fill(cell, "n", "<v>12.5</v>")
    restyle(book, cell, numFmtId="2", applyNumberFormat="1")


def formula(book: Book, row: int, _words: str) -> None:
    """Compute the due date from the row's own cells, with a result."""
    compute(book, row, DUE, "n", f"<f>{reference(book, row)}+30</f>", "<v>46057</v>")


def filled_down(book: Book, _row: int, words: str) -> None:
    """Fill a formula down a column: the first cell has its text, the others its number."""
    _head(book, "Age", both=False)
    first, *others = book.plans[Sheet.OPEN].item_rows
    quoted = escape(words, {'"': '""'})
    column = column_of(book, "Age")
    area = f"{cell_name(first, column)}:{cell_name(others[-1], column)}"
    text = f'ref="{area}">IF({reference(book, first)}&gt;0,"{quoted}","")</f>'
    for row in (first, *others):
        own = text if row == first else "/>"
        compute(book, row, "Age", "str", f'<f t="shared" si="7" {own}', f"<v>{escape(words)}</v>")


def reference(book: Book, row: int) -> str:
    """Name the detection date of a row."""
    return cell_name(row, column_of(book, "original_detection_date"))


def compute(book: Book, row: int, name: str, kind: str, *children: str) -> None:
    """Put a formula and its result into a cell, and the cell into the order of calculation."""
    cell = book.element(Sheet.OPEN, row, column_of(book, name))
    fill(cell, kind, *children)
    part = "xl/calcChain.xml"
    if part not in book.parts:
        content = "application/vnd.openxmlformats-officedocument.spreadsheetml.calcChain+xml"
        empty = f'<calcChain xmlns="{MAIN[1:-1]}"/>'.encode()
        book.attach("xl/workbook.xml", f"{OFFICE}/calcChain", part, empty, content)
    chain = book.xml(part)
    if not any(c.get("r") == cell.get("r") for c in chain):
        chain.append(made(f'<c r="{cell.get("r")}" i="1"/>'))


def restyle(book: Book, cell: etree._Element, **changes: str) -> None:
    """Give a cell a style like its own with some changes."""
    styles = book.styles.find(f"{MAIN}cellXfs")
    found = etree.fromstring(etree.tostring(styles[int(cell.get("s", "0"))]))
    found.attrib.update(changes)
    cell.set("s", str(append(styles, found)))


def style(book: Book, row: int, _words: str) -> None:
    """Mark two cells in yellow, with bold Courier and without a format for dates."""
    fonts, fills = (book.styles.find(f"{MAIN}{group}") for group in ("fonts", "fills"))
    font = append(fonts, made('<font><b/><sz val="9"/><name val="Courier"/></font>'))
    yellow = '<patternFill patternType="solid"><fgColor rgb="FFFFFF00"/></patternFill>'
    filling = append(fills, made(f"<fill>{yellow}</fill>"))
    for name in ("controls", "status_date"):
        cell = book.element(Sheet.OPEN, row, column_of(book, name))
        restyle(book, cell, fontId=str(font), fillId=str(filling), numFmtId="0")


def set_row(**attributes: str) -> Callable[[Book, int, str], None]:
    """Give a way to set attributes of a row."""

    def add(book: Book, row: int, _words: str) -> None:
        book.rows(Sheet.OPEN)[row].attrib.update(attributes)

    return add


def runs(name: str) -> Callable[[Book, Sheet, int], Any]:
    """See the value of a cell, or the runs of its text."""
    return lambda book, sheet, row: book.cell(sheet, row, name).runs


def formula_of(name: str) -> Callable[[Book, Sheet, int], str]:
    """See the formula of a cell, as it reads on the first row."""

    def see(book: Book, sheet: Sheet, row: int) -> str:
        found = book.cell(sheet, row, name).formula
        return translated(found, f"A{row}", "A1") if found else ""

    return see


def look(book: Book, sheet: Sheet, row: int) -> Any:
    """See the style of the cell that people mark."""
    return list(book.cell(sheet, row, "controls").look)


def attribute(name: str) -> Callable[[Book, Sheet, int], str | None]:
    """See an attribute of a row."""
    return lambda book, sheet, row: book.rows(sheet)[row].get(name)


def blank(book: Book) -> None:
    """Empty the row before the last item."""
    for cell in book.rows(Sheet.OPEN)[book.plans[Sheet.OPEN].last_row - 1]:
        fill(cell, "n")
