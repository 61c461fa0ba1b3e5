"""Measure the product's steps against floors in the same run: see README.md beside this file.

python -m tests.benchmarks [--only correlate|parse|update|workbook] [--json]
"""

import argparse
import json
import resource
import sys
import time
from collections.abc import Callable

from rapidfuzz import fuzz, process

from flows.garbage import seldom_collected
from poam.assets import AssetIndex
from poam.correlate import Correlator
from poam.policy import load_policy
from tests.benchmarks.catalogue import book, weaknesses_and_places
from tests.benchmarks.parsing import parsing
from tests.benchmarks.update import updating
from tests.benchmarks.workbook import workbook

Measured = dict[str, object]


def timed(work: Callable[[], object]) -> float:
    """Return the seconds that some work takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def correlate() -> list[Measured]:
    """Correlate 5,000 weaknesses with 10,000 items, and half of both for the growth.

    The floor is rapidfuzz's own cdist over the same titles: all pairs, and nothing decided.
    """
    policy = load_policy()
    found = []
    for weaknesses, items in ((2_500, 5_000), (5_000, 10_000)):
        month, places = weaknesses_and_places(weaknesses)
        rows = book(items)

        @seldom_collected()
        def work() -> None:
            Correlator(rows, AssetIndex(), policy).links(month, places)  # noqa: B023

        titles = list(month["name"]), list(rows["weakness_name"])
        floor = timed(lambda: process.cdist(*titles, scorer=fuzz.token_sort_ratio))  # noqa: B023
        seconds = timed(work)
        found.append(
            {
                "name": f"correlate {weaknesses:,} x {items:,}",
                "seconds": round(seconds, 2),
                "floor_seconds": round(floor, 2),
                "ratio": round(seconds / floor, 2),
                "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
            }
        )
    return found


MEASURES = {"correlate": correlate, "parse": parsing, "update": updating, "workbook": workbook}


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--only", choices=sorted(MEASURES))
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    for name, measure in MEASURES.items():
        if given.only in (None, name):
            for one in measure():
                line = (
                    json.dumps(one) if given.json else "  ".join(f"{k} {v}" for k, v in one.items())
                )
                sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    main()
