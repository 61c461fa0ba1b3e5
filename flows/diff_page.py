"""The difference of two workbooks as a page: one file, without scripts, for screen and paper."""

import re
from base64 import b64encode
from collections.abc import Iterator, Sequence
from hashlib import sha256
from html import escape

from poam.difference import CellDifference, Difference, DifferenceKind, ItemDifference, common_start

STYLE = """
:root { color-scheme: light dark; --line: #c8c8c8; --quiet: #5c5c5c; --gone: #ffe0dc;
  --came: #d9f2dd; --page: #fff; --text: #1a1a1a; }
@media (prefers-color-scheme: dark) { :root { --line: #4a4a4a; --quiet: #a8a8a8; --gone: #5a2521;
  --came: #1f4a2a; --page: #161616; --text: #ececec; } }
body { font: 14px/1.45 system-ui, sans-serif; color: var(--text); background: var(--page);
  max-width: 80rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.05rem; margin: 2rem 0 .4rem; }
table { width: 100%; border-collapse: collapse; table-layout: fixed; }
th, td { border: 1px solid var(--line); padding: .3rem .5rem; text-align: left;
  vertical-align: top; overflow-wrap: anywhere; }
td { white-space: pre-wrap; } th:first-child { width: 18%; } tbody th { font-weight: normal; }
small { display: block; color: var(--quiet); }
del { background: var(--gone); text-decoration: none; }
ins { background: var(--came); text-decoration: none; }
.kind { border: 1px solid var(--line); border-radius: .6rem; padding: 0 .5rem;
  font-size: .85rem; font-weight: normal; color: var(--quiet); }
nav p { margin: .3rem 0; } a { color: inherit; }
@media print { :root { --line: #888; --quiet: #444; --gone: #f4d6d2; --came: #d8ecdb;
  --page: #fff; --text: #000; } body { max-width: none; padding: 0; font-size: 10px; }
  nav { display: none; } thead { display: table-header-group; }
  tr, h2 { break-inside: avoid; } h2 { break-after: avoid; }
  del, ins { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  del { text-decoration: line-through; } ins { text-decoration: underline; } }
"""
STYLE_SHA256 = b64encode(sha256(STYLE.encode()).digest()).decode()
ALLOWED = (
    f"default-src 'none'; style-src 'sha256-{STYLE_SHA256}'; base-uri 'none'; form-action 'none'"
)
NO_COLUMN = "<small>no such column</small>"
WORDS = re.compile(r"\s+|[^\s]+")


def diff_page(found: Difference) -> str:
    """Say what differs, every value whole, before beside after; equal words are not marked."""
    title = f"{found.before} → {found.after}"
    parts = [
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{ALLOWED}">',
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
