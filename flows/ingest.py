"""One scan file to the three tables, or to the sentence that says why not."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from gzip import BadGzipFile
from zipfile import BadZipFile

from flows.sources import Source
from parsers.export import Export
from parsers.registry import HEAD_SIZE, PARSERS, Parser, identify
from parsers.xml import check_start
from poam.errors import PoamError
from poam.frames import Tables, tables
from poam.policy import Policy

DAMAGED = (BadZipFile, BadGzipFile, EOFError, zlib.error)


def damaged(source: Source, error: Exception) -> str:
    """Say that an archive cannot be unpacked."""
    return f"{source.name}: found a damaged archive ({error}). Expected one that unpacks."


@dataclass(frozen=True)
class Parsed:
    """What became of one file: its tables, or `refused`, the reason in one sentence.

    `parser` is "" where none claims it; `detectors` are those whose closing it puts in doubt.
    """

    file: str
    sha256: str
    parser: str = ""
    detectors: tuple[str, ...] = ()
    tables: Tables | None = None
    refused: str = ""


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


def parse(source: Source, policy: Policy, parsers: Sequence[Parser] = PARSERS) -> Parsed:
    """Read one scan file to the end. A file that cannot be read is refused, never half used.

    Raises OSError where the storage fails: that may pass, so callers may try again.
    """
    digest = ""
    parser: Parser | None = None
    try:
        digest = source.sha256()
        parser = parser_of(source, parsers)
        with source.open() as stream:
            export = Export(
                stream,
                source.name,
                dates=policy.date_order(parser.NAME),
                encoding=policy.site.encodings.get(parser.NAME),
            )
            found = tables(parser.records(export), source.name, policy.zone)
    except (PoamError, *DAMAGED) as e:
        name, detectors = (parser.NAME, parser.DETECTORS) if parser else ("", ())
        sentence = str(e) if isinstance(e, PoamError) else damaged(source, e)
        return Parsed(source.name, digest, name, tuple(detectors), refused=sentence)
    return Parsed(source.name, digest, parser.NAME, tuple(parser.DETECTORS), found)
