"""`poam lint`: each fault is found once, by cell, and what is in order is left in peace."""

import json
from collections import Counter
from dataclasses import asdict, replace
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
import pytest

from poam.errors import PolicyError
from poam.lint import has_errors, lint
from poam.lint.checks import CHECKS
from poam.lint_rules import LintCode
from poam.model import Sheet
from poam.policy import load_policy
from poam.workbook import (
    CellProblem,
    RowAddition,
    WorkbookEdits,
    build_template,
    read_workbook,
    write_workbook,
)
from tests.core_support import AS_OF, item, items, policy

OFFICIAL = ("v3.0.xlsx", "v2.1.xlsx", "rev4.xlsm")
DAY = timedelta(days=1)
DETECTED = date(2026, 11, 6)
CLEAN = {
    "controls": "RA-5, SI-2 (3)",
    "weakness_description": "An old library",
    "asset_identifier": "web-01 (443/tcp)\nweb-02 (443/tcp)\nhttps://web-01/list",
    "point_of_contact": "Dana",
    "remediation_plan": "Patch",
    "original_detection_date": DETECTED,
    "scheduled_completion_date": DETECTED + 30 * DAY,
    "planned_milestones": "(1) 2026-11-20: Test\n\n(2) 2026-12-06: Patch",
    "milestone_changes": "(1) Update 2026-11-21: Late\n(3) New 2026-12-01 : Another",
    "status_date": AS_OF,
    "vendor_dependency": "No",
    "original_risk_rating": "High",
    "adjusted_risk_rating": "N/A",
    "risk_adjustment": "No",
    "false_positive": "No",
    "operational_requirement": "No",
    "supporting_documents": "Remediation Evidence : report.pdf",
    "comments": "2026-11-06: opened\n2026-11-20: tested",
    "cve": "CVE-2026-12345",
    "service_name": "All",
}
VENDOR = {
    "vendor_dependency": "Yes",
    "last_vendor_checkin_date": AS_OF,
    "vendor_dependent_product_name": "Gateway",
    "original_risk_rating": "Moderate",
}
RELEASED = VENDOR | {
    "last_vendor_checkin_date": AS_OF - 31 * DAY,
    "scheduled_completion_date": DETECTED + 90 * DAY,
    "comments": "2026-11-06: opened\nVendor released 2026-11-25",
}
ROLL_UP = {
    "weakness_name": policy().timelines.configuration.roll_up_name,
    "weakness_source_identifier": "None",
    "scheduled_completion_date": AS_OF - DAY,
}
CLOSED = {"sheet": "closed", "row": 6}
ADJUSTED = {
    "adjusted_risk_rating": "Moderate",
    "risk_adjustment": "Yes",
    "deviation_rationale": "Risk Adjustment : behind a proxy",
}


def clean(poam_id="V-1", **given):
    """A row that is in order."""
    return item(poam_id, **CLEAN | given)


