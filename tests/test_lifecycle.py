"""The life of an item across months, and that a second run over a first one's result rests."""

from datetime import date, datetime, timedelta

import pandas as pd
import pytest

from flows.pipeline import edits
from poam.changes import ChangeSet, Cleaned, Decision, applied
from poam.dedupe import SIGHTING
from poam.ledger import memory_frame, remembered
from poam.model import Authenticated, ChangeKind, Kind, Sheet
from tests.core_support import (
    AS_OF,
    SCANNED,
    closed,
    definition,
    finding,
    item,
    items,
    kev,
    kinds,
    memory,
    only,
    policy,
    refused,
    run,
    scan,
    seen,
    with_timelines,
)

CLOSED, OPENED, UPDATED = ChangeKind.CLOSED, ChangeKind.OPENED, ChangeKind.UPDATED
HELD, UNVERIFIED = ChangeKind.HELD, ChangeKind.UNVERIFIED
CVE = "CVE-2026-0001"
REOPEN = with_timelines(after_closing="reopen")
LATE_ONLY = with_timelines(track="past_due")
TWICE = with_timelines(confirm_scans=2)
YES = {"risk_adjustment": "Yes"}


def at(text):
    """Return midnight of a day."""
    return datetime.fromisoformat(text)


def rows_after(poam, changes):
    """Return the rows of a workbook after a run, for another one."""
    left = applied(items(*poam), changes).to_dict("records")
    return [row | {"row": None} for row in left]


def months(*scans, poam=(), known=None, **given):
    """Return what each of some monthly runs decides, each over the result of the one before.

    A month is its day and the records of its scans.
    """
    poam, known = list(poam), memory_frame() if known is None else known
    decided = []
    for day, records in scans:
        changes = run(records, poam=poam, known=known, as_of=date.fromisoformat(day), **given)
        poam = rows_after(poam, changes)
        known = remembered(known, changes.membership, changes.cleaned)
        decided.append(changes)
    return decided


def told(changes):
    """Return what became of the items, in words: `V-1 closed`."""
    return [" ".join(pair).strip() for pair in kinds(changes)]


# Only what is late


@pytest.mark.parametrize(
    ("as_of", "expected"),
    [
        pytest.param("2026-12-03", ["held"], id="scenario-13 day 30"),
        pytest.param("2026-12-04", ["V-1 opened"], id="scenario-13 day 31"),
    ],
)
def test_what_is_not_late_is_held(as_of, expected):
    """With `track: past_due` a weakness is on the POA&M from the day after it is due."""
    changes = run(seen("web-01"), rules=LATE_ONLY, as_of=date.fromisoformat(as_of))
    assert told(changes) == expected


def test_all_are_tracked_otherwise():
    """scenario-14: with `track: all` every rated weakness has its item at once."""
    assert told(run(seen("web-01"), rules=with_timelines(track="all"))) == ["V-1 opened"]


def test_a_held_weakness_keeps_its_day():
    """scenario-13: the ledger dates what becomes late; without it each scan would date it anew."""
    first, second, third = months(
        ("2026-11-05", seen("web-01", day=at("2026-11-03"))),
        ("2026-12-03", seen("web-01", day=at("2026-12-02"))),
        ("2027-01-05", seen("web-01", day=at("2027-01-04"))),
        rules=LATE_ONLY,
    )
    assert [told(first), told(second), told(third)] == [["held"], ["held"], ["V-1 opened"]]
    assert list(first.membership["poam_id"]) == [""]
    opened = only(third, OPENED).after
    assert opened["original_detection_date"] == date(2026, 11, 3)
    assert opened["scheduled_completion_date"] == date(2026, 12, 3)


def test_a_held_weakness_that_was_gone_begins_anew():
    """Found again after a clean scan it is a new detection, held or not."""
    *_, clean, again = months(
        ("2026-11-05", seen("web-01", day=at("2026-11-03"))),
        ("2026-12-04", [scan(ended=at("2026-12-03"))]),
        ("2027-01-05", seen("web-01", day=at("2027-01-04"))),
        rules=LATE_ONLY,
    )
    assert told(clean) == []
    assert told(again) == ["held"]


