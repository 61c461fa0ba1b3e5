"""The database behind the ledger: its URL, its transactions, its errors as one sentence."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from poam.errors import LedgerError

WRITES = "writes"
"""The execution option of a transaction that will write."""


def ledger_url(url: str) -> URL:
    """The URL of SQLAlchemy, with pg8000 where `postgresql://` names no driver.

    Raises LedgerError where it is of another database.
    """
    try:
        made = make_url(url)
    except ArgumentError as e:
        raise LedgerError(
            "ledger: found no database URL. Expected sqlite:///FILE or "
            "postgresql://USER@HOST/DATABASE."
        ) from e
    if made.get_backend_name() not in {"sqlite", "postgresql"}:
        raise LedgerError(
            f"ledger {made!r}: found another database. Expected SQLite or PostgreSQL."
        )
    return made.set(drivername="postgresql+pg8000") if made.drivername == "postgresql" else made


def ledger_file(url: URL) -> Path | None:
    """The file of a SQLite ledger; None for a server's database or one in working memory."""
    if url.get_backend_name() != "sqlite" or url.database in {None, "", ":memory:"}:
        return None
    return Path(str(url.database))


def ledger_exists(url: str) -> bool:
    """Whether a SQLite ledger's file is there; a server's database is taken to be."""
    made = ledger_url(url)
    file = ledger_file(made)
    return made.get_backend_name() != "sqlite" if file is None else file.exists()


def connected(url: URL) -> Engine:
    """The engine of a URL; the folder of a SQLite file is made."""
    if file := ledger_file(url):
        file.parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url)
    if engine.dialect.name == "sqlite":
        # Python's sqlite3 begins no transaction before CREATE or DROP: left to us, all is undone.
        event.listen(engine, "connect", _leave_transactions_to_us)
        event.listen(engine, "begin", _begin)
    return engine


@contextmanager
def told(url: URL, done: str) -> Iterator[None]:
    """Raise what a database raises as LedgerError, one sentence: it cannot be DONE, and why."""
    try:
        yield
    except (SQLAlchemyError, ImportError, OSError) as e:
        raise LedgerError(f"ledger {url!r}: cannot be {done} ({_reason(e)}).") from e


def _reason(error: Exception) -> str:
    if isinstance(error, ImportError):
        return f"{error.msg}; PostgreSQL needs conmon-poam[postgres]"
    cause = getattr(error, "orig", None) or error
    # pg8000 gives the fields of PostgreSQL's ErrorResponse: M is the message.
    fields = cause.args[0] if cause.args else ""
    text = fields["M"] if isinstance(fields, dict) else str(cause)
    return (text.splitlines() or [type(cause).__name__])[0].rstrip(".")


def _leave_transactions_to_us(connection: object, _record: object) -> None:
    connection.isolation_level = None  # type: ignore[attr-defined]


def _begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get(WRITES)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
