"""The flow, run in every way that quick tests look at: a program for one process of its own.

Its argument is JSON: a folder to work in, the flow's inputs. What it saw goes to `seen.json`.
"""

import json
import sys
import threading
import time
from datetime import date
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import patch

from prefect import flow
from prefect.client.orchestration import get_client
from prefect.logging.handlers import APILogWorker
from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings

import flows  # noqa: F401  sets what Prefect reads when it is imported
from flows.conmon import monthly_conmon
from flows.prefect_steps import PrefectSteps
from flows.settings import Settings
from poam.errors import RunError

GIVEN = json.loads(sys.argv[1])
FOLDER = Path(GIVEN["folder"])
MESSAGES = []
TRIED = []


class Sink(BaseHTTPRequestHandler):
    """Keeps the messages that are posted to it."""

    def do_POST(self):
        """Keep one."""
        MESSAGES.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        """Say nothing."""


def run(name, notify, **more):
    """Run the flow in a folder of its own; give its report and the messages it sent."""
    MESSAGES.clear()
    where = FOLDER / name
    where.mkdir()
    engine = more.pop("engine", "threads")
    runs = str(where / "runs")
    settings = Settings(runs=runs, notify=notify, engine=engine, **GIVEN["settings"])
    asked = {"scans": GIVEN["scans"], "poam": GIVEN["poam"], **more}
    try:
        outcome = monthly_conmon(
            out=str(where / "POAM.xlsx"),
            as_of=date.fromisoformat(GIVEN["as_of"]),
            settings=settings,
            **asked,
        )
    except RunError as e:
        return {"failed": str(e), "messages": list(MESSAGES)}
    report = outcome.report
    return {
        "summary": report.markdown(),
        "refused": report.refused,
        "late": [item.poam_id for item in report.late],
        "messages": list(MESSAGES),
    }


def answer(client, said):
    """Wait for a paused run; give it a wrong answer, then one to every doubt."""
    while not (paused := [r for r in client.read_flow_runs() if r.state.is_paused()]):
        time.sleep(0.5)
    (one,) = paused
    keys = one.state.state_details.run_input_keyset
    said["schema"] = client.read_flow_run_input(one.id, keys["schema"])
    fields = [name for name in json.loads(said["schema"])["properties"] if name != "who"]
    said["resumed"] = [
        client.resume_flow_run(one.id, run_input=given).status.value
        for given in (
            {},
            {"who": "Dana", fields[0]: "maybe"},
            {"who": "Dana", "doubt_of_no_one": "accept"},
            {"who": "Dana", **dict.fromkeys(fields, "accept")},
        )
    ]


@flow(name="steps")
def storage():
    """Read items of which one comes at the second try, and one never ends."""

    def read(item):
        TRIED.append(item.name)
        if item.name == "flaky" and TRIED.count("flaky") == 1:
            raise OSError("the share is gone")
        while item.name == "slow":
            pass

    items = [SimpleNamespace(name=name) for name in ("flaky", "slow", "fine")]
    PrefectSteps(Settings(seconds_per_file=1)).map("parse", read, items)


def unread():
    """Run that flow; give what it tried and how it failed."""
    try:
        storage()
    except RunError as e:
        return {"tried": sorted(TRIED), "failed": str(e)}
    return {"tried": sorted(TRIED)}


def seen(client, wanted):
    """What the server knows; task runs reach its database a moment later."""
    APILogWorker.drain_all()
    deadline = time.monotonic() + 30
    while True:
        tasks = [[r.name, r.state_name, r.tags] for r in client.read_task_runs()]
        if sum(state == "Completed" for _, state, _ in tasks) >= wanted:
            break
        if time.monotonic() > deadline:
            break
        time.sleep(0.3)
    return {
        "flows": [[r.name, r.state_name] for r in client.read_flow_runs()],
        "tasks": tasks,
        "artifacts": [[a.key, a.type, a.data] for a in client.read_artifacts()],
        "logs": [log.message for log in client.read_logs()],
    }


def main():
    """Run everything."""
    sink = HTTPServer(("127.0.0.1", 0), Sink)
    threading.Thread(target=sink.serve_forever, daemon=True).start()
    notify = (f"json://127.0.0.1:{sink.server_port}/told",)
    # Flows end up to a second later with a heartbeat.
    quick = temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None})
    with quick, get_client(sync_client=True) as client:
        good = run("good", ()) | seen(client, len(GIVEN["scans"]) + 4)
        cut = run("cut", notify, scans=GIVEN["cut"]) | seen(client, 0)
        missing = run("missing", notify, poam=str(FOLDER / "none.xlsx"))
        with patch.dict(sys.modules, {"prefect_dask.task_runners": None}):
            dask = run("dask", (), engine="dask")
        said = {}
        threading.Thread(target=answer, args=(client, said), daemon=True).start()
        paused = run("paused", notify, review="pause") | said | seen(client, 0)
        steps = unread()
    story = {"good": good, "cut": cut, "missing": missing, "paused": paused}
    story |= {"dask": dask, "steps": steps}
    (FOLDER / "seen.json").write_text(json.dumps(story, default=list))


if __name__ == "__main__":
    main()
