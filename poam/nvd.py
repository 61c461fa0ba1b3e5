"""CVSS v3 base scores of the National Vulnerability Database, from files (NVD JSON 2.0)."""

import gzip
import logging
import zlib
from codecs import BOM_UTF8
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

import ijson

from poam.errors import NvdError

log = logging.getLogger(__name__)

SUFFIXES = (".json", ".json.gz")
GZIP = b"\x1f\x8b"
# The best first. "Primary" is NVD's own analysis, "Secondary" another's that NVD shows.
VERSIONS = ("cvssMetricV31", "cvssMetricV30")
EXPECTED = "Expected NVD JSON 2.0 with 'vulnerabilities', as a feed or the API gives it."


def nvd_files(paths: Iterable[Path]) -> tuple[Path, ...]:
    """The files meant: each as given, and of a folder every .json and .json.gz in it.

    Raises NvdError where a path does not exist or a folder holds none.
    """
    found: dict[Path, None] = {}
    for path in paths:
        if not path.exists():
            raise NvdError(f"{path}: there is no such file or folder. {EXPECTED}")
        within = _of_folder(path) if path.is_dir() else [path]
        if not within:
            raise NvdError(f"{path}: found no .json or .json.gz file. {EXPECTED}")
        found |= dict.fromkeys(within)
    return tuple(found)


def read_nvd(paths: Iterable[Path], cves: Collection[str]) -> Mapping[str, float]:
    """The CVSS v3 base score of each of `cves` that has one in the files, plain or gzipped.

    A CVE's Primary score comes before a Secondary one, and v3.1 before v3.0; of several alike the
    highest counts, and of several files the one that last modified the CVE. The files are read
    as streams: only what is asked for is kept.
    Raises NvdError naming the file, and the entry where it is one, that cannot be read.
    """
    latest: dict[str, tuple[str, float]] = {}
    for path in nvd_files(paths):
        for place, cve in _entries(path):
            identifier = str(cve["id"]).upper()
            if identifier in cves:
                found = (str(cve.get("lastModified") or ""), _score(cve, place))
                latest[identifier] = max(found, latest.get(identifier, found))
    scores = {cve: score for cve, (_, score) in sorted(latest.items()) if score >= 0}
    log.info("NVD: %d of %d CVEs have a CVSS v3 base score", len(scores), len(cves))
    return scores


def _of_folder(folder: Path) -> list[Path]:
    return sorted(
        path
        for path in folder.rglob("*")
        if path.is_file()
        and path.name.lower().endswith(SUFFIXES)
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )


def _entries(path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Each CVE of a file with its place, one at a time."""
    try:
        with _opened(path) as stream:
            if not _has_list(stream):
                raise NvdError(f"{path.name}: found no list of vulnerabilities. {EXPECTED}")
        with _opened(path) as stream:
            entries = ijson.items(stream, "vulnerabilities.item", use_float=True)
            for number, entry in enumerate(entries):
                place = f"{path.name}, vulnerabilities[{number}]"
                cve = entry.get("cve") if isinstance(entry, dict) else None
                if not isinstance(cve, dict) or not isinstance(cve.get("id"), str):
                    raise NvdError(f"{place}: found no CVE with an id. {EXPECTED}")
                yield place, cve
    except (OSError, EOFError, zlib.error, ijson.JSONError, UnicodeDecodeError) as e:
        said = " ".join(str(e).split("\n")[0].split()) or type(e).__name__
        raise NvdError(f"{path.name}: cannot be read to its end ({said}). {EXPECTED}") from e


def _has_list(stream: BinaryIO) -> bool:
    events = ijson.parse(stream)
    return any(place == "vulnerabilities" and event == "start_array" for place, event, _ in events)


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    """The file's own bytes, unpacked and without a byte order mark."""
    with path.open("rb") as raw:
        packed = raw.read(len(GZIP)) == GZIP
        raw.seek(0)
        stream = cast("BinaryIO", gzip.GzipFile(fileobj=raw)) if packed else raw
        if stream.read(len(BOM_UTF8)) != BOM_UTF8:
            stream.seek(0)
        yield stream


def _score(cve: Mapping[str, Any], place: str) -> float:
    """The CVE's best v3 base score; -1 where it has none."""
    try:
        metrics = cve.get("metrics") or {}
        ranked = [
            (metric.get("type") != "Primary", version, -_base(metric["cvssData"]["baseScore"]))
            for version, name in enumerate(VERSIONS)
            for metric in metrics.get(name) or ()
        ]
    except (AttributeError, KeyError, TypeError, ValueError) as e:
        raise NvdError(
            f"{place}, {cve['id']}: {e!r}. Expected metrics with a CVSS baseScore from 0 to 10."
        ) from e
    return -min(ranked)[2] if ranked else -1.0


def _base(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 10:
        raise ValueError(f"baseScore {value!r}")
    return float(value)
