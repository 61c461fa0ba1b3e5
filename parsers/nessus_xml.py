"""Nessus, Tenable.sc and Tenable.io exports in XML, version 2 (`.nessus`); Tenable WAS too."""

import json
import logging
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from parsers.dates import epoch_datetime, iso_datetime, written_datetime
from parsers.definitions import SeenDefinitions
from parsers.export import Export
from parsers.nessus import (
    COMPLIANCE,
    DETECTOR,
    KEV,
    PASSED,
    WEB_DETECTOR,
    Evidence,
    compliance_check,
    kev_due,
    of_kind,
    web_url,
)
from parsers.text import cve_ids, cwe_ids, paragraphs, port_number, score, stated, unique, vector
from parsers.xml import Element, elements, local_name, root_name
from poam.errors import ScanParseError
from poam.locations import host_name, is_ip, is_url, location, site
from poam.model import Authenticated, Definition, Finding, Kind, Record, ScanCoverage

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

REFERENCE_ELEMENTS = (
    *("bid", "cea-id", "cert", "cert-cc", "edb-id", "iava", "iavb", "iavt", "icsa", "mskb"),
    *("msft", "osvdb", "owasp", "rhsa", "secunia", "tra", "usn"),
)


def recognises(head: bytes) -> bool:
    """Tell a Nessus version 2 export by its root element."""
    return root_name(head) == "NessusClientData_v2"


def records(export: Export) -> Iterator[Record]:
    """Yield the coverage of each host, then its definitions and findings."""
    seen = SeenDefinitions()
    policy: str | None = None
    detector, reports, host = DETECTOR, 0, None
    whole, outer = {"policyName", "HostProperties", "ReportItem"}, {"Report", "ReportHost"}
    for event, element in elements(export, EXPORT, whole, outer):
        match event, element.tag:
            case "end", "policyName":
                policy = policy or (element.text or "").strip() or None
            case "start", "Report":
                reports += 1
                detector = WEB_DETECTOR if element.get("type") == "was" else DETECTOR
            case "start", "ReportHost":
                reports += 1
                host = _Host(export, detector, seen, (element.get("name") or "").strip())
            case _, "HostProperties" if host:
                host.read_properties(element)
            case _, "ReportItem":
                if host is None:
                    raise export.error("", "a ReportItem outside of a ReportHost", EXPORT)
                host.read_item(element)
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

    def read_properties(self, properties: Element) -> None:
        """Take the host's tags."""
        for tag in properties.iterfind("tag"):
            if tag.text and tag.text.strip():
                self.tags.setdefault(tag.get("name", ""), tag.text.strip())

    def read_item(self, element: Element) -> None:
        """Take one ReportItem."""
        place = f"host {self.asset}, item {len(self.findings) + 1}"
        item = _Item(self.export.file, place, element)
        output = item.text("plugin_output")
        self.evidence.add(item.plugin, output)
        definition = item.definition(self.detector)
        if self.seen.is_new(definition):
            self.definitions.append(definition)
        page = self._page(output) if self.detector == WEB_DETECTOR else None
        self.findings.append(item.finding(self.detector, self.asset, page))

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


