"""The evidence package: whoever has only this archive can follow each row to its proof."""

import csv
import hashlib
import io
import json
import zipfile
from datetime import date

import pytest

from flows.package import check, package
from poam.errors import RunError
from poam.workbook import read_workbook


@pytest.fixture(scope="module")
def packed(two_runs, tmp_path_factory):
    """Package November's run."""
    out = tmp_path_factory.mktemp("packed") / "november.zip"
    package(two_runs[1].folder, out)
    return out


def test_what_is_in_it(packed, two_runs):
    """The workbook, each scan as handed over, inputs and account; no path of the machine."""
    folder, outcome = two_runs
    with zipfile.ZipFile(packed) as archive:
        names = set(archive.namelist())
        for scan in (folder / "scans" / "2026-11").iterdir():
            assert archive.read(f"inputs/scans/{scan.name}") == scan.read_bytes()
        assert archive.read("POAM-2026-11.xlsx") == outcome.workbook.read_bytes()
        everything = b"".join(archive.read(name) for name in names)
    assert {
        "account/summary.md",
        "account/changes.csv",
        "account/decisions.json",
        "account/deviation_requests.csv",
        "account/evidence.csv",
        "account/manifest.json",
        "account/policy.json",
        "inputs/inventory/inventory.xlsx",
        "inputs/kev/known_exploited_vulnerabilities.json",
        "inputs/poam/POAM-2026-10.xlsx",
        "READ-ME.txt",
        "package.json",
    } <= names
    assert str(folder).encode() not in everything


def test_same_bytes(packed, two_runs, tmp_path):
    """Packed again, it is the same file, byte for byte."""
    package(two_runs[1].folder, tmp_path / "again.zip")
    assert (tmp_path / "again.zip").read_bytes() == packed.read_bytes()


def test_a_whole_package(packed, poam):
    """A package that nobody touched is in order."""
    assert check(packed).wrong == ()
    ran = poam("package", "--verify", packed)
    assert ran.status == 0
    assert "files in order" in ran.out


def spoiled(source, target, change):
    """Copy an archive, its files changed by a function from name and content to content or None."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            content = change(name, old.read(name))
            if content is not None:
                new.writestr(name, content)
    return target


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        pytest.param(
            "POAM-2026-11.xlsx", b"other", "another content than package.json", id="workbook"
        ),
        pytest.param("account/coverage.csv", None, "is not in the archive", id="file gone"),
        pytest.param("new.txt", b"new", "is not in package.json", id="file added"),
    ],
)
def test_a_package_that_was_touched(packed, tmp_path, poam, name, content, said):
    """A file that changed, went or came is named, and the status says so."""
    touched = spoiled(packed, tmp_path / "touched.zip", lambda n, c: content if n == name else c)
    if name == "new.txt":
        with zipfile.ZipFile(touched, "a") as archive:
            archive.writestr(name, content)
    assert any(name in sentence and said in sentence for sentence in check(touched).wrong)
    ran = poam("package", "--verify", touched)
    assert ran.status == 1
    assert said in " ".join(ran.err.split())


def test_hashes_that_were_made_fit(packed, tmp_path):
    """Where the list was rewritten too, the run's own account still tells."""
    scan = "inputs/scans/zap_xml-2026-11.xml"

    def change(name, content):
        if name == scan:
            return b"other"
        if name == "package.json":
            index = json.loads(content)
            index["files"][scan] = hashlib.sha256(b"other").hexdigest()
            return json.dumps(index).encode()
        return content

    (sentence,) = check(spoiled(packed, tmp_path / "forged.zip", change)).wrong
    assert sentence == f"{scan}: has another content than account/manifest.json says"


def test_other_rules(packed, tmp_path):
    """Rules that were changed afterwards do not fit the hash that the run recorded."""

    def change(name, content):
        if name == "account/policy.json":
            return content.replace(b'"High": 30', b'"High": 90', 1)
        return content

    wrong = check(spoiled(packed, tmp_path / "rules.zip", change)).wrong
    assert "account/policy.json: has other rules than account/manifest.json says" in wrong


@pytest.mark.parametrize("content", [b"", b"PK", b"no archive"])
def test_no_package(tmp_path, content):
    """What is no package is refused in one sentence."""
    (tmp_path / "a.zip").write_bytes(content)
    with pytest.raises(RunError, match="found no evidence package"):
        check(tmp_path / "a.zip")


def test_an_input_that_changed(recorded, tmp_path):
    """An input that is not what the run read is not packed as if it were."""
    site, run = recorded
    scan = site / "scans" / "2026-11" / "zap_xml-2026-11.xml"
    scan.write_bytes(scan.read_bytes() + b"\n")
    out = tmp_path / "out.zip"
    with pytest.raises(RunError, match=r"zap_xml-2026-11.xml: has another content than the run"):
        package(run, out)
    scan.unlink()
    with pytest.raises(RunError, match=r"zap_xml-2026-11.xml: gone since the run"):
        package(run, out)
    assert not any(tmp_path.glob("*.zip*"))
    assert not any(tmp_path.glob(".*.partial"))


def test_scans_in_an_archive(recorded, tmp_path, run, month):
    """A scan from inside a zip archive is packed as it lay there."""
    site, _ = recorded
    with zipfile.ZipFile(tmp_path / "scans.zip", "w") as archive:
        for scan in month("2026-11"):
            archive.write(scan, f"{scan.parent.name}/{scan.name}")
    out = run(
        [tmp_path / "scans.zip"],
        site / "POAM-2026-10.xlsx",
        tmp_path / "out.xlsx",
        date(2026, 11, 20),
    )
    package(out.folder, tmp_path / "out.zip")
    assert check(tmp_path / "out.zip").wrong == ()
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        assert "inputs/scans/scans.zip/nessus_xml/2026-11.nessus" in archive.namelist()


def test_from_a_row_to_its_proof(packed, tmp_path, policy):
    """The walk of READ-ME.txt works for every row that a scan of the month concerns."""
    with zipfile.ZipFile(packed) as archive:
        archive.extractall(tmp_path)
    walk = (tmp_path / "READ-ME.txt").read_text(encoding="utf-8")
    assert all(name in walk for name in ("evidence.csv", "decisions.json", "package.json"))
    hashes = json.loads((tmp_path / "package.json").read_text(encoding="utf-8"))["files"]
    decisions = json.loads((tmp_path / "account" / "decisions.json").read_text(encoding="utf-8"))
    rules = json.loads((tmp_path / "account" / "policy.json").read_text(encoding="utf-8"))
    evidence = list(
        csv.DictReader(io.StringIO((tmp_path / "account" / "evidence.csv").read_text("utf-8")))
    )
    (workbook,) = tmp_path.glob("POAM*.xlsx")
    rows = read_workbook(workbook, policy.templates).items
    proven = 0
    for row in rows.itertuples():
        seen = [one for one in evidence if one["poam_id"] == row.poam_id]
        for one in seen:
            name = f"inputs/scans/{one['file']}"
            content = (tmp_path / name).read_bytes()
            assert hashlib.sha256(content).hexdigest() == hashes[name]
            assert one["locator"].startswith(one["file"])
            assert one["asset_identifier"]
        about = [d for d in decisions if row.poam_id in d["poam_id"].split(", ")]
        if seen and row.sheet == "open":
            assert any(d["because"] for d in about)
            assert any(" line " in text for d in about for text in (*d["because"], *d["grounds"]))
            proven += 1
    assert proven > 20
    assert rules["places"]["timelines.remediation.days.High"].startswith("timelines.yaml line")
