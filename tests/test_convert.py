"""Converting a workbook to another edition: every value is there afterwards, and told of."""

import zipfile
from datetime import date

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl.cell.rich_text import CellRichText, TextBlock
from openpyxl.cell.text import InlineFont
from openpyxl.comments import Comment
from openpyxl.styles import Font

from poam.errors import WorkbookError
from poam.layout import FieldType
from poam.lint import lint
from poam.model import Sheet
from poam.workbook import (
    RowAddition,
    WorkbookEdits,
    build_template,
    convert,
    read_workbook,
    write_workbook,
)
from tests.conftest import MONTHS, SAMPLE_SCANS

OPEN, CLOSED = "Open POA&M Items", "Closed POA&M Items"
SUFFIXES = {"rev4": ".xlsm", "v2.1": ".xlsx", "v3.0": ".xlsx"}
PAIRS = [(old, new) for old in SUFFIXES for new in SUFFIXES]
FATES = ("carried", "folded", "translated", "dropped")
NONE = {  # the words for none: v3.0 leaves blank
    "adjusted_risk_rating": "N/A",
    "weakness_source_identifier": "None",
    "bod_22_01_tracking": "No",
}
MILESTONES = ("planned_milestones", "milestone_changes")


@pytest.fixture(scope="module")
def layouts(policy):
    """Return the project's own layouts."""
    return policy.templates


@pytest.fixture(scope="module")
def blanks(tmp_path_factory, layouts):
    """Build a blank workbook of each edition."""
    folder = tmp_path_factory.mktemp("blanks")
    for edition, suffix in SUFFIXES.items():
        build_template(folder / f"{edition}{suffix}", edition, layouts)
    return {edition: folder / f"{edition}{suffix}" for edition, suffix in SUFFIXES.items()}


def item(n=1, **values):
    """Make the values of one item that lint has nothing against."""
    return {
        "poam_id": f"V-{n:04}",
        "controls": "RA-5",
        "weakness_name": f"Weakness {n}",
        "weakness_description": "Line one\nline two",
        "weakness_detector_source": "Nessus",
        "weakness_source_identifier": str(10000 + n),
        "asset_identifier": "10.0.0.1 (443/tcp)\n10.0.0.2",
        "point_of_contact": "Ann",
        "remediation_plan": "Patch.",
        "original_detection_date": date(2026, 1, 5),
        "scheduled_completion_date": date(2026, 2, 4),
        "planned_milestones": "(1) 2026-01-20: Patch tested\n\n(2) 2026-02-04: Patch rolled out",
        "milestone_changes": "(1) Complete 2026-01-19 : Test passed",
        "status_date": date(2026, 1, 19),
        "vendor_dependency": "No",
        "original_risk_rating": "High",
        "adjusted_risk_rating": "N/A",
        "risk_adjustment": "No",
        "false_positive": "No",
        "operational_requirement": "No",
        "comments": "2026-01-05: opened",
        "auto_approve": "No",
        "bod_22_01_tracking": "No",
        "service_name": "All",
    } | values


def filled(blank, path, layouts, *items, sheets=("open",)):
    """Fill a copy of a blank workbook: the same items on each of the sheets it has."""
    book = read_workbook(blank, layouts)
    additions = tuple(
        RowAddition(sheet, {k: v for k, v in values.items() if book.has_field(sheet, k)})
        for sheet in sheets
        for values in items
        if sheet in book.plans
    )
    edits = WorkbookEdits(additions=additions, poam_date=date(2026, 1, 20))
    path.write_bytes(blank.read_bytes())
    write_workbook(path, path, edits, layouts)
    return path


@pytest.fixture
def old(blanks, tmp_path, layouts):
    """Return a function that makes a v2.1 workbook, edited by hand."""

    def make(edit=None, *items):
        path = filled(blanks["v2.1"], tmp_path / "old.xlsx", layouts, *(items or (item(),)))
        if edit:
            book = openpyxl.load_workbook(path, rich_text=True)
            edit(book[OPEN])
            book.save(path)
        return path

    return make


@pytest.fixture
def new(tmp_path, layouts):
    """Return a function that converts to v3.0 and gives the accounts and the first item."""

    def go(path, **options):
        accounts = convert(path, tmp_path / "new.xlsx", "v3.0", layouts, **options)
        items = read_workbook(tmp_path / "new.xlsx", layouts).items
        return accounts, items.iloc[0]

    return go


