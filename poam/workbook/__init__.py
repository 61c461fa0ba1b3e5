"""POA&M workbooks: read any edition of the template, write in place, build a blank one.

Writing is surgical: a workbook is a zip of parts, and only the parts and cells that an edit
names are changed. Styles, validations, macros, pictures, notes and labels stay byte for byte.
"""

from poam.workbook.conversion import Accounts, convert
from poam.workbook.edits import RowAddition, RowMove, RowUpdate, WorkbookEdits
from poam.workbook.inventory import read_inventory
from poam.workbook.plans import CellProblem, SheetPlan
from poam.workbook.read import PoamWorkbook, read_workbook
from poam.workbook.template import build_template
from poam.workbook.write import write_workbook

__all__ = [
    "Accounts",
    "CellProblem",
    "PoamWorkbook",
    "RowAddition",
    "RowMove",
    "RowUpdate",
    "SheetPlan",
    "WorkbookEdits",
    "build_template",
    "convert",
    "read_inventory",
    "read_workbook",
    "write_workbook",
]
