"""Findings of Tenable Vulnerability Management (Tenable.io) in CSV, with old or new names."""

from collections.abc import Iterator
from itertools import chain

from parsers.csv import columns, has_columns, rows
from parsers.dates import iso_datetime
from parsers.export import Export
from parsers.nessus import DETECTOR
from parsers.tenable import SCAN_COLUMNS, VM_COLUMNS, WEB_COLUMN
from parsers.tenable_table import Table
from poam.model import Record

NAME = "tenable_vm_csv"
DETECTORS = (DETECTOR,)

EXPORT = "a complete CSV export of Tenable Vulnerability Management"
COLUMNS = ("Port", "Protocol")


def recognises(head: bytes) -> bool:
    """Tell the export of a scan, with columns of Nessus and more, or the one of findings."""
    scan = columns(head, *SCAN_COLUMNS)
    findings = has_columns(head, *COLUMNS, "definition.id", "asset.id")
    return findings or (bool(scan & VM_COLUMNS) and WEB_COLUMN not in scan)


def records(export: Export) -> Iterator[Record]:
    """Yield the findings, then each host and plugin."""
    found = rows(export, EXPORT, COLUMNS)
    first = next(found, None)
    if first is not None:
        # The export of a scan repeats a finding for each CVE; the one of findings does not.
        table = Table(export, iso_datetime, per_cve="plugin id" in first.cells)
        yield from table.records(chain([first], found))
