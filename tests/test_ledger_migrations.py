"""Ledgers of every version so far are brought up to date, whole or not at all."""

from datetime import date

import pandas as pd
import pytest

from poam.errors import LedgerError
from poam.ledger import VERSION, Ledger, migrations
from poam.ledger.schema import metadata
from poam.metrics import MonthCounts
from tests.core_support import memory
from tests.ledger_support import CHANGE, row

pytest_plugins = ("tests.ledger_fixtures",)

# The statements by which each version made its tables.
LEDGER = "CREATE TABLE ledger (version INTEGER NOT NULL)"
SIGHTING = """CREATE TABLE sighting (detector VARCHAR(100) NOT NULL,
 source_identifier TEXT NOT NULL, asset_identifier TEXT NOT NULL, location TEXT NOT NULL,{}
 port INTEGER NOT NULL, protocol VARCHAR(20) NOT NULL, first_seen DATE NOT NULL,
 last_seen DATE NOT NULL,{} last_clean DATE, authenticated VARCHAR(10) NOT NULL,
 poam_id TEXT NOT NULL, PRIMARY KEY (detector, source_identifier, asset_identifier, location,{}
 port, protocol))"""
RUN = """CREATE TABLE run (run_id VARCHAR(40) NOT NULL, as_of DATE NOT NULL,
 policy_sha256 VARCHAR(64) NOT NULL, inputs JSON NOT NULL, counts JSON NOT NULL,
 PRIMARY KEY (run_id))"""
CHANGES = """CREATE TABLE change (run_id VARCHAR(40) NOT NULL, number INTEGER NOT NULL,
 kind VARCHAR(20) NOT NULL, poam_id TEXT NOT NULL, field VARCHAR(60) NOT NULL,
 before TEXT NOT NULL, after TEXT NOT NULL, because TEXT NOT NULL, PRIMARY KEY (run_id, number))"""
ANSWER = """CREATE TABLE answer (detector VARCHAR(100) NOT NULL, source_identifier TEXT NOT NULL,
 poam_id VARCHAR(200) NOT NULL, answer VARCHAR(10) NOT NULL, who TEXT NOT NULL,
 "when" DATE NOT NULL, item VARCHAR(12) NOT NULL,
 PRIMARY KEY (detector, source_identifier, poam_id))"""
ASSET_ID = """CREATE TABLE asset_id (id VARCHAR(200) NOT NULL, asset_identifier TEXT NOT NULL,
 PRIMARY KEY (id))"""
INVENTORY = """CREATE TABLE inventory (asset_identifier VARCHAR(200) NOT NULL,
 last_listed DATE NOT NULL, PRIMARY KEY (asset_identifier))"""
FIRING = """CREATE TABLE firing (run_id VARCHAR(40) NOT NULL, trigger VARCHAR(60) NOT NULL,
 as_of DATE NOT NULL, PRIMARY KEY (run_id, trigger))"""
FIRST = (LEDGER, RUN, CHANGES)
NO_PARAMETER = SIGHTING.format("", "", "")
PARAMETER = SIGHTING.format(" parameter TEXT NOT NULL,", "", " parameter,")
FIRST_CLEAN = SIGHTING.format(" parameter TEXT NOT NULL,", " first_clean DATE,", " parameter,")
SCHEMAS = {
    "1": (*FIRST, NO_PARAMETER),
    "2": (*FIRST, PARAMETER),
    "2 with answers": (*FIRST, PARAMETER, ANSWER),
    "2 with ids of assets": (*FIRST, PARAMETER, ANSWER, ASSET_ID),
    "3": (*FIRST, PARAMETER, ANSWER, ASSET_ID, INVENTORY, FIRING),
    "3 with first clean days": (*FIRST, FIRST_CLEAN, ANSWER, ASSET_ID, INVENTORY, FIRING),
}
# What every version kept of one run.
DATA = (
    "INSERT INTO run VALUES ('r1', '2026-10-31', '0', '{}', '{}')",
    "INSERT INTO change VALUES ('r1', 0, 'opened', 'V-1', 'cve', '', 'CVE-2026-0001', 'seen')",
    "INSERT INTO sighting (detector, source_identifier, asset_identifier, location, {0} port,"
    " protocol, first_seen, last_seen, last_clean, authenticated, poam_id) VALUES"
    " ('Nessus', '10001', 'a', '', {1} 443, 'tcp', '2026-10-06', '2026-10-26', '2026-10-30',"
    " 'yes', 'V-1'), ('Nessus', '10001', 'b', '', {1} 443, 'tcp', '2026-10-06', '2026-10-26',"
    " NULL, 'yes', 'V-1')",
)
LATER = {
    ANSWER: "INSERT INTO answer VALUES ('Nessus', '10001', 'V-1', 'accepted', 'me', '2026-10-31',"
    " '0123456789ab')",
    ASSET_ID: "INSERT INTO asset_id VALUES ('aws i-0abc', 'a')",
    INVENTORY: "INSERT INTO inventory VALUES ('a', '2026-10-31')",
    FIRING: "INSERT INTO firing VALUES ('r1', 'aged', '2026-10-31')",
}


