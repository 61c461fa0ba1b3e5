"""Nessus, Tenable.sc and Tenable.io exports in XML, version 2 (`.nessus`); Tenable WAS too."""

import ipaddress
import json
import logging
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import BinaryIO

from parsers.definitions import SeenDefinitions
from parsers.text import (
    calendar_date,
    cve_ids,
    cwe_ids,
    epoch_datetime,
    iso_datetime,
    paragraphs,
    port_number,
    score,
    stated,
    unique,
    vector,
    written_datetime,
)
from parsers.xml import Element, elements, local_name, root_name
from poam.errors import ScanParseError
from poam.locations import host_name, location
from poam.model import Authenticated, Definition, Finding, Kind, Record, ScanCoverage

NAME = "nessus_xml"
DETECTORS = ("Nessus", "Tenable WAS")

log = logging.getLogger(__name__)

EXPORT = "a complete .nessus export"
SCAN_INFORMATION = "19506"

# Plugins that say whether the scanner logged in. Source: their titles in Tenable's feed.
LOGIN_WORKED = {
    "12634",  # Authenticated Check: OS Name and Installed Package Enumeration
    "110095",  # Target Credential Issues by Authentication Protocol - No Issues Found
    "117887",  # OS Security Patch Assessment Available
    "141118",  # Target Credential Status by Authentication Protocol - Valid Credentials Provided
}
LOGIN_FAILED = {
    "21745",  # OS Security Patch Assessment Failed
    "24786",  # Nessus Windows Scan Not Performed with Admin Privileges
    "104410",  # Target Credential Status by Authentication Protocol - Failure
    "110385",  # Target Credential Issues by Authentication Protocol - Insufficient Privilege
}
NO_LOGIN = {
    "110723",  # Target Credential Status by Authentication Protocol - No Credentials Provided
    "117886",  # OS Security Patch Assessment Not Available
}

REFERENCE_ELEMENTS = (
    *("bid", "cea-id", "cert", "cert-cc", "edb-id", "iava", "iavb", "iavt", "icsa", "mskb"),
    *("msft", "osvdb", "owasp", "rhsa", "secunia", "tra", "usn"),
)
KEV = "CISA-KNOWN-EXPLOITED"

# Until Nessus 4 a compliance check is all in the description: "name" : [FAILED]
_OLD_CHECK = re.compile(r'\s*"(?P<name>.+?)"\s*:\s*\[(?P<result>\w+)\]\s*', re.DOTALL)
# What follows such a line is what was found on this one host.
_HOST_EVIDENCE = re.compile(
    r"^ *(?:- )?(?:error message|remote value|policy value|actual value|file|non-compliant [^\n:]*)"
    r" *:.*",
    re.IGNORECASE | re.MULTILINE | re.DOTALL,
)
_WAS_URL = re.compile(r"\bon URL '([^']+)'|^ *URL *: *(\S+)", re.MULTILINE)

Key = tuple[str, int | None, str | None, str | None]


def recognises(head: bytes) -> bool:
    """Tell a Nessus version 2 export by its root element."""
    return root_name(head) == "NessusClientData_v2"


def records(source: BinaryIO, file: str) -> Iterator[Record]:
    """Yield the coverage of each host, then its definitions and findings."""
    seen = SeenDefinitions()
    policy: str | None = None
    detector, reports, host = "Nessus", 0, None
    whole, outer = {"policyName", "HostProperties", "ReportItem"}, {"Report", "ReportHost"}
    for event, element in elements(source, file, EXPORT, whole, outer):
        match event, element.tag:
            case "end", "policyName":
                policy = policy or (element.text or "").strip() or None
            case "start", "Report":
                reports += 1
                detector = "Tenable WAS" if element.get("type") == "was" else "Nessus"
            case "start", "ReportHost":
                reports += 1
                host = _Host(file, detector, seen, (element.get("name") or "").strip())
            case _, "HostProperties" if host:
                host.read_properties(element)
            case _, "ReportItem":
                if host is None:
                    found = "a ReportItem outside of a ReportHost"
                    raise ScanParseError(file, "", found, EXPORT)
                host.read_item(element)
            case "end", "ReportHost" if host:
                yield host.coverage(policy)
                yield from host.definitions
                yield from host.findings()
                host = None
    if not reports:
        log.warning("%s: no Report in it: nothing was scanned, or only the policy exported", file)


