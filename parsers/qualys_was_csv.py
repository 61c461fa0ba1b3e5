"""Qualys WAS scan reports and web application reports as CSV: several tables in one file."""

from collections.abc import Iterator

from parsers import csv
from parsers.export import Export
from parsers.qualys_was import DETECTOR, Application, Fields, Report
from parsers.text import cve_ids
from poam.locations import is_url
from poam.model import Record

NAME = "qualys_was_csv"
DETECTORS = (DETECTOR,)

EXPORT = "a complete CSV report of Qualys WAS"

Table = tuple[str, ...]
"""The columns that tell a table."""

# Tables of results have their category as a column's name, and again in each row.
RESULTS: tuple[Table, ...] = (
    ("VULNERABILITY", "ID", "QID"),
    ("SENSITIVECONTENT", "ID", "QID"),
    ("SENSITIVE_CONTENT", "ID", "QID"),
    ("INFORMATION_GATHERED", "ID", "QID"),
)
GLOSSARY: Table = ("QID", "Id", "Title", "Severity Level")
APPLICATIONS: Table = ("Web Application Name", "URL", "Scope")
SCANS: Table = ("Start Date", "End Date", "Authentication Status")
TABLES = (*RESULTS, GLOSSARY, APPLICATIONS, SCANS)

_RENAMED = {
    "SENSITIVECONTENT": "SENSITIVE_CONTENT",
    "REQUEST_METHOD_#1": "METHOD",
    "SEVERITY_LEVEL": "SEVERITY",
    "GROUPS": "GROUP",
    "CVSS_V3_BASE": "CVSS3_BASE",
    "OPTION_PROFILE": "PROFILE",
}


def recognises(head: bytes) -> bool:
    """Tell a report of Qualys WAS by the columns of its results, or of its glossary."""
    return any(csv.has_columns(head, *table) for table in (*RESULTS, GLOSSARY))


def records(export: Export) -> Iterator[Record]:
    """Yield findings and definitions, then findings without a URL and the coverage."""
    report = Report(export)
    for place, table, fields in _rows(export):
        name = fields.get("WEB_APPLICATION_NAME")
        if table in RESULTS:
            yield from report.result(_name(table[0]), fields, place, Application(name))
        elif table is GLOSSARY:
            cves = cve_ids(fields[column] for column in fields if column.startswith("CVE"))
            yield report.definition({**fields, "QID": fields.get("ID")}, cves, place)
        elif table is APPLICATIONS:
            report.application({**fields, "NAME": name})
        else:
            report.scan({"WEB_APPLICATION": name, **fields}, place)
    yield from report.rest()


def _rows(export: Export) -> Iterator[tuple[str, Table, Fields]]:
    """Yield the rows of the known tables with their place, by the names that XML has.

    Details of the scan may stand in the appendix as pairs of name and value.
    """
    table: Table | None = None
    header: list[str] = []
    appendix = False
    details: dict[str, str | None] = {}
    for line, cells in csv.raw_rows(export, EXPORT, ("ID", "QID")):
        names = [_name(cell) for cell in cells]
        texts = [cell.strip() for cell in cells if cell.strip()]
        begun = next((one for one in TABLES if {*map(_name, one)} <= {*names}), None)
        fields = {name: cell.strip() or None for name, cell in zip(header, cells, strict=False)}
        if begun:
            header, table = names, begun
        elif not texts:
            continue
        elif table and _belongs(table, fields):
            yield f"line {line}", table, fields
        elif table in RESULTS and len(texts) > 1:
            expected = f"{table[0]} or the name of the next part"
            raise export.error(f"line {line}", f"a row of results that begins {texts[0]}", expected)
        else:
            table = None
            appendix |= texts == ["APPENDIX"]
            if appendix and len(texts) == 2:
                details |= {_name(texts[0]): texts[1]}
    if "START_DATE" in details:
        yield "APPENDIX", SCANS, details


def _belongs(table: Table, fields: Fields) -> bool:
    """Tell whether a row is one of the table above it, or what comes after that."""
    if table in RESULTS:
        return _name(fields.get(_name(table[0])) or "") == _name(table[0])
    if table is GLOSSARY:
        return fields.get("QID") == "QID"
    if table is APPLICATIONS:
        return is_url(fields.get("URL") or "")
    return (fields.get("START_DATE") or "")[:1].isdigit()


def _name(column: str) -> str:
    """Return the name that XML has for a column."""
    name = "_".join(column.split()).upper()
    return _RENAMED.get(name, name)
