"""The memory between runs: a rerun counts once, and a first day only moves earlier."""

import sqlite3
from contextlib import closing
from datetime import date, datetime

import pandas as pd
import pytest

from poam.changes import Cleaned
from poam.dedupe import SIGHTING
from poam.errors import LedgerError
from poam.ledger import VERSION, Ledger, memory_frame, remembered
from tests.core_support import memory, run, scan, seen

CHANGE = {
    "number": 0,
    "kind": "opened",
    "poam_id": "V-1",
    "field": "cve",
    "before": "",
    "after": "CVE-2026-0001",
    "because": "seen",
}


@pytest.fixture
def database(tmp_path):
    """A ledger's file, which does not exist yet, in a folder that does not either."""
    return tmp_path / "runs" / "ledger.sqlite"


@pytest.fixture
def ledger(database):
    """An empty ledger."""
    opened = Ledger(f"sqlite:///{database}")
    yield opened
    opened.close()


def rows(database, table):
    """Return a table's rows as they are stored."""
    connection = sqlite3.connect(database)
    try:
        return connection.execute(f"SELECT * FROM {table}").fetchall()  # noqa: S608
    finally:
        connection.close()


def row(run_id="2026-11-30-abc", **given):
    """Return a run's own row."""
    values = {"as_of": date(2026, 11, 30), "policy_sha256": "0" * 64, "inputs": {}, "counts": {}}
    return {"run_id": run_id} | values | given


def months(*exports):
    """Return the memory after runs over these exports, one after another."""
    known = memory_frame()
    for records in exports:
        known = remembered(known, run(records, known=known).membership)
    return known


def day(text):
    """Return midnight of a day."""
    return datetime.fromisoformat(text)


def test_what_is_recorded_comes_back(ledger):
    """Memory reads back as it was written: the same values and the same types."""
    known = months(seen("a", "b", port=443, protocol="tcp"))
    ledger.record(row(), [CHANGE], known)
    pd.testing.assert_frame_equal(ledger.memory(), known, check_dtype=True)


def test_an_empty_ledger_remembers_nothing(ledger):
    """A first run has a memory of the right shape, without rows."""
    pd.testing.assert_frame_equal(ledger.memory(), memory_frame())


def test_a_rerun_replaces_its_record(ledger, database):
    """The same run recorded twice is one run, with the changes of the second."""
    ledger.record(row(), [CHANGE, CHANGE | {"number": 1}], memory("a", "b"))
    ledger.record(row(counts={"opened": 1}), [CHANGE], memory("a"))
    assert len(rows(database, "run")) == len(rows(database, "change")) == 1
    assert len(ledger.memory()) == 1
    ledger.record(row("2026-12-31-def"), [CHANGE], memory("a"))
    assert len(rows(database, "run")) == len(rows(database, "change")) == 2


def test_a_failed_record_leaves_everything_as_it_was(ledger, database):
    """A run is written whole or not at all."""
    ledger.record(row(), [CHANGE], memory("a"))
    with pytest.raises(Exception, match="UNIQUE"):
        ledger.record(row("next"), [CHANGE, CHANGE], memory("b"))
    assert len(rows(database, "run")) == 1
    assert list(ledger.memory()["asset_identifier"]) == ["a"]


def test_the_memory_survives_closing(database):
    """Another run opens the same file and finds what the first one wrote."""
    for expected in (0, 1):
        ledger = Ledger(f"sqlite:///{database}")
        assert len(ledger.memory()) == expected
        ledger.record(row(), [], memory("a"))
        ledger.close()


def test_a_newer_version_is_refused(ledger, database):
    """A ledger that a newer program wrote is left alone."""
    connection = sqlite3.connect(database)
    connection.execute("UPDATE ledger SET version = ?", (VERSION + 1,))
    connection.commit()
    connection.close()
    with pytest.raises(LedgerError, match=f"found version {VERSION + 1}"):
        Ledger(ledger.url)


@pytest.mark.parametrize("url", ["no url", "", "oracle9://x", "mysql+no://h/d"])
def test_a_bad_url_is_a_ledger_error(url):
    """What cannot be opened is an error a person can act on."""
    with pytest.raises(LedgerError):
        Ledger(url)


def test_a_file_that_is_no_database_is_a_ledger_error(database):
    """Another file under the ledger's name is not overwritten."""
    database.parent.mkdir()
    database.write_text("no database, but long enough to be read as a header" * 20, "utf-8")
    with pytest.raises(LedgerError):
        Ledger(f"sqlite:///{database}")
    assert database.read_text("utf-8").startswith("no database")


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


def test_a_folder_that_cannot_be_made():
    """A place that takes no folder is a sentence about the ledger."""
    with pytest.raises(LedgerError, match="cannot be opened"):
        Ledger("sqlite:////proc/none/ledger.sqlite")