@pytest.fixture(params=SCHEMAS)
def old(request, database):
    """Return a ledger of an older version, and the statements of its tables."""
    tables = SCHEMAS[request.param]
    given = ("", "") if NO_PARAMETER in tables else ("parameter,", "'',")
    inserted = (*(text.format(*given) if "{0}" in text else text for text in DATA),)
    later = [text for table, text in LATER.items() if table in tables]
    version = f"INSERT INTO ledger VALUES ({request.param[0]})"  # noqa: S608
    database.execute(*tables, version, *inserted, *later)
    return database, tables


def test_an_older_ledger_is_brought_up_to_date(old):
    """All that was kept is there, at the first opening and the next; and it can be written."""
    database, tables = old
    for _ in range(2):
        ledger = Ledger(database.url)
        recalled = ledger.recall()
        ledger.close()
        known = recalled.memory.set_index("asset_identifier")
        assert list(known.index) == ["a", "b"]
        assert set(known["parameter"]) == {""}
        assert set(known["port"]) == {443}
        assert set(known["first_seen"].dt.date) == {date(2026, 10, 6)}
        assert known["last_clean"].dt.date["a"] == date(2026, 10, 30)
        assert known["last_clean"].isna()["b"]
        assert known["first_clean"].isna().all()
        assert recalled.latest == date(2026, 10, 31)
        assert recalled.months == ()
        assert [a.who for a in recalled.answers] == ["me"] * (ANSWER in tables)
        assert recalled.asset_ids == ({"aws i-0abc": "a"} if ASSET_ID in tables else {})
        assert recalled.inventoried == ({"a": date(2026, 10, 31)} if INVENTORY in tables else {})
        assert len(recalled.fired) == (FIRING in tables)
        assert database.rows("ledger") == [(VERSION,)]
        assert len(database.rows("run")) == len(database.rows("change")) == 1


def test_it_is_a_ledger_like_a_new_one(old):
    """A run is recorded as in a new ledger, with texts of any length."""
    database, _ = old
    ledger = Ledger(database.url)
    known = memory("a" * 300, detector="d" * 300, protocol="p" * 30, location="l" * 30_000)
    changes = [CHANGE | {"field": "f" * 100, "kind": "k" * 30}]
    counts = MonthCounts(date(2026, 11, 30), {"High": 1}, {}, {})
    ids, triggers = {"i" * 300: "a"}, ["t" * 100]
    ledger.record(row("r" * 50), changes, known, ids, ["a" * 300], triggers, counts)
    recalled = ledger.recall()
    ledger.close()
    pd.testing.assert_frame_equal(recalled.memory, known)
    assert recalled.inventoried["a" * 300] == date(2026, 11, 30)
    assert recalled.months == (counts,)


def test_cut_in_the_middle(old, monkeypatch):
    """Where a statement of a migration fails, the old ledger is there, and can be tried again."""
    database, tables = old
    before = contents(database, tables)
    copy = migrations._copy

    def cut(connection):
        copy(connection)
        connection.exec_driver_sql("DROP TABLE none_such")

    with monkeypatch.context() as patch:
        patch.setattr(migrations, "_copy", cut)
        with pytest.raises(LedgerError, match="cannot be opened"):
            Ledger(database.url)
    assert contents(database, tables) == before
    ledger = Ledger(database.url)
    assert len(ledger.memory()) == 2
    ledger.close()


def test_killed_in_the_middle(old, program):
    """A process that dies before its last word leaves the old ledger."""
    database, tables = old
    before = contents(database, tables)
    process = program(
        """
import os, signal, sys
from poam.ledger import Ledger, migrations
copy = migrations._copy
def killed(connection):
    copy(connection)
    os.kill(os.getpid(), signal.SIGKILL)
migrations._copy = killed
Ledger(sys.argv[1])
""",
        database.url,
    )
    assert process.wait(timeout=60) == -9
    assert contents(database, tables) == before


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_ledger_whose_version_was_not_written(database):
    """A program that died between its tables and their version left one that is like an old one."""
    Ledger(database.url).close()
    database.execute("DELETE FROM ledger")
    ledger = Ledger(database.url)
    ledger.record(row(), [], memory("a"))
    ledger.close()
    assert database.rows("ledger") == [(VERSION,)]


def test_another_programs_tables(database):
    """A database that has such a table, and is no ledger, is left alone."""
    database.execute("CREATE TABLE run (distance INTEGER)")
    with pytest.raises(LedgerError, match=r"cannot be opened .*run.* already exists"):
        Ledger(database.url)
    with pytest.raises(Exception, match="sighting"):
        database.rows("sighting")


def contents(database, tables):
    """Return all that a ledger has, by table."""
    names = [name for name in metadata.tables if any(f"TABLE {name} " in text for text in tables)]
    return {name: sorted(map(str, database.rows(name))) for name in names}