@pytest.mark.parametrize(
    ("records", "catalogue", "expected"),
    [
        pytest.param(seen("web-01"), None, ["held"], id="High, 27 days old"),
        pytest.param(
            seen("web-01", first_seen=at("2026-10-30")), None, ["V-1 opened"], id="first-found"
        ),
        pytest.param(
            [definition(cves=(CVE,)), finding(), scan()],
            kev(CVE_2026_0001="2026-11-29"),
            ["V-1 opened"],
            id="CISA's date has passed",
        ),
        pytest.param(
            [definition(cves=(CVE,)), finding(), scan()],
            kev(CVE_2026_0001="2026-11-30"),
            ["held"],
            id="CISA's date is today",
        ),
        pytest.param(
            seen("web-01", kind=Kind.CONFIGURATION),
            None,
            ["V-1 opened", "V-2 opened"],
            id="configuration findings are not counted, so never held",
        ),
    ],
)
def test_what_makes_late(records, catalogue, expected):
    """The date that the rules give decides, whichever rule gives it."""
    assert told(run(records, catalogue=catalogue, rules=LATE_ONLY)) == expected


def test_what_is_on_the_poam_stays():
    """An item that is not late stays on Open; holding concerns new ones only."""
    row = item(scheduled_completion_date=date(2027, 1, 4))
    assert told(run(seen("web-01"), poam=[row], rules=LATE_ONLY)) == ["V-1 unchanged"]


# A second scan confirms


CLEAN = [scan(ended=at("2026-11-03"))]
NEXT = [scan(ended=at("2026-12-03"))]
THIRD = [scan(ended=at("2027-01-04"))]
FAILED = [scan(ended=at("2026-12-03"), authenticated=Authenticated.NO)]
FIX = [definition(), finding(present=False), scan(ended=at("2026-11-03"))]
FIXED_AGAIN = [definition(), finding(present=False), scan(ended=at("2026-12-03"))]


@pytest.mark.parametrize(
    ("scans", "expected"),
    [
        pytest.param([CLEAN], "unverified", id="once"),
        pytest.param([CLEAN, NEXT], "unverified closed", id="twice"),
        pytest.param([CLEAN, CLEAN], "unverified unverified", id="one scan, handed in twice"),
        pytest.param([CLEAN, CLEAN, NEXT], "unverified unverified closed", id="and a second"),
        pytest.param(
            [CLEAN, seen("web-01", day=at("2026-12-03")), THIRD],
            "unverified unchanged unverified",
            id="seen in between: it counts from the beginning",
        ),
        pytest.param(
            [CLEAN, [scan("web-02", ended=at("2026-12-03"))], THIRD],
            "unverified unverified closed",
            id="not scanned in between",
        ),
        pytest.param(
            [CLEAN, FAILED, THIRD],
            "unverified unverified closed",
            id="a scan that did not log in confirms nothing",
        ),
        pytest.param([FIX, FIXED_AGAIN], "unverified closed", id="the scanner's own word, twice"),
        pytest.param([FIX, NEXT], "unverified closed", id="the scanner's word and a clean scan"),
    ],
)
def test_a_second_scan_confirms(scans, expected):
    """With `confirm_scans: 2` it closes when two scans on two days, since it was seen, agree."""
    days = ("2026-11-05", "2026-12-05", "2027-01-05")
    given = zip(days, scans, strict=False)
    decided = months(*given, poam=[item()], known=memory("web-01"), rules=TWICE)
    assert " ".join(told(changes)[0].removeprefix("V-1 ") for changes in decided) == expected


def test_two_scans_of_one_batch_are_one():
    """Only the ledger's memory of an earlier run confirms: a batch has one newest scan."""
    changes = run(CLEAN, NEXT, poam=[item()], known=memory("web-01"), rules=TWICE)
    assert told(changes) == ["V-1 unverified"]


