"""The new workbook after its items were written: its header, other sheets and rich texts."""

import os
import re
from collections.abc import Iterable
from datetime import date, datetime, time
from typing import Any

from poam.layout import normal
from poam.model import Sheet
from poam.workbook.conversion.accounts import Books, Fate
from poam.workbook.conversion.items import ConvertedItem
from poam.workbook.conversion.source import Cells, Page, filled, read_grids
from poam.workbook.package import Package
from poam.workbook.read import PoamWorkbook
from poam.workbook.sheet_xml import INLINE, SheetXml
from poam.workbook.styles_xml import Styles
from poam.workbook.values import as_text, clean, to_serial
from poam.workbook.write import sheet_parts


class Target:
    """A workbook that has its items, opened to put in the rest."""

    def __init__(self, book: PoamWorkbook) -> None:
        self._book, self._package = book, Package(book.path)
        self._parts = sheet_parts(self._package)
        self._styles = Styles(self._package)
        self._sheets: dict[str, SheetXml] = {}
        self._grids = read_grids(book.path)

    def close(self) -> None:
        """Let go of the file."""
        self._package.close()

    def save(self) -> None:
        """Write the file anew."""
        for xml in self._sheets.values():
            xml.save()
        self._styles.save()
        path = self._book.path
        draft = path.with_name(f"{path.name}.tmp")
        self._package.write(draft)
        self._package.close()
        os.replace(draft, path)  # noqa: PTH105  Path.replace is the same call

    def _sheet(self, name: str) -> SheetXml:
        if name not in self._sheets:
            self._sheets[name] = SheetXml(self._package, self._parts[name])
        return self._sheets[name]

    def _put(self, xml: SheetXml, row: int, column: int, value: Any, first: int) -> None:  # noqa: ANN401
        """Write a day as a date, anything else as the text it shows."""
        style = xml.style(row, column, first)
        if isinstance(value, datetime) and value.time() == time():
            value = value.date()
        if isinstance(value, date) and not isinstance(value, datetime):
            serial = to_serial(value, date1904=self._book.date1904)
            xml.put_number(row, column, serial, self._styles.for_date(style))
        else:
            xml.put_text(row, column, clean(as_text(value)), style)

    def put_metadata(self, source: PoamWorkbook, books: Books) -> None:
        """Write the system's name and the like on every sheet that has them."""
        sheet = source.plans[Sheet.OPEN].name
        for name, text in source.metadata.items():
            header = name.replace("_", " ") + " (above the table)"
            books.held[sheet, header] = int(bool(text))
            if not text:
                continue
            value: str | date = text
            if name == "poam_date" and re.fullmatch(r"\d{4}-\d\d-\d\d", text):
                value = date.fromisoformat(text)
            plans = [p for p in self._book.plans.values() if name in p.metadata]
            for plan in plans:
                self._put(self._sheet(plan.name), *plan.metadata[name], value, 1)
            books.enter(sheet, header, Fate.CARRIED if plans else Fate.DROPPED)
            if not plans:
                books.notes.append(f"{sheet}, {header} dropped: no place for {text!r}.")

    def put_page(self, page: Page, books: Books) -> None:
        """Append the rows of a sheet without items that are not there yet."""
        total = sum(len(row) for row in page.rows)
        books.held[page.name, "all columns"] = total
        name = next((n for n in self._parts if normal(n) == normal(page.name)), None)
        if page.layout is None or name is None:
            books.enter(page.name, "all columns", Fate.DROPPED, total)
            if total:
                books.notes.append(
                    f"Sheet {page.name} dropped: {total} values, and edition "
                    f"{self._book.edition} has no such sheet."
                )
            return
        books.enter(page.name, "all columns", Fate.CARRIED, total)
        there = [_texts(filled(line)) for line in self._grids[name]]
        last = max((n for n, x in enumerate(there, start=1) if x), default=page.layout.header_row)
        new = [row for row in page.rows if _texts(row) not in there]
        for number, row in enumerate(new, start=last + 1):
            for column, value in row:
                self._put(self._sheet(name), number, column, value, page.layout.header_row + 1)

    def put_rich_texts(self, items: Iterable[ConvertedItem]) -> None:
        """Give texts their italics and the like back."""
        rows = self._book.items[["sheet", "row"]].itertuples(index=False, name=None)
        for (sheet, row), item in zip(rows, items, strict=True):
            plan = self._book.plans[Sheet(sheet)]
            for name, runs in item.runs.items():
                xml = self._sheet(plan.name)
                text = xml.cell(row, plan.columns[name]).find(INLINE)
                if text is None:  # an identifier that is a number
                    continue
                text[:] = runs
                xml.is_changed = True


def _texts(row: Cells) -> tuple[tuple[int, str], ...]:
    return tuple((column, as_text(value)) for column, value in row)
