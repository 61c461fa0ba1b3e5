"""How an item stands on a day: the rating that counts, what excuses it, the vendor's release."""

from datetime import date, timedelta
from types import SimpleNamespace

import pytest
from pydantic import ValidationError

from poam.deadlines import deadline, effective_rating, rules_give, standing, vendor_release
from poam.model import RiskRating
from tests.core_support import AS_OF, item, with_timelines

HIGH, MODERATE, LOW = RiskRating.HIGH, RiskRating.MODERATE, RiskRating.LOW
TIMELINES = with_timelines().timelines
WORDS = TIMELINES.vendor_dependency.release_words
YES = {"risk_adjustment": "Yes"}
DEPENDS = {
    "vendor_dependency": "Yes",
    "original_risk_rating": "Moderate",
    "last_vendor_checkin_date": date(2026, 10, 31),
}


def row(**given):
    """Return an item found on 2026-10-06, High, due on 2026-11-05: 25 days late on AS_OF."""
    return SimpleNamespace(**item(**given))


def stands(as_of=AS_OF, rules=TIMELINES, **given):
    """Return how such an item stands."""
    return standing(row(**given), as_of, rules)


@pytest.mark.parametrize(
    ("as_of", "late"),
    [
        pytest.param("2026-11-05", False, id="scenario-39 the day itself is on time"),
        pytest.param("2026-11-06", True, id="scenario-39 the next day is late"),
    ],
)
def test_an_item_without_excuse(as_of, late):
    """An open item is late from the day after its scheduled completion date."""
    found = stands(date.fromisoformat(as_of))
    assert (found.late, found.excused, found.rating) == (late, "", HIGH)


def test_an_item_without_a_date_is_not_late():
    """What has no scheduled completion date cannot be past it, and that is said."""
    found = stands(scheduled_completion_date=None)
    assert (found.late, found.due) == (False, None)
    assert "no scheduled completion date" in found.because[0]


@pytest.mark.parametrize(
    ("asked", "late"),
    [
        pytest.param("2026-11-30", False, id="on the day"),
        pytest.param("2026-10-31", False, id="scenario-30 30 days before"),
        pytest.param("2026-10-30", True, id="scenario-30 31 days before"),
        pytest.param("2026-12-01", True, id="a check-in that has not been yet"),
        pytest.param("", True, id="no check-in date"),
    ],
)
def test_the_vendor_was_asked_of_late(asked, late):
    """A pending fix excuses only where the vendor was asked within 30 days of the submission."""
    day = date.fromisoformat(asked) if asked else None
    found = stands(**DEPENDS | {"last_vendor_checkin_date": day})
    assert (found.late, bool(found.excused)) == (late, not late)


def test_the_days_of_a_check_in_are_the_policys():
    """Another number of days is another boundary."""
    asked = DEPENDS | {"last_vendor_checkin_date": AS_OF - timedelta(days=31)}
    assert not stands(rules=with_timelines(checkin_days=31).timelines, **asked).late
    assert stands(rules=with_timelines(checkin_days=30).timelines, **asked).late


@pytest.mark.parametrize(
    ("given", "late"),
    [
        pytest.param({"original_risk_rating": "Moderate"}, False, id="scenario-30 Moderate"),
        pytest.param({"original_risk_rating": "Low"}, False, id="Low"),
        pytest.param({"original_risk_rating": "High"}, True, id="scenario-30 High"),
        pytest.param({"original_risk_rating": ""}, True, id="no rating"),
        pytest.param(
            {"original_risk_rating": "High", "adjusted_risk_rating": "Moderate", **YES},
            False,
            id="scenario-30 a High that was adjusted",
        ),
        pytest.param(
            {
                "original_risk_rating": "High",
                "adjusted_risk_rating": "Moderate",
                "risk_adjustment": "Pending",
            },
            True,
            id="a High whose adjustment is pending",
        ),
        pytest.param({"adjusted_risk_rating": "High", **YES}, True, id="raised to High"),
        pytest.param({"vendor_dependency": "No"}, True, id="no dependency"),
        pytest.param({"vendor_dependency": ""}, True, id="dependency blank"),
        pytest.param({"vendor_dependency": " Yes "}, False, id="blanks around the word"),
    ],
)
def test_whom_a_vendor_dependency_excuses(given, late):
    """A pending fix excuses a Moderate and a Low; a High is to be mitigated first."""
    assert stands(**DEPENDS | given).late is late


