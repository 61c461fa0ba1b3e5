"""Exceptions to "set once, then never": CISA's date, a release, an adjustment, a raised rating."""

from datetime import date
from types import SimpleNamespace

import pytest

from poam.existing import Item
from poam.model import ChangeKind, RiskRating
from poam.revision import Reviser
from tests.core_support import (
    AS_OF,
    closed,
    definition,
    finding,
    item,
    kev,
    kinds,
    only,
    policy,
    run,
    scan,
    seen,
    with_timelines,
)

HIGH, MODERATE, LOW = RiskRating.HIGH, RiskRating.MODERATE, RiskRating.LOW
UPDATED, REVIEW = ChangeKind.UPDATED, ChangeKind.NEEDS_REVIEW
CVE = "CVE-2026-0001"
# Found on 2026-10-06: the ends of its windows.
BY = {"High": "2026-11-05", "Moderate": "2027-01-04", "Low": "2027-04-04"}
YES = {"risk_adjustment": "Yes"}
RELEASE = {"vendor_dependency": "Yes", "comments": "Vendor released 2026-10-26"}


def day(text):
    """Return a day."""
    return date.fromisoformat(text)


def record(original="High", due="", **given):
    """Return a row that was found on 2026-10-06, due as its rating asks, or on `due`."""
    dates = {"scheduled_completion_date": day(due or BY.get(original, BY["High"]))}
    return item(original_risk_rating=original, **dates | given)


def state(**given):
    """Return a row while a batch is held against it."""
    return Item(SimpleNamespace(**record(**given)), frozenset({("Nessus", "10001")}), ())


def settled(rules=None, **given):
    """Return the date that a row is moved to, "" where it stays."""
    one = state(**given)
    Reviser(AS_OF, rules or policy()).settle(one)
    assert bool(one.moved) == bool(one.after)
    return str(one.after.get("scheduled_completion_date", ""))


def tracked(**given):
    """Return the columns of a row that CISA tracks, its date 2026-10-20."""
    due = {"bod_22_01_tracking": "Yes", "bod_22_01_due_date": date(2026, 10, 20)}
    return {"due": "2026-10-20", **due} | given


def rated(rating, **given):
    """Return a weakness as the scanner rates it now."""
    told = {"detector": "Nessus", "source_identifier": "10001", "cves": (), "kev_due": None}
    told |= {"rating_basis": "said so", "rating_rule": "severity.precedence"}
    return SimpleNamespace(original_risk_rating=rating, **told | given)


def refreshed(rating, rules=None, own=True, **given):
    """Return a row after a scanner rated its weakness."""
    one = state(**given)
    Reviser(AS_OF, rules or policy()).refresh(one, rated(rating), own=own)
    return one


# Approved risk adjustments


@pytest.mark.parametrize(
    ("given", "moved"),
    [
        pytest.param(
            {"adjusted_risk_rating": "Moderate", **YES}, BY["Moderate"], id="scenario-28 approved"
        ),
        pytest.param(
            {"adjusted_risk_rating": "Low", **YES}, BY["Low"], id="two ratings lower, approved"
        ),
        pytest.param(
            {"original": "Moderate", "adjusted_risk_rating": "Low", **YES},
            BY["Low"],
            id="Moderate to Low",
        ),
        pytest.param(
            {"adjusted_risk_rating": "Moderate", "risk_adjustment": "Pending"},
            "",
            id="scenario-28 pending",
        ),
        pytest.param(
            {"adjusted_risk_rating": "Moderate", "risk_adjustment": "No"}, "", id="scenario-28 No"
        ),
        pytest.param({"adjusted_risk_rating": "N/A", **YES}, "", id="approved without a rating"),
        pytest.param({"adjusted_risk_rating": "High", **YES}, "", id="to the same rating"),
        pytest.param(
            {"adjusted_risk_rating": "Moderate", **YES, "due": BY["Moderate"]},
            "",
            id="moved before",
        ),
        pytest.param(
            {"adjusted_risk_rating": "Moderate", **YES, "due": "2026-11-04"},
            "",
            id="a person's date, a day before",
        ),
        pytest.param(
            {"adjusted_risk_rating": "Moderate", **YES, "due": "2026-11-06"},
            "",
            id="a person's date, a day after",
        ),
        pytest.param(
            {"adjusted_risk_rating": "Moderate", **YES, "scheduled_completion_date": None},
            "",
            id="no date",
        ),
        pytest.param(
            {"adjusted_risk_rating": "Moderate", **YES, "original_detection_date": None},
            "",
            id="no detection date",
        ),
        pytest.param(
            {"original": "Low", "adjusted_risk_rating": "High", **YES}, BY["High"], id="to a worse"
        ),
        pytest.param(
            {"original": "Low", "adjusted_risk_rating": "High", **YES, "due": "2026-10-20"},
            "",
            id="to a worse: never later",
        ),
    ],
)
def test_an_approved_adjustment_moves_the_date(given, moved):
    """Only an approved adjustment gives more time, and only to a date that the rules gave."""
    assert settled(**given) == moved


