"""Asset identity: which names mean the same machine."""

import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date

import pandas as pd

from poam.frames import SCAN, Row, Tables, rows
from poam.images import image, same_repository, spellings
from poam.policy import Assets

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class AssetIndex:
    """Every known name of every asset, and the identifier the POA&M uses for it.

    `in_inventory` holds the identifiers that come from the inventory workbook; `ambiguous`
    the names that point at more than one inventory asset and therefore at none; `contested` the
    addresses that two differently named hosts had; `departed` the assets that the inventory listed
    on a day and lists no more.
    """

    names: Mapping[str, str] = field(default_factory=dict)
    in_inventory: frozenset[str] = frozenset()
    ambiguous: frozenset[str] = frozenset()
    contested: frozenset[str] = frozenset()
    departed: Mapping[str, date] = field(default_factory=dict)

    @property
    def notices(self) -> tuple[str, ...]:
        """What a person ought to know: names that identify nothing, and why."""
        several = (f"{n}: the inventory lists it for several assets" for n in self.ambiguous)
        moved = (f"{n}: hosts of several names had it in these scans" for n in self.contested)
        return tuple(f"{said}; it identifies none." for said in sorted([*several, *moved]))

    def has_version_of(self, name: str) -> bool:
        """Whether the inventory lists another version of a container image."""
        one = image(name)
        others = (image(listed) for listed in self.in_inventory)
        return one is not None and any(o is not None and same_repository(one, o) for o in others)

    def identifier(self, name: str) -> str:
        """The asset's identifier; a name never met is its own."""
        return self.names.get(name) or self.names.get(_folded(name), name.strip())


def asset_index(
    coverage: pd.DataFrame,
    inventory: pd.DataFrame | None,
    policy: Assets,
    known_ids: Mapping[str, str] | None = None,
    inventoried: Mapping[str, date] | None = None,
    images: tuple[Collection[str], Collection[str]] = ((), ()),
) -> AssetIndex:
    """Tie together the names that scans and the inventory give to one asset.

    `coverage` as in `poam.frames`; `inventory` has `identifier` and `names` (tuple of every other
    name or address) and is None where no inventory was given; `known_ids` are the identifiers that
    earlier runs gave to agents and cloud instances; `inventoried` the assets that the inventories
    of earlier runs listed, and the last day they did. Names of one coverage record are one asset
    (address, FQDN, id and the name it was scanned by). An address that two differently named hosts
    had identifies neither. NetBIOS and short host names repeat between networks, so they count only
    where the inventory lists them. An asset without an inventory row keeps the identifier that its
    id had, or is called by the first of `policy.prefer` that it has. `images` are the names of the
    container images that were scanned, and those that the workbook lists: whatever names the same
    class of image as the inventory, or else as a scan, is that asset.
    """
    listed, ambiguous = _inventory_names(inventory, frozenset(policy.ignore))
    contested = _contested(coverage, listed)
    ignored = frozenset(policy.ignore) | contested.keys()
    groups = _tied_names(coverage, ignored)
    group_of = {key: group for group in groups for key in group}
    names = dict(listed)
    for group in groups:
        in_inventory = any(key in listed for key in group)
        known = "" if in_inventory else _known(group, group_of, known_ids or {})
        chosen = known or _preferred(group, listed, policy)
        for key in group:
            names.setdefault(key, chosen)
    scanned, written = images
    own = [row.identifier for row in rows(inventory)] if inventory is not None else []
    for name, identifier in spellings((*scanned, *written), own).items():
        if _folded(name) not in listed:
            names[_folded(name)] = identifier
    for name, same in spellings(written, scanned).items():
        names.setdefault(_folded(name), names.get(_folded(same), same))
    for key in sorted(ambiguous):
        log.warning("the inventory lists %s for more than one asset; it identifies none", key)
    for key, owners in sorted(contested.items()):
        log.warning("%s is %s in these scans; it identifies none", key, " and ".join(owners))
    identifiers = frozenset(listed.values())
    departed = _departed(inventory, names, inventoried or {})
    return AssetIndex(names, identifiers, frozenset(ambiguous), frozenset(contested), departed)


