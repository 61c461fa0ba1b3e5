"""A run that is killed while it reads, and run again: what was read is kept."""

import json
import os
import re
import signal
import subprocess
import sys
import time

import pytest

from tests.conftest import MONTHS, SAMPLE_SCANS
from tests.prefect_server import prefect_server

pytestmark = pytest.mark.heavy
FILES, READ = 50, 30
NOVEMBER = "2026-11"
POAM = SAMPLE_SCANS / "poam" / "2026-09.xlsx"
# Reads as many files as it is told, and waits then for the end that comes from outside.
PROGRAM = """
import itertools, json, signal, sys
from datetime import date
from unittest.mock import patch
from flows import pipeline
from flows.conmon import monthly_conmon
from flows.settings import Settings

folder, day, reads = sys.argv[1], date.fromisoformat(sys.argv[2]), int(sys.argv[3])
turns, read_one = itertools.count(), pipeline.parse_into


def read_some(*given, **more):
    if next(turns) >= reads:
        while True:
            signal.pause()
    return read_one(*given, **more)


with patch.object(pipeline, "parse_into", read_some):
    monthly_conmon([f"{folder}/scans"], f"{folder}/POAM.xlsx", f"{folder}/out.xlsx", day,
                   settings=Settings(runs=f"{folder}/runs"))
"""


@pytest.fixture
def site(tmp_path):
    """Lay out a folder with the workbook and fifty scans of hosts of their own."""
    folder = tmp_path / "site"
    (folder / "scans").mkdir(parents=True)
    (folder / "POAM.xlsx").write_bytes(POAM.read_bytes())
    text = (SAMPLE_SCANS / "nessus_xml" / f"{NOVEMBER}.nessus").read_text(encoding="utf-8")
    hosts = re.findall(r"<ReportHost\b.*?</ReportHost>", text, re.DOTALL)
    assert hosts
    small = text.replace("".join(hosts[1:]), "")
    for number in range(FILES):
        own = re.sub(r"heron-", f"heron{number:02}-", small)
        (folder / "scans" / f"{number:02}.nessus").write_text(own, encoding="utf-8")
    return folder


def start(site, around, reads):
    """Start the flow in a process group of its own."""
    arguments = [sys.executable, "-c", PROGRAM, str(site), str(MONTHS[NOVEMBER]), str(reads)]
    with (site / "flow.log").open("ab") as log:
        return subprocess.Popen(  # noqa: S603  this interpreter, our own program
            arguments, env=around, start_new_session=True, stdout=log, stderr=log
        )


def whole_parts(site):
    """Return the parts that are whole, with the time at which each was put."""
    return {
        mark.parent.name: mark.stat().st_mtime_ns for mark in site.glob("runs/parsed/*/part.json")
    }


def test_killed_and_run_again(site, run, tmp_path, pytestconfig):
    """After SIGKILL with 30 of 50 files read, only the other 20 are read: the same workbook."""
    with prefect_server(tmp_path, pytestconfig.cache.mkdir("prefect")) as around:
        killed = start(site, around, READ)
        deadline = time.monotonic() + 120
        while len(whole_parts(site)) < READ and time.monotonic() < deadline:
            assert killed.poll() is None, (site / "flow.log").read_text()
            time.sleep(0.05)
        os.killpg(killed.pid, signal.SIGKILL)
        assert killed.wait() == -signal.SIGKILL
        kept = whole_parts(site)
        assert len(kept) == READ
        assert not (site / "out.xlsx").exists()
        again = start(site, around, FILES)
        assert again.wait(180) == 0, (site / "flow.log").read_text()
    parts = whole_parts(site)
    assert len(parts) == FILES
    assert kept.items() <= parts.items()
    (log,) = site.glob("runs/*/run.log")
    lines = [
        json.loads(line.partition(" ")[2]) for line in log.read_text().splitlines() if "{" in line
    ]
    cached = [line["cached"] for line in lines if line["step"] == "parse"]
    assert sorted(cached) == [False] * (FILES - READ) + [True] * READ
    undisturbed = tmp_path / "undisturbed"
    undisturbed.mkdir()
    out = undisturbed / "out.xlsx"
    ledger = f"sqlite:///{(undisturbed / 'runs' / 'ledger.sqlite').as_posix()}"
    scans = sorted((site / "scans").iterdir())
    run(scans, site / "POAM.xlsx", out, MONTHS[NOVEMBER], ledger=ledger)
    assert (site / "out.xlsx").read_bytes() == out.read_bytes()
