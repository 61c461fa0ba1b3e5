"""Fortify WebInspect exports in XML: by session (`Sessions`) and flat (`Scan`)."""

import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta

from parsers.definitions import SeenDefinitions
from parsers.encoding import head_text
from parsers.export import Export
from parsers.text import cve_ids, cwe_ids, paragraphs, plain_text, unique
from parsers.websites import issue_locator, site_coverage
from parsers.xml import Element, elements, line_of, root_name, text_of
from poam.escapes import unescaped
from poam.locations import location, site
from poam.model import Definition, Finding, Kind, Record

NAME = "webinspect_xml"
DETECTOR = "WebInspect"
DETECTORS = (DETECTOR,)

EXPORT = "a complete XML export of WebInspect"
INFORMATIONAL = "0"

_TELLING = {
    "Sessions": re.compile(r"<Session\s[^>]*\brequestId="),
    "Scan": re.compile(r"<CheckTypeID>|<PolicyName>.*<StartTime>", re.DOTALL),
}
_HEADER = {"Name", "PolicyName", "StartTime", "Duration"}
# The name WebInspect gives a scan by itself; a counter may follow, after the host at least.
_SCAN_OF_SITE = re.compile(r"Site: (https?://[^\s/]+/\S*)")
_DURATION = re.compile(
    r"(?:(?P<days>\d{1,9})\.)?(?P<hours>\d{1,9}):(?P<minutes>\d{1,9}):(?P<seconds>\d{1,9})(?:\.\d+)?"
)
_UNDEFINED = re.compile(r"undefined(?:(?P<text>.*)undefined)?", re.DOTALL)
_LINK = re.compile(r"""\bhref\s*=\s*["']([^"']+)["']""", re.IGNORECASE)


def recognises(head: bytes) -> bool:
    """Tell both forms by the root element and, as others share it, by what is below."""
    telling = _TELLING.get(root_name(head) or "")
    return bool(telling and telling.search(head_text(head)))


def records(export: Export) -> Iterator[Record]:
    """Yield definitions and findings, then the coverage of each site a request went to."""
    seen = SeenDefinitions()
    header: dict[str, str] = {}
    sites: dict[str, None] = {}
    for _, element in elements(export, EXPORT, {"Session", "Issue", *_HEADER}):
        if element.tag in _HEADER:
            header[element.tag] = (element.text or "").strip()
            continue
        url = _url(export, element)
        sites[site(url)] = None
        # A session holds the issues of its request, the flat form issues with a URL each.
        issues = element.iterfind("Issues/Issue") if element.tag == "Session" else [element]
        for issue in issues:
            definition = _definition(export, issue)
            if seen.is_new(definition):
                yield definition
            yield _finding(export, issue, element, url)
    if scanned := _SCAN_OF_SITE.fullmatch(header.get("Name", "")):
        sites[site(scanned[1])] = None
    started = export.datetime(header.get("StartTime"), "StartTime")
    ended = _end(export, started, header.get("Duration", ""))
    for asset in sites:
        yield site_coverage(
            DETECTOR,
            export.file,
            asset,
            started=started,
            ended=ended,
            policy=header.get("PolicyName") or None,
        )


def _url(export: Export, element: Element) -> str:
    """Return where a session or a flat issue is."""
    if url := text_of(element, "URL"):
        return url
    scheme, host, port = (text_of(element, name) for name in ("Scheme", "Host", "Port"))
    if not scheme or not host:
        found = f"{element.tag} without a URL"
        raise export.error(line_of(element), found, "a URL, or a Scheme and a Host")
    return f"{scheme}://{host}{':' if port else ''}{port or ''}/"


def _end(export: Export, started: datetime | None, text: str) -> datetime | None:
    """Return when a scan that took so long ended."""
    if not started or not text:
        return None
    if match := _DURATION.fullmatch(text):
        parts = {unit: int(number) for unit, number in match.groupdict(default="0").items()}
        with suppress(OverflowError):  # after the year 9999
            return started + timedelta(**parts)
    raise export.error("Duration", f"the duration '{text}'", "a duration such as 00:02:01")


def _definition(export: Export, issue: Element) -> Definition:
    check = text_of(issue, "VulnerabilityID")
    if not check:
        raise export.error(line_of(issue), "an Issue without a VulnerabilityID", EXPORT)
    sections = {
        text_of(section, "Name"): _defined(section.findtext("SectionText"))
        for section in issue.iterfind("ReportSection")
    }
    kinds = [
        (one.get("kind"), one.get("identifier")) for one in issue.iterfind(".//Classification")
    ]
    name = text_of(issue, "Name")
    return Definition(
        detector=DETECTOR,
        source_identifier=check,
        name=name,
        description=paragraphs(
            plain_text(sections.get("Summary")), plain_text(sections.get("Implication"))
        ),
        solution=plain_text(sections.get("Fix")),
        cves=cve_ids([name]),
        cwes=cwe_ids(identifier for kind, identifier in kinds if kind == "CWE"),
        references=unique(map(unescaped, _LINK.findall(sections.get("Reference Info") or ""))),
        family=text_of(issue, "CheckTypeID"),
    )


def _defined(text: str | None) -> str | None:
    """Return a text without the `undefined` that WebInspect's scripts write around or for it."""
    undefined = _UNDEFINED.fullmatch((text or "").strip())
    return undefined["text"] if undefined else text


def _finding(export: Export, issue: Element, request: Element, url: str) -> Finding:
    asset, where = site(url), location(url)
    check, severity = text_of(issue, "VulnerabilityID") or "", text_of(issue, "Severity")
    parameter = _defined(text_of(request, "AttackParamDescriptor"))
    return Finding(
        detector=DETECTOR,
        source_identifier=check,
        asset=asset,
        kind=Kind.INFORMATIONAL if severity == INFORMATIONAL else Kind.VULNERABILITY,
        locator=issue_locator(
            export.file,
            asset,
            f"{check} {issue.get('id') or f'on {line_of(issue)}'}",
            text_of(request, "Request/Method"),
            where,
            f"parameter {parameter}" if parameter else None,
        ),
        location=where,
        parameter=parameter,
        native_severity=severity,
    )
