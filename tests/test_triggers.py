"""Escalation triggers: where each begins, what does not count, and what comes again."""

from datetime import date, timedelta

import pytest
from pydantic import ValidationError

from poam.metrics import open_items
from poam.policy import read_mapping
from poam.trigger_rules import Level, Triggers
from poam.triggers import PastTrigger, triggers, triggers_frame
from tests.core_support import AS_OF, item, items, policy

RULES = Triggers.model_validate(read_mapping("triggers.yaml"))
DFR, CAP, NONE, NOT_COMPUTED = Level.DFR, Level.CAP, Level.NONE, Level.NOT_COMPUTED
LEVELS = {
    "high_over_30_days": DFR,
    "high_over_60_days": CAP,
    "moderate_over_90_days": DFR,
    "moderate_over_120_days": CAP,
}
MODERATE = {"original_risk_rating": "Moderate"}
APPROVED = {"risk_adjustment": "Yes"}
VENDOR = {"vendor_dependency": "Yes", "last_vendor_checkin_date": AS_OF}


def changed(**sections):
    """The rules with some values of some sections set otherwise."""
    content = read_mapping("triggers.yaml")
    return Triggers.model_validate(content | {k: content[k] | v for k, v in sections.items()})


def with_baseline(baseline):
    """The rules of a site that has set its baseline."""
    return changed(unique_vulnerabilities={"baseline": baseline})


def judged(*rows, unique=None, share=None, rules=RULES, as_of=AS_OF, history=()):
    """Every trigger by its id."""
    found = open_items(items(*rows), as_of, policy().timelines)
    return {t.id: t for t in triggers(found, unique, share, rules, as_of, history)}


def aged(days, count=1, first=1, rating="High", **given):
    """Open items of a rating, found so many days ago and due when FedRAMP says, one a weakness."""
    detected = AS_OF - timedelta(days=days)
    due = detected + timedelta(days=policy().timelines.remediation.days[rating])
    return [
        item(
            f"V-{n}",
            **{
                "original_risk_rating": rating,
                "weakness_source_identifier": str(n),
                "original_detection_date": detected,
                "scheduled_completion_date": due,
            }
            | given,
        )
        for n in range(first, first + count)
    ]


def fired(found):
    """The triggers that lead to something, with their level."""
    return {name: trigger.level for name, trigger in found.items() if trigger.fired}


@pytest.mark.parametrize(
    ("rating", "count", "days", "names"),
    [
        pytest.param("High", 5, 30, [], id="scenario-50 5 High aged 30 days"),
        pytest.param("High", 4, 31, [], id="4 High aged 31 days"),
        pytest.param("High", 5, 31, ["high_over_30_days"], id="scenario-50 5 High aged 31 days"),
        pytest.param("High", 5, 60, ["high_over_30_days"], id="5 High aged 60 days"),
        pytest.param("High", 4, 61, [], id="4 High aged 61 days"),
        pytest.param(
            "High",
            5,
            61,
            ["high_over_30_days", "high_over_60_days"],
            id="scenario-50 5 High aged 61 days",
        ),
        pytest.param("Moderate", 10, 90, [], id="10 Moderate aged 90 days"),
        pytest.param("Moderate", 9, 91, [], id="9 Moderate aged 91 days"),
        pytest.param(
            "Moderate",
            10,
            91,
            ["moderate_over_90_days"],
            id="scenario-50 10 Moderate aged 91 days",
        ),
        pytest.param(
            "Moderate", 10, 120, ["moderate_over_90_days"], id="10 Moderate aged 120 days"
        ),
        pytest.param("Moderate", 9, 121, [], id="9 Moderate aged 121 days"),
        pytest.param(
            "Moderate",
            10,
            121,
            ["moderate_over_90_days", "moderate_over_120_days"],
            id="scenario-50 10 Moderate aged 121 days",
        ),
        pytest.param("Low", 50, 400, [], id="Low is no trigger"),
    ],
)
def test_where_aged_items_escalate(rating, count, days, names):
    """5 High aged more than 30 or 60 days, 10 Moderate aged more than 90 or 120: DFR or CAP."""
    assert fired(judged(*aged(days, count, rating=rating))) == {n: LEVELS[n] for n in names}


