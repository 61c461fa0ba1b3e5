"""Cell ranges as text: `K1:K4022 P7`."""

import re
from collections.abc import Mapping

from openpyxl.utils import get_column_letter
from openpyxl.utils.cell import column_index_from_string

LAST_ROW = 1_048_576
_RANGE = re.compile(r"\$?([A-Z]{1,3})\$?(\d+)(?::\$?([A-Z]{1,3})\$?(\d+))?")

Box = tuple[int, int, int, int]
"""First column, first row, last column, last row."""


def split(ref: str) -> tuple[int, int]:
    """Give row and column of a cell's name."""
    letters = ref.rstrip("0123456789")
    return int(ref[len(letters) :]), column_index_from_string(letters)


def name(row: int, column: int) -> str:
    """Name a cell."""
    return f"{get_column_letter(column)}{row}"


def box(ref: str) -> Box | None:
    """Read one range; None for whole rows and columns."""
    found = _RANGE.fullmatch(ref)
    if not found:
        return None
    left, top, right, bottom = found.groups()
    first, row = column_index_from_string(left), int(top)
    return first, row, column_index_from_string(right) if right else first, int(bottom or top)


def text(found: Box) -> str:
    """Write one range."""
    left, top, right, bottom = found
    start = name(top, left)
    return start if (left, top) == (right, bottom) else f"{start}:{name(bottom, right)}"


def absolute(ref: str) -> str:
    """Write a range with the signs that keep it in place: `$A$5:$AE$60`."""
    return re.sub(r"([A-Z]{1,3})(\d+)", r"$\1$\2", ref)


def extended(sqref: str, old_last: int, new_last: int) -> str:
    """Grow the ranges that reach the last row of the data so far to its new last row."""
    parts = []
    for ref in sqref.split():
        found = box(ref)
        if found and found[1] < found[3] and old_last <= found[3] < new_last:
            ref = text((*found[:3], new_last))
        parts.append(ref)
    return " ".join(parts)


def inside(found: Box | None, first: int, last: int) -> bool:
    """Tell whether a range lies wholly in some rows."""
    return found is not None and first <= found[1] and found[3] <= last


def touches(found: Box | None, first: int, last: int) -> bool:
    """Tell whether a range has a row among some rows."""
    return found is not None and found[1] <= last and first <= found[3]


def remapped(sqref: str, rows: Mapping[int, int], first: int, last: int) -> str:
    """Follow rows that move: ranges wholly among them move along, others stay."""
    parts: list[str] = []
    for ref in sqref.split():
        found = box(ref)
        if found is None or not inside(found, first, last):
            parts.append(ref)
            continue
        new = sorted(rows[r] for r in range(found[1], found[3] + 1) if r in rows)
        parts += [text((found[0], a, found[2], b)) for a, b in _runs(new)]
    return " ".join(parts)


def _runs(numbers: list[int]) -> list[tuple[int, int]]:
    runs: list[tuple[int, int]] = []
    for n in numbers:
        if runs and runs[-1][1] == n - 1:
            runs[-1] = (runs[-1][0], n)
        else:
            runs.append((n, n))
    return runs
