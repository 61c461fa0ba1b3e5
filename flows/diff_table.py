"""The difference of two workbooks as text for a terminal."""

from collections.abc import Iterator, Sequence

from poam.difference import CellDifference, Difference, DifferenceKind, ItemDifference, common_start

WIDTH = 100
LISTED = 6  # lines of one value before "and n more"
NO_COLUMN = "(no such column)"
WHOLE = (DifferenceKind.ADDED, DifferenceKind.REMOVED)


def diff_table(found: Difference) -> str:
    """Say what differs, item by item; long values are cut, and say how long they are.

    No line is wider than 100 characters. The CSV and the page have every value whole.
    """
    lines = [_cut(f"{found.before} -> {found.after}", WIDTH), found.summary]
    lines += [_cut(note, WIDTH) for note in found.notes]
    if found.heading:
        lines += ["", "Above the table", *_cells(found.heading)]
    short = False
    for item in found.items:
        one_line = item.kinds[0] in WHOLE
        if not (short and one_line):
            lines.append("")
        lines.append(_cut(f"{item.poam_id or 'no ID'}  {_title(item)}", WIDTH))
        if not one_line:
            lines += _cells(item.cells)
        short = one_line
    return "\n".join(lines) + "\n"


def _title(item: ItemDifference) -> str:
    name = _printable(item.weakness_name)
    if item.kinds[0] is DifferenceKind.ADDED:
        return f"added to {item.sheet}: {name}"
    if item.kinds[0] is DifferenceKind.REMOVED:
        return f"removed from {item.sheet}: {name}"
    return f"moved from {item.sheet} to {item.to_sheet}: {name}" if item.to_sheet else name


def _cells(cells: Sequence[CellDifference]) -> Iterator[str]:
    for cell in cells:
        if cell.kind is DifferenceKind.MOVED:
            continue
        before = NO_COLUMN if cell.kind is DifferenceKind.NEW else cell.before
        after = NO_COLUMN if cell.kind is DifferenceKind.LOST else cell.after
        field = _cut(cell.field, WIDTH // 2)
        line = f"  {field}: {_printable(before) or '(empty)'} -> {_printable(after) or '(empty)'}"
        if len(line) <= WIDTH and "\n" not in before + after and not cell.only_lines:
            yield line
        else:
            yield f"  {field}:"
            yield from _block("-", before, after)
            yield from _block("+", after, before)


def _block(sign: str, text: str, other: str) -> Iterator[str]:
    """Yield the lines of a value from where it begins to differ from the other."""
    lines = text.split("\n") if text else []
    same = common_start(lines, other.split("\n"))
    there = lines[same:]
    room = WIDTH - len("    + ")
    for number, line in enumerate(there[:LISTED]):
        start = 0
        if number == 0 and len(line) > room:
            start = _differs_at(line, other.split("\n")[same:], room)
        begun = "…" if start else ""
        yield f"    {sign} {_cut(begun + line[start:], room, len(line))}"
    if len(there) > LISTED:
        yield f"    {sign} … {len(there) - LISTED:,} more lines ({len(text):,} characters)"


def _differs_at(line: str, others: Sequence[str], room: int) -> int:
    """Return where to begin so that the first difference is seen, with words before it."""
    same = common_start(line, others[0]) if others else 0
    return max(same - room // 4, 0) if same > room // 2 else 0


def _cut(text: str, room: int, length: int = 0) -> str:
    """Cut a text to one line's room, with its length where something is missing."""
    line = _printable(text)
    if len(line) <= room:
        return line
    said = f"… ({length or len(text):,} characters)"
    return line[: room - len(said)] + said


def _printable(text: str) -> str:
    """Scanner text may hold characters that steer a terminal."""
    return "".join(c if c.isprintable() else "\ufffd" if c not in "\n\t" else " " for c in text)
