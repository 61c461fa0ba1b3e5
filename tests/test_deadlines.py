"""Scheduled completion dates: the window by rating, CISA's date, and when an item is late."""

from datetime import date

import pytest

from poam.deadlines import deadline, is_late
from poam.model import RiskRating
from tests.core_support import with_timelines

HIGH, MODERATE, LOW = RiskRating.HIGH, RiskRating.MODERATE, RiskRating.LOW


@pytest.mark.parametrize(
    ("rating", "detected", "due"),
    [
        pytest.param(HIGH, "2026-11-03", "2026-12-03", id="scenario-1 High is 30 days"),
        pytest.param(MODERATE, "2026-11-03", "2027-02-01", id="scenario-2 Moderate is 90 days"),
        pytest.param(LOW, "2026-11-03", "2027-05-02", id="scenario-2 Low is 180 days"),
        pytest.param(LOW, "2027-12-31", "2028-06-28", id="scenario-38 over a leap day"),
        pytest.param(HIGH, "2028-01-30", "2028-02-29", id="scenario-38 onto a leap day"),
        pytest.param(HIGH, "2027-01-30", "2027-03-01", id="scenario-38 past a short month"),
    ],
)
def test_windows_are_calendar_days(rating, detected, due):
    """The due date is so many calendar days after detection, and the basis says how many."""
    found = deadline(rating, date.fromisoformat(detected), None, with_timelines().timelines)
    assert found.due == date.fromisoformat(due)
    assert found.basis.startswith(f"{rating}: ")
    assert detected in found.basis


@pytest.mark.parametrize(
    ("mode", "kev_due", "due"),
    [
        pytest.param("min", "2026-11-12", "2026-11-12", id="scenario-10 min takes the earlier"),
        pytest.param("min", "2026-12-24", "2026-12-03", id="min never gives more time"),
        pytest.param("min", "2026-12-03", "2026-12-03", id="min on the same day"),
        pytest.param("supersede", "2026-11-12", "2026-11-12", id="supersede shortens"),
        pytest.param("supersede", "2026-12-24", "2026-12-24", id="supersede may lengthen"),
        pytest.param("min", "2021-11-17", "2021-11-17", id="scenario-11 before the detection"),
        pytest.param("supersede", "2021-11-17", "2021-11-17", id="scenario-11 under supersede"),
    ],
)
def test_cisa_date_bears_on_the_window(mode, kev_due, due):
    """Under `min` the earlier date holds, under `supersede` CISA's; a past date is kept."""
    kev_day, rules = date.fromisoformat(kev_due), with_timelines(mode=mode).timelines
    found = deadline(HIGH, date(2026, 11, 3), kev_day, rules)
    assert found.due == date.fromisoformat(due)
    assert ("CISA KEV" in found.basis) == (found.due == kev_day != date(2026, 12, 3))


@pytest.mark.parametrize(
    ("as_of", "late"),
    [
        pytest.param("2026-11-30", False, id="the day before"),
        pytest.param("2026-12-01", False, id="scenario-39 day 30 is on time"),
        pytest.param("2026-12-02", True, id="scenario-39 day 31 is late"),
    ],
)
def test_the_due_day_itself_is_on_time(as_of, late):
    """A High found 2026-11-01 is due on day 30 and late on day 31."""
    due = deadline(HIGH, date(2026, 11, 1), None, with_timelines().timelines).due
    assert is_late(due, date.fromisoformat(as_of)) is late
