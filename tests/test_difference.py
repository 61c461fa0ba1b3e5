"""What differs between two workbooks: items matched, values compared, and how it is shown."""

import csv
import html
import re
import shutil
from base64 import b64encode
from dataclasses import replace
from datetime import date
from hashlib import sha256
from pathlib import Path

import openpyxl
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.diff_page import diff_page
from flows.diff_table import diff_table
from flows.runs import FORMULA_SIGNS
from poam.difference import COLUMNS, difference
from poam.layout import FIELD_NAMES, load_layouts
from poam.policy import read_mapping
from poam.workbook import (
    RowAddition,
    WorkbookEdits,
    build_template,
    read_workbook,
    write_workbook,
)
from tests.conftest import MONTHS, SAMPLE_SCANS

LAYOUTS = load_layouts(read_mapping("templates.yaml"))
OPEN, CLOSED = "Open POA&M Items", "Closed POA&M Items"
OCTOBER, NOVEMBER = MONTHS
NO_ID = "none yet"  # for the writer, which wants an ID
DATES = {name for name in FIELD_NAMES if name.endswith("_date")}


def item(poam_id="V-1", sheet="open", **values):
    """One item as the writer takes it, with the sheet it goes to."""
    number = poam_id.strip("Vv- ")
    return (
        sheet,
        {
            "poam_id": poam_id,
            "weakness_name": f"Weakness {number}",
            "weakness_detector_source": "Nessus",
            "weakness_source_identifier": f"1000{number}",
            "asset_identifier": "web-01 (443/tcp)\nweb-02",
            "original_detection_date": date(2026, 1, 5),
            "comments": "2026-01-05: found",
        }
        | values,
    )


@pytest.fixture(scope="module")
def blank(tmp_path_factory):
    """Return a function that gives an empty workbook of an edition."""
    folder = tmp_path_factory.mktemp("blank")
    for edition in LAYOUTS.editions:
        build_template(folder / f"{edition}.xlsx", edition, LAYOUTS)
    return lambda edition: folder / f"{edition}.xlsx"


@pytest.fixture
def workbook(blank, tmp_path):
    """Return a function that writes items, then single cells, and reads the workbook."""

    def write(name, *items, edition="v2.1", cells=()):
        path = tmp_path / f"{name}.xlsx"
        named = [
            (sheet, values | {"poam_id": values["poam_id"] or NO_ID}) for sheet, values in items
        ]
        added = tuple(RowAddition(sheet, values) for sheet, values in named)
        if added:
            write_workbook(blank(edition), path, WorkbookEdits(additions=added), LAYOUTS)
        else:
            shutil.copyfile(blank(edition), path)
        blanks = [(OPEN, f"A{9 + n}", None) for n, (_, v) in enumerate(items) if not v["poam_id"]]
        if cells := [*cells, *blanks]:
            book = openpyxl.load_workbook(path)
            for sheet, cell, value in cells:
                book[sheet][cell] = value
            book.save(path)
        return read_workbook(path, LAYOUTS)

    return write


def said(found):
    """Return kind, item, header and both values of each row of a difference."""
    frame = found.frame()[["kind", "poam_id", "field", "before", "after"]]
    return [tuple(row) for row in frame.itertuples(index=False)]


