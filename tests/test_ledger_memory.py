"""The memory as a frame: a first day only moves earlier, and only what differs is written."""

from datetime import date, datetime

import pandas as pd
import pytest

from poam.changes import Cleaned
from poam.dedupe import SIGHTING
from poam.ledger import memory_frame, remembered
from poam.ledger.memory import COMPARED, difference, digested
from tests.core_support import memory, run, scan, seen


def months(*exports):
    """Return the memory after runs over these exports, one after another."""
    known = memory_frame()
    for records in exports:
        known = remembered(known, run(records, known=known).membership)
    return known


def day(text):
    """Return midnight of a day."""
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("days", "first", "last"),
    [
        pytest.param(["2026-10-06", "2026-11-03"], "2026-10-06", "2026-11-03", id="in order"),
        pytest.param(["2026-11-03", "2026-10-06"], "2026-10-06", "2026-11-03", id="an old scan"),
        pytest.param(["2026-11-03"] * 2, "2026-11-03", "2026-11-03", id="the same scan again"),
    ],
)
def test_first_seen_moves_earlier_and_last_seen_later(days, first, last):
    """Whatever order scans arrive in, memory ends the same."""
    (found,) = months(*(seen("a", day=day(d)) for d in days)).itertuples()
    assert (found.first_seen, found.last_seen) == (day(first), day(last))


def test_a_clean_scan_forgets_nothing():
    """A weakness that a scan does not show is remembered all the same."""
    known = months(seen("a"), [scan("a", ended=day("2026-12-01"))])
    assert list(known["last_seen"]) == [day("2026-11-03")]


def test_the_deepest_look_is_remembered():
    """A later scan that did not log in does not make the first one's evidence less."""
    known = remembered(memory("a"), run([*seen("a")[:2], scan("a", authenticated="no")]).membership)
    assert list(known["authenticated"]) == ["yes"]


def test_fixed_is_remembered_as_clean():
    """What the scanner reports as fixed gets the day of it."""
    records = seen("a")
    fixed = [*records[:1], seen("a", present=False)[1], scan("a", ended=day("2026-12-01"))]
    (found,) = months(records, fixed).itertuples()
    assert found.last_clean == day("2026-12-01")


def test_memory_is_kept_by_place():
    """Each weakness, asset, location and port has a memory of its own."""
    known = months([*seen("a", port=443), *seen("a", port=8443), *seen("b", identifier="2")])
    assert len(known) == len(known[SIGHTING].drop_duplicates()) == 3


def test_an_item_is_remembered_until_another_takes_its_place():
    """A sighting without an item does not erase the one it had."""
    known = memory("web-01", poam_id="V-7")
    membership = run(seen("web-01"), known=known).membership
    assert list(remembered(known, membership.assign(poam_id=""))["poam_id"]) == ["V-7"]
    assert list(remembered(known, membership)["poam_id"]) == ["V-1"]


def cleaned(day):
    """A proof that web-01 was clean on a day of November."""
    return Cleaned("V-1", "web-01", "", "", 0, date(2026, 11, day))


@pytest.mark.parametrize(
    ("known", "day", "first", "last"),
    [
        pytest.param((None, None), 3, 3, 3, id="the first proof"),
        pytest.param((3, 3), 17, 3, 17, id="a later one"),
        pytest.param((3, 17), 10, 3, 17, id="one in between"),
        pytest.param((10, 17), 3, 3, 17, id="an older one that was run later"),
        pytest.param((3, 17), 17, 3, 17, id="the same one again"),
        pytest.param((None, 17), 20, 17, 20, id="before first_clean was kept"),
    ],
)
def test_the_first_and_the_last_clean_day(known, day, first, last):
    """The first only moves back to an earlier proof, the last only on to a later one."""
    first_clean, last_clean = (n and date(2026, 11, n) for n in known)
    before = memory("web-01", first_clean=first_clean, last_clean=last_clean)
    nothing = run([scan("db-01")]).membership
    (row,) = remembered(before, nothing, [cleaned(day)]).itertuples()
    assert (row.first_clean.date(), row.last_clean.date()) == (
        date(2026, 11, first),
        date(2026, 11, last),
    )


