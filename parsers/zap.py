"""What ZAP says in XML and in JSON alike: sites, alerts, instances."""

import ipaddress
import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from parsers.definitions import SeenDefinitions
from parsers.text import cve_ids, cwe_ids, iso_datetime, plain_text, unique, written_datetime
from poam.errors import ScanParseError
from poam.locations import host_name, location, site
from poam.model import Definition, Finding, Kind, Record, ScanCoverage

DETECTOR = "ZAP"

log = logging.getLogger(__name__)

Fields = Mapping[str, str]


def report_time(generated: str | None, created: str | None, file: str) -> datetime | None:
    """Return when the report was made: `created` has a zone, `@generated` has none."""
    if created:
        return iso_datetime(created, file, "created")
    return written_datetime(generated, file, "generated")


@dataclass
class Site:
    """One site of a report while its alerts are read."""

    file: str
    name: str
    ended: datetime | None
    seen: SeenDefinitions
    definitions: list[Definition] = field(default_factory=list)
    false_positives: int = 0
    _found: dict[tuple[str, str], tuple[Finding, int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse a site without a name: it could not be told from another."""
        if not self.name.strip():
            expected = "a name such as https://app.example.gov"
            raise ScanParseError(self.file, "site", "a site without a name", expected)
        self.asset = site(self.name)

    def add(self, alert: Fields, instances: Iterable[Fields], tags: Iterable[str]) -> None:
        """Take one alert with its instances; old ZAPs write one alert per instance."""
        if alert.get("confidence", "").strip() == "0":
            self.false_positives += 1  # somebody said so in ZAP
            return
        definition = _definition(alert, tags, f"site {self.asset}", self.file)
        if self.seen.is_new(definition):
            self.definitions.append(definition)
        kind = Kind.INFORMATIONAL if definition.native_severity == "0" else Kind.VULNERABILITY
        for instance in [*instances] or [alert]:
            uri = instance.get("uri", "").strip()
            where = location(uri) if uri else self.asset
            key = (definition.source_identifier, where)
            before, count = self._found.get(key, (None, 0))
            if before is None or (before.kind is Kind.INFORMATIONAL and before.kind is not kind):
                before = self._finding(definition.source_identifier, kind, where, instance)
            self._found[key] = before, count + 1

    def _finding(self, identifier: str, kind: Kind, where: str, instance: Fields) -> Finding:
        words = [f"{self.file}: site {self.asset}", f"alert {identifier}"]
        words.append(f"{instance.get('method', '').strip()} {where}".strip())
        if parameter := instance.get("param", "").strip():
            words.append(f"parameter {parameter}")
        return Finding(
            detector=DETECTOR,
            source_identifier=identifier,
            asset=self.asset,
            kind=kind,
            locator=", ".join(words),
            location=where,
        )

    def records(self) -> Iterator[Record]:
        """Yield the site's coverage, its new definitions, one finding per alert and location."""
        if self.false_positives:
            count = self.false_positives
            log.info("%s: %s: %d alerts marked false positive", self.file, self.asset, count)
        host = host_name(self.asset) or self.asset
        ip = _is_ip(host)
        yield ScanCoverage(
            detector=DETECTOR,
            asset=self.asset,
            locator=f"{self.file}: site {self.asset}",
            ips=(host,) if ip else (),
            fqdns=() if ip else (host,),
            ended=self.ended,
        )
        yield from self.definitions
        for finding, count in self._found.values():
            more = f" and {count - 1} more" if count > 1 else ""
            yield replace(finding, locator=finding.locator + more)


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
        native_severity=alert.get("riskcode", "").strip() or None,
        cves=cve_ids(tags),
        cwes=cwe_ids([alert.get("cweid")]),
        references=unique((plain_text(alert.get("reference")) or "").splitlines()),
    )


def _is_ip(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
