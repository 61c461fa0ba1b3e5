"""Candidates found by what they share with a weakness, so that nobody compares all with all."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from rapidfuzz import fuzz, process

from poam.classes import base_identifier
from poam.evidence import Side
from poam.marks import MarkReader
from poam.titles import TitleReader

Key = tuple[str, ...]
LEAST = 70  # token_sort_ratio below which no title is the same, whatever its set of words
BEGINNING = 12  # letters


@dataclass(frozen=True)
class Candidate:
    """A workbook row as correlation sees it."""

    sheet: str
    row: int
    poam_id: str
    side: Side


class Block:
    """Candidates by identifier, advisory, CVE, class and place; by place where they have no number.

    The cost of asking grows with what matches, not with candidates times weaknesses.
    """

    def __init__(self, candidates: list[Candidate], marks: MarkReader, titles: TitleReader) -> None:
        self._rows = candidates
        self._marks, self._titles = marks, titles
        self._words = [self._titles.sorted_words(row.side.title) for row in self._rows]
        self._found_by: defaultdict[Key, list[int]] = defaultdict(list)
        self._unnumbered: defaultdict[str, list[int]] = defaultdict(list)
        for at, row in enumerate(self._rows):
            for key in self._item_keys(row.side):
                self._found_by[key].append(at)
            if not row.side.identifiers:
                for place in set(_names(row.side)):
                    self._unnumbered[place].append(at)

    def near(self, weakness: Side) -> Iterator[Candidate]:
        """Yield every candidate that anything could speak for."""
        found = {at for key in self._weakness_keys(weakness) for at in self._found_by.get(key, ())}
        return (self._rows[at] for at in sorted(found | self._titled_alike(weakness)))

    def _titled_alike(self, weakness: Side) -> set[int]:
        """Find rows without identifier, in the same place, whose title may be the same.

        All titles of a place are compared in one call, at the least likeness that counts.
        """
        nearby = {at for place in set(_names(weakness)) for at in self._unnumbered.get(place, ())}
        ordered = sorted(nearby)
        if not ordered:
            return set()
        words = self._titles.sorted_words(weakness.title)
        likeness = process.cdist(
            [words], [self._words[at] for at in ordered], scorer=fuzz.ratio, score_cutoff=LEAST
        )[0]
        return {ordered[i] for i in likeness.nonzero()[0]}

    def _common_keys(self, side: Side) -> Iterator[Key]:
        for series, number in side.identifiers:
            yield "identifier", series, base_identifier(number)
        for family, values in side.marks.families.items():
            if self._marks.kind_of[family] in ("advisory", "bulletin"):
                yield from (("mark", family, value) for value in values)
        yield from (("cve", cve) for cve in side.cves)
        if one := side.weakness_class:
            for key in (one.key, *one.flavours):
                yield from (("class", key, place) for place in set(_names(side)))

    def _cut_short(self, side: Side) -> Iterator[Key]:
        """Yield the keys of a title that is cut short: its beginning, in each place."""
        beginning = self._titles.cleaned(side.title)[:BEGINNING]
        yield from (("begins", beginning, place) for place in set(_names(side)))

    def _item_keys(self, item: Side) -> Iterator[Key]:
        """Yield the keys under which an item can be found."""
        yield from self._common_keys(item)
        yield from (("number", number) for number in item.unscoped)
        if not item.identifiers:
            yield from self._cut_short(item)

    def _weakness_keys(self, weakness: Side) -> Iterator[Key]:
        """Yield the keys under which to look for the items of a weakness."""
        yield from self._common_keys(weakness)
        yield from (("number", number) for _, number in weakness.identifiers)
        yield from self._cut_short(weakness)


def _names(side: Side) -> Iterator[str]:
    """Yield each place under every name it is looked for by: labels of hosts, pages."""
    yield from side.pages
    for name in side.hosts:
        yield name
        if "." in name and not name[0].isdigit():
            yield name.partition(".")[0]
