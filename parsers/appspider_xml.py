"""Rapid7 AppSpider's VulnerabilitiesSummary in XML."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone

from parsers.dates import iso_datetime
from parsers.definitions import SeenDefinitions
from parsers.export import Export
from parsers.text import cwe_ids, plain_text, stated, unique
from parsers.websites import issue_locator, site_coverage
from parsers.xml import Element, elements, line_of, root_name, text_of
from poam.locations import location, site
from poam.model import Definition, Finding, Kind, Record

NAME = "appspider_xml"
DETECTOR = "AppSpider"
DETECTORS = (DETECTOR,)

EXPORT = "a complete VulnerabilitiesSummary of AppSpider"
INFORMATIONAL = {"1-Informational", "0-Safe"}

_HEADER = {"ScanStarted", "ScanEnded", "UTCOffset"}
_OFFSET = re.compile(r"(?P<sign>[+-]?)(?P<hours>\d{1,2}(?:\.\d+)?)(?::(?P<minutes>\d{2}))?")


def recognises(head: bytes) -> bool:
    """Tell the summary by its root element."""
    return root_name(head) == "VulnSummary"


def records(export: Export) -> Iterator[Record]:
    """Yield each vulnerability's definition and finding, then the coverage of each site."""
    seen = SeenDefinitions()
    header: dict[str, str] = {}
    addresses: dict[str, dict[str | None, None]] = {}
    for _, element in elements(export, EXPORT, {"Vuln", *_HEADER}):
        if element.tag in _HEADER:
            header[element.tag] = element.text or ""
            continue
        definition, finding = _definition(export, element), _finding(export, element)
        if seen.is_new(definition):
            yield definition
        yield finding
        addresses.setdefault(finding.asset, {})[stated(text_of(element, "WebSiteIP"))] = None
    started, ended = (_time(export, header, name) for name in ("ScanStarted", "ScanEnded"))
    for asset, ips in addresses.items():
        yield site_coverage(
            DETECTOR, export.file, asset, ips=unique(ips), started=started, ended=ended
        )


def _time(export: Export, header: dict[str, str], name: str) -> datetime | None:
    time = iso_datetime(header.get(name), export.file, name)
    offset = header.get("UTCOffset", "").strip()
    if time is None or time.tzinfo or not offset:
        return time
    match = _OFFSET.fullmatch(offset)
    hours = float(match["hours"]) + int(match["minutes"] or 0) / 60 if match else 24
    if match is None or hours >= 24:
        raise export.error("UTCOffset", f"the offset '{offset}'", "hours such as -5")
    sign = -1 if match["sign"] == "-" else 1
    return time.replace(tzinfo=timezone(timedelta(hours=sign * hours)))


def _definition(export: Export, vuln: Element) -> Definition:
    kind = text_of(vuln, "VulnType")
    if not kind:
        raise export.error(line_of(vuln), "a Vuln without a VulnType", EXPORT)
    return Definition(
        detector=DETECTOR,
        source_identifier=kind,
        name=kind,
        description=stated(plain_text(vuln.findtext("Description"))),
        solution=stated(plain_text(vuln.findtext("Recommendation"))),
        cwes=cwe_ids([vuln.findtext("CweId")]),
        family=stated(text_of(vuln, "AttackClass")),
    )


def _finding(export: Export, vuln: Element) -> Finding:
    url, kind = text_of(vuln, "VulnUrl"), text_of(vuln, "VulnType") or ""
    # A page without TLS is reported under the https site that was scanned.
    website = text_of(vuln, "WebSite") or url
    if not website:
        raise export.error(line_of(vuln), "a Vuln with neither WebSite nor VulnUrl", EXPORT)
    asset = site(website)
    where = location(url) if url else asset
    score = text_of(vuln, "AttackScore")
    parameter = stated(text_of(vuln, "ParameterName"))
    return Finding(
        detector=DETECTOR,
        source_identifier=kind,
        asset=asset,
        kind=Kind.INFORMATIONAL if score in INFORMATIONAL else Kind.VULNERABILITY,
        locator=issue_locator(
            export.file,
            asset,
            text_of(vuln, "DbId") or f"on {line_of(vuln)}",
            stated(text_of(vuln, "Method")),
            where,
            f"parameter {parameter}" if parameter else None,
        ),
        location=where,
        parameter=parameter,
        native_severity=score,
    )