@pytest.mark.parametrize(
    ("given", "counts"),
    [
        pytest.param({}, True, id="nothing excuses it"),
        pytest.param({"false_positive": "Yes"}, False, id="an approved false positive"),
        pytest.param({"false_positive": "Pending"}, True, id="a pending false positive"),
        pytest.param({"operational_requirement": "Yes"}, False, id="an approved requirement"),
        pytest.param({"operational_requirement": "Pending"}, True, id="a pending requirement"),
        pytest.param(VENDOR, False, id="a vendor asked today"),
        pytest.param(
            VENDOR | {"last_vendor_checkin_date": AS_OF - timedelta(days=31)},
            True,
            id="a vendor asked 31 days ago",
        ),
        pytest.param(APPROVED | {"adjusted_risk_rating": "Low"}, False, id="adjusted to Low"),
        pytest.param(
            {"risk_adjustment": "Pending", "adjusted_risk_rating": "Low"},
            True,
            id="an adjustment that is pending",
        ),
        pytest.param({"sheet": "closed"}, False, id="closed"),
        pytest.param({"sheet": "configuration"}, False, id="a configuration finding"),
        pytest.param({"original_detection_date": None}, False, id="no detection date"),
    ],
)
def test_what_counts_as_aged(given, counts):
    """The tenth Moderate makes it a DFR, unless an approval, a vendor or its sheet takes it out."""
    found = judged(
        *aged(91, 9, rating="Moderate"), *aged(91, first=10, rating="Moderate", **given)
    )["moderate_over_90_days"]
    assert (found.level, found.figure) == ((DFR, 10) if counts else (NONE, 9))
    assert ("V-10" in found.poam_ids) is counts


def test_an_item_escalates_under_its_effective_rating():
    """A High adjusted to Moderate counts with the Moderate, a Moderate raised to High as High."""
    lowered = aged(91, 10, **APPROVED, adjusted_risk_rating="Moderate")
    raised = aged(31, 5, 20, "Moderate", **APPROVED, adjusted_risk_rating="High")
    assert fired(judged(*lowered)) == {"moderate_over_90_days": DFR}
    assert fired(judged(*raised)) == {"high_over_30_days": DFR}


@pytest.mark.parametrize("given", [VENDOR, {"operational_requirement": "Yes"}])
def test_nothing_of_that_kind_excuses_a_high(given):
    """A vendor dependency or an operational requirement excuses no High."""
    assert fired(judged(*aged(31, 5, **given))) == {"high_over_30_days": DFR}


def test_one_weakness_on_several_rows_is_several_items():
    """Items count; the sentence says of how many weaknesses, each its own without identifier."""
    same = aged(31, 5, weakness_source_identifier="10001")
    found = judged(*same)["high_over_30_days"]
    assert (found.level, found.figure) == (DFR, 5)
    assert found.because.startswith("5 High items of 1 weakness aged more than 30 days (V-1, V-2")
    unnamed = judged(*aged(31, 5, weakness_source_identifier="None"))["high_over_30_days"]
    assert unnamed.because.startswith("5 High items aged more than 30 days (")


def test_an_aged_trigger_says_its_sum():
    """The sentence has the figure, the items and the threshold; the trigger has every item."""
    found = judged(*aged(31, 12), *aged(31, first=13, original_detection_date=None))
    one = found["high_over_30_days"]
    assert one.because == (
        "12 High items aged more than 30 days (V-1, V-2, V-3, V-4, V-5, V-6, V-7, V-8, V-9, V-10 "
        "and 2 more): 5 or more is a DFR; without an original detection date, and not counted "
        "(V-13)"
    )
    assert one.poam_ids == tuple(f"V-{n}" for n in range(1, 13))
    assert (one.figure, one.threshold) == (12, 5)
    assert one.source == RULES.aged["high_over_30_days"].source
    none = found["moderate_over_90_days"]
    assert none.because == "0 Moderate items aged more than 90 days: 10 or more is a DFR"


@pytest.mark.parametrize(
    ("share", "level"),
    [
        pytest.param(0.0, NONE, id="every scan logged in"),
        pytest.param(0.0999, NONE, id="scenario-49 9.99 %"),
        pytest.param(0.1, DFR, id="scenario-49 10 %"),
        pytest.param(3 / 30, DFR, id="3 of 30"),
        pytest.param(1.0, DFR, id="none logged in"),
        pytest.param(None, NOT_COMPUTED, id="nobody knows"),
    ],
)
def test_unauthenticated_share(share, level):
    """A tenth unauthenticated is a DFR the first time."""
    found = judged(share=share)["unauthenticated_scans"]
    assert (found.level, found.figure) == (level, share)
    assert (found.threshold is None) == (share is None)