def test_a_file_that_is_no_database(tmp_path):
    """One sentence, whatever SQLAlchemy adds."""
    path = tmp_path / "notes.sqlite"
    path.write_text("not a database, " * 100)
    with pytest.raises(LedgerError) as e:
        Ledger(f"sqlite:///{path}")
    assert len(str(e.value).splitlines()) == 1


def test_a_ledger_of_version_1_is_brought_up_to_date(tmp_path):
    """Before version 2 a sighting had no parameter: what was remembered stays."""
    path = tmp_path / "ledger.sqlite"
    url = f"sqlite:///{path.as_posix()}"
    with closing(sqlite3.connect(path)) as old, old:
        old.execute("CREATE TABLE ledger (version INTEGER NOT NULL)")
        old.execute("INSERT INTO ledger VALUES (1)")
        old.execute(
            "CREATE TABLE sighting (detector, source_identifier, asset_identifier, location, port,"
            " protocol, first_seen DATE, last_seen DATE, last_clean DATE, authenticated, poam_id,"
            " PRIMARY KEY (detector, source_identifier, asset_identifier, location, port,"
            " protocol))"
        )
        old.execute(
            "INSERT INTO sighting VALUES ('Nessus', '10001', 'web-01', '', 443, 'tcp',"
            " '2026-10-06', '2026-10-26', NULL, 'yes', 'V-1')"
        )
    for _ in range(2):
        ledger = Ledger(url)
        (row,) = ledger.memory().itertuples(index=False)
        ledger.close()
        assert (row.parameter, row.port, row.poam_id) == ("", 443, "V-1")
        assert (row.first_seen.date(), pd.isna(row.last_clean)) == (date(2026, 10, 6), True)


def test_ids_of_assets_are_remembered(tmp_path):
    """A run records what its agents and cloud instances are called; the later name counts."""
    ledger = Ledger(f"sqlite:///{(tmp_path / 'ledger.sqlite').as_posix()}")
    for number, name in enumerate(("app-1", "app-9")):
        row = {"run_id": f"r{number}", "as_of": date(2026, 11, 1), "policy_sha256": "0"}
        ledger.record({**row, "inputs": {}, "counts": {}}, [], memory_frame(), {"aws i-0abc": name})
    assert ledger.asset_ids() == {"aws i-0abc": "app-9"}
    ledger.close()


# The days on which a place was proven clean


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


def test_a_new_ledger_has_the_tables_of_version_3(ledger, database):
    """It has the tables of inventories and firings, and nothing in them."""
    assert rows(database, "ledger") == [(VERSION,)]
    assert rows(database, "inventory") == rows(database, "firing") == []
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


def test_a_failed_record_keeps_inventory_and_firings(ledger):
    """A run is written whole or not at all, its inventory and firings too."""
    record(ledger, "r1", "2026-10-31", ["web-01"], ["aged"])
    told = row("r1", as_of=date(2026, 11, 30))
    twice = pd.concat([memory("a"), memory("a")])
    with pytest.raises(Exception, match="UNIQUE"):
        ledger.record(told, [CHANGE], twice, {}, ["web-01", "web-02"], ["unique"])
    recalled = ledger.recall()
    assert recalled.inventoried == {"web-01": date(2026, 10, 31)}
    assert recalled.fired == (("aged", date(2026, 10, 31)),)


def test_a_ledger_of_version_2_is_brought_up_to_date(ledger, database):
    """Before version 3 there were no inventories and no firings: the rest stays as it was."""
    known = memory("a", last_clean=date(2026, 11, 3))
    ledger.record(row("r1"), [CHANGE], known, {"aws i-0abc": "app-1"})
    ledger.close()
    with closing(sqlite3.connect(database)) as old, old:
        old.execute("DROP TABLE inventory")
        old.execute("DROP TABLE firing")
        old.execute("ALTER TABLE sighting DROP COLUMN first_clean")
        old.execute("UPDATE ledger SET version = 2")
    for _ in range(2):
        opened = Ledger(f"sqlite:///{database}")
        recalled = opened.recall()
        opened.close()
        pd.testing.assert_frame_equal(recalled.memory, known)
        assert recalled.asset_ids == {"aws i-0abc": "app-1"}
        assert (dict(recalled.inventoried), recalled.fired) == ({}, ())
        assert rows(database, "ledger") == [(VERSION,)]
    assert len(rows(database, "run")) == len(rows(database, "change")) == 1
    opened = Ledger(f"sqlite:///{database}")
    record(opened, "r2", "2026-12-31", ["web-01"], ["aged"])
    assert opened.recall().fired == (("aged", date(2026, 12, 31)),)
    opened.close()
