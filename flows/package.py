"""The evidence package: a run, what went in and what came out, in one archive that proves itself.

POAM-2026-11.xlsx       the workbook
account/                the run folder: summary, changes, evidence, decisions, policy, …
inputs/scans/           every scan file as it was handed over
inputs/                 last month's workbook, the inventory, the KEV catalogue
package.json            the SHA-256 of each of these
READ-ME.txt             how to get from a row to its scan, host, rule and hash
"""

import hashlib
import json
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path, PurePosixPath
from typing import IO, Any, cast

from flows.batch import Request
from flows.places import Place
from flows.recording import recording
from flows.sources import Source, discover
from poam.errors import RunError

INDEX = "package.json"
EPOCH = (1980, 1, 1, 0, 0, 0)  # a zip archive knows no earlier time
ROLES = ("poam", "inventory", "kev")
TABLES = {"summary.xlsx", "changes.xlsx"}  # of the account, no POA&M
WALK = """\
From a row to its proof. Everything is in this archive.

1. The row: its POA&M ID in the workbook.
2. Which scan and which host: account/evidence.csv, the lines with that poam_id. Each has the file,
   the asset, and the place in the file (locator). The file itself is inputs/scans/<file>.
3. Which hash: package.json, beside the file's name. `sha256sum` over the file gives the same.
4. Which rule: account/decisions.json, the entries with that poam_id. `because` says why the run did
   what it did, `grounds` what the row's dates and ratings rest on. In brackets stands the rulebook,
   its line, key and value, and its source; all rules are in account/policy.json.
5. A closed row: its Comments name the scan that proved it gone; account/coverage.csv has that scan
   of the asset, with its times and whether it logged in.
6. A row that no scan of this month concerns was decided in an earlier month: its Comments and
   Milestone Changes say when, and that month's package has its proof.
"""


@dataclass(frozen=True)
class Checked:
    """What a check of a package found: how many files, and a sentence for each that is wrong."""

    files: int
    wrong: tuple[str, ...]


