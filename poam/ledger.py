"""What was seen when: SQLite by default, PostgreSQL by URL."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
from sqlalchemy import (
    JSON,
    Column,
    Connection,
    Date,
    Engine,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    column,
    create_engine,
    delete,
    func,
    insert,
    inspect,
    select,
    table,
    update,
)
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from poam.answers import Answer
from poam.changes import Cleaned
from poam.dedupe import AUTHENTICATED, DEPTH, SIGHTING
from poam.errors import LedgerError
from poam.frames import TIME
from poam.model import Authenticated

VERSION = 3
metadata = MetaData()

ledger = Table("ledger", metadata, Column("version", Integer, nullable=False))
# Text, not String(n): a compliance check's identifier is its name, and names are long.
sighting = Table(
    "sighting",
    metadata,
    Column("detector", String(100), primary_key=True),
    Column("source_identifier", Text, primary_key=True),
    Column("asset_identifier", Text, primary_key=True),
    Column("location", Text, primary_key=True),
    Column("parameter", Text, primary_key=True),
    Column("port", Integer, primary_key=True),
    Column("protocol", String(20), primary_key=True),
    Column("first_seen", Date, nullable=False),
    Column("last_seen", Date, nullable=False),
    Column("first_clean", Date),
    Column("last_clean", Date),
    Column("authenticated", String(10), nullable=False),
    Column("poam_id", Text, nullable=False),
)
run = Table(
    "run",
    metadata,
    Column("run_id", String(40), primary_key=True),
    Column("as_of", Date, nullable=False),
    Column("policy_sha256", String(64), nullable=False),
    Column("inputs", JSON, nullable=False),
    Column("counts", JSON, nullable=False),
)
change = Table(
    "change",
    metadata,
    Column("run_id", String(40), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("kind", String(20), nullable=False),
    Column("poam_id", Text, nullable=False),
    Column("field", String(60), nullable=False),
    Column("before", Text, nullable=False),
    Column("after", Text, nullable=False),
    Column("because", Text, nullable=False),
)
answer = Table(
    "answer",
    metadata,
    Column("detector", String(100), primary_key=True),
    Column("source_identifier", Text, primary_key=True),
    Column("poam_id", String(200), primary_key=True),
    Column("answer", String(10), nullable=False),
    Column("who", Text, nullable=False),
    Column("when", Date, nullable=False),
    Column("item", String(12), nullable=False),
)
asset_id = Table(
    "asset_id",
    metadata,
    Column("id", String(200), primary_key=True),
    Column("asset_identifier", Text, nullable=False),
)
inventory = Table(
    "inventory",
    metadata,
    Column("asset_identifier", String(200), primary_key=True),
    Column("last_listed", Date, nullable=False),
)
firing = Table(
    "firing",
    metadata,
    Column("run_id", String(40), primary_key=True),
    Column("trigger", String(60), primary_key=True),
    Column("as_of", Date, nullable=False),
)
DAYS = ("first_seen", "last_seen", "first_clean", "last_clean")
MEMORY = [*SIGHTING, *DAYS, "authenticated", "poam_id"]
SQLITE = "sqlite:///"


@dataclass(frozen=True)
class Recalled:
    """What earlier runs left: nothing, without a ledger.

    `memory` has every sighting ever recorded; `answers` are people's; `asset_ids` the identifiers
    of agents and cloud instances; `inventoried` the last day on which an inventory listed each
    asset; `fired` the escalation triggers that runs met, with the day each spoke for; `latest` the
    latest day that any run spoke for.
    """

    memory: pd.DataFrame
    answers: tuple[Answer, ...] = ()
    asset_ids: Mapping[str, str] = field(default_factory=dict)
    inventoried: Mapping[str, date] = field(default_factory=dict)
    fired: tuple[tuple[str, date], ...] = ()
    latest: date | None = None


class Ledger:
    """The memory between runs.

    `url` is SQLAlchemy's: `sqlite:///runs/ledger.sqlite` or `postgresql+psycopg://…`. Opening makes
    the tables where there are none. Raises LedgerError where it cannot be opened, or was written by
    a newer version of this program.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        try:
            if url.startswith(SQLITE):
                Path(make_url(url).database or "ledger.sqlite").parent.mkdir(
                    parents=True, exist_ok=True
                )
            self._engine: Engine = create_engine(url)
            metadata.create_all(self._engine)
            self._check_version()
        except (ArgumentError, SQLAlchemyError, ImportError, OSError) as e:
            reason = str(getattr(e, "orig", None) or e).splitlines()[0]
            raise LedgerError(f"ledger {url}: cannot be opened ({reason}).") from e

    def memory(self) -> pd.DataFrame:
        """Every sighting ever recorded.

        Its key, `first_seen` and `last_seen`, `first_clean` and `last_clean` (days as datetime64:
        the first since it was last seen, and the last, on which it was proven clean),
        `authenticated` and `poam_id`.
        """
        with self._engine.connect() as connection:
            rows = connection.execute(select(*(sighting.c[name] for name in MEMORY))).fetchall()
        return memory_frame([tuple(row) for row in rows])

    def record(
        self,
        run_row: Mapping[str, Any],
        changes: Sequence[Mapping[str, Any]],
        sightings: pd.DataFrame,
        asset_ids: Mapping[str, str] | None = None,
        inventoried: Iterable[str] = (),
        triggers: Iterable[str] = (),
    ) -> None:
        """Write one run, its changes and the memory after it, in one transaction.

        `asset_ids` are the identifiers of the agents and cloud instances of the batch,
        `inventoried` the assets that its inventory lists, `triggers` the escalation triggers met.

        A run with the same id replaces its earlier record, so that a rerun counts once.
        """
        run_id = run_row["run_id"]
        rows = sightings[MEMORY].astype(object).where(sightings[MEMORY].notna(), None)
        records = [dict(zip(MEMORY, row, strict=True)) for row in rows.itertuples(index=False)]
        for row in records:
            row |= {name: row[name].date() for name in DAYS if row[name] is not None}
        with self._engine.begin() as connection:
            connection.execute(delete(change).where(change.c.run_id == run_id))
            connection.execute(delete(run).where(run.c.run_id == run_id))
            connection.execute(insert(run), [dict(run_row)])
            if changes:
                connection.execute(insert(change), [{**c, "run_id": run_id} for c in changes])
            for key, identifier in (asset_ids or {}).items():
                connection.execute(delete(asset_id).where(asset_id.c.id == key))
                connection.execute(insert(asset_id), [{"id": key, "asset_identifier": identifier}])
            _record_listed(connection, inventoried, run_row["as_of"])
            connection.execute(delete(firing).where(firing.c.run_id == run_id))
            if met := [{"run_id": run_id, "trigger": name} for name in triggers]:
                connection.execute(insert(firing).values(as_of=run_row["as_of"]), met)
            connection.execute(delete(sighting))
            if records:
                connection.execute(insert(sighting), records)

    def answers(self) -> tuple[Answer, ...]:
        """What people answered about doubtful matches."""
        with self._engine.connect() as connection:
            found = connection.execute(select(answer)).mappings().all()
        return tuple(Answer.model_validate(dict(row)) for row in found)

    def record_answers(self, answers: Iterable[Answer]) -> None:
        """Keep answers; one about the same as an earlier one takes its place."""
        with self._engine.begin() as connection:
            for one in answers:
                here = [column == getattr(one, column.name) for column in answer.primary_key]
                connection.execute(delete(answer).where(*here))
                connection.execute(insert(answer), [one.model_dump()])

    def asset_ids(self) -> dict[str, str]:
        """The identifier that each agent and cloud instance had when it was last scanned."""
        with self._engine.connect() as connection:
            return {row.id: row.asset_identifier for row in connection.execute(select(asset_id))}

    def recall(self) -> Recalled:
        """Everything that a run asks the ledger."""
        with self._engine.connect() as connection:
            listed = connection.execute(select(inventory)).fetchall()
            fired = connection.execute(select(firing)).fetchall()
            latest = connection.execute(select(func.max(run.c.as_of))).scalar()
        return Recalled(
            self.memory(),
            self.answers(),
            self.asset_ids(),
            {row.asset_identifier: row.last_listed for row in listed},
            tuple((row.trigger, row.as_of) for row in fired),
            latest,
        )

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()

    def _check_version(self) -> None:
        with self._engine.begin() as connection:
            found = connection.execute(select(ledger.c.version)).scalar()
            if found is None:
                connection.execute(insert(ledger), [{"version": VERSION}])
            elif found > VERSION:
                raise LedgerError(
                    f"ledger {self.url}: found version {found}. Expected {VERSION} or older; "
                    "update this program."
                )
            elif found < VERSION:
                _renew(connection)
                connection.execute(update(ledger).values(version=VERSION))


