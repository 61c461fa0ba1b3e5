"""Qualys WAS scan reports and web application reports in XML."""

from collections.abc import Iterator

from parsers.export import Export
from parsers.qualys_was import DETECTOR, KINDS, Application, Report
from parsers.text import cve_ids
from parsers.xml import Element, elements, line_of, local_name, root_name, text_of
from poam.model import Record

NAME = "qualys_was_xml"
DETECTORS = (DETECTOR,)

EXPORT = "a complete report of Qualys WAS"

# Some names mean something else elsewhere: the summary's VULNERABILITY is a number.
_PARENTS = {
    **{category: f"{category}_LIST" for category in KINDS},
    "QID": "QID_LIST",
    "SCAN": "SCAN_LIST",
    "NAME": "WEB_APPLICATION",
    "URL": "WEB_APPLICATION",
}


def recognises(head: bytes) -> bool:
    """Tell the two reports of Qualys WAS by their root elements."""
    return root_name(head) in ("WAS_SCAN_REPORT", "WAS_WEBAPP_REPORT")


def records(export: Export) -> Iterator[Record]:
    """Yield findings and definitions, then findings without a URL and the coverage."""
    report = Report(export)
    application = Application()
    for event, element in elements(export, EXPORT, {*_PARENTS, "WEBAPP"}, {"WEB_APPLICATION"}):
        parent = element.getparent()
        place = line_of(element)
        match element.tag:
            case "WEB_APPLICATION":
                if event == "end":
                    report.application({"NAME": application.name, "URL": application.url})
                application = Application()
            case name if name in _PARENTS and (parent is None or parent.tag != _PARENTS[name]):
                continue
            case "NAME":
                application.name = text_of(element, ".")
            case "URL":
                application.url = text_of(element, ".")
            case "QID":
                fields = _fields(element) | {"CVSS3_BASE": text_of(element, "CVSS_V3/BASE")}
                yield report.definition(fields, _cves(element), place)
            case "SCAN":
                report.scan(_fields(element), place)
            case "WEBAPP":
                report.application(_fields(element))
            case category:
                method = text_of(element, "PAYLOADS/PAYLOAD/REQUEST/METHOD")
                fields = _fields(element) | {"METHOD": method}
                yield from report.result(category, fields, place, application)
    yield from report.rest()


def _fields(element: Element) -> dict[str, str | None]:
    return {local_name(child): text_of(child, ".") for child in element}


def _cves(entry: Element) -> tuple[str, ...]:
    listed = (child for child in entry if local_name(child).startswith("CVE"))
    return cve_ids(" ".join(map(str, child.itertext())) for child in listed)