def replaced(path, before, after):
    """Change bytes of the parts of a workbook."""
    with zipfile.ZipFile(path) as z:
        parts = {n: z.read(n).replace(before, after) for n in z.namelist()}
    with zipfile.ZipFile(path, "w") as z:
        for name, data in parts.items():
            z.writestr(name, data)


def row_of(accounts, header, sheet=OPEN):
    """Give the accounts of one column."""
    frame = accounts.frame
    (found,) = frame[(frame["sheet"] == sheet) & (frame["header"] == header)].to_dict("records")
    return found


def holds(accounts):
    """Tell whether every value is accounted for, and none was dropped."""
    frame = accounts.frame
    return (frame["values"] == frame[list(FATES)].sum(axis=1)).all() and not frame["dropped"].sum()


def compact(text):
    """Reduce milestones to what they say, in either edition's syntax."""
    return "".join(text.replace("(", "").split())


def check_item(was, now, layouts, old_edition, new_edition):
    """Hold one item against what it was, field by field: nothing is anywhere lost."""
    columns = layouts.editions[new_edition].columns
    headers = layouts.editions[old_edition].columns
    differ = "v3.0" in (old_edition, new_edition) and old_edition != new_edition
    for name in headers:
        value = was[name]
        if name not in columns:
            into = "remediation_plan" if name in MILESTONES else "comments"
            if value and name in MILESTONES:
                assert compact(value) in compact(now[into])
            elif value:
                assert f"{headers[name]}: {value}" in now[into]
        elif differ and name in NONE and value in ("", "N/A", "None", NONE[name]):
            assert now[name] == ("" if new_edition == "v3.0" else NONE[name])
        elif name in ("remediation_plan", "comments"):
            assert now[name].startswith(value)
        else:
            assert now[name] == value


@pytest.mark.parametrize(
    ("before", "after", "official"),
    [(*pair, False) for pair in PAIRS]
    + [(*pair, True) for pair in PAIRS if pair[0] != pair[1] and pair[1] != "rev4"],
)
def test_every_pair_of_editions(before, after, official, blanks, tmp_path, layouts, request):
    """Sheets, order, IDs, dates and texts arrive, in blanks of ours and the official ones."""
    if official:
        folder = request.getfixturevalue("shared") / "templates"
        blanks = {e: folder / f"FedRAMP-POAM-Template-{e}{s}" for e, s in SUFFIXES.items()}
    sheets = ["open", "closed"] if "rev4" in (before, after) else list(Sheet)
    source = tmp_path / f"old{SUFFIXES[before]}"
    filled(blanks[before], source, layouts, item(2), item(1), sheets=sheets)
    out = tmp_path / f"new{SUFFIXES[after]}"
    accounts = convert(source, out, after, layouts, blanks[after] if official else None)
    assert holds(accounts)
    assert accounts.notes == ()
    was, now = read_workbook(source, layouts), read_workbook(out, layouts)
    assert (now.edition, now.metadata["poam_date"]) == (after, "2026-01-20")
    keys = ["sheet", "poam_id"]
    assert was.items[keys].equals(now.items[keys])
    assert len(now.items) == 2 * len(sheets)
    for one, other in zip(was.items.to_dict("records"), now.items.to_dict("records"), strict=True):
        check_item(one, other, layouts, before, after)


def test_what_v30_has_no_column_for(old, new):
    """Milestones stand below the plan as v3.0 writes them, the rest in Comments by header."""
    accounts, now = new(old())
    assert now["remediation_plan"] == (
        "Patch.\n\n1) 2026-01-20: Patch tested\n2) 2026-02-04: Patch rolled out\n"
        "1) Complete 2026-01-19 : Test passed"
    )
    assert now["comments"] == "2026-01-05: opened\nAuto-Approve: No\nService Name: All"
    assert [now[name] for name in NONE] == ["", "10001", ""]
    planned = row_of(accounts, "Planned Milestones")
    assert (planned["values"], planned["folded"], planned["into"]) == (1, 1, "Remediation Plan")
    assert row_of(accounts, "Service Name")["into"] == "Comments"
    assert row_of(accounts, "Adjusted Risk Rating")["translated"] == 1
    assert row_of(accounts, "Milestone Changes")["carried"] == 0


