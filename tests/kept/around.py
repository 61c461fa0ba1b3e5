"""What a workbook has besides its rows: rules of columns, filters, names, labels, macros."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any
from xml.sax.saxutils import escape

from poam.model import Sheet
from poam.workbook.ranges import absolute, box
from poam.workbook.ranges import name as cell_name
from tests.kept.book import MAIN, OFFICE, RID, TYPES, Book, append, canonical, listed, made, place
from tests.kept.on_cells import spare
from tests.kept.on_rows import MICROSOFT, SHEETML
from tests.kept.rules import add_x14, whole, x14_rules

WORKBOOK = "xl/workbook.xml"
XLSX = f"{SHEETML}.sheet.main+xml"
XLSM = "application/vnd.ms-excel.sheet.macroEnabled.main+xml"
LABEL = (
    b'<?xml version="1.0" encoding="utf-8" standalone="yes"?><clbl:labelList xmlns:clbl='
    b'"http://schemas.microsoft.com/office/2020/mipLabelMetadata"><clbl:label id="{4}" '
    b'enabled="1" method="Privileged" siteId="{6}" contentBits="3"/></clbl:labelList>'
)
PROPERTIES = (
    b'<Properties xmlns="http://schemas.openxmlformats.org/officeDocument/2006/custom-properties" '
    b'xmlns:vt="http://schemas.openxmlformats.org/officeDocument/2006/docPropsVTypes"><property '
    b'fmtid="{D5CDD505-2E9C-101B-9397-08002B2CF9AE}" pid="2" name="Ticket queue">'
    b"<vt:lpwstr>Heron</vt:lpwstr></property></Properties>"
)


def blanks(book: Book) -> Any:
    """See the IDs that stand right above a blank row between two items."""
    rows = book.plans[Sheet.OPEN].item_rows
    found = [row for row, following in pairwise(rows) if following > row + 1]
    return [book.cell(Sheet.OPEN, row, "poam_id").runs for row in found]


def nothing(_book: Book) -> None:
    """Add nothing: the template has it."""


def spanning(tag: str) -> Callable[[Book], list[str]]:
    """See the elements of a kind that belong to more than one row."""

    def see(book: Book) -> list[str]:
        found = ((e, box(e.get("sqref"))) for e in book.sheet().iter(f"{MAIN}{tag}"))
        return [canonical(e) for e, area in found if area[1] != area[3]]

    return see


def x14_column(known: tuple[str, str], rule: str) -> Callable[[Book], None]:
    """Give a way to add a rule of Excel 2010 to a column."""
    return lambda book: add_x14(book, known, rule, whole(book, "point_of_contact"))


def x14_spanning(known: tuple[str, str]) -> Callable[[Book], list[str]]:
    """See the rules of Excel 2010 that belong to more than one row."""

    def see(book: Book) -> list[str]:
        rules = x14_rules(book, Sheet.OPEN, known)
        return [canonical(r) for r in rules if ":" in r.findtext("{*}sqref")]

    return see


def add_filter(book: Book) -> None:
    """Filter the items, with the hidden name that Excel keeps for it."""
    plan = book.plans[Sheet.OPEN]
    area = f"{cell_name(plan.header_row, 1)}:{cell_name(plan.last_row, spare(book))}"
    ids = '<filters blank="1"><filter val="V-0001"/></filters>'
    column = f'<filterColumn colId="0">{ids}</filterColumn>'
    place(book.sheet(), made(f'<autoFilter ref="{area}">{column}</autoFilter>'))
    define(book, "_xlnm._FilterDatabase", absolute(area), is_hidden=True)


def define(book: Book, name: str, area: str, is_hidden: bool = False) -> None:
    """Define a name for an area of the open sheet."""
    names = book.xml(WORKBOOK).find(f"{MAIN}definedNames")
    if names is None:
        names = made("<definedNames/>")
        book.xml(WORKBOOK).find(f"{MAIN}sheets").addnext(names)
    wanted = book.plans[Sheet.OPEN].name.casefold()
    number, title = next((n, t) for n, t in enumerate(titles(book)) if t.casefold() == wanted)
    own = f'localSheetId="{number}" hidden="1"' if is_hidden else ""
    text = f"'{escape(title)}'!{area}"
    names.append(made(f'<definedName name="{name}" {own}>{text}</definedName>'))


def filtered(book: Book) -> Any:
    """See where a filter starts, its criteria, and whether it and its name reach the last item."""
    found = book.sheet().find(f"{MAIN}autoFilter")
    if found is None:
        return None
    area = box(found.get("ref"))
    hidden = [n.text for n in book.xml(WORKBOOK).iter(f"{MAIN}definedName") if n.get("hidden")]
    named = [n.endswith(f"!{absolute(found.get('ref'))}") for n in hidden]
    criteria = [canonical(child) for child in found]
    return area[:3], criteria, named, area[3] >= book.plans[Sheet.OPEN].last_row


def freeze(book: Book) -> None:
    """Freeze the first columns, and the header's row."""
    view = book.sheet().find(f"{MAIN}sheetViews/{MAIN}sheetView")
    for child in list(view):
        view.remove(child)
    split = book.plans[Sheet.OPEN].header_row
    top = f'xSplit="3" ySplit="{split}" topLeftCell="D{split + 1}"'
    view.append(made(f'<pane {top} activePane="bottomRight" state="frozen"/>'))