@pytest.mark.parametrize(
    ("given", "moved"),
    [
        pytest.param(
            tracked(due=BY["High"], bod_22_01_due_date=date(2026, 12, 24)),
            "2026-12-24",
            id="CISA's date ends the new window",
        ),
        pytest.param(tracked(), "", id="CISA's date is the earliest before and after"),
    ],
)
def test_an_adjustment_never_passes_cisas_date(given, moved):
    """An adjustment gives no time beyond CISA's date, and a date that stays is not moved."""
    assert settled(adjusted_risk_rating="Moderate", **YES, **given) == moved


# The vendor's release


@pytest.mark.parametrize(
    ("given", "moved"),
    [
        pytest.param({}, "2026-11-25", id="scenario-31 High"),
        pytest.param({"original": "Moderate"}, "2027-01-24", id="Moderate"),
        pytest.param({"original": "Low"}, "2027-04-24", id="Low"),
        pytest.param(
            {"adjusted_risk_rating": "Moderate", **YES}, "2027-01-24", id="adjusted, K + 30 so far"
        ),
        pytest.param(
            {"adjusted_risk_rating": "Moderate", **YES, "due": BY["Moderate"]},
            "2027-01-24",
            id="adjusted, K + 90 so far",
        ),
        pytest.param(
            {"adjusted_risk_rating": "Moderate", **YES, "due": "2026-11-25"},
            "2027-01-24",
            id="adjusted after the release",
        ),
        pytest.param({"due": "2026-11-25"}, "", id="scenario-31 allowed once"),
        pytest.param(
            {"comments": "Vendor released 2026-11-20\nFix available 2026-10-26"},
            "2026-11-25",
            id="the first of two days",
        ),
        pytest.param(
            {
                "comments": "Vendor released 2026-10-26\nVendor released 2026-11-20",
                "due": "2026-11-25",
            },
            "",
            id="a second release gives nothing",
        ),
        pytest.param({"comments": "Vendor released 2026-09-30"}, "", id="before detection"),
        pytest.param({"comments": "Vendor released 2026-12-01"}, "", id="a day to come"),
        pytest.param({"vendor_dependency": "No"}, "", id="no dependency"),
        pytest.param({"due": "2026-11-06"}, "", id="a person's date"),
        pytest.param(tracked(), "", id="CISA's date is the earliest before and after"),
        pytest.param(
            {
                "original": "Low",
                "adjusted_risk_rating": "High",
                **YES,
                "due": BY["High"],
            },
            "2026-11-25",
            id="of a raised item",
        ),
        pytest.param(
            {"original": "Low", "adjusted_risk_rating": "High", **YES, "due": "2027-04-01"},
            "2026-11-25",
            id="of a raised item, a person's later date",
        ),
    ],
)
def test_a_release_starts_the_window_anew(given, moved):
    """scenario-31: once, from the first day stated, for a date that the rules gave."""
    assert settled(**RELEASE | given) == moved


