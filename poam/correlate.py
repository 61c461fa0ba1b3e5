"""Which existing items a weakness is: proven, proposed to a person, or none."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

import pandas as pd

from poam.answers import Answer
from poam.assets import AssetIndex
from poam.blocks import Block, Candidate
from poam.evidence import Match, Side, Weigher
from poam.frames import Row, rows
from poam.marks import MarkReader
from poam.model import Kind, RiskRating, Sheet
from poam.policy import Policy
from poam.sides import PLACE, Describer
from poam.sighted import Sighted
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


@dataclass(frozen=True)
class Link:
    """A row that a weakness is, or may be."""

    candidate: Candidate
    verdict: str
    match: Match
    note: str = ""


class Correlator:
    """The workbook's items, ready to be asked which of them a weakness is."""

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
        self._policy = policy
        self._marks, self._titles = MarkReader(rules), TitleReader(rules.titles)
        self._weigher = Weigher(rules, self._marks, self._titles, vetoes_off)
        self._describer = Describer(index, policy, self._marks, self._titles)
        self._rows = [
            Candidate(item.sheet, item.row, item.poam_id, self._describer.item(item))
            for item in rows(items)
        ]
        self._block = Block(self._rows, self._marks, self._titles)

    @property
    def vetoes(self) -> tuple[str, ...]:
        """The names of what can rule a match out."""
        return self._weigher.vetoes

    def weakness(self, weakness: Row, places: Iterable[Row]) -> Side:
        """Describe a weakness; `places` are its present sightings."""
        return self._describer.weakness(weakness, places)

    def links(self, weaknesses: pd.DataFrame, sightings: pd.DataFrame) -> pd.DataFrame:
        """Link this batch's weaknesses to the items.

        Out: `detector`, `source_identifier`, `sheet`, `row`, `poam_id`, `verdict` (`linked` or
        `review`), `cross_detector` (the item is another scanner's), `points` and `evidence`, the
        sum in words. A weakness without a line is new.
        """
        places = Sighted(sightings, PLACE)
        records: list[tuple[object, ...]] = []
        for weakness in rows(weaknesses):
            key = (weakness.detector, weakness.source_identifier)
            side = self.weakness(weakness, places.of(key))
            for link in self._answered(key, side):
                row, match = link.candidate, link.match
                cross = _crosses(side, row.side)
                said = (link.verdict, cross, match.points, f"{match.words}{link.note}")
                records.append((*key, row.sheet, row.row, row.poam_id, *said))
        return pd.DataFrame.from_records(records, columns=list(LINKS)).astype(LINKS)

    def _answered(self, key: tuple[str, str], side: Side) -> list[Link]:
        """Return the items, as people's answers have it: accepted is it, rejected is not."""
        answers = self._answers.get(key, {})
        rejected = {poam_id for poam_id, a in answers.items() if a.answer == "rejected"}
        links = self.of(side, rejected)
        if len(rejected) == len(answers):
            return links
        accepted = [
            Link(row, "linked", Match((self._weigher.evidence("answer", f"{a.who} on {a.when}"),)))
            for row in self._rows
            if (a := answers.get(row.poam_id)) and a.answer == "accepted"
        ]
        said = {id(link.candidate) for link in accepted}
        own = [link for link in links if link.match.by_identifier]
        return accepted + [link for link in own if id(link.candidate) not in said]

    def of(self, weakness: Side, rejected: Collection[str] = ()) -> list[Link]:
        """Return the items that a weakness is, or those a person has to look at.

        `rejected` are the POA&M IDs that a person said it is not; its own number outweighs that.
        """
        weighed = [
            (row, match)
            for row in self._block.near(weakness)
            if not (match := self._weigher.weigh(weakness, row.side)).veto
        ]
        own = [Link(row, "linked", match) for row, match in weighed if match.by_identifier]
        others = [
            (row, match)
            for row, match in weighed
            if not match.by_identifier and row.poam_id not in rejected
        ]
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
        places = Sighted(sightings, PLACE)
        keys = [(w.detector, w.source_identifier) for w in new]
        sides = [self.weakness(w, places.of(key)) for w, key in zip(new, keys, strict=True)]
        candidates = [Candidate("new", at, "", side) for at, side in enumerate(sides)]
        among = Block(candidates, self._marks, self._titles)
        following: set[int] = set()
        found: list[tuple[str, ...]] = []
        for at, side in enumerate(sides):
            weighed = [
                (row, match)
                for row in among.near(side)
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


def _crosses(side: Side, other: Side) -> bool:
    """Tell whether two sides are of scanners that number their checks apart."""
    return bool(other.series) and not side.series & other.series


def _one_weakness(side: Side, other: Side) -> bool:
    """Tell rows of one weakness: a row per detection date has the same identifiers."""
    return side is other or bool(side.identifiers and side.identifiers == other.identifiers)
