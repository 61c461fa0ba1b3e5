"""Two months of the sample scans: what stays, what moves, what changes and what is new."""

import csv
import gzip
import re
import shutil
import zipfile
from collections import defaultdict

import pytest

from flows.runs import NOT_PROOF
from poam.layout import Owner
from poam.model import ChangeKind, Sheet
from poam.workbook import RowUpdate, WorkbookEdits, read_workbook, write_workbook
from tests.conftest import MONTHS, SAMPLE_SCANS

OCTOBER, NOVEMBER = MONTHS
SEPTEMBER = SAMPLE_SCANS / "poam" / "2026-09.xlsx"
FACTS = {
    "inventory": SAMPLE_SCANS / "inventory" / "inventory.xlsx",
    "kev": SAMPLE_SCANS / "kev" / "known_exploited_vulnerabilities.json",
}
# The table of sample_scans/README.md, "Identifiers that change between the months".
CLOSED = {
    ("Nessus", "192923"),
    ("Nessus", "155999"),
    ("Nessus", "170529"),
    ("Nessus", "57608"),
    ("Nessus", "104743"),
    ("Nessus\nQualys", "104743\n38628"),
    ("Nessus", "42263"),
    ("Nessus", "SSH root login is disabled"),
    ("Nessus", "42873"),  # the row of port 8443; on 443 Qualys and Nessus still see it
    ("Qualys", "241220"),
    ("Qualys", "241222"),  # the row of jump-01; that of web-02 stays
    ("ZAP", "10202"),
    ("ZAP", "90022"),
    ("Nessus", ""),  # the item that stood for the configuration finding, closed with it
}
PARTLY = {
    ("Nessus", "187315"): "heron-edge-01",
    ("Nessus", "173332"): "heron-app-01",
    ("ZAP", "10035-1"): "https://login.heron-records.example.com",
    ("ZAP", "40012"): "https://portal.heron-records.example.com/profile",
}
UNVERIFIED = {
    ("Nessus", "175083"): "heron-app-02",
    ("Nessus", "165459"): "heron-app-02",
    ("Nessus", "161672"): "heron-db-01",
    ("Qualys", "105971"): "heron-win-02",
    ("Qualys", "199206"): "heron-log-01",
}
NEW = {
    ("Nessus", "175439"),
    ("Nessus", "11213"),
    ("Nessus", "134862"),
    ("Nessus", "142960"),
    ("Nessus", "97861"),
    ("Qualys", "38601"),
    ("Qualys", "11827"),
    ("Qualys", "38738"),
    ("ZAP", "10003"),
    ("ZAP", "10054-1"),
    ("ZAP", "10098"),
}
TYPED = {
    "point_of_contact": "Ada Heron",
    "resources_required": "two days, one night window",
    "remediation_plan": "=patch in the next window",
    "milestone_changes": "2026-11-02: moved by a week",
    "deviation_rationale": "none yet\nsecond line",
    "supporting_documents": "HR-17.pdf",
    "service_name": "Heron Records",
}
KEPT = ("original_detection_date", "scheduled_completion_date", "original_risk_rating")


@pytest.fixture(scope="module")
def months(run, month, items_of, policy, tmp_path_factory):
    """Run October, type into every open row as people do, then run November."""
    folder = tmp_path_factory.mktemp("months")
    ledger = f"sqlite:///{(folder / 'ledger.sqlite').as_posix()}"
    first, typed, last = (folder / f"{name}.xlsx" for name in ("first", "typed", "last"))
    facts = {**FACTS, "ledger": ledger}
    run(month(OCTOBER), SEPTEMBER, first, MONTHS[OCTOBER], **facts)
    book = read_workbook(first, policy.templates)
    words = {name: text for name, text in TYPED.items() if book.has_field("open", name)}
    assert all(policy.templates.fields[name].owner is Owner.PERSON for name in words)
    updates = tuple(
        RowUpdate(item.sheet, item.row, words)
        for item in book.items.itertuples()
        if item.sheet == Sheet.OPEN
    )
    write_workbook(first, typed, WorkbookEdits(updates=updates), policy.templates)
    outcome = run(month(NOVEMBER), typed, last, MONTHS[NOVEMBER], **facts)
    return outcome, items_of(typed), items_of(last), words


