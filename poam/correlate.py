"""Which existing items a weakness is: proven, proposed to a person, or none."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from copy import copy
from dataclasses import dataclass

import pandas as pd
from rapidfuzz import fuzz, process

from poam.answers import Answer
from poam.assets import AssetIndex, asset_lines
from poam.classes import classify
from poam.evidence import Match, Side, Weigher
from poam.frames import Row, rows
from poam.identifiers import (
    base_identifier,
    cve_ids,
    row_identity,
    series_of,
    source_identifier,
)
from poam.locations import parameters, without_query
from poam.marks import MarkReader, is_partial
from poam.model import Kind, RiskRating, Sheet
from poam.policy import Policy
from poam.titles import TitleReader

LINKS = {
    "detector": "str",
    "source_identifier": "str",
    "sheet": "str",
    "row": "int64",
    "poam_id": "str",
    "verdict": "str",
    "cross_detector": "bool",
    "points": "int64",
    "evidence": "str",
}
TWINS = dict.fromkeys(
    ("detector", "source_identifier", "leading_detector", "leading_identifier", "evidence"), "str"
)
RATINGS = {rating: order for order, rating in enumerate(RiskRating)}
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


@dataclass(frozen=True)
class Link:
    """A row that a weakness is, or may be."""

    candidate: Candidate
    verdict: str
    match: Match
    note: str = ""


class Correlator:
    """The workbook's items, ready to be asked which of them a weakness is.

    Items are found through indices (identifier, advisory, CVE, class and place, place for rows
    without identifier), so the cost grows with what matches, not with rows times weaknesses.
    """

    def __init__(
        self,
        items: pd.DataFrame,
        index: AssetIndex,
        policy: Policy,
        vetoes_off: frozenset[str] = frozenset(),
        answers: Mapping[tuple[str, str, str], Answer] | None = None,
    ) -> None:
        """Take the items; `answers` are those of people that still stand (`poam.answers`)."""
        rules = policy.correlation
        self._answers: defaultdict[tuple[str, str], dict[str, Answer]] = defaultdict(dict)
        for (detector, number, poam_id), answer in (answers or {}).items():
            self._answers[detector, number][poam_id] = answer
        self._policy, self._index = policy, index
        self._marks, self._titles = MarkReader(rules), TitleReader(rules.titles)
        self._weigher = Weigher(rules, self._marks, self._titles, vetoes_off)
        self._set_rows([self._candidate(item) for item in rows(items)])

    def _set_rows(self, candidates: list[Candidate]) -> None:
        self._rows = candidates
        self._words = [self._titles.sorted_words(row.side.title) for row in self._rows]
        self._found_by: defaultdict[Key, list[int]] = defaultdict(list)
        self._unnumbered: defaultdict[str, list[int]] = defaultdict(list)
        for at, row in enumerate(self._rows):
            for key in self._item_keys(row.side):
                self._found_by[key].append(at)
            if not row.side.identifiers:
                for place in set(_names(row.side)):
                    self._unnumbered[place].append(at)

    def links(self, weaknesses: pd.DataFrame, sightings: pd.DataFrame) -> pd.DataFrame:
        """Link this batch's weaknesses to the items.

        Out: `detector`, `source_identifier`, `sheet`, `row`, `poam_id`, `verdict` (`linked` or
        `review`), `cross_detector` (the item is another scanner's), `points` and `evidence`, the
        sum in words. A weakness without a line is new.
        """
        places = _places(sightings)
        records: list[tuple[object, ...]] = []
        for weakness in rows(weaknesses):
            key = (weakness.detector, weakness.source_identifier)
            side = self.weakness(weakness, places[key])
            for link in self._answered(key, self.of(side)):
                row, match = link.candidate, link.match
                cross = _crosses(side, row.side)
                said = (link.verdict, cross, match.points, f"{match.words}{link.note}")
                records.append((*key, row.sheet, row.row, row.poam_id, *said))
        return pd.DataFrame.from_records(records, columns=list(LINKS)).astype(LINKS)

    def _answered(self, key: tuple[str, str], links: list[Link]) -> list[Link]:
        """Lay people's answers over the links: an accepted item is it, a rejected one is not."""
        answers = self._answers.get(key)
        if not answers:
            return links
        accepted = [
            Link(row, "linked", Match((self._weigher.evidence("answer", f"{a.who} on {a.when}"),)))
            for row in self._rows
            if (a := answers.get(row.poam_id)) and a.answer == "accepted"
        ]
        if accepted:
            mine = {(link.candidate.sheet, link.candidate.row) for link in accepted}
            own = [link for link in links if link.match.by_identifier]
            rest = [x for x in own if (x.candidate.sheet, x.candidate.row) not in mine]
            return [*accepted, *rest]
        return [
            link
            for link in links
            if link.match.by_identifier or link.candidate.poam_id not in answers
        ]

    def of(self, weakness: Side) -> list[Link]:
        """Return the items that a weakness is, or those a person has to look at."""
        weighed = [
            (row, match)
            for row in self._candidates(weakness)
            if not (match := self._weigher.weigh(weakness, row.side)).veto
        ]
        own = [Link(row, "linked", match) for row, match in weighed if match.by_identifier]
        others = [(row, match) for row, match in weighed if not match.by_identifier]
        if not own:
            return self._judged(others)
        still_open = [one for one in others if one[0].sheet != Sheet.CLOSED]
        if any(link.candidate.sheet != Sheet.CLOSED for link in own):
            # Another scanner's item may have assets of this weakness beside its own items.
            still_open = [one for one in still_open if _crosses(weakness, one[0].side)]
        # Else: a closed twin has the number, and the open one may have lost it.
        return own + [link for link in self._judged(still_open) if link.verdict == "linked"]

    def twins(
        self, weaknesses: pd.DataFrame, sightings: pd.DataFrame, links: pd.DataFrame
    ) -> pd.DataFrame:
        """Find new weaknesses that are one and the same, seen by several scanners.

        Of those without an item in `links`, each that is clearly the same as an earlier one of
        another scanner (the worst rated first) is its follower. Out: `detector`,
        `source_identifier`, `leading_detector`, `leading_identifier`, `evidence`.
        """
        if self._policy.timelines.items.cross_detector == "separate":
            return pd.DataFrame(columns=list(TWINS)).astype(TWINS)
        linked = set(zip(links["detector"], links["source_identifier"], strict=True))
        new = [w for w in rows(weaknesses) if (w.detector, w.source_identifier) not in linked]
        new = [w for w in new if w.kind != Kind.INFORMATIONAL and w.original_risk_rating]
        new.sort(key=lambda w: (RATINGS[w.original_risk_rating], w.detector, w.source_identifier))
        places = _places(sightings)
        keys = [(w.detector, w.source_identifier) for w in new]
        sides = [self.weakness(w, places[key]) for w, key in zip(new, keys, strict=True)]
        among = copy(self)
        among._set_rows([Candidate("new", at, "", side) for at, side in enumerate(sides)])
        following: set[int] = set()
        found: list[tuple[str, ...]] = []
        for at, side in enumerate(sides):
            weighed = [
                (row, match)
                for row in among._candidates(side)
                if row.row < at and row.row not in following and _crosses(side, row.side)
                if not (match := self._weigher.weigh(side, row.side)).veto
            ]
            best = next((x for x in self._judged(weighed) if x.verdict == "linked"), None)
            if best:
                following.add(at)
                found.append((*keys[at], *keys[best.candidate.row], best.match.words))
        return pd.DataFrame.from_records(found, columns=list(TWINS)).astype(TWINS)

    def _judged(self, weighed: list[tuple[Candidate, Match]]) -> list[Link]:
        """Link the best item, if it is good enough and clearly the best; else ask.

        Items of one weakness (one per detection date) are one answer, and an open item comes
        before a closed one.
        """
        rules = self._policy.correlation.evidence
        good = [(row, match) for row, match in weighed if match.points >= rules.review_at]
        if not good:
            return []
        good.sort(key=lambda one: (-one[1].points, one[0].sheet == Sheet.CLOSED, one[0].row))
        best = good[0]
        group = [one for one in good if _one_weakness(one[0].side, best[0].side)]
        rest = [one for one in good if one not in group]
        if best[1].points < rules.link_at:
            return [Link(row, "review", match) for row, match in good]
        if rest and rest[0][1].points > best[1].points - rules.margin:
            note = "; several items come as near"
            return [Link(row, "review", match, note) for row, match in good]
        return [Link(row, "linked", match) for row, match in group]

    def _candidates(self, weakness: Side) -> Iterator[Candidate]:
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

    def weakness(self, weakness: Row, places: Iterable[Row]) -> Side:
        """Describe a weakness; `places` are its present sightings."""
        title = str(weakness.name or "")
        identifier = source_identifier(
            weakness.source_identifier, self._policy, str(weakness.detector)
        )
        series = series_of(weakness.detector, self._policy)
        hosts: defaultdict[str, set[int]] = defaultdict(set)
        pages: defaultdict[str, set[str]] = defaultdict(set)
        for sighting in places:
            if sighting.location:
                page = without_query(sighting.location)
                named = {sighting.parameter} if sighting.parameter else set()
                pages[page] |= named or parameters(sighting.location)
            else:
                hosts[sighting.asset_identifier.casefold()].add(sighting.port)
        return Side(
            title=title,
            series=frozenset({series}),
            identifiers=frozenset({(series, identifier)} if identifier else ()),
            unscoped=frozenset(),
            marks=self._marks.read(title),
            cves=frozenset(weakness.cves),
            partial=False,
            weakness_class=classify(series, identifier, title, self._policy.weakness_classes),
            rating=str(weakness.original_risk_rating or ""),
            hosts={name: frozenset(ports) for name, ports in hosts.items()},
            pages={page: frozenset(named) for page, named in pages.items()},
        )

    def _candidate(self, item: Row) -> Candidate:
        identity = row_identity(
            item.weakness_detector_source, item.weakness_source_identifier, self._policy
        )
        title = item.weakness_name
        # People put an advisory or a CVE where the scanner's number belongs.
        written = f"{item.weakness_source_identifier} {title}"
        marks = self._marks.read(written)
        hosts: defaultdict[str, set[int]] = defaultdict(set)
        pages: defaultdict[str, set[str]] = defaultdict(set)
        for line in asset_lines(item.asset_identifier):
            if line.location:
                named = {line.parameter} if line.parameter else parameters(line.location)
                pages[without_query(line.location)] |= named
            for name in () if line.location else line.names:
                hosts[self._index.identifier(name).casefold()].add(line.port)
        identifiers = frozenset(
            (series_of(detector, self._policy), number)
            for detector, number in identity.keys
            if not (cve_ids(number) or self._marks.read(number).families)
        )
        classes = (
            classify(series, number, self._titles.undecorated(title), self._policy.weakness_classes)
            for series, number in sorted(identifiers) or [("", "")]
        )
        side = Side(
            title=title,
            series=frozenset(series_of(name, self._policy) for name in identity.detectors),
            identifiers=identifiers,
            unscoped=identity.unscoped,
            marks=marks,
            cves=frozenset(cve_ids(item.cve) or cve_ids(written)),
            partial=is_partial(item.cve),
            weakness_class=next((found for found in classes if found), None),
            rating=item.original_risk_rating,
            hosts={name: frozenset(ports) for name, ports in hosts.items()},
            pages={page: frozenset(named) for page, named in pages.items()},
        )
        return Candidate(item.sheet, item.row, item.poam_id, side)


def _crosses(side: Side, other: Side) -> bool:
    """Tell whether two sides are of scanners that number their checks apart."""
    return bool(other.series) and not side.series & other.series


def _one_weakness(side: Side, other: Side) -> bool:
    """Tell rows of one weakness: a row per detection date has the same identifiers."""
    return side is other or bool(side.identifiers and side.identifiers == other.identifiers)


def _names(side: Side) -> Iterator[str]:
    """Yield each place under every name it is looked for by: labels of hosts, pages."""
    yield from side.pages
    for name in side.hosts:
        yield name
        if "." in name and not name[0].isdigit():
            yield name.partition(".")[0]


def _places(sightings: pd.DataFrame) -> dict[tuple[str, str], list[Row]]:
    places: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for sighting in rows(sightings[sightings["present"]]):
        places[sighting.detector, sighting.source_identifier].append(sighting)
    return places


def correlate(
    weaknesses: pd.DataFrame,
    sightings: pd.DataFrame,
    items: pd.DataFrame,
    index: AssetIndex,
    policy: Policy,
) -> pd.DataFrame:
    """Link a batch's weaknesses to a workbook's items: see `Correlator.links`."""
    return Correlator(items, index, policy).links(weaknesses, sightings)
