"""Rich text in a cell: runs of characters, each with a look of its own."""

from copy import deepcopy

from lxml import etree

from poam.workbook.package import MAIN
from poam.workbook.sheet_xml import TEXT
from poam.workbook.values import escape

RUN = f"{{{MAIN}}}r"
_LOOK, _ITALIC, _NAME, _RUN_NAME = (f"{{{MAIN}}}{n}" for n in ("rPr", "i", "name", "rFont"))
_SPACE = "{http://www.w3.org/XML/1998/namespace}space"


def run(text: str, font: etree._Element | None = None) -> etree._Element:
    """Make a run of a text, plain or in a font of the styles part."""
    made = etree.Element(RUN)
    if font is not None:
        look = deepcopy(font)
        look.tag = _LOOK
        for name in look.iterfind(_NAME):
            name.tag = _RUN_NAME
        made.append(look)
    inner = etree.SubElement(made, TEXT)
    inner.set(_SPACE, "preserve")
    inner.text = escape(text)
    return made


def is_italic(look: etree._Element) -> bool:
    """Tell whether a font, or the look of a run, is italic."""
    mark = look.find(_ITALIC)
    return mark is not None and mark.get("val", "1") not in ("0", "false")


def has_italics(runs: list[etree._Element]) -> bool:
    """Tell whether any of the runs is italic."""
    return any(is_italic(look) for one in runs for look in one.iterfind(_LOOK))
