"""What fits a worksheet cell."""

import re
from collections.abc import Sequence

# The longest text a cell can hold. Source: Excel specifications and limits.
CELL_LIMIT = 32_767
POINTER = "[all "
ATTACHMENT = re.compile(
    r"^\[all (?P<count>[\d,]+) assets: (?P<file>assets-[^/\\]+\.csv)\]$", re.MULTILINE
)


def cut(text: str, limit: int) -> str:
    """The text, or as much of it as fits with a note that it was cut: never short in silence."""
    if len(text) <= limit:
        return text
    note = f"\n[cut: {len(text):,} characters, see the scan file]"
    return text[: limit - len(note)] + note


def asset_cell(lines: Sequence[str], poam_id: str) -> tuple[str, bool]:
    """An Asset Identifier cell, and whether its list had to go to an attachment.

    Whole lines only: a list that does not fit ends with a line that names the attachment
    `assets-<POAM ID>.csv`.
    """
    whole = "\n".join(lines)
    if len(whole) <= CELL_LIMIT:
        return whole, False
    pointer = attachment_line(len(lines), poam_id)
    room = CELL_LIMIT - len(pointer) - 1
    kept: list[str] = []
    for line in lines:
        if room < len(line) + 1:
            break
        kept.append(line)
        room -= len(line) + 1
    return "\n".join([*kept, pointer]), True


def attachment_line(count: int, poam_id: str) -> str:
    """The last line of an asset list that goes on in an attachment."""
    return f"{POINTER}{count:,} assets: assets-{poam_id}.csv]"


def is_attachment_line(line: str) -> bool:
    """Whether a line of an asset cell points at an attachment rather than naming an asset."""
    return line.startswith(POINTER) and line.endswith(".csv]")


def attached(cell: str) -> tuple[int, str] | None:
    """How many assets the attachment lists that an asset cell points at, and the file's name."""
    match = ATTACHMENT.search(cell)
    return (int(match["count"].replace(",", "")), match["file"]) if match else None


def appended(cell: str, line: str) -> str:
    """An append-only cell with one more line; what stands there is never edited."""
    return f"{cell.rstrip()}\n{line}" if cell.strip() else line
