"""The one item on Open that stands for all configuration findings."""

from datetime import date
from types import SimpleNamespace

import pytest

from flows.plan import decide
from poam.changes import applied
from poam.model import ChangeKind, Kind, Sheet
from poam.opening import Edition
from poam.report import run_report
from poam.rollup import is_roll_up, roll_up, without_roll_up
from tests import core_support
from tests.core_support import (
    AS_OF,
    closed,
    definition,
    finding,
    item,
    items,
    kinds,
    memory,
    only,
    plan,
    policy,
    run,
    scan,
    seen,
    with_timelines,
)

CLOSED, OPENED, UPDATED = ChangeKind.CLOSED, ChangeKind.OPENED, ChangeKind.UPDATED
NAME = policy().timelines.configuration.roll_up_name
LAYOUT = policy().templates.editions["v2.1"]
WITH_SHEET = Edition(
    frozenset(LAYOUT.columns),
    frozenset(Sheet),
    LAYOUT.no_adjusted_rating,
    LAYOUT.no_kev,
    LAYOUT.no_identifier,
)
WITHOUT_SHEET = Edition(WITH_SHEET.fields, frozenset({Sheet.OPEN, Sheet.CLOSED}), "N/A", "No")
OFF = with_timelines(roll_up=False)


def check(poam_id="V-2", **given):
    """Return a configuration finding of Nessus 10001 on web-01, found on 2026-10-06, High."""
    return item(poam_id, sheet="configuration", **given)


def rolled(poam_id="V-1", **given):
    """Return the item that stands for the configuration findings of web-01."""
    named = {"weakness_name": NAME, "weakness_source_identifier": "None"}
    return item(poam_id, **named | given)


def decided(*rows, edition=WITH_SHEET, rules=None):
    """Return what becomes of the item that stands for these findings, None where nothing does."""
    return roll_up(items(*rows), iter(["V-9"]), AS_OF, edition, rules or policy())


def test_the_first_finding_opens_it():
    """It is on Open with the earliest date, the worst rating and every asset of the findings."""
    decision = decided(
        check("V-1", asset_identifier="web-02\nweb-01 (22/tcp)", original_risk_rating="Low"),
        check(
            "V-2",
            weakness_detector_source="Qualys",
            original_detection_date=date(2026, 9, 1),
            original_risk_rating="Moderate",
        ),
        item("V-3", asset_identifier="db-01"),
        closed("V-4", asset_identifier="db-02"),
    )
    expected = {
        "poam_id": "V-9",
        "controls": "CM-6",
        "weakness_name": NAME,
        "weakness_detector_source": "Nessus\nQualys",
        "weakness_source_identifier": "None",
        "asset_identifier": "web-01\nweb-01 (22/tcp)\nweb-02",
        "original_detection_date": date(2026, 9, 1),
        "scheduled_completion_date": date(2026, 11, 30),
        "status_date": AS_OF,
        "original_risk_rating": "Moderate",
    }
    assert (decision.kind, decision.sheet, decision.row) == (OPENED, Sheet.OPEN, None)
    assert {name: decision.after[name] for name in expected} == expected
    assert "configuration findings are open: 2" in decision.because[0]
    assert "timelines.configuration.roll_up" in decision.because[0]


@pytest.mark.parametrize(
    ("findings", "rating", "due"),
    [
        pytest.param(
            [check(original_risk_rating="High", adjusted_risk_rating="Low", risk_adjustment="Yes")],
            "Low",
            "2027-04-04",
            id="an approved adjustment counts",
        ),
        pytest.param([check(original_risk_rating="")], "Low", "2027-04-04", id="no rating"),
        pytest.param(
            [check(original_detection_date=None, original_risk_rating="High")],
            "High",
            "2026-12-30",
            id="no date: as of the run",
        ),
    ],
)
def test_what_its_findings_do_not_say(findings, rating, due):
    """Its rating is the one that counts for the worst finding; its dates follow from theirs."""
    after = decided(*findings).after
    assert after["original_risk_rating"] == rating
    assert str(after["scheduled_completion_date"]) == due


