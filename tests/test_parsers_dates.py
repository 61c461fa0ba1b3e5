"""What parsers.dates promises."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from parsers.dates import (
    earliest,
    epoch_datetime,
    iso_datetime,
    latest,
    numeric_datetime,
    written_datetime,
)
from poam.errors import ScanParseError
from poam.model import DateOrder

NOON = datetime(2026, 11, 3, 12)  # noqa: DTZ001
EST = timezone(timedelta(hours=-5))


@pytest.mark.parametrize(
    ("text", "stamp"),
    [
        ("2026-11-03T04:05:06Z", datetime(2026, 11, 3, 4, 5, 6, tzinfo=UTC)),
        ("2026-11-03 04:05:06 +0000", datetime(2026, 11, 3, 4, 5, 6, tzinfo=UTC)),
        ("2026-11-03 04:05:06 UTC", datetime(2026, 11, 3, 4, 5, 6, tzinfo=UTC)),
        ("2026-11-03T04:05:06.1234567-05:00", datetime(2026, 11, 3, 4, 5, 6, 123456, tzinfo=EST)),
        ("2026-11-03", datetime(2026, 11, 3)),  # noqa: DTZ001
        ("N/A", None),
        ("", None),
        (None, None),
    ],
)
def test_iso(text, stamp):
    """ISO stamps in the dialects scanners write."""
    assert iso_datetime(text, "x", "y") == stamp


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("Fri Jun  6 10:50:39 2025", "2025-06-06T10:50:39"),
        ("Sun, 22 Jun 2025 04:04:14", "2025-06-22T04:04:14"),
        ("Fr., 30 Sep. 2022 08:40:35", "2022-09-30T08:40:35"),
        ("Feb 9, 2024 10:48:42 UTC", "2024-02-09T10:48:42+00:00"),
        ("Jan 5, 2021 10:24:08 MST", "2021-01-05T10:24:08-07:00"),
        ("Feb 03, 2026 07:00 AM", "2026-02-03T07:00:00"),
        ("Apr 13, 2021 12:14 AM", "2021-04-13T00:14:00"),
        ("21 Sep 2017 04:27PM GMT-0400", "2017-09-21T16:27:00-04:00"),
        ("Sat Jun 14 12:21:21 CEST 2014", "2014-06-14T12:21:21"),
        ("Mon Jun 16 16:29:02 UTC 2014", "2014-06-16T16:29:02+00:00"),
        ("3 November 2026", "2026-11-03T00:00:00"),
        ("20-Nov-2026 10:00:00", "2026-11-20T10:00:00"),
        ("-", None),
    ],
)
def test_written(text, iso):
    """A month in words leaves no doubt; a zone of one meaning is kept, another is local time."""
    stamp = written_datetime(text, "x", "y")
    assert (stamp and stamp.isoformat()) == iso


@pytest.mark.parametrize(
    ("text", "order", "iso"),
    [
        ("03/04/2026", "day_first", "2026-04-03T00:00:00"),
        ("03/04/2026", "month_first", "2026-03-04T00:00:00"),
        ("25/06/2021 09:59 AM", "day_first", "2021-06-25T09:59:00"),
        ("02/20/2023 05:03 PM", "month_first", "2023-02-20T17:03:00"),
        ("6/3/2019 12:13:48 AM", "month_first", "2019-06-03T00:13:48"),
        ("28/04/2020, 05:36:46", "day_first", "2020-04-28T05:36:46"),
        ("03/02/2019 15:50:29 (UTC-06:00)", "day_first", "2019-02-03T15:50:29-06:00"),
        ("05/13/2021 07:08:28", "month_first", "2021-05-13T07:08:28"),
        ("15/06/2021 13:44 PM", "day_first", "2021-06-15T13:44:00"),
        ("", "day_first", None),
    ],
)
def test_digits(text, order, iso):
    """A date of digits is read in the order that is stated."""
    stamp = numeric_datetime(text, DateOrder(order), "x", "y")
    assert (stamp and stamp.isoformat()) == iso


def test_a_thirteenth_month():
    """A date that contradicts the order stated shows that every other one was misread: refused."""
    with pytest.raises(ScanParseError) as error:
        numeric_datetime("12/13/2026 10:00", DateOrder.DAY_FIRST, "scan.xml", "line 7")
    assert str(error.value) == (
        "scan.xml, line 7: found the date '12/13/2026 10:00', which is no date with the day first. "
        "Expected DD/MM/YYYY (for MM/DD/YYYY say month_first under site: dates:)."
    )


@pytest.mark.parametrize("text", ["03/04/26", "2026-03-04", "soon", "31/04/2026", "1/1/2026 25:00"])
def test_no_date(text):
    """What is no date of digits with a year of four is refused."""
    with pytest.raises(ScanParseError):
        numeric_datetime(text, DateOrder.DAY_FIRST, "x", "y")


def test_no_order():
    """Without a stated order nothing is guessed."""
    with pytest.raises(ScanParseError, match="order of day and month to be stated"):
        numeric_datetime("03/04/2026", None, "x", "y")


@pytest.mark.parametrize("read", [iso_datetime, written_datetime, epoch_datetime])
def test_refused(read):
    """What cannot be read is named."""
    with pytest.raises(ScanParseError, match="found the time 'soon'"):
        read("soon", "x", "y")


@pytest.mark.parametrize(
    ("times", "first", "last"),
    [
        ([NOON, NOON.replace(hour=13, tzinfo=UTC)], NOON, NOON.replace(hour=13, tzinfo=UTC)),
        ([NOON, NOON.replace(hour=8, tzinfo=EST)], NOON, NOON.replace(hour=8, tzinfo=EST)),
        ([None, NOON], NOON, NOON),
        ([None], None, None),
        ([], None, None),
    ],
)
def test_in_order(times, first, last):
    """Times with a zone and without have an order: those without count as in UTC."""
    assert (earliest(times), latest(times)) == (first, last)
    assert (earliest(reversed(times)), latest(reversed(times))) == (first, last)
