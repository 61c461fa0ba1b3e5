"""Closing needs proof: absence from a scan is proof only where that scan would have found it."""

from datetime import date, datetime

import pandas as pd
import pytest

from poam.asset_lines import AssetLine
from poam.assets import AssetIndex, with_assets
from poam.dedupe import sightings
from poam.model import Authenticated
from poam.proof import Fix, Memory, Scan, ScanRecord, scan_record
from tests.core_support import AS_OF, batch, finding, memory, policy, scan

YES, PARTIAL, NO, UNKNOWN = (
    Authenticated.YES,
    Authenticated.PARTIAL,
    Authenticated.NO,
    Authenticated.UNKNOWN,
)
DETECTED = date(2026, 10, 6)
KEY = ("Nessus", "10001", "web-01")
WEB = AssetLine("web-01", "web-01")
FIXED = {KEY: (Fix(date(2026, 11, 3), "", "", 443, "row 7"),)}


def remembering(*keys, memory):
    """Lay out the same memory for some keys: by weakness, then by asset."""
    known = {}
    for detector, identifier, asset in keys:
        known.setdefault((detector, identifier), {})[asset] = memory
    return known


def record(now=YES, before=YES, ended=date(2026, 11, 3), sighted=DETECTED, **given):
    """Gather a scan of web-01 and the memory of how the weakness was found there."""
    remembered = remembering(KEY, memory=Memory(sighted, before)) if before else {}
    scans = {("Nessus", "web-01"): Scan(ended, now, "scan.nessus")} if now else {}
    return ScanRecord(**{"scans": scans, "memory": remembered} | given)


def verdict(given, *identifiers):
    """Ask whether the weakness is gone from web-01."""
    return given.verdict("Nessus", identifiers or ("10001",), "web-01", WEB, DETECTED)


@pytest.mark.parametrize(
    ("given", "gone", "because"),
    [
        pytest.param(record(), True, "without finding it", id="scenario-21 scanned and absent"),
        pytest.param(record(now=None), False, "was not scanned", id="scenario-22 not scanned"),
        pytest.param(record(ended=None), False, "has no date", id="a scan without a date"),
        pytest.param(
            record(ended=date(2026, 10, 5)), False, "older than the last", id="an older scan"
        ),
        pytest.param(record(ended=DETECTED), True, "without finding", id="on the day it was seen"),
        pytest.param(
            record(sighted=date(2026, 11, 10)),
            False,
            "older than the last sighting on 2026-11-10",
            id="seen since",
        ),
        pytest.param(
            record(before=None, ended=date(2026, 10, 5)),
            False,
            "older than the last",
            id="without memory the detection date counts",
        ),
        pytest.param(
            record(failed={"Nessus": ("bad.nessus",)}),
            False,
            "bad.nessus could not be read",
            id="an unreadable file of the detector",
        ),
        pytest.param(
            record(failed={"": ("what.bin",)}),
            False,
            "what.bin could not be read",
            id="an unreadable file of no known detector",
        ),
        pytest.param(
            record(failed={"Qualys": ("bad.xml",)}),
            True,
            "without finding it",
            id="another detector's unreadable file",
        ),
        pytest.param(
            record(now=None, fixed=FIXED),
            True,
            "reports it fixed on web-01 (row 7)",
            id="reported fixed",
        ),
        pytest.param(
            record(now=None, fixed=FIXED, failed={"Nessus": ("bad.nessus",)}),
            False,
            "could not be read",
            id="reported fixed, but a file is unreadable",
        ),
    ],
)
def test_what_proves_absence(given, gone, because):
    """Gone only if every file was read and a dated, newer, deep scan looked at the asset."""
    found = verdict(given)
    assert found.gone is gone
    assert because in found.because


@pytest.mark.parametrize(
    ("before", "now", "gone"),
    [
        (YES, YES, True),
        (YES, PARTIAL, False),
        pytest.param(YES, NO, False, id="scenario-23 found logged in, looked from outside"),
        (YES, UNKNOWN, False),
        (PARTIAL, YES, True),
        (PARTIAL, PARTIAL, True),
        (PARTIAL, NO, False),
        (PARTIAL, UNKNOWN, False),
        (NO, YES, True),
        (NO, PARTIAL, True),
        (NO, NO, True),
        (UNKNOWN, YES, True),
        (UNKNOWN, NO, False),
        (UNKNOWN, UNKNOWN, True),
        (None, YES, True),
        (None, NO, False),
        (None, PARTIAL, False),
    ],
)
def test_as_deep_a_look_as_the_one_that_found_it(before, now, gone):
    """A scan proves nothing about what only a deeper scan could see."""
    found = verdict(record(now=now, before=before))
    assert found.gone is gone
    assert f"authenticated: {now}" in found.because


def test_another_detector_proves_nothing():
    """A scan by Qualys says nothing about a Nessus plugin."""
    given = ScanRecord({("Qualys", "web-01"): Scan(date(2026, 11, 3), YES, "q.xml")})
    assert not verdict(given).gone


def test_one_fixed_of_two_is_not_enough():
    """A row of two identifiers: one reported fixed proves nothing about the other."""
    other = ("Nessus", "10002", "web-01")
    remembered = remembering(KEY, other, memory=Memory(DETECTED, YES))
    given = record(now=None, memory=remembered, fixed=FIXED)
    assert not verdict(given, "10001", "10002").gone


