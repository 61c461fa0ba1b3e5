"""The ledger itself: what a run recalls, and what it records."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any

import pandas as pd
from sqlalchemy import Connection, delete, func, insert, select

from poam.answers import Answer
from poam.dedupe import SIGHTING
from poam.errors import LedgerError
from poam.ledger.bulk import delete_rows, read_frame, read_parts, write_frame
from poam.ledger.database import WRITES, connected, ledger_url, told
from poam.ledger.lock import held
from poam.ledger.memory import COMPARED, DTYPES, MEMORY, difference, digested
from poam.ledger.migrations import bring_up_to_date, is_up_to_date
from poam.ledger.schema import answer, asset_id, change, firing, inventory, run, sighting
from poam.metrics import MonthCounts


@dataclass(frozen=True)
class Recalled:
    """What earlier runs left: nothing, without a ledger.

    `memory` has every sighting ever recorded; `answers` are people's; `asset_ids` the identifiers
    of agents and cloud instances; `inventoried` the last day on which an inventory listed each
    asset; `fired` the escalation triggers that runs met, with the day each spoke for; `latest` the
    latest day that any run spoke for; `months` what each run counted, in the order of their days,
    and of one day in the order in which they were recorded.
    """

    memory: pd.DataFrame
    answers: tuple[Answer, ...] = ()
    asset_ids: Mapping[str, str] = field(default_factory=dict)
    inventoried: Mapping[str, date] = field(default_factory=dict)
    fired: tuple[tuple[str, date], ...] = ()
    latest: date | None = None
    months: tuple[MonthCounts, ...] = ()


class Ledger:
    """The memory between runs.

    `url` is SQLAlchemy's: `sqlite:///runs/ledger.sqlite` or `postgresql://user@host/database`.
    Opening makes the tables where there are none and brings older ones up to date. Raises
    LedgerError where it cannot be opened, or was written by a newer version of this program; so
    does every other call where the database fails, and then nothing was written.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._url = ledger_url(url)
        self._held: Connection | None = None
        with told(self._url, "opened"):
            self._engine = connected(self._url)
        try:
            self._bring_up_to_date()
        except BaseException:
            self.close()
            raise

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Hold the ledger against every other process and machine: from recall to record.

        All is read and written over the connection that holds it: where that is lost, nothing is
        written. Raises LedgerError at once where another holds it.
        """
        if self._held is not None:
            yield
            return
        with held(self._engine) as connection:
            self._held = connection
            try:
                yield
            finally:
                self._held = None

    def recall(self) -> Recalled:
        """Everything that a run asks the ledger."""
        with self._transaction("read") as connection:
            listed = connection.execute(select(inventory)).fetchall()
            fired = connection.execute(select(firing)).fetchall()
            latest = connection.scalar(select(func.max(run.c.as_of)))
            counted = select(run.c.as_of, run.c.metrics).order_by(run.c.as_of, run.c.number)
            months = connection.execute(counted.where(run.c.metrics.is_not(None))).fetchall()
        return Recalled(
            self.memory(),
            self.answers(),
            self.asset_ids(),
            {row.asset_identifier: row.last_listed for row in listed},
            tuple((row.trigger, row.as_of) for row in fired),
            latest,
            tuple(MonthCounts(row.as_of, **row.metrics) for row in months),
        )

    def memory(self) -> pd.DataFrame:
        """Every sighting ever recorded, in order of its key.

        Its key, `first_seen` and `last_seen`, `first_clean` and `last_clean` (days as datetime64:
        the first since it was last seen, and the last, on which it was proven clean),
        `authenticated` and `poam_id`.
        """
        with self._transaction("read") as connection:
            found = read_frame(connection, sighting, DTYPES, "digest")
        return found.sort_values(SIGHTING, kind="stable", ignore_index=True)

    def answers(self) -> tuple[Answer, ...]:
        """What people answered about doubtful matches."""
        with self._transaction("read") as connection:
            found = connection.execute(select(answer)).mappings().all()
        return tuple(Answer.model_validate(dict(row)) for row in found)

    def asset_ids(self) -> dict[str, str]:
        """The identifier that each agent and cloud instance had when it was last scanned."""
        with self._transaction("read") as connection:
            return {row.id: row.asset_identifier for row in connection.execute(select(asset_id))}

    def about(self, poam_id: str) -> tuple[pd.DataFrame, list[dict[str, Any]]]:
        """What is recorded of an item: its sightings, as `memory`, and each run's changes to it.

        The changes, oldest run first: `run_id`, `as_of` and `inputs` of the run, `kind`, `field`,
        `before`, `after` and `because`.
        """
        query = (
            select(run.c.run_id, run.c.as_of, run.c.inputs, change)
            .join(change, run.c.run_id == change.c.run_id)
            .where(change.c.poam_id.contains(poam_id, autoescape=True))
            .order_by(run.c.as_of, run.c.run_id, change.c.number)
        )
        with self._transaction("read") as connection:
            found = [dict(row) for row in connection.execute(query).mappings()]
        memory = self.memory()
        own = [row for row in found if poam_id in row["poam_id"].split(", ")]
        return memory[memory["poam_id"] == poam_id], own

    def record(
        self,
        run_row: Mapping[str, Any],
        changes: Sequence[Mapping[str, Any]],
        sightings: pd.DataFrame,
        asset_ids: Mapping[str, str] | None = None,
        inventoried: Iterable[str] = (),
        triggers: Iterable[str] = (),
        counts: MonthCounts | None = None,
    ) -> None:
        """Write one run, its changes and the memory after it, in one transaction.

        `asset_ids` are the identifiers of the agents and cloud instances of the batch,
        `inventoried` the assets that its inventory lists, `triggers` the escalation triggers met,
        `counts` what reviewers count.

        A run with the same id replaces its earlier record, so that a rerun counts once. Of the
        memory only the difference is written.
        """
        now = digested(sightings[MEMORY].astype(DTYPES))
        this = {"run_id": run_row["run_id"]}
        ids = pd.DataFrame((asset_ids or {}).items(), columns=["id", "asset_identifier"])
        fired = pd.DataFrame({"trigger": list(triggers)}).assign(**this, as_of=run_row["as_of"])
        with self.alone(), self._transaction("written", writes=True) as connection:
            for one in (change, run, firing):
                connection.execute(delete(one).where(one.c.run_id == this["run_id"]))
            last = connection.scalar(select(func.max(run.c.number))) or 0
            own = {"number": last + 1, "metrics": _metrics(counts)}
            connection.execute(insert(run), [{**run_row, **own}])
            write_frame(connection, change, pd.DataFrame(changes).assign(**this), replace=False)
            write_frame(connection, firing, fired, replace=False)
            write_frame(connection, asset_id, ids, replace=True)
            _record_listed(connection, inventoried, run_row["as_of"])
            _record_memory(connection, now)

    def record_answers(self, answers: Iterable[Answer]) -> None:
        """Keep answers; one about the same as an earlier one takes its place."""
        given = {one.about: one.model_dump() for one in answers}
        with self._transaction("written", writes=True) as connection:
            write_frame(connection, answer, pd.DataFrame(given.values()), replace=True)

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()

    def _bring_up_to_date(self) -> None:
        with self._transaction("opened") as connection:
            if is_up_to_date(connection):
                return
        with self.alone(), self._transaction("opened", writes=True) as connection:
            bring_up_to_date(connection)

    @contextmanager
    def _transaction(self, done: str, *, writes: bool = False) -> Iterator[Connection]:
        """One transaction; LedgerError says that the ledger cannot be DONE."""
        if self._held is not None and self._held.invalidated:  # SQLAlchemy would connect anew
            raise LedgerError(f"ledger {self._url!r}: cannot be {done} (its lock was lost).")
        with told(self._url, done):
            connection = self._held or self._engine.connect()
            try:
                connection.execution_options(**{WRITES: writes})
                with connection.begin():
                    yield connection
            finally:
                if connection is not self._held:
                    connection.close()


def _metrics(counts: MonthCounts | None) -> dict[str, Any] | None:
    """Return what a run counted as the ledger keeps it: its day is the run's."""
    if counts is None:
        return None
    return {name: value for name, value in asdict(counts).items() if name != "as_of"}


def _record_listed(connection: Connection, identifiers: Iterable[str], day: date) -> None:
    """Keep the last day on which the inventory listed each asset; an older run moves none back."""
    known = {row.asset_identifier: row.last_listed for row in connection.execute(select(inventory))}
    later = [name for name in dict.fromkeys(identifiers) if known.get(name, date.min) < day]
    listed = pd.DataFrame({"asset_identifier": later}).assign(last_listed=day)
    write_frame(connection, inventory, listed, replace=True)


def _record_memory(connection: Connection, now: pd.DataFrame) -> None:
    first = now["digest"].str[0]
    for digit, kept in read_parts(connection, sighting, COMPARED, "digest"):
        part = now[first == digit]
        if (again := part["digest"].duplicated()).any():
            twice = " ".join(part.loc[again, SIGHTING].iloc[0].astype(str))
            url = connection.engine.url
            raise LedgerError(f"ledger {url!r}: found {twice} twice. Expected it once.")
        changed, gone = difference(kept, part)
        delete_rows(connection, sighting.c.digest, gone)
        in_order = changed.sort_values("digest")  # of the table's own order: quicker by far
        write_frame(connection, sighting, in_order, replace=True)
