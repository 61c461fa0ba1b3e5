"""Which item a weakness is: identifiers decide, names only propose."""

import pytest

from poam.assets import asset_index
from poam.correlate import contradiction, correlate
from poam.dedupe import sightings, weaknesses
from poam.ledger import memory_frame
from tests.core_support import (
    AS_OF,
    batch,
    closed,
    definition,
    finding,
    item,
    items,
    policy,
    scan,
    seen,
)

MANUAL = {"weakness_detector_source": "Assessment", "weakness_source_identifier": ""}
OPENSSH = "OpenSSH server allows weak key exchange algorithms"


def links(records, *rows):
    """Hold records against rows; returns the verdicts as (poam_id, verdict)."""
    found = frame(records, *rows)
    return list(zip(found["poam_id"], found["verdict"], strict=True))


def frame(records, *rows):
    """Hold records against rows."""
    tables = batch(*records)
    index = asset_index(tables.coverage, None, policy().assets)
    named = tables.detections.assign(asset_identifier=tables.detections["asset"])
    places = sightings(named, tables.coverage, memory_frame(), AS_OF)
    found = weaknesses(places, tables.definitions, policy())
    return correlate(found, places, items(*rows), index, policy())


@pytest.mark.parametrize(
    ("detector", "identifier"),
    [
        ("Nessus", "10001"),
        ("Nessus", "10001.0"),
        ("nessus", "Plugin ID: 10001"),
        ("ACAS", "10001"),
        ("Nessus\nQualys", "10001\n38657"),
        ("Nessus", "10001, 10002"),
    ],
)
def test_the_identifier_links(detector, identifier):
    """The weakness's identifier under its own detector links, in every spelling."""
    row = item(weakness_detector_source=detector, weakness_source_identifier=identifier)
    assert links(seen("web-01"), row) == [("V-1", "linked")]


@pytest.mark.parametrize(
    ("detector", "identifier"),
    [
        pytest.param("Qualys", "10001", id="another scanner's number"),
        pytest.param("Nessus", "10002", id="another number"),
        pytest.param("Nessus", "N/A", id="a placeholder"),
        pytest.param("Qualys\nNessus", "10001\n10002", id="the other line's number"),
    ],
)
def test_anything_else_does_not_link(detector, identifier):
    """A number of another scanner, or none, proves nothing."""
    row = item(
        weakness_detector_source=detector,
        weakness_source_identifier=identifier,
        weakness_name="Something else",
    )
    assert links(seen("web-01"), row) == []


@pytest.mark.parametrize(
    "change",
    [
        {"weakness_name": "An entirely different title"},
        {"asset_identifier": "another-host"},
        {"cve": "CVE-1999-0001"},
        {"original_risk_rating": "Low"},
    ],
    ids=["title", "assets", "CVE", "rating"],
)
def test_a_changed_row_stays_linked(change):
    """A new title, other assets or other CVEs do not break an identifier's link."""
    assert links(seen("web-01"), item(**change)) == [("V-1", "linked")]


def test_every_cohort_is_linked():
    """All rows with the identifier are: two detection dates, and the closed sheet."""
    rows = [item("V-1"), item("V-2", asset_identifier="web-02"), closed("V-3")]
    found = links(seen("web-01"), *rows)
    assert sorted(found) == [("V-1", "linked"), ("V-2", "linked"), ("V-3", "linked")]


def test_a_row_of_two_plugins_links_each():
    """One item may carry two identifiers; each of them leads to it."""
    row = item(weakness_source_identifier="10001\n10002")
    records = [*seen("web-01"), *seen("web-01", identifier="10002")]
    assert links(records, row) == [("V-1", "linked"), ("V-1", "linked")]


def named(name, cves=()):
    """Return a scan that finds a weakness of this name on web-01."""
    return [definition(name=name, cves=cves), finding(), scan()]


@pytest.mark.parametrize(
    ("records", "row", "verdicts"),
    [
        pytest.param(
            named(OPENSSH),
            item(weakness_name=OPENSSH, **MANUAL),
            [("V-1", "review")],
            id="same name, common asset",
        ),
        pytest.param(
            named(OPENSSH),
            item(weakness_name=OPENSSH, asset_identifier="web-02", **MANUAL),
            [],
            id="no common asset",
        ),
        pytest.param(
            named("Apache < 2.4.58"),
            item(weakness_name="Apache < 2.4.56", **MANUAL),
            [],
            id="another version",
        ),
        pytest.param(
            named(OPENSSH, ("CVE-2026-0001",)),
            item(weakness_name=OPENSSH, cve="CVE-2026-0002", **MANUAL),
            [],
            id="contradicting CVE",
        ),
        pytest.param(
            named("Unlike", ("CVE-2026-0001",)),
            item(weakness_name="Wholly other", cve="CVE-2026-0001", **MANUAL),
            [("V-1", "review")],
            id="common CVE",
        ),
        pytest.param(
            named("Cross-site scripting"), item(weakness_name=OPENSSH, **MANUAL), [], id="unlike"
        ),
        pytest.param(
            named(OPENSSH),
            closed(weakness_name=OPENSSH, **MANUAL),
            [],
            id="a closed row is not proposed",
        ),
    ],
)
def test_a_name_only_proposes(records, row, verdicts):
    """A like name needs a common asset and no contradiction, and even then a person decides."""
    assert links(records, row) == verdicts


def test_an_identifier_outranks_every_likeness():
    """Where a row is linked, no other is proposed."""
    rows = [
        item("V-1", weakness_name="Other"),
        item("V-2", weakness_name="Weakness 10001", **MANUAL),
    ]
    assert links(seen("web-01"), *rows) == [("V-1", "linked")]


@pytest.mark.parametrize(
    ("name", "cves", "row_name", "row_cves", "speaks"),
    [
        ("a 1.2", (), "a 1.2", (), False),
        ("a 1.2", (), "a 1.3", (), True),
        ("a 1.2", ("CVE-1",), "a 1.3", ("CVE-1",), False),
        ("a", ("CVE-1",), "a", ("CVE-2",), True),
        ("a", ("CVE-1",), "a", (), False),
        ("a", (), "a 1", (), True),
    ],
)
def test_contradiction(name, cves, row_name, row_cves, speaks):
    """Other CVEs, or other numbers without a common CVE, make two weaknesses."""
    assert bool(contradiction(name, frozenset(cves), row_name, frozenset(row_cves))) is speaks


def test_evidence_is_in_words():
    """A link says which identifier, a proposal how alike and where."""
    assert frame(seen("web-01"), item())["evidence"][0] == "same Nessus identifier 10001"
    proposal = frame(named(OPENSSH), item(weakness_name=OPENSSH, **MANUAL))["evidence"][0]
    assert proposal == "names 100% alike, on web-01"


def test_nothing_to_link_keeps_the_columns():
    """An empty workbook gives an empty frame of the right columns."""
    assert len(frame(seen("web-01"))) == 0
