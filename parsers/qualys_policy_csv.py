"""Qualys policy compliance reports as CSV. Written from the documented columns."""

from collections.abc import Iterator, Mapping

from parsers import csv
from parsers.definitions import SeenDefinitions
from parsers.export import Export
from parsers.qualys_policy import DETECTOR, Host
from parsers.text import plain_text, stated
from poam.model import Definition, Record

NAME = "qualys_policy_csv"
DETECTORS = (DETECTOR,)

EXPORT = "a complete policy compliance report of Qualys as CSV"
COLUMNS = ("Host IP", "Status", "Technology")

_RESULT = {
    "CID": ("Control ID", "CID"),
    "STATUS": ("Status",),
    "EXCEPTION": ("Exception Status",),
    "CRITICALITY": ("Criticality Value", "Criticality", "Criticality Label"),
    "TECHNOLOGY": ("Technology",),
    "INSTANCE": ("Instance",),
    "FIRST_FAIL_DATE": ("First Fail Date",),
    "LAST_FAIL_DATE": ("Last Fail Date",),
    "LAST_PASS_DATE": ("Last Pass Date",),
}
_HOST = {
    "ID": ("Qualys Host ID",),
    "IP": ("Host IP",),
    "IPV6": ("IPv6",),
    "DNS": ("DNS Hostname",),
    "NETBIOS": ("NetBIOS Hostname",),
    "LAST_SCAN_DATE": ("Last Scan Date",),
}


def recognises(head: bytes) -> bool:
    """Tell the report by its columns."""
    return csv.has_columns(head, *COLUMNS)


def records(export: Export) -> Iterator[Record]:
    """Yield definitions and findings, then the coverage of each host."""
    seen = SeenDefinitions()
    hosts: dict[str, Host] = {}
    for row in csv.rows(export, EXPORT, COLUMNS):
        host = Host(export, _fields(row, _HOST), row.place)
        host = hosts.setdefault(host.asset, host)
        finding = host.finding(_fields(row, _RESULT), row.place)
        definition = Definition(
            detector=DETECTOR,
            source_identifier=finding.source_identifier,
            name=stated(plain_text(row.get("Control", "Control Statement", "Statement"))),
            description=stated(plain_text(row.get("Rationale"))),
            solution=stated(plain_text(row.get("Remediation"))),
        )
        if seen.is_new(definition):
            yield definition
        yield finding
    for host in hosts.values():
        yield host.coverage()


def _fields(row: csv.Row, names: Mapping[str, tuple[str, ...]]) -> dict[str, str | None]:
    return {name: row.get(*columns) for name, columns in names.items()}
