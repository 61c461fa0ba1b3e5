"""One ReportItem of a `.nessus` export: what it says of its plugin or compliance check."""

from collections import defaultdict
from functools import cached_property

from parsers.nessus import COMPLIANCE, KEV, PASSED, compliance_check, kev_due, of_kind
from parsers.nessus_stream import Part
from parsers.text import cve_ids, cwe_ids, paragraphs, port_number, score, stated, unique, vector
from poam.errors import ScanParseError
from poam.model import Definition, Finding, Kind

REFERENCE_ELEMENTS = (
    *("bid", "cea-id", "cert", "cert-cc", "edb-id", "iava", "iavb", "iavt", "icsa", "mskb"),
    *("msft", "osvdb", "owasp", "rhsa", "secunia", "tra", "usn"),
)


class Item:
    """A ReportItem but for its host and output: what may be the same on many hosts.

    `place` is where in the file it stands first.
    """

    def __init__(self, file: str, place: str, detector: str, part: Part) -> None:
        self.file, self.place, self.detector = file, place, detector
        self.attributes = part.attributes
        self.plugin = part.attributes.get("pluginID", "").strip()
        self.severity = part.attributes.get("severity", "").strip() or None
        self._texts: defaultdict[str, list[str]] = defaultdict(list)
        for child in part.parts:
            if text := child.text.strip():
                self._texts[child.name].append(text)
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

    @cached_property
    def identifier(self) -> str:
        """The plugin number; for a compliance check its name, as checks share a plugin."""
        identifier = self.name if self.compliance and self.name else self.plugin
        if not identifier:
            found = "a ReportItem with neither pluginID nor compliance-check-name"
            raise ScanParseError(self.file, self.place, found, 'pluginID="19506" or the like')
        return identifier

    @cached_property
    def present(self) -> bool:
        """False only where a compliance check passed."""
        return not (self.compliance and (self.result or "").upper() == PASSED)

    @cached_property
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

    @cached_property
    def port(self) -> int | None:
        """The port; of the host as a whole none."""
        return port_number(self.attributes.get("port"), self.file, self.place)

    @cached_property
    def protocol(self) -> str | None:
        """The protocol, in lower case."""
        return (self.attributes.get("protocol") or "").strip().lower() or None

    def finding(self, asset: str, locator: str, page: str | None) -> Finding:
        """Return the detection on a host, of a web application on this page."""
        return Finding(
            detector=self.detector,
            source_identifier=self.identifier,
            asset=asset,
            kind=self.kind,
            locator=locator,
            present=self.present,
            location=page,
            port=self.port,
            protocol=self.protocol,
            status=self.result,
            # A check that passed is written with a severity too, but not with that of failing.
            native_severity=self.severity if self.present else None,
        )

    def definition(self) -> Definition:
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
            detector=self.detector,
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
