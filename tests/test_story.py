"""The story of an item: where and when it was seen, and what each run changed, by file and hash."""

import hashlib
import re
import shutil

import pytest

from flows.asking import default_ledger
from poam.ledger import Ledger
from poam.story import Chapter, story
from tests.core_support import memory


@pytest.fixture
def told(recorded, poam):
    """Return a function that explains an item of the two months, and their folder."""
    site, _ = recorded

    def explain(poam_id):
        return poam("explain", poam_id, "--runs", site / "runs").out

    return explain, site


def test_two_months(told):
    """A row that October opened and November changed has both chapters, with file and hash."""
    explain, site = told
    ledger = Ledger(default_ledger(site / "runs"))
    changes = ledger.memory()
    ledger.close()
    found = [poam_id for poam_id in changes["poam_id"].unique() if poam_id]
    both = [
        text
        for text in map(explain, found)
        if "2026-10-30 opened" in text and "2026-11-20 " in text
    ]
    assert both
    text = both[0]
    assert re.search(r"^V-\d+ first seen 2026-\d\d-\d\d on ", text)
    assert text.index("2026-10-30 opened") < text.index("2026-11-20 ")
    for file, digest in re.findall(r"^  (\S+): SHA-256 ([0-9a-f]{64})$", text, re.MULTILINE):
        (scan,) = (site / "scans").rglob(file)
        assert hashlib.sha256(scan.read_bytes()).hexdigest() == digest
    assert "SHA-256" in text


def test_an_item_that_closed(told):
    """An item that an earlier run closed still has its story: the proof, and the day."""
    explain, site = told
    shutil.rmtree(next((site / "runs").glob("2026-11-20-*")))
    texts = [explain(f"V-{number}") for number in range(1, 60)]
    closed = [text for text in texts if "2026-11-20 closed" in text]
    assert closed
    assert all("because" in text for text in closed)


def test_nothing(told, poam):
    """An item that nobody recorded is one sentence."""
    _, site = told
    ran = poam("explain", "V-9999", "--runs", site / "runs")
    assert ran.status == 1
    assert "V-9999" in ran.err


def test_many_places():
    """Of thousands of places the first twenty are listed, and how many more there are."""
    places = memory(*(f"web-{n:04}" for n in range(3000)))
    lines = story("V-1", places, []).splitlines()
    assert len(lines) == 1 + 20 + 1
    assert lines[-1] == "  and on 2,980 more places"


def test_words():
    """A chapter says what it did, why, each field with what was there before, and the files."""
    change = {"kind": "updated", "because": "seen again (b.nessus: host web-01, item 3)"}
    fields = {"field": "status_date", "before": "2026-10-30", "after": "2026-11-20"}
    inputs = {"scan: b.nessus": "ab12", "scan: c.nessus": "cd34", "poam: P.xlsx": "ef56"}
    one = Chapter("2026-11-20-1f", "2026-11-20", inputs, [change | fields])
    text = story("V-1", memory("web-01", port=443), [one])
    assert text == (
        "V-1 first seen 2026-10-06 on web-01 (443/tcp)\n"
        "  Nessus 10001 on web-01 (443/tcp): 2026-10-06 to 2026-10-06\n"
        "2026-11-20 updated (run 2026-11-20-1f)\n"
        "  because seen again (b.nessus: host web-01, item 3)\n"
        "  status_date = 2026-11-20  (was: 2026-10-30)\n"
        "  b.nessus: SHA-256 ab12"
    )
