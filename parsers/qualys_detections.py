"""Qualys host detections as the VM API gives them (HOST_LIST_VM_DETECTION_OUTPUT)."""

import logging
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import BinaryIO

from parsers.definitions import SeenDefinitions
from parsers.qualys import DETECTOR, dns_name, in_order, kind_of
from parsers.text import iso_datetime, port_number, score, unique, vector
from parsers.xml import Element, elements, root_name, text_of
from poam.errors import ScanParseError
from poam.model import Authenticated, Definition, Finding, Record, ScanCoverage

NAME = "qualys_detections"
DETECTORS = (DETECTOR,)

log = logging.getLogger(__name__)

EXPORT = "a complete HOST_LIST_VM_DETECTION_OUTPUT of Qualys"


def recognises(head: bytes) -> bool:
    """Tell the answer of Qualys' host detection API by its root element."""
    return root_name(head) == "HOST_LIST_VM_DETECTION_OUTPUT"


def records(source: BinaryIO, file: str) -> Iterator[Record]:
    """Yield each host's coverage, then definitions and findings.

    Definitions hold severity and CVSS only: titles and texts are in the KnowledgeBase.
    """
    seen = SeenDefinitions()
    for _, element in elements(source, file, EXPORT, {"HOST", "WARNING"}):
        if element.tag == "WARNING":
            # Qualys cuts the answer after 1,000 hosts or so, and says so at its end.
            log.warning("%s: Qualys warns: %s", file, text_of(element, "TEXT"))
            continue
        coverage = _coverage(element, file)
        yield coverage
        for detection in element.iterfind("DETECTION_LIST/DETECTION"):
            finding = _finding(detection, file, coverage.asset)
            definition = _definition(detection, finding, file)
            if seen.is_new(definition):
                yield definition
            yield finding


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
    duration = text_of(host, "LAST_VM_SCANNED_DURATION") or ""
    return ScanCoverage(
        detector=DETECTOR,
        asset=asset,
        locator=f"{file}: {place}",
        ips=ips,
        fqdns=unique(names),
        hostname=text_of(host, "DNS_DATA/HOSTNAME"),
        netbios=text_of(host, "NETBIOS"),
        started=ended - timedelta(seconds=int(duration)) if ended and duration.isdigit() else None,
        ended=ended,
        authenticated=_authenticated(host, ended, file),
    )


def _authenticated(host: Element, ended: datetime | None, file: str) -> Authenticated:
    """Compare the last scan with the last one that logged in.

    Qualys writes LAST_VM_AUTH_SCANNED_DATE once a scan has logged in to a host, so a host
    without it was scanned from outside only; but an agent logs in nowhere.
    """
    text = text_of(host, "LAST_VM_AUTH_SCANNED_DATE")
    logged_in = iso_datetime(text, file, "LAST_VM_AUTH_SCANNED_DATE")
    if logged_in is None and "AGENT" in (text_of(host, "TRACKING_METHOD") or "").upper():
        return Authenticated.UNKNOWN
    if logged_in and (ended is None or logged_in >= ended):
        return Authenticated.YES
    return Authenticated.NO


def _finding(detection: Element, file: str, asset: str) -> Finding:
    qid = text_of(detection, "QID")
    place = f"host {asset}, QID {qid}"
    if not qid:
        raise ScanParseError(file, f"host {asset}", "a DETECTION without QID", "a QID")
    port = port_number(text_of(detection, "PORT"), file, place)
    protocol = text_of(detection, "PROTOCOL")
    status = text_of(detection, "STATUS")
    flags = [
        word for word in ("ignored", "disabled") if text_of(detection, f"IS_{word.upper()}") == "1"
    ]
    first, last = in_order(
        iso_datetime(text_of(detection, "FIRST_FOUND_DATETIME"), file, place),
        iso_datetime(text_of(detection, "LAST_FOUND_DATETIME"), file, place),
    )
    return Finding(
        detector=DETECTOR,
        source_identifier=qid,
        asset=asset,
        kind=kind_of(text_of(detection, "TYPE"), file, place),
        locator=f"{file}: {place}" + (f", port {port}/{protocol}" if port else ""),
        present=(status or "").lower() != "fixed",
        port=port,
        protocol=protocol.lower() if protocol else None,
        status=f"{status} ({', '.join(flags)})" if flags else status,
        first_seen=first,
        last_seen=last,
    )


def _definition(detection: Element, finding: Finding, file: str) -> Definition:
    factors = {
        factor.get("name"): (factor.text or "").strip()
        for factor in detection.iterfind("QDS_FACTORS/QDS_FACTOR")
    }
    place = f"host {finding.asset}, QID {finding.source_identifier}, CVSS"
    base = score(factors.get("CVSS"), file, place)
    written = vector(factors.get("CVSS_vector"))
    version = re.search(r"\d", factors.get("CVSS_version", ""))
    of = {version[0]: (base, written)} if version else {}
    nothing = (None, None)
    return Definition(
        detector=DETECTOR,
        source_identifier=finding.source_identifier,
        native_severity=text_of(detection, "SEVERITY"),
        cvss2_base=of.get("2", nothing)[0],
        cvss2_vector=of.get("2", nothing)[1],
        cvss3_base=of.get("3", nothing)[0],
        cvss3_vector=of.get("3", nothing)[1],
        cvss4_base=of.get("4", nothing)[0],
        cvss4_vector=of.get("4", nothing)[1],
    )
