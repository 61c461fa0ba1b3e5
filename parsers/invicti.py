"""What Invicti says in XML and in JSON alike; it was Netsparker, and Acunetix 360 is the same."""

import logging
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from parsers.definitions import SeenDefinitions
from parsers.export import Export
from parsers.text import cve_ids, cwe_ids, paragraphs, plain_text, score, unique, vector
from parsers.websites import issue_locator, page, same_server, site_coverage
from poam.escapes import unescaped
from poam.locations import location, site
from poam.model import Definition, Finding, Kind, Record

DETECTOR = "Invicti"

log = logging.getLogger(__name__)

Fields = Mapping[str, str]

_INFORMATIONAL = ("information", "informational", "bestpractice", "best practice")
# FixedUnconfirmed and FixedCantRetest are somebody's word that no retest has borne out.
_FIXED = {"fixed", "fixedconfirmed"}
_SEEN = {"present", "revived"}
_DURATION = re.compile(r"(?:(\d{1,3})\.)?(\d{1,3}):(\d{2}):(\d{2})(?:\.\d+)?")
_LINK = re.compile(r"""<a\s[^>]*?href\s*=\s*["']([^"']+)""", re.IGNORECASE)
_ANSWERED = re.compile(r"^Date: (\w{3}, \d{1,2} \w{3} \d{4} [\d:]{8} GMT)", re.MULTILINE)


def key(name: str) -> str:
    """Return a field's name as XML and JSON share it: `remedial-actions`, `RemedialActions`."""
    return name.replace("-", "").lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class Vulnerability:
    """One vulnerability as either format gives it; `fields` by `key`, missing or empty alike.

    `scores` are pairs of vector and base score by the name of their field, `known` the texts
    about published vulnerabilities of a product, `response` what the site answered.
    """

    place: str
    fields: Fields
    cwe: str = ""
    scores: Iterable[tuple[str, str, str]] = ()
    known: Iterable[str] = ()
    method: str = ""
    parameters: Iterable[str] = ()
    response: str = ""

    def text(self, *names: str) -> str:
        """Return the first of these fields that says something."""
        return next((self.fields[name] for name in names if self.fields.get(name)), "")


class Report:
    """The target of a report and when it was scanned, while the vulnerabilities are read."""

    def __init__(self, export: Export, generated: str, target: Fields, place: str) -> None:
        """Read the target's fields by `key`.

        A report can be made long after the scan: its own date counts only where it gives no other.
        """
        self._export, self._seen = export, SeenDefinitions()
        self._sites: set[str] = set()
        if not target.get("url"):
            expected = "an address such as https://app.example.gov"
            raise export.error(place, "a target without an address", expected)
        self._asset = site(target["url"])
        made = export.datetime(generated, f"{place}, generated")
        self._started = export.datetime(target.get("initiated"), f"{place}, initiated")
        duration = target.get("duration", "")
        self._ended = _after(self._started, duration, export, place) if self._started else made
        self._checked = False

    def coverage(self, asset: str = "") -> Iterator[Record]:
        """Yield the coverage of a site, by default the target, the first time it is named.

        Only the target's is dated: a page of another server is no scan of it, so it proves no
        absence there.
        """
        asset = asset or self._asset
        if asset not in self._sites:
            self._sites.add(asset)
            target = same_server(asset, self._asset)
            yield site_coverage(
                DETECTOR,
                self._export.file,
                asset,
                started=self._started if target else None,
                ended=self._ended if target else None,
            )

    def records(self, found: Vulnerability) -> Iterator[Record]:
        """Yield what is new about a vulnerability's site and type, then the finding."""
        if not found.text("type"):
            raise self._export.error(found.place, "a vulnerability without a type", "a type")
        self._check_dates(found.response)
        url = page(self._asset, found.text("url"))
        yield from self.coverage(site(url))
        definition = _definition(found, self._export)
        if self._seen.is_new(definition):
            yield definition
        yield self._finding(found, definition.source_identifier, url)

    def _finding(self, found: Vulnerability, identifier: str, url: str) -> Finding:
        asset, where, severity = site(url), location(url), found.text("severity")
        parameters = ", ".join(unique(found.parameters))
        parameter = f"parameter {parameters}" if parameters else None
        trail = issue_locator(self._export.file, asset, identifier, found.method, where, parameter)
        scanned = None if same_server(asset, self._asset) else self._ended
        return Finding(
            detector=DETECTOR,
            source_identifier=identifier,
            asset=asset,
            kind=Kind.INFORMATIONAL if severity.lower() in _INFORMATIONAL else Kind.VULNERABILITY,
            locator=f"{trail}, {found.place}",
            present=not _is_fixed(found.text("state")),
            location=where,
            parameter=parameters or None,
            status=found.text("state") or None,
            native_severity=severity or None,
            first_seen=self._date(found, "FirstSeenDate") or scanned,
            last_seen=self._date(found, "LastSeenDate") or scanned,
        )

    def _date(self, found: Vulnerability, name: str) -> datetime | None:
        return self._export.datetime(found.text(key(name)), f"{found.place}, {name}")

    def _check_dates(self, response: str) -> None:
        """Warn where the answers of the site show that day and month are the other way round.

        Up to the twelfth a date of digits never contradicts the order stated for it.
        """
        answered, started = _answered(response), self._started
        if self._checked or answered is None or started is None or started.day > 12:
            return
        self._checked = True
        stated = abs(started.date() - answered.date())
        turned = started.date().replace(day=started.month, month=started.day)
        if abs(turned - answered.date()) <= timedelta(days=1) < stated:
            file, day = self._export.file, answered.date()
            words = "%s: the scan is dated %s, but the site answered on %s: look at site: dates:"
            log.warning(words, file, started.date(), day)


