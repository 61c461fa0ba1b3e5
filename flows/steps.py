"""How the pipeline's steps are carried out: here, on threads or processes, or elsewhere."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from enum import StrEnum
from typing import Protocol, TypeVar

from poam.errors import RunError

T = TypeVar("T")
R = TypeVar("R")
Progress = Callable[[str, int, int], None]


def ignore(_result: object) -> None:
    """Hear a result, and say nothing."""


class Engine(StrEnum):
    """What reads the files of a batch."""

    PROCESSES = "processes"
    THREADS = "threads"
    DASK = "dask"


class Steps(Protocol):
    """Runs named steps. What a step does is none of its business."""

    def map(
        self,
        name: str,
        function: Callable[[T], R],
        items: Sequence[T],
        hear: Callable[[R], object] = ignore,
    ) -> list[R]:
        """Call the function on each item, in any order; results in the items' order.

        `hear` gets each result, in that order, as soon as it is there.
        """
        ...

    def run(self, name: str, function: Callable[[], R]) -> R:
        """Call the function once."""
        ...


def silent(_name: str, _done: int, _of: int) -> None:
    """Hear of progress, and say nothing."""


class DirectSteps:
    """Carries out every step in this process, and the items of one in `jobs` workers.

    `progress` hears a step's name, how many of its items are done, and of how many.
    """

    def __init__(
        self, jobs: int = 1, progress: Progress = silent, engine: Engine = Engine.PROCESSES
    ) -> None:
        self.jobs, self.progress = jobs, progress
        self._pool: Callable[[int], Executor] = (
            ThreadPoolExecutor if engine is Engine.THREADS else ProcessPoolExecutor
        )

    def map(
        self,
        name: str,
        function: Callable[[T], R],
        items: Sequence[T],
        hear: Callable[[R], object] = ignore,
    ) -> list[R]:
        """Call the function on each item. Raises RunError where a worker process died."""
        workers = min(self.jobs, len(items))
        if workers < 2:
            return self._collect(name, map(function, items), len(items), hear)
        with self._pool(workers) as pool:
            results = _results(name, pool, function, items)
            return self._collect(name, results, len(items), hear)

    def run(self, name: str, function: Callable[[], R]) -> R:
        """Call the function in this process."""
        self.progress(name, 0, 1)
        result = function()
        self.progress(name, 1, 1)
        return result

    def _collect(
        self, name: str, results: Iterable[R], of: int, hear: Callable[[R], object]
    ) -> list[R]:
        done = []
        self.progress(name, 0, of)
        for result in results:
            done.append(result)
            hear(result)
            self.progress(name, len(done), of)
        return done


def _results(
    name: str, pool: Executor, function: Callable[[T], R], items: Sequence[T]
) -> Iterator[R]:
    """Yield the results in order."""
    try:
        yield from pool.map(function, items)
    except BrokenProcessPool as e:
        raise RunError(
            f"{name}: found a worker process that ended by itself, out of memory perhaps. Expected "
            "it to live; run again, with --jobs 1 if it happens again: what was read is kept."
        ) from e


@contextmanager
def carried_out(
    engine: Engine, jobs: int, dask_address: str | None, progress: Progress
) -> Iterator[Steps]:
    """Give the steps of an engine; `jobs` 0 is one per processor."""
    if engine is not Engine.DASK:
        yield DirectSteps(jobs or cores(), progress, engine)
        return
    from flows.dask_steps import dask_steps  # an extra: imported only where it is used

    with dask_steps(dask_address, jobs or cores(), progress) as steps:
        yield steps


def cores() -> int:
    """How many processors this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # Windows and macOS do not say
        return os.cpu_count() or 1
