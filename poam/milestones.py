"""Planned Milestones and Milestone Changes, in the template's own syntax."""

import re
from datetime import date

# Source: POA&M template v2.1, row 7 and the conditional formats of columns M and N: entries are
# `(1) 2026-11-03: text`, a blank line between two.
NUMBER = re.compile(r"^\s*\((\d+)\)", re.MULTILINE)
NEW = re.compile(r"^\s*\((\d+)\)\s*new\b", re.MULTILINE | re.IGNORECASE)


def planned(due: date, text: str) -> str:
    """The first planned milestone of an item."""
    return f"(1) {due}: {_one_line(text)}"


def changed(planned_milestones: str, milestone_changes: str, due: date, why: str) -> str:
    """Milestone Changes with one more entry: the last milestone is now due on another day.

    What stands there is never edited. An item without a milestone gets a new one.
    """
    numbers = [*NUMBER.findall(planned_milestones), *NEW.findall(milestone_changes)]
    last = max(map(int, numbers), default=0)
    entry = f"({last or 1}) {'Update' if last else 'New'} {due} : {_one_line(why)}"
    before = milestone_changes.rstrip()
    return f"{before}\n\n{entry}" if before else entry


def _one_line(text: str) -> str:
    return " ".join(text.split())
