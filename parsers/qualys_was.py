"""What Qualys WAS says in XML and in CSV alike: results, web applications, scans, a glossary."""

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from parsers.dates import latest, written_datetime
from parsers.export import Export
from parsers.qualys import in_order, score_and_vector
from parsers.text import cwe_ids, paragraphs, plain_text, score, stated, unique, vector
from parsers.websites import issue_locator, site_coverage
from poam.errors import quoted
from poam.locations import location, site
from poam.model import Authenticated, Definition, Finding, Kind, Record, ScanCoverage

DETECTOR = "Qualys WAS"

log = logging.getLogger(__name__)

KINDS = {
    "VULNERABILITY": Kind.VULNERABILITY,
    "SENSITIVE_CONTENT": Kind.VULNERABILITY,
    "INFORMATION_GATHERED": Kind.INFORMATIONAL,
}
# Source: "No Authentication specified" stands in reports, the others are those of the WAS API.
_AUTHENTICATED = {
    "successful": Authenticated.YES,
    "partial": Authenticated.PARTIAL,
    "failed": Authenticated.NO,
    "no authentication specified": Authenticated.NO,
    "none": Authenticated.NO,
    "not used": Authenticated.NO,
}

# What is held back of a result without a URL: not its evidence.
_KEPT = (
    *("ID", "QID", "STATUS", "IGNORED", "IGNORE_REASON", "PARAM"),
    *("FIRST_TIME_DETECTED", "LAST_TIME_DETECTED", "DETECTION_DATE"),
)

Fields = Mapping[str, str | None]
"""The texts of an element's children by their names in XML, also where a CSV gives them."""


@dataclass(slots=True)
class Application:
    """A web application among the results. Its name and address may come after them."""

    name: str | None = None
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Scan:
    """A scan of the appendix, of the web application with this name."""

    application: str | None
    started: datetime | None
    ended: datetime | None
    authenticated: Authenticated
    policy: str | None


