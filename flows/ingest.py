"""One scan file to the three tables, or to the sentence that says why not."""

import zlib
from dataclasses import dataclass
from gzip import BadGzipFile
from zipfile import BadZipFile
from zoneinfo import ZoneInfo

from flows.sources import Source
from parsers.registry import HEAD_SIZE, Parser, identify
from poam.errors import PoamError
from poam.frames import Tables, tables


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


def parser_of(source: Source) -> Parser:
    """The one parser that claims a file. Raises ScanFormatError where none or several do."""
    with source.open() as stream:
        return identify(stream.read(HEAD_SIZE), source.name)


def parse(source: Source, zone: ZoneInfo) -> Parsed:
    """Read one scan file to the end. A file that cannot be read is refused, never half used.

    Raises OSError where the storage fails: that may pass, so callers may try again.
    """
    digest = ""
    parser: Parser | None = None
    try:
        digest = source.sha256()
        parser = parser_of(source)
        with source.open() as stream:
            found = tables(parser.records(stream, source.name), source.name, zone)
    except (PoamError, BadZipFile, BadGzipFile, EOFError, zlib.error) as e:
        name, detectors = (parser.NAME, parser.DETECTORS) if parser else ("", ())
        sentence = str(e) if isinstance(e, PoamError) else f"{source.name}: damaged archive ({e})."
        return Parsed(source.name, digest, name, tuple(detectors), refused=sentence)
    return Parsed(source.name, digest, parser.NAME, tuple(parser.DETECTORS), found)