def test_a_release_is_written_down():
    """The cell of the date, the milestone and the account say which day and why."""
    row = record(planned_milestones="(1) 2026-11-05: Patch.", **RELEASE)
    decision = only(run(seen("web-01"), poam=[row]), UPDATED)
    assert decision.after == {
        "scheduled_completion_date": date(2026, 11, 25),
        "milestone_changes": "(1) Update 2026-11-25 : Scheduled completion moved from 2026-11-05: "
        "the vendor released its fix on 2026-10-26",
        "status_date": AS_OF,
    }
    assert "High: 30 days from the vendor's release on 2026-10-26" in decision.because[0]


# CISA's date


def with_cve(**given):
    """Return a scan of web-01 that still finds a weakness with a CVE."""
    return [definition(cves=(CVE,), **given), finding(), scan()]


@pytest.mark.parametrize(
    ("plan", "before", "changes"),
    [
        pytest.param("(1) 2026-11-05: Patch.", "", "(1) Update", id="the only milestone"),
        pytest.param(
            "(1) 2026-10-20: Test.\n\n(2) 2026-11-05: Patch.",
            "(1) Complete 2026-10-19 : Tested.",
            "(1) Complete 2026-10-19 : Tested.\n\n(2) Update",
            id="the last of two, and one is done",
        ),
        pytest.param("", "", "(1) New", id="no milestone"),
    ],
)
def test_cisas_date_is_a_milestone_change(plan, before, changes):
    """scenario-32: v2.1 tells it in Milestone Changes, a blank line after what stands there."""
    row = record(cve=CVE, planned_milestones=plan, milestone_changes=before)
    decision = only(run(with_cve(), poam=[row], catalogue=kev(CVE_2026_0001="2026-10-20")), UPDATED)
    assert decision.after["scheduled_completion_date"] == date(2026, 10, 20)
    assert decision.after["milestone_changes"] == (
        f"{changes} 2026-10-20 : Scheduled completion moved from 2026-11-05: {CVE} is in CISA KEV "
        "2026.11.01, due 2026-10-20; late at once"
    )
    assert "planned_milestones" not in decision.after
    assert decision.after["comments"] == (
        f"2026-11-30: {CVE} is in CISA KEV 2026.11.01, due 2026-10-20."
    )


def test_cisas_date_is_a_comment_where_there_are_no_milestones():
    """scenario-32: v3.0 has no milestone columns, so a dated line of Comments tells it."""
    row = record(cve=CVE, comments="A person's note")
    catalogue = kev(CVE_2026_0001="2026-10-20")
    changes = run(with_cve(), poam=[row], catalogue=catalogue, edition="v3.0")
    decision = only(changes, UPDATED)
    assert "milestone_changes" not in decision.after
    assert decision.after["comments"] == (
        f"A person's note\n2026-11-30: {CVE} is in CISA KEV 2026.11.01, due 2026-10-20.\n"
        "2026-11-30: Scheduled completion moved from 2026-11-05 to 2026-10-20: "
        f"{CVE} is in CISA KEV 2026.11.01, due 2026-10-20; late at once."
    )
    note = "due 2026-10-20 now; the milestone in its plan is yours to change"
    assert note in decision.because
    assert any(note in told for told in changes.notices)


