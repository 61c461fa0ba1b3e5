"""Records to frames: the three tables, their columns and dtypes, and the checks between steps.

`detections` has one row per detection, `definitions` one per detector and source identifier,
`coverage` one per detector and asset scanned, findings or none. Long text is kept once, in
`definitions`. Datetimes in frames are naive and in the site's time zone.
"""

import dataclasses
import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd

from poam.errors import FrameError
from poam.model import Definition, Finding, Record, ScanCoverage

log = logging.getLogger(__name__)

Row = Any
"""One row of a frame as a named tuple; the frame's maker says what columns it has."""

TIME = "datetime64[s]"
DETECTIONS = {
    "detector": "str",
    "source_identifier": "str",
    "kind": "str",
    "present": "bool",
    "asset": "str",
    "location": "str",
    "parameter": "str",
    "port": "Int64",
    "protocol": "str",
    "status": "str",
    "native_severity": "str",
    "first_seen": TIME,
    "last_seen": TIME,
    "locator": "str",
    "file": "str",
}
DEFINITIONS = {
    "detector": "str",
    "source_identifier": "str",
    "name": "str",
    "description": "str",
    "solution": "str",
    "native_severity": "str",
    "cvss2_base": "float64",
    "cvss2_vector": "str",
    "cvss3_base": "float64",
    "cvss3_vector": "str",
    "cvss4_base": "float64",
    "cvss4_vector": "str",
    "cves": "object",
    "cwes": "object",
    "references": "object",
    "family": "str",
    "kev_due": "object",
    "seen": TIME,
    "file": "str",
}
COVERAGE = {
    "detector": "str",
    "asset": "str",
    "ips": "object",
    "fqdns": "object",
    "hostname": "str",
    "netbios": "str",
    "macs": "object",
    "ids": "object",
    "started": TIME,
    "ended": TIME,
    "authenticated": "str",
    "policy": "str",
    "feed_date": "object",
    "locator": "str",
    "file": "str",
}
LISTS = ("cves", "cwes", "references")
WEAKNESS = ["detector", "source_identifier"]
SCAN = ["file", "detector", "asset"]


@dataclass(frozen=True)
class Tables:
    """What one export, or a whole batch of them, says."""

    detections: pd.DataFrame
    definitions: pd.DataFrame
    coverage: pd.DataFrame


def tables(records: Iterable[Record], file: str, zone: ZoneInfo) -> Tables:
    """Turn one export's records into the three tables.

    Aware datetimes are moved to `zone`, naive ones are taken to be in it. `definitions.seen`
    is the export's newest scan time: where two exports disagree, the newest is right.
    """
    rows: dict[type, list[tuple[object, ...]]] = {Finding: [], Definition: [], ScanCoverage: []}
    fields = {kind: [f.name for f in dataclasses.fields(kind)] for kind in rows}
    for record in records:
        kind = type(record)
        rows[kind].append(tuple(_cell(getattr(record, name), zone) for name in fields[kind]))
    coverage = _frame(rows[ScanCoverage], fields[ScanCoverage], COVERAGE, file)
    seen = coverage[["started", "ended"]].max().max()
    definitions = _frame(rows[Definition], fields[Definition], DEFINITIONS, file)
    definitions["seen"] = pd.Series(seen, index=definitions.index, dtype=TIME)
    return Tables(_frame(rows[Finding], fields[Finding], DETECTIONS, file), definitions, coverage)


def merged(batch: Iterable[Tables]) -> Tables:
    """Join the tables of many exports into one batch, whatever their order.

    A definition's fields are each taken from the newest scan that gives one, so that a
    KnowledgeBase file fills what the scans leave out; different names are logged.
    """
    parts = list(batch)
    detections = _stacked([p.detections for p in parts], DETECTIONS)
    coverage = _stacked([p.coverage for p in parts], COVERAGE)
    definitions = _stacked([p.definitions for p in parts], DEFINITIONS)
    return Tables(_in_order(detections), _one_per_identifier(definitions), _in_order(coverage))


def rows(frame: pd.DataFrame) -> Iterator[Row]:
    """Each row as a named tuple with its label as `Index`: cells are of their column's type."""
    return iter(frame.itertuples())


def check(frame: pd.DataFrame, columns: dict[str, str], name: str) -> None:
    """Raise FrameError naming every column that is missing or of another dtype."""
    broken = [
        f"{column} is {frame[column].dtype if column in frame else 'missing'}, expected {dtype}"
        for column, dtype in columns.items()
        if column not in frame or str(frame[column].dtype) != dtype
    ]
    if broken:
        raise FrameError(f"{name}: " + "; ".join(broken) + ".")


def _in_order(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.sort_values(["file", "locator"], kind="stable", ignore_index=True)


def _one_per_identifier(definitions: pd.DataFrame) -> pd.DataFrame:
    names = definitions.groupby(WEAKNESS)["name"].nunique()
    for key in names[names > 1].index:
        log.info("%s %s has several names; the newest scan's is used", *key)
    newest = definitions.sort_values(
        ["seen", "file"], ascending=[False, True], kind="stable", na_position="last"
    )
    for column in LISTS:
        newest[column] = newest[column].map(lambda values: values or None)
    out = newest.groupby(WEAKNESS, as_index=False, sort=True).first()
    for column in LISTS:
        out[column] = out[column].map(lambda values: values if isinstance(values, tuple) else ())
    return out[list(DEFINITIONS)].astype(DEFINITIONS)


def _frame(
    rows: list[tuple[object, ...]], fields: list[str], columns: dict[str, str], file: str
) -> pd.DataFrame:
    frame = pd.DataFrame.from_records(rows, columns=fields).assign(file=file)
    for column in columns:
        if column not in frame:
            frame[column] = None
    return frame[list(columns)].astype(columns)


def _stacked(frames: list[pd.DataFrame], columns: dict[str, str]) -> pd.DataFrame:
    filled = [frame for frame in frames if len(frame)]
    if not filled:
        return pd.DataFrame({c: pd.Series(dtype=d) for c, d in columns.items()})
    return pd.concat(filled, ignore_index=True).astype(columns)


def _cell(value: object, zone: ZoneInfo) -> object:
    if isinstance(value, datetime):
        try:
            local = value.astimezone(zone) if value.tzinfo else value
        except OverflowError:  # the first day of the calendar and the last stand for no day
            return None
        return local.replace(tzinfo=None, microsecond=0)
    return value
