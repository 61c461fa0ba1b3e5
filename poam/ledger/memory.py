"""The memory as a frame: what a batch makes of it, and what differs from what was kept."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from hashlib import blake2b
from typing import Any

import pandas as pd

from poam.changes import Cleaned
from poam.dedupe import AUTHENTICATED, DEPTH, SIGHTING
from poam.frames import TIME
from poam.model import Authenticated

DAYS = ("first_seen", "last_seen", "first_clean", "last_clean")
MEMORY = [*SIGHTING, *DAYS, "authenticated", "poam_id"]
DTYPES = {**dict.fromkeys(MEMORY, "str"), **dict.fromkeys(DAYS, TIME), "port": "int64"}
COMPARED = {"digest": "str"} | {n: kind for n, kind in DTYPES.items() if n not in SIGHTING}


def memory_frame(rows: Sequence[tuple[Any, ...]] = ()) -> pd.DataFrame:
    """Rows of the ledger's memory, or none, as a frame with the right dtypes."""
    return pd.DataFrame.from_records(list(rows), columns=MEMORY).astype(DTYPES)


def digested(sightings: pd.DataFrame) -> pd.DataFrame:
    """Add `digest`, 32 hexadecimal digits over the key, which may be a long URL; days are days."""
    keys = zip(*(sightings[name].astype("str").tolist() for name in SIGHTING), strict=True)
    digest = [blake2b("\0".join(key).encode(), digest_size=16).hexdigest() for key in keys]
    days = {name: sightings[name].dt.normalize() for name in DAYS}
    return sightings.assign(digest=pd.Series(digest, index=sightings.index, dtype="str"), **days)


def difference(kept: pd.DataFrame, now: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """The rows of `now` that are new or changed, and the digests of those that are gone.

    Both have each `digest` once; `kept` has the columns COMPARED, `now` all.
    """
    both = pd.concat([kept, now[kept.columns]], ignore_index=True)
    same = both.duplicated(keep=False).to_numpy()[len(kept) :]
    stays = both["digest"].duplicated(keep=False).to_numpy()[: len(kept)]
    return now[~same], kept.loc[~stays, "digest"].tolist()


def clean_days(memory: pd.DataFrame) -> dict[tuple[object, ...], date]:
    """By a sighting's key the day on which it was last proven clean."""
    clean = memory[memory["last_clean"].notna()]
    keys = clean[SIGHTING].itertuples(index=False, name=None)
    return dict(zip(keys, clean["last_clean"].dt.date, strict=True))


def remembered(
    memory: pd.DataFrame, membership: pd.DataFrame, cleaned: Iterable[Cleaned] = ()
) -> pd.DataFrame:
    """The memory after a batch: `memory` updated by `membership` (sightings with `poam_id`).

    `cleaned` are the places that the batch proved clean: they get a `last_clean`, as does what the
    scanner itself reports as fixed; one that no run ever saw is remembered by its item's date.
    First seen only ever moves earlier, unless the place was proven clean since: what is seen there
    now began anew. Last seen only moves later. How a weakness was found is remembered at its
    deepest.
    """
    present = membership["present"]
    now = membership.assign(
        first_clean=pd.Series(pd.NaT, index=membership.index, dtype=TIME),
        last_seen=membership["last_seen"].where(present, membership["first_seen"]),
        last_clean=membership["last_seen"].where(~present),
    )
    both = pd.concat([_begun_anew(memory, now), now[MEMORY]], ignore_index=True)
    unknown: list[tuple[Any, ...]] = []
    proven: list[pd.DataFrame] = []
    for place in cleaned:
        here = _at(both, place)
        proven.append(both[here].assign(last_clean=pd.Timestamp(place.day)))
        if not here.any():
            unknown += _proven(place)
    both = pd.concat([both, *proven, memory_frame(unknown)], ignore_index=True)
    both["depth"] = both["authenticated"].map(DEPTH)
    both = both.sort_values([*SIGHTING, "last_seen"], kind="stable")
    out = both.groupby(SIGHTING, as_index=False, sort=True).agg(
        first_seen=("first_seen", "min"),
        last_seen=("last_seen", "max"),
        last_clean=("last_clean", "max"),
        depth=("depth", "max"),
        poam_id=("poam_id", _latest_item),
    )
    out = out.merge(_first_clean(both, out), on=SIGHTING, how="left")
    out["authenticated"] = out.pop("depth").map(AUTHENTICATED).astype("str")
    return out[MEMORY]


def _first_clean(both: pd.DataFrame, out: pd.DataFrame) -> pd.DataFrame:
    """Return the first day after the last sighting on which a place was proven clean."""
    days = both.melt(SIGHTING, ["first_clean", "last_clean"], value_name="clean")
    days = days.merge(out[[*SIGHTING, "last_seen"]], on=SIGHTING)
    days = days[days["clean"] > days["last_seen"]]
    return days.groupby(SIGHTING, as_index=False).agg(first_clean=("clean", "min"))


def _begun_anew(memory: pd.DataFrame, now: pd.DataFrame) -> pd.DataFrame:
    """Forget the first day of what was proven clean and is seen again."""
    again = now.loc[now["present"], [*SIGHTING, "last_seen"]].rename(
        columns={"last_seen": "seen_again"}
    )
    known = memory.merge(again, on=SIGHTING, how="left")
    over = known["last_clean"].notna() & (known["last_clean"] >= known["last_seen"])
    anew = over & (known["seen_again"] > known["last_clean"])
    return memory.assign(first_seen=memory["first_seen"].mask(anew.to_numpy()))


def _proven(place: Cleaned) -> Iterator[tuple[Any, ...]]:
    """Yield the memory of a place that no run ever saw, and that a scan proved clean."""
    seen = place.detected or place.day
    for detector, identifier in place.keys:
        key = (detector, identifier, place.asset, place.location, place.parameter, place.port, "")
        depth = Authenticated.UNKNOWN.value
        yield (*key, seen, min(seen, place.day), None, place.day, depth, place.poam_id)


def _at(memory: pd.DataFrame, place: Cleaned) -> "pd.Series[bool]":
    here = (memory["poam_id"] == place.poam_id) & (memory["asset_identifier"] == place.asset)
    if not place.poam_id:  # of no item: only the weakness tells the place
        pairs = pd.MultiIndex.from_frame(memory[["detector", "source_identifier"]])
        here &= pairs.isin(place.keys)
    if place.location:
        here &= memory["location"] == place.location
        if place.parameter:
            here &= memory["parameter"] == place.parameter
    if place.port:
        here &= memory["port"] == place.port
    return here


def _latest_item(poam_ids: pd.Series) -> str:
    named = [poam_id for poam_id in poam_ids if poam_id]
    return named[-1] if named else ""
