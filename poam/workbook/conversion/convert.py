"""Convert a workbook to another edition of the template."""

import os
import shutil
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

from poam.errors import WorkbookError
from poam.layout import Layouts
from poam.workbook.conversion.accounts import Accounts, Books, listed
from poam.workbook.conversion.items import convert_items
from poam.workbook.conversion.source import Source, pages
from poam.workbook.conversion.target import Target
from poam.workbook.edits import WorkbookEdits
from poam.workbook.read import PoamWorkbook, read_workbook
from poam.workbook.template import build_template
from poam.workbook.write import write_workbook


def convert(
    source: Path, out: Path, edition: str, layouts: Layouts, blank: Path | None = None
) -> Accounts:
    """Write the items of `source` to a new workbook `out` in another edition's layout.

    `blank` is an empty workbook of that edition to fill, the official template say; without it
    the project builds one. Items keep sheet, order, ID and dates; a formula becomes what it
    shows. What the edition has no column for becomes lines of the remediation plan (milestones)
    or of the comments, `Header: value`. Raises WorkbookError, and writes nothing, where `out`
    exists, the blank is none, a sheet of items has no counterpart, or, by address, a text does
    not fit its cell, a formula has no stored result, or a row of values has no POAM ID.
    """
    if out.exists():
        raise WorkbookError(f"{out}: exists. Expected the name of a new file.")
    book = read_workbook(source, layouts)
    if blank is not None:
        _check_blank(blank, out, edition, layouts)
    try:
        with TemporaryDirectory(prefix=".", dir=out.parent) as folder:
            draft = Path(folder) / out.name
            if blank is None:
                build_template(draft, edition, layouts)
            else:
                shutil.copyfile(blank, draft)
            with closing(Source(book)) as given:
                accounts = _fill(read_workbook(draft, layouts), given, layouts)
            os.replace(draft, out)  # noqa: PTH105  Path.replace is the same call
    except OSError as e:
        raise WorkbookError(f"{out}: cannot be written ({e.strerror}).") from e
    return accounts


def _check_blank(blank: Path, out: Path, edition: str, layouts: Layouts) -> None:
    found = read_workbook(blank, layouts)
    if found.edition != edition:
        raise WorkbookError(
            f"{blank.name}: edition {found.edition}. Expected a workbook of {edition}."
        )
    if len(found.items):
        raise WorkbookError(f"{blank.name}: holds {len(found.items)} items. Expected a blank one.")
    if blank.suffix.lower() != out.suffix.lower():
        raise WorkbookError(
            f"{out.name}: {blank.name} is {blank.suffix}. Expected a file of the same type."
        )


def _fill(blank: PoamWorkbook, source: Source, layouts: Layouts) -> Accounts:
    """Write everything into the blank, and hold it against what was meant."""
    books, draft = Books(), blank.path
    items = convert_items(source, blank, layouts, books)
    if books.refused:
        raise WorkbookError(f"{source.book.path.name}: {listed(books.refused)}.")
    additions = tuple(item.addition for item in items)
    write_workbook(draft, draft, WorkbookEdits(additions=additions), layouts)
    written = read_workbook(draft, layouts)
    with closing(Target(written)) as target:
        target.put_metadata(source.book, books)
        for page in pages(source, layouts):
            target.put_page(page, books)
        target.put_rich_texts(items)
        target.save()
    found = read_workbook(draft, layouts)
    metadata = {n: source.book.metadata[n] or text for n, text in written.metadata.items()}
    if not (found.items.equals(written.items) and found.metadata == metadata):
        raise WorkbookError(f"{draft.name}: does not read back as written; nothing was written.")
    return books.accounts()