def test_milestones_in_no_syntax_keep_their_header(old, new):
    """Text without a milestone number would not tell what it is."""
    _, now = new(old(None, item(planned_milestones="by spring", remediation_plan="")))
    assert now["remediation_plan"] == (
        "Planned Milestones: by spring\n1) Complete 2026-01-19 : Test passed"
    )


def test_backwards_words_for_none_are_filled_in(blanks, tmp_path, layouts):
    """v2.1 wants a word where v3.0 leaves blank; what was blank is no value that was held."""
    source = tmp_path / "old.xlsx"
    blank = dict.fromkeys(NONE, "")
    filled(blanks["v3.0"], source, layouts, item(**blank))
    accounts = convert(source, tmp_path / "new.xlsx", "v2.1", layouts)
    assert accounts.frame["filled"].sum() == 3
    assert holds(accounts)
    there = read_workbook(tmp_path / "new.xlsx", layouts).items.iloc[0]
    assert {name: there[name] for name in NONE} == NONE
    convert(tmp_path / "new.xlsx", tmp_path / "again.xlsx", "v3.0", layouts)
    again = read_workbook(tmp_path / "again.xlsx", layouts)
    assert again.items.equals(read_workbook(source, layouts).items)


def test_the_printed_table(old, new):
    """A line for each column that holds anything, and the sums below."""
    accounts, _ = new(old())
    lines = accounts.table().splitlines()
    assert lines[0].split() == [
        "sheet", "header", "values", "carried", "folded", "translated", "dropped", "filled", "into",
    ]  # fmt: skip
    (planned,) = [line for line in lines if "Planned Milestones" in line]
    assert planned.split()[-8:] == ["1", "0", "1", "0", "0", "0", "Remediation", "Plan"]
    assert not [line for line in lines if "Resources Required" in line]
    sums = [int(x) for x in lines[-1].split()[2:]]
    assert sums[0] == sum(sums[1:5]) == accounts.frame["values"].sum()


def test_site_columns_notes_and_links_become_lines(old, new):
    """Columns the template lacks, headers used twice or not at all, notes, links, and errors."""

    def edit(ws):
        ws["AF5"], ws["AF9"], ws["AG9"] = "Ticket", "T-77", date(2026, 1, 2)
        ws["AH5"], ws["AH9"] = "Comments", "second"
        ws["AI5"], ws["AI9"] = "Owner", "#N/A"
        ws["C9"].comment = Comment("ask Ann", "Bob")
        ws["B9"].hyperlink = "https://example.com/r"

    accounts, now = new(old(edit))
    assert now["comments"].split("\n")[3:] == [
        "Ticket: T-77",
        "Column AG: 2026-01-02",
        "Comments (AH): second",
        "Owner: #N/A",
        "Link on Controls: https://example.com/r",
        "Note on Weakness Name: ask Ann",
    ]
    assert holds(accounts)
    assert row_of(accounts, "Comments")["carried"] == 1
    assert row_of(accounts, "Comments (AH)")["folded"] == 1
    assert row_of(accounts, "notes and links on Weakness Name")["folded"] == 1


def test_a_formula_becomes_the_date_it_shows(old, new, tmp_path):
    """The stored result counts; the goal has a literal date, and no formula of its own."""
    path = old(lambda ws: ws.__setitem__("L9", "=K9+30"))
    for empty in (b"<v />", b"<v></v>", b"<v/>"):
        replaced(path, b"<f>K9+30</f>" + empty, b"<f>K9+30</f><v>46057</v>")
    _, now = new(path)
    assert now["scheduled_completion_date"] == date(2026, 2, 4)
    assert openpyxl.load_workbook(tmp_path / "new.xlsx")[OPEN]["M9"].value.date() == date(
        2026, 2, 4
    )


def test_a_formula_without_a_result_is_refused(old, new):
    """What nobody has computed yet cannot be kept."""
    with pytest.raises(WorkbookError, match=r"Items!L9 is a formula without a stored result"):
        new(old(lambda ws: ws.__setitem__("L9", "=K9+30")))


