"""Parse large exports into a store, or only let expat pass over them: each in its own process.

A process is `python -m tests.benchmarks.parsing parse|floor FILE`, and prints its seconds of
processor and the most memory it held above what importing takes; `pool WORKERS FOLDER` prints the
seconds by the clock in which so many processes parse the files of a folder.
"""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from pathlib import Path
from xml.parsers import expat

from flows.ingest import Conventions, parse_into
from flows.parts import Store
from flows.sources import Source
from poam.policy import load_policy
from tests.benchmarks.exports import write_export
from tests.benchmarks.workbook import peak_mb

CHUNK = 65536
RUNS = 3  # the fastest counts: what else the machine does only adds
FILES, HOSTS_OF_EACH = 20, 50
EXPORTS = (("nessus", 500), ("nessus", 1000), ("qualys", 500), ("qualys", 1000), ("zap", 50))
ITEMS = 100


@cache
def conventions() -> Conventions:
    """Read the mappings once, as a run does."""
    return Conventions.of(load_policy())


def parse(path: Path) -> None:
    """Read an export into a store."""
    with tempfile.TemporaryDirectory() as folder:
        parsed = parse_into(Source(path.name, path), conventions(), Store(Path(folder)))
    if parsed.refused or not parsed.rows["detections"]:
        raise SystemExit(parsed.refused or f"{path}: nothing found")


def floor(path: Path) -> None:
    """Let expat pass over an export, with no handler."""
    parser = expat.ParserCreate()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            parser.Parse(chunk, False)
    parser.Parse(b"", True)


def pool(workers: int, folder: Path) -> float:
    """Parse a folder's files in so many processes; the seconds, without those of their start."""
    files = sorted(folder.glob("*.xml"))
    with ProcessPoolExecutor(workers) as processes:
        list(processes.map(parse, files[:1] * workers))
        start = time.perf_counter()
        list(processes.map(parse, files))
        return time.perf_counter() - start


def measured(*step: object) -> dict[str, float]:
    """Run one step in a process of its own."""
    command = (sys.executable, "-m", "tests.benchmarks.parsing", *map(str, step))
    done = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603
    return json.loads(done.stdout)


def fastest(steps: Iterator[dict[str, float]] | list[dict[str, float]]) -> dict[str, float]:
    """Return the fastest of several runs."""
    return min(steps, key=lambda run: run["seconds"])


def parsing() -> Iterator[dict[str, object]]:
    """Parse exports of each kind beside the floor, then many files on one and two processes."""
    before: dict[str, float] = {}
    for kind, hosts in EXPORTS:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"{kind}.xml"
            write_export(kind, path, hosts, ITEMS)
            size = path.stat().st_size / 1e6
            # By turns, so that both meet the same neighbours.
            runs = [(measured("floor", path), measured("parse", path)) for _ in range(RUNS)]
        bare, found = (fastest(list(steps)) for steps in zip(*runs, strict=True))
        yield {
            "name": f"parse {kind}, {size:.0f} MB",
            "seconds": round(found["seconds"], 2),
            "floor_seconds": round(bare["seconds"], 2),
            "ratio": round(found["seconds"] / bare["seconds"], 2),
            "mb_per_second": round(size / found["seconds"]),
            "peak_mb_above_imports": found["peak_mb"],
            **({"growth": round(found["seconds"] / before[kind], 2)} if kind in before else {}),
        }
        before[kind] = found["seconds"]
    yield pooled()


def pooled() -> dict[str, object]:
    """Parse many files on one process and on two."""
    with tempfile.TemporaryDirectory() as folder:
        for number in range(FILES):
            path = Path(folder) / f"{number:02}.xml"
            write_export("nessus", path, HOSTS_OF_EACH, ITEMS, first_host=number * HOSTS_OF_EACH)
        size = sum(path.stat().st_size for path in Path(folder).iterdir()) / 1e6
        one, two = (fastest([measured("pool", n, folder) for _ in range(2)]) for n in (1, 2))
    return {
        "name": f"parse {FILES} nessus files, {size:.0f} MB",
        "one_process_seconds": round(one["seconds"], 2),
        "two_processes_seconds": round(two["seconds"], 2),
        "speedup": round(one["seconds"] / two["seconds"], 2),
    }


def main() -> None:
    """Run one step and print its seconds and peak."""
    if sys.argv[1] == "pool":
        sys.stdout.write(json.dumps({"seconds": pool(int(sys.argv[2]), Path(sys.argv[3]))}))
        return
    steps: dict[str, Callable[[Path], None]] = {"parse": parse, "floor": floor}
    conventions()
    imported, start = peak_mb(), time.process_time()
    steps[sys.argv[1]](Path(sys.argv[2]))
    seconds = time.process_time() - start
    sys.stdout.write(json.dumps({"seconds": seconds, "peak_mb": peak_mb() - imported}))


if __name__ == "__main__":
    main()
