"""Qualys VMDR exports in CSV, one row per detection or one per detection and CVE."""

from collections.abc import Iterator
from dataclasses import replace

from parsers import csv
from parsers.csv import Row
from parsers.dates import written_datetime
from parsers.export import Export
from parsers.qualys import DETECTOR, finding
from parsers.qualys_csv import Host, Hosts, cell, flags, listed, prose
from parsers.text import cve_ids, score, unique
from poam.locations import is_ip
from poam.model import Definition, Finding, Record

NAME = "qualys_vmdr_csv"
DETECTORS = (DETECTOR,)

EXPORT = "an Asset Vuln Datalist Report of Qualys VMDR in CSV"
COLUMNS = ("QID", "Title", "Type Detected", "Last Detected", "Asset Name")

# What rows of one detection agree in; the other columns are about the CVE of each.
_DETECTION = (
    "QID",
    "Asset Id",
    "Asset Name",
    "Asset IPV4",
    "Asset IPV6",
    "Port",
    "Protocol",
    "Status",
    "First Detected",
    "Last Detected",
    "Results",
)


def recognises(head: bytes) -> bool:
    """Tell a VMDR export by its columns, with metadata above them or without."""
    return csv.has_columns(head, *COLUMNS)


def records(export: Export) -> Iterator[Record]:
    """Yield findings, then a definition per QID with all its CVEs, and each host's coverage."""
    hosts = Hosts(export)
    definitions: dict[str, Definition] = {}
    repeated: set[int] = set()
    for row in csv.rows(export, EXPORT, COLUMNS):
        qid = cell(row, "QID")
        if qid is None:
            raise export.error(row.place, "a row without QID", "a QID")
        known = definitions.get(qid) or _definition(row, qid)
        definitions[qid] = _with_cve(known, row, export)
        host = _host(row, hosts)
        made = _finding(row, qid, host, export)
        if cell(row, "CVE"):
            # Hashes, not rows: they tell the same without holding the results in memory.
            key = hash(tuple(row.get(name) for name in _DETECTION))
            if key in repeated:
                continue
            repeated.add(key)
        yield made
    yield from definitions.values()
    yield from hosts.coverage()


def _host(row: Row, hosts: Hosts) -> Host:
    name = cell(row, "Asset Name")
    ips = (*listed(row, "Asset IPV4"), *listed(row, "Asset IPV6"))
    # Qualys calls an asset by its DNS name, its NetBIOS name or its address.
    is_fqdn = name is not None and "." in name and not is_ip(name)
    return hosts.of(
        row,
        cell(row, "Asset Id"),
        ips,
        fqdns=[name if is_fqdn else None],
        hostname=None if is_fqdn or name in ips else name,
    )


def _finding(row: Row, qid: str, host: Host, export: Export) -> Finding:
    place = f"{row.place}, host {host.asset}"
    first, last, fixed = (
        written_datetime(cell(row, name), export.file, f"{place}, {name}")
        for name in ("First Detected", "Last Detected", "Last Fixed")
    )
    host.saw(qid, cell(row, "Results"), first, last, fixed)
    return finding(
        export.file,
        place,
        host.asset,
        qid,
        kind=cell(row, "Type Detected"),
        port=cell(row, "Port"),
        protocol=cell(row, "Protocol"),
        severity=cell(row, "Severity"),
        status=cell(row, "Status"),
        flags=flags(row),
        times=(first, last),
    )


def _definition(row: Row, qid: str) -> Definition:
    return Definition(
        detector=DETECTOR,
        source_identifier=qid,
        name=cell(row, "Title"),
        description=prose(row, "Threat"),
        solution=prose(row, "Solution"),
        native_severity=cell(row, "KB Severity"),
        family=cell(row, "Category"),
    )


def _with_cve(known: Definition, row: Row, export: Export) -> Definition:
    """Add a row's CVE and its scores in the NVD, of which the highest is the QID's."""
    cves = unique([*known.cves, *cve_ids([cell(row, "CVE")])])
    of2 = cell(row, "CVSSv2 Base (nvd)")
    of3 = cell(row, "CVSSv3.1 Base (nvd)", "CVSSv3 Base (nvd)")
    cvss2 = score(of2, export.file, f"{row.place}, CVSSv2 Base (nvd)")
    cvss3 = score(of3, export.file, f"{row.place}, CVSSv3.1 Base (nvd)")
    return replace(
        known,
        cves=cves,
        cvss2_base=_higher(known.cvss2_base, cvss2),
        cvss3_base=_higher(known.cvss3_base, cvss3),
    )


def _higher(one: float | None, other: float | None) -> float | None:
    return max((value for value in (one, other) if value is not None), default=None)
