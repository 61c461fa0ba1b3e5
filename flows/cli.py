"""The command line: `poam -h`. Standard output is for data, standard error for talk.

Exit status: 0 done; 1 input was refused, or something needs a person and `--strict` was given;
2 the command was not understood.
"""

import getpass
import json
import logging
import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.logging import RichHandler
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn

from flows.archive import backfill as carry
from flows.asking import asked, default_ledger
from flows.diff_page import diff_page
from flows.diff_table import diff_table
from flows.findings import findings_frame
from flows.ingest import DAMAGED, damaged, identified, parse
from flows.pipeline import Outcome, today, update
from flows.places import place, places
from flows.rerun import reprocess
from flows.review import (
    DECISIONS,
    answered,
    doubts_of,
    listing,
    read_decisions,
    write_decisions_file,
)
from flows.runs import safe_csv
from flows.sources import discover
from flows.steps import Engine, carried_out
from poam.difference import difference
from poam.errors import PoamError, RunError
from poam.ledger import Ledger
from poam.lint import has_errors
from poam.lint import lint as lint_workbook
from poam.policy import load_policy
from poam.report import explanation
from poam.workbook import build_template, convert, read_inventory, read_workbook

app = typer.Typer(
    name="poam",
    help="Scanner exports and last month's FedRAMP POA&M in, the updated workbook and an account "
    "of every change out.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
    add_completion=False,
)
talk = Console(stderr=True)


class TableFormat(StrEnum):
    """How `identify` and `lint` print."""

    TABLE = "table"
    JSON = "json"


class FindingsFormat(StrEnum):
    """How `findings` prints."""

    CSV = "csv"
    JSON = "json"


class DiffFormat(StrEnum):
    """How `diff` prints."""

    TABLE = "table"
    CSV = "csv"
    HTML = "html"


class EditionName(StrEnum):
    """The template editions."""

    V30 = "v3.0"
    V21 = "v2.1"
    REV4 = "rev4"


Scans = Annotated[
    list[str],
    typer.Argument(
        help="Scan files, archives or folders of them; paths or URLs.", show_default=False
    ),
]
Poam = Annotated[
    str, typer.Option(help="Last month's POA&M workbook.", show_default=False, metavar="PATH")
]
Out = Annotated[str | None, typer.Option(help="Where the updated workbook goes.", metavar="PATH")]
Inventory = Annotated[
    str | None, typer.Option(help="Integrated inventory workbook.", metavar="PATH")
]
Kev = Annotated[str | None, typer.Option(help="CISA's KEV catalogue, JSON.", metavar="PATH")]
Nvd = Annotated[
    list[str] | None,
    typer.Option(
        help="NVD JSON 2.0 file, plain or .gz, or a folder of them; may be repeated.",
        metavar="PATH",
    ),
]
Runs = Annotated[str, typer.Option(help="Where run folders go.", metavar="PATH")]
LedgerUrl = Annotated[
    str | None,
    typer.Option(help="Database URL of the memory; ledger.sqlite in RUNS by default."),
]
NoLedger = Annotated[bool, typer.Option("--no-ledger", help="Run without memory.")]
Strict = Annotated[
    bool, typer.Option("--strict", help="Exit with 1 where something needs a person.")
]
Config = Annotated[Path | None, typer.Option(help="The site's conmon.yaml.")]
AsOf = Annotated[
    datetime | None,
    typer.Option(formats=["%Y-%m-%d"], help="The day it speaks for; today by default."),
]
EngineOption = Annotated[Engine, typer.Option("--engine", help="What reads the files.")]
DaskAddress = Annotated[
    str | None,
    typer.Option(help="With --engine dask: the scheduler, tcp://host:8786; else one is started."),
]
Jobs = Annotated[int, typer.Option(help="Files read at a time; 0 is one per processor.", min=0)]


@app.callback()
def settings(
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Say every step.")] = False,
) -> None:
    """Scanner exports and last month's FedRAMP POA&M in, the updated workbook out."""
    handler = RichHandler(console=talk, show_path=False, show_time=False, markup=False)
    handler.setLevel(logging.INFO if verbose else logging.ERROR)
    logging.basicConfig(level=logging.INFO, format="%(message)s", handlers=[handler])


