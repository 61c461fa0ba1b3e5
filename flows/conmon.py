"""The monthly run as a Prefect flow: the same pipeline, each step a line in Prefect's pages."""

from datetime import date
from typing import Literal

from prefect import flow

from flows.artifacts import publish
from flows.asking import asked
from flows.notifications import receivers, tell
from flows.pipeline import Outcome, update
from flows.prefect_runs import tell_failure
from flows.prefect_steps import PrefectSteps
from flows.review_form import settle
from flows.settings import DEFAULTS, Settings


@flow(
    name="monthly-conmon",
    persist_result=False,
    on_failure=[tell_failure],
    on_crashed=[tell_failure],
)
def monthly_conmon(
    scans: list[str],
    poam: str,
    out: str | None = None,
    as_of: date | None = None,
    in_place: bool = False,
    review: Literal["queue", "pause"] = "queue",
    settings: Settings = DEFAULTS,
) -> Outcome:
    """Update a POA&M workbook from a month's scans. Locations are paths, or URLs such as s3://….

    Args:
        scans: Scan files, archives, or folders of them.
        poam: Last month's POA&M workbook.
        out: Where the updated workbook goes; without it, it stays in the run's folder.
        as_of: The day the update speaks for; today in the site's time zone by default.
        in_place: Write over `poam`, keeping a backup.
        review: What to do about matches in doubt: leave them in the queue for `poam review`, or
            pause and ask here before anything is written.
        settings: What stays the same from month to month.

    """
    receivers(settings.notify)
    request = asked(
        scans, poam, settings.runs, as_of, out=out, in_place=in_place, **settings.inputs()
    )
    steps = PrefectSteps(settings)
    if review == "pause":
        settle(request, steps, settings)
    outcome = update(request, steps)
    publish(outcome)
    tell(settings.notify, outcome.report)
    return outcome
