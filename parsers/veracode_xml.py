"""Veracode's detailed report in XML: the flaws of its dynamic analysis."""

import logging
from collections import Counter
from collections.abc import Iterator
from datetime import datetime

from parsers.dates import iso_datetime
from parsers.definitions import SeenDefinitions
from parsers.export import Export
from parsers.text import cwe_ids, paragraphs, plain_text
from parsers.websites import issue_locator, site_coverage
from parsers.xml import Element, elements, line_of, local_name, root_name
from poam.locations import location, site
from poam.model import Definition, Finding, Kind, Record

NAME = "veracode_xml"
DETECTOR = "Veracode"
DETECTORS = (DETECTOR,)

log = logging.getLogger(__name__)

EXPORT = "a complete detailed report of Veracode"
INFORMATIONAL = "0"

_TEXTS = {"desc", "recommendations", "description"}
_WHOLE = {"module", "flaw", "component", *_TEXTS}
_OUTER = {"dynamic-analysis", "category", "cwe"}


def recognises(head: bytes) -> bool:
    """Tell the report by its root element."""
    return root_name(head) == "detailedreport"


def records(export: Export) -> Iterator[Record]:
    """Yield definitions and findings of dynamic flaws, then the coverage of each target."""
    seen = SeenDefinitions()
    texts: dict[str, str | None] = {}
    started: datetime | None = None
    ended: datetime | None = None
    targets: dict[str, None] = {}
    left_out: Counter[str] = Counter()
    for event, element in elements(export, EXPORT, _WHOLE, _OUTER):
        match event, local_name(element):
            case "start", "dynamic-analysis":
                started, ended = (
                    iso_datetime(element.get(name), export.file, f"dynamic-analysis {name}")
                    for name in ("submitted_date", "published_date")
                )
            case "start", "category":
                texts = {}
            case "start", "cwe":
                texts.pop("description", None)
                texts["cwename"] = element.get("cwename", "").strip() or None
            case "end", name if name in _TEXTS:
                texts[name] = _text(element)
            case "end", "module":
                if url := element.get("target_url", "").strip():
                    targets[site(url)] = None
            case "end", "component":
                left_out["component vulnerabilities"] += len(element.findall(".//{*}vulnerability"))
            case "end", "flaw" if _name_above(element) != "dynamicflaws":
                left_out[f"{_name_above(element).removesuffix('flaws')} flaws"] += 1
            case "end", "flaw":
                definition = _definition(export, element, texts)
                if seen.is_new(definition):
                    yield definition
                finding = _finding(export, element)
                targets[finding.asset] = None
                yield finding
    for asset in targets:
        yield site_coverage(DETECTOR, export.file, asset, started=started, ended=ended)
    if left_out := +left_out:
        # Of code, of a person's tests and of libraries: they are on no site that was scanned.
        kinds = ", ".join(f"{count} {kind}" for kind, count in left_out.items())
        log.warning("%s: left out, as no dynamic analysis found them: %s", export.file, kinds)


def _text(element: Element) -> str | None:
    """Return the texts of paragraphs, which are attributes, each on a line of its own."""
    lines = (
        f"{'- ' if local_name(part) == 'bulletitem' else ''}{plain_text(part.get('text'))}"
        for part in element.iter()
        if (part.get("text") or "").strip()
    )
    return "\n".join(lines) or None


def _name_above(element: Element) -> str:
    parent = element.getparent()
    return "" if parent is None else local_name(parent)


def _definition(export: Export, flaw: Element, texts: dict[str, str | None]) -> Definition:
    cwe = flaw.get("cweid", "").strip()
    if not cwe:
        raise export.error(line_of(flaw), "a flaw without a cweid", EXPORT)
    return Definition(
        detector=DETECTOR,
        source_identifier=cwe,
        name=texts.get("cwename"),
        description=paragraphs(texts.get("description"), texts.get("desc")),
        solution=texts.get("recommendations"),
        cwes=cwe_ids([cwe]),
        family=flaw.get("categoryname", "").strip() or None,
    )


def _finding(export: Export, flaw: Element) -> Finding:
    url = flaw.get("url", "").strip()
    place = f"{line_of(flaw)}, issue {flaw.get('issueid')}"
    if not url:
        raise export.error(place, "a dynamic flaw without a url", EXPORT)
    asset, where = site(url), location(url)
    severity = flaw.get("severity", "").strip() or None
    parameter = flaw.get("vuln_parameter", "").strip()
    remediation = flaw.get("remediation_status", "").strip()
    mitigation = flaw.get("mitigation_status", "").strip()
    if mitigation.lower() in ("", "none"):
        status = remediation
    else:
        mitigation = flaw.get("mitigation_status_desc", "").strip() or mitigation
        status = f"{remediation} ({mitigation})"
    return Finding(
        detector=DETECTOR,
        source_identifier=flaw.get("cweid", "").strip(),
        asset=asset,
        kind=Kind.INFORMATIONAL if severity == INFORMATIONAL else Kind.VULNERABILITY,
        locator=issue_locator(
            export.file,
            asset,
            flaw.get("issueid") or f"on {line_of(flaw)}",
            None,
            where,
            f"parameter {parameter}" if parameter else None,
        ),
        present=remediation.lower() != "fixed",
        location=where,
        parameter=parameter or None,
        status=status.strip() or None,
        native_severity=severity,
        first_seen=iso_datetime(flaw.get("date_first_occurrence"), export.file, place),
    )
