"""A recorded run again: the same batch, what it knew, and today's rules or those of then."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace

from flows.ingest import Parsed
from flows.parts import Store
from flows.pipeline import Outcome, default_parts, parse, update
from flows.places import Place, sha256
from flows.recording import Given, Recording, recording
from flows.review import read_decisions
from flows.staging import staged
from flows.steps import Steps
from poam.errors import RunError
from poam.policy import load_policy
from poam.redecision import Redecision, policy_differences, redecisions
from poam.report import decisions_json


@dataclass(frozen=True)
class Rerun:
    """What came out otherwise than it was recorded, and the rules that are others now."""

    redecisions: tuple[Redecision, ...]
    policy: tuple[str, ...]
    outcome: Outcome


def reprocess(
    run: Place, steps: Steps, out: Place | None = None, recorded_mappings: bool = False
) -> Rerun:
    """Run a recorded run again and compare.

    Without `out` nothing is written but what is parsed anew, to the run store; with it the
    workbook goes there, and its account into a run folder. The ledger is neither read nor
    written: what it knew is in the recording. Raises RunError where an input is gone or is not
    what was read.
    """
    told = recording(run)
    given = told.given
    if not recorded_mappings:
        with staged(replace(told.request, dry_run=True)) as (local, _):
            given = Given(load_policy(local.config), given.recalled)
    store = Store(default_parts(told.request.runs))
    parsed = parse(told.request.scans, given.policy, steps, store)
    _check(run, told, parsed)
    request = replace(told.request, out=out, dry_run=out is None)
    outcome = update(request, steps, store.place, parsed, given)
    now = json.loads(decisions_json(outcome.changes))
    then, today = (one.policy.model_dump(mode="json") for one in (told.given, given))
    return Rerun(redecisions(read_decisions(run), now), policy_differences(then, today), outcome)


def _check(run: Place, told: Recording, parsed: tuple[Parsed, ...]) -> None:
    """Raise RunError naming every input that is not what the run read."""
    wrong = [*_other_scans(told, parsed), *_other_files(told)]
    if wrong:
        raise RunError(f"{run}: {'; '.join(wrong)}. Expected the very inputs of the run.")


def _other_scans(told: Recording, parsed: tuple[Parsed, ...]) -> Iterator[str]:
    then = {scan["file"]: scan["sha256"] for scan in told.manifest["scans"]}
    now = {one.file: one.sha256 for one in parsed}
    for file in sorted({*then, *now}):
        if file not in now:
            yield f"{file} is gone"
        elif file not in then:
            yield f"{file} was not there"
        elif then[file] != now[file]:
            yield f"{file} has another content"


def _other_files(told: Recording) -> Iterator[str]:
    inputs = told.manifest["inputs"]
    for role in ("poam", "inventory", "kev"):
        there = getattr(told.request, role)
        if there is None:
            continue
        if not there.is_file():
            yield f"{there} is gone"
        elif sha256(there) != inputs[f"{role}: {there.name}"]:
            yield f"{there} has another content"