def test_one_scan_is_enough_by_default():
    """scenario-24: `confirm_scans: 1` closes with the first proof."""
    assert told(run(CLEAN, poam=[item()], known=memory("web-01"))) == ["V-1 closed"]


def test_each_asset_is_confirmed_on_its_own():
    """A line leaves the list when two scans have shown it clean, and not with another's proof."""
    first, second = months(
        ("2026-11-05", [*seen("web-02", day=at("2026-11-03")), *CLEAN]),
        ("2026-12-05", [scan("web-02", ended=at("2026-12-03")), *NEXT]),
        poam=[item(asset_identifier="web-01\nweb-02")],
        known=memory("web-01", "web-02"),
        rules=TWICE,
    )
    assert told(first) == ["V-1 unchanged"]
    assert only(second, UPDATED).after["asset_identifier"] == "web-02"


def test_a_rerun_of_a_month_decides_the_same():
    """The first clean day stays the first, so the month that confirmed may be run again."""
    known = memory("web-01", first_clean=date(2026, 11, 3), last_clean=date(2026, 12, 3))
    again = run(NEXT, poam=[item()], known=known, rules=TWICE, as_of=date(2026, 12, 5))
    assert told(again) == ["V-1 closed"]
    assert "nor did the scan of 2026-11-03" in only(again, CLOSED).after["comments"]


def test_what_no_run_ever_saw_is_confirmed_too():
    """An item from before the ledger is remembered by its own date once it was proven clean."""
    cleaned = months(("2026-11-05", CLEAN), ("2026-12-05", NEXT), poam=[item()], rules=TWICE)
    # Without memory nobody knows how it was found: the item's own date stands for the sighting.
    assert [told(changes) for changes in cleaned] == [["V-1 unverified"], ["V-1 closed"]]


# Decommissioned hosts


LEFT = {"web-01": date(2026, 10, 26)}
ASK = with_timelines(decommissioned="review")


def inventory(*identifiers):
    """Return an inventory of assets without other names."""
    rows = [(name, (), True) for name in identifiers]
    return pd.DataFrame.from_records(rows, columns=["identifier", "names", "in_latest_scan"])


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param({}, "closed", id="listed before, and no more"),
        pytest.param({"rules": TWICE}, "closed", id="no second scan is asked of what is gone"),
        pytest.param({"inventory": inventory("web-01")}, "unverified", id="still listed"),
        pytest.param({"inventory": None}, "unverified", id="no inventory was given"),
        pytest.param({"inventoried": {}}, "unverified", id="it was never listed"),
        pytest.param(
            {"inventoried": {"web-02": date(2026, 10, 26)}}, "unverified", id="another one left"
        ),
        pytest.param(
            {"inventoried": {"web-01": date(2026, 12, 31)}},
            "unverified",
            id="listed by a later month's inventory",
        ),
        pytest.param({"unread": [refused("bad.nessus", "Nessus")]}, "unverified", id="unread"),
        pytest.param({"unread": [refused("bad.xml", "Qualys")]}, "unverified", id="another's"),
    ],
)
def test_a_host_that_left_the_inventory(given, expected):
    """What left the inventory, and no scan of a batch read whole reached, is remediated."""
    told_of = {"inventory": inventory("db-01"), "inventoried": LEFT} | given
    changes = run([scan("db-01")], poam=[item()], known=memory("web-01"), **told_of)
    assert told(changes) == [f"V-1 {expected}"]


@pytest.mark.parametrize(
    "records",
    [
        pytest.param([scan(authenticated=Authenticated.NO)], id="a scan that did not log in"),
        pytest.param([scan(detector="Qualys")], id="another scanner's"),
    ],
)
def test_a_host_that_a_scan_reached(records):
    """Whatever the inventory says, a host that answers a scan is there."""
    given = {"inventory": inventory("db-01"), "inventoried": LEFT}
    changes = run(records, poam=[item()], known=memory("web-01"), **given)
    assert told(changes) == ["V-1 unverified"]
    assert "decommissioned" not in "".join(changes.decisions[0].because)


