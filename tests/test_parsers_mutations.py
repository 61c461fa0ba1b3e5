"""Whatever is wrong in an export: it is read, or refused in one sentence that names it."""

import io

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from parsers.export import Export
from parsers.registry import HEAD_SIZE, PARSERS, identify
from poam.errors import ScanFormatError, ScanParseError
from poam.model import Finding, ScanCoverage
from poam.policy import load_policy
from tests.conftest import SAMPLE_SCANS
from tests.mutations import spoiled_csv, spoiled_json, spoiled_xml

SPOILED = {"json": spoiled_json, "xml": spoiled_xml, "csv": spoiled_csv}
PARSER = {parser.NAME: parser for parser in PARSERS}
SCANS = sorted(path for name in PARSER for path in SAMPLE_SCANS.glob(f"{name}/*"))
POLICY = load_policy()


@pytest.mark.parametrize("scan", SCANS, ids=lambda scan: f"{scan.parent.name}/{scan.name}")
@given(data=st.data())
@settings(
    max_examples=8,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
def test_read_or_refused(scan, data):
    """No other error than the two of scans, and no finding on an asset that was not scanned."""
    parser = PARSER[scan.parent.name]
    strategy = SPOILED[parser.NAME.rpartition("_")[2]]
    content = data.draw(strategy(scan.read_bytes()))
    dates = POLICY.date_order(parser.NAME)
    try:
        identify(content[:HEAD_SIZE], scan.name)
    except ScanFormatError as e:
        assert "no parser claims it" in str(e)  # noqa: PT017
    try:
        records = list(parser.records(Export(io.BytesIO(content), scan.name, dates=dates)))
    except ScanParseError as e:
        assert str(e).count("Expected") == 1  # noqa: PT017
        return
    assets = {record.asset for record in records if isinstance(record, ScanCoverage)}
    found = [record for record in records if isinstance(record, Finding)]
    assert {finding.asset for finding in found} <= assets
    assert all(finding.source_identifier and finding.locator for finding in found)
