"""The story of an item across months, from what the ledger keeps of it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import pandas as pd

from poam.frames import Row, rows
from poam.report import short

SHOWN = 20
"""As many places are listed; an item may have thousands."""


@dataclass(frozen=True)
class Chapter:
    """What one run did to an item.

    `inputs` are the run's files with their SHA-256, `changes` the fields it set, each with `kind`,
    `field`, `before`, `after` and `because`.
    """

    run_id: str
    as_of: date
    inputs: Mapping[str, str]
    changes: Sequence[Mapping[str, str]]


def story(poam_id: str, places: pd.DataFrame, chapters: Sequence[Chapter]) -> str:
    """Where and when an item's weakness was seen, and what each run changed: text; "" for nothing.

    `places` are the ledger's sightings of the item, `chapters` in the order of their days.
    """
    lines = [*_places(poam_id, places), *(line for one in chapters for line in _chapter(one))]
    return "\n".join(lines)


def _places(poam_id: str, places: pd.DataFrame) -> Iterator[str]:
    if places.empty:
        return
    ordered = places.sort_values(["first_seen", "asset_identifier"], kind="stable")
    first = next(rows(ordered))
    yield f"{poam_id} first seen {first.first_seen.date()} on {_place(first)}"
    for row in rows(ordered.head(SHOWN)):
        clean = "" if pd.isna(row.last_clean) else f", proven clean {row.last_clean.date()}"
        seen = f"{row.first_seen.date()} to {row.last_seen.date()}"
        yield f"  {row.detector} {row.source_identifier} on {_place(row)}: {seen}{clean}"
    if len(ordered) > SHOWN:
        yield f"  and on {len(ordered) - SHOWN:,} more places"


def _place(row: Row) -> str:
    port = f" ({row.port}/{row.protocol or 'tcp'})" if row.port else ""
    return f"{row.location or row.asset_identifier}{port}"


def _chapter(one: Chapter) -> Iterator[str]:
    kinds = ", ".join(dict.fromkeys(change["kind"] for change in one.changes))
    yield f"{one.as_of} {kinds} (run {one.run_id})"
    for because in dict.fromkeys(change["because"] for change in one.changes):
        yield f"  because {because}"
    for change in one.changes:
        if change["field"] and (change["before"] or change["after"]):
            was = f"  (was: {short(change['before'])})" if change["before"] else ""
            yield f"  {change['field']} = {short(change['after'])}{was}"
    said = " ".join(change["because"] for change in one.changes)
    for name, digest in one.inputs.items():
        file = name.removeprefix("scan: ")
        if file != name and file in said:
            yield f"  {file}: SHA-256 {digest}"
