"""Qualys PCI and HackerGuardian exports in CSV."""

from collections.abc import Iterator

from parsers import csv
from parsers.csv import Row
from parsers.dates import iso_datetime
from parsers.definitions import SeenDefinitions
from parsers.export import Export
from parsers.qualys import DETECTOR, dns_name, finding
from parsers.qualys_csv import Host, Hosts, cell, listed, prose
from parsers.text import cve_ids, paragraphs
from poam.model import Definition, Finding, Record

NAME = "qualys_pci_csv"
DETECTORS = (DETECTOR,)

EXPORT = "a PCI report of Qualys in CSV"
COLUMNS = ("IP", "QID", "VULN TITLE", "Q_SEVERITY")


def recognises(head: bytes) -> bool:
    """Tell a PCI report by its columns."""
    return csv.has_columns(head, *COLUMNS)


def records(export: Export) -> Iterator[Record]:
    """Yield definitions and findings, then the coverage of each host.

    SEVERITY, the rating by PCI's rules, is that of the finding; Q_SEVERITY is what the
    KnowledgeBase says of the QID. CVSS_BASE is left out: its version is not stated, and the PCI
    rating is its band.
    """
    hosts = Hosts(export)
    seen = SeenDefinitions()
    for row in csv.rows(export, EXPORT, COLUMNS):
        qid = cell(row, "QID")
        if qid is None:
            raise export.error(row.place, "a row without QID", "a QID")
        host = hosts.of(row, None, [cell(row, "IP")], fqdns=[dns_name(cell(row, "HOSTNAME"))])
        scanned = iso_datetime(cell(row, "LAST SCAN"), export.file, f"{row.place}, LAST SCAN")
        host.saw(qid, cell(row, "RESULT"), scanned)
        definition = _definition(row, qid)
        if seen.is_new(definition):
            yield definition
        yield _finding(row, qid, host, export)
    yield from hosts.coverage()


def _finding(row: Row, qid: str, host: Host, export: Export) -> Finding:
    claim = cell(row, "FALSE POSITIVE STATUS")
    return finding(
        export.file,
        f"{row.place}, host {host.asset}",
        host.asset,
        qid,
        kind=cell(row, "TYPE"),
        port=cell(row, "PORT"),
        protocol=cell(row, "PROTOCOL"),
        severity=cell(row, "SEVERITY"),
        status=claim and f"false positive: {claim}",
    )


def _definition(row: Row, qid: str) -> Definition:
    return Definition(
        detector=DETECTOR,
        source_identifier=qid,
        name=cell(row, "VULN TITLE"),
        description=paragraphs(prose(row, "THREAT"), prose(row, "IMPACT")),
        solution=prose(row, "SOLUTION"),
        native_severity=cell(row, "Q_SEVERITY"),
        cves=cve_ids([cell(row, "CVEID")]),
        # The report writes a blank for each comma.
        references=tuple(f"BID:{number}" for number in listed(row, "BUGTRAQID", r"[\s,]+")),
        family=cell(row, "CATEGORY"),
    )
