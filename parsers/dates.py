"""Dates and times as exports write them.

A time with a zone comes back aware; one without is the scanner's local time and stays naive.
"""

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta, timezone
from functools import lru_cache

from poam.errors import ScanParseError
from poam.model import DateOrder

ABSENT = ("", "-", "n/a", "null", "none", "never")

# Java and .NET write dates in the user's language: ZAP in German says "Fr., 30 Sep. 2022".
_MONTHS = {
    word: number
    for number, words in enumerate(
        (
            "jan january janv ene gen",
            "feb february févr fév",
            "mar march mär märz mars mrz",
            "apr april avr abr",
            "may mai mag mei",
            "jun june juni juin giu",
            "jul july juli juil lug",
            "aug august août ago",
            "sep september sept set",
            "oct october okt ott out",
            "nov november",
            "dec december dez déc dic",
        ),
        start=1,
    )
    for word in words.split()
}
# The zone names that scanners made in the United States write; others stay local times.
_ZONES = {
    **{"UTC": 0, "GMT": 0, "Z": 0},
    **{"EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7},
}
_TIME = (
    r"(?:,? +(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:\.\d+)?)?"
    r"(?: ?(?P<half>[AaPp][Mm]))?)?"
)
_ZONE = r"(?: *\(?(?P<zone>[A-Z]{1,5})?(?P<offset>[+-]\d{2}:?\d{2})?\)?)?"
_WEEKDAY = r"(?:[^\W\d]+\.?,? +)?"
_WRITTEN = [
    re.compile(pattern)
    for pattern in (
        rf"{_WEEKDAY}(?P<day>\d{{1,2}})\.?[ -](?P<month>[^\W\d]+)\.?,?[ -](?P<year>\d{{4}})"
        rf"{_TIME}{_ZONE}",
        rf"{_WEEKDAY}(?P<month>[^\W\d]+)\.? +(?P<day>\d{{1,2}}),? +(?P<year>\d{{4}}){_TIME}{_ZONE}",
        rf"[^\W\d]+ (?P<month>[^\W\d]+) +(?P<day>\d{{1,2}}){_TIME}{_ZONE} +(?P<year>\d{{4}})",
    )
]
_NUMERIC = re.compile(
    rf"(?P<first>\d{{1,2}})[/.-](?P<second_part>\d{{1,2}})[/.-](?P<year>\d{{4}}){_TIME}{_ZONE}"
)


def instant(time: datetime) -> datetime:
    """Return a time to put others in order by: without a zone it counts as in UTC.

    Exports mean UTC where they leave the zone out; nothing but an order follows from it here.
    """
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def earliest(times: Iterable[datetime | None]) -> datetime | None:
    """Return the earliest of these times, with zones and without; None where there is none."""
    return min((time for time in times if time), key=instant, default=None)


def latest(times: Iterable[datetime | None]) -> datetime | None:
    """Return the latest of these times, with zones and without; None where there is none."""
    return max((time for time in times if time), key=instant, default=None)


def iso_datetime(text: str | None, file: str, place: str) -> datetime | None:
    """Read an ISO 8601 time stamp, also as `2017-11-14 02:57:29 +0000`; empty is missing."""
    text = (text or "").strip()
    if text.lower() in ABSENT:
        return None
    try:
        return _iso(text)
    except ValueError:
        expected = "a time such as 2026-11-03T04:05:06Z"
        raise ScanParseError(file, place, f"the time '{text}'", expected) from None


@lru_cache(maxsize=1024)  # for all of a host's detections may have the same
def _iso(text: str) -> datetime:
    plain = re.sub(r" (?=[+-]\d{2}:?\d{2}$)| (?:UTC|GMT)$|(?<=\d) Z$", "", text)
    # Fractions come with one to nine digits, of which fromisoformat takes three or six.
    whole, dot, rest = plain.partition(".")
    zone = rest.lstrip("0123456789") if dot else ""
    digits = rest[: len(rest) - len(zone)]
    stamp = datetime.fromisoformat(f"{whole}.{digits[:6]:0<6}{zone}" if dot else plain)
    return stamp.replace(tzinfo=UTC) if text.endswith((" UTC", " GMT", " Z")) else stamp


def epoch_datetime(text: str | None, file: str, place: str) -> datetime | None:
    """Read seconds since 1970 as a time in UTC; empty is missing."""
    text = (text or "").strip()
    if text.lower() in ABSENT:
        return None
    if not re.fullmatch(r"\d{1,11}", text):
        raise ScanParseError(file, place, f"the time '{text}'", "seconds since 1970")
    return datetime.fromtimestamp(int(text), UTC)


def calendar_date(text: str | None) -> date | None:
    """Read `2026/11/03`, `2026-11-03` or `20261103...`; None where it is none of these."""
    match = re.match(r"(\d{4})[/-]?(\d{2})[/-]?(\d{2})", (text or "").strip())
    try:
        return date(*map(int, match.groups())) if match else None
    except ValueError:
        return None


def written_datetime(text: str | None, file: str, place: str) -> datetime | None:
    """Read a date whose month is a word; empty is missing.

    As `Fri Jun  6 10:50:39 2025`, `Sun, 22 Jun 2025 04:04:14`, `Feb 9, 2024 10:48:42 UTC` or
    `21 Sep 2017 04:27PM GMT-0400`. Without a
    zone, or with a zone name of several meanings, it is the scanner's local time.
    """
    text = (text or "").strip()
    if text.lower() in ABSENT:
        return None
    for pattern in _WRITTEN:
        match = pattern.fullmatch(text)
        month = _MONTHS.get(match["month"].lower()) if match else None
        if match and month and (stamp := _stamp(match, int(match["day"]), month)):
            return stamp
    expected = "a time such as 'Sun, 22 Jun 2025 04:04:14'"
    raise ScanParseError(file, place, f"the time '{text}'", expected)


def numeric_datetime(
    text: str | None, order: DateOrder | None, file: str, place: str
) -> datetime | None:
    """Read a date of digits alone, such as `03/04/2026 09:59 AM`, in the order stated.

    Empty is missing. Raises ScanParseError where no order is stated, and where the date
    contradicts it: a thirteenth month shows that the whole file is written the other way.
    """
    text = (text or "").strip()
    if text.lower() in ABSENT:
        return None
    match = _NUMERIC.fullmatch(text)
    if match is None:
        expected = "a date such as 03/04/2026 with a time"
        raise ScanParseError(file, place, f"the time '{text}'", expected)
    if order is None:
        expected = "the order of day and month to be stated for this format (dates: in its mapping)"
        raise ScanParseError(file, place, f"the date '{text}'", expected)
    parts = int(match["first"]), int(match["second_part"])
    day, month = parts if order is DateOrder.DAY_FIRST else parts[::-1]
    if stamp := _stamp(match, day, month):
        return stamp
    other = DateOrder.MONTH_FIRST if order is DateOrder.DAY_FIRST else DateOrder.DAY_FIRST
    found = f"the date '{text}', which is no date with the {_WORDS[order]} first"
    expected = f"{_PATTERNS[order]} (for {_PATTERNS[other]} say {other} under site: dates:)"
    raise ScanParseError(file, place, found, expected)


_WORDS = {DateOrder.DAY_FIRST: "day", DateOrder.MONTH_FIRST: "month"}
_PATTERNS = {DateOrder.DAY_FIRST: "DD/MM/YYYY", DateOrder.MONTH_FIRST: "MM/DD/YYYY"}


def _stamp(match: re.Match[str], day: int, month: int) -> datetime | None:
    """Return the time a pattern found; None where the calendar or the clock has none such."""
    hour = int(match["hour"] or 0)
    if half := (match["half"] or "").upper():
        # Invicti's "%H:%M %p" writes 13:44 PM at times: the hour alone tells then.
        hour = hour if hour > 12 else hour % 12 + (12 if half == "PM" else 0)
    clock = hour, int(match["minute"] or 0), int(match["second"] or 0)
    try:
        return datetime(int(match["year"]), month, day, *clock, tzinfo=_zone(match))
    except ValueError:
        return None


def _zone(match: re.Match[str]) -> timezone | None:
    if offset := match["offset"]:
        sign = -1 if offset[0] == "-" else 1
        hours, minutes = int(offset[1:3]), int(offset[-2:])
        return timezone(sign * timedelta(hours=hours, minutes=minutes))
    hours_of = _ZONES.get(match["zone"] or "")
    return None if hours_of is None else timezone(timedelta(hours=hours_of))
