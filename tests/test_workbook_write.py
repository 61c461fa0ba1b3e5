"""Writing in place: edited cells change, and nothing else in the whole file does."""

import re
import shutil
import subprocess
import zipfile
from datetime import date
from pathlib import Path

import openpyxl
import pytest
from lxml import etree

from poam.errors import WorkbookError
from poam.layout import load_layouts
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
from poam.workbook.row_heights import wrapped
from poam.workbook.rows import renumbered

OFFICIAL = Path(__file__).parents[2] / "shared" / "templates"
EDITIONS = {"rev4": "rev4.xlsm", "v2.1": "v2.1.xlsx", "v3.0": "v3.0.xlsx"}
OPEN = "Open POA&M Items"
NS = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
HOSTILE = [
    "=cmd|' /C calc'!A0",
    "+1",
    "-1+1",
    "@SUM(A1)",
    "\t=1+1",
    "\r=1+1",
    "a\x00b\x1bc\ufffe",
    " lead and trail ",
    "_x0041_",
    "<b>&amp;</b>",
    "'=1",
    "#REF!",
    "1e5",
    "😀",
]


@pytest.fixture(scope="module")
def layouts():
    """Load the project's own layouts."""
    return load_layouts(read_mapping("templates.yaml"))


@pytest.fixture(params=EDITIONS)
def official(request):
    """Find each official template beside the project, or skip."""
    path = OFFICIAL / f"FedRAMP-POAM-Template-{EDITIONS[request.param]}"
    if not path.exists():
        pytest.skip(f"{path.name} is not here: the project ships no official template")
    return path


@pytest.fixture
def built(tmp_path, layouts):
    """Build a blank v2.1 workbook of our own."""
    path = tmp_path / "built.xlsx"
    build_template(path, "v2.1", layouts)
    return path


def item(n, **values):
    """Make the values of one item."""
    return {
        "poam_id": f"V-{n:04}",
        "controls": "RA-5",
        "weakness_name": f"Weakness {n}",
        "weakness_description": "Line one\nline two",
        "weakness_detector_source": "Nessus",
        "weakness_source_identifier": str(10000 + n),
        "asset_identifier": "10.0.0.1 (443/tcp)\n10.0.0.2",
        "original_detection_date": date(2026, 1, 5),
        "scheduled_completion_date": date(2026, 2, 4),
        "status_date": date(2026, 2, 1),
        "original_risk_rating": "High",
        "comments": "2026-02-01: opened",
    } | values


def additions(count, sheet="open", **values):
    """Ask for some new items."""
    return WorkbookEdits(
        additions=tuple(RowAddition(sheet, item(n, **values)) for n in range(1, count + 1))
    )


def parts(path):
    """Read every part of a file."""
    with zipfile.ZipFile(path) as z:
        return {n: z.read(n) for n in z.namelist()}


def rows(data, numbers):
    """Give some rows of a sheet part as canonical XML."""
    root = etree.fromstring(data)
    return {
        r.get("r"): etree.tostring(r, method="c14n")
        for r in root.iter(f"{NS}row")
        if int(r.get("r")) in numbers
    }


def sheet_part(path, name=OPEN):
    """Find the part of a sheet."""
    found = parts(path)
    ids = {s.get("name"): s for s in etree.fromstring(found["xl/workbook.xml"]).iter(f"{NS}sheet")}
    rid = next(v for k, v in ids[name].items() if k.endswith("}id"))
    rels = etree.fromstring(found["xl/_rels/workbook.xml.rels"])
    return "xl/" + next(r.get("Target") for r in rels if r.get("Id") == rid).removeprefix("/xl/")


def full_formulas(path, name=OPEN):
    """Read every formula of a sheet in full, by cell."""
    ws = openpyxl.load_workbook(path, keep_vba=path.suffix == ".xlsm")[name]
    return {c.coordinate: c.value for r in ws.iter_rows() for c in r if c.data_type == "f"}


