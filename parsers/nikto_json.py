"""Nikto reports in JSON: one host, or from version 2.5 on a list of them."""

from collections.abc import Iterator

from parsers.definitions import SeenDefinitions
from parsers.export import Export
from parsers.json import entries, has, objects, text
from parsers.nikto import DETECTOR, Target, definition
from poam.model import Record

NAME = "nikto_json"
DETECTORS = (DETECTOR,)

EXPORT = "a complete JSON report of Nikto"


def recognises(head: bytes) -> bool:
    """Tell a Nikto report by what it says of a host."""
    return has(head, "host", "ip", "port", "banner", "vulnerabilities")


def records(export: Export) -> Iterator[Record]:
    """Yield the coverage of each host, then its definitions and findings. There are no dates."""
    seen = SeenDefinitions()
    for number, host in enumerate(objects(export, EXPORT), start=1):
        place = f"host {number}"
        names = (text(host, name) for name in ("host", "ip", "port"))
        target = Target(export, place, "", *names)
        yield target.coverage()
        found = entries(host, "vulnerabilities", export, place)
        for count, entry in enumerate(found, start=1):
            where, path = f"{place}, vulnerability {count}", text(entry, "url")
            told = (text(entry, "references"), text(entry, "OSVDB"))
            new = definition(text(entry, "id"), text(entry, "msg"), path, *told, export, where)
            if seen.is_new(new):
                yield new
            yield target.finding(new.source_identifier, text(entry, "method"), path, where)
