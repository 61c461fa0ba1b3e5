"""Deciding on a batch: everything it changes, and what reviewers count, before a byte is written.

A list of calls to the core; pure.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date

import pandas as pd

from flows.batch import Batch
from poam.answers import in_force
from poam.asset_lines import AssetLine, asset_lines, recorded_lines
from poam.assets import AssetIndex, asset_index, with_assets
from poam.cells import POINTER
from poam.changes import ChangeSet, Decision, applied
from poam.correlate import Correlator
from poam.dedupe import sightings, weaknesses, with_parameters
from poam.deviation_requests import deviation_requests
from poam.frames import Row, Tables, rows
from poam.gates import Gate, gates
from poam.grounds import grounds, status_ground
from poam.identifiers import lists_images, of_images
from poam.ledger import clean_days
from poam.metrics import MonthCounts, OpenItem, month_counts, open_items, scan_counts
from poam.model import ChangeKind, Sheet
from poam.numbering import poam_ids
from poam.opening import Edition
from poam.policy import Policy
from poam.proof import ScanRecord, cleaned_of_no_item, scan_record
from poam.reconcile import Reconciler
from poam.rollup import is_roll_up, roll_up, without_roll_up
from poam.severity import rate
from poam.submission import next_submission
from poam.triggers import PastTrigger, Trigger, triggers
from poam.twins import Folded, fold
from poam.workbook import PoamWorkbook

DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True)
class Month:
    """What the scans of a batch found: its sightings and rated weaknesses, by its own asset names.

    `known` is the ledger's memory by these names, `record` what the scans prove.
    """

    index: AssetIndex
    coverage: pd.DataFrame
    sightings: pd.DataFrame
    weaknesses: pd.DataFrame
    known: pd.DataFrame
    record: ScanRecord


@dataclass(frozen=True)
class Plan:
    """All that a run decided. `open_items` are the workbook's as the run leaves them.

    `coverage` has asset identifiers; `deviation_requests` are the rows of the request form.
    `late_soon` are the items that are on time, and past due on the day of the next `submission`.
    `counts` are what reviewers count of the month.
    """

    as_of: date
    changes: ChangeSet
    coverage: pd.DataFrame
    open_items: tuple[OpenItem, ...]
    gates: tuple[Gate, ...]
    triggers: tuple[Trigger, ...]
    deviation_requests: pd.DataFrame
    submission: date
    late_soon: tuple[OpenItem, ...]
    counts: MonthCounts


def dedupe(batch: Batch, tables: Tables, policy: Policy, as_of: date) -> Month:
    """Gather what the scans of a batch found, as `poam.frames` has it: each place once."""
    index = _index(tables.coverage, batch, policy, as_of)
    found = with_assets(tables, index, policy.assets)
    known = _renamed(batch.recalled.memory, index.identifier)
    detections = with_parameters(found.detections, found.definitions, policy)
    seen = sightings(detections, found.coverage, known, as_of, policy)
    return Month(
        index=index,
        coverage=found.coverage,
        sightings=seen,
        weaknesses=rate(weaknesses(seen, found.definitions, policy), policy, batch.nvd),
        known=known,
        record=scan_record(found.coverage, seen, known, _failed(batch), policy),
    )


def decide(batch: Batch, month: Month, policy: Policy, as_of: date) -> Plan:
    """Hold what the scans of a batch found against its workbook."""
    recalled, workbook = batch.recalled, batch.workbook.items
    index, known, seen, rated = month.index, month.known, month.sightings, month.weaknesses
    edition = _edition(batch.workbook, policy)
    own = without_roll_up(workbook, policy)
    answers, notices = in_force(batch.answers, own)
    links, folded = _correlated(Correlator(own, index, policy, answers=answers), rated, seen)
    cut = own.loc[own["asset_identifier"].str.contains(POINTER, regex=False), "poam_id"]
    reconciler = Reconciler(
        as_of=as_of,
        policy=policy,
        edition=edition,
        index=index,
        record=month.record,
        kev=batch.kev,
        recorded=_attached(batch) | recorded_lines(known[known["poam_id"].isin(cut)]),
        clean_days=clean_days(known),
        poam_ids=tuple(workbook["poam_id"]),
    )
    # A weakness that several scanners see has the CVEs of all: the worst of them rates it.
    whole = rate(folded.weaknesses, policy, batch.nvd)
    changes = reconciler.decide(own, whole, folded.sightings, links)
    after = applied(workbook, changes)
    ids = poam_ids(after["poam_id"], policy.site.poam_id_prefix, as_of)
    rolled_up = roll_up(after, ids, as_of, edition, policy)
    only_late = policy.timelines.scope.track == "past_due"
    held = cleaned_of_no_item(known, seen, month.record) if only_late else ()
    changes = replace(
        changes,
        decisions=(*changes.decisions, *([rolled_up] if rolled_up else ())),
        membership=folded.membership(changes.membership, seen),
        cleaned=(*changes.cleaned, *held),
        notices=(*_doubts(batch, as_of), *notices, *index.notices, *changes.notices),
    )
    left = without_roll_up(after, policy)
    images = frozenset(filter(policy.scans_images, month.coverage["detector"].unique()))
    measured = gates(month.coverage, batch.inventory, index, as_of, policy.gates, images)
    share = next(gate.figure for gate in measured if gate.id == "unauthenticated")
    scanned = scan_counts(rated, seen) if len(month.coverage) else None
    unique = None if scanned is None else int(scanned["unique"].sum())
    past = [PastTrigger(name, day) for name, day in recalled.fired]
    open_now = open_items(left, as_of, policy.timelines)
    items = applied(workbook, changes)
    submission = next_submission(as_of, policy.site.submission_day)
    late = {item.poam_id for item in open_now if item.days_late}
    then = open_items(left, submission, policy.timelines)
    return Plan(
        as_of=as_of,
        changes=_with_grounds(changes, items, as_of, policy),
        coverage=month.coverage,
        open_items=open_now,
        gates=measured,
        triggers=triggers(open_now, unique, share, policy.triggers, as_of, past),
        deviation_requests=deviation_requests(left, whole, as_of, policy),
        submission=submission,
        late_soon=tuple(i for i in then if i.days_late and i.poam_id not in late),
        counts=month_counts(as_of, open_now, scanned, policy.triggers.past_due),
    )


def _correlated(
    correlator: Correlator, rated: pd.DataFrame, seen: pd.DataFrame
) -> tuple[pd.DataFrame, Folded]:
    """Hold the batch against the items, then the new weaknesses against each other."""
    links = correlator.links(rated, seen)
    return links, fold(rated, seen, correlator.twins(rated, seen, links))


def _with_grounds(
    changes: ChangeSet, items: pd.DataFrame, as_of: date, policy: Policy
) -> ChangeSet:
    """Say with every decision on an item what its dates and ratings rest on.

    Why a new item is dated and rated so is said already.
    """
    now = {item.poam_id: item for item in rows(items)}
    return replace(
        changes, decisions=tuple(_grounded(d, now, as_of, policy) for d in changes.decisions)
    )


def _grounded(d: Decision, now: Mapping[str, Row], as_of: date, policy: Policy) -> Decision:
    item = now.get(d.poam_id)
    if item is None:
        return d
    opened, counts = d.kind is ChangeKind.OPENED, not is_roll_up(item, policy)
    if opened or item.sheet == Sheet.CLOSED or not counts:
        return replace(d, grounds=(status_ground(item, policy),))
    return replace(d, grounds=grounds(item, as_of, policy))


def _index(coverage: pd.DataFrame, batch: Batch, policy: Policy, as_of: date) -> AssetIndex:
    return asset_index(
        coverage,
        batch.inventory,
        policy.assets,
        batch.recalled.asset_ids,
        {name: day for name, day in batch.recalled.inventoried.items() if day < as_of},
        _images(coverage, batch, policy),
    )


def _attached(batch: Batch) -> dict[str, tuple[AssetLine, ...]]:
    """The asset lists that earlier runs attached, as lines; what the ledger knows is newer."""
    return {poam_id: asset_lines("\n".join(texts)) for poam_id, texts in batch.attachments.items()}


def _doubts(batch: Batch, as_of: date) -> Iterator[str]:
    """Yield what makes a run other than it may be meant: an old day, a missing inventory."""
    latest, stated = batch.recalled.latest, batch.workbook.metadata.get("poam_date", "")
    if latest and latest > as_of:
        yield f"The ledger knows runs up to {latest}, after this run's day: its memory is later."
    if DAY.fullmatch(stated) and stated > as_of.isoformat():
        yield f"The workbook's POA&M date is {stated}, after this run's day."
    if batch.inventory is None and batch.recalled.inventoried:
        last = max(batch.recalled.inventoried.values())
        yield (
            f"No inventory was given, and the run of {last} had one: assets may go by other names "
            "here, and their weaknesses open again."
        )


def _failed(batch: Batch) -> Mapping[str, tuple[str, ...]]:
    """The files that could not be read, by detector; "" for those of no known one."""
    failed: dict[str, tuple[str, ...]] = {}
    for parsed in batch.parsed:
        for detector in (parsed.detectors or ("",)) if parsed.refused else ():
            failed[detector] = (*failed.get(detector, ()), parsed.file)
    return failed


def _images(
    coverage: pd.DataFrame, batch: Batch, policy: Policy
) -> tuple[frozenset[str], frozenset[str]]:
    """The container images that were scanned, and those that the workbook and the memory list."""
    scanned = of_images(coverage["detector"], policy)
    remembered = of_images(batch.recalled.memory["detector"], policy)
    lines = (
        line.name
        for row in rows(batch.workbook.items)
        if lists_images(row.weakness_detector_source, policy)
        for line in asset_lines(row.asset_identifier, images=True)
    )
    written = {*lines, *batch.recalled.memory.loc[remembered, "asset_identifier"]}
    return frozenset(coverage.loc[scanned, "asset"]), frozenset(written)


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
    return Edition(
        fields, sheets, edition.no_adjusted_rating, edition.no_kev, edition.no_identifier
    )