CHANGES = [
    pytest.param({}, {}, [], id="nothing"),
    pytest.param({"point_of_contact": "Ann"}, {"point_of_contact": "Bob"},
                 [("changed", "Point of Contact", "Ann", "Bob")], id="text"),
    pytest.param({"resources_required": "one \r\ntwo"}, {"resources_required": "one\ntwo\n "},
                 [], id="line ends and blanks at the end"),
    pytest.param({"status_date": date(2026, 1, 5)}, {"status_date": date(2026, 2, 5)},
                 [("changed", "Status Date", "2026-01-05", "2026-02-05")], id="a day"),
    pytest.param({"status_date": None}, {"status_date": date(2026, 2, 5)},
                 [("changed", "Status Date", "", "2026-02-05")], id="a day where none was"),
    pytest.param({"false_positive": "yes"}, {"false_positive": "Yes"}, [], id="choice's case"),
    pytest.param({"false_positive": "No"}, {"false_positive": "Pending"},
                 [("changed", "False Positive", "No", "Pending")], id="choice"),
    pytest.param({"adjusted_risk_rating": "N/A"}, {"adjusted_risk_rating": ""},
                 [("changed", "Adjusted Risk Rating", "N/A", "")], id="N/A in one edition"),
    pytest.param({}, {"asset_identifier": "web-02, web-01 (443/tcp)"}, [], id="assets' order"),
    pytest.param({}, {"asset_identifier": "web-02\nweb-03\nweb-01 (80/tcp)"},
                 [("changed", "Asset Identifier", "web-01 (443/tcp)", "web-03\nweb-01 (80/tcp)")],
                 id="assets that went and came"),
    pytest.param({}, {"asset_identifier": ""},
                 [("changed", "Asset Identifier", "web-01 (443/tcp)\nweb-02", "")],
                 id="no asset left"),
    pytest.param({}, {"comments": "2026-01-05: found\n2026-02-05: gone\n\nasked"},
                 [("changed", "Comments", "", "2026-02-05: gone\nasked")], id="new comments"),
    pytest.param({}, {"comments": "newest\n2026-01-05: found"},
                 [("changed", "Comments", "", "newest")], id="newest comment first"),
    pytest.param({"comments": "a\nb\nc"}, {"comments": "a\nB\nc\nd"},
                 [("changed", "Comments", "b\nc", "B\nc\nd")], id="a comment was edited"),
    pytest.param({"comments": "a\n\nb"}, {"comments": "a\nb"}, [], id="blank lines of comments"),
    pytest.param({"milestone_changes": "(1) New 2026-02-01 : x"},
                 {"milestone_changes": "(1) New 2026-02-01 : x\n\n(2) New 2026-03-01 : y"},
                 [("changed", "Milestone Changes", "", "(2) New 2026-03-01 : y")],
                 id="milestone changes"),
]  # fmt: skip


@pytest.mark.parametrize(("before", "after", "expected"), CHANGES)
def test_values_are_compared_as_people_see_them(workbook, before, after, expected):
    """Only what a reader of both workbooks would call different is a change."""
    found = difference(workbook("old", item(**before)), workbook("new", item(**after)), LAYOUTS)
    assert said(found) == [(kind, "V-1", *rest) for kind, *rest in expected]


def test_a_text_is_the_day_it_means(workbook):
    """A date cell and a text of the same day are equal; what means no day is shown as it stands."""
    old = workbook("old", item(status_date=date(2026, 1, 5)))
    same = workbook("same", item(), cells=[(OPEN, "O9", "1/5/2026")])
    odd = workbook("odd", item(), cells=[(OPEN, "O9", 'TBD "soon"')])
    assert said(difference(old, same, LAYOUTS)) == []
    assert said(difference(old, odd, LAYOUTS)) == [
        ("changed", "V-1", "Status Date", "2026-01-05", 'TBD "soon"')
    ]
    assert said(difference(odd, odd, LAYOUTS)) == []


def test_addresses_name_both_cells(workbook):
    """A cell has the address it had and the address it has, whatever stands above it."""
    old = workbook("old", item("V-1"), item("V-2"))
    new = workbook("new", item("V-2", cve="CVE-2026-1"))
    found = difference(old, new, LAYOUTS)
    frame = found.frame()
    assert list(frame.columns) == COLUMNS
    changed = frame[frame["kind"] == "changed"].iloc[0]
    assert (changed["address_before"], changed["address_after"]) == (f"{OPEN}!AD10", f"{OPEN}!AD9")
    assert found.summary == "0 added, 1 removed, 0 moved, 1 changed in 1 cell"


def test_added_and_removed_items_have_every_cell(workbook):
    """An item that only one workbook has is told cell by cell, without the empty ones."""
    one, both = workbook("one", item("V-1")), workbook("both", item("V-1"), item("V-2"))
    filled = [value for value in item("V-2")[1].values() if value]
    added, removed = difference(one, both, LAYOUTS), difference(both, one, LAYOUTS)
    assert [row[4] for row in said(added)] == [str(value) for value in filled]
    assert [(kind, poam_id, before) for kind, poam_id, _, before, _ in said(added)] == [
        ("added", "V-2", "")
    ] * len(filled)
    assert [row[3] for row in said(removed)] == [str(value) for value in filled]
    assert {row[0] for row in said(removed)} == {"removed"}
    assert set(removed.frame()["address_after"]) == {""}


