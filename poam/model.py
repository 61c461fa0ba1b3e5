"""The nouns of the product: what parsers yield, what a POA&M row holds, what a run decides.

Parsers yield `Finding`, `Definition` and `ScanCoverage`. They say what the export says: no
ratings, no dates made up, no placeholder text. Missing is None (or an empty tuple).
"""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum


class RiskRating(StrEnum):
    """The three ratings the POA&M template allows; a scanner's Critical is High (FedRAMP)."""

    HIGH = "High"
    MODERATE = "Moderate"
    LOW = "Low"


class Kind(StrEnum):
    """What a finding is: something to remediate, a benchmark result, or mere information."""

    VULNERABILITY = "vulnerability"
    CONFIGURATION = "configuration"
    INFORMATIONAL = "informational"


class Authenticated(StrEnum):
    """Whether a scan logged in to the asset. `unknown` when the export does not say."""

    YES = "yes"
    PARTIAL = "partial"
    NO = "no"
    UNKNOWN = "unknown"


class DateOrder(StrEnum):
    """In which order an export writes a date of digits alone, such as 03/04/2026."""

    DAY_FIRST = "day_first"
    MONTH_FIRST = "month_first"


class Sheet(StrEnum):
    """The three sheets of a POA&M workbook that hold items."""

    OPEN = "open"
    CLOSED = "closed"
    CONFIGURATION = "configuration"


class ChangeKind(StrEnum):
    """What a run does with an item or a weakness."""

    OPENED = "opened"
    REOPENED = "reopened"  # a closed row that comes back
    UPDATED = "updated"
    CLOSED = "closed"
    UNCHANGED = "unchanged"
    UNVERIFIED = "unverified"  # absent from the scans, but not proven gone: stays open
    HELD = "held"  # not late yet, and only what is late is tracked
    SUPPRESSED = "suppressed"  # an approved false positive, seen again on the same asset
    NEEDS_REVIEW = "needs_review"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One detection on one asset, as the export states it.

    `asset` equals `ScanCoverage.asset` of the same export. `location` is the URL of a web finding
    and `parameter` the parameter of that page which the scanner names with it. `present` is False
    where the scanner reports that the weakness is gone (Qualys Fixed, a compliance check that
    passed). Datetimes without a zone are the scanner's local time. `status` is the vendor's own
    word. `native_severity` is what the export says of this detection, where that can differ from
    what it says of the source identifier. `locator` leads back to the record in the file.
    """

    detector: str
    source_identifier: str
    asset: str
    kind: Kind
    locator: str
    present: bool = True
    location: str | None = None
    parameter: str | None = None
    port: int | None = None
    protocol: str | None = None
    status: str | None = None
    native_severity: str | None = None
    first_seen: datetime | None = None
    last_seen: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """What a detector says about one of its source identifiers, on whatever asset.

    A field the export does not give is None: another record (a KnowledgeBase file) may have it.
    `native_severity` is the vendor's code as written. `kev_due` is a due date that the
    scanner itself copied from the CISA KEV catalogue.
    """

    detector: str
    source_identifier: str
    name: str | None = None
    description: str | None = None
    solution: str | None = None
    native_severity: str | None = None
    cvss2_base: float | None = None
    cvss2_vector: str | None = None
    cvss3_base: float | None = None
    cvss3_vector: str | None = None
    cvss4_base: float | None = None
    cvss4_vector: str | None = None
    cves: tuple[str, ...] = ()
    cwes: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    family: str | None = None
    kev_due: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanCoverage:
    """One asset a scan looked at, with findings or without: the proof that closing needs.

    `asset` is the name findings of the same export refer to; the other names identify the
    same asset to the inventory and to other scanners. `ids` stay when it is renamed: an agent's or
    a cloud's, each with whose it is (`agent 1f…`). `policy` is the scan policy or profile,
    `feed_date` the date of the plugin feed or signatures.
    """

    detector: str
    asset: str
    locator: str
    ips: tuple[str, ...] = ()
    fqdns: tuple[str, ...] = ()
    hostname: str | None = None
    netbios: str | None = None
    macs: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()
    started: datetime | None = None
    ended: datetime | None = None
    authenticated: Authenticated = Authenticated.UNKNOWN
    policy: str | None = None
    feed_date: date | None = None


Record = Finding | Definition | ScanCoverage

Value = str | int | date | None
"""What a POA&M cell can hold."""
