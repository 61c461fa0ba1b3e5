"""What the tests of the parsers share: reading bytes, the samples and their known counts."""

import csv
import io
import json
import re
from pathlib import Path

import pytest

from parsers.registry import HEAD_SIZE, identify
from poam.model import Definition, Finding, ScanCoverage

SAMPLES = Path(__file__).parents[2] / "shared" / "samples"


def read(content, file="scan.xml"):
    """Return the records of an export given as text or bytes, by the parser that claims it."""
    content = content.encode() if isinstance(content, str) else content
    return list(identify(content[:HEAD_SIZE], file).records(io.BytesIO(content), file))


def split(records):
    """Return the findings, the definitions and the coverage among records."""
    return tuple(
        [record for record in records if isinstance(record, kind)]
        for kind in (Finding, Definition, ScanCoverage)
    )


def sample(path):
    """Return a sample's content; skip the test where the samples are not at hand."""
    if not SAMPLES.is_dir():
        pytest.skip("the samples are not beside the project (../shared/samples)")
    return (SAMPLES / path).read_bytes()


def known(*formats):
    """Return the rows of expected.csv of these formats, as test parameters."""
    if not SAMPLES.is_dir():
        return [pytest.param(None, marks=pytest.mark.skip(reason="no ../shared/samples"))]
    with (SAMPLES / "expected.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["format"] in formats]
    return [pytest.param(row | json.loads(row["extra_json"]), id=row["path"]) for row in rows]


def items(finding):
    """Return how many ReportItems a finding stands for, as its locator says."""
    numbers = re.search(r"items? ([\d, ]+)$", finding.locator)
    return len(numbers[1].split(",")) if numbers else 1


def nessus(*report_items, properties="", host="10.0.0.5", report="", policy=""):
    """Return a .nessus export of one host."""
    body = "".join(report_items)
    return (
        f'<?xml version="1.0" ?><NessusClientData_v2>{policy}<Report name="r" {report}>'
        f'<ReportHost name="{host}"><HostProperties>{properties}</HostProperties>{body}'
        f"</ReportHost></Report></NessusClientData_v2>"
    )


def item(plugin="1", severity="2", inner="", **attributes):
    """Return a ReportItem."""
    given = {"port": "0", "protocol": "tcp", "pluginName": f"Plugin {plugin}", **attributes}
    written = " ".join(f'{name}="{value}"' for name, value in given.items())
    return f'<ReportItem pluginID="{plugin}" severity="{severity}" {written}>{inner}</ReportItem>'


def tag(name, value):
    """Return a tag of HostProperties."""
    return f'<tag name="{name}">{value}</tag>'
