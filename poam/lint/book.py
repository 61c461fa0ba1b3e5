"""What is wrong with a POA&M workbook before it is submitted; it may be anyone's workbook."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date

import pandas as pd

from poam.assets import AssetIndex, asset_index
from poam.frames import COVERAGE, Row, rows
from poam.lint.checks import CHECKS, DATED, EMPTY
from poam.lint.line import Context, Fault, Line, folded
from poam.lint_rules import LintCode, LintLevel
from poam.model import Sheet
from poam.policy import Policy
from poam.workbook import PoamWorkbook


@dataclass(frozen=True, slots=True)
class LintFinding:
    """One fault of one cell; `row` is 0 and `field` empty where it is not about an item's cell."""

    code: str
    level: str
    sheet: str
    row: int
    field: str
    address: str
    found: str
    expected: str
    poam_id: str = ""


def lint(
    book: PoamWorkbook,
    policy: Policy,
    as_of: date,
    previous: PoamWorkbook | None = None,
    inventory: pd.DataFrame | None = None,
) -> tuple[LintFinding, ...]:
    """Check a workbook as read, by sheet and row.

    `previous` is last month's workbook, for the edits that are forbidden; `inventory` as
    `poam.workbook.read_inventory` gives it. Numbers, levels and sources are the policy's.
    """
    context = Context(
        book,
        policy,
        as_of,
        _by_id(previous.items) if previous else {},
        None if inventory is None else _index(inventory, policy),
        frozenset(problem.address for problem in book.problems),
    )
    found = [*_of_the_workbook(context), *_ids_twice(context)]
    for record in rows(book.items):
        line = Line(record, context)
        for code, sheets, check in CHECKS:
            if record.sheet in sheets:
                found += [_finding(context, code, line, fault) for fault in check(line)]
    known = {finding.address for finding in found}
    found += [f for f in _not_understood(context) if f.address not in known]
    if previous:
        found += _rows_gone(context, previous)
    order = {sheet.value: place for place, sheet in enumerate(Sheet)}
    return tuple(sorted(found, key=lambda f: (order.get(f.sheet, -1), f.row, f.code)))


def has_errors(findings: Iterable[LintFinding]) -> bool:
    """Whether one of them is a reason to reject the submission."""
    return any(finding.level == LintLevel.ERROR for finding in findings)


def _finding(context: Context, code: LintCode, line: Line, fault: Fault) -> LintFinding:
    record = line.record
    return LintFinding(
        code.value,
        context.policy.lint.checks[code].level.value,
        record.sheet,
        record.row,
        fault.field,
        line.address(fault.field),
        fault.found,
        fault.expected,
        record.poam_id,
    )


def _elsewhere(
    context: Context, code: LintCode, sheet: str, address: str, found: str, expected: str
) -> LintFinding:
    level = context.policy.lint.checks[code].level.value
    return LintFinding(code.value, level, sheet, 0, "", address, found, expected)


def _of_the_workbook(context: Context) -> Iterator[LintFinding]:
    """Check columns and header; a workbook without items has no date to answer for."""
    book = context.book
    edition = context.policy.templates.editions[book.edition]
    for sheet, plan in book.plans.items():
        for name in edition.columns if sheet in edition.sheets else ():
            if name not in plan.columns:
                at = f"{plan.name}!{plan.header_row}"
                header = edition.header(sheet, name)
                yield _elsewhere(
                    context, LintCode.COLUMN_MISSING, sheet, at, f"no column {header}", header
                )
        first = min(plan.columns.values())
        for column, header in plan.headers.items():
            # What stands left of the table labels its rows.
            if column > first and column not in plan.columns.values():
                at = plan.address(plan.header_row, column)
                wanted = "the template's columns only"
                yield _elsewhere(context, LintCode.COLUMN_EXTRA, sheet, at, header, wanted)
    if not len(book.items):
        return
    plan = book.plans[Sheet.OPEN]
    text = book.metadata.get("poam_date", "")
    if not DATED.fullmatch(text) or text > context.as_of.isoformat():
        cell = plan.metadata.get("poam_date")
        at = plan.address(*cell) if cell else plan.name
        wanted = f"the date of this submission, {context.as_of} at the latest"
        yield _elsewhere(context, LintCode.HEADER_DATE, Sheet.OPEN.value, at, text or EMPTY, wanted)


def _ids_twice(context: Context) -> Iterator[LintFinding]:
    seen: dict[str, str] = {}
    for record in rows(context.book.items):
        line, key = Line(record, context), folded(record.poam_id)
        at = line.address("poam_id")
        if key and seen.setdefault(key, at) != at:
            found = f"{record.poam_id}, which {seen[key]} also has"
            fault = Fault("poam_id", found, "each POA&M ID once in the workbook")
            yield _finding(context, LintCode.ID_TWICE, line, fault)


def _not_understood(context: Context) -> Iterator[LintFinding]:
    """Pass on what the reader could not make sense of."""
    places = {
        plan.address(row, column): (sheet.value, row, name)
        for sheet, plan in context.book.plans.items()
        for row in plan.item_rows
        for name, column in plan.columns.items()
    }
    sheets = {plan.name: sheet.value for sheet, plan in context.book.plans.items()}
    level = context.policy.lint.checks[LintCode.NOT_UNDERSTOOD].level.value
    code = LintCode.NOT_UNDERSTOOD.value
    for problem in context.book.problems:
        title = problem.address.rpartition("!")[0]
        sheet, row, name = places.get(problem.address, (sheets.get(title, ""), 0, ""))
        yield LintFinding(
            code, level, sheet, row, name, problem.address, problem.found, problem.expected
        )


def _rows_gone(context: Context, previous: PoamWorkbook) -> Iterator[LintFinding]:
    there = {folded(poam_id) for poam_id in context.book.items["poam_id"]}
    level = context.policy.lint.checks[LintCode.ROW_GONE].level.value
    for key, record in context.previous.items():
        if key not in there:
            plan = previous.plans[Sheet(record.sheet)]
            at = f"{plan.address(record.row, plan.columns['poam_id'])} of {previous.path.name}"
            yield LintFinding(
                LintCode.ROW_GONE.value,
                level,
                record.sheet,
                record.row,
                "poam_id",
                at,
                f"{record.poam_id} is on no sheet any more",
                "every item of last month, open or closed",
            )


def _by_id(items: pd.DataFrame) -> dict[str, Row]:
    found: dict[str, Row] = {}
    for record in rows(items):
        if key := folded(record.poam_id):
            found.setdefault(key, record)
    return found


def _index(inventory: pd.DataFrame, policy: Policy) -> AssetIndex:
    return asset_index(pd.DataFrame(columns=list(COVERAGE)), inventory, policy.assets)
