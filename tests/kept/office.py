"""LibreOffice as a second writer: it opens a workbook, edits it, and saves it its own way."""

import csv
import subprocess
from html import escape

from poam.model import Sheet
from poam.workbook import read_workbook
from tests.kept.book import LAYOUTS
from tests.kept.on_cells import DUE

FILTERS = {".xlsx": "Calc MS Excel 2007 XML", ".xlsm": "Calc MS Excel 2007 VBA XML"}
# Every sheet to its own file, cells as shown, in UTF-8 (LibreOffice help, "CSV filter options").
CSV = "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,false,false,false,-1"
MODULE = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE script:module PUBLIC "-//OpenOffice.org//DTD OfficeDocument 1.0//EN" "module.dtd">
<script:module xmlns:script="http://openoffice.org/2000/script" script:name="Module1"
 script:language="StarBasic">{}</script:module>"""
MACRO = """Sub Main
On Error GoTo Failed
Dim hide(0) As New com.sun.star.beans.PropertyValue
hide(0).Name = "Hidden"
hide(0).Value = True
book = StarDesktop.loadComponentFromURL("{source}", "_blank", 0, hide())
sheet = book.Sheets.getByName("Open POA&M Items")
{statements}
Dim how(0) As New com.sun.star.beans.PropertyValue
how(0).Name = "FilterName"
how(0).Value = "{filter}"
book.storeToURL("{target}", how())
book.close(True)
Exit Sub
Failed:
Open "{failed}" For Output As #1
Print #1, Erl, Error$
Close #1
End Sub
"""


class Office:
    """LibreOffice without a window, with a profile of its own."""

    def __init__(self, program, folder):
        """Start once: only an existing profile keeps the macro that is put into it."""
        self.folder = folder
        self.command = [program, f"-env:UserInstallation={(folder / 'profile').as_uri()}"]
        self.command += ["--headless", "--norestore"]
        self.run("--terminate_after_init")

    def run(self, *arguments):
        """Run it, to its end."""
        command = [*self.command, *map(str, arguments)]
        subprocess.run(command, check=True, capture_output=True, timeout=300)  # noqa: S603

    def edit(self, source, target, statements):
        """Open a file, run Basic statements over its open sheet, and save it elsewhere."""
        failed = self.folder / "failed.txt"
        macro = MACRO.format(
            source=source.as_uri(),
            target=target.as_uri(),
            statements="\n".join(statements),
            filter=FILTERS[target.suffix],
            failed=failed,
        )
        library = self.folder / "profile" / "user" / "basic" / "Standard"
        (library / "Module1.xba").write_text(MODULE.format(escape(macro)), encoding="utf-8")
        listed = library / "script.xlb"
        assert "Module1" in listed.read_text(encoding="utf-8")
        self.run("macro:///Standard.Module1.Main")
        assert not failed.exists(), failed.read_text()
        assert target.exists()

    def due_dates(self, path):
        """Give what the due-date column shows on the open sheet, by POAM ID."""
        out = self.folder / f"{path.stem}-csv"
        self.run("--convert-to", CSV, "--outdir", out, path)
        plan = read_workbook(path, LAYOUTS).plans[Sheet.OPEN]
        with (out / f"{path.stem}-{plan.name}.csv").open(newline="", encoding="utf-8") as file:
            lines = list(csv.reader(file))[plan.first_row - 1 : plan.last_row]
        own, due = plan.columns["poam_id"] - 1, plan.columns[DUE] - 1
        return {line[own]: line[due] for line in lines}