@app.command()
def identify(
    scans: Scans,
    format: Annotated[TableFormat, typer.Option()] = TableFormat.TABLE,
) -> None:
    """Say which parser claims each file."""
    rows = []
    for source in discover(places(scans)):
        try:
            rows.append({"file": source.name, "parser": identified(source).NAME, "refused": ""})
        except PoamError as e:
            rows.append({"file": source.name, "parser": "", "refused": str(e)})
        except DAMAGED as e:
            rows.append({"file": source.name, "parser": "", "refused": damaged(source, e)})
    if format is TableFormat.JSON:
        for row in rows:
            typer.echo(json.dumps(row))
    else:
        width = max(len(row["file"]) for row in rows)
        for row in rows:
            typer.echo(f"{row['file']:{width}}  {row['parser'] or row['refused']}")
    if any(row["refused"] for row in rows):
        raise typer.Exit(1)


@app.command()
def findings(
    scans: Scans,
    format: Annotated[FindingsFormat, typer.Option()] = FindingsFormat.CSV,
    config: Config = None,
) -> None:
    """Print what the files say, one record per detection, informational ones too."""
    policy = load_policy(config)
    parsed = [parse(source, policy) for source in discover(places(scans))]
    frame = findings_frame(parsed, policy)
    if format is FindingsFormat.JSON:
        for row in frame.to_dict("records"):
            typer.echo(json.dumps(row, ensure_ascii=False))
    else:
        lines = frame["cves"].map("\n".join).astype(object)
        typer.echo(safe_csv(frame.assign(cves=lines)), nl=False)
    _refusals([p.refused for p in parsed if p.refused])


@app.command("update")
def update_command(
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
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Decide all, write nothing.")] = False,
    in_place: Annotated[
        bool, typer.Option("--in-place", help="Write over POAM, keeping a backup.")
    ] = False,
    jobs: Jobs = 0,
    engine: EngineOption = Engine.PROCESSES,
    dask_address: DaskAddress = None,
    strict: Strict = False,
) -> None:
    """Update a POA&M workbook from this month's scans."""
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
    with _progress() as progress, carried_out(engine, jobs, dask_address, progress) as steps:
        outcome = update(request, steps)
    _tell(outcome, strict)


@app.command()
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
    with _progress() as progress, carried_out(engine, jobs, dask_address, progress) as steps:
        done = carry(request, steps, _month(since, "--from"), _month(until, "--to"))
    typer.echo(done.table())
    for conflict in done.conflicts:
        typer.echo(str(conflict))
    if done.workbook is not None:
        talk.print(f"Workbook: {done.workbook}", soft_wrap=True, highlight=False)
    _refusals(list(done.refused))


