"""A run's files at hand: what lies behind a URL is worked on here, and put back when all is done.

Scans are not copied: they are read where they lie, by whichever worker reads them.
"""

import logging
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from flows.batch import Request
from flows.places import Place, copy, place, sha256, within
from poam.errors import RunError

log = logging.getLogger(__name__)

# What a run reads of the folder of runs: people's answers, and asset lists of earlier months.
OF_RUNS = ("decisions.yaml", "*/assets-*.csv")
SQLITE = "sqlite:///"
SERVERS = ("postgresql:", "postgresql+")


@dataclass
class Mirror:
    """A folder behind a URL, and its copy here: of each file what it was when it was fetched."""

    there: Place
    here: Path
    fetched: dict[str, str] = field(default_factory=dict)

    def fetch(self, name: str) -> Path:
        """Copy a file of the folder, if there is one; gives its path here."""
        here, there = self.here / name, self.there / name
        here.parent.mkdir(parents=True, exist_ok=True)
        if name not in self.fetched and there.is_file():
            copy(there, here)
            self.fetched[name] = sha256(here)
        return here

    def changed(self) -> list[str]:
        """The files here that are new or differ from what was fetched; the nearest to the top last.

        So the workbook and the ledger follow the account of how they came to be.
        """
        found = [
            path.relative_to(self.here)
            for path in self.here.rglob("*")
            if path.is_file() and not path.name.startswith(".")
        ]
        found.sort(key=lambda path: (-len(path.parts), path.as_posix()))
        names = [path.as_posix() for path in found]
        return [name for name in names if self.fetched.get(name) != sha256(self.here / name)]

    def check(self) -> None:
        """Raise RunError where a file to be written over is not what was fetched."""
        for name in self.changed():
            there = self.there / name
            if there.is_file() and sha256(there) not in (
                self.fetched.get(name),
                sha256(self.here / name),
            ):
                raise RunError(
                    f"{there}: was changed while this run worked on it. Nothing there "
                    "was written over; run again."
                )

    def put_back(self) -> None:
        """Copy every new or changed file to its place."""
        for name in self.changed():
            there = self.there / name
            try:
                there.parent.mkdir(parents=True, exist_ok=True)
                copy(self.here / name, there)
            except OSError as e:
                raise RunError(f"{there}: cannot be written ({e.strerror or e}).") from e
            log.info("%s: written", there)


class Staging:
    """The copies of one run, by the folders that they come from."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._mirrors: dict[str, Mirror] = {}

    def mirror(self, there: Place) -> Mirror:
        """The mirror of a folder."""
        here = self._folder / str(len(self._mirrors))
        return self._mirrors.setdefault(str(there), Mirror(there, here))

    def at_hand(self, request: Request[Place]) -> Request[Path]:
        """A request whose files are all here."""
        runs = request.runs
        if not isinstance(runs, Path):
            mirror = self.mirror(runs)
            mirror.here.mkdir()
            for pattern in OF_RUNS:
                for found in runs.glob(pattern):
                    mirror.fetch(within(runs, found))
            runs = mirror.here
        return Request(
            scans=request.scans,
            poam=self._file(request.poam),
            as_of=request.as_of,
            runs=runs,
            out=self._maybe(request.out),
            inventory=self._maybe(request.inventory),
            kev=self._maybe(request.kev),
            config=self._maybe(request.config),
            ledger=self._ledger(request.ledger),
            decisions=self._maybe(request.decisions),
            dry_run=request.dry_run,
            in_place=request.in_place,
            nvd=tuple(self._tree(one) for one in request.nvd),
        )

    def given(self, here: Place | None) -> Place | None:
        """Where a file of the run belongs: a path, or its place behind a URL."""
        for mirror in self._mirrors.values():
            if isinstance(here, Path) and here.is_relative_to(mirror.here):
                return mirror.there / here.relative_to(mirror.here).as_posix()
        return here

    def put_back(self) -> None:
        """Put everything back, if nothing there was changed by another meanwhile."""
        for mirror in self._mirrors.values():
            mirror.check()
        for mirror in self._mirrors.values():
            mirror.put_back()

    def _file(self, there: Place) -> Path:
        if isinstance(there, Path):
            return there
        return self.mirror(there.parent).fetch(there.name)

    def _maybe(self, there: Place | None) -> Path | None:
        return None if there is None else self._file(there)

    def _tree(self, there: Place) -> Path:
        """A file, or a folder with the files in it."""
        if isinstance(there, Path) or not there.is_dir():
            return self._file(there)
        mirror = self.mirror(there)
        for found in there.iterdir():
            mirror.fetch(found.name)
        return mirror.here

    def _ledger(self, url: str | None) -> str | None:
        """A database URL: that of a server, of a SQLite file here, or of one behind a URL."""
        if url is None or url.startswith(SERVERS):
            return url
        return f"{SQLITE}{self._file(place(url.removeprefix(SQLITE))).as_posix()}"


@contextmanager
def staged(request: Request[Place]) -> Iterator[tuple[Request[Path], Staging]]:
    """Give the request with its files at hand; when the work is done, they are put back."""
    with tempfile.TemporaryDirectory(prefix="conmon-poam-") as folder:
        staging = Staging(Path(folder).resolve())
        yield staging.at_hand(request), staging
        if not request.dry_run:
            staging.put_back()
