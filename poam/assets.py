"""Asset identity: which names mean the same machine, and what an Asset Identifier cell lists."""

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

from poam.cells import is_attachment_line
from poam.frames import SCAN, Row, Tables, rows
from poam.locations import is_url, location, site
from poam.policy import Assets

log = logging.getLogger(__name__)

WITH_PORT = re.compile(
    r"^(?P<name>.+?)\s*\(\s*(?P<port>\d{1,5})\s*(?:/\s*(?P<protocol>\w+))?\s*\)$"
)
WITH_COLON = re.compile(r"^(?P<name>[^:\s]+):(?P<port>\d{1,5})$")


@dataclass(frozen=True, slots=True)
class AssetLine:
    """One line of an Asset Identifier cell: `web-01 (443/tcp)`, an address or a URL.

    `text` is the line as it stands. A web location has its page in `location` and its site as
    `name`; any other line has `port` 0 and `protocol` empty where it gives none.
    """

    text: str
    name: str
    port: int = 0
    protocol: str = ""
    location: str = ""


@dataclass(frozen=True)
class AssetIndex:
    """Every known name of every asset, and the identifier the POA&M uses for it.

    `in_inventory` holds the identifiers that come from the inventory workbook; `ambiguous`
    the names that point at more than one inventory asset and therefore at none.
    """

    names: Mapping[str, str] = field(default_factory=dict)
    in_inventory: frozenset[str] = frozenset()
    ambiguous: frozenset[str] = frozenset()

    def identifier(self, name: str) -> str:
        """The asset's identifier; a name never met is its own."""
        return self.names.get(_folded(name), name.strip())


def asset_lines(cell: str) -> tuple[AssetLine, ...]:
    """Read an Asset Identifier cell: one asset a line, or separated by commas or semicolons."""
    lines = []
    for line in re.split(r"[\n\r;]+", cell):
        whole = is_url(line) or is_attachment_line(line)
        parts = [line] if whole else line.split(",")
        lines += [_asset_line(part.strip()) for part in parts if part.strip()]
    return tuple(lines)


def asset_text(asset: str, location: str, port: int, protocol: str) -> str:
    """Write an affected asset the way the template asks: `identifier (port/protocol)`, or the URL.

    Source: POA&M template v2.1, row 7 and 8 of the Asset Identifier column.
    """
    if location:
        return location
    if not port:
        return asset
    return f"{asset} ({port}/{protocol})" if protocol else f"{asset} ({port})"


def recorded_lines(memory: pd.DataFrame) -> dict[str, tuple[AssetLine, ...]]:
    """By POA&M ID the assets that the ledger's memory gives an item, as lines of its list."""
    lines: dict[str, tuple[AssetLine, ...]] = {}
    for row in rows(memory[memory["poam_id"] != ""]):
        text = asset_text(row.asset_identifier, row.location, row.port, row.protocol.lower())
        line = AssetLine(text, row.asset_identifier, row.port, row.protocol.lower(), row.location)
        lines[row.poam_id] = (*lines.get(row.poam_id, ()), line)
    return lines


def asset_index(
    coverage: pd.DataFrame, inventory: pd.DataFrame | None, policy: Assets
) -> AssetIndex:
    """Tie together the names that scans and the inventory give to one asset.

    `coverage` as in `poam.frames`; `inventory` has `identifier` and `names` (tuple of every other
    name or address) and is None where no inventory was given. Names of one coverage record are
    one asset (address, FQDN and the name it was scanned by). NetBIOS and short host names repeat
    between networks, so they count only where the inventory lists them. An asset without an
    inventory row is called by the first of `policy.prefer` that it has.
    """
    groups = _tied_names(coverage, frozenset(policy.ignore))
    listed, ambiguous = _inventory_names(inventory, frozenset(policy.ignore))
    names = dict(listed)
    for group in groups:
        identifiers = {listed[key] for key in group if key in listed}
        if len(identifiers) == 1:
            chosen = next(iter(identifiers))
        else:
            own = {key: kind for key, kind in group.items() if key not in listed}
            chosen = _preferred(own or group, policy)
        for key in group:
            names.setdefault(key, chosen)
    for key in sorted(ambiguous):
        log.warning("the inventory lists %s for more than one asset; it identifies none", key)
    return AssetIndex(names, frozenset(listed.values()), frozenset(ambiguous))


def with_assets(found: Tables, index: AssetIndex, policy: Assets) -> Tables:
    """Add `asset_identifier` to detections and coverage.

    A scan's asset goes by its own name, or by its FQDN or address where several machines share
    that name (`localhost`); a detection's asset is that of its scan.
    """
    ignored = frozenset(policy.ignore)
    identified = [_identified(row, index, ignored) for row in rows(found.coverage)]
    coverage = found.coverage.assign(
        asset_identifier=pd.Series(identified, index=found.coverage.index, dtype="str")
    )
    scanned = coverage.drop_duplicates(SCAN)[[*SCAN, "asset_identifier"]]
    detections = found.detections.merge(scanned, on=SCAN, how="left", validate="m:1")
    named = {name: index.identifier(name) for name in detections["asset"].unique()}
    unscanned = detections["asset"].map(named).astype("str")
    detections["asset_identifier"] = detections["asset_identifier"].fillna(unscanned)
    return Tables(detections, found.definitions, coverage)


def _identified(row: Row, index: AssetIndex, ignored: frozenset[str]) -> str:
    names = (row.asset, *row.fqdns, *row.ips)
    telling = (name for name in names if _folded(name) not in ignored)
    return index.identifier(next(telling, row.asset))


def _asset_line(text: str) -> AssetLine:
    if is_url(text):
        return AssetLine(text, name=site(text), location=location(text))
    match = WITH_PORT.match(text) or WITH_COLON.match(text)
    if match is None:
        return AssetLine(text, name=text)
    protocol = (match.groupdict().get("protocol") or "").lower()
    return AssetLine(text, match["name"].strip(), int(match["port"]), protocol)


def _tied_names(coverage: pd.DataFrame, ignored: frozenset[str]) -> list[dict[str, str]]:
    """Names that belong together: each group maps a name to what it is (fqdn, ip or name)."""
    group_of: dict[str, dict[str, str]] = {}
    for row in rows(coverage):
        named = {"name": (row.asset,), "ip": row.ips, "fqdn": row.fqdns}
        group: dict[str, str] = {}
        for kind, names in named.items():
            for key in map(_folded, names):
                if key and key not in ignored:
                    group.update(group_of.get(key, {}))
                    group[key] = group.get(key, kind) if kind == "name" else kind
        group_of.update(dict.fromkeys(group, group))
    distinct = {id(group): group for group in group_of.values()}
    return list(distinct.values())


def _preferred(group: Mapping[str, str], policy: Assets) -> str:
    return min(group, key=lambda name: (policy.prefer.index(group[name]), name))


def _inventory_names(
    inventory: pd.DataFrame | None, ignored: frozenset[str]
) -> tuple[dict[str, str], set[str]]:
    listed: dict[str, str] = {}
    ambiguous: set[str] = set()
    if inventory is None:
        return listed, ambiguous
    for row in rows(inventory):
        for key in map(_folded, (row.identifier, *row.names)):
            if key not in ignored and listed.setdefault(key, row.identifier) != row.identifier:
                ambiguous.add(key)
    return {key: listed[key] for key in listed if key not in ambiguous}, ambiguous


def _folded(name: str) -> str:
    return name.strip().rstrip(".").casefold()
