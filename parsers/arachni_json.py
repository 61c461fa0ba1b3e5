"""Arachni reports in JSON."""

from collections.abc import Iterator

from parsers.arachni import DETECTOR, LOGINS, TIMES, Issue, Scan
from parsers.export import Export
from parsers.json import Object, document, entries, has, text, within
from poam.model import Record

NAME = "arachni_json"
DETECTORS = (DETECTOR,)

EXPORT = "a complete JSON report of Arachni"


def recognises(head: bytes) -> bool:
    """Tell an Arachni report by the scan's seed and options, which come first."""
    return has(head, "seed", "options/scope", "options/audit")


def records(export: Export) -> Iterator[Record]:
    """Yield definitions and findings, then the coverage of each site."""
    report = document(export, EXPORT)
    if "issues" not in report:
        raise export.error("report", "no 'issues'", EXPORT)
    scan = Scan(export)
    for name in TIMES:
        scan.timed(name, text(report, name))
    for url in within(report, "sitemap"):
        scan.crawled(url)
    for plugin in LOGINS:
        scan.login(plugin, text(within(report, "plugins", plugin, "results"), "status"))
    yield from scan.records(map(_issue, entries(report, "issues", export, "report")))


def _issue(entry: Object) -> Issue:
    check, vector, references = (within(entry, key) for key in ("check", "vector", "references"))
    return Issue(
        check=text(check, "shortname") or text(check, "name"),
        urls=(text(vector, "action"), text(vector, "url")),
        severity=text(entry, "severity"),
        name=text(entry, "name"),
        description=text(entry, "description"),
        remedy=text(entry, "remedy_guidance"),
        cwe=text(entry, "cwe"),
        references=tuple(text(references, title) for title in references),
        # How the page was asked for; the vector may be a server or a header, without a method.
        method=text(within(entry, "request"), "method") or text(vector, "method"),
        input=text(vector, "affected_input_name"),
    )
