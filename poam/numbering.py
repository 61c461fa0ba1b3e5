"""The POA&M IDs of new items: the site's own scheme goes on, and no ID is given twice."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import TypeVar

# Python reads no number of more than 4300 digits.
LONGEST = 1000
DATED = re.compile(
    r"(?P<head>.*?)(?<![0-9])(?<!\b[0-9][-/._ ])(?<!\b[0-9]{2}[-/._ ])(?P<year>20[0-9]{2})"
    r"(?:(?P<gap>[-/._ ]?)(?P<month>0[1-9]|1[0-2]|(?<=[-/._ ])[1-9]))?(?P<tail>[^0-9]+)",
    re.DOTALL,
)
Choice = TypeVar("Choice", bound=tuple[str, ...])


@dataclass(frozen=True, slots=True)
class Numbered:
    """An ID that ends in a number.

    `form` is how the date in its prefix is written (`Y-M`, `YM`, `Y`), "" where it has none;
    `head` and `tail` stand before and after the date, and `period` is what it says.
    """

    head: str
    form: str
    tail: str
    period: tuple[int, ...]
    month: str
    number: str

    @property
    def scheme(self) -> tuple[str, str, str]:
        """What IDs of one scheme have in common, whatever their case."""
        return self.head.casefold(), self.form, self.tail.casefold()

    @property
    def spelling(self) -> tuple[str, str, str]:
        """The scheme as this ID writes it."""
        return self.head, self.form, self.tail


def poam_ids(existing: Iterable[str], prefix: str, as_of: date) -> Iterator[str]:
    """New POA&M IDs in the scheme the workbook uses, endlessly, each unlike every other.

    `existing` are the IDs of all sheets, `prefix` is the site's, for a workbook without any
    numbered item. Case and surrounding blanks do not tell two IDs apart.

    The commonest scheme goes on after its highest number, in its commonest spelling and with its
    padding; the site's own wins a tie. An ID that ends in anything but digits is of no scheme.
    A year from 2000 on that something separates from the number (`HR-2026-014`), or such a year
    and month (`2026-11-007`), is a date unless it is later than `as_of`: its numbers begin again
    with the year or month of `as_of`. All other digits (`V-2026`, a year to come, a month
    before the year, a day) are part of a number or of a prefix that never changes.
    Source: POA&M Template Completion Guide v2.2 p. 3: a unique identifier for each item.
    """
    sheets = list(existing)
    (site,) = _numbered([f"{prefix}1"], as_of)
    there = _numbered(sheets, as_of)
    scheme = _commonest([x.scheme for x in there], site.scheme)
    mine = [x for x in there if x.scheme == scheme]
    last = 0 if mine else int(site.number) - 1
    head, form, tail = _commonest([x.spelling for x in mine], site.spelling)
    like = mine or [site]
    now = (as_of.year, as_of.month)[: len(like[0].period)]
    last = max([last, *(int(x.number) for x in mine if x.period == now)])
    start, width = f"{head}{_written(form, like, as_of)}{tail}", _width(like)
    taken = {_folded(text) for text in sheets}
    while True:
        last += 1
        poam_id = f"{start}{last:0{width}d}"
        if _folded(poam_id) not in taken:
            yield poam_id


def _numbered(texts: Iterable[str], as_of: date) -> list[Numbered]:
    """Read the IDs that end in a number; the others are left out."""
    found = []
    for text in map(str.strip, texts):
        number = text[len(text.rstrip("0123456789")) :][-LONGEST:]
        if number:
            found.append(_dated(text.removesuffix(number), number, as_of))
    return found


def _dated(prefix: str, number: str, as_of: date) -> Numbered:
    match = DATED.fullmatch(prefix)
    if match:
        month = match["month"] or ""
        period = (int(match["year"]), *([int(month)] if month else []))
        if period <= (as_of.year, as_of.month)[: len(period)]:
            form = f"Y{match['gap']}M" if month else "Y"
            return Numbered(match["head"], form, match["tail"], period, month, number)
    return Numbered(prefix, "", "", (), "", number)


def _commonest(choices: list[Choice], own: Choice) -> Choice:
    counts = Counter(choices)
    return min(counts, key=lambda x: (-counts[x], x != own, x), default=own)


def _written(form: str, mine: list[Numbered], as_of: date) -> str:
    width = 1 if any(len(x.month) == 1 for x in mine) else 2
    return form.replace("Y", f"{as_of.year}").replace("M", f"{as_of.month:0{width}d}")


def _width(mine: list[Numbered]) -> int:
    """The digits that numbers are padded to: 0 where the newest shows that they no longer are."""
    newest = max(mine, key=lambda x: (x.period, int(x.number), len(x.number))).number
    padded = max((len(x.number) for x in mine if x.number.startswith("0")), default=0)
    return padded if padded <= len(newest) else 0


def _folded(text: str) -> str:
    return text.strip().casefold()
