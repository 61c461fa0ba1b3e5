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
from typing import IO, BinaryIO, cast

from flows.places import Place, sha256, whole, within
from poam.errors import RunError, ScanFormatError

ENCRYPTED = 0x1  # general purpose bit flag 0, APPNOTE.TXT 4.4.4


@dataclass(frozen=True)
class Source:
    """One scan file. `name` is how reports call it; `member` is its path inside a zip archive."""

    name: str
    path: Place
    member: str | None = None

    @contextmanager
    def open(self) -> Iterator[BinaryIO]:
        """Open the file's own bytes, unpacked. Raises OSError or zipfile.BadZipFile."""
        with self.path.open("rb") as raw:
            if self.member is None:
                yield cast("BinaryIO", gzip.GzipFile(fileobj=raw)) if _gzipped(self.name) else raw
                return
            with zipfile.ZipFile(raw) as archive, self._member(archive) as packed:
                stream = gzip.GzipFile(fileobj=packed) if _gzipped(self.member) else packed
                yield cast("BinaryIO", io.BufferedReader(stream))

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
            while block := packed.read(1 << 20):
                digest.update(block)
            return digest.hexdigest()

    def _member(self, archive: zipfile.ZipFile) -> IO[bytes]:
        info = archive.getinfo(self.member or "")
        if info.flag_bits & ENCRYPTED:
            raise ScanFormatError(
                f"{self.name}: is encrypted. Expected an archive without a password."
            )
        return archive.open(info)


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


def _gzipped(name: str) -> bool:
    return name.endswith(".gz")
