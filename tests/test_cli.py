"""The command line: exit status, what goes where, and that input is refused in one sentence."""

import csv
import gzip
import io
import json
import os
import shutil
import subprocess
import sys
import zipfile

import pytest
from filelock import FileLock

from flows.findings import FINDINGS
from poam.workbook import read_workbook
from tests.conftest import MONTHS, PROJECT, SAMPLE_SCANS

OCTOBER, NOVEMBER = MONTHS
COMMANDS = (
    "identify",
    "findings",
    "update",
    "diff",
    "explain",
    "template",
    "check-mappings",
    "demo",
    "run",
    "serve",
)
INVENTORY = SAMPLE_SCANS / "inventory" / "inventory.xlsx"
KEV = SAMPLE_SCANS / "kev" / "known_exploited_vulnerabilities.json"


@pytest.fixture(scope="module")
def first(run, month, tmp_path_factory):
    """October's workbook and the memory it left, to be copied and never changed."""
    folder = tmp_path_factory.mktemp("first")
    ledger = f"sqlite:///{(folder / 'runs' / 'ledger.sqlite').as_posix()}"
    out = folder / "POAM.xlsx"
    poam = SAMPLE_SCANS / "poam" / "2026-09.xlsx"
    run(month(OCTOBER), poam, out, MONTHS[OCTOBER], inventory=INVENTORY, kev=KEV, ledger=ledger)
    return folder


@pytest.fixture
def work(first, tmp_path):
    """A folder with October's workbook and memory, and November's scans."""
    shutil.copytree(first, tmp_path / "work")
    return tmp_path / "work"


@pytest.fixture
def november(poam, month, work):
    """Return a function that runs `poam update` with November's scans and more arguments."""

    def go(*more, scans=None):
        given = scans or month(NOVEMBER)
        workbook = ("--poam", work / "POAM.xlsx", "--runs", work / "runs")
        facts = ("--inventory", INVENTORY, "--kev", KEV, "--as-of", MONTHS[NOVEMBER], "--jobs", 1)
        return poam("update", *given, *workbook, *facts, *more)

    return go


