"""Tables as a workbook: text is text, numbers are numbers, equal tables are equal bytes."""

import zipfile
from datetime import date

import openpyxl
import pandas as pd
import pytest
from python_calamine import load_workbook

from poam.errors import WorkbookError
from poam.workbook import tables
from poam.workbook.tables import CELL_LIMIT, write_tables

DAY = date(2026, 11, 30)


@pytest.fixture
def written(tmp_path):
    """Return a function that writes one table and gives its sheet as openpyxl reads it."""

    def write(frame, name="Table"):
        path = tmp_path / "tables.xlsx"
        write_tables(path, {name: frame})
        return openpyxl.load_workbook(path)[name]

    return write


@pytest.mark.parametrize(
    ("value", "read"),
    [
        pytest.param("=1+1", "=1+1", id="a formula sign"),
        pytest.param("@SUM(A1)", "@SUM(A1)", id="another"),
        pytest.param("<b>&amp;</b>", "<b>&amp;</b>", id="markup"),
        pytest.param(" two\nlines ", " two\nlines ", id="space at the ends"),
        pytest.param("a\x07b", "a b", id="a character that XML forbids"),
        pytest.param("_x0041_", "_x0041_", id="what Excel reads as a character"),
        pytest.param("0012", "0012", id="digits with zeros before"),
        pytest.param("", None, id="nothing"),
        pytest.param(None, None, id="missing"),
        pytest.param(7, 7, id="a number"),
        pytest.param(213.6, 213.6, id="a fraction"),
    ],
)
def test_values(written, value, read):
    """Whatever a scanner wrote is text, never a formula."""
    cell = written(pd.DataFrame({"a": pd.Series([value], dtype="object")}))["A2"]
    assert cell.value == read
    assert cell.data_type == ("s" if isinstance(read, str) else "n")


def test_days_and_missing_numbers(written):
    """A day is shown as 2026-11-30; a missing figure is an empty cell, not 0."""
    frame = pd.DataFrame({"day": [DAY, None], "count": pd.Series([None, 3], dtype="Int64")})
    sheet = written(frame)
    assert sheet["A2"].value.date() == DAY
    assert sheet["A2"].number_format == r"yyyy\-mm\-dd"
    assert [sheet[name].value for name in ("A3", "B2", "B3")] == [None, None, 3]


def test_the_head(written):
    """The first row names the columns, stays in sight and filters; columns are wide enough."""
    sheet = written(pd.DataFrame({"Name": ["x" * 30, "y" * 90], "n": [1, 2]}))
    assert [cell.value for cell in sheet[1]] == ["Name", "n"]
    assert all(cell.font.bold for cell in sheet[1])
    assert (sheet.freeze_panes, sheet.auto_filter.ref) == ("A2", "A1:B3")
    assert [sheet.column_dimensions[c].width for c in "AB"] == [60, 8]


def test_rows_are_as_high_as_their_text(written):
    """Lines and wrapped words have room; a text that is not wrapped makes no row higher."""
    texts = ["a", "a\nb", "word " * 20, "x" * 241]
    sheet = written(pd.DataFrame({"said": texts}))
    heights = [sheet.row_dimensions[row].height for row in range(2, 6)]
    assert heights == [None, 2 * tables.LINE, 2 * tables.LINE, None]


def test_it_prints_on_pages_as_wide_as_the_table(written):
    """Landscape, all columns on a page."""
    sheet = written(pd.DataFrame({"a": ["b"]}))
    assert sheet.sheet_properties.pageSetUpPr.fitToPage
    assert (sheet.page_setup.orientation, sheet.page_setup.fitToHeight) == ("landscape", 0)


def test_an_empty_table(written):
    """No rows, the same head."""
    sheet = written(pd.DataFrame({"a": [], "b": []}))
    assert [cell.value for cell in sheet[1]] == ["a", "b"]
    assert sheet.max_row == 1


def test_a_text_that_no_cell_holds(written):
    """It is cut with a mark that says how long it is."""
    found = written(pd.DataFrame({"a": ["x" * (CELL_LIMIT + 1)]}))["A2"].value
    assert len(found) == CELL_LIMIT
    assert found.endswith("[cut: 32,768 characters; the CSV has all]")
    assert written(pd.DataFrame({"a": ["x" * CELL_LIMIT]}))["A2"].value == "x" * CELL_LIMIT


def test_more_rows_than_a_sheet_holds(tmp_path, monkeypatch):
    """They are refused by name, and nothing is written."""
    monkeypatch.setattr(tables, "ROW_LIMIT", 3)
    path = tmp_path / "t.xlsx"
    write_tables(path, {"T": pd.DataFrame({"a": [1, 2]})})
    path.unlink()
    with pytest.raises(WorkbookError, match=r"t.xlsx, T: found 3 rows. Expected fewer than 3"):
        write_tables(path, {"T": pd.DataFrame({"a": [1, 2, 3]})})
    assert not list(tmp_path.iterdir())


def test_a_place_that_cannot_be_written(tmp_path):
    """The error names the file."""
    with pytest.raises(WorkbookError, match=r"t\.xlsx: cannot be written"):
        write_tables(tmp_path / "none" / "t.xlsx", {"T": pd.DataFrame({"a": [1]})})


def test_equal_tables_are_equal_bytes(tmp_path):
    """No time, no name of a machine; each text stands once, however often it is said."""
    frame = pd.DataFrame({"a": ["said twice", "said twice"]})
    for name in ("one.xlsx", "two.xlsx"):
        write_tables(tmp_path / name, {"A & B": frame, "C": frame})
    assert (tmp_path / "one.xlsx").read_bytes() == (tmp_path / "two.xlsx").read_bytes()
    with zipfile.ZipFile(tmp_path / "one.xlsx") as parts:
        assert {entry.date_time[0] for entry in parts.infolist()} == {1980}
        assert parts.read("xl/sharedStrings.xml").count(b"said twice") == 1


def test_another_program_reads_it(tmp_path):
    """Sheets by name and in order."""
    frame = pd.DataFrame({"a": ["x", "y"], "n": [1, 2]})
    write_tables(tmp_path / "t.xlsx", {"A & B": frame, "C": frame})
    book = load_workbook(tmp_path / "t.xlsx")
    assert book.sheet_names == ["A & B", "C"]
    assert book.get_sheet_by_name("C").to_python() == [["a", "n"], ["x", 1], ["y", 2]]