def test_a_formula_that_shows_nothing_is_empty(old, shared, tmp_path, layouts):
    """The blank's own due-date formula does not step in and say what the source does not."""
    path = old(lambda ws: ws.__setitem__("L10", '=""'), item(), item(2))
    replaced(path, b'<c r="L10"', b'<c r="L10" t="str"')
    blank = shared / "templates" / "FedRAMP-POAM-Template-v3.0.xlsx"
    convert(path, tmp_path / "new.xlsx", "v3.0", layouts, blank)
    ws = openpyxl.load_workbook(tmp_path / "new.xlsx", read_only=True)[OPEN]
    nine, ten, eleven = (row[0].value for row in ws["M9:M11"])
    assert (nine.date(), ten, str(eleven)[:1]) == (date(2026, 2, 4), None, "=")
    ws.parent.close()


@pytest.mark.parametrize("word", ["TBD", "N/A", "-", "#VALUE!"])
def test_a_date_that_is_none_stays_as_written(old, new, tmp_path, word):
    """Words in a date column are kept as words."""
    accounts, _ = new(old(lambda ws: ws.__setitem__("Q9", word)))
    assert row_of(accounts, "Last Vendor Check-in Date")["carried"] == 1
    assert openpyxl.load_workbook(tmp_path / "new.xlsx")[OPEN]["P9"].value == word


@pytest.mark.parametrize("serial", [0, 0.5, 1, 31, 59, 60, 61, 400, 9_999, 100_000, 2_958_465])
def test_a_number_that_is_no_plausible_date(old, new, serial, layouts):
    """A day before 1927 or after 2173 is a slip: kept as it reads, told by address, not refused."""

    def slip(ws):
        ws["Q9"].value, ws["Q9"].number_format = serial, "mm-dd-yy"

    path = old(slip)
    book = read_workbook(path, layouts)
    (problem,) = book.problems
    assert (problem.address, problem.expected) == (f"{OPEN}!Q9", "a date, 2026-11-03")
    accounts, now = new(path)
    assert row_of(accounts, "Last Vendor Check-in Date")["carried"] == 1
    assert now["last_vendor_checkin_date"] is None
    (problem,) = read_workbook(path.with_name("new.xlsx"), layouts).problems
    assert problem.address == f"{OPEN}!P9"


def test_italics_are_kept_or_told(old, new, tmp_path):
    """Italics mark what is sensitive: part of a text, a whole cell, and one that is folded."""

    def edit(ws):
        secret = TextBlock(InlineFont(i=True), "key <in> vault")
        ws["D9"] = CellRichText("Public. ", secret)
        ws["J9"].font = Font(name="Arial", size=9, italic=True)
        ws["M9"] = CellRichText("(1) 2026-01-20: ", secret)

    accounts, now = new(old(edit))
    ws = openpyxl.load_workbook(tmp_path / "new.xlsx", rich_text=True)[OPEN]
    described, plan = ws["E9"].value, ws["K9"].value
    assert [getattr(x, "text", x) for x in described] == ["Public. ", "key <in> vault"]
    assert described[1].font.i
    assert (plan[0].text, plan[0].font.i, plan[0].font.rFont) == ("Patch.", True, "Arial")
    assert str(plan) == now["remediation_plan"]
    assert not getattr(plan[1], "font", None)
    assert accounts.notes == (f"Italics not kept in folded text: {OPEN}!M9.",)


def test_the_header_and_other_sheets(old, new, tmp_path, layouts):
    """The system's facts and the record of changes go along; sheets of no edition are told."""

    def edit(ws):
        ws["A3"], ws["B3"], ws["C3"], ws["D3"] = "Cloud Inc", "Lift", "Moderate", "November"
        record = ws.parent["Record of Changes"]
        record["B4"], record["C4"], record["D4"] = date(2026, 1, 2), "First", 2
        ws.parent.create_sheet("Pivot")["A1"] = "sum"

    accounts, _ = new(old(edit))
    book = read_workbook(tmp_path / "new.xlsx", layouts)
    assert book.metadata == {
        "csp": "Cloud Inc",
        "system_name": "Lift",
        "impact_level": "Moderate",
        "poam_date": "November",
    }
    record = openpyxl.load_workbook(tmp_path / "new.xlsx")["Record of Changes"]
    assert (record["B4"].value.date(), record["C4"].value) == (date(2026, 1, 2), "First")
    assert record["B4"].is_date
    assert row_of(accounts, "all columns", "Record of Changes")["carried"] == 3
    assert row_of(accounts, "all columns", "Pivot")["dropped"] == 1
    assert accounts.notes == ("Sheet Pivot dropped: 1 values, and edition v3.0 has no such sheet.",)
    out = tmp_path / "again.xlsx"
    convert(tmp_path / "new.xlsx", out, "v3.0", layouts)
    assert openpyxl.load_workbook(out)["Record of Changes"].max_row == 4


