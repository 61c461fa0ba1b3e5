"""Vulnerabilities of Tenable.sc (Security Center) in CSV: the Vulnerability Detail List."""

from collections.abc import Iterator

from parsers.csv import has_columns, rows
from parsers.dates import written_datetime
from parsers.export import Export
from parsers.nessus import DETECTOR
from parsers.tenable_table import Table
from poam.model import Record

NAME = "tenable_sc_csv"
DETECTORS = (DETECTOR,)

EXPORT = (
    "the CSV of a Vulnerability Detail List (in Tenable.sc: Analysis, Vulnerabilities, tool "
    "'Vulnerability Detail List', Export as CSV), as a summary names no hosts"
)
COLUMNS = ("Plugin", "Plugin Name", "Severity")


def recognises(head: bytes) -> bool:
    """Tell an analysis of Tenable.sc by its columns; a summary too, to refuse it in its words."""
    return has_columns(head, *COLUMNS)


def records(export: Export) -> Iterator[Record]:
    """Yield the findings, then each host and plugin."""
    table = Table(export, written_datetime, per_cve=False)
    yield from table.records(rows(export, EXPORT, (*COLUMNS, "IP Address")))
