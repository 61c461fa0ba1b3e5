"""Convert a workbook to another edition of the template, and account for every value it holds."""

from poam.workbook.conversion.accounts import Accounts
from poam.workbook.conversion.convert import convert

__all__ = ["Accounts", "convert"]