@app.command("reprocess")
def reprocess_command(
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
    with _progress() as progress, carried_out(engine, jobs, dask_address, progress) as steps:
        again = reprocess(place(run), steps, place(out) if out else None, recorded_mappings)
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


@app.command()
def explain(
    poam_id: Annotated[str, typer.Argument(help="The item, V-12 say.", show_default=False)],
    run: Annotated[Path, typer.Option(help="The run's folder.", show_default=False)],
) -> None:
    """Say why an item is as it is after a run."""
    text = explanation(read_decisions(run), poam_id)
    if not text:
        raise RunError(f"{run}: the run decided nothing on {poam_id}.")
    typer.echo(text)


@app.command()
def review(
    run: Annotated[Path, typer.Argument(help="The run's folder.", show_default=False)],
    accept: Annotated[
        list[str] | None, typer.Option(help="The weakness is that item: the doubt's id.")
    ] = None,
    reject: Annotated[list[str] | None, typer.Option(help="It is not: the doubt's id.")] = None,
    by: Annotated[str, typer.Option(help="Whose answer it is.")] = "",
    ledger: Annotated[
        str | None, typer.Option(help="Database URL; ledger.sqlite beside the run by default.")
    ] = None,
    decisions: Annotated[
        Path | None, typer.Option(help="decisions.yaml beside the run by default.")
    ] = None,
) -> None:
    """List a run's doubtful matches, or answer them; later runs keep the answers."""
    doubts = doubts_of(run)
    if not (accept or reject):
        nothing = f"No match is in doubt; what else waits for a person is in {run / 'summary.md'}."
        typer.echo(listing(doubts) if doubts else nothing)
        return
    who = by or getpass.getuser()
    answers = answered(doubts, accept or (), reject or (), who, today(load_policy()))
    book = Ledger(ledger or default_ledger(run.parent))
    try:
        book.record_answers(answers)
    finally:
        book.close()
    file = decisions or run.parent / DECISIONS
    write_decisions_file(file, answers)
    for one in answers:
        said = "is" if one.answer == "accepted" else "is not"
        typer.echo(f"{one.detector} {one.source_identifier} {said} {one.poam_id} ({who})")
    talk.print(f"Kept in {file} and the ledger. Run the update again to apply.", highlight=False)


@app.command()
def lint(
    workbook: Annotated[Path, typer.Argument(help="The POA&M to check.", show_default=False)],
    inventory: Annotated[Path | None, typer.Option(help="Integrated inventory workbook.")] = None,
    previous: Annotated[
        Path | None, typer.Option(help="Last month's workbook, for edits that are forbidden.")
    ] = None,
    as_of: AsOf = None,
    config: Config = None,
    format: Annotated[TableFormat, typer.Option()] = TableFormat.TABLE,
) -> None:
    """Check a POA&M workbook, anyone's, before it is submitted."""
    policy = load_policy(config)
    found = lint_workbook(
        read_workbook(workbook, policy.templates),
        policy,
        as_of.date() if as_of else today(policy),
        read_workbook(previous, policy.templates) if previous else None,
        read_inventory(inventory, policy.assets.inventory) if inventory else None,
    )
    texts = {code.value: check.text for code, check in policy.lint.checks.items()}
    places = {one: f"{one.address} {one.poam_id}".rstrip() for one in found}
    width = max(map(len, places.values()), default=0)
    for one in found:
        if format is TableFormat.JSON:
            row = asdict(one) | {"text": texts[one.code]}
            typer.echo(json.dumps(row, ensure_ascii=False))
        else:
            said = f"{texts[one.code]}: found {one.found}. Expected {one.expected}."
            line = f"{one.level:7}  {one.code}  {places[one]:{width}}  {' '.join(said.split())}"
            typer.echo(line)
    errors = sum(one.level == "error" for one in found)
    talk.print(f"Errors: {errors}, warnings: {len(found) - errors}", highlight=False)
    if has_errors(found):
        raise typer.Exit(1)


@app.command()
def diff(
    old: Annotated[Path, typer.Argument(help="The earlier workbook.", show_default=False)],
    new: Annotated[Path, typer.Argument(help="The later workbook.", show_default=False)],
    format: Annotated[DiffFormat, typer.Option()] = DiffFormat.TABLE,
    out: Annotated[Path | None, typer.Option(help="Write to this new file instead.")] = None,
    config: Config = None,
) -> None:
    """Say what differs between two POA&M workbooks, of any editions, cell by cell."""
    if out is not None and out.exists():
        raise RunError(f"{out}: exists. Expected the name of a new file.")
    layouts = load_policy(config).templates
    found = difference(read_workbook(old, layouts), read_workbook(new, layouts), layouts)
    if format is DiffFormat.CSV:
        text = safe_csv(found.frame())
    else:
        text = diff_page(found) if format is DiffFormat.HTML else diff_table(found)
    if out is None:
        typer.echo(text, nl=False)
    else:
        try:
            out.write_text(text, encoding="utf-8", newline="\n")
        except OSError as e:
            raise RunError(f"{out}: cannot be written ({e.strerror}).") from e
        talk.print(f"Wrote {out}", soft_wrap=True, highlight=False)
    if format is not DiffFormat.TABLE or out is not None:
        for line in (found.summary, *found.notes):
            talk.print(line, markup=False, highlight=False, soft_wrap=True)


@app.command()
def template(
    out: Annotated[Path, typer.Argument(help="The new workbook.", show_default=False)],
    edition: Annotated[EditionName, typer.Option()] = EditionName.V30,
    source: Annotated[
        Path | None,
        typer.Option("--from", help="A POA&M of another edition, whose items come along."),
    ] = None,
    into: Annotated[
        Path | None,
        typer.Option(help="With --from: a blank of the edition to fill, the official one say."),
    ] = None,
) -> None:
    """Write a blank POA&M workbook in an edition's layout, or convert one to it."""
    layouts = load_policy().templates
    if source:
        accounts = convert(source, out, edition.value, layouts, into)
        typer.echo(accounts.table())
        for note in accounts.notes:
            talk.print(note, markup=False, highlight=False, soft_wrap=True)
    elif into:
        raise typer.BadParameter("goes with --from", param_hint="--into")
    elif out.exists():
        raise RunError(f"{out}: exists. Expected the name of a new file.")
    else:
        build_template(out, edition.value, layouts)
    talk.print(f"Wrote {out}", highlight=False)


@app.command("check-mappings")
def check_mappings(
    directory: Annotated[Path | None, typer.Argument(help="Another mappings folder.")] = None,
    config: Config = None,
) -> None:
    """Check the rulebooks, and a site's conmon.yaml over them."""
    policy = load_policy(config, directory)
    typer.echo(f"sound: policy {policy.sha256()}")


@app.command()
def demo(
    folder: Annotated[Path, typer.Option(help="Where the demo works; it is emptied.")] = Path(
        "demo"
    ),
) -> None:
    """Run two months of sample scans through the Prefect flow."""
    os.environ.setdefault("PREFECT_LOGGING_LEVEL", "WARNING")
    from flows.demo import run_demo  # Prefect is imported only where it orchestrates

    with _progress() as progress:
        october, november = run_demo(folder, progress)
    _tell(october, strict=False)
    typer.echo()
    _tell(november, strict=False)


@app.command("run")
def run_flow(
    scans: Scans,
    poam: Poam,
    out: Out = None,
    as_of: AsOf = None,
    inventory: Inventory = None,
    kev: Kev = None,
    nvd: Nvd = None,
    config: Config = None,
    runs: Runs = "runs",
    ledger: Annotated[
        str | None,
        typer.Option(help="Database URL of the memory; ledger.sqlite in RUNS by default."),
    ] = None,
    in_place: Annotated[
        bool, typer.Option("--in-place", help="Write over POAM, keeping a backup.")
    ] = False,
    pause: Annotated[
        bool, typer.Option("--pause", help="Ask about doubtful matches in Prefect's pages, wait.")
    ] = False,
    notify: Annotated[
        list[str] | None,
        typer.Option(
            help="Who is told: an Apprise URL, or env:NAME of a variable; may be repeated.",
            metavar="URL",
        ),
    ] = None,
    dask_address: Annotated[
        str | None, typer.Option(help="Read scans on this Dask cluster.", metavar="TCP://HOST:PORT")
    ] = None,
    strict: Strict = False,
) -> None:
    """Run the monthly Prefect flow now."""
    from flows.conmon import monthly_conmon  # Prefect is imported only where it orchestrates
    from flows.settings import Settings

    settings = Settings(
        inventory=inventory,
        kev=kev,
        nvd=tuple(nvd or ()),
        config=str(config) if config else None,
        runs=runs,
        ledger=ledger,
        notify=tuple(notify or ()),
        engine="dask" if dask_address else "threads",
        dask_address=dask_address,
    )
    outcome = monthly_conmon(
        scans=scans,
        poam=poam,
        out=out,
        as_of=as_of.date() if as_of else None,
        in_place=in_place,
        review="pause" if pause else "queue",
        settings=settings,
    )
    _tell(outcome, strict)


def main() -> None:
    """Run the command line; input a person can mend ends in one sentence and status 1."""
    try:
        app()
    except PoamError as e:
        talk.print(str(e), style="red", markup=False, highlight=False, soft_wrap=True)
        sys.exit(1)


def _tell(outcome: Outcome, strict: bool) -> None:
    report = outcome.report
    typer.echo(report.markdown(), nl=False)
    if outcome.workbook:
        talk.print(f"\nWorkbook: {outcome.workbook}", soft_wrap=True, highlight=False)
        talk.print(f"Account of the run: {outcome.folder}", soft_wrap=True, highlight=False)
    else:
        talk.print("\nDry run: nothing was written.", highlight=False)
    if report.refused or (strict and report.needs_a_person):
        raise typer.Exit(1)


def _refusals(sentences: list[str]) -> None:
    for sentence in sentences:
        talk.print(sentence, style="red", markup=False, highlight=False, soft_wrap=True)
    if sentences:
        raise typer.Exit(1)


@contextmanager
def _progress() -> Iterator[Callable[[str, int, int], None]]:
    """A bar per step on a terminal, silence elsewhere."""
    columns: list[Any] = [TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()]
    bars: dict[str, TaskID] = {}
    with Progress(*columns, console=talk, disable=not talk.is_terminal, transient=True) as progress:

        def advance(name: str, done: int, of: int) -> None:
            if name not in bars:
                bars[name] = progress.add_task(name, total=of)
            progress.update(bars[name], completed=done)

        yield advance


if __name__ == "__main__":
    main()
