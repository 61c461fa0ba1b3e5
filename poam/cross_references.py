"""Items that name each other: other scanners' identifiers with a CVE in common.

Source: FedRAMP Vulnerability Scanning Requirements v3.0 p. 3 (an item per identifier of a scanner);
that such items name each other is this project's choice.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Listing:
    """An item as others may name it: its detectors and its CVEs."""

    poam_id: str
    detectors: frozenset[str]
    cves: tuple[str, ...]


def cross_references(new: Iterable[Listing], current: Iterable[Listing]) -> dict[str, str]:
    """By POA&M ID of a new item those of other scanners with a CVE in common, in words.

    `current` are the items that are open already. An item of the same scanner is never named: its
    identifiers are weaknesses of their own. "V-8 (CVE-2026-0001), V-9 (CVE-2026-0002)".
    """
    opened = list(new)
    holders: dict[str, list[Listing]] = defaultdict(list)
    for listing in (*current, *opened):
        for cve in listing.cves:
            holders[cve].append(listing)
    found: dict[str, str] = {}
    for listing in opened:
        others: dict[str, str] = {}
        for cve in listing.cves:
            for other in holders[cve]:
                if not other.detectors & listing.detectors:
                    others.setdefault(other.poam_id, cve)
        if others:
            found[listing.poam_id] = ", ".join(f"{name} ({cve})" for name, cve in others.items())
    return found
