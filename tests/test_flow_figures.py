"""The figures of a run: a line of its log per file and step, and its manifest."""

import json
from collections import Counter

import pytest

from tests.conftest import FACTS, MONTHS, SAMPLE_SCANS

OCTOBER = "2026-10"
STEPS = ("merge", "read", "dedupe", "decide", "write")


@pytest.fixture(scope="module")
def ran(run, month, tmp_path_factory):
    """Run October twice, the second time out of the run store; give both runs' figures and log."""
    folder = tmp_path_factory.mktemp("figures")
    cut = folder / "cut.nessus"
    cut.write_bytes((SAMPLE_SCANS / "nessus_xml" / "2026-11.nessus").read_bytes()[:9000])
    found = []
    for _ in range(2):
        outcome = run(
            [*month(OCTOBER), cut],
            SAMPLE_SCANS / "poam" / "2026-09.xlsx",
            folder / "POAM.xlsx",
            MONTHS[OCTOBER],
            parts=None,
            **FACTS,
        )
        log = (outcome.folder / "run.log").read_text(encoding="utf-8").splitlines()
        lines = [json.loads(line.removeprefix("INFO ")) for line in log if line[:6] == "INFO {"]
        manifest = json.loads((outcome.folder / "manifest.json").read_text(encoding="utf-8"))
        found.append((outcome, manifest["figures"], lines))
    return found


def test_a_line_per_file_and_step(ran, month):
    """Each file and each step is one line of run.log: names, counts, seconds and no other text."""
    for _, _, lines in ran:
        files = Counter(line["file"] for line in lines if line["step"] == "parse")
        assert len(files) == files.total() == len(month(OCTOBER)) + 1
        assert [line["step"] for line in lines if line["step"] != "parse"] == list(STEPS)
        assert all(line["seconds"] >= 0 for line in lines)
        texts = {name for line in lines for name, value in line.items() if isinstance(value, str)}
        assert texts == {"step", "file", "parser"}


def test_what_was_read_before(ran, month):
    """The log tells which files were read by an earlier run; one that is refused never was."""
    cached = [sum(line.get("cached", False) for line in lines) for _, _, lines in ran]
    assert cached == [0, len(month(OCTOBER))]
    for _, _, lines in ran:
        assert [line["file"] for line in lines if line.get("refused")] == ["cut.nessus"]


def test_manifest(ran, month):
    """The manifest has the run's figures: what the files say, what was decided, what is open."""
    outcome, figures, lines = ran[0]
    report = outcome.report
    assert figures["files"] == len(month(OCTOBER)) + 1
    assert figures["refused"] == 1
    (merged,) = (line for line in lines if line["step"] == "merge")
    parsed = [line for line in lines if line["step"] == "parse"]
    assert figures["detections"] == sum(line.get("detections", 0) for line in parsed)
    assert figures["detections"] == merged["detections"] > 0
    assert {name: figures[name] for name in report.counts} == report.counts
    assert figures["open_high"] == report.open_by_rating["High"] > 0
    assert figures["late"] == len(report.late) > 0


def test_same_figures_again(ran):
    """The same inputs have the same figures, whether their files were read before or not."""
    assert ran[0][1] == ran[1][1]
