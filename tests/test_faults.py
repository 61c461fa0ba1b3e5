"""A run that is cut off, cannot write or meets another: what was is whole, and it says why."""

import hashlib
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import zipfile
from contextlib import closing, contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest
from filelock import FileLock

from flows.recording import MEMORY, RECALLED
from flows.runs import NOT_PROOF
from tests.conftest import PROJECT, SAMPLE_SCANS

pytestmark = [
    pytest.mark.heavy,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork"),
]
POAM, SCANS = SAMPLE_SCANS / "poam" / "2026-09.xlsx", SAMPLE_SCANS / "zap_json"

# A process that has imported everything and forks once for each run that it is asked for. Charts
# are left out: half of the time, and no step of their own. A `step` is what changes a file of the
# site, before it is done; SQLite's are its statements and its commit.
RUNNER = """
import json, os, shutil, signal, subprocess, sys, traceback
from datetime import date
from functools import cache
from pathlib import Path
from sqlalchemy import event
from sqlalchemy.engine import Engine
from flows import pipeline, report_page
from flows.asking import asked
from flows.steps import DirectSteps
from poam.errors import PoamError

pipeline.load_policy = cache(pipeline.load_policy)
report_page.pictures = lambda *_: {}
pipeline.load_policy(None)
WRITES = os.O_WRONLY | os.O_RDWR

class Steps:
    def __init__(self, site, kill_at=None, snapshots=None):
        self.site, self.kill_at, self.snapshots = site, kill_at, snapshots
        self.names, self.busy = [], False
        sys.addaudithook(self.heard)
        sync = os.fsync
        os.fsync = lambda file: (self.step("fsync"), sync(file))[1]
        event.listen(Engine, "before_cursor_execute", lambda c, k, text, *_: self.sql(text))
        event.listen(Engine, "commit", lambda c: self.step("commit"))

    def sql(self, text):
        if not text.lstrip().upper().startswith(("SELECT", "PRAGMA")):
            self.step("sql " + " ".join(text.split()[:3]))

    def heard(self, name, args):
        if self.busy:
            return
        paths = [a for a in args[:2] if isinstance(a, (str, bytes, os.PathLike))]
        if name == "open":
            paths = paths[:1] if args[2] & WRITES else []
        elif name not in ("os.rename", "os.remove", "os.mkdir", "os.truncate"):
            return
        paths = [Path(os.fsdecode(p)) for p in paths]
        if any(p.is_relative_to(self.site) for p in paths):
            self.step(" ".join([name, *(p.name for p in paths)]))

    def step(self, name):
        if self.busy:
            return
        self.busy = True
        if len(self.names) == self.kill_at:
            os.kill(os.getpid(), signal.SIGKILL)
        if self.snapshots:
            shutil.copytree(self.site, self.snapshots / str(len(self.names)))
        self.names.append(name)
        self.busy = False

def update(site, day="2026-11-20", scan="2026-11.json", **more):
    place = lambda name: site / name
    request = asked([place("scans") / scan], place("in.xlsx"), place("runs"),
                    date.fromisoformat(day), **{"out": place("out.xlsx"), **more})
    pipeline.update(request, DirectSteps())

def forked(work):
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        said = {"error": "", "steps": []}
        try:
            said["steps"] = work() or []
            said["status"] = 0
        except PoamError as e:
            said |= {"status": 1, "error": str(e)}
        except OSError as e:  # of which the command line makes a sentence
            said |= {"status": 1, "error": f"{e.filename}: cannot be used ({e.strerror})."}
        except BaseException:
            said |= {"status": 70, "error": traceback.format_exc()}
        with open(write, "w") as out:
            json.dump(said, out)
        os._exit(0)
    os.close(write)
    with open(read) as given:
        said = given.read()
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    return json.loads(said) if said else {"status": code, "error": "", "steps": []}

def run(site, kill_at=None, snapshots=None, **more):
    steps = None
    if kill_at is not None or snapshots:
        steps = Steps(Path(site), kill_at, Path(snapshots) if snapshots else None)
    update(Path(site), **more)
    return steps and steps.names

update(Path(sys.argv[1]))  # what it takes to do this the first time is done once
print("ready", flush=True)
for line in sys.stdin:
    told = json.loads(line)
    if shell := told.pop("mount", None):
        subprocess.run(shell, check=True)
        print("{}", flush=True)
        continue
    print(json.dumps(forked(lambda: run(**told))), flush=True)
"""


