"""What Arachni says in JSON and in XML alike: issues, and the sites it crawled."""

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime

from parsers.dates import iso_datetime, written_datetime
from parsers.definitions import SeenDefinitions
from parsers.export import Export
from parsers.text import cve_ids, cwe_ids, plain_text, score, unique
from parsers.websites import issue_locator, site_coverage
from poam.locations import is_url, location, site
from poam.model import Authenticated, Definition, Finding, Kind, Record

DETECTOR = "Arachni"
TIMES = ("start_datetime", "finish_datetime")
# The plugins that log in, and what their results say when it worked.
LOGINS = {"autologin": "ok", "login_script": "success"}

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """One issue as a format writes it; a text is empty where the report has none.

    `urls` begin with the address that takes the input; the page comes after it.
    """

    check: str
    urls: tuple[str, ...]
    severity: str
    name: str = ""
    description: str = ""
    remedy: str = ""
    cwe: str = ""
    cvss2: str = ""
    references: tuple[str, ...] = ()
    method: str = ""
    input: str = ""


@dataclass
class Scan:
    """What a report says of the whole scan; a format may say it after the issues."""

    export: Export
    started: datetime | None = None
    ended: datetime | None = None
    authenticated: Authenticated = Authenticated.UNKNOWN
    sites: dict[str, None] = field(default_factory=dict)

    def timed(self, name: str, text: str) -> None:
        """Note one of TIMES: in ISO 8601 since Arachni 1.0, `Sat Feb 12 14:04:20 2011` before."""
        read = iso_datetime if text[:4].isdigit() else written_datetime
        time = read(text, self.export.file, name)
        if name == "start_datetime":
            self.started = time
        else:
            self.ended = time

    def crawled(self, url: str) -> None:
        """Note an address of the sitemap."""
        if is_url(url):
            self.sites[site(url)] = None

    def login(self, plugin: str, status: str) -> None:
        """Note what a plugin that logs in reports."""
        if LOGINS.get(plugin) == status.lower():
            self.authenticated = Authenticated.YES

    def records(self, issues: Iterable[Issue]) -> Iterator[Record]:
        """Yield definitions and findings, then the coverage of each site."""
        seen = SeenDefinitions()
        for number, issue in enumerate(issues, start=1):
            definition = self._definition(issue, f"issue {number}")
            if seen.is_new(definition):
                yield definition
            yield self._finding(issue, number)
        if not self.sites:
            log.warning("%s: neither issues nor a sitemap: nothing was scanned", self.export.file)
        for asset in self.sites:
            coverage = site_coverage(
                DETECTOR, self.export.file, asset, started=self.started, ended=self.ended
            )
            yield replace(coverage, authenticated=self.authenticated)

    def _definition(self, issue: Issue, place: str) -> Definition:
        if not issue.check:
            raise self.export.error(place, "no name of a check", "one such as xss")
        return Definition(
            detector=DETECTOR,
            source_identifier=issue.check,
            name=issue.name or None,
            description=plain_text(issue.description),
            solution=plain_text(issue.remedy),
            cvss2_base=score(issue.cvss2, self.export.file, place),
            cves=cve_ids(issue.references),
            cwes=cwe_ids([issue.cwe]),
            references=unique(issue.references),
        )

    def _finding(self, issue: Issue, number: int) -> Finding:
        url = next(filter(is_url, issue.urls), None)
        if url is None:
            expected = "an address such as https://app.example.gov/search"
            raise self.export.error(f"issue {number}", "no address in its vector", expected)
        asset, where = site(url), location(url)
        self.sites[asset] = None
        words = f"{number} ({issue.check})", issue.method.upper(), where
        informational = issue.severity.lower() == "informational"
        parameter = f"parameter {issue.input}" if issue.input else None
        return Finding(
            detector=DETECTOR,
            source_identifier=issue.check,
            asset=asset,
            kind=Kind.INFORMATIONAL if informational else Kind.VULNERABILITY,
            locator=issue_locator(self.export.file, asset, *words, parameter),
            location=where,
            parameter=issue.input or None,
            native_severity=issue.severity or None,
        )
