"""Rows that move between sheets: nothing is lost on the way, and no gap stays behind."""

import zipfile
from datetime import date
from pathlib import Path

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl.comments import Comment
from openpyxl.formatting.rule import FormulaRule
from openpyxl.styles import PatternFill
from openpyxl.workbook.defined_name import DefinedName

from poam.errors import WorkbookError
from poam.layout import FIELD_NAMES, load_layouts
from poam.policy import read_mapping
from poam.workbook import (
    RowAddition,
    RowMove,
    RowUpdate,
    WorkbookEdits,
    build_template,
    read_workbook,
    write_workbook,
)

OFFICIAL = Path(__file__).parents[2] / "shared" / "templates"
EDITIONS = {"rev4": "rev4.xlsm", "v2.1": "v2.1.xlsx", "v3.0": "v3.0.xlsx"}
OPEN, CLOSED = "Open POA&M Items", "Closed POA&M Items"


@pytest.fixture(scope="module")
def layouts():
    """Load the project's own layouts."""
    return load_layouts(read_mapping("templates.yaml"))


def item(n, **values):
    """Make the values of one item."""
    return {
        "poam_id": f"V-{n:04}",
        "weakness_name": f"Weakness {n}",
        "weakness_detector_source": "Nessus",
        "weakness_source_identifier": str(10000 + n),
        "asset_identifier": f"10.0.0.{n}",
        "original_detection_date": date(2026, 1, n),
        "scheduled_completion_date": date(2026, 2, n),
        "status_date": date(2026, 2, 1),
        "original_risk_rating": "High",
        "comments": f"note {n}",
    } | values


def filled(path, layouts, count=5, edition="v2.1"):
    """Build a workbook of our own with some open items, from row 9."""
    build_template(path, edition, layouts)
    edits = WorkbookEdits(
        additions=tuple(RowAddition("open", item(n)) for n in range(1, count + 1))
    )
    write_workbook(path, path, edits, layouts)
    return path


def move(row, **values):
    """Move an open row to the closed sheet."""
    return RowMove("open", row, "closed", values)


def ids(path, layouts, sheet="open"):
    """Read which ID stands on which row of a sheet."""
    items = read_workbook(path, layouts).items
    there = items[items["sheet"] == sheet]
    return dict(zip(there["poam_id"], there["row"], strict=True))


@pytest.mark.parametrize("edition", EDITIONS)
def test_moving_in_the_official_templates(edition, tmp_path, layouts):
    """Moved rows arrive with every value; those left close up and keep theirs."""
    source = OFFICIAL / f"FedRAMP-POAM-Template-{EDITIONS[edition]}"
    if not source.exists():
        pytest.skip(f"{source.name} is not here: the project ships no official template")
    one, two = tmp_path / f"1{source.suffix}", tmp_path / f"2{source.suffix}"
    edits = WorkbookEdits(additions=tuple(RowAddition("open", item(n)) for n in range(1, 7)))
    write_workbook(source, one, edits, layouts)
    moves = (move(9, status_date=date(2026, 3, 1)), move(12, comments="closed"))
    assert write_workbook(one, two, WorkbookEdits(moves=moves), layouts) == ()
    assert ids(two, layouts) == {"V-0002": 9, "V-0003": 10, "V-0005": 11, "V-0006": 12}
    first = 3 if edition == "v3.0" else 6
    assert ids(two, layouts, "closed") == {"V-0001": first, "V-0004": first + 1}
    items = read_workbook(two, layouts).items.set_index("poam_id")
    old = read_workbook(one, layouts).items.set_index("poam_id")
    fields = [f for f in FIELD_NAMES if f not in ("poam_id", "status_date", "comments")]
    assert items.loc[old.index, fields].equals(old[fields])
    assert items.loc["V-0001", "status_date"] == date(2026, 3, 1)
    assert items.loc["V-0004", "comments"] == "closed"
    ws = openpyxl.load_workbook(two)[OPEN]
    assert not [c for r in (13, 14) for c in ws[r] if c.value is not None]