@contextmanager
def runner(folder, *before):
    """Start the process that runs; give what asks it, and its number."""
    process = subprocess.Popen(  # noqa: S603  this interpreter, fixed words
        [*before, sys.executable, "-c", RUNNER, folder],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=PROJECT,
    )

    def ask(**told):
        process.stdin.write(json.dumps(told, default=str) + "\n")
        process.stdin.flush()
        line = process.stdout.readline()
        while not line.startswith("{"):
            assert line, "the runner ended"
            line = process.stdout.readline()
        return SimpleNamespace(**json.loads(line))

    assert process.stdout.readline() == "ready\n"
    yield ask, process.pid
    process.communicate(timeout=20)


def new_site(site):
    """Make a site before its first month: a workbook, and two months of one scan."""
    (site / "scans").mkdir(parents=True)
    shutil.copyfile(POAM, site / "in.xlsx")
    for scan in SCANS.glob("2026-*.json"):
        shutil.copyfile(scan, site / "scans" / scan.name)
    return site


@pytest.fixture(scope="module")
def update(tmp_path_factory):
    """Return what runs an update of a site in a process of its own."""
    with runner(new_site(tmp_path_factory.mktemp("runner") / "site")) as (ask, _):
        yield ask


@pytest.fixture(scope="module")
def october(tmp_path_factory, update):
    """Return a site after its first month: a ledger, a run folder and a workbook."""
    site = new_site(tmp_path_factory.mktemp("october") / "site")
    ran = update(site=site, day="2026-10-30", scan="2026-10.json")
    assert ran.status == 0, ran.error
    return site


@pytest.fixture(scope="module")
def november(tmp_path_factory, update, october):
    """Return the site after the second month, its steps, and what stood before each of them."""
    folder = tmp_path_factory.mktemp("november")
    site, snapshots = folder / "site", folder / "snapshots"
    shutil.copytree(october, site)
    snapshots.mkdir()
    ran = update(site=site, snapshots=snapshots)
    assert ran.status == 0, ran.error
    proofs = [proof(snapshots / str(at)) for at in range(len(ran.steps))]
    recorded = max(at for at, step in enumerate(ran.steps) if step == "commit") + 1
    return SimpleNamespace(
        site=site, steps=ran.steps, snapshots=snapshots, proofs=proofs, recorded=recorded
    )


def files(site):
    """Return every file of a site by its path, hashed."""
    return {
        path.relative_to(site).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(site.rglob("*"))
        if path.is_file()
    }


def proof(site):
    """Return what two equal runs write alike; the ledger is compared by what it says.

    The run store may hold drafts of parts that were never finished: nobody reads them.
    """
    said = {k: v for k, v in files(site).items() if k.rpartition("/")[2] not in NOT_PROOF}
    said = {k: v for k, v in said.items() if not k.endswith(".lock")}
    return {k: v for k, v in said.items() if "ledger" not in k and "/parsed/" not in k}


def ledger(site):
    """Return all that a ledger says, after it was found whole."""
    with closing(sqlite3.connect(site / "runs" / "ledger.sqlite")) as base:
        assert base.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        lines = [line for line in base.iterdump() if "recorded_at" not in line]
    return "\n".join(lines)


ACCOUNT = 5  # of the account's files, which are written one like another, one step in so many


