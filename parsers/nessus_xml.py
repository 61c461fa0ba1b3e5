"""Nessus, Tenable.sc and Tenable.io exports in XML, version 2 (`.nessus`); Tenable WAS too."""

import json
import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from parsers.dates import epoch_datetime, iso_datetime, written_datetime
from parsers.definitions import SeenDefinitions
from parsers.export import Export
from parsers.nessus import DETECTOR, WEB_DETECTOR, Evidence, web_url
from parsers.nessus_item import Item
from parsers.nessus_stream import Part, parts
from parsers.text import unique
from parsers.xml import root_name
from poam.locations import host_name, is_ip, is_url, location, site
from poam.model import Authenticated, Definition, Finding, Record, ScanCoverage

NAME = "nessus_xml"
DETECTORS = (DETECTOR, WEB_DETECTOR)

log = logging.getLogger(__name__)

# Tags that name a host for good, and whose they are.
IDS = {
    "host-uuid": "agent",
    "aws-instance-instance-id": "aws",
    "aws-instance-instanceId": "aws",
    "azure-instance-resource-id": "azure",
    "gcp-instance-instance-id": "gcp",
}
EXPORT = "a complete .nessus export"


def recognises(head: bytes) -> bool:
    """Tell a Nessus version 2 export by its root element."""
    return root_name(head) == "NessusClientData_v2"


def records(export: Export) -> Iterator[Record]:
    """Yield the coverage of each host, then its definitions and findings."""
    seen = SeenDefinitions()
    policy: str | None = None
    detector, reports, host = DETECTOR, 0, None
    for event, part, output in parts(export, EXPORT):
        match event, part.name:
            case "end", "ReportItem":
                if host is None:
                    raise export.error("", "a ReportItem outside of a ReportHost", EXPORT)
                host.read_item(part, output)
            case "end", "policyName":
                policy = policy or part.text.strip() or None
            case "start", "Report":
                reports += 1
                detector = WEB_DETECTOR if part.attributes.get("type") == "was" else DETECTOR
            case "start", "ReportHost":
                reports += 1
                host = _Host(export, detector, seen, part.attributes.get("name", "").strip())
            case _, "HostProperties" if host:
                host.read_properties(part)
            case "end", "ReportHost" if host:
                yield host.coverage(policy)
                yield from host.definitions
                yield from host.findings
                host = None
    if not reports:
        log.warning(
            "%s: no Report in it: nothing was scanned, or only the policy exported", export.file
        )


@dataclass
class _Host:
    """One ReportHost while it is read."""

    export: Export
    detector: str
    seen: SeenDefinitions
    name: str
    tags: dict[str, str] = field(default_factory=dict)
    evidence: Evidence = field(default_factory=Evidence)
    definitions: list[Definition] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    @property
    def asset(self) -> str:
        """The name of the host, or its address where the export leaves the name out."""
        asset = self.name or self.tags.get("host-ip", "")
        if not asset:
            found, expected = "a ReportHost without a name", 'name="10.0.0.5" or the like'
            raise self.export.error(f"item {len(self.findings) + 1}", found, expected)
        return site(asset) if self.detector == WEB_DETECTOR and is_url(asset) else asset

    def read_properties(self, properties: Part) -> None:
        """Take the host's tags."""
        for tag in properties.parts:
            if tag.name == "tag" and (text := tag.text.strip()):
                self.tags.setdefault(tag.attributes.get("name", ""), text)

    def read_item(self, part: Part, output: str | None) -> None:
        """Take one ReportItem and its output."""
        asset = self.asset
        place = f"host {asset}, item {len(self.findings) + 1}"
        item: Item | None = part.made
        if item is None or item.detector != self.detector:
            part.made = item = Item(self.export.file, place, self.detector, part)
            definition = item.definition()
            if self.seen.is_new(definition):
                self.definitions.append(definition)
        self.evidence.add(item.plugin, output)
        page = self._page(output) if self.detector == WEB_DETECTOR else None
        self.findings.append(item.finding(asset, f"{self.export.file}: {place}", page))

    def _page(self, output: str | None) -> str:
        urls = (url for url in (web_url(output), self.name) if url and is_url(url))
        return next(map(location, urls), self.asset)

    def coverage(self, policy: str | None) -> ScanCoverage:
        """Say what of this host was scanned, when and how."""
        return ScanCoverage(
            detector=self.detector,
            asset=self.asset,
            locator=f"{self.export.file}: host {self.asset}",
            ips=unique(
                ip for ip in [*self.tags.get("host-ip", "").split(), self.name] if is_ip(ip)
            ),
            fqdns=self._fqdns(),
            hostname=self.tags.get("hostname"),
            netbios=self.tags.get("netbios-name"),
            macs=unique(self.tags.get("mac-address", "").split()),
            ids=tuple(
                f"{whose} {self.tags[tag].lower()}"
                for tag, whose in IDS.items()
                if self.tags.get(tag)
            ),
            started=self._time("HOST_START") or self.evidence.started,
            ended=self._time("HOST_END") or self.evidence.ended,
            authenticated=self._authenticated(),
            policy=self.tags.get("policy-used") or self.evidence.policy or policy,
            feed_date=self.evidence.feed_date,
        )

    def _fqdns(self) -> tuple[str, ...]:
        listed = self.tags.get("host-fqdns", "[]")
        try:
            names = [str(entry["FQDN"] or "") for entry in json.loads(listed)]
        except (ValueError, TypeError, KeyError, RecursionError):
            place = f"host {self.asset}, tag host-fqdns"
            expected = 'JSON such as [{"FQDN": "a.example.gov"}]'
            raise self.export.error(place, "something else", expected) from None
        first = self.tags.get("host-fqdn", "")
        # Tenable WAS writes the site's URL as its name.
        return unique([host_name(first) if is_url(first) else first, *names])

    def _time(self, tag: str) -> datetime | None:
        place = f"host {self.asset}, tag {tag}"
        if stamp := self.tags.get(f"{tag}_TIMESTAMP"):
            return epoch_datetime(stamp, self.export.file, place)
        text = self.tags.get(tag, "")
        if re.match(r"\d{4}-", text):
            return iso_datetime(text, self.export.file, place)
        return written_datetime(text, self.export.file, place)

    def _authenticated(self) -> Authenticated:
        if self.detector == WEB_DETECTOR:
            return Authenticated.UNKNOWN
        tag = self.tags.get("Credentialed_Scan", "").lower()
        if tag in ("true", "false"):
            return self.evidence.authenticated(tag == "true")
        # Before Nessus 6 there is no Credentialed_Scan: how it logged in is all it says.
        login = {"local-checks-proto", "ssh-login-used", "smb-login-used"} & set(self.tags)
        return self.evidence.authenticated(*[True] * bool(login))
