"""What a record of a Nessus or Tenable table says, in CSV or JSON, under whatever name."""

import logging
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Protocol

from parsers.export import Export
from parsers.nessus import COMPLIANCE, KEV, Check, compliance_check, kev_due, of_kind
from parsers.text import cve_ids, cwe_ids, paragraphs, score, unique, vector
from poam.errors import quoted
from poam.model import Definition, Kind

log = logging.getLogger(__name__)

# The CSV of a scan has the first in every product; Tenable VM and Tenable WAS add to them. Those
# are in lower case, as csv.columns gives them.
SCAN_COLUMNS = ("Plugin ID", "Risk", "Host", "Protocol", "Port", "Name")
VM_COLUMNS = {"asset uuid", "vulnerability state", "ip address", "last found"}
WEB_COLUMN = "cvssv3"

FIELDS = {
    # of the plugin
    "plugin": ("Plugin ID", "Plugin", "definition.id", "plugin.id"),
    "name": ("Name", "Plugin Name", "definition.name", "plugin.name"),
    "family": ("Plugin Family", "Family", "definition.family", "plugin.family"),
    "synopsis": ("Synopsis", "definition.synopsis", "plugin.synopsis"),
    "description": ("Description", "definition.description", "plugin.description"),
    "solution": ("Solution", "Steps to Remediate", "definition.solution", "plugin.solution"),
    "see_also": ("See Also", "definition.see_also", "plugin.see_also"),
    "cve": ("CVE", "definition.cve", "plugin.cve"),
    "cwe": ("definition.cwe", "plugin.cwe"),
    "references": ("XREF", "Cross References", "definition.references", "plugin.xrefs"),
    "bid": ("BID", "plugin.bid"),
    "mskb": ("MSKB",),
    "cvss2_base": (
        *("CVSS v2.0 Base Score", "CVSS V2 Base Score", "CVSS Base Score", "CVSS"),
        *("definition.cvss2.base_score", "plugin.cvss_base_score"),
    ),
    "cvss2_vector": (
        *("CVSS V2 Vector", "CVSS Vector"),
        *("definition.cvss2.base_vector", "plugin.cvss_vector.raw"),
    ),
    "cvss3_base": (
        *("CVSS v3.0 Base Score", "CVSS V3 Base Score", "CVSS3 Base Score", "CVSSv3"),
        *("definition.cvss3.base_score", "plugin.cvss3_base_score"),
    ),
    "cvss3_vector": (
        *("CVSS V3 Vector", "CVSS3 Vector"),
        *("definition.cvss3.base_vector", "plugin.cvss3_vector.raw"),
    ),
    "cvss4_base": (
        *("CVSS v4.0 Base Score", "CVSS V4 Base Score", "CVSS4 Base Score"),
        *("definition.cvss4.base_score", "plugin.cvss4_base_score"),
    ),
    "cvss4_vector": (
        *("CVSS V4 Vector", "CVSS4 Vector"),
        *("definition.cvss4.base_vector", "plugin.cvss4_vector.raw"),
    ),
    # of the finding
    "severity": ("Risk", "Severity", "severity"),
    "scanners_severity": (
        "Original Severity",
        "definition.severity",
        "severity_default_id",
        "Risk Factor",
    ),
    "modification": ("Modification", "risk_modified", "severity_modification_type"),
    "reason": ("recast_reason",),
    "accepted": ("Accept Risk Comment",),
    "recast": ("Recast Risk Comment",),
    "state": ("Vulnerability State", "state"),
    "port": ("Port", "port", "port.port"),
    "protocol": ("Protocol", "protocol", "port.protocol"),
    "output": ("Plugin Output", "Plugin Text", "output"),
    "first_seen": ("First Found", "First Discovered", "first_observed", "first_found"),
    "last_seen": ("Last Found", "Last Observed", "last_seen", "last_found"),
    "fixed": ("Last Fixed", "last_fixed"),
    # of the host
    "host": ("Host",),
    "ipv4": ("IP Address", "asset.display_ipv4_address", "asset.ipv4"),
    "fqdn": ("FQDN", "DNS Name", "asset.display_fqdn", "asset.fqdn"),
    "hostname": ("asset.host_name", "asset.hostname"),
    "netbios": ("NetBios", "NetBIOS Name", "asset.netbios_name"),
    "ipv6": ("asset.display_ipv6_address", "asset.ipv6"),
    "asset_name": ("asset.name",),
    "asset_id": ("Asset UUID", "asset.id", "asset.uuid"),
    "mac": ("MAC Address", "asset.display_mac_address", "asset.mac_address"),
    "started": ("Host Start", "scan.started_at"),
    "ended": ("Host End", "scan.completed_at"),
    "logged_in": ("Last Authenticated Results Date", "asset.last_authenticated_results"),
    "logged_out": ("Last Unauthenticated Results Date", "asset.last_unauthenticated_results"),
}

