"""Qualys scan reports and scan results in CSV."""

import logging
from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise

from parsers import csv
from parsers.csv import Row
from parsers.definitions import SeenDefinitions
from parsers.export import Export
from parsers.qualys import DETECTOR, dns_name, finding, scan_times, score_and_vector
from parsers.qualys_csv import Host, Hosts, cell, listed, prose
from parsers.text import cve_ids, paragraphs, score, vector
from poam.model import Definition, Finding, Record

NAME = "qualys_asset_data_csv"
DETECTORS = (DETECTOR,)

log = logging.getLogger(__name__)

EXPORT = "a scan report of Qualys in CSV"
COLUMNS = ("IP", "QID", "Title", "Type", "Severity")
# What `IP Status` says of a host that answered; rows of others are no coverage.
SCANNED = ("host scanned", "no vuln")
# Results of a scan end with the appliances that took part and the hosts that were left out.
TRAILERS = ("target distribution", "hosts not scanned")


def recognises(head: bytes) -> bool:
    """Tell a scan report by its columns, wherever its preamble ends."""
    return csv.has_columns(head, *COLUMNS)


def records(export: Export) -> Iterator[Record]:
    """Yield definitions and findings, then the coverage of each host."""
    hosts = Hosts(export)
    seen = SeenDefinitions()
    preamble: list[list[str]] = []
    scan: _Launch | None = None
    not_scanned = 0
    for row in csv.rows(export, EXPORT, COLUMNS, _is_trailer, preamble.append):
        scan = scan or _Launch(preamble, export)
        qid = cell(row, "QID")
        if qid is None and not _was_scanned(row, export):
            not_scanned += 1
            continue
        host = _host(row, hosts)
        if qid is None:
            continue
        definition = _definition(row, qid, export)
        if seen.is_new(definition):
            yield definition
        yield _finding(row, qid, host, scan.found, export)
    if not_scanned:
        log.info("%s: %d hosts are listed as not scanned", export.file, not_scanned)
    if scan:
        yield from hosts.coverage(scan.started, scan.ended, scan.profile)


class _Launch:
    """What stands above the header of one scan's results, in a row below its own header."""

    def __init__(self, preamble: list[list[str]], export: Export) -> None:
        told = (
            dict(zip(names, values, strict=False))
            for names, values in pairwise(preamble)
            if "Launch Date" in names
        )
        said = next(told, {})
        text = said.get("Launch Date", "").replace(" at ", " ")
        self.started, self.ended, self.found = scan_times(
            export.datetime(text, "Launch Date"),
            said.get("Duration"),
            said.get("Status"),
            export.file,
        )
        self.profile = said.get("Option Profile")


def _is_trailer(cells: list[str]) -> bool:
    return bool(cells) and cells[0].strip().lower().startswith(TRAILERS)


def _was_scanned(row: Row, export: Export) -> bool:
    """Tell whether a row without a QID stands for a host without findings."""
    if cell(row, "Title", "Type", "Severity"):
        raise export.error(row.place, "a detection without QID", "a QID")
    return (cell(row, "IP Status") or "").lower().startswith(SCANNED)


def _host(row: Row, hosts: Hosts) -> Host:
    return hosts.of(
        row,
        cell(row, "QG Host ID", "Host ID", "Tracking Method"),
        [cell(row, "IP")],
        fqdns=[dns_name(cell(row, "DNS"))],
        netbios=dns_name(cell(row, "NetBIOS")),
    )


def _finding(row: Row, qid: str, host: Host, found: datetime | None, export: Export) -> Finding:
    place = f"{row.place}, host {host.asset}"
    first, last, fixed = (
        export.datetime(cell(row, name), f"{place}, {name}")
        for name in ("First Detected", "Last Detected", "Date Last Fixed")
    )
    host.saw(qid, cell(row, "Results"), first, last, fixed)
    return finding(
        export.file,
        place,
        host.asset,
        qid,
        kind=cell(row, "Type"),
        port=cell(row, "Port"),
        protocol=cell(row, "Protocol"),
        severity=cell(row, "Severity"),
        status=cell(row, "Vuln Status"),
        times=(first or found, last or found),
    )


def _definition(row: Row, qid: str, export: Export) -> Definition:
    cvss2, vector2 = score_and_vector(cell(row, "CVSS Base", "CVSS2 Base"))
    cvss3, vector3 = score_and_vector(cell(row, "CVSS3 Base", "CVSS3.1 Base"))
    bugtraq = (f"BID:{number}" for number in listed(row, "Bugtraq ID"))
    return Definition(
        detector=DETECTOR,
        source_identifier=qid,
        name=cell(row, "Title"),
        description=paragraphs(prose(row, "Threat"), prose(row, "Impact")),
        solution=prose(row, "Solution"),
        cvss2_base=score(cvss2, export.file, f"{row.place}, CVSS Base"),
        cvss2_vector=vector(vector2),
        cvss3_base=score(cvss3, export.file, f"{row.place}, CVSS3 Base"),
        cvss3_vector=vector(vector3),
        cves=cve_ids([cell(row, "CVE ID")]),
        references=(*listed(row, "Vendor Reference"), *bugtraq),
        family=cell(row, "Category"),
    )
