"""The documents' commands are run, in order, in an empty folder, and say what is written there.

A block fenced as `console` begins each command with `$ `; what follows is its output. `...` alone
on a line stands for lines, inside a line for text. Nothing after a command: any output will do.
"""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from poam.policy import load_policy
from poam.workbook import read_workbook
from tests.conftest import PROJECT

pytestmark = pytest.mark.heavy

# They need more than an empty folder: the tests named run them.
ELSEWHERE = {PROJECT / "docs" / "prefect.md": "tests/test_flow_pool.py"}
DOCUMENTS = sorted(
    path
    for path in (PROJECT / "README.md", *(PROJECT / "docs").glob("*.md"))
    if path not in ELSEWHERE and "```console" in path.read_text(encoding="utf-8")
)


def commands(path, section=""):
    """Yield each command of a document, or a section of it, with the output written below it."""
    text = path.read_text(encoding="utf-8")
    if section:
        text = text.split(f"\n## {section}\n")[1].split("\n## ")[0]
    for block in re.findall(r"^```console\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            lines = part.replace("\\\n", " ").splitlines()
            yield lines[0], "\n".join(lines[1:])


def pattern(written):
    """Return what an output must match: `...` is any text, alone on a line any lines."""
    lines = (
        "(?s:.*)" if line == "..." else re.escape(line).replace(r"\.\.\.", ".*")
        for line in written.strip().splitlines()
    )
    return "\n".join(lines)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_commands(document, tmp_path):
    """Each command ends as the document shows it."""
    (tmp_path / "sample_scans").symlink_to(PROJECT / "sample_scans")
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(PROJECT),
        "COLUMNS": "100",
        "NO_COLOR": "1",
    }
    for command, written in commands(document):
        program = shlex.split(command)[0]
        assert program in {"poam", "ls", "unzip", "cat", "sha256sum", "grep"}, command
        done = subprocess.run(  # noqa: S603  the documents are ours
            ["bash", "-c", command],  # noqa: S607
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        said = done.stdout.strip()
        if written.strip():
            assert re.fullmatch(pattern(written), said), f"$ {command}\n{said}\n{done.stderr}"
        else:
            assert done.returncode in (0, 1), f"$ {command}\n{done.stderr}"
    if document.name == "README.md":
        rows_before_and_after(document.read_text(encoding="utf-8"), tmp_path)


def rows_before_and_after(text, folder):
    """Hold the README's picture, cell by cell, against the workbooks that its commands wrote."""
    (head,) = re.findall(r"^\| \| (sheet .*) \|$", text, re.MULTILINE)
    names = [name.strip().lower().replace(" ", "_") for name in head.split("|")]
    shown = re.findall(r"^\| (October|November) \| (.*) \|$", text, re.MULTILINE)
    assert len(shown) == 4
    for month, cells in shown:
        book = folder / f"POAM-2026-{10 if month == 'October' else 11}.xlsx"
        items = read_workbook(book, load_policy().templates).items
        row = dict(zip(names, (cell.strip() for cell in cells.split("|")), strict=True))
        (found,) = items[items["poam_id"] == row["poam_id"]].to_dict("records")
        assert row == {name: str(found[name]).replace("\n", "<br>") for name in names}
    (said,) = re.findall(r"^    (2026-10-30: .* finds the same weakness: .*)$", text, re.MULTILINE)
    assert any(said in comments.split("\n") for comments in items["comments"])