@cache
def blank(edition):
    """A blank workbook of an edition, as read."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "blank.xlsx"
        build_template(path, edition, policy().templates)
        return read_workbook(path, policy().templates)


def book(*rows, edition="v2.1", poam_date=AS_OF, problems=()):
    """A workbook of an edition with some rows."""
    frame = items(*rows)
    empty = blank(edition)
    plans = {
        sheet: replace(plan, item_rows=tuple(frame["row"][frame["sheet"] == sheet.value]))
        for sheet, plan in empty.plans.items()
    }
    metadata = empty.metadata | {"poam_date": str(poam_date)}
    return replace(empty, items=frame, metadata=metadata, problems=tuple(problems), plans=plans)


def codes(found):
    """The codes of some findings."""
    return [one.code for one in found]


@pytest.mark.parametrize(
    "given",
    [
        {},
        CLOSED,
        {"sheet": "configuration", "row": 6},
        VENDOR,
        VENDOR | {"scheduled_completion_date": DETECTED + 400 * DAY},
        VENDOR | {"last_vendor_checkin_date": AS_OF - 30 * DAY},
        ADJUSTED | {"scheduled_completion_date": DETECTED + 90 * DAY},
        ADJUSTED | {"risk_adjustment": "Pending"},
        ADJUSTED | {"adjusted_risk_rating": "High", "original_risk_rating": "Low"}
        | {"deviation_rationale": ""},
        ADJUSTED | {"operational_requirement": "Yes"},
        {"bod_22_01_tracking": "Yes", "bod_22_01_due_date": AS_OF}
        | {"scheduled_completion_date": AS_OF},
        {"bod_22_01_tracking": "Yes", "bod_22_01_due_date": DETECTED - DAY}
        | CLOSED | {"scheduled_completion_date": DETECTED - DAY},
        {"original_risk_rating": "Low", "scheduled_completion_date": DETECTED + 180 * DAY},
        {"weakness_detector_source": "Penetration Test", "weakness_source_identifier": "None"},
        {"weakness_detector_source": "Nessus\nQualys"}
        | {"weakness_source_identifier": "10001\nQID 38657"},
        {"asset_identifier": "web-01\n[all 2,000 assets: assets-V-1.csv]"},
        RELEASED,
        RELEASED | {"comments": "2026-11-06: opened\nFix available: 11/25/2026"},
        ROLL_UP,
        ROLL_UP | {"weakness_source_identifier": ""},
    ],
)  # fmt: skip
def test_what_is_in_order_has_no_finding(given):
    """The windows' last days, approved deviations and the template's own forms are fine."""
    assert lint(book(clean(**given)), policy(), AS_OF) == ()


CASES = [
    ("L101", "point_of_contact", {"point_of_contact": ""}),
    ("L101", "poam_id", {"poam_id": ""}),
    ("L101", "scheduled_completion_date", {"scheduled_completion_date": None}),
    ("L107", "service_name", {"service_name": " "}),
    ("L201", "original_detection_date", {"original_detection_date": None}),
    (
        "L202",
        "original_detection_date",
        {"original_detection_date": AS_OF + DAY, "scheduled_completion_date": AS_OF + DAY},
    ),
    (
        "L203",
        "original_detection_date",
        CLOSED | {"scheduled_completion_date": DETECTED - DAY},
    ),
    (
        "L204",
        "scheduled_completion_date",
        {"scheduled_completion_date": DETECTED + 31 * DAY},
    ),
    (
        "L204",
        "scheduled_completion_date",
        {"bod_22_01_tracking": "Yes", "bod_22_01_due_date": DETECTED + 25 * DAY},
    ),
    (
        "L204",
        "scheduled_completion_date",
        ADJUSTED | {"risk_adjustment": "Pending"}
        | {"scheduled_completion_date": DETECTED + 90 * DAY},
    ),
    ("L205", "status_date", {"status_date": AS_OF + DAY}),
    ("L205", "status_date", {"status_date": DETECTED - DAY}),
    ("L206", "scheduled_completion_date", {"scheduled_completion_date": AS_OF - DAY}),
    ("L301", "original_risk_rating", {"original_risk_rating": "Critical"}),
    ("L302", "adjusted_risk_rating", {"adjusted_risk_rating": "Medium"}),
    ("L302", "false_positive", {"false_positive": "Maybe"}),
    ("L302", "operational_requirement", {"operational_requirement": "Approved"}),
    ("L302", "risk_adjustment", {"risk_adjustment": "Denied"}),
    ("L303", "risk_adjustment", ADJUSTED | {"risk_adjustment": "No"}),
    ("L304", "adjusted_risk_rating", ADJUSTED | {"adjusted_risk_rating": "N/A"}),
    (
        "L305",
        "operational_requirement",
        {"operational_requirement": "Pending", "deviation_rationale": "needed"},
    ),
    ("L306", "last_vendor_checkin_date", VENDOR | {"last_vendor_checkin_date": None}),
    ("L307", "vendor_dependent_product_name", VENDOR | {"vendor_dependent_product_name": ""}),
    ("L308", "last_vendor_checkin_date", VENDOR | {"last_vendor_checkin_date": AS_OF - 31 * DAY}),
    ("L308", "last_vendor_checkin_date", VENDOR | {"last_vendor_checkin_date": AS_OF + DAY}),
    (
        "L308",
        "last_vendor_checkin_date",
        RELEASED | {"comments": "2026-11-06: opened\nNot yet: expected vendor release 2026-11-25"},
    ),
    (
        "L308",
        "last_vendor_checkin_date",
        RELEASED | {"comments": "2026-11-06: opened\nVendor released 2026-12-25"},
    ),
    ("L309", "vendor_dependency", VENDOR | {"original_risk_rating": "High"}),
    ("L310", "deviation_rationale", {"false_positive": "Pending"}),
    ("L310", "deviation_rationale", ADJUSTED | {"deviation_rationale": ""}),
    ("L311", "false_positive", {"false_positive": "Yes", "deviation_rationale": "backported"}),
    ("L312", "bod_22_01_due_date", {"bod_22_01_tracking": "Yes"}),
    ("L313", "bod_22_01_due_date", {"bod_22_01_due_date": AS_OF}),
    ("L401", "asset_identifier", {"asset_identifier": ""}),
    ("L402", "asset_identifier", {"asset_identifier": "web-01 (443/tcp)\nWEB-01 (443/TCP)"}),
    ("L403", "weakness_source_identifier", {"weakness_source_identifier": ""}),
    ("L403", "weakness_source_identifier", {"weakness_source_identifier": "N/A"}),
    ("L404", "weakness_source_identifier", {"weakness_source_identifier": "10001, 10002"}),
    ("L405", "cve", {"cve": "none known"}),
    ("L406", "controls", {"controls": "RA-5, patching"}),
    ("L501", "status_date", CLOSED | {"status_date": None}),
    ("L502", "supporting_documents", CLOSED | {"supporting_documents": "", "comments": ""}),
    ("L503", "vendor_dependency", CLOSED | VENDOR),
    ("L601", "planned_milestones", {"planned_milestones": ""}),
    ("L602", "planned_milestones", {"planned_milestones": "patch it in December"}),
    ("L602", "milestone_changes", {"milestone_changes": "(1) 2026-11-21: Late"}),
]  # fmt: skip


@pytest.mark.parametrize(("code", "field", "given"), CASES, ids=lambda v: v if v != {} else "")
def test_each_fault_is_found_once(code, field, given):
    """A row in order but for one thing has one finding, at that cell."""
    given = dict(given)
    row = clean(given.pop("poam_id", "V-1"), **given)
    checked = book(row)
    (found,) = lint(checked, policy(), AS_OF)
    assert (found.code, found.field) == (code, field)
    assert (found.sheet, found.row) == (row["sheet"], row["row"] or 9)
    plan = checked.plans[Sheet(found.sheet)]
    assert found.address == plan.address(found.row, plan.columns[field])
    assert found.found
    assert found.expected
    assert found.level == policy().lint.checks[LintCode(code)].level
    assert found.poam_id == row["poam_id"]


def test_a_high_vendor_dependency_is_an_error():
    """A vendor dependency has to be mitigated to Moderate."""
    assert has_errors(
        lint(book(clean(**VENDOR | {"original_risk_rating": "High"})), policy(), AS_OF)
    )


def test_every_row_check_has_a_case():
    """No check without a violation of it in CASES or a test of its own below."""
    by_row = {code.value for code, _, _ in CHECKS if code.value < "L7"}
    assert by_row == {code for code, _, _ in CASES}
    other = {"L102", "L103", "L104", "L105", "L106", "L705"}
    assert {code.value for code in LintCode} - {code.value for code, _, _ in CHECKS} == other


def test_an_id_stands_on_one_row():
    """Whatever the sheet and the case."""
    (found,) = lint(book(clean("V-1"), clean("v-1 ", **CLOSED)), policy(), AS_OF)
    assert (found.code, found.sheet, found.row) == ("L102", "closed", 6)
    assert "Open POA&M Items!A9" in found.found


def test_what_the_reader_could_not_read_is_told_once():
    """An unreadable date is no missing one; what another check says is not said twice."""
    problems = (
        CellProblem("Open POA&M Items!K9", "'soon'", "a date"),
        CellProblem("Open POA&M Items!S9", "'Severe'", "Low, Moderate, High"),
        CellProblem("Open POA&M Items!A12", "values but no POAM ID", "an item"),
    )
    row = clean(original_detection_date=None, original_risk_rating="Severe")
    found = lint(book(row, problems=problems), policy(), AS_OF)
    assert [(f.code, f.sheet, f.row, f.field) for f in found] == [
        ("L103", "open", 0, ""),
        ("L103", "open", 9, "original_detection_date"),
        ("L301", "open", 9, "original_risk_rating"),
    ]


@pytest.mark.parametrize("day", ["", "soon", AS_OF + DAY])
def test_the_header_has_its_date(day):
    """The date that check-ins are held against."""
    (found,) = lint(book(clean(), poam_date=day), policy(), AS_OF)
    assert (found.code, found.address) == ("L104", "Open POA&M Items!D3")


def test_the_template_is_as_it_was():
    """A column that is gone and one that was added."""
    checked = book(clean())
    plan = checked.plans[Sheet.OPEN]
    columns = {name: at for name, at in plan.columns.items() if name != "cve"}
    headers = {at: text for at, text in plan.headers.items() if text != "CVE"} | {40: "Ticket"}
    plans = checked.plans | {Sheet.OPEN: replace(plan, columns=columns, headers=headers)}
    found = lint(replace(checked, plans=plans), policy(), AS_OF)
    assert [(f.code, f.found) for f in found] == [("L105", "no column CVE"), ("L106", "Ticket")]


def test_an_edition_is_asked_only_for_its_own_columns():
    """v3.0 has no milestones and no service name."""
    row = clean(planned_milestones="", milestone_changes="", service_name="")
    assert lint(book(row, edition="v3.0"), policy(), AS_OF) == ()


@pytest.mark.parametrize(
    ("code", "field", "given"),
    [
        ("L701", "original_detection_date", {"original_detection_date": DETECTED + DAY}),
        ("L702", "scheduled_completion_date", {"scheduled_completion_date": DETECTED + 30 * DAY}),
        ("L703", "original_risk_rating", {"original_risk_rating": "Moderate"}),
        ("L704", "planned_milestones", {"planned_milestones": "(1) 2026-11-28: Test"}),
        ("L706", "comments", {"comments": "2026-11-20: tested"}),
        ("L706", "milestone_changes", {"milestone_changes": "(1) Update 2026-11-21: Late"}),
    ],
)
def test_what_may_not_change_since_last_month(code, field, given):
    """Each forbidden edit once; the row as it was, or with more history, has none."""
    due = {"scheduled_completion_date": DETECTED + 29 * DAY}
    last = book(clean(**due))
    more = clean(**due | {"comments": f"{CLEAN['comments']}\n2026-11-30: more"})
    assert lint(book(more), policy(), AS_OF, last) == ()
    (found,) = lint(book(clean(**due | given)), policy(), AS_OF, last)
    assert (found.code, found.field) == (code, field)


def test_a_date_may_move_for_a_reason_and_an_item_may_close():
    """A vendor dependency or an approved adjustment moves it; earlier is always allowed."""
    last = book(clean(original_risk_rating="Moderate"))
    later = {"scheduled_completion_date": DETECTED + 60 * DAY}
    assert lint(book(clean(**VENDOR | later)), policy(), AS_OF, last) == ()
    assert (
        lint(book(clean(**VENDOR | {"vendor_dependency": "No"} | CLOSED)), policy(), AS_OF, last)
        == ()
    )
    sooner = {"scheduled_completion_date": AS_OF, "original_risk_rating": "Moderate"}
    assert lint(book(clean(**sooner)), policy(), AS_OF, last) == ()


def test_an_item_that_is_gone_is_named_where_it_was():
    """In no sheet any more."""
    (found,) = lint(book(clean()), policy(), AS_OF, book(clean(), clean("V-2")))
    assert (found.code, found.sheet, found.row) == ("L705", "open", 10)
    assert "A10 of blank.xlsx" in found.address


def test_assets_are_those_of_the_inventory():
    """By any name that the inventory gives; a page by its host."""
    listed = [("web-01", ("web-02",), True)]
    inventory = pd.DataFrame(listed, columns=["identifier", "names", "in_latest_scan"])
    assert lint(book(clean()), policy(), AS_OF, inventory=inventory) == ()
    row = clean(asset_identifier="web-01\nweb-03 (443/tcp)\nhttps://db-01:8443/x")
    (found,) = lint(book(row), policy(), AS_OF, inventory=inventory)
    assert (found.code, found.field) == ("L801", "asset_identifier")
    assert found.found == "web-03 (443/tcp), https://db-01:8443/x"


def test_a_site_sets_the_level_and_the_days(tmp_path):
    """And no code that is not there."""
    config = tmp_path / "conmon.yaml"
    rules = (
        "timelines: {vendor_dependency: {checkin_days: 31}}",
        "lint: {checks: {L206: {level: error}}}",
    )
    config.write_text("\n".join(rules), "utf-8")
    own = load_policy(config)
    old = clean(**VENDOR | {"last_vendor_checkin_date": AS_OF - 31 * DAY})
    assert lint(book(old), own, AS_OF) == ()
    late = book(clean(scheduled_completion_date=AS_OF - DAY))
    assert has_errors(lint(late, own, AS_OF))
    assert not has_errors(lint(late, policy(), AS_OF))
    config.write_text("lint: {checks: {L999: {level: error}}}", "utf-8")
    with pytest.raises(PolicyError, match="L999"):
        load_policy(config)


@pytest.mark.parametrize("edition", OFFICIAL)
def test_the_official_templates_have_no_error(edition):
    """A blank workbook breaks no rule."""
    path = Path(__file__).parents[2] / "shared" / "templates" / f"FedRAMP-POAM-Template-{edition}"
    if not path.exists():
        pytest.skip("the official templates are not beside the project")
    found = lint(read_workbook(path, policy().templates), policy(), AS_OF)
    assert not has_errors(found), found


@pytest.fixture
def workbook(tmp_path):
    """Return a function that writes rows into a new workbook."""

    def write(name, *rows):
        path = tmp_path / name
        build_template(path, "v2.1", policy().templates)
        additions = tuple(
            RowAddition(
                row["sheet"],
                {k: v for k, v in row.items() if k not in ("sheet", "row") and v not in ("", None)},
            )
            for row in rows
        )
        edits = WorkbookEdits(additions=additions, poam_date=AS_OF)
        write_workbook(path, path, edits, policy().templates)
        return path

    return write


def test_one_workbook_with_every_fault(workbook):
    """Written, read again and checked: each row's one fault is found, and nothing else."""
    rows, wanted = [], Counter()
    for number, (code, _, given) in enumerate(CASES, start=1):
        if "poam_id" not in given:
            rows.append(clean(f"V-{number}", **given))
            wanted[code] += 1
    path = workbook("all.xlsx", *rows)
    found = lint(read_workbook(path, policy().templates), policy(), AS_OF)
    assert Counter(codes(found)) == wanted


