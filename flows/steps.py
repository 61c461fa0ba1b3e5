"""How the pipeline's steps are carried out: here, in processes, or as an orchestrator's tasks."""

import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import Protocol, TypeVar

T = TypeVar("T")
R = TypeVar("R")
Progress = Callable[[str, int, int], None]


class Steps(Protocol):
    """Runs named steps. What a step does is none of its business."""

    def map(self, name: str, function: Callable[[T], R], items: Sequence[T]) -> list[R]:
        """Call the function on each item, in any order; results in the items' order."""
        ...

    def run(self, name: str, function: Callable[[], R]) -> R:
        """Call the function once."""
        ...


class DirectSteps:
    """Carries out every step in this process, files in `jobs` processes where there are several.

    `progress` hears a step's name, how many of its items are done, and of how many.
    """

    def __init__(self, jobs: int = 1, progress: Progress = lambda _name, _done, _of: None) -> None:
        self.jobs = jobs
        self.progress = progress

    def map(self, name: str, function: Callable[[T], R], items: Sequence[T]) -> list[R]:
        """Call the function on each item, in `jobs` processes."""
        workers = min(self.jobs, len(items))
        if workers < 2:
            return self._collect(name, map(function, items), len(items))
        with ProcessPoolExecutor(workers) as pool:
            return self._collect(name, pool.map(function, items), len(items))

    def run(self, name: str, function: Callable[[], R]) -> R:
        """Call the function in this process."""
        self.progress(name, 0, 1)
        result = function()
        self.progress(name, 1, 1)
        return result

    def _collect(self, name: str, results: Iterable[R], of: int) -> list[R]:
        done = []
        self.progress(name, 0, of)
        for result in results:
            done.append(result)
            self.progress(name, len(done), of)
        return done


def cores() -> int:
    """How many processors this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # Windows and macOS do not say
        return os.cpu_count() or 1
