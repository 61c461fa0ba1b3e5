"""A backfill as a Prefect flow: months of an archive, each one's output the next one's input."""

from prefect import flow

from flows.archive import Backfilled
from flows.archive import backfill as carry
from flows.artifacts import publish_markdown
from flows.asking import asked
from flows.markdown import inert, verbatim
from flows.notifications import receivers
from flows.prefect_runs import tell_failure
from flows.prefect_steps import PrefectSteps
from flows.settings import DEFAULTS, Settings


@flow(name="backfill", persist_result=False, on_failure=[tell_failure], on_crashed=[tell_failure])
def backfill(
    archive: list[str],
    poam: str,
    out: str | None = None,
    since: str | None = None,
    until: str | None = None,
    dry_run: bool = False,
    settings: Settings = DEFAULTS,
) -> Backfilled:
    """Carry a POA&M workbook through an archive of scans, month by month.

    Args:
        archive: Scan files, archives, or folders of them, of any months; dates come from the files.
        poam: The POA&M workbook to begin with; a blank one to begin from nothing.
        out: Where the last month's workbook goes; each month's is in its run folder.
        since: The first month, 2026-01 say; the archive's first by default.
        until: The last month; the archive's last by default.
        dry_run: Tell every month's outcome, and keep nothing.
        settings: What stays the same from month to month.

    """
    receivers(settings.notify)
    request = asked(archive, poam, settings.runs, out=out, dry_run=dry_run, **settings.inputs())
    done = carry(request, PrefectSteps(settings), since, until)
    sentences = "".join(f"- {one}\n" for one in (*done.conflicts, *done.refused))
    publish_markdown("backfill", "The months", f"{verbatim(done.table())}\n{inert(sentences)}")
    return done
