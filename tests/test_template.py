"""Blank workbooks of our own: the official layout, our own words and look."""

import zipfile
from pathlib import Path

import openpyxl
import pytest

from poam.errors import WorkbookError
from poam.layout import load_layouts
from poam.policy import read_mapping
from poam.workbook import RowAddition, WorkbookEdits, build_template, read_workbook, write_workbook

OFFICIAL = Path(__file__).parents[2] / "shared" / "templates"
FILES = [("v3.0", ".xlsx"), ("v2.1", ".xlsx"), ("rev4", ".xlsm"), ("rev4", ".xlsx")]
OFFICIAL_FILES = {"rev4": "rev4.xlsm", "v2.1": "v2.1.xlsx", "v3.0": "v3.0.xlsx"}


@pytest.fixture(scope="module")
def layouts():
    """Load the project's own layouts."""
    return load_layouts(read_mapping("templates.yaml"))


@pytest.mark.parametrize(("edition", "suffix"), FILES)
def test_a_built_template_is_a_blank_workbook(tmp_path, layouts, edition, suffix):
    """It reads as its edition, empty and without problems, and is small."""
    path = tmp_path / f"blank{suffix}"
    build_template(path, edition, layouts)
    book = read_workbook(path, layouts)
    assert (book.edition, len(book.items), book.problems) == (edition, 0, ())
    assert book.metadata["csp"] == ""
    assert path.stat().st_size < 200_000
    with zipfile.ZipFile(path) as z:
        assert (b"macroEnabled" in z.read("[Content_Types].xml")) == (suffix == ".xlsm")


@pytest.mark.parametrize(("edition", "suffix"), FILES)
def test_a_built_template_takes_items(tmp_path, layouts, edition, suffix):
    """The first item lands on the official edition's first data row."""
    path = tmp_path / f"blank{suffix}"
    build_template(path, edition, layouts)
    values = {"poam_id": "V-1", "weakness_name": "=1"}
    edits = tuple(RowAddition(s, values | {"poam_id": s}) for s in ("open", "closed"))
    write_workbook(path, path, WorkbookEdits(additions=edits), layouts)
    rows = read_workbook(path, layouts).items["row"].tolist()
    assert rows == ([9, 3] if edition == "v3.0" else [9, 6])


def test_same_bytes_every_time(tmp_path, layouts):
    """Building twice gives the same file: no clock in it."""
    one, two = tmp_path / "1.xlsx", tmp_path / "2.xlsx"
    for path in (one, two):
        build_template(path, "v3.0", layouts)
    assert one.read_bytes() == two.read_bytes()


@pytest.mark.parametrize("edition", OFFICIAL_FILES)
def test_headers_stand_where_the_official_ones_do(tmp_path, layouts, edition):
    """Same sheets, same headers in the same cells, same place for the system's facts."""
    source = OFFICIAL / f"FedRAMP-POAM-Template-{OFFICIAL_FILES[edition]}"
    if not source.exists():
        pytest.skip(f"{source.name} is not here: the project ships no official template")
    path = tmp_path / f"blank{source.suffix}"
    build_template(path, edition, layouts)
    ours, theirs = read_workbook(path, layouts), read_workbook(source, layouts)
    for sheet, plan in theirs.plans.items():
        own = ours.plans[sheet]
        assert (own.name, own.header_row, own.first_row) == (
            plan.name,
            plan.header_row,
            plan.first_row,
        )
        assert (own.headers, own.columns) == (plan.headers, plan.columns)
        assert own.metadata == plan.metadata
    names = [openpyxl.load_workbook(p, read_only=True).sheetnames for p in (path, source)]
    assert names[0] == names[1]


@pytest.mark.parametrize("edition", OFFICIAL_FILES)
def test_no_official_sentence_is_taken_over(tmp_path, layouts, edition):
    """Guidance is in our own words: no text longer than a label is the official one."""
    source = OFFICIAL / f"FedRAMP-POAM-Template-{OFFICIAL_FILES[edition]}"
    if not source.exists():
        pytest.skip(f"{source.name} is not here: the project ships no official template")
    path = tmp_path / f"blank{source.suffix}"
    build_template(path, edition, layouts)
    ours, theirs = (
        {
            c.value.strip()
            for ws in openpyxl.load_workbook(p)
            for row in ws.iter_rows(max_row=20)
            for c in row
            if isinstance(c.value, str)
        }
        for p in (path, source)
    )
    headers = {h for e in layouts.editions.values() for h in e.columns.values()}
    shared = {t for t in ours & theirs if len(t.split()) > 5} - headers
    assert shared == set()


def test_rules_for_the_data_rows(tmp_path, layouts):
    """Drop-downs and date rules cover the data rows; every second row is shaded."""
    path = tmp_path / "blank.xlsx"
    build_template(path, "v2.1", layouts)
    ws = openpyxl.load_workbook(path)["Open POA&M Items"]
    rules = {str(v.sqref): v for v in ws.data_validations.dataValidation}
    assert rules["S9:S4022"].formula1 == '"Low,Moderate,High"'
    assert rules["K9:K4022"].type == "date"
    assert [str(c.sqref) for c in ws.conditional_formatting] == ["A9:AE4022"]
    assert ws.freeze_panes == "A6"


def test_unknown_editions_and_types_are_refused(tmp_path, layouts):
    """An edition nobody knows, or a file type the edition does not have, is an error."""
    with pytest.raises(WorkbookError, match=r"one of v3\.0, v2\.1, rev4"):
        build_template(tmp_path / "p.xlsx", "v9", layouts)
    with pytest.raises(WorkbookError, match=r"written as \.xlsx"):
        build_template(tmp_path / "p.xlsm", "v3.0", layouts)
    with pytest.raises(WorkbookError, match="cannot be written"):
        build_template(tmp_path / "none" / "p.xlsx", "v3.0", layouts)
