"""A run's folder: the account of everything that went in, was decided and came out."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd

from flows.figures import figures
from flows.ingest import Parsed
from flows.places import sha256
from flows.plan import Plan
from poam.errors import RunError
from poam.gates import gates_frame
from poam.policy import Policy
from poam.report import RunReport, changes_frame, decisions_json, review_frame
from poam.triggers import triggers_frame

DISTRIBUTION = "conmon-poam"
# They tell of this machine: paths, and how long things took.
NOT_PROOF = {"manifest.json", "run.log", "request.json"}
FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True)
class RunFolder:
    """`runs/<as-of>-<hash>/`. The same inputs, date and policy give the same folder and bytes."""

    path: Path
    run_id: str
    as_of: date
    hashes: Mapping[str, str]
    policy_sha256: str
    parsed: tuple[Parsed, ...]

    def create(self) -> None:
        """Make the folder; files of an earlier, equal run are written over."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as e:
            raise RunError(f"{self.path}: cannot be made ({e.strerror}).") from e

    def write_account(self, report: RunReport, plan: Plan) -> None:
        """Write the summary, the changes and their evidence, what reviewers count, asset lists."""
        changes = plan.changes
        self._text("summary.md", report.markdown())
        self._text("decisions.json", decisions_json(changes))
        self._csv("changes.csv", changes_frame(changes))
        self._csv("review.csv", review_frame(changes))
        self._csv("evidence.csv", changes.membership)
        self._csv("coverage.csv", plan.coverage)
        self._csv("gates.csv", gates_frame(plan.gates))
        self._csv("triggers.csv", triggers_frame(plan.triggers))
        self._csv("deviation_requests.csv", plan.deviation_requests)
        for decision in changes.decisions:
            if decision.attachment:
                name = f"assets-{decision.poam_id}.csv"
                self._text(name, f"asset_identifier\n{decision.attachment}\n")
        self.write_manifest(report)

    def write_manifest(self, report: RunReport, target: Path | None = None) -> None:
        """Name every input and output with its SHA-256, versions, the policy hash, the figures."""
        outputs = {
            file.name: sha256(file)
            for file in sorted(self.path.iterdir())
            if file.is_file() and file.name not in NOT_PROOF
        }
        content: dict[str, Any] = {
            "run_id": self.run_id,
            "as_of": self.as_of,
            "version": version(DISTRIBUTION),
            "policy_sha256": self.policy_sha256,
            "inputs": self.hashes,
            "scans": [
                {"file": p.file, "sha256": p.sha256, "parser": p.parser, "refused": p.refused}
                for p in self.parsed
            ],
            "figures": figures(report, self.parsed),
            "outputs": outputs,
            "workbook": {target.name: sha256(target)} if target else {},
        }
        self._text("manifest.json", json.dumps(content, indent=1, default=str) + "\n")

    def ledger_row(self, report: RunReport) -> dict[str, Any]:
        """The run as the ledger keeps it."""
        return {
            "run_id": self.run_id,
            "as_of": self.as_of,
            "policy_sha256": self.policy_sha256,
            "inputs": dict(self.hashes),
            "counts": dict(report.counts),
        }

    def _text(self, name: str, text: str) -> None:
        temporary = self.path / f".{name}.partial"
        temporary.write_text(text, encoding="utf-8", newline="\n")
        temporary.replace(self.path / name)

    def _csv(self, name: str, frame: pd.DataFrame) -> None:
        temporary = self.path / f".{name}.partial"
        with temporary.open("w", encoding="utf-8", newline="") as file:
            safe(frame).to_csv(file, index=False, lineterminator="\n")
        temporary.replace(self.path / name)


def safe_csv(frame: pd.DataFrame) -> str:
    """A frame as CSV that a spreadsheet opens without running any of it."""
    return str(safe(frame).to_csv(index=False, lineterminator="\n"))


def safe(frame: pd.DataFrame) -> pd.DataFrame:
    """A frame in which no cell is a formula.

    Scanner text may begin with a formula sign; such cells get a leading apostrophe.
    Source: OWASP, CSV Injection.
    """
    texts = frame.select_dtypes(["object", "str"])
    return frame.assign(**{str(name): _unsigned(column) for name, column in texts.items()})


def _unsigned(column: "pd.Series[Any]") -> "pd.Series[Any]":
    if column.dtype == object:
        cells = [f"'{one}" if _is_signed(one) else one for one in column]
        return pd.Series(cells, index=column.index, dtype=object)
    return column.mask(column.str.startswith(FORMULA_SIGNS), "'" + column)


def _is_signed(value: object) -> bool:
    return isinstance(value, str) and value.startswith(FORMULA_SIGNS)


def run_identifier(as_of: date, hashes: Mapping[str, str], policy: Policy) -> str:
    """`<as-of>-<hash>` over everything that decides a run's outcome."""
    content = json.dumps([str(as_of), sorted(hashes.items()), policy.sha256()])
    return f"{as_of}-{hashlib.sha256(content.encode()).hexdigest()[:8]}"
