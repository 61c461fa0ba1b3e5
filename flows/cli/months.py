"""Commands that carry a workbook through months of scans."""

import re
from typing import Annotated

import typer

from flows.cli.options import (
    AsOf,
    Config,
    DaskAddress,
    DryRun,
    EngineOption,
    InPlace,
    Inventory,
    Jobs,
    Kev,
    LedgerUrl,
    NoLedger,
    Nvd,
    Out,
    Poam,
    Runs,
    Scans,
    Strict,
)
from flows.cli.talk import progress_bars, refuse, talk, tell
from flows.steps import Engine, carried_out


def update(
    scans: Scans,
    poam: Poam,
    out: Out = None,
    as_of: AsOf = None,
    inventory: Inventory = None,
    kev: Kev = None,
    nvd: Nvd = None,
    config: Config = None,
    runs: Runs = "runs",
    ledger: LedgerUrl = None,
    no_ledger: NoLedger = False,
    dry_run: DryRun = False,
    in_place: InPlace = False,
    jobs: Jobs = 0,
    engine: EngineOption = Engine.PROCESSES,
    dask_address: DaskAddress = None,
    strict: Strict = False,
) -> None:
    """Update a POA&M workbook from this month's scans."""
    from flows import pipeline
    from flows.asking import asked

    request = asked(
        scans,
        poam,
        runs,
        as_of.date() if as_of else None,
        out=out,
        inventory=inventory,
        kev=kev,
        nvd=nvd or (),
        config=config,
        ledger=ledger,
        memory=not no_ledger,
        dry_run=dry_run,
        in_place=in_place,
    )
    with progress_bars() as progress, carried_out(engine, jobs, dask_address, progress) as steps:
        outcome = pipeline.update(request, steps)
    tell(outcome, strict)


def backfill(
    archive: Scans,
    poam: Poam,
    out: Out = None,
    since: Annotated[
        str | None, typer.Option("--from", help="First month, 2026-01 say.", metavar="MONTH")
    ] = None,
    until: Annotated[str | None, typer.Option("--to", help="Last month.", metavar="MONTH")] = None,
    inventory: Inventory = None,
    kev: Kev = None,
    nvd: Nvd = None,
    config: Config = None,
    runs: Runs = "runs",
    ledger: LedgerUrl = None,
    no_ledger: NoLedger = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would happen, keep nothing.")
    ] = False,
    jobs: Jobs = 0,
    engine: EngineOption = Engine.PROCESSES,
    dask_address: DaskAddress = None,
) -> None:
    """Carry a POA&M workbook through an archive of scans, month by month."""
    from flows.archive import backfill as carry
    from flows.asking import asked

    request = asked(
        archive,
        poam,
        runs,
        out=out,
        inventory=inventory,
        kev=kev,
        nvd=nvd or (),
        config=config,
        ledger=ledger,
        memory=not no_ledger,
        dry_run=dry_run,
    )
    with progress_bars() as progress, carried_out(engine, jobs, dask_address, progress) as steps:
        done = carry(request, steps, _month(since, "--from"), _month(until, "--to"))
    typer.echo(done.table())
    for conflict in done.conflicts:
        typer.echo(str(conflict))
    if done.workbook is not None:
        talk.print(f"Workbook: {done.workbook}", soft_wrap=True, highlight=False)
    refuse(list(done.refused))


def reprocess(
    run: Annotated[str, typer.Argument(help="The run's folder.", show_default=False)],
    out: Annotated[
        str | None, typer.Option(help="Write the workbook there; else nothing is.", metavar="PATH")
    ] = None,
    recorded_mappings: Annotated[
        bool, typer.Option("--recorded-mappings", help="Under the rules of then, not today's.")
    ] = False,
    jobs: Jobs = 0,
    engine: EngineOption = Engine.PROCESSES,
    dask_address: DaskAddress = None,
) -> None:
    """Run a recorded run again, and print what comes out otherwise, and why."""
    from flows import rerun
    from flows.places import place

    with progress_bars() as progress, carried_out(engine, jobs, dask_address, progress) as steps:
        again = rerun.reprocess(place(run), steps, place(out) if out else None, recorded_mappings)
    for line in (*again.policy, *map(str, again.redecisions)):
        typer.echo(line)
    if not again.redecisions:
        talk.print("Every decision is as it was recorded.", highlight=False)
    if again.outcome.workbook is not None:
        talk.print(f"Workbook: {again.outcome.workbook}", soft_wrap=True, highlight=False)


def _month(text: str | None, option: str) -> str | None:
    """A month as it is written in names of folders."""
    if text is not None and not re.fullmatch(r"20\d\d-(0[1-9]|1[0-2])", text):
        raise typer.BadParameter(
            f"found {text}. Expected a month such as 2026-03", param_hint=option
        )
    return text
