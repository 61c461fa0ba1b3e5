"""What the tests of the ledger share: an empty database of each kind, and a server to stop."""

import gc
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import warnings
from contextlib import closing, contextmanager
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import NullPool, create_engine, make_url

from poam.ledger import Ledger
from tests.conftest import PROJECT

NUMBERS = count()


class Database:
    """A database that a ledger may be in."""

    def __init__(self, url):
        self.url = url

    @property
    def is_file(self):
        """Whether it is SQLite's."""
        return self.url.startswith("sqlite")

    def execute(self, *statements):
        """Run statements as they stand, in one transaction; give the rows of the last."""
        if self.is_file:
            Path(make_url(self.url).database).parent.mkdir(exist_ok=True)
        engine = create_engine(self.url, poolclass=NullPool)
        with engine.begin() as connection:
            for statement in statements:
                done = connection.exec_driver_sql(statement)
            return [tuple(row) for row in done] if done.returns_rows else []

    def rows(self, table):
        """Give a table's rows as they are stored."""
        return self.execute(f"SELECT * FROM {table}")  # noqa: S608


class Cluster:
    """PostgreSQL on the loopback address, in a folder of its own, as a user who is not root."""

    def __init__(self, programs, folder):
        self.programs, self.folder = programs, folder
        with closing(socket.socket()) as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self._run("initdb", "-U", "poam", "-A", "trust", "-E", "UTF8", "--locale", "C")

    def start(self):
        """Start it, and wait until it answers."""
        told = (
            f"-p {self.port} -c fsync=off -c listen_addresses=127.0.0.1 -c unix_socket_directories="
        )
        self._run("pg_ctl", "-w", "-l", str(self.folder / "log"), "-o", told, "start")

    def stop(self):
        """Let it die as by a crash."""
        self._run("pg_ctl", "-m", "immediate", "stop")

    def database(self):
        """Make an empty database."""
        name = f"ledger{next(NUMBERS)}"
        url = self._url("postgres")
        server = create_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
        with server.connect() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {name}")
        return Database(self._url(name))

    def _url(self, name):
        return f"postgresql+pg8000://poam@127.0.0.1:{self.port}/{name}"

    def _run(self, program, *words):
        command = [str(self.programs / program), "-D", str(self.folder / "data"), *words]
        if os.geteuid() == 0:
            command = ["runuser", "-u", "postgres", "--", *command]
        done = subprocess.run(  # noqa: S603  programs of the system, fixed words
            command, cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False
        )
        assert done.returncode == 0, done.stderr.decode()


@contextmanager
def running():
    """Give a server that runs, or skip where PostgreSQL is not installed."""
    pytest.importorskip("pg8000", reason="pg8000 is not installed: conmon-poam[postgres]")
    newest = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), reverse=True)
    initdb = shutil.which("initdb") or next(map(str, newest), None)
    if initdb is None:
        pytest.skip("PostgreSQL's initdb is not installed")
    # Not in pytest's folder: another user may not enter it.
    with tempfile.TemporaryDirectory(prefix="poam-postgresql-") as folder:
        if os.geteuid() == 0:
            shutil.chown(folder, "postgres")
        server = Cluster(Path(initdb).resolve().parent, Path(folder))
        server.start()
        try:
            yield server
        finally:
            server.stop()


@pytest.fixture(scope="session")
def cluster():
    """Return a server that all tests share."""
    with running() as server:
        yield server


@pytest.fixture
def sockets():
    """Let go of what a lost connection leaves: pg8000 leaves its socket to garbage collection."""
    yield
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "unclosed <socket", ResourceWarning)
        gc.collect()


@pytest.fixture
def server(sockets):  # noqa: ARG001  torn down after it
    """Return a server of one test's own, which it may stop and start."""
    with running() as started:
        yield started


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.heavy)])
def database(request, tmp_path):
    """Return a database without a ledger; SQLite's file is not there, nor is its folder."""
    if request.param == "sqlite":
        return Database(f"sqlite:///{(tmp_path / 'runs' / 'ledger.sqlite').as_posix()}")
    request.getfixturevalue("sockets")
    return request.getfixturevalue("cluster").database()


@pytest.fixture
def ledger(database):
    """Return an empty ledger."""
    opened = Ledger(database.url)
    yield opened
    opened.close()


@pytest.fixture
def program():
    """Return a function that starts a Python program in another process; it is ended after."""
    started = []

    def start(text, *arguments):
        process = subprocess.Popen(  # noqa: S603  this interpreter, a program of the test
            [sys.executable, "-c", text, *arguments],
            cwd=PROJECT,
            env={**os.environ, "PYTHONPATH": str(PROJECT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()
