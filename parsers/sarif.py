"""What SARIF refers to by index, base and name: addresses, rules, taxonomies.

Source: OASIS, Static Analysis Results Interchange Format 2.1.0, section 3.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import unquote, urljoin

from parsers.export import Export
from parsers.json import Object, entries, text, within
from poam.locations import location, site

T = TypeVar("T")

_WEB = re.compile(r"(?:https?|wss?)://[^\s/]", re.IGNORECASE)
_FILE = re.compile(r"file:(?://(?P<host>[^/]*))?/*(?P<path>.*)", re.IGNORECASE)
_DRIVE = re.compile(r"[A-Za-z]:")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a result is: the asset is a site or a file, the location the page of a site."""

    asset: str
    location: str | None = None


def place_of(uri: str) -> Place:
    """Return the site and page of a web address, the path of anything else."""
    if _WEB.match(uri):
        return Place(site(uri), location(uri))
    file = _FILE.fullmatch(uri)
    if file is None:
        return Place(unquote(uri))
    path = unquote(file["path"])
    if file["host"]:
        return Place(f"//{file['host']}/{path}")
    return Place(path if _DRIVE.match(path) else f"/{path}")


class Run:
    """One run of a log, with what its results refer to."""

    def __init__(self, export: Export, place: str, run: Object) -> None:
        self.export, self.place, self.content = export, place, run
        tool = within(run, "tool")
        components = [within(tool, "driver"), *self.entries(tool, "extensions")]
        self.tool = text(components[0], "name")
        if not self.tool:
            raise export.error(place, "no name of the tool (tool.driver.name)", "one such as ZAP")
        self._rules = [self.entries(one, "rules") for one in components]
        every = [rule for rules in self._rules for rule in rules][
            ::-1
        ]  # the first of a name counts
        self._rule_of = {text(rule, "id"): rule for rule in every}
        self._taxonomies = self.entries(run, "taxonomies")
        self.artifacts = self.entries(run, "artifacts")
        self.invocations = self.entries(run, "invocations")

    def entries(self, holder: Object, key: str, place: str = "") -> list[Object]:
        """Return the objects under a key of something in this run."""
        return entries(holder, key, self.export, place or self.place)

    def place_of(self, artifact: Object) -> Place | None:
        """Return the place of an artifactLocation; None where it gives none.

        Its URI is relative to a base, which may be relative to another (3.14.14).
        """
        if not text(artifact, "uri"):
            artifact = within(item_at(self.artifacts, artifact.get("index")) or {}, "location")
        uri, base = text(artifact, "uri"), text(artifact, "uriBaseId")
        passed: set[str] = set()
        while uri and base and base not in passed:
            passed.add(base)
            above = within(self.content, "originalUriBaseIds", base)
            uri, base = _joined(text(above, "uri"), uri), text(above, "uriBaseId")
        return place_of(uri) if uri else None

    def rule(self, result: Object) -> tuple[str, Object]:
        """Return a result's rule identifier and its rule; an empty one where the log has none.

        An identifier may go on below the rule's: CA1000/1 is of the rule CA1000 (3.27.5).
        """
        reference = within(result, "rule")
        identifier = text(result, "ruleId") or text(reference, "id")
        extension = item_at(self._rules[1:], within(reference, "toolComponent").get("index"))
        rules = self._rules[0] if extension is None else extension
        indexed = item_at(rules, result.get("ruleIndex", reference.get("index"))) or {}
        own = text(indexed, "id")
        if not identifier or (own and f"{identifier}/".startswith(f"{own}/")):
            return identifier or own, indexed
        known = identifier
        while known and known not in self._rule_of:
            known = known.rpartition("/")[0]
        return identifier, self._rule_of.get(known, {})

    def default_level(self, result: Object, rule: Object) -> str:
        """Return the level of a result that gives none: its rule's, as the invocation set it.

        Source: 3.27.10; without any of these it is `warning`.
        """
        invocation = item_at(self.invocations, within(result, "provenance").get("invocationIndex"))
        for override in self.entries(invocation or {}, "ruleConfigurationOverrides"):
            descriptor = within(override, "descriptor")
            named, indexed = (
                text(descriptor, "id"),
                item_at(self._rules[0], descriptor.get("index")),
            )
            level = text(within(override, "configuration"), "level")
            if level and rule and (rule is indexed or named == text(rule, "id")):
                return level
        return text(within(rule, "defaultConfiguration"), "level") or "warning"

    def taxonomy(self, reference: Object) -> str:
        """Return the name of the taxonomy that a reference to one of its taxa means, as CWE."""
        component = within(reference, "toolComponent")
        taxonomy = item_at(self._taxonomies, component.get("index")) or {}
        return text(component, "name") or text(taxonomy, "name")


def item_at(items: Sequence[T], index: object) -> T | None:
    """Return the item that an index refers to; None where it refers to none."""
    if isinstance(index, int) and not isinstance(index, bool) and 0 <= index < len(items):
        return items[index]
    return None


def _joined(base: str, uri: str) -> str:
    if not base:
        return uri
    try:
        return urljoin(base if base.endswith("/") else f"{base}/", uri)
    except ValueError:
        return uri
