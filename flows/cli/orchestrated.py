"""Commands that run under Prefect, which is imported only there."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.cli.options import (
    AsOf,
    Config,
    InPlace,
    Inventory,
    Kev,
    LedgerUrl,
    Nvd,
    Out,
    Poam,
    Runs,
    Scans,
    Strict,
)
from flows.cli.talk import progress_bars, tell

if TYPE_CHECKING:
    from flows.settings import Settings

Pause = Annotated[
    bool, typer.Option("--pause", help="Ask about doubtful matches in Prefect's pages, wait.")
]
Notify = Annotated[
    list[str] | None,
    typer.Option(
        help="Who is told: an Apprise URL, or env:NAME of a variable; may be repeated.",
        metavar="URL",
    ),
]
Cluster = Annotated[
    str | None,
    typer.Option(
        "--dask-address", help="Read scans on this Dask cluster.", metavar="TCP://HOST:PORT"
    ),
]


def demo(
    folder: Annotated[Path, typer.Option(help="Where the demo works; it is emptied.")] = Path(
        "demo"
    ),
) -> None:
    """Run two months of sample scans through the Prefect flow."""
    os.environ.setdefault("PREFECT_LOGGING_LEVEL", "WARNING")
    from flows.demo import run_demo

    with progress_bars() as progress:
        october, november = run_demo(folder, progress)
    tell(october, strict=False)
    typer.echo()
    tell(november, strict=False)


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
    ledger: LedgerUrl = None,
    in_place: InPlace = False,
    pause: Pause = False,
    notify: Notify = None,
    dask_address: Cluster = None,
    strict: Strict = False,
) -> None:
    """Run the monthly Prefect flow now."""
    from flows.conmon import monthly_conmon

    outcome = monthly_conmon(
        scans=scans,
        poam=poam,
        out=out,
        as_of=as_of.date() if as_of else None,
        in_place=in_place,
        review="pause" if pause else "queue",
        settings=_settings(inventory, kev, nvd, config, runs, ledger, notify, dask_address),
    )
    tell(outcome, strict)


def serve(
    scans: Annotated[
        list[str] | None,
        typer.Argument(help="What the monthly flow reads.", show_default=False),
    ] = None,
    poam: Annotated[
        str | None, typer.Option(help="Last month's POA&M workbook.", metavar="PATH")
    ] = None,
    out: Out = None,
    inventory: Inventory = None,
    kev: Kev = None,
    nvd: Nvd = None,
    config: Config = None,
    runs: Runs = "runs",
    ledger: LedgerUrl = None,
    in_place: InPlace = False,
    pause: Pause = False,
    notify: Notify = None,
    dask_address: Cluster = None,
    cron: Annotated[
        str | None, typer.Option(help="When the monthly flow runs: '0 6 1 * *' say.")
    ] = None,
    zone: Annotated[str, typer.Option(help="The time zone of --cron.")] = "America/New_York",
) -> None:
    """Offer the flows to a Prefect server, and carry out their runs here until interrupted."""
    from flows import deployments

    settings = _settings(inventory, kev, nvd, config, runs, ledger, notify, dask_address)
    parameters = {
        "scans": scans,
        "poam": poam,
        "out": out,
        "in_place": in_place,
        "review": "pause" if pause else "queue",
        "settings": settings.model_dump(mode="json"),
    }
    given = {name: value for name, value in parameters.items() if value}
    deployments.serve(given, cron, zone)


def _settings(
    inventory: str | None,
    kev: str | None,
    nvd: list[str] | None,
    config: Path | None,
    runs: str,
    ledger: str | None,
    notify: list[str] | None,
    dask_address: str | None,
) -> "Settings":
    from flows.settings import Settings

    return Settings(
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
