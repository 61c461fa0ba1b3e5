"""The workbook to convert: its items, and what their reader leaves aside."""

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lxml import etree
from python_calamine import CalamineWorkbook, SheetTypeEnum

from poam.layout import Layouts, PageLayout, normal
from poam.model import Sheet
from poam.workbook.anchors import Anchors
from poam.workbook.conversion.rich_text import RUN, is_italic, run
from poam.workbook.package import MAIN, Package
from poam.workbook.plans import Grid
from poam.workbook.read import PoamWorkbook
from poam.workbook.rows import FORMULA, VALUE
from poam.workbook.sheet_xml import INLINE, SheetXml
from poam.workbook.values import as_text
from poam.workbook.write import sheet_parts

Cells = tuple[tuple[int, Any], ...]  # columns and values


class Source:
    """A workbook with every cell, its formulas, rich text, notes and links.

    `items` has the items by sheet and row, `grids` what each worksheet shows by its name, and
    `words` the notes and links on the sheets of items.
    """

    def __init__(self, book: PoamWorkbook) -> None:
        self.book = book
        self.items = {(i["sheet"], i["row"]): i for i in book.items.to_dict("records")}
        self._package = Package(book.path)
        self.grids = read_grids(book.path)
        parts = sheet_parts(self._package)
        self._sheets = {s: SheetXml(self._package, parts[p.name]) for s, p in book.plans.items()}
        self.words = {
            s: Anchors(self._package, self._sheets[s], p.name).words for s, p in book.plans.items()
        }
        relations = self._package.relations(self._package.workbook_part).values()
        roots = {k: self._package.xml(t) for k, t in relations if k in ("sharedStrings", "styles")}
        self._strings = list(roots["sharedStrings"]) if "sharedStrings" in roots else []
        self._fonts = _italic_fonts(roots["styles"])
        self._show_errors()

    def close(self) -> None:
        """Let go of the file."""
        self._package.close()

    def _show_errors(self) -> None:
        """Put what cells in error show (`#N/A`) where the grids have nothing."""
        for sheet, plan in self.book.plans.items():
            for row in plan.item_rows:
                line = self.grids[plan.name][row - 1]
                for column, cell in self._sheets[sheet].cells(row).items():
                    if cell.get("t") == "e" and column <= len(line):
                        line[column - 1] = cell.findtext(VALUE) or ""

    def runs(self, sheet: Sheet, row: int, column: int, text: str) -> list[etree._Element]:
        """Give the text of a cell as rich text, nothing where it is plain."""
        cell = self._sheets[sheet].cells(row).get(column)
        if cell is None or cell.get("t") not in ("s", "inlineStr", "str"):
            return []
        rich = cell.find(INLINE)
        if cell.get("t") == "s":
            rich = self._strings[int(cell.findtext(VALUE) or 0)]
        if rich is not None and rich.find(RUN) is not None:
            return [deepcopy(one) for one in rich.iterchildren(RUN)]
        font = self._fonts.get(int(cell.get("s", "0")))
        return [] if font is None else [run(text, font)]

    def uncomputed(self, sheet: Sheet, row: int) -> list[int]:
        """Give the columns where a row has a formula without a stored result."""
        return [
            column
            for column, cell in self._sheets[sheet].cells(row).items()
            if cell.find(FORMULA) is not None
            and cell.get("t") != "str"
            and not cell.findtext(VALUE)
        ]


def _italic_fonts(styles: etree._Element) -> dict[int, etree._Element]:
    """Give the fonts of the cell styles that are italic."""
    fonts = list(styles.iterfind(f"{{{MAIN}}}fonts/{{{MAIN}}}font"))
    used = (int(x.get("fontId", "0")) for x in styles.iterfind(f"{{{MAIN}}}cellXfs/{{{MAIN}}}xf"))
    return {n: fonts[f] for n, f in enumerate(used) if fonts and is_italic(fonts[f])}


def read_grids(path: Path) -> dict[str, Grid]:
    """Read what every worksheet of a workbook shows, by its name."""
    with path.open("rb") as stream:
        book = CalamineWorkbook.from_filelike(stream)
        return {
            s.name: book.get_sheet_by_name(s.name).to_python(skip_empty_area=False)
            for s in book.sheets_metadata
            if s.typ == SheetTypeEnum.WorkSheet
        }


def filled(line: list[Any]) -> Cells:
    """Give the cells of a line that show anything."""
    return tuple((n, v) for n, v in enumerate(line, start=1) if as_text(v))


@dataclass(frozen=True, slots=True)
class Page:
    """The rows of a sheet that holds no items. `layout` is None for a sheet of no edition."""

    name: str
    layout: PageLayout | None
    rows: tuple[Cells, ...]


def pages(source: Source, layouts: Layouts) -> Iterator[Page]:
    """Give what people wrote on the sheets without items; instructions are the template's."""
    editions = layouts.editions.values()
    labels = {normal(x) for e in editions for s in e.sheets.values() for x in s.row_labels}
    known = {normal(p.name): p for e in editions for p in (*e.pages_before, *e.pages_after)}
    of_items = {plan.name for plan in source.book.plans.values()}
    for name, grid in source.grids.items():
        layout = known.get(normal(name))
        if name in of_items or (layout and not layout.columns):
            continue
        lines = map(filled, grid[layout.header_row if layout else 0 :])
        rows = tuple(x for x in lines if x and normal(as_text(x[0][1])) not in labels)
        yield Page(name, layout, rows)
