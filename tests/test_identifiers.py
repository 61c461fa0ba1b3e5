"""Weakness Source Identifier: what identifies a weakness, and of which scanner."""

import pytest

from poam.identifiers import (
    base_identifier,
    cve_ids,
    row_identity,
    same_check,
    series_of,
    source_identifier,
)
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
        ("10098 - 1", "10098-1"),
        ("#51192", "51192"),
        ("'51192", "51192"),
        ("Plugin ID=51192", "51192"),
        ("Qualys QID 38657", "38657"),
        ("Tenable Plugin ID: 51192", "51192"),
        ("ZAP alert 10038", "10038"),
        ("Nessus Plugin ID(s): 51192", "51192"),
        ("51192 - SSL Certificate Cannot Be Trusted", "51192"),
        ("QID 38657 (SSL)", "38657"),
        ("51192: SSL Certificate", "51192"),
        ("1.1.1 - Ensure cramfs is disabled", "1.1.1 - ensure cramfs is disabled"),
        ("RHEL-07-010010 - The system", "rhel-07-010010 - the system"),
        ("Netsparker: XSS", "xss"),
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
        pytest.param("Nessus", "QID-38657", {("Qualys", "38657")}, id="the prefix decides"),
        pytest.param("", "QID 38657", {("Qualys", "38657")}, id="the prefix alone"),
        *(
            pytest.param(detectors, text, {("Nessus", "173421"), ("Qualys", "241297")}, id=text)
            for detectors, text in (
                ("Nessus", "Nessus 173421; QID-241297"),
                ("Nessus", "173421, QID 241297"),
                ("Nessus, Qualys", "173421, QID 241297 "),
                ("Qualys, Nessus", "QID 241297, 173421"),
                ("Nessus and Qualys", "QID 241297, 173421 "),
                ("Nessus", "Plugin 173421 / QID: 241297"),
                ("Nessus; Qualys", "173421 / 241297"),
                ("Nessus/Qualys", "173421/241297"),
                ("Nessus + Qualys", "173421\n241297"),
                ("Nessus\nQualys", "QID 241297\nNessus 173421"),
            )
        ),
        pytest.param(
            "Nessus", "QIDs 38657, 38658", {("Qualys", "38657"), ("Qualys", "38658")}, id="QIDs"
        ),
        pytest.param(
            "Nessus", "Plugin IDs: 1, 2", {("Nessus", "1"), ("Nessus", "2")}, id="Plugin IDs"
        ),
        pytest.param("Nessus", "1/2", {("Nessus", "1"), ("Nessus", "2")}, id="a slash"),
        pytest.param("Nessus", "N/A, 51192", {("Nessus", "51192")}, id="a placeholder beside"),
        pytest.param("Tenable.sc (ACAS)", "51192", {("Nessus", "51192")}, id="two names"),
        pytest.param("Nessus Scanner 10.4", "51192", {("Nessus", "51192")}, id="with a version"),
        pytest.param("Nessus vulnerability scan", "51192", {("Nessus", "51192")}, id="a scan"),
        pytest.param("Burp", "0x00600300", {("Burp Suite", "6292224")}, id="hexadecimal 0x"),
        pytest.param("Burp", "00600300", {("Burp Suite", "6292224")}, id="hexadecimal"),
        pytest.param("Burp", "6292224", {("Burp Suite", "6292224")}, id="decimal"),
        pytest.param("Nessus", "00600300", {("Nessus", "00600300")}, id="not Burp's"),
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
    assert (qualys.detectors, nessus.detectors) == ({"Qualys"}, {"Nessus"})


def test_a_number_of_nobody_is_kept_apart():
    """A row that does not say whose its number is has no scoped identifier."""
    found = row_identity("ConMon scan", "51192", policy())
    assert (found.keys, found.unscoped) == (frozenset(), {"51192"})


def test_two_products_of_a_vendor_share_a_series():
    """Qualys WAS counts its checks in the QIDs."""
    assert series_of("Qualys WAS", policy()) == series_of("Qualys", policy()) == "Qualys"
    assert series_of("Somebody", policy()) == "Somebody"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("10038", "10038", True),
        ("10038-1", "10038", True),
        ("10038", "10038-2", True),
        ("10038-1", "10038-1", True),
        ("10038-1", "10038-2", False),
        ("10038", "10020", False),
        ("v-222602", "v-222603", False),
    ],
)
def test_variants_of_one_check(one, other, same):
    """A variant is of its rule, but not another variant."""
    assert same_check(one, other) is same_check(other, one) is same


def test_base_identifier():
    """The rule of a variant; anything else is its own."""
    assert base_identifier("10038-1") == "10038"
    assert base_identifier("V-222602") == "V-222602"


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
