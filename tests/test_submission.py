"""The submission calendar: the due day of the month, or the last federal business day before."""

from datetime import date

import pytest

from poam.submission import next_submission
from tests.core_support import item, plan, policy, seen


@pytest.mark.parametrize(
    ("as_of", "day", "due"),
    [
        pytest.param("2026-11-02", 12, "2026-11-12", id="a Thursday"),
        pytest.param("2026-11-12", 12, "2026-11-12", id="on the day itself"),
        pytest.param("2026-11-13", 12, "2026-12-11", id="the day after; the 12th is a Saturday"),
        pytest.param("2026-11-02", 15, "2026-11-13", id="a Sunday: Friday"),
        pytest.param("2026-11-02", 11, "2026-11-10", id="Veterans Day: the day before"),
        pytest.param("2026-11-11", 11, "2026-12-11", id="moved before today: next month's"),
        pytest.param("2026-07-01", 4, "2026-07-02", id="Independence Day observed on Friday"),
        pytest.param("2027-01-01", 1, "2027-02-01", id="New Year's Day: December is over"),
        pytest.param("2026-02-02", 31, "2026-02-27", id="no 31st: the month's last; a Saturday"),
        pytest.param("2026-12-31", 31, "2026-12-31", id="the year's last"),
    ],
)
def test_next_submission(as_of, day, due):
    """A due day on a weekend or holiday is the last federal business day before it."""
    assert str(next_submission(date.fromisoformat(as_of), day)) == due


@pytest.mark.parametrize(
    ("due", "soon"),
    [
        pytest.param("2026-11-30", False, id="late already: no news"),
        pytest.param("2026-12-01", True, id="due today, late before the submission"),
        pytest.param("2026-12-14", True, id="due the day before the submission"),
        pytest.param("2026-12-15", False, id="due on the day of the submission: on time"),
    ],
)
def test_late_before_the_next_submission(due, soon):
    """What is on time now and past due on the day of the next submission is told."""
    open_item = item(scheduled_completion_date=date.fromisoformat(due))
    found = plan(
        seen("web-01"), poam=[open_item], as_of=date(2026, 12, 1), rules=policy(submission_day=15)
    )
    assert found.submission == date(2026, 12, 15)
    assert [one.poam_id for one in found.late_soon] == (["V-1"] if soon else [])
