"""A recorded run again, as a Prefect flow: what comes out otherwise, and why."""

from prefect import flow

from flows.artifacts import publish_markdown
from flows.markdown import verbatim
from flows.notifications import receivers
from flows.places import place
from flows.prefect_runs import tell_failure
from flows.prefect_steps import PrefectSteps
from flows.rerun import Rerun
from flows.rerun import reprocess as again
from flows.settings import DEFAULTS, Settings


@flow(name="reprocess", persist_result=False, on_failure=[tell_failure], on_crashed=[tell_failure])
def reprocess(
    run: str,
    out: str | None = None,
    recorded_mappings: bool = False,
    settings: Settings = DEFAULTS,
) -> Rerun:
    """Run a recorded run again and compare.

    Args:
        run: The run's folder.
        out: Where to write the workbook; nothing is written without it.
        recorded_mappings: Decide under the rules of then, not today's.
        settings: Who reads the files, and who is told; the inputs are the recorded ones.

    """
    receivers(settings.notify)
    done = again(place(run), PrefectSteps(settings), place(out) if out else None, recorded_mappings)
    said = [*done.policy, *map(str, done.redecisions)] or ["Every decision is as it was recorded."]
    publish_markdown("reprocess", "What differs", verbatim("\n".join(said)))
    return done
