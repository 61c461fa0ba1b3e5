"""What a run is asked to do, and everything it reads before it decides."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from glob import escape
from pathlib import Path
from typing import Generic, TypeVar

import pandas as pd

from flows.ingest import Parsed
from flows.places import Place
from flows.review import DECISIONS, read_decisions_file
from poam.answers import Answer
from poam.cells import attached
from poam.frames import Tables
from poam.kev import KevCatalogue, read_kev
from poam.ledger import Ledger, Recalled, ledger_exists, memory_frame
from poam.nvd import read_nvd
from poam.policy import Policy
from poam.workbook import PoamWorkbook, read_inventory, read_workbook

log = logging.getLogger(__name__)
P = TypeVar("P", bound=Place, covariant=True)


@dataclass(frozen=True)
class Request(Generic[P]):
    """What a run is asked to do. `as_of` is the only clock: None is today, where the site is.

    Places are as given: paths or URLs, and but for the scans paths once they are at hand.
    `out` None leaves the updated workbook in the run folder only; `ledger` is a database URL, or
    the place of a SQLite file, None for a run without memory; `dry_run` decides everything and
    writes nothing.
    """

    scans: tuple[Place, ...]
    poam: P
    runs: P
    as_of: date | None = None
    out: P | None = None
    inventory: P | None = None
    kev: P | None = None
    config: P | None = None
    ledger: str | None = None
    decisions: P | None = None
    dry_run: bool = False
    in_place: bool = False
    nvd: tuple[P, ...] = ()


@dataclass(frozen=True)
class Batch:
    """Everything read but what the scans found, nothing decided yet.

    `attachments` are the asset lists that do not fit their cells, by POA&M ID.
    """

    parsed: tuple[Parsed, ...]
    workbook: PoamWorkbook
    inventory: pd.DataFrame | None
    kev: KevCatalogue | None
    recalled: Recalled
    answers: tuple[Answer, ...] = ()
    nvd: Mapping[str, float] = field(default_factory=dict)
    attachments: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def refused(self) -> tuple[str, ...]:
        """The sentences about files that could not be read."""
        return tuple(parsed.refused for parsed in self.parsed if parsed.refused)


def read(
    request: Request[Path],
    policy: Policy,
    parsed: tuple[Parsed, ...],
    found: Tables,
    recalled: Recalled | None = None,
) -> Batch:
    """Read everything else that a run needs. Raises PoamError where one of them cannot be used.

    `found` are the tables of every file that could be read. `recalled` takes the place of the
    ledger and of people's answers since.
    """
    answered: tuple[Answer, ...] = ()
    if recalled is None:
        recalled = _recalled(request)
        answered = read_decisions_file(request.decisions or request.runs / DECISIONS)
    workbook = read_workbook(request.poam, policy.templates)
    return Batch(
        parsed=parsed,
        workbook=workbook,
        inventory=(
            read_inventory(request.inventory, policy.assets.inventory)
            if request.inventory
            else None
        ),
        kev=read_kev(request.kev) if request.kev else None,
        recalled=recalled,
        answers=(*recalled.answers, *answered),
        nvd=_nvd_scores(request, policy, found),
        attachments=_attachments(request, workbook),
    )


def _attachments(request: Request[Path], workbook: PoamWorkbook) -> dict[str, tuple[str, ...]]:
    """The lists that asset cells point at: beside the workbook, or in a run's folder, the newest.

    A file that does not list as many assets as its cell says is of another month.
    """
    found = {}
    for poam_id, cell in workbook.items[["poam_id", "asset_identifier"]].itertuples(index=False):
        if pointer := attached(cell):
            count, name = pointer
            runs = sorted(request.runs.glob(f"*/{escape(name)}"), reverse=True)
            for file in (request.poam.parent / name, *runs):
                lines = _listed(file)
                if len(lines) == count:
                    found[poam_id] = lines
                    break
    return found


def _listed(file: Path) -> tuple[str, ...]:
    """The assets of an attachment, below its header; none where there is no such file."""
    if not file.is_file():
        return ()
    return tuple(line for line in file.read_text(encoding="utf-8").splitlines()[1:] if line)


def _nvd_scores(request: Request[Path], policy: Policy, found: Tables) -> Mapping[str, float]:
    """NVD's scores of the CVEs that the scans name; none without a file."""
    if not request.nvd:
        return {}
    if "nvd_cvss3" not in policy.severity.precedence:
        log.warning("severity.precedence is without nvd_cvss3: the NVD files rate nothing")
    return read_nvd(request.nvd, {cve for cves in found.definitions["cves"] for cve in cves})


def _recalled(request: Request[Path]) -> Recalled:
    """What the ledger knows; nothing without a ledger."""
    if request.ledger is None or (request.dry_run and not ledger_exists(request.ledger)):
        return Recalled(memory_frame())
    ledger = Ledger(request.ledger)
    try:
        return ledger.recall()
    finally:
        ledger.close()
