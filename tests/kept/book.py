"""A workbook file as parts: looked at, or edited, without any spreadsheet library."""

import zipfile
from functools import cache, cached_property
from pathlib import Path
from posixpath import dirname, join, normpath, relpath
from typing import NamedTuple

from lxml import etree
from openpyxl.formula.translate import Translator

from poam.layout import load_layouts
from poam.model import Sheet
from poam.policy import read_mapping
from poam.workbook import PoamWorkbook, read_workbook
from poam.workbook.ranges import name as cell_name
from poam.workbook.ranges import split

OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
RELS = "http://schemas.openxmlformats.org/package/2006/relationships"
SPACES = {
    None: "http://schemas.openxmlformats.org/spreadsheetml/2006/main",
    "r": OFFICE,
    "x14": "http://schemas.microsoft.com/office/spreadsheetml/2009/9/main",
    "xm": "http://schemas.microsoft.com/office/excel/2006/main",
    "xdr": "http://schemas.openxmlformats.org/drawingml/2006/spreadsheetDrawing",
    "a": "http://schemas.openxmlformats.org/drawingml/2006/main",
    "t": "http://schemas.microsoft.com/office/spreadsheetml/2018/threadedcomments",
    "v": "urn:schemas-microsoft-com:vml",
    "x": "urn:schemas-microsoft-com:office:excel",
}
MAIN, RID = f"{{{SPACES[None]}}}", f"{{{OFFICE}}}id"
TYPES = "[Content_Types].xml"
# The order of a worksheet's elements (ECMA-376 part 1, 18.3.1.99).
ORDER = (
    "sheetPr", "dimension", "sheetViews", "sheetFormatPr", "cols", "sheetData", "sheetProtection",
    "autoFilter", "mergeCells", "conditionalFormatting", "dataValidations", "hyperlinks",
    "printOptions", "pageMargins", "pageSetup", "headerFooter", "ignoredErrors", "drawing",
    "legacyDrawing", "tableParts", "extLst",
)  # fmt: skip
LAYOUTS = load_layouts(read_mapping("templates.yaml"))


class Cell(NamedTuple):
    """What a cell is: its style in full, its formula in full, the runs of its text or its value."""

    look: tuple[str, ...]
    formula: str
    runs: tuple[tuple[str, str], ...]


