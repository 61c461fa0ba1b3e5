"""Rules for cells, of Excel 2007 and of Excel 2010 (x14), and merged cells."""

import re
from collections.abc import Callable

from lxml import etree
from openpyxl.utils import get_column_letter

from poam.model import Sheet
from poam.workbook.ranges import name as cell_name
from tests.kept.book import MAIN, Book, append, listed, made, place
from tests.kept.on_cells import column_of, spare
from tests.kept.on_rows import at, relative, single

# By what Excel knows a worksheet's rules of 2010, and the element that lists them.
X14_FORMATS = ("{78C0D931-6437-407d-A8EE-F0AAD7539E65}", "conditionalFormattings")
X14_VALIDATIONS = ("{CCE6A557-97BC-4b89-ADB6-D9C93CAAB3DF}", "dataValidations")


def merge(book: Book, row: int, _words: str) -> None:
    """Merge two cells right of the table."""
    area = f"{cell_name(row, spare(book) + 7)}:{cell_name(row, spare(book) + 8)}"
    append(listed(book.sheet(), "mergeCells"), made(f'<mergeCell ref="{area}"/>'))


def validation(book: Book, row: int, _words: str) -> None:
    """Allow only some values in a cell, by a formula about its row."""
    append(
        listed(book.sheet(), "dataValidations"),
        made(
            f'<dataValidation type="custom" sqref="{at(book, row, "point_of_contact")}">'
            f"<formula1>LEN({at(book, row, 'controls')})&lt;100</formula1></dataValidation>"
        ),
    )


def conditional_format(book: Book, row: int, _words: str) -> None:
    """Colour a cell by a formula about its row."""
    red = '<dxf><fill><patternFill><bgColor rgb="FFFF0000"/></patternFill></fill></dxf>'
    number = append(book.styles.find(f"{MAIN}dxfs"), made(red))
    place(
        book.sheet(),
        made(
            f'<conditionalFormatting sqref="{at(book, row, "controls")}"><cfRule type="expression" '
            f'dxfId="{number}" priority="{row}"><formula>'
            f"LEN({at(book, row, 'comments')})&gt;0</formula></cfRule></conditionalFormatting>"
        ),
    )


def ignored_error(book: Book, row: int, _words: str) -> None:
    """Dismiss Excel's green triangle on a number stored as text."""
    ref = at(book, row, "weakness_source_identifier")
    errors = listed(book.sheet(), "ignoredErrors")
    errors.append(made(f'<ignoredError sqref="{ref}" numberStoredAsText="1"/>'))


def anchored(tag: str, key: str = "sqref") -> Callable[[Book, Sheet, int], list[str]]:
    """See the elements of a kind that belong to a single row."""

    def see(book: Book, sheet: Sheet, row: int) -> list[str]:
        found = book.sheet(sheet).iter(f"{MAIN}{tag}")
        return [relative(e, row) for e in found if single(e.get(key)) == row]

    return see


def x14(name: str, uri: tuple[str, str], rule: str) -> Callable[[Book, int, str], None]:
    """Give a way to add a rule of Excel 2010 to a cell."""

    def add(book: Book, row: int, _words: str) -> None:
        add_x14(book, uri, rule, at(book, row, name))

    return add


def add_x14(book: Book, known: tuple[str, str], rule: str, sqref: str) -> None:
    """Add a rule of Excel 2010 to an area."""
    uri, outer = known
    lists = listed(book.sheet(), "extLst")
    found = [e for e in lists if e.get("uri") == uri]
    if not found:
        lists.append(made(f'<ext uri="{uri}"><x14:{outer}/></ext>'))
        found = [lists[-1]]
    first = re.split("[: ]", sqref)[0]
    found[0][0].append(made(rule.format(sqref=sqref, first=first, id=len(found[0][0]))))


X14_FORMAT = (
    '<x14:conditionalFormatting><x14:cfRule type="expression" priority="9" '
    'id="{{33333333-3333-3333-3333-{id:012}}}"><xm:f>LEN({first})&gt;0</xm:f><x14:dxf/>'
    "</x14:cfRule><xm:sqref>{sqref}</xm:sqref></x14:conditionalFormatting>"
)
X14_VALIDATION = (
    '<x14:dataValidation type="list" allowBlank="1"><x14:formula1>'
    "<xm:f>'Closed POA&amp;M Items'!$AZ$1:$AZ$9</xm:f></x14:formula1>"
    "<xm:sqref>{sqref}</xm:sqref></x14:dataValidation>"
)


def extended(known: tuple[str, str]) -> Callable[[Book, Sheet, int], list[str]]:
    """See the rules of Excel 2010 on a row."""

    def see(book: Book, sheet: Sheet, row: int) -> list[str]:
        return [relative(rule, row) for rule in x14_rules(book, sheet, known) if _own(rule) == row]

    return see


def x14_rules(book: Book, sheet: Sheet, known: tuple[str, str]) -> list[etree._Element]:
    """Give the rules of Excel 2010 of a sheet."""
    exts = (e for e in book.sheet(sheet).iter(f"{MAIN}ext") if e.get("uri") == known[0])
    return [rule for ext in exts for rule in ext[0]]


def _own(rule: etree._Element) -> int | None:
    return single(rule.findtext("{*}sqref"))


def whole(book: Book, name: str) -> str:
    """Name the cells of a column, down to row 1000."""
    letter, plan = get_column_letter(column_of(book, name)), book.plans[Sheet.OPEN]
    return f"{letter}{plan.item_rows[0]}:{letter}1000"
