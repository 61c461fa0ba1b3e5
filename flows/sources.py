"""Scan files wherever they lie: plain, gzipped, in zip archives, in folders."""

import gzip
import hashlib
import io
import os
import zipfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import IO, TYPE_CHECKING, BinaryIO, cast

from flows.places import Place, sha256, whole, within
from poam.errors import RunError, ScanFormatError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

    from poam.policy import Limits

FREE = 1_000_000  # bytes that any packed file may have: in small ones a ratio says nothing
Unpacking = gzip.GzipFile | IO[bytes]
ENCRYPTED = 0x1  # general purpose bit flag 0, APPNOTE.TXT 4.4.4


@dataclass(frozen=True)
class Source:
    """One scan file. `name` is how reports call it; `member` is its path inside a zip archive.

    What is packed is unpacked within `limits`, if there are any: see `policy.site`.
    """

    name: str
    path: Place
    member: str | None = None
    limits: "Limits | None" = None

    @contextmanager
    def open(self) -> Iterator[BinaryIO]:
        """Open the file's own bytes, unpacked.

        Raises OSError or zipfile.BadZipFile, and ScanFormatError, when read, beyond the limits.
        """
        with self.path.open("rb") as raw:
            if self.member is None:
                gzipped = _gzipped(self.name)
                yield self._unpacked(gzip.GzipFile(fileobj=raw), _size(raw)) if gzipped else raw
                return
            with zipfile.ZipFile(raw) as archive, self._member(archive) as packed:
                size = archive.getinfo(self.member).compress_size
                stream = gzip.GzipFile(fileobj=packed) if _gzipped(self.member) else packed
                yield self._unpacked(stream, size)

    def version(self) -> tuple[int, float]:
        """What tells that the file was written to: its size and when it was changed last."""
        now = self.path.stat()
        return now.st_size, now.st_mtime

    def _unpacked(self, stream: Unpacking, packed: int) -> BinaryIO:
        limited = (
            stream if self.limits is None else _Limited(stream, packed, self.limits, self.name)
        )
        return cast("BinaryIO", io.BufferedReader(cast("io.RawIOBase", limited)))

    def sha256(self) -> str:
        """The SHA-256 of the file as handed over: for a zip member, of its unpacked bytes."""
        if self.member is None:
            return sha256(self.path)
        with (
            self.path.open("rb") as raw,
            zipfile.ZipFile(raw) as archive,
            self._member(archive) as packed,
        ):
            digest = hashlib.sha256()
            stream = self._unpacked(packed, archive.getinfo(self.member).compress_size)
            while block := stream.read(1 << 20):
                digest.update(block)
            return digest.hexdigest()

    def _member(self, archive: zipfile.ZipFile) -> IO[bytes]:
        info = archive.getinfo(self.member or "")
        if info.flag_bits & ENCRYPTED:
            raise ScanFormatError(
                f"{self.name}: is encrypted. Expected an archive without a password."
            )
        return archive.open(info)


class _Limited(io.RawIOBase):
    """What comes out of a packed file, as far as it may."""

    def __init__(self, stream: Unpacking, packed: int, limits: "Limits", name: str) -> None:
        self._stream, self._name, self._read = stream, name, 0
        by_ratio = max(packed * limits.unpacked_ratio, FREE)
        whole = limits.unpacked_mb * 1_000_000
        self._most = min(whole, by_ratio)
        self._limit = (
            f"{limits.unpacked_mb} MB (site: limits: unpacked_mb)"
            if whole <= by_ratio
            else f"{limits.unpacked_ratio} times its packed size (site: limits: unpacked_ratio)"
        )

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        """Fill a buffer. Raises ScanFormatError where that is too much."""
        view = memoryview(buffer)
        block = self._stream.read(len(view))
        view[: len(block)] = block
        self._read += len(block)
        if self._read > self._most:
            found = f"more than {self._most // 1_000_000} MB unpacked"
            raise ScanFormatError(f"{self._name}: found {found}. Expected at most {self._limit}.")
        return len(block)


def discover(paths: Sequence[Place]) -> tuple[Source, ...]:
    """Every scan file under the given files and folders, in order of name.

    Hidden files are not scans. A name is relative to the folder that was given; where two are
    alike they get the folders' names in which they differ. Raises RunError where a path does not
    exist or nothing is found.
    """
    found: list[Source] = []
    for path in paths:
        if not path.exists():
            raise RunError(f"{path}: there is no such file or folder.")
        files = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
        base = path if path.is_dir() else path.parent
        for file in files:
            relative = within(base, file)
            if not any(part.startswith(".") for part in relative.split("/")):
                found += _unpacked(Source(relative, file))
    if not found:
        raise RunError(f"{', '.join(map(str, paths))}: found no scan file.")
    return tuple(sorted(_distinct(found), key=lambda source: source.name))


def _unpacked(source: Source) -> list[Source]:
    with source.path.open("rb") as raw:
        if not zipfile.is_zipfile(raw):
            return [source]
        with zipfile.ZipFile(raw) as archive:
            members = [info.filename for info in archive.infolist() if not info.is_dir()]
    if "[Content_Types].xml" in members:
        return [source]  # a workbook is a zip archive too
    return [Source(f"{source.name}/{name}", source.path, name) for name in sorted(members)]


def _distinct(sources: Sequence[Source]) -> list[Source]:
    """Each file once, under a name of its own."""
    unique = list({(whole(source.path), source.member): source for source in sources}.values())
    alike: dict[str, list[Source]] = defaultdict(list)
    for source in unique:
        alike[source.name].append(source)
    named = []
    for group in alike.values():
        top = os.path.commonpath([whole(source.path) for source in group])
        for source in group:
            path = os.path.relpath(whole(source.path), top).replace(os.sep, "/")
            name = f"{path}/{source.member}" if source.member else path
            named.append(source if len(group) == 1 else replace(source, name=name))
    return named


def _size(stream: IO[bytes]) -> int:
    size = stream.seek(0, os.SEEK_END)
    stream.seek(0)
    return size


def _gzipped(name: str) -> bool:
    return name.endswith(".gz")
