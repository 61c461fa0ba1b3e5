"""A second writer in between: LibreOffice edits a workbook of ours, and we update it again."""

import random
import re
import shutil
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path

import openpyxl
import pytest

from poam.layout import FIELD_NAMES, FieldType
from poam.model import Sheet
from poam.workbook import (
    RowAddition,
    RowMove,
    RowUpdate,
    WorkbookEdits,
    read_workbook,
    write_workbook,
)
from poam.workbook.ranges import name as cell_name
from tests.kept.book import LAYOUTS, Book
from tests.kept.office import Office
from tests.kept.unchanged import assert_unchanged

pytestmark = pytest.mark.heavy

OFFICIAL = Path(__file__).parents[2] / "shared" / "templates"
EDITIONS = {"rev4": "rev4.xlsm", "v2.1": "v2.1.xlsx", "v3.0": "v3.0.xlsx"}
DUE, SEEN = "scheduled_completion_date", date(2026, 7, 4)
DAYS = {"High": 30, "Moderate": 90, "Low": 180}
HOSTILE = (
    "=1+1",
    "_x0041_",
    " lead and trail ",
    "007",
    "1e5",
    "<b>&amp;</b>",
    "😀 Zürich",
    "#REF!",
)


@pytest.fixture
def office(tmp_path):
    """Give LibreOffice, or skip."""
    program = shutil.which("soffice")
    if program is None:
        pytest.skip("soffice is not here: needs LibreOffice")
    return Office(program, tmp_path)


@pytest.fixture(params=EDITIONS)
def official(request):
    """Find each official template beside the project, or skip."""
    path = OFFICIAL / f"FedRAMP-POAM-Template-{EDITIONS[request.param]}"
    if not path.exists():
        pytest.skip(f"{path.name} is not here: the project ships no official template")
    return path


def item(n, columns):
    """Make one item with every field that the columns have; odd ones leave the due date out."""
    chance = random.Random(n)  # noqa: S311
    made = {}
    for name in columns:
        rule = LAYOUTS.fields[name]
        if rule.type is FieldType.DATE:
            made[name] = date(2026, 1, 1) + timedelta(chance.randrange(180))
        elif rule.type is FieldType.CHOICE:
            made[name] = chance.choice(rule.choices)
        else:
            made[name] = f"{name} {n}\n{chance.choice(HOSTILE)}"
    made |= {"poam_id": f"V-{n:04}", "weakness_name": HOSTILE[n % len(HOSTILE)]}
    made["weakness_source_identifier"] = ("10881", "007", "CVE-2026-1", "plugin 5")[n % 4]
    if n % 2:
        del made[DUE]
    return made


def computed(values):
    """Give the due date that the template's formula gives: the rating's days after detection."""
    rating = values["original_risk_rating"]
    adjusted = values["adjusted_risk_rating"]
    if adjusted not in ("", "N/A") and values["risk_adjustment"] == "Yes":
        rating = adjusted
    return values["original_detection_date"] + timedelta(DAYS[rating])


@lru_cache(2)
def _load(path):
    return openpyxl.load_workbook(path)


def _sheet(path, name):
    return _load(path)[name]


def is_formula(cell):
    """Tell whether a cell's value is computed."""
    return cell.data_type == "f"


