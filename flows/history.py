"""What months that are over already tell: when a weakness was first seen, and nothing else.

A month that the workbook speaks of already is not decided again. It gives the ledger first days,
and shows where the workbook has a later one. A list of calls to the core; pure.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date

import pandas as pd

from flows.batch import Batch
from flows.plan import decide, dedupe
from poam.dedupe import SIGHTING
from poam.frames import Tables, rows
from poam.ledger import Recalled, memory_frame, remembered
from poam.model import Sheet
from poam.policy import Policy
from poam.proof import cleaned_of_no_item

Key = tuple[object, ...]


@dataclass(frozen=True)
class History:
    """What the months so far tell: a memory of its own, and the item that each place belongs to."""

    memory: pd.DataFrame
    item_of: Mapping[Key, str]


NOTHING = History(memory_frame(), {})


@dataclass(frozen=True)
class Conflict:
    """An open item whose original detection date is later than its weakness was first seen."""

    poam_id: str
    recorded: date
    first_seen: date
    asset: str

    def __str__(self) -> str:
        """Say it in one sentence."""
        return (
            f"{self.poam_id}: detected {self.recorded} by the workbook, {self.first_seen} by the "
            f"archive ({self.asset}). The workbook's date is left as it is."
        )


def with_month(history: History, batch: Batch, found: Tables, policy: Policy, day: date) -> History:
    """Add what was found in a month that is over. `day` is that of its newest scan."""
    past = replace(batch, recalled=Recalled(history.memory))
    month = dedupe(past, found, policy, day)
    seen = decide(past, month, policy, day).changes.membership
    known = frozenset(batch.workbook.items["poam_id"])
    items = {key: one for key, one in _keyed(seen, seen["poam_id"]) if one in known}
    nowhere = seen.assign(poam_id="")
    gone = cleaned_of_no_item(month.known, nowhere, month.record)
    return History(remembered(month.known, nowhere, gone), {**history.item_of, **items})


def joined(ledger: pd.DataFrame, history: pd.DataFrame) -> pd.DataFrame:
    """The ledger's memory with what history adds: places it does not know, and earlier first days.

    What history saw proven clean before the ledger first saw it began anew: no earlier day counts.
    """
    past = history.set_index(SIGHTING)
    known = ledger.set_index(SIGHTING)
    both = known.index.intersection(past.index)
    then, now = past.loc[both], known.loc[both]
    over = then["last_clean"].notna() & (then["last_clean"] >= then["last_seen"])
    earlier = (then["first_seen"] < now["first_seen"]) & ~over
    known.loc[both, "first_seen"] = now["first_seen"].mask(earlier, then["first_seen"])
    new = past.loc[past.index.difference(known.index)]
    out = pd.concat([known, new]).reset_index()
    return memory_frame(list(out[ledger.columns].itertuples(index=False, name=None)))


def conflicts(history: History, items: pd.DataFrame) -> tuple[Conflict, ...]:
    """The open items whose recorded date is later than history's, the earliest place of each."""
    recorded = {
        item.poam_id: item.original_detection_date
        for item in rows(items)
        if item.sheet == Sheet.OPEN and item.original_detection_date is not None
    }
    found: dict[str, Conflict] = {}
    for row in rows(history.memory):
        poam_id = history.item_of.get(tuple(getattr(row, name) for name in SIGHTING), "")
        day, first = recorded.get(poam_id), row.first_seen.date()
        clean = None if pd.isna(row.last_clean) else row.last_clean.date()
        if day is None or first >= day or (clean and row.last_seen.date() <= clean < day):
            continue
        if poam_id not in found or first < found[poam_id].first_seen:
            found[poam_id] = Conflict(poam_id, day, first, row.asset_identifier)
    return tuple(found[poam_id] for poam_id in recorded if poam_id in found)


def _keyed(sightings: pd.DataFrame, values: "pd.Series[str]") -> list[tuple[Key, str]]:
    keys = sightings[SIGHTING].itertuples(index=False, name=None)
    return list(zip(keys, values, strict=True))
