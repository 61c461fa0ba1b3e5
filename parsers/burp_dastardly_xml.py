"""Results of Dastardly, Burp's scanner for build pipelines, as JUnit XML."""

import re
from collections.abc import Iterator

from parsers.burp import DETECTOR, Issue, Report, one_line
from parsers.encoding import head_text
from parsers.export import Export
from parsers.xml import Element, elements, line_of, root_name
from poam.locations import is_url
from poam.model import Record

NAME = "burp_dastardly_xml"
DETECTORS = (DETECTOR,)

EXPORT = "a complete JUnit XML of Dastardly"

_ROOT = re.compile(r"""<testsuites\s[^>]*?\bname\s*=\s*["']Dastardly\b""")
_HEADINGS = (
    *("Issue Detail", "Issue Background", "Issue Remediation"),
    *("Remediation Detail", "Remediation Background"),
    *("References", "Vulnerability Classifications"),
)
_HEADING = re.compile(rf"^({'|'.join(_HEADINGS)})[ \t]*$", re.MULTILINE)
_EVIDENCE = re.compile(r"^Evidence[ \t]*$", re.MULTILINE)
_ADDRESS = re.compile(r"\((https?://[^\s()]+)\)$", re.MULTILINE)


def recognises(head: bytes) -> bool:
    """Tell Dastardly's results by the name of all test suites: JUnit XML is common."""
    return root_name(head) == "testsuites" and bool(_ROOT.search(head_text(head)))


def records(export: Export) -> Iterator[Record]:
    """Yield one finding per failure, then the coverage of every site, then the definitions.

    Every address that was scanned is a test suite, with a failure or without.
    """
    report = Report(export, markup=False)
    for _, suite in elements(export, EXPORT, {"testsuite"}):
        url = suite.get("name", "").strip()
        if is_url(url):
            report.scanned(url, line_of(suite))
        for failure in suite.iter("{*}failure"):
            yield report.finding(_issue(failure, url, export))
    yield from report.summary()


def _issue(failure: Element, suite_url: str, export: Export) -> Issue:
    """Return the issue of a failure. Its title is all that identifies it: there is no type."""
    place = line_of(failure)
    title, _, url = failure.get("message", "").strip().rpartition(" found at ")
    name = one_line(title)
    if not name:
        found = f"the message '{failure.get('message', '')}'"
        raise export.error(place, found, "the name of the issue, 'found at' and its address")
    told = _sections(failure.text or "")
    return Issue(
        place=place,
        identifier=name,
        name=name,
        url=url if is_url(url) else suite_url,
        severity=failure.get("type", "").strip(),
        background=told.get("Issue Background", ""),
        detail=told.get("Issue Detail", ""),
        solution=told.get("Issue Remediation")
        or told.get("Remediation Background")
        or told.get("Remediation Detail", ""),
        references="\n".join(_ADDRESS.findall(told.get("References", ""))),
        classifications=told.get("Vulnerability Classifications", ""),
    )


def _sections(text: str) -> dict[str, str]:
    """Return the texts under the headings of a failure, without requests and responses.

    Those may hold anything, headings too, so of what follows them only the end is read: the last
    References and the last Vulnerability Classifications.
    """
    evidence = _EVIDENCE.search(text)
    told = _split(text[: evidence.start()] if evidence else text)
    if evidence is None:
        return told
    after = _split(text[evidence.end() :])
    return told | {heading: after[heading] for heading in _HEADINGS[-2:] if heading in after}


def _split(text: str) -> dict[str, str]:
    _, *parts = _HEADING.split(text)
    return {
        heading: re.sub(r"\n{3,}", "\n\n", told.strip())
        for heading, told in zip(parts[::2], parts[1::2], strict=True)
    }
