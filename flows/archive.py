"""An archive of scans, month by month: what each file belongs to, and one run after another."""

import json
import logging
import re
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from flows.asking import default_ledger
from flows.batch import Batch, Request, read
from flows.history import NOTHING, Conflict, History, conflicts, joined, with_month
from flows.ingest import Parsed
from flows.parts import Store
from flows.pipeline import default_parts, parse, update
from flows.places import Place, copy, sha256
from flows.runs import run_identifier
from flows.staging import staged
from flows.steps import Steps
from poam.errors import RunError
from poam.ledger import Ledger, ledger_file, ledger_url
from poam.model import ChangeKind
from poam.policy import Policy, load_policy
from poam.report import RunReport
from poam.workbook import PoamWorkbook

log = logging.getLogger(__name__)

IN_A_NAME = re.compile(r"(?<!\d)(20\d\d)[-_.]?(0[1-9]|1[0-2])(?!\d{3})")


@dataclass(frozen=True)
class Month:
    """The files of one month. `day` is that of the newest scan: the run speaks for it."""

    day: date
    parsed: tuple[Parsed, ...]

    @property
    def name(self) -> str:
        """The month as `2026-11`."""
        return f"{self.day:%Y-%m}"


@dataclass(frozen=True)
class Carried:
    """What became of a month: its run's report, None where the workbook was past it already.

    `recorded` tells that an earlier backfill had done it.
    """

    month: Month
    report: RunReport | None = None
    recorded: bool = False

    @property
    def words(self) -> str:
        """What the month did, in short."""
        if self.recorded:
            return "done by an earlier backfill"
        if self.report is None:
            return "history: first days for the ledger, no change to the workbook"
        counts = self.report.counts
        kinds = (ChangeKind.OPENED, ChangeKind.REOPENED, ChangeKind.UPDATED, ChangeKind.CLOSED)
        said = [f"{counts[kind]} {kind.value}" for kind in kinds if counts[kind]]
        return ", ".join((*said, f"{len(self.report.late)} late"))


@dataclass(frozen=True)
class Backfilled:
    """What a backfill did: its months, where the workbook's dates are doubtful, and the workbook.

    `refused` are the sentences about files that could not be read or dated.
    """

    months: tuple[Carried, ...]
    conflicts: tuple[Conflict, ...]
    refused: tuple[str, ...]
    workbook: Place | None = None

    def table(self) -> str:
        """The months, a line each: the day, the files, what they say and what the run did."""
        lines = []
        for one in self.months:
            detections = sum(p.rows.get("detections", 0) for p in one.month.parsed)
            lines.append(
                f"{one.month.day}  {len(one.month.parsed):4} files  {detections:8,} detections  "
                f"{one.words}"
            )
        return "\n".join(lines)


def months_of(parsed: Iterable[Parsed], store: Store) -> tuple[tuple[Month, ...], tuple[str, ...]]:
    """Sort files into months, the oldest first; and the sentences about those without a date.

    A file's day is that of its newest scan; where it tells none, its name or folder may have the
    month (`2026-03/app.csv`). What only explains identifiers (a KnowledgeBase) goes with each
    month. A file that could not be read goes with the month of its name, or with every one:
    nothing closes for its scanner there.
    """
    by_month: dict[str, list[Parsed]] = defaultdict(list)
    days: dict[str, list[date]] = defaultdict(list)
    everywhere, undated = [], []
    for one in parsed:
        day = store.last_day(one.part) if one.part else None
        named = IN_A_NAME.search(one.file)
        if day is not None:
            by_month[f"{day:%Y-%m}"].append(one)
            days[f"{day:%Y-%m}"].append(day)
        elif named:
            by_month[f"{named[1]}-{named[2]}"].append(one)
        elif one.refused or not (one.rows["detections"] or one.rows["coverage"]):
            everywhere.append(one)
        else:
            undated.append(
                f"{one.file}: found no date in it. Expected one, or its month in the name of the "
                "file or its folder, such as 2026-03/."
            )
    months = [
        Month(max(days[name], default=_last_day(name)), (*by_month[name], *everywhere))
        for name in sorted(by_month)
    ]
    return tuple(months), tuple(undated)


def backfill(
    request: Request[Place], steps: Steps, since: str | None = None, until: str | None = None
) -> Backfilled:
    """Carry a workbook through an archive, each month's output the next one's input.

    `request.scans` is the archive; `since` and `until` are months such as 2026-03. Months up to
    the day that the workbook or the ledger already speaks for are history: they give the ledger
    first days and change no cell. What an earlier backfill did is not done again. A dry run does
    all this in a folder of its own, and throws it away.
    """
    with _rehearsed(request) as asked:
        return _backfill(asked, steps, since, until, request.dry_run)