def test_values_on_rows_without_an_item(old, new):
    """Drop-downs filled in ahead are told of; a row someone wrote in is refused."""

    def prefilled(ws):
        ws["P11"], ws["P14"], ws["U11"] = "No", "No", "No"

    accounts, _ = new(old(prefilled))
    assert row_of(accounts, "Vendor Dependency")["dropped"] == 2
    assert accounts.notes == (
        f"{OPEN}!P11:P14 dropped: 2 values on rows without an item.",
        f"{OPEN}!U11:U11 dropped: 1 values on rows without an item.",
    )


@pytest.mark.parametrize(
    ("cell", "value", "found"),
    [
        ("D12", "lost", "D12 stands on a row without POAM ID and Weakness Name"),
        ("A9", None, "A9 is empty, and an item needs an ID"),
        ("J9", "x" * 32_700, r"J9 has 32,798 characters with what is folded into it"),
    ],
)
def test_what_cannot_be_kept_is_refused_by_address(old, new, tmp_path, cell, value, found):
    """And nothing is written, no draft either."""
    path = old(lambda ws: ws.__setitem__(cell, value))
    with pytest.raises(WorkbookError, match=found):
        new(path)
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_a_text_that_just_fits(old, new):
    """32,767 characters with the milestones are a cell; one more is not."""
    room = 32_767 - len(
        "\n\n1) 2026-01-20: Patch tested\n2) 2026-02-04: Patch rolled out\n"
        "1) Complete 2026-01-19 : Test passed"
    )
    with pytest.raises(WorkbookError, match=r"J9 has 32,768 characters"):
        new(old(None, item(remediation_plan="x" * (room + 1))))
    _, now = new(old(None, item(remediation_plan="x" * room)))
    assert len(now["remediation_plan"]) == 32_767


def test_long_lists(old, new, tmp_path, layouts):
    """A thousand assets in a cell and hundreds of items arrive whole and in order."""
    assets = "\n".join(f"host-{n}.example.com (443/tcp)" for n in range(1000))
    items = [item(n, asset_identifier=assets if n == 7 else "a") for n in range(400, 0, -1)]
    new(old(None, *items))
    found = read_workbook(tmp_path / "new.xlsx", layouts).items
    assert found["poam_id"].tolist() == [i["poam_id"] for i in items]
    assert found.set_index("poam_id").loc["V-0007", "asset_identifier"] == assets


def test_refusals(old, blanks, tmp_path, layouts):
    """The target is new and of the blank's type; the blank is blank and of the edition asked."""
    path, out = old(), tmp_path / "new.xlsx"
    for goal, edition, blank, found in (
        (path, "v3.0", None, "exists"),
        (out, "v9", None, r"one of v3\.0, v2\.1, rev4"),
        (tmp_path / "new.xlsm", "v3.0", None, r"new\.xlsm: edition v3\.0 is written as \.xlsx"),
        (tmp_path / "none" / "new.xlsx", "v3.0", None, "cannot be written"),
        (out, "v3.0", blanks["v2.1"], r"edition v2\.1\. Expected a workbook of v3\.0"),
        (out, "v2.1", path, "holds 1 items"),
        (out, "rev4", blanks["rev4"], r"rev4\.xlsm is \.xlsm"),
        (out, "v3.0", tmp_path / "no.xlsx", "cannot be opened"),
    ):
        with pytest.raises(WorkbookError, match=found):
            convert(path, goal, edition, layouts, blank)
    filled(blanks["v2.1"], tmp_path / "c.xlsx", layouts, item(), sheets=("configuration",))
    with pytest.raises(
        WorkbookError, match=r"Configuration Findings holds 1 items, and edition re"
    ):
        convert(tmp_path / "c.xlsx", out, "rev4", layouts)
    assert not out.exists()


