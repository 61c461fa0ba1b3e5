"""Detections to weaknesses: each counted once, with its first day and every asset."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pandas as pd
import pytest

from poam.dedupe import sightings, weaknesses
from poam.frames import PART, merged, tables
from poam.ledger import memory_frame
from poam.model import Authenticated, Kind
from tests.core_support import AS_OF, definition, finding, memory, policy, scan, seen


def places(*exports, known=None, size=PART):
    """Fold exports, each a list of records, into sightings."""
    found = exports_of(exports)
    return sightings(
        found.detections.assign(asset_identifier=found.detections["asset"]),
        found.coverage,
        memory_frame() if known is None else known,
        AS_OF,
        policy(),
        size,
    )


def exports_of(exports):
    """Merge exports named 0.nessus, 1.nessus and so on."""
    utc = ZoneInfo("UTC")
    return merged([tables(records, f"{n}.nessus", utc) for n, records in enumerate(exports)])


def folded(*exports):
    """Fold exports into weaknesses."""
    return weaknesses(places(*exports), exports_of(exports).definitions, policy())


def day(text):
    """Return midnight of a day."""
    return datetime.fromisoformat(text)


def test_three_hosts_are_one_weakness():
    """scenario-6: one row, three assets, however often each was reported."""
    (row,) = folded([*seen("c", "a", "b"), finding("a")]).itertuples()
    assert (row.assets, row.source_identifier) == (3, "10001")


def test_two_ports_are_two_sightings():
    """scenario-6: the same host on two ports has a line for each, and the same port only one."""
    records = [finding(port=443, protocol="tcp")] * 2 + [finding(port=8443, protocol="tcp")]
    found = places([definition(), scan(), *records])
    assert list(found["port"]) == [443, 8443]
    assert list(found["detections"]) == [2, 1]


def test_two_plugins_with_one_cve_are_two_weaknesses():
    """scenario-7: different identifiers are never grouped, whatever CVE they share."""
    cves = ("CVE-2026-0001",)
    records = [definition("1", cves=cves), definition("2", cves=cves)]
    found = folded([*records, finding(identifier="1"), finding(identifier="2"), scan()])
    assert list(found["source_identifier"]) == ["1", "2"]


def test_overlapping_files_are_one_weakness():
    """scenario-8: two files with hosts in common give the union of their assets."""
    found = folded(seen("a", "b"), seen("b", "c"))
    assert list(found["assets"]) == [3]


def test_the_same_number_of_two_scanners_is_two_weaknesses():
    """QID 86000 and Nessus plugin 86000 are not the same."""
    found = folded(seen("a", identifier="86000"), seen("a", identifier="86000", detector="Qualys"))
    assert list(found["detector"]) == ["Nessus", "Qualys"]


@pytest.mark.parametrize(
    ("given", "known", "first", "basis"),
    [
        pytest.param({}, None, "2026-11-03", "scan date", id="the scan's day"),
        pytest.param(
            {"first_seen": day("2026-09-01T12:00")},
            None,
            "2026-09-01",
            "the scanner's first-found date",
            id="the scanner's own",
        ),
        pytest.param(
            {},
            date(2026, 10, 6),
            "2026-10-06",
            "the ledger's first-seen date",
            id="the ledger remembers",
        ),
        pytest.param(
            {"first_seen": day("2026-09-01")},
            date(2026, 10, 6),
            "2026-09-01",
            "the scanner's first-found date",
            id="the scanner is earlier than the ledger",
        ),
        pytest.param(
            {"first_seen": day("2026-12-24")},
            None,
            "2026-11-03",
            "scan date",
            id="a first-found after the scan",
        ),
        pytest.param(
            {}, date(2026, 11, 20), "2026-11-03", "scan date", id="the ledger is later: an old scan"
        ),
    ],
)
def test_first_seen_is_the_earliest(given, known, first, basis):
    """Scanner, ledger or scan, whichever is earliest, and the basis names it."""
    ledger = memory("web-01", first_seen=known) if known else None
    (row,) = places([definition(), finding(**given), scan()], known=ledger).itertuples()
    assert (row.first_seen, row.first_seen_basis) == (day(first), basis)


def test_no_date_at_all_is_the_as_of_date():
    """An export without dates is dated by the run, and says so."""
    (row,) = places([definition(), finding(), scan(ended=None)]).itertuples()
    assert row.first_seen.date() == row.last_seen.date() == AS_OF
    assert row.first_seen_basis == "the export has no date: as-of date"


def test_a_scan_without_an_end_counts_by_its_start():
    """The start is the next best day."""
    (row,) = places(
        [definition(), finding(), scan(ended=None, started=day("2026-11-01T23:00"))]
    ).itertuples()
    assert row.first_seen == day("2026-11-01")


@pytest.mark.parametrize(
    ("days", "present"),
    [
        pytest.param(("2026-11-03", "2026-11-10"), False, id="fixed later"),
        pytest.param(("2026-11-10", "2026-11-03"), True, id="seen again later"),
        pytest.param(("2026-11-03", "2026-11-03"), True, id="on one day the finding holds"),
    ],
)
def test_the_later_of_seen_and_fixed_holds(days, present):
    """Of two exports that disagree the later is right; on the same day it is not gone."""
    there = [definition(), finding(), scan(ended=day(days[0]))]
    gone = [finding(present=False), scan(ended=day(days[1]))]
    for order in ((there, gone), (gone, there)):
        (row,) = places(*order).itertuples()
        assert row.present is present
        assert row.first_seen == day(min(days))


def test_only_fixed_is_no_weakness():
    """What the batch saw only fixed opens nothing."""
    assert len(folded([definition(), finding(present=False), scan()])) == 0


def test_a_weakness_without_a_definition_is_kept():
    """It is called by its identifier, in its scanner's word for that."""
    (row,) = folded([finding(), scan()]).itertuples()
    assert row.name == "Plugin ID 10001"


def test_the_deepest_look_counts():
    """Of two scans that found it, the one that logged in tells how it was found."""
    shallow = [finding(), scan(authenticated=Authenticated.NO)]
    (row,) = places([definition(), *shallow], [finding(), scan()]).itertuples()
    assert row.authenticated == "yes"


def test_a_vulnerability_anywhere_is_a_vulnerability():
    """A weakness of two kinds counts as the one that must be remediated."""
    records = [finding("a", kind=Kind.INFORMATIONAL), finding("b")]
    (row,) = folded([definition(), *records, scan("a"), scan("b")]).itertuples()
    assert row.kind == Kind.VULNERABILITY


@pytest.mark.parametrize("size", [1, 3, 7])
def test_worked_on_a_part_at_a_time(size):
    """However many detections are grouped at a time, the sightings are the same."""
    weaknesses = [("2", "a", "b"), ("10", "b", "c", "b"), ("3", "a")]
    records = [
        one for identifier, *assets in weaknesses for one in seen(*assets, identifier=identifier)
    ]
    older = [memory("a", identifier="2"), memory("b", identifier="10"), memory("z", identifier="9")]
    known = pd.concat(older, ignore_index=True)
    fixed = [finding("c", "10", present=False), scan("c", ended=day("2026-11-09"))]
    whole = places(records, fixed, known=known)
    assert set(whole["first_seen_basis"]) == {"scan date", "the ledger's first-seen date"}
    pd.testing.assert_frame_equal(places(records, fixed, known=known, size=size), whole)
