"""The rows of a worksheet part as the bytes they are: of a large sheet, few need a closer look."""

import re
from typing import Any

from lxml import etree

from poam.workbook import ranges
from poam.workbook.package import MAIN, parse, serialise

ROW, CELL, FORMULA, VALUE = (f"{{{MAIN}}}{n}" for n in ("row", "c", "f", "v"))
_DATA = f"{{{MAIN}}}sheetData"
_EMPTY, _OPEN, _CLOSE = b"<sheetData/>", b"<sheetData>", b"</sheetData>"

# What spreadsheet programs write: UTF-8, no namespace prefix, `r` the first attribute.
_START = re.compile(
    rb'(?:<\?xml version="1\.0"(?: encoding="UTF-8")?(?: standalone="\w+")?\?>)?\s*<worksheet[\s>]',
    re.IGNORECASE,
)
_ODD = re.compile(rb'<(?:!|sheetData[^/>]|(?:row|c)(?! r="[A-Z]*[1-9][0-9]*")[\s/>])')
_ROWS = re.compile(rb'<row r="(\d+)"(?:[^>]*/>|.*?</row>)', re.DOTALL)
_NUMBERS = re.compile(rb'(<row r="|<c r="[A-Z]+)\d+')
_FORMULA_CELLS = re.compile(rb'<c r="[^>]*>\s*<f[\s/>].*?</c>', re.DOTALL)


def split(data: bytes, part: str) -> tuple[etree._Element, dict[int, bytes]]:
    """Take a worksheet part apart: the whole without its rows, and the rows by number."""
    if not _START.match(data) or _ODD.search(data) or b"<sheetData" not in data:
        data = _plain(parse(data, part))
    start, end = data.find(_OPEN), data.rfind(_CLOSE)
    if start < 0:
        return parse(data, part), {}
    rows = {int(found[1]): found[0] for found in _ROWS.finditer(data, start, end)}
    return parse(data[:start] + _EMPTY + data[end + len(_CLOSE) :], part), rows


def joined(root: etree._Element, rows: list[bytes]) -> bytes:
    """Give the bytes of a worksheet part, put together again."""
    head, _, tail = serialise(root).partition(_EMPTY)
    return b"".join((head, _OPEN, *rows, _CLOSE, tail))


def renumbered(row: bytes, number: int) -> bytes:
    """Give a row, and its cells, another number."""
    name = b"%d" % number
    return _NUMBERS.sub(lambda found: found[1] + name, row)


def has_formulas(row: bytes) -> bool:
    """Tell whether a row may have formulas."""
    return b"<f" in row


def formula_cells(row: bytes) -> list[bytes]:
    """Give the cells of a row that have a formula."""
    return _FORMULA_CELLS.findall(row) if has_formulas(row) else []


def _plain(root: etree._Element) -> bytes:
    """Write a worksheet as most programs do, its rows and cells numbered.

    `r` is optional on rows and cells (ECMA-376 part 1, 18.3.1.73 and 18.3.1.4).
    """
    spaces: dict[Any, str] = {p: uri for p, uri in root.nsmap.items() if uri != MAIN}
    attributes = {name: root.get(name, "") for name in map(str, root.keys())}
    made = etree.Element(root.tag, attributes, nsmap=spaces | {None: MAIN})
    made[:] = list(root)
    etree.strip_tags(made, etree.Comment, etree.ProcessingInstruction)
    data = made.find(_DATA)
    if data is None:
        data = etree.SubElement(made, _DATA)
    data.attrib.clear()
    number = 0
    for row in data.iterchildren(ROW):
        number = int(row.get("r") or number + 1)
        _name(row, str(number))
        column = 0
        for cell in row.iterchildren(CELL):
            ref = cell.get("r")
            column = ranges.split(ref)[1] if ref else column + 1
            _name(cell, ranges.name(number, column))
    return serialise(made)


def _name(element: etree._Element, name: str) -> None:
    others = {k: v for k, v in element.items() if k != "r"}
    element.attrib.clear()
    element.attrib.update({"r": name, **others})
