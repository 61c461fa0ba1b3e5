"""What the exports of Qualys Container Security have in common: images and vulnerabilities."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from parsers.dates import epoch_datetime, iso_datetime, latest, written_datetime
from parsers.export import Export
from parsers.qualys import in_order, kind_of
from parsers.text import cve_ids, paragraphs, plain_text, port_number, score, stated, unique
from poam.model import Definition, Finding, Kind, ScanCoverage

DETECTOR = "Qualys Container Security"

Fields = Mapping[str, str | None]
"""The texts of a vulnerability by the names that the API has for them."""


def image_name(registry: str | None, repository: str | None, tag: str | None) -> str | None:
    """Return `registry/repository:tag`, as far as it is known."""
    if not repository:
        return None
    # The API gives a registry's URL, of which an image's name has no scheme.
    host = (registry or "").rpartition("://")[2].strip("/")
    path = repository if repository.startswith(f"{host}/") else f"{host}/{repository}"
    return f"{path.strip('/')}{f':{tag}' if tag else ''}"


def image_time(text: str | None, export: Export, place: str) -> datetime | None:
    """Read milliseconds since 1970, as the API writes them, or a date as a CSV may have it."""
    text = (text or "").strip()
    if re.fullmatch(r"\d{12,14}", text):
        return epoch_datetime(text[:-3], export.file, place)
    if re.match(r"\d{4}-", text):
        return iso_datetime(text, export.file, place)
    if re.search(r"[^\W\d]{3}", text):
        return written_datetime(text, export.file, place)
    return export.datetime(text, place)


@dataclass
class Image:
    """One image by one of its names, while its vulnerabilities are read."""

    export: Export
    asset: str
    sha: str | None
    scanned: datetime | None = None
    _newest: list[datetime | None] = field(default_factory=list)

    def finding(self, fields: Fields, software: Iterable[str], place: str) -> Finding:
        """Return one vulnerability of the image. 5 is the worst severity, as in all of Qualys."""
        qid = fields.get("qid")
        if not qid:
            raise self.export.error(place, "a vulnerability without QID", "a QID such as 38794")
        place = f"{place}, QID {qid}"
        status = stated(fields.get("status"))
        exempted = (fields.get("isExempted") or "").lower() == "true"
        first, last = in_order(
            image_time(fields.get("firstFound"), self.export, f"{place}, first found"),
            image_time(fields.get("lastFound"), self.export, f"{place}, last found"),
        )
        self._newest.append(last)
        words = [f"{self.export.file}: image {self.asset}", self.sha, f"QID {qid}", *software]
        return Finding(
            detector=DETECTOR,
            source_identifier=qid,
            asset=self.asset,
            kind=_kind(fields.get("typeDetected"), self.export, place),
            locator=", ".join(word for word in words if word),
            present=(status or "").lower() != "fixed",
            port=port_number(fields.get("port"), self.export.file, place),
            status=f"{status or ''} (exempted)".strip() if exempted else status,
            native_severity=fields.get("severity"),
            first_seen=first,
            last_seen=last,
        )

    def coverage(self) -> ScanCoverage:
        """Say when the image was scanned: as stated, else when something was last found in it."""
        return ScanCoverage(
            detector=DETECTOR,
            asset=self.asset,
            locator=", ".join(filter(None, (f"{self.export.file}: image {self.asset}", self.sha))),
            ended=self.scanned or latest(self._newest),
        )


class Definitions:
    """Definitions by QID; rows and images each give some of a QID's CVEs and fixes."""

    def __init__(self) -> None:
        self._known: dict[str, Definition] = {}

    def add(self, entry: Definition) -> None:
        """Take a definition: its CVEs and the paragraphs of its solution join those before."""
        known = self._known.setdefault(entry.source_identifier, entry)
        solutions = f"{known.solution or ''}\n\n{entry.solution or ''}".split("\n\n")
        self._known[entry.source_identifier] = replace(
            known,
            cves=unique([*known.cves, *entry.cves]),
            solution=paragraphs(*solutions),
        )

    def all(self) -> Iterator[Definition]:
        """Yield them in the order in which they came first."""
        yield from self._known.values()


def definition(
    fields: Fields, cves: Iterable[str | None], fixed: Iterable[str], export: Export, place: str
) -> Definition:
    """Return what Qualys says about a QID; `fixed` names the packages and versions that fix it."""
    place = f"{place}, CVSS"
    return Definition(
        detector=DETECTOR,
        source_identifier=fields.get("qid") or "",
        name=fields.get("title"),
        description=paragraphs(_prose(fields, "threat"), _prose(fields, "impact")),
        solution=paragraphs(_prose(fields, "solution"), *unique(fixed)),
        cvss2_base=score(fields.get("cvss"), export.file, place),
        cvss3_base=score(fields.get("cvss3"), export.file, place),
        cves=cve_ids(cves),
        family=stated(fields.get("category")),
    )


def _kind(word: str | None, export: Export, place: str) -> Kind:
    word = (word or "Confirmed").replace("_", " ")
    return kind_of("info" if word.lower().startswith("info") else word, export.file, place)


def _prose(fields: Fields, key: str) -> str | None:
    return stated(plain_text(fields.get(key)))
