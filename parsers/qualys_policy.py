"""What the exports of Qualys Policy Compliance have in common: hosts and results of controls."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from parsers.dates import instant, iso_datetime
from parsers.export import Export
from parsers.qualys import dns_name
from parsers.text import stated, unique
from poam.model import Authenticated, Finding, Kind, ScanCoverage

DETECTOR = "Qualys Policy Compliance"

_STATUS = re.compile(r"(passed|failed|error) ?(\(?e\)?)?", re.IGNORECASE)
_IN_FORCE = {"approved", "accepted"}

Fields = Mapping[str, str | None]
"""The texts of a result by the names that the XML report has for them."""


@dataclass
class Host:
    """One host and how its controls came out."""

    export: Export
    fields: Fields
    place: str
    _evaluated: set[bool] = field(default_factory=set)

    def __post_init__(self) -> None:
        """Name the host by its address, else by its name."""
        self._ips = unique([self.fields.get("IP"), self.fields.get("IPV6")])
        self._dns = dns_name(self.fields.get("DNS"))
        names = unique([*self._ips, self._dns, self.fields.get("ID")])
        if not names:
            raise self.export.error(self.place, "a host without IP or DNS", "an IP address")
        self.asset = names[0]

    def finding(self, result: Fields, place: str) -> Finding:
        """Return the result of one control.

        A control that passed is gone, unless it passed by an exception that a person approved:
        then the setting is as it was. A check that ended in an error did not find out, so it must
        neither open an item nor close one. Nothing at all would close it: the host was scanned
        without finding it. So the error is a finding, and an informational one: those open
        nothing, yet keep the item of their control open.
        """
        cid = result.get("CID")
        if not cid:
            raise self.export.error(place, "a result without the control's id", "a CID")
        word = result.get("STATUS") or ""
        status = _STATUS.fullmatch(word)
        if not status:
            found = f"the status '{word}' of control {cid}"
            raise self.export.error(place, found, "Passed, Failed or Error")
        outcome = status[1].lower()
        self._evaluated.add(outcome != "error")
        exception = result.get("EXCEPTION")
        excepted = bool(status[2]) or (exception or "").lower() in _IN_FORCE
        first, last = self._failing(result, place) if outcome == "failed" else (None, None)
        words = [f"{self.export.file}: host {self.asset}, control {cid}"]
        words += [f"{key.lower()} {text}" for key in _MORE if (text := stated(result.get(key)))]
        return Finding(
            detector=DETECTOR,
            source_identifier=cid,
            asset=self.asset,
            kind=Kind.INFORMATIONAL if outcome == "error" else Kind.CONFIGURATION,
            locator=", ".join(words),
            present=outcome != "passed" or excepted,
            status=f"{word} (exception: {exception})" if exception else word,
            native_severity=result.get("CRITICALITY"),
            first_seen=first,
            last_seen=last,
        )

    def coverage(self) -> ScanCoverage:
        """Say when the host was scanned.

        Qualys evaluates a control only where it logged in or has an agent; an error beside that
        may be for want of privileges.
        """
        partial = Authenticated.PARTIAL if False in self._evaluated else Authenticated.YES
        return ScanCoverage(
            detector=DETECTOR,
            asset=self.asset,
            locator=f"{self.export.file}: host {self.asset}",
            ips=self._ips,
            fqdns=unique([self._dns]),
            netbios=dns_name(self.fields.get("NETBIOS")),
            ended=scan_time(self.fields.get("LAST_SCAN_DATE"), self.export, self.place),
            authenticated=partial if True in self._evaluated else Authenticated.UNKNOWN,
        )

    def _failing(self, result: Fields, place: str) -> tuple[datetime | None, datetime | None]:
        """Return since when a control fails, if it never passed in between, and the last time."""
        first, last, passed = (
            scan_time(result.get(key), self.export, f"{place}, {key}")
            for key in ("FIRST_FAIL_DATE", "LAST_FAIL_DATE", "LAST_PASS_DATE")
        )
        since_passed = first and passed and instant(passed) >= instant(first)
        return (None if since_passed else first), last


_MORE = ("TECHNOLOGY", "INSTANCE")


def scan_time(text: str | None, export: Export, place: str) -> datetime | None:
    """Read `2026-11-03T04:05:06Z`, or `11/03/2026 at 04:05:06 AM (GMT-0400)` as a CSV has it."""
    if re.match(r"\d{4}-", text or ""):
        return iso_datetime(text, export.file, place)
    return export.datetime((text or "").replace(" at ", " "), place)
