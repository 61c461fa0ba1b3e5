"""Update a large workbook from a month's exports, with a ledger of six months behind it.

A process is `python -m tests.benchmarks.update prepare|update|floor FOLDER [DETECTIONS]`; the last
two print their seconds, of the clock and of processors, and the most memory they held.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage

import openpyxl
import pandas as pd
from lxml import etree

from flows.asking import asked
from flows.pipeline import update as carry_out
from flows.steps import DirectSteps, cores
from poam.ledger import Ledger, memory_frame
from tests.benchmarks.exports import catalogue, name, write_export
from tests.benchmarks.workbook import make, peak_mb

FILES, ITEMS, FIXED = 20, 100, 4  # exports; items of a host, and how many fewer than last month
ROWS = 10_000
CHECKS = 2_400  # of the exports' catalogue, not informational: each is a row after October
SIZES = (500_000, 1_000_000)
EARLIER = [date(2026, month, 2) for month in range(5, 10)]
OCTOBER, NOVEMBER = date(2026, 10, 2), date(2026, 11, 2)
LEFT = 25  # of so many hosts one leaves every month, and one joins


def prepare(folder: Path, detections: int) -> None:
    """Make exports, a workbook and a ledger: the months before, and a run in October."""
    hosts = detections // FILES // ITEMS
    for day, first, items in ((OCTOBER, 1, ITEMS + FIXED), (NOVEMBER, 1 + hosts // LEFT, ITEMS)):
        scans = folder / f"{day:%Y-%m}"
        scans.mkdir()
        for at in range(FILES):
            file = scans / f"scan-{at:02}.nessus"
            write_export("nessus", file, hosts, items, first_host=first + at * hosts, day=day)
    make(folder / "2026-09.xlsx", ROWS - CHECKS)
    (folder / "runs").mkdir()
    _remember(f"sqlite:///{folder / 'runs' / 'ledger.sqlite'}", hosts * FILES // LEFT)
    _run(folder, OCTOBER, "2026-09.xlsx")


def update(folder: Path) -> None:
    """Carry out November's run."""
    _run(folder, NOVEMBER, "2026-10.xlsx")


def floor(folder: Path) -> None:
    """Read the exports with lxml and keep nothing; load and save the workbook with openpyxl."""
    for file in sorted((folder / f"{NOVEMBER:%Y-%m}").iterdir()):
        for _, element in etree.iterparse(str(file), tag="ReportHost", huge_tree=True):
            element.clear()
    openpyxl.load_workbook(folder / "2026-10.xlsx").save(folder / "floor.xlsx")


def _run(folder: Path, day: date, poam: str) -> None:
    out = folder / f"{day:%Y-%m}.xlsx"
    scans = [folder / f"{day:%Y-%m}"]
    request = asked(scans, folder / poam, folder / "runs", day, out=out)
    carry_out(request, DirectSteps(cores()))


def _remember(url: str, hosts: int) -> None:
    """Record earlier months: hosts that have left since, half of them clean at the end."""
    ledger = Ledger(url)
    memory = memory_frame()
    numbers = [str(check.number) for check in catalogue(1)[:ITEMS]]
    for month, day in enumerate(EARLIER):
        clean = [None, pd.Timestamp(day) + pd.Timedelta(days=20)]
        left = [(name(90_000 + month * hosts + at), clean[at % 2]) for at in range(hosts)]
        rows = [
            ("Nessus", number, asset, "", "", 443, "tcp", day, day, proven, proven, "yes", "")
            for asset, proven in left
            for number in numbers
        ]
        memory = pd.concat([memory, memory_frame(rows)], ignore_index=True)
        run = {"run_id": f"{day}-made", "as_of": day, "policy_sha256": "made up"}
        ledger.record({**run, "inputs": {}, "counts": {}}, [], memory)
    ledger.close()


def measured(step: str, folder: Path, *more: object) -> dict[str, float]:
    """Run one step in a process of its own."""
    command = (sys.executable, "-m", "tests.benchmarks.update", step, str(folder), *map(str, more))
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)  # noqa: S603
    return json.loads(done.stdout)


def updating(sizes: tuple[int, ...] = SIZES) -> Iterator[dict[str, object]]:
    """Update from half a million detections, and from a million for the growth."""
    before = 0.0
    for detections in sizes:
        with tempfile.TemporaryDirectory() as kept:
            folder = Path(kept)
            measured("prepare", folder, detections)
            least = measured("floor", folder)
            found = measured("update", folder)
        seconds = found["processor_seconds"]
        yield {
            "name": f"poam update {detections:,} detections, {ROWS:,} rows",
            **found,
            "floor_seconds": least["processor_seconds"],
            "ratio": round(seconds / least["processor_seconds"], 2),
            **({"growth": round(seconds / before, 2)} if before else {}),
        }
        before = seconds


def main() -> None:
    """Run one step and print what it took."""
    step, folder = sys.argv[1], Path(sys.argv[2])
    steps: dict[str, Callable[[], None]] = {
        "prepare": lambda: prepare(folder, int(sys.argv[3])),
        "update": lambda: update(folder),
        "floor": lambda: floor(folder),
    }
    start, begun = time.perf_counter(), sum(os.times()[:4])
    steps[step]()
    took = {
        "seconds": round(time.perf_counter() - start, 1),
        # Of this process and of those that read the exports, whatever else the machine does.
        "processor_seconds": round(sum(os.times()[:4]) - begun, 1),
        "peak_mb": peak_mb(),
        "reader_peak_mb": getrusage(RUSAGE_CHILDREN).ru_maxrss // 1024,
    }
    sys.stdout.write(json.dumps(took))


if __name__ == "__main__":
    main()
