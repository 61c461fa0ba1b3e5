"""What fits a cell: nothing is cut in silence, and what a person wrote stays."""

import pytest

from poam.cells import (
    CELL_LIMIT,
    appended,
    asset_cell,
    attachment_line,
    cut,
    is_attachment_line,
)

LINES = [f"host-{n:05}.corp.example (443/tcp)" for n in range(3000)]


@pytest.mark.parametrize("length", [0, CELL_LIMIT - 1, CELL_LIMIT])
def test_text_that_fits_is_not_touched(length):
    """A cell holds 32,767 characters."""
    assert cut("x" * length, CELL_LIMIT) == "x" * length


def test_text_that_does_not_fit_says_so():
    """It is cut to the limit exactly, and ends with its true length."""
    out = cut("x" * 40_000, CELL_LIMIT)
    assert len(out) == CELL_LIMIT
    assert out.endswith("[cut: 40,000 characters, see the scan file]")


def test_an_asset_list_that_fits_is_whole():
    """One asset a line, and no attachment."""
    assert asset_cell(["a", "b"], "V-1") == ("a\nb", False)
    exact = ["x" * (CELL_LIMIT - 2), "y"]
    assert asset_cell(exact, "V-1") == ("\n".join(exact), False)


def test_a_longer_asset_list_keeps_whole_lines_and_names_its_attachment():
    """The list ends with how many there are and where: no line is cut in the middle."""
    cell, attached = asset_cell(LINES, "V-7")
    assert attached
    assert len(cell) <= CELL_LIMIT
    *kept, last = cell.split("\n")
    assert kept == LINES[: len(kept)]
    assert len(cell) + 1 + len(LINES[len(kept)]) > CELL_LIMIT
    assert last == attachment_line(3000, "V-7") == "[all 3,000 assets: assets-V-7.csv]"
    assert is_attachment_line(last)
    assert not any(map(is_attachment_line, kept))


@pytest.mark.parametrize(
    ("cell", "after"),
    [
        ("", "new"),
        (" \n", "new"),
        ("old", "old\nnew"),
        ("old\n", "old\nnew"),
        (" old", " old\nnew"),
    ],
)
def test_appending_never_edits(cell, after):
    """What stands in an append-only cell stays in front of what is added."""
    assert appended(cell, "new") == after
