"""Files behind URLs: what a run reads and writes there is what it reads and writes here."""

import shutil
from pathlib import Path

import pytest
from upath import UPath

from flows.asking import asked
from flows.pipeline import update
from flows.places import place
from flows.runs import NOT_PROOF
from flows.staging import staged
from flows.steps import DirectSteps
from poam.errors import RunError
from tests.conftest import MONTHS, PROJECT, SAMPLE_SCANS

FACTS = {
    "inventory": SAMPLE_SCANS / "inventory" / "inventory.xlsx",
    "kev": SAMPLE_SCANS / "kev" / "known_exploited_vulnerabilities.json",
}
POAM = SAMPLE_SCANS / "poam" / "2026-09.xlsx"


@pytest.fixture
def bucket(tmp_path, month):
    """Return a folder behind a URL that holds both months' scans and everything beside them."""
    folder = UPath("memory://bucket") / tmp_path.name
    for name in MONTHS:
        for scan in month(name):
            put(folder / "scans" / name / f"{scan.parent.name}-{scan.name}", scan)
    for file in (POAM, *FACTS.values()):
        put(folder / file.name, file)
    return folder


def put(there, file):
    """Copy a file to its place behind a URL."""
    there.parent.mkdir(parents=True, exist_ok=True)
    there.write_bytes(file.read_bytes())


def two_months(base, scans):
    """Update September's workbook twice, from one base folder; returns both outcomes."""
    poam, done = base / POAM.name, []
    for name, as_of in MONTHS.items():
        out = base / f"POAM-{name}.xlsx"
        facts = {key: base / file.name for key, file in FACTS.items()}
        done.append(
            update(
                asked([scans / name], poam, base / "runs", as_of, out=out, **facts), DirectSteps()
            )
        )
        poam = out
    return done


def files(folder):
    """Return every file under a folder, by name, but for logs, stores and manifests."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
        and path.name not in NOT_PROOF
        and "parsed" not in path.parts
        and not path.name.startswith(".")
    }


def test_the_same_behind_a_url(bucket, tmp_path):
    """Two months with scans, workbook, ledger and runs behind a URL leave what they leave here."""
    here = tmp_path / "here"
    for path in bucket.rglob("*"):
        if path.is_file():
            local = here / path.relative_to(bucket).as_posix()
            local.parent.mkdir(parents=True, exist_ok=True)
            local.write_bytes(path.read_bytes())
    (_, local), (_, remote) = (two_months(base, base / "scans") for base in (here, bucket))
    assert remote.report.markdown() == local.report.markdown()
    assert str(remote.workbook) == str(bucket / "POAM-2026-11.xlsx")
    assert remote.folder.parent == bucket / "runs"
    there, own = files(bucket), files(here)
    assert there.keys() == own.keys()
    assert {n for n in own if there[n] != own[n]} <= {"runs/ledger.sqlite"}  # holds the time


def test_a_dry_run_puts_nothing_back(bucket):
    """A dry run decides on what lies behind a URL and leaves it alone."""
    before = files(bucket)
    request = asked(
        [bucket / "scans" / "2026-10"],
        bucket / POAM.name,
        bucket / "runs",
        MONTHS["2026-10"],
        out=bucket / "out.xlsx",
        dry_run=True,
    )
    assert update(request, DirectSteps()).report.counts["opened"]
    assert files(bucket) == before


def test_changed_meanwhile(bucket):
    """What another changed while the run worked is not written over, and nothing else is put."""
    request = asked(
        [bucket / "scans"], bucket / POAM.name, bucket / "runs", MONTHS["2026-10"], in_place=True
    )

    def work():
        with staged(request) as (local, _):
            local.poam.write_bytes(b"ours")
            local.runs.joinpath("new.txt").write_text("ours", encoding="utf-8")
            (bucket / POAM.name).write_bytes(b"theirs")

    with pytest.raises(RunError, match=r"2026-09.xlsx: was changed while this run"):
        work()
    assert (bucket / POAM.name).read_bytes() == b"theirs"
    assert not (bucket / "runs" / "new.txt").exists()


def test_a_ledger_behind_a_url(bucket, tmp_path):
    """A SQLite ledger's place may be a URL of its own, or a plain path."""
    for ledger, there in (
        (str(bucket / "memory.sqlite"), bucket / "memory.sqlite"),
        (str(tmp_path / "memory.sqlite"), tmp_path / "memory.sqlite"),
    ):
        request = asked(
            [bucket / "scans" / "2026-10"],
            bucket / POAM.name,
            tmp_path / "runs",
            MONTHS["2026-10"],
            ledger=ledger,
        )
        update(request, DirectSteps())
        assert there.read_bytes().startswith(b"SQLite format 3")


def test_local_files_are_not_copied(tmp_path):
    """Where everything is here, a run works on the files themselves."""
    shutil.copyfile(POAM, tmp_path / "POAM.xlsx")
    request = asked([PROJECT], tmp_path / "POAM.xlsx", tmp_path / "runs", MONTHS["2026-10"])
    with staged(request) as (local, staging):
        assert (local.poam, local.runs) == (tmp_path / "POAM.xlsx", tmp_path / "runs")
        assert staging.given(local.runs) == tmp_path / "runs"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("nowhere://a/b", "kind 'nowhere' that cannot be opened", id="unknown kind"),
        pytest.param("gs://a/b", "Expected a path, or a URL whose", id="package missing"),
    ],
)
def test_a_url_that_cannot_be_opened(text, said):
    """A URL of an unknown kind is one sentence, that says what to install for the usual one."""
    with pytest.raises(RunError, match=said):
        place(text)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        pytest.param("runs/a.xlsx", "runs/a.xlsx", id="relative"),
        pytest.param("/srv/a b.xlsx", "/srv/a b.xlsx", id="absolute"),
        pytest.param("file:///srv/a.xlsx", "/srv/a.xlsx", id="file URL"),
    ],
)
def test_local_places(text, path):
    """A path, and a file URL, are local paths."""
    assert place(text) == Path(path)
