"""What the dates and ratings of an item rest on: the rule and its policy line."""

from datetime import date
from types import SimpleNamespace

import pytest

from poam.changes import applied
from poam.grounds import grounds
from poam.model import ChangeKind, Kind
from tests.core_support import AS_OF, closed, item, items, policy, run, seen, with_timelines

DAYS = "timelines.remediation.days"
ADJUSTED = {"adjusted_risk_rating": "Moderate", "risk_adjustment": "Yes"}
RELEASE = {"vendor_dependency": "Yes", "comments": "Vendor released 2026-10-26"}
TRACKED = {"bod_22_01_tracking": "Yes", "bod_22_01_due_date": date(2026, 10, 20)}


def said(as_of=AS_OF, **given):
    """Return the grounds of an item found on 2026-10-06, High, due on 2026-11-05."""
    return grounds(SimpleNamespace(**item(**given)), as_of, policy())


def due(text, **given):
    """Return the ground of a scheduled completion date."""
    (found,) = (
        line
        for line in said(scheduled_completion_date=date.fromisoformat(text), **given)
        if line.startswith(f"due {text}: ")
    )
    return found.removeprefix(f"due {text}: ")


@pytest.mark.parametrize(
    ("begins", "cites"),
    [
        ("original risk rating High: as the workbook has it", "severity.precedence"),
        ("detected 2026-10-06: as the workbook has it", "timelines.detection.counts"),
        (
            "due 2026-11-05: High: 30 days from the original detection date 2026-10-06",
            f"{DAYS}.High = 30: FedRAMP Rev5 baseline RA-5(d)",
        ),
        ("status date 2026-10-06: ", "templates.fields.status_date"),
        ("due 2026-11-05, 25 days ago on 2026-11-30: late", DAYS),
    ],
)
def test_the_grounds_of_an_item(begins, cites):
    """Rating, dates and standing each say what they rest on, with the policy line and its value."""
    (line,) = (line for line in said() if line.startswith(begins))
    assert f", {cites}" in line


@pytest.mark.parametrize(
    ("text", "given", "begins", "cites"),
    [
        pytest.param("2026-11-05", {}, "High: 30 days from the orig", f"{DAYS}.High", id="window"),
        pytest.param(
            "2027-01-04",
            ADJUSTED,
            "Moderate: 90 days from the original",
            f"{DAYS}.Moderate",
            id="an approved adjustment",
        ),
        pytest.param(
            "2026-11-05",
            ADJUSTED,
            "High: 30 days from the original",
            f"{DAYS}.High",
            id="the rule of before an adjustment",
        ),
        pytest.param(
            "2026-11-25",
            RELEASE,
            "High: 30 days from the vendor's release on 2026-10-26",
            f"{DAYS}.High",
            id="the vendor's release",
        ),
        pytest.param(
            "2026-10-20",
            TRACKED,
            "CISA KEV due date 2026-10-20 (min)",
            "timelines.kev.mode = min",
            id="CISA's date",
        ),
        pytest.param(
            "2026-11-05",
            TRACKED | {"bod_22_01_due_date": date(2026, 12, 24)},
            "High: 30 days from the original",
            f"{DAYS}.High",
            id="CISA's date is later",
        ),
    ],
)
def test_the_rule_behind_a_date(text, given, begins, cites):
    """The date is explained by the rule that gives it, with the policy line."""
    found = due(text, **given)
    assert found.startswith(begins)
    assert cites in found


@pytest.mark.parametrize(
    ("text", "given"),
    [
        pytest.param("2026-11-06", {}, id="a day after the window"),
        pytest.param("2027-01-04", {}, id="another rating's window"),
        pytest.param(
            "2027-01-04", ADJUSTED | {"risk_adjustment": "Pending"}, id="a pending adjustment"
        ),
        pytest.param("2026-11-05", {"original_detection_date": None}, id="no detection date"),
        pytest.param("2026-11-05", {"original_risk_rating": "Critical"}, id="no rating"),
    ],
)
def test_a_date_that_no_rule_gives(text, given):
    """It is a person's, and is said to be."""
    assert due(text, **given) == "no rule gives this date; it is kept as it stands"


WINDOW = "2026-11-05 now (High: 30 days from the original detection date 2026-10-06)"


