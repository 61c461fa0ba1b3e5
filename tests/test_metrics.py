"""What reviewers count: the tables of open and past-due items, the scans' counts, the baseline."""

from datetime import date, timedelta

import pytest
from pandas import NA

from poam.dedupe import sightings, weaknesses
from poam.ledger import memory_frame
from poam.metrics import (
    LATE,
    LINES,
    by_month,
    late_items,
    open_items,
    open_summary,
    past_due,
    scan_counts,
    unique_threshold,
)
from poam.model import Kind
from poam.policy import read_mapping
from poam.severity import rate
from poam.trigger_rules import Triggers
from tests.core_support import AS_OF, batch, definition, finding, item, items, policy, scan

RULES = Triggers.model_validate(read_mapping("triggers.yaml"))
LABELS = ["0-30", "31-60", "61-90", "91-120", "121+"]
ON_TIME = AS_OF + timedelta(days=1)
PAGE = "https://app.example.gov/list"
PENDING_FP = {"false_positive": "Pending"}
INFO = ("OS and DB", "Informational")
ADJUSTED = {"risk_adjustment": "Yes", "adjusted_risk_rating": "Moderate"}


def counted(*rows):
    """The open items of these rows."""
    return open_items(items(*rows), AS_OF, policy().timelines)


def row(original, days_late=0, poam_id="V-1", **given):
    """An item rated so, its date passed so many days ago."""
    due = AS_OF - timedelta(days=days_late)
    given = {"original_risk_rating": original, "scheduled_completion_date": due} | given
    return item(poam_id, **given)


def adjusted(original, rating, word="Yes", **given):
    """An item whose rating was adjusted, or is to be."""
    return row(original, adjusted_risk_rating=rating, risk_adjustment=word, **given)


@pytest.mark.parametrize(
    ("given", "line"),
    [
        pytest.param(row("High"), "High", id="High"),
        pytest.param(row("Moderate"), "Moderate", id="Moderate"),
        pytest.param(row("Low"), "Low", id="Low"),
        pytest.param(adjusted("High", "Moderate"), "High/Mod", id="scenario-48 High to Moderate"),
        pytest.param(adjusted("High", "Low"), "High/Low", id="scenario-48 High to Low"),
        pytest.param(adjusted("Moderate", "Low"), "Mod/Low", id="scenario-48 Moderate to Low"),
        pytest.param(adjusted("High", "High"), "High", id="adjusted to what it was"),
        pytest.param(adjusted("Low", "High"), "High", id="raised by the scanner"),
        pytest.param(adjusted("Moderate", "High"), "High", id="raised by one"),
        pytest.param(adjusted("High", "Moderate", "Pending"), "High", id="pending"),
        pytest.param(adjusted("High", "Moderate", "No"), "High", id="denied"),
        pytest.param(adjusted("High", "N/A"), "High", id="approved, no rating given"),
        pytest.param(adjusted("", "Low"), "Low", id="no original rating"),
        pytest.param(row(""), "Not rated", id="no rating"),
        pytest.param(row("Medium"), "Not rated", id="a rating that FedRAMP does not know"),
    ],
)
def test_the_line_of_an_item(given, line):
    """An approved adjustment has a line of its own; what was raised counts as what it is now."""
    (found,) = counted(given)
    assert found.line == line
    assert {name: n for name, n in open_summary([found]).items() if n} == {line: 1, "Total": 1}


def test_open_summary():
    """scenario-48: each open item counts once in Total, its deviation once more below."""
    found = counted(
        row("High"),
        row("High", false_positive="Pending"),
        adjusted("High", "Moderate", operational_requirement="Yes"),
        adjusted("High", "Moderate"),
        adjusted("High", "Low"),
        row("Moderate", operational_requirement="Pending"),
        row("Moderate", operational_requirement="No", false_positive="No"),
        adjusted("Moderate", "Low"),
        row("Low", false_positive="Yes"),
        row("High", sheet="closed"),
        row("High", sheet="configuration"),
    )
    assert list(open_summary(found).items()) == [
        ("High", 2),
        ("High/Mod", 2),
        ("High/Low", 1),
        ("Moderate", 2),
        ("Mod/Low", 1),
        ("Low", 1),
        ("Total", 9),
        ("Pending FP", 1),
        ("OR (Pending and Active)", 2),
    ]


