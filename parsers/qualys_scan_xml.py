"""Qualys scan results in XML (SCAN), as a finished scan is downloaded."""

import logging
import re
from collections.abc import Iterator
from datetime import datetime

from parsers.dates import iso_datetime
from parsers.definitions import SeenDefinitions
from parsers.encoding import head_text
from parsers.export import Export
from parsers.qualys import (
    DETECTOR,
    authentication,
    dns_name,
    finding,
    prose,
    references,
    scan_times,
    score_and_vector,
)
from parsers.text import cve_ids, paragraphs, score, unique, vector
from parsers.xml import Element, elements, line_of, local_name, root_name, text_of, texts_of
from poam.errors import quoted
from poam.model import Definition, Finding, Record, ScanCoverage

NAME = "qualys_scan_xml"
DETECTORS = (DETECTOR,)

log = logging.getLogger(__name__)

EXPORT = "a complete SCAN of Qualys"
NOT_SCANNED = "down"  # what IP@status says of a host that did not answer

_OF_QUALYS = re.compile(r"<KEY\s+value=|<ERROR\b|/scan-1\.dtd")


def recognises(head: bytes) -> bool:
    """Tell Qualys scan results by their root element and what follows it."""
    return root_name(head) == "SCAN" and _OF_QUALYS.search(head_text(head)) is not None


def records(export: Export) -> Iterator[Record]:
    """Yield each host's coverage, then its definitions and findings."""
    scan = _Scan(export)
    for _, element in elements(export, EXPORT, {"HEADER", "ERROR", "IP"}):
        match local_name(element):
            case "HEADER":
                scan.read_header(element)
            case "IP":
                yield from scan.host(element)
            case _:
                found = f"the error {element.get('number', '')}: {(element.text or '').strip()}"
                raise export.error(line_of(element), found, EXPORT)


class _Scan:
    """One scan: what its header says holds for all its hosts."""

    def __init__(self, export: Export) -> None:
        self._export = export
        self._seen = SeenDefinitions()
        self._started: datetime | None = None
        self._ended: datetime | None = None
        self._found: datetime | None = None
        self._profile: str | None = None

    def read_header(self, header: Element) -> None:
        """Note when the scan took place, and with which option profile."""
        file = self._export.file
        keys = {key.get("value"): (key.text or "").strip() for key in header.iterfind("KEY")}
        date = iso_datetime(keys.get("DATE"), file, f"{line_of(header)}, KEY DATE")
        self._started, self._ended, self._found = scan_times(
            date, keys.get("DURATION"), keys.get("STATUS"), file
        )
        self._profile = text_of(header, "OPTION_PROFILE/OPTION_PROFILE_TITLE")

    def host(self, ip: Element) -> Iterator[Record]:
        """Yield a host's coverage, then what was found on it."""
        name = dns_name(ip.get("name"))
        asset = (ip.get("value") or "").strip() or name
        if not asset:
            raise self._export.error(line_of(ip), "an IP without value or name", "an IP address")
        found = [
            (category, item, self._finding(category, item, asset))
            for category in ip.iterfind("*/CAT")
            for item in category
        ]
        if not found and (ip.get("status") or "").lower() == NOT_SCANNED:
            log.info("%s: host %s was down", self._export.file, quoted(asset))
            return
        yield ScanCoverage(
            detector=DETECTOR,
            asset=asset,
            locator=f"{self._export.file}: host {asset}",
            ips=unique([ip.get("value")]),
            fqdns=unique([name]),
            netbios=dns_name(text_of(ip, "NETBIOS_HOSTNAME")),
            started=self._started,
            ended=self._ended,
            authenticated=authentication(
                (made.source_identifier, text_of(item, "RESULT")) for _, item, made in found
            ),
            policy=self._profile,
        )
        for category, item, made in found:
            definition = self._definition(category, item, made.source_identifier)
            if self._seen.is_new(definition):
                yield definition
            yield made

    def _finding(self, category: Element, item: Element, asset: str) -> Finding:
        qid = (item.get("number") or "").strip()
        if not qid:
            stood = f"a {local_name(item)} without number"
            raise self._export.error(f"{line_of(item)}, host {asset}", stood, "a QID")
        return finding(
            self._export.file,
            f"host {asset}",
            asset,
            qid,
            kind=local_name(item),
            port=category.get("port"),
            protocol=category.get("protocol"),
            severity=item.get("severity"),
            times=(self._found, self._found),
        )

    def _definition(self, category: Element, item: Element, qid: str) -> Definition:
        file = self._export.file
        cvss2, vector2 = score_and_vector(text_of(item, "CVSS_BASE"))
        cvss3, vector3 = score_and_vector(text_of(item, "CVSS3_BASE"))
        return Definition(
            detector=DETECTOR,
            source_identifier=qid,
            name=text_of(item, "TITLE"),
            description=paragraphs(prose(item, "DIAGNOSIS"), prose(item, "CONSEQUENCE")),
            solution=prose(item, "SOLUTION"),
            cvss2_base=score(cvss2, file, f"{line_of(item)}, QID {qid}, CVSS_BASE"),
            cvss2_vector=vector(vector2),
            cvss3_base=score(cvss3, file, f"{line_of(item)}, QID {qid}, CVSS3_BASE"),
            cvss3_vector=vector(vector3),
            cves=cve_ids([item.get("cveid"), *texts_of(item, "CVE_ID_LIST/CVE_ID/ID")]),
            references=references(item, "BUGTRAQ_ID_LIST/BUGTRAQ_ID/ID"),
            family=category.get("value"),
        )
