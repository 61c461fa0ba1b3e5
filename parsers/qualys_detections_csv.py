"""Qualys host detections as the VM API gives them in CSV."""

import logging
from collections.abc import Iterator

from parsers import csv
from parsers.csv import Row
from parsers.dates import iso_datetime
from parsers.definitions import SeenDefinitions
from parsers.export import Export
from parsers.qualys import DETECTOR, before, dns_name, finding, last_login
from parsers.qualys_csv import Host, Hosts, cell, flags
from poam.errors import quoted
from poam.model import Definition, Finding, Record

NAME = "qualys_detections_csv"
DETECTORS = (DETECTOR,)

log = logging.getLogger(__name__)

EXPORT = "a complete host list detection output of Qualys in CSV"
COLUMNS = ("Host ID", "IP Address", "QID", "Type", "Status")

_BEGIN, _END = "----BEGIN_RESPONSE_BODY_CSV", "----END_RESPONSE_BODY_CSV"
_WARNING = ["CODE", "TEXT", "URL"]


def recognises(head: bytes) -> bool:
    """Tell the answer of Qualys' host detection API in CSV by its columns."""
    return csv.has_columns(head, *COLUMNS)


def records(export: Export) -> Iterator[Record]:
    """Yield definitions, which are bare QIDs, and findings, then the coverage of each host.

    Titles and texts are in the KnowledgeBase. Where Qualys cut the answer, the hosts that it
    lists are complete and the others have no coverage; a warning repeats what Qualys says.
    """
    hosts = Hosts(export)
    seen = SeenDefinitions()
    beside: list[list[str]] = []
    for row in csv.rows(export, EXPORT, COLUMNS, _is_footer, beside.append):
        host = _host(row, hosts, export)
        qid = cell(row, "QID")
        if qid is None:
            if cell(row, *COLUMNS[3:]):
                raise export.error(row.place, "a detection without QID", "a QID")
            continue
        definition = Definition(detector=DETECTOR, source_identifier=qid)
        if seen.is_new(definition):
            yield definition
        yield _finding(row, qid, host, export)
    _read_beside(beside, export)
    yield from hosts.coverage()


def _is_footer(cells: list[str]) -> bool:
    return cells[:1] == ["WARNING"] or cells == _WARNING or "".join(cells[:1]).startswith("----")


def _read_beside(rows: list[list[str]], export: Export) -> None:
    """Log Qualys' warnings. Raises ScanParseError where the body begins but does not end."""
    marks = [cells[0].strip() for cells in rows if cells]
    if _BEGIN in marks and _END not in marks:
        raise export.error("the end of the file", f"no {_END}", EXPORT)
    in_warning = False
    for cells in rows:
        if cells == _WARNING:
            in_warning = True
        elif not any(cells) or cells[0].startswith("----"):
            in_warning = False
        elif in_warning:
            said = " ".join(cells[1:2] or cells)
            log.warning("%s: Qualys warns: %s", export.file, quoted(said))


def _host(row: Row, hosts: Hosts, export: Export) -> Host:
    host = hosts.of(
        row,
        cell(row, "Host ID"),
        [cell(row, "IP Address"), cell(row, "IPv6 Address", "IPv6")],
        fqdns=[dns_name(cell(row, "DNS Name"))],
        netbios=dns_name(cell(row, "NetBIOS Name")),
    )
    host.ended, logged_in = (
        iso_datetime(cell(row, *names), export.file, f"{row.place}, {names[0]}")
        for names in (
            ("Last VM Scanned Date", "Last Scan Datetime"),
            ("Last VM Auth Scanned Date",),
        )
    )
    host.started = before(host.ended, cell(row, "Last VM Scanned Duration"))
    host.authenticated = last_login(logged_in, host.ended, cell(row, "Tracking Method"))
    return host


def _finding(row: Row, qid: str, host: Host, export: Export) -> Finding:
    place = f"{row.place}, host {host.asset}"
    first, last = (
        iso_datetime(cell(row, name), export.file, f"{place}, {name}")
        for name in ("First Found Datetime", "Last Found Datetime")
    )
    return finding(
        export.file,
        place,
        host.asset,
        qid,
        kind=cell(row, "Type"),
        port=cell(row, "Port"),
        protocol=cell(row, "Protocol"),
        severity=cell(row, "Severity"),
        status=cell(row, "Status"),
        flags=flags(row),
        times=(first, last),
    )
