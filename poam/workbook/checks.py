"""What is asked of a workbook must fit it, and what was written must read back the same."""

from collections.abc import Iterator, Mapping

import pandas as pd

from poam.errors import WorkbookError
from poam.model import Sheet, Value
from poam.workbook.edits import WorkbookEdits
from poam.workbook.plans import SheetPlan
from poam.workbook.read import PoamWorkbook


def check_edits(book: PoamWorkbook, edits: WorkbookEdits) -> None:
    """Refuse edits of rows that hold no item, of missing sheets, and of missing columns."""
    for update in edits.updates:
        plan = _plan(book, update.sheet)
        _item_row(book, plan, update.row)
        _columns(book, (plan,), update.values)
    gone: set[tuple[str, int]] = set()
    for move in edits.moves:
        plan, goal = _plan(book, move.sheet), _plan(book, move.to_sheet)
        _item_row(book, plan, move.row)
        _columns(book, (plan, goal), move.values)
        if plan is goal or (plan.name, move.row) in gone:
            raise WorkbookError(
                f"{book.path.name}, {plan.name}: row {move.row} moves twice or nowhere. "
                "Expected one move to another sheet."
            )
        gone.add((plan.name, move.row))
    for addition in edits.additions:
        plan = _plan(book, addition.sheet)
        _columns(book, (plan,), addition.values)
        if not dict(addition.values).get("poam_id"):
            raise WorkbookError(f"{book.path.name}, {plan.name}: a new row needs a POAM ID.")


def _plan(book: PoamWorkbook, sheet: str) -> SheetPlan:
    known = [s.value for s in book.plans]
    if sheet not in known:
        raise WorkbookError(
            f"{book.path.name}: has no {sheet} sheet. Expected one of {', '.join(known)}."
        )
    return book.plans[Sheet(sheet)]


def _item_row(book: PoamWorkbook, plan: SheetPlan, row: int) -> None:
    if row not in plan.item_rows:
        raise WorkbookError(f"{book.path.name}, {plan.name}: row {row} holds no item.")


def _columns(book: PoamWorkbook, plans: tuple[SheetPlan, ...], values: Mapping[str, Value]) -> None:
    for name in values:
        if not any(name in p.columns for p in plans):
            raise WorkbookError(
                f"{book.path.name}, {plans[0].name}: has no column for {name}. "
                f"Expected one of {', '.join(plans[0].columns)}."
            )


def check_result(book: PoamWorkbook, expected: pd.DataFrame, name: str) -> None:
    """Compare what was written with what should have been; a difference is never let through."""
    if not book.items.equals(expected):
        difference = next(_differences(book, expected), "another kind of values")
        raise WorkbookError(f"{name}, {difference}; nothing was written.")


def _differences(book: PoamWorkbook, wanted: pd.DataFrame) -> Iterator[str]:
    found = book.items
    for sheet, plan in book.plans.items():
        got, want = ((items["sheet"] == sheet).sum() for items in (found, wanted))
        if got != want:
            yield f"{plan.name}: {got} items after writing. Expected {want}"
    for one, other in zip(found.to_dict("records"), wanted.to_dict("records"), strict=True):
        for field in wanted:
            if one[field] != other[field]:
                yield (
                    f"{book.plans[Sheet(other['sheet'])].name} row {other['row']}, {field}: "
                    f"{one[field]!r} after writing. Expected {other[field]!r}"
                )
