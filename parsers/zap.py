"""What ZAP says in XML and in JSON alike: sites, alerts, instances."""

import logging
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from parsers.dates import iso_datetime, written_datetime
from parsers.definitions import SeenDefinitions
from parsers.text import cve_ids, cwe_ids, plain_text, unique
from parsers.websites import issue_locator, site_coverage
from poam.errors import ScanParseError, quoted
from poam.locations import location, site
from poam.model import Definition, Finding, Kind, Record, ScanCoverage

DETECTOR = "ZAP"

log = logging.getLogger(__name__)

Fields = Mapping[str, str]


def report_time(generated: str | None, created: str | None, file: str) -> datetime | None:
    """Return when the report was made: `created` has a zone, `@generated` has none."""
    if created:
        return iso_datetime(created, file, "created")
    return written_datetime(generated, file, "generated")


class Site:
    """One site of a report while its alerts are read."""

    def __init__(self, file: str, name: str, ended: datetime | None, seen: SeenDefinitions) -> None:
        """Refuse a site without a name: it could not be told from another."""
        if not name.strip():
            expected = "a name such as https://app.example.gov"
            raise ScanParseError(file, "site", "a site without a name", expected)
        self.file, self.asset, self.ended = file, site(name), ended
        self._seen = seen
        self._false_positives = 0

    def coverage(self) -> ScanCoverage:
        """Return what was scanned, and when."""
        return site_coverage(DETECTOR, self.file, self.asset, ended=self.ended)

    def records(
        self, alert: Fields, instances: Iterable[Fields], tags: Iterable[str]
    ) -> Iterator[Record]:
        """Yield what is new about an alert, then one finding per instance.

        Old ZAPs write one alert per instance. An alert of confidence 0 is one that somebody
        called a false positive in ZAP, so it is none.
        """
        if alert.get("confidence", "").strip() == "0":
            self._false_positives += 1
            return
        definition = _definition(alert, tags, f"site {self.asset}", self.file)
        if self._seen.is_new(definition):
            yield definition
        severity = alert.get("riskcode", "").strip() or None
        for instance in [*instances] or [alert]:
            yield self._finding(definition.source_identifier, severity, instance)

    def _finding(self, identifier: str, severity: str | None, instance: Fields) -> Finding:
        uri, method, parameter = (
            instance.get(name, "").strip() for name in ("uri", "method", "param")
        )
        where = location(uri) if uri else self.asset
        named = f"parameter {parameter}" if parameter else None
        return Finding(
            detector=DETECTOR,
            source_identifier=identifier,
            asset=self.asset,
            kind=Kind.INFORMATIONAL if severity == "0" else Kind.VULNERABILITY,
            locator=issue_locator(self.file, self.asset, identifier, method, where, named),
            location=where,
            parameter=parameter or None,
            native_severity=severity,
        )

    def log_false_positives(self) -> None:
        """Say how many alerts were left out."""
        if count := self._false_positives:
            log.info(
                "%s: %s: %d alerts marked false positive", self.file, quoted(self.asset), count
            )


def _definition(alert: Fields, tags: Iterable[str], place: str, file: str) -> Definition:
    identifier = alert.get("alertRef", "").strip() or alert.get("pluginid", "").strip()
    if not identifier:
        found, expected = "an alert with neither alertRef nor pluginid", "a pluginid"
        raise ScanParseError(file, place, found, expected)
    return Definition(
        detector=DETECTOR,
        source_identifier=identifier,
        # `alert` may carry a prefix of the importing tool: "zap1: Cookie Without Secure Flag".
        name=alert.get("name", "").strip() or alert.get("alert", "").strip() or None,
        description=plain_text(alert.get("desc")),
        solution=plain_text(alert.get("solution")),
        cves=cve_ids(tags),
        cwes=cwe_ids([alert.get("cweid")]),
        references=unique((plain_text(alert.get("reference")) or "").splitlines()),
    )
