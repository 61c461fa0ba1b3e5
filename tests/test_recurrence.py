"""What a scan finds again where an item was closed: new, back, or a person's question."""

from datetime import date, datetime, timedelta
from types import SimpleNamespace

import pytest

from poam.asset_lines import asset_lines
from poam.assets import AssetIndex
from poam.existing import Item, Settlement
from poam.model import ChangeKind, Kind, Sheet
from poam.opening import Edition
from poam.proof import ScanRecord
from tests.core_support import (
    AS_OF,
    SCANNED,
    closed,
    definition,
    finding,
    kinds,
    memory,
    only,
    policy,
    run,
    scan,
    seen,
    with_timelines,
)

OPENED, REOPENED = ChangeKind.OPENED, ChangeKind.REOPENED
REVIEW, SUPPRESSED = ChangeKind.NEEDS_REVIEW, ChangeKind.SUPPRESSED
CLOSING = datetime(2026, 10, 20)  # noqa: DTZ001 - a scanner's local time has no zone
REOPEN = with_timelines(after_closing="reopen")


def after(days):
    """Return a scan's time, so many days after the closing."""
    return CLOSING + timedelta(days=days)


def found(*assets, days=14, **given):
    """Return a scan that finds the weakness so many days after the closing."""
    return seen(*assets, day=after(days), **given)


@pytest.mark.parametrize(
    ("days", "same_cycle", "kind"),
    [
        pytest.param(0, 7, "reopened", id="on the day of the closing"),
        pytest.param(7, 7, "reopened", id="scenario-26 7 days after"),
        pytest.param(8, 7, "opened", id="scenario-26 8 days after"),
        pytest.param(0, 0, "reopened", id="no days: the day itself"),
        pytest.param(1, 0, "opened", id="no days: the day after"),
        pytest.param(30, 30, "reopened", id="another number"),
        pytest.param(31, 30, "opened", id="a day after another number"),
    ],
)
def test_found_again_within_the_cycle(days, same_cycle, kind):
    """So few days after the closing it was never gone: the old row comes back."""
    rules = with_timelines(same_cycle_days=same_cycle)
    changes = run(found("web-01", days=days), poam=[closed()], rules=rules)
    assert [decided for _, decided in kinds(changes)] == [kind]


@pytest.mark.parametrize("days", [0, 8, 40])
def test_reopen_brings_back_whenever(days):
    """With `after_closing: reopen` no number of days makes a new item."""
    changes = run(found("web-01", days=days), poam=[closed()], rules=REOPEN, as_of=date(2027, 1, 1))
    assert kinds(changes) == [("V-1", "reopened")]


@pytest.mark.parametrize(
    ("days", "rules", "key"),
    [
        pytest.param(7, policy(), "recurrence.same_cycle_days = 7", id="same cycle"),
        pytest.param(14, REOPEN, "recurrence.after_closing = reopen", id="reopen"),
    ],
)
def test_a_row_comes_back_with_its_dates(days, rules, key):
    """scenario-26: it moves to Open; only list, Status Date and Comments change, and why."""
    row = closed(comments="2026-10-20: Closed.", milestone_changes="(1) Update")
    decision = only(run(found("web-01", days=days), poam=[row], rules=rules), REOPENED)
    seen_on = after(days).date()
    assert (decision.sheet, decision.to_sheet) == (Sheet.CLOSED, Sheet.OPEN)
    assert set(decision.after) == {"asset_identifier", "status_date", "comments"}
    assert decision.after["status_date"] == AS_OF
    begins = (
        "2026-10-20: Closed.\n2026-11-30: Reopened. Nessus 10001 found it again on web-01 on "
        f"{seen_on}, closed on 2026-10-20"
    )
    assert decision.after["comments"].startswith(begins)
    assert key in decision.because[0]


def test_only_what_is_seen_again_is_listed():
    """A row that comes back lists the assets that show it, in the row's own spelling."""
    row = closed(asset_identifier="web-01\nWEB-02 (443/tcp)\nweb-03")
    records = [
        *found("web-01"),
        *found("web-02", port=443, protocol="tcp")[1:],
        scan("web-03", ended=after(14)),
    ]
    decision = only(run(records, poam=[row], rules=REOPEN), REOPENED)
    assert decision.after["asset_identifier"] == "web-01\nWEB-02 (443/tcp)"