def package(run: Place, out: Path) -> int:
    """Put a recorded run into one archive; gives the number of files.

    The same run gives the same bytes. Raises RunError where an input is gone or is not what the run
    read, and where `out` exists: nothing is written then.
    """
    if out.exists():
        raise RunError(f"{out}: exists. Expected the name of a new file.")
    told = recording(run)
    draft = out.with_name(f".{out.name}.partial")
    try:
        with zipfile.ZipFile(draft, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
            hashes = dict(_put_all(archive, run, told.request, told.manifest))
            index = {
                "run_id": told.manifest["run_id"],
                "as_of": told.manifest["as_of"],
                "policy_sha256": told.manifest["policy_sha256"],
                "files": hashes,
            }
            listed = json.dumps(index, indent=1, ensure_ascii=False) + "\n"
            archive.writestr(_entry(INDEX), listed)
        draft.replace(out)
    except OSError as e:
        raise RunError(f"{out}: cannot be written ({e.strerror or e}).") from e
    finally:
        draft.unlink(missing_ok=True)
    return len(hashes)


def check(path: Path) -> Checked:
    """Hold every file of a package against its hash, and the run's own account against both.

    Raises RunError where it is no package.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            index = json.loads(archive.read(INDEX))
            manifest = json.loads(archive.read("account/manifest.json"))
            rules = json.loads(archive.read("account/policy.json"))["values"]
            names = [n for n in archive.namelist() if n != INDEX]
            found = {name: _digest(archive, name) for name in names}
    except (OSError, zipfile.BadZipFile, KeyError, ValueError) as e:
        raise RunError(f"{path}: found no evidence package ({e}). Expected one that opens.") from e
    listed: dict[str, str] = index["files"]
    wrong = [f"{name}: is listed twice" for name in sorted(set(names)) if names.count(name) > 1]
    wrong += [f"{name}: is not in the archive" for name in listed if name not in found]
    wrong += [f"{name}: is not in {INDEX}" for name in found if name not in listed]
    wrong += [
        f"{name}: has another content than {INDEX} says"
        for name, digest in found.items()
        if name in listed and digest != listed[name]
    ]
    wrong += [
        f"{name}: has another content than account/manifest.json says"
        for name, digest in _accounted(manifest)
        if found.get(name, digest) != digest
    ]
    policy = hashlib.sha256(json.dumps(rules, sort_keys=True).encode()).hexdigest()
    if policy != manifest["policy_sha256"]:
        wrong.append("account/policy.json: has other rules than account/manifest.json says")
    return Checked(len(found), tuple(wrong))


def _put_all(
    archive: zipfile.ZipFile, run: Place, request: Request[Place], manifest: dict[str, Any]
) -> Iterator[tuple[str, str]]:
    """Write every file; yield its name and hash. Raises RunError where one is not what it was."""
    expected = dict(_accounted(manifest))
    for name, open_file in sorted(_files(run, request, manifest), key=lambda pair: pair[0]):
        digest = hashlib.sha256()
        with open_file() as source, archive.open(_entry(name), "w", force_zip64=True) as target:
            while block := source.read(1 << 20):
                digest.update(block)
                target.write(block)
        if expected.get(name, digest.hexdigest()) != digest.hexdigest():
            raise RunError(f"{name}: has another content than the run recorded.")
        yield name, digest.hexdigest()
    if gone := sorted(expected.keys() - set(archive.namelist())):
        raise RunError(f"{', '.join(gone)}: gone since the run. Expected what it read and wrote.")
    archive.writestr(_entry("READ-ME.txt"), WALK)
    yield "READ-ME.txt", hashlib.sha256(WALK.encode()).hexdigest()


def _files(run: Place, request: Request[Place], manifest: dict[str, Any]) -> Iterator[Any]:
    """Yield the name in the package of each file, and how to open it."""
    for name in (*manifest["outputs"], "manifest.json"):
        yield _packed(name), lambda there=run / name: there.open("rb")
    for role in ROLES:
        there = getattr(request, role)
        if there is not None:
            yield f"inputs/{role}/{there.name}", lambda there=there: there.open("rb")
    wanted = {scan["file"] for scan in manifest["scans"]}
    for source in discover(request.scans):
        if source.name in wanted:
            yield f"inputs/scans/{source.name}", lambda source=source: _raw(source)


def _accounted(manifest: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield what the run's manifest says of files: the name in the package, and the hash."""
    for name, digest in manifest["outputs"].items():
        yield _packed(name), digest
    for scan in manifest["scans"]:
        yield f"inputs/scans/{scan['file']}", scan["sha256"]
    for name, digest in manifest["inputs"].items():
        role, _, file = name.partition(": ")
        if role in ROLES:
            yield f"inputs/{role}/{file}", digest


def _packed(name: str) -> str:
    """The name in the package of a file of the run folder: the workbook comes first."""
    is_book = PurePosixPath(name).suffix in (".xlsx", ".xlsm") and name not in TABLES
    return name if is_book else f"account/{name}"


@contextmanager
def _raw(source: Source) -> Iterator[IO[bytes]]:
    """Open a scan as it was handed over, and as its hash was taken."""
    with source.path.open("rb") as raw:
        if source.member is None:
            yield raw
        else:
            with zipfile.ZipFile(raw) as archive, archive.open(source.member) as member:
                yield member


def _digest(archive: zipfile.ZipFile, name: str) -> str:
    with archive.open(name) as stream:
        return hashlib.file_digest(cast("BufferedReader", stream), "sha256").hexdigest()


def _entry(name: str) -> zipfile.ZipInfo:
    """A file of the archive, the same whenever and by whomever it is written."""
    info = zipfile.ZipInfo(name, EPOCH)
    info.compress_type, info.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
    return info
