"""SARIF 2.1, an exchange format: each tool that writes it is a detector of its own.

Source: OASIS, Static Analysis Results Interchange Format 2.1.0, section 3.
"""

import logging
from collections.abc import Iterator
from datetime import UTC, datetime

from parsers.dates import earliest, iso_datetime, latest
from parsers.definitions import SeenDefinitions
from parsers.export import Export
from parsers.json import Object, document, entries, has, text, texts, within
from parsers.sarif import Place, Run, place_of
from parsers.sarif_rules import definition_of, severity_of
from parsers.websites import site_coverage
from poam.model import Finding, Kind, Record, ScanCoverage

NAME = "sarif_json"
DETECTORS: tuple[str, ...] = ()

EXPORT = "a complete SARIF 2.1 log"

log = logging.getLogger(__name__)


def recognises(head: bytes) -> bool:
    """Tell a SARIF log by its runs and what stands before them."""
    return has(head, "runs", "version") or has(head, "runs", "$schema")


def records(export: Export) -> Iterator[Record]:
    """Yield the definitions, findings and coverage of each run."""
    content = document(export, EXPORT)
    version = text(content, "version")
    if not version.startswith("2.1"):
        raise export.error("version", f"SARIF version '{version}'", "2.1.0")
    apart = entries(content, "inlineExternalProperties", export, "log")
    runs = entries(content, "runs", export, "log")
    for holder in (*apart, *(within(run, "externalPropertyFileReferences") for run in runs)):
        if holder.get("results"):
            raise export.error("log", "results kept apart from their run", "them within it")
    for number, run in enumerate(runs, start=1):
        yield from _Reader(Run(export, f"run {number}", run)).records()


class _Reader:
    """Reads the results of one run."""

    def __init__(self, run: Run) -> None:
        self.run, self.file = run, run.export.file
        self.detector = f"{run.tool} (SARIF)"
        self.started = earliest(self.times("startTimeUtc"))
        self.ended = latest(self.times("endTimeUtc"))

    def times(self, key: str) -> list[datetime]:
        """Return when the invocations of the tool began or ended."""
        found = (self.time(invocation, key, self.run.place) for invocation in self.run.invocations)
        return [time for time in found if time]

    def time(self, holder: Object, key: str, place: str) -> datetime | None:
        """Return a time; one without a zone is in UTC as well (3.9)."""
        time = iso_datetime(text(holder, key), self.file, place)
        return time.replace(tzinfo=UTC) if time and not time.tzinfo else time

    def records(self) -> Iterator[Record]:
        """Yield definitions and findings, then the coverage of each place."""
        seen = SeenDefinitions()
        assets: dict[str, bool] = {}
        targets = [
            self.run.place_of(within(artifact, "location"))
            for artifact in self.run.artifacts
            if "analysisTarget" in texts(artifact, "roles")
        ]
        for number, result in enumerate(self.run.entries(self.run.content, "results"), start=1):
            place = f"{self.run.place}, result {number}"
            definition = definition_of(self.detector, self.run, result, place)
            if seen.is_new(definition):
                yield definition
            for finding in self.findings(definition.source_identifier, result, place):
                assets[finding.asset] = finding.location is not None
                yield finding
            targets.append(self.run.place_of(within(result, "analysisTarget")))
        assets |= {target.asset: target.location is not None for target in targets if target}
        yield from self.coverage(assets)

    def findings(self, identifier: str, result: Object, place: str) -> Iterator[Finding]:
        """Yield one finding per location of a result."""
        severity, passed = severity_of(self.run, result), text(result, "kind") == "pass"
        provenance = within(result, "provenance")
        method = text(within(result, "webRequest"), "method")
        informational = severity == "none" and not passed
        for where, line in self.locations(result, place):
            request = f"{method} {where.location or where.asset}".strip()
            words = [f"{self.file}: {place}", f"rule {identifier}", request]
            yield Finding(
                detector=self.detector,
                source_identifier=identifier,
                asset=where.asset,
                kind=Kind.INFORMATIONAL if informational else Kind.VULNERABILITY,
                locator=", ".join([*words, f"line {line}"] if line else words),
                present=not passed and text(result, "baselineState") != "absent",
                location=where.location,
                status=self.status(result, place),
                native_severity=severity,
                first_seen=self.time(provenance, "firstDetectionTimeUtc", place),
                last_seen=self.time(provenance, "lastDetectionTimeUtc", place) or self.ended,
            )

    def locations(self, result: Object, place: str) -> list[tuple[Place, str]]:
        """Return where a result is, each with its line: its locations, or what was analysed."""
        found = []
        for entry in self.run.entries(result, "locations", place):
            physical = within(entry, "physicalLocation")
            where = self.run.place_of(within(physical, "artifactLocation"))
            for logical in self.run.entries(entry, "logicalLocations", place):
                name = text(logical, "fullyQualifiedName") or text(logical, "name")
                where = where or (place_of(name) if name else None)
            if where:
                found.append((where, text(within(physical, "region"), "startLine")))
        target = self.run.place_of(within(result, "analysisTarget"))
        if not found and target:
            return [(target, "")]
        if not found:
            raise self.run.export.error(place, "no location", "an address or a file")
        return found

    def status(self, result: Object, place: str) -> str | None:
        """Return how somebody suppressed a result, or how it compares with the run before."""
        states = [
            " ".join((*texts(one, "kind"), *texts(one, "state")))
            for one in self.run.entries(result, "suppressions", place)
        ]
        suppressed = f"suppressed ({', '.join(states)})" if states else None
        return suppressed or text(result, "baselineState") or None

    def coverage(self, assets: dict[str, bool]) -> Iterator[ScanCoverage]:
        """Yield the coverage of sites and files. A run that failed has no day: it proves nothing.

        So has one whose `results` are missing: the tool did not look (3.14.23).
        """
        ends = [text(one, "executionSuccessful") for one in self.run.invocations]
        failed = "false" in ends or self.run.content.get("results") is None
        if failed:
            log.warning("%s: %s failed: it proves no absence", self.file, self.run.place)
        if not assets:
            log.info("%s: %s does not say what was scanned", self.file, self.run.place)
        started, ended = (None, None) if failed else (self.started, self.ended)
        for asset, is_site in assets.items():
            if is_site:
                yield site_coverage(self.detector, self.file, asset, started=started, ended=ended)
            else:
                yield ScanCoverage(
                    detector=self.detector,
                    asset=asset,
                    locator=f"{self.file}: artifact {asset}",
                    started=started,
                    ended=ended,
                )
