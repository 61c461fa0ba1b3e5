"""Vulnerabilities as Rapid7 InsightAppSec exports them in CSV, one row each."""

from collections.abc import Iterator

from parsers import csv
from parsers.dates import iso_datetime
from parsers.definitions import SeenDefinitions
from parsers.export import Export
from parsers.websites import issue_locator, site_coverage
from poam.locations import location, site
from poam.model import Definition, Finding, Kind, Record, ScanCoverage

NAME = "insightappsec_csv"
DETECTOR = "InsightAppSec"
DETECTORS = (DETECTOR,)
COLUMNS = ("app_uuid", "moduleName", "attackType", "rootCause_url", "severity", "lastDiscovered")

EXPORT = "a CSV of vulnerabilities of InsightAppSec"
INFORMATIONAL = {"INFORMATIONAL", "SAFE"}


def recognises(head: bytes) -> bool:
    """Tell the export by its columns."""
    return csv.has_columns(head, *COLUMNS)


def records(export: Export) -> Iterator[Record]:
    """Yield each row's definition and finding, then the coverage of each site by each scan."""
    seen = SeenDefinitions()
    scans: dict[tuple[str, str | None], ScanCoverage] = {}
    for row in csv.rows(export, EXPORT, COLUMNS):
        finding = _finding(export, row)
        module = finding.source_identifier
        definition = Definition(detector=DETECTOR, source_identifier=module, name=module)
        if seen.is_new(definition):
            yield definition
        yield finding
        scan = finding.asset, row.get("lastDiscoveredScan_uuid")
        if scan not in scans:
            scans[scan] = _coverage(export, row, finding.asset)
    yield from scans.values()


def _finding(export: Export, row: csv.Row) -> Finding:
    module, url = row.get("moduleName"), row.get("rootCause_url")
    if not module or not url:
        expected = "the module and the address of a vulnerability"
        raise export.error(row.place, "no moduleName or no rootCause_url", expected)
    asset, where = site(url), location(url)
    status, severity = row.get("status"), row.get("severity")
    parameter = row.get("rootCause_parameter")
    return Finding(
        detector=DETECTOR,
        source_identifier=module,
        asset=asset,
        kind=Kind.INFORMATIONAL if severity in INFORMATIONAL else Kind.VULNERABILITY,
        locator=issue_locator(
            export.file,
            asset,
            f"{row.get('attackType') or module} on {row.place}",
            row.get("rootCause_method"),
            where,
            f"parameter {parameter}" if parameter else None,
        ),
        present=status != "REMEDIATED",
        location=where,
        parameter=parameter,
        status=status,
        native_severity=severity,
        first_seen=iso_datetime(row.get("firstDiscovered"), export.file, row.place),
        last_seen=iso_datetime(row.get("lastDiscovered"), export.file, row.place),
    )


def _coverage(export: Export, row: csv.Row, asset: str) -> ScanCoverage:
    """Say when the scan ran; one that was stopped or did not attack proves nothing gone."""
    whole = row.get("lastDiscoveredScan_status") == "COMPLETE"
    proves = whole and row.get("lastDiscoveredScan_crawlOnly") != "true"
    started, ended = (
        iso_datetime(row.get(f"lastDiscoveredScan_{when}Time"), export.file, row.place)
        for when in ("start", "end")
    )
    return site_coverage(
        DETECTOR,
        export.file,
        asset,
        started=started if proves else None,
        ended=ended if proves else None,
        policy=row.get("lastDiscoveredScan_scanConfig_name"),
    )
