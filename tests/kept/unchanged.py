"""An update changes what it was asked to change; all else in the workbook is as it was."""

from poam.layout import FIELD_NAMES
from poam.model import Sheet
from poam.workbook import WorkbookEdits
from poam.workbook.ranges import absolute, box
from poam.workbook.ranges import name as cell_name
from tests.kept.around import WORKBOOK
from tests.kept.book import MAIN, TYPES, Book, canonical, translated
from tests.kept.on_cells import DUE
from tests.kept.on_rows import notes, relative, single, words_beside
from tests.kept.table import said

STYLES, CHAIN = "xl/styles.xml", "xl/calcChain.xml"
CHAINED = (TYPES, "xl/_rels/workbook.xml.rels")
LISTS = ("hyperlinks", "mergeCells", "dataValidations", "ignoredErrors")


def assert_unchanged(before: Book, after: Book, edits: WorkbookEdits, is_held: bool) -> None:
    """Compare a workbook before and after an update; `is_held` where rows could not close up."""
    rows = follow(before, {move.row for move in edits.moves}, is_held)
    same_cells(before, after, edits, rows)
    same_around(before, after, rows)
    same_notes(before, after, rows)
    same_parts(before, after, rows)
    same_items(before, after, edits, rows)
    nothing_lost(before, after, edits)


def follow(before, gone, held):
    """Give the new number of every open row; those that leave have none, unless they are held."""
    last = before.plans[Sheet.OPEN].last_row
    up = {
        row: 0 if held or row > last else sum(g < row for g in gone)
        for row in range(1, max(before.rows(Sheet.OPEN)) + 1)
    }
    return {row: row - up[row] if held or row not in gone else None for row in up}


def same_cells(before, after, edits, rows):
    """Compare the cells and attributes of each row, except those that the edits name."""
    touched = {update.row: {*update.values, DUE} for update in edits.updates}
    gone = {move.row for move in edits.moves}
    for sheet, plan in before.plans.items():
        is_open = sheet is Sheet.OPEN
        dated = plan.metadata.get("poam_date") if edits.poam_date else None
        last, now = plan.last_row, after.plans[sheet].last_row
        for row in before.rows(sheet):
            new = rows[row] if is_open else row
            if last < row <= now or new is None:
                continue
            if is_open and row in gone:
                assert not values(after, row)
                continue
            names = touched.get(row, ()) if is_open else ()
            free = {plan.columns[name] for name in names}
            free |= {dated[1]} if dated and dated[0] == row else set()
            assert attributes(before, sheet, row, names) == attributes(after, sheet, new, names)
            assert cells(before, sheet, row, free, new) == cells(after, sheet, new, free, new)
            if free:
                assert marks(before, sheet, row, free) == marks(after, sheet, new, free)
        for row in range(now + 1, last + 1) if is_open else ():
            assert not values(after, row)
    for update in edits.updates:
        if DUE not in update.values:
            old = before.cell(Sheet.OPEN, update.row, DUE).formula
            new = rows[update.row]
            found = after.cell(Sheet.OPEN, new, DUE)
            assert translated(old, f"A{update.row}", f"A{new}") == found.formula
            assert found.runs or not found.formula or asks_to_compute(after)


def cells(book, sheet, row, free, new):
    """Give the cells of a row that no edit names, with formulas as they read on another row."""
    return {
        column: cell._replace(formula=translated(cell.formula, f"A{row}", f"A{new}"))
        for column, cell in book.cells(sheet, row).items()
        if column not in free
    }


def marks(book, sheet, row, columns):
    """Give font, fill and border of the cells that an edit names; new values keep these."""
    return {c: cell.look[:3] for c, cell in book.cells(sheet, row).items() if c in columns}


def attributes(book, sheet, row, names):
    """Give the attributes of a row; one with new values may have another height."""
    free = {"r", "spans", *(("ht", "customHeight") if names else ())}
    return {k: v for k, v in book.rows(sheet)[row].items() if k not in free}


def values(book, row):
    """Give every value of an open row, and every formula but that of the due date."""
    due = book.plans[Sheet.OPEN].columns[DUE]
    found = book.cells(Sheet.OPEN, row).items()
    return [(n, c) for n, c in found if c.runs or (c.formula and n != due)]


def asks_to_compute(book):
    """Tell whether a spreadsheet program computes all formulas when it opens the workbook."""
    return book.xml(WORKBOOK).find(f"{MAIN}calcPr").get("fullCalcOnLoad") == "1"


def same_around(before, after, rows):
    """Compare what the sheets have besides cells, where it belongs now."""
    for sheet in before.plans:
        moved = rows if sheet is Sheet.OPEN else {}
        assert around(before, sheet, moved) == around(after, sheet, {})
    filters = [book.sheet().find(f"{MAIN}autoFilter") for book in (before, after)]
    assert (filters[0] is None) == (filters[1] is None)
    if filters[0] is not None:
        left, top, right, bottom = box(filters[0].get("ref"))
        last = max(bottom, after.plans[Sheet.OPEN].last_row)
        assert filters[1].get("ref") == f"{cell_name(top, left)}:{cell_name(last, right)}"
        assert list(map(canonical, filters[0])) == list(map(canonical, filters[1]))
        hidden = [n.text for n in after.xml(WORKBOOK).iter(f"{MAIN}definedName") if n.get("hidden")]
        assert hidden[0].rpartition("!")[2] == absolute(filters[1].get("ref"))