BOTH = {"Nessus": ("10001", "10002"), "Qualys": ("7",)}


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        pytest.param([], {"Nessus", "Qualys"}, id="none is remembered: all"),
        pytest.param([("Nessus", "10001", "web-01")], {"Nessus"}, id="one found it"),
        pytest.param([("Nessus", "10002", "web-01")], {"Nessus"}, id="by another identifier"),
        pytest.param(
            [("Nessus", "10001", "web-01"), ("Qualys", "7", "web-01")],
            {"Nessus", "Qualys"},
            id="both found it",
        ),
        pytest.param([("Qualys", "7", "web-02")], {"Nessus", "Qualys"}, id="on another asset"),
        pytest.param([("Qualys", "8", "web-01")], {"Nessus", "Qualys"}, id="another weakness"),
    ],
)
def test_who_found_it_there(known, expected):
    """The detectors that must prove it gone, each with every identifier of the item."""
    given = ScanRecord({}, memory=remembering(*known, memory=Memory(DETECTED, YES)))
    assert given.witnesses(BOTH, "web-01") == {name: BOTH[name] for name in expected}


@pytest.mark.parametrize(
    ("first_clean", "confirmed"),
    [
        pytest.param(None, False, id="never clean"),
        pytest.param(date(2026, 10, 6), False, id="on the day it was seen"),
        pytest.param(date(2026, 10, 7), True, id="the day after"),
        pytest.param(date(2026, 11, 2), True, id="the day before this scan"),
        pytest.param(date(2026, 11, 3), False, id="this very scan"),
        pytest.param(date(2026, 12, 3), False, id="a later scan: an old one is run again"),
    ],
)
def test_which_day_confirms(first_clean, confirmed):
    """A second scan confirms the first one that showed it clean since it was last seen."""
    known = remembering(KEY, memory=Memory(DETECTED, YES, first_clean))
    found = verdict(record(memory=known, confirm=2))
    assert (found.gone, found.confirmed) == (True, confirmed)


def gathered(*records, known=None):
    """Gather the record of one export."""
    tables = batch(*records)
    found = with_assets(tables, AssetIndex(), policy().assets)
    known = memory() if known is None else known
    seen = sightings(found.detections, found.coverage, known, date(2026, 11, 20), policy())
    return scan_record(found.coverage, seen, known, {}, policy())


@pytest.mark.parametrize(
    ("scans", "best"),
    [
        pytest.param([("2026-11-03", NO), ("2026-11-01", YES)], ("2026-11-01", YES), id="deepest"),
        pytest.param([("2026-11-01", YES), ("2026-11-03", YES)], ("2026-11-03", YES), id="newest"),
        pytest.param([(None, YES), ("2026-11-03", YES)], ("2026-11-03", YES), id="dated"),
    ],
)
def test_of_several_scans_the_best_counts(scans, best):
    """The deepest look, then the newest, whatever the order of the records."""
    for order in (scans, scans[::-1]):
        looked = [
            scan(ended=text and datetime.fromisoformat(text), authenticated=depth)
            for text, depth in order
        ]
        found = gathered(*looked).scans["Nessus", "web-01"]
        assert (str(found.ended), found.authenticated) == best


def test_a_scan_without_an_end_counts_by_its_start():
    """The start is a date too."""
    started = datetime.fromisoformat("2026-11-03T02:00")
    found = gathered(scan(ended=None, started=started))
    assert found.scans["Nessus", "web-01"].ended == date(2026, 11, 3)


def test_memory_is_the_latest_day_and_the_deepest_look():
    """Sightings on two ports are one memory of the asset."""
    known = memory("web-01", port=443, last_seen=date(2026, 10, 20), authenticated="no")
    older = memory("web-01", port=80)
    for order in ((known, older), (older, known)):
        frame = order[0].merge(order[1], how="outer")
        found = gathered(scan(), known=frame).memory[KEY[:2]][KEY[2]]
        assert found == Memory(date(2026, 10, 20), YES)


def test_of_two_places_the_first_clean_day_is_remembered():
    """The earliest day of any place, whichever row comes first."""
    known = memory("web-01", port=443, first_clean=date(2026, 10, 20), last_clean=AS_OF)
    other = memory("web-01", port=80, first_clean=date(2026, 10, 13), last_clean=AS_OF)
    for order in ((known, other), (other, known)):
        frame = pd.concat(order, ignore_index=True)
        assert gathered(scan(), known=frame).memory[KEY[:2]][KEY[2]].first_clean == date(
            2026, 10, 13
        )


def test_fixed_is_what_the_scanner_says():
    """A record with `present` False is the scanner's own word, with its place in the file."""
    found = gathered(finding(present=False, locator="host 3"), finding("web-02"), scan())
    assert dict(found.fixed) == {KEY: (Fix(date(2026, 11, 3), "", "", 0, "host 3"),)}


@pytest.mark.parametrize(
    ("day", "line", "gone"),
    [
        (date(2026, 11, 3), WEB, True),
        (date(2026, 11, 3), AssetLine("web-01 (443/tcp)", "web-01", 443, "tcp"), True),
        (date(2026, 11, 3), AssetLine("web-01 (8443/tcp)", "web-01", 8443, "tcp"), False),
        (date(2026, 9, 1), WEB, False),
    ],
    ids=["the asset", "its port", "another port", "before it was seen"],
)
def test_a_fix_speaks_of_its_own_place_and_day(day, line, gone):
    """A report of a fix closes neither another port nor a sighting after it."""
    given = record(now=None, fixed={KEY: (Fix(day, "", "", 443, "row 7"),)})
    assert given.verdict("Nessus", ("10001",), "web-01", line, DETECTED).gone is gone


def test_one_fixed_of_two_without_memory():
    """Nothing is known of the other identifier, so nothing proves it gone."""
    given = record(now=None, before=None, fixed=FIXED)
    assert not verdict(given, "10001", "10002").gone
