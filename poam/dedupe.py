"""Detections to weaknesses: one per detector and source identifier, with every affected asset."""

import logging
from datetime import date

import pandas as pd

from poam.classes import WeaknessClass, classify
from poam.frames import LISTS, PART, SCAN, WEAKNESS, Row, by_weakness, rows
from poam.identifiers import series_of, source_identifier
from poam.model import Authenticated, Kind
from poam.policy import Policy

log = logging.getLogger(__name__)

SIGHTING = [*WEAKNESS, "asset_identifier", "location", "parameter", "port", "protocol"]
# The best evidence of several scans of one asset counts.
DEPTH = {
    a.value: depth
    for depth, a in enumerate(
        (Authenticated.UNKNOWN, Authenticated.NO, Authenticated.PARTIAL, Authenticated.YES)
    )
}
AUTHENTICATED = {depth: name for name, depth in DEPTH.items()}
# Where records of one place differ, it is what asks for most.
KIND_RANK = {Kind.INFORMATIONAL.value: 0, Kind.CONFIGURATION.value: 1, Kind.VULNERABILITY.value: 2}
KIND_OF_RANK = {rank: kind for kind, rank in KIND_RANK.items()}


def sightings(
    detections: pd.DataFrame,
    coverage: pd.DataFrame,
    known: pd.DataFrame,
    as_of: date,
    policy: Policy,
    size: int = PART,
) -> pd.DataFrame:
    """One row per weakness, asset, location and port: seen or verified gone, since when.

    `detections` and `coverage` with `asset_identifier`; `known` is the ledger's memory, with the
    key columns, `first_seen`, `last_seen` and `last_clean`. Out: the key (`location`, `parameter`
    and `protocol` "", `port` 0 where none), `kind`, `present`, `native_severity`, `first_seen` and
    `last_seen` (days), `first_seen_basis`, `authenticated`, `file`, `locator`, and `detections`
    (how many records were folded).

    First seen is the earliest of the scan's end and, as `timelines.detection` lets them count, the
    scanner's first-found and the ledger's first-seen; a record with no date at all gets `as_of`,
    and its basis says so. When one batch sees a weakness and another export of the batch calls it
    fixed, the later of the two holds. What was proven clean in between began anew: no date of
    before counts. About `size` detections are worked on at a time.
    Source: POA&M Template Completion Guide v2.2 p. 4; ConMon Strategy Guide v3.2 p. 25.
    """
    parts = [
        _sightings(part, coverage, remembered, as_of, policy)
        for part, remembered in by_weakness(size, detections, known)
    ]
    return pd.concat(parts, ignore_index=True)


