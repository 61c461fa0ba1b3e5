"""The executive summary: its numbers equal those counted by hand, of this month and of six."""

from datetime import date, timedelta
from functools import cache

import pandas as pd
import pytest

from poam.deviation_requests import deviation_requests
from poam.executive import MONTHS, executive_summary, labelled, month_line
from poam.metrics import month_counts, open_items
from poam.model import Authenticated
from poam.policy import read_mapping
from poam.report import run_report
from poam.trigger_rules import Triggers
from tests.core_support import AS_OF, item, items, plan, policy, scan, seen

# Rating, adjusted to, days past due, days since the detection, other columns: the month by hand.
BY_HAND = [
    ("High", "", 0, 10, {}),
    ("High", "", 5, 35, {"false_positive": "Pending"}),
    ("High", "", 31, 61, {"operational_requirement": "Pending"}),
    ("High", "Moderate", 0, 20, {}),
    ("High", "Moderate", 130, 220, {}),
    ("High", "Low", 0, 5, {}),
    ("Moderate", "", 60, 150, {}),
    ("Moderate", "", 0, 80, {"operational_requirement": "Yes"}),
    ("Moderate", "Low", 0, 40, {}),
    ("Low", "", 91, 271, {}),
    ("Low", "", -3, 90, {}),
]
OPEN = {
    "High": 3,
    "High/Mod": 2,
    "High/Low": 1,
    "Moderate": 2,
    "Mod/Low": 1,
    "Low": 2,
    "Total": 11,
    "Pending FP": 1,
    "OR (Pending and Active)": 2,
}
# 0-30, 31-60, 61-90, 91-120, 121+, Past Due Total, Pending FP, Pending OR
PAST_DUE = {
    "High": (1, 1, 0, 0, 0, 2, 1, 1),
    "High/Mod": (0, 0, 0, 0, 1, 1, 0, 0),
    "High/Low": (0, 0, 0, 0, 0, 0, 0, 0),
    "Moderate": (0, 1, 0, 0, 0, 1, 0, 0),
    "Mod/Low": (0, 0, 0, 0, 0, 0, 0, 0),
    "Low": (0, 0, 0, 1, 0, 1, 0, 0),
    "Total": (1, 2, 0, 1, 1, 5, 1, 1),
}
# High, Moderate, Low, each by the rating that counts.
BY_RATING = {"High": 3, "Moderate": 4, "Low": 4}
LATE_BY_RATING = {"High": 2, "Moderate": 2, "Low": 1}
AGES = {
    "0-30": (1, 1, 1),
    "31-60": (1, 0, 1),
    "61-90": (1, 1, 1),
    "91-120": (0, 0, 0),
    "121+": (0, 2, 1),
}
SCANS = pd.DataFrame(
    [("Web", "High", 2, 5), ("Web", "Informational", 0, 7), ("OS and DB", "Low", 4, 9)],
    columns=["target", "rating", "unique", "raw"],
)


def rules(baseline=None):
    """Return the rulebook, with a baseline."""
    content = read_mapping("triggers.yaml")
    content["unique_vulnerabilities"]["baseline"] = baseline
    return Triggers.model_validate(content)


def workbook():
    """Return the rows of BY_HAND."""
    return [
        item(
            f"V-{number}",
            original_risk_rating=rating,
            adjusted_risk_rating=adjusted,
            risk_adjustment="Yes" if adjusted else "No",
            scheduled_completion_date=AS_OF - timedelta(days=late),
            original_detection_date=AS_OF - timedelta(days=age),
            **given,
        )
        for number, (rating, adjusted, late, age, given) in enumerate(BY_HAND, start=1)
    ]


def month(as_of=AS_OF, scans=SCANS, rows=None):
    """Return what a run counts."""
    found = open_items(items(*(workbook() if rows is None else rows)), as_of, policy().timelines)
    return month_counts(as_of, found, scans, rules().past_due)


@cache
def nothing():
    """Return what a run without scans and items decides."""
    return plan([])


def summary(earlier=(), baseline=None, records=(), refused=(), soon=(), now=None):
    """Return the summary of BY_HAND, by the names of its tables."""
    left = items(*workbook())
    found = open_items(left, AS_OF, policy().timelines)
    decided = plan(list(records)) if records else nothing()
    report = run_report(
        "r",
        AS_OF,
        1,
        decided.changes,
        found,
        refused,
        (),
        decided.gates,
        decided.triggers,
        date(2026, 12, 4),
        soon,
    )
    requests = deviation_requests(left, None, AS_OF, policy())
    return executive_summary(
        report, now or month(), earlier, found, requests, decided.coverage, rules(baseline)
    )


