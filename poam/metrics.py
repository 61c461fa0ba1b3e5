"""What reviewers count: open items, items past due and what the scans found, by rating."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import pandas as pd

from poam.deadlines import Standing, rating_of, standing
from poam.frames import WEAKNESS, Row, rows
from poam.model import Kind, RiskRating, Sheet
from poam.timeline_rules import Timelines
from poam.trigger_rules import PastDue, UniqueVulnerabilities

LINES = ("High", "High/Mod", "High/Low", "Moderate", "Mod/Low", "Low")
ADJUSTED = {
    (RiskRating.HIGH, RiskRating.MODERATE): "High/Mod",
    (RiskRating.HIGH, RiskRating.LOW): "High/Low",
    (RiskRating.MODERATE, RiskRating.LOW): "Mod/Low",
}
UNRATED = "Not rated"
INFORMATIONAL = "Informational"
TOTAL = "Total"
NO_IDENTIFIER = {"", "none", "n/a"}
LATE = ["poam_id", "name", "rating", "due", "days_late", "age", "status"]


@dataclass(frozen=True, slots=True)
class MonthCounts:
    """What reviewers count on a day, as a run leaves it in the ledger.

    `open` is what `open_summary` gives, `past_due` its table by line and column, `scans` the table
    of `scan_counts` by target, rating and column; empty where no scan was read.
    """

    as_of: date
    open: Mapping[str, int]
    past_due: Mapping[str, Mapping[str, int]]
    scans: Mapping[str, Mapping[str, Mapping[str, int]]]


@dataclass(frozen=True, slots=True)
class OpenItem:
    """An item of the Open sheet, as it counts on a day.

    `name` is the weakness's name, `line` where reviewers count it, `weakness` its detector and
    source identifier (its POA&M ID where it has none), `age` the days since the original
    detection (None without that date), `days_late` those since the scheduled completion date (0
    where it is not counted late).
    """

    poam_id: str
    name: str
    weakness: tuple[str, str]
    line: str
    age: int | None
    days_late: int
    standing: Standing
    false_positive: str
    operational_requirement: str


def open_items(items: pd.DataFrame, as_of: date, policy: Timelines) -> tuple[OpenItem, ...]:
    """The items of the Open sheet on a day, in the workbook's order.

    `items` as `PoamWorkbook.items`, without the item that stands for all configuration findings:
    these count neither as open nor for a trigger.
    """
    is_open = items["sheet"] == Sheet.OPEN.value
    return tuple(_open_item(row, as_of, policy) for row in rows(items[is_open]))


def open_summary(found: Sequence[OpenItem]) -> dict[str, int]:
    """How many items are open, by line of the reviewers' table.

    An approved adjustment counts as `High/Mod`, `High/Low` or `Mod/Low`; one that raises the rating
    counts under the raised rating, because the table has no line for it. Items without a rating
    have a line of their own where there are any. `Total` counts every item once: the two lines
    after it say how many of these have a deviation.
    Source: Collaborative ConMon Quick Guide v1.0 p. 7.
    """
    lines = Counter(item.line for item in found)
    return {
        **{line: lines[line] for line in _lines(found)},
        TOTAL: len(found),
        "Pending FP": sum(item.false_positive == "Pending" for item in found),
        "OR (Pending and Active)": sum(
            item.operational_requirement in ("Pending", "Yes") for item in found
        ),
    }


def past_due(found: Sequence[OpenItem], buckets: PastDue) -> pd.DataFrame:
    """Count late items by line and by days past the scheduled completion date.

    Out: `rating` (the lines of `open_summary` up to `Total`), a column per bucket, `Past Due Total`
    and, of these, `Pending FP` and `Pending OR`. The first late day is day 1; what is excused
    is not late.
    """
    late = [item for item in found if item.days_late]
    table = {line: [item for item in late if item.line == line] for line in _lines(found)}
    return pd.DataFrame(
        [
            {"rating": line, **_past_due_counts(some, buckets)}
            for line, some in (table | {TOTAL: late}).items()
        ]
    )


def late_items(found: Iterable[OpenItem]) -> pd.DataFrame:
    """The late items, the latest first: their columns `LATE`.

    `rating` is the line of the reviewers' table, `status` says what does not excuse the item.
    """
    late = sorted((item for item in found if item.days_late), key=lambda item: -item.days_late)
    table = [
        (
            item.poam_id,
            item.name,
            item.line,
            str(item.standing.due),
            item.days_late,
            item.age,
            "; ".join(("late", *item.standing.because[1:])),
        )
        for item in late
    ]
    frame = pd.DataFrame(table, columns=LATE)
    return frame.astype({"age": "Int64", "days_late": "int64"})


def month_counts(
    as_of: date, found: Sequence[OpenItem], scanned: pd.DataFrame | None, buckets: PastDue
) -> MonthCounts:
    """Count a month; `scanned` as `scan_counts` gives it, None where no scan was read."""
    scans: dict[str, dict[str, dict[str, int]]] = {}
    for row in rows(scanned) if scanned is not None else ():
        scans.setdefault(row.target, {})[row.rating] = {"unique": row.unique, "raw": row.raw}
    table = past_due(found, buckets).set_index("rating")
    names = [str(name) for name in table]
    late = {
        str(line): dict(zip(names, map(int, row), strict=True)) for line, row in table.iterrows()
    }
    return MonthCounts(as_of, open_summary(found), late, scans)


def by_month(
    summaries: Iterable[tuple[date, Mapping[str, int]]], as_of: date, months: int
) -> pd.DataFrame:
    """Set the summaries of several months side by side, up to the month of `as_of`.

    `summaries` are the days of runs and what `open_summary` gave; of several runs in a month the
    latest counts. Out: `rating` and a column per month (`2026-11`), empty where no run was.
    """
    latest = {f"{day:%Y-%m}": counts for day, counts in sorted(summaries, key=lambda s: s[0])}
    last = as_of.year * 12 + as_of.month - 1
    names = [f"{n // 12:04d}-{n % 12 + 1:02d}" for n in range(last - months + 1, last + 1)]
    lines = dict.fromkeys(line for name in names for line in latest.get(name, {}))
    columns: dict[str, pd.Series] = {"rating": pd.Series(list(lines), dtype="str")}
    for name in names:
        values = [latest[name].get(line, 0) if name in latest else None for line in lines]
        columns[name] = pd.Series(values, dtype="Int64")
    return pd.DataFrame(columns)


def scan_counts(weaknesses: pd.DataFrame, sightings: pd.DataFrame) -> pd.DataFrame:
    """Count what the scans of a batch found: `target`, `rating`, `unique` and `raw`.

    `weaknesses` with `original_risk_rating`, as `severity.rate` gives them, and `sightings` as
    `dedupe` does. `unique` are the source identifiers of rated vulnerabilities, `raw` their places:
    the same place in two exports is one. What has no rating is `Informational`, in `raw` alone;
    configuration findings count nowhere. What a scanner found at a web address is `Web`, all else
    `OS and DB`: no export says that a host was scanned as a database.
    """
    counted = weaknesses[weaknesses["kind"] != Kind.CONFIGURATION.value]
    rated = counted["original_risk_rating"].where(counted["kind"] == Kind.VULNERABILITY.value)
    present = sightings[sightings["present"]]
    places = present.assign(web=present["location"] != "").groupby(WEAKNESS, as_index=False)
    found = counted[WEAKNESS].assign(rating=rated.fillna(INFORMATIONAL))
    found = found.merge(
        places.agg(web=("web", "any"), raw=("web", "size")), on=WEAKNESS, validate="1:1"
    )
    table = []
    for target, is_web in (("Web", True), ("OS and DB", False)):
        for rating in (*(rating.value for rating in RiskRating), INFORMATIONAL):
            here = (found["web"] == is_web) & (found["rating"] == rating)
            unique = 0 if rating == INFORMATIONAL else int(here.sum())
            table.append((target, rating, unique, int(found.loc[here, "raw"].sum())))
    return pd.DataFrame(table, columns=["target", "rating", "unique", "raw"])


def unique_threshold(baseline: int, rule: UniqueVulnerabilities) -> float:
    """How many unique vulnerabilities a system may have; not rounded."""
    return baseline + unique_margin(baseline, rule)


def unique_margin(baseline: int, rule: UniqueVulnerabilities) -> float:
    """By how much the baseline may be exceeded: a share of it, or a number where that is more."""
    return max(baseline * rule.percent / 100, rule.at_least)


def _open_item(row: Row, as_of: date, policy: Timelines) -> OpenItem:
    found, detected = standing(row, as_of, policy), row.original_detection_date
    return OpenItem(
        poam_id=row.poam_id,
        name=row.weakness_name,
        weakness=_weakness(row),
        line=_line(row, found.rating),
        age=(as_of - detected).days if isinstance(detected, date) else None,
        days_late=(as_of - found.due).days if found.late and found.due else 0,
        standing=found,
        false_positive=row.false_positive.strip(),
        operational_requirement=row.operational_requirement.strip(),
    )


def _weakness(row: Row) -> tuple[str, str]:
    identifier = row.weakness_source_identifier.strip().casefold()
    if identifier in NO_IDENTIFIER:
        return "", row.poam_id
    return row.weakness_detector_source.strip().casefold(), identifier


def _line(row: Row, rating: RiskRating | None) -> str:
    if rating is None:
        return UNRATED
    original = rating_of(row.original_risk_rating)
    return ADJUSTED.get((original, rating), rating.value) if original else rating.value


def _lines(found: Sequence[OpenItem]) -> tuple[str, ...]:
    unrated = any(item.line == UNRATED for item in found)
    return (*LINES, UNRATED) if unrated else LINES


def _past_due_counts(late: Sequence[OpenItem], buckets: PastDue) -> dict[str, int]:
    days = Counter(buckets.label(item.days_late) for item in late)
    return {
        **{label: days[label] for label in buckets.labels},
        "Past Due Total": len(late),
        "Pending FP": sum(item.false_positive == "Pending" for item in late),
        "Pending OR": sum(item.operational_requirement == "Pending" for item in late),
    }