@pytest.mark.parametrize(
    ("rows", "kind"),
    [
        pytest.param([], None, id="nothing to stand for"),
        pytest.param([item(), closed("V-2")], None, id="no configuration finding"),
        pytest.param([check()], "opened", id="a finding"),
        pytest.param([check(), rolled()], "unchanged", id="the same assets"),
        pytest.param(
            [check(asset_identifier="a\nb"), rolled(asset_identifier="b\na")],
            "unchanged",
            id="another order",
        ),
        pytest.param([check(asset_identifier="web-02"), rolled()], "updated", id="another asset"),
        pytest.param(
            [check(), rolled(asset_identifier="web-01\nweb-02")], "updated", id="an asset fewer"
        ),
        pytest.param([rolled()], "closed", id="the last finding is closed"),
        pytest.param(
            [check(), rolled("V-7", sheet="closed")], "opened", id="it was closed: a new one"
        ),
        pytest.param(
            [check(), rolled(weakness_name=f" {NAME.upper()} ")], "unchanged", id="typed otherwise"
        ),
    ],
)
def test_what_becomes_of_it(rows, kind):
    """It is open exactly as long as there are configuration findings, and lists their assets."""
    decision = decided(*rows)
    assert (decision and decision.kind.value) == kind


def test_other_assets_change_its_list_only():
    """Its dates and rating were recorded once; the list and Status Date follow the findings."""
    worse = check("V-3", asset_identifier="web-02", original_detection_date=date(2026, 1, 1))
    decision = decided(rolled(original_risk_rating="Low"), check(), worse)
    assert decision.after == {"asset_identifier": "web-01\nweb-02", "status_date": AS_OF}
    assert decision.before == {
        "asset_identifier": "web-01",
        "status_date": date(2026, 10, 6),
    }
    assert (decision.kind, decision.poam_id, decision.to_sheet) == (UPDATED, "V-1", None)


def test_it_closes_with_the_last_finding():
    """It moves to Closed with a dated line of Comments; its list stays as it was."""
    decision = decided(rolled(comments="A note"), closed("V-2"))
    assert (decision.kind, decision.to_sheet) == (CLOSED, Sheet.CLOSED)
    assert set(decision.after) == {"status_date", "comments"}
    assert decision.after["status_date"] == AS_OF
    assert decision.after["comments"].startswith("A note\n2026-11-30: Closed")
    assert "onfiguration finding is open any more" in decision.after["comments"]


def test_a_list_that_does_not_fit_its_cell():
    """A list that goes on in an attachment is written whole there, and left alone later."""
    hosts = [f"host-{n:05}.corp.example" for n in range(2000)]
    findings = [
        check("V-2", asset_identifier="\n".join(hosts[:1000])),
        check("V-3", asset_identifier="\n".join(hosts[1000:])),
    ]
    opened = decided(*findings)
    assert len(opened.attachment.splitlines()) == 2000
    assert opened.after["asset_identifier"].endswith("[all 2,000 assets: assets-V-9.csv]")
    again = decided(*findings, item(**opened.after))
    assert (again.kind, dict(again.after)) == (ChangeKind.UNCHANGED, {})


@pytest.mark.parametrize(
    "given",
    [{"rules": OFF}, {"edition": WITHOUT_SHEET}],
    ids=["the policy wants none", "Rev4 has no sheet for them"],
)
@pytest.mark.parametrize(
    "rows", [[check()], [check(), rolled()], [rolled()]], ids=["finding", "both", "roll-up"]
)
def test_no_such_item(rows, given):
    """Without the switch or the sheet nothing is opened, changed or closed for it."""
    assert decided(*rows, **given) is None


@pytest.mark.parametrize(
    ("row", "is_one"),
    [
        (rolled(), True),
        (rolled(weakness_name=f" {NAME.lower()}"), True),
        (rolled(sheet="closed"), False),
        (rolled(sheet="configuration"), False),
        (item(), False),
        (item(weakness_name=f"{NAME}: web-01"), False),
    ],
)
def test_which_row_it_is(row, is_one):
    """It is the row of that name on Open, whatever its case, and no other."""
    assert is_roll_up(SimpleNamespace(**row), policy()) is is_one
    assert len(without_roll_up(items(row, item("V-8")), policy())) == 2 - is_one