class Book:
    """The parts of a workbook, parsed when they are asked for, and what the reader makes of it."""

    def __init__(self, parts: dict[str, bytes], read: PoamWorkbook) -> None:
        self.parts, self.read, self.plans = parts, read, read.plans
        self._roots: dict[str, etree._Element] = {}
        self._rows: dict[Sheet, dict[int, etree._Element]] = {}
        named = {
            s.get("name"): self.related("xl/workbook.xml", s.get(RID))[0]
            for s in self.xml("xl/workbook.xml").iter(f"{MAIN}sheet")
        }
        self.part = {sheet: named[plan.name] for sheet, plan in self.plans.items()}

    @classmethod
    def open(cls, path: Path) -> "Book":
        """Read a file."""
        with zipfile.ZipFile(path) as package:
            parts = {n: package.read(n) for n in package.namelist()}
        return cls(parts, read_workbook(path, LAYOUTS))

    def copy(self) -> "Book":
        """Give another one with the same parts."""
        return Book(dict(self.parts), self.read)

    def save(self, path: Path) -> None:
        """Write the parts, those that were parsed as they are now."""
        for part, root in self._roots.items():
            self.parts[part] = etree.tostring(root, encoding="UTF-8", standalone=True)
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as package:
            for part, data in self.parts.items():
                package.writestr(part, data)

    def xml(self, part: str) -> etree._Element:
        """Give the root of a part."""
        if part not in self._roots:
            self._roots[part] = etree.fromstring(self.parts[part])
        return self._roots[part]

    def attach(self, owner: str, kind: str, part: str, data: bytes, content_type: str) -> str:
        """Add a part that another one, or "", the file, refers to; gives the relationship's ID."""
        self.parts[part] = data
        types = self.xml(TYPES)
        made = etree.SubElement(types, types.tag.replace("Types", "Override"))
        made.set("PartName", f"/{part}")
        made.set("ContentType", content_type)
        return self.relate(owner, kind, relpath(part, dirname(owner) or "."))

    def relate(self, owner: str, kind: str, target: str, **more: str) -> str:
        """Add a relationship; gives its ID."""
        part = rels_part(owner)
        self.parts.setdefault(part, f'<Relationships xmlns="{RELS}"/>'.encode())
        root = self.xml(part)
        rid = f"rIdX{len(root) + 1}"
        made = {"Id": rid, "Type": kind, "Target": target, **more}
        etree.SubElement(root, f"{{{RELS}}}Relationship", made)
        return rid

    def related(self, owner: str, wanted: str) -> list[str]:
        """Give the parts that a part refers to by a relationship's ID, or the end of its type."""
        rels = self.xml(rels_part(owner)) if rels_part(owner) in self.parts else ()
        targets = [
            r.get("Target")
            for r in rels
            if r.get("Id") == wanted or r.get("Type").endswith(f"/{wanted}")
        ]
        return [normpath(join("/", dirname(owner), t)).lstrip("/") for t in targets]

    def sheet(self, sheet: Sheet = Sheet.OPEN) -> etree._Element:
        """Give the root of a sheet."""
        return self.xml(self.part[sheet])

    def rows(self, sheet: Sheet) -> dict[int, etree._Element]:
        """Give the rows of a sheet by number."""
        if sheet not in self._rows:
            found = self.sheet(sheet).iter(f"{MAIN}row")
            self._rows[sheet] = {int(row.get("r")): row for row in found}
        return self._rows[sheet]

    def elements(self, sheet: Sheet, row: int) -> dict[int, etree._Element]:
        """Give the cells of a row by column."""
        return {split(c.get("r"))[1]: c for c in self.rows(sheet).get(row, ())}

    def element(self, sheet: Sheet, row: int, column: int) -> etree._Element:
        """Give a cell, made where it is missing."""
        there = self.elements(sheet, row)
        if column not in there:
            line = self.rows(sheet)[row]
            made = etree.Element(f"{MAIN}c", r=cell_name(row, column))
            line.insert(sum(c < column for c in there), made)
            return made
        return there[column]

    def cells(self, sheet: Sheet, row: int) -> dict[int, Cell]:
        """Give what the cells of a row are, by column."""
        return {
            column: Cell(self._look(c.get("s", "0")), self._formula(sheet, c), self._runs(c))
            for column, c in self.elements(sheet, row).items()
        }

    def cell(self, sheet: Sheet, row: int, name: str) -> Cell:
        """Give what the cell of a field, or of a column with another header, is."""
        plan = self.plans[sheet]
        column = plan.columns.get(name) or {h: c for c, h in plan.headers.items()}.get(name, 0)
        return self.cells(sheet, row).get(column, Cell((), "", ()))

    @cached_property
    def strings(self) -> etree._Element:
        """The texts that cells share, as Excel keeps them."""
        return self.xml("xl/sharedStrings.xml")

    @cached_property
    def styles(self) -> etree._Element:
        """The root of the styles."""
        return self.xml("xl/styles.xml")

    def _runs(self, cell: etree._Element) -> tuple[tuple[str, str], ...]:
        kind, value = cell.get("t", "n"), cell.findtext(f"{MAIN}v")
        if kind not in ("s", "inlineStr"):
            return ((kind, value),) if value else ()
        holder = self.strings[int(value)] if kind == "s" else cell.find(f"{MAIN}is")
        return tuple(
            (canonical(t.getparent().find(f"{MAIN}rPr")), t.text or "")
            for t in holder.iter(f"{MAIN}t")
        )

    def _formula(self, sheet: Sheet, cell: etree._Element) -> str:
        found = cell.find(f"{MAIN}f")
        if found is None:
            return ""
        if found.get("t") != "shared":
            return f"={found.text}"
        text, origin = self._shared[sheet, found.get("si")]
        return translated(f"={text}", origin, cell.get("r"))

    @cached_property
    def _shared(self) -> dict[tuple[Sheet, str], tuple[str, str]]:
        return {
            (sheet, f.get("si")): (f.text, f.getparent().get("r"))
            for sheet in self.plans
            for f in self.sheet(sheet).iter(f"{MAIN}f")
            if f.get("t") == "shared" and f.text
        }

    @cached_property
    def _looks(self) -> dict[str, tuple[str, ...]]:
        groups = ("font", "fill", "border")
        lists = {g: [canonical(e) for e in self.styles.find(f"{MAIN}{g}s")] for g in groups}
        formats = {f.get("numFmtId"): f.get("formatCode") for f in self.styles.iter("{*}numFmt")}
        return {
            str(number): (
                *(lists[g][int(xf.get(f"{g}Id", "0"))] for g in groups),
                formats.get(xf.get("numFmtId"), xf.get("numFmtId", "0")),
                *(canonical(child) for child in xf),
            )
            for number, xf in enumerate(self.styles.find(f"{MAIN}cellXfs"))
        }

    def _look(self, style: str) -> tuple[str, ...]:
        return self._looks[style]


def rels_part(owner: str) -> str:
    """Name the part that holds a part's relationships."""
    return join(dirname(owner), "_rels", f"{owner.rpartition('/')[2]}.rels")


def translated(formula: str, old: str, new: str) -> str:
    """Give a formula as it reads when its cell goes elsewhere with all that it names."""
    if old == new or not formula:
        return formula
    return Translator(formula, old).translate_formula(new)


@cache
def _opening() -> str:
    return "".join(f' xmlns{":" + p if p else ""}="{uri}"' for p, uri in SPACES.items())


def made(text: str) -> etree._Element:
    """Make an element of text that uses the prefixes of SPACES."""
    return etree.fromstring(f"<outer{_opening()}>{text}</outer>")[0]


def place(root: etree._Element, element: etree._Element) -> etree._Element:
    """Put an element of a worksheet at its place."""
    later = ORDER[ORDER.index(etree.QName(element).localname) + 1 :]
    following = (child for child in root if etree.QName(child).localname in later)
    behind = next(following, None)
    if behind is None:
        root.append(element)
    else:
        behind.addprevious(element)
    return element


def listed(root: etree._Element, tag: str) -> etree._Element:
    """Give a list of a worksheet, made where it is missing."""
    found = root.find(f"{MAIN}{tag}")
    return place(root, made(f"<{tag}/>")) if found is None else found


def append(parent: etree._Element, element: etree._Element) -> int:
    """Add an element to a list that may say how long it is; gives its number, from 0."""
    parent.append(element)
    if "count" in parent.attrib:
        parent.set("count", str(len(parent)))
    return len(parent) - 1


def canonical(element: etree._Element | None) -> str:
    """Give an element as comparable text."""
    return (
        "" if element is None else etree.tostring(element, method="c14n", exclusive=True).decode()
    )
