"""Formulas that cells share, and references that rows carry along."""

import re
from collections.abc import Callable, Iterable

from lxml import etree
from openpyxl.formula.tokenizer import TokenizerError
from openpyxl.formula.translate import Translator

from poam.errors import WorkbookError
from poam.workbook import ranges
from poam.workbook.package import MAIN, discard

_FORMULA = f"{{{MAIN}}}f"
_TEXTS = re.compile(r'"[^"]*"')
_REFERENCE = re.compile(
    r"(?:(?:'((?:[^']|'')+)'|([\w.]+))!)?"
    r"(\$?)([A-Z]{1,3})(\$?)(\d+)(?::(\$?)([A-Z]{1,3})(\$?)(\d+))?(?![\w(])"
)


class SharedFormulas:
    """The shared formulas of one sheet.

    ECMA-376 part 1, 18.3.1.40: the first cell of a group holds the text, the others only its
    number. When the first cell is overwritten, the next one takes the text over.
    """

    def __init__(self, cells: Iterable[etree._Element]) -> None:
        self.is_changed = False
        self._texts: dict[str, tuple[str, str]] = {}
        self._members: dict[str, set[str]] = {}
        self._headless: set[str] = set()
        for cell in cells:
            formula = cell.find(_FORMULA)
            if formula is not None and formula.get("t") == "shared":
                group, ref = formula.get("si", ""), cell.get("r", "")
                self._members.setdefault(group, set()).add(ref)
                if formula.text:
                    self._texts[group] = (formula.text, ref)

    def release(self, cell: etree._Element) -> None:
        """Note that a cell loses its formula."""
        formula = cell.find(_FORMULA)
        if formula is None:
            return
        self.is_changed = True
        if formula.get("t") == "shared":
            group = formula.get("si", "")
            self._members[group].discard(cell.get("r", ""))
            if formula.text:
                self._headless.add(group)

    def expand(self, cell: etree._Element) -> None:
        """Give a cell its formula in full."""
        formula = cell.find(_FORMULA)
        if formula is None or formula.get("t") != "shared":
            return
        group, ref = formula.get("si", ""), cell.get("r", "")
        if group not in self._texts:
            return
        self.release(cell)
        formula.text = translate(*self._texts[group], ref)
        discard(formula, "t", "si", "ref")

    def follow(self, cell: etree._Element, old: str, new: str) -> None:
        """Let a formula's references move with its cell."""
        formula = cell.find(_FORMULA)
        if formula is None or old == new:
            return
        self.is_changed = True
        if formula.text:
            formula.text = translate(formula.text, old, new)
        if formula.get("ref") == old:
            formula.set("ref", new)

    def settle(self, cell: Callable[[int, int], etree._Element]) -> None:
        """Hand the text of groups that lost their first cell to the next one."""
        for group in sorted(self._headless):
            members = self._members[group]
            if not members:
                continue
            heir = min(members, key=ranges.split)
            boxes = [ranges.split(r) for r in members]
            left, right = min(c for _, c in boxes), max(c for _, c in boxes)
            top, bottom = min(r for r, _ in boxes), max(r for r, _ in boxes)
            formula = cell(*ranges.split(heir)).find(_FORMULA)
            if formula is not None:
                formula.text = translate(*self._texts[group], heir)
                formula.set("ref", ranges.text((left, top, right, bottom)))
                self._texts[group] = (formula.text, heir)
        self._headless.clear()


def translate(text: str, old: str, new: str) -> str:
    """Give a formula as it reads when copied from one cell to another."""
    try:
        return str(Translator(f"={text}", old).translate_formula(new))[1:]
    except TokenizerError as e:
        raise WorkbookError(f"the formula of {old} cannot be read ({e}).") from e


def binds_rows(text: str, row: int | None, sheet: str, own: bool, first: int, last: int) -> bool:
    """Tell whether a formula names single rows among first to last, so that they must stay.

    A reference to the formula's own row moves with it; a range over all of the rows still
    means the same cells after they closed up.
    """
    for found in _REFERENCE.finditer(_TEXTS.sub('""', text)):
        quoted, plain, _, _, fixed, top, _, _, fixed_end, bottom = found.groups()
        prefix = (quoted or plain or "").replace("''", "'")
        if (prefix.casefold() != sheet.casefold()) if prefix else not own:
            continue
        start, end = int(top), int(bottom or top)
        if own and start == end == row and not fixed:
            continue
        moves = row is not None and own and first <= row <= last
        if start <= first and end >= last and start < end and (not moves or (fixed and fixed_end)):
            continue
        if (end < first or start > last) and (not moves or fixed):
            continue
        return True
    return False
