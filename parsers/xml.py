"""Reading XML from strangers: no entities, no network, no growing tree."""

import re
from collections.abc import Collection, Iterator
from typing import BinaryIO
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import EntitiesForbidden, ExternalReferenceForbidden
from defusedxml.ElementTree import iterparse

from poam.errors import ScanParseError

__all__ = ["Element", "elements", "local_name", "root_name", "text_of", "texts_of"]

_BOMS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
_ROOT = re.compile(r"<([^\W\d][\w.:-]*)")
_DOCTYPE_PART = re.compile(r"""<!--.*?-->|<\?.*?\?>|"[^"]*"|'[^']*'|[\[\]>]""", re.DOTALL)


def root_name(head: bytes) -> str | None:
    """Return the local name of the root element, or None where no XML element comes first.

    `head` may end anywhere. Byte order mark, declaration, comments, processing instructions
    and a DOCTYPE with its internal subset come before the root and are passed over.
    """
    text = _decoded(head).lstrip()
    while text.startswith(("<?", "<!")):
        if text.startswith("<!--"):
            _, _, text = text.partition("-->")
        elif text.startswith("<?"):
            _, _, text = text.partition("?>")
        else:
            text = text[_doctype_end(text) :]
        text = text.lstrip()
    root = _ROOT.match(text)
    return root[1].rpartition(":")[2] if root else None


def _decoded(head: bytes) -> str:
    for bom, encoding in _BOMS:
        if head.startswith(bom):
            return head[len(bom) :].decode(encoding, errors="ignore")
    if head.startswith((b"<\0", b"\0<")):
        return head.decode("utf-16-le" if head[1] == 0 else "utf-16-be", errors="ignore")
    return head.decode("utf-8", errors="replace")


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
    source: BinaryIO,
    file: str,
    export: str,
    whole: Collection[str],
    outer: Collection[str] = (),
) -> Iterator[tuple[str, Element]]:
    """Yield ("end", element) for every `whole` element, ("start" and "end", ...) for `outer`.

    A `whole` element comes with all it contains. An `outer` one is a container: at its start
    it has its attributes, at its end only what is left. Whatever was handled, or was never asked
    for, leaves the tree at its end, so memory holds one `whole` element at a time. `export`
    names what should have been there ("a complete .nessus export").
    Raises ScanParseError at the line and column where the XML breaks off or is not allowed.
    """
    path: list[Element] = []
    inside = 0
    try:
        for event, element in iterparse(
            source, events=("start", "end"), forbid_entities=True, forbid_external=True
        ):
            if event == "start":
                path.append(element)
                inside += element.tag in whole
                if element.tag in outer:
                    yield event, element
                continue
            path.pop()
            if element.tag in whole:
                inside -= 1
            elif inside:
                continue
            if not inside:
                if element.tag in whole or element.tag in outer:
                    yield event, element
                if path:
                    path[-1].remove(element)
    except ParseError as e:
        line, column = e.position
        place, said = f"line {line}, column {column + 1}", str(e).partition(":")[0]
        raise ScanParseError(file, place, f"broken XML ({said})", export) from e
    except EntitiesForbidden as e:
        found = f"the declaration of an entity, '{e.name}'"
        raise ScanParseError(file, "DOCTYPE", found, f"{export}, which declares none") from e
    except ExternalReferenceForbidden as e:
        found = f"a reference to an external entity, '{e.sysid}'"
        raise ScanParseError(file, "DOCTYPE", found, f"{export}, which has none") from e
    except (LookupError, ValueError) as e:
        # expat knows few encodings itself; for the others Python has to have a single-byte codec.
        raise ScanParseError(file, "XML declaration", f"an encoding ({e})", "UTF-8") from e


def local_name(element: Element) -> str:
    """Return an element's name without its namespace."""
    return element.tag.rpartition("}")[2]


def text_of(element: Element, path: str) -> str | None:
    """Return the stripped text of the first element at `path`; None where there is none."""
    return (element.findtext(path) or "").strip() or None


def texts_of(element: Element, path: str) -> tuple[str, ...]:
    """Return the stripped texts of all elements at `path` in order, without empty ones."""
    texts = ((found.text or "").strip() for found in element.iterfind(path))
    return tuple(dict.fromkeys(text for text in texts if text))
