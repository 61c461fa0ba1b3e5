"""The submission calendar: on which day of a month the package is due."""

import calendar
from collections.abc import Iterator
from datetime import date, timedelta

import holidays

SATURDAY = 5


def next_submission(as_of: date, day: int) -> date:
    """The first submission on or after a day.

    `day` is the due day of the month; a month that has no such day ends sooner. Where it is no
    federal business day, the last one before it counts (5 U.S.C. 6103 names the holidays).
    """
    return next(due for due in _submissions(as_of, day) if due >= as_of)


def _submissions(as_of: date, day: int) -> Iterator[date]:
    year, month = as_of.year, as_of.month
    while True:
        last = calendar.monthrange(year, month)[1]
        yield _business_day(date(year, month, min(day, last)))
        year, month = (year, month + 1) if month < 12 else (year + 1, 1)


def _business_day(due: date) -> date:
    federal = holidays.country_holidays("US", years=(due.year - 1, due.year, due.year + 1))
    while due.weekday() >= SATURDAY or due in federal:
        due -= timedelta(1)
    return due
