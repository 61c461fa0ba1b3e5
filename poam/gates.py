"""Gates: whether a month's scans can be submitted, each figure with the assets behind it."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

import pandas as pd

from poam.assets import AssetIndex
from poam.dedupe import DEPTH
from poam.frames import Row, rows
from poam.gate_rules import AgeRule, CountRule, CoverageRule, Gates, LoginRule, days
from poam.locations import host_name, is_url
from poam.model import Authenticated

GATES = {
    "gate": "str",
    "flagged": "bool",
    "figure": "float64",
    "threshold": "str",
    "asset": "str",
    "detail": "str",
    "source": "str",
}
SEVERAL = "scanned as {}, which the inventory lists for several assets; counted as scanned"

Rule = LoginRule | CoverageRule | CountRule | AgeRule


@dataclass(frozen=True, slots=True)
class Host:
    """An asset behind a figure, and in `detail` what was found of it."""

    asset: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """One gate's outcome.

    `figure` is a share from 0 to 1, a count or days, and None where it cannot be computed: `said`
    then says why. `threshold` is what passes, in words. `hosts` are the assets that speak against
    the figure, then those that a person should know beside it, as their `detail` says.
    """

    id: str
    text: str
    figure: float | None
    threshold: str
    flagged: bool
    said: str
    hosts: tuple[Host, ...]
    source: str


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What a gate found; without a `figure`, `fact` is why there is none."""

    fact: str
    hosts: list[Host] = field(default_factory=list)
    figure: float | None = None
    flagged: bool = False
    remark: str = ""


@dataclass(frozen=True, slots=True)
class _Scan:
    """One look at one asset: a row of the coverage. `names` begin with the one it scanned by."""

    asset: str
    detector: str
    day: date | None
    authenticated: Authenticated
    feed_date: date | None
    file: str
    names: tuple[str, ...]

    @property
    def feed_age(self) -> int | None:
        return _age(self.feed_date, self.day)

    def host(self, *found: str) -> Host:
        day = str(self.day or "no date")
        return Host(self.asset, ", ".join((self.detector, day, *found, self.file)))


def gates(
    coverage: pd.DataFrame,
    inventory: pd.DataFrame | None,
    index: AssetIndex,
    as_of: date,
    rules: Gates,
    image_detectors: frozenset[str],
) -> tuple[Gate, ...]:
    """Compute every gate of `gates.yaml`, in its order.

    `coverage` as in `poam.frames`, with `asset_identifier`; `inventory` as
    `poam.workbook.read_inventory` gives it, None where there is none, and `index` made from both.
    `image_detectors` are the detectors whose assets are container images.
    """
    scans = [_scan(row) for row in rows(coverage)]
    images = [scan for scan in scans if scan.detector in image_detectors]
    others = [scan for scan in scans if scan.detector not in image_detectors]
    listed = None if inventory is None else _Inventory(inventory, index)
    outcomes = {
        "unauthenticated": _unauthenticated(others, rules.unauthenticated),
        "coverage": _coverage(scans, listed, rules.coverage),
        "unexpected": _unexpected(scans, listed, rules.unexpected),
        "feed_age": _feed_age(scans, rules.feed_age),
        "image_age": _image_age(images, as_of, rules.image_age),
    }
    return tuple(_gate(name, getattr(rules, name), found) for name, found in outcomes.items())


def gates_frame(gates: Iterable[Gate]) -> pd.DataFrame:
    """One row per gate and asset behind it, or one for a gate without any: columns as `GATES`.

    The row of a gate without assets has its sentence in `detail`.
    """
    lines = [
        (gate.id, gate.flagged, gate.figure, gate.threshold, host.asset, host.detail, gate.source)
        for gate in gates
        for host in gate.hosts or (Host("", gate.said),)
    ]
    return pd.DataFrame.from_records(lines, columns=list(GATES)).astype(GATES)