class Model:
    """What a workbook should hold: items in order on each sheet, and which have the formula."""

    def __init__(self, path):
        """Start from a template without items."""
        self.plans = read_workbook(path, LAYOUTS).plans
        self.items = {"open": [], "closed": []}
        plan = self.plans[Sheet.OPEN]
        due = _sheet(path, plan.name).iter_cols(plan.columns[DUE], plan.columns[DUE])
        self.prepared = {c.row - plan.first_row for column in due for c in column if is_formula(c)}

    def add(self, sheet, values):
        """Add an item at the end of a sheet."""
        blank = {n: None if LAYOUTS.fields[n].type is FieldType.DATE else "" for n in FIELD_NAMES}
        prepared = sheet == "open" and len(self.items[sheet]) in self.prepared
        formula = prepared and DUE not in values
        self.items[sheet].append(blank | values | {"formula": formula})

    def calculate(self):
        """Let the formulas give their result, as a spreadsheet program does."""
        for values in self.items["open"]:
            if values["formula"]:
                values[DUE] = computed(values)

    def update(self, at, values):
        """Change an open item; what its formula gave is forgotten."""
        found = self.items["open"][at]
        found |= values
        found["formula"] = found["formula"] and DUE not in values
        if found["formula"]:
            found[DUE] = None

    def close(self, places, values):
        """Move open items; what the closed sheet has no column for becomes a comment."""
        goal, plan = self.plans[Sheet.CLOSED].columns, self.plans[Sheet.OPEN]
        for at in places:
            moved = self.items["open"][at] | values | {"formula": False}
            lines = [moved["comments"]]
            for name in plan.columns:
                if name not in goal and moved[name]:
                    lines.append(f"{plan.headers[plan.columns[name]]}: {moved[name]}")
                    moved[name] = None if LAYOUTS.fields[name].type is FieldType.DATE else ""
            moved["comments"] = "\n".join(lines)
            self.items["closed"].append(moved)
        self.items["open"] = [i for n, i in enumerate(self.items["open"]) if n not in set(places)]

    def is_in(self, path):
        """Assert that a workbook holds these items, field by field and row by row."""
        book = read_workbook(path, LAYOUTS)
        assert book.problems == ()
        for sheet, wanted in self.items.items():
            found = book.items[book.items["sheet"] == sheet].to_dict("records")
            first = book.plans[Sheet(sheet)].first_row
            assert [i["row"] for i in found] == list(range(first, first + len(wanted)))
            for got, want in zip(found, wanted, strict=True):
                assert {n: got[n] for n in FIELD_NAMES} == {n: want[n] for n in FIELD_NAMES}
                days = [n for n in FIELD_NAMES if LAYOUTS.fields[n].type is FieldType.DATE]
                assert {type(got[n]) for n in days} <= {date, type(None)}
        assert len(book.items) == sum(map(len, self.items.values()))


def fill(official, path):
    """Write 500 items into an official template."""
    model = Model(official)
    asked = []
    for n in range(1, 501):
        sheet = "open" if n % 25 else "closed"
        both = (model.plans[Sheet.OPEN].columns, model.plans[Sheet.CLOSED].columns)
        values = item(n, both[0] if sheet == "open" else both[1])
        asked.append(RowAddition(sheet, values))
        model.add(sheet, values)
    edits = WorkbookEdits(additions=tuple(asked), poam_date=date(2026, 6, 30))
    assert write_workbook(official, path, edits, LAYOUTS) == ()
    return model


def by_hand(model, path):
    """Give the statements of a person's edits, done to the model as well.

    The model's place 30 has the formula, and so has the row that is typed below the last one.
    """
    plan = read_workbook(path, LAYOUTS).plans[Sheet.OPEN]
    statements = []

    def cell(at, name, value):
        place = cell_name(plan.first_row + at, plan.columns[name])
        words = value.isoformat() if isinstance(value, date) else value.replace('"', '""')
        text = '" & Chr(10) & "'.join(words.split("\n"))
        kind = "Formula" if isinstance(value, date) else "String"
        statements.append(f'sheet.getCellRangeByName("{place}").{kind} = "{text}"')

    changes = {
        10: {"comments": 'Called the "owner"\n=1+1 is not a formula', "status_date": SEEN},
        30: {"original_risk_rating": "Low", "adjusted_risk_rating": "N/A"},
        40: {"point_of_contact": "", "weakness_name": "Überarbeitet"},
        41: {DUE: date(2027, 1, 31)},
    }
    for at, values in changes.items():
        model.update(at, values)
        for name, value in values.items():
            cell(at, name, value)
    typed = {
        "poam_id": "H-1",
        "weakness_name": "Typed by a person",
        "original_detection_date": date(2026, 5, 1),
        "original_risk_rating": "Moderate",
    }
    for name, value in typed.items():
        cell(len(model.items["open"]), name, value)
    model.add("open", typed)
    model.calculate()
    return statements


def without_a_row(model, path):
    """Give the statement that deletes a row with the formula, done to the model as well.

    LibreOffice 7.4 writes #REF! into shared formulas with gaps when a row goes, in the untouched
    template too; it saves them in full, so this wants a file that it has saved before.
    """
    assert model.items["open"][20]["formula"]
    del model.items["open"][20]
    first = read_workbook(path, LAYOUTS).plans[Sheet.OPEN].first_row
    return (f"sheet.Rows.removeByIndex({first + 20 - 1}, 1)",)


