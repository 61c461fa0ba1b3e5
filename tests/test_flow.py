"""The monthly run under Prefect: a real server, run by a process of its own, with its own home.

Prefect keeps settings, loggers and a server in the process that imports it; the process keeps
them, and its warnings, away from the other tests.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import MONTHS, NOT_SCANS, PROJECT, SAMPLE_SCANS

OCTOBER = "2026-10"
INPUTS = {
    "poam": str(SAMPLE_SCANS / "poam" / "2026-09.xlsx"),
    "inventory": str(SAMPLE_SCANS / "inventory" / "inventory.xlsx"),
    "kev": str(SAMPLE_SCANS / "kev" / "known_exploited_vulnerabilities.json"),
}
TWO_RUNS = """
import json, sys, time
from datetime import date
from pathlib import Path
from flows.conmon import monthly_conmon
from prefect.client.orchestration import get_client
from prefect.testing.utilities import prefect_test_harness

given = json.loads(sys.argv[1])
folder = Path(given["folder"])
facts = given["inputs"]


def run(name, scans):
    where = folder / name
    where.mkdir()
    outcome = monthly_conmon(
        scans=scans, out=str(where / "POAM.xlsx"), runs=str(where / "runs"),
        as_of=date.fromisoformat(given["as_of"]), **facts,
    )
    return {"summary": outcome.report.markdown(), "refused": outcome.report.refused}


def seen(client):
    return {
        "flows": [[r.name, r.state_name] for r in client.read_flow_runs()],
        "tasks": [[r.name, r.state_name] for r in client.read_task_runs()],
        "artifacts": [[a.key, a.type, a.data] for a in client.read_artifacts()],
    }


with prefect_test_harness(server_startup_timeout=180), get_client(sync_client=True) as client:
    good = run("good", given["scans"])
    deadline = time.monotonic() + 30  # task runs reach the server's database a moment later
    while True:
        good |= seen(client)
        done = [state for _, state in good["tasks"] if state == "Completed"]
        if len(done) >= len(given["scans"]) + 3 or time.monotonic() > deadline:
            break
        time.sleep(0.5)
    cut = run("cut", given["cut"]) | seen(client)
(folder / "seen.json").write_text(json.dumps({"good": good, "cut": cut}))
"""


def python(program, *arguments, **environment):
    """Run a program in a process of its own, with the project at hand."""
    done = subprocess.run(  # noqa: S603  this interpreter, our own program
        [sys.executable, "-c", program, *arguments],
        env={**os.environ, "PYTHONPATH": str(PROJECT), **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="session")
def flows_ran(month, tmp_path_factory):
    """Run the flow on October's scans, then once more with one of them cut off."""
    folder = tmp_path_factory.mktemp("flow")
    scans = [str(path) for path in month(OCTOBER)]
    whole = next(path for path in scans if path.endswith(".nessus"))
    cut = folder / "cut.nessus"
    content = Path(whole).read_bytes()
    cut.write_bytes(content[: len(content) // 2])
    given = {
        "folder": str(folder),
        "inputs": INPUTS,
        "as_of": str(MONTHS[OCTOBER]),
        "scans": scans,
        "cut": [str(cut), *(path for path in scans if path != whole)],
    }
    python(TWO_RUNS, json.dumps(given), PREFECT_HOME=str(folder / "home"))
    return folder, json.loads((folder / "seen.json").read_text())


def test_same_bytes_as_direct(flows_ran, run, month, tmp_path):
    """The flow writes the very bytes that the direct pipeline writes."""
    out = tmp_path / "POAM.xlsx"
    facts = {name: Path(path) for name, path in INPUTS.items()}
    ledger = f"sqlite:///{(tmp_path / 'runs' / 'ledger.sqlite').as_posix()}"
    outcome = run(month(OCTOBER), out=out, as_of=MONTHS[OCTOBER], ledger=ledger, **facts)
    folder, seen = flows_ran
    assert (folder / "good" / "POAM.xlsx").read_bytes() == out.read_bytes()
    assert seen["good"]["summary"] == outcome.report.markdown()


def test_a_task_run_per_file(flows_ran, month):
    """Each scan file has a task run of its own that names it, and all of them completed."""
    good = flows_ran[1]["good"]
    parsed = [name for name, _ in good["tasks"] if name.startswith("parse ")]
    assert len(parsed) == len(set(parsed)) == len(month(OCTOBER))
    assert all(any(path.name in name for name in parsed) for path in month(OCTOBER))
    assert {state for _, state in good["tasks"]} == {"Completed"}
    assert [state for _, state in good["flows"]] == ["Completed"]


def test_artifacts(flows_ran):
    """The summary and the changes are in Prefect's pages, and the same as in the report."""
    good = flows_ran[1]["good"]
    artifacts = {key: (kind, content) for key, kind, content in good["artifacts"]}
    assert set(artifacts) == {"conmon-summary", "conmon-changes"}
    assert artifacts["conmon-summary"] == ("markdown", good["summary"])
    kind, table = artifacts["conmon-changes"]
    rows = json.loads(table) if isinstance(table, str) else table
    assert kind == "table"
    assert {row["kind"] for row in rows} >= {"opened"}


def test_cut_file(flows_ran):
    """A cut file fails neither its task nor the flow; the report names it."""
    cut = flows_ran[1]["cut"]
    (sentence,) = cut["refused"]
    assert sentence.startswith("cut.nessus")
    assert sentence in cut["summary"]
    assert {state for _, state in cut["flows"]} == {"Completed"}
    assert (flows_ran[0] / "cut" / "POAM.xlsx").exists()


QUIET = """
import json, os
import flows
from prefect.settings import get_current_settings
server = get_current_settings().server
print(json.dumps({
    "analytics": server.analytics_enabled,
    "promotion": server.ui.show_promotional_content,
    "startup": server.ephemeral.startup_timeout_seconds,
    "do_not_track": os.environ["DO_NOT_TRACK"],
}))
"""


def test_quiet(tmp_path, monkeypatch):
    """Importing flows turns off everything by which Prefect would report on its use."""
    for name in [name for name in os.environ if name.startswith(("PREFECT_", "DO_NOT_TRACK"))]:
        monkeypatch.delenv(name)
    assert json.loads(python(QUIET, PREFECT_HOME=str(tmp_path))) == {
        "analytics": False,
        "promotion": False,
        "startup": 180,
        "do_not_track": "1",
    }


def test_environment_wins(tmp_path):
    """What the operator's environment says is not written over."""
    said = {
        "PREFECT_SERVER_ANALYTICS_ENABLED": "true",
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "7",
        "DO_NOT_TRACK": "0",
    }
    found = json.loads(python(QUIET, PREFECT_HOME=str(tmp_path), **said))
    assert found["analytics"] is True
    assert found["startup"] == 7
    assert found["do_not_track"] == "0"


def test_demo_agrees(tmp_path):
    """The demo runs the months, and leaves out the folders, that these tests do."""
    program = (
        "import flows.demo as d; print(sorted(d.NOT_SCANS), [str(x) for x in d.MONTHS.items()])"
    )
    told = python(program, PREFECT_HOME=str(tmp_path)).strip()
    assert told == f"{sorted(NOT_SCANS)} {[str(x) for x in MONTHS.items()]}"