@pytest.mark.parametrize(
    ("due", "ends"),
    [
        pytest.param("2026-11-29", "; late at once", id="yesterday"),
        pytest.param("2026-11-30", "", id="today"),
    ],
)
def test_a_date_that_has_passed_is_said_to_be_late(due, ends):
    """scenario-39: a moved date before the run's day makes the item late at once."""
    one = state(cve=CVE, due="2026-12-24")
    Reviser(AS_OF, policy(), kev(CVE_2026_0001=due)).refresh(one, rated(HIGH), own=True)
    assert one.moved == [f"{CVE} is in CISA KEV 2026.11.01, due {due}{ends}"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        pytest.param({}, True, id="not tracked"),
        pytest.param(tracked(bod_22_01_due_date=date(2026, 10, 21)), True, id="another date"),
        pytest.param(tracked(bod_22_01_due_date=None), True, id="no date"),
        pytest.param(tracked(bod_22_01_tracking="No"), True, id="a date, and No"),
        pytest.param(tracked(), False, id="tracked with the date"),
    ],
)
def test_tracking_that_changes_is_a_comment(given, said):
    """scenario-32: what fills the columns of BOD 22-01 is dated in Comments, and only then."""
    one = state(cve=CVE, **given)
    reviser = Reviser(AS_OF, policy(), kev(CVE_2026_0001="2026-10-20"))
    reviser.refresh(one, rated(HIGH), own=True)
    assert ("bod_22_01_due_date" in one.after) is said
    line = f"2026-11-30: {CVE} is in CISA KEV 2026.11.01, due 2026-10-20."
    assert one.said == ([line] if said else [])


@pytest.mark.parametrize(
    ("given", "catalogue", "noted"),
    [
        pytest.param(tracked(cve=CVE), kev(), True, id="no more listed"),
        pytest.param(
            tracked(cve=CVE), kev(CVE_2026_0009="2026-10-20"), True, id="others are listed"
        ),
        pytest.param(tracked(cve=CVE), None, False, id="no catalogue"),
        pytest.param({"cve": CVE}, kev(), False, id="never tracked"),
    ],
)
def test_a_cve_that_left_the_catalogue(given, catalogue, noted):
    """Tracking stays as it is, and the account says that the catalogue has it no more."""
    one = state(**given)
    Reviser(AS_OF, policy(), catalogue).refresh(one, rated(HIGH), own=True)
    assert (one.after, one.said) == ({}, [])
    assert one.notes == ["no CVE of it is in CISA KEV any more; its tracking stays"] * noted


@pytest.mark.parametrize(
    ("given", "moved"),
    [
        pytest.param({"due": "2026-12-24"}, "2026-10-20", id="a person's later date"),
        pytest.param({"due": "2026-10-20"}, "", id="the same day"),
        pytest.param({"due": "2026-10-19"}, "", id="an earlier day"),
        pytest.param({"scheduled_completion_date": None}, "", id="no date"),
    ],
)
@pytest.mark.parametrize("mode", ["min", "supersede"])
def test_cisas_date_only_comes_closer(mode, given, moved):
    """scenario-32: no item may be due after CISA's date, and none gets time from it."""
    one = state(cve=CVE, **given)
    reviser = Reviser(AS_OF, with_timelines(mode=mode), kev(CVE_2026_0001="2026-10-20"))
    reviser.refresh(one, rated(HIGH, cves=(CVE,)), own=True)
    assert one.after["bod_22_01_due_date"] == date(2026, 10, 20)
    assert str(one.after.get("scheduled_completion_date", "")) == moved


@pytest.mark.parametrize(
    ("days", "moved"),
    [(None, "2026-09-01"), (0, "2026-10-06"), (14, "2026-10-20"), (30, ""), (60, "")],
)
def test_cisas_date_before_the_detection(days, moved):
    """scenario-11: the item is due on that day, or so many days after its detection."""
    one = state(cve=CVE)
    rules = with_timelines(past_due_days=days)
    Reviser(AS_OF, rules, kev(CVE_2026_0001="2026-09-01")).refresh(one, rated(HIGH), own=True)
    assert one.after["bod_22_01_due_date"] == date(2026, 9, 1)
    assert str(one.after.get("scheduled_completion_date", "")) == moved


