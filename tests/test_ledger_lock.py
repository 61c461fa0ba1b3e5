"""One run at a time holds the ledger, whichever process or machine it is on."""

import time

import pytest

from poam.errors import LedgerError
from poam.ledger import Ledger
from tests.core_support import memory
from tests.ledger_support import row

pytest_plugins = ("tests.ledger_fixtures",)

HOLDER = """
import sys
from poam.ledger import Ledger
ledger = Ledger(sys.argv[1])
with ledger.alone():
    print("held", flush=True)
    sys.stdin.readline()
ledger.close()
"""
WRITER = """
import sys
from datetime import date
from poam.errors import LedgerError
from poam.ledger import Ledger
from tests.core_support import memory
from tests.ledger_support import row
ledger = Ledger(sys.argv[1])
done = 0
while done < 5:
    try:
        with ledger.alone():
            names = set(ledger.recall().memory["asset_identifier"])
            ledger.record(row(f"{sys.argv[2]}{done}"), [], memory(*names, f"{sys.argv[2]}{done}"))
            done += 1
    except LedgerError as e:
        assert "another run holds it" in str(e), e
"""


@pytest.fixture
def holder(ledger, program):
    """Return another process that holds the ledger."""
    process = program(HOLDER, ledger.url)
    assert process.stdout.readline() == "held\n"
    return process


def test_a_held_ledger_refuses_at_once(ledger, holder):
    """Neither a run nor a record gets in, and one sentence says why."""
    began = time.monotonic()
    for attempt in (lambda: ledger.alone().__enter__(), lambda: ledger.record(row(), [], memory())):
        with pytest.raises(LedgerError, match=r"another run holds it\. Try again when it is done"):
            attempt()
    assert time.monotonic() - began < 2
    assert holder.poll() is None
    assert ledger.recall().latest is None


def test_it_is_free_when_the_run_is_done(ledger, holder):
    """The next run holds it."""
    holder.communicate("\n")
    with ledger.alone():
        ledger.record(row(), [], memory("a"))
    assert len(ledger.memory()) == 1


def test_it_is_free_when_the_holder_is_killed(ledger, holder):
    """A process that dies without a word leaves no lock behind."""
    holder.kill()
    holder.wait()
    until = time.monotonic() + 2  # the server has to notice, too
    while True:
        try:
            with ledger.alone():
                return
        except LedgerError:
            assert time.monotonic() < until


def test_two_processes_never_interleave(ledger, program):
    """Each adds to what it recalled: were they to interleave, one's would be lost."""
    writers = [program(WRITER, ledger.url, name) for name in "ab"]
    assert [process.wait(timeout=120) for process in writers] == [0, 0]
    expected = [f"{name}{n}" for name in "ab" for n in range(5)]
    assert list(ledger.memory()["asset_identifier"]) == expected


def test_alone_within_alone(ledger, database):
    """Who holds it may ask again, and still holds it after."""
    other = Ledger(database.url)
    with ledger.alone():
        with ledger.alone():
            pass
        with pytest.raises(LedgerError, match="another run holds it"):
            other.record(row(), [], memory("b"))
    other.record(row(), [], memory("b"))
    other.close()


def test_an_answer_is_kept_while_a_run_works(ledger, holder):
    """A run writes no answers: it does not keep people from theirs. Reading is free as well."""
    ledger.record_answers([])
    assert ledger.answers() == ()
    assert holder.poll() is None


def test_two_ledgers_of_one_server(ledger, holder, request):
    """A lock is of one ledger: another on the same server, or in the same folder, is free."""
    if ledger.url.startswith("sqlite"):
        url = ledger.url.replace("ledger.sqlite", "other.sqlite")
    else:
        url = request.getfixturevalue("cluster").database().url
    other = Ledger(url)
    with other.alone():
        assert holder.poll() is None
    other.close()