def test_five_rows_in_each_official_template(official, tmp_path, layouts):
    """What was written reads back; guidance, rules and every other part are as they were."""
    out = tmp_path / f"out{official.suffix}"
    assert write_workbook(official, out, additions(5), layouts) == ()
    book = read_workbook(out, layouts)
    assert book.problems == ()
    assert book.items["row"].tolist() == [9, 10, 11, 12, 13]
    for n, got in enumerate(book.items.to_dict("records"), start=1):
        assert {k: got[k] for k in item(n)} == item(n)
    before, after = parts(official), parts(out)
    sheet = sheet_part(official)
    changed = {n for n in before if before[n] != after.get(n)}
    assert changed <= {
        sheet,
        "xl/styles.xml",
        "xl/calcChain.xml",
        "[Content_Types].xml",
        "xl/_rels/workbook.xml.rels",
    }
    assert set(after) == set(before) - {"xl/calcChain.xml"}
    assert rows(before[sheet], range(9)) == rows(after[sheet], range(9))
    assert rows(before[sheet], range(14, 5000)).keys() == rows(after[sheet], range(14, 5000)).keys()
    assert before[sheet].split(b"</sheetData>")[1].count(b"sqref") > 8
    for tag in ("dataValidation", "conditionalFormatting", "mergeCell", "col", "pane"):
        old, new = (etree.fromstring(x[sheet]).iter(NS + tag) for x in (before, after))
        assert [etree.tostring(e, method="c14n") for e in old] == [
            etree.tostring(e, method="c14n") for e in new
        ]


def test_formulas_below_the_written_rows_stay_the_same(official, tmp_path, layouts):
    """When the first cell of a shared formula is overwritten, the rest compute as before."""
    out = tmp_path / f"out{official.suffix}"
    write_workbook(official, out, additions(70), layouts)
    before, after = full_formulas(official), full_formulas(out)
    left = {c for c, text in before.items() if int(c.lstrip("LM")) not in range(9, 79)}
    assert after == {c: before[c] for c in left}
    assert b"calcChain" not in parts(out)["[Content_Types].xml"]


def test_same_edits_same_bytes(official, tmp_path, layouts):
    """Two writes of the same edits give the same file."""
    one, two = tmp_path / f"1{official.suffix}", tmp_path / f"2{official.suffix}"
    for out in (one, two):
        write_workbook(official, out, additions(3), layouts)
    assert one.read_bytes() == two.read_bytes()


def test_no_edit_is_a_copy(official, tmp_path, layouts):
    """Nothing to change, or only what is there already: the target is the source, to the byte."""
    out, again = tmp_path / f"out{official.suffix}", tmp_path / f"again{official.suffix}"
    write_workbook(official, out, WorkbookEdits(), layouts)
    assert out.read_bytes() == official.read_bytes()
    edits = additions(2)
    first = WorkbookEdits(additions=edits.additions, poam_date=date(2026, 3, 1))
    write_workbook(official, out, first, layouts)
    same = tuple(RowUpdate("open", 8 + n, item(n)) for n in (1, 2))
    write_workbook(out, again, WorkbookEdits(updates=same, poam_date=date(2026, 3, 1)), layouts)
    assert again.read_bytes() == out.read_bytes()


def test_macros_and_type_stay(layouts, tmp_path):
    """An .xlsm stays one, its macros byte for byte; another suffix is refused."""
    source = OFFICIAL / "FedRAMP-POAM-Template-rev4.xlsm"
    if not source.exists():
        pytest.skip(f"{source.name} is not here: the project ships no official template")
    out = tmp_path / "out.xlsm"
    write_workbook(source, out, additions(1), layouts)
    assert parts(out)["xl/vbaProject.bin"] == parts(source)["xl/vbaProject.bin"]
    assert b"macroEnabled" in parts(out)["[Content_Types].xml"]
    with pytest.raises(WorkbookError, match="same type"):
        write_workbook(source, tmp_path / "out.xlsx", additions(1), layouts)


