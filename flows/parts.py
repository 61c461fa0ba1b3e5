"""The run store: what each scan file says, as Parquet, found again by what it was read from.

A part is one file's three tables. Its key is the hash of the file's content and name, the program
that reads it, and how the site says that its format writes; so a part is never out of date, and
one that is deleted is made again. Parts may lie on any filesystem that all workers reach.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid4

import pandas as pd
import pyarrow as pa
from pyarrow import dataset
from pyarrow import parquet as pq
from upath import UPath

import parsers
import poam
from flows.places import Place, renamed
from poam.frames import COVERAGE, DEFINITIONS, DETECTIONS, LISTS, TIME, Tables, merged

NAMES = {"detections": DETECTIONS, "definitions": DEFINITIONS, "coverage": COVERAGE}
OF_TEXTS = {*LISTS, "ips", "fqdns", "macs", "ids"}
TYPES = {
    "str": pa.string(),
    "bool": pa.bool_(),
    "Int64": pa.int64(),
    "float64": pa.float64(),
    TIME: pa.timestamp("ms"),  # Parquet knows no seconds
}
MARK = "part.json"
OF_CORE = ("errors", "escapes", "frames", "locations", "model")
"""The modules of the core that parsers read with."""


@cache
def program_sha256() -> str:
    """One hash over the code that turns a file into tables."""
    readers = sorted(Path(parsers.__file__ or "").parent.glob("*.py"))
    core = Path(poam.__file__ or "").parent
    digest = hashlib.sha256()
    for file in (*readers, *(core / f"{name}.py" for name in OF_CORE)):
        digest.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()


@dataclass(frozen=True)
class Store:
    """The parts under one folder."""

    place: Place
    program: str = field(default_factory=program_sha256)

    def key(self, *read_from: object) -> str:
        """The name of the part that is read from all this by this program."""
        content = json.dumps([self.program, *map(str, read_from)])
        return hashlib.sha256(content.encode()).hexdigest()

    def facts(self, key: str) -> dict[str, Any] | None:
        """What was put with a part; None where it is not there, or not whole."""
        folder = self.place / key
        try:
            found: dict[str, Any] = json.loads((folder / MARK).read_text(encoding="utf-8"))
            sizes = {name: _file(folder, name).stat().st_size for name in NAMES}
        except (FileNotFoundError, NotADirectoryError, json.JSONDecodeError):
            return None
        return found if found.pop("sizes") == sizes else None

    def put(self, key: str, chunks: Iterable[Tables], **facts: Any) -> dict[str, Any]:  # noqa: ANN401  what JSON holds
        """Keep a part, and facts beside it; gives them back with the rows of each table.

        Nothing is there until all of it is: the mark with the facts is written last. Two that put
        the same part write the same bytes.
        """
        folder = self.place / key
        folder.mkdir(parents=True, exist_ok=True)
        draft = {name: _file(folder, f".{name}.{uuid4().hex}") for name in NAMES}
        rows = dict.fromkeys(NAMES, 0)
        try:
            with ExitStack() as stack:
                writers = {
                    name: pq.ParquetWriter(
                        stack.enter_context(draft[name].open("wb")), _schema(columns)
                    )
                    for name, columns in NAMES.items()
                }
                for writer in writers.values():
                    stack.enter_context(writer)
                for tables in chunks:
                    for name, writer in writers.items():
                        frame: pd.DataFrame = getattr(tables, name)
                        rows[name] += len(frame)
                        writer.write_table(_arrow(frame, NAMES[name]))
            for name in NAMES:
                renamed(draft[name], f"{name}.parquet")
        finally:
            for file in draft.values():
                file.unlink(missing_ok=True)
        sizes = {name: _file(folder, name).stat().st_size for name in NAMES}
        facts |= {"rows": rows}
        mark = folder / f".{MARK}.{uuid4().hex}"
        mark.write_text(json.dumps({**facts, "sizes": sizes}), encoding="utf-8")
        renamed(mark, MARK)
        return facts

    def merged(self, keys: Sequence[str]) -> Tables:
        """The tables of many parts as one batch; see `poam.frames.merged`."""
        return merged([Tables(**{name: self._read(name, keys) for name in NAMES})])

    def last_day(self, key: str) -> date | None:
        """The day of a part's newest scan, else of its newest detection; None where none has one.

        In the site's time zone, as all times of a part.
        """
        for name, columns in (("coverage", ["started", "ended"]), ("detections", ["last_seen"])):
            newest = self._read(name, [key])[columns].max().max()
            if not pd.isna(newest):
                return pd.Timestamp(newest).date()
        return None

    def _read(self, name: str, keys: Sequence[str]) -> pd.DataFrame:
        """One table of many parts. Columns stay in Arrow's memory: no object per cell."""
        columns = NAMES[name]
        files = [_file(self.place / key, name) for key in keys]
        if not files:
            return pd.DataFrame({c: pd.Series(dtype=d) for c, d in columns.items()})
        parts = dataset.dataset(
            [file.path if isinstance(file, UPath) else str(file) for file in files],
            schema=_schema(columns),
            filesystem=getattr(self.place, "fs", None),
            format="parquet",
        )
        frame: pd.DataFrame = parts.to_table().to_pandas(date_as_object=True)
        for column in OF_TEXTS & columns.keys():
            frame[column] = [tuple(values) for values in frame[column]]
        return frame.astype(columns)


def _file(folder: Place, name: str) -> Place:
    return folder / f"{name}.parquet"


def _schema(columns: dict[str, str]) -> pa.Schema:
    return pa.schema([(name, _type(name, dtype)) for name, dtype in columns.items()])


def _type(name: str, dtype: str) -> pa.DataType:
    if name in OF_TEXTS:
        return pa.list_(pa.string())
    return TYPES.get(dtype, pa.date32())  # what else is an object is a day


def _arrow(frame: pd.DataFrame, columns: dict[str, str]) -> pa.Table:
    return pa.Table.from_pandas(frame, schema=_schema(columns), preserve_index=False)
