"""What a person or a schedule asks for, as paths and URLs, to the request of a run."""

from collections.abc import Iterable
from datetime import date
from pathlib import Path

from flows.batch import Request
from flows.places import Place, place, places

Location = str | Path
"""A path, or a URL such as s3://bucket/scans."""


def asked(
    scans: Iterable[Location],
    poam: Location,
    runs: Location,
    as_of: date | None = None,
    *,
    out: Location | None = None,
    inventory: Location | None = None,
    kev: Location | None = None,
    nvd: Iterable[Location] = (),
    config: Location | None = None,
    ledger: str | None = None,
    memory: bool = True,
    decisions: Location | None = None,
    dry_run: bool = False,
    in_place: bool = False,
) -> Request[Place]:
    """A request. Without `ledger` it has that of `runs`.

    `memory` False is a run without a ledger. Raises RunError where a URL cannot be opened.
    """
    folder = place(runs)
    return Request(
        scans=places(scans),
        poam=place(poam),
        runs=folder,
        as_of=as_of,
        out=_maybe(out),
        inventory=_maybe(inventory),
        kev=_maybe(kev),
        config=_maybe(config),
        ledger=(ledger or default_ledger(folder)) if memory else None,
        decisions=_maybe(decisions),
        dry_run=dry_run,
        in_place=in_place,
        nvd=places(nvd),
    )


def default_ledger(runs: Place) -> str:
    """The database URL of the memory that lies with the run folders."""
    return f"sqlite:///{(runs / 'ledger.sqlite').as_posix()}"


def _maybe(text: Location | None) -> Place | None:
    return None if text is None else place(text)
