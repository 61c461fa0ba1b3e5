"""StackHawk's message of a completed scan, as its webhook and its API give it."""

import logging
from collections.abc import Iterator
from datetime import datetime

from parsers.dates import iso_datetime
from parsers.definitions import SeenDefinitions
from parsers.export import Export
from parsers.json import Object, document, entries, has, text, within
from parsers.websites import issue_locator, page, site_coverage
from poam.errors import quoted
from poam.locations import is_url, location, site
from poam.model import Definition, Finding, Kind, Record, ScanCoverage

NAME = "stackhawk_json"
DETECTORS = ("StackHawk",)

DETECTOR = "StackHawk"
EXPORT = "a complete JSON report of StackHawk"

log = logging.getLogger(__name__)


def recognises(head: bytes) -> bool:
    """Tell StackHawk's message by the scan it says was completed."""
    return has(head, "service", "scanCompleted")


def records(export: Export) -> Iterator[Record]:
    """Yield definitions and one finding per path, then the coverage of each site."""
    report = within(document(export, EXPORT), "scanCompleted")
    if "scan" not in report or "findings" not in report:
        raise export.error("scanCompleted", "no 'scan' or no 'findings'", EXPORT)
    seen = SeenDefinitions()
    sites: dict[str, None] = {}
    for number, entry in enumerate(entries(report, "findings", export, "scanCompleted"), start=1):
        definition = _definition(entry, export, f"finding {number}")
        if seen.is_new(definition):
            yield definition
        for finding in _findings(entry, export, number):
            sites[finding.asset] = None
            yield finding
    yield from _coverage(export, within(report, "scan"), list(sites))


def _definition(entry: Object, export: Export, place: str) -> Definition:
    identifier = text(entry, "pluginId")
    if not identifier:
        raise export.error(place, "no pluginId", "one such as 10038")
    return Definition(
        detector=DETECTOR,
        source_identifier=identifier,
        name=text(entry, "pluginName") or None,
        family=text(entry, "category") or None,
    )


def _findings(entry: Object, export: Export, number: int) -> Iterator[Finding]:
    """Yield one finding per path: each has a status of its own, perhaps one that somebody set."""
    host, identifier = text(entry, "host"), text(entry, "pluginId")
    if not is_url(host):
        expected = "an address such as https://app.example.gov"
        raise export.error(f"finding {number}", f"the host '{host}'", expected)
    asset, issue = site(host), f"{number} ({identifier})"
    for path in entries(entry, "paths", export, f"finding {number}") or [{}]:
        where = location(page(asset, text(path, "path")))
        yield Finding(
            detector=DETECTOR,
            source_identifier=identifier,
            asset=asset,
            kind=Kind.VULNERABILITY,
            locator=issue_locator(export.file, asset, issue, text(path, "method"), where, None),
            location=where,
            status=text(path, "status") or None,
            native_severity=text(entry, "severity") or None,
        )


def _coverage(export: Export, scan: Object, sites: list[str]) -> Iterator[ScanCoverage]:
    """Yield the coverage of each site; a scan without findings names only its application."""
    started = _started(export, scan)
    for asset in sites:
        yield site_coverage(DETECTOR, export.file, asset, started=started)
    if not sites and (application := text(scan, "application")):
        env = text(scan, "env")
        named = f"{application} ({env})" if env else application
        log.info("%s: without findings no site is named, only %s", export.file, quoted(named))
        yield ScanCoverage(
            detector=DETECTOR,
            asset=named,
            locator=f"{export.file}: application {named}",
            started=started,
        )


def _started(export: Export, scan: Object) -> datetime | None:
    """Return when the scan began; None where it did not complete: without a day it proves nothing.

    The message has no end, only durations without a unit.
    """
    started = iso_datetime(text(scan, "startedTimestamp"), export.file, "startedTimestamp")
    status = text(scan, "status")
    if status.upper() in ("", "COMPLETED"):
        return started
    log.warning("%s: a scan with the status %s proves no absence", export.file, quoted(status))
    return None
