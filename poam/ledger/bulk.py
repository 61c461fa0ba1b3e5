"""Whole tables at a time: frames out, frames in.

PostgreSQL's drivers take and give rows one by one, and slowly; JSON arrays of columns pass in bulk,
and SQLite gives them too.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

import pandas as pd
from sqlalchemy import JSON, Column, Connection, Table, Text, bindparam, cast, delete, func, select
from sqlalchemy.dialects import postgresql, sqlite

ROWS = 10_000
KEYS = 500
"""Some builds of SQLite take no more than 999 values in a statement."""


def read_frame(
    connection: Connection, table: Table, dtypes: Mapping[str, str], by: str
) -> pd.DataFrame:
    """Read the columns that `dtypes` names; see `read_parts`."""
    parts = (part for _, part in read_parts(connection, table, dtypes, by))
    return pd.concat(parts, ignore_index=True)


def read_parts(
    connection: Connection, table: Table, dtypes: Mapping[str, str], by: str
) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield the columns that `dtypes` names in parts, by the first digit of column `by`.

    The column is a key of hexadecimal digits. Each part is read when it is asked for.
    """
    listed = func.json_agg if connection.dialect.name == "postgresql" else func.json_group_array
    query = select(*(listed(table.c[name], type_=JSON) for name in dtypes))
    for digit, following in pairwise("0123456789abcdefg"):
        own = (table.c[by] >= digit) & (table.c[by] < following)
        row = connection.execute(query.where(own)).one()
        columns = zip(dtypes.items(), row, strict=True)
        part = {name: pd.Series(v or [], dtype=kind) for (name, kind), v in columns}
        yield digit, pd.DataFrame(part)  # PostgreSQL's array of no rows is null


def write_frame(
    connection: Connection, table: Table, frame: pd.DataFrame, *, replace: bool
) -> None:
    """Insert rows; with `replace` they take the place of those of their primary key."""
    write = _write_arrays if connection.dialect.name == "postgresql" else _write_rows
    for start in range(0, len(frame), ROWS):
        part = frame.iloc[start : start + ROWS]
        write(connection, table, {name: _cells(part[name]) for name in frame.columns}, replace)


def delete_rows(connection: Connection, column: Column[Any], values: Sequence[Any]) -> None:
    """Delete the rows whose column has one of the values."""
    for start in range(0, len(values), KEYS):
        some = column.in_(values[start : start + KEYS])
        connection.execute(delete(column.table).where(some))


def _cells(column: "pd.Series[Any]") -> list[Any]:
    """Return what a column has as Python's own values; a missing day is None."""
    days = column.dtype.kind == "M"
    values = column.dt.date.astype(object).where(column.notna(), None) if days else column
    return list(values.tolist())


def _bound(connection: Connection, column: Column[Any], values: list[Any]) -> list[Any]:
    """Return values as the driver takes them; few are different where there is work to do."""
    bind = column.type.dialect_impl(connection.dialect).bind_processor(connection.dialect)
    if bind is None:
        return values
    bound = {value: bind(value) for value in set(values)}
    return [bound[value] for value in values]


def _write_arrays(
    connection: Connection, table: Table, columns: Mapping[str, list[Any]], replace: bool
) -> None:
    """Give PostgreSQL each column as one array; it goes through all of them side by side."""
    arrays = {name: cast(bindparam(name, type_=Text), JSON) for name in columns}
    cells = [
        cast(func.json_array_elements_text(array), table.c[name].type)
        for name, array in arrays.items()
    ]
    statement = postgresql.insert(table).from_select(list(columns), select(*cells))
    if replace:
        new = {name: statement.excluded[name] for name in columns}
        statement = statement.on_conflict_do_update(index_elements=table.primary_key, set_=new)
    texts = {name: json.dumps(values, default=str) for name, values in columns.items()}
    connection.execute(statement, texts)


def _write_rows(
    connection: Connection, table: Table, columns: Mapping[str, list[Any]], replace: bool
) -> None:
    """Give SQLite's driver rows: through SQLAlchemy each would be a dictionary three times over."""
    statement = sqlite.insert(table).values({name: bindparam(name) for name in columns})
    if replace:
        new = {name: statement.excluded[name] for name in columns}
        statement = statement.on_conflict_do_update(index_elements=table.primary_key, set_=new)
    compiled = statement.compile(dialect=connection.dialect)
    cells = {n: _bound(connection, table.c[n], values) for n, values in columns.items()}
    given = zip(*(cells[name] for name in compiled.positiontup or ()), strict=True)
    connection.exec_driver_sql(compiled.string, list(given))
