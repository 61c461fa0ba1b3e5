"""The wheel: the four packages and their rulebooks, and nothing else."""

import shutil
import subprocess
import sys
import zipfile

import pytest

from tests.conftest import PROJECT

PACKAGES = ("flows", "parsers", "mappings", "poam")


@pytest.fixture(scope="module")
def names(tmp_path_factory):
    """Build the wheel from a copy of the sources and list its files."""
    pytest.importorskip("hatchling")
    pytest.importorskip("pip")
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    for name in (*PACKAGES, "tests", "sample_scans"):
        shutil.copytree(PROJECT / name, source / name)
    for name in ("pyproject.toml", "README.md", ".gitignore"):
        shutil.copy(PROJECT / name, source / name)
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation"]
    quiet = ["--no-index", "--disable-pip-version-check", "--wheel-dir", str(folder), str(source)]
    done = subprocess.run(  # noqa: S603  this interpreter, fixed words
        [*command, *quiet], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return archive.namelist()


def test_top_level(names):
    """The wheel holds exactly the four packages and its own metadata."""
    top = {name.split("/")[0] for name in names}
    assert {name for name in top if not name.endswith(".dist-info")} == set(PACKAGES)
    assert len(top) == len(PACKAGES) + 1


def test_rulebooks(names):
    """Every YAML file of the mappings, and the deployments, travel with the code."""
    files = (*PROJECT.glob("mappings/**/*.yaml"), PROJECT / "flows" / "prefect.yaml")
    expected = {path.relative_to(PROJECT).as_posix() for path in files}
    assert expected
    assert {name for name in names if name.endswith(".yaml")} == expected


def test_pages(names):
    """The pieces of the report's page travel with the code."""
    expected = {path.relative_to(PROJECT).as_posix() for path in PROJECT.glob("flows/pages/*.*")}
    assert expected
    assert {name for name in names if name.startswith("flows/pages/")} == expected


def test_no_leftovers(names):
    """No cache, compiled file or sample slips in."""
    assert not [name for name in names if "__pycache__" in name or name.endswith((".pyc", ".xlsx"))]