@pytest.fixture
def broken(month, tmp_path):
    """November's scans, the Nessus one cut off in the middle."""
    scans = month(NOVEMBER)
    cut = tmp_path / "cut.nessus"
    whole = next(path for path in scans if path.suffix == ".nessus").read_bytes()
    cut.write_bytes(whole[: len(whole) // 2])
    return [cut, *(path for path in scans if path.suffix != ".nessus")]


def moved(work, policy):
    """Return the detectors of the items that November closed."""
    was = read_workbook(work / "POAM.xlsx", policy.templates).items.set_index("poam_id")
    now = read_workbook(work / "out.xlsx", policy.templates).items.set_index("poam_id")
    old = now.loc[was.index]
    return old[(old["sheet"] == "closed") & (was["sheet"] != "closed")]["weakness_detector_source"]


def test_update(november, work):
    """A good run ends with 0, the summary on standard output and the places on standard error."""
    ran = november("--out", work / "out.xlsx")
    assert ran.status == 0
    assert ran.out.startswith("# POA&M update as of 2026-11-20")
    assert f"Workbook: {work / 'out.xlsx'}" in ran.err
    assert (work / "out.xlsx").exists()
    assert not list(work.rglob("*.partial"))


def test_broken_file(november, broken, work, policy):
    """A cut file is named, the others are processed, nothing closes for its detector; status 1."""
    ran = november("--out", work / "out.xlsx", scans=broken)
    assert ran.status == 1
    assert "cut.nessus" in ran.out
    closed = set(moved(work, policy))
    assert closed == {"Qualys", "ZAP"}
    assert "cut.nessus could not be read" in ran.out


def test_unknown_file(november, month, work, tmp_path, policy):
    """A file that no parser claims is named, and then nothing closes at all; status 1."""
    stranger = tmp_path / "notes.txt"
    stranger.write_text("not a scan\n")
    ran = november("--out", work / "out.xlsx", scans=[*month(NOVEMBER), stranger])
    assert ran.status == 1
    assert "notes.txt: no parser claims it" in ran.out
    assert moved(work, policy).empty


def test_dry_run(november, work, listing):
    """A dry run says what it would do and writes nothing, nowhere."""
    before = listing(work)
    ran = november("--out", work / "out.xlsx", "--dry-run")
    assert ran.status == 0
    assert "closed, each with proof" in ran.out
    assert "nothing was written" in ran.err
    assert listing(work) == before


def test_in_place(november, work):
    """`--in-place` writes over the workbook and keeps what it was beside it."""
    was = (work / "POAM.xlsx").read_bytes()
    assert november("--in-place").status == 0
    (backup,) = work.glob("POAM.before-*.xlsx")
    assert backup.read_bytes() == was
    assert (work / "POAM.xlsx").read_bytes() != was


def test_out_is_the_input(november, work, listing):
    """The input is never written over by `--out`; that is refused before anything is written."""
    before = listing(work)
    ran = november("--out", work / "POAM.xlsx")
    assert ran.status == 1
    assert "is the input workbook" in ran.err
    assert listing(work) == before


def test_out_and_in_place(november, work):
    """Both places at once are refused."""
    ran = november("--in-place", "--out", work / "out.xlsx")
    assert ran.status == 1
    assert "found both" in ran.err


def test_locked(november, work):
    """While another run holds the workbook, a run ends in one sentence."""
    with FileLock(work / ".out.xlsx.lock"):
        ran = november("--out", work / "out.xlsx")
    assert ran.status == 1
    assert ran.err.strip().splitlines() == [
        f"{work / 'out.xlsx'}: another run is writing it. Try again when it is done."
    ]
    assert not (work / "out.xlsx").exists()


@pytest.mark.parametrize("owner", ["~$POAM.xlsx", ".~lock.POAM.xlsx#"])
def test_open_in_a_spreadsheet_program(november, work, listing, owner):
    """Who has the workbook open would save over it: refused, but for a run that writes none of it.

    Sources: Excel's and LibreOffice's owner files.
    """
    (work / owner).touch()
    before = listing(work)
    ran = november("--in-place")
    assert ran.status == 1
    assert f"POAM.xlsx: found {owner} beside it" in ran.err
    assert listing(work) == before
    assert november("--in-place", "--dry-run").status == 0
    assert november("--out", work / "out.xlsx").status == 0


def test_strict(november, work):
    """`--strict` ends with 1 where something waits for a person; the work is done all the same."""
    assert november("--out", work / "out.xlsx", "--strict").status == 1
    assert (work / "out.xlsx").exists()


def test_jobs(november, work):
    """How many files are read at a time does not change a byte."""
    november("--out", work / "out.xlsx", "--no-ledger")
    one = (work / "out.xlsx").read_bytes()
    november("--out", work / "out.xlsx", "--no-ledger", "--jobs", 2)
    assert (work / "out.xlsx").read_bytes() == one


def test_review(november, poam, work):
    """A doubt is shown with both sides; an answer is kept, and the next run asks no more."""
    ran = november("--out", work / "out.xlsx", "--strict")
    assert ran.status == 1
    (folder,) = (work / "runs").glob("2026-11-20-*")
    shown = poam("review", folder)
    assert "Nessus 51192: SSL Certificate Cannot Be Trusted" in shown.out
    assert "V-2 (open, row 10), Security Assessment Report (no identifier)" in shown.out
    assert "= 70\n" in shown.out
    said = poam("review", folder, "--accept", shown.out[:6], "--by", "Ada Heron")
    assert (said.status, said.out) == (0, "Nessus 51192 is V-2 (Ada Heron)\n")
    assert "Ada Heron" in (work / "runs" / "decisions.yaml").read_text(encoding="utf-8")
    assert november("--out", work / "out.xlsx", "--strict").status == 0
    (again,) = set((work / "runs").glob("2026-11-20-*")) - {folder}
    nothing = f"No match is in doubt; what else waits for a person is in {again / 'summary.md'}.\n"
    assert poam("review", again).out == nothing
    assert "Ada Heron on " in poam("explain", "V-2", "--run", again).out


def test_review_of_nothing(november, poam, work):
    """An id that is no doubt's is refused, and nothing is kept."""
    november("--out", work / "out.xlsx")
    (folder,) = (work / "runs").glob("2026-11-20-*")
    ran = poam("review", folder, "--reject", "zzzzzz")
    assert ran.status == 1
    assert "zzzzzz: found no such doubt. Expected one of " in ran.err
    assert not (work / "runs" / "decisions.yaml").exists()


def test_explain(november, poam, work):
    """`explain` names the rule behind the rating and the one behind the due date."""
    november("--out", work / "out.xlsx")
    (folder,) = (work / "runs").glob("2026-11-20-*")
    ran = poam("explain", "V-55", "--run", folder)
    assert ran.status == 0
    assert "V-55 opened: " in ran.out
    assert "rated High: " in ran.out
    assert "FedRAMP Vulnerability Scanning Requirements" in ran.out
    assert "due 2026-12-01: " in ran.out
    assert "RA-5(d)" in ran.out


def test_explain_nothing(november, poam, work, tmp_path):
    """An item that a run did not decide on, and a folder without a run, are refused."""
    november("--out", work / "out.xlsx")
    (folder,) = (work / "runs").glob("2026-11-20-*")
    assert poam("explain", "V-999", "--run", folder).status == 1
    ran = poam("explain", "V-1", "--run", tmp_path)
    assert ran.status == 1
    assert "decisions.json" in ran.err


def test_identify(poam, month, tmp_path):
    """`identify --format json` gives a JSON object per file, and 1 where one is claimed by none."""
    ran = poam("identify", *month(OCTOBER), "--format", "json")
    rows = [json.loads(line) for line in ran.out.splitlines()]
    assert ran.status == 0
    assert {row["parser"] for row in rows} == {path.parent.name for path in month(OCTOBER)}
    (tmp_path / "a.txt").write_text("a")
    ran = poam("identify", tmp_path / "a.txt", "--format", "json")
    assert ran.status == 1
    assert "no parser claims it" in json.loads(ran.out)["refused"]


def test_identify_table(poam, month):
    """`identify` prints a line per file."""
    ran = poam("identify", *month(OCTOBER))
    assert len(ran.out.splitlines()) == len(month(OCTOBER))


def test_findings_json(poam, month):
    """`findings --format json` is JSON Lines with the same keys in every line."""
    ran = poam("findings", *month(OCTOBER), "--format", "json")
    rows = [json.loads(line) for line in ran.out.splitlines()]
    assert ran.status == 0
    assert rows
    assert {tuple(row) for row in rows} == {FINDINGS}
    assert {row["kind"] for row in rows} == {"vulnerability", "configuration", "informational"}


def test_findings_csv(poam, month):
    """`findings` prints CSV with a header."""
    ran = poam("findings", *month(OCTOBER))
    assert ran.status == 0
    assert ran.out.splitlines()[0] == ",".join(FINDINGS)


def test_findings_broken(poam, broken):
    """`findings` prints what can be read, names what cannot, and ends with 1."""
    ran = poam("findings", *broken, "--format", "json")
    assert ran.status == 1
    assert "cut.nessus" in ran.err
    assert {json.loads(line)["detector"] for line in ran.out.splitlines()} == {"Qualys", "ZAP"}


@pytest.mark.parametrize("edition", ["v3.0", "v2.1", "rev4"])
def test_template(poam, tmp_path, policy, edition):
    """A blank workbook reads back as that edition without an item or a problem; never twice."""
    out = tmp_path / "blank.xlsx"
    assert poam("template", out, "--edition", edition).status == 0
    book = read_workbook(out, policy.templates)
    assert book.edition == edition
    assert book.items.empty
    assert not book.problems
    assert poam("template", out, "--edition", edition).status == 1


def test_check_mappings(poam, tmp_path):
    """Sound rulebooks end with 0; a broken conmon.yaml with 1 and its place."""
    ran = poam("check-mappings")
    assert ran.status == 0
    assert ran.out.startswith("sound: policy ")
    config = tmp_path / "conmon.yaml"
    config.write_text("colour: red\n")
    ran = poam("check-mappings", "--config", config)
    assert ran.status == 1
    assert "conmon.yaml" in ran.err
    assert "colour" in ran.err


@pytest.mark.parametrize("command", COMMANDS)
def test_help(poam, command):
    """Every command has help, by `-h` too."""
    for flag in ("-h", "--help"):
        ran = poam(command, flag)
        assert ran.status == 0
        assert "Usage: poam " in ran.out


def test_all_commands_are_tried(poam):
    """The list above is every command there is."""
    from flows.cli import app

    names = {c.name or c.callback.__name__.replace("_", "-") for c in app.registered_commands}
    assert names >= set(COMMANDS)
    assert all(name in poam("-h").out for name in names)


@pytest.mark.parametrize(
    "words",
    [
        ("no-such-command",),
        ("update",),
        ("update", "scan.xml"),
        ("update", "scan.xml", "--poam", "x.xlsx", "--as-of", "yesterday"),
        ("identify", "a", "--format", "xml"),
        ("template", "out.xlsx", "--edition", "v9"),
        ("explain",),
        ("package", "runs/x"),
    ],
)
def test_wrong_usage(poam, words):
    """A command that cannot be understood ends with 2 and says why on standard error."""
    ran = poam(*words)
    assert ran.status == 2
    assert ran.err
    assert not ran.out


@pytest.mark.parametrize("what", ["scan", "poam", "inventory", "kev", "config"])
def test_missing_file(poam, month, tmp_path, what):
    """A file that is not there is one sentence that names it, and status 1."""
    missing = tmp_path / "missing.file"
    given = {
        "scan": month(OCTOBER)[0],
        "poam": SAMPLE_SCANS / "poam" / "2026-09.xlsx",
        what: missing,
    }
    options = [(f"--{name}", path) for name, path in given.items() if name != "scan"]
    where = ("--runs", tmp_path / "runs", "--as-of", "2026-10-30", "--out", tmp_path / "out.xlsx")
    ran = poam("update", given["scan"], *sum(options, ()), *where, "--jobs", 1)
    assert ran.status == 1
    assert "missing.file" in ran.err
    assert len(ran.err.strip().splitlines()) == 1
    assert "Traceback" not in ran.err
    assert not (tmp_path / "out.xlsx").exists()


def alone(folder, *words, without=()):
    """Run the program in a process of its own; it fails where it imports a library of `without`."""
    program = (
        "import sys\n"
        "from flows.cli import main\n"
        "try:\n"
        "    main()\n"
        "finally:\n"
        f"    found = set({list(without)}) & sys.modules.keys()\n"
        "    assert not found, found\n"
    )
    return subprocess.run(  # noqa: S603  this interpreter, fixed words
        [sys.executable, "-W", "error", "-c", program, *map(str, words)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_update_without_prefect(month, tmp_path):
    """`poam update` never imports Prefect, and its exit status is the process's."""
    given = ("--poam", SAMPLE_SCANS / "poam" / "2026-09.xlsx", "--runs", tmp_path / "runs")
    words = ["update", *month(OCTOBER), *given, "--out", tmp_path / "out.xlsx"]
    done = alone(tmp_path, *words, "--as-of", "2026-10-30", without=["prefect"])
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out.xlsx").exists()


@pytest.mark.parametrize("words", [("-h",), ("identify", SAMPLE_SCANS / "nessus_xml")])
def test_quick_start(tmp_path, words):
    """Help and `poam identify` import none of the libraries that take long to import."""
    slow = ["pandas", "pyarrow", "openpyxl", "sqlalchemy", "prefect"]
    done = alone(tmp_path, *words, without=slow)
    assert done.returncode == 0, done.stderr


def test_serve_without_server(tmp_path, monkeypatch):
    """`poam serve` needs a Prefect server, and says so in a sentence."""
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    done = alone(tmp_path, "serve", "--cron", "0 6 1 * *", "--zone", "UTC")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("poam serve: found no Prefect server.")


@pytest.mark.parametrize("name", ["short.xml.gz", "short.zip", "empty.xml"])
def test_damaged_archive(november, month, work, tmp_path, policy, name):
    """A cut archive or an empty file is named; nobody knows whose it was, so nothing closes."""
    content = month(NOVEMBER)[0].read_bytes()
    if name.endswith(".gz"):
        content = gzip.compress(content)
    elif name.endswith(".zip"):
        with zipfile.ZipFile(tmp_path / "whole.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("scan.xml", content)
        content = (tmp_path / "whole.zip").read_bytes()
    damaged = tmp_path / name
    damaged.write_bytes(b"" if name == "empty.xml" else content[: len(content) // 3])
    ran = november("--out", work / "out.xlsx", scans=[*month(NOVEMBER), damaged])
    assert ran.status == 1
    assert f"- {name}: " in ran.out
    assert moved(work, policy).empty


def test_knowledgebase_cut(november, month, work, tmp_path, policy):
    """A cut KnowledgeBase keeps Qualys items from closing, and no others."""
    scans = month(NOVEMBER)
    whole = next(path for path in scans if path.parent.name == "qualys_knowledgebase_xml")
    cut = tmp_path / "kb.xml"
    cut.write_bytes(whole.read_bytes()[:600])
    ran = november("--out", work / "out.xlsx", scans=[cut, *(p for p in scans if p != whole)])
    assert ran.status == 1
    assert "- kb.xml, line " in ran.out
    assert set(moved(work, policy)) == {"Nessus", "ZAP"}


def test_findings_as_csv(poam, month):
    """Ports are whole numbers, CVEs lines of one cell, and no cell begins a formula."""
    ran = poam("findings", month(OCTOBER)[0])
    rows = list(csv.DictReader(io.StringIO(ran.out)))
    assert {row["port"] for row in rows if row["port"]} == {
        str(int(row["port"])) for row in rows if row["port"]
    }
    for row in rows:
        assert not any(cell.startswith(("=", "+", "-", "@")) for cell in row.values())
