"""The monthly run, step by step: everything is decided before anything is written."""

import logging
import shutil
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import partial
from pathlib import Path

from filelock import FileLock, Timeout

from flows.batch import Batch, Request, read
from flows.figures import log_line, mapped, ran
from flows.garbage import seldom_collected
from flows.ingest import Conventions, Parsed, parse_into
from flows.parts import Store
from flows.places import Place, sha256
from flows.plan import Month, Plan, decide, dedupe
from flows.recording import Given, keep_given, keep_request
from flows.report_files import write_report
from flows.review import answers_sha256
from flows.runlog import SCANS, recorded
from flows.runs import RunFolder, run_identifier
from flows.sources import discover
from flows.staging import staged
from flows.steps import Steps
from poam.assets import identified
from poam.changes import ChangeSet
from poam.errors import RunError
from poam.ledger import Ledger, Recalled, remembered
from poam.model import ChangeKind
from poam.nvd import nvd_files
from poam.policy import Policy, load_policy
from poam.report import RunReport, change_records, run_report
from poam.workbook import (
    RowAddition,
    RowMove,
    RowUpdate,
    WorkbookEdits,
    write_workbook,
)

log = logging.getLogger(__name__)

OWNERS = ("~${}", ".~lock.{}#")
"""What Excel and LibreOffice put beside a workbook that somebody has open, by its name."""


@dataclass(frozen=True)
class Outcome:
    """What a run did: its report, its folder and workbook (None after a dry run), its changes.

    `parsed` are its files.
    """

    report: RunReport
    changes: ChangeSet
    parsed: tuple[Parsed, ...]
    folder: Place | None = None
    workbook: Place | None = None


def default_parts(runs: Place) -> Place:
    """The folder of the run store: what was read once is not read again."""
    return runs / "parsed"


def update(
    request: Request[Place],
    steps: Steps,
    parts: Place | None = None,
    parsed: tuple[Parsed, ...] | None = None,
    given: Given | None = None,
) -> Outcome:
    """Carry out a run: read, decide, then write the workbook, the ledger and the account.

    `parts` is the folder of the run store, beside the run folders where none is given; a dry run
    without one keeps nothing. `parsed` are files that were read into it before, the request's own
    where none are given. `given` takes the place of the mappings and the ledger.

    Raises PoamError before anything is written where the workbook, the inventory, the catalogue or
    the policy cannot be used, or where another run holds the workbook. Scan files that cannot
    be read do not stop a run: they are named in the report, and nothing closes for their scanners.
    """
    with (
        seldom_collected(),
        recorded() as lines,
        staged(request) as (local, staging),
        _store(request, parts) as store,
    ):
        outcome = _update(local, steps, store, parsed, given)
        if isinstance(outcome.folder, Path):
            text = "\n".join(lines) + "\n"
            (outcome.folder / "run.log").write_text(text, encoding="utf-8")
            keep_request(outcome.folder, request, outcome.report.as_of)
    return replace(
        outcome, folder=staging.given(outcome.folder), workbook=staging.given(outcome.workbook)
    )


@contextmanager
def _store(request: Request[Place], parts: Place | None) -> Iterator[Store]:
    if parts is None and request.dry_run:
        with tempfile.TemporaryDirectory(prefix="conmon-poam-") as folder:
            yield Store(Path(folder))
    else:
        yield Store(parts or default_parts(request.runs))


def _update(
    request: Request[Path],
    steps: Steps,
    store: Store,
    parsed: tuple[Parsed, ...] | None,
    given: Given | None,
) -> Outcome:
    target = _target(request)
    if target is not None and not request.dry_run:
        _refuse_open(target)
    policy = given.policy if given else load_policy(request.config)
    as_of = request.as_of or today(policy)
    if parsed is None:
        parsed = parse(request.scans, policy, steps, store)
    else:
        for one in parsed:
            log_line("parse", one)
    with _alone(target or request.poam, request.dry_run), _memory(request) as ledger:
        recalled = given.recalled if given else None
        batch, month = _deduped(request, policy, as_of, steps, store, parsed, recalled)
        plan = ran(steps, "decide", partial(decide, batch, month, policy, as_of))
        del month  # only deciding takes it
        folder = _folder(request, batch, policy, as_of)
        report = _report(request, batch, plan, policy, folder.run_id)
        if request.dry_run:
            return Outcome(report, plan.changes, parsed)
        write = partial(_write, request, batch, plan, report, folder, policy, target, ledger)
        workbook = ran(steps, "write", write)
    return Outcome(report, plan.changes, parsed, folder.path, workbook)


def _deduped(
    request: Request[Path],
    policy: Policy,
    as_of: date,
    steps: Steps,
    store: Store,
    parsed: tuple[Parsed, ...],
    recalled: Recalled | None,
) -> tuple[Batch, Month]:
    """Read what is given. The detections, the most of all that is held, are let go of here."""
    found = ran(steps, "merge", partial(store.merged, [p.part for p in parsed if p.part]))
    batch = ran(steps, "read", partial(read, request, policy, parsed, found, recalled))
    return batch, ran(steps, "dedupe", partial(dedupe, batch, found, policy, as_of))