def keys(items):
    """Return each item's detector and source identifier."""
    pair = zip(items["weakness_detector_source"], items["weakness_source_identifier"], strict=True)
    return set(pair)


def decisions(outcome, kind):
    """Return the detector and source identifier of each decision of a kind."""
    return {(d.detector, d.source_identifier) for d in outcome.changes.of(kind)}


def test_closed_exactly(months):
    """What is gone and covered moves to Closed, no more and no less."""
    outcome, before, after, _ = months
    was_open = before[before["sheet"] != Sheet.CLOSED].index
    moved = after.loc[was_open][after.loc[was_open]["sheet"] == Sheet.CLOSED]
    assert keys(moved) == CLOSED
    assert decisions(outcome, ChangeKind.CLOSED) == CLOSED
    assert len(moved) == len(CLOSED)
    assert set(moved["status_date"]) == {MONTHS[NOVEMBER]}
    assert moved["comments"].str.contains("2026-11-20: Closed. ", regex=False).all()


def test_partly_gone(months):
    """A row that lost some of its assets stays open, without them, and says so."""
    outcome, before, after, _ = months
    assert decisions(outcome, ChangeKind.UPDATED) == set(PARTLY)
    for decision in outcome.changes.of(ChangeKind.UPDATED):
        row = after.loc[decision.poam_id]
        listed = row["asset_identifier"].splitlines()
        gone = set(before.loc[decision.poam_id, "asset_identifier"].splitlines()) - set(listed)
        asset = PARTLY[decision.detector, decision.source_identifier]
        assert row["sheet"] == Sheet.OPEN
        assert listed
        assert gone
        assert all(line.startswith(asset) for line in gone), gone
        assert "2026-11-20: Remediated on " in row["comments"]
    stays = [d for d in outcome.changes.of(ChangeKind.UNCHANGED) if d.source_identifier == "241222"]
    assert [after.loc[d.poam_id, "asset_identifier"] for d in stays] == ["heron-web-02"]


def test_absent_but_not_proven(months):
    """What is gone and was not covered stays as it is, and the summary says why."""
    outcome, before, after, _ = months
    assert decisions(outcome, ChangeKind.UNVERIFIED) == set(UNVERIFIED)
    summary = outcome.report.markdown()
    for decision in outcome.changes.of(ChangeKind.UNVERIFIED):
        assert (
            after.loc[decision.poam_id].drop("row").equals(before.loc[decision.poam_id].drop("row"))
        )
        why = "; ".join(decision.because)
        assert UNVERIFIED[decision.detector, decision.source_identifier] in why
        assert re.search(r"was not scanned by|did not log in fully", why)
        assert why in summary


def test_not_covered_within_a_row(months):
    """The asset of a partly gone row that was not scanned stays listed, with the reason."""
    outcome, _, after, _ = months
    (decision,) = [
        d for d in outcome.changes.of(ChangeKind.UPDATED) if d.source_identifier == "173332"
    ]
    assert after.loc[decision.poam_id, "asset_identifier"].splitlines() == ["heron-db-01"]
    assert "heron-db-01 was not scanned by Nessus" in "; ".join(decision.because)


def test_new_exactly(months):
    """What is new opens with the next numbers; nothing else does."""
    outcome, before, after, _ = months
    new = after.drop(index=before.index)
    assert keys(new) == NEW == decisions(outcome, ChangeKind.OPENED)
    highest = max(int(name.removeprefix("V-")) for name in before.index)
    numbers = sorted(int(name.removeprefix("V-")) for name in new.index)
    assert numbers == list(range(highest + 1, highest + 1 + len(NEW)))
    assert (new["original_detection_date"].astype(str) == "2026-11-16").all()


def test_still_seen_is_kept(months):
    """An item keeps its ID, dates, rating and every word a person typed, wherever it stands."""
    _, before, after, words = months
    assert len(words) >= 5
    assert not set(before.index) - set(after.index)
    for poam_id, was in before.iterrows():
        now = after.loc[poam_id]
        for name in KEPT:
            assert now[name] == was[name] or (was[name] is None and now[name] is None), name
        if was["sheet"] == Sheet.OPEN:
            assert {name: now[name] for name in words} == words
        elif was["sheet"] == Sheet.CLOSED:
            assert now.drop("row").equals(was.drop("row"))


