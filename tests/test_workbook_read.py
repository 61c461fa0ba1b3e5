"""Reading POA&M workbooks: any edition, whatever people did to the template."""

import zipfile
from datetime import date, datetime, time
from pathlib import Path

import openpyxl
import pytest

from poam.errors import WorkbookError
from poam.layout import FIELD_NAMES, load_layouts
from poam.policy import read_mapping
from poam.workbook import build_template, read_workbook
from poam.workbook.values import as_date, as_text

OFFICIAL = Path(__file__).parents[2] / "shared" / "templates"
EDITIONS = {"rev4": "rev4.xlsm", "v2.1": "v2.1.xlsx", "v3.0": "v3.0.xlsx"}
HEADERS = {
    "POAM ID": "V-1",
    "Weakness Name": "Old TLS",
    "Weakness Detector Source": "Nessus",
    "Weakness Source Identifier": 104743,
    "Asset Identifier": "web-1",
    "Original Detection Date": date(2026, 1, 5),
    "Scheduled Completion Date": date(2026, 2, 4),
    "Status Date": date(2026, 1, 5),
    "Original Risk Rating": "High",
    "Comments": "",
}


@pytest.fixture(scope="module")
def layouts():
    """Load the project's own layouts."""
    return load_layouts(read_mapping("templates.yaml"))


def official(edition):
    """Find an official template beside the project, or skip."""
    path = OFFICIAL / f"FedRAMP-POAM-Template-{EDITIONS[edition]}"
    if not path.exists():
        pytest.skip(f"{path.name} is not here: the project ships no official template")
    return path


def home_made(path, rows, headers=None, header_row=5, name="Open POA&M Items", start=None):
    """Save a workbook with an open and a closed sheet, laid out as asked."""
    book = openpyxl.Workbook()
    book.remove(book.active)
    for title in (name, "Closed POA&M Items"):
        ws = book.create_sheet(title)
        for n, header in enumerate(headers or HEADERS, start=1):
            ws.cell(header_row, n).value = header
    ws = book.worksheets[0]
    for number, row in enumerate(rows, start=start or header_row + 1):
        for n, header in enumerate(headers or HEADERS, start=1):
            ws.cell(number, n).value = row.get(header)
    book.save(path)
    return path


@pytest.mark.parametrize("edition", EDITIONS)
def test_blank_official_templates_hold_nothing(edition, layouts):
    """Guidance, hints, the example row and 4,014 formula rows are no items and no problems."""
    book = read_workbook(official(edition), layouts)
    assert (book.edition, len(book.items), book.problems) == (edition, 0, ())
    assert book.metadata == {
        "csp": "",
        "system_name": "",
        "impact_level": "Low" if edition == "v2.1" else "",
        "poam_date": "",
    }
    assert list(book.items.columns) == ["sheet", "row", *FIELD_NAMES]
    assert book.has_field("open", "service_name") == (edition == "v2.1")
    assert book.has_field("configuration", "cve") == (edition != "rev4")


@pytest.mark.parametrize(
    ("cell", "day"),
    [
        (datetime.combine(date(2026, 11, 3), time(14, 5)), date(2026, 11, 3)),
        (46329, date(2026, 11, 3)),
        (46329.5, date(2026, 11, 3)),
        ("46329", date(2026, 11, 3)),
        ("2026-11-03", date(2026, 11, 3)),
        ("2026-11-03T10:00:00Z", date(2026, 11, 3)),
        ("2026-11-03 10:00:00.000", date(2026, 11, 3)),
        ("11/03/2026", date(2026, 11, 3)),
        ("11/3/26 2:30 PM", date(2026, 11, 3)),
        ("Nov 3, 2026", date(2026, 11, 3)),
        ("3 November 2026", date(2026, 11, 3)),
        ("03-Nov-2026", date(2026, 11, 3)),
        ("13/11/2026", None),
        ("TBD", None),
        (20261103, None),
        (True, None),
        ("", None),
    ],
)
def test_dates_in_the_ways_people_write_them(cell, day):
    """Month comes first, as in the American template; what is no date is none, never a guess."""
    assert as_date(cell) == day


def test_serial_numbers_of_the_1904_system():
    """Workbooks from old Macs count days from 1904."""
    assert as_date(46329 - 1462, date1904=True) == date(2026, 11, 3)


@pytest.mark.parametrize(
    ("cell", "text"),
    [(104743.0, "104743"), (1.5, "1.5"), (" \n ", ""), (True, "TRUE"), ("a\r\nb\rc", "a\nb\nc")],
)
def test_text_as_people_see_it(cell, text):
    """Whole numbers lose `.0`, line ends are one kind, white space alone is empty."""
    assert as_text(cell) == text


def test_columns_in_any_order_with_extras_and_blank_rows(tmp_path, layouts):
    """Order, extra columns, lower-case sheets, header row 7 and blank rows inside do not matter."""
    headers = ["Ticket", *reversed(HEADERS), "Owner's note"]
    row = HEADERS | {"Ticket": "T-1", "Owner's note": "mine"}
    path = home_made(
        tmp_path / "p.xlsx",
        [row, {}, {}, row | {"POAM ID": 7}],
        headers,
        header_row=7,
        name="open poa&m items",
        start=9,
    )
    items = read_workbook(path, layouts).items
    assert items["row"].tolist() == [9, 12]
    assert items["poam_id"].tolist() == ["V-1", "7"]
    assert items["weakness_source_identifier"].tolist() == ["104743", "104743"]
    assert items["original_detection_date"].tolist() == [date(2026, 1, 5)] * 2
    assert items["service_name"].tolist() == ["", ""]
    assert items["last_vendor_checkin_date"].tolist() == [None, None]


