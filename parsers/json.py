"""Reading JSON from strangers: whole documents, and long lists of objects one at a time."""

import codecs
import json
from collections.abc import Iterator
from functools import lru_cache
from io import BytesIO
from typing import Any, BinaryIO

import ijson
from ijson.backends import python as lazy

from parsers.encoding import encoding_of, head_text
from parsers.export import Export

Object = dict[str, Any]


@lru_cache(maxsize=4)
def paths(head: bytes) -> frozenset[str]:
    """Return the paths of all keys in a JSON file that begins with `head`, as far as it goes.

    A path joins keys with `/`; lists are passed through, the top level one too: the first
    object's `site` is `site`, its alerts' identifiers are `site/alerts/pluginid`. Empty where
    it is not JSON.
    """
    found: set[str] = set()
    stack: list[str | None] = []
    try:
        for event, value in lazy.basic_parse(
            BytesIO(head_text(head).encode()), multiple_values=True
        ):
            match event:
                case "start_map":
                    stack.append(None)
                case "end_map":
                    stack.pop()
                case "map_key":
                    stack[-1] = value
                    found.add("/".join(key for key in stack if key is not None))
                case _:
                    pass
    except (ijson.JSONError, ValueError):
        pass  # the head may end anywhere, and what is not JSON has no keys
    return frozenset(found)


def has(head: bytes, *wanted: str) -> bool:
    """Tell whether a file that begins with `head` is JSON with all these paths."""
    return head_text(head[:64]).lstrip().startswith(("{", "[")) and paths(head) >= set(wanted)


def document(export: Export, expected: str) -> Object:
    """Read a report that is one object. DAST reports are: they are some megabytes at most.

    Raises ScanParseError at the line and column where the JSON breaks off.
    """
    try:
        content = _held(export)
        report = json.loads(content.decode(encoding_of(content)))
    except json.JSONDecodeError as e:
        place = f"line {e.lineno}, column {e.colno}"
        raise export.error(place, f"broken JSON ({e.msg})", expected) from e
    except (ValueError, RecursionError) as e:  # no text, a number of thousands of digits, too deep
        raise export.error("", f"broken JSON ({type(e).__name__})", expected) from e
    if not isinstance(report, dict):
        raise export.error("line 1", f"a JSON {type(report).__name__}", expected)
    return report


def _held(export: Export) -> bytes:
    """Return all of an export."""
    content = bytearray()
    while chunk := export.source.read(1 << 20):
        content += chunk
        export.hold(len(content), "a JSON report")
    return bytes(content)


def objects(export: Export, expected: str) -> Iterator[Object]:
    """Yield the objects of a file one at a time: a list of them, or one after the other (JSONL).

    Raises ScanParseError with the number of the object at which the JSON breaks off.
    """
    try:
        stream = _Utf8Stream(export.source)
    except UnicodeDecodeError as e:
        found = f"broken JSON ({type(e).__name__})"
        raise export.error("object 1, about line 1", found, expected) from e
    prefix = "item" if stream.starts_with(b"[") else ""
    number = 0
    try:
        for number, value in enumerate(
            ijson.items(stream, prefix, multiple_values=True, use_float=True), start=1
        ):
            if not isinstance(value, dict):
                raise export.error(f"object {number}", f"a JSON {type(value).__name__}", expected)
            yield value
    except (ijson.JSONError, UnicodeDecodeError) as e:
        said = str(e).partition("\n")[0].partition(": ")[2] or type(e).__name__
        place = f"object {number + 1}, about line {stream.line}"
        raise export.error(place, f"broken JSON ({said})", expected) from e


def entries(holder: Object, key: str, export: Export, place: str) -> list[Object]:
    """Return the objects under a key: a list of them, one alone, or none."""
    value = holder.get(key) or []
    found = [value] if isinstance(value, dict) else value
    if not isinstance(found, list) or not all(isinstance(entry, dict) for entry in found):
        expected = "an object or a list of objects"
        raise export.error(place, f"'{key}' that holds no objects", expected)
    return found


def within(holder: Object, *keys: str) -> Object:
    """Return the object at a path of keys; an empty one where any of them is missing or null."""
    for key in keys:
        value = holder.get(key)
        holder = value if isinstance(value, dict) else {}
    return holder


def text(holder: Object, key: str) -> str:
    """Return a scalar under a key as text; empty where it is missing, null, an object or a list."""
    value = holder.get(key)
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None or isinstance(value, (dict, list)):
        return ""
    # JSON can spell half a character (\ud800), which no workbook and no file can hold.
    return str(value).strip().encode(errors="replace").decode()


def texts(holder: Object, key: str) -> tuple[str, ...]:
    """Return the scalars under a key as texts, one or a list of them, without empty ones."""
    value = holder.get(key)
    several = value if isinstance(value, list) else [value]
    found = (text({"": one}, "") for one in several)
    return tuple(dict.fromkeys(one for one in found if one))


class _Utf8Stream:
    """A stream of JSON in any Unicode encoding, read as UTF-8; it counts the lines."""

    def __init__(self, source: BinaryIO) -> None:
        self.line = 1
        self._source = source
        first = source.read(65536)
        self._decoder = codecs.getincrementaldecoder(encoding_of(first))()
        self._first = self._decoder.decode(first).encode()

    def starts_with(self, token: bytes) -> bool:
        """Tell what the first character that is not white space is."""
        return self._first.lstrip().startswith(token)

    def read(self, size: int = -1) -> bytes:
        """Return about `size` bytes; none at the end."""
        if size == 0:  # ijson asks so whether it gets bytes or text
            return b""
        chunk, self._first = self._first, b""
        while not chunk:
            more = self._source.read(65536 if size < 0 else size)
            chunk = self._decoder.decode(more, final=not more).encode()
            if not more:
                break
        self.line += chunk.count(b"\n")
        return chunk
