"""Wapiti reports in XML."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from parsers.dates import written_datetime
from parsers.definitions import SeenDefinitions
from parsers.encoding import head_text
from parsers.export import Export
from parsers.text import cve_ids, cwe_ids, plain_text
from parsers.websites import issue_locator, page, same_server, site_coverage
from parsers.xml import Element, elements, line_of, local_name, root_name, text_of, texts_of
from poam.locations import is_url, location, site
from poam.model import Authenticated, Definition, Finding, Kind, Record

NAME = "wapiti_xml"
DETECTORS = ("Wapiti",)

EXPORT = "a complete XML report of Wapiti"
TYPES = ("vulnerability", "anomaly", "additional")
UNTIL_3_0_3 = " (until 3.0.3)"

_GENERATOR = re.compile(r"""<info\s+name=["']generatorName["']\s*>\s*wapiti""", re.IGNORECASE)
_VERSION = re.compile(r"(\d{1,9})\.(\d{1,9})(?:\.(\d{1,9}))?")
_REQUESTED = re.compile(r'curl "(https?://[^"\s]+)"')
_CWE = re.compile(r"\bCWE-\d+", re.IGNORECASE)
_LOGGED_IN = {"true": Authenticated.YES, "false": Authenticated.NO}


def recognises(head: bytes) -> bool:
    """Tell a Wapiti report by its generator: a `report` is the root of many things."""
    return root_name(head) == "report" and bool(_GENERATOR.search(head_text(head)))


def records(export: Export) -> Iterator[Record]:
    """Yield the coverage of the target, definitions of what was found, and findings."""
    seen = SeenDefinitions()
    scan = _Scan(export)
    # Outside of a type, an entry is a crawled page.
    for _, element in elements(export, EXPORT, {"info", "entry", *TYPES}):
        name = local_name(element)
        if name == "info":
            scan.read(element)
        elif name in TYPES and (entries := element.findall("entries/entry")):
            definition = _definition(element, export)
            if seen.is_new(definition):
                yield definition
            for entry in entries:
                yield scan.finding(entry, definition.source_identifier, name)
    yield from scan.coverage()


class _Scan:
    """What a report says of the scan, and the sites it names."""

    def __init__(self, export: Export) -> None:
        self._export = export
        self._said: dict[str, tuple[str, str]] = {}
        self._authenticated = Authenticated.UNKNOWN
        self._sites: dict[str, None] = {}

    def read(self, info: Element) -> None:
        """Take one entry of report_infos."""
        name = info.get("name", "")
        self._said[name] = (info.text or "").strip(), line_of(info)
        if name == "auth":
            logged_in = (text_of(info, "logged_in") or "").lower()
            self._authenticated = _LOGGED_IN.get(logged_in, Authenticated.UNKNOWN)

    def coverage(self) -> Iterator[Record]:
        """Yield the coverage of the target, and of other sites where something was found.

        Only the target's has date and login: a page of another server is no scan of it.
        """
        target, file = self._target(), self._export.file
        for asset in dict.fromkeys([target, *self._sites]):
            found = site_coverage(DETECTORS[0], file, asset)
            if same_server(asset, target):
                started, authenticated = self._started(), self._authenticated
                found = replace(found, started=started, authenticated=authenticated)
            yield found

    def finding(self, entry: Element, identifier: str, kind: str) -> Finding:
        """Return the finding of one entry.

        `path` leaves out the host, which is not the target's where the scope is a domain; the
        request has it.
        """
        requested = _REQUESTED.match(text_of(entry, "curl_command") or "")
        asset = site(requested[1]) if requested else self._target()
        self._sites[asset] = None
        scanned = None if same_server(asset, self._target()) else self._started()
        where = location(page(asset, text_of(entry, "path") or ""))
        parameter, level = text_of(entry, "parameter"), text_of(entry, "level")
        trail = issue_locator(
            self._export.file,
            asset,
            identifier,
            text_of(entry, "method"),
            where,
            f"parameter {parameter}" if parameter else None,
        )
        informational = kind == "additional" or level == "0"
        return Finding(
            detector=DETECTORS[0],
            source_identifier=identifier,
            asset=asset,
            kind=Kind.INFORMATIONAL if informational else Kind.VULNERABILITY,
            locator=f"{trail}, {line_of(entry)}",
            location=where,
            parameter=parameter,
            native_severity=f"{level}{self._scale()}" if level else None,
            first_seen=scanned,
            last_seen=scanned,
        )

    def _started(self) -> datetime | None:
        text, place = self._said.get("dateOfScan", ("", ""))
        return written_datetime(text, self._export.file, place)

    def _target(self) -> str:
        text, place = self._said.get("target", ("", ""))
        if not is_url(text):
            expected = "an address such as https://app.example.gov"
            raise self._export.error(place, f"the target '{text}'", expected)
        return site(text)

    def _scale(self) -> str:
        """Until 3.0.3 level 1 was the highest and 3 the lowest; from 3.0.4 on 4 is and 0.

        Source: HIGH_LEVEL and LOW_LEVEL in wapitiCore/language/vulnerability.py.
        """
        text, place = self._said.get("generatorVersion", ("", ""))
        version = _VERSION.search(text)
        if version is None:
            expected = "one such as Wapiti 3.2.3, which tells the order of the levels"
            raise self._export.error(place, f"the version '{text}'", expected)
        numbers = tuple(int(part or 99) for part in version.groups())
        return UNTIL_3_0_3 if numbers < (3, 0, 4) else ""


def _definition(element: Element, export: Export) -> Definition:
    """Return what a report says of a type, which goes by its name: there is no identifier."""
    name = element.get("name", "").strip()
    if not name:
        found = f"a {local_name(element)} without a name"
        raise export.error(line_of(element), found, "a name")
    titles = texts_of(element, "references/reference/title")
    return Definition(
        detector=DETECTORS[0],
        source_identifier=name,
        name=name,
        description=plain_text(text_of(element, "description")),
        solution=plain_text(text_of(element, "solution")),
        cves=cve_ids(texts_of(element, "entries/entry/info")),
        cwes=cwe_ids(cwe for title in titles for cwe in _CWE.findall(title)),
        references=texts_of(element, "references/reference/url"),
    )