_INFORMATIONAL = {"0", "none", "info", "informational"}

# CWE=[79, 89], USN=[5897-1]; CERT #836068,CWE #310; CERT:836068;CWE:310
_LISTED_REFERENCE = re.compile(r"([\w-]+)=\[([^\]]*)\]")
_NEXT_REFERENCE = re.compile(r"[;\n]|,(?= *[\w-]+ #)")
# Spreadsheets take the list 11849,33065 for one number and write 1,184,933,065.
_THOUSANDS = re.compile(r"\d{1,3}(,\d{3})+")


class Row(Protocol):
    """One record of an export: a row of a CSV or an object of JSON."""

    def get(self, *names: str) -> str | None:
        """Return the first of these fields that has a text."""

    @property
    def place(self) -> str:
        """Say where in the file it stands."""


def text_of(row: Row, name: str) -> str:
    """Return what a record says under one of FIELDS; empty where it says nothing."""
    text = row.get(*FIELDS[name]) or ""
    return "" if text.lower() in ("null", "n/a") else text


def severity_of(row: Row) -> str | None:
    """Return the scanner's severity, also where a person gave the finding another in the tool."""
    names = ["severity"]
    if text_of(row, "recast") or text_of(row, "modification").upper().startswith("RECAST"):
        names.insert(0, "scanners_severity")
    return next((text for name in names if (text := text_of(row, name))), None)


def kind_of(row: Row) -> Kind:
    """Return what a finding is by its severity; a check without a result is one all the same."""
    if (severity_of(row) or "").lower() in _INFORMATIONAL:
        return Kind.INFORMATIONAL
    compliance = text_of(row, "family") == COMPLIANCE
    return Kind.CONFIGURATION if compliance else Kind.VULNERABILITY


def status_of(row: Row, check: Check | None) -> str | None:
    """Return the finding's state, with what a person decided on it in the tool."""
    status = check.result if check else text_of(row, "state")
    modification = text_of(row, "modification")
    decided = ["" if modification.upper() == "NONE" else modification, text_of(row, "reason")]
    for name, words in (("accepted", "Accept Risk"), ("recast", "Recast Risk")):
        comment = text_of(row, name)
        decided.append(f"{words}: {comment}" if comment else "")
    notes = ", ".join(filter(None, decided))
    return f"{status} ({notes})" if status and notes else status or notes or None


class Repetitions:
    """Tells the first row of a finding from those that repeat it for its other CVEs."""

    def __init__(self) -> None:
        # Hashes: the outputs of a file would not fit in memory.
        self._seen: set[int] = set()

    def is_new(self, row: Row, *finding: object) -> bool:
        """Tell whether this finding, with this output, comes for the first time."""
        before = len(self._seen)
        self._seen.add(hash((finding, text_of(row, "output"))))
        return len(self._seen) > before