def test_a_new_asset_beside_one_that_comes_back():
    """What the closed row never listed is a new item, and no recurrence."""
    changes = run(found("web-01", "web-02"), poam=[closed()], rules=REOPEN)
    assert kinds(changes) == [("V-1", "reopened"), ("V-2", "opened")]
    opened = only(changes, OPENED)
    assert opened.after["asset_identifier"] == "web-02"
    assert "Recurrence" not in opened.after["comments"]
    members = changes.membership.set_index("asset_identifier")["poam_id"]
    assert members.to_dict() == {"web-01": "V-1", "web-02": "V-2"}


@pytest.mark.parametrize(
    ("kind", "sheet"),
    [(Kind.VULNERABILITY, Sheet.OPEN), (Kind.CONFIGURATION, Sheet.CONFIGURATION)],
)
def test_each_goes_back_to_its_sheet(kind, sheet):
    """A configuration finding goes back to Configuration Findings, anything else to Open."""
    changes = run(found("web-01", kind=kind), poam=[closed()], rules=REOPEN)
    assert only(changes, REOPENED).to_sheet == sheet


def test_an_edition_without_the_sheet():
    """Where a template has no such sheet, a configuration finding goes back to Open."""
    record = SimpleNamespace(**closed())
    line = asset_lines("web-01")
    back = Item(record, frozenset(), line, seen=set(line), back=["x"], is_configuration=True)
    edition = Edition(frozenset(record.__dict__), frozenset({Sheet.OPEN, Sheet.CLOSED}), "", "")
    decision = Settlement(AS_OF, policy(), edition, AssetIndex(), ScanRecord({})).decide(back)
    assert decision.to_sheet == Sheet.OPEN


@pytest.mark.parametrize(
    ("rows", "back"),
    [
        pytest.param(
            [closed("V-1", status_date=date(2026, 10, 1)), closed("V-2")], "V-2", id="the later"
        ),
        pytest.param(
            [closed("V-1"), closed("V-2", status_date=date(2026, 10, 1))], "V-1", id="in any order"
        ),
        pytest.param(
            [closed("V-1"), closed("V-2", asset_identifier="web-02")], "V-1", id="of the place"
        ),
        pytest.param([closed("V-1"), closed("V-2", status_date=None)], "V-1", id="of those dated"),
        pytest.param([closed("V-1"), closed("V-2")], "V-2", id="one day: the lower row"),
    ],
)
def test_the_last_closed_comes_back(rows, back):
    """Of several closed rows that list the place, the one that was closed last comes back."""
    changes = run(found("web-01"), poam=rows, rules=REOPEN)
    assert kinds(changes) == [(back, "reopened")]


@pytest.mark.parametrize(
    ("row", "known", "is_asked"),
    [
        pytest.param({"comments": ""}, None, True, id="nothing says why"),
        pytest.param({"comments": "Dana looks at it"}, None, True, id="other words"),
        pytest.param({"comments": "2026-10-20: Closed."}, None, False, id="closed"),
        pytest.param({"comments": "Remediated in HR-17"}, None, False, id="remediated"),
        pytest.param({"comments": "at Close of Sprint 9"}, None, False, id="close"),
        pytest.param({"comments": "kept in a closet"}, None, True, id="a word that begins so"),
        pytest.param(
            {"comments": "", "supporting_documents": "HR-17.pdf"}, None, False, id="a document"
        ),
        pytest.param({"comments": "", "supporting_documents": " "}, None, True, id="a blank"),
        pytest.param(
            {"comments": ""}, {"last_clean": date(2026, 10, 20)}, False, id="proven clean"
        ),
        pytest.param({"comments": ""}, {}, True, id="remembered, never clean"),
        pytest.param(
            {"comments": "2026-09-01: Recurrence of V-0, closed 2026-08-20."},
            None,
            True,
            id="the closing of another item",
        ),
    ],
)
def test_a_closing_that_nothing_documents(row, known, is_asked):
    """It opens a new item as any recurrence, and a person is asked whether it was fixed."""
    remembered = None if known is None else memory("web-01", **known)
    changes = run(found("web-01"), poam=[closed(**row)], known=remembered)
    assert only(changes, OPENED).poam_id == "V-2"
    asked = [(d.poam_id, d.because) for d in changes.of(REVIEW)]
    words = (
        "closed without evidence, and found again on web-01 on 2026-11-03, from when its new item "
        "counts: was it fixed?"
    )
    assert asked == ([("V-1", (words,))] if is_asked else [])


def test_a_row_that_comes_back_needs_no_evidence():
    """Reopened, it keeps its dates: nobody asks what closed it."""
    changes = run(found("web-01"), poam=[closed(comments="")], rules=REOPEN)
    assert kinds(changes) == [("V-1", "reopened")]


