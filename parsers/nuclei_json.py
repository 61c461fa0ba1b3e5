"""Nuclei results: JSON Lines (`-jsonl`) or one array (`-json-export`), versions 2 and 3."""

import ipaddress
import logging
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from parsers.cvss import with_cvss
from parsers.dates import iso_datetime, latest
from parsers.definitions import SeenDefinitions
from parsers.export import Export
from parsers.json import Object, has, objects, text, texts, within
from parsers.text import cve_ids, cwe_ids, paragraphs, plain_text, port_number, score, unique
from parsers.websites import site_coverage
from poam.locations import is_url, location, site
from poam.model import Definition, Finding, Kind, Record, ScanCoverage

NAME = "nuclei_json"
DETECTORS = ("Nuclei",)

DETECTOR = "Nuclei"
EXPORT = "a complete JSON export of Nuclei"

log = logging.getLogger(__name__)

_BULLET = re.compile(r"^- +")
_HOST_PORT = re.compile(r"\[?(?P<host>[^\[\]/\\\s]+?)\]?(?::(?P<port>\d+))?(?:/.*)?")


def recognises(head: bytes) -> bool:
    """Tell Nuclei's results by the template of the first; versions spell its key differently."""
    return has(head, "template-id", "info") or has(head, "templateID", "info")


def records(export: Export) -> Iterator[Record]:
    """Yield definitions and findings as they come, then the coverage of each target."""
    seen = SeenDefinitions()
    targets: dict[str, _Target] = {}
    failed = 0
    for number, entry in enumerate(objects(export, EXPORT), start=1):
        if _missed(entry) and text(entry, "error"):
            failed += 1  # the template did not run to its end: it says nothing
            continue
        result = _Result(export, f"object {number}", entry)
        result.cover(targets)
        definition = result.definition()
        if seen.is_new(definition):
            yield definition
        yield result.finding()
    if failed:
        log.warning("%s: %d results are errors of templates: no findings", export.file, failed)
    yield from _coverage(export.file, targets)


@dataclass
class _Target:
    """A site or host that a result is of: its addresses and the time of the last result."""

    ips: set[str] = field(default_factory=set)
    ended: datetime | None = None

    def seen(self, time: datetime | None) -> None:
        """Note a result."""
        self.ended = latest((self.ended, time))


class _Result:
    """One result. Where it matched is an address, a host with a port, or a file."""

    def __init__(self, export: Export, place: str, entry: Object) -> None:
        self.export, self.place, self.entry = export, place, entry
        self.info = within(entry, "info")
        self.template = self.first("template-id", "templateID")
        if not self.template:
            raise export.error(place, "no template-id", "one such as CVE-2021-44228")
        self.time = iso_datetime(text(entry, "timestamp"), export.file, place)
        matched = self.first("matched-at", "matched", "url", "host")
        if not matched:
            raise export.error(place, "no host", "one such as https://app.example.gov")
        self.asset, port = _asset(matched)
        self.target, _ = _asset(self.first("url", "host") or matched)
        self.location = location(matched) if is_url(matched) else None
        written = None if self.location else port or text(entry, "port")
        self.port = port_number(written, export.file, place)

    def first(self, *keys: str) -> str:
        """Return the first text among these keys, empty where none has one."""
        return next((found for key in keys if (found := text(self.entry, key))), "")

    def cover(self, targets: dict[str, _Target]) -> None:
        """Note that the target was scanned, and where the result is elsewhere, that place too."""
        for asset in (self.target, self.asset):
            targets.setdefault(asset, _Target()).seen(self.time)
        # A site's address may be a proxy's, which many sites share: it identifies hosts alone.
        if self.location is None and (ip := _ip(text(self.entry, "ip"))):
            targets[self.asset].ips.add(ip)

    def definition(self) -> Definition:
        """Return what the template says of itself."""
        stated = within(self.info, "classification")
        references = "\n".join(texts(self.info, "reference")).splitlines()
        definition = Definition(
            detector=DETECTOR,
            source_identifier=self.template,
            name=text(self.info, "name") or None,
            description=paragraphs(
                *(plain_text(text(self.info, key)) for key in ("description", "impact"))
            ),
            solution=plain_text(text(self.info, "remediation")),
            cves=cve_ids([self.template, *texts(stated, "cve-id")]),
            cwes=cwe_ids(texts(stated, "cwe-id")),
            references=unique(_BULLET.sub("", line.strip()) for line in references),
            family=text(self.entry, "type") or None,
        )
        base = score(text(stated, "cvss-score"), self.export.file, self.place)
        return with_cvss(definition, text(stated, "cvss-metrics"), base)

    def finding(self) -> Finding:
        """Return the match, or that there was none."""
        severity = text(self.info, "severity") or None
        port = f" port {self.port}" if self.port else ""
        where = self.location or f"host {self.asset}{port}"
        words = [f"{self.export.file}: {self.place}", f"template {self.template}", where]
        for word in ("matcher", "extractor"):
            if name := self.first(f"{word}-name", f"{word}_name"):
                words.append(f"{word} {name}")
        return Finding(
            detector=DETECTOR,
            source_identifier=self.template,
            asset=self.asset,
            kind=Kind.INFORMATIONAL if severity == "info" else Kind.VULNERABILITY,
            locator=", ".join(words),
            present=not _missed(self.entry),
            location=self.location,
            port=self.port,
            native_severity=severity,
            last_seen=self.time,
        )


def _missed(entry: Object) -> bool:
    """Whether a template did not match: `-matcher-status` has Nuclei write these too."""
    return text(entry, "matcher-status").lower() == "false"


def _asset(address: str) -> tuple[str, str | None]:
    """Return the site of a web address; of `db.example.gov:5432` the host, and the port."""
    if is_url(address):
        return site(address), None
    if _ip(address):
        return address, None
    written = _HOST_PORT.fullmatch(address)
    return (written["host"].lower(), written["port"]) if written else (address, None)


def _coverage(file: str, targets: dict[str, _Target]) -> Iterator[ScanCoverage]:
    hosts_of = Counter(ip for target in targets.values() for ip in target.ips)
    for asset, target in targets.items():
        if is_url(asset):
            yield site_coverage(DETECTOR, file, asset, ended=target.ended)
            continue
        address = _ip(asset)
        yield ScanCoverage(
            detector=DETECTOR,
            asset=asset,
            locator=f"{file}: host {asset}",
            ips=unique([address, *sorted(ip for ip in target.ips if hosts_of[ip] == 1)]),
            fqdns=() if address else (asset,),
            ended=target.ended,
        )


def _ip(address: str) -> str | None:
    try:
        return str(ipaddress.ip_address(address))
    except ValueError:
        return None
