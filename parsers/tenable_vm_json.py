"""Findings of Tenable Vulnerability Management in JSON, of the export API or of the portal."""

from collections.abc import Iterator
from dataclasses import dataclass

from parsers.dates import iso_datetime
from parsers.export import Export
from parsers.json import Object, has, objects, text, texts, within
from parsers.nessus import DETECTOR
from parsers.tenable_table import Table
from poam.model import Record

NAME = "tenable_vm_json"
DETECTORS = (DETECTOR,)

EXPORT = "a complete JSON export of Tenable Vulnerability Management"
# The API nests objects, the portal writes their path as one name.
_TELLING = (
    ("asset/uuid", "plugin/id"),
    ("asset/uuid", "output"),  # which comes before the plugin, and can be long
    ("asset.id", "definition.id"),
    ("asset/id", "definition/id"),
)


def recognises(head: bytes) -> bool:
    """Tell the findings of Tenable by the keys of their asset and their plugin."""
    return any(has(head, *paths) for paths in _TELLING)


def records(export: Export) -> Iterator[Record]:
    """Yield the findings, then each host and plugin."""
    found = enumerate(objects(export, EXPORT), start=1)
    table = Table(export, iso_datetime, per_cve=False)
    yield from table.records(_Row(f"object {number}", entry) for number, entry in found)


@dataclass(frozen=True, slots=True)
class _Row:
    """One finding; a path such as `plugin.cvss3_vector.raw` leads into nested objects."""

    place: str
    finding: Object

    def get(self, *names: str) -> str | None:
        """Return the first of these fields that has a text; a list has a line for each entry."""
        return next((found for name in names if (found := self._text(name))), None)

    def _text(self, name: str) -> str:
        *path, last = name.split(".")
        holder = self.finding if name in self.finding else within(self.finding, *path)
        value = holder.get(name if name in self.finding else last)
        entries = value if isinstance(value, list) else [value]
        return "\n".join(filter(None, map(_entry, entries)))


def _entry(value: object) -> str:
    """Return a scalar as text, a reference such as {"type": "CWE", "id": "79"} as `CWE:79`."""
    if not isinstance(value, dict):
        return text({"": value}, "")
    kind, ids = text(value, "type").upper(), texts(value, "ids") or texts(value, "id")
    return "\n".join(f"{kind}:{one}" for one in ids if kind)