def test_an_item_may_move_and_change(workbook):
    """A move is a row of its own; each of the item's rows names both sheets."""
    old = workbook("old", item())
    new = workbook("new", item(sheet="closed", point_of_contact="Ann"))
    found = difference(old, new, LAYOUTS)
    frame = found.frame()
    assert said(found) == [
        ("moved", "V-1", "", OPEN, CLOSED),
        ("changed", "V-1", "Point of Contact", "", "Ann"),
    ]
    assert set(zip(frame["sheet"], frame["to_sheet"], strict=True)) == {("open", "closed")}
    assert found.summary == "0 added, 0 removed, 1 moved, 1 changed in 1 cell"


MATCHES = [
    pytest.param([item("V-1")], [item(" v-1 ", cve="C")], [("renamed", "V-1", " v-1 ")],
                 id="an ID's case"),
    pytest.param([item("V-1")], [item("V-1 ", cve="C")], [], id="a blank after an ID"),
    pytest.param([item("V-1", weakness_name="A"), item("V-1", weakness_name="B")],
                 [item("V-1", weakness_name="A"), item("V-1", weakness_name="B", cve="C")],
                 [], id="an ID twice: by order"),
    pytest.param([item("V-1"), item("V-1", sheet="closed")],
                 [item("V-1", cve="C"), item("V-1", sheet="closed")],
                 [], id="an ID twice: by sheet"),
    pytest.param([item("V-1")],
                 [item("V-9", weakness_name="Weakness 1", weakness_source_identifier="10001",
                       cve="C")],
                 [("renamed", "V-1", "V-9")], id="the same weakness, day and assets: renamed"),
    pytest.param([item("", weakness_name="A"), item("", weakness_source_identifier="7")],
                 [item("", weakness_source_identifier="7"),
                  item("", weakness_name="A", cve="C")],
                 [], id="no ID"),
]  # fmt: skip


@pytest.mark.parametrize(("before", "after", "renamed"), MATCHES)
def test_matching(workbook, before, after, renamed):
    """Items are matched by ID, then by sheet and order, then by weakness, day and assets."""
    before = [(sheet, dict(values)) for sheet, values in before]
    found = difference(workbook("old", *before), workbook("new", *after), LAYOUTS)
    rows = said(found)
    assert [(kind, was, now) for kind, _, _, was, now in rows if kind == "renamed"] == renamed
    assert [row for row in rows if row[0] != "renamed"] == [
        ("changed", rows[-1][1], "CVE", "", "C") for _, values in after if "cve" in values
    ]


@pytest.mark.parametrize(
    "other",
    [
        {"weakness_detector_source": "Qualys"},
        {"weakness_source_identifier": "7"},
        {"weakness_source_identifier": "", "weakness_name": "B"},
        {"original_detection_date": date(2026, 1, 6)},
        {"asset_identifier": "web-01"},
    ],
    ids=["detector", "identifier", "name", "day", "assets"],
)
def test_another_weakness_is_not_a_new_name(workbook, other):
    """Where detector, identifier, day or assets differ, one item went and another came."""
    same = {"weakness_name": "Weakness 1", "weakness_source_identifier": "10001"}
    unidentified = {k: "" for k in other if other[k] == ""}
    old = workbook("old", item("V-1", **same | unidentified))
    new = workbook("new", item("V-2", **same | other))
    kinds = [kind.value for found in difference(old, new, LAYOUTS).items for kind in found.kinds]
    assert kinds == ["added", "removed"]


def test_an_id_twice_stays_on_its_sheet(workbook):
    """Of two rows with one ID, the one that is left is the one of its sheet."""
    old = workbook("old", item(weakness_name="A"), item(weakness_name="B", sheet="closed"))
    new = workbook("new", item(weakness_name="B", sheet="closed"))
    (gone,) = difference(old, new, LAYOUTS).items
    assert (gone.weakness_name, gone.kinds) == ("A", ("removed",))


