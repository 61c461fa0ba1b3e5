"""Weakness Source Identifier: what identifies a weakness, and of which scanner."""

import pytest

from poam.identifiers import cve_ids, row_identity, source_identifier
from tests.core_support import policy


@pytest.mark.parametrize(
    ("text", "identifier"),
    [
        ("51192", "51192"),
        (" 51192 ", "51192"),
        ("12345.0", "12345"),
        ("12345.00", "12345"),
        ("QID-38657", "38657"),
        ("qid 38657", "38657"),
        ("QID: 38657", "38657"),
        ("QID38657", "38657"),
        ("Plugin ID: 51192", "51192"),
        ("Plugin  ID\n51192", "51192"),
        ("Nessus Plugin #51192", "51192"),
        ("Identity theft", "identity theft"),
        ("CIS_5.2.4 Ensure", "cis_5.2.4 ensure"),
        ("10.0", "10"),
        ("1.2.0", "1.2.0"),
        ("10098-1", "10098-1"),
    ],
)
def test_one_identifier_in_every_spelling(text, identifier):
    """Prefix, Excel's `.0`, spaces and case are not part of an identifier."""
    assert source_identifier(text, policy()) == identifier


@pytest.mark.parametrize("text", ["", " ", "-", "N/A", "n/a", "None", "TBD", "null", "Unknown"])
def test_placeholders_identify_nothing(text):
    """Words for "none" are no identifier, so two rows that carry them are not the same."""
    assert source_identifier(text, policy()) == ""
    assert not row_identity("Nessus", text, policy()).keys


@pytest.mark.parametrize(
    ("detectors", "identifiers", "keys"),
    [
        pytest.param("Nessus", "51192", {("Nessus", "51192")}, id="one and one"),
        pytest.param("tenable.sc", "51192.0", {("Nessus", "51192")}, id="an alias"),
        pytest.param("Nessus", "1\n2", {("Nessus", "1"), ("Nessus", "2")}, id="two of one scanner"),
        pytest.param(
            "Nessus", "1, 2;3", {("Nessus", n) for n in "123"}, id="commas and semicolons"
        ),
        pytest.param(
            "Nessus\nQualys", "1\n2", {("Nessus", "1"), ("Qualys", "2")}, id="lines pair up"
        ),
        pytest.param("Nessus, Qualys", "1", {("Nessus", "1"), ("Qualys", "1")}, id="one for both"),
        pytest.param("Penetration test", "F-7", set(), id="no scanner"),
        pytest.param("", "51192", set(), id="no detector"),
    ],
)
def test_identifiers_are_scoped_by_detector(detectors, identifiers, keys):
    """An identifier belongs to the scanner on its line, or to each scanner the row names."""
    found = row_identity(detectors, identifiers, policy()).keys
    assert {(detector, name) for detector, name in found if name.isalnum()} == keys


def test_a_name_with_commas_identifies_as_a_whole():
    """A compliance check is identified by its name, whatever stands in it."""
    name = "1.1.1 Ensure cramfs, freevxfs; and jffs2 are disabled"
    assert ("Nessus", name.casefold()) in row_identity("Nessus", name, policy()).keys


def test_the_same_number_of_two_scanners_is_two_identifiers():
    """QID 86000 is not Nessus plugin 86000."""
    qualys = row_identity("Qualys", "86000", policy())
    nessus = row_identity("Nessus", "86000", policy())
    assert not qualys.keys & nessus.keys
    assert qualys.identifies("Qualys")
    assert not qualys.identifies("Nessus")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("CVE-2026-0001", ("CVE-2026-0001",)),
        ("cve-2026-0001,CVE-2026-0001", ("CVE-2026-0001",)),
        ("see CVE-2026-12345\nCVE-2026-0002.", ("CVE-2026-12345", "CVE-2026-0002")),
        ("CVE-2026-1", ()),
        ("", ()),
    ],
)
def test_cve_ids(text, found):
    """Every number once, in upper case and in order; a number too short is none."""
    assert cve_ids(text) == found
