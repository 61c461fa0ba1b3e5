"""Options that several commands have."""

from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from flows.steps import Engine


class TableFormat(StrEnum):
    """How `identify` and `lint` print."""

    TABLE = "table"
    JSON = "json"


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
DryRun = Annotated[bool, typer.Option("--dry-run", help="Decide all, write nothing.")]
InPlace = Annotated[bool, typer.Option("--in-place", help="Write over POAM, keeping a backup.")]
