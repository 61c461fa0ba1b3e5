"""The flows offered to a Prefect server, for `poam serve`; `prefect.yaml` is for work pools."""

from collections.abc import Mapping
from typing import Any, cast

from prefect import serve as serve_deployments
from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy
from prefect.client.schemas.schedules import CronSchedule
from prefect.deployments.runner import RunnerDeployment
from prefect.flows import Flow, load_flow_from_entrypoint
from prefect.types.entrypoint import EntrypointType

from flows.prefect_runs import need_server
from poam.errors import RunError

FLOWS = {
    "monthly": "flows.conmon.monthly_conmon",
    "backfill": "flows.backfill.backfill",
    "reprocess": "flows.reprocess.reprocess",
}
"""The flow of each deployment, by module: a file's path would load a second copy of it."""
SCHEDULED = "monthly"
ZONE = "America/New_York"
NEEDED = ("scans", "poam")


def serve(
    parameters: Mapping[str, Any] | None = None, cron: str | None = None, zone: str = ZONE
) -> None:
    """Offer the flows to the server and carry out their runs here, until interrupted.

    `parameters` are those of the monthly flow, whose `settings` the others have too; `cron` is its
    schedule, in the time zone `zone`. The schedule sleeps while this process is down: what was due
    then is not made up for. Raises RunError where no server is named, or a schedule has no scans
    or no POA&M.
    """
    need_server("poam serve")
    serve_deployments(*deployments(parameters or {}, cron, zone))


def deployments(
    parameters: Mapping[str, Any], cron: str | None, zone: str
) -> list[RunnerDeployment]:
    """The deployments that `serve` offers. Raises RunError as it does."""
    missing = [name for name in NEEDED if not parameters.get(name)]
    if cron and missing:
        raise RunError(f"--cron: found no {' and no '.join(missing)}. Expected what to run on.")
    shared = {name: value for name, value in parameters.items() if name == "settings"}
    return [
        _deployment(name, parameters if name == SCHEDULED else shared, cron, zone) for name in FLOWS
    ]


def _deployment(
    name: str, parameters: Mapping[str, Any], cron: str | None, zone: str
) -> RunnerDeployment:
    flow: Flow[..., Any] = load_flow_from_entrypoint(FLOWS[name])
    scheduled = cron is not None and name == SCHEDULED
    made = flow.to_deployment(
        name=name,
        parameters=dict(parameters),
        schedules=[CronSchedule(cron=cron, timezone=zone)] if scheduled else [],
        # Two runs on one workbook would refuse each other: the second waits.
        concurrency_limit=ConcurrencyLimitConfig(
            limit=1, collision_strategy=ConcurrencyLimitStrategy.ENQUEUE
        ),
        entrypoint_type=EntrypointType.MODULE_PATH,
    )
    return cast("RunnerDeployment", made)  # a coroutine in asynchronous code only
