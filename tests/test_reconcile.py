"""A batch against the workbook: what opens, changes, closes, stays, and waits for a person."""

from datetime import date, datetime

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flows.pipeline import edits
from poam.layout import Owner
from poam.ledger import remembered
from poam.model import Authenticated, ChangeKind, Kind, Sheet
from tests.core_support import (
    AS_OF,
    SCANNED,
    closed,
    definition,
    finding,
    item,
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
REVIEW = ChangeKind.NEEDS_REVIEW
CVE = "CVE-2026-0001"


def day(text):
    """Return midnight of a day."""
    return datetime.fromisoformat(text)


def listed(decision):
    """Return the asset lines that a decision sets."""
    return decision.after["asset_identifier"].split("\n")


# New items


def test_first_finding_of_an_empty_workbook():
    """scenario-1: every column of the first row follows from the scan, the score and the policy."""
    decision = only(run(seen("10.0.0.1", port=443, protocol="tcp")), OPENED)
    expected = {
        "poam_id": "V-1",
        "controls": "RA-5",
        "weakness_detector_source": "Nessus",
        "weakness_source_identifier": "10001",
        "asset_identifier": "10.0.0.1 (443/tcp)",
        "original_detection_date": date(2026, 11, 3),
        "scheduled_completion_date": date(2026, 12, 3),
        "status_date": AS_OF,
        "original_risk_rating": "High",
        "adjusted_risk_rating": "N/A",
        "risk_adjustment": "No",
        "false_positive": "No",
        "operational_requirement": "No",
        "bod_22_01_due_date": None,
    }
    assert {name: decision.after[name] for name in expected} == expected
    assert "2026-12-03" in decision.after["planned_milestones"]
    assert decision.sheet == Sheet.OPEN


@pytest.mark.parametrize(
    ("records", "count"),
    [
        pytest.param(
            [definition(cvss3_base=None), finding(kind=Kind.INFORMATIONAL), scan()],
            0,
            id="scenario-3 informational opens nothing",
        ),
        pytest.param(seen("c", "a", "b"), 1, id="scenario-6 three hosts are one item"),
        pytest.param(
            [*seen("a"), *seen("a", identifier="2")], 2, id="scenario-7 two plugins are two"
        ),
        pytest.param(
            [*seen("a"), *seen("a", detector="Qualys")], 2, id="the same number of two scanners"
        ),
        pytest.param([scan()], 0, id="a clean scan opens nothing"),
    ],
)
def test_how_many_items_open(records, count):
    """One item for each detector and identifier that has a rating."""
    changes = run(records)
    assert len(changes.of(OPENED)) == len(changes.decisions) == count


def test_assets_are_listed_once_and_in_order():
    """scenario-6: sorted lines without duplicates; two ports are two lines."""
    ports = [finding("a", port=8443, protocol="TCP"), finding("a", port=443, protocol="tcp")]
    decision = only(run([*seen("c", "b"), *ports, *ports, scan("a")]), OPENED)
    assert listed(decision) == ["a (443/tcp)", "a (8443/tcp)", "b", "c"]


def test_a_web_finding_lists_its_page():
    """scenario-15: the line is the URL, without port."""
    page = "https://shop.example/cart?q"
    site = "https://shop.example"
    records = seen(site, detector="ZAP", identifier="40012", location=page, port=443)
    assert listed(only(run(records), OPENED)) == [page]


def test_benchmark_failures_go_to_their_own_sheet():
    """scenario-17: a configuration finding is labelled CM-6 and is on the configuration sheet."""
    decision, rolled_up = run(seen("a", kind=Kind.CONFIGURATION)).of(OPENED)
    assert (decision.sheet, decision.after["controls"]) == (Sheet.CONFIGURATION, "CM-6")
    assert (rolled_up.sheet, rolled_up.after["controls"]) == (Sheet.OPEN, "CM-6")


def test_each_detection_day_is_a_cohort():
    """Assets first seen on two days are two items, each with its own dates."""
    early = finding("b", first_seen=day("2026-10-01"))
    opened = run([*seen("a"), early, scan("b")]).of(OPENED)
    dates = [
        (d.after["original_detection_date"], d.after["scheduled_completion_date"], listed(d))
        for d in opened
    ]
    assert dates == [
        (date(2026, 10, 1), date(2026, 10, 31), ["b"]),
        (date(2026, 11, 3), date(2026, 12, 3), ["a"]),
    ]


def test_the_ledger_keeps_the_first_day():
    """scenario-13: an item that comes late to the workbook has its original detection date."""
    decision = only(run(seen("web-01"), known=memory("web-01")), OPENED)
    assert decision.after["original_detection_date"] == date(2026, 10, 6)


@pytest.mark.parametrize(
    ("zone", "detected"),
    [("US/Eastern", date(2026, 11, 2)), ("UTC", date(2026, 11, 3))],
)
def test_the_time_zone_decides_the_day(zone, detected):
    """scenario-37: 2026-11-03T03:30Z is still the second of November in US/Eastern."""
    ended = day("2026-11-03T03:30:00+00:00")
    decision = only(run(seen("a", day=ended), rules=policy(timezone=zone)), OPENED)
    assert decision.after["original_detection_date"] == detected


# KEV


@pytest.mark.parametrize(
    ("due", "mode", "completion"),
    [
        pytest.param("2026-11-12", "min", "2026-11-12", id="scenario-10 earlier"),
        pytest.param("2026-12-24", "min", "2026-12-03", id="min, later"),
        pytest.param("2026-12-24", "supersede", "2026-12-24", id="supersede, later"),
        pytest.param("2021-11-17", "min", "2021-11-17", id="scenario-11 before the detection"),
    ],
)
def test_a_listed_cve_sets_the_tracking_columns(due, mode, completion):
    """Tracking is Yes with CISA's own date, and the completion date follows the mode."""
    records = [definition(cves=(CVE, "CVE-2026-0009")), finding(), scan()]
    catalogue = kev(CVE_2026_0001=due, CVE_2026_0009="2027-01-01")
    decision = only(run(records, catalogue=catalogue, rules=with_timelines(mode=mode)), OPENED)
    assert decision.after["bod_22_01_tracking"] == "Yes"
    assert decision.after["bod_22_01_due_date"] == date.fromisoformat(due)
    assert decision.after["scheduled_completion_date"] == date.fromisoformat(completion)
    assert decision.after["cve"].split("\n") == [CVE, "CVE-2026-0009"]


@pytest.mark.parametrize(
    ("catalogue", "word"),
    [(kev(), "No"), (None, "")],
    ids=["not listed", "no catalogue was given"],
)
def test_not_listed_is_no_and_not_asked_is_blank(catalogue, word):
    """Without a catalogue nothing is claimed about it."""
    records = [definition(cves=(CVE,)), finding(), scan()]
    decision = only(run(records, catalogue=catalogue), OPENED)
    assert decision.after["bod_22_01_tracking"] == word
    assert decision.after["bod_22_01_due_date"] is None


@pytest.mark.parametrize("mode", ["min", "supersede"])
@pytest.mark.parametrize(
    ("due", "tightened"),
    [
        pytest.param("2026-11-04", date(2026, 11, 4), id="scenario-32 earlier tightens"),
        pytest.param("2026-11-05", None, id="the same day"),
        pytest.param("2026-12-24", None, id="scenario-32 later never loosens"),
    ],
)
def test_a_cve_that_enters_the_catalogue(mode, due, tightened):
    """An existing row is tracked with CISA's date; its completion date may only come closer."""
    records = [definition(cves=(CVE,)), finding(), scan()]
    changes = run(
        records,
        poam=[item(cve=CVE)],
        catalogue=kev(CVE_2026_0001=due),
        rules=with_timelines(mode=mode),
    )
    decision = only(changes, UPDATED)
    assert decision.after["bod_22_01_tracking"] == "Yes"
    assert decision.after["bod_22_01_due_date"] == date.fromisoformat(due)
    assert decision.after["status_date"] == AS_OF
    assert decision.after.get("scheduled_completion_date") == tightened


# Existing items


def test_what_is_still_there_is_left_alone():
    """scenario-19: the same plugin on the same hosts next month changes no cell."""
    changes = run(seen("web-01"), poam=[item()])
    assert kinds(changes) == [("V-1", "unchanged")]
    assert not changes.decisions[0].after


@pytest.mark.parametrize("shown", ["web-01 (443/tcp)", "WEB-01", "web-01 (443/TCP)", "web-01:443"])
def test_a_line_is_recognised_however_it_is_typed(shown):
    """A person's spelling of an asset stays, and is the same asset."""
    changes = run(seen("web-01", port=443, protocol="tcp"), poam=[item(asset_identifier=shown)])
    assert kinds(changes) == [("V-1", "unchanged")]


def test_a_run_over_its_own_result_changes_nothing():
    """scenario-18: what one run opens the next one finds, and leaves as it is."""
    records = [*seen("a", "b", port=443, protocol="tcp"), *seen("a", identifier="10002")]
    first = run(records)
    rows = [item(**d.after) for d in first.of(OPENED)]
    again = run(records, poam=rows)
    assert {kind for _, kind in kinds(again)} == {"unchanged"}


@pytest.mark.parametrize(
    ("new_assets", "expected"),
    [
        pytest.param("new_row", [("V-1", "unchanged"), ("V-2", "opened")], id="scenario-20 new"),
        pytest.param("append", [("V-1", "updated")], id="scenario-20 append"),
    ],
)
def test_a_new_host_of_an_open_weakness(new_assets, expected):
    """It gets an item of its own, or a line in the open one, whose dates stay either way."""
    changes = run(
        seen("web-01", "web-02"), poam=[item()], rules=with_timelines(new_assets=new_assets)
    )
    assert kinds(changes) == expected
    last = changes.decisions[-1]
    if new_assets == "new_row":
        assert listed(last) == ["web-02"]
        assert last.after["original_detection_date"] == date(2026, 11, 3)
    else:
        assert listed(last) == ["web-01", "web-02"]
        assert not {"original_detection_date", "scheduled_completion_date"} & set(last.after)


def test_two_cohorts_each_keep_their_assets():
    """A sighting belongs to the open item that lists its asset; none is opened anew."""
    rows = [item("V-1"), item("V-2", asset_identifier="web-02")]
    changes = run(seen("web-01", "web-02"), poam=rows)
    assert kinds(changes) == [("V-1", "unchanged"), ("V-2", "unchanged")]
    members = changes.membership.set_index("asset_identifier")["poam_id"]
    assert members.to_dict() == {"web-01": "V-1", "web-02": "V-2"}


def test_a_new_title_keeps_the_item():
    """The identifier decides: a title that the vendor rewrote opens nothing and renames nothing."""
    changes = run(seen("web-01"), poam=[item(weakness_name="The old title")])
    assert kinds(changes) == [("V-1", "unchanged")]


def test_a_like_name_waits_for_a_person():
    """A row without identifier that may be the weakness is named, and nothing is opened."""
    manual = item(weakness_detector_source="Assessment", weakness_source_identifier="N/A")
    decision = only(run(seen("web-01"), poam=[manual]), REVIEW)
    assert decision.poam_id == "V-1"
    assert "may be V-1" in decision.because[0]


def test_a_person_may_leave_manual_items_open():
    """An item without scanner identifier is never closed by a scan."""
    manual = item(weakness_detector_source="Penetration test", weakness_source_identifier="F-7")
    assert kinds(run([scan()], poam=[manual])) == [("V-1", "unchanged")]


# Closing


def test_closing_keeps_the_row():
    """scenario-24: the row moves as it is; Status Date and one more line of Comments differ."""
    row = item(comments="A person's note", milestone_changes="(1) Update", deviation_rationale="x")
    decision = only(run([scan()], poam=[row], known=memory("web-01")), CLOSED)
    assert (decision.sheet, decision.to_sheet) == (Sheet.OPEN, Sheet.CLOSED)
    assert set(decision.after) == {"status_date", "comments"}
    assert decision.after["status_date"] == AS_OF
    assert decision.after["comments"].startswith("A person's note\n2026-11-30: Closed.")
    assert "0.nessus" in decision.after["comments"]


NO = Authenticated.NO


@pytest.mark.parametrize(
    ("records", "unread"),
    [
        pytest.param([scan("web-02")], (), id="scenario-22 not scanned"),
        pytest.param([scan(authenticated=NO)], (), id="scenario-23 did not log in"),
        pytest.param([scan(ended=None)], (), id="no date"),
        pytest.param([scan(ended=day("2026-10-01"))], (), id="older than the sighting"),
        pytest.param([scan(detector="Qualys")], (), id="another scanner"),
        pytest.param([scan()], [refused("bad.nessus", "Nessus")], id="an unreadable file"),
        pytest.param([scan()], [refused("what.bin")], id="an unreadable file of nobody"),
    ],
)
def test_absence_without_proof_closes_nothing(records, unread):
    """The item stays open as it is, and the reason is written down."""
    changes = run(records, poam=[item()], known=memory("web-01"), unread=unread)
    decision = only(changes, ChangeKind.UNVERIFIED)
    assert kinds(changes) == [("V-1", "unverified")]
    assert decision.because
    assert not decision.after


def test_another_detectors_unreadable_file_is_no_hindrance():
    """A Qualys file that cannot be read says nothing about what Nessus proved."""
    unread = [refused("bad.xml", "Qualys")]
    changes = run([scan()], poam=[item()], known=memory("web-01"), unread=unread)
    assert kinds(changes) == [("V-1", "closed")]


def test_an_item_of_two_detectors_needs_both():
    """Both scanners have to show that it is gone."""
    row = item(weakness_detector_source="Nessus\nQualys", weakness_source_identifier="10001\n7")
    assert kinds(run([scan()], poam=[row])) == [("V-1", "unverified")]
    both = [scan(), scan(detector="Qualys")]
    assert kinds(run(both, poam=[row])) == [("V-1", "closed")]


@pytest.mark.parametrize(
    ("records", "kind", "left"),
    [
        pytest.param(
            [*seen("web-01"), scan("web-02"), scan("web-03")],
            "updated",
            ["web-01"],
            id="scenario-21 one still shows it",
        ),
        pytest.param([scan("web-02")], "updated", ["web-01", "web-03"], id="two were not scanned"),
        pytest.param(
            [scan(f"web-0{n}") for n in (1, 2, 3)], "closed", None, id="scenario-21 all are clean"
        ),
    ],
)
def test_partial_remediation(records, kind, left):
    """Proven-clean assets leave the list with a comment; the item closes when none is left."""
    assets = ("web-01", "web-02", "web-03")
    row = item(asset_identifier="\n".join(assets))
    (decision,) = run(records, poam=[row], known=memory(*assets)).decisions
    assert decision.kind == kind
    if left:
        assert listed(decision) == left
        assert "Remediated on web-02" in decision.after["comments"]
        assert "scheduled_completion_date" not in decision.after


def test_the_scanners_own_word_closes():
    """A weakness that the scanner reports as fixed is closed, with its record as the proof."""
    fixed = finding(present=False, locator="host 3")
    decision = only(run([definition(), fixed, scan()], poam=[item()]), CLOSED)
    assert "reports it fixed" in decision.because[0]


@pytest.mark.parametrize(
    ("deviation", "kind"),
    [
        pytest.param({"operational_requirement": "Yes"}, "needs_review", id="scenario-25 OR"),
        pytest.param({"operational_requirement": "Pending"}, "closed", id="OR not approved"),
        pytest.param({"false_positive": "Pending"}, "closed", id="FP not approved, and gone"),
    ],
)
def test_an_approved_operational_requirement_is_not_closed_by_a_scan(deviation, kind):
    """Only a person says that its circumstance is gone."""
    changes = run([scan()], poam=[item(**deviation)], known=memory("web-01"))
    assert kinds(changes) == [("V-1", kind)]


@pytest.mark.parametrize(
    "deviation",
    [
        {"vendor_dependency": "Yes"},
        {"operational_requirement": "Yes"},
        {"false_positive": "Pending"},
    ],
    ids=lambda d: "scenario-25 " + " ".join(next(iter(d.items()))),
)
def test_what_the_scan_still_shows_is_never_closed(deviation):
    """Deviations and vendor dependencies stay open while the weakness is there."""
    assert kinds(run(seen("web-01"), poam=[item(**deviation)])) == [("V-1", "unchanged")]


# Closed items, seen again


@pytest.mark.parametrize(
    ("asset", "expected"),
    [
        pytest.param("web-01", [("V-1", "suppressed")], id="the same asset"),
        pytest.param("web-02", [("V-2", "opened")], id="another asset"),
    ],
)
def test_an_approved_false_positive_holds_for_its_assets(asset, expected):
    """Seen again where it was approved it stays closed; elsewhere it opens."""
    assert kinds(run(seen(asset), poam=[closed(false_positive="Yes")])) == expected


def test_a_false_positive_that_was_not_approved_suppresses_nothing():
    """Pending and No are not approvals."""
    for word in ("Pending", "No", ""):
        assert kinds(run(seen("web-01"), poam=[closed(false_positive=word)])) == [("V-2", "opened")]


@pytest.mark.parametrize(
    ("poam", "why"),
    [
        pytest.param([], "no item of the workbook has this identifier", id="none"),
        pytest.param(
            [item(asset_identifier="web-02")],
            "V-1 lists other assets; these get an item of their own [",
            id="open, of another asset",
        ),
        pytest.param(
            [closed(asset_identifier="web-02"), closed("V-2")],
            "V-1, V-2 with this identifier is closed [",
            id="closed",
        ),
        pytest.param(
            [closed(), item("V-2", asset_identifier="web-02")],
            "V-2 lists other assets; these get an item of their own [",
            id="an open one and a closed one",
        ),
    ],
)
def test_a_new_item_says_why_it_is_new(poam, why):
    """The items that have its identifier, and why none of them takes it."""
    because = only(run(seen("web-01"), poam=poam), OPENED).because
    assert because[0].startswith("Nessus 10001 seen on 1 asset, first on 2026-11-03 (")
    assert because[1].startswith(why)


@pytest.mark.parametrize(
    ("inventoried", "said"),
    [
        pytest.param({"web-01": date(2026, 10, 26)}, True, id="the last run had one"),
        pytest.param({}, False, id="no run had one"),
    ],
)
def test_a_missing_inventory_is_said(inventoried, said):
    """Without the inventory of last month assets may go by other names."""
    notices = run(seen("web-01"), inventoried=inventoried).notices
    begins = "No inventory was given, and the run of 2026-10-26 had one"
    assert any(text.startswith(begins) for text in notices) is said


def test_a_recurrence_is_a_new_item_that_cites_the_old():
    """scenario-26: another number, the new detection date, and a comment with the old number."""
    decision = only(run(seen("web-01"), poam=[closed()]), OPENED)
    assert decision.poam_id == "V-2"
    assert decision.after["original_detection_date"] == date(2026, 11, 3)
    assert "Recurrence of V-1, closed 2026-10-20" in decision.after["comments"]


def test_another_asset_of_a_closed_item_is_no_recurrence():
    """The comment cites only where the same asset shows it again."""
    decision = only(run(seen("web-02"), poam=[closed()]), OPENED)
    assert "Recurrence" not in decision.after["comments"]


def test_closed_after_the_scan_waits_for_a_person():
    """A scan older than the closing tells nothing new, or the item was closed too early."""
    decision = only(run(seen("web-01"), poam=[closed(status_date=date(2026, 11, 20))]), REVIEW)
    assert decision.poam_id == "V-1"
    assert "was closed on 2026-11-20" in decision.because[0]


def test_closed_rows_are_never_changed():
    """No decision sets a value of the closed sheet, whatever the scans say."""
    changes = run([scan()], poam=[closed(), closed("V-2", asset_identifier="web-02")])
    assert not changes.decisions


# Whose columns


OWNERS = {name: rule.owner for name, rule in policy().templates.fields.items()}


@pytest.mark.parametrize("new_assets", ["new_row", "append"])
def test_a_persons_columns_are_never_set_in_an_existing_row(new_assets):
    """Whatever happens to a row, the columns of a person, and those set once, stay."""
    records = [
        definition(cves=(CVE,)),
        *(finding(a) for a in ("a", "b", "c")),
        *(scan(a) for a in ("a", "b", "c", "d")),
    ]
    rows = [item("V-1", asset_identifier="a\nd"), item("V-2", asset_identifier="d")]
    changes = run(
        records,
        poam=rows,
        known=memory("a", "d"),
        catalogue=kev(CVE_2026_0001="2026-11-04"),
        rules=with_timelines(new_assets=new_assets),
    )
    touched = changes.of(UPDATED, CLOSED)
    assert [d.poam_id for d in touched] == ["V-1", "V-2"]
    fields = set().union(*(d.after for d in touched))
    assert not {n for n in fields if OWNERS[n] is Owner.PERSON}
    assert {n for n in fields if OWNERS[n] is Owner.MACHINE_ONCE} == {"scheduled_completion_date"}
    for d in touched:
        assert d.after["comments"].startswith(d.before["comments"])


def test_an_edition_gets_only_its_own_columns():
    """v3.0 has no milestone columns: the milestone is in the plan, and no other field is set."""
    decision = only(run(seen("a"), edition="v3.0"), OPENED)
    assert set(decision.after) <= set(policy().templates.editions["v3.0"].columns)
    assert "2026-12-03" in decision.after["remediation_plan"]


# Numbers


@pytest.mark.parametrize(
    ("existing", "expected"),
    [
        pytest.param((), ["V-1", "V-2"], id="an empty workbook"),
        pytest.param(("V-7",), ["V-8", "V-9"], id="goes on"),
        pytest.param(("CSP-00450",), ["CSP-00451", "CSP-00452"], id="scenario-33 padded"),
    ],
)
def test_new_items_are_numbered_worst_first(existing, expected):
    """High before Moderate, in the workbook's own scheme."""
    poam = [item(i, asset_identifier="z", weakness_source_identifier="9") for i in existing]
    records = [
        definition("1", cvss3_base=5.0),
        definition("2"),
        finding(identifier="1"),
        finding(identifier="2"),
        scan(),
    ]
    opened = run(records, poam=poam).of(OPENED)
    assert [d.poam_id for d in opened] == expected
    assert [d.source_identifier for d in opened] == ["2", "1"]


def test_a_closed_number_is_never_used_again():
    """Numbers count on over all sheets."""
    rows = [closed("V-9", asset_identifier="z"), item("V-3")]
    assert only(run(seen("web-02"), poam=rows), OPENED).poam_id == "V-10"


# Order


BATCH = [
    *seen("a", "b", port=443, protocol="tcp"),
    *seen("c", identifier="10002"),
    definition("10003", cvss3_base=5.0, cves=(CVE,)),
    finding("a", "10003", first_seen=SCANNED.replace(month=9)),
    finding("d", "10003"),
    scan("d"),
    scan("e"),
    finding("e", "10004", present=False),
]
WORKBOOK = [
    item("V-1", asset_identifier="a\ne"),
    item("V-2", weakness_source_identifier="10004", asset_identifier="e"),
    closed("V-3", weakness_source_identifier="10002", asset_identifier="c"),
]


def decided(files):
    """Return everything one batch decides, and the cells it sets."""
    changes = run(*files, poam=WORKBOOK, known=memory("a", "e"))
    return changes, edits(changes, AS_OF)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.permutations(BATCH))