def test_the_excused_ratings_are_the_policys():
    """A site that excuses only a Low counts a Moderate late."""
    assert stands(rules=with_timelines(excused=["Low"]).timelines, **DEPENDS).late


@pytest.mark.parametrize(
    ("given", "late"),
    [
        pytest.param({"false_positive": "Yes"}, False, id="FP approved"),
        pytest.param({"false_positive": "Pending"}, True, id="FP pending"),
        pytest.param({"false_positive": "No"}, True, id="FP denied"),
        pytest.param({"operational_requirement": "Yes"}, True, id="OR of a High"),
        pytest.param(
            {"operational_requirement": "Yes", "original_risk_rating": "Moderate"},
            False,
            id="OR of a Moderate",
        ),
        pytest.param(
            {"operational_requirement": "Yes", "adjusted_risk_rating": "Moderate", **YES},
            False,
            id="OR and RA of a High",
        ),
        pytest.param(
            {"operational_requirement": "Pending", "original_risk_rating": "Low"},
            True,
            id="OR pending",
        ),
        pytest.param({"risk_adjustment": "Pending"}, True, id="RA pending"),
    ],
)
def test_only_approved_deviations_excuse(given, late):
    """An approved FP, or OR below High, is not counted late; a pending one stops no clock."""
    found = stands(**given)
    assert (found.late, bool(found.excused)) == (late, not late)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"risk_adjustment": "Pending"}, "a pending risk adjustment stops no clock"),
        ({"false_positive": "Pending"}, "a pending false positive stops no clock"),
        ({"operational_requirement": "Yes"}, "does not excuse a High"),
        (DEPENDS | {"original_risk_rating": "High"}, "does not excuse a High"),
        (DEPENDS | {"last_vendor_checkin_date": None}, "without a check-in date"),
        (DEPENDS | {"last_vendor_checkin_date": date(2026, 10, 30)}, "not within 30 days"),
        (DEPENDS | {"comments": "Vendor released 2026-11-01"}, "excuses it no more"),
    ],
)
def test_what_looks_like_an_excuse_and_is_none(given, words):
    """A late item says why its paperwork does not help."""
    found = stands(**given)
    assert found.late
    assert words in "; ".join(found.because)


@pytest.mark.parametrize(
    ("given", "rule"),
    [
        pytest.param({}, "timelines.remediation.days", id="late"),
        pytest.param(DEPENDS, "timelines.vendor_dependency.checkin_days", id="a vendor dependency"),
        pytest.param({"false_positive": "Yes"}, "timelines.deviations", id="FP"),
        pytest.param(
            {"operational_requirement": "Yes", "original_risk_rating": "Low"},
            "timelines.deviations.no_requirement_on",
            id="OR",
        ),
    ],
)
def test_a_standing_names_its_rule(given, rule):
    """The policy line behind it is the one that decided."""
    assert stands(**given).rules == (rule,)


@pytest.mark.parametrize(
    ("given", "rule"),
    [
        (DEPENDS | {"original_risk_rating": "High"}, "vendor_dependency.excused"),
        (DEPENDS | {"comments": "Vendor released 2026-11-01"}, "vendor_dependency.release_words"),
        (DEPENDS | {"last_vendor_checkin_date": None}, "vendor_dependency"),
        (
            DEPENDS | {"last_vendor_checkin_date": date(2026, 10, 30)},
            "vendor_dependency.checkin_days",
        ),
        ({"operational_requirement": "Yes"}, "deviations.no_requirement_on"),
        ({"risk_adjustment": "Pending"}, "deviations"),
    ],
)
def test_what_is_no_excuse_names_its_rule(given, rule):
    """A late item cites, beside its window, the line by which its paperwork does not help."""
    assert stands(**given).rules == ("timelines.remediation.days", f"timelines.{rule}")


def test_the_ratings_without_requirements_are_the_policys():
    """A site that lets no requirement excuse a Moderate counts it late, and says so."""
    rules = with_timelines(no_requirement_on=["High", "Moderate"]).timelines
    required = {"operational_requirement": "Yes", "original_risk_rating": "Moderate"}
    found = stands(rules=rules, **required)
    assert found.late
    assert "an operational requirement does not excuse a Moderate" in found.because
    assert not stands(**required).late


# The rating that counts


