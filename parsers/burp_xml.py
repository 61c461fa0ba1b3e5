"""Issues of Burp Suite Professional and Enterprise in XML, with requests or without."""

from collections.abc import Iterator
from datetime import datetime

from parsers.burp import DETECTOR, Issue, Report, address, identifier, insertion_point
from parsers.dates import written_datetime
from parsers.encoding import head_text
from parsers.export import Export
from parsers.xml import Element, elements, line_of, local_name, root_name
from poam.model import Record

NAME = "burp_xml"
DETECTORS = (DETECTOR,)

EXPORT = "a complete XML report of Burp Suite"


def recognises(head: bytes) -> bool:
    """Tell Burp's issues by their root element; Android Lint calls its root so too."""
    return root_name(head) == "issues" and "burpVersion" in head_text(head)


def records(export: Export) -> Iterator[Record]:
    """Yield one finding per issue, then the coverage of every host, then the definitions."""
    report = Report(export)
    exported: datetime | None = None
    for event, element in elements(export, EXPORT, {"issue"}, {"issues"}):
        if local_name(element) == "issue":
            yield report.finding(_issue(element, export))
        elif event == "start":
            exported = written_datetime(element.get("exportTime"), export.file, "exportTime")
    yield from report.summary(ended=exported)


def _issue(element: Element, export: Export) -> Issue:
    place = line_of(element)
    said = {child.tag: (child.text or "").strip() for child in element.iterchildren("*")}
    host, request = element.find("host"), element.find("requestresponse/request")
    name = said.get("name", "")
    return Issue(
        place=place,
        identifier=identifier(said.get("type", ""), name, export, place),
        name=name,
        url=address(said.get("host", ""), said.get("path", "")),
        ip=host.get("ip", "") if host is not None else "",
        severity=said.get("severity", ""),
        confidence=said.get("confidence", ""),
        serial=said.get("serialNumber", ""),
        method=request.get("method", "") if request is not None else "",
        point=insertion_point(said.get("location", "")),
        background=said.get("issueBackground", ""),
        detail=said.get("issueDetail", ""),
        solution=said.get("remediationBackground") or said.get("remediationDetail", ""),
        references=said.get("references", ""),
        classifications=said.get("vulnerabilityClassifications", ""),
    )
