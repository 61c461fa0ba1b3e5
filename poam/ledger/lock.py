"""One writer at a time, on one machine or on many."""

from collections.abc import Iterator
from contextlib import contextmanager

from filelock import FileLock, Timeout
from sqlalchemy import Connection, Engine, func, select

from poam.errors import LedgerError
from poam.ledger.database import ledger_file, told

NUMBER = 0x504F414D
"""The first half of PostgreSQL's lock number: POAM in ASCII. The second is the schema's."""
KEEPALIVE = {"tcp_keepalives_idle": 60, "tcp_keepalives_interval": 10, "tcp_keepalives_count": 3}
"""After 90 seconds the server lets go of a machine that vanished from the network."""


@contextmanager
def held(engine: Engine) -> Iterator[Connection]:
    """Hold the ledger, and give the connection that it is held on. It is free when we die.

    Raises LedgerError at once where another process holds it.
    """
    with told(engine.url, "held"):
        connection = engine.connect()
    try:
        if engine.dialect.name == "postgresql":
            _lock_session(connection)
            yield connection
        else:
            with _locked_file(engine):
                yield connection
    finally:
        connection.close()


def _lock_session(connection: Connection) -> None:
    """Take the lock for the session, which ends with the connection: the pool never has it back."""
    number = func.hashtext(func.current_schema())
    with told(connection.engine.url, "held"):
        connection.detach()
        with connection.begin():
            for name, seconds in KEEPALIVE.items():
                connection.execute(select(func.set_config(name, str(seconds), False)))
            got = connection.scalar(select(func.pg_try_advisory_lock(NUMBER, number)))
    if not got:
        raise _taken(connection.engine)


@contextmanager
def _locked_file(engine: Engine) -> Iterator[None]:
    file = ledger_file(engine.url)
    if file is None:
        yield
        return
    lock = FileLock(file.with_name(f".{file.name}.lock"), timeout=0)
    with told(engine.url, "held"):
        try:
            lock.acquire()
        except Timeout as e:  # which is an OSError
            raise _taken(engine) from e
    try:
        yield
    finally:
        lock.release()


def _taken(engine: Engine) -> LedgerError:
    return LedgerError(f"ledger {engine.url!r}: another run holds it. Try again when it is done.")
