"""What hangs on a row from outside its cells: notes, threads, pictures, links."""

import re
from typing import Any
from xml.sax.saxutils import escape

from lxml import etree

from poam.model import Sheet
from poam.workbook.ranges import box
from poam.workbook.ranges import name as cell_name
from tests.kept.book import (
    MAIN,
    OFFICE,
    RID,
    SPACES,
    Book,
    append,
    canonical,
    listed,
    made,
    place,
    rels_part,
)
from tests.kept.on_cells import column_of

SHEETML = "application/vnd.openxmlformats-officedocument.spreadsheetml"
MICROSOFT = "http://schemas.microsoft.com/office"
PERSON = "{11111111-1111-1111-1111-111111111111}"
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489"
    "0000000d49444154789c6360606060000000050001a5f645400000000049454e44ae426082"
)


def at(book: Book, row: int, name: str) -> str:
    """Name the cell of a field on the open sheet."""
    return cell_name(row, column_of(book, name))


def note(book: Book, row: int, words: str) -> None:
    """Write a note, with the box it is drawn in."""
    _note(book, row, "controls", f"{words} note", "Ann")


def _note(book: Book, row: int, name: str, words: str, author: str) -> None:
    part = "xl/comments7.xml"
    if part not in book.parts:
        empty = f'<comments xmlns="{MAIN[1:-1]}"><authors/><commentList/></comments>'.encode()
        book.attach(book.part[Sheet.OPEN], f"{OFFICE}/comments", part, empty, f"{SHEETML}.comments")
        rid = book.attach(
            book.part[Sheet.OPEN],
            f"{OFFICE}/vmlDrawing",
            "xl/drawings/vmlDrawing7.vml",
            f'<xml xmlns:v="{SPACES["v"]}" xmlns:x="{SPACES["x"]}"/>'.encode(),
            "application/vnd.openxmlformats-officedocument.vmlDrawing",
        )
        place(book.sheet(), made(f'<legacyDrawing r:id="{rid}"/>'))
    authors, notes = book.xml(part)
    authors.append(made(f"<author>{author}</author>"))
    said = f"<r><rPr><b/></rPr><t>{escape(author)}:</t></r><r><t> {escape(words)}</t></r>"
    ref, column = at(book, row, name), column_of(book, name)
    number = len(authors) - 1
    notes.append(made(f'<comment ref="{ref}" authorId="{number}"><text>{said}</text></comment>'))
    anchor = f"{column}, 15, {row}, 2, {column + 2}, 31, {row + 4}, 9"
    book.xml("xl/drawings/vmlDrawing7.vml").append(
        made(
            f'<v:shape id="_x0000_s{1024 + len(notes)}" type="#_x0000_t202" '
            'style="visibility:hidden" fillcolor="#ffffe1"><x:ClientData ObjectType="Note">'
            f"<x:Anchor>{anchor}</x:Anchor><x:Row>{row - 1}</x:Row>"
            f"<x:Column>{column - 1}</x:Column></x:ClientData></v:shape>"
        )
    )


def notes(book: Book, sheet: Sheet, row: int) -> list[str]:
    """See the notes on a row, and the boxes they are drawn in."""
    found = [
        relative(note, row)
        for part in book.related(book.part[sheet], "comments")
        for note in book.xml(part).iter(f"{MAIN}comment")
        if box(note.get("ref"))[1] == row
    ]
    for part in book.related(book.part[sheet], "vmlDrawing"):
        for shape in book.xml(part):
            if shape.findtext("{*}ClientData/{*}Row") == str(row - 1):
                anchor = [int(n) for n in shape.findtext("{*}ClientData/{*}Anchor").split(",")]
                left, _, top, _, right, _, bottom, _ = anchor
                found.append(f"{shape.get('id')}: {left}-{right}, {top - row}-{bottom - row}")
    return found


def thread(book: Book, row: int, words: str) -> None:
    """Write a threaded comment, with the note that Excel keeps beside it for other programs."""
    own = f"{{22222222-2222-2222-2222-{row:012}}}"
    _note(book, row, "asset_identifier", f"[Threaded comment] {words} thread", f"tc={own}")
    part, space = "xl/threadedComments/threadedComment7.xml", SPACES["t"]
    if part not in book.parts:
        kind = f"{MICROSOFT}/2017/10/relationships"
        book.attach(
            book.part[Sheet.OPEN],
            f"{kind}/threadedComment",
            part,
            f'<ThreadedComments xmlns="{space}"/>'.encode(),
            "application/vnd.ms-excel.threadedcomments+xml",
        )
        book.attach(
            "xl/workbook.xml",
            f"{kind}/person",
            "xl/persons/person.xml",
            f'<personList xmlns="{space}"><person displayName="Ann" id="{PERSON}" userId="ann" '
            'providerId="None"/></personList>'.encode(),
            "application/vnd.ms-excel.person+xml",
        )
    book.xml(part).append(
        made(
            f'<t:threadedComment ref="{at(book, row, "asset_identifier")}" '
            f'dT="2026-02-01T09:00:00.00" personId="{PERSON}" id="{own}">'
            f"<t:text>{escape(words)} thread</t:text></t:threadedComment>"
        )
    )


