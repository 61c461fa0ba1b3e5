"""The styles part: variants of the workbook's own cell styles, added once each."""

import re
from copy import deepcopy

from lxml import etree

from poam.workbook.package import MAIN, Package, serialise

_XFS = f"{{{MAIN}}}cellXfs"
_ALIGNMENT = f"{{{MAIN}}}alignment"
# ECMA-376 part 1, 18.8.30: built-in formats that show a date; 27-36 and 50-58 by locale.
_DATES = {*range(14, 18), 22, *range(27, 37), *range(50, 59)}
_SHORT_DATE = "14"


class Styles:
    """The cell formats (`xf`) of one workbook."""

    def __init__(self, package: Package) -> None:
        relations = package.relations(package.workbook_part).values()
        part = next((target for kind, target in relations if kind == "styles"), "")
        self._package, self._part = package, part
        self._root = package.xml(part)
        found = self._root.find(_XFS)
        if found is None:
            found = etree.SubElement(self._root, _XFS)
            etree.SubElement(found, f"{{{MAIN}}}xf")
        self._xfs = found
        self._known = {_key(xf): n for n, xf in reversed(list(enumerate(found)))}
        self._made: dict[tuple[str, int], int] = {}
        self._date_formats = {
            int(f.get("numFmtId", "0"))
            for f in self._root.iter(f"{{{MAIN}}}numFmt")
            if _shows_date(f.get("formatCode", ""))
        }
        self._count = len(found)

    def is_date(self, style: int) -> bool:
        """Tell whether a style shows a number as a date."""
        number = int(self._xf(style).get("numFmtId", "0"))
        return number in _DATES or number in self._date_formats

    def for_text(self, style: int) -> int:
        """Give the style with wrapped text, or a number, that starts at the cell's top left."""
        return self._variant("text", style)

    def for_date(self, style: int) -> int:
        """Give the style with a short date, unless it shows dates already."""
        return style if self.is_date(style) else self._variant("date", style)

    def save(self) -> None:
        """Put the part back if styles were added."""
        if len(self._xfs) > self._count:
            self._xfs.set("count", str(len(self._xfs)))
            self._package.replace(self._part, serialise(self._root))

    def _xf(self, style: int) -> etree._Element:
        return self._xfs[style if style < len(self._xfs) else 0]

    def _variant(self, kind: str, style: int) -> int:
        if (kind, style) not in self._made:
            xf = deepcopy(self._xf(style))
            if kind == "date":
                xf.set("numFmtId", _SHORT_DATE)
                xf.set("applyNumberFormat", "1")
            else:
                _wrap(xf)
            key = _key(xf)
            if key not in self._known:
                self._xfs.append(xf)
                self._known[key] = len(self._xfs) - 1
            self._made[kind, style] = self._known[key]
        return self._made[kind, style]


def _wrap(xf: etree._Element) -> None:
    alignment = xf.find(_ALIGNMENT)
    if alignment is None:
        alignment = etree.Element(_ALIGNMENT)
        xf.insert(0, alignment)
    alignment.set("vertical", "top")
    alignment.set("wrapText", "1")
    if alignment.get("horizontal", "general") == "general":
        alignment.set("horizontal", "left")
    xf.set("applyAlignment", "1")


def _key(xf: etree._Element) -> str:
    inner = ";".join(f"{etree.QName(e).localname}{sorted(e.items())}" for e in xf)
    return f"{sorted(xf.items())}{inner}"


def _shows_date(code: str) -> bool:
    plain = re.sub(r'"[^"]*"|\[[^\]]*\]|\\.', "", code).lower()
    return "y" in plain or "d" in plain
