"""mappings/templates.yaml: complete, sourced, and strict about what it may say."""

from copy import deepcopy

import pytest

from poam.errors import PolicyError
from poam.layout import FIELD_NAMES, FieldType, Owner, load_layouts, normal
from poam.model import Sheet
from poam.policy import read_mapping


@pytest.fixture
def content():
    """Read the rulebook, free to be spoilt."""
    return deepcopy(read_mapping("templates.yaml"))


def test_editions_have_the_official_number_of_columns(content):
    """Rev4 has 30 columns, v2.1 adds Service Name, v3.0 drops four."""
    editions = load_layouts(content).editions
    assert {n: len(e.columns) for n, e in editions.items()} == {"v3.0": 27, "v2.1": 31, "rev4": 30}
    assert [n for n, e in editions.items() if e.has_milestones] == ["v2.1", "rev4"]


def test_words_for_nothing_differ_by_edition(content):
    """v3.0 leaves adjusted rating and identifier blank; older editions write N/A and None."""
    editions = load_layouts(content).editions
    assert (editions["v3.0"].no_adjusted_rating, editions["v3.0"].no_identifier) == ("", "")
    assert (editions["v2.1"].no_adjusted_rating, editions["v2.1"].no_identifier) == ("N/A", "None")


def test_owners(content):
    """A person's columns, and the two that are only appended to, are as the design has them."""
    fields = load_layouts(content).fields
    assert {n for n, r in fields.items() if r.owner is Owner.APPEND} == {
        "milestone_changes",
        "comments",
    }
    assert fields["point_of_contact"].owner is Owner.PERSON
    assert fields["scheduled_completion_date"].owner is Owner.MACHINE_ONCE
    assert fields["status_date"].owner is Owner.MACHINE
    assert {n for n in FIELD_NAMES if n.endswith("_date")} == {
        n for n, r in fields.items() if r.type is FieldType.DATE
    }


@pytest.mark.parametrize(
    ("header", "field"),
    [
        ("POA&M ID", "poam_id"),
        ("  poam id ", "poam_id"),
        ("Remediation Plan", "remediation_plan"),
        ("OVERALL REMEDIATION PLAN", "remediation_plan"),
        ("Last Vendor Check-in  Date", "last_vendor_checkin_date"),
        ("Ticket", None),
    ],
)
def test_headers_match_in_any_spelling(content, header, field):
    """Case, spaces, ampersands and editions do not matter to what a header means."""
    assert load_layouts(content).field_of(header) == field


def test_v3_open_sheet_has_its_own_header(content):
    """v3.0 says Remediation Plan on the open sheet and Overall Remediation Plan elsewhere."""
    v3 = load_layouts(content).editions["v3.0"]
    assert v3.header(Sheet.OPEN, "remediation_plan") == "Remediation Plan"
    assert v3.header(Sheet.CLOSED, "remediation_plan") == "Overall Remediation Plan"


@pytest.mark.parametrize(
    "spoil",
    [
        lambda c: c.update(extra=1),
        lambda c: c["fields"].pop("cve"),
        lambda c: c["fields"]["cve"].pop("source"),
        lambda c: c["fields"]["cve"].update(owner="nobody"),
        lambda c: c["fields"]["cve"].update(choices=["Yes"]),
        lambda c: c["editions"]["v2.1"]["columns"].update(colour="Colour"),
        lambda c: c["editions"]["v2.1"]["sheets"].pop("closed"),
        lambda c: c["editions"]["v2.1"]["metadata"].pop("csp"),
    ],
    ids=["key", "field", "source", "owner", "choices", "column", "sheet", "metadata"],
)
def test_a_broken_rulebook_is_refused(content, spoil):
    """Unknown keys, unknown fields, missing sources and missing sheets are errors."""
    spoil(content)
    with pytest.raises(PolicyError, match=r"templates\.yaml"):
        load_layouts(content)


def test_normal():
    """Only letters and digits count, without case."""
    assert normal(" POA&M\nID ") == "poamid"