def with_assets(found: Tables, index: AssetIndex, policy: Assets) -> Tables:
    """Add `asset_identifier` to detections and coverage.

    A scan's asset goes by its own name, or by its FQDN or address where several machines share
    that name (`localhost`); a detection's asset is that of its scan.
    """
    ignored = frozenset(policy.ignore) | index.contested
    identified = [_identified(row, index, ignored) for row in rows(found.coverage)]
    coverage = found.coverage.assign(
        asset_identifier=pd.Series(identified, index=found.coverage.index, dtype="str")
    )
    scans = coverage.drop_duplicates(SCAN).set_index(SCAN)["asset_identifier"]
    of_scan = found.detections[SCAN].join(scans, on=SCAN)["asset_identifier"]
    assets = found.detections["asset"]
    named = {name: index.identifier(name) for name in assets.unique()}
    whole = of_scan.fillna(assets.map(named).astype("str"))
    return Tables(found.detections.assign(asset_identifier=whole), found.definitions, coverage)


def _identified(row: Row, index: AssetIndex, ignored: frozenset[str]) -> str:
    names = (row.asset, *row.fqdns, *row.ips)
    telling = (name for name in names if _folded(name) not in ignored)
    return index.identifier(next(telling, row.asset))


def _contested(coverage: pd.DataFrame, listed: Mapping[str, str]) -> dict[str, list[str]]:
    """Return the addresses that hosts of different names had: leased anew, or behind one address.

    Names are different where neither the inventory nor the first label makes them one, and no
    id says that the host was renamed.
    """
    hosts: dict[str, dict[str, set[str]]] = {}
    for row in rows(coverage):
        names = {key for key in map(_folded, row.fqdns) if key}
        for address in map(_folded, row.ips):
            for name in names:
                label = listed.get(name, name.partition(".")[0])
                hosts.setdefault(address, {}).setdefault(label, set()).update(row.ids)
    return {
        address: sorted(owners)
        for address, owners in hosts.items()
        if len(owners) > 1 and address not in listed and not set.intersection(*owners.values())
    }


def _tied_names(coverage: pd.DataFrame, ignored: frozenset[str]) -> list[dict[str, str]]:
    """Names that belong together: each group maps a name to what it is (fqdn, ip, name or id)."""
    group_of: dict[str, dict[str, str]] = {}
    for row in rows(coverage):
        named = {"name": (row.asset,), "ip": row.ips, "fqdn": row.fqdns, "id": row.ids}
        group: dict[str, str] = {}
        for kind, names in named.items():
            for key in map(_folded, names):
                if key and key not in ignored:
                    group.update(group_of.get(key, {}))
                    group[key] = group.get(key, kind) if kind == "name" else kind
        group_of.update(dict.fromkeys(group, group))
    distinct = {id(group): group for group in group_of.values()}
    return list(distinct.values())


def _known(
    group: Mapping[str, str],
    group_of: Mapping[str, Mapping[str, str]],
    known_ids: Mapping[str, str],
) -> str:
    """Return the identifier that the ids of a group had, unless another host has that name now."""
    had = {known_ids[key] for key, kind in group.items() if kind == "id" and key in known_ids}
    if len(had) != 1:
        return ""
    identifier = next(iter(had))
    return identifier if group_of.get(_folded(identifier), group) is group else ""


def _preferred(group: Mapping[str, str], listed: Mapping[str, str], policy: Assets) -> str:
    identifiers = {listed[key] for key in group if key in listed}
    if len(identifiers) == 1:
        return next(iter(identifiers))
    names = {key: kind for key, kind in group.items() if kind != "id"} or dict(group)
    own = {key: kind for key, kind in names.items() if key not in listed} or names
    order = (*policy.prefer, "id")
    return min(own, key=lambda name: (order.index(own[name]), name))


def identified(coverage: pd.DataFrame) -> dict[str, str]:
    """Return the identifier of each agent and cloud instance of a batch: what its id keeps."""
    return {_folded(key): row.asset_identifier for row in rows(coverage) for key in row.ids if key}


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


def _departed(
    inventory: pd.DataFrame | None, names: Mapping[str, str], inventoried: Mapping[str, date]
) -> dict[str, date]:
    """Return the assets that earlier inventories listed and this one, by no name, does."""
    if inventory is None:
        return {}
    here = set(inventory["identifier"])
    return {
        asset: day
        for asset, day in inventoried.items()
        if asset not in here and names.get(_folded(asset), asset) not in here
    }


def _folded(name: str) -> str:
    return name.strip().rstrip(".").casefold()
