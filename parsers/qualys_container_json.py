"""Images of Qualys Container Security with their vulnerabilities, as its API gives them.

Written from the documentation of the API v1.3: images/{sha}, and images/{sha}/vuln under it.
"""

from collections.abc import Iterator

from parsers.export import Export
from parsers.json import Object, entries, has, objects, text, texts, within
from parsers.qualys_container import (
    DETECTOR,
    Definitions,
    Image,
    definition,
    image_name,
    image_time,
)
from poam.model import Finding, Record

NAME = "qualys_container_json"
DETECTORS = (DETECTOR,)

EXPORT = "a complete export of images of Qualys Container Security"

_TELLING = (
    ("imageId", "repo/repository"),
    ("imageId", "vulnerabilities/qid"),
    ("data/imageId", "data/repo/repository"),
    ("details/vulns/qid",),
)
_FIELDS = (
    *("qid", "title", "severity", "typeDetected", "status", "isExempted", "port", "category"),
    *("firstFound", "lastFound"),
)


def recognises(head: bytes) -> bool:
    """Tell an image by its id and repositories, or by its vulnerabilities."""
    return any(has(head, *paths) for paths in _TELLING)


def records(export: Export) -> Iterator[Record]:
    """Yield each image's findings and coverage under each of its names, then the definitions."""
    definitions = Definitions()
    for number, answer in enumerate(objects(export, EXPORT), start=1):
        place = f"object {number}"
        images = entries(answer, "data", export, place) if "data" in answer else [answer]
        for image in images:
            yield from _image(image, definitions, export, place)
    yield from definitions.all()


def _image(image: Object, definitions: Definitions, export: Export, place: str) -> Iterator[Record]:
    sha = text(image, "sha") or text(image, "imageId")
    names = [
        image_name(text(repo, "registry"), text(repo, "repository"), text(repo, "tag"))
        for repo in entries(image, "repo", export, place)
    ]
    known = dict.fromkeys(name for name in names if name) or dict.fromkeys([sha] if sha else [])
    if not known:
        expected = "the image's own record, which has its id, repository and tag"
        raise export.error(place, "vulnerabilities of an image that is not named", expected)
    scanned = image_time(text(image, "lastScanned"), export, f"{place}, lastScanned")
    vulnerabilities = [
        *entries(image, "vulnerabilities", export, place),
        *entries(within(image, "details"), "vulns", export, place),
    ]
    for name in known:
        one = Image(export, name, sha, scanned)
        for vulnerability in vulnerabilities:
            yield _vulnerability(vulnerability, one, definitions, export, f"{place}, image {name}")
        yield one.coverage()


def _vulnerability(
    entry: Object, image: Image, definitions: Definitions, export: Export, place: str
) -> Finding:
    fields: dict[str, str | None] = {key: text(entry, key) or None for key in _FIELDS}
    fields["cvss"] = text(within(entry, "cvssInfo"), "baseScore")
    fields["cvss3"] = text(within(entry, "cvss3Info"), "baseScore")
    packages = entries(entry, "software", export, place)
    installed = [f"{text(one, 'name')} {text(one, 'version')}".strip() for one in packages]
    fixed = [
        f"{text(one, 'name')}: fixed in {text(one, 'fixVersion')}"
        for one in packages
        if text(one, "fixVersion")
    ]
    finding = image.finding(fields, installed, place)
    definitions.add(definition(fields, texts(entry, "cveids"), fixed, export, place))
    return finding