@pytest.mark.parametrize(
    ("original", "adjusted", "adjustment", "counts"),
    [
        pytest.param("High", "Moderate", "Yes", MODERATE, id="approved"),
        pytest.param("Low", "High", "Yes", HIGH, id="raised"),
        pytest.param("High", "Moderate", "Pending", HIGH, id="pending"),
        pytest.param("High", "Moderate", "No", HIGH, id="denied"),
        pytest.param("High", "Moderate", "", HIGH, id="blank"),
        pytest.param("High", "N/A", "Yes", HIGH, id="approved, without a rating"),
        pytest.param("High", "", "Yes", HIGH, id="approved, blank"),
        pytest.param(" High ", " Low ", " Yes ", LOW, id="blanks around the words"),
        pytest.param("", "Low", "Yes", LOW, id="only the adjusted one"),
        pytest.param("Critical", "N/A", "No", None, id="none of the template's"),
    ],
)
def test_the_rating_that_counts(original, adjusted, adjustment, counts):
    """scenario-28: the adjusted rating counts where its adjustment is approved, and only there."""
    given = {"original_risk_rating": original, "adjusted_risk_rating": adjusted}
    assert effective_rating(row(risk_adjustment=adjustment, **given)) == counts


# The vendor's release


def released(comments, **given):
    """Return the day that Comments give as the vendor's release."""
    stated = {"vendor_dependency": "Yes", "comments": comments} | given
    return vendor_release(row(**stated), AS_OF, TIMELINES.vendor_dependency)


@pytest.mark.parametrize("words", WORDS)
@pytest.mark.parametrize("between", [" ", ": ", " on ", " = ", " is ", ":"])
def test_a_release_is_stated_in_the_policys_words(words, between):
    """Any of the words, in any case, before the day."""
    assert released(f"Ticket 4711. {words.upper()}{between}2026-11-01.") == date(2026, 11, 1)


@pytest.mark.parametrize(
    ("comments", "day"),
    [
        pytest.param("Vendor released 2026-10-07", "2026-10-07", id="the day after detection"),
        pytest.param("Vendor released 2026-10-06", "", id="the day of detection"),
        pytest.param("Vendor released 2026-10-05", "", id="before detection"),
        pytest.param("Vendor released 2026-11-30", "2026-11-30", id="today"),
        pytest.param("Vendor released 2026-12-01", "", id="a day to come"),
        pytest.param(
            "Vendor released 2026-11-20\nVendor released 2026-11-01",
            "2026-11-01",
            id="twice: the first day",
        ),
        pytest.param(
            "Vendor released 2026-09-01\nFix available 2026-11-01",
            "2026-11-01",
            id="one before detection, one since",
        ),
        pytest.param("Vendor released 2026-13-40", "", id="no day of the calendar"),
        pytest.param("Vendor released 11/1/2026", "2026-11-01", id="as the template shows days"),
        pytest.param("Vendor released: 11/01/2026.", "2026-11-01", id="with a leading zero"),
        pytest.param("Vendor released 12/1/2026", "", id="a day to come, as the template shows it"),
        pytest.param("Vendor released 11/31/2026", "", id="no day of the month"),
        pytest.param("Vendor released 13/11/2026", "", id="no month"),
        pytest.param("2026-11-02: Vendor released 2026-11-01", "2026-11-01", id="in a dated line"),
        pytest.param("2026-11-01: asked the vendor", "", id="a day without the words"),
        pytest.param("The vendor released it. 2026-11-01: tested", "", id="other words between"),
        pytest.param("", "", id="no comments"),
    ],
)
def test_which_day_is_the_release(comments, day):
    """scenario-31: the first stated day, after the detection and not after the submission."""
    assert released(comments) == (date.fromisoformat(day) if day else None)


@pytest.mark.parametrize(
    "given",
    [
        {"vendor_dependency": "No"},
        {"vendor_dependency": ""},
        {"original_detection_date": None},
    ],
    ids=["P is No", "P is blank", "no detection date"],
)
def test_a_release_without_a_dependency(given):
    """Only a vendor dependency has a release that counts."""
    assert released("Vendor released 2026-11-01", **given) is None


@pytest.mark.parametrize(
    "comments",
    [
        "No vendor fix available on 2026-11-20",
        "Expected vendor release date: 2026-11-20",
        "Asked again. Estimated vendor release 11/20/2026",
        "Not yet a fix available 2026-11-20",
        pytest.param(
            "Expected: vendor release date 2026-11-20",
        ),
    ],
)
def test_a_release_that_is_denied_or_expected(comments):
    """What the vendor did not release gives nobody a new window."""
    assert released(comments) is None


