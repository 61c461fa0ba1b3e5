"""Qualys scan reports in XML (ASSET_DATA_REPORT)."""

import logging
from collections.abc import Iterator
from datetime import datetime
from ipaddress import ip_address

from parsers.dates import iso_datetime, latest
from parsers.export import Export
from parsers.qualys import (
    DETECTOR,
    authentication,
    dns_name,
    finding,
    prose,
    references,
    score_and_vector,
)
from parsers.text import cve_ids, paragraphs, score, unique, vector
from parsers.xml import Element, elements, root_name, text_of, texts_of
from poam.errors import ScanParseError, quoted
from poam.model import Definition, Finding, Record, ScanCoverage

NAME = "qualys_asset_data_xml"
DETECTORS = (DETECTOR,)

log = logging.getLogger(__name__)

EXPORT = "a complete ASSET_DATA_REPORT of Qualys"
LARGEST_RANGE = 4096


def recognises(head: bytes) -> bool:
    """Tell a Qualys scan report by its root element."""
    return root_name(head) == "ASSET_DATA_REPORT"


def records(export: Export) -> Iterator[Record]:
    """Yield each host's coverage and findings, then the definitions of the glossary."""
    file = export.file
    generated: datetime | None = None
    hosts: set[str] = set()
    detected: dict[str, None] = {}
    whole = {"GENERATION_DATETIME", "HOST", "VULN_DETAILS", "NO_RESULTS"}
    for _, element in elements(export, EXPORT, whole):
        match element.tag:
            case "GENERATION_DATETIME":
                generated = iso_datetime(element.text, file, "GENERATION_DATETIME")
            case "HOST":
                for record in _host(element, file, generated):
                    if isinstance(record, Finding):
                        detected[record.source_identifier] = None
                    else:
                        hosts.add(record.asset)
                    yield record
            case "VULN_DETAILS":
                definition = _definition(element, file)
                detected.pop(definition.source_identifier, None)
                yield definition
            case "NO_RESULTS":
                for asset in _addresses(element, file):
                    if asset not in hosts:
                        yield _no_results(asset, file, generated)
    for qid in detected:
        log.warning("%s: QID %s is not in the glossary", file, quoted(qid))
        yield Definition(detector=DETECTOR, source_identifier=qid)


def _host(host: Element, file: str, generated: datetime | None) -> Iterator[ScanCoverage | Finding]:
    dns = dns_name(text_of(host, "DNS"))
    asset = text_of(host, "IP") or text_of(host, "IPV6") or dns
    if not asset:
        raise ScanParseError(file, "HOST_LIST", "a HOST without IP or DNS", "an IP address")
    infos = host.findall("VULN_INFO_LIST/VULN_INFO")
    findings = [_finding(info, file, asset) for info in infos]
    fixed = (iso_datetime(text_of(info, "LAST_FIXED"), file, f"host {asset}") for info in infos)
    scanned = latest([*(made.last_seen for made in findings), *fixed])
    ips = (text_of(host, "IP"), text_of(host, "IPV6"))
    yield ScanCoverage(
        detector=DETECTOR,
        asset=asset,
        locator=f"{file}: host {asset}",
        ips=unique(ips),
        fqdns=unique([dns]),
        netbios=dns_name(text_of(host, "NETBIOS")),
        ended=scanned or generated,
        authenticated=authentication(
            (made.source_identifier, text_of(info, "RESULT"))
            for made, info in zip(findings, infos, strict=True)
        ),
    )
    yield from findings


def _finding(info: Element, file: str, asset: str) -> Finding:
    qid, place = text_of(info, "QID"), f"host {asset}"
    if not qid:
        raise ScanParseError(file, place, "a VULN_INFO without QID", "a QID")
    return finding(
        file,
        place,
        asset,
        qid,
        kind=text_of(info, "TYPE"),
        port=text_of(info, "PORT"),
        protocol=text_of(info, "PROTOCOL"),
        status=text_of(info, "VULN_STATUS"),
        times=(
            iso_datetime(text_of(info, "FIRST_FOUND"), file, f"{place}, QID {qid}"),
            iso_datetime(text_of(info, "LAST_FOUND"), file, f"{place}, QID {qid}"),
        ),
    )


def _definition(details: Element, file: str) -> Definition:
    qid = text_of(details, "QID") or details.get("id", "").removeprefix("qid_")
    if not qid:
        raise ScanParseError(file, "GLOSSARY", "a VULN_DETAILS without QID", "a QID")
    place = f"GLOSSARY, QID {qid}"
    cvss2, vector2 = score_and_vector(text_of(details, "CVSS_SCORE/CVSS_BASE"))
    cvss3, vector3 = score_and_vector(text_of(details, "CVSS3_SCORE/CVSS3_BASE"))
    return Definition(
        detector=DETECTOR,
        source_identifier=qid,
        name=text_of(details, "TITLE"),
        description=paragraphs(prose(details, "THREAT"), prose(details, "IMPACT")),
        solution=prose(details, "SOLUTION"),
        native_severity=text_of(details, "SEVERITY"),
        cvss2_base=score(cvss2, file, f"{place}, CVSS_BASE"),
        cvss2_vector=vector(vector2),
        cvss3_base=score(cvss3, file, f"{place}, CVSS3_BASE"),
        cvss3_vector=vector(vector3),
        cves=cve_ids(texts_of(details, "CVE_ID_LIST/CVE_ID/ID")),
        references=references(details, "BUGTRAQ_ID_LIST/BUGTRAQ_ID/ID"),
        family=text_of(details, "CATEGORY"),
    )


def _addresses(no_results: Element, file: str) -> Iterator[str]:
    """Yield every address of the list of hosts that were scanned and had no results."""
    for span in no_results.iterfind("IP_LIST/RANGE"):
        start, end = text_of(span, "START") or "", text_of(span, "END") or ""
        place = f"NO_RESULTS, range {start} to {end}"
        try:
            low, high = ip_address(start), ip_address(end)
            count = int(high) - int(low) + 1 if low.version == high.version else 0
        except ValueError:
            count = 0
        if not 1 <= count <= LARGEST_RANGE:
            expected = f"first and last of at most {LARGEST_RANGE} addresses"
            raise ScanParseError(file, place, f"a range of {count} addresses", expected)
        yield from (str(low + step) for step in range(count))


def _no_results(asset: str, file: str, generated: datetime | None) -> ScanCoverage:
    return ScanCoverage(
        detector=DETECTOR,
        asset=asset,
        locator=f"{file}: NO_RESULTS, {asset}",
        ips=(asset,),
        ended=generated,
    )
