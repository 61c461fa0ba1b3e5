"""Whether a scan proves that a weakness is gone from an asset."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

import pandas as pd

from poam.assets import AssetLine
from poam.dedupe import DEPTH
from poam.frames import Row, rows
from poam.identifiers import source_identifier
from poam.model import Authenticated
from poam.policy import Policy


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
    """`gone` with the proof in words and its day, or not, with what is missing."""

    gone: bool
    because: str
    day: date | None = None


@dataclass(frozen=True)
class ScanRecord:
    """All that proves absence: this batch's scans and failures, and the ledger's memory.

    `scans` by (detector, asset); `failed` names, by detector, the files that could not be read,
    with "" for files of no known detector; `memory` and `fixed` by (detector, source identifier,
    asset), `fixed` holding the scanner's own reports of a fix.
    """

    scans: Mapping[tuple[str, str], Scan]
    failed: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    memory: Mapping[tuple[str, str, str], Memory] = field(default_factory=dict)
    fixed: Mapping[tuple[str, str, str], tuple[Fix, ...]] = field(default_factory=dict)

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
        known = [self.memory[key] for key in keys if key in self.memory]
        sighted = max((m.last_seen for m in known), default=detected)
        fixes = [self._fix(key, line, sighted) for key in keys]
        if all(fixes) and fixes[0]:
            words = f"{detector} reports it fixed on {asset} ({fixes[0].locator})"
            return Verdict(True, words, fixes[0].day)
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
            found = f" and was found by one that did ({before})"
            was = "" if before is Authenticated.UNKNOWN else found
            return Verdict(
                False,
                f"the {detector} scan of {asset} on {scan.ended} did not log in fully "
                f"(authenticated: {scan.authenticated}){was}",
            )
        return Verdict(
            True,
            f"{detector} scanned {asset} on {scan.ended} (authenticated: {scan.authenticated}, "
            f"{scan.file}) without finding it",
            scan.ended,
        )

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
    known: dict[tuple[str, str, str], Memory] = {}
    for row in rows(memory.sort_values("last_seen", kind="stable")):
        key = _key(row, policy)
        before = known.get(key)
        deepest = max(
            [Authenticated(row.authenticated), *([before.authenticated] if before else [])],
            key=_depth,
        )
        known[key] = Memory(row.last_seen.date(), deepest)
    fixed: dict[tuple[str, str, str], tuple[Fix, ...]] = {}
    for row in rows(sightings[~sightings["present"]]):
        key = _key(row, policy)
        place = (row.location, row.parameter, row.port)
        fix = Fix(row.last_seen.date(), *place, row.locator)
        fixed[key] = (*fixed.get(key, ()), fix)
    return ScanRecord(_scans_by_asset(coverage), failed, known, fixed)


def _key(row: Row, policy: Policy) -> tuple[str, str, str]:
    identifier = source_identifier(row.source_identifier, policy, row.detector)
    return row.detector, identifier, row.asset_identifier


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
