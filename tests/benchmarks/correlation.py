"""The product's correlate step on any files in the form of the labelled benchmark.

    python -m tests.benchmarks.correlation CASES.csv ROWS.csv --out predictions.csv
    python -m tests.benchmarks.correlation CASES.csv ROWS.csv --ablation
    python -m tests.benchmarks.correlation CASES.csv ROWS.csv --stress

Only `case_id` and `finding_*` of the cases are read, and of the rows the template's columns.
`--ablation` needs the labels too: it switches each kind of evidence and each veto off, one at a
time, and prints what that does to the result. `--stress` makes the rows messier first.
"""

import argparse
import csv
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace

import pandas as pd

from poam.asset_lines import asset_lines
from poam.assets import AssetIndex
from poam.correlate import Correlator, Link
from poam.identifiers import cve_ids
from poam.policy import Policy, load_policy
from tests.benchmarks.messy_rows import merged, messy

CELLS = {
    "weakness_name": "Weakness Name",
    "weakness_detector_source": "Weakness Detector Source",
    "weakness_source_identifier": "Weakness Source Identifier",
    "asset_identifier": "Asset Identifier",
    "cve": "CVE",
    "original_risk_rating": "Original Risk Rating",
    "poam_id": "POAM ID",
}

RATINGS = {"critical": "High", "high": "High", "medium": "Moderate", "low": "Low"}


def read(path: Path) -> list[dict[str, str]]:
    """Read a CSV of the benchmark."""
    with path.open(newline="", encoding="utf-8-sig") as file:
        return list(csv.DictReader(file))


def items(rows: list[dict[str, str]]) -> pd.DataFrame:
    """Return the rows of a POA&M as the workbook reader gives items."""
    frame = pd.DataFrame(
        [{name: row.get(column, "") for name, column in CELLS.items()} for row in rows]
    )
    closed = [row.get("Status", "").strip().casefold() == "closed" for row in rows]
    return frame.assign(
        sheet=["closed" if one else "open" for one in closed], row=range(2, len(rows) + 2)
    )


def weakness_of(case: Mapping[str, str], correlator: Correlator, policy: Policy):
    """Describe the finding of a case as the correlate step sees a weakness."""
    scanner = policy.scanner(case["finding_scanner"])
    weakness = SimpleNamespace(
        detector=scanner.detector if scanner else case["finding_scanner"],
        source_identifier=case["finding_id"],
        name=case["finding_title"],
        cves=cve_ids(case["finding_cves"]),
        original_risk_rating=RATINGS.get(case["finding_severity"].casefold()),
    )
    places = [
        SimpleNamespace(
            asset_identifier=line.name,
            location=line.location,
            port=line.port,
            parameter=case["finding_param"] or line.parameter,
        )
        for line in asset_lines(case["finding_assets"])
    ]
    return correlator.weakness(weakness, places)


def predictions(
    cases: list[dict[str, str]], correlator: Correlator, policy: Policy
) -> Iterator[dict[str, str]]:
    """Yield what the correlate step says of each case."""
    for case in cases:
        links = correlator.of(weakness_of(case, correlator, policy))
        yield {
            "case_id": case["case_id"],
            "predicted_poam_id": _chosen(links),
            "decision": "review" if links and links[0].verdict == "review" else "auto",
            "why": "; ".join(f"{one.candidate.poam_id}: {one.match.words}" for one in links[:3])
            or "nothing in the workbook matches",
        }


def _chosen(links: list[Link]) -> str:
    """Return one row for the score; what is closed does not reopen, it recurs in a new row."""
    still_open = [one for one in links if one.candidate.sheet != "closed"]
    ordered = sorted(still_open, key=lambda one: (not one.match.by_identifier, -one.match.points))
    return ordered[0].candidate.poam_id if ordered else "NEW"


def scores(cases: list[dict[str, str]], predicted: list[dict[str, str]]) -> dict[str, int]:
    """Count wrong merges, missed matches, reviews and right links, as evaluate.py does."""
    counts = {"linked": 0, "wrong": 0, "missed": 0, "review": 0, "new": 0}
    for case, said in zip(cases, predicted, strict=True):
        expected, chosen = case["expected_poam_id"] or "NEW", said["predicted_poam_id"]
        if said["decision"] == "review":
            counts["review"] += 1
        elif chosen == expected:
            counts["new" if expected == "NEW" else "linked"] += 1
        else:
            counts["missed" if chosen == "NEW" else "wrong"] += 1
    return counts