@pytest.mark.parametrize("rules", [policy(), ASK], ids=["close", "review"])
def test_what_is_said_of_a_host_that_left(rules):
    """The day on which it was last listed, and the policy line, stand beside the decision."""
    given = {"inventory": inventory("db-01"), "inventoried": LEFT, "rules": rules}
    decision, *_ = run([scan("db-01")], poam=[item()], known=memory("web-01"), **given).decisions
    because = " ".join(decision.because)
    assert "web-01 is decommissioned" in because
    assert "2026-10-26" in because
    assert "timelines.closing.decommissioned" in because


def test_review_asks_a_person():
    """With `decommissioned: review` the item stays as it is, and somebody has to decide."""
    given = {"inventory": inventory("db-01"), "inventoried": LEFT, "rules": ASK}
    changes = run([scan("db-01")], poam=[item()], known=memory("web-01"), **given)
    assert told(changes) == ["V-1 unverified", "V-1 needs_review"]
    assert only(changes, ChangeKind.NEEDS_REVIEW).because[0].endswith(": confirm it")


def test_one_of_two_hosts_left():
    """Its line leaves the list, with the reason in Comments; the other keeps the item open."""
    row = item(asset_identifier="web-01\nweb-02")
    given = {"inventory": inventory("web-02"), "inventoried": LEFT | {"web-02": AS_OF}}
    decision = only(run(seen("web-02"), poam=[row], **given), UPDATED)
    assert decision.after["asset_identifier"] == "web-02"
    assert "web-01 is decommissioned" in decision.after["comments"]


def test_an_operational_requirement_of_a_host_that_left():
    """An approved operational requirement is closed by a person only."""
    row = item(operational_requirement="Yes")
    changes = run([scan("db-01")], poam=[row], inventory=inventory("db-01"), inventoried=LEFT)
    assert told(changes) == ["V-1 needs_review"]


# False positives


@pytest.mark.parametrize(
    "records",
    [seen("web-01"), [scan()], [scan("web-02")]],
    ids=["seen", "proven gone", "not scanned"],
)
@pytest.mark.parametrize(
    ("word", "closes"), [("Yes", True), ("Pending", False), ("No", False), ("", False)]
)
def test_an_approved_false_positive_closes(records, word, closes):
    """scenario-25: approved it closes whatever the scans show; pending it is like any other."""
    changes = run(records, poam=[item(false_positive=word)], known=memory("web-01"))
    proven = records == [scan()]
    assert told(changes)[0].startswith("V-1 closed") == (closes or proven)
    if closes:
        decision = only(changes, CLOSED)
        assert (decision.to_sheet, set(decision.after)) == (
            Sheet.CLOSED,
            {"status_date", "comments"},
        )
        said = "2026-11-30: Closed. Its false positive request was approved."
        assert decision.after["comments"] == said
        assert "timelines.deviations" in decision.because[0]


@pytest.mark.parametrize("other", ["vendor_dependency", "operational_requirement"])
def test_a_false_positive_that_is_something_else_too(other):
    """What a person ends does not close beside an approved false positive."""
    row = item(false_positive="Yes", **{other: "Yes"})
    decided = told(run(seen("web-01"), poam=[row]))
    assert "V-1 needs_review" in decided
    assert "V-1 closed" not in decided


def test_a_closing_false_positive_asks_nothing():
    """What closes as a false positive needs no adjusted rating."""
    row = item(original_risk_rating="Low", false_positive="Yes", risk_adjustment="Pending")
    assert told(run(seen("web-01"), poam=[row])) == ["V-1 closed"]