def states(november):
    """Return the steps before which a site differs from what it was before the step before."""
    found, before = [], None
    for at, step in enumerate(november.steps):
        now = files(november.snapshots / str(at))
        of_account = "run" not in step and ".partial" in step and "out.xlsx" not in step
        if now != before and not (of_account and at % ACCOUNT):
            found.append(at)
        before = now
    return found


def test_cut_off_anywhere(november, october, update):
    """Before whichever step a run ends: all is whole, and the next run makes what it would have."""
    old, new = files(october), files(november.site)
    said, result = {ledger(october), ledger(november.site)}, proof(november.site)
    done = states(november)
    assert len(done) > 20
    for at in done:
        site, step = november.snapshots / str(at), november.steps[at]
        found = files(site)
        assert found["in.xlsx"] == old["in.xlsx"], step
        assert found["out.xlsx"] in (old["out.xlsx"], new["out.xlsx"]), step
        assert ledger(site) in said, step
        ran = update(site=site)
        assert (ran.status, ran.error) == (0, ""), step
        left = proof(site)
        if at >= november.recorded:  # what it recalled was the run itself, and that is kept
            left = {k: result[k] if k.endswith((RECALLED, MEMORY)) else left[k] for k in left}
        assert left == result, step
        assert ledger(site) == ledger(november.site), step


def test_killed(november, october, tmp_path, update):
    """A process that is killed before a step leaves what stood there before that step."""
    wanted = ("fsync", "os.rename .report", "sql INSERT INTO sighting", "os.rename .out.xlsx.2026")
    for word in wanted:
        at = max(n for n, step in enumerate(november.steps) if step.startswith(word))
        site = tmp_path / str(at)
        shutil.copytree(october, site)
        assert update(site=site, kill_at=at).status == -signal.SIGKILL
        left, expected = proof(site), november.proofs[at]  # drafts have names by chance
        assert sorted(left.values()) == sorted(expected.values()), word


def test_killed_in_place(october, tmp_path, update):
    """The workbook that a run replaces is the old one or the new; run again, it is the new one."""
    whole, snapshots = shutil.copytree(october, tmp_path / "whole"), tmp_path / "snapshots"
    snapshots.mkdir()
    given = {"out": None, "in_place": True}
    steps = update(site=whole, snapshots=snapshots, **given).steps
    old, new = files(october)["in.xlsx"], files(whole)["in.xlsx"]
    replaced = next(n for n, step in enumerate(steps) if step.startswith("os.rename .in.xlsx.20"))
    for at, left in ((replaced - 1, old), (replaced, old), (replaced + 1, new)):
        site = shutil.copytree(october, tmp_path / str(at))
        assert update(site=site, kill_at=at, **given).status == -signal.SIGKILL
        assert files(site)["in.xlsx"] == left, steps[at]
        assert update(site=site, **given).status == 0
        found = files(site)
        assert found["in.xlsx"] == new, steps[at]
        backups = {name: one for name, one in found.items() if name.startswith("in.before-")}
        assert list(backups.values()) == [old], steps[at]


def refused(ran, *words):
    """Check that a run ended in one sentence with these words."""
    assert ran.status == 1, ran.error
    assert "\n" not in ran.error
    assert all(word in ran.error for word in words), ran.error


@pytest.fixture
def site(october, tmp_path):
    """Return a copy of the site after its first month."""
    return shutil.copytree(october, tmp_path / "site")


@pytest.mark.parametrize("locked", [".out.xlsx.lock", "runs/.ledger.sqlite.lock"])
def test_held_by_another(site, update, locked):
    """Who holds the workbook or the ledger keeps a run off, and it leaves all as it was."""
    before = proof(site), ledger(site)
    with FileLock(site / locked):
        refused(update(site=site), "another run")
    assert (proof(site), ledger(site)) == before
    assert update(site=site).status == 0


def test_newer_ledger(site, update):
    """A ledger of a later version is not touched."""
    with closing(sqlite3.connect(site / "runs" / "ledger.sqlite")) as base:
        base.execute("UPDATE ledger SET version = 99")
        base.commit()
    before = files(site)
    refused(update(site=site), "ledger", "99")
    assert {k: v for k, v in files(site).items() if k in before and "lock" not in k} == {
        k: v for k, v in before.items() if "lock" not in k
    }


