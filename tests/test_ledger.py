"""The memory between runs, on both databases: what a run records, the next one recalls."""

import sys
from datetime import date

import pandas as pd
import pytest

from poam.errors import LedgerError
from poam.ledger import VERSION, Ledger, ledger_exists, memory_frame
from poam.metrics import MonthCounts
from tests.core_support import memory
from tests.ledger_support import CHANGE, row

pytest_plugins = ("tests.ledger_fixtures",)


def test_what_is_recorded_comes_back(ledger):
    """Memory reads back as it was written: the same values and the same types."""
    known = memory("a", "b", port=443, protocol="tcp", location="/ä", parameter='"q\\')
    ledger.record(row(), [CHANGE], known)
    pd.testing.assert_frame_equal(ledger.memory(), known, check_dtype=True)


def test_what_a_run_is_recorded_with(ledger, database):
    """A run keeps its inputs and counts, and each change its words."""
    ledger.record(row(inputs={"poam": "ab"}, counts={"opened": 1}), [CHANGE], memory("a"))
    ((run_id, as_of, _, inputs, counts, metrics, number),) = database.rows("run")
    assert (run_id, str(as_of), metrics, number) == ("2026-11-30-abc", "2026-11-30", None, 1)
    assert [str(v).replace("'", '"') for v in (inputs, counts)] == [
        '{"poam": "ab"}',
        '{"opened": 1}',
    ]
    changed = ("opened", "V-1", "cve", "", "CVE-2026-0001", "seen")
    assert database.rows("change") == [("2026-11-30-abc", 0, *changed)]


def test_a_long_text(ledger):
    """A location of 20 000 characters is kept, as is a detector's name of 300."""
    known = memory("a", location="".join(f"/{n}" for n in range(4_000)), detector="d" * 300)
    ledger.record(row(), [], known)
    pd.testing.assert_frame_equal(ledger.memory(), known)


def test_memory_comes_in_order_of_its_key(ledger):
    """Whatever order sightings were recorded in, they come back in one order."""
    for names in ("b", "bd", "dbca"):
        ledger.record(row(), [], memory(*names))
    assert "".join(ledger.memory()["asset_identifier"]) == "abcd"


def test_only_the_difference_is_written(ledger, database):
    """A row that stays as it was is not touched: what is not compared keeps another's mark."""
    ledger.record(row("r1"), [], memory("a", "b", "c"))
    database.execute("UPDATE sighting SET protocol = 'marked'")
    later = memory("b", last_seen=date(2026, 11, 3))
    ledger.record(row("r2"), [], pd.concat([memory("a"), later, memory("d")]))
    found = ledger.memory().set_index("asset_identifier")["protocol"].to_dict()
    assert found == {"a": "marked", "b": "", "d": ""}


def test_more_rows_than_go_at_once(ledger):
    """Many sightings are written, changed and deleted in parts, none lost between two."""
    many = memory(*(f"h{n:06}" for n in range(50_001)))
    ledger.record(row("r1"), [], many)
    pd.testing.assert_frame_equal(ledger.memory(), many)
    ledger.record(row("r2"), [], few := many.iloc[1_000:].reset_index(drop=True))
    pd.testing.assert_frame_equal(ledger.memory(), few)


def test_an_empty_ledger_remembers_nothing(ledger):
    """A first run has a memory of the right shape, without rows."""
    pd.testing.assert_frame_equal(ledger.memory(), memory_frame())


def test_a_rerun_replaces_its_record(ledger, database):
    """The same run recorded twice is one run, with the changes of the second."""
    ledger.record(row(), [CHANGE, CHANGE | {"number": 1}], memory("a", "b"))
    ledger.record(row(counts={"opened": 1}), [CHANGE], memory("a"))
    assert len(database.rows("run")) == len(database.rows("change")) == 1
    assert len(ledger.memory()) == 1
    ledger.record(row("2026-12-31-def"), [CHANGE], memory("a"))
    assert len(database.rows("run")) == len(database.rows("change")) == 2


def test_what_runs_counted_comes_back(ledger):
    """By their days, and of one day as they were recorded; one that counted nothing is left out."""
    for run_id, day, high in (("b", 30, 1), ("a", 30, 2), ("c", 20, 3), ("b", 30, 4)):
        given = row(run_id, as_of=date(2026, 11, day))
        ledger.record(given, [], memory("a"), counts=counted(given["as_of"], high))
    ledger.record(row("d"), [], memory("a"))
    found = ledger.recall().months
    assert found == tuple(
        counted(date(2026, 11, day), high) for day, high in ((20, 3), (30, 2), (30, 4))
    )
    assert list(found[0].open) == ["High", "Low"]


