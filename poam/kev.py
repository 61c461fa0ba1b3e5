"""The CISA Known Exploited Vulnerabilities catalogue, from a file."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from poam.errors import KevError


@dataclass(frozen=True, slots=True)
class KevEntry:
    """One CVE of the CISA Known Exploited Vulnerabilities catalogue."""

    cve: str
    date_added: date | None
    due_date: date


@dataclass(frozen=True)
class KevCatalogue:
    """A KEV catalogue file: `version` as CISA numbers it, and entries by CVE."""

    version: str
    entries: Mapping[str, KevEntry]

    def earliest(self, cves: Iterable[str]) -> KevEntry | None:
        """Of several listed CVEs the one that is due first; None where none is listed."""
        listed = [self.entries[cve] for cve in cves if cve in self.entries]
        return min(listed, key=lambda entry: (entry.due_date, entry.cve), default=None)


def read_kev(path: Path) -> KevCatalogue:
    """Read the catalogue's JSON file; fields it does not need, and unknown ones, are ignored.

    A due date before the date added is kept as it is: the real catalogue has some.
    Raises KevError naming the entry that lacks a CVE or a due date.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
        listed = list(content["vulnerabilities"])
    except (OSError, ValueError, KeyError, TypeError) as e:
        raise KevError(
            f"{path.name}: found no KEV catalogue ({e!r}). Expected JSON with 'vulnerabilities'."
        ) from e
    entries = [_entry(item, f"{path.name}, vulnerabilities[{n}]") for n, item in enumerate(listed)]
    version = str(content.get("catalogVersion", ""))
    return KevCatalogue(version, {entry.cve: entry for entry in entries})


def _entry(item: Mapping[str, Any], place: str) -> KevEntry:
    try:
        added = item.get("dateAdded")
        return KevEntry(
            cve=str(item["cveID"]).upper(),
            date_added=date.fromisoformat(added) if added else None,
            due_date=date.fromisoformat(item["dueDate"]),
        )
    except (AttributeError, KeyError, TypeError, ValueError) as e:
        raise KevError(f"{place}: {e!r}. Expected cveID and dueDate as YYYY-MM-DD.") from e
