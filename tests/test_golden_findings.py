"""What `poam findings` says of each sample scan, line by line, as reviewed in tests/golden.

After a change that is meant: `pytest tests/test_golden_findings.py --write-golden`, then read
the difference.
"""

import json
from pathlib import Path

import pytest

from flows.findings import findings_frame
from flows.ingest import parse
from flows.sources import discover
from tests.conftest import NOT_SCANS, PROJECT, SAMPLE_SCANS

GOLDEN = PROJECT / "tests" / "golden" / "findings"
SCANS = sorted(
    path
    for path in SAMPLE_SCANS.glob("*/*")
    if path.is_file() and path.parent.name not in NOT_SCANS
)


def golden_of(scan: Path) -> Path:
    """Return the golden file of a sample scan."""
    return GOLDEN / scan.parent.name / f"{scan.name}.jsonl"


@pytest.mark.parametrize("scan", SCANS, ids=lambda scan: f"{scan.parent.name}/{scan.name}")
def test_findings(scan, policy, request):
    """Each sample is read by the parser of its folder, to exactly these findings."""
    (parsed,) = [parse(source, policy) for source in discover([scan])]
    assert (parsed.parser, parsed.refused) == (scan.parent.name, "")
    records = findings_frame([parsed], policy).to_dict("records")
    text = "".join(f"{json.dumps(record, ensure_ascii=False)}\n" for record in records)
    text = text.replace(json.dumps(parsed.file)[1:-1], scan.name)
    golden = golden_of(scan)
    if request.config.getoption("--write-golden"):
        golden.parent.mkdir(parents=True, exist_ok=True)
        golden.write_text(text, encoding="utf-8")
    assert text == golden.read_text(encoding="utf-8")


def test_every_golden_has_its_scan():
    """No golden file outlives its sample."""
    assert {p for p in GOLDEN.glob("*/*") if p.is_file()} == {golden_of(scan) for scan in SCANS}
