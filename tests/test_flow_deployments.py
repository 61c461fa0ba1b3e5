"""What a server is offered: forms, deployments, the questions of a paused run. No server runs."""

import json
import subprocess
import sys

import pytest
import yaml

from flows.settings import Settings
from tests.conftest import MONTHS, NOT_SCANS, PROJECT
from tests.prefect_server import environment

# Prefect is imported in a process of its own, once for all of these tests.
PROGRAM = """
import json, sys
from dataclasses import replace
from datetime import date
from flows import demo
from flows.deployments import FLOWS, deployments, serve
from flows.review_form import answers_of, form
from poam.answers import Doubt
from poam.errors import RunError
from prefect.flows import load_flow_from_entrypoint

given = {"scans": ["scans"], "poam": "POAM.xlsx", "settings": {"runs": "months"}}
offered = [
    {
        "flow": d.flow_name,
        "entrypoint": d.entrypoint,
        "parameters": d.parameters,
        "limit": d.concurrency_limit,
        "collision": d.concurrency_options.collision_strategy,
        "schedules": [[s.schedule.cron, s.schedule.timezone] for s in d.schedules],
    }
    for d in deployments(given, "0 6 1 * *", "US/Eastern")
]
refused = []
for call in (lambda: deployments({"poam": "POAM.xlsx"}, "0 6 1 * *", "UTC"), serve):
    try:
        call()
    except RunError as e:
        refused.append(str(e))

forms = {
    name: load_flow_from_entrypoint(entrypoint).parameters.model_dump()
    for name, entrypoint in FLOWS.items()
}


def doubt(number, item):
    texts = dict.fromkeys(Doubt.__dataclass_fields__, "text")
    numbers = {"row": 10, "points": 70, "assets": ("heron",)}
    own = {"id": f"{number:06}", "item": item, "poam_id": f"V-{number}"}
    return Doubt(**texts | numbers | own)


shown = [doubt(n, "as it was") for n in range(4)]
field = {d.poam_id: f"doubt_{d.id}_as it was" for d in shown}
given = {"who": "Dana", field["V-0"]: "accept", field["V-1"]: "reject", field["V-3"]: "accept"}
later = [*shown[:3], doubt(3, "another row"), doubt(4, "as it was")]
kept = answers_of(form(later)(**given), later, date(2026, 11, 3))
answers = [[a.poam_id, a.answer, a.who, str(a.when)] for a in kept]
months = [sorted(demo.NOT_SCANS), {name: str(day) for name, day in demo.MONTHS.items()}]
told = {"offered": offered, "refused": refused, "forms": forms, "answers": answers}
print(json.dumps(told | {"demo": months}))
"""


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """Run the program; return what it told."""
    done = subprocess.run(  # noqa: S603  this interpreter, our own program
        [sys.executable, "-c", PROGRAM],
        env=environment(tmp_path_factory.mktemp("deployments")),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def listed():
    """Return the deployments of prefect.yaml by name."""
    file = yaml.safe_load((PROJECT / "flows" / "prefect.yaml").read_text(encoding="utf-8"))
    return {one["name"]: one for one in file["deployments"]}


def test_forms(told):
    """Each parameter of each flow, and each setting, has a description."""
    assert list(told["forms"]) == ["monthly", "backfill", "reprocess"]
    for form in told["forms"].values():
        fields = form["properties"] | form["definitions"]["Settings"]["properties"]
        assert not [name for name, field in fields.items() if not field.get("description")]


def test_monthly_form(told):
    """The monthly form asks for scans and POA&M, and offers what can be chosen from."""
    form = told["forms"]["monthly"]
    assert form["required"] == ["scans", "poam"]
    assert len(form["properties"]) == 7
    assert form["properties"]["review"]["enum"] == ["queue", "pause"]
    assert {"type": "string", "format": "date"} in form["properties"]["as_of"]["anyOf"]
    engine = form["definitions"]["Settings"]["properties"]["engine"]
    assert engine["enum"] == ["threads", "dask"]


def test_served(told):
    """`poam serve` schedules the monthly flow in its zone; the others share its settings."""
    settings = {"settings": {"runs": "months"}}
    monthly, *others = told["offered"]
    assert monthly["parameters"] == {"scans": ["scans"], "poam": "POAM.xlsx"} | settings
    assert monthly["schedules"] == [["0 6 1 * *", "US/Eastern"]]
    assert [one["parameters"] for one in others] == [settings, settings]
    assert [one["schedules"] for one in others] == [[], []]


def test_serve_refused(told):
    """A schedule without scans, and `poam serve` without a server, are refused in one sentence."""
    assert told["refused"] == [
        "--cron: found no scans. Expected what to run on.",
        "poam serve: found no Prefect server. Expected its URL in PREFECT_API_URL, after "
        "`prefect server start`.",
    ]


def test_file_as_served(told, listed):
    """prefect.yaml deploys what `poam serve` offers: by module, one run at a time, others wait."""
    assert [(one["entrypoint"], 1, "ENQUEUE") for one in listed.values()] == [
        (one["entrypoint"], one["limit"], one["collision"]) for one in told["offered"]
    ]
    for one in listed.values():
        assert one["concurrency_limit"] == {"limit": 1, "collision_strategy": "ENQUEUE"}


def test_file_parameters(told, listed):
    """The parameters that prefect.yaml sets are the flows' own, and its settings are sound."""
    for name, one in listed.items():
        assert set(one["parameters"]) <= set(told["forms"][name]["properties"])
        Settings.model_validate(one["parameters"]["settings"])


def test_answers(told):
    """An answer counts for the row that was shown; skipped, changed and new doubts have none."""
    assert told["answers"] == [
        ["V-0", "accepted", "Dana", "2026-11-03"],
        ["V-1", "rejected", "Dana", "2026-11-03"],
    ]


def test_demo_agrees(told):
    """The demo runs the months, and leaves out the folders, that the tests do."""
    assert told["demo"] == [sorted(NOT_SCANS), {name: str(day) for name, day in MONTHS.items()}]