@pytest.mark.parametrize("rules", [policy(), REOPEN], ids=["new_item", "reopen"])
def test_a_closing_without_a_day(rules):
    """A row without Status Date cannot come back: the recurrence is a new item that cites it."""
    decision = only(run(found("web-01"), poam=[closed(status_date=None)], rules=rules), OPENED)
    assert "Recurrence of V-1, closed earlier" in decision.after["comments"]


def test_every_closed_item_is_cited():
    """A new item names each closed one that listed a place of it, and its day."""
    rows = [
        closed("V-1", status_date=date(2026, 9, 1)),
        closed("V-2", asset_identifier="web-02"),
        closed("V-3", asset_identifier="web-03"),
    ]
    decision = only(run(found("web-01", "web-02"), poam=rows), OPENED)
    assert decision.after["comments"].split("\n") == [
        "2026-11-30: Recurrence of V-1, closed 2026-09-01.",
        "2026-11-30: Recurrence of V-2, closed 2026-10-20.",
    ]


# What keeps it closed


@pytest.mark.parametrize("rules", [policy(), REOPEN], ids=["new_item", "reopen"])
@pytest.mark.parametrize("days", [-1, 7, 14], ids=["an older scan", "same cycle", "later"])
def test_a_false_positive_comes_first(days, rules):
    """An approved false positive of the place suppresses, whatever else was closed there."""
    rows = [closed("V-1"), closed("V-2", false_positive="Yes", status_date=date(2026, 9, 1))]
    decision = only(run(found("web-01", days=days), poam=rows, rules=rules), SUPPRESSED)
    assert decision.poam_id == "V-2"


def test_a_false_positive_of_another_place():
    """It holds for the places it lists: the other place comes back."""
    rows = [closed("V-1"), closed("V-2", false_positive="Yes", asset_identifier="web-02")]
    changes = run(found("web-01", "web-02"), poam=rows, rules=REOPEN)
    assert sorted(kinds(changes)) == [("V-1", "reopened"), ("V-2", "suppressed")]


@pytest.mark.parametrize("rules", [policy(), REOPEN], ids=["new_item", "reopen"])
def test_a_scan_older_than_the_closing(rules):
    """A day before the closing a person is asked, whichever way recurrences go."""
    decision = only(run(found("web-01", days=-1), poam=[closed()], rules=rules), REVIEW)
    assert "was it closed too early, or is the scan older than the fix?" in decision.because[0]


@pytest.mark.parametrize(
    ("clean", "kind"),
    [
        pytest.param("2026-11-04", "needs_review", id="proven clean the day after"),
        pytest.param("2026-11-03", "reopened", id="proven clean on the day"),
    ],
)
def test_a_scan_older_than_the_proof(clean, kind):
    """What was proven clean since the scan does not come back by it."""
    known = memory("web-01", last_clean=date.fromisoformat(clean))
    changes = run(seen("web-01", day=SCANNED), poam=[closed()], known=known, rules=REOPEN)
    assert [decided for _, decided in kinds(changes)] == [kind]


# Dates


@pytest.mark.parametrize(
    ("first_found", "detected"),
    [
        pytest.param("2026-10-06", "2026-11-03", id="before the closing"),
        pytest.param("2026-10-20", "2026-11-03", id="on its day"),
        pytest.param("2026-10-21", "2026-10-21", id="the day after"),
    ],
)
def test_no_day_before_the_closing_counts(first_found, detected):
    """A scanner that goes on counting from its first day does not date a recurrence."""
    records = [definition(), finding(first_seen=datetime.fromisoformat(first_found)), scan()]
    decision = only(run(records, poam=[closed()]), OPENED)
    assert str(decision.after["original_detection_date"]) == detected


@pytest.mark.parametrize(
    ("known", "detected"),
    [
        pytest.param({}, "2026-11-03", id="the ledger knew it before the closing"),
        pytest.param(
            {"first_seen": date(2026, 10, 25), "last_seen": date(2026, 10, 25)},
            "2026-10-25",
            id="the ledger saw it since",
        ),
    ],
)
def test_the_ledgers_first_day_of_a_recurrence(known, detected):
    """The ledger's day counts only where it is after the closing."""
    changes = run(seen("web-01"), poam=[closed()], known=memory("web-01", **known))
    assert str(only(changes, OPENED).after["original_detection_date"]) == detected


def test_the_last_of_several_closings_dates_it():
    """A day between two closings is before the last of them."""
    rows = [closed("V-1", status_date=date(2026, 9, 1)), closed("V-2")]
    first = datetime.fromisoformat("2026-09-15")
    records = [definition(), finding(first_seen=first), scan()]
    decision = only(run(records, poam=rows), OPENED)
    assert decision.after["original_detection_date"] == date(2026, 11, 3)
