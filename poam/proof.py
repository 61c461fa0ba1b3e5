"""Whether a scan proves that a weakness is gone from an asset."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property

import pandas as pd

from poam.asset_lines import AssetLine
from poam.changes import Cleaned
from poam.dedupe import DEPTH, SIGHTING
from poam.frames import WEAKNESS, rows
from poam.identifiers import of_images, source_identifier
from poam.model import Authenticated
from poam.policy import Policy
from poam.sighted import cells


@dataclass(frozen=True, slots=True)
class Scan:
    """The deepest and newest look a detector took at one asset in this batch."""

    ended: date | None
    authenticated: Authenticated
    file: str


@dataclass(frozen=True, slots=True)
class Memory:
    """What earlier runs recorded of a weakness on an asset."""

    last_seen: date
    authenticated: Authenticated
    first_clean: date | None = None


@dataclass(frozen=True, slots=True)
class Fix:
    """A scanner's own report that a weakness is gone from one place of an asset."""

    day: date
    location: str
    parameter: str
    port: int
    locator: str

    def covers(self, line: AssetLine) -> bool:
        """Whether it speaks of the place that a line names."""
        same_page = line.location in ("", self.location)
        return same_page and line.parameter in ("", self.parameter) and line.port in (0, self.port)


@dataclass(frozen=True, slots=True)
class Verdict:
    """`gone` with the proof in words and its day, or not, with what is missing.

    `confirmed` where as many scans prove it as the policy asks for.
    """

    gone: bool
    because: str
    day: date | None = None
    confirmed: bool = True


