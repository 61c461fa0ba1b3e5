"""A new item's columns."""

from dataclasses import replace
from datetime import date

import pytest

from poam.cells import CELL_LIMIT
from poam.controls import ControlChoice
from poam.deadlines import Deadline
from poam.layout import FIELD_NAMES, Owner
from poam.model import ChangeKind, Kind, RiskRating, Sheet
from poam.opening import Cohort, Edition, item_values, kev_word, text_of
from tests.core_support import AS_OF, definition, finding, policy, run, scan

EVERY = Edition(frozenset(FIELD_NAMES), frozenset(Sheet), "N/A", "No")
COHORT = Cohort(
    detector="Nessus",
    source_identifier="10001",
    kind=Kind.VULNERABILITY,
    name="Weakness",
    description="What it is.",
    solution="Update it.",
    cves=("CVE-2026-0001", "CVE-2026-0002"),
    rating=RiskRating.HIGH,
    detected=date(2026, 11, 3),
    assets=("web-01 (443/tcp)", "web-02"),
    deadline=Deadline(date(2026, 12, 3), "High: 30 days", ()),
    controls=ControlChoice(("SC-8", "SC-13"), "SC-8, SC-13: weak", "controls.rules[7]"),
    in_kev=False,
    kev_due=None,
)


def values(edition=EVERY, rules=None, **changes):
    """Return the values of an item and its attachment."""
    cohort = replace(COHORT, **changes)
    return item_values(cohort, "V-1", AS_OF, edition, rules or policy())


@pytest.mark.parametrize(
    ("in_kev", "word"), [(True, "Yes"), (False, "No"), (None, "")], ids=["yes", "no", "not asked"]
)
def test_kev_word(in_kev, word):
    """Yes, the edition's own no, or nothing where no catalogue was asked."""
    assert kev_word(in_kev, EVERY) == word
    assert values(in_kev=in_kev)[0]["bod_22_01_tracking"] == word


def test_required_columns_are_filled():
    """Comments apart, no column that the template requires is empty in a new item."""
    found, _ = values()
    required = {n for n, rule in policy().templates.fields.items() if rule.required}
    assert {n for n in required if not found[n]} <= {"comments"}


def test_choices_are_words_of_the_drop_down():
    """Every choice that is set is one that the template's validation accepts."""
    found, _ = values()
    for name, rule in policy().templates.fields.items():
        if rule.choices and found.get(name):
            assert found[name] in (*rule.choices, *rule.tolerated), name


def test_lists_stand_on_lines_of_their_own():
    """One CVE and one asset a line."""
    found, attachment = values()
    assert found["cve"] == "CVE-2026-0001\nCVE-2026-0002"
    assert found["asset_identifier"] == "web-01 (443/tcp)\nweb-02"
    assert attachment is None


@pytest.mark.parametrize(
    ("solution", "plan"),
    [("Update it.", "Update it."), ("", None), ("n/a", None), (" None ", None)],
)
def test_the_plan_is_the_scanners_solution(solution, plan):
    """Where the scanner has none, the site's own sentence stands, never an empty cell."""
    default = policy().site.remediation_plan_without_solution
    assert values(solution=solution)[0]["remediation_plan"] == (plan or default)


def test_a_solution_with_braces_is_only_text():
    """Scanner text is put into the site's sentence, never read as one."""
    assert values(solution="Set {x}: {0} {solution}")[0]["remediation_plan"] == (
        "Set {x}: {0} {solution}"
    )


def test_a_persons_columns_get_the_sites_defaults():
    """Point of contact, resources and service name come from the site's configuration."""
    rules = policy(point_of_contact="Web team", service_name="All", resources_required="4 h")
    found, _ = values(rules=rules)
    assert (found["point_of_contact"], found["service_name"], found["resources_required"]) == (
        "Web team",
        "All",
        "4 h",
    )
    owners = {n: rule.owner for n, rule in policy().templates.fields.items()}
    assert {n for n in FIELD_NAMES if n not in found} <= {
        n for n in FIELD_NAMES if owners[n] in (Owner.PERSON, Owner.APPEND)
    }


def test_the_controls_are_those_of_the_rule():
    """The cell lists the controls that were chosen."""
    assert values()[0]["controls"] == "SC-8, SC-13"


@pytest.mark.parametrize(
    ("given", "controls"),
    [
        ({"kind": Kind.CONFIGURATION}, "CM-6"),
        ({"family": "Red Hat Local Security Checks"}, "SI-2"),
        ({"cwes": ("CWE-79",)}, "SI-10"),
        ({"identifier": "57608", "name": "SMB Signing not required"}, "SC-8"),
        ({}, "RA-5"),
    ],
    ids=lambda given: str(given),
)
def test_what_the_scan_says_chooses_the_controls(given, controls):
    """Kind, family, CWE and class of the weakness are asked; RA-5 is the last resort."""
    kind, identifier = given.pop("kind", Kind.VULNERABILITY), given.pop("identifier", "10001")
    records = [definition(identifier, **given), finding("a", identifier, kind=kind), scan("a")]
    decision = run(records).of(ChangeKind.OPENED)[0]
    assert decision.after["controls"] == controls
    assert any(reason.startswith(f"controls {controls}: ") for reason in decision.because)


def test_an_edition_without_milestones_keeps_the_milestone_in_the_plan():
    """v3.0 dropped the columns; the dated step is not lost."""
    fields = frozenset(FIELD_NAMES) - {"planned_milestones", "milestone_changes"}
    found, _ = values(Edition(fields, frozenset(Sheet), "", ""))
    assert "planned_milestones" not in found
    assert f"1) 2026-12-03: {policy().site.milestone}" in found["remediation_plan"]
    assert values()[0]["planned_milestones"].startswith("(1) 2026-12-03: ")


def test_an_edition_gets_only_its_fields():
    """No value is set for a column that the workbook does not have."""
    assert set(values(Edition(frozenset({"poam_id"}), frozenset(Sheet), "", ""))[0]) == {"poam_id"}


def test_a_long_asset_list_goes_to_an_attachment():
    """The cell keeps whole lines, the comment names the file, the attachment has every asset."""
    assets = tuple(f"host-{n:05}.corp.example" for n in range(2000))
    found, attachment = values(assets=assets)
    assert attachment.split("\n") == list(assets)
    assert len(found["asset_identifier"]) <= CELL_LIMIT
    assert set(found["asset_identifier"].split("\n")[:-1]) < set(assets)
    assert "assets-V-1.csv" in found["asset_identifier"]
    assert "assets-V-1.csv" in found["comments"]


@pytest.mark.parametrize("field", ["name", "description", "solution"])
def test_long_text_fits_its_cell_and_says_it_was_cut(field):
    """No text of a scanner is longer than a cell, or shorter in silence."""
    found, _ = values(**{field: "x" * 50_000})
    texts = [v for v in found.values() if isinstance(v, str)]
    assert max(map(len, texts)) <= CELL_LIMIT
    assert any("[cut: " in text for text in texts)


@pytest.mark.parametrize(("value", "text"), [(None, ""), (float("nan"), ""), ("a", "a")])
def test_text_of(value, text):
    """A missing text is empty, never `nan` or `None`."""
    assert text_of(value) == text
