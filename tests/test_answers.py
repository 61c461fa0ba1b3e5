"""Doubtful matches, and what people answered."""

from datetime import date

import pandas as pd
import pytest

from flows.review import answered, listing, read_decisions_file, write_decisions_file
from poam.answers import Answer, Doubt, doubt_id, fingerprint, in_force, read_answers
from poam.errors import PolicyError, RunError
from poam.frames import rows
from poam.ledger import Ledger
from poam.model import ChangeKind
from tests.core_support import (
    AS_OF,
    finding,
    item,
    items,
    kinds,
    memory,
    only,
    run,
    scan,
    seen,
    with_timelines,
)

REVIEW, OPENED = ChangeKind.NEEDS_REVIEW, ChangeKind.OPENED
# A row of an assessment, which a scanner's finding may be.
MANUAL = item(weakness_detector_source="Security Assessment Report", weakness_source_identifier="")


def the_doubt(row=MANUAL):
    """Return the one doubt of a run in which Nessus 10001 may be the row."""
    (doubt,) = only(run(seen("web-01"), poam=[row]), REVIEW).doubts
    return doubt


def answer(verdict, row=MANUAL, **given):
    """Return a person's answer to that doubt."""
    one = the_doubt(row).answered(verdict, "Ada Heron", AS_OF)
    return one.model_copy(update=given)


def test_a_doubt_has_both_sides():
    """Both sides, the sum and what would settle it are in it, and in the list people read."""
    doubt = the_doubt()
    assert (doubt.poam_id, doubt.source_identifier, doubt.assets) == ("V-1", "10001", ("web-01",))
    assert doubt.evidence.endswith(f"= {doubt.points}")
    assert doubt.settled_by == "Plugin ID 10001 in the row's Weakness Source Identifier"
    text = listing([doubt])
    for told in (doubt.id, doubt.item_name, doubt.item_detector, doubt.evidence, "web-01"):
        assert told in text


def test_an_accepted_answer_links():
    """The weakness is the item: nothing opens for the assets it lists, and nobody is asked."""
    changes = run(seen("web-01"), poam=[MANUAL], answers=[answer("accepted")])
    assert kinds(changes) == [("V-1", "unchanged")]
    assert "Ada Heron on 2026-11-30 said so" in "".join(changes.decisions[0].because)


def test_a_rejected_answer_opens():
    """The weakness is not the item: it opens as new, and nobody is asked again."""
    changes = run(seen("web-01"), poam=[MANUAL], answers=[answer("rejected")])
    assert kinds(changes) == [("V-1", "unchanged"), ("V-2", "opened")]


@pytest.mark.parametrize(
    ("changed", "notice"),
    [
        ({"weakness_name": "Another name"}, "the row has changed"),
        ({"weakness_source_identifier": "10002"}, "the row has changed"),
        ({"poam_id": "V-9"}, "the row is gone"),
    ],
)
def test_an_answer_falls_with_its_row(changed, notice):
    """An answer is about the row as it was; when that changes, it falls, and a notice says so."""
    changes = run(seen("web-01"), poam=[{**MANUAL, **changed}], answers=[answer("accepted")])
    (said,) = changes.notices
    assert said.startswith(
        "Ada Heron's answer of 2026-11-30, that Nessus 10001 is V-1, was dropped"
    )
    assert said.endswith(f"{notice}.")


def test_other_cells_do_not_matter():
    """Dates, assets and comments of a row may change: the answer stands."""
    row = {**MANUAL, "comments": "seen by Bo", "asset_identifier": "web-01\nweb-02"}
    changes = run(seen("web-01"), poam=[row], answers=[answer("accepted")])
    assert changes.notices == ()


def test_the_later_answer_counts():
    """A person may change their mind."""
    frame = items(MANUAL)
    early, late = answer("accepted", when=date(2026, 10, 1)), answer("rejected")
    for order in ([early, late], [late, early]):
        kept, _ = in_force(order, frame)
        assert kept["Nessus", "10001", "V-1"].answer == "rejected"


