"""Which existing items a weakness is: proven by identifier, or proposed to a person."""

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd
from rapidfuzz import fuzz, utils

from poam.assets import AssetIndex, asset_lines
from poam.frames import Row, rows
from poam.identifiers import RowIdentity, cve_ids, row_identity, source_identifier
from poam.model import Sheet
from poam.policy import Policy

NUMBERS = re.compile(r"\d+(?:\.\d+)*")
LINKS = {
    "detector": "str",
    "source_identifier": "str",
    "sheet": "str",
    "row": "int64",
    "poam_id": "str",
    "verdict": "str",
    "evidence": "str",
}


@dataclass(frozen=True)
class _Row:
    sheet: str
    row: int
    poam_id: str
    name: str
    identity: RowIdentity
    cves: frozenset[str]
    assets: frozenset[str]


def correlate(
    weaknesses: pd.DataFrame,
    sightings: pd.DataFrame,
    items: pd.DataFrame,
    index: AssetIndex,
    policy: Policy,
) -> pd.DataFrame:
    """Link this batch's weaknesses to the workbook's items.

    Out: `detector`, `source_identifier`, `sheet`, `row`, `poam_id`, `verdict` (`linked` or
    `review`) and `evidence` in words. A row that carries the weakness's identifier under its own
    detector is linked, however its title or assets changed; all such rows are (cohorts by
    detection date). Only where none is, a row without any identifier of that detector that has
    an asset in common and a like name is proposed for review. Nothing is ever merged by a name.
    """
    known = [_row(item, index, policy) for item in rows(items)]
    by_key: dict[tuple[str, str], list[_Row]] = defaultdict(list)
    by_asset: dict[str, list[_Row]] = defaultdict(list)
    for row in known:
        for key in row.identity.keys:
            by_key[key].append(row)
        if not row.identity.keys and row.sheet != Sheet.CLOSED:
            for asset in row.assets:
                by_asset[asset].append(row)
    assets = _assets_by_weakness(sightings)
    links: list[tuple[object, ...]] = []
    for weakness in rows(weaknesses):
        key = (weakness.detector, source_identifier(weakness.source_identifier, policy))
        own = [(row, "linked", f"same {key[0]} identifier {key[1]}") for row in by_key[key]]
        found = own or _proposals(
            weakness, assets[key[0], weakness.source_identifier], by_asset, policy
        )
        for row, verdict, evidence in found:
            links.append(
                (
                    weakness.detector,
                    weakness.source_identifier,
                    row.sheet,
                    row.row,
                    row.poam_id,
                    verdict,
                    evidence,
                )
            )
    return pd.DataFrame.from_records(links, columns=list(LINKS)).astype(LINKS)


def _row(item: Row, index: AssetIndex, policy: Policy) -> _Row:
    lines = asset_lines(item.asset_identifier)
    return _Row(
        sheet=item.sheet,
        row=item.row,
        poam_id=item.poam_id,
        name=item.weakness_name,
        identity=row_identity(
            item.weakness_detector_source,
            item.weakness_source_identifier,
            policy,
        ),
        cves=frozenset(cve_ids(item.cve)),
        assets=frozenset(line.location or index.identifier(line.name) for line in lines),
    )


def _assets_by_weakness(sightings: pd.DataFrame) -> dict[tuple[str, str], frozenset[str]]:
    present = sightings[sightings["present"]]
    place = present["location"].where(present["location"] != "", present["asset_identifier"])
    grouped = place.groupby([present["detector"], present["source_identifier"]])
    return defaultdict(
        frozenset, {(str(key[0]), str(key[1])): frozenset(places) for key, places in grouped}
    )


def _proposals(
    weakness: Row, assets: frozenset[str], by_asset: dict[str, list[_Row]], policy: Policy
) -> Iterator[tuple[_Row, str, str]]:
    name, cves = str(weakness.name), frozenset(weakness.cves)
    nearby = {(row.sheet, row.row): row for asset in assets for row in by_asset.get(asset, ())}
    for at in sorted(nearby):
        row = nearby[at]
        if contradiction(name, cves, row.name, row.cves):
            continue
        alike = fuzz.token_sort_ratio(name, row.name, processor=utils.default_process)
        shared = sorted(cves & row.cves)
        common = ", ".join(sorted(assets & row.assets)[:3])
        if shared:
            yield row, "review", f"{len(shared)} CVEs in common ({shared[0]}), on {common}"
        elif alike >= policy.correlation.proposal.name_at_least:
            yield row, "review", f"names {alike:.0f}% alike, on {common}"


def contradiction(name: str, cves: frozenset[str], row_name: str, row_cves: frozenset[str]) -> str:
    """Why two weaknesses cannot be one, or "" where nothing speaks against it.

    A version number is identity, not noise: "< 2.4.56" and "< 2.4.58" are two weaknesses.
    """
    if cves and row_cves and not cves & row_cves:
        return "no CVE in common"
    if set(NUMBERS.findall(name)) != set(NUMBERS.findall(row_name)) and not cves & row_cves:
        return "the names carry different numbers"
    return ""
