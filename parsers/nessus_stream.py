"""Reading `.nessus` files part by part; what hosts repeat of a plugin is read only once.

Nine tenths of a large export are the texts of plugins, over again for each host. XML is read by
expat, whose state after some bytes follows from its state before them and from the bytes alone.
So a ReportItem that comes again after another one, byte for byte but for its output, need not be
read again: expat is given line breaks in its place.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from xml.parsers import expat
from xml.sax.saxutils import unescape

from parsers.export import Export
from parsers.xml import DEPTH, TextLength, broken, harmless_start, held_with, too_deep

ITEM, OUTPUT = "ReportItem", "plugin_output"
WHOLE = {"policyName", "HostProperties", ITEM}
OUTER = {"Report", "ReportHost"}

_ITEM, _ITEM_END = b"<ReportItem", b"</ReportItem>"
_CHUNK = 1 << 16
_LONGEST = 8 << 20  # an item of more bytes is read as it comes
_REMEMBERED = 16 << 20  # bytes of items; beyond, remembering begins anew

_HIDING = re.compile(rb"<[!?]")  # what stands in a comment, CDATA or an instruction is no tag
_TEXT = bytes({*b"\t\n", *range(0x20, 0x7F)} - {*b"<&"})
_REFERENCES = {"&quot;": '"', "&apos;": "'"}
_OTHER_REFERENCE = re.compile(rb"&(?!(?:amp|lt|gt|quot|apos);)")


@dataclass(slots=True)
class Part:
    """An element by its local name: attributes, own text, the parts in it.

    One that comes again may be the same object, so `made` is for what its reader makes of it.
    """

    name: str
    attributes: Mapping[str, str]
    text: str = ""
    parts: list["Part"] = field(default_factory=list)
    made: Any = None


Found = tuple[str, Part, str | None]
"""An event, "start" or "end", its part, and of a ReportItem the output, which is no part of it."""


def parts(export: Export, expected: str) -> Iterator[Found]:
    """Yield the WHOLE parts at their end, the OUTER ones with attributes alone at start and end.

    `expected` names what should have been there.
    Raises ScanParseError at the line and column where the XML breaks off or is not allowed.
    """
    chunk = harmless_start(export, expected)
    reader, texts = _Reader(export, expected), TextLength(export)
    try:
        while chunk:
            texts.check(chunk)
            reader.read(chunk)
            yield from reader.taken()
            chunk = export.source.read(_CHUNK)
        reader.finish()
    except expat.ExpatError as e:
        yield from reader.taken()
        raise broken(export, expat.ErrorString(e.code), e.lineno, e.offset + 1, expected) from e
    yield from reader.taken()


@dataclass(slots=True)
class _Known:
    """An item, its bytes before and after the text of its output, and the line breaks in these.

    Without an output all its bytes are `before`.
    """

    before: bytes
    after: bytes
    item: Part
    lines: int


class _Reader:
    """Gives bytes to expat, and keeps what it finds."""

    def __init__(self, export: Export, expected: str) -> None:
        self._export, self._expected = export, expected
        self._expat = expat.ParserCreate()
        self._expat.buffer_text = True
        self._expat.StartElementHandler = self._start
        self._expat.EndElementHandler = self._end
        self._expat.SkippedEntityHandler = self._entity
        self._found: list[Found] = []
        self._whole: Part | None = None
        self._depth = 0  # in the file
        self._level = 0  # below the whole part
        self._open: Part | None = None  # whose own text comes
        self._texts: list[str] = []
        self._ended: Part | None = None  # of whole parts the last
        self._sure = False  # that the next tag is one, of no whole part
        self._held = b""
        self._parts_held = 0  # bytes of the whole part
        self._lines = 0  # left out since expat was given something
        self._known: dict[bytes, _Known] = {}  # the last with this start tag
        self._remembered = 0

    def taken(self) -> list[Found]:
        """Return what was found since it was last asked."""
        found, self._found = self._found, []
        return found

    def read(self, chunk: bytes) -> None:
        """Read the next bytes; an item that they begin is held until its end comes."""
        data, at = self._held + chunk, 0
        while (start := data.find(_ITEM, at)) >= 0:
            self._read_between(data[at:start])
            at = self._known_end(data, start) or self._item_end(data, start)
            if not at:
                break
        held = start if start >= 0 else max(data.rfind(b"<", at), at)
        if start < 0:
            self._read_between(data[at:held])
        if len(data) - held > _LONGEST:
            self._feed(data[held:])
            held, self._sure = len(data), False
        self._held = data[held:]

    def finish(self) -> None:
        """Read what is held, as the end of the file."""
        self._feed(self._held)
        self._expat.Parse(b"", True)

    def _read_between(self, data: bytes) -> None:
        """Read what stands before an item."""
        if data.strip():
            self._feed(data)
            self._sure = self._sure and self._whole is None and not _HIDING.search(data)
        else:
            self._lines += data.count(b"\n")

    def _known_end(self, data: bytes, start: int) -> int:
        """Find what a known item says, and return where it ends; 0 where it is not known."""
        known = self._known.get(data[start : data.find(b"<", start + 1)])
        if not known or not self._sure or not data.startswith(known.before, start):
            return 0
        text = start + len(known.before)
        end = data.find(b"<", text) if known.after else text
        output = data[text:end]
        if not data.startswith(known.after, end) or not _is_text(output):
            return 0
        self._found.append(("end", known.item, _text(output)))
        self._lines += known.lines + output.count(b"\n")
        return end + len(known.after)

    def _item_end(self, data: bytes, start: int) -> int:
        """Read an item, or what by its bytes seems to be one; return where it ends, 0 if later."""
        end = data.find(_ITEM_END, start) + len(_ITEM_END)
        if end < len(_ITEM_END):
            return 0
        item = data[start:end]
        before, output, after = _pieces(item)
        sure, self._ended = self._sure, None
        self._feed(before)
        in_output = self._level == 1
        self._feed(output)
        in_output = in_output and self._level == 1
        self._feed(after)
        ended = None if _HIDING.search(item) else self._ended
        self._sure = ended is not None
        if sure and ended and (in_output or not after):
            lines = before.count(b"\n") + after.count(b"\n")
            self._remember(item[: item.find(b"<", 1)], _Known(before, after, ended, lines))
        return end

    def _remember(self, tag: bytes, known: "_Known") -> None:
        self._remembered += len(known.before) + len(known.after)
        if self._remembered > _REMEMBERED:
            self._known.clear()
            self._remembered = 0
        self._known[tag] = known

    def _feed(self, data: bytes) -> None:
        if data:
            self._expat.Parse(b"\n" * self._lines + data, False)
            self._lines = 0
            whole = self._whole is None
            self._parts_held = 0 if whole else held_with(self._parts_held, data, self._export)

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        self._close()
        self._depth += 1
        if self._depth > DEPTH:
            raise too_deep(self._export, self._place())
        name = tag.rpartition(":")[2]
        if self._whole is not None:
            self._level += 1
            if self._level == 1:
                self._whole.parts.append(self._opened(Part(name, attributes)))
        elif name in WHOLE:
            self._whole, self._level = self._opened(Part(name, attributes)), 0
        elif name in OUTER:
            self._found.append(("start", Part(name, attributes), None))

    def _end(self, tag: str) -> None:
        self._close()
        self._depth -= 1
        if self._whole is None:
            if (name := tag.rpartition(":")[2]) in OUTER:
                self._found.append(("end", Part(name, {}), None))
        elif self._level:
            self._level -= 1
        else:
            self._found.append(("end", self._whole, _taken_output(self._whole)))
            self._ended, self._whole = self._whole, None

    def _opened(self, part: Part) -> Part:
        """Collect a part's own text."""
        self._open = part
        self._expat.CharacterDataHandler = self._texts.append
        return part

    def _close(self) -> None:
        """A part's own text ends where it does, or where the first part in it begins."""
        if self._open is not None:
            self._expat.CharacterDataHandler = None
            self._open.text = "".join(self._texts)
            self._open = None
            self._texts.clear()

    def _entity(self, name: str, *_: object) -> None:
        """An entity nobody declared would be left out of its text, without a word."""
        expected = f"{self._expected}, which declares none"
        raise self._export.error(self._place(), f"the entity &{name};", expected)

    def _place(self) -> str:
        return f"line {self._expat.CurrentLineNumber}"


def _pieces(item: bytes) -> tuple[bytes, bytes, bytes]:
    """Take an item's bytes apart: before the text of its output, that text, and after it."""
    before, mark, rest = item.partition(b"<plugin_output>")
    output, close, after = rest.partition(b"</plugin_output>")
    return before + mark, output, close + after


def _taken_output(item: Part) -> str | None:
    """Take the output out of an item: its first text, without white space around it."""
    outputs = [part.text.strip() for part in item.parts if part.name == OUTPUT]
    item.parts = [part for part in item.parts if part.name != OUTPUT]
    return next(filter(None, outputs), None)


def _is_text(output: bytes) -> bool:
    """Tell whether bytes are ASCII text of XML, and nothing else, whatever stands around them."""
    others = output.translate(None, _TEXT)
    return not others.strip(b"&") and b"]]>" not in output and not _OTHER_REFERENCE.search(output)


def _text(output: bytes) -> str | None:
    """Return what such bytes say, without white space around it."""
    text = output.decode("ascii").strip()
    return (unescape(text, _REFERENCES) if "&" in text else text).strip() or None
