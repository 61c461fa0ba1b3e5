"""Acunetix reports in XML (ScanGroup)."""

import logging
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from parsers.dates import latest
from parsers.definitions import SeenDefinitions
from parsers.export import Export
from parsers.text import cve_ids, cwe_ids, paragraphs, plain_text, score, vector
from parsers.websites import issue_locator, page, site_coverage
from parsers.xml import Element, elements, line_of, local_name, root_name, text_of, texts_of
from poam.errors import quoted
from poam.locations import is_url, location, site
from poam.model import Definition, Finding, Kind, Record, ScanCoverage

NAME = "acunetix_xml"
DETECTORS = ("Acunetix",)

log = logging.getLogger(__name__)

EXPORT = "a complete XML report of Acunetix"
WHOLE_SITE = "Web Server"

_INFORMATIONAL = ("info", "informational")
_FALSE_POSITIVE = {
    "": None,
    "false": None,
    "0": None,
    "true": "False Positive",
    "1": "False Positive",
}
_CVSS = {"CVSS": "2", "CVSS3": "3", "CVSS4": "4"}
_METHOD = re.compile(r"\s*([A-Z]+) ")


def recognises(head: bytes) -> bool:
    """Tell an Acunetix report by its root element."""
    return root_name(head) == "ScanGroup"


def records(export: Export) -> Iterator[Record]:
    """Yield definitions and findings of each scan, then the coverage of its site."""
    seen = SeenDefinitions()
    scan: _Scan | None = None
    scans = 0
    said = {"StartURL", "StartTime", "FinishTime", "Aborted", "Responsive"}
    whole, outer = {*said, "SiteFile", "ReportItem"}, {"Scan", "Crawler"}
    for event, element in elements(export, EXPORT, whole, outer):
        match event, local_name(element):
            case "start", "Scan":
                scan = _Scan(export, seen, line_of(element))
                scans += 1
            case "end", "Scan" if scan:
                yield scan.coverage()
                scan = None
            case "end", "ReportItem":
                if scan is None:
                    raise export.error(line_of(element), "a ReportItem outside of a Scan", EXPORT)
                yield from scan.records(element)
            case "start", "Crawler" if scan:
                scan.read("StartUrl", element.get("StartUrl", ""), element)
            case "end", name if scan and name in said:
                scan.read(name, element.text or "", element)
    if not scans:
        log.warning("%s: no Scan in it: nothing was scanned", export.file)


class _Scan:
    """One scan of one site while its items are read."""

    def __init__(self, export: Export, seen: SeenDefinitions, place: str) -> None:
        self._export, self._seen, self._place = export, seen, place
        self._said: dict[str, tuple[str, str]] = {}

    def read(self, name: str, text: str, element: Element) -> None:
        """Take what the report says of the scan itself."""
        self._said[name] = text.strip(), line_of(element)

    @property
    def asset(self) -> str:
        """The site: StartURL may lack its scheme, the crawler's start has it."""
        urls = [self._text("StartURL"), self._text("StartUrl")]
        if not any(urls):
            found, expected = "a Scan without StartURL", "an address such as https://h.example.gov"
            raise self._export.error(self._place, found, expected)
        return site(next((url for url in urls if is_url(url)), urls[0] or urls[1]))

    def coverage(self) -> ScanCoverage:
        """Return what was scanned; a scan that broke off has no date, so it proves no absence."""
        started, ended = self._times()
        if self._broken_off():
            log.warning(
                "%s: the scan of %s broke off: it closes nothing",
                self._export.file,
                quoted(self.asset),
            )
            started = ended = None
        return site_coverage(
            DETECTORS[0], self._export.file, self.asset, started=started, ended=ended
        )

    def records(self, item: Element) -> Iterator[Record]:
        """Yield what is new about an item's type, then the finding."""
        definition = _definition(item, self._export)
        if self._seen.is_new(definition):
            yield definition
        yield self._finding(item, definition.source_identifier)

    def _finding(self, item: Element, identifier: str) -> Finding:
        asset, severity = self.asset, text_of(item, "Severity")
        affects = text_of(item, "Affects") or ""
        where = location(page(asset, "" if affects == WHOLE_SITE else affects))
        method = _METHOD.match(text_of(item, "TechnicalDetails/Request") or "")
        parameter = text_of(item, "Parameter")
        trail = issue_locator(
            self._export.file,
            asset,
            identifier,
            method[1] if method else None,
            where,
            f"parameter {parameter}" if parameter else None,
        )
        # The findings of a scan that broke off are dated by it all the same.
        dates = self._times() if self._broken_off() else ()
        return Finding(
            detector=DETECTORS[0],
            source_identifier=identifier,
            asset=asset,
            kind=Kind.INFORMATIONAL if severity in _INFORMATIONAL else Kind.VULNERABILITY,
            locator=f"{trail}, {line_of(item)}",
            location=where,
            parameter=parameter,
            status=self._status(item),
            native_severity=severity,
            first_seen=latest(dates),
            last_seen=latest(dates),
        )

    def _status(self, item: Element) -> str | None:
        flag = (text_of(item, "IsFalsePositive") or "").lower()
        if flag not in _FALSE_POSITIVE:
            place = f"{line_of(item)}, IsFalsePositive"
            raise self._export.error(place, f"'{flag}'", "True, False or nothing")
        return _FALSE_POSITIVE[flag]

    def _broken_off(self) -> bool:
        aborted, responsive = self._text("Aborted"), self._text("Responsive")
        return aborted.lower() == "true" or responsive.lower() == "false"

    def _times(self) -> tuple[datetime | None, ...]:
        names = ("StartTime", "FinishTime")
        return tuple(self._export.datetime(*self._said.get(name, ("", name))) for name in names)

    def _text(self, name: str) -> str:
        return self._said.get(name, ("", ""))[0]


def _definition(item: Element, export: Export) -> Definition:
    """Return what an item says of its type, which goes by its name.

    There is no identifier: `@id` counts the items of one file, a module reports several types,
    and modules are renamed between versions (`/SlowHTTPDOS`, `slow-loris`) while names stay.
    """
    place, name = line_of(item), text_of(item, "Name")
    if not name:
        raise export.error(place, "a ReportItem without a Name", "a name")
    scores: dict[str, Any] = {}
    for path, version in _CVSS.items():
        # Written in the scanner's language: 5.3 or 5,3.
        written = (text_of(item, f"{path}/Score") or "").replace(",", ".")
        value = score(written, export.file, f"{place}, {path}")
        if value is not None:
            scores[f"cvss{version}_base"] = value
            scores[f"cvss{version}_vector"] = vector(text_of(item, f"{path}/Descriptor"))
    cves, cwes = item.find("CVEList"), item.iterfind("CWEList/CWE")
    return Definition(
        detector=DETECTORS[0],
        source_identifier=name,
        name=name,
        description=paragraphs(
            plain_text(text_of(item, "Description")), plain_text(text_of(item, "Impact"))
        ),
        solution=plain_text(text_of(item, "Recommendation")),
        cves=cve_ids([] if cves is None else map(str, cves.itertext())),
        cwes=cwe_ids(cwe.get("id") or cwe.text for cwe in cwes),
        references=texts_of(item, "References/Reference/URL"),
        family=text_of(item, "Type"),
        **scores,
    )
