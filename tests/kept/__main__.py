"""Print the table of what an update keeps: `python -m tests.kept`."""

import sys
import tempfile
from pathlib import Path

from tests.kept.table import table

with tempfile.TemporaryDirectory() as folder:
    sys.stdout.write(table(Path(folder)))