class _Item:
    """One ReportItem: its attributes, and its elements by local name."""

    def __init__(self, file: str, place: str, element: Element) -> None:
        self.file, self.place = file, place
        self.attributes = element.attrib
        self.plugin = element.get("pluginID", "").strip()
        self.severity = element.get("severity", "").strip() or None
        self._texts: defaultdict[str, list[str]] = defaultdict(list)
        for child in element:
            if child.text and child.text.strip():
                # Compliance elements are told by local name: the namespace varies.
                self._texts[local_name(child)].append(child.text.strip())
        self._read_check()

    def text(self, *names: str) -> str | None:
        """Return the first text of the first of these elements that has one."""
        return next((self._texts[name][0] for name in names if name in self._texts), None)

    def texts(self, *names: str) -> list[str]:
        """Return the texts of all these elements."""
        return [text for name in names if name in self._texts for text in self._texts[name]]

    def _read_check(self) -> None:
        """Find out whether this is the result of a compliance check, and of which."""
        self.name = self.text("compliance-check-name")
        self.result = self.text("compliance-result")
        family = self.attributes.get("pluginFamily") == COMPLIANCE
        self.check = compliance_check(self.text("description")) if family or self.name else None
        if self.check:
            self.name = self.name or self.check.name
            self.result = self.result or self.check.result
        modern = any(name.startswith("compliance-") for name in self._texts)
        self.compliance = modern or bool(
            family and (self.result or self.text("compliance") == "true")
        )

    @property
    def identifier(self) -> str:
        """The plugin number; for a compliance check its name, as checks share a plugin."""
        identifier = self.name if self.compliance and self.name else self.plugin
        if not identifier:
            found = "a ReportItem with neither pluginID nor compliance-check-name"
            raise ScanParseError(self.file, self.place, found, 'pluginID="19506" or the like')
        return identifier

    @property
    def present(self) -> bool:
        """False only where a compliance check passed."""
        return not (self.compliance and (self.result or "").upper() == PASSED)

    @property
    def kind(self) -> Kind:
        """What this item is. A score outweighs the risk factor None."""
        if self.compliance:
            return Kind.CONFIGURATION if self.result else Kind.INFORMATIONAL
        scored = self.text(
            "cvss_base_score", "cvss3_base_score", "cvss4_base_score", "cvss", "cvssv3"
        )
        riskless = (self.text("risk_factor") or "").lower() in ("none", "info") and not scored
        if self.plugin == "0" or self.severity == "0" or riskless:
            return Kind.INFORMATIONAL
        return Kind.VULNERABILITY

    def finding(self, detector: str, asset: str, page: str | None) -> Finding:
        """Return the detection, of a web application on this page."""
        return Finding(
            detector=detector,
            source_identifier=self.identifier,
            asset=asset,
            kind=self.kind,
            locator=f"{self.file}: {self.place}",
            present=self.present,
            location=page,
            port=port_number(self.attributes.get("port"), self.file, self.place),
            protocol=(self.attributes.get("protocol") or "").strip().lower() or None,
            status=self.result,
            # A check that passed is written with a severity too, but not with that of failing.
            native_severity=self.severity if self.present else None,
        )

    def definition(self, detector: str) -> Definition:
        """Return what the plugin or the check is about."""
        name = self.text("plugin_name") or self.attributes.get("pluginName", "").strip() or None
        body, solution = self.text("description"), self.text("compliance-solution", "solution")
        if self.check:
            body, solution = self.check.description, stated(solution) or self.check.solution
        description = paragraphs(self.text("synopsis"), body)
        if self.compliance:
            name = self.name or name
            description = self.text("compliance-info") or description
        return Definition(
            detector=detector,
            source_identifier=self.identifier,
            name=name,
            description=description,
            solution=stated(solution),
            cvss2_base=self._score("cvss_base_score", "cvss"),
            cvss2_vector=vector(self.text("cvss_vector")),
            cvss3_base=self._score("cvss3_base_score", "cvssv3"),
            cvss3_vector=vector(self.text("cvss3_vector")),
            cvss4_base=self._score("cvss4_base_score", "cvssv4"),
            cvss4_vector=vector(self.text("cvss4_vector")),
            cves=cve_ids(self.texts("cve")),
            cwes=cwe_ids([*self.texts("cwe"), *of_kind(self.texts("xref"), "CWE")]),
            references=self._references(),
            family=self.attributes.get("pluginFamily", "").strip() or None,
            kev_due=kev_due(
                [
                    *self.texts("cisa-known-exploited", "cisa_known_exploited"),
                    *of_kind(self.texts("xref"), KEV),
                ]
            ),
        )

    def _score(self, *names: str) -> float | None:
        return score(self.text(*names), self.file, f"{self.place}, {names[0]}")

    def _references(self) -> tuple[str, ...]:
        xrefs = [ref for ref in self.texts("xref") if not ref.startswith(("CWE:", f"{KEV}:"))]
        own = [
            text if ":" in text else f"{name.upper()}:{text}"
            for name in REFERENCE_ELEMENTS
            for text in self.texts(name)
        ]
        pages = " ".join(self.texts("see_also", "compliance-see-also")).split()
        controls = ",".join(self.texts("compliance-reference")).split(",")
        checked = self.check.references if self.check else ()
        return unique([*xrefs, *own, *pages, *controls, *checked])
