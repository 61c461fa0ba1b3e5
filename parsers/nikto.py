"""What Nikto says in XML and in JSON alike. It rates nothing, so neither do we."""

from datetime import datetime

from parsers.export import Export
from parsers.text import cve_ids, port_number, unique
from parsers.websites import issue_locator, page, site_coverage
from poam.locations import is_url, location, site
from poam.model import Definition, Finding, Kind, ScanCoverage

DETECTOR = "Nikto"

_SCHEMES = {80: "http", 443: "https"}


class Target:
    """One server that was scanned."""

    def __init__(self, export: Export, place: str, url: str, host: str, ip: str, port: str) -> None:
        """Name the asset: by its address, where only host and port are given by those.

        JSON states no scheme. Ports 80 and 443 have one; another port does not tell, so there
        the asset is the host and findings have the port.
        """
        self._file, self._ip = export.file, ip
        number = port_number(port, export.file, f"{place}, port")
        name = host or ip
        if not is_url(url) and not name:
            raise export.error(place, "a target without host and address", "a host")
        scheme = _SCHEMES.get(number or 0)
        self._web = is_url(url) or scheme is not None
        self._port = None if self._web else number
        self.asset = site(url if is_url(url) else f"{scheme}://{name}" if scheme else name)

    def coverage(
        self, started: datetime | None = None, ended: datetime | None = None
    ) -> ScanCoverage:
        """Return what was scanned, and when."""
        return site_coverage(
            DETECTOR, self._file, self.asset, ips=[self._ip], started=started, ended=ended
        )

    def finding(self, identifier: str, method: str, path: str, place: str) -> Finding:
        """Return the finding of one test on one page."""
        where = location(page(self.asset, path)) if self._web else f"{self.asset} {path}"
        trail = issue_locator(self._file, self.asset, identifier, method, where, None)
        return Finding(
            detector=DETECTOR,
            source_identifier=identifier,
            asset=self.asset,
            kind=Kind.VULNERABILITY,
            locator=f"{trail}, {place}",
            location=where if self._web else None,
            port=self._port,
            protocol="tcp" if self._port else None,
        )


def definition(
    identifier: str,
    message: str,
    path: str,
    references: str,
    osvdb: str,
    export: Export,
    place: str,
) -> Definition:
    """Return what a test says: one sentence. From 2.5 on the page comes before it.

    Raises ScanParseError where there is no identifier.
    """
    if not identifier:
        raise export.error(place, "a finding without an id", "an id")
    words = message.removeprefix(f"{path}: ").strip() or None
    known = [f"OSVDB-{osvdb}"] if osvdb.strip("0") else []
    return Definition(
        detector=DETECTOR,
        source_identifier=identifier,
        name=words,
        description=words,
        cves=cve_ids([message, references]),
        references=unique([*references.replace(",", " ").split(), *known]),
    )
