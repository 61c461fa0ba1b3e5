"""Whatever reads the files, in this process or in others, here or elsewhere: the same bytes."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from flows.asking import asked
from flows.pipeline import update
from flows.runs import NOT_PROOF
from flows.steps import DirectSteps, Engine, carried_out, silent
from poam.errors import RunError
from tests.conftest import MONTHS, SAMPLE_SCANS

AS_OF = MONTHS["2026-11"]
POAM = SAMPLE_SCANS / "poam" / "2026-09.xlsx"


@pytest.fixture
def asking(tmp_path, month):
    """Return a function that makes the request of November in a folder of its own."""

    def request(name, scans=None):
        folder = tmp_path / name
        folder.mkdir()
        given = scans or month("2026-11")
        return asked(given, POAM, folder / "runs", AS_OF, out=folder / "POAM.xlsx")

    return request


def written(outcome, listing):
    """Return what a run wrote but for its log, which tells how long things took."""
    files = listing(outcome.folder)
    return {name: data for name, data in files.items() if name not in NOT_PROOF}


@pytest.mark.parametrize("engine", [Engine.PROCESSES, Engine.THREADS])
def test_local_engines(asking, listing, engine):
    """Two processes, or two threads, write what one process writes."""
    one = update(asking("one"), DirectSteps())
    with carried_out(engine, 2, None, silent) as steps:
        other = update(asking("other"), steps)
    assert written(other, listing) == written(one, listing)


def end_itself(_item):
    """End the process that reads, as the system does where memory runs out."""
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_worker_that_ends():
    """A process that dies is one sentence, not a hanging run."""
    with pytest.raises(RunError, match="worker process that ended by itself"):
        DirectSteps(2).map("parse", end_itself, [1, 2])


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """Make forty scans of hosts of their own, out of one sample."""
    folder = tmp_path_factory.mktemp("many")
    text = (SAMPLE_SCANS / "nessus_xml" / "2026-11.nessus").read_text(encoding="utf-8")
    for number in range(40):
        own = re.sub(r"heron-", f"heron{number:02}-", text)
        (folder / f"{number:02}.nessus").write_text(own, encoding="utf-8")
    return folder


@pytest.fixture
def cluster(tmp_path):
    """Start a scheduler and two workers on loopback, in processes of their own."""
    pytest.importorskip("distributed", reason="the extra dask is not installed")
    program, started = Path(sys.executable).with_name("dask"), []
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}

    def start(*arguments):
        command = [program, *map(str, arguments)]
        with (tmp_path / f"{len(started)}.log").open("wb") as log:
            process = subprocess.Popen(  # noqa: S603  the program of the extra
                command, env=environment, cwd=tmp_path, stdout=log, stderr=log
            )
        started.append(process)
        return process

    told = tmp_path / "scheduler.json"
    quiet = ("--host", "127.0.0.1", "--no-dashboard")
    start("scheduler", *quiet, "--port", "0", "--scheduler-file", told)
    deadline = time.monotonic() + 60
    while not told.exists() or not told.read_text():
        assert time.monotonic() < deadline, "no scheduler"
        time.sleep(0.1)
    address = json.loads(told.read_text())["address"]
    one = ("--nworkers", "1", "--nthreads", "1", "--no-nanny")
    workers = [start("worker", address, *quiet, *one) for _ in range(2)]
    yield address, workers
    for process in started[::-1]:
        process.kill()
        process.wait()


@pytest.mark.heavy
def test_a_cluster_that_loses_a_worker(asking, listing, cluster, many):
    """Two workers elsewhere, one killed half way, write what one process writes."""
    address, workers = cluster
    killed = []

    def kill_one(name, done, of):
        if name == "parse" and done == of // 4 and not killed:
            workers[0].kill()
            killed.append(done)

    one = update(asking("one", [many]), DirectSteps())
    with carried_out(Engine.DASK, 2, address, kill_one) as steps:
        other = update(asking("other", [many]), steps)
    assert killed == [10]
    assert workers[0].wait(10) == -signal.SIGKILL
    assert written(other, listing) == written(one, listing)


@pytest.mark.heavy
def test_a_cluster_of_its_own(asking, listing):
    """Without an address the run starts its own workers, and stops them."""
    pytest.importorskip("distributed", reason="the extra dask is not installed")
    one = update(asking("one"), DirectSteps())
    with carried_out(Engine.DASK, 2, None, silent) as steps:
        other = update(asking("other"), steps)
    assert written(other, listing) == written(one, listing)


@pytest.mark.heavy
def test_no_cluster():
    """Where nothing answers, the sentence names the address."""
    pytest.importorskip("distributed", reason="the extra dask is not installed")
    import flows.dask_steps

    flows.dask_steps.TIMEOUT = "1s"
    with (
        pytest.raises(RunError, match=r"tcp://127.0.0.1:9: no Dask scheduler answers"),
        carried_out(Engine.DASK, 2, "tcp://127.0.0.1:9", silent),
    ):
        pass