@pytest.mark.parametrize(
    ("row", "withdrawn"),
    [
        pytest.param({"risk_adjustment": "Pending"}, "risk adjustment", id="one"),
        pytest.param(
            {"risk_adjustment": "Pending", "operational_requirement": "Pending"},
            "risk adjustment and operational requirement",
            id="two",
        ),
        pytest.param(
            {"false_positive": "Pending", "vendor_dependency": "Yes"},
            "false positive",
            id="of a vendor dependency",
        ),
        pytest.param({"risk_adjustment": "No"}, "", id="none"),
    ],
)
def test_a_request_of_what_closes_is_withdrawn(row, withdrawn):
    """What is proven gone closes; who asked for a deviation is told that it needs none."""
    changes = run([scan()], poam=[item(**row)], known=memory("web-01"))
    assert told(changes) == ["V-1 closed"]
    said = [text for text in only(changes, CLOSED).because if "withdraw" in text]
    expected = [f"closed with proof; withdraw its pending {withdrawn}"] if withdrawn else []
    assert said == expected


# Dates of what comes back


@pytest.mark.parametrize(
    ("given", "known", "detected"),
    [
        pytest.param({}, {}, "2026-11-03", id="the ledger's first day is before the proof"),
        pytest.param(
            {"first_seen": at("2026-10-06")}, {}, "2026-11-03", id="the scanner's day before it"
        ),
        pytest.param(
            {"first_seen": at("2026-10-20")}, {}, "2026-11-03", id="the scanner's day on its day"
        ),
        pytest.param(
            {"first_seen": at("2026-10-21")}, {}, "2026-10-21", id="the scanner's day after it"
        ),
        pytest.param(
            {},
            {"first_seen": date(2026, 10, 25), "last_seen": date(2026, 10, 26)},
            "2026-10-25",
            id="seen since the proof",
        ),
        pytest.param({}, {"last_clean": None}, "2026-10-06", id="never proven clean"),
    ],
)
def test_no_day_before_the_proof_counts(given, known, detected):
    """What a scan proved clean on 2026-10-20 is found anew after that day."""
    remembered_as = {"last_clean": date(2026, 10, 20)} | known
    changes = run(seen("web-01", **given), known=memory("web-01", **remembered_as))
    assert str(only(changes, OPENED).after["original_detection_date"]) == detected


def test_a_line_that_left_the_list_comes_back():
    """Proven clean while the item was open, then seen again: a new item with the new date."""
    *_, third = months(
        ("2026-11-05", [*seen("web-01", day=at("2026-11-03")), scan("web-02", ended=SCANNED)]),
        ("2026-12-05", seen("web-01", day=at("2026-12-03"))),
        ("2027-01-05", seen("web-01", "web-02", day=at("2027-01-04"))),
        poam=[item(asset_identifier="web-01\nweb-02")],
        known=memory("web-01", "web-02"),
    )
    assert told(third) == ["V-1 unchanged", "V-2 opened"]
    assert only(third, OPENED).after["original_detection_date"] == date(2027, 1, 4)


def test_closed_found_again_and_closed_again():
    """scenario-26: each detection is an item; a later one keeps the day on which it began."""
    decided = months(
        ("2026-11-05", [scan(ended=at("2026-11-03"))]),
        ("2026-12-05", seen("web-01", day=at("2026-12-03"), first_seen=at("2026-10-06"))),
        ("2027-01-05", seen("web-01", day=at("2027-01-04"), first_seen=at("2026-10-06"))),
        ("2027-02-05", [scan(ended=at("2027-02-03"))]),
        poam=[item()],
        known=memory("web-01"),
    )
    expected = [["V-1 closed"], ["V-2 opened"], ["V-2 unchanged"], ["V-2 closed"]]
    assert [told(changes) for changes in decided] == expected
    assert only(decided[1], OPENED).after["original_detection_date"] == date(2026, 12, 3)


def test_what_begins_anew_is_remembered_so():
    """The ledger forgets the first day of what was proven clean and is seen again."""
    known = memory("web-01", last_clean=date(2026, 10, 20))
    again = run(seen("web-01"), known=known)
    (row,) = remembered(known, again.membership).itertuples()
    assert (row.first_seen, row.last_seen) == (at("2026-11-03"), at("2026-11-03"))
    assert row.last_clean == at("2026-10-20")


