"""Which parser reads a file: exactly one must recognise it."""

from collections.abc import Iterator, Sequence
from typing import BinaryIO, Protocol

from parsers import (
    nessus_xml,
    qualys_asset_data,
    qualys_detections,
    qualys_knowledgebase,
    zap_json,
    zap_xml,
)
from parsers.xml import root_name
from poam.errors import ScanFormatError
from poam.model import Record

HEAD_SIZE = 65536


class Parser(Protocol):
    """What a module needs to be a parser of one export format.

    `recognises` looks at the first HEAD_SIZE bytes, never at the file's name. `records` yields
    what the export says, one asset in memory at a time, and raises ScanParseError where it
    cannot read on.
    """

    @property
    def NAME(self) -> str:  # noqa: N802
        """The format's name, and the module's."""

    @property
    def DETECTORS(self) -> tuple[str, ...]:  # noqa: N802
        """The detectors its records may name."""

    def recognises(self, head: bytes) -> bool:
        """Tell whether the file that begins with `head` is of this format."""

    def records(self, source: BinaryIO, file: str) -> Iterator[Record]:
        """Yield the records of one export; `file` is its name in locators and errors."""


PARSERS: tuple[Parser, ...] = (
    nessus_xml,
    qualys_asset_data,
    qualys_detections,
    qualys_knowledgebase,
    zap_json,
    zap_xml,
)


def identify(head: bytes, file: str, parsers: Sequence[Parser] = PARSERS) -> Parser:
    """Return the one parser that recognises a file by its first bytes.

    Raises ScanFormatError when none does, or more than one.
    """
    claims = [parser for parser in parsers if parser.recognises(head)]
    if len(claims) == 1:
        return claims[0]
    names = ", ".join(parser.NAME for parser in parsers)
    claimed = " and ".join(parser.NAME for parser in claims)
    found = (
        f"claimed by {claimed}" if claims else f"no parser claims it; it looks like {look(head)}"
    )
    raise ScanFormatError(f"{file}: {found}. Expected exactly one of {names}.")


def look(head: bytes) -> str:
    """Say in a few words what a file that begins with `head` seems to be."""
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if not text:
        return "an empty file"
    start = text[:512].lower()
    if b"<!doctype html" in start or start.startswith(b"<html"):
        return "an HTML page"
    if root := root_name(head):
        return f"XML with the root element {root}"
    if head.startswith(b"PK\x03\x04"):
        return "a zip archive or an Office document"
    if head.startswith(b"%PDF"):
        return "a PDF document"
    if text.startswith((b"{", b"[")):
        return "JSON"
    return "binary content" if b"\0" in head else "plain text"
