"""What a run shows in Prefect's pages: copies from its report; they hold nothing of their own."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast
from uuid import UUID

from prefect.artifacts import (
    create_link_artifact,
    create_markdown_artifact,
    create_progress_artifact,
    create_table_artifact,
    update_progress_artifact,
)

from flows.figures import figures
from flows.markdown import inert
from flows.pipeline import Outcome
from flows.places import Place
from poam.changes import ChangeSet
from poam.model import ChangeKind
from poam.report import change_records, review_frame

ROWS = 500
"""As many rows of a table are shown; all are in the run folder."""
REPORT = "report.html"


def publish(outcome: Outcome) -> None:
    """Show summary, figures, changes, what waits for a person, and where the run's files are."""
    publish_markdown("summary", "The month", inert(outcome.report.markdown()))
    counted = figures(outcome.report, outcome.parsed)
    counted["cached"] = sum(one.cached for one in outcome.parsed)
    _table("figures", "What the run counted", [{"figure": k, "n": n} for k, n in counted.items()])
    review = review_frame(outcome.changes).to_dict("records")
    _table("changes", "What changed, field by field", list(_changes(outcome.changes)))
    _table("review", "For a person", [{str(k): v for k, v in row.items()} for row in review])
    if outcome.workbook is not None:
        _link("workbook", "The updated workbook", outcome.workbook)
    if outcome.folder is not None:
        _link("run", "The account of the run", outcome.folder)
        report = outcome.folder / REPORT
        if report.exists():
            _link("report", "The report of the run", report)


def publish_markdown(name: str, what: str, markdown: str) -> None:
    """Show a page of text; `what` says in words what it is."""
    create_markdown_artifact(key=f"conmon-{name}", markdown=markdown, description=what)


def progress(step: str) -> Callable[[int, int], None]:
    """Show a bar for a step; the function that it gives moves it: done, of how many."""
    made = create_progress_artifact(0.0, key=f"conmon-{step}", description=f"Files done: {step}")
    bar = cast("UUID", made)  # a coroutine in asynchronous flows only
    shown = 0

    def advance(done: int, of: int) -> None:
        nonlocal shown
        percent = 100 * done // of
        if percent > shown:
            update_progress_artifact(bar, percent)
            shown = percent

    return advance


def _changes(changes: ChangeSet) -> Iterator[dict[str, str]]:
    """The rows of changes; an opened item, every field of which is new, in one."""
    opened = set()
    for row in change_records(changes):
        if row["kind"] != ChangeKind.OPENED:
            yield row
        elif row["poam_id"] not in opened:
            opened.add(row["poam_id"])
            yield {**row, "field": "", "before": "", "after": ""}


def _table(name: str, what: str, rows: Sequence[Mapping[str, Any]]) -> None:
    if len(rows) > ROWS:
        what = f"{what}: {ROWS} of {len(rows)}, all in {name}.csv of the run folder"
    create_table_artifact(
        key=f"conmon-{name}", table=[dict(row) for row in rows[:ROWS]], description=what
    )


def _link(name: str, what: str, here: Place) -> None:
    url = here.resolve().as_uri() if isinstance(here, Path) else str(here)
    create_link_artifact(key=f"conmon-{name}", link=url, link_text=str(here), description=what)
