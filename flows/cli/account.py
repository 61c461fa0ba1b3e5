"""Commands on a run's account."""

import getpass
from pathlib import Path
from typing import Annotated

import typer

from flows.cli.options import LedgerUrl, Runs
from flows.cli.talk import talk


def explain(
    poam_id: Annotated[str, typer.Argument(help="The item, V-12 say.", show_default=False)],
    run: Annotated[
        Path | None, typer.Option(help="One run's folder; else all that the ledger knows.")
    ] = None,
    runs: Runs = "runs",
    ledger: LedgerUrl = None,
) -> None:
    """Say why an item is as it is: after one run, or its story across months."""
    from flows.review import read_decisions
    from flows.told import story_of
    from poam.errors import RunError
    from poam.report import explanation

    if run is None:
        typer.echo(story_of(poam_id, runs, ledger))
        return
    text = explanation(read_decisions(run), poam_id)
    if not text:
        raise RunError(
            f"{run}: the run decided nothing on {poam_id}. Without --run the ledger tells what "
            "others did."
        )
    typer.echo(text)


def package(
    run: Annotated[
        str, typer.Argument(help="The run's folder; with --verify a package.", show_default=False)
    ],
    out: Annotated[Path | None, typer.Option(help="The new archive.")] = None,
    verify: Annotated[
        bool, typer.Option("--verify", help="Hold a package's files against their hashes.")
    ] = False,
) -> None:
    """Put a run, its inputs and its account into one archive, or verify one."""
    from flows.package import check
    from flows.package import package as pack
    from flows.places import place

    if verify:
        found = check(Path(run))
        for sentence in found.wrong:
            talk.print(sentence, style="red", markup=False, highlight=False, soft_wrap=True)
        if found.wrong:
            raise typer.Exit(1)
        typer.echo(f"{found.files} files in order: each is what the run recorded")
    elif out is None:
        raise typer.BadParameter("is missing, or --verify", param_hint="--out")
    else:
        typer.echo(f"{pack(place(run), out)} files in {out}")


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
    from flows.asking import default_ledger
    from flows.pipeline import today
    from flows.review import DECISIONS, answered, doubts_of, keep_answers, listing
    from poam.policy import load_policy

    doubts = doubts_of(run)
    if not (accept or reject):
        nothing = f"No match is in doubt; what else waits for a person is in {run / 'summary.md'}."
        typer.echo(listing(doubts) if doubts else nothing)
        return
    who = by or getpass.getuser()
    answers = answered(doubts, accept or (), reject or (), who, today(load_policy()))
    file = decisions or run.parent / DECISIONS
    keep_answers(answers, ledger or default_ledger(run.parent), file)
    for one in answers:
        said = "is" if one.answer == "accepted" else "is not"
        typer.echo(f"{one.detector} {one.source_identifier} {said} {one.poam_id} ({who})")
    talk.print(f"Kept in {file} and the ledger. Run the update again to apply.", highlight=False)