def column(table, name=f"{AS_OF:%Y-%m}"):
    """Return one column of a table by its rows' names."""
    return table.frame.set_index(table.frame.columns[0])[name].to_dict()


def by_row(table):
    """Return a table's rows by their names."""
    return {name: tuple(rest) for name, *rest in table.frame.itertuples(index=False, name=None)}


def test_this_month_equals_what_is_counted_by_hand():
    """scenario-48: every table of this month, number by number."""
    found = summary()
    assert column(found["open_items"]) == OPEN
    assert by_row(found["past_due"]) == PAST_DUE
    assert column(found["past_due_by_month"]) == {k: v[5] for k, v in PAST_DUE.items()}
    assert column(found["trend"]) == BY_RATING
    assert column(found["burn_down"]) == LATE_BY_RATING
    assert by_row(found["ages"]) == AGES
    assert column(found["unique"]) == {"Web, High": 2, "OS and DB, Low": 4, "Total": 6}
    assert column(found["raw"]) == {
        "Web, High": 5,
        "Web, Informational": 7,
        "OS and DB, Low": 9,
        "Total": 21,
    }
    assert list(found["late"].frame["poam_id"]) == ["V-5", "V-10", "V-7", "V-3", "V-2"]


def test_six_months_side_by_side():
    """The month itself and the five before; one without a run is empty, one of seven is gone."""
    quiet = month(date(2026, 8, 31), None, [item("V-1", scheduled_completion_date=AS_OF)])
    old = month(date(2026, 5, 29))
    found = summary([old, quiet])
    table = found["open_items"].frame.set_index("rating")
    assert list(table.columns) == [f"2026-{n:02d}" for n in range(6, 12)]
    assert len(table.columns) == MONTHS
    assert table.loc["Total"].fillna(-1).to_list() == [-1, -1, 1, -1, -1, 11]
    trend = found["trend"].frame.set_index("rating")
    assert trend.loc["High"].fillna(-1).to_list() == [-1, -1, 1, -1, -1, 3]
    late = found["past_due_by_month"].frame.set_index("rating")
    assert late.loc["Total"].fillna(-1).to_list() == [-1, -1, 0, -1, -1, 5]
    # August had no scans: no counts, not zero.
    assert found["unique"].frame.iloc[:, 1:-1].isna().all(axis=None)


@pytest.mark.parametrize("other", [AS_OF, AS_OF - timedelta(1), AS_OF + timedelta(1)])
def test_this_run_is_its_months_count(other):
    """A rerun, an earlier run of the month and a later one do not stand in its place."""
    found = summary([month(other, None, [])])
    assert column(found["open_items"]) == OPEN


def test_a_rerun_gives_the_same_summary():
    """What the run itself left in the ledger changes nothing."""
    (before, after) = (summary(known) for known in ((), [month()]))
    for name, table in before.items():
        pd.testing.assert_frame_equal(table.frame, after[name].frame)


@pytest.mark.parametrize(
    ("baseline", "expected"),
    [
        pytest.param(None, {}, id="none is set"),
        pytest.param(178, {"Baseline": 178.0, "Threshold": 213.6}, id="scenario-51 a fifth"),
        pytest.param(30, {"Baseline": 30.0, "Threshold": 40.0}, id="scenario-51 ten"),
    ],
)
def test_baseline_and_threshold(baseline, expected):
    """They stand below the unique vulnerabilities, in months that were counted."""
    table = summary(baseline=baseline)["unique"]
    found = column(table)
    assert {name: found[name] for name in found if name in ("Baseline", "Threshold")} == expected
    assert table.frame.iloc[:, 1:-1].isna().all(axis=None)
    assert ("No baseline" in table.said) == (baseline is None)


def noted(found):
    """Return the items of note by subject."""
    return dict(found["of_note"].frame.itertuples(index=False, name=None))


