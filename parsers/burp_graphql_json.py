"""Issues of Burp Suite Enterprise and DAST as exported through its GraphQL API."""

import hashlib
import json
from collections.abc import Iterator

from parsers.burp import DETECTOR, Issue, Report, address, identifier, one_line
from parsers.export import Export
from parsers.json import Object, document, entries, has, paths, text, within
from poam.model import Record

NAME = "burp_graphql_json"
DETECTORS = (DETECTOR,)

EXPORT = "a complete GraphQL export of Burp Suite's issues"


def recognises(head: bytes) -> bool:
    """Tell issues by their type; an export without issues has the one key alone."""
    return has(head, "Issues/issue_type") or (has(head, "Issues") and paths(head) == {"Issues"})


def records(export: Export) -> Iterator[Record]:
    """Yield one finding per issue, then the coverage of every origin, then the definitions."""
    report = Report(export)
    issues = entries(document(export, EXPORT), "Issues", export, "report")
    for number, issue in enumerate(issues, start=1):
        yield report.finding(_issue(issue, export, f"issue {number}"))
    yield from report.summary()


def _issue(issue: Object, export: Export, place: str) -> Issue:
    kind = within(issue, "issue_type")
    return Issue(
        place=place,
        identifier=_identifier(kind, export, place),
        name=text(kind, "name"),
        url=address(text(issue, "origin"), text(issue, "path")),
        severity=text(issue, "severity"),
        confidence=text(issue, "confidence"),
        serial=text(issue, "serial_number"),
        background=text(kind, "description_html"),
        detail=text(issue, "description_html"),
        solution=text(kind, "remediation_html") or text(issue, "remediation_html"),
        references=text(kind, "references_html"),
        classifications=text(kind, "vulnerability_classifications_html"),
    )


def _identifier(kind: Object, export: Export, place: str) -> str:
    """Return the type's number; where the query did not ask for it, its name.

    A type with neither is known by its texts: a digest of them keeps two such types apart.
    """
    name = text(kind, "name")
    if type_index := text(kind, "type_index"):
        return identifier(type_index, name, export, place)
    if name:
        return one_line(name)
    texts = {key: text(kind, key) for key in sorted(kind) if text(kind, key)}
    if not texts:
        found = "an issue_type with neither type_index nor name nor text"
        raise export.error(place, found, "one of them, to tell the weakness")
    return f"unnamed {hashlib.sha256(json.dumps(texts).encode()).hexdigest()[:12]}"
