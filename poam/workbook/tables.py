"""Tables as a workbook: one sheet each, every text as text, the same bytes for the same tables.

The parts are written directly: openpyxl needs ten times as long for a hundred thousand rows.
"""

import zipfile
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape as escape_xml
from xml.sax.saxutils import quoteattr

import pandas as pd
from openpyxl.utils import get_column_letter

from poam.errors import WorkbookError
from poam.workbook.package import MAIN, OFFICE, RELS, TYPES
from poam.workbook.values import clean, escape, to_serial

CELL_LIMIT = 32_767  # Excel's limits of a cell and of a sheet
ROW_LIMIT = 1_048_576
LONG = 240  # characters: a text of more stays on one line, so that rows stay low
NARROW, WIDE = 8, 60  # characters
MEASURED = 200  # rows that a column's width is taken from
LINE, TALLEST = 13, 409  # points: a line of text, and Excel's limit of a row
PLAIN, WRAPPED, DAY, HEAD = range(4)

_PROLOG = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_KIND = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_TOP = '<alignment vertical="top"/>'
_STYLES = f"""{_PROLOG}<styleSheet xmlns="{MAIN}">\
<numFmts count="1"><numFmt numFmtId="164" formatCode="yyyy\\-mm\\-dd"/></numFmts>\
<fonts count="2"><font><sz val="10"/><name val="Arial"/></font>\
<font><b/><sz val="10"/><color rgb="FFFFFFFF"/><name val="Arial"/></font></fonts>\
<fills count="3"><fill><patternFill patternType="none"/></fill>\
<fill><patternFill patternType="gray125"/></fill>\
<fill><patternFill patternType="solid"><fgColor rgb="FF334155"/></patternFill></fill></fills>\
<borders count="1"><border/></borders>\
<cellStyleXfs count="1"><xf/></cellStyleXfs><cellXfs count="4">\
<xf applyAlignment="1">{_TOP}</xf>\
<xf applyAlignment="1"><alignment vertical="top" wrapText="1"/></xf>\
<xf numFmtId="164" applyNumberFormat="1" applyAlignment="1">{_TOP}</xf>\
<xf fontId="1" fillId="2" applyFont="1" applyFill="1" applyAlignment="1">\
<alignment vertical="center" wrapText="1"/></xf></cellXfs>\
<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles>\
</styleSheet>"""


def write_tables(target: Path, tables: Mapping[str, pd.DataFrame]) -> None:
    """Write a workbook of one sheet per table, named by the mapping's keys.

    The first row has the columns' names, stays in sight and filters; numbers and days are such,
    what is missing is an empty cell, and nothing is ever a formula. A text that no cell holds ends
    with a mark. Raises WorkbookError where a table has more rows than a sheet, or the file cannot
    be written.
    """
    for name, frame in tables.items():
        if len(frame) >= ROW_LIMIT:
            raise WorkbookError(
                f"{target.name}, {name}: found {len(frame):,} rows. Expected fewer than "
                f"{ROW_LIMIT:,}; the CSV beside it has them all."
            )
    texts: dict[str, int] = {}
    sheets = ["".join(_sheet(frame, texts)) for frame in tables.values()]
    parts = {
        **_frame_parts(list(tables)),
        "xl/styles.xml": _STYLES,
        **{f"xl/worksheets/sheet{n}.xml": sheet for n, sheet in enumerate(sheets, start=1)},
        "xl/sharedStrings.xml": _shared(texts),
    }
    temporary = target.with_name(f".{target.name}.partial")
    try:
        with zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as out:
            for name, text in parts.items():
                entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
                entry.compress_type = zipfile.ZIP_DEFLATED
                out.writestr(entry, text)
        temporary.replace(target)
    except OSError as e:
        raise WorkbookError(f"{target}: cannot be written ({e.strerror}).") from e
    finally:
        temporary.unlink(missing_ok=True)


def _sheet(frame: pd.DataFrame, texts: dict[str, int]) -> Iterator[str]:
    """Yield the parts of a sheet; `texts` gets what it says, by number."""
    letters = [get_column_letter(n) for n in range(1, frame.shape[1] + 1)]
    columns = [_values(frame.iloc[:, n]) for n in range(frame.shape[1])]
    widths = [_width(name, values) for name, values in zip(frame.columns, columns, strict=True)]
    yield f'{_PROLOG}<worksheet xmlns="{MAIN}"><sheetPr><pageSetUpPr fitToPage="1"/></sheetPr>'
    yield '<sheetViews><sheetView workbookViewId="0">'
    yield '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/>'
    yield "</sheetView></sheetViews><cols>"
    for number, width in enumerate(widths, start=1):
        yield f'<col min="{number}" max="{number}" width="{width}" customWidth="1"/>'
    yield "</cols><sheetData>"
    heads = [
        _text(letter, 1, str(name), HEAD, texts)
        for letter, name in zip(letters, frame, strict=True)
    ]
    yield f'<row r="1">{"".join(heads)}</row>'
    for number, row in enumerate(zip(*columns, strict=True), start=2):
        cells = [
            _cell(letter, number, value, texts) for letter, value in zip(letters, row, strict=True)
        ]
        yield f'<row r="{number}"{_height(row, widths)}>{"".join(cells)}</row>'
    yield f'</sheetData><autoFilter ref="A1:{letters[-1]}{len(frame) + 1}"/>'
    yield '<pageSetup orientation="landscape" fitToHeight="0"/></worksheet>'


