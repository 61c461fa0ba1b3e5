"""Milestones in the template's own syntax."""

import re
from datetime import date

import pytest

from poam.milestones import changed, planned

# Source: POA&M template v2.1, the conditional formats of columns M and N.
DAY = r"\d{1,4}[\\\/\-]\d{1,2}[\\\/\-]\d{1,4}"
TEXT = r"(.|(.\n.))*"
PLAN = rf"\(\d+\)\s*{DAY}\s*:\s*{TEXT}"
CHANGE = rf"\(\d+\)\s*(new|update|complete)\s*{DAY}\s*:\s*{TEXT}"
PLANNED = re.compile(rf"^({PLAN}\n\n)*({PLAN})(\n\s)*$", re.IGNORECASE)
CHANGED = re.compile(rf"^({CHANGE}\n\n)*({CHANGE})(\n\s)*$", re.IGNORECASE)

DUE, LATER = date(2026, 12, 3), date(2027, 1, 2)
ONE = "(1) 2026-11-05: Patch."
TWO = "(1) 2026-10-20: Test.\n\n(2) 2026-11-05: Patch."


def test_the_expressions_tell_good_from_bad():
    """The template's own expressions, as this file spells them, refuse what the template does."""
    assert PLANNED.match("(1) 2026-11-03: Test\n\n(2) 11/5/2026 : Patch")
    assert CHANGED.match("(1) Update 2026-11-03 : Test")
    for text in ("1) 2026-11-03: Test", "(1) Test", "(1) Update 2026-11-03 : Test", ""):
        assert not PLANNED.match(text)
    for text in ("(1) 2026-11-03: Test", "(1) Moved 2026-11-03 : Test", ""):
        assert not CHANGED.match(text)


@pytest.mark.parametrize("text", ["Patch it.", "two\nlines", "  blanks\n\nand a gap  ", "a: b (2)"])
def test_a_planned_milestone(text):
    """scenario-47: one numbered entry with its day, on one line."""
    entry = planned(DUE, text)
    assert entry == f"(1) 2026-12-03: {' '.join(text.split())}"
    assert PLANNED.match(entry)


@pytest.mark.parametrize(
    ("plan", "before", "entry"),
    [
        pytest.param(ONE, "", "(1) Update 2026-12-03 : Why.", id="the only milestone"),
        pytest.param(TWO, "", "(2) Update 2026-12-03 : Why.", id="the last of two"),
        pytest.param("", "", "(1) New 2026-12-03 : Why.", id="none: a new one"),
        pytest.param("Patch soon.", "", "(1) New 2026-12-03 : Why.", id="a plan without numbers"),
        pytest.param(
            TWO, "(1) Complete 2026-10-19 : Done.", "(2) Update 2026-12-03 : Why.", id="one is done"
        ),
        pytest.param("  (3) 2026-11-05: x", "", "(3) Update 2026-12-03 : Why.", id="indented"),
        pytest.param(
            "(1) 2026-11-05: see (7)", "", "(1) Update 2026-12-03 : Why.", id="a number in the text"
        ),
    ],
)
def test_a_change_of_the_last_milestone(plan, before, entry):
    """scenario-47: the last planned milestone is updated; where there is none one is new."""
    cell = changed(plan, before, DUE, "Why.")
    assert cell == (f"{before}\n\n{entry}" if before else entry)
    assert CHANGED.match(cell)


@pytest.mark.parametrize(
    ("plan", "before", "entry"),
    [
        pytest.param(
            ONE, "(2) New 2026-11-20 : Retest.", "(2) Update 2026-12-03 : Why.", id="a person's"
        ),
        pytest.param("", "(1) New 2026-11-20 : Why.", "(1) Update 2026-12-03 : Why.", id="a run's"),
        pytest.param(
            TWO,
            "(1) new 2026-11-20 : Why.",
            "(2) Update 2026-12-03 : Why.",
            id="one that the plan has",
        ),
        pytest.param(
            ONE,
            "(2) Update 2026-11-20 : x",
            "(1) Update 2026-12-03 : Why.",
            id="updated is not new",
        ),
    ],
)
def test_a_milestone_that_was_new_is_the_last(plan, before, entry):
    """A milestone that Milestone Changes added is the last one, and it moves."""
    assert changed(plan, before, DUE, "Why.") == f"{before}\n\n{entry}"


@pytest.mark.parametrize("end", ["", "\n", "\n\n", " \n \n"])
def test_a_blank_line_stands_between_entries(end):
    """scenario-47: whatever the cell ends with, one blank line, and nothing of before is edited."""
    first = changed(ONE, "", DUE, "Why.")
    both = changed(ONE, first + end, LATER, "Why\nelse.\n\nIndeed.")
    assert both == f"{first}\n\n(1) Update 2027-01-02 : Why else. Indeed."
    assert CHANGED.match(both)


def test_many_changes_still_fit_the_expression():
    """scenario-47: twelve months of changes are as good as one."""
    cell = ""
    for month in range(1, 13):
        cell = changed(TWO, cell, date(2027, month, 1), "CVE-2026-0001 is in CISA KEV: due, (2).")
    assert len(cell.split("\n\n")) == 12
    assert CHANGED.match(cell)
