"""Exports of Nessus and Tenable that are tables: a record is a finding, or one CVE of it.

What such an export says of a plugin and of a host is spread over its records. So findings come
as they are read; coverage and definitions, of which there are few, come at the end.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from parsers.dates import instant, latest
from parsers.export import Export
from parsers.nessus import DETECTOR, PASSED, Evidence
from parsers.tenable import Definitions, Repetitions, Row, kind_of, severity_of, status_of, text_of
from parsers.text import port_number, unique
from poam.locations import is_ip
from poam.model import Finding, Kind, Record, ScanCoverage

# How a host is called: by the first of these it has.
_NAMES = ("host", "ipv4", "fqdn", "hostname", "netbios", "ipv6", "asset_name", "asset_id")
_TIMES = ("started", "ended", "last_seen", "fixed", "logged_in", "logged_out")

ReadTime = Callable[[str | None, str, str], datetime | None]


class Table:
    """The records of one export while they are read.

    `read_time` reads its dates. With `per_cve` it repeats a finding once for each CVE.
    """

    def __init__(self, export: Export, read_time: ReadTime, *, per_cve: bool) -> None:
        self._export, self._read_time, self._per_cve = export, read_time, per_cve
        self._definitions = Definitions(export, DETECTOR)
        self._hosts: dict[str, _Host] = {}
        self._assets: set[str] = set()
        self._repetitions = Repetitions()

    def records(self, rows: Iterable[Row]) -> Iterator[Record]:
        """Yield the findings, then the hosts' coverage and the definitions."""
        for row in rows:
            finding = self._finding(row)
            if not self._per_cve or self._is_new(row, finding):
                yield finding
        yield from (host.coverage(self._export.file) for host in self._hosts.values())
        yield from self._definitions

    def _finding(self, row: Row) -> Finding:
        identifier, check = self._definitions.add(row)
        names = {kind: text for kind in (*_NAMES, "mac") if (text := text_of(row, kind))}
        host = self._host(names, row.place)
        host.add(names, {kind: self._time(row, kind) for kind in _TIMES})
        passed = check is not None and check.result == PASSED
        present = not passed and text_of(row, "state").lower() != "fixed"
        if present:
            host.evidence.add(text_of(row, "plugin"), text_of(row, "output"))
        return Finding(
            detector=DETECTOR,
            source_identifier=identifier,
            asset=host.asset,
            kind=Kind.CONFIGURATION if check else kind_of(row),
            locator=f"{self._export.file}: {row.place}, host {host.asset}",
            present=present,
            port=port_number(text_of(row, "port"), self._export.file, row.place),
            protocol=text_of(row, "protocol").lower() or None,
            status=status_of(row, check),
            # A check that passed is written with a severity too, but not with that of failing.
            native_severity=None if passed else severity_of(row),
            first_seen=self._time(row, "first_seen"),
            last_seen=self._time(row, "last_seen"),
        )

    def _time(self, row: Row, name: str) -> datetime | None:
        return self._read_time(text_of(row, name), self._export.file, row.place)

    def _host(self, names: dict[str, str], place: str) -> "_Host":
        """Return the host of a record: Tenable's own identifier tells it, else its name."""
        calls = [names[kind] for kind in _NAMES if kind in names]
        if not calls:
            raise self._export.error(place, "a finding without a host", "an address or a name")
        key = names.get("asset_id") or calls[0]
        if key not in self._hosts:
            # Two assets can have one name (localhost), or one address in two networks.
            asset = next((name for name in calls if name not in self._assets), key)
            self._assets.add(asset)
            self._hosts[key] = _Host(asset)
        return self._hosts[key]

    def _is_new(self, row: Row, found: Finding) -> bool:
        where = found.asset, found.port, found.protocol
        return self._repetitions.is_new(row, found.source_identifier, *where, found.status)


@dataclass
class _Host:
    """What the records say of one host."""

    asset: str
    evidence: Evidence = field(default_factory=Evidence)
    _names: dict[str, dict[str, None]] = field(default_factory=dict)
    _times: dict[str, datetime] = field(default_factory=dict)

    def add(self, names: dict[str, str], times: dict[str, datetime | None]) -> None:
        """Take the names and the times of one record; of times the latest counts."""
        for kind, name in names.items():
            self._names.setdefault(kind, {})[name] = None
        for kind, time in times.items():
            if time:
                self._times[kind] = max(time, self._times.get(kind, time), key=instant)

    def coverage(self, file: str) -> ScanCoverage:
        """Say what of this host was scanned, when and how."""
        # It was scanned when it was last seen, at least.
        ended = [
            self._times[kind] for kind in ("ended", "last_seen", "fixed") if kind in self._times
        ]
        addresses = self._each("host", "ipv4", "fqdn", "hostname", "ipv6")
        return ScanCoverage(
            detector=DETECTOR,
            asset=self.asset,
            locator=f"{file}: host {self.asset}",
            ips=unique(name for name in addresses if is_ip(name)),
            fqdns=unique(name for name in self._each("fqdn") if not is_ip(name)),
            hostname=next((name for name in self._all("hostname") if not is_ip(name)), None),
            # Tenable.sc writes the workgroup before it: WORKGROUP\WEB-01.
            netbios=next((name.rpartition("\\")[2] for name in self._all("netbios")), None),
            macs=unique(self._each("mac")),
            ids=tuple(f"tenable {key.lower()}" for key in self._all("asset_id")),
            started=self._times.get("started") or self.evidence.started,
            ended=latest(ended) or self.evidence.ended,
            authenticated=self.evidence.authenticated(*self._logged_in()),
            policy=self.evidence.policy,
            feed_date=self.evidence.feed_date,
        )

    def _all(self, *kinds: str) -> list[str]:
        return [name for kind in kinds for name in self._names.get(kind, ())]

    def _each(self, *kinds: str) -> list[str]:
        """Return every name of these kinds; several stand in one field at times."""
        return [name for text in self._all(*kinds) for name in re.split(r"[,;\s]+", text)]

    def _logged_in(self) -> tuple[bool, ...]:
        """Tell by its dates whether the last scan logged in; nothing where they do not say."""
        logged_in, logged_out = self._times.get("logged_in"), self._times.get("logged_out")
        if logged_in is None:
            return (False,) * bool(logged_out)
        since = self._times.get("started") or logged_out or logged_in
        return (instant(logged_in) >= instant(since),)