def _gate(name: str, rule: Rule, found: _Outcome) -> Gate:
    said = f"{found.fact}; expected {rule.threshold}. {found.remark}".rstrip()
    return Gate(
        id=name,
        text=rule.text,
        figure=found.figure,
        threshold=rule.threshold,
        flagged=found.flagged,
        said=f"Not computed: {found.fact}." if found.figure is None else said,
        hosts=tuple(found.hosts),
        source=rule.source,
    )


def _unauthenticated(scans: list[_Scan], rule: LoginRule) -> _Outcome:
    """Judge each asset by the deepest login that any scan of it had.

    A web scan's login is one to the application, so it counts only where no other scan looked.
    """
    deepest = [_deepest(group) for group in _by_asset(scans)]
    unknown = [
        scan.host("authenticated: unknown, not counted")
        for scan in deepest
        if scan.authenticated is Authenticated.UNKNOWN
    ]
    without = [
        scan.host(f"authenticated: {scan.authenticated}")
        for scan in deepest
        if scan.authenticated in rule.unauthenticated
    ]
    count, total = len(without), len(deepest) - len(unknown)
    if not total:
        return _Outcome("no scan of a host or site says whether it logged in", unknown)
    share = _percent(count, total, rule.below)
    return _Outcome(
        f"{count} of {total} assets ({share}) were scanned without a full login",
        [*without, *unknown],
        count / total,
        count >= rule.below * total,
        f"Not counted: {len(unknown)} whose scans do not say." if unknown else "",
    )


def _coverage(scans: list[_Scan], inventory: "_Inventory | None", rule: CoverageRule) -> _Outcome:
    if inventory is None:
        return _Outcome("no inventory was given")
    if not inventory.asked:
        return _Outcome("the inventory lists no asset")
    looked_at: dict[str, str] = {}
    for scan in scans:
        for asset, name in inventory.assets(scan).items():
            looked_at[asset] = name and looked_at.get(asset, name)
    missing = [Host(asset, "not scanned") for asset in inventory.asked if asset not in looked_at]
    shared = [
        Host(asset, SEVERAL.format(looked_at[asset]))
        for asset in inventory.asked
        if looked_at.get(asset)
    ]
    total = len(inventory.asked)
    count = total - len(missing)
    share = _percent(count, total, rule.at_least)
    return _Outcome(
        f"{count} of {total} assets ({share}) {inventory.which} were scanned",
        [*missing, *shared],
        count / total,
        count < rule.at_least * total,
        f"Counted by a name of several assets: {len(shared)}." if shared else "",
    )


def _unexpected(scans: list[_Scan], inventory: "_Inventory | None", rule: CountRule) -> _Outcome:
    if inventory is None:
        return _Outcome("no inventory was given")
    if not scans:
        return _Outcome("no asset was scanned")
    scanned = _by_asset(scans)
    unlisted = [group[-1].host() for group in scanned if not any(map(inventory.assets, group))]
    return _Outcome(
        f"{len(unlisted)} of {len(scanned)} scanned assets are not in the inventory",
        unlisted,
        len(unlisted),
        len(unlisted) > rule.at_most,
    )


def _feed_age(scans: list[_Scan], rule: AgeRule) -> _Outcome:
    """Judge each asset by the oldest feed among the newest scans that its detectors made of it."""
    aged = []
    for group in _by_asset(scans):
        newest = {scan.detector: scan for scan in group}.values()
        oldest = max(newest, key=lambda scan: -1 if scan.feed_age is None else scan.feed_age)
        feed = f"plugin feed of {oldest.feed_date}" if oldest.feed_date else "no plugin feed date"
        aged.append((oldest.host(feed), oldest.feed_age))
    fact = "assets were scanned with a plugin feed that was too old"
    return _aged(aged, rule, fact, "no scan has the date of its plugin feed")


def _image_age(scans: list[_Scan], as_of: date, rule: AgeRule) -> _Outcome:
    aged = [(group[-1].host(), _age(group[-1].day, as_of)) for group in _by_asset(scans)]
    fact = "container images were last scanned too long ago"
    return _aged(aged, rule, fact, "no container image has a scan with a date")


