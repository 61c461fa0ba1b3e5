"""Update a large workbook, or only load and save it with openpyxl: each in a process of its own.

A process is `python -m tests.benchmarks.workbook make|update|floor FILE [ROWS]`, and prints its
seconds of processor and the most memory it held.
"""

import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path

import openpyxl

from poam.layout import load_layouts
from poam.model import Value
from poam.policy import read_mapping
from poam.workbook import (
    RowAddition,
    RowMove,
    RowUpdate,
    WorkbookEdits,
    build_template,
    read_workbook,
    write_workbook,
)
from tests.benchmarks.catalogue import checks

LAYOUTS = load_layouts(read_mapping("templates.yaml"))
UPDATES, ADDITIONS, MOVES = 500, 200, 300
RUNS = 2  # the fastest counts: what else the machine does only adds


def items(count: int, seed: int = 1) -> Iterator[dict[str, Value]]:
    """Yield the values of items, with prose as long as scanners write it."""
    chance = random.Random(seed)  # noqa: S311
    for number, check in enumerate(checks(count, seed), start=1):
        day = date(2025, 1, 1) + timedelta(chance.randrange(365))
        yield {
            "poam_id": f"V-{seed}-{number:05}",
            "controls": "RA-5, SI-2",
            "weakness_name": str(check["name"]),
            "weakness_description": "The remote host lacks a security update. " * 6,
            "weakness_detector_source": "Nessus",
            "weakness_source_identifier": str(check["source_identifier"]),
            "asset_identifier": "\n".join(f"heron-{h:03}.example.com" for h in check["hosts"]),  # type: ignore[attr-defined]
            "point_of_contact": "Operations",
            "remediation_plan": "Install the vendor's update in the next window.",
            "original_detection_date": day,
            "scheduled_completion_date": day + timedelta(90),
            "planned_milestones": f"(1) {day + timedelta(60)}: Update tested",
            "status_date": date(2026, 2, 1),
            "vendor_dependency": "No",
            "original_risk_rating": chance.choice(("High", "Moderate", "Low")),
            "adjusted_risk_rating": "N/A",
            "false_positive": "No",
            "operational_requirement": "No",
            "comments": "2026-02-01: seen",
            "cve": "\n".join(check["cves"]),  # type: ignore[arg-type]
        }


def make(path: Path, rows: int) -> None:
    """Fill a v2.1 workbook."""
    build_template(path, "v2.1", LAYOUTS)
    added = tuple(RowAddition("open", values) for values in items(rows))
    write_workbook(path, path, WorkbookEdits(additions=added), LAYOUTS)


def update(path: Path, target: Path) -> None:
    """Read the workbook and write a month's edits, spread over its rows."""
    rows = [int(row) for row in read_workbook(path, LAYOUTS).items["row"]]
    chosen = random.Random(2).sample(rows, UPDATES + MOVES)  # noqa: S311
    seen = {"status_date": date(2026, 3, 1), "comments": "2026-02-01: seen\n2026-03-01: seen"}
    edits = WorkbookEdits(
        updates=tuple(RowUpdate("open", row, seen) for row in chosen[:UPDATES]),
        additions=tuple(RowAddition("open", values) for values in items(ADDITIONS, seed=2)),
        moves=tuple(
            RowMove("open", row, "closed", {"status_date": date(2026, 3, 1)})
            for row in chosen[UPDATES:]
        ),
        poam_date=date(2026, 3, 1),
    )
    write_workbook(path, target, edits, LAYOUTS)


def floor(path: Path, target: Path) -> None:
    """Load and save the workbook, nothing else."""
    openpyxl.load_workbook(path).save(target)


def peak_mb() -> int:
    """Tell the most memory this process held; `ru_maxrss` counts the one that started it too."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    line = next(one for one in status.splitlines() if one.startswith("VmHWM"))
    return int(line.split()[1]) // 1024


def measured(*step: object) -> dict[str, float]:
    """Run one step in a process of its own."""
    command = (sys.executable, "-m", "tests.benchmarks.workbook", *map(str, step))
    done = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603
    return json.loads(done.stdout)


def fastest(*step: object) -> dict[str, float]:
    """Run a step several times and give the fastest."""
    return min((measured(*step) for _ in range(RUNS)), key=lambda run: run["seconds"])


def workbook() -> Iterator[dict[str, object]]:
    """Fill a workbook with 5,000 rows, update it, and both with 10,000 for the growth."""
    before: dict[str, float] = {}
    for rows in (5_000, 10_000):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "poam.xlsx"
            made = measured("make", path, rows)
            # As another program leaves it, a person's edit say, so that neither reads its own.
            openpyxl.load_workbook(path).save(path)
            floor_ = fastest("floor", path)
            found = fastest("update", path)
        seconds = {"fill": made["seconds"], "update": found["seconds"]}
        growth = {
            k: {"growth": round(v / before[k], 2)} if before else {} for k, v in seconds.items()
        }
        yield {
            "name": f"fill {rows:,} rows",
            "seconds": round(made["seconds"], 2),
            "peak_mb": made["peak_mb"],
            **growth["fill"],
        }
        yield {
            "name": f"update {rows:,} rows",
            "seconds": round(found["seconds"], 2),
            "floor_seconds": round(floor_["seconds"], 2),
            "ratio": round(found["seconds"] / floor_["seconds"], 2),
            "peak_mb": found["peak_mb"],
            "floor_peak_mb": floor_["peak_mb"],
            **growth["update"],
        }
        before = seconds


def main() -> None:
    """Run one step and print its seconds and peak."""
    step, path = sys.argv[1], Path(sys.argv[2])
    steps: dict[str, Callable[[], None]] = {
        "make": lambda: make(path, int(sys.argv[3])),
        "update": lambda: update(path, path.with_name("updated.xlsx")),
        "floor": lambda: floor(path, path.with_name("floor.xlsx")),
    }
    start = time.process_time()  # of this process alone, whatever else the machine does
    steps[step]()
    seconds = time.process_time() - start
    sys.stdout.write(json.dumps({"seconds": seconds, "peak_mb": peak_mb()}))


if __name__ == "__main__":
    main()