def _backfill(
    request: Request[Place], steps: Steps, since: str | None, until: str | None, dry_run: bool
) -> Backfilled:
    store = Store(default_parts(request.runs))
    with staged(replace(request, dry_run=True)) as (local, _):
        policy = load_policy(local.config)
        parsed = parse(request.scans, policy, steps, store)
        months, undated = months_of(parsed, store)
        months = tuple(
            m for m in months if (since or "") <= m.name and (until is None or m.name <= until)
        )
        if not months:
            raise RunError("The archive has no file of these months. Expected at least one.")
        first = read(local, policy, (), store.merged([]))
        over, recorded = _behind(months, first, request, policy)
        history = NOTHING
        for month in over:
            batch, found = replace(first, parsed=month.parsed), store.merged(_parts(month))
            history = with_month(history, batch, found, policy, month.day)
            log.info("%s: history, %d files", month.name, len(month.parsed))
    if over and request.ledger:
        _record_history(request, policy, over, history)
    carried = [Carried(month) for month in over]
    workbook = request.poam
    for month in months[len(over) :]:
        last = month is months[-1]
        if month.day in recorded and not last:
            carried.append(Carried(month, recorded=True))
            workbook = recorded[month.day]
            continue
        asked = replace(request, poam=workbook, as_of=month.day, out=request.out if last else None)
        outcome = update(asked, steps, parsed=month.parsed)
        carried.append(Carried(month, outcome.report))
        workbook = outcome.workbook or workbook
    if len(over) == len(months) and request.out is not None:
        copy(request.poam, request.out)
        workbook = request.out
    return Backfilled(
        tuple(carried),
        conflicts(history, first.workbook.items),
        (*undated, *(p.refused for p in parsed if p.refused)),
        None if dry_run else workbook,
    )


def _behind(
    months: Sequence[Month], first: Batch, request: Request[Place], policy: Policy
) -> tuple[tuple[Month, ...], dict[date, Place]]:
    """The months that are history, and the workbooks that an earlier backfill left of others.

    What the ledger knows is no reason to call a month history where an earlier backfill, cut
    short perhaps, put it there.
    """
    stated, latest = _stated(first.workbook), first.recalled.latest
    over = tuple(m for m in months if stated and m.day <= stated)
    recorded: dict[date, Place] = {}
    workbook = request.poam
    rules = policy.sha256()
    for month in months[len(over) :]:
        found = _recorded(request, month, workbook, rules)
        if found is None:
            break
        recorded[month.day] = workbook = found
    if not recorded:
        over = tuple(m for m in months if m in over or (latest and m.day <= latest))
    return over, recorded


def _recorded(request: Request[Place], month: Month, workbook: Place, rules: str) -> Place | None:
    """The workbook of an earlier run of this month on the same inputs; None where there is none.

    `rules` is the policy's SHA-256.
    """
    if not request.runs.is_dir():
        return None
    wanted = sorted(one.sha256 for one in month.parsed)
    for folder in request.runs.iterdir():
        if not folder.name.startswith(f"{month.day}-") or not (folder / "manifest.json").is_file():
            continue
        told = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        same = (
            sorted(scan["sha256"] for scan in told["scans"]) == wanted
            and told["policy_sha256"] == rules
            and told["inputs"].get(f"poam: {workbook.name}") == sha256(workbook)
        )
        found = folder / workbook.name
        if same and found.is_file() and sha256(found) == told["outputs"].get(found.name):
            return found
    return None


def _stated(workbook: PoamWorkbook) -> date | None:
    """The workbook's POA&M date, else the newest day on which an item was seen or changed."""
    try:
        return date.fromisoformat(workbook.metadata.get("poam_date", ""))
    except ValueError:
        columns = workbook.items[["original_detection_date", "status_date"]]
        return max((day for day in columns.stack() if isinstance(day, date)), default=None)


def _record_history(
    request: Request[Place], policy: Policy, over: Sequence[Month], history: History
) -> None:
    """Give the ledger the first days of history; once more changes nothing."""
    hashes = {f"scan: {one.file}": one.sha256 for month in over for one in month.parsed}
    row = {
        "run_id": f"history-{run_identifier(over[-1].day, hashes, policy)}",
        "as_of": over[-1].day,
        "policy_sha256": policy.sha256(),
        "inputs": hashes,
        "counts": {},
    }
    with staged(replace(request, dry_run=False)) as (local, _):
        ledger = Ledger(local.ledger or "")
        try:
            with ledger.alone():
                ledger.record(row, [], joined(ledger.recall().memory, history.memory))
        finally:
            ledger.close()


def _parts(month: Month) -> list[str]:
    return [one.part for one in month.parsed if one.part]


def _last_day(name: str) -> date:
    """The last day of a month whose files tell none."""
    year, month = map(int, name.split("-"))
    following = date(year + month // 12, month % 12 + 1, 1)
    return date.fromordinal(following.toordinal() - 1)


@contextmanager
def _rehearsed(request: Request[Place]) -> Iterator[Request[Place]]:
    """The request itself, or for a dry run one that does the same where nothing is kept."""
    if not request.dry_run:
        yield request
        return
    with tempfile.TemporaryDirectory(prefix="conmon-poam-") as name, staged(request) as (local, _):
        folder = Path(name)
        runs = folder / "runs"
        runs.mkdir()
        ledger = None
        if local.ledger is not None:
            there = ledger_file(ledger_url(local.ledger))
            if there is None:
                raise RunError(
                    "--dry-run: found a ledger on a server. Expected a SQLite file, or "
                    "--no-ledger: a rehearsal of months needs a copy of its own."
                )
            ledger = default_ledger(runs)
            if there.exists():
                copy(there, runs / "ledger.sqlite")
        yield replace(
            local,
            runs=runs,
            ledger=ledger,
            out=None,
            dry_run=False,
            decisions=local.decisions or local.runs / "decisions.yaml",
        )
