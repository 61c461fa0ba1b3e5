"""Qualys host detections as the VM API gives them (HOST_LIST_VM_DETECTION_OUTPUT)."""

import logging
import re
from collections.abc import Iterator

from parsers.dates import iso_datetime
from parsers.definitions import SeenDefinitions
from parsers.export import Export
from parsers.qualys import DETECTOR, before, dns_name, finding, last_login
from parsers.text import score, unique, vector
from parsers.xml import Element, child_texts, elements, root_name, text_of
from poam.errors import ScanParseError, quoted
from poam.model import Definition, Finding, Record, ScanCoverage

NAME = "qualys_detections_xml"
DETECTORS = (DETECTOR,)

log = logging.getLogger(__name__)

EXPORT = "a complete HOST_LIST_VM_DETECTION_OUTPUT of Qualys"


def recognises(head: bytes) -> bool:
    """Tell the answer of Qualys' host detection API by its root element."""
    return root_name(head) == "HOST_LIST_VM_DETECTION_OUTPUT"


def records(export: Export) -> Iterator[Record]:
    """Yield each host's coverage, then definitions and findings.

    Definitions hold CVSS only: titles and texts are in the KnowledgeBase. Where Qualys cut the
    answer, the hosts that it lists are complete and the others have no coverage; a warning
    repeats what Qualys says.
    """
    file = export.file
    seen = SeenDefinitions()
    for _, element in elements(export, EXPORT, {"HOST", "WARNING"}):
        if element.tag == "WARNING":
            log.warning("%s: Qualys warns: %s", file, quoted(text_of(element, "TEXT")))
            continue
        coverage = _coverage(element, file)
        yield coverage
        for detection in element.iterfind("DETECTION_LIST/DETECTION"):
            made = _finding(detection, file, coverage.asset)
            definition = _definition(detection, made, file)
            if seen.is_new(definition):
                yield definition
            yield made


def _ids(host: Element) -> tuple[str, ...]:
    """Return the host's number, if it is the machine's; of a host tracked by IP it is the IP's."""
    method = (text_of(host, "TRACKING_METHOD") or "").upper()
    number = text_of(host, "ID")
    return (f"qualys {number}",) if number and ("AGENT" in method or "EC2" in method) else ()


def _coverage(host: Element, file: str) -> ScanCoverage:
    ips = unique([text_of(host, "IP"), text_of(host, "IPV6")])
    names = [dns_name(text_of(host, path)) for path in ("DNS", "DNS_DATA/FQDN")]
    asset = next(iter(unique([*ips, *names])), None)
    if not asset:
        raise ScanParseError(file, "HOST_LIST", "a HOST without IP or DNS", "an IP address")
    place = f"host {asset}"
    ended = iso_datetime(
        text_of(host, "LAST_VM_SCANNED_DATE") or text_of(host, "LAST_SCAN_DATETIME"), file, place
    )
    login = text_of(host, "LAST_VM_AUTH_SCANNED_DATE")
    logged_in = iso_datetime(login, file, f"{place}, LAST_VM_AUTH_SCANNED_DATE")
    return ScanCoverage(
        detector=DETECTOR,
        asset=asset,
        locator=f"{file}: {place}",
        ips=ips,
        fqdns=unique(names),
        hostname=text_of(host, "DNS_DATA/HOSTNAME"),
        netbios=text_of(host, "NETBIOS"),
        ids=_ids(host),
        started=before(ended, text_of(host, "LAST_VM_SCANNED_DURATION")),
        ended=ended,
        authenticated=last_login(logged_in, ended, text_of(host, "TRACKING_METHOD")),
    )


def _finding(detection: Element, file: str, asset: str) -> Finding:
    said, place = child_texts(detection), f"host {asset}"
    qid = said.get("QID")
    if not qid:
        raise ScanParseError(file, place, "a DETECTION without QID", "a QID")
    flags = [word for word in ("ignored", "disabled") if said.get(f"IS_{word.upper()}") == "1"]
    return finding(
        file,
        place,
        asset,
        qid,
        kind=said.get("TYPE") or None,
        port=said.get("PORT") or None,
        protocol=said.get("PROTOCOL") or None,
        severity=said.get("SEVERITY") or None,
        status=said.get("STATUS") or None,
        flags=flags,
        times=(
            iso_datetime(said.get("FIRST_FOUND_DATETIME"), file, f"{place}, QID {qid}"),
            iso_datetime(said.get("LAST_FOUND_DATETIME"), file, f"{place}, QID {qid}"),
        ),
    )


def _definition(detection: Element, made: Finding, file: str) -> Definition:
    factors = {
        factor.get("name"): (factor.text or "").strip()
        for factor in detection.iterfind("QDS_FACTORS/QDS_FACTOR")
    }
    place = f"host {made.asset}, QID {made.source_identifier}, CVSS"
    base = score(factors.get("CVSS"), file, place)
    written = vector(factors.get("CVSS_vector"))
    version = re.search(r"\d", factors.get("CVSS_version", ""))
    of = {version[0]: (base, written)} if version else {}
    nothing = (None, None)
    return Definition(
        detector=DETECTOR,
        source_identifier=made.source_identifier,
        cvss2_base=of.get("2", nothing)[0],
        cvss2_vector=of.get("2", nothing)[1],
        cvss3_base=of.get("3", nothing)[0],
        cvss3_vector=of.get("3", nothing)[1],
        cvss4_base=of.get("4", nothing)[0],
        cvss4_vector=of.get("4", nothing)[1],
    )
