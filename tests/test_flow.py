"""The monthly run under Prefect: a real server, and the flow in a process of its own."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from poam.ledger import Ledger
from tests.conftest import MONTHS, PROJECT, SAMPLE_SCANS
from tests.prefect_server import LOOPBACK, environment, prefect_server, watched

OCTOBER = "2026-10"
POAM = SAMPLE_SCANS / "poam" / "2026-09.xlsx"
INPUTS = {
    "inventory": str(SAMPLE_SCANS / "inventory" / "inventory.xlsx"),
    "kev": str(SAMPLE_SCANS / "kev" / "known_exploited_vulnerabilities.json"),
}


def python(*arguments, around):
    """Run Python in a process of its own; return what it printed."""
    done = subprocess.run(  # noqa: S603  this interpreter, our own programs
        [sys.executable, *arguments],
        env=around,
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="session")
def flows_ran(month, tmp_path_factory, pytestconfig):
    """Run the flow on October's scans: as they are, one cut off, without a POA&M, with a pause."""
    folder = tmp_path_factory.mktemp("flow")
    scans = [str(path) for path in month(OCTOBER)]
    whole = next(path for path in scans if path.endswith(".nessus"))
    cut = folder / "cut.nessus"
    content = Path(whole).read_bytes()
    cut.write_bytes(content[: len(content) // 2])
    given = {
        "folder": str(folder),
        "settings": INPUTS,
        "poam": str(POAM),
        "as_of": str(MONTHS[OCTOBER]),
        "scans": scans,
        "cut": [str(cut), *(path for path in scans if path != whole)],
    }
    with prefect_server(folder, pytestconfig.cache.mkdir("prefect")) as around:
        python("-m", "tests.flow_session", json.dumps(given), around=around)
    return folder, json.loads((folder / "seen.json").read_text())


def direct(run, month, folder, **more):
    """Run the direct pipeline on October's scans."""
    facts = {name: Path(path) for name, path in INPUTS.items()}
    folder.mkdir(exist_ok=True)
    ledger = f"sqlite:///{(folder / 'runs' / 'ledger.sqlite').as_posix()}"
    out = folder / "POAM.xlsx"
    return run(month(OCTOBER), POAM, out, MONTHS[OCTOBER], ledger=ledger, **facts, **more)


def test_same_bytes_as_direct(flows_ran, run, month, tmp_path):
    """The flow writes the very bytes that the direct pipeline writes."""
    outcome = direct(run, month, tmp_path)
    folder, seen = flows_ran
    assert (folder / "good" / "POAM.xlsx").read_bytes() == outcome.workbook.read_bytes()
    assert seen["good"]["summary"] == outcome.report.markdown()


def test_a_task_run_per_file(flows_ran, month):
    """Each scan file has a task run of its own that names it, and all of them completed."""
    good = flows_ran[1]["good"]
    parsed = [name for name, _, _ in good["tasks"] if name.startswith("parse ")]
    assert len(parsed) == len(set(parsed)) == len(month(OCTOBER))
    assert all(any(path.name in name for name in parsed) for path in month(OCTOBER))
    assert {state for _, state, _ in good["tasks"]} == {"Completed"}
    assert {tag for _, _, tags in good["tasks"] for tag in tags} == {
        f"conmon-{step}" for step in ("parse", "merge", "read", "dedupe", "decide", "write")
    }
    assert [state for _, state in good["flows"]] == ["Completed"]


def test_figures_logged(flows_ran, month):
    """Each file and each step is one line of figures, without a word of a scan."""
    logs = flows_ran[1]["good"]["logs"]
    figures = [json.loads(line) for line in logs if line.startswith("{")]
    files = [line for line in figures if line["step"] == "parse"]
    assert len(files) == len(month(OCTOBER))
    rest = [line["step"] for line in figures if line["step"] != "parse"]
    assert sorted(rest) == ["decide", "dedupe", "merge", "read", "write"]
    texts = {key for line in figures for key, value in line.items() if isinstance(value, str)}
    assert texts == {"step", "file", "parser"}
    (nessus,) = (line for line in files if line["file"].endswith(".nessus"))
    assert nessus["detections"] > 0
    assert nessus["seconds"] > 0


def test_artifacts(flows_ran):
    """Summary, changes, review and links are in Prefect's pages, the same as in the run folder."""
    folder, seen = flows_ran
    artifacts = {key: (kind, content) for key, kind, content in seen["good"]["artifacts"]}
    assert set(artifacts) == {
        f"conmon-{name}"
        for name in (
            *("summary", "figures", "changes", "review"),
            *("workbook", "run", "report", "parse"),
        )
    }
    assert artifacts["conmon-summary"] == ("markdown", seen["good"]["summary"])
    assert artifacts["conmon-parse"] == ("progress", 100)
    changes, review = (json.loads(artifacts[f"conmon-{name}"][1]) for name in ("changes", "review"))
    opened = [row["poam_id"] for row in changes if row["kind"] == "opened"]
    figures = {row["figure"]: row["n"] for row in json.loads(artifacts["conmon-figures"][1])}
    (manifest,) = (folder / "good" / "runs").glob("*/manifest.json")
    assert figures == {**json.loads(manifest.read_text())["figures"], "cached": 0}
    assert len(opened) == len(set(opened)) == figures["opened"] > 0
    assert [row["poam_id"] for row in review] == ["V-2"]
    assert (folder / "good" / "POAM.xlsx").as_uri() in artifacts["conmon-workbook"][1]


def test_cut_file(flows_ran):
    """A cut file fails neither its task nor the flow; the report names it, and people are told."""
    cut = flows_ran[1]["cut"]
    (sentence,) = cut["refused"]
    assert sentence.startswith("cut.nessus")
    assert sentence in cut["summary"]
    assert {state for _, state in cut["flows"]} == {"Completed"}
    assert (flows_ran[0] / "cut" / "POAM.xlsx").exists()
    (message,) = cut["messages"]
    assert "Files refused, nothing closed for their scanners: 1\n" in message["message"]
    assert f"Items late: {len(cut['late'])} ({', '.join(cut['late'])})" in message["message"]


def test_failure_is_told(flows_ran):
    """A run that fails says so to people: which run it is, and nothing of what it read."""
    missing = flows_ran[1]["missing"]
    assert "none.xlsx: there is no such file" in missing["failed"]
    (message,) = missing["messages"]
    assert message["title"] == "POA&M: monthly-conmon failed"
    assert message["message"].startswith("Run ")
    assert ": Failed." in message["message"]
    assert "none.xlsx" not in message["message"]


def test_pause_asks(flows_ran):
    """A paused run has a field for each doubt, tells people, and refuses what it did not ask."""
    paused = flows_ran[1]["paused"]
    form = json.loads(paused["schema"])
    (name,) = (name for name in form["properties"] if name != "who")
    field = form["properties"][name]
    assert (field["enum"], field["default"]) == (["accept", "reject", "skip"], "skip")
    assert "like class certificate_untrusted (40) + heron-edge-01" in field["description"]
    assert form["required"] == ["who"]
    assert paused["resumed"] == ["REJECT", "REJECT", "REJECT", "ACCEPT"]
    waits, done = paused["messages"]
    assert waits["title"] == "POA&M: a review waits"
    assert waits["message"].startswith("Matches in doubt: 1.")
    assert "Decisions for a person" not in done["message"]


def test_pause_keeps_answers(flows_ran, run, month, poam, tmp_path):
    """Answers given to a paused run are kept, and applied, as those given to `poam review`."""
    outcome = direct(run, month, tmp_path)
    runs = tmp_path / "runs"
    doubt = poam("review", outcome.folder).out.split()[0]
    assert poam("review", outcome.folder, "--accept", doubt, "--by", "Dana").status == 0
    kept = (runs / "decisions.yaml").read_text()
    paused = flows_ran[0] / "paused"
    assert (paused / "runs" / "decisions.yaml").read_text() == kept
    assert answers(paused / "runs") == answers(runs)
    again = tmp_path / "again"
    (again / "runs").mkdir(parents=True)
    shutil.copy(runs / "decisions.yaml", again / "runs")
    applied = direct(run, month, again)
    assert applied.workbook.read_bytes() == (paused / "POAM.xlsx").read_bytes()
    assert applied.report.counts["needs_review"] == 0


def answers(runs):
    """Return the answers in the ledger of a folder of runs."""
    ledger = Ledger(f"sqlite:///{(runs / 'ledger.sqlite').as_posix()}")
    try:
        return ledger.recall().answers
    finally:
        ledger.close()


def test_pause_reads_once(flows_ran, month):
    """The run that writes after a pause does not read the files again."""
    figures = [json.loads(x) for x in flows_ran[1]["paused"]["logs"] if x.startswith('{"step": "p')]
    files = len(month(OCTOBER))
    assert [line["cached"] for line in figures][-2 * files :] == [False] * files + [True] * files


def test_what_is_tried_again(flows_ran):
    """Reading is tried again where the storage fails; a file that takes too long is named."""
    steps = flows_ran[1]["steps"]
    assert steps["tried"] == ["fine", "flaky", "flaky", "slow"]
    assert steps["failed"].startswith("Files that could not be read: slow: ")
    assert "flaky" not in steps["failed"]


def test_dask_missing(flows_ran):
    """Without the package of the engine, one sentence says what to install."""
    expected = (
        "engine dask: the package is not installed. Expected: pip install 'conmon-poam[dask]'."
    )
    assert flows_ran[1]["dask"]["failed"] == expected


def test_nothing_leaves(flows_ran):
    """The server and the flow, with every switch as the project sets it, call only this machine."""
    processes, hosts = watched(flows_ran[0])
    assert any("uvicorn" in process for process in processes)
    assert any("flow_session" in process for process in processes)
    assert "127.0.0.1" in hosts
    assert hosts <= LOOPBACK


def test_the_watch_sees(tmp_path):
    """The watch on processes notes what a process looks up, and whom it calls."""
    program = (
        "import socket, contextlib\n"
        "with contextlib.suppress(OSError): socket.getaddrinfo('scan.invalid', 443)\n"
        "with contextlib.suppress(OSError), socket.socket(type=socket.SOCK_DGRAM) as s:\n"
        "    s.connect(('192.0.2.7', 9))\n"
    )
    python("-c", program, around=environment(tmp_path))
    assert watched(tmp_path)[1] == {"scan.invalid", "192.0.2.7"}


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


def bare(folder, **more):
    """Return an environment that says nothing to Prefect, but for its home and more."""
    said = {k: v for k, v in os.environ.items() if not k.startswith(("PREFECT_", "DO_NOT_TRACK"))}
    return {**said, "PYTHONPATH": str(PROJECT), "PREFECT_HOME": str(folder), **more}


def test_quiet(tmp_path):
    """Importing flows turns off everything by which Prefect would report on its use."""
    assert json.loads(python("-c", QUIET, around=bare(tmp_path))) == {
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
    found = json.loads(python("-c", QUIET, around=bare(tmp_path, **said)))
    assert found["analytics"] is True
    assert found["startup"] == 7
    assert found["do_not_track"] == "0"
