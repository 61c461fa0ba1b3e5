"""ZAP reports in XML (OWASPZAPReport), with requests and responses or without."""

from collections.abc import Iterator
from datetime import datetime

from parsers.definitions import SeenDefinitions
from parsers.export import Export
from parsers.xml import Element, elements, line_of, root_name, texts_of
from parsers.zap import DETECTOR, Site, report_time
from poam.model import Record

NAME = "zap_xml"
DETECTORS = (DETECTOR,)

EXPORT = "a complete XML report of ZAP"
TAGS = "tags/tag/tag"


def recognises(head: bytes) -> bool:
    """Tell a ZAP report by its root element."""
    return root_name(head) == "OWASPZAPReport"


def records(export: Export) -> Iterator[Record]:
    """Yield the coverage of each site, then its definitions and findings."""
    seen = SeenDefinitions()
    ended: datetime | None = None
    site: Site | None = None
    outer = {"OWASPZAPReport", "site"}
    for event, element in elements(export, EXPORT, {"alertitem"}, outer):
        match event, element.tag:
            case "start", "OWASPZAPReport":
                generated, created = element.get("generated"), element.get("created")
                ended = report_time(generated, created, export.file)
            case "start", "site":
                site = Site(export.file, element.get("name", ""), ended, seen)
                yield site.coverage()
            case _, "alertitem":
                if site is None:
                    raise export.error(line_of(element), "an alertitem outside of a site", EXPORT)
                instances = map(_fields, element.iterfind("instances/instance"))
                yield from site.records(_fields(element), instances, texts_of(element, TAGS))
            case "end", "site" if site:
                site.log_false_positives()
                site = None


def _fields(element: Element) -> dict[str, str]:
    return {str(child.tag): child.text or "" for child in element}
