"""Which parser reads a scan file; imports no table library, so that asking is quick."""

import zlib
from collections.abc import Sequence
from gzip import BadGzipFile
from zipfile import BadZipFile

from flows.sources import Source
from parsers.registry import HEAD_SIZE, PARSERS, Parser, identify
from parsers.xml import check_start

DAMAGED = (BadZipFile, BadGzipFile, EOFError, zlib.error)


def damaged(source: Source, error: Exception) -> str:
    """Say that an archive cannot be unpacked."""
    return f"{source.name}: found a damaged archive ({error}). Expected one that unpacks."


def parser_of(source: Source, parsers: Sequence[Parser] = PARSERS) -> Parser:
    """The one parser that claims a file. Raises ScanFormatError where none or several do."""
    with source.open() as stream:
        return identify(stream.read(HEAD_SIZE), source.name, parsers)


def identified(source: Source) -> Parser:
    """The parser that claims a file, if its beginning can be read. Raises PoamError if not."""
    with source.open() as stream:
        head = stream.read(HEAD_SIZE)
    parser = identify(head, source.name)
    check_start(head, source.name)
    return parser
