"""The monthly run by a work pool, for real: server, pool, worker, deployment, pause and resume."""

import json
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager, suppress

import pytest
import yaml

from tests.conftest import MONTHS, PROJECT, SAMPLE_SCANS
from tests.prefect_server import LOOPBACK, prefect_server, watched

pytestmark = pytest.mark.heavy
OCTOBER = "2026-10"
POOL = "conmon"
BUSY = 503  # SQLite was locked: nothing was done, ask again
# Prefect asks its own page for newer kinds of work pools; refused, it takes the list it has.
REGISTRY = {"raw.githubusercontent.com"}


def prefect(around, *arguments):
    """Run a command of Prefect's."""
    done = subprocess.run(  # noqa: S603  this interpreter, fixed words
        [sys.executable, "-m", "prefect", "--no-prompt", *arguments],
        env=around,
        capture_output=True,
        text=True,
        check=False,
        timeout=180,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@contextmanager
def worker(around, folder):
    """Keep a worker of the pool running."""
    with (folder / "worker.log").open("ab") as log:
        started = subprocess.Popen(  # noqa: S603  this interpreter, fixed words
            [sys.executable, "-m", "prefect", "worker", "start", "--pool", POOL],
            env=around,
            cwd=folder,
            stdout=log,
            stderr=log,
        )
        try:
            yield
        finally:
            # It passes the first signal on as an interrupt, which a background job ignores.
            for stop in (started.terminate, started.terminate, started.kill):
                stop()
                with suppress(subprocess.TimeoutExpired):
                    started.wait(20)
                    break


class Api:
    """The server's API, as any program may use it."""

    def __init__(self, url):
        self.url = url

    def __call__(self, path, content=None):
        """Get, or post JSON; give JSON."""
        request = urllib.request.Request(  # noqa: S310  our own address
            f"{self.url}/{path}",
            data=None if content is None else json.dumps(content).encode(),
            headers={"content-type": "application/json"},
        )
        while True:
            try:
                with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
                    return json.loads(answer.read())
            except urllib.error.HTTPError as e:
                if e.code != BUSY:
                    raise
                time.sleep(1)

    def until(self, run, *names):
        """Wait until a run is in one of these states; give the run."""
        deadline = time.monotonic() + 180
        while time.monotonic() < deadline:
            found = self(f"flow_runs/{run['id']}")
            if found["state_name"] in names:
                return found
            time.sleep(0.5)
        raise AssertionError(found["state"])


@pytest.fixture(scope="module")
def story(month, tmp_path_factory, pytestconfig):
    """Deploy, run until the review waits, end the worker, resume, let another worker finish."""
    folder = tmp_path_factory.mktemp("pool")
    shutil.copy(SAMPLE_SCANS / "poam" / "2026-09.xlsx", folder / "POAM.xlsx")
    site = yaml.safe_load((PROJECT / "flows" / "prefect.yaml").read_text())
    monthly = next(one for one in site["deployments"] if one["name"] == "monthly")
    monthly["parameters"] |= {
        "scans": [str(path) for path in month(OCTOBER)],
        "poam": str(folder / "POAM.xlsx"),
        "as_of": str(MONTHS[OCTOBER]),
        "settings": {
            "inventory": str(SAMPLE_SCANS / "inventory" / "inventory.xlsx"),
            "runs": str(folder / "runs"),
        },
    }
    (folder / "prefect.yaml").write_text(yaml.safe_dump(site))
    with prefect_server(folder, pytestconfig.cache.mkdir("prefect")) as around:
        api = Api(around["PREFECT_API_URL"])
        prefect(around, "work-pool", "create", POOL, "--type", "process")
        prefect(
            around, "deploy", "--prefect-file", str(folder / "prefect.yaml"), "--name", "monthly"
        )
        (deployment,) = api("deployments/filter", {})
        run = api(f"deployments/{deployment['id']}/create_flow_run", {})
        with worker(around, folder):
            waits = api.until(run, "Suspended", "Failed", "Crashed", "Completed")
            assert waits["state_name"] == "Suspended", (folder / "worker.log").read_text()
            other = api(
                f"deployments/{deployment['id']}/create_flow_run",
                {"parameters": {"review": "queue", "in_place": False}},
            )
            beside = api.until(other, "Failed", "Crashed", "Completed")
        before = (folder / "POAM.xlsx").read_bytes()
        keys = waits["state"]["state_details"]["run_input_keyset"]
        schema = api(f"flow_runs/{run['id']}/input/{keys['schema']}")
        fields = [name for name in schema["properties"] if name != "who"]
        given = {"who": "Dana", **dict.fromkeys(fields, "reject")}
        resumed = api(f"flow_runs/{run['id']}/resume", {"run_input": given})
        with worker(around, folder):
            done = api.until(run, "Failed", "Crashed", "Completed")
        time.sleep(2)  # the last log lines reach the database
        logs = api("logs/filter", {"logs": {"flow_run_id": {"any_": [run["id"]]}}})
    return {
        "folder": folder,
        "deployment": deployment,
        "beside": beside,
        "before": before,
        "resumed": resumed,
        "done": done,
        "logs": [line["message"] for line in logs],
    }


def test_deployed(story):
    """The deployment is of the module, scheduled in its zone, one run at a time, others queue."""
    deployment = story["deployment"]
    assert deployment["entrypoint"] == "flows.conmon.monthly_conmon"
    assert deployment["pull_steps"] in ([], None)
    assert deployment["global_concurrency_limit"]["limit"] == 1
    assert deployment["concurrency_options"]["collision_strategy"] == "ENQUEUE"
    (schedule,) = deployment["schedules"]
    assert schedule["schedule"]["cron"] == "0 6 1 * *"
    assert schedule["schedule"]["timezone"] == "America/New_York"


def test_suspended(story):
    """A run that waits for answers has written nothing, and holds up no other run."""
    assert story["before"] == (SAMPLE_SCANS / "poam" / "2026-09.xlsx").read_bytes()
    assert story["beside"]["state_name"] == "Completed"


def test_resumed(story):
    """The run goes on in another process: keeps the answers, writes, reads no file again."""
    assert story["resumed"]["status"] == "ACCEPT"
    assert story["done"]["state_name"] == "Completed", "\n".join(story["logs"])
    folder = story["folder"]
    (line,) = (
        x for x in (folder / "runs" / "decisions.yaml").read_text().splitlines() if "V-2" in x
    )
    assert 'answer: "rejected", who: "Dana"' in line
    assert (folder / "POAM.xlsx").read_bytes() != story["before"]
    figures = [json.loads(x) for x in story["logs"] if x.startswith('{"step": "parse"')]
    files = len({line["file"] for line in figures})
    assert [line["cached"] for line in figures] == [False] * files + [True] * 2 * files


def test_nothing_leaves(story):
    """Server, worker and runs call only this machine, but for Prefect's list of pool kinds."""
    processes, hosts = watched(story["folder"])
    assert any("worker" in process for process in processes)
    assert hosts <= LOOPBACK | REGISTRY
