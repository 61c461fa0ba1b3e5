"""A run as it was asked for and what it knew, kept in its folder, so that it can be run again."""

import json
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
from pydantic import ValidationError

from flows.asking import asked
from flows.batch import Batch, Request
from flows.places import Place
from poam.answers import Answer
from poam.errors import RunError
from poam.ledger import Recalled, memory_frame
from poam.metrics import MonthCounts
from poam.policy import Policy

REQUEST, POLICY, RECALLED, MEMORY = "request.json", "policy.json", "recalled.json", "memory.parquet"


@dataclass(frozen=True)
class Given:
    """What a run is not to look up itself: the rules, and what earlier runs left."""

    policy: Policy
    recalled: Recalled | None = None


@dataclass(frozen=True)
class Recording:
    """A run that was recorded: what it was asked, under which rules, and what it knew."""

    request: Request[Place]
    given: Given
    manifest: dict[str, Any]


def keep_request(folder: Path, request: Request[Place], as_of: date) -> None:
    """Keep where a run's inputs lie. Paths are this machine's: the file is no part of the proof."""
    content = {
        "scans": [_whole(scan) for scan in request.scans],
        "nvd": [_whole(one) for one in request.nvd],
        "as_of": as_of.isoformat(),
        **{
            name: _whole(there)
            for name in ("poam", "runs", "inventory", "kev", "config")
            if (there := getattr(request, name)) is not None
        },
    }
    (folder / REQUEST).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def keep_given(folder: Path, batch: Batch, policy: Policy) -> None:
    """Keep the rules of a run and all that earlier runs had left it."""
    rules = {"values": policy.model_dump(mode="json"), "places": policy.places}
    recalled = batch.recalled
    known = {
        "answers": [answer.model_dump(mode="json") for answer in batch.answers],
        "asset_ids": dict(recalled.asset_ids),
        "inventoried": {name: day.isoformat() for name, day in recalled.inventoried.items()},
        "fired": [[name, day.isoformat()] for name, day in recalled.fired],
        "latest": recalled.latest.isoformat() if recalled.latest else None,
        "months": [{**asdict(one), "as_of": one.as_of.isoformat()} for one in recalled.months],
    }
    for name, content in ((POLICY, rules), (RECALLED, known)):
        text = json.dumps(content, ensure_ascii=False) + "\n"  # the order of rules has meaning
        (folder / name).write_text(text, encoding="utf-8")
    recalled.memory.to_parquet(folder / MEMORY, index=False, compression="zstd")


def recording(run: Place) -> Recording:
    """Read a run's folder. Raises RunError where it holds no run that can be run again."""
    try:
        manifest, told, rules, known = (
            json.loads((run / name).read_text(encoding="utf-8"))
            for name in ("manifest.json", REQUEST, POLICY, RECALLED)
        )
        with (run / MEMORY).open("rb") as stream:
            memory = memory_frame(list(pd.read_parquet(stream).itertuples(index=False, name=None)))
        policy = Policy.model_validate({**rules["values"], "places": rules["places"]})
        recalled = Recalled(
            memory,
            tuple(Answer.model_validate(one) for one in known["answers"]),
            known["asset_ids"],
            {name: date.fromisoformat(day) for name, day in known["inventoried"].items()},
            tuple((name, date.fromisoformat(day)) for name, day in known["fired"]),
            date.fromisoformat(known["latest"]) if known["latest"] else None,
            tuple(
                MonthCounts(**{**one, "as_of": date.fromisoformat(one["as_of"])})
                for one in known["months"]
            ),
        )
    except (OSError, ValueError, KeyError, ValidationError) as e:
        raise RunError(
            f"{run}: found no run that can be run again ({type(e).__name__}: {e}). Expected the "
            f"folder of a run, with manifest.json, {REQUEST}, {POLICY}, {RECALLED} and {MEMORY}."
        ) from e
    day = date.fromisoformat(told.pop("as_of"))
    request = asked(
        told.pop("scans"), told.pop("poam"), told.pop("runs"), day, **told, memory=False
    )
    return Recording(request, Given(policy, recalled), manifest)


def _whole(there: Place) -> str:
    return str(there.absolute()) if isinstance(there, Path) else str(there)
