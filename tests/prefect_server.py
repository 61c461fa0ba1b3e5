"""A Prefect server for tests: on loopback, with a home of its own, and all processes watched.

Prefect keeps settings, loggers and connections in the process that imports it: what is tested with
it runs in processes of its own, away from the other tests.
"""

import os
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import closing, contextmanager
from importlib.metadata import version

import flows
from tests.conftest import PROJECT

WATCH = """\
import os, sys

FILE = os.environ["CONMON_WATCH"]


def said(line):
    with open(FILE, "a") as file:
        file.write(line + "\\n")


def hook(event, args):
    if event == "socket.getaddrinfo":
        said("host " + (args[0].decode() if isinstance(args[0], bytes) else str(args[0])))
    elif event == "socket.connect" and isinstance(args[1], tuple):
        said(f"host {args[1][0]}")


said("process " + " ".join(sys.orig_argv[1:4]).replace("\\n", " ")[:60])
sys.addaudithook(hook)
"""
LOOPBACK = {"127.0.0.1", "localhost", "::1", "None"}  # None: an address to listen on


def free_port():
    """Return a port that nothing listens on."""
    with closing(socket.socket()) as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def environment(folder, **more):
    """Return the environment of a process with a Prefect home in a folder, watched."""
    watch = folder / "watch"
    watch.mkdir(parents=True, exist_ok=True)
    (watch / "sitecustomize.py").write_text(WATCH)
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("PREFECT_", "PYTHON"))}
    return {
        **inherited,
        **flows.QUIET,
        "PATH": os.pathsep.join([str(PROJECT), os.path.dirname(sys.executable), os.defpath]),  # noqa: PTH120  a search path is text
        "PYTHONPATH": os.pathsep.join([str(watch), str(PROJECT)]),
        "CONMON_WATCH": str(folder / "watched.txt"),
        "PREFECT_HOME": str(folder / "home"),
        **more,
    }


def watched(folder):
    """Return the processes that were watched, and every host that they looked up or called."""
    found = {"process": [], "host": set()}
    for line in (folder / "watched.txt").read_text().splitlines():
        kind, _, text = line.partition(" ")
        found["process"].append(text) if kind == "process" else found["host"].add(text)
    return found["process"], found["host"]


@contextmanager
def prefect_server(folder, kept):
    """Start a server; give the environment of those who talk to it; stop it.

    A new home needs minutes of migrations on a busy machine: a migrated database lies in `kept`.
    """
    port = free_port()
    api = f"http://127.0.0.1:{port}/api"
    around = environment(folder, PREFECT_API_URL=api)
    home, template = folder / "home", kept / f"prefect-{version('prefect')}.db"
    home.mkdir()
    if template.exists():
        (home / "prefect.db").write_bytes(template.read_bytes())
    create = "prefect.server.api.server:create_app"
    # Its own loop: an audit hook does not see what uvloop does.
    arguments = ["--factory", create, "--host", "127.0.0.1", "--port", str(port)]
    with (folder / "server.log").open("wb") as log:
        server = subprocess.Popen(  # noqa: S603  this interpreter, fixed words
            [sys.executable, "-m", "uvicorn", *arguments, "--loop", "asyncio"],
            env={**around, "PREFECT_SERVER_LOGGING_LEVEL": "WARNING"},
            cwd=folder,
            stdout=log,
            stderr=log,
        )
    try:
        _wait(f"{api}/health", server, folder / "server.log")
        if not template.exists():
            _keep(home / "prefect.db", template)
        yield around
    finally:
        server.terminate()
        server.wait(60)


def _wait(url, server, log):
    deadline = time.monotonic() + 180
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5):  # noqa: S310  our own address
                return
        except urllib.error.HTTPError as e:
            e.close()
        except OSError:
            pass
        time.sleep(0.2)
    raise AssertionError(log.read_text())


def _keep(database, template):
    """Copy a database that is in use; another test process may do the same."""
    draft = template.with_name(f".{template.name}.{os.getpid()}")
    with closing(sqlite3.connect(database)) as found, closing(sqlite3.connect(draft)) as copy:
        found.backup(copy)
    draft.replace(template)