@pytest.mark.parametrize(
    ("baseline", "unique", "level"),
    [
        pytest.param(178, 213, NONE, id="scenario-51 213 of 213.6"),
        pytest.param(178, 214, DFR, id="scenario-51 214 of 213.6"),
        pytest.param(30, 40, NONE, id="scenario-51 40 of 40"),
        pytest.param(30, 41, DFR, id="scenario-51 41 of 40"),
        pytest.param(55, 66, NONE, id="a whole threshold is reached, not exceeded"),
        pytest.param(0, 11, DFR, id="a baseline of none"),
        pytest.param(None, 500, NOT_COMPUTED, id="no baseline"),
        pytest.param(178, None, NOT_COMPUTED, id="no scans"),
    ],
)
def test_unique_vulnerabilities_above_the_baseline(baseline, unique, level):
    """More than the baseline and a fifth of it, or ten, is a DFR."""
    found = judged(unique=unique, rules=with_baseline(baseline))["unique_vulnerabilities"]
    assert found.level == level


def test_the_sums_of_the_other_triggers():
    """Sentences show the arithmetic, and what to set where there is no baseline."""
    found = judged(unique=214, share=0.125, rules=with_baseline(178))
    assert found["unique_vulnerabilities"].because == (
        "214 unique vulnerabilities; baseline 178 + 35.6 (20 % of it, at least 10) = 213.6: "
        "more is a DFR"
    )
    assert found["unauthenticated_scans"].because == (
        "12.5 % unauthenticated: 10 % or more is a DFR"
    )
    unset = judged(unique=214)["unique_vulnerabilities"]
    assert "set triggers.unique_vulnerabilities.baseline in conmon.yaml" in unset.because
    assert (unset.figure, unset.threshold) == (None, None)


@pytest.mark.parametrize(
    ("before", "as_of", "repeated"),
    [
        pytest.param("2026-10-31", "2026-11-30", True, id="last month"),
        pytest.param("2026-11-02", "2026-11-30", False, id="a rerun in the same month"),
        pytest.param("2026-11-30", "2026-11-30", False, id="the same day"),
        pytest.param("2026-10-31", "2026-11-01", True, id="the next month begins"),
        pytest.param("2026-05-15", "2026-11-14", True, id="a day less than six months"),
        pytest.param("2026-05-15", "2026-11-15", False, id="six months"),
        pytest.param(
            "2026-05-31", "2026-11-30", False, id="six months, from month end to month end"
        ),
        pytest.param("2026-05-31", "2026-11-29", True, id="a day less than from end to end"),
        pytest.param("2026-08-31", "2027-02-28", False, id="to the end of February"),
        pytest.param("2026-08-31", "2027-02-27", True, id="to the day before"),
        pytest.param("2027-08-31", "2028-02-28", True, id="not the end of a leap February"),
        pytest.param("2027-08-31", "2028-02-29", False, id="the end of a leap February"),
        pytest.param("2026-06-30", "2026-12-29", True, id="in December"),
        pytest.param("2026-07-15", "2027-01-14", True, id="over New Year"),
        pytest.param("2025-11-30", "2026-11-30", False, id="a year ago"),
        pytest.param("2026-12-31", "2026-11-30", False, id="in a later month"),
    ],
)
def test_the_same_trigger_again_is_a_cap(before, as_of, repeated):
    """What fired in an earlier month, and not yet six months ago, is a CAP when it fires again."""
    history = [PastTrigger("unauthenticated_scans", date.fromisoformat(before))]
    day = date.fromisoformat(as_of)
    found = judged(share=0.1, as_of=day, history=history)["unauthenticated_scans"]
    assert found.level == (CAP if repeated else DFR)
    assert (f"fired on {before} too: twice in 6 months is a CAP" in found.because) is repeated