def test_the_earliest_of_several_cves_counts():
    """scenario-10: CVEs of the row and of the scan are looked up together."""
    one = state(cve="CVE-2026-0009")
    catalogue = kev(CVE_2026_0001="2026-10-20", CVE_2026_0009="2026-10-10")
    Reviser(AS_OF, policy(), catalogue).refresh(one, rated(HIGH, cves=(CVE,)), own=True)
    assert one.after["cve"] == f"CVE-2026-0009\n{CVE}"
    assert one.after["scheduled_completion_date"] == date(2026, 10, 10)


def test_what_a_scanner_cites_counts_without_a_catalogue():
    """A scanner's own KEV date tracks the row; a catalogue that does not list it says no."""
    weakness = rated(HIGH, kev_due=date(2026, 10, 20))
    for catalogue, due in ((None, date(2026, 10, 20)), (kev(), None)):
        one = state()
        Reviser(AS_OF, policy(), catalogue).refresh(one, weakness, own=True)
        assert one.after.get("scheduled_completion_date") == due


@pytest.mark.parametrize("own", [True, False], ids=["its own scanner", "another"])
def test_any_scanner_tells_of_a_cve(own):
    """Whichever scanner names a CVE, CISA's date holds for the item."""
    one = state()
    reviser = Reviser(AS_OF, policy(), kev(CVE_2026_0001="2026-10-20"))
    reviser.refresh(one, rated(HIGH, cves=(CVE,)), own=own)
    assert one.after["scheduled_completion_date"] == date(2026, 10, 20)


def test_a_cve_of_an_unrated_weakness():
    """CISA's date does not depend on the scanner's rating."""
    records = with_cve(cvss3_base=None)
    changes = run(records, poam=[record(cve=CVE)], catalogue=kev(CVE_2026_0001="2026-10-20"))
    assert only(changes, UPDATED).after["bod_22_01_tracking"] == "Yes"


# A scanner's rating


RAISED = {"adjusted_risk_rating": "High", "risk_adjustment": "Yes"}


@pytest.mark.parametrize(
    ("rating", "given", "after"),
    [
        pytest.param(
            HIGH,
            {"original": "Low", "adjusted_risk_rating": "N/A", "risk_adjustment": "No"},
            RAISED | {"scheduled_completion_date": day(BY["High"])},
            id="scenario-27 Low to High",
        ),
        pytest.param(
            MODERATE,
            {"original": "Low"},
            RAISED
            | {
                "adjusted_risk_rating": "Moderate",
                "scheduled_completion_date": day(BY["Moderate"]),
            },
            id="Low to Moderate",
        ),
        pytest.param(
            HIGH,
            {"original": "Low", "due": "2026-10-20"},
            RAISED,
            id="never later than it is",
        ),
        pytest.param(
            HIGH, {"original": "Low", "due": BY["High"]}, RAISED, id="the same day is no move"
        ),
        pytest.param(
            HIGH, {"original": "Low", "scheduled_completion_date": None}, RAISED, id="no date"
        ),
        pytest.param(
            HIGH,
            {"original": "Low", "original_detection_date": None},
            RAISED,
            id="no detection date",
        ),
        pytest.param(
            HIGH,
            {"original": "Low", "adjusted_risk_rating": "Moderate", **YES, "due": BY["Moderate"]},
            RAISED | {"scheduled_completion_date": day(BY["High"])},
            id="raised again",
        ),
        pytest.param(
            HIGH,
            tracked(original="Low", due="2026-10-20"),
            RAISED,
            id="CISA's date is closer",
        ),
    ],
)
def test_a_raised_rating(rating, given, after):
    """scenario-27: adjusted rating and Risk Adjustment follow; the date comes closer, never later.

    The original rating stays, and Comments say whose word it is.
    """
    one = refreshed(rating, **given)
    assert one.after == after
    assert not one.asks
    assert one.said == [
        f"2026-11-30: Adjusted Risk Rating raised to {rating}: Nessus 10001 is now rated {rating} "
        "(said so)."
    ]


