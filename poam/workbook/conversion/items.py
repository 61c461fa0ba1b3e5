"""Convert items: what each column holds, in the columns of another edition."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lxml import etree
from openpyxl.utils import get_column_letter

from poam.cells import CELL_LIMIT
from poam.layout import FieldType, Layouts
from poam.model import Value
from poam.workbook.conversion.accounts import Books, Fate, listed
from poam.workbook.conversion.rich_text import has_italics, run
from poam.workbook.conversion.source import Source, filled
from poam.workbook.edits import RowAddition
from poam.workbook.plans import SheetPlan
from poam.workbook.read import PoamWorkbook
from poam.workbook.values import as_text, clean

# Template v3.0 has no milestone columns; its row 7 tells them in the remediation plan, `1) ...`.
_INTO = {"planned_milestones": "remediation_plan", "milestone_changes": "remediation_plan"}
_GAPS = {"remediation_plan": "\n\n", "comments": "\n"}  # between a text and what is folded in
_NONE = {  # the edition's attribute that has its word for none
    "adjusted_risk_rating": "no_adjusted_rating",
    "weakness_source_identifier": "no_identifier",
    "bod_22_01_tracking": "no_kev",
}
_NUMBER = re.compile(r"^([ \t]*)\((\d+)\)", re.MULTILINE)
_BLANK_LINES = re.compile(r"\n\s*\n(?=[ \t]*\(\d+\))")
_DUE = "scheduled_completion_date"


@dataclass(frozen=True, slots=True)
class ConvertedItem:
    """An item to add to the new workbook, and its rich texts by field, as runs."""

    addition: RowAddition
    runs: Mapping[str, list[etree._Element]]


def convert_items(
    source: Source, goal: PoamWorkbook, layouts: Layouts, books: Books
) -> list[ConvertedItem]:
    """Give every item of every sheet, in order, each value entered in the books."""
    words = _words_for_none(layouts, source.book.edition, goal.edition)
    items: list[ConvertedItem] = []
    lost_italics: list[str] = []
    for sheet, plan in source.book.plans.items():
        if sheet in goal.plans:
            table = _Table(source, plan, goal.plans[sheet], layouts, words, books)
            table.count()
            items += map(table.item, plan.item_rows)
            lost_italics += table.lost_italics
        elif plan.item_rows:
            books.refused.append(
                f"{plan.name} holds {len(plan.item_rows)} items, and edition {goal.edition} has "
                "no such sheet"
            )
    if lost_italics:
        books.notes.append(f"Italics not kept in folded text: {listed(lost_italics)}.")
    return items


def _words_for_none(layouts: Layouts, old: str, new: str) -> dict[str, tuple[set[str], str]]:
    """Give, for the columns where two editions differ, all words for none and the new one."""
    found = {}
    for name, attribute in _NONE.items():
        words = {n: str(getattr(e, attribute)) for n, e in layouts.editions.items()}
        if words[new] != words[old]:
            known = (*words.values(), *layouts.blank_words)
            found[name] = {w.casefold() for w in known if w}, words[new]
    return found


class _Table:
    """One sheet's items on their way into the same sheet of the new workbook."""

    def __init__(
        self,
        source: Source,
        plan: SheetPlan,
        goal: SheetPlan,
        layouts: Layouts,
        words: Mapping[str, tuple[set[str], str]],
        books: Books,
    ) -> None:
        self._source, self._plan, self._goal = source, plan, goal
        self._rules, self._words, self._books = layouts.fields, words, books
        self._grid = source.grids[plan.name]
        self._fields = {c: f for f, c in plan.columns.items()}
        self.lost_italics: list[str] = []

    def count(self) -> None:
        """Count the values of each column, and enter those on rows that hold no item."""
        plan, held = self._plan, self._books.held
        for column in sorted({*plan.headers, *self._fields}):
            held[plan.name, _label(plan, column)] = 0
        items = set(plan.item_rows)
        strays: dict[int, list[int]] = defaultdict(list)
        for row in sorted(items.union(range(plan.first_row, len(self._grid) + 1))):
            columns = [c for c, _ in filled(self._grid[row - 1])]
            for column in columns:
                held[plan.name, _label(plan, column)] += 1
                if row not in items:
                    strays[column].append(row)
            if row not in items and any(map(self._is_typed, columns)):
                self._books.refused.append(
                    f"{plan.address(row, columns[0])} stands on a row without POAM ID and "
                    "Weakness Name"
                )
        for column, rows in strays.items():
            self._enter(column, Fate.DROPPED, len(rows))
            first, last = plan.address(rows[0], column), get_column_letter(column) + str(rows[-1])
            self._books.notes.append(
                f"{first}:{last} dropped: {len(rows)} values on rows without an item."
            )

    def _is_typed(self, column: int) -> bool:
        """Tell whether people type into a column, and no drop-down or formula fills blank rows."""
        name = self._fields.get(column)
        if name is None or name == _DUE:
            return False
        return self._rules[name].type is not FieldType.CHOICE

    def _enter(self, column: int, fate: Fate, count: int = 1, into: str | None = None) -> None:
        self._books.enter(self._plan.name, _label(self._plan, column), fate, count, into)

    def item(self, row: int) -> ConvertedItem:
        """Give the item of a row."""
        sheet = self._plan.sheet
        item = self._source.items[sheet.value, row]
        # A blank's own due-date formula would say what the source does not.
        values: dict[str, Value] = {_DUE: None}
        runs: dict[str, list[etree._Element]] = {}
        folded: dict[str, list[str]] = defaultdict(list)
        for column, raw in filled(self._grid[row - 1]):
            name = self._fields.get(column, "")
            # A date that nobody understands stays as it is written.
            value = (item[name] if name else None) or as_text(raw)
            marked = self._source.runs(sheet, row, column, as_text(value))
            if name in self._goal.columns:
                values[name] = self._in_words(name, column, value)
                is_kept = values[name] == value == clean(as_text(value))
                if marked and is_kept and self._rules[name].type is FieldType.TEXT:
                    runs[name] = marked
            else:
                into, line = self._folded(name, column, as_text(value))
                folded[into].append(line)
                if has_italics(marked):
                    self.lost_italics.append(self._plan.address(row, column))
        folded["comments"] += self._anchored(row)
        self._fill_none(values)
        for into, lines in folded.items():
            before = as_text(values.get(into))
            below = (_GAPS[into] if before and lines else "") + "\n".join(lines)
            values[into] = before + below
            if below and into in runs:
                runs[into].append(run(clean(below)))
        self._refuse(row, values, folded)
        return ConvertedItem(RowAddition(sheet.value, values), runs)

    def _in_words(self, name: str, column: int, value: Any) -> Any:  # noqa: ANN401  text or date
        """Give a value for its own column, in the edition's word where it means none."""
        words, word = self._words.get(name, ((), ""))
        translated = as_text(value).strip().casefold() in words and value != word
        self._enter(column, Fate.TRANSLATED if translated else Fate.CARRIED)
        return word if translated else value

    def _folded(self, name: str, column: int, text: str) -> tuple[str, str]:
        """Give the field that takes a value without a column, and the lines it becomes there.

        Numbered milestones stay so, as v3.0 writes them; anything else goes by its header.
        """
        into = _INTO.get(name, "comments")
        into = into if into in self._goal.columns else "comments"
        self._enter(column, Fate.FOLDED, into=self._header(into))
        if name in _INTO and _NUMBER.match(text):
            return into, _NUMBER.sub(r"\1\2)", _BLANK_LINES.sub("\n", text))
        return into, f"{_label(self._plan, column)}: {text}"

    def _header(self, name: str) -> str:
        return _label(self._goal, self._goal.columns[name])

    def _anchored(self, row: int) -> Iterator[str]:
        """Give the notes and links on a row's cells as lines."""
        for column, words in sorted(self._source.words[self._plan.sheet].get(row, ())):
            label = _label(self._plan, column)
            header = f"notes and links on {label}"
            self._books.held[self._plan.name, header] += 1
            into = self._header("comments")
            self._books.enter(self._plan.name, header, Fate.FOLDED, into=into)
            yield words.replace("%s", label, 1)

    def _fill_none(self, values: dict[str, Value]) -> None:
        """Put the edition's word for none where the source has an empty cell."""
        for name, (_, word) in self._words.items():
            shared = name in self._goal.columns and name in self._plan.columns
            if word and shared and name not in values:
                values[name] = word
                self._enter(self._plan.columns[name], Fate.FILLED)

    def _refuse(
        self, row: int, values: Mapping[str, Value], folded: Mapping[str, list[str]]
    ) -> None:
        """Say, by address, what cannot be converted."""
        plan, refused = self._plan, self._books.refused
        own = plan.columns["poam_id"]
        if not values.get("poam_id"):
            refused.append(f"{plan.address(row, own)} is empty, and an item needs an ID")
        for name, value in values.items():
            length = len(clean(as_text(value)))
            if length > CELL_LIMIT:
                at = plan.address(row, plan.columns.get(name, own))
                added = " with what is folded into it" if folded.get(name) else ""
                refused.append(
                    f"{at} has {length:,} characters{added}, and a cell holds {CELL_LIMIT:,}"
                )
        refused += [
            f"{plan.address(row, column)} is a formula without a stored result "
            "(open and save the workbook in a spreadsheet program)"
            for column in self._source.uncomputed(plan.sheet, row)
        ]


def _label(plan: SheetPlan, column: int) -> str:
    """Name a column by its header, with its letter where that is not enough."""
    letter = get_column_letter(column)
    header = " ".join(plan.headers.get(column, "").split())
    if not header:
        return f"Column {letter}"
    again = sum(" ".join(h.split()) == header for h in plan.headers.values()) > 1
    return f"{header} ({letter})" if again and column not in plan.columns.values() else header
