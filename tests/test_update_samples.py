"""The real samples of every scanner into each official template: every row is traced."""

from collections import defaultdict
from datetime import date

import pandas as pd
import pytest

from flows.findings import findings_frame
from flows.ingest import parse
from flows.sources import discover
from poam.asset_lines import asset_text
from poam.assets import asset_index
from poam.dedupe import with_parameters
from poam.model import Kind, Sheet
from poam.policy import load_policy
from poam.rollup import without_roll_up
from tests.test_samples_identified import PARSER_OF

AS_OF = date(2026, 11, 20)
EDITIONS = {"rev4": "rev4.xlsm", "v2.1": "v2.1.xlsx", "v3.0": "v3.0.xlsx"}


@pytest.fixture(scope="module")
def parsed(claimed):
    """Read every claimed sample."""
    policy = load_policy()
    return [parse(source, policy) for source in discover(claimed)]


@pytest.fixture(scope="module")
def expected(updated, parsed, policy):
    """Work out, record by record, which rows must be there and which assets each lists.

    By kind, then by detector, identifier and detection date: the set of asset lines.
    """
    names = {path.name for path in updated[3]}
    parsed = [p for p in parsed if p.file in names or p.file.rpartition("/")[2] in names]
    frame = findings_frame(parsed, policy)
    rated = frame[frame["original_risk_rating"].notna()]
    ratings = set(zip(rated["detector"], rated["source_identifier"], strict=True))
    tables = [p.tables for p in parsed if p.tables is not None]
    index = asset_index(pd.concat([t.coverage for t in tables]), None, policy.assets)
    sightings = defaultdict(list)
    kinds = defaultdict(set)
    for table in tables:
        scanned = {}
        for scan in table.coverage.itertuples():
            day = scan.started if pd.isna(scan.ended) else scan.ended
            key = (scan.detector, scan.asset)
            if not pd.isna(day):
                scanned[key] = max(day, scanned.get(key, day))
        for found in with_parameters(table.detections, table.definitions, policy).itertuples():
            day = scanned.get((found.detector, found.asset), pd.Timestamp(AS_OF))
            first = day if pd.isna(found.first_seen) or found.first_seen > day else found.first_seen
            last = day if pd.isna(found.last_seen) else found.last_seen
            location = "" if pd.isna(found.location) else found.location
            port = 0 if pd.isna(found.port) else found.port
            protocol = "" if pd.isna(found.protocol) or not port else found.protocol.lower()
            parameter = "" if pd.isna(found.parameter) else found.parameter
            place = (location, port, protocol, parameter)
            text = asset_text(index.identifier(found.asset), *place)
            weakness = (found.detector, found.source_identifier)
            if found.kind != Kind.INFORMATIONAL:
                sightings[(*weakness, text)].append((last, found.present, first.date()))
                if found.present:
                    kinds[weakness].add(found.kind)
    rows = {Kind.VULNERABILITY: defaultdict(set), Kind.CONFIGURATION: defaultdict(set)}
    for (detector, identifier, text), seen in sightings.items():
        weakness = (detector, identifier)
        kind = next((k for k in rows if k in kinds[weakness]), None)
        if kind and weakness in ratings and max(seen)[1]:
            first = min(day for _, _, day in seen)
            rows[kind][(*weakness, first)].add(text)
    return rows


@pytest.fixture(scope="module", params=EDITIONS)
def updated(request, shared, claimed, run, tmp_path_factory):
    """Update one official template with the samples.

    Gives the outcome, the template, the workbook and the samples used.
    """
    template = shared / "templates" / f"FedRAMP-POAM-Template-{EDITIONS[request.param]}"
    out = tmp_path_factory.mktemp(request.param) / f"POAM{template.suffix}"
    return run(claimed, template, out, AS_OF), template, out, claimed


@pytest.fixture(scope="module")
def on_sheets(updated, expected, policy):
    """Say which rows belong on which sheet: Rev4 has no sheet for benchmark results."""
    edition = next(name for name, file in EDITIONS.items() if updated[1].name.endswith(file))
    benchmarks = expected[Kind.CONFIGURATION]
    if Sheet.CONFIGURATION in policy.templates.editions[edition].sheets:
        return {Sheet.OPEN: expected[Kind.VULNERABILITY], Sheet.CONFIGURATION: benchmarks}
    return {Sheet.OPEN: expected[Kind.VULNERABILITY] | benchmarks, Sheet.CONFIGURATION: {}}


