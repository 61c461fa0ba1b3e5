"""The monthly executive summary as FedRAMP's reviewers read it: every table, from counts alone.

Source: Collaborative ConMon Quick Guide v1.0 pp. 7-8; ConMon Strategy Guide v3.2 Fig. 2.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import chain

import pandas as pd

from poam.dedupe import DEPTH
from poam.frames import rows
from poam.metrics import (
    ADJUSTED,
    TOTAL,
    UNRATED,
    MonthCounts,
    OpenItem,
    by_month,
    late_items,
    past_due,
    unique_threshold,
)
from poam.model import Authenticated, ChangeKind, RiskRating
from poam.report import RunReport, uncited
from poam.trigger_rules import PastDue, Triggers, UniqueVulnerabilities

MONTHS = 6
LATE_TOTAL = "Past Due Total"
RATINGS = {
    rating.value: (rating.value, *(line for (_, now), line in ADJUSTED.items() if now is rating))
    for rating in RiskRating
}
LOGINS = {
    Authenticated.YES: "logged in",
    Authenticated.PARTIAL: "partly",
    Authenticated.NO: "no login",
    Authenticated.UNKNOWN: "not told",
}
NOT_SCANNED = "not scanned"
TABLES = {
    "open_items": (
        "Open POA&M items",
        "Items of the Open sheet after the run, risk adjusted for approved deviations: High/Mod is "
        "a High that an approved adjustment made Moderate.",
    ),
    "past_due": (
        "Past-due items by age",
        "Late items by days past the scheduled completion date; Pending FP and Pending OR are part "
        "of the total. What a deviation or a vendor excuses is not late.",
    ),
    "past_due_by_month": ("Past-due items by month", "Late items after each run."),
    "unique": (
        "Unique vulnerabilities",
        "Source identifiers that the month's scans found. {baseline}",
    ),
    "raw": (
        "Raw scan results",
        "Places where the month's scans found something, the same place in two exports once.",
    ),
    "late": ("Late items", "The latest first."),
    "late_soon": (
        "Late before the next submission",
        "On time today, past due on {submission}.",
    ),
    "of_note": ("Items of note", ""),
    "trend": (
        "Open items by rating",
        "By the rating that counts: an item adjusted to Moderate is a Moderate.",
    ),
    "burn_down": ("Past-due items by rating", "By the rating that counts."),
    "ages": ("Age of open items", "Open items by days since the original detection date."),
    "coverage": (
        "Assets scanned",
        "Assets by scanner, and how its deepest scan of each logged in; of all scanners together "
        "also those of the inventory that none reached.",
    ),
}
LABELS = {
    "poam_id": "POA&M ID",
    "name": "Weakness",
    "rating": "Risk level",
    "age": "POA&M age, days",
    "days_late": "Days late",
    "status": "Status",
    "due": "Due",
    "found": "Found",
    "subject": "Subject",
    "said": "What is known",
    "days": "Days",
    "scanner": "Scanner",
}
REASONS = 2  # in the month's one line, before "and n more"


@dataclass(frozen=True, slots=True)
class Table:
    """One table of the summary: its title, what it counts, in a sentence, and its rows."""

    title: str
    said: str
    frame: pd.DataFrame


def executive_summary(
    report: RunReport,
    now: MonthCounts,
    earlier: Iterable[MonthCounts],
    items: Sequence[OpenItem],
    requests: pd.DataFrame,
    coverage: pd.DataFrame,
    rules: Triggers,
) -> dict[str, Table]:
    """Every table of the month's summary, by its name.

    `now` and `earlier` are what this run and those before it counted: of several runs of a month
    the latest counts, and none after this one. `items` are the open items, `requests` the rows of
    the deviation request form, `coverage` has `asset_identifier`. Columns of months are named
    `2026-11`, and empty where no run was.
    """
    months = [*(one for one in earlier if one.as_of <= now.as_of), now]
    opened = _months(((m.as_of, m.open) for m in months), now.as_of)
    late = _months(((m.as_of, _late(m)) for m in months), now.as_of)
    unique = _months(_scanned(months, "unique"), now.as_of, "found")
    frames = {
        "open_items": opened,
        "past_due": past_due(items, rules.past_due),
        "past_due_by_month": late,
        "unique": _with_threshold(unique, rules.unique_vulnerabilities),
        "raw": _months(_scanned(months, "raw"), now.as_of, "found"),
        "late": late_items(items),
        "late_soon": _soon(report.late_soon),
        "of_note": _frame(_of_note(report, unique, requests), "subject", "said"),
        "trend": _by_rating(opened),
        "burn_down": _by_rating(late),
        "ages": _ages(items, rules.past_due),
        "coverage": _coverage(coverage, report),
    }
    facts = {"submission": report.submission, "baseline": _baseline_said(rules)}
    return {
        name: Table(title, said.format_map(facts), frames[name])
        for name, (title, said) in TABLES.items()
    }


def labelled(frame: pd.DataFrame) -> pd.DataFrame:
    """A table of the summary with columns named for people."""
    return frame.rename(columns={str(name): LABELS.get(name, str(name)) for name in frame.columns})


def month_line(report: RunReport) -> str:
    """The month in one sentence."""
    counts = report.counts
    said = [
        f"{counts[ChangeKind.CLOSED]} closed{', all verified' * bool(counts[ChangeKind.CLOSED])}"
    ]
    if count := counts[ChangeKind.UNVERIFIED]:
        said.append(f"{count} absent, not verified, because {_reasons(report)}")
    if count := counts[ChangeKind.REOPENED]:
        said.append(f"{count} reopened")
    said.append(f"{counts[ChangeKind.OPENED]} new")
    if count := counts[ChangeKind.NEEDS_REVIEW]:
        said.append(f"{count} {'needs' if count == 1 else 'need'} your eye")
    late, soon = len(report.late), len(report.late_soon)
    when = f"before the next submission on {report.submission}"
    said.append(f"{late} late, {soon} more {when}" if soon else f"{late} late, no more {when}")
    return "; ".join(said) + "."


def _reasons(report: RunReport) -> str:
    """Why what is absent is not verified: the reasons of most items first."""
    every = Counter(
        "; ".join(map(uncited, d.because))
        for d in report.decisions
        if d.kind is ChangeKind.UNVERIFIED
    )
    shown = [reason for reason, _ in every.most_common(REASONS)]
    more = len(every) - len(shown)
    return ", or ".join(shown) + (f" (and {more} more reasons)" if more else "")


def _months(
    counts: Iterable[tuple[date, Mapping[str, int]]], as_of: date, first: str = "rating"
) -> pd.DataFrame:
    return by_month(counts, as_of, MONTHS).rename(columns={"rating": first})


def _late(month: MonthCounts) -> dict[str, int]:
    return {line: counts[LATE_TOTAL] for line, counts in month.past_due.items()}


def _scanned(months: Iterable[MonthCounts], column: str) -> Iterator[tuple[date, dict[str, int]]]:
    """Yield the scans' counts of each month that had scans."""
    for month in months:
        counts = {
            f"{target}, {rating}": found[column]
            for target, ratings in month.scans.items()
            for rating, found in ratings.items()
            if column == "raw" or rating in RATINGS
        }
        if counts:
            yield month.as_of, {**counts, TOTAL: sum(counts.values())}