def test_the_command_prints_a_table_or_json(poam, workbook, tmp_path):
    """Findings go to standard output; an error is status 1, a warning alone is none."""
    good = workbook("good.xlsx", clean())
    bad = workbook("bad.xlsx", clean(point_of_contact="", cve="none"))
    when = ("--as-of", AS_OF)
    assert poam("lint", good, *when)[:2] == (0, "")
    table = poam("lint", bad, *when)
    assert table.status == 1
    assert [line.split()[:2] for line in table.out.splitlines()] == [
        ["error", "L101"],
        ["warning", "L405"],
    ]
    assert "Open POA&M Items!H9 V-1" in table.out
    given = ("--format", "json", "--previous", workbook("last.xlsx", clean(), clean("V-2")))
    printed = poam("lint", bad, *when, *given)
    parsed = [json.loads(line) for line in printed.out.splitlines()]
    assert sorted(row["code"] for row in parsed) == ["L101", "L405", "L705"]
    expected = lint(read_workbook(bad, policy().templates), policy(), AS_OF)[0]
    assert parsed[0] == asdict(expected) | {"text": policy().lint.checks["L101"].text}
    config = tmp_path / "conmon.yaml"
    config.write_text("lint: {checks: {L101: {level: warning}}}", "utf-8")
    assert poam("lint", bad, *when, "--config", config).status == 0
