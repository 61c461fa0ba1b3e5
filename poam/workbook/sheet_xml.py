"""One worksheet part: its rows and cells, looked up by number, changed one at a time."""

from bisect import bisect_left, insort
from collections.abc import Iterator, Mapping
from copy import deepcopy

from lxml import etree

from poam.workbook import ranges, rows
from poam.workbook.formulas import SharedFormulas
from poam.workbook.package import MAIN, Package, discard, parse
from poam.workbook.row_heights import height, wrapped
from poam.workbook.rows import CELL, FORMULA, VALUE
from poam.workbook.values import escape

INLINE, TEXT = f"{{{MAIN}}}is", f"{{{MAIN}}}t"
_SPACE = "{http://www.w3.org/XML/1998/namespace}space"


class SheetXml:
    """A worksheet part. A row is parsed once somebody asks for it; only what is set changes.

    `root` is the part without its rows.
    """

    def __init__(self, package: Package, part: str) -> None:
        self._package, self.part = package, part
        self.root, found = rows.split(package.read(part), part)
        self._rows: dict[int, bytes | etree._Element] = dict(found)
        self._order = sorted(self._rows)
        self._cells: dict[int, dict[int, etree._Element]] = {}
        self._widths: dict[int, float] = {}
        self._widest = 1
        self.is_changed = False
        self._declared = [
            (f' xmlns:{prefix}="{uri}"' if prefix else f' xmlns="{uri}"').encode()
            for prefix, uri in self.root.nsmap.items()
        ]
        self.formulas = SharedFormulas(self.formula_cells())

    def _parsed(self, row: bytes) -> etree._Element:
        around = b"<worksheet%s>%s</worksheet>" % (b"".join(self._declared), row)
        return parse(around, self.part)[0]

    def _written(self, number: int) -> bytes:
        row = self._rows[number]
        if isinstance(row, bytes):
            return row
        tag, _, rest = etree.tostring(row, encoding="UTF-8", with_tail=False).partition(b">")
        for namespace in self._declared:
            tag = tag.replace(namespace, b"")
        return b"%s>%s" % (tag, rest)

    def row(self, number: int) -> etree._Element:
        """Give a row, made where it is missing."""
        if number not in self._rows:
            insort(self._order, number)
        row = self._rows.get(number, b'<row r="%d"/>' % number)
        if isinstance(row, bytes):
            row = self._rows[number] = self._parsed(row)
        return row

    def release(self, number: int) -> None:
        """Keep a row as bytes again, once nobody is at work on it: elements take much room."""
        if number in self._rows:
            self._rows[number] = self._written(number)
            self._cells.pop(number, None)

    def cells(self, number: int) -> dict[int, etree._Element]:
        """Give a row's cells by column number."""
        if number not in self._cells:
            row = self.row(number) if number in self._rows else ()
            self._cells[number] = {
                ranges.split(cell.get("r", ""))[1]: cell for cell in row if cell.tag == CELL
            }
        return self._cells[number]

    def formula_cells(self) -> Iterator[etree._Element]:
        """Give the cells with formulas, for reading only."""
        plain = [row for row in self._rows.values() if isinstance(row, bytes)]
        held = b"".join(cell for row in plain for cell in rows.formula_cells(row))
        yield from self._parsed(b"<row>%s</row>" % held)
        for row in self._rows.values():
            if not isinstance(row, bytes):
                yield from (cell for cell in row if cell.find(FORMULA) is not None)

    def cell(self, row: int, column: int) -> etree._Element:
        """Give a cell, made at its place where it is missing."""
        cells = self.cells(row)
        if column not in cells:
            element = self.row(row)
            discard(element, "spans")
            self._widest = max(self._widest, column)
            made = etree.SubElement(element, CELL, r=ranges.name(row, column))
            last = max(cells, default=0)
            if not cells:
                element.insert(0, made)
            elif column > last:
                cells[last].addnext(made)
            else:
                cells[min(c for c in cells if c > column)].addprevious(made)
            cells[column] = made
        return cells[column]

    def style(self, row: int, column: int, first_row: int) -> int:
        """Give the style a cell has, or would have if someone typed into it.

        Below the rows the template prepared, the row above is the model, or else the first one.
        """
        cell = self.cells(row).get(column)
        if cell is not None:
            return int(cell.get("s", "0"))
        element = self.row(row) if row in self._rows else None
        if element is not None and element.get("customFormat") in ("1", "true"):
            return int(element.get("s", "0"))
        if not self.cells(row):
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
        lines = max(wrapped(text, self._width(column)) for column, text in texts.items())
        self.row(row).set("ht", str(height(lines)))

    def _width(self, column: int) -> float:
        """Give the width of a column, in digits."""
        if column not in self._widths:
            self._widths[column] = 10.0
            for col in self.root.iterfind(f"{{{MAIN}}}cols/{{{MAIN}}}col"):
                if int(col.get("min", "0")) <= column <= int(col.get("max", "0")):
                    self._widths[column] = float(col.get("width", "10"))
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
        if row in self._rows:
            self.touch(row)

    def reorder(self, moved: dict[int, int]) -> None:
        """Give rows new numbers; `moved` maps every row of a stretch onto the same stretch."""
        taken: dict[int, bytes] = {}
        for old, new in moved.items():
            if old in self._rows:
                taken[new] = self._renumbered(old, new)
                del self._rows[old]
                self._cells.pop(old, None)
        self._rows |= taken
        self._order = sorted(self._rows)
        self.is_changed = True

    def _renumbered(self, old: int, new: int) -> bytes:
        row = self._rows[old]
        if isinstance(row, bytes) and not rows.has_formulas(row):
            return rows.renumbered(row, new)
        for column, cell in self.cells(old).items():
            self.formulas.expand(cell)
            self.formulas.follow(cell, ranges.name(old, column), ranges.name(new, column))
        return rows.renumbered(self._written(old), new)

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
        self.formulas.settle(self.cell)
        self._fit_dimension()
        written = [self._written(number) for number in self._order]
        self._package.replace(self.part, rows.joined(self.root, written))

    def _fit_dimension(self) -> None:
        element = self.root.find(f"{{{MAIN}}}dimension")
        found = ranges.box(element.get("ref", "")) if element is not None else None
        if element is None or found is None:
            return
        bottom = max(found[3], self._order[-1] if self._order else 1)
        element.set("ref", ranges.text((*found[:2], max(found[2], self._widest), bottom)))