def around(book, sheet, rows):
    """Give the elements of a sheet but for its rows and filter; what is on a row that left goes."""
    found = []
    for part in book.sheet(sheet):
        tag = part.tag.removeprefix(MAIN)
        if tag in LISTS:
            assert part.get("count") in (None, str(len(part)))
        if tag not in ("sheetData", "dimension", "autoFilter"):
            for element in part if tag in LISTS else [part]:
                row = single(element.get("ref") or element.get("sqref") or "")
                if row is None:
                    found.append(canonical(element))
                elif rows.get(row, row) is not None:
                    found.append((rows.get(row, row), relative(element, row)))
    return found


def same_notes(before, after, rows):
    """Compare the notes of every row that is still there, and find no others."""
    left = {new: notes(before, Sheet.OPEN, row) for row, new in rows.items() if new}
    now = {row: notes(after, Sheet.OPEN, row) for row in after.rows(Sheet.OPEN)}
    assert {row: found for row, found in now.items() if found} == {
        row: found for row, found in left.items() if found
    }


def same_parts(before, after, rows):
    """Compare the parts that hold no rows: bytes, names and order."""
    may_differ = {*before.part.values(), STYLES, WORKBOOK}
    if any(old != new for old, new in rows.items()):
        for kind in ("comments", "vmlDrawing"):
            may_differ |= {*before.related(before.part[Sheet.OPEN], kind)}
    if CHAIN in before.parts and CHAIN not in after.parts:
        for part in CHAINED:
            old, new = (set(map(canonical, book.xml(part))) for book in (before, after))
            (chained,) = old - new
            assert new < old
            assert "calcChain" in chained
        may_differ |= {CHAIN, *CHAINED}
    names = [n for n in before.parts if n != CHAIN or n in after.parts]
    assert list(after.parts) == names
    for name in set(names) - may_differ:
        assert after.parts[name] == before.parts[name], name
    assert workbook(before) == workbook(after)
    same_styles(before, after)


def workbook(book):
    """Give the workbook part without the order to compute and the area of the filter."""
    root = book.copy().xml(WORKBOOK)
    for element in root.iter(f"{MAIN}calcPr"):
        element.attrib.pop("fullCalcOnLoad", None)
    for element in root.iter(f"{MAIN}definedName"):
        if element.get("name") == "_xlnm._FilterDatabase":
            element.text = ""
    return canonical(root)


def same_styles(before, after):
    """Styles that were there keep their numbers and their looks; new ones come behind them."""
    old, new = (book.copy().xml(STYLES) for book in (before, after))
    there, now = (root.find(f"{MAIN}cellXfs") for root in (old, new))
    assert now.get("count") == str(len(now))
    for added in list(now)[len(there) :]:
        now.remove(added)
    now.set("count", there.get("count"))
    assert canonical(new) == canonical(old)


def same_items(before, after, edits, rows):
    """Compare items as they read: what stays, what has new values, what left, and what is new."""
    closed = set(after.plans[Sheet.CLOSED].columns)
    updated = {update.row: update.values for update in edits.updates}
    leaving = {move.row: move.values for move in edits.moves}
    found = {i["poam_id"]: i for i in after.read.items.to_dict("records")}
    assert len(found) == len(before.read.items) + len(edits.additions)
    for old in before.read.items.to_dict("records"):
        new, names = found[old["poam_id"]], {"sheet", "row", *FIELD_NAMES}
        if old["sheet"] == "open" and old["row"] in leaving:
            old |= {"sheet": "closed", **leaving[old["row"]]}
            assert new["comments"].startswith(old["comments"])
            names = {"sheet", *closed} - {"comments"}
        elif old["sheet"] == "open":
            values = updated.get(old["row"], {})
            names -= {DUE} if old["row"] in updated and DUE not in values else set()
            old |= {"row": rows[old["row"]], **values}
        assert {n: new[n] for n in names} == {n: old[n] for n in names}
    for addition in edits.additions:
        new = found[addition.values["poam_id"]]
        assert {n: new[n] for n in addition.values} == addition.values


def nothing_lost(before, after, edits):
    """All that a row said, and all that hung on it, stands on its row in the other sheet."""
    rows = after.plans[Sheet.CLOSED].item_rows[-len(edits.moves) :] if edits.moves else ()
    for move, row in zip(edits.moves, rows, strict=True):
        told = "\n".join(said(cell.runs) for cell in after.cells(Sheet.CLOSED, row).values())
        columns = before.plans[Sheet.OPEN].columns
        set_anew = {columns[name] for name in move.values}
        there = before.cells(Sheet.OPEN, move.row).items()
        words = [said(cell.runs) for column, cell in there if column not in set_anew]
        for one in (*words, *words_beside(before, Sheet.OPEN, move.row)):
            assert one in told
