"""New weaknesses that several scanners see: one of them leads, and takes the places in common."""

from collections import defaultdict
from dataclasses import dataclass
from operator import attrgetter

import pandas as pd

from poam.frames import Row, rows
from poam.locations import without_query
from poam.sides import PLACE
from poam.sighted import Sighted

Finder = tuple[str, str, str]
"""A detector, its source identifier, and the evidence that it is the same weakness."""


@dataclass(frozen=True)
class Folded:
    """A batch in which each place of a weakness is told of once.

    `sightings` without those of followers in places that their leader has, and with `finders`, the
    detector, source identifier and evidence of the others that see a place; `leading` maps the
    label of each sighting left out to that of the one it went to.
    """

    weaknesses: pd.DataFrame
    sightings: pd.DataFrame
    leading: dict[int, int]

    def membership(self, decided: pd.DataFrame, sightings: pd.DataFrame) -> pd.DataFrame:
        """Return all `sightings` with the `poam_id` that was `decided` for them or their leader."""
        leaders = pd.Series(sightings.index, index=sightings.index)
        leaders.update(pd.Series(self.leading, dtype="int64"))
        ids = decided["poam_id"].reindex(leaders).fillna("")
        return sightings.assign(poam_id=ids.set_axis(sightings.index))


def fold(weaknesses: pd.DataFrame, sightings: pd.DataFrame, twins: pd.DataFrame) -> Folded:
    """Give each follower's sightings to its leader where both see the same place.

    The leader's sighting gets the earlier first day of the two, and the leader the follower's
    CVEs and the earlier KEV date that a scanner cites. `twins` as `poam.correlate` gives them.
    Source: POA&M Template Completion Guide v2.2 p. 3 (one POA&M ID per vulnerability).
    """
    leader_of: dict[tuple[str, str], tuple[str, str]] = {}
    evidence_of: dict[tuple[str, str], str] = {}
    for twin in rows(twins):
        key = (twin.detector, twin.source_identifier)
        leader_of[key] = (twin.leading_detector, twin.leading_identifier)
        evidence_of[key] = twin.evidence
    of_weakness = Sighted(sightings, (*PLACE, "first_seen", "first_seen_basis"))
    leading: dict[int, int] = {}
    finders: defaultdict[int, tuple[Finder, ...]] = defaultdict(tuple)
    earlier: dict[int, Row] = {}
    for follower, leader in leader_of.items():
        there = _by_place(of_weakness.of(leader))
        for sighting in of_weakness.of(follower):
            other = _same_place(sighting, there)
            if other is None:
                continue
            at: int = other.Index
            leading[sighting.Index] = at
            finders[at] = (*finders[at], (*follower, evidence_of[follower]))
            earlier[at] = min(earlier.get(at, other), sighting, key=attrgetter("first_seen"))
    told = [finders.get(at, ()) for at in sightings.index]
    whole = sightings.assign(finders=pd.Series(told, index=sightings.index, dtype="object"))
    if leading:
        for name in ("first_seen", "first_seen_basis"):
            whole.loc[list(earlier), name] = [getattr(row, name) for row in earlier.values()]
        whole = whole.drop(index=list(leading))
    return Folded(_with_followers(weaknesses, twins), whole, leading)


def _with_followers(weaknesses: pd.DataFrame, twins: pd.DataFrame) -> pd.DataFrame:
    by_key = {(w.detector, w.source_identifier): w for w in rows(weaknesses)}
    cves = dict(weaknesses["cves"].items())
    kev_due = dict(weaknesses["kev_due"].items())
    for twin in rows(twins):
        leader = by_key[twin.leading_detector, twin.leading_identifier].Index
        follower = by_key[twin.detector, twin.source_identifier]
        cves[leader] = tuple(dict.fromkeys((*cves[leader], *follower.cves)))
        cited = [day for day in (kev_due[leader], follower.kev_due) if pd.notna(day)]
        kev_due[leader] = min(cited, default=None)
    labels = weaknesses.index
    return weaknesses.assign(
        cves=pd.Series(cves, index=labels, dtype="object"),
        kev_due=pd.Series(kev_due, index=labels, dtype="object"),
    )


def _by_place(sightings: list[Row]) -> dict[tuple[str, str, str], list[Row]]:
    places: dict[tuple[str, str, str], list[Row]] = defaultdict(list)
    for sighting in sightings:
        places[_place(sighting)].append(sighting)
    return places


def _place(sighting: Row) -> tuple[str, str, str]:
    page = without_query(sighting.location) if sighting.location else ""
    return sighting.asset_identifier, page, sighting.parameter


def _same_place(sighting: Row, there: dict[tuple[str, str, str], list[Row]]) -> Row | None:
    """Return the sighting in the same place; port 0 is the host as a whole."""
    for other in there.get(_place(sighting), ()):
        if sighting.port == other.port or 0 in (sighting.port, other.port):
            return other
    return None
