"""What a run of the ledger's tests records: its own row and one change."""

from datetime import date

CHANGE = {
    "number": 0,
    "kind": "opened",
    "poam_id": "V-1",
    "field": "cve",
    "before": "",
    "after": "CVE-2026-0001",
    "because": "seen",
}


def row(run_id="2026-11-30-abc", **given):
    """Return a run's own row."""
    values = {"as_of": date(2026, 11, 30), "policy_sha256": "0" * 64, "inputs": {}, "counts": {}}
    return {"run_id": run_id} | values | given
