"""Scans of Tenable Web App Scanning in CSV."""

from collections.abc import Iterator

from parsers.csv import Row, has_columns, rows
from parsers.export import Export
from parsers.nessus import WEB_DETECTOR, web_url
from parsers.tenable import (
    SCAN_COLUMNS,
    WEB_COLUMN,
    Definitions,
    Repetitions,
    kind_of,
    severity_of,
    status_of,
    text_of,
)
from parsers.websites import site_coverage
from poam.locations import is_url, location, site
from poam.model import Finding, Record

NAME = "tenable_was_csv"
DETECTORS = (WEB_DETECTOR,)

EXPORT = "a complete CSV export of Tenable Web App Scanning"
COLUMNS = (*SCAN_COLUMNS, WEB_COLUMN)


def recognises(head: bytes) -> bool:
    """Tell a web application scan by the columns of Nessus and a CVSSv3, which Nessus has not."""
    return has_columns(head, *COLUMNS)


def records(export: Export) -> Iterator[Record]:
    """Yield one finding for the rows of all its CVEs, then each site and plugin."""
    definitions = Definitions(export, WEB_DETECTOR)
    sites: dict[str, None] = {}
    repetitions = Repetitions()
    for row in rows(export, EXPORT, COLUMNS):
        identifier, check = definitions.add(row)
        url = _url(row, export)
        asset, named = site(url), web_url(text_of(row, "output")) or ""
        page = location(named if is_url(named) else url)
        sites[asset] = None
        if not repetitions.is_new(row, identifier, asset):
            continue
        yield Finding(
            detector=WEB_DETECTOR,
            source_identifier=identifier,
            asset=asset,
            kind=kind_of(row),
            locator=f"{export.file}: site {asset}, {row.place}, {page}",
            location=page,
            status=status_of(row, check),
            native_severity=severity_of(row),
        )
    yield from (site_coverage(WEB_DETECTOR, export.file, asset) for asset in sites)
    yield from definitions


def _url(row: Row, export: Export) -> str:
    """Return the address of the application: the protocol stands in a column of its own."""
    host, protocol, port = (text_of(row, name) for name in ("host", "protocol", "port"))
    if not host:
        raise export.error(row.place, "a finding without a host", "an address or a name")
    if is_url(host):
        return host
    return f"{protocol or 'http'}://{host}{':' * bool(port)}{port}"
