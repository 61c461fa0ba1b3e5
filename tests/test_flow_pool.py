"""The operator's guide, run for real: server, pool, worker, deployments, pause, kill and resume.

Its commands are those of docs/prefect.md, section by section. What an operator would wait for,
or suffer, is between them.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import time
import urllib.error
import urllib.request
from contextlib import suppress

import pytest

from tests.conftest import PROJECT, SAMPLE_SCANS
from tests.prefect_server import LOOPBACK, prefect_server, watched
from tests.test_documents import ELSEWHERE, commands, pattern

pytestmark = pytest.mark.heavy
GUIDE = PROJECT / "docs" / "prefect.md"
OCTOBER = "2026-10"
BUSY = 503  # SQLite was locked: nothing was done, ask again
SERVER = "prefect server start"  # the tests have one of their own, on another port
# Prefect asks its own page for newer kinds of work pools; refused, it takes the list it has.
REGISTRY = {"raw.githubusercontent.com"}


class Site:
    """A site's folder, the guide's commands run in it, and the API of the server in `home`."""

    def __init__(self, folder, home, around):
        self.folder, self.home, self.url = folder, home, around["PREFECT_API_URL"]
        # A worker looks for runs each second, not every ten.
        quick = {"PREFECT_WORKER_QUERY_SECONDS": "1"}
        self.around = {**around, **quick, "COLUMNS": "200", "NO_COLOR": "1"}
        self.worker = None
        self.done = []

    def follow(self, section, **known):
        """Run a section's commands, `known` in their environment; give what they said."""
        said = []
        for command, written in commands(GUIDE, section):
            self.done.append(command)
            if command.startswith("prefect worker start"):
                self.start_worker(command)
            elif command != SERVER:
                said.append(self.run(command, written, known))
        return "\n".join(said)

    def run(self, command, written, known):
        """Run a command; its output is as the guide shows it."""
        done = subprocess.run(  # noqa: S603  the guide is ours
            ["bash", "-c", command],  # noqa: S607
            cwd=self.folder,
            env=self.around | known,
            capture_output=True,
            text=True,
            check=False,
            timeout=180,
        )
        said = done.stdout.strip()
        assert done.returncode == 0, f"$ {command}\n{said}\n{done.stderr}"
        if written.strip():
            assert re.fullmatch(pattern(written), said), f"$ {command}\n{said}\n{done.stderr}"
        return said

    def start_worker(self, command):
        """Start a worker that goes on running."""
        with (self.folder / "worker.log").open("ab") as log:
            self.worker = subprocess.Popen(  # noqa: S603  the guide is ours
                ["bash", "-c", f"exec {command}"],  # noqa: S607
                env=self.around,
                cwd=self.folder,
                stdout=log,
                stderr=log,
            )

    def kill(self, run):
        """Kill the worker and the process of a run, as a machine does that loses its power."""
        self.worker.kill()
        self.worker.wait()
        os.kill(int(self.api(f"flow_runs/{run}")["infrastructure_pid"]), signal.SIGKILL)

    def stop_worker(self):
        """End the worker. It passes the first signal on as an interrupt, which may be ignored."""
        if self.worker is None:
            return
        for stop in (self.worker.terminate, self.worker.terminate, self.worker.kill):
            stop()
            with suppress(subprocess.TimeoutExpired):
                self.worker.wait(20)
                break

    def api(self, path, content=None):
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
                with e:
                    if e.code != BUSY:
                        raise
                time.sleep(1)

    def until(self, run, *names):
        """Wait until a run is in one of these states; give the run."""
        deadline = time.monotonic() + 180
        while time.monotonic() < deadline:
            found = self.api(f"flow_runs/{run}")
            if found["state_name"] in names:
                return found
            assert found["state_name"] not in {"Failed", "Crashed"}, self.logs(run)
            time.sleep(0.5)
        raise AssertionError(found["state"])

    def logs(self, run):
        """Give the log lines of a run."""
        found = self.api("logs/filter", {"logs": {"flow_run_id": {"any_": [run]}}})
        return [line["message"] for line in found]


def started(said):
    """Return the UUID of the run that a command says it started."""
    return re.search(r"UUID: (\S+)", said)[1]


