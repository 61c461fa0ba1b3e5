"""A recorded run again: with the rules of then it decides the same, with others it says why not."""

import json
import shutil

import pytest

from flows.rerun import reprocess
from flows.steps import DirectSteps
from poam.errors import RunError


@pytest.mark.parametrize("recorded_mappings", [True, False])
def test_nothing_changed(recorded, listing, recorded_mappings):
    """The same inputs, rules and memory decide the same, though the ledger went on since."""
    site, run = recorded
    before = listing(site)
    again = reprocess(run, DirectSteps(), recorded_mappings=recorded_mappings)
    assert (again.redecisions, again.policy, again.outcome.workbook) == ((), (), None)
    assert listing(site) == before


def test_earlier_runs_too(recorded):
    """October's run does not know what November's taught the ledger."""
    site, _ = recorded
    (october,) = (site / "runs").glob("2026-10-30-*")
    assert reprocess(october, DirectSteps()).redecisions == ()


def test_same_bytes(recorded):
    """With `--out` and the rules of then the workbook is the recorded one, byte for byte."""
    site, run = recorded
    ledger = (site / "runs" / "ledger.sqlite").read_bytes()
    again = reprocess(run, DirectSteps(), site / "again.xlsx", recorded_mappings=True)
    assert again.outcome.workbook.read_bytes() == (site / "POAM-2026-11.xlsx").read_bytes()
    assert again.outcome.folder == run
    assert (site / "runs" / "ledger.sqlite").read_bytes() == ledger


def test_other_rules(recorded, poam):
    """Under other rules the fields that come out otherwise are told, with both reasons."""
    site, run = recorded
    (site / "conmon.yaml").write_text(
        "site: {point_of_contact: Dana}\n"
        "timelines: {remediation: {days: {High: 15, Moderate: 90, Low: 180}}}\n",
        encoding="utf-8",
    )
    ran = poam("reprocess", run)
    policy, *lines = ran.out.splitlines()
    assert policy == "timelines.remediation.days.High: 30 -> 15"
    told = "\n".join(lines)
    assert "  scheduled_completion_date: 2026-12-16 -> 2026-12-01" in told
    assert "  then because due 2026-12-16: High: 30 days from" in told
    assert "  now because due 2026-12-01: High: 15 days from" in told
    assert "conmon.yaml line 2, timelines.remediation.days.High = 15" in told
    assert "no item of the workbook" not in told  # both say so
    assert not poam("reprocess", run, "--recorded-mappings").out


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        pytest.param("change a scan", "zap_xml-2026-11.xml has another content", id="scan changed"),
        pytest.param("remove a scan", "zap_xml-2026-11.xml is gone", id="scan gone"),
        pytest.param("add a scan", "more.nessus was not there", id="scan added"),
        pytest.param("change the poam", "POAM-2026-10.xlsx has another content", id="workbook"),
        pytest.param("remove the poam", "POAM-2026-10.xlsx is gone", id="workbook gone"),
        pytest.param("cut the record", "found no run that can be run again", id="record"),
    ],
)
def test_other_inputs(recorded, spoil, said):
    """What is not the very input of the run is refused by name."""
    site, run = recorded
    scan = site / "scans" / "2026-11" / "zap_xml-2026-11.xml"
    book = site / "POAM-2026-10.xlsx"
    match spoil.split(maxsplit=1)[0], spoil.rsplit(maxsplit=1)[1]:
        case "change", "scan":
            scan.write_bytes(scan.read_bytes() + b"\n")
        case "remove", "scan":
            scan.unlink()
        case "add", "scan":
            scan.with_name("more.nessus").write_text("new", encoding="utf-8")
        case "change", "poam":
            shutil.copyfile(site / "POAM-2026-11.xlsx", book)
        case "remove", "poam":
            book.unlink()
        case _:
            (run / "recalled.json").write_text("{", encoding="utf-8")
    with pytest.raises(RunError, match=said):
        reprocess(run, DirectSteps())


def test_the_record_is_proof(recorded):
    """Rules and memory of a run are in its manifest; paths of the machine are not."""
    _, run = recorded
    outputs = json.loads((run / "manifest.json").read_text(encoding="utf-8"))["outputs"]
    assert {"policy.json", "recalled.json", "memory.parquet"} <= outputs.keys()
    assert "request.json" not in outputs
