"""What Burp Suite says in all its formats alike: issues on sites, by issue type."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from parsers.dates import earliest, latest
from parsers.export import Export
from parsers.text import cve_ids, cwe_ids, plain_text, unique
from parsers.websites import issue_locator, site_coverage
from poam.escapes import unescaped
from poam.locations import host_name, is_url, location, site
from poam.model import Definition, Finding, Kind, Record

DETECTOR = "Burp Suite"

# The one type of every issue that an extension reports: its name alone tells which.
COLLECTIVE = ("134217728", "150994944")  # every extension's issues, every BCheck's

_INFORMATIONAL = ("info", "information")
_FALSE_POSITIVE = re.compile(r"false[ _-]?positive", re.IGNORECASE)
_CWE = re.compile(r"\bCWE-\d+")
_LINK = re.compile(r"""<a\s[^>]*?href\s*=\s*["']([^"']+)""", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """One issue as an export states it: empty is missing.

    `point` is where the payload went ("q parameter"). `background` and `solution` are about the
    type, `detail` is about this issue. `seen` are the times of the requests that show it.
    """

    place: str
    identifier: str
    name: str
    url: str
    ip: str = ""
    severity: str = ""
    confidence: str = ""
    serial: str = ""
    method: str = ""
    point: str = ""
    background: str = ""
    detail: str = ""
    solution: str = ""
    references: str = ""
    classifications: str = ""
    seen: tuple[datetime, ...] = ()


def identifier(type_index: str, name: str, export: Export, place: str) -> str:
    """Return the number of an issue's type, for an extension's issue with the name behind it."""
    if not re.fullmatch(r"[0-9]+", type_index):
        expected = "a decimal number such as 2097920"
        raise export.error(place, f"the issue type '{type_index}'", expected)
    if type_index not in COLLECTIVE:
        return type_index
    if not name:
        raise export.error(place, "an extension's issue without a name", "a name")
    return f"{type_index} {one_line(name)}"


def address(origin: str, path: str) -> str:
    """Return the address of a path of a site."""
    return f"{origin.rstrip('/')}{'' if path.startswith('/') else '/'}{path}"


def one_line(name: str) -> str:
    """Return a name with single spaces: lines tell identifiers apart."""
    return " ".join(name.split())


def insertion_point(caption: str) -> str:
    """Return `q parameter` of `/search [q parameter]`; empty where there is none."""
    return caption.partition(" [")[2].removesuffix("]")


class Report:
    """The sites that an export names and its definitions, while its issues are read.

    `markup` is False where its texts are plain: `<b>` is part of what they say then.
    """

    def __init__(self, export: Export, *, markup: bool = True) -> None:
        self._export = export
        self._markup = markup
        self._ips_of: dict[str, tuple[str, ...]] = {}
        self._definitions: dict[str, Definition] = {}

    def scanned(self, url: str, place: str, ip: str = "") -> str:
        """Take note of a site that was scanned, and return it as an asset."""
        if not (is_url(url) and host_name(url)):
            expected = "an address such as https://app.example.gov/"
            raise self._export.error(place, f"the address '{url}'", expected)
        asset = site(url)
        self._ips_of[asset] = unique([*self._ips_of.get(asset, ()), ip])
        return asset

    def finding(self, issue: Issue) -> Finding:
        """Return the finding that an issue is, and take note of its site and definition."""
        asset = self.scanned(issue.url, issue.place, issue.ip)
        self._define(issue)
        where = location(issue.url)
        serial = f"serial number {issue.serial}" if issue.serial else issue.place
        which = f"{issue.identifier}, {serial}"
        # "False positive" is a choice of the user's: as a severity it replaces the scanner's.
        marked = [w for w in (issue.severity, issue.confidence) if _FALSE_POSITIVE.fullmatch(w)]
        informational = issue.severity.casefold() in _INFORMATIONAL
        return Finding(
            detector=DETECTOR,
            source_identifier=issue.identifier,
            asset=asset,
            kind=Kind.INFORMATIONAL if informational else Kind.VULNERABILITY,
            locator=issue_locator(
                self._export.file, asset, which, issue.method, where, issue.point
            ),
            location=where,
            parameter=issue.point.removesuffix(" parameter") or None,
            status=marked[0] if marked else None,
            native_severity=None if issue.severity in marked else issue.severity or None,
            first_seen=earliest(issue.seen),
            last_seen=latest(issue.seen),
        )

    def summary(
        self, started: datetime | None = None, ended: datetime | None = None
    ) -> Iterator[Record]:
        """Yield the coverage of every site, then one definition per identifier."""
        for asset, ips in self._ips_of.items():
            file = self._export.file
            yield site_coverage(DETECTOR, file, asset, ips=ips, started=started, ended=ended)
        yield from self._definitions.values()

    def _define(self, issue: Issue) -> None:
        """Add what an issue says of its type.

        Details name the CVEs of one place (a vulnerable library, say): the definition has all.
        Otherwise they stay unread, because they quote cookies and other secrets.
        """
        known = self._definitions.get(issue.identifier) or Definition(
            detector=DETECTOR, source_identifier=issue.identifier
        )
        cves = cve_ids([issue.name, issue.background, issue.detail])
        self._definitions[issue.identifier] = replace(
            known,
            name=known.name or one_line(issue.name) or None,
            description=known.description or self._plain(issue.background),
            solution=known.solution or self._plain(issue.solution),
            cves=unique([*known.cves, *cves]),
            cwes=unique([*known.cwes, *cwe_ids(_CWE.findall(issue.classifications))]),
            references=unique([*known.references, *_references(issue.references)]),
        )

    def _plain(self, text: str) -> str | None:
        return plain_text(text) if self._markup else text or None


def _references(text: str) -> tuple[str, ...]:
    """Return the addresses that a list of links leads to, or its lines where it has no links."""
    links = unique(unescaped(link) for link in _LINK.findall(text))
    return links or unique(line.removeprefix("- ") for line in (plain_text(text) or "").split("\n"))
