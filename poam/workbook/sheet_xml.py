"""One worksheet part: its rows and cells, looked up by number, changed one at a time."""

from bisect import bisect_left
from collections.abc import Mapping
from copy import deepcopy

from lxml import etree

from poam.workbook import ranges
from poam.workbook.formulas import SharedFormulas
from poam.workbook.package import MAIN, Package, discard, serialise
from poam.workbook.values import escape

ROW, CELL, FORMULA, VALUE = (f"{{{MAIN}}}{n}" for n in ("row", "c", "f", "v"))
INLINE, TEXT = f"{{{MAIN}}}is", f"{{{MAIN}}}t"
_LINE, _MARGIN, _HIGHEST = 13, 2, 409  # points; no row can be higher (Excel's limits)
_SPACE = "{http://www.w3.org/XML/1998/namespace}space"


class SheetXml:
    """A worksheet part, parsed. Only what is set changes."""

    def __init__(self, package: Package, part: str) -> None:
        self._package, self.part = package, part
        self.root = package.xml(part)
        found = self.root.find(f"{{{MAIN}}}sheetData")
        self.data = (
            found if found is not None else etree.SubElement(self.root, f"{{{MAIN}}}sheetData")
        )
        self.is_changed = False
        self._widths: dict[int, int] = {}
        self._number_rows()
        self.formulas = SharedFormulas(self.data)

    def _number_rows(self) -> None:
        """Find every row; `r` is optional on rows and cells (ECMA-376 part 1, 18.3.1.73)."""
        self.rows: dict[int, etree._Element] = {}
        self._cells: dict[int, dict[int, etree._Element]] = {}
        last = 0
        for row in self.data.iterchildren(ROW):
            last = int(row.get("r") or last + 1)
            row.set("r", str(last))
            self.rows[last] = row
        self._order = sorted(self.rows)

    def row(self, number: int) -> etree._Element:
        """Give a row, made where it is missing."""
        if number not in self.rows:
            at = bisect_left(self._order, number)
            made = etree.Element(ROW, r=str(number))
            if at < len(self._order):
                self.rows[self._order[at]].addprevious(made)
            else:
                self.data.append(made)
            self._order.insert(at, number)
            self.rows[number] = made
        return self.rows[number]

    def cells(self, number: int) -> dict[int, etree._Element]:
        """Give a row's cells by column number."""
        if number not in self._cells:
            found: dict[int, etree._Element] = {}
            last = 0
            row = self.rows.get(number)
            for cell in row.iterchildren(CELL) if row is not None else ():
                ref = cell.get("r")
                last = ranges.split(ref)[1] if ref else last + 1
                cell.set("r", ranges.name(number, last))
                found[last] = cell
            self._cells[number] = found
        return self._cells[number]

    def cell(self, row: int, column: int) -> etree._Element:
        """Give a cell, made at its place where it is missing."""
        cells = self.cells(row)
        if column not in cells:
            element = self.row(row)
            discard(element, "spans")
            made = etree.Element(CELL, r=ranges.name(row, column))
            right = [c for c in cells if c > column]
            if right:
                cells[min(right)].addprevious(made)
            elif cells:
                cells[max(cells)].addnext(made)
            else:
                element.insert(0, made)
            cells[column] = made
        return cells[column]

    def style(self, row: int, column: int, first_row: int) -> int:
        """Give the style a cell has, or would have if someone typed into it.

        Below the rows the template prepared, the row above is the model, or else the first one.
        """
        cell = self.cells(row).get(column)
        if cell is not None:
            return int(cell.get("s", "0"))
        element = self.rows.get(row)
        if element is not None and element.get("customFormat") in ("1", "true"):
            return int(element.get("s", "0"))
        if element is None or not self.cells(row):
            at = bisect_left(self._order, row) - 1
            for above in (self._order[at] if at >= 0 else 0, first_row):
                model = self.cells(above).get(column) if above >= first_row else None
                if model is not None:
                    return int(model.get("s", "0"))
        return self._column_style(column)

    def _column_style(self, column: int) -> int:
        for col in self.root.iterfind(f"{{{MAIN}}}cols/{{{MAIN}}}col"):
            if int(col.get("min", "0")) <= column <= int(col.get("max", "0")):
                return int(col.get("style", "0"))
        return 0

    def put_text(self, row: int, column: int, text: str, style: int) -> None:
        """Write text as text: an inline string is never a formula, whatever it starts with."""
        cell = self._emptied(row, column, style)
        if text:
            cell.set("t", "inlineStr")
            inner = etree.SubElement(etree.SubElement(cell, INLINE), TEXT)
            inner.set(_SPACE, "preserve")
            inner.text = escape(text)

    def put_number(self, row: int, column: int, number: int, style: int) -> None:
        """Write a number."""
        etree.SubElement(self._emptied(row, column, style), VALUE).text = str(number)

    def put_copy(self, row: int, column: int, other: etree._Element, style: int) -> None:
        """Write what another cell of the workbook holds, rich text included."""
        cell = self._emptied(row, column, style)
        if kind := other.get("t"):
            cell.set("t", kind)
        for child in other:
            cell.append(deepcopy(child))

    def dress(self, row: int, column: int, style: int) -> None:
        """Give an empty cell the style that its row has, for whoever types into it."""
        if style and int(self.cell(row, column).get("s", "0")) != style:
            self.is_changed = True
            self.cell(row, column).set("s", str(style))

    def _emptied(self, row: int, column: int, style: int) -> etree._Element:
        cell = self.cell(row, column)
        self.empty(cell)
        if style:
            cell.set("s", str(style))
        elif "s" in cell.attrib:
            del cell.attrib["s"]
        return cell

    def empty(self, cell: etree._Element) -> None:
        """Take a cell's value and formula away; its style stays."""
        self.is_changed = True
        self.formulas.release(cell)
        for child in list(cell):
            cell.remove(child)
        discard(cell, "t", "cm", "vm")

    def touch(self, row: int) -> None:
        """Let a written row fit its text again."""
        self.is_changed = True
        discard(self.row(row), "ht", "customHeight")

    def fit(self, row: int, texts: Mapping[int, str]) -> None:
        """Let a row show its texts, by an estimate of the lines they take.

        Not every program measures rows without a height when it opens a workbook: some show one
        line. The height is not `customHeight`, so Excel fits the row again once it is edited.
        """
        self.touch(row)
        lines = max(
            sum(1 + len(x) // self._letters(column) for x in text.split("\n"))
            for column, text in (texts or {1: ""}).items()
        )
        self.row(row).set("ht", str(min(_HIGHEST, lines * _LINE + _MARGIN)))

    def _letters(self, column: int) -> int:
        """Tell how many letters fit a line of a column, a little less than its width says."""
        if column not in self._widths:
            width = 10.0
            for col in self.root.iterfind(f"{{{MAIN}}}cols/{{{MAIN}}}col"):
                if int(col.get("min", "0")) <= column <= int(col.get("max", "0")):
                    width = float(col.get("width", width))
            self._widths[column] = max(1, int(width * 0.9))
        return self._widths[column]

    def holds(self, row: int, column: int) -> bool:
        """Tell whether a cell has a value or a formula."""
        return len(self.cells(row).get(column, ())) > 0

    def has_formula(self, row: int, column: int) -> bool:
        """Tell whether a cell's value is computed."""
        cell = self.cells(row).get(column)
        return cell is not None and cell.find(FORMULA) is not None

    def forget_result(self, row: int, column: int) -> bool:
        """Drop the stored result of a formula; tell whether there is one."""
        cell = self.cells(row).get(column)
        if cell is None or cell.find(FORMULA) is None:
            return False
        for value in cell.findall(VALUE):
            cell.remove(value)
        discard(cell, "t")
        self.is_changed = True
        return True

    def blank(self, row: int, keep: int | None) -> None:
        """Take every value off a row; a formula in column `keep` stays, with nothing to show."""
        for column, cell in self.cells(row).items():
            if column != keep or not self.forget_result(row, column):
                self.empty(cell)
        if row in self.rows:
            self.touch(row)

    def reorder(self, moved: dict[int, int]) -> None:
        """Give rows new numbers; `moved` maps every row of a stretch onto the same stretch."""
        elements = {
            new: (old, self.rows.pop(old)) for old, new in moved.items() if old in self.rows
        }
        for old, _ in elements.values():
            self.cells(old)
        cells = {new: self._cells.pop(old) for new, (old, _) in elements.items()}
        for _, element in elements.values():
            self.data.remove(element)
        self._order = sorted(self.rows)
        for new in sorted(elements):
            old, element = elements[new]
            element.set("r", str(new))
            for column, cell in cells[new].items():
                cell.set("r", ranges.name(new, column))
                self.formulas.follow(cell, ranges.name(old, column), ranges.name(new, column))
            at = bisect_left(self._order, new)
            if at < len(self._order):
                self.rows[self._order[at]].addprevious(element)
            else:
                self.data.append(element)
            self._order.insert(at, new)
            self.rows[new] = element
            self._cells[new] = cells[new]
        self.is_changed = True

    def extend(self, old_last: int, new_last: int) -> None:
        """Let validations and conditional formats reach the new last row."""
        for element in self.root.iter(
            f"{{{MAIN}}}conditionalFormatting", f"{{{MAIN}}}dataValidation"
        ):
            sqref = element.get("sqref", "")
            element.set("sqref", ranges.extended(sqref, old_last, new_last))
        for element in self.root.iter("{*}sqref"):  # extLst: Excel 2010's validations and formats
            element.text = ranges.extended(element.text or "", old_last, new_last)

    def save(self) -> None:
        """Put the part back if anything changed."""
        if not self.is_changed:
            return
        self.formulas.settle()
        self._fit_dimension()
        self._package.replace(self.part, serialise(self.root))

    def _fit_dimension(self) -> None:
        element = self.root.find(f"{{{MAIN}}}dimension")
        found = ranges.box(element.get("ref", "")) if element is not None else None
        if element is None or found is None:
            return
        widest = max((max(c, default=1) for c in self._cells.values()), default=1)
        bottom = max(found[3], self._order[-1] if self._order else 1)
        element.set("ref", ranges.text((found[0], found[1], max(found[2], widest), bottom)))