def _baseline_said(rules: Triggers) -> str:
    rule = rules.unique_vulnerabilities
    if rule.baseline is None:
        return "No baseline is set (triggers.unique_vulnerabilities.baseline in conmon.yaml)."
    return (
        f"Threshold: the baseline and {rule.percent} % of it, or {rule.at_least} if that is more."
    )


def _with_threshold(unique: pd.DataFrame, rule: UniqueVulnerabilities) -> pd.DataFrame:
    """Add the baseline and the threshold, in every month that has counts."""
    if rule.baseline is None:
        return unique
    months = unique.columns[1:]
    counted = unique[months].notna().any()
    added = [
        {"found": name, **{m: value if counted[m] else None for m in months}}
        for name, value in (
            ("Baseline", rule.baseline),
            ("Threshold", unique_threshold(rule.baseline, rule)),
        )
    ]
    both = pd.concat([unique.astype(object), pd.DataFrame(added, dtype=object)], ignore_index=True)
    return both.astype({"found": "str", **dict.fromkeys(months, "Float64")})


def _soon(items: Iterable[OpenItem]) -> pd.DataFrame:
    found = sorted(items, key=lambda item: item.standing.due or date.max)
    table = [(i.poam_id, i.name, i.line, str(i.standing.due)) for i in found]
    return _frame(table, "poam_id", "name", "rating", "due")


