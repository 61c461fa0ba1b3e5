"""Netsparker and Invicti reports in XML, of the desktop program and of Enterprise."""

import re
from collections.abc import Iterator

from parsers.export import Export
from parsers.invicti import DETECTOR, Report, Vulnerability, key
from parsers.xml import Element, elements, line_of, local_name, root_name, text_of
from poam.model import Record

NAME = "invicti_xml"
DETECTORS = (DETECTOR,)

EXPORT = "a complete XML report of Netsparker or Invicti"

# netsparker, netsparker-enterprise, netsparker-cloud, invicti, invicti-enterprise, acunetix-360
_ROOT = re.compile(r"(?:netsparker|invicti|acunetix-?360)(?:-\w+)*")


def recognises(head: bytes) -> bool:
    """Tell a report by its root element, which is the name of the product."""
    return bool(_ROOT.fullmatch(root_name(head) or ""))


def records(export: Export) -> Iterator[Record]:
    """Yield the coverage of each site when it is first named, definitions and findings."""
    generated = ""
    report: Report | None = None
    for event, element in elements(export, EXPORT, {"target", "vulnerability"}, {"*"}):
        match event, local_name(element):
            case "end", "target":
                report = Report(export, generated, _fields(element), line_of(element))
                yield from report.coverage()
            case "end", "vulnerability":
                if report is None:
                    place, found = line_of(element), "a vulnerability before the target"
                    raise export.error(place, found, EXPORT)
                yield from report.records(_vulnerability(element))
            case "start", _ if element.getparent() is None:
                generated = element.get("generated", "")
    if report is None:
        raise export.error("", "no target", EXPORT)


def _vulnerability(element: Element) -> Vulnerability:
    classification = element.find("classification")
    classes = [] if classification is None else list(classification)
    known = element.find("knownvulnerabilities")
    return Vulnerability(
        place=line_of(element),
        fields=_fields(element),
        cwe=next((one.text or "" for one in classes if key(local_name(one)) == "cwe"), ""),
        scores=[
            (key(local_name(one)), text_of(one, "vector") or "", _base_score(one))
            for one in classes
            if key(local_name(one)).startswith("cvss")
        ],
        known=[] if known is None else [str(text) for text in known.itertext()],
        method=text_of(element, "http-request/method") or "",
        parameters=[text_of(element, "vulnerableparameter") or ""],
        response=text_of(element, "http-response/content") or text_of(element, "rawresponse") or "",
    )


def _base_score(cvss: Element) -> str:
    scores = (one for one in cvss.iterfind("score") if text_of(one, "type") == "Base")
    return next((text_of(one, "value") or "" for one in scores), "")


def _fields(element: Element) -> dict[str, str]:
    return {key(local_name(child)): (child.text or "").strip() for child in element}