def test_the_order_of_records_changes_nothing(records):
    """Any order of one file's records decides the same, word for word."""
    assert decided([records])[0].decisions == decided([BATCH])[0].decisions


FILES = [
    ("a.nessus", seen("a", "b")),
    ("b.nessus", [*seen("b", "c", day=day("2026-11-10")), scan("e")]),
    ("c.nessus", seen("c", identifier="10002", day=day("2026-11-05"))),
    ("d.nessus", [definition("10002", name="Another name"), finding("c", "10002"), scan("c")]),
]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.permutations(FILES))
def test_the_order_of_files_changes_nothing(files):
    """Any order of the input files gives the same decisions, cells and memory."""
    changes, cells = decided(files)
    expected, expected_cells = decided(FILES)
    assert changes.decisions == expected.decisions
    assert cells == expected_cells
    pd.testing.assert_frame_equal(changes.membership, expected.membership)


def test_a_fix_before_the_last_sighting_closes_nothing():
    """An old report of a fix is no proof that what was seen since is gone."""
    early = datetime(2026, 9, 1)  # noqa: DTZ001 - a scanner's local time has no zone
    records = [definition(), finding(present=False, last_seen=early), scan(ended=early)]
    assert kinds(run(records, poam=[item()], known=memory("web-01"))) == [("V-1", "unverified")]


