"""The monthly run with scans read by a Dask cluster, under Prefect."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import MONTHS, SAMPLE_SCANS
from tests.prefect_server import free_port, prefect_server

pytestmark = pytest.mark.heavy
OCTOBER = "2026-10"
POAM = SAMPLE_SCANS / "poam" / "2026-09.xlsx"
PROGRAM = """
import json, sys
from datetime import date
from flows.conmon import monthly_conmon
from flows.settings import Settings
from poam.errors import RunError

if __name__ == "__main__":
    given = json.loads(sys.argv[1])
    given["as_of"] = date.fromisoformat(given["as_of"])
    settings = given.pop("settings")
    monthly_conmon(settings=Settings(**settings), **given)
    try:
        monthly_conmon(settings=Settings(dask_address=sys.argv[2], **settings), **given)
    except RunError as e:
        print(e)
"""


def test_dask(month, run, tmp_path, pytestconfig):
    """A cluster's workers give the very bytes; a cluster that does not answer is named."""
    if importlib.util.find_spec("prefect_dask") is None:
        pytest.skip("the extra dask is not installed")
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    given = {
        "scans": [str(path) for path in month(OCTOBER)],
        "poam": str(POAM),
        "out": str(tmp_path / "POAM.xlsx"),
        "as_of": str(MONTHS[OCTOBER]),
        "settings": {"runs": str(tmp_path / "runs"), "engine": "dask"},
    }
    nobody = f"tcp://127.0.0.1:{free_port()}"
    with prefect_server(tmp_path, pytestconfig.cache.mkdir("prefect")) as around:
        done = subprocess.run(  # noqa: S603  this interpreter, our own program
            [sys.executable, str(program), json.dumps(given), nobody],
            env={**around, "DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "2s"},
            capture_output=True,
            text=True,
            check=False,
            timeout=240,
        )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith(f"{nobody}: no Dask scheduler answers (")
    (tmp_path / "direct").mkdir()
    ledger = f"sqlite:///{(tmp_path / 'direct' / 'ledger.sqlite').as_posix()}"
    out = tmp_path / "direct" / "POAM.xlsx"
    run(month(OCTOBER), POAM, out, MONTHS[OCTOBER], ledger=ledger)
    assert Path(given["out"]).read_bytes() == out.read_bytes()