@pytest.mark.parametrize(
    ("rating", "given"),
    [
        pytest.param(HIGH, {}, id="the same"),
        pytest.param(HIGH, {"original": "Low", **RAISED}, id="raised before"),
        pytest.param(None, {"original": "Low"}, id="not rated"),
        pytest.param(HIGH, {"original": ""}, id="no original rating"),
        pytest.param(HIGH, {"original": "Low", "own": False}, id="another scanner's rating"),
    ],
)
def test_no_raise(rating, given):
    """Nothing is adjusted, asked or noted."""
    one = refreshed(rating, **given)
    assert (one.after, one.asks, one.notes, one.said) == ({}, [], [], [])


@pytest.mark.parametrize(
    ("given", "rules"),
    [
        pytest.param(
            {"original": "Low", "adjusted_risk_rating": "Moderate", "risk_adjustment": "Pending"},
            None,
            id="a request is pending",
        ),
        pytest.param(
            {"original": "Moderate", "adjusted_risk_rating": "Low", **YES},
            None,
            id="a lower rating was approved",
        ),
        pytest.param(
            {"original": "Moderate", "adjusted_risk_rating": "N/A", **YES},
            None,
            id="approved without a rating",
        ),
        pytest.param({"original": "Low"}, with_timelines(raised="review"), id="raised: review"),
        pytest.param(
            {"original": "Low", "adjusted_risk_rating": "Moderate", **YES},
            with_timelines(raised="review"),
            id="raised: review, again",
        ),
    ],
)
def test_a_raise_that_a_person_decides(given, rules):
    """Nothing changes where an adjustment is a person's, or where the policy asks one."""
    one = refreshed(HIGH, rules, **given)
    assert (one.after, one.said, one.notes) == ({}, [], [])
    (asked,) = one.asks
    assert "Nessus 10001 is now rated High" in asked


@pytest.mark.parametrize("given", [{}, RAISED, {"risk_adjustment": "Pending"}], ids=str)
def test_a_lower_rating_is_a_note(given):
    """scenario-27: a scanner that lowers its rating changes nothing."""
    one = refreshed(LOW, **given)
    assert (one.after, one.asks, one.said) == ({}, [], [])
    assert one.notes == [
        "Nessus 10001 is now rated Low (said so); the original rating High stays",
    ]


@pytest.mark.parametrize("rating", [MODERATE, LOW])
def test_a_raised_rating_that_falls_back(rating):
    """scenario-27: what was raised stays raised, whatever the scanner says later."""
    one = refreshed(rating, original="Low", **RAISED)
    assert (one.after, one.asks, one.said) == ({}, [], [])
    assert one.notes == [
        f"Nessus 10001 is now rated {rating} (said so); the raised rating High stays"
    ]


def test_a_raise_after_the_vendors_release():
    """The window of a released fix is counted from its release, by the rating that counts."""
    one = refreshed(HIGH, **RELEASE, original="Low", due="2027-04-24")
    assert one.after["scheduled_completion_date"] == date(2026, 11, 25)


def test_a_raise_is_written_down():
    """scenario-27: rating, word, date, comment and milestone change; S and K stay."""
    row = record("Low", planned_milestones="(1) 2027-04-04: Patch.", comments="A note")
    decision = only(run(seen("web-01"), poam=[row]), UPDATED)
    words = "Nessus 10001 is now rated High (CVSS v3 base 9.8 is High)"
    assert decision.after == {
        "adjusted_risk_rating": "High",
        "risk_adjustment": "Yes",
        "scheduled_completion_date": date(2026, 11, 5),
        "milestone_changes": "(1) Update 2026-11-05 : Scheduled completion moved from 2027-04-04: "
        "the scanner raised its rating from Low to High; late at once",
        "comments": f"A note\n2026-11-30: Adjusted Risk Rating raised to High: {words}.",
        "status_date": AS_OF,
    }


