"""Reading CSV from strangers: the header wherever it stands, columns by name, any Unicode."""

import codecs
import csv
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, islice

from parsers.encoding import encoding_of, head_text
from parsers.export import Export

PREAMBLE = 2000
"""Lines among which the header is looked for: reports put titles and lists of hosts before it."""

csv.field_size_limit(2**31 - 1)  # plugin output exceeds the 128 KiB that csv takes at first

_DELIMITERS = (",", ";", "\t")
_CHUNK = 65536


@dataclass(frozen=True, slots=True)
class Row:
    """One record: its cells by column name, stripped, and the line on which it begins."""

    line: int
    cells: dict[str, str]

    def get(self, *names: str) -> str | None:
        """Return the first of these columns that has a text in this row."""
        return next((text for name in names if (text := self.cells.get(_key(name)))), None)

    @property
    def place(self) -> str:
        """Say where in the file the row stands."""
        return f"line {self.line}"


def has_columns(head: bytes, *names: str) -> bool:
    """Tell whether a file that begins with `head` is a CSV with all these columns."""
    return _header(_lines(head), names) is not None


def columns(head: bytes, *names: str) -> frozenset[str]:
    """Return all columns of a CSV that has the named ones; none where it is no such CSV."""
    found = _header(_lines(head), names)
    return frozenset() if found is None else frozenset(found[2])


def rows(
    export: Export,
    expected: str,
    names: Sequence[str],
    is_end: Callable[[list[str]], bool] = lambda _: False,
    beside: Callable[[list[str]], object] | None = None,
) -> Iterator[Row]:
    """Yield the records below the header that has the columns `names`, blank ones left out.

    Columns are told by name in any order and case; one without a name is `(column N)`. The
    records end before the row of which `is_end` is true. `beside` is given each line above the
    header and each row from that end on. `expected` names what should have been there.
    Raises ScanParseError, with the line, where there is no such header, where a row has not
    as many cells as it, where a quote stays open or a byte is no character.
    """
    first, lines, (at, delimiter, header) = _opened(export, expected, names)
    below = chain(first[at + 1 :], lines)
    if beside:
        for above in first[:at]:
            beside(_cells(above, delimiter))
    ended = False
    for line, cells in _records(below, at + 2, delimiter, export, expected):
        ended = ended or is_end(cells)
        if ended:
            if beside is None:
                return
            beside(cells)
            continue
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) < len(header) or any(cells[len(header) :]):
            stood = f"a row of {len(cells)} cells under a header of {len(header)}"
            raise export.error(f"line {line}", stood, expected)
        texts = (cell.replace("\r\n", "\n").strip() for cell in cells)
        yield Row(line, dict(zip(header, texts, strict=False)))


def raw_rows(
    export: Export, expected: str, names: Sequence[str]
) -> Iterator[tuple[int, list[str]]]:
    """Yield every record as it stands, with the line on which it begins, blank ones too.

    For files of several tables: one of them has the columns `names`, which tell the delimiter.
    Raises ScanParseError as `rows` does, but for the number of cells.
    """
    first, lines, (_, delimiter, _) = _opened(export, expected, names)
    yield from _records(chain(first, lines), 1, delimiter, export, expected)


def _opened(
    export: Export, expected: str, names: Sequence[str]
) -> tuple[list[str], Iterator[str], tuple[int, str, tuple[str, ...]]]:
    """Return the first lines, the rest of them, and what `_header` finds in the first."""
    lines = _decoded(export, expected)
    first = list(islice(lines, PREAMBLE))
    found = _header(first, names)
    if found is None:
        place = f"lines 1 to {len(first)}" if first else ""
        raise export.error(place, f"no header with {', '.join(names)}", expected)
    return first, lines, found


def _records(
    lines: Iterable[str], start: int, delimiter: str, export: Export, expected: str
) -> Iterator[tuple[int, list[str]]]:
    """Yield the cells of each record and its line, of which the first is number `start`."""
    if export.held_mb is not None:
        csv.field_size_limit(export.held_mb * 1_000_000)
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        line = start + reader.line_num
        try:
            cells = next(reader, None)
            unwrapped = _unwrapped(cells or [], delimiter)
        except csv.Error as e:
            raise export.error(f"line {line}", f"broken CSV ({e})", expected) from e
        if cells is None:
            return
        yield line, unwrapped


def _header(lines: Sequence[str], names: Sequence[str]) -> tuple[int, str, tuple[str, ...]] | None:
    """Return the line that holds all the names, its delimiter, and all its columns."""
    wanted = {_key(name) for name in names}
    for at, line in enumerate(lines):
        for delimiter in _DELIMITERS:
            if line.count(delimiter) < len(wanted) - 1:
                continue
            cells = _cells(line, delimiter)
            if wanted <= {_key(cell) for cell in cells}:
                return at, delimiter, _named(cells)
    return None


def _cells(line: str, delimiter: str) -> list[str]:
    """Return the cells of one line; none where it is no CSV."""
    try:
        return _unwrapped(next(csv.reader([line], delimiter=delimiter), []), delimiter)
    except csv.Error:
        return []


def _unwrapped(cells: list[str], delimiter: str) -> list[str]:
    """Take a row apart that was quoted as a whole, with each quote in it doubled."""
    if len(cells) == 1 and delimiter in cells[0]:
        return next(csv.reader([cells[0]], delimiter=delimiter), [])
    return cells


def _named(cells: Sequence[str]) -> tuple[str, ...]:
    """Return a key for each column: the first of a name has it, the others say where they are."""
    keys: dict[str, None] = {}
    for number, cell in enumerate(cells, start=1):
        key = _key(cell)
        keys[key if key and key not in keys else f"(column {number})"] = None
    return tuple(keys)


@lru_cache(maxsize=1024)
def _key(name: str) -> str:
    return " ".join(name.split()).casefold()


@lru_cache(maxsize=4)
def _lines(head: bytes) -> tuple[str, ...]:
    """Return the lines of a head, which may be cut within a character."""
    text = head_text(head)
    return () if "\0" in text else tuple(islice(io.StringIO(text, newline=""), PREAMBLE))


def _decoded(export: Export, expected: str) -> Iterator[str]:
    """Yield the lines of an export, each with its end."""
    chunk = export.source.read(_CHUNK)
    encoding = encoding_of(chunk)
    if encoding == "utf-8" and export.encoding:
        encoding = export.encoding
    decoder = codecs.getincrementaldecoder(encoding)()
    done, rest, held = 0, [""], 0
    while True:
        try:
            text = decoder.decode(chunk, final=not chunk)
        except UnicodeDecodeError as e:
            line = done + e.object[: e.start].count(b"\n") + 1
            found = f"the byte 0x{e.object[e.start]:02X}, which is not {encoding.upper()}"
            wanted = f"{expected} in UTF-8 (another encoding is stated under site: encodings:)"
            raise export.error(f"line {line}", found, wanted) from e
        first, *lines = text.split("\n")
        rest.append(first)
        held += len(chunk)
        export.hold(held, "a line", f"line {done + 1}")
        if lines:
            yield "".join([*rest, "\n"])
            yield from (f"{line}\n" for line in lines[:-1])
            done += len(lines)
            rest, held = [lines[-1]], len(lines[-1])
        if not chunk:
            break
        chunk = export.source.read(_CHUNK)
    if last := "".join(rest):
        yield last