def counted(day, high):
    """Return what a run counted."""
    scans = {"Web": {"High": {"unique": high, "raw": 9}}}
    return MonthCounts(day, {"High": high, "Low": 0}, {"High": {"0-30": high}}, scans)


def test_a_failed_record_leaves_everything_as_it_was(ledger, database):
    """A run is written whole or not at all."""
    ledger.record(row(), [CHANGE], memory("a"))
    with pytest.raises(LedgerError, match=r"(?i)cannot be written .*unique"):
        ledger.record(row("next"), [CHANGE, CHANGE], memory("b"))
    assert len(database.rows("run")) == 1
    assert list(ledger.memory()["asset_identifier"]) == ["a"]


def test_the_memory_survives_closing(database):
    """Another run opens the same file and finds what the first one wrote."""
    for expected in (0, 1):
        ledger = Ledger(database.url)
        assert len(ledger.memory()) == expected
        ledger.record(row(), [], memory("a"))
        ledger.close()


def test_a_newer_version_is_refused(ledger, database):
    """A ledger that a newer program wrote is left alone."""
    database.execute("UPDATE ledger SET version = version + 1")
    with pytest.raises(LedgerError, match=f"found version {VERSION + 1}"):
        Ledger(ledger.url)


@pytest.mark.parametrize("url", ["no url", "", "oracle9://x", "mysql+no://h/d"])
def test_a_bad_url_is_a_ledger_error(url):
    """What cannot be opened is an error a person can act on."""
    with pytest.raises(LedgerError):
        Ledger(url)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        pytest.param("sqlite:////proc/none/ledger.sqlite", "sqlite:////proc/none", id="a folder"),
        pytest.param("postgresql://me:secret@127.0.0.1:1/x", "me:[*]{3}@127", id="no server"),
        pytest.param("postgresql+x://me:secret@h/x", "me:[*]{3}@h/x", id="no such driver"),
    ],
)
def test_what_cannot_be_opened(url, shown):
    """One sentence says where and why, and no password."""
    pytest.importorskip("pg8000")
    with pytest.raises(LedgerError, match="cannot be opened") as e:
        Ledger(url)
    assert e.match(shown)
    assert "secret" not in str(e.value)
    assert len(str(e.value).splitlines()) == 1


def test_postgresql_without_its_driver(monkeypatch):
    """The sentence names what has to be installed."""
    monkeypatch.setitem(sys.modules, "pg8000", None)
    with pytest.raises(LedgerError, match=r"needs conmon-poam\[postgres\]\)\.$"):
        Ledger("postgresql://me@127.0.0.1/x")


def test_a_file_that_is_no_database(tmp_path):
    """Another file under the ledger's name is not overwritten; one sentence says so."""
    path = tmp_path / "ledger.sqlite"
    path.write_text(text := "no database, but long enough to be read as a header" * 20, "utf-8")
    with pytest.raises(LedgerError, match=r"^ledger .*: cannot be opened \(.*\)\.$"):
        Ledger(f"sqlite:///{path.as_posix()}")
    assert path.read_text("utf-8") == text


def test_whether_there_is_a_ledger(tmp_path):
    """A file is there or not; a server's database is taken to be, and one in memory never is."""
    url = f"sqlite:///{(tmp_path / 'ledger.sqlite').as_posix()}"
    assert [ledger_exists(u) for u in (url, "sqlite://", "postgresql://h/d")] == [
        False,
        False,
        True,
    ]
    Ledger(url).close()
    assert ledger_exists(url)


def test_ids_of_assets_are_remembered(ledger):
    """A run records what its agents and cloud instances are called; the later name counts."""
    for number, name in enumerate(("app-1", "app-9")):
        ledger.record(row(f"r{number}"), [], memory_frame(), {"aws i-0abc": name})
    assert ledger.asset_ids() == {"aws i-0abc": "app-9"}


def test_the_first_clean_day_is_kept(ledger):
    """It is stored and read as it was."""
    known = memory("a", first_clean=date(2026, 11, 3), last_clean=date(2026, 11, 17))
    ledger.record(row("r1"), [], known)
    pd.testing.assert_frame_equal(ledger.memory(), known)


def test_the_latest_day_of_any_run(ledger):
    """Whichever run was recorded last; none where there was no run."""
    assert ledger.recall().latest is None
    for n, text in enumerate(("2026-11-30", "2026-10-31")):
        record(ledger, f"r{n}", text)
    assert ledger.recall().latest == date(2026, 11, 30)


# Inventories and escalation triggers, since version 3


def record(ledger, run_id, day, inventoried=(), triggers=()):
    """Record a run of a day that changed nothing."""
    told = row(run_id, as_of=date.fromisoformat(day))
    ledger.record(told, [], memory("a"), {}, inventoried, triggers)


