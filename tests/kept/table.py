"""The table of the README's developer notes: what an update keeps, measured."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from poam.model import Sheet
from poam.workbook import RowAddition, RowMove, RowUpdate, WorkbookEdits, write_workbook
from tests.kept.book import LAYOUTS, Book
from tests.kept.kinds import IN_FILE, MACROS, ON_ROWS, FileKind, RowKind
from tests.kept.plain import filled, item

COLUMNS = (
    "Content",
    "Untouched",
    "On a row with a new value",
    "On a row that closes up",
    "On a row that goes to another sheet",
)
STAYS, UPDATED, LEAVES, CLOSES_UP = range(4)  # rows, counted from the first item
SEEN = {"status_date": date(2026, 3, 1)}

Added = tuple[RowKind, int, str]
"""A kind of content, the row it is put on, and words that it says."""


def dress(book: Book, target: Path, on_rows: list[Added], in_file: tuple[FileKind, ...]) -> Path:
    """Save a workbook with what people add."""
    book = book.copy()
    for kind, row, words in sorted(on_rows, key=lambda added: added[1]):
        kind.add(book, row, words)
    for wide in in_file:
        wide.add(book)
    target = target.with_suffix(".xlsm" if MACROS in in_file else ".xlsx")
    book.save(target)
    return target


@dataclass(frozen=True)
class Outcome:
    """A workbook before and after an update, with the notes of the writer."""

    before: Book
    after: Book
    notes: tuple[str, ...]

    def of_file(self, kind: FileKind) -> str:
        """Say what became of content that a workbook has once."""
        return "kept" if kind.see(self.after) == _there(kind, kind.see(self.before)) else "not kept"

    def of_row(self, kind: RowKind, place: int) -> str:
        """Say what became of content on a row that stays where it is."""
        return self._on(kind, place, place) or "kept"

    def of_row_below(self, kind: RowKind) -> str:
        """Say what became of content on a row below one that left."""
        if self.notes:
            return f"{self.of_row(kind, CLOSES_UP)}, rows do not close up"
        return self._on(kind, CLOSES_UP, CLOSES_UP - 1) or "moved along"

    def of_row_gone(self, kind: RowKind) -> str:
        """Say where content of a row that went to the closed sheet is now."""
        row, goal = self._first + LEAVES, self.after.plans[Sheet.CLOSED].item_rows[-1]
        seen = _there(kind, kind.see(self.before, Sheet.OPEN, row))
        now = kind.see(self.after, Sheet.CLOSED, goal)
        comments = self.after.cell(Sheet.CLOSED, goal, "comments").runs
        if now == seen:
            return "moved along"
        if said(now) and said(now) == said(seen):
            return "as plain text"
        if words_of(kind) in said(comments):
            return "a line of Comments"
        if self.notes and kind.see(self.after, Sheet.OPEN, row) == seen:
            return "stays on the old sheet"
        return kind.instead(self.after, Sheet.CLOSED, goal) or "not kept"

    @property
    def _first(self) -> int:
        return self.before.plans[Sheet.OPEN].item_rows[0]

    def _on(self, kind: RowKind, old: int, new: int) -> str | None:
        seen = _there(kind, kind.see(self.before, Sheet.OPEN, self._first + old))
        if kind.see(self.after, Sheet.OPEN, self._first + new) == seen:
            return None
        return kind.instead(self.after, Sheet.OPEN, self._first + new) or "not kept"


def _there(kind: RowKind | FileKind, seen: Any) -> Any:
    if not seen:
        raise AssertionError(f"{kind.name}: nothing there to be kept")
    return seen


def said(runs: Any) -> str:
    """Give the words of runs."""
    return "".join(text for _, text in runs) if isinstance(runs, tuple) else ""


def words_of(kind: RowKind) -> str:
    """Give words that no other kind has."""
    return f"word{ON_ROWS.index(kind):02}"


def updated(source: Path) -> Outcome:
    """Change one row, move one to the closed sheet, and add one."""
    before = Book.open(source)
    first = before.plans[Sheet.OPEN].item_rows[0]
    edits = WorkbookEdits(
        updates=(RowUpdate("open", first + UPDATED, SEEN),),
        moves=(RowMove("open", first + LEAVES, "closed", SEEN),),
        additions=(RowAddition("open", item(21)),),
    )
    target = source.with_stem("updated")
    notes = write_workbook(source, target, edits, LAYOUTS)
    return Outcome(before, Book.open(target), notes)


def table(folder: Path) -> str:
    """Give the table of what is kept, measured on workbooks built in a folder."""
    plain = filled(folder / "plain.xlsx", "rev4")
    first = plain.plans[Sheet.OPEN].item_rows[0]
    lines = {}
    together = tuple(kind for kind in ON_ROWS if not kind.holds)
    for group in (together, *((kind,) for kind in ON_ROWS if kind.holds)):
        places = (STAYS, UPDATED, LEAVES, CLOSES_UP)
        added = [(kind, first + place, words_of(kind)) for kind in group for place in places]
        in_file = IN_FILE if group is together else ()
        outcome = updated(dress(plain, folder / "dressed.xlsx", added, in_file))
        for kind in group:
            there = (outcome.of_row(kind, STAYS), outcome.of_row(kind, UPDATED))
            lines[kind] = (*there, outcome.of_row_below(kind), outcome.of_row_gone(kind))
        lines |= {kind: (outcome.of_file(kind), "", "", "") for kind in in_file}
    rows = [COLUMNS, tuple("---" for _ in COLUMNS)]
    rows += [(kind.name, *lines[kind]) for kind in (*ON_ROWS, *IN_FILE)]
    return "".join("| " + " | ".join(row) + " |\n" for row in rows)
