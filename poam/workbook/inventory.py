"""Read the integrated inventory workbook: which names belong to which asset identifier."""

import re
from pathlib import Path

import pandas as pd
from python_calamine import CalamineError, CalamineWorkbook

from poam.errors import InventoryError
from poam.policy import InventoryLayout

HEADER_ROWS = 20


def read_inventory(path: Path, layout: InventoryLayout) -> pd.DataFrame:
    """One row per asset: `identifier`, `names` (every other name and address), `in_latest_scan`.

    Columns are found by header text. Cells may hold several addresses on lines of their own. The
    guidance and example rows of the blank template are not assets. Raises InventoryError where
    the sheet or the identifier column is missing, or an identifier is listed twice.
    """
    try:
        workbook = CalamineWorkbook.from_path(path)
    except (CalamineError, OSError) as e:
        raise InventoryError(f"{path.name}: cannot be read ({e}). Expected a workbook.") from e
    titles = {name.strip().casefold(): name for name in workbook.sheet_names}
    if layout.sheet.casefold() not in titles:
        raise InventoryError(f"{path.name}: found no sheet '{layout.sheet}'.")
    sheet = workbook.get_sheet_by_name(titles[layout.sheet.casefold()])
    rows = [[_text(cell) for cell in row] for row in sheet.to_python(skip_empty_area=False)]
    header, columns = _header(rows, layout, path.name)
    labels = {label.casefold() for label in layout.label_column_values}
    assets = []
    for row in rows[header + 1 :]:
        identifier = row[columns["identifier"][0]]
        if identifier and row[0].casefold() not in labels:
            scanned = [row[at] for at in columns["in_latest_scan"]]
            named = [
                name for kind in ("ips", "names", "macs") for name in _names(row, columns[kind])
            ]
            assets.append(
                (identifier, tuple(dict.fromkeys(named)), ("".join(scanned)).casefold() == "yes")
            )
    frame = pd.DataFrame.from_records(assets, columns=["identifier", "names", "in_latest_scan"])
    twice = frame["identifier"][frame["identifier"].duplicated()]
    if len(twice):
        raise InventoryError(
            f"{path.name}: found {', '.join(twice)} more than once. Expected unique identifiers."
        )
    return frame


def _header(
    rows: list[list[str]], layout: InventoryLayout, file: str
) -> tuple[int, dict[str, list[int]]]:
    wanted = {
        "identifier": layout.identifier,
        "ips": layout.ips,
        "names": layout.names,
        "macs": layout.macs,
        "in_latest_scan": layout.in_latest_scan,
    }
    for number, row in enumerate(rows[:HEADER_ROWS]):
        texts = [_folded(cell) for cell in row]
        columns = {
            field: [texts.index(_folded(h)) for h in headers if _folded(h) in texts]
            for field, headers in wanted.items()
        }
        if columns["identifier"]:
            return number, columns
    raise InventoryError(
        f"{file}, sheet {layout.sheet}: found no column '{layout.identifier[0]}' in the first "
        f"{HEADER_ROWS} rows."
    )


def _names(row: list[str], columns: list[int]) -> list[str]:
    return [
        name.strip() for at in columns for name in re.split(r"[\n,;]+", row[at]) if name.strip()
    ]


def _text(cell: object) -> str:
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell).strip()


def _folded(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip().casefold()