def test_a_review_is_a_decision_of_its_own():
    """With `raised: review` the item stays as it is, and a person is asked about it by number."""
    rules = with_timelines(raised="review")
    changes = run(seen("web-01"), poam=[record("Low")], rules=rules)
    assert kinds(changes) == [("V-1", "unchanged"), ("V-1", "needs_review")]
    assert "decide on the adjusted rating" in only(changes, REVIEW).because[0]


def test_a_lower_rating_is_told_in_the_account():
    """scenario-27: no cell changes, and the account says what the scanner thinks now."""
    records = [definition(cvss3_base=2.0), finding(), scan()]
    changes = run(records, poam=[record()])
    assert kinds(changes) == [("V-1", "unchanged")]
    assert any(
        "V-1: Nessus 10001 is now rated Low" in note and "the original rating High stays" in note
        for note in changes.notices
    )


def test_nvds_score_raises_a_rating():
    """scenario-5: NVD's score comes first, so it is NVD's that raises the scanner's."""
    records = with_cve(cvss3_base=5.0)
    row = record("Moderate", cve=CVE)
    assert kinds(run(records, poam=[row])) == [("V-1", "unchanged")]
    decision = only(run(records, poam=[row], nvd={CVE: 9.8}), UPDATED)
    assert decision.after["adjusted_risk_rating"] == "High"
    assert f"NVD CVSS v3 base 9.8 ({CVE})" in decision.after["comments"]
    assert decision.after["scheduled_completion_date"] == day(BY["High"])


ADVISORY = "(RHSA-2023:0440)"


def test_another_scanners_rating_raises_nothing():
    """Only the scanner that an item is from may raise it; another's is named, and no more."""
    row = record("Low", weakness_name=f"RHEL 8 : kernel {ADVISORY}", cve=CVE)
    qualys = {"detector": "Qualys", "name": f"Red Hat Update for kernel {ADVISORY}"}
    records = [
        definition("7", cves=(CVE,), **qualys),
        finding(identifier="7", detector="Qualys"),
        scan(detector="Qualys"),
    ]
    decision = only(run(records, poam=[row]), UPDATED)
    assert set(decision.after) == {"comments", "status_date"}
    assert "Qualys 7 finds the same weakness" in decision.after["comments"]


def test_a_weakness_that_is_elsewhere_raises_nothing():
    """Of a row with two identifiers only one that a listed asset shows can raise the rating."""
    row = record("Moderate", weakness_source_identifier="10001\n10002")
    records = [
        definition("10001", cvss3_base=5.0),
        definition("10002"),
        finding("web-01", "10001"),
        finding("web-02", "10002"),
        scan("web-01"),
        scan("web-02"),
    ]
    assert ("V-1", "unchanged") in kinds(run(records, poam=[row]))


# Rows that a run brings back or adds to


KEV_SAID = f"2026-11-30: {CVE} is in CISA KEV 2026.11.01, due 2026-10-20."


@pytest.mark.parametrize(
    ("row", "rules", "asset"),
    [
        pytest.param(
            closed(status_date=date(2026, 10, 28)), with_timelines(), "web-01", id="reopened"
        ),
        pytest.param(item(), with_timelines(new_assets="append"), "web-02", id="appended"),
    ],
)
def test_a_row_that_gets_a_sighting_is_refreshed(row, rules, asset):
    """A row that comes back, or gets an asset, has the scan's CVE and CISA's date at once."""
    records = [definition(cves=(CVE,)), finding(asset), scan(asset)]
    changes = run(records, poam=[row], rules=rules, catalogue=kev(CVE_2026_0001="2026-10-20"))
    (decision,) = changes.decisions
    assert decision.after["cve"] == CVE
    assert decision.after["bod_22_01_due_date"] == date(2026, 10, 20)
    assert decision.after["scheduled_completion_date"] == date(2026, 10, 20)
    assert decision.after["comments"].count(KEV_SAID) == 1


IMAGES = "Qualys Container Security"