def test_poam_date_on_every_sheet_that_has_one(official, tmp_path, layouts):
    """The header date replaces placeholder or guidance on each sheet with a metadata block."""
    out = tmp_path / f"out{official.suffix}"
    write_workbook(official, out, WorkbookEdits(poam_date=date(2026, 3, 1)), layouts)
    book = openpyxl.load_workbook(out)
    found = read_workbook(out, layouts)
    assert found.metadata["poam_date"] == "2026-03-01"
    for plan in found.plans.values():
        if plan.metadata:
            cell = book[plan.name].cell(*plan.metadata["poam_date"])
            assert cell.is_date
            assert cell.value.date() == date(2026, 3, 1)
    expected = {"rev4": 2, "v2.1": 3, "v3.0": 1}[found.edition]
    assert sum(bool(p.metadata) for p in found.plans.values()) == expected


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_text_stays_text(built, tmp_path, layouts, text):
    """Scanner text is never a formula, and holds no character that XML forbids."""
    out = tmp_path / "out.xlsx"
    write_workbook(built, out, additions(1, weakness_name=text, comments=text), layouts)
    want = text.replace("\r", "\n").replace("\x00", " ").replace("\x1b", " ").replace("\ufffe", " ")
    assert read_workbook(out, layouts).items["weakness_name"].tolist() == [want]
    cell = openpyxl.load_workbook(out)[OPEN]["C9"]
    assert cell.data_type in ("s", "inlineStr")
    assert cell.value.replace("_x005F_", "_") == want


def test_dates_and_numbers_are_real(built, tmp_path, layouts):
    """Dates are numbers shown as dates; plain plugin numbers are numbers, others are text."""
    out = tmp_path / "out.xlsx"
    edits = WorkbookEdits(
        additions=tuple(
            RowAddition("open", item(n, weakness_source_identifier=text, status_date="2026-02-01"))
            for n, text in enumerate(["10881", "007", "CVE-2026-1", "1" * 16, "0"], start=1)
        )
    )
    write_workbook(built, out, edits, layouts)
    ws = openpyxl.load_workbook(out)[OPEN]
    assert [ws.cell(r, 6).data_type for r in range(9, 14)] == ["n", "s", "s", "s", "n"]
    for column in "KLO":
        assert ws[f"{column}9"].is_date
        assert ws[f"{column}9"].number_format == "mm-dd-yy"
    assert ws["G9"].alignment.wrap_text
    assert ws["G9"].alignment.vertical == "top"
    assert ws["G9"].font.name == "Arial"


def test_an_update_changes_its_cells_only(built, tmp_path, layouts):
    """Other cells of the row, and other rows, are the same XML as before."""
    one, two = tmp_path / "1.xlsx", tmp_path / "2.xlsx"
    write_workbook(built, one, additions(3), layouts)
    edit = RowUpdate("open", 10, {"cve": "CVE-2026-1", "status_date": date(2026, 3, 1)})
    write_workbook(one, two, WorkbookEdits(updates=(edit,)), layouts)
    old, new = (
        {
            c.get("r"): etree.tostring(c, method="c14n")
            for c in etree.fromstring(parts(p)[sheet_part(p)]).iter(f"{NS}c")
        }
        for p in (one, two)
    )
    assert {r for r in new if new[r] != old.get(r)} == {"AD10", "O10"}