def test_notes_say_what_an_id_could_not_match(workbook):
    """Where an ID does not say which row is which, the difference says how they were matched."""
    old = workbook("old", item("V-1"), item("v-1", comments="b"), item("", weakness_name="A"))
    assert difference(old, workbook("new", item("V-1")), LAYOUTS).notes == (
        "old.xlsx: V-1 stands on 2 rows, matched by sheet and order.",
        "old.xlsx: 1 item without POA&M ID, matched by detector, source identifier, detection "
        "date and assets.",
    )


def test_editions_against_each_other(workbook):
    """A column that one edition lacks matters only where it held a value; words for nothing equal.

    v2.1 writes N/A, None and No where v3.0 writes nothing.
    """
    values = {"adjusted_risk_rating": "N/A", "bod_22_01_tracking": "No", "service_name": "Mail"}
    values |= {"weakness_source_identifier": "None", "milestone_changes": "(1) New 2026-02-01 : x"}
    old = workbook("old", item(**values), item("V-2"))
    own = [item(weakness_source_identifier=""), item("V-2", cve="C")]
    new = workbook("new", *own, edition="v3.0", cells=[(OPEN, "D3", "Low")])
    lost = [("Milestone Changes", "(1) New 2026-02-01 : x"), ("Service Name", "Mail")]
    found = difference(old, new, LAYOUTS)
    rev4 = workbook("rev4", item(**values | {"adjusted_risk_rating": "", "service_name": ""}))
    rev4 = replace(rev4, edition="rev4")
    assert {row[0] for row in said(difference(old, rev4, LAYOUTS))} == {"removed", "changed"}
    assert "Adjusted Risk Rating" not in {row[2] for row in said(difference(old, rev4, LAYOUTS))}
    assert said(found) == [
        *(("lost", "V-1", field, before, "") for field, before in lost),
        ("changed", "V-2", "CVE", "", "C"),
    ]
    assert found.summary == (
        "0 added, 0 removed, 0 moved, 1 changed in 1 cell, 2 values lost with the column"
    )
    assert [row for row in said(difference(new, old, LAYOUTS)) if row[0] == "new"] == [
        ("new", "V-1", field, "", before) for field, before in lost
    ]
    rated = workbook("rated", item(adjusted_risk_rating="Low"), edition="v3.0")
    fields = [row[2:] for row in said(difference(workbook("own", item(**values)), rated, LAYOUTS))]
    assert ("Adjusted Risk Rating", "N/A", "Low") in fields


def own(**columns):
    """Give the cells of a site's own columns: header and value by letters."""
    return [
        (OPEN, f"{letters}{row}", text)
        for letters, texts in columns.items()
        for row, text in zip((5, 9), texts, strict=True)
    ]


def test_a_sites_own_columns_go_by_header(workbook):
    """A column of the site is the same wherever it stands; one that is gone lost its values."""
    old = own(
        AF=("Ticket", "T-1"),
        AG=("Team", "Web"),
        AH=("Cost", 7),
        AK=(None, "loose"),
        AM=("Note", "a"),
        AN=("Note", "b"),
    )
    new = own(
        AF=("Team", "Web"),
        AG=("ticket ", "T-2"),
        AI=("Room", "R1"),
        AK=(None, "free"),
        AM=("Note", "c"),
        AN=("Note", "b"),
    )
    old, new = workbook("old", item(), cells=old), workbook("new", item(), cells=new)
    found = difference(old, new, LAYOUTS)
    assert said(found) == [
        ("changed", "V-1", "ticket", "T-1", "T-2"),
        ("new", "V-1", "Room", "", "R1"),
        ("changed", "V-1", "Column AK", "loose", "free"),
        ("changed", "V-1", "Note", "a", "c"),
        ("lost", "V-1", "Cost", "7", ""),
    ]
    changed = found.frame().iloc[0]
    assert (changed["address_before"], changed["address_after"]) == (f"{OPEN}!AF9", f"{OPEN}!AG9")