def test_a_new_ledger_has_its_tables(ledger, database):
    """It has the tables of inventories and firings, and nothing in them."""
    assert database.rows("ledger") == [(VERSION,)]
    assert database.rows("inventory") == database.rows("firing") == []
    recalled = ledger.recall()
    assert (dict(recalled.inventoried), recalled.fired) == ({}, ())


@pytest.mark.parametrize(
    ("days", "last"),
    [
        pytest.param(["2026-10-31"], "2026-10-31", id="once"),
        pytest.param(["2026-10-31", "2026-11-30"], "2026-11-30", id="month by month"),
        pytest.param(["2026-11-30", "2026-10-31"], "2026-11-30", id="an older month never back"),
        pytest.param(["2026-11-30", "2026-11-30"], "2026-11-30", id="the same day again"),
    ],
)
def test_the_last_day_in_an_inventory(ledger, days, last):
    """Whatever order months are run in, the last day on which an asset was listed is kept."""
    for n, text in enumerate(days):
        record(ledger, f"r{n}", text, inventoried=["web-01", "web-01"])
    assert ledger.recall().inventoried == {"web-01": date.fromisoformat(last)}


@pytest.mark.parametrize("later", [(), ("web-02",)], ids=["no inventory", "without it"])
def test_what_left_an_inventory_keeps_its_day(ledger, later):
    """An asset that is listed no more is remembered with the last day it was."""
    record(ledger, "r1", "2026-10-31", inventoried=("web-01",))
    record(ledger, "r2", "2026-11-30", inventoried=later)
    found = ledger.recall().inventoried
    assert found["web-01"] == date(2026, 10, 31)
    assert set(found) == {"web-01", *later}


def test_a_large_inventory(ledger):
    """A database takes only so many values in one statement; an inventory may have more."""
    names = [f"host-{n:05}" for n in range(33_000)]
    for day_of in ("2026-10-31", "2026-11-30"):
        record(ledger, day_of, day_of, inventoried=names)
    assert set(ledger.recall().inventoried.values()) == {date(2026, 11, 30)}


def test_firings_are_kept_by_run(ledger):
    """Each run's triggers are remembered with the day that the run spoke for."""
    record(ledger, "r1", "2026-10-31", triggers=["aged", "unique"])
    record(ledger, "r2", "2026-11-30", triggers=["aged"])
    assert sorted(ledger.recall().fired) == [
        ("aged", date(2026, 10, 31)),
        ("aged", date(2026, 11, 30)),
        ("unique", date(2026, 10, 31)),
    ]


@pytest.mark.parametrize(
    "again",
    [
        pytest.param(["aged", "unique"], id="the same"),
        pytest.param(["unique"], id="one fewer"),
        pytest.param(["other"], id="another"),
        pytest.param([], id="none"),
    ],
)
def test_a_rerun_replaces_its_firings(ledger, again):
    """A run that is recorded again counts once, with what it met the second time."""
    record(ledger, "r1", "2026-10-31", triggers=["aged"])
    for triggers in (["aged", "unique"], again):
        record(ledger, "r2", "2026-11-30", triggers=triggers)
    second = [("2026-11-30", name) for name in again]
    expected = sorted([("2026-10-31", "aged"), *second])
    assert sorted((str(at), name) for name, at in ledger.recall().fired) == expected


def test_a_failed_record_keeps_inventory_and_firings(ledger, database):
    """A run is written whole or not at all: the memory is last, and here it cannot be written."""
    record(ledger, "r1", "2026-10-31", ["web-01"], ["aged"])
    database.execute("ALTER TABLE sighting RENAME TO elsewhere")
    told = row("r1", as_of=date(2026, 11, 30))
    with pytest.raises(LedgerError, match="cannot be written"):
        ledger.record(told, [CHANGE], memory("b"), {"aws i-1": "b"}, ["web-01", "b"], ["unique"])
    database.execute("ALTER TABLE elsewhere RENAME TO sighting")
    recalled = ledger.recall()
    assert recalled.inventoried == {"web-01": date(2026, 10, 31)}
    assert recalled.fired == (("aged", date(2026, 10, 31)),)
    assert list(recalled.memory["asset_identifier"]) == ["a"]
    assert (recalled.asset_ids, database.rows("change")) == ({}, [])


def test_a_sighting_that_is_given_twice(ledger):
    """Two rows of one key are refused by name, and nothing is written."""
    with pytest.raises(LedgerError, match=r"found Nessus 10001 web-01 .*twice"):
        ledger.record(row(), [], pd.concat([memory("web-01"), memory("web-01", poam_id="V-2")]))
    assert ledger.recall().latest is None