def test_cells_that_make_no_sense_are_reported_and_left(tmp_path, layouts):
    """An unreadable date and a rating outside the list are named with their address."""
    row = HEADERS | {"Status Date": "soon", "Original Risk Rating": "Critical"}
    book = read_workbook(home_made(tmp_path / "p.xlsx", [row]), layouts)
    assert [(p.address, p.found, p.expected) for p in book.problems] == [
        ("Open POA&M Items!H6", "'soon'", "a date, 2026-11-03"),
        ("Open POA&M Items!I6", "'Critical'", "Low, Moderate, High"),
    ]
    assert book.items["original_risk_rating"].tolist() == ["Critical"]


def test_ratings_in_any_case(tmp_path, layouts):
    """A choice in other case is the drop-down's own word."""
    row = HEADERS | {"Original Risk Rating": "high ", "Status Date": "N/A"}
    book = read_workbook(home_made(tmp_path / "p.xlsx", [row]), layouts)
    assert book.items["original_risk_rating"].tolist() == ["High"]
    assert book.problems == ()


def test_an_id_twice_is_reported_with_both_places(tmp_path, layouts):
    """Two rows with one POAM ID are a problem; both cells are named."""
    path = home_made(tmp_path / "p.xlsx", [HEADERS, HEADERS | {"POAM ID": "v-1"}])
    (problem,) = read_workbook(path, layouts).problems
    assert problem.address == "Open POA&M Items!A7"
    assert "Open POA&M Items!A6" in problem.found


def test_a_row_without_an_id_is_reported(tmp_path, layouts):
    """A named row without ID is an item with a problem; one without a name is only a problem."""
    rows = [HEADERS | {"POAM ID": None}, {"Asset Identifier": "web-9"}]
    book = read_workbook(home_made(tmp_path / "p.xlsx", rows, start=9), layouts)
    assert book.items["row"].tolist() == [9]
    assert {p.address for p in book.problems} == {"Open POA&M Items!A9", "Open POA&M Items!A10"}


@pytest.mark.parametrize("edition", ["rev4", "v2.1"])
def test_an_item_typed_over_the_example_is_an_item(edition, layouts, tmp_path):
    """Row 8 is an example only while it says so."""
    path = tmp_path / "p.xlsx"
    build_template(path, edition, layouts)
    book = openpyxl.load_workbook(path)
    book["Open POA&M Items"]["A8"] = "V-0001"
    book.save(path)
    assert read_workbook(path, layouts).items["row"].tolist() == [8]


def test_formula_results_are_read(tmp_path, layouts):
    """A due date that is a formula reads as its stored result; without one as nothing."""
    row = HEADERS | {"Scheduled Completion Date": "=F6+30"}
    book = read_workbook(home_made(tmp_path / "p.xlsx", [row]), layouts)
    assert book.items["scheduled_completion_date"].tolist() == [None]
    assert book.problems == ()


def test_a_missing_header_is_named(tmp_path, layouts):
    """A mandatory header that is missing stops the reading, with sheet and header."""
    headers = [h for h in HEADERS if h != "Asset Identifier"]
    path = home_made(tmp_path / "p.xlsx", [], headers)
    with pytest.raises(WorkbookError, match=r"Open POA&M Items: row 5 .* Asset Identifier"):
        read_workbook(path, layouts)


def test_no_poam_at_all(tmp_path, layouts):
    """Files that are no POA&M are refused in a sentence."""
    text = tmp_path / "p.xlsx"
    with pytest.raises(WorkbookError, match="cannot be opened"):
        read_workbook(text, layouts)
    text.write_text("not a zip")
    with pytest.raises(WorkbookError, match=r"not an \.xlsx"):
        read_workbook(text, layouts)
    with zipfile.ZipFile(text, "w") as z:
        z.writestr("a", "b")
    with pytest.raises(WorkbookError, match="no workbook part"):
        read_workbook(text, layouts)
    openpyxl.Workbook().save(text)
    with pytest.raises(WorkbookError, match="sheets are Sheet"):
        read_workbook(text, layouts)
    home_made(text, [], ["Colour"])
    with pytest.raises(WorkbookError, match="no header POAM ID"):
        read_workbook(text, layouts)


def test_metadata(tmp_path, layouts):
    """Values stand under their labels; the date reads as ISO."""
    path = tmp_path / "p.xlsx"
    build_template(path, "v3.0", layouts)
    book = openpyxl.load_workbook(path)
    ws = book["Open POA&M Items"]
    ws["B3"], ws["C3"], ws["D3"], ws["E3"] = "Acme", "Cloud", "High", "03/01/2026"
    book.save(path)
    assert read_workbook(path, layouts).metadata == {
        "csp": "Acme",
        "system_name": "Cloud",
        "impact_level": "High",
        "poam_date": "2026-03-01",
    }