def test_what_stands_above_the_table(workbook):
    """Provider, system, impact level and date are compared, a date whatever its cell's type."""
    above = [(OPEN, "A3", "Heron"), (OPEN, "D3", date(2026, 10, 30))]
    old = workbook("old", cells=above)
    same = workbook("same", cells=[*above[:1], (OPEN, "D3", "10/30/2026")])
    new = workbook("new", cells=[(OPEN, "B3", "Heron"), (OPEN, "E3", "2026-11-30")], edition="v3.0")
    assert said(difference(old, same, LAYOUTS)) == []
    found = difference(old, new, LAYOUTS)
    assert said(found)[-1] == ("changed", "", "POA&M Date", "2026-10-30", "2026-11-30")
    assert found.frame()["address_before"].iloc[-1] == f"{OPEN}!D3"
    assert found.frame()["address_after"].iloc[-1] == f"{OPEN}!E3"
    assert "Heron" not in found.frame().to_csv()


def test_a_workbook_equals_itself(workbook):
    """The same file twice is no difference, odd rows and all."""
    odd = [item("V-1"), item("V-1"), item(""), item("", weakness_name="B"), item("V-2", "closed")]
    book = workbook("same", *odd, cells=[(OPEN, "K9", "TBD"), (OPEN, "AK9", "loose")])
    found = difference(book, book, LAYOUTS)
    assert (found.frame().empty, found.summary) == (True, "no difference")
    assert list(found.frame().columns) == COLUMNS


TEXTS = st.sampled_from(["", "Ann", "Bob", "two\nlines"])
EDITS = st.fixed_dictionaries(
    {},
    optional={
        "point_of_contact": TEXTS,
        "remediation_plan": TEXTS,
        "status_date": st.none() | st.dates(date(2026, 1, 1), date(2026, 1, 4)),
        "original_risk_rating": st.sampled_from(["Low", "Moderate", "High"]),
        "sheet": st.sampled_from(["open", "closed"]),
    },
)


def in_memory(book, records):
    """Give a workbook these items in place of its own; rows count from 9."""
    types = {name: "object" if name in DATES else "str" for name in FIELD_NAMES}
    whole = [
        dict.fromkeys(FIELD_NAMES, "") | dict.fromkeys(DATES) | record | {"row": row}
        for row, record in enumerate(records, start=9)
    ]
    columns = ["sheet", "row", *FIELD_NAMES]
    frame = pd.DataFrame.from_records(whole, columns=columns).astype(
        {"sheet": "str", "row": "int64", **types}
    )
    for name in DATES:
        frame[name] = pd.Series([record[name] for record in whole], dtype="object")
    return replace(book, items=frame)


@pytest.fixture(scope="module")
def empty(blank):
    """An empty workbook as read."""
    return read_workbook(blank("v2.1"), LAYOUTS)


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_random_edits_are_exactly_the_difference(empty, data):
    """Edits, additions, removals, moves and a new order of a list of items are what is reported."""
    count = data.draw(st.integers(0, 6))
    made = [item(f"V-{n}")[1] | {"sheet": "open"} for n in range(count)]
    old = [record | data.draw(EDITS) for record in made]
    expected = set()
    new = []
    for record in old:
        if data.draw(st.integers(0, 4)) == 0:
            expected |= told("removed", record, record, {})
            continue
        after = record | data.draw(EDITS)
        expected |= told("changed", after, record, after)
        if after["sheet"] != record["sheet"]:
            expected.add(("moved", after["poam_id"], "", sheet_name(record), sheet_name(after)))
        new.append(after)
    for n in range(data.draw(st.integers(0, 3))):
        record = item(f"V-{20 + n}")[1] | {"sheet": "closed"}
        expected |= told("added", record, {}, record)
        new.append(record)
    new = data.draw(st.permutations(new))
    found = difference(in_memory(empty, old), in_memory(empty, new), LAYOUTS)
    rows = said(found)
    assert (set(rows), len(rows)) == (expected, len(expected))


def sheet_name(record):
    """Return what a record's sheet is called."""
    return {"open": OPEN, "closed": CLOSED}[record["sheet"]]


def told(kind, record, before, after):
    """Return the rows that two versions of a record are worth, field by field."""
    rows = set()
    for name in FIELD_NAMES:
        was, now = (str(one.get(name) or "") for one in (before, after))
        if was != now:
            header = LAYOUTS.editions["v2.1"].columns[name]
            rows.add((kind, record["poam_id"], header, was, now))
    return rows


HOSTILE = '<script>alert("x")<img src=x onerror=y> & \'"'