@pytest.mark.parametrize(
    ("text", "given", "words"),
    [
        pytest.param("2026-11-04", {}, WINDOW, id="a day before the window"),
        pytest.param(
            "2026-10-20", {"bod_22_01_due_date": date(2026, 10, 20)}, WINDOW, id="not tracked"
        ),
        pytest.param(
            "2026-11-06",
            ADJUSTED,
            "2027-01-04 now (Moderate: 90 days from the original detection date 2026-10-06)",
            id="an approved adjustment",
        ),
    ],
)
def test_a_date_earlier_than_the_rules_give(text, given, words):
    """A date that is nearer than the rule's own stays, and both are said, with the policy line."""
    found, cited = due(text, **given).removesuffix("]").split(" [")
    assert found == f"the rules would give {words}, and a recorded date never moves away"
    assert f"{DAYS}." in cited


@pytest.mark.parametrize("rating", ["", "Critical", "Medium"])
def test_a_rating_that_is_none(rating):
    """A word that the template does not have is quoted."""
    assert said(original_risk_rating=rating)[0] == (
        f"original risk rating '{rating}': not one of the template's"
    )


def test_an_item_without_dates():
    """What is not there is not explained."""
    found = said(original_detection_date=None, scheduled_completion_date=None)
    assert not [line for line in found if line.startswith(("detected", "due"))]
    assert found[-1].startswith("it has no scheduled completion date")


def test_cisas_date_is_its_own():
    """A tracked item says whose date that is; one that is not tracked has no such ground."""
    for given, count in ((TRACKED, 1), (TRACKED | {"bod_22_01_tracking": "No"}, 0)):
        found = [line for line in said(**given) if line.startswith("BOD 22-01 due date 2026-10-20")]
        assert len(found) == count


@pytest.mark.parametrize(
    ("given", "words"),
    [
        pytest.param(
            {
                "original_risk_rating": "Low",
                "adjusted_risk_rating": "High",
                "risk_adjustment": "Yes",
            },
            "counts as High: Risk Adjustment is Yes",
            id="raised",
        ),
        pytest.param(ADJUSTED, "counts as Moderate: Risk Adjustment is Yes", id="lowered"),
        pytest.param(ADJUSTED | {"risk_adjustment": "Pending"}, "", id="pending"),
        pytest.param(ADJUSTED | {"adjusted_risk_rating": "High"}, "", id="the same rating"),
    ],
)
def test_the_rating_that_counts_is_explained(given, words):
    """An adjusted rating that counts has a ground of its own; one that does not has none."""
    found = [line for line in said(**given) if line.startswith("counts as")]
    assert [line.split(" [")[0] for line in found] == ([words] if words else [])


@pytest.mark.parametrize(
    ("original", "adjusted", "rule"),
    [
        ("High", "Moderate", "timelines.deviations:"),
        ("Low", "High", "timelines.rating_changes.raised = "),
    ],
)
def test_what_an_adjusted_rating_cites(original, adjusted, rule):
    """A lower rating is an approved deviation, a higher one a scanner's raise."""
    given = {"original_risk_rating": original, "adjusted_risk_rating": adjusted}
    (found,) = (
        line for line in said(risk_adjustment="Yes", **given) if line.startswith("counts as")
    )
    assert f", {rule}" in found


def test_decisions_carry_their_grounds():
    """A changed item has them as the run leaves it; why a new one is due is said already."""
    rows = [
        item(original_risk_rating="Low", scheduled_completion_date=date(2027, 4, 4)),
        closed("V-2", weakness_source_identifier="9"),
    ]
    changes = run(seen("web-01", "web-02"), poam=rows)
    by_kind = {decision.kind: decision for decision in changes.decisions}
    assert any(
        line.startswith("due 2026-11-05: High: 30 days")
        for line in by_kind[ChangeKind.UPDATED].grounds
    )
    assert not [x for x in by_kind[ChangeKind.OPENED].grounds if x.startswith("due")]


def test_a_roll_up_item_has_one_ground():
    """The item that stands for all configuration findings is never late: only its day is said."""
    rules = with_timelines(roll_up=True)
    found = seen("web-01", identifier="CIS 1.1.1", kind=Kind.CONFIGURATION)
    rows = applied(items(), run(found, rules=rules)).to_dict("records")
    (roll_up,) = (row["poam_id"] for row in rows if row["sheet"] == "open")
    again = run(found, poam=rows, rules=rules)
    (decision,) = (d for d in again.decisions if d.poam_id == roll_up)
    (ground,) = decision.grounds
    assert ground.startswith("status date 2026-11-30: ")