def test_a_new_version_of_an_image_refreshes_its_row():
    """A row that goes on with another version has the scan's CVE and CISA's date at once."""
    row = item(weakness_detector_source=IMAGES, asset_identifier="repo/app:1.1")
    image = {"detector": IMAGES}
    records = [
        definition(cves=(CVE,), **image),
        finding("repo/app:1.2", **image),
        scan("repo/app:1.2", **image),
    ]
    changes = run(records, poam=[row], catalogue=kev(CVE_2026_0001="2026-10-20"))
    (decision,) = changes.decisions
    assert decision.after["asset_identifier"].split("\n")[-1] == "repo/app:1.2"
    assert decision.after["scheduled_completion_date"] == date(2026, 10, 20)
    assert decision.after["comments"].count(KEV_SAID) == 1


def test_a_reopened_row_is_raised():
    """A scanner that rates it higher now raises it in the run that brings it back."""
    row = closed(**record("Low", status_date=date(2026, 10, 28)) | {"sheet": "closed"})
    decision = only(run(seen("web-01"), poam=[row]), ChangeKind.REOPENED)
    assert (decision.after["adjusted_risk_rating"], decision.after["risk_adjustment"]) == (
        "High",
        "Yes",
    )
    assert decision.after["scheduled_completion_date"] == day(BY["High"])
    assert decision.after["comments"].index("Reopened.") < decision.after["comments"].index(
        "Adjusted Risk Rating raised"
    )


def test_a_row_with_old_and_new_assets_is_told_once():
    """A row that keeps one asset and gets another has the same line of Comments once."""
    rules = with_timelines(new_assets="append")
    records = [*with_cve(), finding("web-02"), scan("web-02")]
    changes = run(records, poam=[item()], rules=rules, catalogue=kev(CVE_2026_0001="2026-10-20"))
    assert only(changes, UPDATED).after["comments"].count(KEV_SAID) == 1


def two_identifiers(one, other):
    """Return a scan that finds two identifiers of one row, with their CVEs."""
    return [
        definition("10001", cves=one),
        definition("10002", cves=other),
        finding(identifier="10001"),
        finding(identifier="10002"),
        scan(),
    ]


BOTH = {"weakness_source_identifier": "10001\n10002"}


def test_two_identifiers_tell_of_a_cve_once():
    """Two identifiers of a row that share a CVE write one line of Comments."""
    records = two_identifiers((CVE,), (CVE,))
    changes = run(records, poam=[item(**BOTH)], catalogue=kev(CVE_2026_0001="2026-10-20"))
    assert only(changes, UPDATED).after["comments"].count(KEV_SAID) == 1


def test_two_identifiers_have_their_cves_together():
    """scenario-10: the cell lists the CVEs of every identifier that the scan shows on the row."""
    records = two_identifiers((CVE,), ("CVE-2026-0009",))
    decision = only(run(records, poam=[item(**BOTH)]), UPDATED)
    assert decision.after["cve"] == f"{CVE}\nCVE-2026-0009"


def test_the_earliest_of_two_identifiers_counts():
    """scenario-10: of CISA's dates for two identifiers of a row the earlier is tracked."""
    records = two_identifiers((CVE,), ("CVE-2026-0009",))
    catalogue = kev(CVE_2026_0001="2026-10-20", CVE_2026_0009="2026-10-30")
    decision = only(run(records, poam=[item(**BOTH)], catalogue=catalogue), UPDATED)
    assert decision.after["bod_22_01_due_date"] == date(2026, 10, 20)


def test_two_identifiers_note_once_what_left_the_catalogue():
    """Two identifiers of a row give one note that the catalogue has its CVE no more."""
    row = record(**tracked(cve=CVE), **BOTH)
    changes = run(two_identifiers((CVE,), (CVE,)), poam=[row], catalogue=kev())
    assert len([note for note in changes.notices if "in CISA KEV any more" in note]) == 1