def test_the_page_escapes_what_scanners_wrote(workbook):
    """No text of a workbook becomes markup, wherever it stands."""
    cells = [(OPEN, "AF5", f"{HOSTILE}header"), (OPEN, "AF9", HOSTILE), (OPEN, "A3", HOSTILE)]
    values = {"weakness_name": HOSTILE, "asset_identifier": HOSTILE, "comments": f"a\n{HOSTILE}"}
    old = workbook("old", item(comments="a"))
    new = workbook("new", item(**values), item(f"V-2{HOSTILE}", **values), cells=cells)
    old = replace(old, path=Path(HOSTILE))
    page = diff_page(difference(old, new, LAYOUTS))
    assert not re.search(r"<(script|img)|onerror=y>", page)
    assert page.count(html.escape(HOSTILE)) >= 10
    tags = set(re.findall(r"</?([a-z0-9]+)", page))
    assert tags <= {
        *("html", "head", "meta", "title", "style", "body", "h1", "h2", "p", "nav", "a", "section"),
        *("span", "small", "table", "thead", "tbody", "tr", "th", "td", "del", "ins"),
    }


def test_the_page_stands_alone(workbook):
    """Its policy allows the one style it has and nothing else; it loads and runs nothing."""
    page = diff_page(difference(workbook("old"), workbook("new", item()), LAYOUTS))
    (style,) = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    digest = b64encode(sha256(style.encode()).digest()).decode()
    (allowed,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)
    assert allowed == (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )
    assert not re.search(r"https?://|url\(|@import|\bsrc=", page)
    assert "prefers-color-scheme: dark" in style
    assert "@media print" in style


def test_the_page_marks_words(workbook):
    """Before stands beside after, every word there, and the words that differ are marked."""
    text = "Ask the vendor for a patch by {} at the latest " + "and wait " * 200
    old = workbook("old", item(remediation_plan=text.format("May")))
    new = workbook("new", item(remediation_plan=text.format("June")))
    page = diff_page(difference(old, new, LAYOUTS))
    begun, ended = text.split("{}")
    for tag, word in (("del", "May"), ("ins", "June")):
        assert f"<td>{begun}<{tag}>{word}</{tag}>{ended.rstrip()}" in page


def test_the_page_says_when_a_value_is_not_whole(workbook):
    """Lines of a list are marked as such; a column that is not there is no empty cell."""
    old = workbook("old", item(service_name="Mail"))
    new = workbook("new", item(asset_identifier="web-02\nweb-01 (80/tcp)"), edition="v3.0")
    page = diff_page(difference(old, new, LAYOUTS))
    assert f"{html.escape(OPEN)}!H9, only the lines that differ" in page
    assert "<td><del>web-01 (443/tcp)</del></td><td><ins>web-01 (80/tcp)</ins></td>" in page
    assert "<td><del>Mail</del></td><td><small>no such column</small></td>" in page


def test_the_table(workbook):
    """Items are headed by ID and name; short values on a line, lists with - and +, the rest cut."""
    long = "word " * 100
    old = workbook(
        "old",
        item("V-1", remediation_plan=f"{long}old"),
        item("V-2", service_name="Mail"),
        item("V-3"),
        item("V-6", comments=""),
    )
    new = workbook(
        "new",
        item("V-1", sheet="closed", remediation_plan=f"{long}new", status_date=date(2026, 2, 5)),
        item("V-2", asset_identifier="\n".join(f"host-{n}" for n in range(1000))),
        item("V-4"),
        item("V-5"),
        item("V-6", comments="asked"),
    )
    text = diff_table(difference(old, new, LAYOUTS))
    plan = f"…{long[-23:]}{{}}"
    assert text.splitlines()[:2] == [
        "old.xlsx (v2.1) -> new.xlsx (v2.1)",
        "2 added, 1 removed, 1 moved, 3 changed in 5 cells",
    ]
    assert "V-1  moved from open to closed: Weakness 1\n" in text
    assert f"    - {plan.format('old')}\n    + {plan.format('new')}\n" in text
    assert "  Comments: (empty) -> asked\n" in text
    assert "  Status Date: (empty) -> 2026-02-05\n" in text
    assert "  Asset Identifier:\n    - web-01 (443/tcp)\n    - web-02\n    + host-0\n" in text
    assert "    + … 994 more lines (8,889 characters)\n" in text
    assert "\nV-4  added to open: Weakness 4\nV-5  added to open: Weakness 5\n" in text
    assert "V-3  removed from open: Weakness 3\n" in text
    assert max(map(len, text.splitlines())) <= 100


