"""What people look at after a run: the page, the executive summary, the changes as a workbook."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flows.batch import Batch
from flows.plan import Plan
from flows.report_page import report_page
from poam.executive import Table, executive_summary, labelled, month_line
from poam.policy import Policy
from poam.report import RunReport, changes_frame
from poam.workbook.tables import write_tables

REPORT, SUMMARY, SUMMARY_TABLES, CHANGES = (
    "report.html",
    "summary.json",
    "summary.xlsx",
    "changes.xlsx",
)


def write_report(folder: Path, report: RunReport, plan: Plan, batch: Batch, policy: Policy) -> None:
    """Write the page, the executive summary (JSON and workbook) and the changes' workbook."""
    summary = executive_summary(
        report,
        plan.counts,
        batch.recalled.months,
        plan.open_items,
        plan.deviation_requests,
        plan.coverage,
        policy.triggers,
    )
    headers = policy.templates.editions[batch.workbook.edition].columns
    _write(folder / REPORT, report_page(report, plan, summary, headers))
    _write(folder / SUMMARY, summary_json(report, summary))
    sheets = {table.title: labelled(table.frame) for table in summary.values()}
    write_tables(folder / SUMMARY_TABLES, sheets)
    write_tables(folder / CHANGES, {"Changes": changes_frame(plan.changes)})


def summary_json(report: RunReport, summary: Mapping[str, Table]) -> str:
    """The executive summary as JSON: the month's one line, and every table by its name."""
    tables: dict[str, Any] = {
        name: {
            "title": table.title,
            "said": table.said,
            "rows": json.loads(table.frame.to_json(orient="records")),
        }
        for name, table in summary.items()
    }
    content = {
        "run_id": report.run_id,
        "as_of": str(report.as_of),
        "next_submission": str(report.submission) if report.submission else None,
        "said": month_line(report),
        "tables": tables,
    }
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def _write(path: Path, text: str) -> None:
    temporary = path.with_name(f".{path.name}.partial")
    temporary.write_text(text, encoding="utf-8", newline="\n")
    temporary.replace(path)
