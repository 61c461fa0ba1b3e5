"""Fuzz the parsers: `python -m tests.fuzz [PARSER...] [--seconds 60] [--findings DIR]`.

Each parser gets a process of its own, seeded with its samples. One table row is printed for each;
the status is 1 where something was found. `--again FILE PARSER` reads one finding anew.
"""

import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from parsers.registry import PARSERS
from tests.conftest import SAMPLE_SCANS

NAMES = [parser.NAME for parser in PARSERS]
TIMEOUT_S = 20
MEMORY_MB = 1024
LARGEST = 100_000  # bytes of one input
DONE = re.compile(r"Done (\d+) runs in (\d+) second")


def main():
    """Fuzz the parsers that are named, all where none is."""
    asked = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    asked.add_argument("parsers", nargs="*", metavar="PARSER", help=", ".join(NAMES))
    asked.add_argument("--seconds", type=int, default=60, help="of each parser")
    asked.add_argument("--findings", type=Path, default=Path("fuzz-findings"), metavar="DIR")
    asked.add_argument("--again", type=Path, metavar="FILE", help="read this once, and no more")
    given = asked.parse_args()
    if unknown := sorted(set(given.parsers) - set(NAMES)):
        asked.error(f"found {', '.join(unknown)}. Expected any of {', '.join(NAMES)}.")
    if given.again:
        from tests.fuzz.target import Target

        Target(*given.parsers).read(given.again.read_bytes())
        return
    print("| Parser | Executions | Seconds | Findings |\n| --- | --- | --- | --- |", flush=True)  # noqa: T201
    found = [row(name, given.seconds, given.findings / name) for name in given.parsers or NAMES]
    sys.exit(any(found))


def row(name, seconds, findings):
    """Fuzz one parser and print its row; return how many findings there are."""
    with tempfile.TemporaryDirectory() as corpus:
        limits = [
            f"-max_total_time={seconds}",
            f"-timeout={TIMEOUT_S}",
            f"-rss_limit_mb={MEMORY_MB}",
            f"-max_len={LARGEST}",
            f"-artifact_prefix={findings}/",
        ]
        findings.mkdir(parents=True, exist_ok=True)
        ran = subprocess.run(  # noqa: S603  this interpreter, fixed words
            [sys.executable, "-m", "tests.fuzz.engine", name, findings, *limits]  # noqa: RUF005
            + [corpus, SAMPLE_SCANS / name],
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
        )
    done = DONE.search(ran.stderr)
    if done is None:  # out of time or memory, or it did not start
        (findings / "end").write_text(ran.stderr[-10_000:], encoding="utf-8")
    executions, took = done.groups() if done else ("?", "?")
    there = len([file for file in findings.iterdir() if file.suffix != ".txt"])
    if not there:
        findings.rmdir()
    print(f"| {name} | {executions} | {took} | {there} |", flush=True)  # noqa: T201
    return there


if __name__ == "__main__":
    main()
