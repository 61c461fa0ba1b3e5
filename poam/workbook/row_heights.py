"""How high a row must be to show its texts: an estimate, seldom too small and not much too high."""

import re
from functools import lru_cache

_LINE, _MARGIN, _HIGHEST = 13, 2, 409  # points; no row can be higher (Excel's limits)
# Of Arial's letters, how wide next to a digit; columns are as wide as so many digits.
_SIZES = (
    dict.fromkeys("iljtfrI.,:;'|!()[]/\\- `\"", 0.6)
    | dict.fromkeys("ABCDEFGHJKLNOPQRSTUVXYZ&", 1.3)
    | dict.fromkeys("mwMW@%", 1.6)
)
_ROOM = 0.94  # of a column's digits: the template's Arial 10 is wider than the default font
_FIRST_WIDE = "\u1100"  # from here on most letters (Hangul, Chinese, Kana) take two places
_WIDEST = 2
_PIECES = re.compile(r"[^\s-]+-*|[\s-]+")  # a line may end after a space or a hyphen


def height(lines: int) -> int:
    """Give the points that lines of text take."""
    return min(_HIGHEST, lines * _LINE + _MARGIN)


def wrapped(text: str, width: float) -> int:
    """Give the lines a text takes in a column, whose width is in digits as workbooks have it."""
    room = max(1.0, width * _ROOM)
    return sum(_lines(paragraph, room) for paragraph in text.split("\n"))


def _lines(paragraph: str, room: float) -> int:
    lines, used = 1, 0.0
    if len(paragraph) * _WIDEST <= room:
        return lines
    for piece in _PIECES.findall(paragraph):
        size = _size(piece)
        if used and used + size > room and not piece.isspace():
            lines, used = lines + 1, 0.0
        used += size
        if used > room:
            lines, used = lines + int(used // room), used % room
    return lines


@lru_cache(maxsize=10_000)
def _size(piece: str) -> float:
    return sum(_SIZES.get(x, _WIDEST if x >= _FIRST_WIDE else 1) for x in piece)
