"""Vulnerabilities of images as Qualys Container Security exports them as CSV.

Written from the documented columns, in the spellings that Qualys' other CSV exports have.
"""

from collections.abc import Iterator

from parsers import csv
from parsers.export import Export
from parsers.qualys_container import (
    DETECTOR,
    Definitions,
    Image,
    definition,
    image_name,
    image_time,
)
from poam.model import Record

NAME = "qualys_container_csv"
DETECTORS = (DETECTOR,)

EXPORT = "a complete CSV export of image vulnerabilities of Qualys"
COLUMNS = ("Repository", "QID", "Severity")

_FIELDS = {
    "qid": ("QID",),
    "title": ("Title", "Vulnerability Title"),
    "severity": ("Severity",),
    "typeDetected": ("Type", "Type Detected"),
    "status": ("Status",),
    "port": ("Port",),
    "category": ("Category",),
    "firstFound": ("First Found",),
    "lastFound": ("Last Found",),
    "cvss": ("CVSS Base",),
    "cvss3": ("CVSS3 Base", "CVSS v3 Base"),
    "threat": ("Threat",),
    "impact": ("Impact",),
    "solution": ("Solution",),
}


def recognises(head: bytes) -> bool:
    """Tell the export by its columns."""
    return csv.has_columns(head, *COLUMNS)


def records(export: Export) -> Iterator[Record]:
    """Yield one finding per image, QID and package, then definitions with all their CVEs.

    A row may be repeated for each CVE.
    """
    images: dict[tuple[str, str | None], Image] = {}
    definitions = Definitions()
    given: set[int] = set()
    for row in csv.rows(export, EXPORT, COLUMNS):
        image = _image(row, export)
        image = images.setdefault((image.asset, image.sha), image)
        fields = {key: row.get(*columns) for key, columns in _FIELDS.items()}
        package = row.get("Software", "Software Name", "Package")
        version = row.get("Version", "Software Version", "Installed Version")
        fix = row.get("Fixed Version", "Fix Version")
        installed = " ".join(word for word in (package, version) if word)
        finding = image.finding(fields, [installed], row.place)
        fixed = [f"{package or 'Package'}: fixed in {fix}"] if fix else []
        cves = (row.get("CVE IDs", "CVE ID", "CVEs", "CVE"),)
        definitions.add(definition(fields, cves, fixed, export, row.place))
        if hash(finding) not in given:
            given.add(hash(finding))
            yield finding
    yield from definitions.all()
    for image in images.values():
        yield image.coverage()


def _image(row: csv.Row, export: Export) -> Image:
    sha = row.get("Image SHA", "SHA", "Image ID")
    name = image_name(row.get("Registry"), row.get("Repository"), row.get("Tag", "Image Tag"))
    asset = name or sha
    if not asset:
        found = "a row with neither Repository nor Image ID"
        raise export.error(row.place, found, "a repository such as library/nginx")
    scanned = image_time(row.get("Last Scanned"), export, f"{row.place}, Last Scanned")
    return Image(export, asset, sha, scanned)