@dataclass
class _Host:
    """One ReportHost while it is read."""

    file: str
    detector: str
    seen: SeenDefinitions
    name: str
    tags: dict[str, str] = field(default_factory=dict)
    scan: dict[str, str] = field(default_factory=dict)
    plugins: set[str] = field(default_factory=set)
    definitions: list[Definition] = field(default_factory=list)
    items: int = 0
    _found: dict[Key, tuple[Finding, list[int]]] = field(default_factory=dict)

    @property
    def asset(self) -> str:
        """The name of the host, or its address where the export leaves the name out."""
        asset = self.name or self.tags.get("host-ip", "")
        if not asset:
            found, expected = "a ReportHost without a name", 'name="10.0.0.5" or the like'
            raise ScanParseError(self.file, f"item {self.items}", found, expected)
        return asset

    def place(self, items: list[int]) -> str:
        """Say where in the file something stands."""
        word = "item" if len(items) == 1 else "items"
        return f"host {self.asset}, {word} {', '.join(map(str, items))}"

    def read_properties(self, properties: Element) -> None:
        """Take the host's tags."""
        for tag in properties.iterfind("tag"):
            if tag.text and tag.text.strip():
                self.tags.setdefault(tag.get("name", ""), tag.text.strip())

    def read_item(self, element: Element) -> None:
        """Take one ReportItem; a repetition on the same port joins the one before."""
        self.items += 1
        item = _Item(self.file, self.place([self.items]), element)
        self.plugins.add(item.plugin)
        if item.plugin == SCAN_INFORMATION:
            self.scan = _scan_information(item.text("plugin_output"))
        definition = item.definition(self.detector)
        if self.seen.is_new(definition):
            self.definitions.append(definition)
        finding = item.finding(self.detector, self.asset)
        if self.detector == "Tenable WAS":
            finding = replace(finding, location=self._location(item.text("plugin_output")))
        key = (finding.source_identifier, finding.port, finding.protocol, finding.location)
        if key not in self._found:
            self._found[key] = finding, [self.items]
            return
        before, numbers = self._found[key]
        numbers.append(self.items)
        self._found[key] = max(before, finding, key=_weight), numbers

    def _location(self, output: str | None) -> str:
        url = _WAS_URL.search(output or "")
        return location(url[1] or url[2]) if url else self.asset

    def findings(self) -> Iterator[Finding]:
        """Yield one finding per plugin, port and protocol."""
        for finding, numbers in self._found.values():
            yield replace(finding, locator=f"{self.file}: {self.place(numbers)}")

    def coverage(self, policy: str | None) -> ScanCoverage:
        """Say what of this host was scanned, when and how."""
        return ScanCoverage(
            detector=self.detector,
            asset=self.asset,
            locator=f"{self.file}: host {self.asset}",
            ips=unique(
                ip for ip in [*self.tags.get("host-ip", "").split(), self.name] if _is_ip(ip)
            ),
            fqdns=self._fqdns(),
            hostname=self.tags.get("hostname"),
            netbios=self.tags.get("netbios-name"),
            macs=unique(self.tags.get("mac-address", "").split()),
            started=self._time("HOST_START"),
            ended=self._time("HOST_END"),
            authenticated=self._authenticated(),
            policy=self.tags.get("policy-used") or self.scan.get("Scan policy used") or policy,
            feed_date=calendar_date(self.scan.get("Plugin feed version")),
        )

    def _fqdns(self) -> tuple[str, ...]:
        listed = self.tags.get("host-fqdns", "[]")
        try:
            names = [entry["FQDN"] for entry in json.loads(listed)]
        except (ValueError, TypeError, KeyError):
            place = f"host {self.asset}, tag host-fqdns"
            expected = 'JSON such as [{"FQDN": "a.example.gov"}]'
            raise ScanParseError(self.file, place, "something else", expected) from None
        first = self.tags.get("host-fqdn", "")
        # Tenable WAS writes the site's URL as its name.
        return unique([host_name(first) if "://" in first else first, *names])

    def _time(self, tag: str) -> datetime | None:
        place = f"host {self.asset}, tag {tag}"
        if stamp := self.tags.get(f"{tag}_TIMESTAMP"):
            return epoch_datetime(stamp, self.file, place)
        text = self.tags.get(tag, "")
        if re.match(r"\d{4}-", text):
            return iso_datetime(text, self.file, place)
        return written_datetime(text, self.file, place)

    def _authenticated(self) -> Authenticated:
        """Weigh the evidence; a login that worked beside one that failed is partial."""
        if self.detector == "Tenable WAS":
            return Authenticated.UNKNOWN
        tag = self.tags.get("Credentialed_Scan", "").lower()
        checks = self.scan.get("Credentialed checks", "").lower()
        worked = tag == "true" or checks.startswith("yes") or bool(self.plugins & LOGIN_WORKED)
        # Before Nessus 6 there is no Credentialed_Scan: how it logged in is all it says.
        if not tag and {"local-checks-proto", "ssh-login-used", "smb-login-used"} & set(self.tags):
            worked = True
        failed = bool(self.plugins & LOGIN_FAILED)
        denied = tag == "false" or checks.startswith("no")
        if worked:
            return Authenticated.PARTIAL if failed or denied else Authenticated.YES
        if failed or denied or self.plugins & NO_LOGIN:
            return Authenticated.NO
        return Authenticated.UNKNOWN


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
        self.check = self.text("compliance-check-name")
        self.result = self.text("compliance-result")
        self.body = self.text("description")
        family = self.attributes.get("pluginFamily") == "Policy Compliance"
        old = _OLD_CHECK.match(self.body or "") if family or self.check else None
        if old:
            self.check = self.check or old["name"].strip()
            self.result = self.result or old["result"]
            rest = (self.body or "")[old.end() :]
            self.body = _HOST_EVIDENCE.sub("", rest).strip() or None
        modern = any(name.startswith("compliance-") for name in self._texts)
        self.compliance = modern or bool(
            family and (self.result or self.text("compliance") == "true")
        )

    @property
    def identifier(self) -> str:
        """The plugin number; for a compliance check its name, as checks share a plugin."""
        identifier = self.check if self.compliance and self.check else self.plugin
        if not identifier:
            found = "a ReportItem with neither pluginID nor compliance-check-name"
            raise ScanParseError(self.file, self.place, found, 'pluginID="19506" or the like')
        return identifier

    @property
    def present(self) -> bool:
        """False only where a compliance check passed."""
        return not (self.compliance and (self.result or "").upper() == "PASSED")

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

    def finding(self, detector: str, asset: str) -> Finding:
        """Return the detection; its locator and location are the host's to fill."""
        return Finding(
            detector=detector,
            source_identifier=self.identifier,
            asset=asset,
            kind=self.kind,
            locator="",
            present=self.present,
            port=port_number(self.attributes.get("port"), self.file, self.place),
            protocol=(self.attributes.get("protocol") or "").strip().lower() or None,
            status=self.result,
        )

    def definition(self, detector: str) -> Definition:
        """Return what the plugin or the check is about."""
        name = self.text("plugin_name") or self.attributes.get("pluginName", "").strip() or None
        description = paragraphs(self.text("synopsis"), self.body)
        if self.compliance:
            name = self.check or name
            description = self.text("compliance-info") or description
        return Definition(
            detector=detector,
            source_identifier=self.identifier,
            name=name,
            description=description,
            solution=stated(self.text("compliance-solution", "solution")),
            # A check that passed is written with a severity too, but not with that of failing.
            native_severity=self.severity if self.present else None,
            cvss2_base=self._score("cvss_base_score", "cvss"),
            cvss2_vector=vector(self.text("cvss_vector")),
            cvss3_base=self._score("cvss3_base_score", "cvssv3"),
            cvss3_vector=vector(self.text("cvss3_vector")),
            cvss4_base=self._score("cvss4_base_score", "cvssv4"),
            cvss4_vector=vector(self.text("cvss4_vector")),
            cves=cve_ids(self.texts("cve")),
            cwes=cwe_ids([*self.texts("cwe"), *self._xrefs("CWE")]),
            references=self._references(),
            family=self.attributes.get("pluginFamily", "").strip() or None,
            kev_due=self._kev_due(),
        )

    def _kev_due(self) -> date | None:
        """Return the due date copied from the KEV catalogue; several CVEs, the first of them."""
        texts = self.texts("cisa-known-exploited", "cisa_known_exploited")
        days = map(calendar_date, [*texts, *self._xrefs(KEV)])
        return min((day for day in days if day), default=None)

    def _score(self, *names: str) -> float | None:
        return score(self.text(*names), self.file, f"{self.place}, {names[0]}")

    def _xrefs(self, kind: str) -> list[str]:
        prefix = f"{kind}:"
        return [ref.removeprefix(prefix) for ref in self.texts("xref") if ref.startswith(prefix)]

    def _references(self) -> tuple[str, ...]:
        xrefs = [ref for ref in self.texts("xref") if not ref.startswith(("CWE:", f"{KEV}:"))]
        own = [
            text if ":" in text else f"{name.upper()}:{text}"
            for name in REFERENCE_ELEMENTS
            for text in self.texts(name)
        ]
        pages = " ".join(self.texts("see_also", "compliance-see-also")).split()
        controls = ",".join(self.texts("compliance-reference")).split(",")
        return unique([*xrefs, *own, *pages, *controls])


def _scan_information(output: str | None) -> dict[str, str]:
    """Return the lines `Plugin feed version : 202506051630` of plugin 19506."""
    pairs = (line.partition(" : ") for line in (output or "").splitlines())
    return {name.strip(): value.strip() for name, colon, value in pairs if colon}


def _weight(finding: Finding) -> tuple[bool, bool]:
    """Order repetitions: present before gone, a weakness before mere information."""
    return finding.present, finding.kind is not Kind.INFORMATIONAL


def _is_ip(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