def test_the_table_says_empty_only_of_empty_cells(workbook):
    """Neither a value whose column is gone nor a list that lost a line is told as emptied."""
    old = workbook("old", item(service_name="Mail"))
    new = workbook("new", item(asset_identifier="web-02"), edition="v3.0")
    text = diff_table(difference(old, new, LAYOUTS))
    assert "  Service Name: Mail -> (no such column)\n" in text
    assert "  Asset Identifier:\n    - web-01 (443/tcp)\n" in text


def test_a_terminal_is_not_steered(workbook):
    """Control characters of scanner text, and those that turn its direction, are replaced."""
    old = workbook("old", item(point_of_contact="x\x9b1my"))
    odd = {"point_of_contact": "d\x9be", "asset_identifier": "web-02\nweb\u202e-03"}
    new = workbook("new", item(weakness_name="a\u202eb\x9bc", **odd))
    text = diff_table(difference(old, new, LAYOUTS))
    assert "a\ufffdb\ufffdc" in text
    assert all(c.isprintable() or c == "\n" for c in text)


@pytest.fixture(scope="module")
def november(run, month, tmp_path_factory):
    """November's run over October's workbook; gives that workbook, the new one and the run."""
    folder = tmp_path_factory.mktemp("november")
    last, out = SAMPLE_SCANS / "poam" / "2026-09.xlsx", folder / "2026-11.xlsx"
    facts = {
        "inventory": SAMPLE_SCANS / "inventory" / "inventory.xlsx",
        "kev": SAMPLE_SCANS / "kev" / "known_exploited_vulnerabilities.json",
        "ledger": f"sqlite:///{(folder / 'ledger.sqlite').as_posix()}",
    }
    between = folder / "2026-10.xlsx"
    run(month(OCTOBER), last, between, MONTHS[OCTOBER], **facts)
    return between, out, run(month(NOVEMBER), between, out, MONTHS[NOVEMBER], **facts)


def test_a_runs_changes_are_the_difference_of_its_workbooks(november):
    """An update's changes.csv and the difference of its input and output agree on every field."""
    old, new, outcome = november
    found = difference(read_workbook(old, LAYOUTS), read_workbook(new, LAYOUTS), LAYOUTS)
    frame = found.frame()
    sheets = frame[frame["kind"] == "moved"].set_index("poam_id")["to_sheet"].to_dict()
    seen = {
        (row.poam_id, LAYOUTS.field_of(row.field)): (row.before, row.after)
        for row in frame[frame["poam_id"] != ""].itertuples()
        if row.kind != "moved"
    }
    with (outcome.folder / "changes.csv").open(encoding="utf-8", newline="") as file:
        account = list(csv.DictReader(file))
    wanted = {}
    for row in account:
        before, after = (unquoted(row[name]) for name in ("before", "after"))
        if row["field"] and before != after:
            wanted[row["poam_id"], row["field"]] = expected(row["field"], before, after)
    closed = {row["poam_id"]: row["sheet"] for row in account if row["kind"] == "closed"}
    assert len(closed) > 5
    assert {poam_id for poam_id, _ in wanted} >= closed.keys()
    assert sheets == closed
    assert seen == wanted
    assert [cell.field for cell in found.heading] == ["POA&M Date"]


def unquoted(value):
    """Return what a cell of an account says, without the sign that keeps it from running."""
    return value[1:] if value[:1] == "'" and value[1:2] in FORMULA_SIGNS else value


def expected(field, before, after):
    """Return a change of the account as the difference tells it."""
    was, now = before.splitlines(), after.splitlines()
    if field == "asset_identifier" and before and after:
        gone, came = ([x for x in one if x not in other] for one, other in ((was, now), (now, was)))
        return "\n".join(gone), "\n".join(came)
    if field in ("comments", "milestone_changes") and before:
        assert after.startswith(before)
        return "", after.removeprefix(before).strip()
    return before, after
