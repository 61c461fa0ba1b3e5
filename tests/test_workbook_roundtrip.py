"""A workbook that people worked in comes through an update: what nobody asked for is as it was."""

import re
from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from poam.model import Sheet
from poam.workbook import RowAddition, RowMove, RowUpdate, WorkbookEdits, write_workbook
from tests.kept.book import LAYOUTS, Book
from tests.kept.kinds import IN_FILE, ON_ROWS
from tests.kept.plain import COUNT, filled, item
from tests.kept.table import COLUMNS, dress, table
from tests.kept.unchanged import assert_unchanged

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
EDITIONS = tuple(LAYOUTS.editions)
SEEN = st.dates(date(2026, 3, 1), date(2026, 3, 31))
UPDATES = {
    "status_date": SEEN,
    "scheduled_completion_date": SEEN,
    "comments": st.text(st.characters(categories=["L", "P", "Zs"]), max_size=30).map(
        "seen {}".format
    ),
    "weakness_source_identifier": st.sampled_from(["10881", "007", "CVE-2026-1"]),
    "asset_identifier": st.sampled_from(["10.0.0.1", "10.0.0.1\n10.0.0.2"]),
}
# No digits: a word may not look like the name of a cell.
WORD = st.text(st.sampled_from("abcXYZéß漢😀 '&<>\"=@"), max_size=9).map("w{}w".format)


def test_the_table_in_the_readme(tmp_path):
    """What the README says is kept is what the script measures."""
    found = re.search(rf"(^\| {COLUMNS[0]} \| {COLUMNS[1]} .*\n(?:\|.*\n)+)", README, re.MULTILINE)
    assert found, (
        "README.md has no table of what is kept. Expected what python -m tests.kept prints."
    )
    assert found[1] == table(tmp_path)


@pytest.fixture(scope="session")
def plain(tmp_path_factory):
    """Return a workbook of each edition with some items and nothing else."""
    folder = tmp_path_factory.mktemp("plain")
    return {edition: filled(folder / f"{edition}.xlsx", edition) for edition in EDITIONS}


@st.composite
def human_edits(draw, rows):
    """Draw what people did: kinds of content on rows, and kinds that a workbook has once."""
    on_rows = st.tuples(st.sampled_from(ON_ROWS), st.sampled_from(rows))
    chosen = draw(st.lists(on_rows, unique=True, min_size=6, max_size=24))
    in_file = draw(st.lists(st.sampled_from(IN_FILE), unique=True, max_size=8))
    return [(kind, row, draw(WORD)) for kind, row in chosen], tuple(in_file)


@st.composite
def updates(draw, rows):
    """Draw an update: new values on rows, rows that leave, new rows, perhaps a new date."""
    rows = draw(st.permutations(rows))
    changed, leaving = rows[: draw(st.integers(0, 2))], rows[2 : 2 + draw(st.integers(0, 3))]
    values = st.fixed_dictionaries({}, optional=UPDATES)
    return WorkbookEdits(
        updates=tuple(RowUpdate("open", row, draw(values)) for row in changed),
        moves=tuple(RowMove("open", r, "closed", {"status_date": draw(SEEN)}) for r in leaving),
        additions=tuple(RowAddition("open", item(21 + n)) for n in range(draw(st.integers(0, 3)))),
        poam_date=draw(st.sampled_from([None, date(2026, 3, 1)])),
    )


SETTINGS = {
    "deadline": None,
    "suppress_health_check": [HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
}


@pytest.mark.parametrize("edition", EDITIONS)
@settings(max_examples=25, **SETTINGS)
@given(data=st.data())
def test_an_update_leaves_everything_else_alone(tmp_path, plain, edition, data):
    """Random edits of people, then an update: untouched cells, styles and parts are equal."""
    check_round_trip(tmp_path, plain[edition], data)


@pytest.mark.heavy
@pytest.mark.parametrize("edition", EDITIONS)
@settings(max_examples=100, **SETTINGS)
@given(data=st.data())
def test_many_updates_leave_everything_else_alone(tmp_path, plain, edition, data):
    """The same with many more workbooks."""
    check_round_trip(tmp_path, plain[edition], data)


def check_round_trip(folder, plain, data):
    """Draw edits of people and an update, and compare the workbook before and after."""
    first = plain.plans[Sheet.OPEN].item_rows[0]
    rows = [*range(first, first + COUNT - 2), first + COUNT - 1]  # the one between may be blank
    on_rows, in_file = data.draw(human_edits(rows))
    edits = data.draw(updates(rows))
    old = dress(plain, folder / "old", on_rows, in_file)
    new = old.with_stem("new")
    said_so = write_workbook(old, new, edits, LAYOUTS)
    leaving = [move.row for move in edits.moves]
    is_held = any(kind.holds and row >= min(leaving, default=row + 1) for kind, row, _ in on_rows)
    assert len(said_so) == is_held
    assert_unchanged(Book.open(old), Book.open(new), edits, is_held)