def _definition(found: Vulnerability, export: Export) -> Definition:
    return Definition(
        detector=DETECTOR,
        source_identifier=found.text("type"),
        name=plain_text(found.text("title", "name")),
        description=paragraphs(
            plain_text(found.text("description")), plain_text(found.text("impact"))
        ),
        solution=paragraphs(
            plain_text(found.text("remedialactions", "actionstotake")),
            plain_text(found.text("remedialprocedure", "remedy")),
        ),
        cves=cve_ids([found.text("title", "name"), found.text("description"), *found.known]),
        cwes=cwe_ids(re.split(r"[,;\s]+", found.cwe)),
        references=unique(
            unescaped(link)
            for name in ("externalreferences", "remedyreferences")
            for link in _LINK.findall(found.text(name))
        ),
        **_scores(found, export),
    )


def _scores(found: Vulnerability, export: Export) -> dict[str, Any]:
    """Return base score and vector by version: 3.1 comes before 3.0, also where both are `CVSS`."""
    scores: dict[str, Any] = {}
    for written, name, base in sorted((v, name, base) for name, v, base in found.scores):
        version = "4" if name.startswith("cvss4") or written.startswith("CVSS:4") else "3"
        value = score(base, export.file, f"{found.place}, {name}")
        if value is not None:
            scores |= {f"cvss{version}_base": value, f"cvss{version}_vector": vector(written)}
    return scores


def _is_fixed(state: str) -> bool:
    """Tell whether a retest proved a fix: `FixedConfirmed`, `Fixed (Confirmed)`."""
    words = {re.sub(r"[^a-z]", "", word) for word in state.lower().split(",")}
    return bool(words & _FIXED) and not words & _SEEN


def _after(started: datetime, text: str, export: Export, place: str) -> datetime:
    """Add a duration, `00:10:08.2111365` or with days `1.02:03:04`; empty is none."""
    match = _DURATION.fullmatch(text or "0:00:00")
    try:
        if match:
            days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
            return started + timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
    except OverflowError:
        pass  # past the year 9999
    expected = "hours such as 00:10:08"
    raise export.error(f"{place}, duration", f"the duration '{text}'", expected)


def _answered(response: str) -> datetime | None:
    header = _ANSWERED.search(response)
    try:
        return parsedate_to_datetime(header[1]) if header else None
    except ValueError:
        return None  # a site may send any text
