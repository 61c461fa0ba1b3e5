"""ZAP reports in JSON."""

from collections.abc import Iterator

from parsers.definitions import SeenDefinitions
from parsers.export import Export
from parsers.json import Object, document, entries, has, text
from parsers.zap import DETECTOR, Site, report_time
from poam.model import Record

NAME = "zap_json"
DETECTORS = (DETECTOR,)

EXPORT = "a complete JSON report of ZAP"


def recognises(head: bytes) -> bool:
    """Tell a ZAP report by its sites and the keys ZAP alone writes."""
    return has(head, "site", "@generated") or has(head, "site/alerts/pluginid")


def records(export: Export) -> Iterator[Record]:
    """Yield the coverage of each site, then its definitions and findings."""
    report = document(export, EXPORT)
    ended = report_time(text(report, "@generated"), text(report, "created"), export.file)
    seen = SeenDefinitions()
    for number, entry in enumerate(entries(report, "site", export, "report"), start=1):
        site = Site(export.file, text(entry, "@name"), ended, seen)
        yield site.coverage()
        for alert in entries(entry, "alerts", export, f"site {number}"):
            place = f"site {number}, alert {text(alert, 'pluginid')}"
            instances = map(_fields, entries(alert, "instances", export, place))
            tags = (text(tag, "tag") for tag in entries(alert, "tags", export, place))
            yield from site.records(_fields(alert), instances, tags)
        site.log_false_positives()


def _fields(entry: Object) -> dict[str, str]:
    return {key: text(entry, key) for key in entry}
