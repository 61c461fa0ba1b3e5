"""What hangs on the rows of a sheet from outside its cells: links, notes, merges, pictures."""

import re
from functools import cached_property

from lxml import etree

from poam.workbook import ranges
from poam.workbook.formulas import binds_rows, translate
from poam.workbook.package import MAIN, OFFICE, Package, parse, serialise
from poam.workbook.rows import FORMULA
from poam.workbook.sheet_xml import SheetXml

_VML_EXCEL = "urn:schemas-microsoft-com:office:excel"
_DRAWING = "http://schemas.openxmlformats.org/drawingml/2006/spreadsheetDrawing"

FILTER_NAME = "_xlnm._FilterDatabase"


class Anchors:
    """Everything anchored to the rows of one sheet, and whether it can follow them."""

    def __init__(self, package: Package, sheet: SheetXml, name: str) -> None:
        self._package, self._sheet, self._name = package, sheet, name
        self._relations = package.relations(sheet.part)

    def _parts(self, kind: str) -> list[str]:
        return [t for k, t in self._relations.values() if k == kind and self._package.has(t)]

    @cached_property
    def words(self) -> dict[int, list[tuple[int, str]]]:
        """The notes and links of the sheet by row: column, and words with a gap for its header."""
        found: dict[int, list[tuple[int, str]]] = {}
        for link in self._sheet.root.iter(f"{{{MAIN}}}hyperlink"):
            at = ranges.box(link.get("ref", ""))
            if at and at[1] == at[3]:
                target = self._relations.get(link.get(f"{{{OFFICE}}}id", ""), ("", ""))[1]
                place = link.get("location")
                text = f"{target}#{place}" if place else target
                found.setdefault(at[1], []).append((at[0], f"Link on %s: {text}"))
        for part in self._parts("comments"):
            for comment in self._package.xml(part).iter(f"{{{MAIN}}}comment"):
                at = ranges.box(comment.get("ref", ""))
                if at:
                    text = "".join(t.text or "" for t in comment.iter(f"{{{MAIN}}}t")).strip()
                    found.setdefault(at[1], []).append((at[0], f"Note on %s: {text}"))
        return found

    def obstacle(self, removed: set[int], last: int) -> str | None:
        """Say what keeps the rows from the first removed to the last one from closing up."""
        first = min(removed)
        for check in (self._fixed_parts, self._fixed_ranges, self._fixed_formulas):
            if reason := check(first, last):
                return reason
        return None

    def _fixed_parts(self, first: int, last: int) -> str | None:
        for part in self._parts("threadedComment"):
            for comment in self._package.xml(part).iter("{*}threadedComment"):
                if ranges.touches(ranges.box(comment.get("ref", "")), first, last):
                    return f"a threaded comment on {comment.get('ref')}"
        for part in self._parts("drawing"):
            for row in self._package.xml(part).iter(f"{{{_DRAWING}}}row"):
                if first <= int(row.text or 0) + 1 <= last:
                    return f"a picture or shape on row {int(row.text or 0) + 1}"
        for part in self._parts("vmlDrawing"):
            try:
                etree.fromstring(self._package.read(part))
            except etree.XMLSyntaxError:
                return "notes in a form that cannot be moved"
        for part in self._parts("table"):
            ref = ranges.box(self._package.xml(part).get("ref", ""))
            if ranges.touches(ref, first, last) and not (ref and ref[1] < first <= last <= ref[3]):
                return "a table that holds only some of the rows"
        return None

    def _fixed_ranges(self, first: int, last: int) -> str | None:
        for merge in self._sheet.root.iter(f"{{{MAIN}}}mergeCell"):
            at = ranges.box(merge.get("ref", ""))
            if at and at[1] != at[3] and ranges.touches(at, first, last):
                return f"the merged cells {merge.get('ref')}"
        for element in self._sheet.root.iter("{*}sqref"):
            for ref in (element.text or "").split():
                if ranges.inside(ranges.box(ref), first, last):
                    return f"a rule for {ref} alone"
        return None

    def _fixed_formulas(self, first: int, last: int) -> str | None:
        for cell in self._sheet.formula_cells():
            ref, text = cell.get("r", ""), cell.findtext(FORMULA) or ""
            row = ranges.split(ref)[0]
            if text and binds_rows(text, row, self._name, True, first, last):
                return f"the formula in {ref}, which names single rows"
            if first <= row <= last and "ROW(" in text.upper():
                return f"the formula in {ref}, which counts rows"
            kinds = (formula.get("t") for formula in cell.iterchildren(FORMULA))
            if first <= row <= last and not {"array", "dataTable"}.isdisjoint(kinds):
                return f"the array formula in {ref}"
        quick = self._name.replace("&", "&amp;").encode()
        for part in self._package.names:
            others = part.startswith(("xl/worksheets/", "xl/charts/")) and part.endswith(".xml")
            if part == self._sheet.part or not (others or part == self._package.workbook_part):
                continue
            data = self._package.read(part)
            if quick not in data:
                continue
            root = parse(data, part)
            for element in root.iter("{*}f", "{*}formula", f"{{{MAIN}}}definedName"):
                if (element.get("name") or "").startswith("_xlnm."):
                    continue
                if binds_rows(element.text or "", None, self._name, False, first, last):
                    return f"a formula in {part} that names single rows"
        return None

    def follow(self, rows: dict[int, int], first: int, last: int) -> None:
        """Let everything anchored follow its row; what hung on removed rows goes."""
        for tag, attribute in (
            ("hyperlink", "ref"),
            ("mergeCell", "ref"),
            ("conditionalFormatting", "sqref"),
            ("dataValidation", "sqref"),
            ("ignoredError", "sqref"),
            ("protectedRange", "sqref"),
        ):
            for element in list(self._sheet.root.iter(f"{{{MAIN}}}{tag}")):
                old = element.get(attribute, "")
                new = ranges.remapped(old, rows, first, last)
                if new:
                    element.set(attribute, new)
                    _follow_formulas(element, old, new)
                else:
                    _remove(element)
        for part in self._parts("comments"):
            self._follow_comments(part, rows, first, last)
        for part in self._parts("vmlDrawing"):
            self._follow_shapes(part, rows, first, last)

    def extend(self, old_last: int, new_last: int) -> None:
        """Let tables and filters reach the new last row of the data."""
        for element in self._sheet.root.iterfind(f"{{{MAIN}}}autoFilter"):
            old = element.get("ref", "")
            element.set("ref", ranges.extended(old, old_last, new_last))
            if element.get("ref") != old:
                self._name_filter(old, element.get("ref", ""))
        for part in self._parts("table"):
            root = self._package.xml(part)
            changed = False
            for element in root.iter(f"{{{MAIN}}}table", f"{{{MAIN}}}autoFilter"):
                old = element.get("ref", "")
                element.set("ref", ranges.extended(old, old_last, new_last))
                changed |= element.get("ref") != old
            if changed:
                self._package.replace(part, serialise(root))

    def _name_filter(self, old: str, new: str) -> None:
        """Let the hidden name that Excel keeps for a filter follow it."""
        part = self._package.workbook_part
        root = self._package.xml(part)
        before, after = (ranges.absolute(ref) for ref in (old, new))
        for element in root.iter(f"{{{MAIN}}}definedName"):
            text = element.text or ""
            sheet, _, ref = text.rpartition("!")
            mine = sheet.strip("'").replace("''", "'") == self._name
            if element.get("name") == FILTER_NAME and mine and ref == before:
                element.text = f"{sheet}!{after}"
                self._package.replace(part, serialise(root))

    def _follow_comments(self, part: str, rows: dict[int, int], first: int, last: int) -> None:
        root = self._package.xml(part)
        before = etree.tostring(root)
        for comment in list(root.iter(f"{{{MAIN}}}comment")):
            new = ranges.remapped(comment.get("ref", ""), rows, first, last)
            if new:
                comment.set("ref", new)
            else:
                _remove(comment)
        if etree.tostring(root) != before:
            self._package.replace(part, serialise(root))

    def _follow_shapes(self, part: str, rows: dict[int, int], first: int, last: int) -> None:
        root = self._package.xml(part)
        before = etree.tostring(root)
        for data in list(root.iter(f"{{{_VML_EXCEL}}}ClientData")):
            at = data.find(f"{{{_VML_EXCEL}}}Row")
            old = int(at.text or 0) + 1 if at is not None else 0
            if at is None or not first <= old <= last:
                continue
            shape = data.getparent()
            if old not in rows:
                if shape is not None:
                    _remove(shape)
                continue
            at.text = str(rows[old] - 1)
            anchor = data.find(f"{{{_VML_EXCEL}}}Anchor")
            if anchor is not None and anchor.text:
                numbers = [int(n) for n in re.findall(r"-?\d+", anchor.text)]
                for n in (2, 6):  # the rows of the box's upper and lower edge
                    numbers[n] = max(0, numbers[n] + rows[old] - old)
                anchor.text = ", ".join(map(str, numbers))
        if etree.tostring(root) != before:
            self._package.replace(part, serialise(root))


def _follow_formulas(element: etree._Element, old: str, new: str) -> None:
    """Let the formulas of a rule, which speak of its first row, speak of its new first row."""
    tops = ([at[1] if (at := ranges.box(r)) else 1 for r in x.split()] for x in (old, new))
    before, after = map(min, tops)
    for formula in element.iter(*(f"{{{MAIN}}}{n}" for n in ("formula", "formula1", "formula2"))):
        if formula.text and before != after:
            formula.text = translate(formula.text, f"A{before}", f"A{after}")


def _remove(element: etree._Element) -> None:
    """Take an element out; an empty list is not allowed (ECMA-376), so its parent may go too."""
    parent = element.getparent()
    if parent is None:
        return
    parent.remove(element)
    if "count" in parent.attrib:
        parent.set("count", str(len(parent)))
    if len(parent) == 0 and etree.QName(parent).localname.endswith("s"):
        outer = parent.getparent()
        if outer is not None and etree.QName(parent).localname != "commentList":
            outer.remove(parent)