def test_a_fix_on_one_port_leaves_the_other_open():
    """Each line of the list needs its own proof."""
    row = item(asset_identifier="web-01 (443/tcp)\nweb-01 (8443/tcp)")
    fix = finding(present=False, port=443, protocol="tcp")
    changes = run([definition(), fix, scan("other")], poam=[row])
    assert [kind for _, kind in kinds(changes)] == ["updated"]
    assert only(changes, ChangeKind.UPDATED).after["asset_identifier"] == "web-01 (8443/tcp)"


def test_two_machines_called_localhost_stay_two():
    """A name that several machines carry ties nothing together."""
    one = [definition(), finding("localhost"), scan("localhost", ips=("10.0.0.1",))]
    two = [scan("localhost", ips=("10.0.0.2",))]
    opened = only(run(one, two), ChangeKind.OPENED)
    assert opened.after["asset_identifier"] == "10.0.0.1"


def test_a_list_that_goes_on_in_an_attachment():
    """With the ledger's memory it is whole; without, nothing opens or closes on a guess."""
    hosts = [f"host-{n:05}.corp.example" for n in range(2000)]
    opened = only(run(seen(*hosts)), ChangeKind.OPENED)
    assert len(opened.attachment.splitlines()) == len(hosts)
    rows = [item(**opened.after)]
    known = memory(*hosts)
    assert kinds(run(seen(*hosts), poam=rows, known=known)) == [("V-1", "unchanged")]
    assert kinds(run([scan(h) for h in hosts], poam=rows, known=known)) == [("V-1", "closed")]
    alone = kinds(run(seen(*hosts), poam=rows))
    assert sorted(alone) == [("V-1", "needs_review"), ("V-1", "unchanged")]
    assert kinds(run([scan(h) for h in hosts], poam=rows)) != [("V-1", "closed")]


