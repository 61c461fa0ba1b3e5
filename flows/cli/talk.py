"""What commands say beside their data: progress, refusals, the account of a run."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console

if TYPE_CHECKING:
    from flows.pipeline import Outcome

talk = Console(stderr=True)


def tell(outcome: "Outcome", strict: bool) -> None:
    """Print what a run did. Exits with 1 where a file was refused, or `strict` asks for it."""
    report = outcome.report
    typer.echo(report.markdown(), nl=False)
    if outcome.workbook:
        talk.print(f"\nWorkbook: {outcome.workbook}", soft_wrap=True, highlight=False)
        talk.print(f"Account of the run: {outcome.folder}", soft_wrap=True, highlight=False)
    else:
        talk.print("\nDry run: nothing was written.", highlight=False)
    if report.refused or (strict and report.needs_a_person):
        raise typer.Exit(1)


def refuse(sentences: list[str]) -> None:
    """Print why files were refused, and exit with 1 where any was."""
    for sentence in sentences:
        talk.print(sentence, style="red", markup=False, highlight=False, soft_wrap=True)
    if sentences:
        raise typer.Exit(1)


@contextmanager
def progress_bars() -> Iterator[Callable[[str, int, int], None]]:
    """A bar per step on a terminal, silence elsewhere."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn

    columns: list[Any] = [TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()]
    bars: dict[str, TaskID] = {}
    with Progress(*columns, console=talk, disable=not talk.is_terminal, transient=True) as progress:

        def advance(name: str, done: int, of: int) -> None:
            if name not in bars:
                bars[name] = progress.add_task(name, total=of)
            progress.update(bars[name], completed=done)

        yield advance
