"""The account of a run: every decision counted once, every reason in words."""

import json
from datetime import date

import pandas as pd
import pytest

from poam.changes import applied
from poam.layout import FIELD_NAMES
from poam.metrics import open_items
from poam.model import Authenticated, ChangeKind
from poam.report import changes_frame, decisions_json, explanation, review_frame, run_report
from poam.rollup import without_roll_up
from tests.core_support import (
    AS_OF,
    closed,
    definition,
    finding,
    item,
    items,
    memory,
    plan,
    policy,
    run,
    scan,
    seen,
    with_timelines,
)

WORKBOOK = [
    item("V-1"),
    item("V-2", asset_identifier="gone", weakness_source_identifier="10002"),
    item("V-3", asset_identifier="away", weakness_source_identifier="10003"),
    item(
        "V-4",
        asset_identifier="low",
        original_risk_rating="Low",
        scheduled_completion_date=date(2027, 4, 4),
    ),
    closed("V-5", asset_identifier="fp", false_positive="Yes"),
    item("V-6", sheet="configuration", asset_identifier="cfg", weakness_source_identifier="10005"),
]
RECORDS = [
    *seen("web-01", "fp", "new"),
    scan("gone"),
    definition("10004", cvss3_base=None, name="Unrated"),
    finding("new", "10004"),
]


@pytest.fixture(scope="module")
def changes():
    """A run that does one thing of almost every kind."""
    return run(RECORDS, poam=WORKBOOK, known=memory("gone", identifier="10002"))


def report(changes, refused=(), notes=(), as_of=AS_OF, gates=(), poam=WORKBOOK):
    """Return the run's report."""
    left = without_roll_up(applied(items(*poam), changes), policy())
    counted = open_items(left, as_of, policy().timelines)
    return run_report("run-1", as_of, 1, changes, counted, refused, notes, gates)


def test_every_decision_is_counted_once(changes):
    """The counts have every kind, also those that did not happen, and add up."""
    counts = report(changes).counts
    assert set(counts) == {kind.value for kind in ChangeKind}
    assert sum(counts.values()) == len(changes.decisions)
    assert counts == {
        "opened": 2,  # the item that stands for V-6 is one of them
        "reopened": 0,
        "held": 0,
        "updated": 0,
        "closed": 1,
        "unchanged": 1,
        "unverified": 3,
        "suppressed": 1,
        "needs_review": 1,
    }


def test_what_is_open_after_the_run(changes):
    """scenario-17: closed items and configuration findings do not count, new items do."""
    assert report(changes).open_by_rating == {"High": 3, "Moderate": 0, "Low": 1}


@pytest.mark.parametrize(
    ("as_of", "late"),
    [
        pytest.param("2026-11-05", [], id="scenario-39 the due day"),
        pytest.param("2026-11-06", ["V-1", "V-3"], id="scenario-39 the day after"),
        pytest.param("2026-12-04", ["V-1", "V-3", "V-7"], id="the new item too, the latest first"),
    ],
)
def test_late_are_open_items_past_their_date(changes, as_of, late):
    """The due day itself is on time."""
    found = report(changes, as_of=date.fromisoformat(as_of))
    assert [one.poam_id for one in found.late] == late
    assert f"; {len(late)} late." in found.markdown()


@pytest.mark.parametrize(
    ("as_of", "said"),
    [
        pytest.param("2026-11-06", "- V-1, High, due 2026-11-05, 1 day late", id="one day"),
        pytest.param("2026-11-30", "- V-1, High, due 2026-11-05, 25 days late", id="days"),
    ],
)
def test_the_page_lists_what_is_late(changes, as_of, said):
    """Each late item with its line, its date and its days has a line of its own."""
    text = report(changes, as_of=date.fromisoformat(as_of)).markdown()
    late = text.split("## Late\n")[1].split("##")[0]
    assert said in late.splitlines()
    assert "V-2" not in late


def test_the_page_says_why_nothing_excuses():
    """What looks like an excuse and is none stands behind the days."""
    waits = item(vendor_dependency="Yes")
    text = report(run([scan("x")], poam=[waits]), poam=[waits]).markdown()
    said = "25 days late; a vendor dependency does not excuse a High"
    assert f"- V-1, High, due 2026-11-05, {said}\n" in text


def test_what_waits_for_the_same_is_told_once():
    """Unproven absences with equal reasons share a line; another reason has its own."""
    rows = [item("V-1"), item("V-2", weakness_source_identifier="10002")]
    rows += [item("V-3", asset_identifier="web-02")]
    text = report(run([scan("x")], poam=rows), poam=rows).markdown()
    assert "- V-1, V-2 (2): web-01 was not scanned by Nessus\n" in text
    assert "- V-3, Weakness 10001 (Nessus 10001): web-02 was not scanned by Nessus\n" in text