def widths(book: Book) -> None:
    """Make a column wide, and hide another."""
    first = spare(book) + 1
    listed(book.sheet(), "cols").extend(
        (
            made(f'<col min="{first}" max="{first}" width="33.5" customWidth="1"/>'),
            made(f'<col min="{first + 1}" max="{first + 1}" width="9" hidden="1"/>'),
        )
    )


def merge_top(book: Book) -> None:
    """Merge cells above the table."""
    append(listed(book.sheet(), "mergeCells"), made('<mergeCell ref="F1:H1"/>'))


def top_merges(book: Book) -> list[str]:
    """See the merged cells above the table."""
    found = [e.get("ref") for e in book.sheet().iter(f"{MAIN}mergeCell")]
    return [ref for ref in found if box(ref)[3] < book.plans[Sheet.OPEN].header_row]


def protect(book: Book) -> None:
    """Protect the sheet with a password."""
    place(book.sheet(), made('<sheetProtection password="CC1A" sheet="1" formatCells="0"/>'))


def printer(book: Book) -> None:
    """Set up the page for a printer."""
    sheet, part = book.part[Sheet.OPEN], "xl/printerSettings/printerSettings7.bin"
    content = f"{SHEETML}.printerSettings"
    rid = book.attach(sheet, f"{OFFICE}/printerSettings", part, b"\x00\x01" * 99, content)
    place(book.sheet(), made(f'<pageSetup orientation="landscape" r:id="{rid}"/>'))


def printed(book: Book) -> Any:
    """See the page's set-up, and the printer's own settings."""
    found = book.sheet().find(f"{MAIN}pageSetup")
    parts = [] if found is None else book.related(book.part[Sheet.OPEN], found.get(RID))
    return canonical(found), [book.parts[n] for n in parts]


def element(tag: str) -> Callable[[Book], str]:
    """See one of the open sheet's own elements."""
    return lambda book: canonical(book.sheet().find(f"{MAIN}{tag}"))


def name_register(book: Book) -> None:
    """Name the whole table."""
    define(book, "Register", f"$A${book.plans[Sheet.OPEN].header_row}:$AE$1000")


def names(book: Book) -> list[str]:
    """See the defined names."""
    found = book.xml(WORKBOOK).iter(f"{MAIN}definedName")
    return [canonical(n) for n in found if not n.get("name").startswith("_xlnm")]


def shout(book: Book) -> None:
    """Write the names of the sheets in capital letters, wherever they stand."""
    titles = {plan.name for plan in book.plans.values()}
    for root in (book.xml(WORKBOOK), book.sheet()):
        for found in root.iter(f"{MAIN}sheet", f"{MAIN}definedName"):
            for title in titles:
                if found.get("name") == title:
                    found.set("name", title.upper())
                found.text = found.text and found.text.replace(title, title.upper())


def titles(book: Book) -> list[str]:
    """See the names of the sheets."""
    return [s.get("name") for s in book.xml(WORKBOOK).iter(f"{MAIN}sheet")]


def custom_xml(book: Book) -> None:
    """Add data of another system, spaced as that system spaces it."""
    body = b'<?xml version="1.0"?>\n<system  id="x" />\n'
    kind, part = f"{OFFICE}/customXml", "customXml/item1.xml"
    book.attach(WORKBOOK, kind, part, body, "application/xml")
    own = b'<ds:datastoreItem ds:itemID="{5}" xmlns:ds="urn:x"/>'
    content = "application/vnd.openxmlformats-officedocument.customXmlProperties+xml"
    book.attach(part, f"{OFFICE}/customXmlProps", "customXml/itemProps1.xml", own, content)


def macros(book: Book) -> None:
    """Add a macro project."""
    content = "application/vnd.ms-office.vbaProject"
    kind = f"{MICROSOFT}/2006/relationships/vbaProject"
    book.attach(WORKBOOK, kind, "xl/vbaProject.bin", bytes(range(256)) * 9, content)
    for found in book.xml(TYPES):
        if found.get("ContentType") == XLSX:
            found.set("ContentType", XLSM)


def properties(book: Book) -> None:
    """Add a property of the site's own."""
    content = "application/vnd.openxmlformats-officedocument.custom-properties+xml"
    book.attach("", f"{OFFICE}/custom-properties", "docProps/custom.xml", PROPERTIES, content)


def label(book: Book) -> None:
    """Label the file as sensitive."""
    kind = f"{MICROSOFT}/2020/02/relationships/classificationlabels"
    content = "application/vnd.ms-office.classificationlabels+xml"
    book.attach("", kind, "docMetadata/LabelInfo.xml", LABEL, content)


def held(*parts: str) -> Callable[[Book], Any]:
    """See parts of the file: their bytes, who refers to them, and their content type."""

    def see(book: Book) -> Any:
        around = []
        for part in parts:
            types = book.xml(TYPES)
            around += [canonical(t) for t in types if t.get("PartName") == f"/{part}"]
            for rels in (n for n in book.parts if n.endswith(".rels")):
                last = part.rpartition("/")[2]
                around += [canonical(r) for r in book.xml(rels) if last in r.get("Target")]
        bodies = [book.parts.get(n) for n in parts]
        return (bodies, around) if any(bodies) else None

    return see