def parse(scans: Sequence[Place], policy: Policy, steps: Steps, store: Store) -> tuple[Parsed, ...]:
    """Read every scan file into the store, but for those that are there; each content once."""
    read_one = partial(parse_into, conventions=Conventions.of(policy), store=store)
    parsed = _once(mapped(steps, "parse", read_one, discover(scans)))
    for result in parsed:
        _say(result)
    return parsed


def today(policy: Policy) -> date:
    """The day it is in the site's time zone."""
    return datetime.now(policy.zone).date()


def edits(changes: ChangeSet, as_of: date) -> WorkbookEdits:
    """The change set as the cells and rows that the workbook writer sets."""
    updated = changes.of(ChangeKind.UPDATED)
    moved = changes.of(ChangeKind.CLOSED, ChangeKind.REOPENED)
    opened = changes.of(ChangeKind.OPENED)
    return WorkbookEdits(
        updates=tuple(RowUpdate(d.sheet, d.row or 0, d.after) for d in updated),
        additions=tuple(RowAddition(d.sheet, d.after) for d in opened),
        moves=tuple(RowMove(d.sheet, d.row or 0, d.to_sheet or d.sheet, d.after) for d in moved),
        poam_date=as_of,
    )


def _say(parsed: Parsed) -> None:
    if parsed.refused:
        log.error("%s", parsed.refused)
        return
    for level, text in parsed.said:
        logging.getLogger(SCANS).log(level, "%s", text)


def _write(
    request: Request[Path],
    batch: Batch,
    plan: Plan,
    report: RunReport,
    folder: RunFolder,
    policy: Policy,
    target: Path | None,
    ledger: Ledger | None,
) -> Path:
    """Workbook first into the run folder, then the ledger, then the target: each whole or not."""
    changes = plan.changes
    folder.create()
    workbook = folder.path / (target or request.poam).name
    notes = write_workbook(request.poam, workbook, edits(changes, plan.as_of), policy.templates)
    keep_given(folder.path, batch, policy)
    report = replace(report, notes=(*report.notes, *notes))
    write_report(folder.path, report, plan, batch, policy)
    folder.write_account(report, plan)
    with _beside(target, workbook, folder.run_id) as put_in_place:
        if ledger is not None:
            ledger.record(
                folder.ledger_row(report),
                _ledger_changes(changes),
                remembered(batch.recalled.memory, changes.membership, changes.cleaned),
                identified(plan.coverage),
                () if batch.inventory is None else tuple(batch.inventory["identifier"]),
                [trigger.id for trigger in plan.triggers if trigger.fired],
                plan.counts,
            )
        put_in_place()
    if target is not None:
        folder.write_manifest(report, target)
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


def _folder(request: Request[Path], batch: Batch, policy: Policy, as_of: date) -> RunFolder:
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
    run_id = run_identifier(as_of, hashes, policy)
    return RunFolder(request.runs / run_id, run_id, as_of, hashes, policy.sha256(), batch.parsed)


def _nvd_hashes(paths: Sequence[Path]) -> dict[str, str]:
    """The SHA-256 of the NVD files by name; files of one name share a line."""
    by_name: dict[str, set[str]] = defaultdict(set)
    for file in nvd_files(paths):
        by_name[f"nvd: {file.name}"].add(sha256(file))
    return {name: " ".join(sorted(digests)) for name, digests in by_name.items()}


def _report(
    request: Request[Path], batch: Batch, plan: Plan, policy: Policy, run_id: str
) -> RunReport:
    problems = tuple(
        f"{problem.address}: found {problem.found}. Expected {problem.expected}. Left as it is."
        for problem in batch.workbook.problems
    )
    return run_report(
        run_id,
        plan.as_of,
        len(batch.parsed),
        plan.changes,
        plan.open_items,
        batch.refused,
        (*plan.changes.notices, *_without_memory(request, policy), *problems),
        plan.gates,
        plan.triggers,
        plan.submission,
        plan.late_soon,
    )


def _without_memory(request: Request[Path], policy: Policy) -> Iterator[str]:
    """Say what a run without a ledger cannot know."""
    timelines = policy.timelines
    if request.ledger is None and timelines.scope.track == "past_due":
        yield (
            "Only what is late is tracked, and there is no ledger: what the scanner gives no "
            "first-found date for is never late."
        )
    if request.ledger is None and timelines.closing.confirm_scans > 1:
        yield "Closing needs a second scan, and there is no ledger: nothing closes."


def _target(request: Request[Path]) -> Path | None:
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


def _refuse_open(target: Path) -> None:
    """Who has it open would save over what the run writes, and never see it."""
    for owner in (target.with_name(name.format(target.name)) for name in OWNERS):
        if owner.exists():
            raise RunError(
                f"{target}: found {owner.name} beside it, so somebody has it open in a spreadsheet "
                "program. Expected it closed; where nobody has it open, delete that file."
            )


@contextmanager
def _memory(request: Request[Path]) -> Iterator[Ledger | None]:
    """Hold the ledger against other runs, from what is recalled to what is recorded."""
    if request.ledger is None or request.dry_run:
        yield None
        return
    ledger = Ledger(request.ledger)
    try:
        with ledger.alone():
            yield ledger
    finally:
        ledger.close()


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
