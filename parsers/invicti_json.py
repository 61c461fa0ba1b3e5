"""Invicti, Netsparker Enterprise and Acunetix 360 reports in JSON: one and the same layout."""

from collections.abc import Iterator

from parsers.export import Export
from parsers.invicti import DETECTOR, Report, Vulnerability, key
from parsers.json import Object, document, entries, has, text, within
from poam.model import Record

NAME = "invicti_json"
DETECTORS = (DETECTOR,)

EXPORT = "a complete JSON report of Invicti or Acunetix 360"


def recognises(head: bytes) -> bool:
    """Tell a report by its target beside a list of vulnerabilities."""
    return has(head, "Generated", "Target/Url", "Vulnerabilities")


def records(export: Export) -> Iterator[Record]:
    """Yield the coverage of each site when it is first named, definitions and findings."""
    content = document(export, EXPORT)
    target = _fields(within(content, "Target"))
    report = Report(export, text(content, "Generated"), target, "Target")
    yield from report.coverage()
    found = entries(content, "Vulnerabilities", export, "report")
    for number, entry in enumerate(found, start=1):
        yield from report.records(_vulnerability(entry, export, f"vulnerability {number}"))


def _vulnerability(entry: Object, export: Export, place: str) -> Vulnerability:
    classification, request = within(entry, "Classification"), within(entry, "HttpRequest")
    known = entries(entry, "KnownVulnerabilities", export, place)
    parameters = entries(request, "Parameters", export, place)
    return Vulnerability(
        place=place,
        fields=_fields(entry),
        cwe=text(classification, "Cwe"),
        scores=[
            (
                key(name),
                text(within(classification, name), "Vector"),
                text(within(classification, name, "BaseScore"), "Value"),
            )
            for name in classification
            if key(name).startswith("cvss")
        ],
        known=[text(one, name) for one in known for name in one],
        method=text(request, "Method"),
        parameters=[text(one, "Name") for one in parameters if one.get("Vulnerable")],
        response=text(within(entry, "HttpResponse"), "Content"),
    )


def _fields(entry: Object) -> dict[str, str]:
    return {key(name): text(entry, name) for name in entry}