def _aged(aged: list[tuple[Host, int | None]], rule: AgeRule, fact: str, lacking: str) -> _Outcome:
    """Judge assets by their ages in days; those without one are listed last."""
    judged = [(host, age) for host, age in aged if age is not None]
    unknown = [Host(host.asset, f"{host.detail}, not counted") for host, age in aged if age is None]
    if not judged:
        return _Outcome(lacking, unknown)
    old = [
        Host(host.asset, f"{host.detail}, {days(age)}")
        for host, age in judged
        if age > rule.at_most_days
    ]
    oldest = max(age for _, age in judged)
    return _Outcome(
        f"{len(old)} of {len(judged)} {fact} (the oldest: {days(oldest)})",
        [*old, *unknown],
        oldest,
        bool(old),
        f"Not counted: {len(unknown)} without a date." if unknown else "",
    )


class _Inventory:
    """The inventory's assets by every name it lists: `asked` are those that must be scanned."""

    def __init__(self, inventory: pd.DataFrame, index: AssetIndex) -> None:
        self._index = index
        self._named: dict[str, set[str]] = defaultdict(set)
        for row in rows(inventory):
            for name in (row.identifier, *row.names):
                for spelling in (name, *_hosts(name)):
                    self._named[_folded(spelling)].add(row.identifier)
        every = inventory["identifier"]
        marked = every[inventory["in_latest_scan"]]
        self.asked = sorted(marked if len(marked) else every)
        self.which = "of the inventory, which marks none In Latest Scan,"
        if len(marked):
            self.which = f"that the inventory marks In Latest Scan, of the {len(every)} it lists,"

    def assets(self, scan: _Scan) -> dict[str, str]:
        """Return the inventory's assets that a scan looked at; with a name, those it may have.

        It is the name that the inventory lists for several assets: a server and its database, say.
        A site that is not listed itself is its host.
        """
        sure = {scan.asset} & self._index.in_inventory
        names = [name for name in scan.names if _folded(name) in self._index.ambiguous]
        if not sure:
            names += _hosts(scan.names[0])
        found: dict[str, str] = {}
        for name in names:
            identified = {self._index.identifier(name)} & self._index.in_inventory
            owners = self._named.get(_folded(name), identified)
            found |= dict.fromkeys(owners, name if len(owners) > 1 else "")
        return found | dict.fromkeys(sure, "")


def _scan(row: Row) -> _Scan:
    day = row.started if pd.isna(row.ended) else row.ended
    return _Scan(
        asset=row.asset_identifier,
        detector=row.detector,
        day=None if pd.isna(day) else day.date(),
        authenticated=Authenticated(row.authenticated),
        feed_date=None if pd.isna(row.feed_date) else row.feed_date,
        file=row.file,
        names=(row.asset, *row.fqdns, *row.ips),
    )


def _by_asset(scans: list[_Scan]) -> list[list[_Scan]]:
    """Return the scans of each asset, the newest last, in the order of the assets' identifiers."""
    groups: dict[str, list[_Scan]] = defaultdict(list)
    for scan in sorted(scans, key=lambda scan: (scan.asset, scan.day or date.min, scan.file)):
        groups[scan.asset].append(scan)
    return list(groups.values())


def _deepest(scans: list[_Scan]) -> _Scan:
    """Return the deepest look at an asset, and of those the newest."""
    hosts = [scan for scan in scans if not is_url(scan.names[0])] or scans
    return max(reversed(hosts), key=lambda scan: DEPTH[scan.authenticated])


def _age(day: date | None, then: date | None) -> int | None:
    """Return the days between; a later day, by another clock, is as new as can be."""
    return max((then - day).days, 0) if day and then else None


def _percent(count: int, total: int, limit: Decimal) -> str:
    """Return a share with one decimal, or with as many as show that it is not the limit itself."""
    share = Decimal(count) / total
    digits = next(n for n in range(3, 28) if share == limit or round(share, n) != limit)
    return f"{round(share, digits) * 100:.{digits - 2}f} %"


def _hosts(name: str) -> tuple[str, ...]:
    host = host_name(name) if is_url(name) else None
    return (host,) if host else ()


def _folded(name: str) -> str:
    return name.strip().rstrip(".").casefold()