@dataclass
class Report:
    """One report while it is read.

    Results without a URL are held back to the end: web applications and scans come behind them.
    """

    export: Export
    _scans: list[Scan] = field(default_factory=list)
    _addresses: dict[str | None, str] = field(default_factory=dict)
    _newest: dict[str, datetime | None] = field(default_factory=dict)
    _waiting: list[tuple[str, Fields, str, Application]] = field(default_factory=list)
    _detected: dict[str, None] = field(default_factory=dict)
    _defined: set[str] = field(default_factory=set)

    def result(
        self, category: str, fields: Fields, place: str, application: Application
    ) -> Iterator[Finding]:
        """Take one row of results, of a category of KINDS; yield its finding if it has a URL."""
        url = stated(fields.get("URL"))
        if url:
            yield self._finding(category, fields, place, site(url), location(url))
        else:
            kept = {key: fields.get(key) for key in _KEPT}
            self._waiting.append((category, kept, place, application))

    def application(self, fields: Fields) -> None:
        """Take a web application with its name and address."""
        if url := fields.get("URL"):
            self._addresses[fields.get("NAME")] = site(url)

    def scan(self, fields: Fields, place: str) -> None:
        """Take a scan. One that did not finish proves nothing to be gone, so it has no dates."""
        status = fields.get("STATUS") or "Finished"
        finished = status.lower() == "finished"
        if not finished:
            said = quoted(place), quoted(status)
            log.warning("%s: %s: a scan with the status %s", self.export.file, *said)
        word = (fields.get("AUTHENTICATION_STATUS") or "").lower().replace("_", " ")
        self._scans.append(
            Scan(
                application=fields.get("WEB_APPLICATION"),
                started=self._time(fields, "START_DATE", place) if finished else None,
                ended=self._time(fields, "END_DATE", place) if finished else None,
                authenticated=_AUTHENTICATED.get(word, Authenticated.UNKNOWN),
                policy=stated(fields.get("PROFILE")),
            )
        )

    def definition(self, fields: Fields, cves: tuple[str, ...], place: str) -> Definition:
        """Return what an entry of the glossary says."""
        qid = fields.get("QID")
        if not qid:
            raise self.export.error(place, "an entry of the glossary without QID", "a QID")
        self._defined.add(qid)
        place = f"{place}, QID {qid}, CVSS"
        cvss2, vector2 = score_and_vector(fields.get("CVSS_BASE"))
        cvss3, vector3 = score_and_vector(fields.get("CVSS3_BASE"))
        return Definition(
            detector=DETECTOR,
            source_identifier=qid,
            name=fields.get("TITLE"),
            description=paragraphs(*(_prose(fields, key) for key in ("DESCRIPTION", "IMPACT"))),
            solution=_prose(fields, "SOLUTION"),
            native_severity=fields.get("SEVERITY"),
            cvss2_base=score(cvss2, self.export.file, place),
            cvss2_vector=vector(vector2),
            cvss3_base=score(cvss3, self.export.file, place),
            cvss3_vector=vector(vector3),
            cves=cves,
            cwes=cwe_ids((fields.get("CWE") or "").split(",")),
            references=unique([*_codes(fields, "WASC"), *_codes(fields, "OWASP")]),
            family=fields.get("GROUP"),
        )

    def rest(self) -> Iterator[Record]:
        """Yield what was held back, the coverage, and QIDs that the glossary leaves out."""
        for category, fields, place, application in self._waiting:
            asset = self._asset(fields, place, application)
            yield self._finding(category, fields, place, asset, asset)
        for asset in dict.fromkeys([*self._addresses.values(), *self._newest]):
            yield from self._coverage(asset)
        for qid in self._detected:
            if qid not in self._defined:
                log.warning("%s: QID %s is not in the glossary", self.export.file, quoted(qid))
                yield Definition(detector=DETECTOR, source_identifier=qid)

    def _finding(
        self, category: str, fields: Fields, place: str, asset: str, where: str
    ) -> Finding:
        qid = fields.get("QID")
        if not qid:
            raise self.export.error(place, "a result without QID", "a QID such as 150004")
        self._detected[qid] = None
        status = fields.get("STATUS")
        first, last = in_order(
            self._time(fields, "FIRST_TIME_DETECTED", place),
            self._time(fields, "LAST_TIME_DETECTED", place)
            or self._time(fields, "DETECTION_DATE", place),
        )
        self._newest[asset] = latest((self._newest.get(asset), last))
        number, parameter = fields.get("ID"), stated(fields.get("PARAM"))
        return Finding(
            detector=DETECTOR,
            source_identifier=qid,
            asset=asset,
            kind=KINDS[category],
            locator=issue_locator(
                self.export.file,
                asset,
                f"{number} (QID {qid})" if number else f"QID {qid}",
                fields.get("METHOD"),
                where,
                f"parameter {parameter}" if parameter else None,
            ),
            present=(status or "").lower() != "fixed",
            location=where,
            parameter=parameter,
            status=_status(status, fields),
            first_seen=first,
            last_seen=last,
        )

    def _asset(self, fields: Fields, place: str, application: Application) -> str:
        """Return the site of a result without a URL, if there is but one that it can be of."""
        if application.url:
            return site(application.url)
        known = self._addresses
        sites = {*known.values()} or {*self._newest}
        if application.name in known:
            sites = {known[application.name]}
        elif len(sites) > 1:
            # Such a result bears the time at which its scan began.
            began = self._time(fields, "LAST_TIME_DETECTED", place) or self._time(
                fields, "DETECTION_DATE", place
            )
            scans = [scan for scan in self._scans if scan.started and scan.started == began]
            sites = {known[scan.application] for scan in scans if scan.application in known}
        if len(sites) == 1:
            return sites.pop()
        found = "a result that names neither a URL nor a web application"
        raise self.export.error(place, found, "a report of one web application")

    def _coverage(self, asset: str) -> Iterator[ScanCoverage]:
        """Yield one coverage per scan; a report without scans proves its newest result's time."""
        coverage = site_coverage(DETECTOR, self.export.file, asset)
        one = len(self._addresses) < 2
        scans = [s for s in self._scans if one or self._addresses.get(s.application) == asset]
        for scan in scans:
            yield replace(
                coverage,
                started=scan.started,
                ended=scan.ended,
                authenticated=scan.authenticated,
                policy=scan.policy,
            )
        if not scans:
            yield replace(coverage, ended=None if self._scans else self._newest.get(asset))

    def _time(self, fields: Fields, key: str, place: str) -> datetime | None:
        return written_datetime(fields.get(key), self.export.file, f"{place}, {key}")


def _status(status: str | None, fields: Fields) -> str | None:
    """Return the vendor's status, with what a person said in Qualys: ignored, and why."""
    if (fields.get("IGNORED") or "").lower() not in ("true", "yes"):
        return status
    reason = stated(fields.get("IGNORE_REASON"))
    ignored = f"ignored: {reason}" if reason else "ignored"
    return f"{status} ({ignored})" if status else ignored


def _prose(fields: Fields, key: str) -> str | None:
    return stated(plain_text(fields.get(key)))


def _codes(fields: Fields, key: str) -> list[str]:
    """Return `WASC-15` as it stands, and `OWASP A6` for `A6`."""
    codes = unique((fields.get(key) or "").split(","))
    return [code if code.startswith(key) else f"{key} {code}" for code in codes]