def _renew(connection: Connection) -> None:
    """Bring the sightings of an older ledger up to date: version 1 had no parameter."""
    there = {one["name"] for one in inspect(connection).get_columns("sighting")}
    old = [name for name in MEMORY if name in there]
    rows = connection.execute(select(*map(column, old)).select_from(table("sighting"))).mappings()
    kept = [{"parameter": "", **dict.fromkeys(DAYS), **row} for row in rows]
    for row in kept:
        row |= {name: _day(row[name]) for name in DAYS}
    sighting.drop(connection)
    sighting.create(connection)
    if kept:
        connection.execute(insert(sighting), kept)


def _record_listed(connection: Connection, identifiers: Iterable[str], day: date) -> None:
    """Keep the last day on which the inventory listed each asset; an older run moves none back."""
    known = {row.asset_identifier: row.last_listed for row in connection.execute(select(inventory))}
    listed = {name: max(day, known.get(name, day)) for name in identifiers}
    connection.execute(delete(inventory).where(inventory.c.asset_identifier.in_(listed)))
    if listed:
        rows = [{"asset_identifier": name, "last_listed": last} for name, last in listed.items()]
        connection.execute(insert(inventory), rows)


def _day(value: date | str | None) -> date | None:
    """Return a day that SQLite, which knows no dates, gives as text."""
    return date.fromisoformat(value) if isinstance(value, str) else value