class Definitions:
    """What an export says of each plugin and check: the first record's words, all CVEs."""

    def __init__(self, export: Export, detector: str) -> None:
        self._export, self._detector = export, detector
        self._found: dict[str, tuple[Definition, dict[str, None]]] = {}
        self._no_scores: list[str] = []

    def add(self, row: Row) -> tuple[str, Check | None]:
        """Take a record; return its source identifier, and its check where it is of one."""
        check = None
        if text_of(row, "family") in ("", COMPLIANCE):
            check = compliance_check(text_of(row, "description"))
        identifier = check.name if check else text_of(row, "plugin")
        if not identifier:
            found, expected = "a finding without a plugin ID", "a number such as 19506"
            raise self._export.error(row.place, found, expected)
        if identifier not in self._found:
            self._found[identifier] = self._definition(row, identifier, check), {}
        self._found[identifier][1].update(dict.fromkeys(_cves(row)))
        return identifier, check

    def __iter__(self) -> Iterator[Definition]:
        """Yield the definitions, without scores where the file's scores are none."""
        if self._no_scores:
            log.warning(
                "%s: %s (%d such scores): a spreadsheet took the decimal points, so no score of "
                "this file is used and its findings are rated by the scanner's own severity",
                *(self._export.file, quoted(self._no_scores[0]), len(self._no_scores)),
            )
        for definition, cves in self._found.values():
            known = replace(definition, cves=tuple(cves))
            if self._no_scores:
                known = replace(known, cvss2_base=None, cvss3_base=None, cvss4_base=None)
            yield known

    def _definition(self, row: Row, identifier: str, check: Check | None) -> Definition:
        references = _references(row)
        cwes = [*re.split(r"[,\s]+", text_of(row, "cwe")), *of_kind(references, "CWE")]
        others = [ref for ref in references if not ref.startswith(("CVE:", "CWE:", f"{KEV}:"))]
        description = check.description if check else text_of(row, "description")
        return Definition(
            detector=self._detector,
            source_identifier=identifier,
            name=check.name if check else text_of(row, "name") or None,
            description=paragraphs(text_of(row, "synopsis"), description),
            solution=text_of(row, "solution") or (check.solution if check else None),
            cvss2_base=self._score(row, "cvss2_base"),
            cvss2_vector=vector(text_of(row, "cvss2_vector")),
            cvss3_base=self._score(row, "cvss3_base"),
            cvss3_vector=vector(text_of(row, "cvss3_vector")),
            cvss4_base=self._score(row, "cvss4_base"),
            cvss4_vector=vector(text_of(row, "cvss4_vector")),
            cwes=cwe_ids(cwes),
            references=unique(
                [
                    *others,
                    *(f"BID:{number}" for number in _numbers(text_of(row, "bid"))),
                    *(f"MSKB:{number}" for number in _numbers(text_of(row, "mskb"))),
                    *re.split(r",?\s+", text_of(row, "see_also")),
                    *(check.references if check else ()),
                ]
            ),
            family=text_of(row, "family") or None,
            kev_due=kev_due(of_kind(references, KEV)),
        )

    def _score(self, row: Row, name: str) -> float | None:
        text = text_of(row, name)
        if re.fullmatch(r"\d+(\.\d+)?", text) and float(text) > 10:
            self._no_scores.append(f"{row.place}: the CVSS score '{text}' is above 10")
            return None
        return score(text, self._export.file, row.place)


def _references(row: Row) -> list[str]:
    """Return the references as `CWE:79`, in whichever of its ways the export writes them."""
    text = text_of(row, "references")
    if listed := _LISTED_REFERENCE.findall(text):
        return [f"{kind}:{value.strip()}" for kind, values in listed for value in values.split(",")]
    return [part.strip().replace(" #", ":", 1) for part in _NEXT_REFERENCE.split(text)]


def _cves(row: Row) -> tuple[str, ...]:
    return cve_ids([text_of(row, "cve"), text_of(row, "references")])


def _numbers(text: str) -> list[str]:
    if _THOUSANDS.fullmatch(text):
        return []
    return [number for number in re.split(r"[;,\s]+", text) if number]
