"""Arachni reports in XML: of versions before 1.0 (`arachni_report`) and since (`report`)."""

from collections.abc import Iterator

from parsers.arachni import DETECTOR, LOGINS, TIMES, Issue, Scan
from parsers.encoding import head_text
from parsers.export import Export
from parsers.xml import Element, elements, local_name, root_name, text_of
from poam.model import Record

NAME = "arachni_xml"
DETECTORS = (DETECTOR,)

EXPORT = "a complete XML report of Arachni"
# The name of an element in version 1 and the one before 1.0.
CHECK = ("check/shortname", "internal_modname", "check/name", "mod_name", "name")
URLS = ("vector/action", "vector/url", "url")
METHOD = ("request/method", "vector/method", "method")
INPUT = ("vector/affected_input_name", "var", "variable")


def recognises(head: bytes) -> bool:
    """Tell an Arachni report by its root element, a `report` by the schema it names too."""
    root = root_name(head)
    return root == "arachni_report" or (root == "report" and "/arachni/" in head_text(head).lower())


def records(export: Export) -> Iterator[Record]:
    """Yield definitions and findings, then the coverage of each site."""
    scan = Scan(export)
    yield from scan.records(_issues(export, scan))


def _issues(export: Export, scan: Scan) -> Iterator[Issue]:
    """Yield the issues; note in `scan` what stands around them."""
    whole = {"system", "entry", "issue", "plugins", *TIMES}
    for _, element in elements(export, EXPORT, whole):
        match local_name(element):
            case "issue":
                yield _issue(element)
            case "entry":
                scan.crawled(element.get("url", ""))
            case "plugins":
                for plugin in LOGINS:
                    scan.login(plugin, _first(element, f"{plugin}/results/status"))
            case "system":
                scan.crawled(_first(element, "url"))
                for name in TIMES:
                    scan.timed(name, _first(element, name))
            case name:
                scan.timed(name, (element.text or "").strip())


def _issue(element: Element) -> Issue:
    return Issue(
        check=_first(element, *CHECK),
        urls=tuple(_first(element, path) for path in URLS),
        severity=_first(element, "severity"),
        name=_first(element, "name"),
        description=_first(element, "description"),
        remedy=_first(element, "remedy_guidance"),
        cwe=_first(element, "cwe"),
        cvss2=_first(element, "cvssv2"),
        references=tuple(
            found.get("url", "") for found in element.iterfind("references/reference")
        ),
        method=_first(element, *METHOD),
        input=_first(element, *INPUT),
    )


def _first(element: Element, *paths: str) -> str:
    """Return the first text that stands at one of these paths, empty where none does."""
    return next((text for path in paths if (text := text_of(element, path))), "")