def without_evidence(policy: Policy, kind: str) -> Policy:
    """Return the policy with a kind of evidence worth nothing."""
    kinds = dict(policy.correlation.evidence.kinds)
    kinds[kind] = kinds[kind].model_copy(update={"points": 0})
    evidence = policy.correlation.evidence.model_copy(update={"kinds": kinds})
    correlation = policy.correlation.model_copy(update={"evidence": evidence})
    return policy.model_copy(update={"correlation": correlation})


Book = tuple[list[dict[str, str]], list[dict[str, str]]]


def messy_book(cases: list[dict[str, str]], rows: list[dict[str, str]], seed: int) -> Book:
    """Return the cases and rows of one seed: rows made messier, and where merged ones went."""
    damaged, gone = merged(messy(rows, seed), seed)
    moved = [
        {**case, "expected_poam_id": gone.get(case["expected_poam_id"], case["expected_poam_id"])}
        for case in cases
    ]
    return moved, damaged


def counted(book: Book, policy: Policy, off: frozenset[str] = frozenset()) -> Counter[str]:
    """Return the scores of one book."""
    cases, rows = book
    correlator = Correlator(items(rows), AssetIndex(), policy, off)
    return Counter(scores(cases, list(predictions(cases, correlator, policy))))


def ablation(cases: list[dict[str, str]], rows: list[dict[str, str]], policy: Policy) -> None:
    """Print the result with each kind of evidence and each veto off, also over messy rows."""
    columns = ("linked", "wrong", "missed", "review")
    messy_books = [messy_book(cases, rows, seed) for seed in range(3)]

    def run(label: str, changed: Policy, off: frozenset[str] = frozenset()) -> None:
        clean = counted((cases, rows), changed, off)
        messed = sum((counted(book, changed, off) for book in messy_books), Counter())
        numbers = [*(clean[name] for name in columns), *(messed[name] for name in columns)]
        say(f"{label:38}" + "".join(f"{number:8}" for number in numbers))

    say(f"{'':38}" + "".join(f"{name:>8}" for name in columns * 2) + "  (right: three messy books)")
    run("everything", policy)
    for kind in policy.correlation.evidence.kinds:
        run(f"without evidence {kind}", without_evidence(policy, kind))
    for veto in Correlator(items(rows), AssetIndex(), policy).vetoes:
        run(f"without veto {veto}", policy, frozenset({veto}))


def stress(cases: list[dict[str, str]], rows: list[dict[str, str]], policy: Policy) -> None:
    """Print the result over rows that were made messier, for ten seeds."""
    say(f"{'seed':34} {'linked':>7} {'wrong':>6} {'missed':>7} {'review':>7}")
    for seed in range(10):
        found = counted(messy_book(cases, rows, seed), policy)
        say(
            f"{seed:<34} {found['linked']:7} {found['wrong']:6} {found['missed']:7} "
            f"{found['review']:7}"
        )


def say(line: str) -> None:
    """Print a line."""
    sys.stdout.write(f"{line}\n")


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("cases", type=Path)
    parser.add_argument("rows", type=Path)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--ablation", action="store_true")
    parser.add_argument("--stress", action="store_true")
    parser.add_argument("--config", type=Path)
    given = parser.parse_args()
    policy = load_policy(given.config)
    cases, rows = read(given.cases), read(given.rows)
    if given.ablation:
        ablation(cases, rows, policy)
        return
    if given.stress:
        stress(cases, rows, policy)
        return
    correlator = Correlator(items(rows), AssetIndex(), policy)
    with given.out.open("w", newline="", encoding="utf-8") if given.out else sys.stdout as file:
        writer = csv.DictWriter(file, ["case_id", "predicted_poam_id", "decision", "why"])
        writer.writeheader()
        writer.writerows(predictions(cases, correlator, policy))


if __name__ == "__main__":
    main()