def test_same_bytes_every_time(old, tmp_path, layouts):
    """Converting twice gives the same file."""
    path = old()
    for name in ("1.xlsx", "2.xlsx"):
        convert(path, tmp_path / name, "v3.0", layouts)
    assert (tmp_path / "1.xlsx").read_bytes() == (tmp_path / "2.xlsx").read_bytes()


@pytest.mark.parametrize(
    "odd",
    [{}, {"weakness_source_identifier": "None", "cve": "none"}, {"false_positive": "Maybe"}],
    ids=["in order", "without identifier", "not in the drop-down"],
)
def test_no_new_errors_in_lint(old, new, tmp_path, policy, odd):
    """What was in order stays so, against last month's workbook too."""

    def errors(path, previous=None):
        books = [p and read_workbook(p, policy.templates) for p in (path, previous)]
        found = lint(books[0], policy, date(2026, 1, 20), books[1])
        return {(f.code, f.sheet, f.row, f.field) for f in found if f.level == "error"}

    path = old(None, item(), item(2, **odd))
    new(path)
    was, now = errors(path), errors(tmp_path / "new.xlsx", path)
    assert now <= was
    assert bool(was) == bool(odd)


def test_an_update_goes_on_from_the_converted_workbook(run, month, tmp_path, layouts):
    """A month's scans do to it what they do to the workbook that was of that edition already."""
    source = SAMPLE_SCANS / "poam" / "2026-09.xlsx"
    convert(source, tmp_path / "v21.xlsx", "v2.1", layouts)
    convert(tmp_path / "v21.xlsx", tmp_path / "v30.xlsx", "v3.0", layouts)
    found = []
    for name, poam in (("one", source), ("two", tmp_path / "v30.xlsx")):
        (tmp_path / name).mkdir()
        out = tmp_path / name / "out.xlsx"
        scans = [p for p in month("2026-10") if p.suffix in (".nessus", ".csv")]
        run(scans, poam, out, MONTHS["2026-10"], ledger=None)
        found.append(read_workbook(out, layouts).items)
    assert found[0].equals(found[1])
    assert len(found[0]) > len(read_workbook(source, layouts).items)


def values_of(layouts, edition):
    """Draw values for every column of an edition."""
    words = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
    milestones = words | st.lists(words, max_size=3).map(
        lambda x: "\n\n".join(f"({n}) 2026-01-0{n}: {t}" for n, t in enumerate(x, start=1))
    )
    drawn = {}
    for name in layouts.editions[edition].columns:
        rule = layouts.fields[name]
        if rule.type is FieldType.DATE:
            drawn[name] = st.dates(date(2001, 1, 1), date(2100, 1, 1))
        elif rule.type is FieldType.CHOICE:
            drawn[name] = st.sampled_from([*rule.choices, *rule.tolerated, "Odd"])
        else:
            drawn[name] = milestones if name in MILESTONES else words | st.sampled_from(["None"])
    del drawn["poam_id"]
    return st.fixed_dictionaries({}, optional=drawn)


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_every_value_is_accounted_for(tmp_path, blanks, layouts, data):
    """Random items, any pair of editions: each value is found again, and the sums hold."""
    before, after = data.draw(st.sampled_from(PAIRS))
    drawn = data.draw(st.lists(values_of(layouts, before), min_size=1, max_size=4))
    items = [values | {"poam_id": f"V-{n}"} for n, values in enumerate(drawn)]
    source, out = tmp_path / f"old{SUFFIXES[before]}", tmp_path / f"new{SUFFIXES[after]}"
    filled(blanks[before], source, layouts, *items, sheets=("open", "closed"))
    out.unlink(missing_ok=True)
    accounts = convert(source, out, after, layouts)
    assert holds(accounts)
    was, now = (read_workbook(p, layouts).items for p in (source, out))
    held = was[list(layouts.editions[before].columns)].map(lambda v: v not in (None, ""))
    for sheet, name in (("open", OPEN), ("closed", CLOSED)):
        there = accounts.frame[accounts.frame["sheet"] == name]
        of_items = there[~there["header"].str.contains("above the table")]
        assert of_items["values"].sum() == held[was["sheet"] == sheet].sum().sum()
    for one, other in zip(was.to_dict("records"), now.to_dict("records"), strict=True):
        check_item(one, other, layouts, before, after)
