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

from tests.conftest import PROJECT

pytestmark = pytest.mark.heavy

DOCUMENTS = sorted(
    path
    for path in (PROJECT / "README.md", *(PROJECT / "docs").glob("*.md"))
    if "```console" in path.read_text(encoding="utf-8")
)


def commands(path):
    """Yield each command of a document with the output written below it."""
    text = path.read_text(encoding="utf-8")
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
