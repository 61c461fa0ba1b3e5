"""The figures of a run: what it counted, and for each file and step a line of the log.

They hold names of files and parsers, counts and seconds; nothing of a scan.
"""

import json
import logging
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Generic, TypeVar

from flows.batch import Batch
from flows.ingest import Parsed
from flows.parts import NAMES
from flows.plan import Month, Plan
from flows.steps import Steps
from poam.frames import Tables
from poam.report import RunReport

log = logging.getLogger(__name__)
T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True)
class _Timed(Generic[R]):
    """A result that comes from a worker, with the seconds that it took there."""

    result: R
    seconds: float


def figures(report: RunReport, parsed: Sequence[Parsed]) -> dict[str, int]:
    """What a run counts. The same inputs, date and policy give the same figures.

    Files, rows of what they say, decisions by kind, open items by rating, late items.
    """
    rows = Counter(dict.fromkeys(NAMES, 0))
    for one in parsed:
        rows.update(one.rows)
    return {
        "files": report.files,
        "refused": len(report.refused),
        **rows,
        **report.counts,
        **{f"open_{rating.lower()}": n for rating, n in report.open_by_rating.items()},
        "late": len(report.late),
        "late_before_submission": len(report.late_soon),
    }


def mapped(steps: Steps, name: str, function: Callable[[T], R], items: Sequence[T]) -> list[R]:
    """Call the function on each item as a step, and log a line for each as it comes."""

    def hear(done: _Timed[R]) -> None:
        log_line(name, done.result, done.seconds)

    return [done.result for done in steps.map(name, partial(_timed, function), items, hear)]


def ran(steps: Steps, name: str, function: Callable[[], R]) -> R:
    """Call the function as a step, and log its line."""
    timed = steps.run(name, partial(_timed, function))
    log_line(name, timed.result, timed.seconds)
    return timed.result


def log_line(step: str, result: object, seconds: float | None = None) -> None:
    """Log the figures of a step's result as a line of JSON."""
    took = {} if seconds is None else {"seconds": seconds}
    log.info("%s", json.dumps({"step": step, **_counts(result), **took}))


def _timed(function: Callable[..., R], *item: object) -> _Timed[R]:
    started = time.monotonic()
    result = function(*item)
    return _Timed(result, round(time.monotonic() - started, 3))


def _counts(result: object) -> dict[str, Any]:
    match result:
        case Parsed():
            how = {"cached": result.cached, "refused": bool(result.refused)}
            return {"file": result.file, "parser": result.parser, **how, **result.rows}
        case Tables():
            return {"detections": len(result.detections), "definitions": len(result.definitions)}
        case Batch():
            return {"items": len(result.workbook.items), "answers": len(result.answers)}
        case Month():
            return {"weaknesses": len(result.weaknesses), "sightings": len(result.sightings)}
        case Plan():
            return dict(Counter(d.kind.value for d in result.changes.decisions))
        case Path():
            return {"bytes": result.stat().st_size}
        case _:
            return {}