def _sightings(
    detections: pd.DataFrame,
    coverage: pd.DataFrame,
    known: pd.DataFrame,
    as_of: date,
    policy: Policy,
) -> pd.DataFrame:
    counts = policy.timelines.detection.counts
    rows = _begun_anew(_dated(detections, coverage, as_of, "first_found" in counts), known)
    rows["kind_rank"] = rows["kind"].map(KIND_RANK)
    rows["severity_rank"], code_of = _severity_ranks(rows, policy)
    rows = rows.sort_values([*SIGHTING, "last_seen", "present", "file", "locator"], kind="stable")
    grouped = rows.groupby(SIGHTING, sort=True)
    out = grouped.agg(
        kind_rank=("kind_rank", "max"),
        present=("present", "last"),
        severity_rank=("severity_rank", "max"),
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
    out["kind"] = out.pop("kind_rank").map(KIND_OF_RANK).astype("str")
    out["native_severity"] = out.pop("severity_rank").map(code_of).astype("str")
    out = out.reset_index()
    return _with_memory(out, known) if "ledger" in counts else out


def _severity_ranks(
    detections: pd.DataFrame, policy: Policy
) -> tuple["pd.Series[float]", dict[float, str]]:
    """Return a number per detection, the greater the worse its own severity, and their codes.

    A code that its scanner's table does not know counts as the worst, so that it shows.
    """
    stated = detections[["detector", "native_severity"]].drop_duplicates().dropna()
    pairs = []
    for detector, code in stated.itertuples(index=False):
        scanner = policy.scanner(detector)
        codes = list(scanner.severity.codes) if scanner else []
        pairs.append((-codes.index(code) if code in codes else 1, code, detector))
    ranks = {(detector, code): float(n) for n, (_, code, detector) in enumerate(sorted(pairs))}
    keys = pd.MultiIndex.from_frame(detections[["detector", "native_severity"]])
    values = pd.Series(keys.map(ranks), index=detections.index, dtype="float64")
    return values, {rank: code for (_, code), rank in ranks.items()}


def with_parameters(
    detections: pd.DataFrame, definitions: pd.DataFrame, policy: Policy
) -> pd.DataFrame:
    """Keep `parameter` where it is part of what is wrong: in injections and the like.

    For other classes of weakness scanners name whatever they looked at (ZAP the header's name), and
    the page alone is the place.
    """
    kept = [
        (row.detector, row.source_identifier)
        for row in rows(definitions[[*WEAKNESS, "name"]])
        if (one := _class_of(row, policy)) and one.parameter
    ]
    pairs = pd.MultiIndex.from_frame(detections[WEAKNESS])
    injected = pairs.isin(kept) if kept else pd.Series(data=False, index=detections.index)
    # As a line of the Asset Identifier cell can hold it: `URL (parameter: q)`.
    plain = detections["parameter"].str.replace(r"[()\[\]\s]+", " ", regex=True).str.strip()
    return detections.assign(parameter=plain.where(injected))


def _class_of(row: Row, policy: Policy) -> WeaknessClass | None:
    series = series_of(row.detector, policy)
    identifier = source_identifier(row.source_identifier, policy, row.detector)
    name = row.name if isinstance(row.name, str) else ""
    return classify(series, identifier, name, policy.weakness_classes)


def weaknesses(sightings: pd.DataFrame, definitions: pd.DataFrame, policy: Policy) -> pd.DataFrame:
    """One row per detector and source identifier that the batch saw, with its definition.

    Adds to the definition's columns `kind`, `first_seen`, `last_seen` and `assets` (how many
    distinct assets show it). A weakness that was only seen fixed is not in it. Where its
    detections have severities of their own, the worst is the weakness's. A definition without a
    name is called by its identifier (`QID 38913`), with a warning: it is never dropped.
    """
    present = sightings[sightings["present"]]
    ranked = present.assign(kind_rank=present["kind"].map(KIND_RANK))
    grouped = ranked.groupby(WEAKNESS, sort=True)
    seen = grouped.agg(
        kind_rank=("kind_rank", "max"),
        first_seen=("first_seen", "min"),
        last_seen=("last_seen", "max"),
        assets=("asset_identifier", "nunique"),
    ).reset_index()
    seen["kind"] = seen.pop("kind_rank").map(KIND_OF_RANK).astype("str")
    out = named(seen.merge(definitions, on=WEAKNESS, how="left", validate="1:1"), policy)
    out["native_severity"] = _worst_severity(present, policy, out)
    for column in LISTS:
        out[column] = out[column].map(lambda values: values if isinstance(values, tuple) else ())
    return out


def named(weaknesses: pd.DataFrame, policy: Policy) -> pd.DataFrame:
    """Fill `name`, where no export gives one, with the identifier: `QID 38913`. Warns of each."""
    out = weaknesses.copy()
    for at in out.index[out["name"].isna()]:
        detector, identifier = out.loc[at, WEAKNESS]
        scanner = policy.scanner(detector)
        out.loc[at, "name"] = f"{scanner.identifier_word if scanner else detector} {identifier}"
        log.warning("%s %s has no name in any export", detector, identifier)
    return out


def _worst_severity(
    present: pd.DataFrame, policy: Policy, weaknesses: pd.DataFrame
) -> "pd.Series[str]":
    """Return each weakness's severity: the worst its detections state, else its definition's."""
    stated = present.dropna(subset=["native_severity"])
    out = weaknesses["native_severity"].copy()
    own = stated.groupby(WEAKNESS)["native_severity"].unique()
    for at, *key in weaknesses[WEAKNESS].itertuples():
        codes = own.get(tuple(key))
        scanner = policy.scanner(key[0])
        if codes is not None and scanner is not None:
            out.loc[at] = scanner.severity.worst(codes)
    return out


def _dated(
    detections: pd.DataFrame, coverage: pd.DataFrame, as_of: date, first_found: bool
) -> pd.DataFrame:
    scans = coverage.assign(
        scanned=coverage["ended"].fillna(coverage["started"]),
        depth=coverage["authenticated"].map(DEPTH).astype("float64"),
    )
    per_scan = scans.groupby(SCAN, as_index=False).agg(
        scanned=("scanned", "max"), depth=("depth", "max")
    )
    rows = detections.merge(per_scan, on=SCAN, how="left")
    rows["depth"] = rows["depth"].fillna(DEPTH[Authenticated.UNKNOWN]).astype(int)
    for column in ("location", "parameter"):
        rows[column] = rows[column].fillna("")
    rows["protocol"] = rows["protocol"].fillna("").where(rows["port"].notna(), "")
    rows["port"] = rows["port"].fillna(0).astype(int)
    basis = pd.Series("scan date", index=rows.index, dtype="str")
    basis = basis.mask(rows["scanned"].isna(), "the export has no date: as-of date")
    scanned = rows["scanned"].fillna(pd.Timestamp(as_of))
    # A record of a fix keeps the day of the last finding; the scan is what saw it gone.
    seen = rows["last_seen"].where(rows["present"]).fillna(scanned)
    rows["last_seen"] = seen.dt.normalize()
    own = rows["first_seen"].notna() & (rows["first_seen"] <= scanned) & first_found
    rows["first_seen_basis"] = basis.mask(own, "the scanner's first-found date")
    rows["first_seen"] = rows["first_seen"].where(own, scanned).dt.normalize()
    return rows


def _begun_anew(detections: pd.DataFrame, known: pd.DataFrame) -> pd.DataFrame:
    """Date what an earlier run proved clean, and a later scan shows, by that scan."""
    clean = known[known["last_clean"].notna()].groupby(SIGHTING)["last_clean"].max()
    day = detections.merge(clean.reset_index(), on=SIGHTING, how="left")["last_clean"].set_axis(
        detections.index
    )
    anew = (detections["first_seen"] <= day) & (detections["last_seen"] > day)
    since = "the first scan since it was proven clean on " + day.dt.strftime("%Y-%m-%d")
    return detections.assign(
        first_seen=detections["first_seen"].mask(anew, detections["last_seen"]),
        first_seen_basis=detections["first_seen_basis"].mask(anew, since),
    )


def _with_memory(seen: pd.DataFrame, known: pd.DataFrame) -> pd.DataFrame:
    over = known["last_clean"].notna() & (known["last_clean"] >= known["last_seen"])
    memory = known.loc[~over, [*SIGHTING, "first_seen"]]
    memory = memory.rename(columns={"first_seen": "remembered"})
    memory = memory.groupby(SIGHTING)[["remembered"]].min().reset_index()
    out = seen.merge(memory, on=SIGHTING, how="left", validate="1:1")
    earlier = out["remembered"].notna() & (out["remembered"] < out["first_seen"])
    out["first_seen"] = out["first_seen"].mask(earlier, out["remembered"])
    out["first_seen_basis"] = out["first_seen_basis"].mask(earlier, "the ledger's first-seen date")
    return out.drop(columns="remembered")
