"""One scan file to the three tables, or to the sentence that says why not."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import BinaryIO
from zoneinfo import ZoneInfo

from flows.garbage import uncollected
from flows.identify import DAMAGED, damaged, parser_of
from flows.parts import Store
from flows.runlog import heard
from flows.sources import Source
from parsers.export import Export
from parsers.registry import PARSERS, Parser
from poam.errors import PoamError, ScanParseError
from poam.frames import Tables, chunks, tables
from poam.model import DateOrder, Record
from poam.policy import Limits, Policy


@dataclass(frozen=True)
class Conventions:
    """How the mappings and the site say that exports are written, by format: see `policy.site`."""

    zone: ZoneInfo
    dates: Mapping[str, DateOrder | None]
    encodings: Mapping[str, str]
    limits: Limits | None = None

    @classmethod
    def of(cls, policy: Policy) -> "Conventions":
        """Those of a policy."""
        formats = sorted({name for scanner in policy.scanners for name in scanner.fields})
        dates = {name: policy.date_order(name) for name in formats}
        return cls(policy.zone, dates, dict(policy.site.encodings), policy.site.limits)

    def export(self, stream: BinaryIO, name: str, parser: str) -> Export:
        """A file as its parser gets it."""
        dates, encoding = self.dates.get(parser), self.encodings.get(parser)
        held = self.limits.held_mb if self.limits else None
        return Export(stream, name, dates, encoding, held)

    def words(self, parser: str) -> tuple[str, str, str]:
        """What decides how a format is read, as text."""
        dates, encoding = self.dates.get(parser), self.encodings.get(parser)
        return (self.zone.key, str(dates or ""), encoding or "")


@dataclass(frozen=True)
class Parsed:
    """What became of one file: its tables, or `refused`, the reason in one sentence.

    `parser` is "" where none claims it; `detectors` are those whose closing it puts in doubt.
    Its tables are here, or in a store under the key `part`. `rows` counts them by table, `said`
    is what the parser had to say (level and sentence), `cached` tells that it was read before.
    """

    file: str
    sha256: str
    parser: str = ""
    detectors: tuple[str, ...] = ()
    tables: Tables | None = None
    refused: str = ""
    part: str = ""
    rows: Mapping[str, int] = field(default_factory=dict)
    said: tuple[tuple[int, str], ...] = ()
    cached: bool = False


@dataclass(frozen=True)
class _Claimed:
    """A file that one parser claims: its hash, and its version when that was taken."""

    source: Source
    conventions: Conventions
    parser: Parser
    sha256: str
    version: tuple[int, float]

    @contextmanager
    def records(self) -> Iterator[Iterator[Record]]:
        """The file's records. Reading on raises ScanParseError where it was written to since."""
        with self.source.open() as stream:
            export = self.conventions.export(stream, self.source.name, self.parser.NAME)
            yield self._unchanging(self.parser.records(export))

    def _unchanging(self, records: Iterator[Record]) -> Iterator[Record]:
        yield from records
        if self.source.version() != self.version:
            found = "that it was written to while it was read"
            raise ScanParseError(self.source.name, "", found, "a file that is complete")

    def parsed(self) -> Parsed:
        """What is known of the file before it is read."""
        detectors = tuple(self.parser.DETECTORS)
        return Parsed(self.source.name, self.sha256, self.parser.NAME, detectors)


def parse(source: Source, policy: Policy, parsers: Sequence[Parser] = PARSERS) -> Parsed:
    """Read one scan file to the end, and hold it. A file that cannot be read is refused.

    Raises OSError where the storage fails: that may pass, so callers may try again.
    """
    conventions = Conventions.of(policy)

    def held(file: _Claimed) -> Parsed:
        with file.records() as records:
            found = tables(records, source.name, conventions.zone)
        rows = {"detections": len(found.detections), "coverage": len(found.coverage)}
        return replace(file.parsed(), tables=found, rows=rows)

    return _whole(source, conventions, held, parsers)


def parse_into(
    source: Source, conventions: Conventions, store: Store, parsers: Sequence[Parser] = PARSERS
) -> Parsed:
    """Read one scan file to the end into a store, unless it is there; refused as `parse` does.

    Raises OSError where the storage fails: that may pass, so callers may try again.
    """

    def stored(file: _Claimed) -> Parsed:
        name = file.parser.NAME
        key = store.key(source.name, file.sha256, name, *conventions.words(name))
        facts = store.facts(key)
        cached = facts is not None
        if facts is None:
            with file.records() as records, heard() as said, uncollected():
                parts = chunks(records, source.name, conventions.zone)
                facts = store.put(key, parts, said=said)
        told = tuple((level, text) for level, text in facts["said"])
        rows = facts["rows"]
        return replace(file.parsed(), part=key, rows=rows, said=told, cached=cached)

    return _whole(source, conventions, stored, parsers)


def _whole(
    source: Source,
    conventions: Conventions,
    read: Callable[[_Claimed], Parsed],
    parsers: Sequence[Parser],
) -> Parsed:
    """Let a file be read by its parser; where it cannot be, the sentence that says why."""
    source = replace(source, limits=conventions.limits)
    version = source.version()
    digest = ""
    parser: Parser | None = None
    try:
        digest = source.sha256()
        parser = parser_of(source, parsers)
        return read(_Claimed(source, conventions, parser, digest, version))
    except (PoamError, *DAMAGED) as e:
        name, detectors = (parser.NAME, parser.DETECTORS) if parser else ("", ())
        sentence = str(e) if isinstance(e, PoamError) else damaged(source, e)
        return Parsed(source.name, digest, name, tuple(detectors), refused=sentence)
