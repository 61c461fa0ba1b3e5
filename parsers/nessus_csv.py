"""Scans of Nessus in CSV, with the default columns or with all."""

from collections.abc import Iterator

from parsers.csv import columns, rows
from parsers.dates import iso_datetime
from parsers.export import Export
from parsers.nessus import DETECTOR
from parsers.tenable import SCAN_COLUMNS, VM_COLUMNS, WEB_COLUMN
from parsers.tenable_table import Table
from poam.model import Record

NAME = "nessus_csv"
DETECTORS = (DETECTOR,)

EXPORT = "a complete CSV export of Nessus"
COLUMNS = SCAN_COLUMNS


def recognises(head: bytes) -> bool:
    """Tell a scan of Nessus by its columns."""
    found = columns(head, *COLUMNS)
    return bool(found) and not found & {*VM_COLUMNS, WEB_COLUMN}


def records(export: Export) -> Iterator[Record]:
    """Yield one finding for the rows of all its CVEs, then each host and plugin."""
    table = Table(export, iso_datetime, per_cve=True)
    yield from table.records(rows(export, EXPORT, COLUMNS))
