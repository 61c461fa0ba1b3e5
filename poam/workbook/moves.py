"""What an item takes along to another sheet: its cells, and lines for what has no column there."""

from collections.abc import Iterator, Mapping
from copy import deepcopy

from lxml import etree

from poam.layout import Layouts
from poam.model import Value
from poam.workbook import ranges
from poam.workbook.item_sheet import Arrival, Item, ItemSheet
from poam.workbook.plans import SheetPlan
from poam.workbook.rows import FORMULA
from poam.workbook.values import as_text, understood


def taken_along(
    origin: ItemSheet, row: int, goal: SheetPlan, values: Mapping[str, Value], layouts: Layouts
) -> Arrival:
    """Collect what a row holds, with the values set on the way."""
    plan, item = origin.plan, origin.item(row)
    extras, lines = _extras(plan, row, goal)
    lines = [*_without_column(plan, item, goal, values, layouts), *lines]
    for column, words in sorted(origin.anchors.words.get(row, ())):
        lines.append(words.replace("%s", _header(plan, column), 1))
    values = dict(values)
    if lines:
        base = values["comments"] if "comments" in values else item["comments"]
        values["comments"] = "\n".join(x for x in (as_text(base), *lines) if x)
    there = origin.xml.cells(row)
    cells = {
        name: _copy(there[column], item[name])
        for name, column in plan.columns.items()
        if name in goal.columns and name not in values and column in there
    }
    return Arrival(values, dict(item), cells, extras)


def _without_column(
    plan: SheetPlan, item: Item, goal: SheetPlan, values: Mapping[str, Value], layouts: Layouts
) -> Iterator[str]:
    """Give lines for the fields that the other sheet does not have."""
    for name, column in plan.columns.items():
        if name in goal.columns:
            continue
        value = understood(values[name], layouts.fields[name]) if name in values else item[name]
        if text := as_text(value):
            yield f"{plan.headers[column]}: {text}"


def _extras(plan: SheetPlan, row: int, goal: SheetPlan) -> tuple[dict[int, str], list[str]]:
    """Give texts of columns of no field: for the other sheet's columns, or as lines."""
    own = set(goal.columns.values())
    known = {h.casefold(): c for c, h in goal.headers.items() if c not in own}
    extras: dict[int, str] = {}
    lines = []
    for column, text in plan.extras.get(row, {}).items():
        header = _header(plan, column)
        if header.casefold() in known:
            extras[known[header.casefold()]] = text
        else:
            lines.append(f"{header}: {text}")
    return extras, lines


def _header(plan: SheetPlan, column: int) -> str:
    return plan.headers.get(column, f"Column {ranges.name(1, column)[:-1]}")


def _copy(cell: etree._Element, value: Value) -> etree._Element | Value:
    """Give text and what nobody understood as it is; numbers and formulas as their value."""
    if not len(cell) or cell.find(FORMULA) is not None:
        return value
    is_text = cell.get("t") in ("s", "inlineStr", "str")
    return deepcopy(cell) if is_text or value in (None, "") else value
