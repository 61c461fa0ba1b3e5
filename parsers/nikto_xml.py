"""Nikto reports in XML (niktoscan), of one host or of several."""

from collections.abc import Iterator
from datetime import datetime

from parsers.dates import iso_datetime
from parsers.definitions import SeenDefinitions
from parsers.export import Export
from parsers.nikto import DETECTOR, Target, definition
from parsers.xml import Element, elements, line_of, local_name, root_name, text_of
from poam.model import Definition, Record

NAME = "nikto_xml"
DETECTORS = (DETECTOR,)

EXPORT = "a complete XML report of Nikto"


def recognises(head: bytes) -> bool:
    """Tell a Nikto report by its root element."""
    return root_name(head) == "niktoscan"


def records(export: Export) -> Iterator[Record]:
    """Yield the definitions and findings of each host, then its coverage."""
    seen = SeenDefinitions()
    target: Target | None = None
    times: dict[str, datetime | None] = {}
    for event, element in elements(export, EXPORT, {"item", "statistics"}, {"scandetails"}):
        match event, local_name(element):
            case "start", "scandetails":
                target = _target(element, export)
                times = {"started": _time(element, "starttime", export)}
            case _, "statistics":
                times["ended"] = _time(element, "endtime", export)
            case _, "item":
                if target is None:
                    found = "an item outside of scandetails"
                    raise export.error(line_of(element), found, EXPORT)
                new = _definition(element, export)
                if seen.is_new(new):
                    yield new
                method, path = element.get("method", ""), text_of(element, "uri") or ""
                yield target.finding(new.source_identifier, method, path, line_of(element))
            case "end", "scandetails" if target:
                yield target.coverage(**times)
                target = None


def _target(details: Element, export: Export) -> Target:
    names = ("sitename", "targethostname", "targetip", "targetport")
    return Target(export, line_of(details), *(details.get(name, "").strip() for name in names))


def _definition(item: Element, export: Export) -> Definition:
    return definition(
        item.get("id", "").strip(),
        text_of(item, "description") or "",
        text_of(item, "uri") or "",
        text_of(item, "references") or "",
        item.get("osvdbid", ""),
        export,
        line_of(item),
    )


def _time(element: Element, name: str, export: Export) -> datetime | None:
    return iso_datetime(element.get(name), export.file, f"{line_of(element)}, {name}")