def test_moves_updates_additions_together(tmp_path, layouts):
    """An update of a moving row goes with it; new rows follow those that closed up."""
    path = filled(tmp_path / "p.xlsx", layouts)
    edits = WorkbookEdits(
        updates=(RowUpdate("open", 10, {"cve": "CVE-1"}), RowUpdate("open", 11, {"cve": "CVE-2"})),
        moves=(move(10),),
        additions=(RowAddition("open", item(9)), RowAddition("closed", item(8))),
    )
    write_workbook(path, path, edits, layouts)
    assert ids(path, layouts) == {
        "V-0001": 9,
        "V-0003": 10,
        "V-0004": 11,
        "V-0005": 12,
        "V-0009": 13,
    }
    assert ids(path, layouts, "closed") == {"V-0002": 6, "V-0008": 7}
    cves = read_workbook(path, layouts).items.set_index("poam_id")["cve"]
    assert (cves["V-0002"], cves["V-0003"]) == ("CVE-1", "CVE-2")


def test_what_the_other_sheet_lacks_goes_to_comments(tmp_path, layouts):
    """Extra columns, missing columns, notes and links become lines of the comments."""
    path = filled(tmp_path / "p.xlsx", layouts)
    book = openpyxl.load_workbook(path)
    ws = book[OPEN]
    ws["AF5"], ws["AF10"], ws["AG10"] = "Ticket", "T-77", "loose"
    ws["AE10"] = "Mail"
    ws["C10"].comment = Comment("ask Ann", "Bob")
    ws["B10"].hyperlink = "https://example.com/r"
    book[CLOSED]["AE5"] = None
    book.save(path)
    write_workbook(path, path, WorkbookEdits(moves=(move(10),)), layouts)
    items = read_workbook(path, layouts).items.set_index("poam_id")
    lines = items.loc["V-0002", "comments"].split("\n")
    assert lines[0] == "note 2"
    assert set(lines[1:]) == {
        "Service Name: Mail",
        "Ticket: T-77",
        "Column AG: loose",
        "Note on Weakness Name: ask Ann",
        "Link on Controls: https://example.com/r",
    }


def test_an_extra_column_on_both_sheets_is_copied(tmp_path, layouts):
    """A column the site added to both sheets keeps its value."""
    path = filled(tmp_path / "p.xlsx", layouts)
    book = openpyxl.load_workbook(path)
    book[OPEN]["AF5"], book[OPEN]["AF9"], book[CLOSED]["AG5"] = "Ticket", "T-1", "ticket"
    book.save(path)
    write_workbook(path, path, WorkbookEdits(moves=(move(9),)), layouts)
    assert openpyxl.load_workbook(path)[CLOSED]["AG6"].value == "T-1"


def test_everything_on_a_row_follows_it(tmp_path, layouts):
    """Notes, links, merges, own formulas, heights and one-row rules go up with their row."""
    path = filled(tmp_path / "p.xlsx", layouts)
    book = openpyxl.load_workbook(path)
    ws = book[OPEN]
    ws["C12"].comment = Comment("mine", "Ann")
    ws["D12"].hyperlink = "https://example.com/d"
    ws["AF5"], ws["AF12"] = "Age", "=O12-K12"
    ws.merge_cells("AH12:AI12")
    ws.row_dimensions[12].height = 99
    red = FormulaRule(formula=["TRUE"], fill=PatternFill("solid", bgColor="FF0000"))
    ws.conditional_formatting.add("A12:A13", red)
    book.save(path)
    assert write_workbook(path, path, WorkbookEdits(moves=(move(10), move(11))), layouts) == ()
    ws = openpyxl.load_workbook(path)[OPEN]
    assert ws["A10"].value == "V-0004"
    assert ws["C10"].comment.text == "mine"
    assert ws["D10"].hyperlink.target == "https://example.com/d"
    assert ws["AF10"].value == "=O10-K10"
    assert "AH10:AI10" in {str(r) for r in ws.merged_cells.ranges}
    assert ws.row_dimensions[10].height == 99
    assert "A10:A11" in {str(c.sqref) for c in ws.conditional_formatting}
    with zipfile.ZipFile(path) as z:
        vml = next(z.read(n) for n in z.namelist() if n.endswith(".vml"))
    assert b"Row>9</" in vml