def _values(column: "pd.Series[Any]") -> list[Any]:
    """Return a column's cells as Python's own values; what is missing is None."""
    return list(column.astype(object).where(column.notna(), None))


def _cell(letter: str, row: int, value: object, texts: dict[str, int]) -> str:
    if value is None or value == "":
        return ""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f'<c r="{letter}{row}" s="{PLAIN}"><v>{value!r}</v></c>'
    if isinstance(value, date):
        return f'<c r="{letter}{row}" s="{DAY}"><v>{to_serial(value)}</v></c>'
    text = str(value)
    return _text(letter, row, text, PLAIN if len(text) > LONG else WRAPPED, texts)


def _text(letter: str, row: int, text: str, style: int, texts: dict[str, int]) -> str:
    number = texts.setdefault(text, len(texts))
    return f'<c r="{letter}{row}" s="{style}" t="s"><v>{number}</v></c>'


def _width(name: object, values: list[Any]) -> int:
    lines = (line for value in values[:MEASURED] for line in str(value or "").split("\n"))
    longest = max((len(str(name)), *map(len, lines)))
    return min(max(longest + 2, NARROW), WIDE)


def _height(row: tuple[Any, ...], widths: list[int]) -> str:
    """Return the height of a row whose texts wrap: not every program finds it by itself."""
    lines = max(
        sum(-(-max(len(line), 1) // width) for line in value.split("\n"))
        for value, width in zip(("", *row), (1, *widths), strict=True)
        if isinstance(value, str) and len(value) <= LONG
    )
    return f' ht="{min(lines * LINE, TALLEST)}"' if lines > 1 else ""


def _shared(texts: Mapping[str, int]) -> str:
    every = "".join(f'<si><t xml:space="preserve">{_written(text)}</t></si>' for text in texts)
    return f'{_PROLOG}<sst xmlns="{MAIN}" uniqueCount="{len(texts)}">{every}</sst>'


def _written(text: str) -> str:
    """Return a text as a cell holds it, not cut in silence."""
    text = clean(text)
    if len(text) > CELL_LIMIT:
        mark = f"\n[cut: {len(text):,} characters; the CSV has all]"
        text = text[: CELL_LIMIT - len(mark)] + mark
    return escape_xml(escape(text))


def _frame_parts(names: list[str]) -> dict[str, str]:
    """Return the parts that say what the others are."""
    numbers = range(1, len(names) + 1)
    overrides = {
        "/xl/workbook.xml": "sheet.main",
        **{f"/xl/worksheets/sheet{n}.xml": "worksheet" for n in numbers},
        "/xl/styles.xml": "styles",
        "/xl/sharedStrings.xml": "sharedStrings",
    }
    listed = "".join(
        f'<Override PartName="{part}" ContentType="{_KIND}.{kind}+xml"/>'
        for part, kind in overrides.items()
    )
    sheets = "".join(
        f'<sheet name={quoteattr(name)} sheetId="{n}" r:id="rId{n}"/>'
        for n, name in zip(numbers, names, strict=True)
    )
    targets = [("worksheet", f"worksheets/sheet{n}.xml") for n in numbers]
    targets += [("styles", "styles.xml"), ("sharedStrings", "sharedStrings.xml")]
    return {
        "[Content_Types].xml": f'{_PROLOG}<Types xmlns="{TYPES}">'
        '<Default Extension="rels" '
        'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f"{listed}</Types>",
        "_rels/.rels": _relations([("officeDocument", "xl/workbook.xml")]),
        "xl/workbook.xml": f'{_PROLOG}<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}">'
        f"<sheets>{sheets}</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": _relations(targets),
    }


def _relations(targets: list[tuple[str, str]]) -> str:
    listed = "".join(
        f'<Relationship Id="rId{n}" Type="{OFFICE}/{kind}" Target="{target}"/>'
        for n, (kind, target) in enumerate(targets, start=1)
    )
    return f'{_PROLOG}<Relationships xmlns="{RELS}">{listed}</Relationships>'