@pytest.mark.parametrize(
    ("last_clean", "first"),
    [
        pytest.param(date(2026, 11, 1), None, id="before the sighting"),
        pytest.param(date(2026, 11, 3), None, id="on its day"),
        pytest.param(date(2026, 11, 4), date(2026, 11, 4), id="after it"),
    ],
)
def test_the_first_clean_day_is_after_the_last_sighting(last_clean, first):
    """What is seen again has no first clean day until it is proven clean anew."""
    before = memory("web-01", first_clean=last_clean, last_clean=last_clean)
    (row,) = remembered(before, run(seen("web-01")).membership).itertuples()
    assert (None if pd.isna(row.first_clean) else row.first_clean.date()) == first


@pytest.mark.parametrize(
    ("now", "changed", "gone"),
    [
        pytest.param(memory("a", "b"), "", "", id="nothing"),
        pytest.param(memory("b", "a"), "", "", id="another order"),
        pytest.param(memory("a", "b", "c"), "c", "", id="a new one"),
        pytest.param(memory("a"), "", "b", id="one that is gone"),
        pytest.param(memory("a", "c"), "c", "b", id="another name"),
        pytest.param(memory("a", "b", port=443), "ab", "ab", id="another port"),
        pytest.param(memory("a", "b", last_seen=date(2026, 11, 3)), "ab", "", id="a later day"),
        pytest.param(memory("a", "b", last_clean=date(2026, 11, 3)), "ab", "", id="a clean day"),
        pytest.param(memory("a", "b", poam_id="V-2"), "ab", "", id="another item"),
        pytest.param(memory("a", "b", authenticated="no"), "ab", "", id="another look"),
        pytest.param(memory(), "", "ab", id="none left"),
    ],
)
def test_what_differs(now, changed, gone):
    """What is new or changed is written, what is gone deleted, and the rest left alone."""
    before = digested(memory("a", "b"))
    names = before.set_index("digest")["asset_identifier"]
    rows, digests = difference(before[list(COMPARED)], digested(now))
    assert "".join(sorted(rows["asset_identifier"])) == changed
    assert "".join(sorted(names[digests])) == gone


def test_the_hour_makes_no_difference():
    """Days are kept: a sighting at another hour of the same day is the same."""
    before, now = memory("a"), memory("a", last_seen=datetime(2026, 10, 6, 17))  # noqa: DTZ001
    assert difference(digested(before)[list(COMPARED)], digested(now))[0].empty


def test_no_two_keys_run_together():
    """Each part of the key tells sightings apart, not only what they read like in a row."""
    keys = [memory("ab"), memory("a", location="b"), memory("a", parameter="b"), memory("a")]
    both = digested(pd.concat([*keys, memory("a", port=1), memory("a", protocol="1")]))
    assert both["digest"].is_unique


@pytest.mark.parametrize("size", [1, 2, 5])
def test_remembered_a_part_at_a_time(size):
    """However many places are grouped at a time, the memory after a run is the same."""
    known = pd.concat(
        [memory("a", "b", poam_id="V-8"), memory("a", identifier="9", poam_id="V-9")],
        ignore_index=True,
    )
    found = [*seen("a"), *seen("c", identifier="10"), *seen("b", identifier="2")]
    decided = run(found, known=known).membership
    cleaned = [
        Cleaned("V-8", "b", "", "", 0, date(2026, 11, 3), (("Nessus", "10001"),)),
        Cleaned("V-7", "d", "", "", 0, date(2026, 11, 3), (("Nessus", "4"),)),
    ]
    whole = remembered(known, decided, cleaned)
    assert list(whole["asset_identifier"]) == ["c", "a", "b", "b", "d", "a"]
    assert list(whole["last_clean"].notna()) == [False, False, True, False, True, False]
    pd.testing.assert_frame_equal(remembered(known, decided, cleaned, size), whole)