@pytest.mark.parametrize(
    ("comments", "late"),
    [
        pytest.param("Vendor released 2026-11-30", True, id="today"),
        pytest.param("Vendor released 2026-12-01", False, id="a day to come"),
        pytest.param("Vendor released 2026-09-01", True, id="before detection"),
        pytest.param("Vendor released 8/25/2026", True, id="as the template shows days"),
        pytest.param("Expected vendor release 2026-11-20", False, id="expected"),
    ],
)
def test_a_release_ends_the_excuse(comments, late):
    """A dependency excuses as long as the fix is pending, and no longer."""
    assert stands(**DEPENDS, comments=comments).late is late


# What the rules give

KEV = date(2026, 10, 20)


def given_dates(kev_due=None, rules=TIMELINES, **given):
    """Return the days that the rules give, the one that holds first."""
    return [str(one.due) for one in rules_give(row(**given), AS_OF, kev_due, rules)]


RELEASE = {"vendor_dependency": "Yes", "comments": "Vendor released 2026-10-26"}
ADJUSTED = {"adjusted_risk_rating": "Moderate", **YES}


@pytest.mark.parametrize(
    ("given", "days"),
    [
        pytest.param({}, ["2026-11-05"], id="the window"),
        pytest.param(ADJUSTED, ["2027-01-04", "2026-11-05"], id="scenario-28 approved first"),
        pytest.param(
            ADJUSTED | {"risk_adjustment": "Pending"}, ["2026-11-05"], id="scenario-28 pending"
        ),
        pytest.param(RELEASE, ["2026-11-25", "2026-11-05"], id="scenario-31 the release first"),
        pytest.param(
            RELEASE | ADJUSTED,
            ["2027-01-24", "2026-11-25", "2027-01-04", "2026-11-05"],
            id="release and adjustment",
        ),
        pytest.param({"kev_due": KEV}, ["2026-10-20", "2026-11-05"], id="CISA's date first"),
        pytest.param({"original_detection_date": None}, [], id="no detection date"),
        pytest.param({"original_risk_rating": "Critical"}, [], id="no rating"),
    ],
)
def test_the_dates_that_the_rules_give(given, days):
    """The date that holds now comes first, and after it those of before."""
    assert given_dates(**given) == days


@pytest.mark.parametrize(
    ("kev_due", "mode", "days", "due", "rule"),
    [
        pytest.param("2026-11-02", "min", None, "2026-11-02", "kev.mode", id="null: CISA's date"),
        pytest.param("2026-11-02", "min", 0, "2026-11-03", "kev.past_due_days", id="0 days"),
        pytest.param("2026-11-02", "min", 14, "2026-11-17", "kev.past_due_days", id="14 days"),
        pytest.param("2026-11-03", "min", 14, "2026-11-03", "kev.mode", id="on the detection"),
        pytest.param("2026-11-04", "min", 14, "2026-11-04", "kev.mode", id="after it"),
        pytest.param(
            "2026-11-02", "min", 60, "2026-12-03", "remediation.days.High", id="min: the window"
        ),
        pytest.param(
            "2026-11-02", "supersede", 60, "2027-01-02", "kev.past_due_days", id="supersede"
        ),
    ],
)
def test_a_cisa_date_before_the_detection(kev_due, mode, days, due, rule):
    """scenario-11: `past_due_days` speaks only of a CISA date that lies before the detection."""
    rules = with_timelines(mode=mode, past_due_days=days).timelines
    found = deadline(HIGH, date(2026, 11, 3), date.fromisoformat(kev_due), rules)
    assert (str(found.due), found.rules[0]) == (due, f"timelines.{rule}")


def test_a_release_does_not_put_cisas_date_off():
    """A CISA date after the detection stays, also where the vendor released later."""
    rules = with_timelines(past_due_days=14).timelines
    assert given_dates(kev_due=KEV, rules=rules, **RELEASE)[0] == "2026-10-20"


def test_the_days_past_due_are_counted_from_the_detection():
    """The words name the detection, and CISA's date that is over; a release moves neither."""
    rules = with_timelines(past_due_days=14).timelines
    first, *_ = rules_give(row(**RELEASE), AS_OF, date(2026, 9, 1), rules)
    assert str(first.due) == "2026-10-20"
    assert first.basis == (
        "14 days from the original detection date 2026-10-06, which comes after CISA's KEV due "
        "date 2026-09-01; High: 30 days from the vendor's release on 2026-10-26"
    )
    assert first.rules == ("timelines.kev.past_due_days", "timelines.remediation.days.High")


def test_days_past_due_are_not_negative():
    """A number of days below zero is refused when the policy is read."""
    with pytest.raises(ValidationError):
        with_timelines(past_due_days=-1)