def test_a_host_with_the_addresses_of_two_inventory_assets():
    """A second run recognises the row that the first one opened."""
    listed = pd.DataFrame.from_records(
        [("i-1", ("10.0.0.1",), True), ("i-2", ("10.0.0.2",), True)],
        columns=["identifier", "names", "in_latest_scan"],
    )
    records = [definition(), finding("vip"), scan("vip", ips=("10.0.0.1", "10.0.0.2"))]
    opened = only(run(records, inventory=listed), ChangeKind.OPENED)
    again = run(records, poam=[item(**opened.after)], inventory=listed)
    assert kinds(again) == [("V-1", "unchanged")]


def test_a_finding_without_a_definition_waits_for_a_person():
    """Nothing rates it, so nothing opens, and it is not lost."""
    assert [kind for _, kind in kinds(run([finding(), scan()]))] == ["needs_review"]


def test_findings_without_coverage_open():
    """An export that does not say what it scanned still says what it found."""
    assert [kind for _, kind in kinds(run([definition(), finding()]))] == ["opened"]


def test_an_appended_asset_is_listed_once():
    """Protocols differ in case between exports, not in meaning."""
    twice = [finding("b", port=1, protocol=protocol) for protocol in ("TCP", "tcp")]
    records = [*seen("web-01"), *twice, scan("b")]
    changes = run(records, poam=[item()], rules=with_timelines(new_assets="append"))
    assert only(changes, ChangeKind.UPDATED).after["asset_identifier"] == "web-01\nb (1/tcp)"


def test_a_weakness_without_rating_that_has_its_row_is_no_doubt():
    """A person rated it when the row was written."""
    records = [definition(cvss3_base=None), finding(), scan()]
    assert kinds(run(records, poam=[item()])) == [("V-1", "unchanged")]


def test_an_older_scan_does_not_reopen_what_was_proven_clean():
    """Scans handed in out of order: a place proven clean since waits for a person."""
    row = item(asset_identifier="web-01\nweb-02")
    known = memory("web-01", "web-02")
    clean = run([*seen("web-01"), scan("web-02")], poam=[row], known=known)
    kept = only(clean, ChangeKind.UPDATED)
    assert kept.after["asset_identifier"] == "web-01"
    later = remembered(known, clean.membership, clean.cleaned)
    older = seen("web-01", "web-02", day=datetime(2026, 10, 20))  # noqa: DTZ001
    again = run(older, poam=[row | dict(kept.after)], known=later)
    assert sorted(kinds(again)) == [("", "needs_review"), ("V-1", "unchanged")]
    newer = seen("web-01", "web-02", day=datetime(2026, 11, 9))  # noqa: DTZ001
    assert ("V-2", "opened") in kinds(run(newer, poam=[row | dict(kept.after)], known=later))
