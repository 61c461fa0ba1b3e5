"""Checks of a POA&M workbook before it is submitted."""

from poam.lint.book import LintFinding, has_errors, lint

__all__ = ["LintFinding", "has_errors", "lint"]
