"""Scans of Burp Suite Enterprise, DAST and Professional as their REST API gives them."""

import logging
import re
from collections import Counter
from collections.abc import Iterator
from datetime import datetime

from parsers.burp import DETECTOR, Issue, Report, address, identifier, insertion_point
from parsers.dates import earliest, epoch_datetime, latest
from parsers.export import Export
from parsers.json import Object, document, entries, has, text, within
from poam.errors import quoted
from poam.model import Record

NAME = "burp_enterprise_json"
DETECTORS = (DETECTOR,)

log = logging.getLogger(__name__)

EXPORT = "a complete scan of Burp Suite's REST API"


def recognises(head: bytes) -> bool:
    """Tell a scan by its events, and by their issues or the scan's metrics."""
    return any(has(head, "issue_events", path) for path in ("issue_events/issue", "scan_metrics"))


def records(export: Export) -> Iterator[Record]:
    """Yield one finding per event of an issue found, then coverage and definitions.

    A scan is dated by the requests its issues show, and only once it has succeeded: one that
    still runs does not prove that a weakness is gone.
    """
    scan = document(export, EXPORT)
    report = Report(export)
    ignored: Counter[str] = Counter()
    times: list[datetime] = []
    for number, event in enumerate(entries(scan, "issue_events", export, "report"), start=1):
        place = f"event {number}"
        if not (word := text(event, "type")):
            raise export.error(place, "an event without a type", "a type such as issue_found")
        if word != "issue_found":
            ignored[word] += 1
            continue
        issue = _issue(within(event, "issue"), export, place)
        times.extend(issue.seen)
        yield report.finding(issue)
    for word, count in sorted(ignored.items()):
        log.warning("%s: %d events of type %s ignored", export.file, count, quoted(word))
    if (status := text(scan, "scan_status")) != "succeeded":
        log.warning("%s: scan_status is '%s': it proves nothing gone", export.file, quoted(status))
        times.clear()
    yield from report.summary(earliest(times), latest(times))


def _issue(issue: Object, export: Export, place: str) -> Issue:
    name = text(issue, "name")
    exchanges = (
        within(evidence, "request_response")
        for evidence in entries(issue, "evidence", export, place)
    )
    seen = (_time(text(exchange, "request_time"), export, place) for exchange in exchanges)
    return Issue(
        place=place,
        identifier=identifier(text(issue, "type_index"), name, export, place),
        name=name,
        url=address(text(issue, "origin"), text(issue, "path")),
        severity=text(issue, "severity"),
        confidence=text(issue, "confidence"),
        serial=text(issue, "serial_number"),
        point=insertion_point(text(issue, "caption")),
        background=text(issue, "issue_background"),
        detail=text(issue, "description"),
        solution=text(issue, "remediation_background"),
        seen=tuple(time for time in seen if time),
    )


def _time(milliseconds: str, export: Export, place: str) -> datetime | None:
    """Read milliseconds since 1970 as a time in UTC; empty is missing."""
    if milliseconds and not re.fullmatch(r"[0-9]{12,13}", milliseconds):
        raise export.error(place, f"the time '{milliseconds}'", "milliseconds since 1970")
    return epoch_datetime(milliseconds[:-3], export.file, place)
