"""The contracts of pyproject.toml on who may import whom."""

import os
import subprocess
import sys

import pytest

from tests.conftest import PROJECT


def test_import_contracts():
    """Every import contract is kept: flows use parsers, parsers use poam, never back."""
    pytest.importorskip("importlinter")
    program = "import importlinter.cli as lint; raise SystemExit(lint.lint_imports(no_cache=True))"
    command = [sys.executable, "-c", program]
    done = subprocess.run(  # noqa: S603  this interpreter, fixed words
        command,
        cwd=PROJECT,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout
