"""A workbook as a team has it before anyone added something of their own."""

from datetime import date
from pathlib import Path
from typing import Any

from lxml import etree

from poam.model import Sheet
from poam.workbook import RowAddition, WorkbookEdits, build_template, write_workbook
from poam.workbook.ranges import name as cell_name
from tests.kept.book import LAYOUTS, MAIN, OFFICE, Book, append, made
from tests.kept.on_cells import DUE, fill
from tests.kept.on_rows import SHEETML

COUNT = 7  # open items
PREPARED = 8  # rows below them, ready to be typed into


def item(n: int, **values: Any) -> dict[str, Any]:
    """Make the values of one item."""
    return {
        "poam_id": f"V-{n:04}",
        "controls": "RA-5",
        "weakness_name": f"Weakness {n}",
        "weakness_detector_source": "Nessus",
        "weakness_source_identifier": str(10000 + n),
        "asset_identifier": f"10.0.0.{n} (443/tcp)",
        "original_detection_date": date(2026, 1, n),
        "scheduled_completion_date": date(2026, 2, n),
        "status_date": date(2026, 2, 1),
        "original_risk_rating": "High",
        "comments": f"2026-02-01: opened {n}",
    } | values


def filled(path: Path, edition: str) -> Book:
    """Build a workbook with seven open items and a closed one, as Excel saves it."""
    build_template(path, edition, LAYOUTS)
    added = [RowAddition("open", item(n)) for n in range(1, COUNT + 1)]
    added.append(RowAddition("closed", item(20)))
    write_workbook(path, path, WorkbookEdits(additions=tuple(added)), LAYOUTS)
    book = Book.open(path)
    for sheet in (Sheet.OPEN, Sheet.CLOSED):
        _prepare(book, sheet)
    _compute_due_dates(book)
    _share_strings(book)
    book.xml("xl/workbook.xml").find(f"{MAIN}calcPr").attrib.pop("fullCalcOnLoad")
    book.save(path)
    return Book.open(path)


def _prepare(book: Book, sheet: Sheet) -> None:
    """Add rows that have the styles of the last item."""
    plan = book.plans[sheet]
    data = book.sheet(sheet).find(f"{MAIN}sheetData")
    for row in range(plan.last_row + 1, plan.last_row + PREPARED + 1):
        line = etree.SubElement(data, f"{MAIN}row", r=str(row), ht="14.25", customHeight="1")
        book.rows(sheet)[row] = line
        for column, cell in book.elements(sheet, plan.last_row).items():
            etree.SubElement(line, f"{MAIN}c", r=cell_name(row, column), s=cell.get("s", "0"))


def _compute_due_dates(book: Book) -> None:
    """Let the prepared rows of the open sheet share the formula of the official template."""
    plan = book.plans[Sheet.OPEN]
    first, last = plan.last_row + 1, plan.last_row + PREPARED
    rating, seen, due = (
        cell_name(first, plan.columns[name])
        for name in ("original_risk_rating", "original_detection_date", DUE)
    )
    text = f'IF({rating}="High",{seen}+30,IF({rating}="Low",{seen}+180,""))'
    own = f' ref="{due}:{cell_name(last, plan.columns[DUE])}">{text}</f>'
    for row in range(first, last + 1):
        cell = book.element(Sheet.OPEN, row, plan.columns[DUE])
        fill(cell, "str", f'<f t="shared" si="0"{own}', "<v/>")
        own = "/>"


def _share_strings(book: Book) -> None:
    """Keep texts where Excel keeps them, in a part that cells share."""
    part = "xl/sharedStrings.xml"
    empty = f'<sst xmlns="{MAIN[1:-1]}"/>'.encode()
    content = f"{SHEETML}.sharedStrings+xml"
    book.attach("xl/workbook.xml", f"{OFFICE}/sharedStrings", part, empty, content)
    for sheet in book.plans:
        for cell in book.sheet(sheet).iter(f"{MAIN}c"):
            inside = cell.find(f"{MAIN}is")
            if inside is not None:
                cell.set("t", "s")
                inside.tag = f"{MAIN}si"
                cell.append(made(f"<v>{append(book.strings, inside)}</v>"))
