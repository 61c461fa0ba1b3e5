"""The command line: `poam -h`. Standard output is for data, standard error for talk.

Exit status: 0 done; 1 input was refused, or something needs a person and `--strict` was given;
2 the command was not understood.

Commands import what they need when they run, so that `poam -h` and `poam identify` start quickly.
"""

import logging
import sys
from collections.abc import Callable
from typing import Annotated

import typer

from flows.cli import account, months, orchestrated, scans, workbooks
from flows.cli.talk import talk
from poam.errors import PoamError

COMMANDS: dict[str, Callable[..., None]] = {
    "identify": scans.identify,
    "findings": scans.findings,
    "update": months.update,
    "backfill": months.backfill,
    "reprocess": months.reprocess,
    "explain": account.explain,
    "review": account.review,
    "package": account.package,
    "lint": workbooks.lint,
    "diff": workbooks.diff,
    "template": workbooks.template,
    "check-mappings": workbooks.check_mappings,
    "demo": orchestrated.demo,
    "run": orchestrated.run_flow,
    "serve": orchestrated.serve,
}

app = typer.Typer(
    name="poam",
    help="Scanner exports and last month's FedRAMP POA&M in, the updated workbook and an account "
    "of every change out.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
    add_completion=False,
)
for name, command in COMMANDS.items():
    app.command(name)(command)


@app.callback()
def settings(
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Say every step.")] = False,
) -> None:
    """Scanner exports and last month's FedRAMP POA&M in, the updated workbook out."""
    from rich.logging import RichHandler

    handler = RichHandler(console=talk, show_path=False, show_time=False, markup=False)
    handler.setLevel(logging.INFO if verbose else logging.ERROR)
    logging.basicConfig(level=logging.INFO, format="%(message)s", handlers=[handler])


def main() -> None:
    """Run the command line; what a person can mend ends in one sentence and status 1."""
    try:
        app(prog_name="poam")
    except PoamError as e:
        talk.print(str(e), style="red", markup=False, highlight=False, soft_wrap=True)
        sys.exit(1)
    except OSError as e:  # a disk that is full, a folder that is read only
        place = f"{e.filename}: " if e.filename else ""
        sentence = f"{place}cannot be used ({e.strerror or e})."
        talk.print(sentence, style="red", markup=False, highlight=False, soft_wrap=True)
        sys.exit(1)
