"""The monthly run, step by step: everything is decided before anything is written."""

import logging
import shutil
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import partial
from pathlib import Path

import pandas as pd
from filelock import FileLock, Timeout

from flows.ingest import Parsed, parse
from flows.review import DECISIONS, answers_sha256, read_decisions_file
from flows.runlog import recorded
from flows.runs import RunFolder, run_identifier, sha256
from flows.sources import discover
from flows.steps import Steps
from poam.answers import Answer, standing
from poam.assets import asset_index, identified, recorded_lines, with_assets
from poam.changes import ChangeSet
from poam.correlate import Correlator
from poam.dedupe import sightings, weaknesses, with_parameters
from poam.errors import RunError
from poam.frames import merged
from poam.kev import KevCatalogue, read_kev
from poam.ledger import Ledger, clean_days, ledger_exists, memory_frame, remembered
from poam.model import ChangeKind, Sheet
from poam.nvd import nvd_files, read_nvd
from poam.opening import Edition
from poam.policy import Policy, load_policy
from poam.proof import scan_record
from poam.reconcile import Reconciler
from poam.report import RunReport, change_records, run_report
from poam.severity import rate
from poam.twins import fold
from poam.workbook import (
    PoamWorkbook,
    RowAddition,
    RowMove,
    RowUpdate,
    WorkbookEdits,
    read_inventory,
    read_workbook,
    write_workbook,
)

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
    memory: pd.DataFrame
    answers: tuple[Answer, ...] = ()
    asset_ids: Mapping[str, str] = field(default_factory=dict)
    nvd: Mapping[str, float] = field(default_factory=dict)

    @property
    def refused(self) -> tuple[str, ...]:
        """The sentences about files that could not be read."""
        return tuple(parsed.refused for parsed in self.parsed if parsed.refused)


@dataclass(frozen=True)
class Outcome:
    """What a run did: its report, its folder and workbook (None after a dry run), its changes."""

    report: RunReport
    changes: ChangeSet
    folder: Path | None = None
    workbook: Path | None = None


def today(config: Path | None = None) -> date:
    """The day it is in the site's time zone."""
    return datetime.now(load_policy(config).zone).date()


def default_ledger(runs: Path) -> str:
    """The database URL of the memory that lies with the run folders."""
    return f"sqlite:///{(runs / 'ledger.sqlite').as_posix()}"


def update(request: Request, steps: Steps) -> Outcome:
    """Carry out a run: read, decide, then write the workbook, the ledger and the account.

    Raises PoamError before anything is written where the workbook, the inventory, the catalogue or
    the policy cannot be used, or where another run holds the workbook. Scan files that cannot
    be read do not stop a run: they are named in the report, and nothing closes for their scanners.
    """
    with recorded() as lines:
        outcome = _update(request, steps)
    if outcome.folder is not None:
        (outcome.folder / "run.log").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return outcome


def _update(request: Request, steps: Steps) -> Outcome:
    target = _target(request)
    policy = load_policy(request.config)
    sources = discover(request.scans)
    parsed = _once(steps.map("parse", partial(parse, policy=policy), sources))
    for result in parsed:
        _say(result)
    with _alone(target or request.poam, request.dry_run):
        batch = steps.run("read", partial(_read, request, policy, parsed))
        changes, coverage = steps.run("decide", partial(decide, batch, policy, request.as_of))
        folder = _folder(request, batch, policy)
        report = _report(request, batch, changes, folder.run_id)
        if request.dry_run:
            return Outcome(report, changes)
        write = partial(_write, request, batch, changes, coverage, report, folder, policy, target)
        workbook = steps.run("write", write)
    return Outcome(report, changes, folder.path, workbook)


def decide(batch: Batch, policy: Policy, as_of: date) -> tuple[ChangeSet, pd.DataFrame]:
    """The change set of a batch, and its coverage with asset identifiers. Pure.

    The change set's notices say which people's answers do not stand any more.
    """
    found = merged([p.tables for p in batch.parsed if p.tables is not None])
    index = asset_index(found.coverage, batch.inventory, policy.assets, batch.asset_ids)
    found = with_assets(found, index, policy.assets)
    known = _renamed(batch.memory, index.identifier)
    detections = with_parameters(found.detections, found.definitions, policy)
    seen = sightings(detections, found.coverage, known, as_of, policy)
    rated = rate(weaknesses(seen, found.definitions, policy), policy, batch.nvd)
    items = batch.workbook.items
    answers, notices = standing(batch.answers, items)
    correlator = Correlator(items, index, policy, answers=answers)
    links = correlator.links(rated, seen)
    twins = correlator.twins(rated, seen, links)
    folded = fold(rated, seen, twins, as_of)
    failed: dict[str, tuple[str, ...]] = {}
    for parsed in batch.parsed:
        for detector in (parsed.detectors or ("",)) if parsed.refused else ():
            failed[detector] = (*failed.get(detector, ()), parsed.file)
    reconciler = Reconciler(
        as_of=as_of,
        policy=policy,
        edition=_edition(batch.workbook, policy),
        index=index,
        record=scan_record(found.coverage, seen, known, failed, policy),
        kev=batch.kev,
        recorded=recorded_lines(known),
        clean_days=clean_days(known),
    )
    changes = reconciler.decide(items, folded.weaknesses, folded.sightings, links)
    whole = folded.membership(changes.membership, seen)
    return replace(changes, membership=whole, notices=(*notices, *index.notices)), found.coverage