@pytest.mark.parametrize(
    ("known", "first"),
    [
        pytest.param({"last_clean": date(2026, 11, 3)}, "2026-10-06", id="clean on the same day"),
        pytest.param({"last_clean": date(2026, 11, 2)}, "2026-11-03", id="clean the day before"),
        pytest.param({"last_clean": date(2026, 10, 5)}, "2026-10-06", id="seen since it was clean"),
        pytest.param({}, "2026-10-06", id="never clean"),
    ],
)
def test_which_memory_begins_anew(known, first):
    """Only what was clean after its last sighting, and is seen on a later day."""
    before = memory("web-01", **known)
    membership = run(seen("web-01")).membership
    (row,) = remembered(before, membership).itertuples()
    assert row.first_seen == at(first)


def test_a_proof_of_gone_never_moves_back():
    """An older scan that shows a place clean does not make the newer proof older."""
    known = memory("web-01", last_clean=date(2026, 12, 1))
    nothing = run([scan("db-01")]).membership
    older = Cleaned("V-1", "web-01", "", "", 0, date(2026, 11, 15))
    (row,) = remembered(known, nothing, [older]).itertuples()
    assert row.last_clean == at("2026-12-01")


# What a change set leaves


def test_a_change_set_is_applied():
    """Updates stay, moves change sheets, new items come last with row 0, the rest is as it was."""
    before = items(item("V-1"), item("V-2"), closed("V-3", comments=""), item("V-4"))
    decisions = (
        Decision(ChangeKind.UPDATED, (), row=9, after={"comments": "x", "cve": CVE}),
        Decision(ChangeKind.CLOSED, (), row=10, to_sheet=Sheet.CLOSED, after={"comments": "gone"}),
        Decision(
            ChangeKind.REOPENED,
            (),
            sheet=Sheet.CLOSED,
            row=11,
            to_sheet=Sheet.OPEN,
            after={"status_date": AS_OF},
        ),
        Decision(ChangeKind.NEEDS_REVIEW, ("a question",), row=12),
        Decision(
            ChangeKind.OPENED, (), sheet=Sheet.CONFIGURATION, after={"poam_id": "V-5", "cve": CVE}
        ),
    )
    left = applied(before, ChangeSet(decisions, memory_frame()))
    assert left[["poam_id", "sheet", "row"]].to_numpy().tolist() == [
        ["V-1", "open", 9],
        ["V-2", "closed", 10],
        ["V-3", "open", 11],
        ["V-4", "open", 12],
        ["V-5", "configuration", 0],
    ]
    assert list(left["comments"]) == ["x", "gone", "", "", ""]
    assert list(left["cve"]) == [CVE, "", "", "", CVE]
    assert left.loc[2, "status_date"] == AS_OF
    assert left.loc[4, "original_detection_date"] is None
    assert left.dtypes.to_dict() == before.dtypes.to_dict()


@pytest.mark.parametrize("poam", [[], [item(), closed("V-2")]], ids=["no rows", "two rows"])
def test_no_decisions_leave_everything(poam):
    """An empty change set leaves the same frame, also without a single row."""
    before = items(*poam)
    pd.testing.assert_frame_equal(applied(before, ChangeSet((), memory_frame())), before)


# A second run over the first one's result


