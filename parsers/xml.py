"""Reading XML from strangers: no entities, no network, no growing tree.

Declarations of entities can stand only before the root element. So defusedxml reads up to there,
and refuses; what follows is read by lxml, which is faster and knows the line of each element.
"""

import codecs
import re
from collections.abc import Collection, Iterator
from xml.etree.ElementTree import ParseError

from defusedxml.common import EntitiesForbidden, ExternalReferenceForbidden
from defusedxml.ElementTree import DefusedXMLParser
from lxml import etree
from lxml.etree import XMLSyntaxError
from lxml.etree import _Element as Element

from parsers.encoding import encoding_of, head_text
from parsers.export import Export
from poam.errors import ScanParseError

__all__ = [
    "DEPTH",
    "Element",
    "TextLength",
    "broken",
    "check_start",
    "child_texts",
    "elements",
    "harmless_start",
    "held_with",
    "line_of",
    "local_name",
    "root_name",
    "text_of",
    "texts_of",
    "too_deep",
]

_BLANK = re.compile(r"\s*")
_ROOT = re.compile(r"<([^\W\d][\w.:-]*)")
_DOCTYPE_PART = re.compile(r"""<!--.*?-->|<\?.*?\?>|"[^"]*"|'[^']*'|[\[\]>]""", re.DOTALL)
_MARKS = {"utf-16-le": codecs.BOM_UTF16_LE, "utf-16-be": codecs.BOM_UTF16_BE}
_CHUNK = 65536
DEPTH = 2048
"""Elements in one another: lxml reads no more, and no export has a hundredth of it."""
TAG = 16
"""Bytes that a tag counts for beside its own: an element of a few takes hundreds in memory."""


def root_name(head: bytes) -> str | None:
    """Return the local name of the root element, or None where no XML element comes first.

    `head` may end anywhere. Byte order mark, declaration, comments, processing instructions
    and a DOCTYPE with its internal subset come before the root and are passed over.
    """
    text = head_text(head)
    *_, (at, _) = _prolog(text)
    root = _ROOT.match(text, at)
    return root[1].rpartition(":")[2] if root else None


def check_start(head: bytes, file: str) -> None:
    """Raise ScanParseError where a file cannot be well-formed XML, by its first bytes.

    Something before the XML declaration is what tools leave that put a comment of their own in.
    """
    text = head_text(head)
    for at, part in _prolog(text):
        if at and part.startswith("<?xml") and part[5:6].isspace():
            place = f"line {text.count(chr(10), 0, at) + 1}"
            found, expected = "an XML declaration with something before it", "it to come first"
            raise ScanParseError(file, place, found, expected)


def _prolog(text: str) -> Iterator[tuple[int, str]]:
    """Yield each part before the root element with its place, then where the root begins."""
    at = _BLANK.match(text, 0).end()  # type: ignore[union-attr]
    while text.startswith(("<?", "<!"), at):
        if text.startswith("<!--", at):
            end = text.find("-->", at) + 3
        elif text.startswith("<?", at):
            end = text.find("?>", at) + 2
        else:
            end = at + _doctype_end(text[at:])
        if end <= at + 2:
            end = len(text)
        yield at, text[at:end]
        at = _BLANK.match(text, end).end()  # type: ignore[union-attr]
    yield at, ""


def _doctype_end(text: str) -> int:
    """Return where the declaration that `text` begins with ends, its subset in [] included."""
    depth = 0
    for part in _DOCTYPE_PART.finditer(text, 2):
        depth += {"[": 1, "]": -1}.get(part[0], 0)
        # Inside the subset a '>' ends an element declaration, not the DOCTYPE.
        if part[0] == ">" and depth == 0:
            return part.end()
    return len(text)


def elements(
    export: Export, expected: str, whole: Collection[str], outer: Collection[str] = ()
) -> Iterator[tuple[str, Element]]:
    """Yield ("end", element) for every `whole` element, ("start" and "end", ...) for `outer`.

    Names are local names, whatever the namespace. A `whole` element comes with all it contains.
    An `outer` one is a container: at its start it has its attributes, at its end only what is
    left. What was handled leaves the tree, so memory holds one `whole` element at a time.
    `export` names what should have been there ("a complete .nessus export").
    Raises ScanParseError at the line and column where the XML breaks off or is not allowed.
    """
    inside = 0
    source = _Replayed(harmless_start(export, expected), export)
    try:
        for event, element in etree.iterparse(
            source,
            events=("start", "end"),
            tag=[f"{{*}}{name}" for name in {*whole, *outer}],
            resolve_entities=False,
            no_network=True,
            load_dtd=False,
            huge_tree=True,
            remove_comments=True,
            remove_pis=True,
        ):
            name = local_name(element)
            ends = event == "end"
            if name in whole:
                inside += -1 if ends else 1
                if inside or not ends:
                    continue
                _refuse_entities(element, export, expected)
                yield event, element
            elif not inside:
                yield event, element
            else:
                continue
            _forget(element, empty=ends)
            source.forget()
    except XMLSyntaxError as e:
        raise _broken(export, e, expected) from e


def broken(export: Export, said: str, line: int, column: int, expected: str) -> ScanParseError:
    """Return the error that says where the XML of an export is not well-formed, and how."""
    place = f"line {line}, column {max(column, 1)}"
    return export.error(place, f"broken XML ({said})", expected)


