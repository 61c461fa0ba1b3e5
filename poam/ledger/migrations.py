"""Bring the ledger of an older version up to date, whole or not at all.

A step is a version and the function that makes a ledger of any older version one of that. Each
runs in the transaction that also writes the version; both databases undo what creates and drops.
"""

from collections.abc import Callable

from sqlalchemy import (
    Connection,
    Text,
    column,
    insert,
    inspect,
    select,
    table,
    text,
    update,
)

from poam.errors import LedgerError
from poam.ledger.bulk import write_frame
from poam.ledger.memory import MEMORY, digested, memory_frame
from poam.ledger.schema import VERSION, ledger, metadata, run, sighting

ROWS = 50_000
OLD = "sighting_before"


def is_up_to_date(connection: Connection) -> bool:
    """Whether the tables are there, and of this version."""
    return _found(connection) == VERSION


def bring_up_to_date(connection: Connection) -> None:
    """Make the tables where there are none, or take the steps that are left.

    Raises LedgerError where a newer version of this program wrote them.
    """
    found = _found(connection)
    if found is None:
        metadata.create_all(connection, checkfirst=False)
        connection.execute(insert(ledger), [{"version": VERSION}])
        return
    if found > VERSION:
        raise LedgerError(
            f"ledger {connection.engine.url!r}: found version {found}. Expected {VERSION} or "
            "older; update this program."
        )
    for version, step in STEPS:
        if found < version:
            step(connection)
    written = update(ledger) if found else insert(ledger)
    connection.execute(written.values(version=VERSION))


def _found(connection: Connection) -> int | None:
    """Return the version; 0 where none was written down, None where there is no ledger."""
    if not inspect(connection).has_table(ledger.name):
        return None
    return connection.scalar(select(ledger.c.version)) or 0


def _key_by_digest(connection: Connection) -> None:
    """Make version 4 of any older: sightings have a digest, and no text has a greatest length.

    Version 1 had no `parameter`; 1, 2 and the first of 3 no `first_clean`; some of the other
    tables came within version 2 and with version 3; no run of theirs had `metrics` or a `number`.
    """
    there = inspect(connection).get_table_names()
    if sighting.name in there:
        connection.execute(text(f"ALTER TABLE {sighting.name} RENAME TO {OLD}"))
    if run.name in there:
        known = {one["name"] for one in inspect(connection).get_columns(run.name)}
        for name, kind in (("metrics", "JSON"), ("number", "INTEGER")):
            if name not in known:
                connection.execute(text(f"ALTER TABLE {run.name} ADD COLUMN {name} {kind}"))
    metadata.create_all(connection)
    if connection.dialect.name == "postgresql":
        _lengthen(connection, set(there) - {sighting.name})
    if sighting.name in there:
        _copy(connection)
        connection.execute(text(f"DROP TABLE {OLD}"))


def _lengthen(connection: Connection, names: set[str]) -> None:
    for one in metadata.tables.values():
        for each in one.columns if one.name in names else ():
            if isinstance(each.type, Text):
                quoted = connection.dialect.identifier_preparer.format_column(each)
                connection.execute(text(f"ALTER TABLE {one.name} ALTER {quoted} TYPE TEXT"))


def _copy(connection: Connection) -> None:
    names = [one["name"] for one in inspect(connection).get_columns(OLD)]
    query = select(*map(column, names)).select_from(table(OLD))
    rows = connection.execute(query, execution_options={"yield_per": ROWS})
    absent = {"parameter": "", "first_clean": None}
    for part in rows.mappings().partitions():
        frame = memory_frame([tuple((absent | dict(row))[n] for n in MEMORY) for row in part])
        write_frame(connection, sighting, digested(frame), replace=False)


STEPS: tuple[tuple[int, Callable[[Connection], None]], ...] = ((4, _key_by_digest),)