@pytest.fixture(scope="module")
def site(month, tmp_path_factory, pytestconfig):
    """Lay out a site's folder beside a server of its own."""
    home, folder = tmp_path_factory.mktemp("server"), tmp_path_factory.mktemp("site")
    (folder / "scans").mkdir()
    for file in month(OCTOBER):
        shutil.copy(file, folder / "scans" / f"{file.parent.name}-{file.name}")
    shutil.copy(SAMPLE_SCANS / "poam" / "2026-09.xlsx", folder / "POAM.xlsx")
    shutil.copy(SAMPLE_SCANS / "inventory" / "inventory.xlsx", folder)
    shutil.copy(SAMPLE_SCANS / "kev" / "known_exploited_vulnerabilities.json", folder)
    with prefect_server(home, pytestconfig.cache.mkdir("prefect")) as around:
        made = Site(folder, home, around)
        try:
            yield made
        finally:
            made.stop_worker()


@pytest.fixture(scope="module")
def story(site):
    """Follow the guide: a run waits, another is killed beside it, a new worker ends both."""
    site.follow("Set up")
    site.follow("The schedule")
    waiting = started(site.follow("Start a run by hand"))
    site.follow("Watch", RUN=waiting)
    site.until(waiting, "Suspended")
    (monthly,) = site.api("deployments/filter", {"deployments": {"name": {"any_": ["monthly"]}}})
    other = {"review": "queue", "in_place": False, "as_of": "2026-10-30"}
    killed = site.api(f"deployments/{monthly['id']}/create_flow_run", {"parameters": other})["id"]
    site.until(killed, "Running")
    site.kill(killed)
    site.follow("A run was killed", RUN=killed)
    site.until(killed, "Completed")
    before = (site.folder / "POAM.xlsx").read_bytes()
    site.follow("A run waits for a person", RUN=waiting)
    done = site.until(waiting, "Completed")
    backfill = started(site.follow("Months that are over"))
    (site.folder / "runs" / "ledger.sqlite").unlink()
    updated = (site.folder / "POAM.xlsx").read_bytes()
    site.follow("The ledger is lost")
    site.follow("A lock is held")
    site.until(backfill, "Completed")
    return {
        "monthly": monthly,
        "before": before,
        "done": done,
        "updated": updated,
        "logs": site.logs(waiting),
    }


def test_whole_guide(story, site):
    """Every command of the guide was run, in the guide's order; no other test runs them."""
    assert story
    assert site.done == [command for command, _ in commands(GUIDE)]
    assert GUIDE in ELSEWHERE


def test_deployed(story):
    """The deployment is of the module, scheduled in its zone, one run at a time, others queue."""
    deployment = story["monthly"]
    assert deployment["entrypoint"] == "flows.conmon.monthly_conmon"
    assert deployment["pull_steps"] in ([], None)
    assert deployment["global_concurrency_limit"]["limit"] == 1
    assert deployment["concurrency_options"]["collision_strategy"] == "ENQUEUE"
    (schedule,) = deployment["schedules"]
    assert schedule["active"] is True
    assert schedule["schedule"]["cron"] == "0 6 1 * *"
    assert schedule["schedule"]["timezone"] == "America/New_York"


def test_suspended(story):
    """A run that waits for answers has written nothing, and holds up no other run."""
    assert story["before"] == (SAMPLE_SCANS / "poam" / "2026-09.xlsx").read_bytes()


def test_resumed(story, site):
    """The run goes on under another worker: keeps the answers, writes, reads no file again."""
    (line,) = (
        x for x in (site.folder / "runs" / "decisions.yaml").read_text().splitlines() if "V-2" in x
    )
    assert 'answer: "rejected", who: "Dana"' in line
    assert story["updated"] != story["before"]
    figures = [json.loads(x) for x in story["logs"] if x.startswith('{"step": "parse"')]
    files = len({line["file"] for line in figures})
    assert [line["cached"] for line in figures] == [False] * files + [True] * 2 * files


def test_months_over(story, site):
    """The backfill by deployment and the one by hand write the same bytes."""
    assert story
    by_hand = (site.folder / "by-hand.xlsx").read_bytes()
    assert (site.folder / "by-deployment.xlsx").read_bytes() == by_hand


def test_ledger_made_again(story, site):
    """A ledger made again from the archive is there, and the workbook is as it was."""
    assert (site.folder / "runs" / "ledger.sqlite").exists()
    assert (site.folder / "POAM.xlsx").read_bytes() == story["updated"]


def test_nothing_leaves(story, site):
    """Server, worker and runs call only this machine, but for Prefect's list of pool kinds."""
    assert story
    processes, hosts = watched(site.home)
    assert any("worker" in process for process in processes)
    assert hosts <= LOOPBACK | REGISTRY
