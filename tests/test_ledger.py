"""The memory between runs: a rerun counts once, and a first day only moves earlier."""

import sqlite3
from contextlib import closing
from datetime import date, datetime

import pandas as pd
import pytest

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