@pytest.fixture(scope="module")
def items(updated, items_of, policy):
    """Read the updated workbook back, without the item that stands for configuration findings."""
    return without_roll_up(items_of(updated[2]), policy)


def rows_of(items, sheet):
    """Return the rows of a sheet by detector, identifier and date, with their asset lines."""
    chosen = items[items["sheet"] == sheet]
    keys = zip(
        chosen["weakness_detector_source"],
        chosen["weakness_source_identifier"],
        chosen["original_detection_date"],
        strict=True,
    )
    return dict(zip(keys, chosen["asset_identifier"].map(str.splitlines), strict=True))


def test_all_formats(parsed):
    """The samples cover every format of which a real export is at hand."""
    assert {p.parser for p in parsed} == set(PARSER_OF.values())


def test_one_row_per_weakness_and_date(items, on_sheets):
    """Open rows are the distinct detector, source identifier and date of rated sightings."""
    opened = items[items["sheet"] == Sheet.OPEN]
    rows = rows_of(items, Sheet.OPEN)
    assert len(opened) == len(rows)
    assert set(rows) == set(on_sheets[Sheet.OPEN])
    assert items["poam_id"].is_unique


def test_every_asset_is_in_its_row(updated, items, expected):
    """Every affected asset is listed in the row of its weakness and date, or in its attachment."""
    found = rows_of(items, Sheet.OPEN) | rows_of(items, Sheet.CONFIGURATION)
    listed = {key: set(assets) for key, assets in found.items()}
    for poam_id in items["poam_id"]:
        attachment = updated[0].folder / f"assets-{poam_id}.csv"
        if attachment.exists():
            row = items.loc[poam_id]
            key = (
                row["weakness_detector_source"],
                row["weakness_source_identifier"],
                row["original_detection_date"],
            )
            listed[key] = set(attachment.read_text(encoding="utf-8").splitlines()[1:])
    for rows in expected.values():
        for key, assets in rows.items():
            assert listed[key] == assets, key


def test_no_informational_finding(items, parsed, policy):
    """What every scanner only calls informational is on no sheet."""
    frame = findings_frame(parsed, policy)
    serious = frame[frame["kind"] != Kind.INFORMATIONAL]
    names = set(zip(serious["detector"], serious["source_identifier"], strict=True))
    on_sheets = {
        key[:2] for sheet in (Sheet.OPEN, Sheet.CONFIGURATION) for key in rows_of(items, sheet)
    }
    assert on_sheets <= names
    assert len(on_sheets) < frame["source_identifier"].nunique()


def test_guidance_is_no_item(updated, items_of, items):
    """Nothing that explains the template's columns is taken for an item, before or after."""
    assert items_of(updated[1]).empty
    assert {"Nessus", "Tenable WAS", "Qualys", "ZAP", "Burp Suite", "Invicti"} <= set(
        items["weakness_detector_source"]
    )
    assert items["poam_id"].str.fullmatch(r"V-\d+").all()


def test_configuration_sheet(items, on_sheets):
    """Benchmark results go to the Configuration Findings sheet where the edition has one."""
    assert len(on_sheets[Sheet.OPEN]) > 200
    assert set(rows_of(items, Sheet.CONFIGURATION)) == set(on_sheets[Sheet.CONFIGURATION])
    assert set(rows_of(items, Sheet.OPEN)) == set(on_sheets[Sheet.OPEN])


def test_broken_samples_are_named(updated):
    """The samples that are not well-formed, or tell of no host, are named, and only they."""
    refused = updated[0].report.refused
    assert len(refused) == 4
    assert sum(sentence.startswith("secureCodeBox+secureCodeBox__") for sentence in refused) == 3
    assert sum("sc_vulnerability_summary" in sentence for sentence in refused) == 1


def test_again_changes_nothing(updated, run, tmp_path):
    """The same run again gives the same bytes, and its own output as input stays as it is."""
    _, template, first, scans = updated
    again = tmp_path / "again" / first.name
    again.parent.mkdir()
    run(scans, template, again, AS_OF)
    assert again.read_bytes() == first.read_bytes()
    third = tmp_path / "third" / first.name
    third.parent.mkdir()
    outcome = run(scans, first, third, AS_OF)
    changed = {
        k: n for k, n in outcome.report.counts.items() if k in {"opened", "updated", "closed"}
    }
    assert not any(changed.values()), changed
    assert third.read_bytes() == first.read_bytes()