@pytest.mark.parametrize(
    "fix",
    [
        lambda book: book["Record of Changes"].__setitem__("C9", f"='{OPEN}'!A11"),
        lambda book: book[OPEN].__setitem__("AF20", "=A11"),
        lambda book: book[OPEN].merge_cells("AH11:AH12"),
        lambda book: book.defined_names.add(DefinedName("Top", attr_text=f"'{OPEN}'!$A$11")),
        lambda book: book[OPEN].__setitem__("AF11", '="V-"&ROW()'),
    ],
    ids=["other sheet", "same sheet", "merge", "name", "row number"],
)
def test_what_cannot_follow_leaves_a_blank_row(tmp_path, layouts, fix):
    """Where something names single rows, they stay where they are, and a note says so."""
    path = filled(tmp_path / "p.xlsx", layouts)
    book = openpyxl.load_workbook(path)
    fix(book)
    book.save(path)
    (note,) = write_workbook(path, path, WorkbookEdits(moves=(move(10),)), layouts)
    assert note.startswith(f"{OPEN}: row 10 left blank because of")
    assert ids(path, layouts) == {"V-0001": 9, "V-0003": 11, "V-0004": 12, "V-0005": 13}
    write_workbook(path, path, WorkbookEdits(additions=(RowAddition("open", item(9)),)), layouts)
    assert ids(path, layouts)["V-0009"] == 14


def test_counting_formulas_do_not_hold_rows(tmp_path, layouts):
    """A formula over the whole column still counts right after rows closed up."""
    path = filled(tmp_path / "p.xlsx", layouts)
    book = openpyxl.load_workbook(path)
    formula = f"=COUNTA('{OPEN}'!A9:A4022)+COUNTA('{OPEN}'!A:A)"
    book["Record of Changes"]["C9"] = formula
    book.save(path)
    assert write_workbook(path, path, WorkbookEdits(moves=(move(10),)), layouts) == ()
    assert openpyxl.load_workbook(path)["Record of Changes"]["C9"].value == formula


def test_an_open_due_date_formula_arrives_as_its_date(tmp_path, layouts):
    """A moved row keeps the due date its formula showed, not the formula."""
    path = filled(tmp_path / "p.xlsx", layouts)
    book = openpyxl.load_workbook(path)
    book[OPEN]["L9"] = "=K9+30"
    book.save(path)
    with zipfile.ZipFile(path) as z:
        parts = {n: z.read(n) for n in z.namelist()}
    name = next(n for n in parts if b"K9+30" in parts[n])
    parts[name] = parts[name].replace(b"<f>K9+30</f><v />", b"<f>K9+30</f><v>46053</v>")
    parts[name] = parts[name].replace(b"<f>K9+30</f><v></v>", b"<f>K9+30</f><v>46053</v>")
    parts[name] = parts[name].replace(b"<f>K9+30</f><v/>", b"<f>K9+30</f><v>46053</v>")
    with zipfile.ZipFile(path, "w") as z:
        for n, data in parts.items():
            z.writestr(n, data)
    write_workbook(path, path, WorkbookEdits(moves=(move(9),)), layouts)
    cell = openpyxl.load_workbook(path)[CLOSED]["L6"]
    assert (cell.value.date(), cell.is_date) == (date(2026, 1, 31), True)


def test_odd_cells_arrive_as_they_read(tmp_path, layouts):
    """Dates, truths and errors in text columns move as what they show; nonsense stays as it is."""
    path = filled(tmp_path / "p.xlsx", layouts)
    book = openpyxl.load_workbook(path)
    ws = book[OPEN]
    ws["D9"], ws["E9"], ws["G9"], ws["K9"] = "#REF!", True, date(2026, 1, 2), "TBD"
    ws["O9"] = "2/3/2026"
    book.save(path)
    (problem,) = read_workbook(path, layouts).problems
    assert problem.address == f"{OPEN}!K9"
    write_workbook(path, path, WorkbookEdits(moves=(move(9),)), layouts)
    ws = openpyxl.load_workbook(path)[CLOSED]
    assert [ws[c].value for c in ("D6", "E6", "G6", "O6")] == [
        "#REF!",
        "TRUE",
        "2026-01-02",
        "2/3/2026",
    ]
    items = read_workbook(path, layouts).items.set_index("poam_id")
    assert items.loc["V-0001", "status_date"] == date(2026, 2, 3)


