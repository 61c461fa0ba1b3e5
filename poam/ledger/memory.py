"""The memory as a frame: what a batch makes of it, and what differs from what was kept."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from hashlib import blake2b
from typing import Any

import pandas as pd

from poam.changes import Cleaned
from poam.dedupe import AUTHENTICATED, DEPTH, SIGHTING
from poam.frames import PART, TIME, Row, by_weakness, rows
from poam.model import Authenticated
from poam.sighted import cells

DAYS = ("first_seen", "last_seen", "first_clean", "last_clean")
MEMORY = [*SIGHTING, *DAYS, "authenticated", "poam_id"]
DTYPES = {**dict.fromkeys(MEMORY, "str"), **dict.fromkeys(DAYS, TIME), "port": "int64"}
COMPARED = {"digest": "str"} | {n: kind for n, kind in DTYPES.items() if n not in SIGHTING}


def memory_frame(rows: Sequence[tuple[Any, ...]] = ()) -> pd.DataFrame:
    """Rows of the ledger's memory, or none, as a frame with the right dtypes."""
    return pd.DataFrame.from_records(list(rows), columns=MEMORY).astype(DTYPES)


def digested(sightings: pd.DataFrame) -> pd.DataFrame:
    """Add `digest`, 32 hexadecimal digits over the key, which may be a long URL; days are days."""
    keys = zip(*(cells(sightings[name].astype("str")) for name in SIGHTING), strict=True)
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
    memory: pd.DataFrame,
    membership: pd.DataFrame,
    cleaned: Iterable[Cleaned] = (),
    size: int = PART,
) -> pd.DataFrame:
    """The memory after a batch: `memory` updated by `membership` (sightings with `poam_id`).

    `cleaned` are the places that the batch proved clean: they get a `last_clean`, as does what the
    scanner itself reports as fixed; one that no run ever saw is remembered by its item's date.
    First seen only ever moves earlier, unless the place was proven clean since: what is seen there
    now began anew. Last seen only moves later. How a weakness was found is remembered at its
    deepest. About `size` rows are worked on at a time.
    """
    present = membership["present"]
    now = membership[SIGHTING].assign(
        first_seen=membership["first_seen"],
        last_seen=membership["last_seen"].where(present, membership["first_seen"]),
        first_clean=pd.Series(pd.NaT, index=membership.index, dtype=TIME),
        last_clean=membership["last_seen"].where(~present),
        authenticated=membership["authenticated"],
        poam_id=membership["poam_id"],
        seen_now=membership["last_seen"].where(present),
    )
    both = pd.concat([memory, now], ignore_index=True)
    known, proven, unknown = _proven(both, cleaned)
    both = pd.concat([both, memory_frame(unknown)], ignore_index=True)
    clean = both.iloc[known].assign(last_clean=pd.Series(proven, dtype=TIME).to_numpy())
    parts = [_remembered(*part) for part in by_weakness(size, both, clean)]
    return pd.concat(parts, ignore_index=True)


def _remembered(both: pd.DataFrame, clean: pd.DataFrame) -> pd.DataFrame:
    """Make one row of all that is said of a place; `clean` says that it was proven so."""
    both = both.assign(place=both.groupby(SIGHTING).ngroup())  # numbers: quicker than texts
    both["first_seen"] = both["first_seen"].mask(_begun_anew(both))
    clean = clean.assign(place=both["place"].reindex(clean.index))
    both = pd.concat([both, clean], ignore_index=True)
    both = both.sort_values(["place", "last_seen"], kind="stable", ignore_index=True)
    by_place = both.groupby("place")
    newest = by_place["last_seen"].transform("max")
    later = both[["first_clean", "last_clean"]].apply(lambda days: days.where(days > newest))
    both = both.assign(
        first_clean=later.min(axis=1),
        depth=both["authenticated"].map(DEPTH),
        poam_id=both["poam_id"].where(both["poam_id"] != ""),
    )
    out = both.groupby("place").agg(
        first_seen=("first_seen", "min"),
        last_seen=("last_seen", "max"),
        first_clean=("first_clean", "min"),
        last_clean=("last_clean", "max"),
        depth=("depth", "max"),
        poam_id=("poam_id", "last"),
    )
    out["authenticated"] = out.pop("depth").map(AUTHENTICATED).astype("str")
    out["poam_id"] = out["poam_id"].fillna("")
    keys = both.drop_duplicates("place", ignore_index=True)[[*SIGHTING, "place"]]
    return keys.join(out, on="place")[MEMORY]


def _begun_anew(both: pd.DataFrame) -> "pd.Series[bool]":
    """Tell what was proven clean and is seen again: its first day is forgotten."""
    seen_again = both.groupby("place")["seen_now"].transform("max")
    over = both["last_clean"].notna() & (both["last_clean"] >= both["last_seen"])
    return over & (seen_again > both["last_clean"])


def _proven(
    both: pd.DataFrame, cleaned: Iterable[Cleaned]
) -> tuple[list[int], list[pd.Timestamp], list[tuple[Any, ...]]]:
    """Return the labels of what was proven clean, with the days, and the rows of what is new."""
    places = list(cleaned)
    owners = {(place.poam_id, place.asset) for place in places}
    pairs = zip(cells(both["poam_id"]), cells(both["asset_identifier"]), strict=True)
    owned = [at for at, pair in enumerate(pairs) if pair in owners]
    near: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows(both.iloc[owned]):
        near[row.poam_id, row.asset_identifier].append(row)
    known: list[int] = []
    days: list[pd.Timestamp] = []
    unknown: list[tuple[Any, ...]] = []
    for place in places:
        here = [row.Index for row in near[place.poam_id, place.asset] if _is_at(row, place)]
        known += here
        days += [pd.Timestamp(place.day)] * len(here)
        if not here:
            unknown += _never_seen(place)
    return known, days, unknown


def _never_seen(place: Cleaned) -> Iterator[tuple[Any, ...]]:
    """Yield the memory of a place that no run ever saw, and that a scan proved clean."""
    seen = place.detected or place.day
    for detector, identifier in place.keys:
        key = (detector, identifier, place.asset, place.location, place.parameter, place.port, "")
        depth = Authenticated.UNKNOWN.value
        yield (*key, seen, min(seen, place.day), None, place.day, depth, place.poam_id)


def _is_at(row: Row, place: Cleaned) -> bool:
    """Tell whether a row of the place's item and asset is of the place itself."""
    if not place.poam_id and (row.detector, row.source_identifier) not in place.keys:
        return False  # of no item: only the weakness tells the place
    if place.location and row.location != place.location:
        return False
    if place.location and place.parameter and row.parameter != place.parameter:
        return False
    return place.port in (0, row.port)
