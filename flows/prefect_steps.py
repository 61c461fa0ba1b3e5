"""The pipeline's steps as Prefect tasks: one for each step, and one for each file of a step."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.task_engine import TaskRunTimeoutError
from prefect.task_runners import TaskRunner, ThreadPoolTaskRunner
from prefect.tasks import Task, exponential_backoff

from flows.artifacts import progress
from flows.settings import Settings
from flows.steps import cores, ignore
from poam.errors import RunError

T = TypeVar("T")
R = TypeVar("R")


class PrefectSteps:
    """Carries out each step as a task, and the items of a step as a task each.

    Reading is tried again where the storage fails; a file that says something wrong is not,
    and writing never is.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def map(
        self,
        name: str,
        function: Callable[[T], R],
        items: Sequence[T],
        hear: Callable[[R], object] = ignore,
    ) -> list[R]:
        """Call the function on each item, on the engine of the settings.

        Every item is tried. Raises RunError that names those which the storage did not give, or
        that took too long.
        """

        @task(
            name=name,
            task_run_name=name + " {item.name}",
            tags=[f"conmon-{name}"],
            cache_policy=NO_CACHE,
            persist_result=False,
            timeout_seconds=self._settings.seconds_per_file,
            retries=3,
            retry_delay_seconds=exponential_backoff(2),
            retry_jitter_factor=0.5,
            retry_condition_fn=_storage_failed,
        )
        def each(item: T) -> R:
            return function(item)

        advance = progress(name)
        with _runner(self._settings) as runner:
            futures = [runner.submit(each, {"item": item}) for item in items]
            results, failed = [], []
            for done, (item, future) in enumerate(zip(items, futures, strict=True), start=1):
                # A future that is only waited for may hide a failure; its result does not.
                try:
                    results.append(future.result())
                except OSError as e:
                    failed.append(f"{_name(item)}: {e}")
                else:
                    hear(results[-1])
                advance(done, len(items))
        if failed:
            raise RunError(f"Files that could not be read: {'; '.join(failed)}. Nothing was done.")
        return results

    def run(self, name: str, function: Callable[[], R]) -> R:
        """Call the function as one task, once."""

        @task(name=name, tags=[f"conmon-{name}"], cache_policy=NO_CACHE, persist_result=False)
        def step() -> R:
            return function()

        return step()


@contextmanager
def _runner(settings: Settings) -> Iterator[TaskRunner[Any]]:
    """What tasks run on. Parsing is work for a processor: more threads than these only cost."""
    if settings.engine == "threads":
        with ThreadPoolTaskRunner[Any](max_workers=cores()) as threads:
            yield threads
        return
    try:
        from prefect_dask.task_runners import DaskTaskRunner
    except ImportError as e:
        raise RunError(
            "engine dask: the package is not installed. Expected: pip install 'conmon-poam[dask]'."
        ) from e
    here = {"n_workers": cores(), "threads_per_worker": 1, "dashboard_address": None}
    address = settings.dask_address
    dask = DaskTaskRunner(address=address, cluster_kwargs=None if address else here)
    try:
        _ = dask.client
    except OSError as e:
        raise RunError(f"{address}: no Dask scheduler answers ({e}).") from e
    with dask:
        yield dask


def _name(item: object) -> str:
    return str(getattr(item, "name", item))


def _storage_failed(_task: Task[Any, Any], _run: TaskRun, state: State[Any]) -> bool:
    error = state.result(raise_on_failure=False)
    return isinstance(error, OSError) and not isinstance(error, TaskRunTimeoutError)