@pytest.mark.parametrize(
    ("share", "past", "level"),
    [
        pytest.param(0.1, ["high_over_30_days"], DFR, id="another trigger"),
        pytest.param(0.0999, ["unauthenticated_scans"], NONE, id="it does not fire now"),
        pytest.param(None, ["unauthenticated_scans"], NOT_COMPUTED, id="it is not computed now"),
    ],
)
def test_what_is_no_repeat(share, past, level):
    """Only the same trigger, firing now, is a repeat."""
    history = [PastTrigger(name, date(2026, 10, 31)) for name in past]
    found = judged(share=share, history=history)["unauthenticated_scans"]
    assert found.level == level
    assert "twice" not in found.because


def test_history_may_be_read_once():
    """Each trigger looks at the whole history, and the latest day is named."""
    days = (date(2026, 10, 31), date(2026, 9, 30))
    history = (
        PastTrigger(n, d) for n in ("unauthenticated_scans", "high_over_30_days") for d in days
    )
    found = judged(*aged(31, 5), share=0.5, history=history)
    assert fired(found) == {"unauthenticated_scans": CAP, "high_over_30_days": CAP}
    assert all("fired on 2026-10-31 too" in found[name].because for name in fired(found))


def test_what_cannot_be_computed_is_said():
    """Quality, transparency, directives and zero-days are named as a person's to answer."""
    found = judged()
    for name in ("quality", "transparency", "emergency_directive", "zero_day"):
        rule = RULES.not_computed[name]
        assert found[name].level == NOT_COMPUTED
        assert found[name].source == rule.source
        assert found[name].because == f"{rule.level}: {rule.text}; a person answers for it"


def test_the_table_for_a_file():
    """A row for each trigger, fired or not; what is not computed has no figure."""
    found = judged(*aged(31, 5), share=0.1).values()
    table = triggers_frame(found).set_index("trigger")
    assert list(table.index) == [trigger.id for trigger in found]
    assert len(table) == 10
    row = table.loc["high_over_30_days"]
    assert (row.level, row.figure, row.threshold) == ("DFR", 5, 5)
    assert row.poam_ids == "V-1, V-2, V-3, V-4, V-5"
    assert table.loc["unauthenticated_scans", ["level", "figure"]].to_list() == ["DFR", 0.1]
    assert table["figure"].isna().sum() == 5
    assert len(triggers_frame([])) == 0


def test_a_site_sets_its_own_numbers():
    """Every threshold is the rulebook's."""
    strict = changed(
        unauthenticated_scans={"percent": 5, "level": "CAP"},
        aged={"low": {"source": "us", "level": "DFR", "rating": "Low", "days": 9, "at_least": 1}},
        repeat={"months": 1},
    )
    history = [PastTrigger("low", date(2026, 10, 30))]
    found = judged(*aged(10, rating="Low"), share=0.05, rules=strict, history=history)
    assert fired(found) == {"unauthenticated_scans": CAP, "low": DFR}


AGED = {"source": "s", "level": "DFR", "rating": "High", "days": 1, "at_least": 1}


@pytest.mark.parametrize(
    "sections",
    [
        pytest.param({"past_due": {"last_days": [30, 30]}}, id="a bucket of no day"),
        pytest.param({"past_due": {"last_days": [0, 30]}}, id="a bucket that ends before day 1"),
        pytest.param({"past_due": {"last_days": []}}, id="no bucket"),
        pytest.param({"repeat": {"months": 0}}, id="no months"),
        pytest.param({"unique_vulnerabilities": {"percent": -1}}, id="a negative share"),
        pytest.param({"unique_vulnerabilities": {"baseline": -1}}, id="a negative baseline"),
        pytest.param({"unauthenticated_scans": {"percent": 101}}, id="more than all"),
        pytest.param({"unauthenticated_scans": {"level": "none"}}, id="a trigger to nothing"),
        pytest.param({"unauthenticated_scans": {"shares": 1}}, id="an unknown key"),
        pytest.param({"aged": {"x": AGED | {"rating": "Critical"}}}, id="an unknown rating"),
        pytest.param({"aged": {"x": AGED | {"at_least": 0}}}, id="no items at all"),
        pytest.param({"aged": {"x": AGED | {"days": -1}}}, id="a negative age"),
        pytest.param({"aged": {"quality": AGED}}, id="two of one name"),
    ],
)
def test_nonsense_is_refused(sections):
    """A rulebook with an impossible number or an unknown word is not used."""
    with pytest.raises(ValidationError):
        changed(**sections)
