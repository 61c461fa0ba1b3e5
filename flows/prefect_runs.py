"""What Prefect knows of a run: whether there is a server, the run's page, that it failed."""

from typing import Any

from prefect.client.schemas.objects import FlowRun, State
from prefect.flows import Flow
from prefect.settings import get_current_settings
from prefect.utilities.urls import url_for

from flows.notifications import send
from flows.settings import Settings
from poam.errors import RunError


def need_server(what: str) -> None:
    """Raise RunError where no server is named.

    Prefect then starts one for the time of the run: nobody sees its pages, it keeps no schedule.
    """
    if get_current_settings().api.url is None:
        raise RunError(
            f"{what}: found no Prefect server. Expected its URL in PREFECT_API_URL, after "
            "`prefect server start`."
        )


def page(run: FlowRun) -> list[str]:
    """The address of a run's page, if it has one."""
    address = url_for(run)
    return [address] if address else []


def tell_failure(flow: Flow[..., Any], flow_run: FlowRun, state: State[Any]) -> None:
    """Tell that a run failed or crashed, and where to read why: the hook of every flow."""
    settings = Settings.model_validate((flow_run.parameters or {}).get("settings") or {})
    lines = [f"Run {flow_run.name}: {state.name}.", *page(flow_run)]
    send(settings.notify, f"POA&M: {flow.name} failed", lines)