# In a run


def fails(*assets, identifier="10001", **given):
    """Return a benchmark scan in which a check fails on some hosts."""
    return seen(*assets, identifier=identifier, kind=Kind.CONFIGURATION, **given)


def rows_after(poam, changes):
    """Return the items that a run leaves, as the rows of another one."""
    return [row | {"row": None} for row in applied(items(*poam), changes).to_dict("records")]


def test_month_by_month():
    """Opened with the findings, unchanged, updated with a new host, closed with the last of them.

    The second run of a month finds nothing to do.
    """
    clean = [scan("web-01"), scan("web-02")]
    months = [
        (fails("web-01"), ["V-1 opened", "V-2 opened"]),
        (fails("web-01"), ["V-1 unchanged", "V-2 unchanged"]),
        (fails("web-01", "web-02"), ["V-1 unchanged", "V-2 updated", "V-3 opened"]),
        (fails("web-01", "web-02"), ["V-1 unchanged", "V-2 unchanged", "V-3 unchanged"]),
        (clean, ["V-1 closed", "V-2 closed", "V-3 closed"]),
        (clean, []),
    ]
    poam = []
    for records, expected in months:
        known = memory("web-01", "web-02") if poam else None
        changes = run(records, poam=poam, known=known)
        assert sorted(" ".join(pair) for pair in kinds(changes)) == expected
        poam = rows_after(poam, changes)


def test_the_names_of_the_findings_are_their_own():
    """scenario-17: the checks are on their own sheet, each an item; Open has the one of all."""
    changes = run([*fails("web-01"), *fails("web-01", identifier="10002")])
    sheets = {row["poam_id"]: row["sheet"] for row in rows_after([], changes)}
    assert sheets == {"V-1": "configuration", "V-2": "configuration", "V-3": "open"}


def test_it_is_never_a_match():
    """A finding with its very name, on its asset, opens an item of its own."""
    records = [definition(name=NAME), finding(), scan()]
    rows = [rolled("V-1", weakness_source_identifier=""), check("V-2", asset_identifier="db-01")]
    rows[1] |= {"weakness_source_identifier": "777", "weakness_name": "Another check"}
    opened = only(run(records, poam=rows), OPENED)
    assert opened.after["asset_identifier"] == "web-01"


@pytest.mark.parametrize("edition", ["v2.1", "v3.0"])
def test_it_is_never_counted(edition):
    """FedRAMP counts it neither as open nor as late, and it meets no trigger."""
    late = [
        item(f"V-{n}", asset_identifier=f"db-0{n}", weakness_source_identifier=f"{n}")
        for n in range(1, 5)
    ]
    fifth = item("V-5", asset_identifier="db-05", weakness_source_identifier="5")
    for rows, open_items, fired in (
        ([*late, rolled("V-6"), check("V-7")], 4, False),
        ([*late, fifth, check("V-7")], 5, True),
    ):
        made = plan([scan("other")], poam=rows, edition=edition)
        report = run_report("r", AS_OF, 1, made.changes, made.open_items, (), ())
        assert sum(report.open_by_rating.values()) == len(report.late) == open_items
        by_id = {trigger.id: trigger.fired for trigger in made.triggers}
        assert by_id["high_over_30_days"] is fired


def test_rev4_keeps_its_findings_on_open(monkeypatch):
    """scenario-17: a template without the sheet has the checks on Open and none that stands."""
    monkeypatch.setattr(
        core_support, "decide", lambda batch, *rest: decide(_without_sheet(batch), *rest)
    )
    decision = only(run(fails("web-01"), edition="rev4"), OPENED)
    assert (decision.sheet, decision.after["controls"]) == (Sheet.OPEN, "CM-6")


def _without_sheet(batch):
    columns = policy().templates.editions["rev4"].columns
    batch.workbook.has_field = lambda sheet, name: sheet != "configuration" and name in columns
    return batch
