"""What the end-to-end tests share: the folders beside the project, ways to run the program."""

import shutil
import sys
from collections import namedtuple
from datetime import date
from pathlib import Path

import pytest

from flows.asking import asked
from flows.batch import Request
from flows.identify import parser_of
from flows.pipeline import update
from flows.sources import discover
from flows.steps import DirectSteps
from poam.errors import ScanFormatError
from poam.policy import load_policy
from poam.workbook import read_workbook

PROJECT = Path(__file__).parents[1]
SAMPLE_SCANS = PROJECT / "sample_scans"
MONTHS = {"2026-10": date(2026, 10, 30), "2026-11": date(2026, 11, 20)}
NOT_SCANS = {"inventory", "kev", "poam"}
FACTS = {
    "inventory": SAMPLE_SCANS / "inventory" / "inventory.xlsx",
    "kev": SAMPLE_SCANS / "kev" / "known_exploited_vulnerabilities.json",
}


def pytest_addoption(parser):
    """Let golden files be written anew, to be read in review."""
    parser.addoption("--write-golden", action="store_true", help="write tests/golden anew")


Ran = namedtuple("Ran", "status out err")


@pytest.fixture(autouse=True)
def without_prefect():
    """Keep Prefect out of this process: it holds on to loggers and to the streams of one test."""
    yield
    assert "prefect" not in sys.modules


@pytest.fixture(scope="session")
def shared():
    """Return the folder of samples and templates beside the project, or skip."""
    folder = Path(__file__).parents[2] / "shared"
    if not folder.is_dir():
        pytest.skip("the samples and templates are not beside the project (../shared)")
    return folder


@pytest.fixture(scope="session")
def claimed(shared):
    """Return every sample that exactly one parser claims."""
    files = []
    for source in discover([shared / "samples"]):
        try:
            parser_of(source)
        except ScanFormatError:
            continue
        files.append(source.path)
    return tuple(files)


@pytest.fixture(scope="session")
def policy():
    """Return the project's own policy."""
    return load_policy()


@pytest.fixture(scope="session")
def items_of(policy):
    """Return a function that reads a workbook's items, by POAM ID."""

    def read(path):
        items = read_workbook(path, policy.templates).items
        return items.set_index("poam_id", drop=False)

    return read


@pytest.fixture(scope="session")
def month():
    """Return a function that lists one month of the project's sample scans."""

    def files(name):
        return sorted(
            path for path in SAMPLE_SCANS.glob(f"*/{name}.*") if path.parent.name not in NOT_SCANS
        )

    return files


@pytest.fixture(scope="session")
def run(tmp_path_factory):
    """Return a function that updates a workbook with the direct pipeline, in this process.

    They share a run store, so that each sample is read once; with `parts` None each has its own.
    """
    common = tmp_path_factory.mktemp("parts")

    def go(scans, poam, out, as_of, *, parts=common, **options):
        options = {"runs": out.parent / "runs", **options}
        request = Request(scans=tuple(scans), poam=poam, as_of=as_of, out=out, **options)
        return update(request, DirectSteps(), parts)

    return go


@pytest.fixture
def poam(monkeypatch, capsys):
    """Return a function that runs the command line as its program does."""
    from flows.cli import main

    def go(*arguments):
        monkeypatch.setattr(sys, "argv", ["poam", *map(str, arguments)])
        capsys.readouterr()
        status = 0
        try:
            main()
        except SystemExit as e:
            status = e.code or 0
        return Ran(status, *capsys.readouterr())

    return go


@pytest.fixture
def listing():
    """Return a function that tells every file under a folder with its bytes."""

    def of(folder):
        return {
            path.relative_to(folder).as_posix(): path.read_bytes()
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        }

    return of


@pytest.fixture(scope="session")
def two_runs(tmp_path_factory, month):
    """Run October and November with one ledger; gives the folder and November's outcome."""
    folder = tmp_path_factory.mktemp("recorded")
    poam = folder / "POAM-2026-09.xlsx"
    shutil.copyfile(SAMPLE_SCANS / "poam" / "2026-09.xlsx", poam)
    (folder / "conmon.yaml").write_text("site: {point_of_contact: Dana}\n", encoding="utf-8")
    for name, as_of in MONTHS.items():
        scans = folder / "scans" / name
        scans.mkdir(parents=True)
        for file in month(name):
            shutil.copyfile(file, scans / f"{file.parent.name}-{file.name}")
        out = folder / f"POAM-{name}.xlsx"
        request = asked(
            [scans], poam, folder / "runs", as_of, out=out, config=folder / "conmon.yaml", **FACTS
        )
        outcome, poam = update(request, DirectSteps()), out
    return folder, outcome


@pytest.fixture
def recorded(two_runs, tmp_path):
    """Return a copy of the site whose recorded paths are the copy's: (site, November's run)."""
    folder, outcome = two_runs
    site = tmp_path / "site"
    shutil.copytree(folder, site)
    for file in (site / "runs").glob("*/request.json"):
        moved = file.read_text(encoding="utf-8").replace(str(folder), str(site))
        file.write_text(moved, encoding="utf-8")
    return site, site / "runs" / outcome.folder.name