WITH_CVE = [definition(cves=(CVE,)), finding(), scan()]
KEV = kev(CVE_2026_0001="2026-10-20")
LOW = {"original_risk_rating": "Low", "scheduled_completion_date": date(2027, 4, 4)}
RELEASE = {"vendor_dependency": "Yes", "comments": "Vendor released 2026-10-26"}
ADJUSTED = {"adjusted_risk_rating": "Moderate", **YES}
TRACKED = {
    "cve": CVE,
    "bod_22_01_tracking": "Yes",
    "bod_22_01_due_date": date(2026, 10, 20),
    "scheduled_completion_date": date(2026, 10, 20),
}
TWO = item(asset_identifier="web-01\nweb-02")
TWO_SCANNERS = [
    definition(name="RHEL 8 : kernel (RHSA-2023:0440)", cves=(CVE,)),
    finding(),
    scan(),
    definition(
        "7",
        detector="Qualys",
        name="Red Hat Update for kernel (RHSA-2023:0440)",
        cves=(CVE,),
    ),
    finding(identifier="7", detector="Qualys"),
    scan(detector="Qualys"),
]
CHECKS = seen("web-01", kind=Kind.CONFIGURATION)
ROLLED = {
    "weakness_name": policy().timelines.configuration.roll_up_name,
    "weakness_source_identifier": "None",
}


def case(name, first, records, poam=(), **given):
    """Return a case: what the first run decides, of these scans, over these rows."""
    return pytest.param(first, records, list(poam), given, id=name)