def ledger_exists(url: str) -> bool:
    """Whether a SQLite ledger's file is there; a server's database is taken to be."""
    database = make_url(url).database
    return not url.startswith(SQLITE) or (database is not None and Path(database).exists())


def memory_frame(rows: Sequence[tuple[Any, ...]] = ()) -> pd.DataFrame:
    """Rows of the ledger's memory, or none, as a frame with the right dtypes."""
    frame = pd.DataFrame.from_records(list(rows), columns=MEMORY)
    return frame.astype(
        {**dict.fromkeys(MEMORY, "str"), **dict.fromkeys(DAYS, TIME), "port": "int64"}
    )


def clean_days(memory: pd.DataFrame) -> dict[tuple[object, ...], date]:
    """By a sighting's key the day on which it was last proven clean."""
    clean = memory[memory["last_clean"].notna()]
    keys = clean[SIGHTING].itertuples(index=False, name=None)
    return dict(zip(keys, clean["last_clean"].dt.date, strict=True))


def remembered(
    memory: pd.DataFrame, membership: pd.DataFrame, cleaned: Iterable[Cleaned] = ()
) -> pd.DataFrame:
    """The memory after a batch: `memory` updated by `membership` (sightings with `poam_id`).

    `cleaned` are the places that the batch proved clean: they get a `last_clean`, as does what the
    scanner itself reports as fixed; one that no run ever saw is remembered by its item's date.
    First seen only ever moves earlier, unless the place was proven clean since: what is seen there
    now began anew. Last seen only moves later. How a weakness was found is remembered at its
    deepest.
    """
    present = membership["present"]
    now = membership.assign(
        first_clean=pd.Series(pd.NaT, index=membership.index, dtype=TIME),
        last_seen=membership["last_seen"].where(present, membership["first_seen"]),
        last_clean=membership["last_seen"].where(~present),
    )
    both = pd.concat([_begun_anew(memory, now), now[MEMORY]], ignore_index=True)
    unknown: list[tuple[Any, ...]] = []
    proven: list[pd.DataFrame] = []
    for place in cleaned:
        here = _at(both, place)
        proven.append(both[here].assign(last_clean=pd.Timestamp(place.day)))
        if not here.any():
            unknown += _proven(place)
    both = pd.concat([both, *proven, memory_frame(unknown)], ignore_index=True)
    both["depth"] = both["authenticated"].map(DEPTH)
    both = both.sort_values([*SIGHTING, "last_seen"], kind="stable")
    out = both.groupby(SIGHTING, as_index=False, sort=True).agg(
        first_seen=("first_seen", "min"),
        last_seen=("last_seen", "max"),
        last_clean=("last_clean", "max"),
        depth=("depth", "max"),
        poam_id=("poam_id", _latest_item),
    )
    out = out.merge(_first_clean(both, out), on=SIGHTING, how="left")
    out["authenticated"] = out.pop("depth").map(AUTHENTICATED).astype("str")
    return out[MEMORY]