def test_nothing_is_open():
    """A workbook without open items has every line, each 0."""
    assert set(open_summary(counted()).values()) == {0}
    table = past_due(counted(), RULES.past_due)
    assert list(table["rating"]) == [*LINES, "Total"]
    assert not table.drop(columns="rating").to_numpy().any()
    assert list(late_items(counted())) == LATE


@pytest.mark.parametrize(
    ("days", "label"),
    [
        pytest.param(0, None, id="the day itself is on time"),
        pytest.param(1, "0-30", id="scenario-48 1 day"),
        pytest.param(30, "0-30", id="scenario-48 30 days"),
        pytest.param(31, "31-60", id="scenario-48 31 days"),
        pytest.param(60, "31-60", id="60 days"),
        pytest.param(61, "61-90", id="61 days"),
        pytest.param(90, "61-90", id="90 days"),
        pytest.param(91, "91-120", id="91 days"),
        pytest.param(120, "91-120", id="120 days"),
        pytest.param(121, "121+", id="121 days"),
        pytest.param(1000, "121+", id="1000 days"),
    ],
)
def test_buckets_of_days_past_due(days, label):
    """A bucket ends with its last day; days are counted from the scheduled completion date."""
    table = past_due(counted(row("Low", days)), RULES.past_due).set_index("rating")
    assert list(table.columns) == [*LABELS, "Past Due Total", "Pending FP", "Pending OR"]
    assert [name for name in LABELS if table.loc["Low", name]] == ([label] if label else [])
    assert table.loc["Low", "Past Due Total"] == (1 if label else 0)


@pytest.mark.parametrize(
    ("given", "late"),
    [
        pytest.param({"false_positive": "Yes"}, 0, id="an approved false positive"),
        pytest.param({"operational_requirement": "Yes"}, 0, id="an approved requirement"),
        pytest.param(
            {"vendor_dependency": "Yes", "last_vendor_checkin_date": AS_OF}, 0, id="a vendor's fix"
        ),
        pytest.param({"false_positive": "Pending"}, 1, id="pending stops no clock"),
        pytest.param({"sheet": "closed"}, 0, id="closed"),
        pytest.param({"sheet": "configuration"}, 0, id="a configuration finding"),
        pytest.param({"scheduled_completion_date": None}, 0, id="no date"),
        pytest.param({}, 1, id="nothing excuses it"),
    ],
)
def test_what_is_not_counted_past_due(given, late):
    """What is excused, closed or a configuration finding is in no bucket."""
    table = past_due(counted(row("Moderate", 10, **given)), RULES.past_due).set_index("rating")
    assert table.loc["Total", "0-30"] == table.loc["Total", "Past Due Total"] == late


def test_past_due_by_line():
    """scenario-48: late items by line and bucket; the pending ones are part of the total."""
    found = counted(
        row("High", 5, "V-1"),
        row("High", 31, "V-2", **PENDING_FP),
        row("High", 2, "V-3", **ADJUSTED),
        row("Low", 200, "V-4", operational_requirement="Pending"),
        row("Low", 200, "V-5", operational_requirement="Yes"),
        row("", 3, "V-6"),
        row("Moderate", scheduled_completion_date=ON_TIME),
    )
    table = past_due(found, RULES.past_due).set_index("rating")
    assert {line: list(counts) for line, counts in table.iterrows() if counts.any()} == {
        "High": [1, 1, 0, 0, 0, 2, 1, 0],
        "High/Mod": [1, 0, 0, 0, 0, 1, 0, 0],
        "Low": [0, 0, 0, 0, 1, 1, 0, 1],
        "Not rated": [1, 0, 0, 0, 0, 1, 0, 0],
        "Total": [3, 1, 0, 0, 1, 5, 1, 1],
    }
    assert list(late_items(found)["poam_id"]) == ["V-4", "V-2", "V-1", "V-6", "V-3"]


def test_late_items_say_why():
    """A late item is listed with its line, its age (where it has a date) and why it counts."""
    detected = AS_OF - timedelta(days=40)
    found = counted(
        row("High", 10, "V-1", original_detection_date=detected, **PENDING_FP),
        row("High", 9, "V-2", original_detection_date=None),
    )
    table = late_items(found)
    assert list(table["age"].isna()) == [False, True]
    first = table.iloc[0]
    assert (first.poam_id, first.rating, first.age, first.days_late) == ("V-1", "High", 40, 10)
    assert first.due == str(AS_OF - timedelta(days=10))
    assert first.status == "; ".join(("late", *found[0].standing.because[1:]))
    assert "pending false positive" in first.status