def test_the_page_leaves_the_policy_lines_out():
    """Citations are for `poam explain`; the page has the sentence alone."""
    row = item(operational_requirement="Yes", asset_identifier="gone")
    left = pd.DataFrame({"identifier": ["db-01"], "names": [()], "in_latest_scan": [True]})
    given = {"inventory": left, "inventoried": {"gone": date(2026, 10, 26)}}
    rules = with_timelines(decommissioned="review")
    changes = run([scan("db-01")], poam=[row], rules=rules, **given)
    assert any("[timelines.yaml line" in why for d in changes.decisions for why in d.because)
    text = report(changes, poam=[row]).markdown()
    assert "gone is decommissioned" in text
    assert "[timelines.yaml" not in text


def test_a_gate_begins_with_its_name(changes):
    """Flagged or not; the assets of a flagged one stand behind it."""
    gates = plan([scan("a"), scan("b", authenticated=Authenticated.NO)]).gates
    text = report(changes, gates=gates).markdown()
    section = text.split("## Scan gates\n")[1].split("##")[0].strip()
    for gate, line in zip(gates, section.splitlines(), strict=True):
        name = gate.id.replace("_", " ").capitalize()
        assert line.startswith(f"- **{name}**: " if gate.flagged else f"- {name}: ")
        assert all(host.asset in line for host in gate.hosts if gate.flagged)


def test_needs_a_person(changes):
    """Whatever waits for a decision is said, and only then."""
    assert report(changes).needs_a_person
    assert not report(run(seen("web-01"), poam=WORKBOOK)).needs_a_person


def test_the_page_names_what_waits(changes):
    """Unread files, notes, doubts and unproven absences each have a section."""
    text = report(changes, refused=("bad.nessus: broken.",), notes=("A note.",)).markdown()
    assert text.startswith("# POA&M update as of 2026-11-30\n")
    assert "- **2** opened" in text
    for sentence in ("- bad.nessus: broken.", "- A note.", "- new, Unrated (Nessus 10004)", "V-3"):
        assert sentence in text


def test_the_page_leaves_out_empty_sections():
    """A quiet month is a short page."""
    quiet = [item(scheduled_completion_date=AS_OF)]
    assert "##" not in report(run(seen("web-01"), poam=quiet), poam=quiet).markdown()


def test_changes_are_told_field_by_field(changes):
    """One row for each field that is set, with what stood there; one where none is."""
    frame = changes_frame(changes)
    assert (frame.dtypes == "str").all()
    closing = frame[frame["poam_id"] == "V-2"].set_index("field")
    assert set(closing.index) == {"status_date", "comments"}
    assert closing.loc["status_date", "before"] == "2026-10-06"
    assert closing.loc["status_date", "after"] == "2026-11-30"
    assert set(closing["sheet"]) == {"closed"}
    assert set(frame["field"]) <= {"", *FIELD_NAMES}
    unchanged = frame[frame["kind"] == "unchanged"]
    assert set(unchanged["field"]) == {""}
    assert set(frame["poam_id"]) >= {d.poam_id for d in changes.decisions}
    assert (frame["because"] != "").all()


def test_doubts_have_a_table_of_their_own(changes):
    """Exactly the decisions that wait for a person."""
    (row,) = review_frame(changes).itertuples()
    assert (row.source_identifier, row.weakness_name) == ("10004", "Unrated")
    assert "no rating" in row.because


def test_a_quiet_run_has_empty_tables():
    """No decision, no row, the same columns."""
    quiet = run([scan()])
    assert len(changes_frame(quiet)) == len(review_frame(quiet)) == 0


def test_decisions_are_explained_from_their_record(changes):
    """`poam explain` needs the JSON of a run and nothing else."""
    recorded = json.loads(decisions_json(changes))
    assert len(recorded) == len(changes.decisions)
    text = explanation(recorded, "V-2")
    assert text.startswith("V-2 closed: ")
    assert "because Nessus scanned gone on 2026-11-03" in text
    assert "status_date = 2026-11-30  (was: 2026-10-06)" in text


@pytest.mark.parametrize("poam_id", ["V", "V-22", "", "V-99"])
def test_only_the_item_itself_is_explained(changes, poam_id):
    """V-2 is not V-22, and an item that the run did not meet has no explanation."""
    assert "V-2 closed" not in explanation(json.loads(decisions_json(changes)), poam_id)
