"""Doubtful matches asked of a person while the run waits, as a form in Prefect's pages."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any, Literal

from prefect.client.schemas.objects import FlowRun
from prefect.context import FlowRunContext
from prefect.flow_runs import pause_flow_run, suspend_flow_run
from prefect.input import RunInput
from pydantic import ConfigDict, Field, create_model

from flows.artifacts import publish_markdown
from flows.batch import Request
from flows.markdown import verbatim
from flows.notifications import send
from flows.pipeline import default_parts, today, update
from flows.places import Place
from flows.prefect_runs import need_server, page
from flows.review import DECISIONS, answered, doubts_in, keep_answers, listing
from flows.settings import Settings
from flows.staging import staged
from flows.steps import Steps
from poam.answers import Answer, Doubt
from poam.errors import RunError
from poam.policy import load_policy

ASKED = 100
"""As many doubts are asked in one form; the others stay in the queue."""
PAUSE = "review"
SECONDS_PER_DAY = 86_400
POLL = 3
"""Seconds between looks whether a run that pauses, its process alive, was answered."""
TITLE = 120
QUESTION = (
    "Each field names a weakness of the scans and the POA&M item that it may be. Accept: it is "
    "that item. Reject: it is not. Skip: it stays in the queue, and nothing opens or closes until "
    "somebody says."
)

Choice = Literal["accept", "reject", "skip"]


class Reviewed(RunInput):
    """A person's answers to the doubts of a run; each has a field of its own.

    The server refuses fields that the form has not. An answer to a doubt that is gone when the
    run goes on, or whose row has changed, has no field then and falls.
    """

    model_config = ConfigDict(extra="ignore", json_schema_extra={"additionalProperties": False})

    who: str = Field(min_length=1, title="Who answers", description="Kept with each answer.")


def settle(request: Request[Place], steps: Steps, settings: Settings) -> None:
    """Ask what a dry run leaves in doubt, wait, and keep the answers as `poam review` does.

    Files parsed are kept: the run that writes, and one that starts again, does not read them
    again. Raises RunError where there is no server that could ask.
    """
    need_server("review pause")
    dry = update(replace(request, dry_run=True), steps, parts=default_parts(request.runs))
    doubts = doubts_in(dry.report.decisions)[:ASKED]
    if not doubts:
        return
    said = _ask(doubts, settings)
    with staged(request) as (local, _):
        answers = answers_of(said, doubts, today(load_policy(local.config)))
        if answers and local.ledger:
            keep_answers(answers, local.ledger, local.decisions or local.runs / DECISIONS)


def form(doubts: Sequence[Doubt]) -> type[Reviewed]:
    """A form with a field for each doubt: both sides, the evidence, accept, reject or skip."""
    fields: dict[str, Any] = {
        _field(doubt): (
            Choice,
            Field(
                "skip",
                title=f"{doubt.poam_id} is {doubt.detector} {doubt.source_identifier}: "
                f"{doubt.weakness_name}"[:TITLE],
                description=_spans(listing([doubt])),
            ),
        )
        for doubt in doubts
    }
    made = create_model("Review", __base__=Reviewed, **fields)
    return made.with_initial_data(description=QUESTION)


def answers_of(said: Reviewed, doubts: Sequence[Doubt], when: date) -> tuple[Answer, ...]:
    """The answers of a filled form; what was skipped has none."""
    choices = {doubt.id: getattr(said, _field(doubt)) for doubt in doubts}
    accepted, rejected = (
        [name for name, choice in choices.items() if choice == wanted]
        for wanted in ("accept", "reject")
    )
    return answered(doubts, accepted, rejected, said.who, when)


def _ask(doubts: Sequence[Doubt], settings: Settings) -> Reviewed:
    """Wait for the answers. The process of a deployment's run ends meanwhile.

    When it is resumed the flow starts again, comes here again, and has them at once.
    """
    context = FlowRunContext.get()
    run = context and context.flow_run
    if not isinstance(run, FlowRun):
        raise RunError("review pause: found no flow run. Expected the monthly flow.")
    if PAUSE not in (run.empirical_policy.pause_keys or ()):
        publish_markdown("doubts", "Matches in doubt", verbatim(listing(doubts)))
        lines = [f"Matches in doubt: {len(doubts)}. The run goes on with your answers.", *page(run)]
        send(settings.notify, "POA&M: a review waits", lines)
    seconds = settings.review_days * SECONDS_PER_DAY
    asked = form(doubts)
    if run.deployment_id:
        return suspend_flow_run(wait_for_input=asked, timeout=seconds, key=PAUSE)
    return pause_flow_run(wait_for_input=asked, timeout=seconds, key=PAUSE, poll_interval=POLL)


def _spans(text: str) -> str:
    """Lines as spans of code: the form makes one paragraph of them, and reads it as Markdown."""
    lines = (line.strip().replace("`", "'") for line in text.splitlines())
    return " ".join(f"`{line}`" for line in lines if line)


def _field(doubt: Doubt) -> str:
    """A doubt's field in the form: it is about one row as it was when it was shown."""
    return f"doubt_{doubt.id}_{doubt.item}"