def update(model, source, target):
    """Update a workbook as a month does: rows change, come and go; new ones have a due date."""
    first = read_workbook(source, LAYOUTS).plans[Sheet.OPEN].first_row
    changes = {
        at: {"status_date": SEEN, "comments": f"seen again {at}\nfor the second time"}
        | ({"original_risk_rating": "High"} if at % 4 else {DUE: date(2027, 2, at % 28 + 1)})
        for at in range(5, 400, 9)
    }
    leaving = tuple(at for at in range(7, 400, 13) if at not in changes)
    columns = model.plans[Sheet.OPEN].columns
    coming = [item(n, columns) for n in range(1002, 1022, 2)]
    edits = WorkbookEdits(
        updates=tuple(RowUpdate("open", first + at, v) for at, v in changes.items()),
        additions=tuple(RowAddition("open", values) for values in coming),
        moves=tuple(RowMove("open", first + a, "closed", {"status_date": SEEN}) for a in leaving),
        poam_date=SEEN,
    )
    assert write_workbook(source, target, edits, LAYOUTS) == ()
    assert_unchanged(Book.open(source), Book.open(target), edits, is_held=False)
    for at, values in changes.items():
        model.update(at, values)
    model.close(leaving, {"status_date": SEEN})
    for values in coming:
        model.add("open", values)


def ruled(ws):
    """Give each area of a sheet that has a validation or a conditional format, with the rule."""
    for one in ws.data_validations.dataValidation:
        yield from ((area, _validation(one)) for area in one.sqref)
    for formats in ws.conditional_formatting:
        yield from ((area, rule.type) for rule in formats.rules for area in formats.sqref)


def _validation(found):
    words = [word.strip() for word in (found.formula1 or "").strip('"').split(",")]
    return (found.type, *words) if found.type == "list" else (found.type,)


def test_a_second_writer_in_between(official, office, tmp_path):
    """Items, dates, rules and formulas outlive LibreOffice's edits and our next update."""
    filled, edited, shorter, updated, opened = (
        tmp_path / f"{n}{official.suffix}"
        for n in ("filled", "edited", "shorter", "updated", "opened")
    )
    model = fill(official, filled)
    model.is_in(filled)
    before = office.due_dates(filled)
    known = {i["poam_id"]: computed(i) if i["formula"] else i[DUE] for i in model.items["open"]}
    office.edit(filled, edited, by_hand(model, filled))
    model.is_in(edited)
    office.edit(edited, shorter, without_a_row(model, edited))
    model.is_in(shorter)
    update(model, shorter, updated)
    model.is_in(updated)
    after = office.due_dates(updated)
    office.edit(updated, opened, ())
    model.calculate()
    model.is_in(opened)
    same = {i["poam_id"] for i in model.items["open"] if known.get(i["poam_id"]) == i[DUE]}
    assert len(same) > 380
    assert {n: after[n] for n in same} == {n: before[n] for n in same}
    assert_rules_cover(official, updated)
    assert_formulas_stay(model, updated)


def assert_rules_cover(official, path):
    """Find each rule of the template's first row of items on the same column of every item."""
    plans = read_workbook(path, LAYOUTS).plans
    for sheet, plan in read_workbook(official, LAYOUTS).plans.items():
        given, found = (list(ruled(_sheet(p, plan.name))) for p in (official, path))
        for column in plan.columns.values():
            here = (plan.first_row, column)
            for rule in {rule for area, rule in given if _holds(area, *here)}:
                areas = [area for area, one in found if one == rule]
                for row in plans[sheet].item_rows:
                    assert any(_holds(a, row, column) for a in areas), (plan.name, rule, row)


def _holds(area, row, column):
    in_columns = area.min_col <= column <= area.max_col
    return in_columns and area.min_row <= row <= area.max_row


def assert_formulas_stay(model, path):
    """Find a formula, of its own row alone, in the due date of each item that has one."""
    plan = read_workbook(path, LAYOUTS).plans[Sheet.OPEN]
    ws = _sheet(path, plan.name)
    for row, item in enumerate(model.items["open"], start=plan.first_row):
        found = ws.cell(row, plan.columns[DUE])
        assert is_formula(found) == item["formula"]
        if item["formula"]:
            assert set(re.findall(r"[A-Z]+(\d+)", found.value)) == {str(row)}
