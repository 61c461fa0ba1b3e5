"""What a scanner saw on a host can hold secrets: a run writes it nowhere."""

import csv
import io
import json
import logging
import re
import shutil
import subprocess
import sys
import zipfile
from itertools import takewhile

import pytest

from flows.asking import asked
from flows.pipeline import update
from flows.steps import DirectSteps
from tests.conftest import SAMPLE_SCANS
from tests.prefect_server import LOOPBACK, environment, watched

SECRET = "hunter2-Zq9PlantedSecret"  # noqa: S105  planted
WORDS = (
    r"plugin_output|results?|evidence|requestresponse|request|response|otherinfo|attack|proof|"
    r"curl_command|payload"
)
PLANTS = {  # where the text of an evidence-like field begins
    "xml": re.compile(rf"<(?:{WORDS})(?: [^<>]*)?>(?:<!\[CDATA\[)?(?=[^<\s])", re.IGNORECASE),
    "json": re.compile(rf'"(?:{WORDS}|curl-command)"\s*:\s*"', re.IGNORECASE),
}
COLUMNS = re.compile(r"plugin (output|text)|results?|evidence|request|response|payload", re.I)


def planted(scan):
    """Return a scan's text with the secret in each evidence-like field, or None without one."""
    kind, text = scan.parent.name.rpartition("_")[2], scan.read_text(encoding="utf-8-sig")
    if kind != "csv":
        found = PLANTS[kind].sub(lambda m: f"{m[0]}{SECRET} ", text)
        return found if found != text else None
    rows = list(csv.reader(io.StringIO(text, newline="")))
    for n, head in enumerate(rows):
        columns = [at for at, name in enumerate(head) if COLUMNS.fullmatch(name.strip())]
        if not columns or len(head) < 5:
            continue
        for row in takewhile(lambda row, head=head: len(row) == len(head), rows[n + 1 :]):
            for at in columns:
                row[at] = f"{row[at]} {SECRET}"
        out = io.StringIO()
        csv.writer(out, quoting=csv.QUOTE_ALL).writerows(rows)
        return out.getvalue() if SECRET in out.getvalue() else None
    return None


SCANS = sorted(
    file
    for file in SAMPLE_SCANS.glob("*/*")
    if file.parent.name.endswith(("_xml", "_json", "_csv")) and planted(file)
)


def said_in(folder):
    """Return the files under a folder in which the secret stands, unpacked where they are."""
    found = []
    for file in folder.rglob("*"):
        if not file.is_file():
            continue
        parts = [file.read_bytes()]
        if zipfile.is_zipfile(file):
            with zipfile.ZipFile(file) as archive:
                parts = [archive.read(name) for name in archive.namelist()]
        if any(SECRET.encode() in part for part in parts):
            found.append(file.name)
    return found


def test_evidence_is_not_kept(tmp_path, caplog, capfd):
    """Not in the workbook, the ledger, the account, the run store, the log or what is printed."""
    caplog.set_level(logging.DEBUG)
    scans, site = tmp_path / "scans", tmp_path / "site"
    for folder in (scans, site):
        folder.mkdir()
    for scan in SCANS:
        there = scans / f"{scan.parent.name}-{scan.name}"
        there.write_text(planted(scan), encoding="utf-8")
    poam = SAMPLE_SCANS / "poam" / "2026-09.xlsx"
    request = asked([scans], poam, site / "runs", None, out=site / "out.xlsx")
    outcome = update(request, DirectSteps())
    read = json.loads((outcome.folder / "manifest.json").read_text())["scans"]
    assert [one["refused"] for one in read] == [""] * len(SCANS)
    assert {one["parser"] for one in read} == {scan.parent.name for scan in SCANS}
    assert said_in(scans)
    assert said_in(site) == []
    assert SECRET not in caplog.text
    assert SECRET not in "".join(capfd.readouterr())


@pytest.mark.heavy
@pytest.mark.parametrize("command", ["demo", "update"])
def test_no_network(tmp_path, command):
    """With loopback and nothing else a run is made, and it looks up and calls no other host."""
    alone = ("unshare", "--map-root-user", "--net", "sh", "-c", 'ip link set lo up && exec "$@"')
    may = shutil.which("unshare") and subprocess.run([*alone, "sh", "true"], capture_output=True)  # noqa: S603
    if not may or may.returncode:
        pytest.skip("this system lets nobody make a network of his own")
    shutil.copyfile(SAMPLE_SCANS / "poam" / "2026-09.xlsx", tmp_path / "in.xlsx")
    scan = SAMPLE_SCANS / "nessus_xml" / "2026-10.nessus"
    words = {"demo": [], "update": [scan, "--poam", "in.xlsx", "--out", "out.xlsx"]}[command]
    poam = [sys.executable, "-m", "flows.cli", command, *words]
    ran = subprocess.run(  # noqa: S603  this interpreter, fixed words
        [*alone, "sh", *poam],
        cwd=tmp_path,
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert ran.returncode == 0, ran.stderr
    processes, hosts = watched(tmp_path)
    assert processes
    assert hosts <= LOOPBACK