def test_months_side_by_side():
    """Six months up to this one: the latest run of each counts; a month without one is empty."""
    given = [
        (date(2026, 11, 30), {"High": 4, "Total": 5, "Not rated": 1}),
        (date(2026, 9, 30), {"High": 2, "Total": 2}),
        (date(2026, 9, 2), {"High": 9, "Total": 9}),
        (date(2026, 6, 30), {"High": 1, "Total": 1}),
        (date(2026, 5, 31), {"High": 7, "Total": 7}),
        (date(2026, 12, 1), {"High": 8, "Total": 8}),
    ]
    table = by_month(given, AS_OF, 6).set_index("rating")
    assert list(table.columns) == [f"2026-{month:02d}" for month in range(6, 12)]
    assert table.loc["High"].to_list() == [1, NA, NA, 2, NA, 4]
    assert table.loc["Total"].to_list() == [1, NA, NA, 2, NA, 5]
    assert table.loc["Not rated"].to_list() == [0, NA, NA, 0, NA, 1]


def test_months_over_new_year():
    """The month before January is December of the year before."""
    assert list(by_month([], date(2027, 1, 31), 3)) == ["rating", "2026-11", "2026-12", "2027-01"]


def scanned(*records):
    """The counts of one batch."""
    found = batch(*records)
    detections = found.detections.assign(asset_identifier=found.detections["asset"])
    coverage = found.coverage.assign(asset_identifier=found.coverage["asset"])
    seen = sightings(detections, coverage, memory_frame(), AS_OF, policy())
    rated = rate(weaknesses(seen, found.definitions, policy()), policy())
    table = scan_counts(rated, seen)
    return {(r.target, r.rating): (r.unique, r.raw) for r in table.itertuples() if r.raw}, table


def test_scan_counts():
    """Identifiers and their places by rating; a web address is Web, a host OS or database."""
    counts, table = scanned(
        scan("web-01"),
        scan("web-02"),
        definition("1", cvss3_base=9.8),
        finding("web-01", "1", port=443),
        finding("web-01", "1", port=8443),
        finding("web-02", "1"),
        definition("2", cvss3_base=7.0),
        finding("web-01", "2"),
        definition("3", cvss3_base=5.0),
        finding("web-01", "3", location=PAGE),
        finding("web-01", "3", location=f"{PAGE}/2"),
        finding("web-02", "3", location=f"{PAGE}/3", present=False),
    )
    assert counts == {("OS and DB", "High"): (2, 4), ("Web", "Moderate"): (1, 2)}
    assert len(table) == 8
    assert table["unique"].sum() == 3


@pytest.mark.parametrize(
    ("base", "given", "expected"),
    [
        pytest.param(0.0, {}, {INFO: (0, 1)}, id="scenario-3 no rating"),
        pytest.param(9.8, {"kind": Kind.INFORMATIONAL}, {INFO: (0, 1)}, id="informational"),
        pytest.param(9.8, {"kind": Kind.CONFIGURATION}, {}, id="a configuration finding"),
        pytest.param(9.8, {"present": False}, {}, id="reported as fixed"),
    ],
)
def test_what_is_no_vulnerability(base, given, expected):
    """What has no rating counts as raw only; a benchmark result and a fix count nowhere."""
    counts, _ = scanned(scan(), definition(cvss3_base=base), finding(**given))
    assert counts == expected


def test_the_same_place_in_two_exports_is_one():
    """Handing in a scan in two formats does not double the raw count."""
    counts, _ = scanned(scan(), definition(), finding(locator="a"), finding(locator="b"))
    assert counts == {("OS and DB", "High"): (1, 1)}


@pytest.mark.parametrize(
    ("baseline", "threshold"),
    [
        pytest.param(178, 213.6, id="scenario-51 a fifth of 178, not rounded"),
        pytest.param(30, 40, id="scenario-51 ten where a fifth is less"),
        pytest.param(50, 60, id="a fifth is ten"),
        pytest.param(55, 66, id="a whole number stays whole"),
        pytest.param(0, 10, id="no vulnerability at first"),
    ],
)
def test_threshold_of_unique_vulnerabilities(baseline, threshold):
    """The baseline and a fifth of it, or ten where that is more."""
    assert unique_threshold(baseline, RULES.unique_vulnerabilities) == threshold