def test_an_identifier_needs_no_answer():
    """Rejecting a row that carries the weakness's own number changes nothing."""
    row = item()
    (record,) = rows(items(row))
    no = Answer(
        detector="Nessus",
        source_identifier="10001",
        poam_id="V-1",
        answer="rejected",
        who="Bo",
        when=AS_OF,
        item=fingerprint(record),
    )
    assert kinds(run(seen("web-01"), poam=[row], answers=[no])) == [("V-1", "unchanged")]


def test_ids_are_the_same_in_every_run():
    """A doubt is named by what it is about."""
    assert the_doubt().id == doubt_id("Nessus", "10001", "V-1")
    assert the_doubt({**MANUAL, "comments": "x"}).id == the_doubt().id


@pytest.mark.parametrize(
    ("accept", "reject", "said"),
    [
        (["nope"], [], "nope: found no such doubt. Expected one of "),
        (["ID"], ["ID"], "found it accepted and rejected"),
    ],
)
def test_answers_that_cannot_be(accept, reject, said):
    """An unknown doubt, or one answered both ways, is refused."""
    doubt = the_doubt()
    named = [[doubt.id if x == "ID" else x for x in ids] for ids in (accept, reject)]
    with pytest.raises(RunError, match=said):
        answered([doubt], *named, "Bo", AS_OF)


def test_the_file_is_made_to_be_versioned(tmp_path):
    """One line per answer, in order; a changed mind changes its line."""
    path = tmp_path / "decisions.yaml"
    first, other = answer("accepted"), answer("rejected", poam_id="V-0")
    write_decisions_file(path, [first])
    write_decisions_file(path, [other])
    assert read_decisions_file(path) == (other, first)
    changed = first.model_copy(update={"answer": "rejected"})
    write_decisions_file(path, [changed])
    assert read_decisions_file(path) == (other, changed)
    assert len(path.read_text("utf-8").splitlines()) == 5


def test_a_file_that_is_none():
    """What is no answer is named with its place."""
    with pytest.raises(PolicyError, match=r"decisions.yaml, answers.0.answer: found 'maybe'"):
        read_answers(
            {"answers": [answer("accepted").model_dump() | {"answer": "maybe"}]}, "decisions.yaml"
        )


def test_the_ledger_keeps_answers(tmp_path):
    """Answers outlive the program; one about the same takes the earlier one's place."""
    url = f"sqlite:///{(tmp_path / 'ledger.sqlite').as_posix()}"
    for verdict in ("accepted", "rejected"):
        book = Ledger(url)
        book.record_answers([answer(verdict)])
        book.close()
    book = Ledger(url)
    assert book.answers() == (answer("rejected"),)
    book.close()


# What two scanners find in one place


def tls():
    """Return two scans of one weakness on port 443: Nessus' and Qualys'."""
    port = {"port": 443, "protocol": "tcp"}
    nessus = seen("web-01", identifier="104743", **port)
    return nessus, seen("web-01", identifier="38628", detector="Qualys", **port)


def test_two_scanners_one_item():
    """A new weakness that two scanners see in one place is one item, which names both."""
    nessus, qualys = tls()
    changes = run(nessus, qualys)
    decision = only(changes, OPENED)
    assert decision.source_identifier == "104743"
    assert (
        "Qualys 38628 finds the same weakness: same class tls_1_0 (70)"
        in decision.after["comments"]
    )
    assert decision.after["weakness_detector_source"] == "Nessus\nQualys"
    assert decision.after["weakness_source_identifier"] == "104743\n38628"
    assert set(changes.membership["poam_id"]) == {"V-1"}


def test_what_one_scanner_sees_elsewhere():
    """A place that only the other scanner sees is an item of that scanner."""
    nessus, qualys = tls()
    more = [
        finding("web-02", "38628", detector="Qualys", port=443),
        scan("web-02", detector="Qualys"),
    ]
    changes = run(nessus, [*qualys, *more])
    opened = {d.source_identifier: d.after["asset_identifier"] for d in changes.of(OPENED)}
    assert opened == {"104743": "web-01 (443/tcp)", "38628": "web-02 (443)"}