def too_deep(export: Export, place: str) -> ScanParseError:
    """Return the error that says that elements stand too deep in one another."""
    return export.error(place, f"more than {DEPTH} elements in one another", f"at most {DEPTH}")


def _broken(export: Export, error: SyntaxError, expected: str) -> ScanParseError:
    said = str(error).partition(", line ")[0].partition(": line ")[0]
    if said.startswith("Excessive depth"):
        return too_deep(export, f"line {error.position[0]}")  # type: ignore[attr-defined]
    line, column = error.position  # type: ignore[attr-defined]
    return broken(export, said, line, column, expected)


class _RootReachedError(Exception):
    """The root element begins: nothing after it can declare an entity."""


class _UpToRoot:
    """What a parser builds that only has to look at what comes before the root."""

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        raise _RootReachedError(tag, attributes)


def harmless_start(export: Export, expected: str) -> bytes:
    """Return the first bytes of an export, up to its root element or beyond, declared harmless.

    Raises ScanParseError where they declare entities, refer to external ones, or are broken.
    """
    read = b""
    parser = DefusedXMLParser(target=_UpToRoot(), forbid_entities=True, forbid_external=True)
    try:
        while chunk := export.source.read(_CHUNK):
            read += chunk
            parser.feed(chunk)
        parser.close()
    except _RootReachedError:
        pass
    except ParseError as e:
        raise _broken(export, e, expected) from e
    except EntitiesForbidden as e:
        found = f"the declaration of an entity, '{e.name}'"
        raise export.error("DOCTYPE", found, f"{expected}, which declares none") from e
    except ExternalReferenceForbidden as e:
        found = f"a reference to an external entity, '{e.sysid}'"
        raise export.error("DOCTYPE", found, f"{expected}, which has none") from e
    except (LookupError, ValueError) as e:
        # expat knows few encodings itself; for the others Python has to have a single-byte codec.
        raise export.error("XML declaration", f"an encoding ({e})", "UTF-8") from e
    # lxml knows UTF-16 without a byte order mark only by its XML declaration.
    return _MARKS.get(encoding_of(read), b"") + read


class TextLength:
    """Watches the texts and tags of an XML file while it is read: a parser holds each whole."""

    def __init__(self, export: Export) -> None:
        self._export = export
        self._since = {b"<": 0, b">": 0}  # bytes since a text, or a tag, can have begun
        self._last = b""
        self._close = b""  # what ends the comment or CDATA that is open

    def check(self, chunk: bytes) -> None:
        """Take the next bytes. Raises ScanParseError where a text is too long to hold."""
        seen = self._last + chunk  # for what lies across the border
        if self._close in seen:
            at, close = max((seen.rfind(b"<![CDATA["), b"]]>"), (seen.rfind(b"<!--"), b"-->"))
            self._close = close if at >= 0 and seen.find(close, at) < 0 else b""
        for mark, since in self._since.items():
            at = -1 if self._close and since else chunk.rfind(mark)
            self._export.hold(since + len(chunk.partition(mark)[0]), "a text")
            self._since[mark] = len(chunk) - at - 1 + (since if at < 0 else 0)
        self._last = chunk[-8:]


def held_with(held: int, chunk: bytes, export: Export) -> int:
    """Return how much of a tree is held with the next bytes of it. Raises ScanParseError."""
    held += len(chunk) + TAG * chunk.count(b"<")
    export.hold(held, "an element with all in it")
    return held


class _Replayed:
    """An export of which the beginning was read already."""

    def __init__(self, read: bytes, export: Export) -> None:
        self._read, self._export = read, export
        self._texts, self._held = TextLength(export), 0

    def read(self, size: int = -1) -> bytes:
        given, self._read = self._read, b""
        given = given or self._export.source.read(_CHUNK if size < 0 else size)
        self._texts.check(given)
        self._held = held_with(self._held, given, self._export)
        return given

    def forget(self) -> None:
        """What was given so far is no longer held."""
        self._held = 0


def _refuse_entities(element: Element, export: Export, expected: str) -> None:
    """An entity nobody declared would end the text it stands in, without a word."""
    for entity in element.iter(etree.Entity):
        raise export.error(
            line_of(element), f"the entity {entity.text}", f"{expected}, which declares none"
        )


def _forget(element: Element, *, empty: bool) -> None:
    """Drop what came before an element, on every level, and at its end what is in it."""
    if empty:
        element.clear()
    above: Element | None = element
    while above is not None:
        parent = above.getparent()
        while parent is not None and above.getprevious() is not None:
            del parent[0]
        above = parent


def line_of(element: Element) -> str:
    """Say on which line of the file an element begins."""
    return f"line {element.sourceline}"


def local_name(element: Element) -> str:
    """Return an element's name without its namespace."""
    return str(element.tag).rpartition("}")[2]


def text_of(element: Element, path: str) -> str | None:
    """Return the stripped text of the first element at `path`; None where there is none."""
    return (element.findtext(path) or "").strip() or None


def child_texts(element: Element) -> dict[str, str]:
    """Return the stripped texts of an element's children by name, of each name the first."""
    texts: dict[str, str] = {}
    for child in element:
        texts.setdefault(child.tag, (child.text or "").strip())
    return texts


def texts_of(element: Element, path: str) -> tuple[str, ...]:
    """Return the stripped texts of all elements at `path` in order, without empty ones."""
    texts = ((found.text or "").strip() for found in element.iterfind(path))
    return tuple(dict.fromkeys(text for text in texts if text))
