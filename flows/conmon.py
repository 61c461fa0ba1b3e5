"""The monthly run as a Prefect flow: the same pipeline, each step a line in Prefect's pages."""

import logging
from collections.abc import Callable, Sequence
from datetime import date
from typing import Any, TypeVar

from prefect import flow, task
from prefect.artifacts import create_markdown_artifact, create_table_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.tasks import Task, exponential_backoff

from flows.asking import asked
from flows.pipeline import Outcome, update
from poam.report import change_records

log = logging.getLogger(__name__)
T = TypeVar("T")
R = TypeVar("R")


class PrefectSteps:
    """Carries out each step as a task, and the files of a step as a task each.

    Reading is tried again where the storage fails; a file that says something wrong is not,
    and writing never is.
    """

    def map(self, name: str, function: Callable[[T], R], items: Sequence[T]) -> list[R]:
        """Call the function on each item, one task each, on threads."""

        @task(
            name=name,
            task_run_name=name + " {item.name}",
            cache_policy=NO_CACHE,
            persist_result=False,
            retries=3,
            retry_delay_seconds=exponential_backoff(2),
            retry_jitter_factor=0.5,
            retry_condition_fn=_storage_failed,
        )
        def each(item: T) -> R:
            return function(item)

        # A future that is only waited for may hide a failure; its result does not.
        return [future.result() for future in each.map(items)]

    def run(self, name: str, function: Callable[[], R]) -> R:
        """Call the function as one task, once."""

        @task(name=name, cache_policy=NO_CACHE, persist_result=False)
        def step() -> R:
            return function()

        return step()


@flow(name="monthly-conmon", persist_result=False)
def monthly_conmon(
    scans: list[str],
    poam: str,
    out: str | None = None,
    as_of: date | None = None,
    inventory: str | None = None,
    kev: str | None = None,
    nvd: list[str] | None = None,
    config: str | None = None,
    runs: str = "runs",
    ledger: str | None = None,
) -> Outcome:
    """Update a POA&M workbook from a month's scans. Locations are paths, or URLs such as s3://….

    Args:
        scans: Scan files, archives, or folders of them.
        poam: Last month's POA&M workbook.
        out: Where the updated workbook goes; without it, it stays in the run's folder.
        as_of: The day the update speaks for; today in the site's time zone by default.
        inventory: The integrated inventory workbook.
        kev: CISA's KEV catalogue as JSON.
        nvd: NVD JSON 2.0 files, or folders of them.
        config: The site's conmon.yaml.
        runs: Where run folders go.
        ledger: Database URL of the memory between runs; ledger.sqlite in `runs` by default.

    """
    request = asked(
        scans,
        poam,
        runs,
        as_of,
        out=out,
        inventory=inventory,
        kev=kev,
        nvd=nvd or (),
        config=config,
        ledger=ledger,
    )
    outcome = update(request, PrefectSteps())
    publish(outcome)
    return outcome


def publish(outcome: Outcome) -> None:
    """Copy the run's summary and changes into Prefect's pages; they hold nothing of their own."""
    create_markdown_artifact(
        key="conmon-summary", markdown=outcome.report.markdown(), description="The month"
    )
    create_table_artifact(
        key="conmon-changes", table=change_records(outcome.changes), description="Every change"
    )


def _storage_failed(_task: Task[Any, Any], _run: TaskRun, state: State[Any]) -> bool:
    return isinstance(state.result(raise_on_failure=False), OSError)