def threads(book: Book, sheet: Sheet, row: int) -> list[str]:
    """See the threaded comments on a row."""
    return [
        relative(thread, row)
        for part in book.related(book.part[sheet], "threadedComment")
        for thread in book.xml(part)
        if box(thread.get("ref"))[1] == row
    ]


def picture(book: Book, row: int, _words: str) -> None:
    """Put a picture on a row."""
    part, drawing = "xl/drawings/drawing7.xml", "application/vnd.openxmlformats-officedocument"
    if part not in book.parts:
        empty = f'<xdr:wsDr xmlns:xdr="{SPACES["xdr"]}"/>'.encode()
        sheet, content = book.part[Sheet.OPEN], f"{drawing}.drawing+xml"
        rid = book.attach(sheet, f"{OFFICE}/drawing", part, empty, content)
        place(book.sheet(), made(f'<drawing r:id="{rid}"/>'))
        book.attach(part, f"{OFFICE}/image", "xl/media/image7.png", PNG, "image/png")
    book.xml(part).append(
        made(
            "<xdr:oneCellAnchor><xdr:from><xdr:col>2</xdr:col><xdr:colOff>0</xdr:colOff>"
            f"<xdr:row>{row - 1}</xdr:row><xdr:rowOff>0</xdr:rowOff></xdr:from>"
            f'<xdr:ext cx="9525" cy="9525"/><xdr:pic><xdr:nvPicPr><xdr:cNvPr id="{row}" '
            'name="Picture"/><xdr:cNvPicPr/></xdr:nvPicPr><xdr:blipFill><a:blip r:embed="rIdX1"/>'
            '</xdr:blipFill><xdr:spPr><a:prstGeom prst="rect"/></xdr:spPr></xdr:pic>'
            "<xdr:clientData/></xdr:oneCellAnchor>"
        )
    )


def pictures(book: Book, sheet: Sheet, row: int) -> list[Any]:
    """See the pictures on a row, and their bytes."""
    return [
        (canonical(anchor.find("{*}pic")), [book.parts[n] for n in book.related(part, "image")])
        for part in book.related(book.part[sheet], "drawing")
        for anchor in book.xml(part)
        if anchor.findtext("{*}from/{*}row") == str(row - 1)
    ]


def link(book: Book, row: int, words: str) -> None:
    """Link a cell to a page."""
    target = f"https://example.com/?{words}"
    sheet = book.part[Sheet.OPEN]
    rid = book.relate(sheet, f"{OFFICE}/hyperlink", target, TargetMode="External")
    ref = at(book, row, "weakness_source_identifier")
    append(listed(book.sheet(), "hyperlinks"), made(f'<hyperlink ref="{ref}" r:id="{rid}"/>'))


def links(book: Book, sheet: Sheet, row: int) -> list[Any]:
    """See the links on a row, and where they lead."""
    rows = [e for e in book.sheet(sheet).iter(f"{MAIN}hyperlink") if box(e.get("ref"))[1] == row]
    return [(relative(e, row), book.related(book.part[sheet], e.get(RID))) for e in rows]


def words_beside(book: Book, sheet: Sheet, row: int) -> list[str]:
    """Give what the notes on a row say, and where its links lead."""
    found = [
        "".join(note.itertext()).strip()
        for part in book.related(book.part[sheet], "comments")
        for note in book.xml(part).iter(f"{MAIN}comment")
        if single(note.get("ref")) == row
    ]
    rels = rels_part(book.part[sheet])
    targets = {r.get("Id"): r.get("Target") for r in book.xml(rels)} if rels in book.parts else {}
    links = book.sheet(sheet).iter(f"{MAIN}hyperlink")
    return found + [targets[e.get(RID)] for e in links if single(e.get("ref")) == row]


def single(ref: str) -> int | None:
    """Give the row of a range of one row."""
    found = box(ref)
    return found[1] if found and found[1] == found[3] else None


def relative(element: etree._Element, row: int) -> str:
    """Give an element that belongs to a row as text that says the same on any other row."""
    return re.sub(rf"\b([A-Z]{{1,3}}){row}\b", r"\1#", canonical(element))