@dataclass(frozen=True)
class ScanRecord:
    """All that proves absence: this batch's scans and failures, and the ledger's memory.

    `scans` by (detector, asset); `failed` names, by detector, the files that could not be read,
    with "" for files of no known detector; `memory` by (detector, source identifier), then by
    asset; `fixed`, the scanner's own reports of a fix, by (detector, source identifier, asset).
    `confirm` is in how many scans, each on a day of its own, a weakness must be absent; `seen` are
    the container images on which this batch shows a weakness, by (detector, source identifier).
    """

    scans: Mapping[tuple[str, str], Scan]
    failed: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    memory: Mapping[tuple[str, str], Mapping[str, Memory]] = field(default_factory=dict)
    fixed: Mapping[tuple[str, str, str], tuple[Fix, ...]] = field(default_factory=dict)
    confirm: int = 1
    seen: Mapping[tuple[str, str], Collection[str]] = field(default_factory=dict)

    def was_scanned(self, asset: str) -> bool:
        """Whether any detector looked at an asset in this batch."""
        return asset in self.scanned

    @cached_property
    def scanned(self) -> frozenset[str]:
        """The assets that any detector looked at in this batch."""
        return frozenset(asset for _, asset in self.scans)

    def witnesses(
        self, identifiers: Mapping[str, tuple[str, ...]], asset: str
    ) -> Mapping[str, tuple[str, ...]]:
        """The detectors that must prove a weakness gone from an asset, each with its identifiers.

        Those that found it there, as far as earlier runs remember; all of an item where none do.
        """
        found = {
            detector: names
            for detector, names in identifiers.items()
            if any(asset in self.memory.get((detector, name), ()) for name in names)
        }
        return found or identifiers

    def verdict(
        self,
        detector: str,
        identifiers: tuple[str, ...],
        asset: str,
        line: AssetLine,
        detected: date | None,
    ) -> Verdict:
        """Say whether none of this detector's `identifiers` is on an asset any more, and why.

        `line` is the asset as the item lists it, `asset` its identifier.

        Gone needs: every input file of the detector read; the asset scanned by the same detector,
        not before the weakness was last seen or, without memory, `detected`; and as deep a look
        as the one that found it. A scan that did not log in proves nothing about a weakness that
        one that did had found, nor where no earlier run recorded how it was found.
        Source: FedRAMP ConMon Performance Management Guide v3.0; RA-5(5).
        """
        unread = [*self.failed.get(detector, ()), *self.failed.get("", ())]
        if unread:
            return Verdict(False, f"{', '.join(unread)} could not be read")
        keys = [(detector, name, asset) for name in identifiers]
        kept = (self.memory.get((detector, name), {}).get(asset) for name in identifiers)
        known = [memory for memory in kept if memory]
        sighted = max((m.last_seen for m in known), default=detected)
        fixes = [self._fix(key, line, sighted) for key in keys]
        if all(fixes) and fixes[0]:
            words = f"{detector} reports it fixed on {asset} ({fixes[0].locator})"
            return self._confirmed(words, fixes[0].day, known)
        scan = self.scans.get((detector, asset))
        if scan is None:
            return Verdict(False, f"{asset} was not scanned by {detector}")
        if scan.ended is None:
            return Verdict(False, f"the {detector} scan of {asset} has no date ({scan.file})")
        if sighted is not None and scan.ended < sighted:
            return Verdict(
                False,
                f"the {detector} scan of {asset} on {scan.ended} is older than the last sighting "
                f"on {sighted}",
            )
        before = max((m.authenticated for m in known), key=_depth, default=Authenticated.UNKNOWN)
        if not _deep_enough(before, scan.authenticated):
            found = f", as the scan that found it did ({before})"
            was = "" if before is Authenticated.UNKNOWN else found
            return Verdict(
                False,
                f"the {detector} scan of {asset} on {scan.ended} did not log in fully "
                f"(authenticated: {scan.authenticated}){was}",
            )
        words = (
            f"{detector} scanned {asset} on {scan.ended} (authenticated: {scan.authenticated}, "
            f"{scan.file}) without finding it"
        )
        return self._confirmed(words, scan.ended, known)

    def _confirmed(self, words: str, day: date, known: Sequence[Memory]) -> Verdict:
        """Say whether an earlier scan, since the last sighting, found a weakness gone, too."""
        if self.confirm == 1:
            return Verdict(True, words, day)
        seen = max((m.last_seen for m in known), default=day)
        clean = max((m.first_clean for m in known if m.first_clean), default=day)
        if seen < clean < day:
            return Verdict(True, f"{words}, nor did the scan of {clean}", day)
        return Verdict(True, f"{words}; a scan on another day must confirm it", day, False)

    def _fix(self, key: tuple[str, str, str], line: AssetLine, sighted: date | None) -> Fix | None:
        for fix in self.fixed.get(key, ()):
            if fix.covers(line) and (sighted is None or fix.day >= sighted):
                return fix
        return None


def scan_record(
    coverage: pd.DataFrame,
    sightings: pd.DataFrame,
    memory: pd.DataFrame,
    failed: Mapping[str, tuple[str, ...]],
    policy: Policy,
) -> ScanRecord:
    """Gather what proves absence. Frames as `poam.frames`, `poam.dedupe` and the ledger give them.

    Of several scans of one asset by one detector the deepest counts, and of those the newest; a
    scan without an end counts by its start.
    """
    fixed: dict[tuple[str, str, str], tuple[Fix, ...]] = {}
    reported = sightings[~sightings["present"]]
    for key, row in zip(_keys(reported, policy), rows(reported), strict=True):
        place = (row.location, row.parameter, row.port)
        fix = Fix(row.last_seen.date(), *place, row.locator)
        fixed[key] = (*fixed.get(key, ()), fix)
    confirm = policy.timelines.closing.confirm_scans
    seen: dict[tuple[str, str], set[str]] = defaultdict(set)
    shown = of_images(sightings["detector"], policy)
    for detector, identifier, asset in _keys(sightings[sightings["present"] & shown], policy):
        seen[detector, identifier].add(asset)
    known = _known(memory, policy)
    return ScanRecord(_scans_by_asset(coverage), failed, known, fixed, confirm, seen)


