"""What the CSV formats of Qualys have in common."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from parsers.csv import Row
from parsers.dates import latest
from parsers.export import Export
from parsers.qualys import DETECTOR, LOGINS, authentication
from parsers.text import plain_text, stated, unique
from poam.model import Authenticated, ScanCoverage


def cell(row: Row, *names: str) -> str | None:
    """Return the first of these columns that says something; `-`, `'-` and N/A say nothing."""
    # VMDR quotes a dash, lest a spreadsheet take it for a formula.
    said = (row.get(name) for name in names)
    return next((text for text in said if text != "'-" and stated(text)), None)


def prose(row: Row, name: str) -> str | None:
    """Return a text of the vendor's without markup."""
    return stated(plain_text(cell(row, name)))


def listed(row: Row, name: str, separators: str = r"\s*,\s*") -> tuple[str, ...]:
    """Return the parts of a cell, each once."""
    return unique(re.split(separators, cell(row, name) or ""))


def flags(row: Row) -> list[str]:
    """Return what Qualys was told about a detection: ignored, disabled."""
    said = ((flag, cell(row, f"Is {flag}", flag) or "") for flag in ("Ignored", "Disabled"))
    return [flag.lower() for flag, text in said if text.lower() in ("1", "yes")]


@dataclass(slots=True)
class Host:
    """What the rows of one asset say of it, gathered as they come."""

    asset: str
    place: str
    ips: tuple[str, ...] = ()
    fqdns: tuple[str, ...] = ()
    hostname: str | None = None
    netbios: str | None = None
    started: datetime | None = None
    ended: datetime | None = None
    authenticated: Authenticated = Authenticated.UNKNOWN
    logins: list[tuple[str, str | None]] = field(default_factory=list)

    def saw(self, qid: str, result: str | None, *times: datetime | None) -> None:
        """Note what a detection says of the scan: when it took place, and whether it logged in."""
        self.ended = latest([self.ended, *times])
        if qid in LOGINS:
            self.logins.append((qid, result))


class Hosts:
    """The assets of an export: what is known of them is complete at its end only."""

    def __init__(self, export: Export) -> None:
        self._export = export
        self._hosts: dict[tuple[str, str | None], Host] = {}

    def of(
        self,
        row: Row,
        number: str | None,
        ips: Iterable[str | None],
        fqdns: Iterable[str | None] = (),
        hostname: str | None = None,
        netbios: str | None = None,
    ) -> Host:
        """Return the host that a row is about; `number` tells hosts with one address apart.

        Raises ScanParseError where nothing names it.
        """
        ips, fqdns = unique(ips), unique(fqdns)
        asset = next(iter(unique([*ips, *fqdns, hostname, netbios])), None)
        if not asset:
            raise self._export.error(row.place, "a row that names no host", "an IP address")
        host = self._hosts.setdefault((asset, number), Host(asset, row.place))
        host.ips = unique([*host.ips, *ips])
        host.fqdns = unique([*host.fqdns, *fqdns])
        host.hostname = host.hostname or hostname
        host.netbios = host.netbios or netbios
        return host

    def coverage(
        self,
        started: datetime | None = None,
        ended: datetime | None = None,
        policy: str | None = None,
    ) -> Iterator[ScanCoverage]:
        """Yield what was scanned. The times are those of the whole scan, where rows give none."""
        for host in self._hosts.values():
            yield ScanCoverage(
                detector=DETECTOR,
                asset=host.asset,
                locator=f"{self._export.file}: {host.place}, host {host.asset}",
                ips=host.ips,
                fqdns=host.fqdns,
                hostname=host.hostname,
                netbios=host.netbios,
                started=host.started or started,
                ended=host.ended or ended,
                authenticated=authentication(host.logins) if host.logins else host.authenticated,
                policy=policy,
            )
