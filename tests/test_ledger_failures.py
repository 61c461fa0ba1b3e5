"""What goes wrong in a run: one sentence, and the ledger is as it was."""

import sqlite3
from contextlib import closing, contextmanager
from datetime import date

import pandas as pd
import pytest

from poam.errors import LedgerError
from poam.ledger import Ledger
from tests.core_support import memory
from tests.ledger_support import CHANGE, row

pytest_plugins = ("tests.ledger_fixtures",)

SENTENCE = r"^ledger [^\n]*: cannot be {} \([^\n{{}}]+\)\.$"
LEAVES_SOCKETS = pytest.mark.filterwarnings("ignore:unclosed <socket")  # pg8000, of a dead server
MANY = memory(*(f"host-{n:05}" for n in range(20_000)))


@contextmanager
def refused(done):
    """Expect one sentence: that the ledger cannot be read or written, and why."""
    with pytest.raises(LedgerError, match=SENTENCE.format(done)) as e:
        yield e
    assert "\n" not in str(e.value)


@LEAVES_SOCKETS
@pytest.mark.heavy
def test_the_server_goes_away_in_a_run(server):
    """What was recalled is not recorded; when the server is back, the ledger is as it was."""
    ledger = Ledger(server.database().url)
    ledger.record(row("r1"), [CHANGE], memory("a"))
    with ledger.alone():
        ledger.recall()
        server.stop()
        with refused("written"):
            ledger.record(row("r2"), [CHANGE], memory("a", "b"))
    with refused("read"):
        ledger.recall()
    with refused("opened"):
        Ledger(ledger.url)
    server.start()
    assert list(ledger.memory()["asset_identifier"]) == ["a"]
    ledger.record(row("r2"), [CHANGE], memory("a", "b"))
    assert list(ledger.memory()["asset_identifier"]) == ["a", "b"]
    ledger.close()


@LEAVES_SOCKETS
@pytest.mark.heavy
@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_the_held_connection_is_cut(ledger, database):
    """The lock went with the connection: another run may hold the ledger, so nothing is written."""
    other = Ledger(database.url)
    with ledger.alone():
        ledger.recall()
        database.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'"
        )
        with refused("written"):
            ledger.record(row("r1"), [], memory("a"))
        with refused("written") as e:
            ledger.record(row("r1"), [], memory("a"))
        assert e.match("its lock was lost")
        with other.alone():
            other.record(row("r2"), [], memory("b"))
    assert list(ledger.memory()["asset_identifier"]) == ["b"]
    other.close()


def test_another_program_writes_the_file(tmp_path):
    """SQLite waits for its timeout, then one sentence; nothing of the run is written."""
    path = tmp_path / "ledger.sqlite"
    ledger = Ledger(f"sqlite:///{path.as_posix()}?timeout=0.1")
    with closing(sqlite3.connect(path)) as other:
        other.execute("BEGIN IMMEDIATE")
        with refused("written") as e:
            ledger.record(row(), [CHANGE], memory("a"))
        assert e.match("database is locked")
        other.rollback()
    assert ledger.recall().latest is None
    ledger.close()


def test_the_disk_is_full(tmp_path):
    """A file that may not grow: one sentence, and the earlier run is there whole."""
    resource = pytest.importorskip("resource", reason="this system has no limits of a process")
    path = tmp_path / "ledger.sqlite"
    ledger = Ledger(f"sqlite:///{path.as_posix()}")
    ledger.record(row("r1"), [CHANGE], known := MANY.iloc[:1_000])
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 100_000, before[1]))
    try:
        with refused("written"):
            ledger.record(row("r2", as_of=date(2026, 12, 31)), [CHANGE], MANY, {}, ["a"], ["aged"])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    recalled = ledger.recall()
    pd.testing.assert_frame_equal(recalled.memory, known)
    assert (recalled.latest, recalled.fired) == (date(2026, 11, 30), ())
    ledger.record(row("r2"), [CHANGE], MANY)
    assert len(ledger.memory()) == len(MANY)
    ledger.close()


def test_a_run_that_is_killed_while_it_writes(ledger, database, program):
    """Nothing of it is kept, and the next run goes on from before."""
    ledger.record(row("r1"), [], memory("a"))
    process = program(
        """
import os, signal, sys
from poam import ledger
from poam.ledger import book
from tests.core_support import memory
from tests.ledger_support import row
write = book._record_memory
def killed(*given):
    write(*given)
    os.kill(os.getpid(), signal.SIGKILL)
book._record_memory = killed
ledger.Ledger(sys.argv[1]).record(row("r2"), [], memory("a", "b"), {"aws i-1": "b"})
""",
        database.url,
    )
    assert process.wait(timeout=60) == -9
    recalled = ledger.recall()
    assert list(recalled.memory["asset_identifier"]) == ["a"]
    assert recalled.asset_ids == {}


def test_what_postgresql_does_not_take(ledger, database):
    """A NUL in a name: SQLite keeps it; PostgreSQL refuses it, in a sentence."""
    named = memory("a\0b")
    if database.is_file:
        ledger.record(row(), [], named)
        pd.testing.assert_frame_equal(ledger.memory(), named)
    else:
        with refused("written"):
            ledger.record(row(), [], named)