def test_rows_beyond_the_template_take_its_rules_along(tmp_path, layouts):
    """From row 4023 on, validations, formats and styles reach the new rows."""
    source = OFFICIAL / "FedRAMP-POAM-Template-v2.1.xlsx"
    if not source.exists():
        pytest.skip(f"{source.name} is not here: the project ships no official template")
    out = tmp_path / "out.xlsx"
    write_workbook(source, out, additions(4020), layouts)
    ws = openpyxl.load_workbook(out)[OPEN]
    sqref = {str(r) for v in ws.data_validations.dataValidation for r in v.sqref.ranges}
    assert {"K1:K4028", "S1:S4028", "F158:F4028", "U1:W4028", "P7", "AC7:AC8", "C3"} <= sqref
    assert not any("4022" in r for r in sqref)
    assert {"A8:AE4028", "M8:M4028"} <= {str(c.sqref) for c in ws.conditional_formatting}
    assert ws.dimensions == "A1:AY4028"
    assert ws["C4028"].font.name == ws["C4000"].font.name
    assert ws["L4028"].is_date
    assert len(read_workbook(out, layouts).items) == 4020


@pytest.mark.parametrize(
    ("bottom", "expected"), [(11, 14), (9, 9)], ids=["to the last item", "to an earlier row"]
)
def test_a_filter_reaches_the_new_rows(tmp_path, layouts, bottom, expected):
    """A filter over all items takes new ones in, and so does the name Excel keeps for it."""
    blank, source, out = (tmp_path / name for name in ("blank.xlsx", "in.xlsx", "out.xlsx"))
    build_template(blank, "v2.1", layouts)
    write_workbook(blank, source, additions(3), layouts)
    book = openpyxl.load_workbook(source)
    book[OPEN].auto_filter.ref = f"A5:AE{bottom}"
    book.save(source)
    write_workbook(source, out, additions(3), layouts)
    book = openpyxl.load_workbook(out)
    assert book[OPEN].auto_filter.ref == f"A5:AE{expected}"
    with zipfile.ZipFile(out) as package:
        names = package.read("xl/workbook.xml").decode()
    assert f"$A$5:$AE${expected}" in names
    assert len(read_workbook(out, layouts).items) == 6


def test_rows_are_high_enough(official, tmp_path, layouts):
    """Written rows have room for their lines, by a height that the next edit may change."""
    out = tmp_path / f"out{official.suffix}"
    write_workbook(official, out, additions(1, comments="line\n" * 4), layouts)
    root = etree.fromstring(parts(out)[sheet_part(out)])
    row = next(r for r in root.iter(f"{NS}row") if r.get("r") == "9")
    assert row.get("customHeight") is None
    assert float(row.get("ht")) >= 65


@pytest.mark.parametrize(
    ("text", "width", "least", "most"),
    [
        pytest.param("", 10, 1, 1, id="nothing"),
        pytest.param("N/A", 10, 1, 1, id="a word"),
        pytest.param("a\nb\n\nc", 10, 4, 4, id="its own lines"),
        pytest.param("1" * 9, 10, 1, 1, id="just fits"),
        pytest.param("1" * 10, 10, 2, 2, id="just does not"),
        pytest.param("0123456 0123456", 10, 2, 2, id="a word goes down whole"),
        pytest.param("heron-034.example.com", 12, 3, 3, id="a hyphen ends a line"),
        pytest.param("REMOTE HOST LACKS UPDATE " * 12, 34, 12, 13, id="capitals are wide"),
        pytest.param("The host lacks a security update. " * 9, 44, 7, 8, id="prose is narrow"),
        pytest.param("\u6f0f\u6d1e" * 20, 40, 3, 3, id="Chinese takes two places"),
    ],
)
def test_the_lines_a_text_takes(text, width, least, most):
    """Lines are estimated from letters, seldom too few: LibreOffice needs `least`."""
    assert least <= wrapped(text, width) <= most


def _prefixed(data):
    return data.replace(b"<", b"<x:").replace(b"<x:/", b"</x:").replace(b"xmlns=", b"xmlns:x=")