def test_clock_set_back(site, november, update):
    """A run of a day before the ledger's latest is made; the month after is as it would be."""
    assert update(site=site, day="2026-09-30", scan="2026-10.json").status == 0
    assert update(site=site).status == 0
    assert files(site)["out.xlsx"] == files(november.site)["out.xlsx"]


TMPFS = ("unshare", "--map-root-user", "--mount")


@pytest.fixture(scope="module")
def full_disk(tmp_path_factory):
    """Return a folder on a file system of its own, its runner, and what sets its size."""
    may = shutil.which("unshare") and subprocess.run([*TMPFS, "true"], capture_output=True)  # noqa: S603
    if not may or may.returncode:
        pytest.skip("this system lets nobody mount a file system of his own")
    folder = tmp_path_factory.mktemp("disk")
    with runner(new_site(tmp_path_factory.mktemp("runner") / "site"), *TMPFS) as (ask, process):
        ask(mount=["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(folder)])

        def size(kb):
            ask(mount=["mount", "-o", f"remount,size={kb}k", str(folder)])

        there = Path(f"/proc/{process}/root") / folder.relative_to("/")
        yield SimpleNamespace(ask=ask, size=size, there=there, folder=folder)


def test_full_disk(full_disk, october, november, tmp_path):
    """Wherever the disk is full, a sentence says so; with more room the run is made whole."""
    needed = sum(p.stat().st_size for p in november.site.rglob("*") if p.is_file()) // 1024
    had = sum(p.stat().st_size for p in october.rglob("*") if p.is_file()) // 1024
    result = proof(november.site)
    for part in (0.02, 0.1, 0.3, 0.7, 0.85, 0.95):
        name = f"site-{part}"
        site = full_disk.there / name
        full_disk.size(65536)
        shutil.copytree(october, site)
        used = shutil.disk_usage(full_disk.there).used // 1024
        full_disk.size(used + int(part * (needed - had)))
        ran = full_disk.ask(site=full_disk.folder / name)
        assert ran.status == 1, (part, ran.error)
        assert "\n" not in ran.error
        assert files(site)["out.xlsx"] == files(october)["out.xlsx"]
        assert ledger(shutil.copytree(site, tmp_path / name)) == ledger(october)
        full_disk.size(65536)
        again = full_disk.ask(site=full_disk.folder / name)
        assert again.status == 0, again.error
        assert proof(site) == result
        shutil.rmtree(site)


def test_read_only(full_disk, october):
    """Where nothing may be written, a sentence says so."""
    full_disk.size(65536)
    site = full_disk.there / "site"
    shutil.copytree(october, site)
    full_disk.ask(mount=["mount", "-o", "remount,ro", str(full_disk.folder)])
    ran = full_disk.ask(site=full_disk.folder / "site")
    full_disk.ask(mount=["mount", "-o", "remount,rw", str(full_disk.folder)])
    refused(ran, "cannot be")
    assert proof(site) == proof(october)


def test_two_at_once(site):
    """Of two updates of one workbook in place one is made, and the other too or it says why not."""
    poam = Path(sys.executable).with_name("poam")
    command = [poam, "update", site / "scans" / "2026-11.json", "--poam", site / "in.xlsx"]
    command += ["--in-place", "--as-of", "2026-11-20", "--runs", site / "runs", "--jobs", "1"]
    both = [
        subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)  # noqa: S603
        for _ in range(2)
    ]
    ended = [(p.communicate(timeout=120)[1], p.returncode) for p in both]
    assert 0 in [status for _, status in ended]
    for error, status in ended:
        assert status == 0 or "another run" in error
    with zipfile.ZipFile(site / "in.xlsx") as book:
        assert book.testzip() is None
    ledger(site)
