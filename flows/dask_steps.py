"""Files read by the workers of a Dask cluster: an existing one, or one on this machine.

Workers put what they read into the run store, which all of them must reach, and send back a small
record; a file that a lost worker had read is found there and not read again.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

from flows.steps import DirectSteps, Progress, ignore
from poam.errors import RunError

try:
    from distributed import Client, KilledWorker, LocalCluster, as_completed
except ImportError as e:
    raise RunError(
        "engine dask: the package is not installed. Expected: pip install 'conmon-poam[dask]'."
    ) from e

T = TypeVar("T")
R = TypeVar("R")
TIMEOUT = "30s"


class DaskSteps(DirectSteps):
    """Carries out the items of a step on a cluster, and every other step here."""

    def __init__(self, client: Client, progress: Progress) -> None:
        super().__init__(1, progress)
        self._client = client

    def map(
        self,
        name: str,
        function: Callable[[T], R],
        items: Sequence[T],
        hear: Callable[[R], object] = ignore,
    ) -> list[R]:
        """Call the function on each item. Raises RunError for one that ends every worker."""
        # Impure: a rerun asks the store, not the cluster, what was done before.
        futures = self._client.map(function, items, retries=2, pure=False, key=f"poam-{name}")
        self.progress(name, 0, len(items))
        for done, _ in enumerate(as_completed(futures), start=1):
            self.progress(name, done, len(items))
        results = []
        for item, future in zip(items, futures, strict=True):
            try:
                results.append(future.result())
            except KilledWorker as e:
                raise RunError(
                    f"{getattr(item, 'name', item)}: every worker that reads it ends, out of "
                    "memory perhaps. Expected a worker with more memory, or a smaller file."
                ) from e
            hear(results[-1])
        return results


@contextmanager
def dask_steps(address: str | None, jobs: int, progress: Progress) -> Iterator[DaskSteps]:
    """Give steps on the cluster at an address (tcp://host:8786), or on `jobs` processes here.

    Raises RunError where nothing answers at the address.
    """
    if address is None:
        with (
            LocalCluster(n_workers=jobs, threads_per_worker=1, dashboard_address=None) as cluster,
            Client(cluster) as client,
        ):
            yield DaskSteps(client, progress)
        return
    try:
        client = Client(address, timeout=TIMEOUT)
    except (OSError, ValueError) as e:
        raise RunError(f"{address}: no Dask scheduler answers ({e}).") from e
    with client:
        yield DaskSteps(client, progress)