def _first_clean(both: pd.DataFrame, out: pd.DataFrame) -> pd.DataFrame:
    """Return the first day after the last sighting on which a place was proven clean."""
    days = both.melt(SIGHTING, ["first_clean", "last_clean"], value_name="clean")
    days = days.merge(out[[*SIGHTING, "last_seen"]], on=SIGHTING)
    days = days[days["clean"] > days["last_seen"]]
    return days.groupby(SIGHTING, as_index=False).agg(first_clean=("clean", "min"))


def _begun_anew(memory: pd.DataFrame, now: pd.DataFrame) -> pd.DataFrame:
    """Forget the first day of what was proven clean and is seen again."""
    again = now.loc[now["present"], [*SIGHTING, "last_seen"]].rename(
        columns={"last_seen": "seen_again"}
    )
    known = memory.merge(again, on=SIGHTING, how="left")
    over = known["last_clean"].notna() & (known["last_clean"] >= known["last_seen"])
    anew = over & (known["seen_again"] > known["last_clean"])
    return memory.assign(first_seen=memory["first_seen"].mask(anew.to_numpy()))


def _proven(place: Cleaned) -> Iterator[tuple[Any, ...]]:
    """Yield the memory of a place that no run ever saw, and that a scan proved clean."""
    seen = place.detected or place.day
    for detector, identifier in place.keys:
        key = (detector, identifier, place.asset, place.location, place.parameter, place.port, "")
        depth = Authenticated.UNKNOWN.value
        yield (*key, seen, min(seen, place.day), None, place.day, depth, place.poam_id)


def _at(memory: pd.DataFrame, place: Cleaned) -> "pd.Series[bool]":
    here = (memory["poam_id"] == place.poam_id) & (memory["asset_identifier"] == place.asset)
    if not place.poam_id:  # of no item: only the weakness tells the place
        pairs = pd.MultiIndex.from_frame(memory[["detector", "source_identifier"]])
        here &= pairs.isin(place.keys)
    if place.location:
        here &= memory["location"] == place.location
        if place.parameter:
            here &= memory["parameter"] == place.parameter
    if place.port:
        here &= memory["port"] == place.port
    return here


def _latest_item(poam_ids: pd.Series) -> str:
    named = [poam_id for poam_id in poam_ids if poam_id]
    return named[-1] if named else ""