@pytest.mark.parametrize(
    "odd",
    [
        pytest.param(
            lambda d: re.sub(rb'(<(?:row|c)) r="[A-Z]*1[0-2]"', rb"\1", d), id="no numbers"
        ),
        pytest.param(lambda d: re.sub(rb'<c r="(\w+)"( s="\d+")', rb"<c\2 r='\1'", d), id="quotes"),
        pytest.param(
            lambda d: d.replace(b"<row", b"\n  <!-- <row r='9'/> -->\n<row"), id="comments"
        ),
        pytest.param(
            lambda d: re.sub(rb"<t>([^<&]*)</t>", rb"<t><![CDATA[\1]]></t>", d), id="cdata"
        ),
        pytest.param(_prefixed, id="prefix"),
        pytest.param(lambda d: b"\xef\xbb\xbf" + d, id="byte order mark"),
    ],
)
def test_other_forms_of_the_same_sheet(built, tmp_path, layouts, odd):
    """XML allows more forms than programs write: all of them are edited to the same cells."""
    write_workbook(built, built, additions(4), layouts)
    openpyxl.load_workbook(built).save(built)
    part, other = sheet_part(built), tmp_path / "other.xlsx"
    with zipfile.ZipFile(other, "w") as z:
        for name, data in parts(built).items():
            z.writestr(name, odd(data) if name == part else data)
    edits = WorkbookEdits(
        updates=(RowUpdate("open", 12, {"comments": "new"}),),
        additions=(RowAddition("open", item(7)),),
        moves=(RowMove("open", 10, "closed", {"status_date": date(2026, 3, 1)}),),
    )
    for path in (built, other):
        assert write_workbook(path, path, edits, layouts) == ()
    cells = [
        [(c.coordinate, c.value, c.style_id) for line in ws.iter_rows() for c in line]
        for ws in (openpyxl.load_workbook(path)[OPEN] for path in (built, other))
    ]
    assert cells[0] == cells[1]


def test_a_result_that_reads_otherwise_is_refused(built, tmp_path, layouts, monkeypatch):
    """One cell changed that nobody asked for, and the target stays what it was."""
    write_workbook(built, built, additions(4), layouts)
    target = tmp_path / "target.xlsx"
    target.write_bytes(b"before")

    def careless(row, number):
        return renumbered(row, number).replace(b"Weakness 4", b"Weakness 5")

    monkeypatch.setattr("poam.workbook.rows.renumbered", careless)
    edits = WorkbookEdits(moves=(RowMove("open", 10, "closed", {}),))
    said = "row 11, weakness_name: 'Weakness 5' after writing. Expected 'Weakness 4'"
    with pytest.raises(WorkbookError, match=said):
        write_workbook(built, target, edits, layouts)
    assert target.read_bytes() == b"before"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["built.xlsx", "target.xlsx"]


def test_an_implausible_date_is_left_alone(built, layouts):
    """A row whose date means nothing takes other edits, and moves with the number it has."""
    write_workbook(built, built, additions(2), layouts)
    book = openpyxl.load_workbook(built)
    book[OPEN]["K9"].value = book[OPEN]["K10"].value = 45
    book.save(built)
    edits = WorkbookEdits(
        updates=(RowUpdate("open", 9, {"comments": "new"}),),
        moves=(RowMove("open", 10, "closed", {}),),
    )
    write_workbook(built, built, edits, layouts)
    told = [problem.address for problem in read_workbook(built, layouts).problems]
    assert told == [f"{OPEN}!K9", "Closed POA&M Items!K6"]
    raw = [
        etree.fromstring(parts(built)[sheet_part(built, n)]) for n in (OPEN, "Closed POA&M Items")
    ]
    values = [
        next(c.findtext(f"{NS}v") for c in root.iter(f"{NS}c") if c.get("r") == cell)
        for root, cell in zip(raw, ("K9", "K6"), strict=True)
    ]
    assert values == ["45", "45"]


