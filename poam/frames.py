"""Records to frames: the three tables, their columns and dtypes, and the checks between steps.

`detections` has one row per detection, `definitions` one per detector and source identifier,
`coverage` one per detector and asset scanned, findings or none. Long text is kept once, in
`definitions`. Datetimes in frames are naive and in the site's time zone.
"""

import dataclasses
import logging
from collections import namedtuple
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
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
CHUNK = 10_000
"""Detections that are held as records at a time; the rest are columns."""
STRETCH = 1_000
"""Rows of a frame that are given as Python's own values at a time."""
PART = 100_000
"""Rows that are grouped at a time: while grouped they take ten times their memory."""


@dataclass(frozen=True)
class Tables:
    """What one export, or a whole batch of them, says."""

    detections: pd.DataFrame
    definitions: pd.DataFrame
    coverage: pd.DataFrame


def tables(records: Iterable[Record], file: str, zone: ZoneInfo) -> Tables:
    """Turn one export's records into the three tables; see `chunks`."""
    parts = list(chunks(records, file, zone))
    if len(parts) == 1:
        return parts[0]
    return Tables(
        _stacked([p.detections for p in parts], DETECTIONS),
        parts[-1].definitions,
        parts[-1].coverage,
    )


def chunks(
    records: Iterable[Record], file: str, zone: ZoneInfo, size: int = CHUNK
) -> Iterator[Tables]:
    """Turn one export's records into the three tables, `size` detections at a time.

    Only the last has definitions and coverage: they are few, and an export may give them
    anywhere. Aware datetimes are moved to `zone`, naive ones are taken to be in it.
    `definitions.seen` is the export's newest scan time: where two exports disagree, the newest
    is right.
    """
    findings: list[Finding] = []
    definitions: list[Definition] = []
    scans: list[ScanCoverage] = []
    kept: dict[type, list[Any]] = {
        Finding: findings,
        Definition: definitions,
        ScanCoverage: scans,
    }
    nothing = (
        _frame(Definition, [], DEFINITIONS, file, zone),
        _frame(ScanCoverage, [], COVERAGE, file, zone),
    )
    for record in records:
        kept[type(record)].append(record)
        if len(findings) == size:
            yield Tables(_frame(Finding, findings, DETECTIONS, file, zone), *nothing)
            findings.clear()
    coverage = _frame(ScanCoverage, scans, COVERAGE, file, zone)
    defined = _frame(Definition, definitions, DEFINITIONS, file, zone)
    seen = coverage[["started", "ended"]].max().max()
    defined["seen"] = pd.Series(seen, index=defined.index, dtype=TIME)
    yield Tables(_frame(Finding, findings, DETECTIONS, file, zone), defined, coverage)


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
    """Each row as a named tuple with its label as `Index`: cells are Python's own values.

    Arrow gives one text at a time ten times as slowly as many.
    """
    row: Any = namedtuple("Row", ["Index", *frame.columns])  # type: ignore[misc]  # names are given
    for at in range(0, len(frame), STRETCH):
        part = frame.iloc[at : at + STRETCH]
        columns = [part.index.tolist(), *(part[name].tolist() for name in part)]
        yield from map(row._make, zip(*columns, strict=True))


def by_weakness(
    size: int, frame: pd.DataFrame, *others: pd.DataFrame
) -> Iterator[tuple[pd.DataFrame, ...]]:
    """Yield about `size` rows of a frame at a time, with the rows of the others that belong there.

    All have the columns WEAKNESS. A weakness is never torn apart, and they come in order. Frames of
    less than `size` rows are one part as they are.
    """
    sizes = frame.groupby(WEAKNESS, sort=True).size()
    before = sizes.cumsum() - sizes
    part = (before // size).rename("part")
    if not (before >= size).any():
        yield frame, *others
        return
    parts = [one[WEAKNESS].join(part, on=WEAKNESS)["part"] for one in (frame, *others)]
    for number in part.unique():
        yield tuple(one[of == number] for one, of in zip((frame, *others), parts, strict=True))


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
    kind: type[Record],
    records: Sequence[Record],
    columns: dict[str, str],
    file: str,
    zone: ZoneInfo,
) -> pd.DataFrame:
    """Lay records of one kind out as a table; columns that they do not have are missing."""
    given = {field.name for field in dataclasses.fields(kind)}
    frame: dict[str, pd.Series[Any]] = {}
    for name, dtype in columns.items():
        if name == "file":
            values: list[object] = [file] * len(records)
        elif name not in given:
            values = [None] * len(records)
        elif dtype == TIME:
            values = [_local(value, zone) for value in map(attrgetter(name), records)]
        else:
            values = list(map(attrgetter(name), records))
        frame[name] = pd.Series(values, dtype=dtype)
    return pd.DataFrame(frame)


def _stacked(frames: list[pd.DataFrame], columns: dict[str, str]) -> pd.DataFrame:
    filled = [frame for frame in frames if len(frame)]
    if not filled:
        return pd.DataFrame({c: pd.Series(dtype=d) for c, d in columns.items()})
    return pd.concat(filled, ignore_index=True).astype(columns)


def _local(value: datetime | None, zone: ZoneInfo) -> datetime | None:
    if value is None:
        return None
    try:
        local = value.astimezone(zone) if value.tzinfo else value
    except OverflowError:  # the first day of the calendar and the last stand for no day
        return None
    return local.replace(tzinfo=None, microsecond=0)
