"""HCL AppScan reports in XML, once IBM's: AppScan Standard, and AppScan on Cloud."""

import logging
import re
from collections.abc import Iterator
from datetime import datetime

from parsers.appscan import EXPORT, ISSUES, Advisory, IssueType, Report, group_of, read_report
from parsers.dates import written_datetime
from parsers.definitions import SeenDefinitions
from parsers.encoding import head_text
from parsers.export import Export
from parsers.text import cve_ids, cwe_ids, score
from parsers.websites import issue_locator, site_coverage
from parsers.xml import Element, elements, line_of, root_name, text_of, texts_of
from poam.locations import is_url, location, site
from poam.model import Definition, Finding, Kind, Record

NAME = "appscan_xml"
DETECTOR = "AppScan"
DETECTORS = (DETECTOR,)

log = logging.getLogger(__name__)

INFORMATIONAL = {"Informational", "Information", "0"}
# AppScan on Cloud reports analyses of source code and of libraries (SAST, SCA) beside these.
DYNAMIC = {"DAST", "IAST"}
_PAGE = {"", "page", "global"}

_ROOT = re.compile(r"<xml-report\b[^>]*\bAppScan")
# Temporal and environmental metrics other than "not defined": the score is no base score then.
_ADJUSTED = re.compile(r"\b(?:E|RL|RC|CDP|TD|CR|IR|AR|M[A-Z]{1,2}):(?!X\b|ND\b)")


def recognises(head: bytes) -> bool:
    """Tell the report by its root element, which names the product."""
    return root_name(head) == "xml-report" and bool(_ROOT.search(head_text(head)))


def records(export: Export) -> Iterator[Record]:
    """Yield each issue's definition and finding, then the coverage of each site.

    The file is read twice: issues come before the tables they refer to.
    """
    report = read_report(export)
    export.source.seek(0)
    seen = SeenDefinitions()
    left_out = 0
    for _, item in elements(export, EXPORT, {"item"}):
        if group_of(item) != ISSUES:
            continue
        if (text_of(item, "technology") or "DAST").upper() not in DYNAMIC:
            left_out += 1
            continue
        definition, finding = _definition(export, item, report), _finding(export, item, report)
        if seen.is_new(definition):
            yield definition
        yield finding
        report.sites[finding.asset] = None
    if left_out:
        log.warning("%s: left out %d issues no dynamic analysis found", export.file, left_out)
    whole = report.listed >= report.counted
    if not whole:
        log.warning(
            "%s: lists %d of %d issues, so it proves none gone (export it with issue details)",
            *(export.file, report.listed, report.counted),
        )
    started, ended = _times(export, report) if whole else (None, None)
    for asset in report.sites:
        policy = report.header.get("test-policy") or None
        yield site_coverage(
            DETECTOR, export.file, asset, started=started, ended=ended, policy=policy
        )


def _times(export: Export, report: Report) -> tuple[datetime | None, datetime | None]:
    """Return when the scan started, or else when the report was made."""
    started = _time(export, report.header.get("scan-date-and-time"), "scan-date-and-time")
    times = [
        _time(export, report.header.get(name), name)
        for name in ("report-date-and-time", "report-date")
    ]
    return started, None if started else times[0] or times[1]


def _time(export: Export, text: str | None, place: str) -> datetime | None:
    """Read `6/3/2019 3:13:48 PM` of AppScan Standard or `Tuesday, October 3, 2023` of the cloud."""
    if (text or "")[:1].isdigit():
        return export.datetime(text, place)
    return written_datetime(text, export.file, place)


def _definition(export: Export, item: Element, report: Report) -> Definition:
    identifier = text_of(item, "issue-type/ref")
    if not identifier:
        raise export.error(line_of(item), "an issue without an issue-type", EXPORT)
    kind = report.types.get(identifier, IssueType())
    advice = text_of(item, "advisory/ref") or kind.advisory or identifier
    advisory = report.advisories.get(advice, Advisory())
    fix = report.fixes.get(text_of(item, "remediation/ref") or kind.fix or "")
    vectors = [
        text
        for name in ("vector", "base-vector", "temporal-vector", "environmental-vector")
        if (text := text_of(item, f"cvss-vector/{name}"))
    ]
    rated = score(text_of(item, "cvss-score"), export.file, line_of(item))
    base = None if _ADJUSTED.search("/".join(vectors)) else rated
    vector = vectors[0] if vectors else ""
    cvss2, cvss3 = "/Au:" in vector, "/PR:" in vector and "/AT:" not in vector
    return Definition(
        detector=DETECTOR,
        source_identifier=identifier,
        name=kind.name or text_of(item, "issue-type-name"),
        description=advisory.description,
        solution=advisory.solution or fix,
        cvss2_base=base if cvss2 else None,
        cvss2_vector=vector if cvss2 else None,
        cvss3_base=base if cvss3 else None,
        cvss3_vector=vector if cvss3 else None,
        cves=cve_ids([*kind.cves, *texts_of(item, "cve")]),
        cwes=cwe_ids([*texts_of(item, "cwe"), *texts_of(item, "cwe/ref"), *kind.cwes]),
        references=advisory.references,
    )


def _finding(export: Export, item: Element, report: Report) -> Finding:
    url = _url(export, item, report)
    asset, where = site(url), location(url)
    kind, name = report.entities.get(text_of(item, "entity/ref") or "", ("", ""))
    kind = (text_of(item, "element-type") or kind).lower()
    name = text_of(item, "element") or name
    severity = _severity(item)
    identifier = text_of(item, "issue-type/ref") or ""
    status = text_of(item, "status")
    created = _time(export, text_of(item, "date-created"), f"{line_of(item)}, date-created")
    request = item.find("url")
    return Finding(
        detector=DETECTOR,
        source_identifier=identifier,
        asset=asset,
        kind=Kind.INFORMATIONAL if severity in INFORMATIONAL else Kind.VULNERABILITY,
        locator=issue_locator(
            export.file,
            asset,
            f"{identifier} {item.get('id') or f'on {line_of(item)}'}",
            None if request is None else request.get("original_request_method"),
            where,
            f"{kind} {name}" if name and kind not in _PAGE else None,
        ),
        present=(status or "").lower() != "fixed",
        location=where,
        parameter=name if name and kind not in _PAGE else None,
        status=status,
        native_severity=severity,
        first_seen=created,
    )


def _severity(item: Element) -> str | None:
    """Return the severity in words, `low` spelled `Low`, or its number where no word is given."""
    word = text_of(item, "severity")
    return word.capitalize() if word else text_of(item, "severity-id")


def _url(export: Export, item: Element, report: Report) -> str:
    reference = text_of(item, "url/ref") or ""
    stated = [text_of(item, "location"), report.urls.get(reference), reference]
    urls = [url for url in stated if url and is_url(url)]
    if not urls:
        found = f"an issue whose url is '{reference}', which no table of the report resolves"
        raise export.error(line_of(item), found, "an item of url-group with that id")
    return urls[0]