def test_limits_are_errors_that_leave_the_target_alone(built, tmp_path, layouts):
    """Too long a text, an unknown column, row or sheet: an error, no file, no draft."""
    out = tmp_path / "out.xlsx"
    for edits, words in (
        (additions(1, comments="x" * 32_768), "32,768 characters"),
        (additions(1, colour="red"), "no column for colour"),
        (additions(1, poam_id=""), "needs a POAM ID"),
        (additions(1, poam_id="V-1Example"), "0 items after writing"),
        (additions(1, sheet="elsewhere"), "no elsewhere sheet"),
        (WorkbookEdits(updates=(RowUpdate("open", 8, {"cve": "x"}),)), "holds no item"),
    ):
        with pytest.raises(WorkbookError, match=words):
            write_workbook(built, out, edits, layouts)
    assert [p.name for p in tmp_path.iterdir()] == ["built.xlsx"]


def test_source_and_target_may_be_one_file(built, layouts):
    """Writing over the source replaces it at once."""
    write_workbook(built, built, additions(2), layouts)
    write_workbook(built, built, additions(1, sheet="closed"), layouts)
    assert read_workbook(built, layouts).items["sheet"].tolist() == ["open", "open", "closed"]


def test_a_prefilled_row_takes_only_what_the_item_says(built, tmp_path, layouts):
    """Drop-downs someone filled in advance do not become part of a new item."""
    book = openpyxl.load_workbook(built)
    book[OPEN]["V9"] = "Yes"
    book[OPEN]["L9"] = "=K9+30"
    book.save(built)
    out = tmp_path / "out.xlsx"
    values = item(1)
    del values["scheduled_completion_date"]
    write_workbook(built, out, WorkbookEdits(additions=(RowAddition("open", values),)), layouts)
    assert read_workbook(out, layouts).items["false_positive"].tolist() == [""]
    assert full_formulas(out) == {"L9": "=K9+30"}
    assert b'fullCalcOnLoad="1"' in parts(out)["xl/workbook.xml"]


@pytest.mark.heavy
def test_libreoffice_reads_the_same(tmp_path, layouts):
    """LibreOffice opens the written official file and finds the same items."""
    source = OFFICIAL / "FedRAMP-POAM-Template-v2.1.xlsx"
    soffice = shutil.which("soffice")
    if soffice is None or not source.exists():
        pytest.skip("needs LibreOffice and the official template")
    out = tmp_path / "out.xlsx"
    write_workbook(source, out, additions(5, weakness_description="_x0041_ =1"), layouts)
    command = [soffice, f"-env:UserInstallation=file://{tmp_path}/profile", "--headless"]
    command += ["--convert-to", "xlsx", "--outdir", str(tmp_path / "lo"), str(out)]
    subprocess.run(command, check=True, capture_output=True, timeout=300)  # noqa: S603
    one, two = (read_workbook(p, layouts).items for p in (out, tmp_path / "lo" / "out.xlsx"))
    assert two.to_dict("records") == one.to_dict("records")


def test_recalculation_where_nobody_asked_before(built, tmp_path, layouts):
    """A workbook without calculation settings gets them, at their place, once a result is stale."""
    book = openpyxl.load_workbook(built)
    book[OPEN]["L9"] = "=K9+30"
    book.save(built)
    content = parts(built)
    part = re.sub(rb"<calcPr[^>]*/>", b"", content["xl/workbook.xml"])
    with zipfile.ZipFile(built, "w") as package:
        for name, data in (content | {"xl/workbook.xml": part}).items():
            package.writestr(name, data)
    out = tmp_path / "out.xlsx"
    values = {k: v for k, v in item(1).items() if k != "scheduled_completion_date"}
    write_workbook(built, out, WorkbookEdits(additions=(RowAddition("open", values),)), layouts)
    tags = re.findall(rb"<(?:\w+:)?(\w+)[ >/]", parts(out)["xl/workbook.xml"])
    tags = [tag for tag in tags if tag in (b"sheets", b"definedNames", b"calcPr", b"extLst")]
    assert tags[-1] == b"calcPr"
    assert tags[0] == b"sheets"
