"""Detections to weaknesses: one per detector and source identifier, with every affected asset."""

import logging
from datetime import date

import pandas as pd

from poam.frames import LISTS, SCAN, WEAKNESS
from poam.model import Authenticated, Kind
from poam.policy import Policy

log = logging.getLogger(__name__)

SIGHTING = [*WEAKNESS, "asset_identifier", "location", "port", "protocol"]
# The best evidence of several scans of one asset counts.
DEPTH = {
    a.value: depth
    for depth, a in enumerate(
        (Authenticated.UNKNOWN, Authenticated.NO, Authenticated.PARTIAL, Authenticated.YES)
    )
}
AUTHENTICATED = {depth: name for name, depth in DEPTH.items()}


def sightings(
    detections: pd.DataFrame, coverage: pd.DataFrame, known: pd.DataFrame, as_of: date
) -> pd.DataFrame:
    """One row per weakness, asset, location and port: seen or verified gone, since when.

    `detections` and `coverage` with `asset_identifier`; `known` is the ledger's memory, with the
    key columns and `first_seen`. Out: the key (`location` "", `port` 0 and `protocol` "" where
    none), `kind`, `present`, `first_seen` and `last_seen` (days), `first_seen_basis`,
    `authenticated`, `file`, `locator`, `detections` (how many records were folded).

    First seen is the earliest of the scanner's first-found, the ledger's first-seen and the scan's
    end; a record with no date at all gets `as_of`, and its basis says so. When one batch sees a
    weakness and another export of the batch calls it fixed, the later of the two holds.
    Source: POA&M Template Completion Guide v2.2 p. 4; ConMon Strategy Guide v3.2 p. 25.
    """
    rows = _dated(detections, coverage, as_of)
    rows = rows.sort_values([*SIGHTING, "last_seen", "present", "file", "locator"], kind="stable")
    grouped = rows.groupby(SIGHTING, sort=True)
    out = grouped.agg(
        kind=("kind", "last"),
        present=("present", "last"),
        last_seen=("last_seen", "last"),
        depth=("depth", "max"),
        file=("file", "last"),
        locator=("locator", "last"),
        detections=("file", "size"),
    )
    earliest = rows.sort_values("first_seen", kind="stable").groupby(SIGHTING, sort=True)
    out["first_seen"] = earliest["first_seen"].first()
    out["first_seen_basis"] = earliest["first_seen_basis"].first()
    out["authenticated"] = out.pop("depth").map(AUTHENTICATED).astype("str")
    return _with_memory(out.reset_index(), known)


def weaknesses(sightings: pd.DataFrame, definitions: pd.DataFrame, policy: Policy) -> pd.DataFrame:
    """One row per detector and source identifier that the batch saw, with its definition.

    Adds to the definition's columns `kind`, `first_seen`, `last_seen` and `assets` (how many
    distinct assets show it). A weakness that was only seen fixed is not in it. A definition
    without a name is called by its identifier (`QID 38913`), with a warning: it is never dropped.
    """
    present = sightings[sightings["present"]]
    grouped = present.groupby(WEAKNESS, sort=True)
    seen = grouped.agg(
        kind=("kind", _worst_kind),
        first_seen=("first_seen", "min"),
        last_seen=("last_seen", "max"),
        assets=("asset_identifier", "nunique"),
    ).reset_index()
    out = seen.merge(definitions, on=WEAKNESS, how="left", validate="1:1")
    for at in out.index[out["name"].isna()]:
        detector, identifier = out.loc[at, WEAKNESS]
        scanner = policy.scanner(detector)
        out.loc[at, "name"] = f"{scanner.identifier_word if scanner else detector} {identifier}"
        log.warning("%s %s has no name in any export", detector, identifier)
    for column in LISTS:
        out[column] = out[column].map(lambda values: values if isinstance(values, tuple) else ())
    return out


def _dated(detections: pd.DataFrame, coverage: pd.DataFrame, as_of: date) -> pd.DataFrame:
    scans = coverage.assign(
        scanned=coverage["ended"].fillna(coverage["started"]),
        depth=coverage["authenticated"].map(DEPTH).astype("float64"),
    )
    per_scan = scans.groupby(SCAN, as_index=False).agg(
        scanned=("scanned", "max"), depth=("depth", "max")
    )
    rows = detections.merge(per_scan, on=SCAN, how="left")
    rows["depth"] = rows["depth"].fillna(DEPTH[Authenticated.UNKNOWN]).astype(int)
    rows["location"] = rows["location"].fillna("")
    rows["protocol"] = rows["protocol"].fillna("").where(rows["port"].notna(), "")
    rows["port"] = rows["port"].fillna(0).astype(int)
    basis = pd.Series("scan date", index=rows.index, dtype="str")
    basis = basis.mask(rows["scanned"].isna(), "the export has no date: as-of date")
    scanned = rows["scanned"].fillna(pd.Timestamp(as_of))
    # A record of a fix keeps the day of the last finding; the scan is what saw it gone.
    seen = rows["last_seen"].where(rows["present"]).fillna(scanned)
    rows["last_seen"] = seen.dt.normalize()
    own = rows["first_seen"].notna() & (rows["first_seen"] <= scanned)
    rows["first_seen_basis"] = basis.mask(own, "the scanner's first-found date")
    rows["first_seen"] = rows["first_seen"].where(own, scanned).dt.normalize()
    return rows


def _with_memory(seen: pd.DataFrame, known: pd.DataFrame) -> pd.DataFrame:
    memory = known[[*SIGHTING, "first_seen"]].rename(columns={"first_seen": "remembered"})
    memory = memory.groupby(SIGHTING)[["remembered"]].min().reset_index()
    out = seen.merge(memory, on=SIGHTING, how="left", validate="1:1")
    earlier = out["remembered"].notna() & (out["remembered"] < out["first_seen"])
    out["first_seen"] = out["first_seen"].mask(earlier, out["remembered"])
    out["first_seen_basis"] = out["first_seen_basis"].mask(earlier, "the ledger's first-seen date")
    return out.drop(columns="remembered")


def _worst_kind(kinds: pd.Series) -> str:
    order = (Kind.VULNERABILITY, Kind.CONFIGURATION, Kind.INFORMATIONAL)
    return next(kind.value for kind in order if kind in set(kinds))
