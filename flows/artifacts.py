"""What a run shows in Prefect's pages: copies from its report; they hold nothing of their own."""

from collections.abc import Callable, Mapping, Sequence
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

from flows.pipeline import Outcome
from flows.places import Place
from flows.review import listing
from poam.answers import Doubt
from poam.report import change_records, review_frame

ROWS = 500
"""As many rows of a table are shown; all are in the run folder."""
REPORT = "report.html"


def publish(outcome: Outcome) -> None:
    """Show the summary, the changes, what waits for a person, and where the run's files are."""
    create_markdown_artifact(
        key="conmon-summary", markdown=outcome.report.markdown(), description="The month"
    )
    review = review_frame(outcome.changes).to_dict("records")
    _table("changes", "Every change", change_records(outcome.changes))
    _table("review", "For a person", [{str(k): v for k, v in row.items()} for row in review])
    if outcome.workbook is not None:
        _link("workbook", "The updated workbook", outcome.workbook)
    if outcome.folder is not None:
        _link("run", "The account of the run", outcome.folder)
        report = outcome.folder / REPORT
        if report.exists():
            _link("report", "The report of the run", report)


def publish_doubts(doubts: Sequence[Doubt]) -> None:
    """Show the matches in doubt that a paused run waits for."""
    create_markdown_artifact(
        key="conmon-doubts", markdown=fenced(doubts), description="Matches in doubt"
    )


def fenced(doubts: Sequence[Doubt]) -> str:
    """Doubts as text that Markdown leaves as it is, whatever a scanner wrote in it."""
    return f"~~~~~\n{listing(doubts)}\n~~~~~\n"


def progress(step: str) -> Callable[[int, int], None]:
    """Show a bar for a step; the function that it gives moves it: done, of how many."""
    made = create_progress_artifact(0.0, key=f"conmon-{step}", description=f"Files: {step}")
    bar = cast("UUID", made)  # a coroutine in asynchronous flows only
    shown = 0

    def advance(done: int, of: int) -> None:
        nonlocal shown
        percent = 100 * done // of
        if percent > shown:
            update_progress_artifact(bar, percent)
            shown = percent

    return advance


def _table(name: str, what: str, rows: Sequence[Mapping[str, Any]]) -> None:
    if len(rows) > ROWS:
        what = f"{what}: {ROWS} of {len(rows)}, all in {name}.csv of the run folder"
    create_table_artifact(
        key=f"conmon-{name}", table=[dict(row) for row in rows[:ROWS]], description=what
    )


def _link(name: str, what: str, here: Place) -> None:
    url = here.resolve().as_uri() if isinstance(here, Path) else str(here)
    create_link_artifact(key=f"conmon-{name}", link=url, link_text=str(here), description=what)