def _of_note(
    report: RunReport, unique: pd.DataFrame, requests: pd.DataFrame
) -> Iterator[tuple[str, str]]:
    """Yield what a reviewer should know beside the counts: subject and sentence."""
    for trigger in report.triggers:
        if trigger.fired:
            yield f"Escalation: {trigger.level}", trigger.because
    for gate in report.gates:
        if gate.flagged:
            yield gate.id.replace("_", " ").capitalize(), gate.said
    totals = unique[unique["found"] == TOTAL].iloc[:, 1:].melt().dropna()
    if len(totals) > 1 and totals["variable"].iloc[-1] == f"{report.as_of:%Y-%m}":
        (month, before), (_, after) = totals.iloc[-2:].itertuples(index=False, name=None)
        yield "Unique vulnerabilities", f"{after}, after {before} in {month} ({after - before:+d})"
    if len(requests):
        of_kind: dict[str, list[str]] = defaultdict(list)
        for kind, poam_id in requests[["Type of DR", "POA&M ID"]].itertuples(index=False):
            of_kind[kind].append(poam_id)
        listed = "; ".join(f"{kind}: {', '.join(ids)}" for kind, ids in of_kind.items())
        yield f"Deviation requests to review: {len(requests)}", listed
    if report.refused:
        yield f"Files that could not be read: {len(report.refused)}", " ".join(report.refused)
    yield (
        "Annual assessment, planned significant changes",
        "Neither scans nor workbook tell of them: the provider adds them.",
    )


def _by_rating(lines: pd.DataFrame) -> pd.DataFrame:
    """Sum the lines of a table under the rating that counts."""
    values = lines.set_index("rating")
    parts = RATINGS | ({UNRATED: (UNRATED,)} if UNRATED in values.index else {})
    sums = [
        (rating, *values[values.index.isin(of)].sum(skipna=False)) for rating, of in parts.items()
    ]
    months = list(values.columns)
    return _frame(sums, "rating", *months).astype(dict.fromkeys(months, "Int64"))


def _ages(items: Iterable[OpenItem], buckets: PastDue) -> pd.DataFrame:
    aged = [(buckets.label(i.age), i.standing.rating) for i in items if i.age is not None]
    count = Counter(aged)
    table = [(label, *(count[label, rating] for rating in RiskRating)) for label in buckets.labels]
    return _frame(table, "days", *RATINGS)


def _coverage(coverage: pd.DataFrame, report: RunReport) -> pd.DataFrame:
    deepest: dict[tuple[str, str], Authenticated] = {}
    for row in rows(coverage):
        login = Authenticated(row.authenticated)
        for key in ((row.detector, row.asset_identifier), ("", row.asset_identifier)):
            deepest[key] = max(
                deepest.get(key, Authenticated.UNKNOWN), login, key=DEPTH.__getitem__
            )
    missing = sum(
        host.detail == NOT_SCANNED
        for gate in report.gates
        if gate.id == "coverage"
        for host in gate.hosts
    )
    count = Counter((detector, login) for (detector, _), login in deepest.items())
    names = sorted({detector for detector, _ in deepest if detector})
    table = [
        (name or "All scanners", *(count[name, login] for login in LOGINS), 0 if name else missing)
        for name in chain(names, [""])
    ]
    return _frame(table, "scanner", *LOGINS.values(), NOT_SCANNED)


def _frame(table: Iterable[tuple[object, ...]], first: str, *columns: str) -> pd.DataFrame:
    frame = pd.DataFrame.from_records(list(table), columns=[first, *columns])
    return frame.astype({first: "str"})