def edits(changes: ChangeSet, as_of: date) -> WorkbookEdits:
    """The change set as the cells and rows that the workbook writer sets."""
    updated = changes.of(ChangeKind.UPDATED)
    closed = changes.of(ChangeKind.CLOSED)
    opened = changes.of(ChangeKind.OPENED)
    return WorkbookEdits(
        updates=tuple(RowUpdate(d.sheet, d.row or 0, d.after) for d in updated),
        additions=tuple(RowAddition(d.sheet, d.after) for d in opened),
        moves=tuple(RowMove(d.sheet, d.row or 0, d.to_sheet or d.sheet, d.after) for d in closed),
        poam_date=as_of,
    )


def _say(parsed: Parsed) -> None:
    if parsed.tables is None:
        log.error("%s", parsed.refused)
        return
    detections, assets = len(parsed.tables.detections), len(parsed.tables.coverage)
    log.info("%s: %s, %d detections on %d assets", parsed.file, parsed.parser, detections, assets)


def _read(request: Request, policy: Policy, parsed: tuple[Parsed, ...]) -> Batch:
    memory, kept, asset_ids = _remembered(request)
    return Batch(
        parsed=parsed,
        workbook=read_workbook(request.poam, policy.templates),
        inventory=(
            read_inventory(request.inventory, policy.assets.inventory)
            if request.inventory
            else None
        ),
        kev=read_kev(request.kev) if request.kev else None,
        memory=memory,
        answers=(*kept, *read_decisions_file(request.decisions or request.runs / DECISIONS)),
        asset_ids=asset_ids,
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


def _remembered(request: Request) -> tuple[pd.DataFrame, tuple[Answer, ...], dict[str, str]]:
    """The ledger's memory, its answers and asset ids; none of them without a ledger."""
    if request.ledger is None or (request.dry_run and not ledger_exists(request.ledger)):
        return memory_frame(), (), {}
    ledger = Ledger(request.ledger)
    try:
        return ledger.memory(), ledger.answers(), ledger.asset_ids()
    finally:
        ledger.close()


def _write(
    request: Request,
    batch: Batch,
    changes: ChangeSet,
    coverage: pd.DataFrame,
    report: RunReport,
    folder: RunFolder,
    policy: Policy,
    target: Path | None,
) -> Path:
    """Workbook first into the run folder, then the ledger, then the target: each whole or not."""
    folder.create()
    workbook = folder.path / (target or request.poam).name
    notes = write_workbook(request.poam, workbook, edits(changes, request.as_of), policy.templates)
    folder.write_account(replace(report, notes=(*report.notes, *notes)), changes, coverage)
    with _beside(target, workbook, folder.run_id) as put_in_place:
        if request.ledger:
            ledger = Ledger(request.ledger)
            ledger.record(
                folder.ledger_row(report),
                _ledger_changes(changes),
                remembered(batch.memory, changes.membership, changes.cleaned),
                identified(coverage),
            )
            ledger.close()
        put_in_place()
    if target is not None:
        folder.write_manifest(target)
    return target or workbook


@contextmanager
def _beside(target: Path | None, workbook: Path, run_id: str) -> Iterator[Callable[[], None]]:
    """Copy the workbook beside its target first; what is left to do then cannot fill a disk."""
    if target is None:
        yield lambda: None
        return
    temporary = target.with_name(f".{target.name}.{run_id}.partial")

    def put_in_place() -> None:
        backup = target.with_name(f"{target.stem}.before-{run_id}{target.suffix}")
        if target.exists() and not backup.exists() and sha256(target) != sha256(temporary):
            shutil.copy2(target, backup)
        temporary.replace(target)

    try:
        shutil.copyfile(workbook, temporary)
        yield put_in_place
    except OSError as e:
        raise RunError(f"{target}: cannot be written ({e.strerror}).") from e
    finally:
        temporary.unlink(missing_ok=True)


def _ledger_changes(changes: ChangeSet) -> list[dict[str, object]]:
    columns = ("kind", "poam_id", "field", "before", "after", "because")
    return [
        {**{name: record[name] for name in columns}, "number": number}
        for number, record in enumerate(change_records(changes))
    ]


def _folder(request: Request, batch: Batch, policy: Policy) -> RunFolder:
    inputs = {
        "poam": request.poam,
        "inventory": request.inventory,
        "kev": request.kev,
        "config": request.config,
    }
    hashes = {f"{role}: {path.name}": sha256(path) for role, path in inputs.items() if path}
    hashes |= {f"scan: {parsed.file}": parsed.sha256 for parsed in batch.parsed}
    hashes |= _nvd_hashes(request.nvd)
    if batch.answers:
        hashes["answers"] = answers_sha256(batch.answers)
    run_id = run_identifier(request.as_of, hashes, policy)
    return RunFolder(
        request.runs / run_id, run_id, request.as_of, hashes, policy.sha256(), batch.parsed
    )


def _nvd_hashes(paths: Sequence[Path]) -> dict[str, str]:
    """The SHA-256 of the NVD files by name; files of one name share a line."""
    by_name: dict[str, set[str]] = defaultdict(set)
    for file in nvd_files(paths):
        by_name[f"nvd: {file.name}"].add(sha256(file))
    return {name: " ".join(sorted(digests)) for name, digests in by_name.items()}


def _report(request: Request, batch: Batch, changes: ChangeSet, run_id: str) -> RunReport:
    problems = tuple(
        f"{problem.address}: found {problem.found}. Expected {problem.expected}. Left as it is."
        for problem in batch.workbook.problems
    )
    return run_report(
        run_id,
        request.as_of,
        len(batch.parsed),
        changes,
        batch.workbook.items,
        batch.refused,
        (*changes.notices, *problems),
    )


def _target(request: Request) -> Path | None:
    if not request.poam.is_file():
        raise RunError(f"{request.poam}: there is no such file. Expected a POA&M workbook.")
    if request.in_place:
        if request.out is not None:
            raise RunError("--in-place and --out: found both. Expected one of them.")
        return request.poam
    out = request.out
    if out is None:
        return None
    if out.is_dir() or not out.parent.is_dir():
        raise RunError(f"{out}: is no place for a file. Expected a name in a folder that exists.")
    if out.exists() and out.samefile(request.poam):
        raise RunError(
            f"{out}: is the input workbook. Expected another name, or --in-place, which keeps a "
            "backup."
        )
    if out.suffix.lower() != request.poam.suffix.lower():
        raise RunError(
            f"{out}: found {out.suffix}. Expected {request.poam.suffix} as the input has."
        )
    return out


@contextmanager
def _alone(path: Path, dry_run: bool) -> Iterator[None]:
    """Hold the workbook against other runs; a dry run writes nothing and needs no lock."""
    if dry_run:
        yield
        return
    try:
        file = path.with_name(f".{path.name}.lock")
        with FileLock(file, timeout=0):
            yield
            with suppress(OSError):  # Windows keeps a file that is open
                file.unlink()
    except Timeout as e:
        raise RunError(f"{path}: another run is writing it. Try again when it is done.") from e


def _once(parsed: list[Parsed]) -> tuple[Parsed, ...]:
    """The same bytes handed in twice count once."""
    by_hash: dict[str, Parsed] = {}
    for result in parsed:
        first = by_hash.setdefault(result.sha256 or result.file, result)
        if first is not result:
            log.warning("%s is the same file as %s; it counts once", result.file, first.file)
    return tuple(by_hash.values())


def _renamed(memory: pd.DataFrame, identifier: Callable[[str], str]) -> pd.DataFrame:
    """The ledger's asset names as this batch's identities know them."""
    names = {name: identifier(name) for name in memory["asset_identifier"].unique()}
    return memory.assign(asset_identifier=memory["asset_identifier"].map(names).astype("str"))


def _edition(workbook: PoamWorkbook, policy: Policy) -> Edition:
    edition = policy.templates.editions[workbook.edition]
    fields = frozenset(
        column for column in workbook.items.columns if workbook.has_field("open", column)
    )
    sheets = frozenset(sheet for sheet in Sheet if workbook.has_field(sheet, "poam_id"))
    return Edition(fields, sheets, edition.no_adjusted_rating, edition.no_kev)