CASES = [
    case("opened", ["V-1 opened"], seen("web-01", "web-02")),
    case("opened in v3.0", ["V-1 opened"], seen("web-01"), edition="v3.0"),
    case("held", ["held"], seen("web-01"), rules=LATE_ONLY),
    case("a new asset", ["V-1 unchanged", "V-2 opened"], seen("web-01", "web-02"), [item()]),
    case(
        "an asset appended",
        ["V-1 updated"],
        seen("web-01", "web-02"),
        [item()],
        rules=with_timelines(new_assets="append"),
    ),
    case(
        "an asset appended, with CISA's date",
        ["V-1 updated"],
        [definition(cves=(CVE,)), finding("web-02"), scan("web-02")],
        [item()],
        catalogue=KEV,
        rules=with_timelines(new_assets="append"),
    ),
    case("partly remediated", ["V-1 updated"], [*seen("web-01"), scan("web-02")], [TWO]),
    case("closed", ["V-1 closed"], [scan()], [item()]),
    case(
        "decommissioned",
        ["V-1 closed"],
        [scan("db-01")],
        [item()],
        inventory=inventory("db-01"),
        inventoried=LEFT,
    ),
    case("unconfirmed", ["V-1 unverified"], [scan()], [item()], rules=TWICE),
    case("a false positive", ["V-1 closed"], seen("web-01"), [item(false_positive="Yes")]),
    case(
        "reopened",
        ["V-1 reopened"],
        seen("web-01"),
        [closed(asset_identifier="web-01\nweb-02")],
        rules=REOPEN,
    ),
    case(
        "reopened, and raised",
        ["V-1 reopened"],
        seen("web-01"),
        [closed(**LOW)],
        rules=REOPEN,
    ),
    case(
        "reopened, with CISA's date",
        ["V-1 reopened"],
        WITH_CVE,
        [closed()],
        catalogue=KEV,
        rules=REOPEN,
    ),
    case("a recurrence", ["V-2 opened"], seen("web-01"), [closed()]),
    case("opened with CISA's date", ["V-1 opened"], WITH_CVE, catalogue=KEV),
    case(
        "opened with CISA's later date",
        ["V-1 opened"],
        WITH_CVE,
        catalogue=kev(CVE_2026_0001="2026-12-24"),
        rules=with_timelines(mode="supersede"),
    ),
    case("opened by two scanners", ["V-1 opened"], TWO_SCANNERS),
    case(
        "another scanner's item",
        ["V-1 updated"],
        TWO_SCANNERS[3:],
        [item(weakness_name=TWO_SCANNERS[0].name, cve=CVE)],
    ),
    case("suppressed", ["V-1 suppressed"], seen("web-01"), [closed(false_positive="Yes")]),
    case("CISA's date", ["V-1 updated"], WITH_CVE, [item()], catalogue=KEV),
    case(
        "CISA's date in v3.0",
        ["V-1 updated"],
        WITH_CVE,
        [item()],
        catalogue=KEV,
        edition="v3.0",
    ),
    case(
        "CISA's date before the detection",
        ["V-1 updated"],
        WITH_CVE,
        [item()],
        catalogue=kev(CVE_2026_0001="2026-09-01"),
        rules=with_timelines(past_due_days=14),
    ),
    case("a release", ["V-1 updated"], seen("web-01"), [item(**RELEASE)]),
    case("a release in v3.0", ["V-1 updated"], seen("web-01"), [item(**RELEASE)], edition="v3.0"),
    case("an adjustment", ["V-1 updated"], seen("web-01"), [item(**ADJUSTED)]),
    case(
        "a release and an adjustment",
        ["V-1 updated"],
        seen("web-01"),
        [item(**RELEASE, **ADJUSTED)],
    ),
    case(
        "an adjustment and CISA's date",
        ["V-1 updated"],
        WITH_CVE,
        [item(**ADJUSTED)],
        catalogue=KEV,
    ),
    case(
        "a release and CISA's date",
        ["V-1 updated"],
        WITH_CVE,
        [item(**RELEASE)],
        catalogue=KEV,
    ),
    case(
        "an adjustment of what CISA tracks",
        ["V-1 unchanged"],
        WITH_CVE,
        [item(**TRACKED, **ADJUSTED)],
        catalogue=KEV,
    ),
    case("a raise", ["V-1 updated"], seen("web-01"), [item(**LOW)]),
    case("a raise in v3.0", ["V-1 updated"], seen("web-01"), [item(**LOW)], edition="v3.0"),
    case("a raise and CISA's date", ["V-1 updated"], WITH_CVE, [item(**LOW)], catalogue=KEV),
    case(
        "a raise of what waits for the vendor",
        ["V-1 updated"],
        seen("web-01"),
        [item(**LOW, **RELEASE)],
    ),
    case(
        "a raise for a person",
        ["V-1 unchanged", "V-1 needs_review"],
        seen("web-01"),
        [item(**LOW)],
        rules=with_timelines(raised="review"),
    ),
    case(
        "a lower rating",
        ["V-1 unchanged"],
        [definition(cvss3_base=2.0), finding(), scan()],
        [item()],
    ),
    case("a roll-up", ["V-1 opened", "V-2 opened"], CHECKS),
    case(
        "a roll-up of another host",
        ["V-1 unchanged", "V-2 updated"],
        CHECKS,
        [
            item("V-1", sheet="configuration"),
            item("V-2", **ROLLED, asset_identifier="web-02"),
        ],
    ),
    case(
        "a roll-up closed",
        ["V-1 closed", "V-2 closed"],
        [scan()],
        [item("V-1", sheet="configuration"), item("V-2", **ROLLED)],
    ),
    case(
        "a check reopened",
        ["V-1 reopened", "V-2 opened"],
        CHECKS,
        [closed()],
        rules=REOPEN,
    ),
]
RESTING = {"unchanged", "unverified", "suppressed", "held", "needs_review"}


@pytest.mark.parametrize(("first", "records", "poam", "given"), CASES)
def test_a_second_run_changes_nothing(first, records, poam, given):
    """scenario-18: the same scans over the first run's result and memory set no cell.

    Neither on the same day nor some days later, and the memory is the same again.
    """
    known = memory("web-01", "web-02") if poam else memory_frame()
    changes = run(records, poam=poam, known=known, **given)
    assert told(changes) == first
    rows = rows_after(poam, changes)
    later = remembered(known, changes.membership, changes.cleaned)
    for as_of in (AS_OF, AS_OF + timedelta(days=3)):
        again = run(records, poam=rows, known=later, as_of=as_of, **given)
        done = edits(again, as_of)
        assert (done.updates, done.additions, done.moves) == ((), (), ())
        assert {kind for _, kind in kinds(again)} <= RESTING
        assert rows_after(rows, again) == rows
        pd.testing.assert_frame_equal(
            remembered(later, again.membership, again.cleaned).sort_values(SIGHTING),
            later.sort_values(SIGHTING),
        )
