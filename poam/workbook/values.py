"""What a cell says: text as people see it, dates in any of the ways people write them."""

import re
from datetime import date, datetime, time, timedelta
from functools import lru_cache

from poam.layout import FieldRule, FieldType

# ECMA-376 part 1, 18.17.4.1: serial 60 is 1900-02-29, a day that never was, so counting
# from 1899-12-30 is right from March 1900 on.
_EPOCH_1900 = date(1899, 12, 30)
_EPOCH_1904 = date(1904, 1, 1)
# The days with five digits, as counted from 1900: no POA&M means any other.
_FIRST, _LAST = date(1927, 5, 18), date(2173, 10, 13)
_MINUTES = re.compile(
    r"[T ]\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?( ?[AaPp][Mm])?( ?(Z|UTC|[+-]\d\d:?\d\d))?$"
)
_FORMATS = (
    "%Y-%m-%d",
    "%Y/%m/%d",
    "%m/%d/%Y",  # the template is American: month first
    "%m/%d/%y",
    "%m-%d-%Y",
    "%b %d, %Y",
    "%B %d, %Y",
    "%d %b %Y",
    "%d %B %Y",
    "%d-%b-%Y",
    "%d-%b-%y",
)
# XML 1.0, 2.2: characters a document cannot hold at all.
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
# ECMA-376 part 1, 22.9.2.19: `_x000D_` in a string stands for the character.
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")


def as_text(value: object) -> str:
    """Give a cell's value as text: whole numbers without `.0`, dates as ISO, line ends as LF."""
    if isinstance(value, str):
        text = value.replace("\r\n", "\n").replace("\r", "\n") if "\r" in value else value
        return "" if text.isspace() else text
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(" ")
    if isinstance(value, date):
        return value.isoformat()
    return str(value)


def as_date(value: object, *, date1904: bool = False) -> date | None:
    """Give the date a cell means, None where it means none that a POA&M could mean."""
    if isinstance(value, datetime):
        value = value.date()
    if isinstance(value, date):
        return value if _FIRST <= value <= _LAST else None
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return from_serial(float(value), date1904=date1904)
    text = _MINUTES.sub("", " ".join(str(value).split()))
    if re.fullmatch(r"\d{5}(\.\d+)?", text):
        return from_serial(float(text), date1904=date1904)
    return _written_date(text)


@lru_cache(maxsize=10_000)
def _written_date(text: str) -> date | None:
    """Read a date as people write it; a workbook has the same few days again and again."""
    for pattern in _FORMATS:
        try:
            found = datetime.strptime(text, pattern).date()  # noqa: DTZ007  a day has no zone
        except ValueError:
            continue
        return found if _FIRST <= found <= _LAST else None
    return None


def from_serial(serial: float, *, date1904: bool = False) -> date | None:
    """Give the date of a worksheet's day number, None where no POA&M could mean it."""
    if not 0 <= serial < 100_000:
        return None
    found = (_EPOCH_1904 if date1904 else _EPOCH_1900) + timedelta(days=int(serial))
    return found if _FIRST <= found <= _LAST else None


def to_serial(value: date, *, date1904: bool = False) -> int:
    """Give the day number a worksheet stores for a date."""
    return (value - (_EPOCH_1904 if date1904 else _EPOCH_1900)).days


def choice_of(text: str, rule: FieldRule) -> str | None:
    """Give the drop-down's own spelling of a word, None where it has no such word."""
    word = text.strip().casefold()
    for known in (*rule.choices, *rule.tolerated):
        if known.casefold() == word:
            return known
    return None


def understood(value: object, rule: FieldRule) -> str | date | None:
    """Give a value to be written as it will be read back."""
    if rule.type is FieldType.DATE:
        return None if value in (None, "") else as_date(value)
    found = as_text(clean(as_text(value)))
    return (choice_of(found, rule) or found) if rule.type is FieldType.CHOICE else found


def clean(text: str) -> str:
    """Make text fit for a cell: one kind of line end, no character that XML forbids."""
    return _ILLEGAL.sub(" ", text.replace("\r\n", "\n").replace("\r", "\n"))


def escape(text: str) -> str:
    """Write `_x0041_` so that it is read as these seven characters, not as the letter A."""
    return _ESCAPED.sub(lambda m: f"_x005F{m.group(0)}", text)