def test_items_of_note():
    """What escalates, what is flagged, the requests, and what only a person knows."""
    records = [scan("a", authenticated=Authenticated.NO), scan("b")]
    found = noted(summary(records=records, refused=("bad.xml: broken.",)))
    assert found["Escalation: DFR"].startswith("50 % unauthenticated")
    assert found["Unauthenticated"].startswith("1 of 2 assets (50.0 %)")
    assert found["Deviation requests to review: 2"] == "OR RA: V-3; FP: V-2"
    assert found["Files that could not be read: 1"] == "bad.xml: broken."
    assert "Annual assessment, planned significant changes" in found


def test_the_change_of_unique_vulnerabilities():
    """Against the last month that had scans, however long ago."""
    before = SCANS.assign(unique=[1, 0, 1])
    found = noted(summary([month(date(2026, 9, 30), before), month(date(2026, 10, 30), None)]))
    assert found["Unique vulnerabilities"] == "6, after 2 in 2026-09 (+4)"
    assert "Unique vulnerabilities" not in noted(summary())
    unscanned = summary([month(date(2026, 9, 30), before)], now=month(scans=None))
    assert "Unique vulnerabilities" not in noted(unscanned)


def test_assets_scanned():
    """By scanner the deepest login of each asset; of all together also what none reached."""
    listed = pd.DataFrame(
        {"identifier": ["a", "b", "z"], "names": [(), (), ()], "in_latest_scan": [True] * 3}
    )
    records = [
        scan("a", authenticated=Authenticated.NO),
        scan("a", authenticated=Authenticated.YES, locator="again"),
        scan("b", authenticated=Authenticated.PARTIAL),
        scan("b", detector="Qualys", authenticated=Authenticated.UNKNOWN),
    ]
    decided = plan(records, inventory=listed)
    report = run_report("r", AS_OF, 1, decided.changes, (), (), (), decided.gates)
    none = deviation_requests(items(), None, AS_OF, policy())
    table = executive_summary(report, decided.counts, (), (), none, decided.coverage, rules())[
        "coverage"
    ]
    assert list(table.frame.columns[1:]) == [
        "logged in",
        "partly",
        "no login",
        "not told",
        "not scanned",
    ]
    assert by_row(table) == {
        "Nessus": (1, 1, 0, 0, 0),
        "Qualys": (0, 0, 0, 1, 0),
        "All scanners": (1, 1, 0, 0, 1),
    }


def test_a_run_without_scans_counts_none():
    """No scan read is no count, which is not the count 0."""
    decided = plan([], poam=[item()])
    assert decided.counts.scans == {}
    assert decided.counts.open["Total"] == 1
    assert plan([scan()]).counts.scans["Web"]["High"] == {"unique": 0, "raw": 0}


def test_what_a_plan_counts():
    """The open items as the run leaves them, and what its scans found."""
    counts = plan(seen("web-01"), poam=[]).counts
    assert (counts.as_of, counts.open["High"]) == (AS_OF, 1)
    assert counts.scans["OS and DB"]["High"] == {"unique": 1, "raw": 1}
    assert counts.past_due["High"]["Past Due Total"] == 0


LINES = [
    pytest.param(
        seen("web-01"), ["V-1"], "0 closed; 0 new; 1 late, no more before", id="nothing changes"
    ),
    pytest.param([scan("web-01")], ["V-1"], "1 closed, all verified; 0 new; 0 late", id="closed"),
    pytest.param(
        [scan("x")],
        ["V-1", "V-2"],
        "0 closed; 2 absent, not verified, because web-01 was not scanned by Nessus; 0 new; 2 late",
        id="one reason of two items is told once",
    ),
    pytest.param(seen("x"), [], "0 closed; 1 new; 0 late", id="new"),
]


@pytest.mark.parametrize(("records", "ids", "said"), LINES)
def test_the_months_one_line(records, ids, said):
    """What closed, what did not and why, what is new, what waits, what is late."""
    rows = [item(one) for one in ids]
    decided = plan(records, poam=rows)
    report = run_report(
        "r",
        AS_OF,
        1,
        decided.changes,
        decided.open_items,
        (),
        (),
        submission=date(2026, 12, 4),
        late_soon=decided.late_soon,
    )
    assert month_line(report).startswith(said)
    assert month_line(report).endswith("before the next submission on 2026-12-04.")


def test_columns_named_for_people():
    """A table for people has no underscores in its heads; months keep their names."""
    for table in summary().values():
        assert not [name for name in labelled(table.frame) if "_" in name]
