"""One more format costs a parser, a mapping, a sample and a line in the registry."""

import importlib.util
import shutil

import pytest

from flows.findings import findings_frame
from flows.ingest import parse
from flows.sources import discover
from parsers.registry import PARSERS
from poam.policy import load_policy
from tests.conftest import PROJECT

PARSER = '''
"""Reports of the Toy scanner in CSV."""

from parsers import csv
from parsers.text import cve_ids
from poam.model import Definition, Finding, Kind, ScanCoverage

NAME = "toy_csv"
DETECTORS = ("Toy",)
COLUMNS = ("Toy ID", "Machine")


def recognises(head):
    """Tell a report of Toy by its columns."""
    return csv.has_columns(head, *COLUMNS)


def records(export):
    """Yield coverage, definition and finding of each row."""
    for row in csv.rows(export, "a report of Toy", COLUMNS):
        machine, number = row.get("Machine"), row.get("Toy ID")
        locator = f"{export.file}: {row.place}"
        ended = export.datetime(row.get("Scanned"), row.place)
        yield ScanCoverage(detector="Toy", asset=machine, locator=locator, ended=ended)
        yield Definition(
            detector="Toy",
            source_identifier=number,
            name=row.get("Title"),
            native_severity=row.get("Level"),
            cves=cve_ids([row.get("CVEs")]),
        )
        yield Finding(
            detector="Toy",
            source_identifier=number,
            asset=machine,
            kind=Kind.VULNERABILITY,
            locator=locator,
        )
'''
MAPPING = """
detector: Toy
aliases: [Toy Scanner]
identifier_word: Toy ID
severity:
  source: Toy's manual
  codes: {bad: High, meh: Low}
severity_names: {bad: high, meh: low}
fields:
  toy_csv: {dates: day_first, read: [Toy ID, Machine, Title, Level, CVEs, Scanned]}
"""
SAMPLE = """Report of Toy
Machine,Toy ID,Title,Level,CVEs,Scanned
heron-web-01,T-7,Old hinge,bad,CVE-2026-1234,03/11/2026
heron-web-02,T-7,Old hinge,bad,CVE-2026-1234,16/11/2026
"""


@pytest.fixture
def toy(tmp_path):
    """Return the parser, the policy and the sample, all made in a folder of their own."""
    (tmp_path / "toy_csv.py").write_text(PARSER, encoding="utf-8")
    spec = importlib.util.spec_from_file_location("toy_csv", tmp_path / "toy_csv.py")
    parser = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(parser)
    shutil.copytree(PROJECT / "mappings", tmp_path / "mappings")
    (tmp_path / "mappings" / "scanners" / "toy.yaml").write_text(MAPPING, encoding="utf-8")
    (tmp_path / "november.txt").write_text(SAMPLE, encoding="utf-8")
    return parser, load_policy(directory=tmp_path / "mappings"), tmp_path / "november.txt"


def test_a_format_of_ones_own(toy):
    """With its line in the registry the format is recognised, read, dated and rated."""
    parser, policy, sample = toy
    (parsed,) = [parse(s, policy, (*PARSERS, parser)) for s in discover([sample])]
    assert (parsed.parser, parsed.refused) == ("toy_csv", "")
    first, second = findings_frame([parsed], policy).to_dict("records")
    assert (first["asset"], first["source_identifier"], first["cves"]) == (
        "heron-web-01",
        "T-7",
        ["CVE-2026-1234"],
    )
    assert first["original_risk_rating"] == second["original_risk_rating"] == "High"
    days = sorted(parsed.tables.coverage["ended"].dt.date.astype(str))
    assert days == ["2026-11-03", "2026-11-16"]


def test_without_its_line(toy):
    """Without that line nothing claims the file, and the sentence lists what is read."""
    _, policy, sample = toy
    (parsed,) = [parse(source, policy) for source in discover([sample])]
    assert "no parser claims it" in parsed.refused
    assert "Expected an export of one of these: Acunetix, AppScan" in parsed.refused
