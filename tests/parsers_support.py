"""What the tests of the parsers share: reading bytes, the samples and their known counts."""

import csv
import io
import json
from collections import Counter
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import pytest

from parsers.export import Export
from parsers.registry import HEAD_SIZE, identify
from poam.model import Definition, Finding, ScanCoverage
from poam.policy import load_policy

SAMPLES = Path(__file__).parents[2] / "shared" / "samples"
ABSENT = "the samples are not beside the project (../shared/samples)"


@cache
def policy():
    """Return the project's own policy, read once: its files take half a second."""
    return load_policy()


def read(content, file="scan.xml", dates=None, encoding=None):
    """Return the records of an export given as text or bytes, by the parser that claims it."""
    content = content.encode() if isinstance(content, str) else content
    parser = identify(content[:HEAD_SIZE], file)
    dates = dates or policy().date_order(parser.NAME)
    return list(parser.records(Export(io.BytesIO(content), file, dates=dates, encoding=encoding)))


def split(records):
    """Return the findings, the definitions and the coverage among records."""
    return tuple(
        [record for record in records if isinstance(record, kind)]
        for kind in (Finding, Definition, ScanCoverage)
    )


def sample(path):
    """Return a sample's content; skip the test where the samples are not at hand."""
    if not SAMPLES.is_dir():
        pytest.skip(ABSENT)
    return (SAMPLES / path).read_bytes()


def known(*formats):
    """Return the rows of expected.csv of these formats, of all where none is named, as parameters.

    The samples lie beside the project, never in it: where they are absent, one test skips and
    says so.
    """
    if not SAMPLES.is_dir():
        return [pytest.param(None, marks=pytest.mark.skip(reason=ABSENT))]
    with (SAMPLES / "expected.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if not formats or row["format"] in formats]
    return [pytest.param(row | json.loads(row["extra_json"]), id=row["path"]) for row in rows]


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


def counts(records):
    """Return what expected.csv counts, from records: findings, identifiers and severities.

    `severities` counts findings by the word that the scanner's mapping gives its code.
    """
    findings, definitions, coverage = split(records)
    defined = {
        (d.detector, d.source_identifier): d.native_severity
        for d in definitions
        if d.native_severity
    }
    severities = Counter()
    for finding in findings:
        code = finding.native_severity or defined.get((finding.detector, finding.source_identifier))
        severities[policy().scanner(finding.detector).severity_names[code]] += 1
    return SimpleNamespace(
        findings=len(findings),
        identifiers=len({(f.detector, f.source_identifier) for f in findings}),
        assets=len({c.asset for c in coverage}),
        severities=dict(severities),
    )


def expected_severities(row):
    """Return the counts by severity of a row of expected.csv, without zeros."""
    words = ("critical", "high", "medium", "low", "info")
    return {word: int(row[word]) for word in words if row[word] not in ("", "0")}