def test_moves_that_make_no_sense(tmp_path, layouts):
    """A row moves once, to another sheet, from a row that holds an item."""
    path = filled(tmp_path / "p.xlsx", layouts)
    for moves in (
        (move(9), move(9)),
        (RowMove("open", 9, "open", {}),),
        (move(40),),
        (move(9, colour="red"),),
        (RowMove("open", 9, "nowhere", {}),),
    ):
        with pytest.raises(WorkbookError):
            write_workbook(path, path, WorkbookEdits(moves=moves), layouts)


WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
DAYS = st.dates(date(2001, 1, 1), date(2100, 1, 1))


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_any_edits_read_back_as_a_simple_model_says(tmp_path, layouts, data):
    """Random updates, additions and moves: lists of records, edited in memory, say the same."""
    path, out = tmp_path / "p.xlsx", tmp_path / "out.xlsx"
    if not path.exists():
        filled(path, layouts, 6)
    before = read_workbook(path, layouts).items.to_dict("records")
    values = st.fixed_dictionaries(
        {},
        optional={"weakness_name": WORDS, "service_name": WORDS, "last_vendor_checkin_date": DAYS},
    )
    leaving = data.draw(st.lists(st.sampled_from(range(9, 15)), unique=True, max_size=6))
    changed = data.draw(st.lists(st.sampled_from(range(9, 15)), unique=True, max_size=3))
    updates = tuple(RowUpdate("open", r, data.draw(values)) for r in changed)
    moves = tuple(RowMove("open", r, "closed", data.draw(values)) for r in leaving)
    added = tuple(RowAddition("open", item(20 + n)) for n in range(data.draw(st.integers(0, 3))))
    edits = WorkbookEdits(updates=updates, moves=moves, additions=added)
    assert write_workbook(path, out, edits, layouts) == ()
    model = {i["row"]: dict(i) for i in before}
    for edit in (*updates, *moves):
        model[edit.row] |= {
            k: _kept(v) if isinstance(v, str) else v for k, v in edit.values.items()
        }
    empty = {n: None if n.endswith("_date") else "" for n in FIELD_NAMES}
    stay = [model[r] for r in range(9, 15) if r not in leaving]
    stay += [empty | dict(a.values) | {"sheet": "open"} for a in added]
    gone = [model[r] | {"sheet": "closed"} for r in leaving]
    want = [i | {"row": 9 + n} for n, i in enumerate(stay)]
    want += [i | {"row": 6 + n} for n, i in enumerate(gone)]
    assert read_workbook(out, layouts).items.to_dict("records") == [
        {k: i[k] for k in ("sheet", "row", *FIELD_NAMES)} for i in want
    ]


def _kept(text):
    """Keep what a cell can hold of a text."""
    legal = "".join(
        c if c in "\t\n" or (c >= " " and c not in "\ufffe\uffff") else " "
        for c in text.replace("\r\n", "\n").replace("\r", "\n")
    )
    return legal if legal.strip() else ""


@pytest.mark.parametrize("coloured", ["the row that leaves", "the last row"])
def test_new_rows_look_like_most_rows(tmp_path, layouts, coloured):
    """What a person coloured, hid or grouped on one row is not on the item that comes next."""
    source, out = filled(tmp_path / "a.xlsx", layouts), tmp_path / "b.xlsx"
    plan = read_workbook(source, layouts).plans["open"]
    row = plan.item_rows[1] if coloured == "the row that leaves" else plan.last_row
    book = openpyxl.load_workbook(source)
    sheet = book[OPEN]
    column = plan.columns["comments"]
    usual = sheet.cell(plan.first_row, column).fill.fgColor.rgb
    sheet.cell(row, column).fill = PatternFill("solid", fgColor="FFFFFF00")
    sheet.row_dimensions[row].outlineLevel = 1
    book.save(source)
    edits = WorkbookEdits(
        moves=(RowMove("open", plan.item_rows[1], "closed", {}),),
        additions=(RowAddition("open", item(8)), RowAddition("open", item(9))),
    )
    write_workbook(source, out, edits, layouts)
    after = openpyxl.load_workbook(out)[OPEN]
    new = [
        r
        for r in range(plan.first_row, plan.last_row + 4)
        if after.cell(r, plan.columns["poam_id"]).value in ("V-0008", "V-0009")
    ]
    assert len(new) == 2
    for row in new:
        assert after.cell(row, column).fill.fgColor.rgb == usual
        assert after.row_dimensions[row].outlineLevel == 0
