"""The report of a run as a page: one file, for a screen, for paper, and without a network."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import pandas as pd
from jinja2 import Environment, StrictUndefined, Template
from markupsafe import Markup

from flows.charts import Picture, bars, lines
from flows.page_style import PAGES, STYLE, allowed
from flows.plan import Plan
from flows.review import doubts_in
from poam.changes import Decision
from poam.executive import NOT_SCANNED, Table, labelled, month_line
from poam.frames import rows
from poam.model import ChangeKind, Value
from poam.report import RunReport, cited

SHOWN = 300  # characters of a value; changes.csv has it whole
FOLDED = 6  # columns that a new item may set before they are folded away
KINDS = {
    ChangeKind.OPENED: "new",
    ChangeKind.REOPENED: "reopened",
    ChangeKind.UPDATED: "updated",
    ChangeKind.CLOSED: "closed",
    ChangeKind.UNVERIFIED: "not verified",
    ChangeKind.HELD: "held",
    ChangeKind.SUPPRESSED: "false positive again",
    ChangeKind.NEEDS_REVIEW: "for your eye",
}
TOLD = ("original_risk_rating", "scheduled_completion_date")  # of a new item, before its columns
DRAWN = {"trend", "burn_down", "ages", "coverage"}
ALSO_SHOWN = {"late", "late_soon"}  # in a section of their own

Reasons = list[tuple[str, list[int]]]


@dataclass(frozen=True, slots=True)
class Field:
    """A column that a run sets: what went and what came, of lists only the `lines` that did."""

    label: str
    gone: str
    came: str
    lines: bool
    note: str


@dataclass(frozen=True, slots=True)
class Row:
    """A decision as a row of the page; `told` stands for fields that are folded away."""

    kind: str
    poam_id: str
    name: str
    identity: str
    fields: tuple[Field, ...]
    told: str
    because: Reasons


@dataclass(frozen=True, slots=True)
class Grid:
    """A table of the summary as the page shows it."""

    title: str
    said: str
    columns: tuple[str, ...]
    rows: tuple[tuple[object, ...], ...]


@dataclass(frozen=True, slots=True)
class Asset:
    """A look of a scanner at an asset, or an asset of the inventory that none had."""

    asset: str
    detector: str = ""
    day: str = ""
    login: str = NOT_SCANNED
    feed: str = ""
    file: str = ""


def report_page(
    report: RunReport, plan: Plan, summary: Mapping[str, Table], headers: Mapping[str, str]
) -> str:
    """Show a run to the people who answer for it.

    `summary` is the month's, `headers` are the workbook's, by field. Whatever a scanner or a
    workbook wrote is text here, never markup. The same run gives the same page.
    """
    notes: dict[str, int] = {}
    alike = _alike(plan.changes.of(ChangeKind.OPENED))
    told = [
        _row(d, headers, notes, alike if d.kind is ChangeKind.OPENED else {})
        for d in plan.changes.of(*KINDS)
    ]
    waiting = [
        _row(d, headers, notes, {})
        for d in plan.changes.of(ChangeKind.NEEDS_REVIEW)
        if not d.doubts
    ]
    tables = {name: _grid(table) for name, table in summary.items()}
    script = (PAGES / "report.js").read_text(encoding="utf-8")
    return _template().render(
        report=report,
        line=month_line(report),
        allowed=allowed(STYLE, script),
        style=Markup(STYLE),  # noqa: S704  our own
        script=Markup(script),  # noqa: S704
        changes=told,
        alike=[_field(headers.get(name, name), None, value) for name, value in alike.items()],
        kinds=list(Counter(row.kind for row in told).items()),
        kind_words=KINDS,
        doubts=doubts_in(plan.changes.decisions),
        waiting=waiting,
        tables=tables,
        summary=[t for name, t in tables.items() if name not in DRAWN | ALSO_SHOWN],
        pictures=[(_safe(picture), tables[name]) for name, picture in pictures(summary).items()],
        assets=list(_assets(plan)),
        notes=list(notes),
    )


def pictures(summary: Mapping[str, Table]) -> dict[str, Picture]:
    """Draw what trends, ages and reaches: pictures by the names of their tables."""
    given = {name: (table.title, table.frame) for name, table in summary.items() if name in DRAWN}
    return {
        "trend": lines("trend", given["trend"][0], _turned(given["trend"][1])),
        "burn_down": bars("burn-down", given["burn_down"][0], _turned(given["burn_down"][1])),
        "ages": bars("ages", *given["ages"]),
        "coverage": bars("coverage", *given["coverage"], across=True, tones=(2, 1, 0, 3, 4)),
    }


@cache
def _template() -> Template:
    page = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return page.from_string((PAGES / "report.html").read_text(encoding="utf-8"))


def _alike(opened: Sequence[Decision]) -> dict[str, Value]:
    """Return what every new item has, where there are several: the page tells it once."""
    if len(opened) < 2:
        return {}
    return {
        name: value
        for name, value in opened[0].after.items()
        if _text(value) and all(d.after.get(name) == value for d in opened)
    }


def _row(
    d: Decision,
    headers: Mapping[str, str],
    notes: dict[str, int],
    alike: Mapping[str, Value],
) -> Row:
    changed = {
        name: value for name, value in d.after.items() if _text(d.before.get(name)) != _text(value)
    }
    folded = len(changed) > FOLDED and not any(_text(d.before.get(name)) for name in changed)
    apart = _apart(d, alike) if folded else set()
    fields = tuple(
        _field(headers.get(name, name), d.before.get(name), value)
        for name, value in changed.items()
        if name not in apart
    )
    return Row(
        kind=d.kind.value,
        poam_id=d.poam_id,
        name=d.weakness_name,
        identity=", ".join(f"{d.detector} {d.source_identifier}".split("\n")).strip(),
        fields=fields,
        told=_told(d) if folded else "",
        because=[_numbered(sentence, notes) for sentence in d.because],
    )


def _apart(d: Decision, alike: Mapping[str, Value]) -> set[str]:
    """Return the columns of a new item that the page tells elsewhere: beside, or once for all."""
    beside = {
        "poam_id": d.poam_id,
        "weakness_name": d.weakness_name,
        "weakness_detector_source": d.detector,
        "weakness_source_identifier": d.source_identifier,
    }
    return {*alike, *TOLD, *(name for name, value in beside.items() if d.after.get(name) == value)}


def _told(d: Decision) -> str:
    """Say of a new item what tells it from others."""
    assets = len(_text(d.after.get("asset_identifier")).split("\n"))
    parts = (
        _text(d.after.get("original_risk_rating")),
        f"due {due}" if (due := d.after.get("scheduled_completion_date")) else "",
        f"on {assets} {'asset' if assets == 1 else 'assets'}",
    )
    return ", ".join(filter(None, parts))


def _field(label: str, before: Value, after: Value) -> Field:
    was, now = _text(before), _text(after)
    of_lines = "\n" in was + now and bool(was and now)
    if of_lines:
        left, right = was.split("\n"), now.split("\n")
        kept, known = set(right), set(left)
        was = "\n".join(line for line in left if line not in kept)
        now = "\n".join(line for line in right if line not in known)
        stay = len(right) - (now.count("\n") + 1 if now else 0)
    whole = max(len(was), len(now))
    note = f"cut: {whole:,} characters" if whole > SHOWN else ""
    if of_lines and stay:
        note = "; ".join(
            filter(None, (note, f"{stay} {'line stays' if stay == 1 else 'lines stay'}"))
        )
    return Field(label, _cut(was), _cut(now), of_lines, note)


def _cut(text: str) -> str:
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"


def _text(value: Value) -> str:
    return "" if value is None else str(value)


def _numbered(sentence: str, notes: dict[str, int]) -> tuple[str, list[int]]:
    """Return a sentence, and the numbers of the rules it cites: each stands on the page once."""
    text, rules = cited(sentence)
    return text, [notes.setdefault(rule, len(notes) + 1) for rule in rules]


def _grid(table: Table) -> Grid:
    frame = labelled(table.frame)
    cells = frame.astype(object).where(frame.notna(), None)
    return Grid(
        table.title,
        table.said,
        tuple(map(str, frame.columns)),
        tuple(cells.itertuples(index=False, name=None)),
    )


def _turned(frame: pd.DataFrame) -> pd.DataFrame:
    """Turn a table of months across into one of months down."""
    return frame.set_index(frame.columns[0]).T.rename_axis("month").reset_index()


def _safe(picture: Picture) -> dict[str, object]:
    return {"title": picture.title, "svg": Markup(picture.svg)}  # noqa: S704  drawn here


def _assets(plan: Plan) -> Iterator[Asset]:
    """Yield the assets that no scan reached, then every look of a scanner, by asset."""
    for gate in plan.gates:
        if gate.id == "coverage":
            yield from (Asset(host.asset) for host in gate.hosts if host.detail == NOT_SCANNED)
    seen = plan.coverage.sort_values(["asset_identifier", "detector", "file"], kind="stable")
    for row in rows(seen):
        day = row.started if pd.isna(row.ended) else row.ended
        yield Asset(
            row.asset_identifier,
            row.detector,
            "" if pd.isna(day) else str(day.date()),
            row.authenticated,
            "" if pd.isna(row.feed_date) else str(row.feed_date),
            row.file,
        )