def test_the_next_month_says_nothing_new():
    """The item of two scanners takes the sightings of both; the second run changes nothing."""
    nessus, qualys = tls()
    row = only(run(nessus, qualys), OPENED).after
    changes = run(nessus, qualys, poam=[item(**row)])
    assert kinds(changes) == [("V-1", "unchanged")]
    assert set(changes.membership["poam_id"]) == {"V-1"}


def test_the_item_of_one_scanner_names_the_other():
    """A row of Nessus alone takes what Qualys sees there, and says once by what."""
    nessus, qualys = tls()
    row = only(run(nessus), OPENED).after
    first = only(run(nessus, qualys, poam=[item(**row)]), ChangeKind.UPDATED)
    assert "Qualys 38628 finds the same weakness: same class tls_1_0" in first.after["comments"]
    changes = run(nessus, qualys, poam=[item(**row | first.after)])
    assert kinds(changes) == [("V-1", "unchanged")]
    assert any(text.startswith("Qualys 38628: same class") for text in changes.decisions[0].because)


NESSUS_KNEW = memory("web-01", identifier="104743", port=443, protocol="tcp")
QUALYS_KNEW = memory("web-01", identifier="38628", detector="Qualys", port=443, protocol="tcp")


@pytest.mark.parametrize(
    ("known", "scanners", "expected"),
    [
        pytest.param([NESSUS_KNEW], ["Nessus"], "closed", id="the one that found it"),
        pytest.param([NESSUS_KNEW], ["Qualys"], "unverified", id="the one that did not"),
        pytest.param([NESSUS_KNEW, QUALYS_KNEW], ["Nessus"], "unverified", id="one of both"),
        pytest.param([NESSUS_KNEW, QUALYS_KNEW], ["Nessus", "Qualys"], "closed", id="both"),
        pytest.param([], ["Nessus"], "unverified", id="no memory: one of both"),
        pytest.param([], ["Nessus", "Qualys"], "closed", id="no memory: both"),
    ],
)
def test_who_must_prove_an_item_of_two_scanners_gone(known, scanners, expected):
    """Each detector that is remembered to have found it there; all of them where none is."""
    nessus, qualys = tls()
    row = only(run(nessus, qualys), OPENED).after
    remembered = pd.concat(known, ignore_index=True) if known else None
    records = [scan(detector=name) for name in scanners]
    changes = run(records, poam=[item(**row)], known=remembered)
    assert kinds(changes) == [("V-1", expected)]


def test_separate_items_name_each_other():
    """With cross_detector: separate there are two items, and the second names the first."""
    rules = with_timelines(cross_detector="separate")
    nessus, qualys = tls()
    changes = run(nessus, qualys, rules=rules)
    assert len(changes.of(OPENED)) == 2
    row = only(run(nessus, rules=rules), OPENED).after
    second = only(run(nessus, qualys, poam=[item(**row)], rules=rules), OPENED)
    assert (
        "Another scanner's V-1 is the same weakness: same class tls_1_0" in second.after["comments"]
    )


def test_an_own_item_comes_first():
    """Where both scanners have a row for one place, each sighting belongs to its own."""
    nessus, qualys = tls()
    port = {"asset_identifier": "web-01 (443/tcp)"}
    own = item("V-1", weakness_source_identifier="104743", **port)
    other = item(
        "V-2", weakness_detector_source="Qualys", weakness_source_identifier="38628", **port
    )
    changes = run(nessus, qualys, poam=[own, other])
    assert kinds(changes) == [("V-1", "unchanged"), ("V-2", "unchanged")]
    owners = dict(zip(changes.membership["detector"], changes.membership["poam_id"], strict=True))
    assert owners == {"Nessus": "V-1", "Qualys": "V-2"}


def test_doubts_survive_their_record():
    """A doubt read back from a run's record is the doubt."""
    doubt = the_doubt()
    assert Doubt(**{name: getattr(doubt, name) for name in Doubt.__dataclass_fields__}) == doubt
