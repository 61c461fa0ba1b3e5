"""What a run is asked to do, and everything it reads before it decides."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import pandas as pd

from flows.ingest import Parsed
from flows.review import DECISIONS, read_decisions_file
from poam.answers import Answer
from poam.kev import KevCatalogue, read_kev
from poam.ledger import Ledger, Recalled, ledger_exists, memory_frame
from poam.nvd import read_nvd
from poam.policy import Policy
from poam.workbook import PoamWorkbook, read_inventory, read_workbook

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Request:
    """What a run is asked to do. Paths as given; `as_of` is the only clock.

    `out` None leaves the updated workbook in the run folder only; `ledger` is a database URL, None
    for a run without memory; `dry_run` decides everything and writes nothing.
    """

    scans: tuple[Path, ...]
    poam: Path
    as_of: date
    out: Path | None = None
    inventory: Path | None = None
    kev: Path | None = None
    config: Path | None = None
    runs: Path = Path("runs")
    ledger: str | None = None
    decisions: Path | None = None
    dry_run: bool = False
    in_place: bool = False
    nvd: tuple[Path, ...] = ()


@dataclass(frozen=True)
class Batch:
    """Everything read, nothing decided yet."""

    parsed: tuple[Parsed, ...]
    workbook: PoamWorkbook
    inventory: pd.DataFrame | None
    kev: KevCatalogue | None
    recalled: Recalled
    answers: tuple[Answer, ...] = ()
    nvd: Mapping[str, float] = field(default_factory=dict)

    @property
    def refused(self) -> tuple[str, ...]:
        """The sentences about files that could not be read."""
        return tuple(parsed.refused for parsed in self.parsed if parsed.refused)


def read(request: Request, policy: Policy, parsed: tuple[Parsed, ...]) -> Batch:
    """Read everything else that a run needs. Raises PoamError where one of them cannot be used."""
    recalled = _recalled(request)
    answered = read_decisions_file(request.decisions or request.runs / DECISIONS)
    return Batch(
        parsed=parsed,
        workbook=read_workbook(request.poam, policy.templates),
        inventory=(
            read_inventory(request.inventory, policy.assets.inventory)
            if request.inventory
            else None
        ),
        kev=read_kev(request.kev) if request.kev else None,
        recalled=recalled,
        answers=(*recalled.answers, *answered),
        nvd=_nvd_scores(request, policy, parsed),
    )


def _nvd_scores(
    request: Request, policy: Policy, parsed: tuple[Parsed, ...]
) -> Mapping[str, float]:
    """NVD's scores of the CVEs that the scans name; none without a file."""
    if not request.nvd:
        return {}
    if "nvd_cvss3" not in policy.severity.precedence:
        log.warning("severity.precedence is without nvd_cvss3: the NVD files rate nothing")
    lists = (p.tables.definitions["cves"] for p in parsed if p.tables is not None)
    return read_nvd(request.nvd, {cve for cves in lists for some in cves for cve in some})


def _recalled(request: Request) -> Recalled:
    """What the ledger knows; nothing without a ledger."""
    if request.ledger is None or (request.dry_run and not ledger_exists(request.ledger)):
        return Recalled(memory_frame())
    ledger = Ledger(request.ledger)
    try:
        return ledger.recall()
    finally:
        ledger.close()
