"""The tables of an AppScan report that its issues refer to: titles, advisories, fixes, URLs."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from parsers.export import Export
from parsers.text import paragraphs, unique
from parsers.xml import Element, elements, local_name, text_of, texts_of
from poam.locations import is_url, site

EXPORT = "a complete XML report of AppScan"
ISSUES = "issue-group"

_HEADER = {
    "report-date",
    "report-date-and-time",
    "scan-date-and-time",
    "starting-url",
    "test-policy",
}
_VISITED = {"visited-link-group", "unique-visited-link-group"}
_ADVISORIES = {"advisory-group", "article-group"}
_FIXES = {"fix-recommendation-group", "remediation-group"}
_CAUSES = ("advisory/testTechnicalDescription", "cause", "risk")


@dataclass(frozen=True, slots=True)
class IssueType:
    """What the table of issue types says of one."""

    name: str | None = None
    cves: tuple[str, ...] = ()
    cwes: tuple[str, ...] = ()
    advisory: str | None = None
    fix: str | None = None


@dataclass(frozen=True, slots=True)
class Advisory:
    """What is wrong, what to do about it, and where to read on."""

    description: str | None = None
    solution: str | None = None
    references: tuple[str, ...] = ()


@dataclass
class Report:
    """All of a report but its issues: small tables, however many issues refer to them.

    `sites` are those the scan was pointed at or visited. `listed` is how many issues the report
    holds, `total` how many it says it holds, `typed` how many its issue types have.
    """

    header: dict[str, str] = field(default_factory=dict)
    types: dict[str, IssueType] = field(default_factory=dict)
    advisories: dict[str, Advisory] = field(default_factory=dict)
    fixes: dict[str, str | None] = field(default_factory=dict)
    urls: dict[str, str] = field(default_factory=dict)
    entities: dict[str, tuple[str, str]] = field(default_factory=dict)
    sites: dict[str, None] = field(default_factory=dict)
    listed: int = 0
    total: int = 0
    typed: int = 0

    @property
    def counted(self) -> int:
        """How many issues the report says there are; without any listed, its issue types say."""
        return self.total if self.listed else self.typed

    def visit(self, urls: Iterable[str | None]) -> None:
        """Take the sites of these addresses for scanned."""
        self.sites.update({site(url): None for url in urls if url and is_url(url)})


def read_report(export: Export) -> Report:
    """Read all of a report but its issues, which stand before the tables they refer to."""
    report = Report()
    for _, element in elements(export, EXPORT, {"item", *_HEADER}):
        if element.tag in _HEADER:
            report.header.setdefault(element.tag, (element.text or "").strip())
        else:
            _read_item(report, group_of(element), element)
    report.visit([report.header.get("starting-url"), *report.urls.values()])
    return report


def group_of(item: Element) -> str:
    """Return the name of the table an item is in."""
    parent = item.getparent()
    return "" if parent is None else local_name(parent)


def _read_item(report: Report, group: str, item: Element) -> None:
    key = item.get("id", "").strip()
    if group == ISSUES:
        report.listed += 1
        parent = item.getparent()
        report.total = _number(None if parent is None else parent.get("total"))
    elif group == "issue-type-group":
        report.types[key] = _issue_type(item)
        report.typed += _number(item.get("count"))
    elif group in _ADVISORIES:
        report.advisories[key] = _advisory(item)
    elif group in _FIXES:
        report.fixes[key] = report.fixes.get(key) or _prose(item)
    elif group == "url-group":
        report.urls[key] = text_of(item, "name") or ""
    elif group == "entity-group":
        kind, name = text_of(item, "entity-type"), text_of(item, "name")
        report.entities[key] = kind or "", name or ""
    elif group in _VISITED:
        report.visit([text_of(item, "url")])


def _number(text: str | None) -> int:
    text = (text or "").strip()
    return int(text) if text.isdecimal() and len(text) < 10 else 0


def _issue_type(item: Element) -> IssueType:
    return IssueType(
        name=text_of(item, "name"),
        cves=(*texts_of(item, "cve"), *texts_of(item, "cve/ref")),
        cwes=(*texts_of(item, "cwe"), *texts_of(item, "cwe/ref")),
        advisory=text_of(item, "advisory/ref"),
        fix=text_of(item, "fix-recommendation/ref") or text_of(item, "remediation/ref"),
    )


def _advisory(item: Element) -> Advisory:
    links = [link.get("target") for link in item.iterfind("advisory/references//link")]
    return Advisory(
        description=paragraphs(*(_prose(item.find(path)) for path in _CAUSES)),
        solution=_prose(item.find("recommendations")),
        references=unique([*links, *texts_of(item, "externalReferences/item/url")]),
    )


def _prose(element: Element | None) -> str | None:
    """Return the texts in an element, each on lines of its own; of a link its address.

    Markup in a text is an example of code, not its layout.
    """
    if element is None:
        return None
    texts = [
        text.strip()
        for part in element.iter()
        if not (part.tag in ("title", "linkType") and group_of(part) == "item")
        for text in (part.text or "", (part.tail or "") if part is not element else "")
    ]
    return "\n".join(text for text in texts if text) or None