def _known(memory: pd.DataFrame, policy: Policy) -> Mapping[tuple[str, str], Mapping[str, Memory]]:
    """Return what is remembered: of several places of an asset the newest and deepest."""
    told = ["last_seen", "authenticated", "first_clean"]
    ordered = memory[[*WEAKNESS, "asset_identifier", *told]].sort_values("last_seen", kind="stable")
    facts = ordered[told]
    number = facts.groupby(list(facts), dropna=False, sort=False).ngroup()
    memories = {  # few are different, however many places there are
        at: Memory(seen.date(), Authenticated(how), None if pd.isna(clean) else clean.date())
        for at, seen, how, clean in facts.assign(at=number)
        .drop_duplicates()[["at", *facts]]
        .itertuples(index=False)
    }
    known: dict[tuple[str, str], dict[str, Memory]] = defaultdict(dict)
    for (detector, name, asset), at in zip(_keys(ordered, policy), number.tolist(), strict=True):
        of, now = known[detector, name], memories[at]
        before = of.get(asset)
        of[asset] = now if before is None or before is now else _joined(before, now)
    return known


def _joined(before: Memory, now: Memory) -> Memory:
    deepest = max(now.authenticated, before.authenticated, key=_depth)
    clean = [day for day in (now.first_clean, before.first_clean) if day]
    return Memory(now.last_seen, deepest, min(clean, default=None))


def _keys(frame: pd.DataFrame, policy: Policy) -> Iterator[tuple[str, str, str]]:
    """Yield each row's detector, source identifier as the policy spells it, and asset."""
    columns = [cells(frame[name]) for name in (*WEAKNESS, "asset_identifier")]
    spelled: dict[tuple[str, str], str] = {}
    for detector, number, asset in zip(*columns, strict=True):
        identifier = spelled.get((detector, number))
        if identifier is None:
            identifier = source_identifier(number, policy, detector)
            spelled[detector, number] = identifier
        yield detector, identifier, asset


def _scans_by_asset(coverage: pd.DataFrame) -> dict[tuple[str, str], Scan]:
    dated = coverage.assign(
        day=coverage["ended"].fillna(coverage["started"]),
        depth=coverage["authenticated"].map(DEPTH),
    )
    ordered = dated.sort_values(["depth", "day", "file"], kind="stable", na_position="first")
    best = ordered.groupby(["detector", "asset_identifier"]).tail(1)
    return {
        (row.detector, row.asset_identifier): Scan(
            ended=None if pd.isna(row.day) else row.day.date(),
            authenticated=Authenticated(row.authenticated),
            file=row.file,
        )
        for row in rows(best)
    }


def _deep_enough(before: Authenticated, now: Authenticated) -> bool:
    if now is Authenticated.YES or before is Authenticated.NO:
        return True
    if before is Authenticated.UNKNOWN:
        return now is Authenticated.UNKNOWN
    return before is Authenticated.PARTIAL and now is Authenticated.PARTIAL


def _depth(authenticated: Authenticated) -> int:
    return DEPTH[authenticated.value]


def cleaned_of_no_item(
    memory: pd.DataFrame, sightings: pd.DataFrame, record: ScanRecord
) -> tuple[Cleaned, ...]:
    """The places that a batch proves clean of a weakness that has no item: one that is held.

    `memory` is the ledger's, `sightings` those of the batch.
    """
    seen = pd.MultiIndex.from_frame(sightings.loc[sightings["present"], SIGHTING])
    without = memory[memory["poam_id"] == ""]
    places = without[~pd.MultiIndex.from_frame(without[SIGHTING]).isin(seen)]
    found = []
    for row in rows(places):
        place = (row.location, row.parameter, row.port)
        line = AssetLine(row.asset_identifier, row.asset_identifier, row.port, "", *place[:2])
        verdict = record.verdict(
            row.detector, (row.source_identifier,), row.asset_identifier, line, None
        )
        if verdict.gone and verdict.day:
            key = ((row.detector, row.source_identifier),)
            found.append(Cleaned("", row.asset_identifier, *place, verdict.day, key))
    return tuple(found)
