"""ZAP reports in XML (OWASPZAPReport), with requests and responses or without."""

from collections.abc import Iterator
from datetime import datetime
from typing import BinaryIO

from parsers.definitions import SeenDefinitions
from parsers.xml import Element, elements, root_name, texts_of
from parsers.zap import DETECTOR, Site, report_time
from poam.errors import ScanParseError
from poam.model import Record

NAME = "zap_xml"
DETECTORS = (DETECTOR,)

EXPORT = "a complete XML report of ZAP"


def recognises(head: bytes) -> bool:
    """Tell a ZAP report by its root element."""
    return root_name(head) == "OWASPZAPReport"


def records(source: BinaryIO, file: str) -> Iterator[Record]:
    """Yield the coverage of each site, then its definitions and findings."""
    seen = SeenDefinitions()
    ended: datetime | None = None
    site: Site | None = None
    outer = {"OWASPZAPReport", "site"}
    for event, element in elements(source, file, EXPORT, {"alertitem"}, outer):
        match event, element.tag:
            case "start", "OWASPZAPReport":
                ended = report_time(element.get("generated"), element.get("created"), file)
            case "start", "site":
                site = Site(file, element.get("name", ""), ended, seen)
            case _, "alertitem":
                if site is None:
                    raise ScanParseError(file, "", "an alertitem outside of a site", EXPORT)
                instances = map(_fields, element.iterfind("instances/instance"))
                site.add(_fields(element), instances, texts_of(element, "tags/tag/tag"))
            case "end", "site" if site:
                yield from site.records()
                site = None


def _fields(element: Element) -> dict[str, str]:
    return {child.tag: child.text or "" for child in element}