def test_only_what_is_said_changed(months):
    """An item that no decision touches has the same value in every column."""
    outcome, before, after, _ = months
    touched = {d.poam_id for d in outcome.changes.of(ChangeKind.UPDATED, ChangeKind.CLOSED)}
    untouched = before.index.difference(list(touched))
    assert len(untouched) > 20
    for poam_id in untouched:
        assert after.loc[poam_id].drop("row").equals(before.loc[poam_id].drop("row")), poam_id


def test_account(months):
    """The run's folder says every change, and the manifest names every file with its hash."""
    outcome, before, after, _ = months
    with (outcome.folder / "changes.csv").open(encoding="utf-8", newline="") as file:
        kinds = defaultdict(set)
        for row in csv.DictReader(file):
            kinds[row["kind"]].add(row["poam_id"])
    assert kinds["opened"] == set(after.index) - set(before.index)
    assert len(kinds["closed"]) == len(CLOSED)
    manifest = (outcome.folder / "manifest.json").read_text(encoding="utf-8")
    for path in outcome.folder.iterdir():
        assert path.name in manifest or path.name in NOT_PROOF


def october(run, month, out, scans=None, **options):
    """Run October without memory into a folder of its own and return the workbook's bytes."""
    out.parent.mkdir(parents=True)
    outcome = run(scans or month(OCTOBER), SEPTEMBER, out, MONTHS[OCTOBER], **{**FACTS, **options})
    return out.read_bytes(), outcome


@pytest.fixture(scope="module")
def plain(run, month, tmp_path_factory):
    """October's workbook from plain files, to compare others with."""
    return october(run, month, tmp_path_factory.mktemp("plain") / "run" / "POAM.xlsx")


def test_same_run_twice(run, month, plain, tmp_path):
    """The same run gives the same bytes, and its output as input changes nothing."""
    first, _ = plain
    second, _ = october(run, month, tmp_path / "second" / "POAM.xlsx")
    assert second == first
    again = tmp_path / "again.xlsx"
    outcome = run(
        month(OCTOBER), tmp_path / "second" / "POAM.xlsx", again, MONTHS[OCTOBER], **FACTS
    )
    counts = outcome.report.counts
    assert [counts[kind] for kind in ("opened", "updated", "closed")] == [0, 0, 0]
    assert again.read_bytes() == first


def test_order_of_inputs(run, month, plain, tmp_path):
    """The order in which scans are named does not matter."""
    mixed = month(OCTOBER)[::-1]
    mixed[1], mixed[3] = mixed[3], mixed[1]
    assert october(run, month, tmp_path / "x" / "POAM.xlsx", mixed)[0] == plain[0]


def test_same_file_twice(run, month, plain, tmp_path):
    """The same scan handed in twice, under another name too, counts once."""
    scans = month(OCTOBER)
    copy = tmp_path / "copy of october.nessus"
    shutil.copy(next(p for p in scans if p.suffix == ".nessus"), copy)
    content, outcome = october(run, month, tmp_path / "x" / "POAM.xlsx", [*scans, scans[0], copy])
    assert content == plain[0]
    assert outcome.report.files == plain[1].report.files


@pytest.mark.parametrize("shape", ["folder", "gz", "zip"])
def test_packed_inputs(run, month, plain, tmp_path, items_of, shape):
    """Folders, gzipped files and zip archives give what their plain files give."""
    scans = month(OCTOBER)
    box = tmp_path / "box"
    box.mkdir()
    for scan in scans:
        name = f"{scan.parent.name}-{scan.name}"
        if shape == "gz":
            (box / f"{name}.gz").write_bytes(gzip.compress(scan.read_bytes()))
        else:
            shutil.copy(scan, box / name)
    given = [box]
    if shape == "zip":
        archive = tmp_path / "october.zip"
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
            for file in sorted(box.iterdir()):
                packed.write(file, file.name)
        given = [archive]
    content, _ = october(run, month, tmp_path / "x" / "POAM.xlsx", given)
    if content != plain[0]:
        (tmp_path / "plain.xlsx").write_bytes(plain[0])
        now, then = items_of(tmp_path / "x" / "POAM.xlsx"), items_of(tmp_path / "plain.xlsx")
        assert now.equals(then), now.compare(then)
    assert content == plain[0]
