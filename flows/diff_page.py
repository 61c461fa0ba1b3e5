"""The difference of two workbooks as a page: one file, without scripts, for screen and paper."""

import re
from collections.abc import Iterator, Sequence
from html import escape

from flows.page_style import STYLE, allowed
from poam.difference import CellDifference, Difference, DifferenceKind, ItemDifference, common_start

NO_COLUMN = "<small>no such column</small>"
WORDS = re.compile(r"\s+|[^\s]+")


def diff_page(found: Difference) -> str:
    """Say what differs, every value whole, before beside after; equal words are not marked."""
    title = f"{found.before} → {found.after}"
    parts = [
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{allowed(STYLE)}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{escape(title)}</title><style>{STYLE}</style></head>",
        f"<body><h1>{escape(title)}</h1><p>{escape(found.summary)}</p>",
        *(f"<p>{escape(note)}</p>" for note in found.notes),
        *_contents(found.items),
    ]
    if found.heading:
        parts += ["<section><h2>Above the table</h2>", *_table(found.heading), "</section>"]
    for number, item in enumerate(found.items):
        parts += _section(number, item)
    return "\n".join([*parts, "</body></html>"]) + "\n"


def _contents(items: Sequence[ItemDifference]) -> Iterator[str]:
    """Yield the items of each kind, as links."""
    yield "<nav>"
    for kind in DifferenceKind:
        links = [
            f'<a href="#item-{number}">{_id(item)}</a>'
            for number, item in enumerate(items)
            if kind in item.kinds
        ]
        if links:
            yield f"<p>{kind.value}: {', '.join(links)}</p>"
    yield "</nav>"


def _section(number: int, item: ItemDifference) -> Iterator[str]:
    kinds = " ".join(f'<span class="kind">{kind.value}</span>' for kind in item.kinds)
    where = f"{item.sheet} → {item.to_sheet}" if item.to_sheet else item.sheet
    yield f'<section id="item-{number}">'
    yield f"<h2>{_id(item)} {escape(item.weakness_name)} {kinds}</h2><small>{where}</small>"
    yield from _table(item.cells)
    yield "</section>"


def _id(item: ItemDifference) -> str:
    return escape(item.poam_id) or "no ID"


def _table(cells: Sequence[CellDifference]) -> Iterator[str]:
    yield "<table><thead><tr><th>Column</th><th>Before</th><th>After</th></tr></thead><tbody>"
    for cell in cells:
        field = "Sheet" if cell.kind is DifferenceKind.MOVED else cell.field
        at = " → ".join(dict.fromkeys(filter(None, (cell.address_before, cell.address_after))))
        before, after = _marked(cell)
        said = f"{at}, only the lines that differ" if cell.only_lines else at
        if cell.kind is DifferenceKind.NEW:
            before = NO_COLUMN
        elif cell.kind is DifferenceKind.LOST:
            after = NO_COLUMN
        head = f'<th scope="row">{escape(field)}<small>{escape(said)}</small></th>'
        yield f"<tr>{head}<td>{before}</td><td>{after}</td></tr>"
    yield "</tbody></table>"


def _marked(cell: CellDifference) -> tuple[str, str]:
    """Mark what two texts do not have in common at their beginning and end, by words."""
    was, now = WORDS.findall(cell.before), WORDS.findall(cell.after)
    start = 0 if cell.only_lines else common_start(was, now)
    end = 0 if cell.only_lines else common_start(was[start:][::-1], now[start:][::-1])
    return _around(was, start, end, "del"), _around(now, start, end, "ins")


def _around(words: Sequence[str], start: int, end: int, tag: str) -> str:
    parts = (words[:start], words[start : len(words) - end], words[len(words) - end :])
    first, middle, last = (escape("".join(part)) for part in parts)
    return f"{first}<{tag}>{middle}</{tag}>{last}" if middle else first + last
