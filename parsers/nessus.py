"""What the formats of Nessus and of Tenable's other products have in common."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from parsers.dates import calendar_date
from poam.model import Authenticated

DETECTOR = "Nessus"
WEB_DETECTOR = "Tenable WAS"
COMPLIANCE = "Policy Compliance"
PASSED = "PASSED"

SCAN_INFORMATION = "19506"

# Plugins that say whether the scanner logged in. Source: their titles in Tenable's feed.
LOGIN_WORKED = {
    "12634",  # Authenticated Check: OS Name and Installed Package Enumeration
    "110095",  # Target Credential Issues by Authentication Protocol - No Issues Found
    "117887",  # OS Security Patch Assessment Available
    "141118",  # Target Credential Status by Authentication Protocol - Valid Credentials Provided
}
LOGIN_FAILED = {
    "21745",  # OS Security Patch Assessment Failed
    "24786",  # Nessus Windows Scan Not Performed with Admin Privileges
    "104410",  # Target Credential Status by Authentication Protocol - Failure
    "110385",  # Target Credential Issues by Authentication Protocol - Insufficient Privilege
}
NO_LOGIN = {
    "110723",  # Target Credential Status by Authentication Protocol - No Credentials Provided
    "117886",  # OS Security Patch Assessment Not Available
}

KEV = "CISA-KNOWN-EXPLOITED"

# A compliance check, in a CSV and until Nessus 4, is all in the description: "name" : [FAILED]
_CHECK = re.compile(r'\s*"(?P<name>.+?)"\s*:\s*\[(?P<result>[A-Z]+)\]\s*', re.DOTALL)
# What follows such a line is what was found on this one host.
_HOST_EVIDENCE = re.compile(
    r"^ *(?:- )?(?:error message|remote value|policy value|actual value|file|non-compliant [^\n:]*)"
    r" *:.*",
    re.IGNORECASE | re.MULTILINE | re.DOTALL,
)
_SECTION = re.compile(r"^ *(Solution|See Also|Reference) *: *", re.MULTILINE)

# 2025/6/6 10:50 EDT (UTC -04:00), 2020/6/17 15:19 China Standard Time, 2009/11/8 2:21
_SCAN_START = re.compile(
    r"(\d{4})/(\d{1,2})/(\d{1,2}) (\d{1,2}):(\d{2})(?:.*\(UTC ?([+-]\d{2}:\d{2})\))?"
)
_SCAN_DURATION = re.compile(r"(\d{1,9}) sec")

_WEB_URL = re.compile(r"\bon URL '([^']+)'|^ *URL *: *(\S+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Check:
    """A compliance check as a description tells it, without what was found on the one host."""

    name: str
    result: str
    description: str | None
    solution: str | None
    references: tuple[str, ...]


def compliance_check(description: str | None) -> Check | None:
    """Return the check a description begins with (`"name" : [FAILED]`); None where it does not."""
    head = _CHECK.match(description or "")
    if head is None:
        return None
    about = _HOST_EVIDENCE.sub("", (description or "")[head.end() :])
    opening, *rest = _SECTION.split(about)
    sections = {name: text.strip() for name, text in zip(rest[::2], rest[1::2], strict=True)}
    listed = f"{sections.get('See Also', '')}\n{sections.get('Reference', '')}"
    return Check(
        name=head["name"].strip(),
        result=head["result"],
        description=opening.strip() or None,
        solution=sections.get("Solution") or None,
        references=tuple(part.strip() for part in re.split(r"[,\n]", listed) if part.strip()),
    )


@dataclass
class Evidence:
    """What the plugins that reported on one host say of the scan itself."""

    _plugins: set[str] = field(default_factory=set)
    _scan: dict[str, str] = field(default_factory=dict)

    def add(self, plugin: str, output: str | None) -> None:
        """Take one report: the plugin, and what 19506 says of the scan."""
        self._plugins.add(plugin)
        if plugin == SCAN_INFORMATION:
            pairs = (line.partition(" : ") for line in (output or "").splitlines())
            self._scan |= {name.strip(): value.strip() for name, colon, value in pairs if colon}

    @property
    def policy(self) -> str | None:
        """The scan policy's name."""
        return self._scan.get("Scan policy used")

    @property
    def feed_date(self) -> date | None:
        """The day of the plugin feed."""
        return calendar_date(self._scan.get("Plugin feed version"))

    @property
    def started(self) -> datetime | None:
        """When the scan began; the scanner's local time where no offset is given."""
        match = _SCAN_START.match(self._scan.get("Scan Start Date", ""))
        if match is None:
            return None
        year, month, day, hour, minute, offset = match.groups()
        stamp = f"{year}-{month:0>2}-{day:0>2}T{hour:0>2}:{minute}{offset or ''}"
        try:
            return datetime.fromisoformat(stamp)
        except ValueError:
            return None  # it is a text for people, no field

    @property
    def ended(self) -> datetime | None:
        """When the scan of the host ended."""
        took = _SCAN_DURATION.match(self._scan.get("Scan duration", ""))
        try:
            return self.started + timedelta(seconds=int(took[1])) if self.started and took else None
        except OverflowError:
            return None

    def authenticated(self, *stated: bool) -> Authenticated:
        """Weigh the plugins and what else is `stated`; a failure beside a success is partial."""
        checks = self._scan.get("Credentialed checks", "").lower()
        worked = any(stated) or checks.startswith("yes") or bool(self._plugins & LOGIN_WORKED)
        failed = bool(self._plugins & LOGIN_FAILED)
        denied = False in stated or checks.startswith("no")
        if worked:
            return Authenticated.PARTIAL if failed or denied else Authenticated.YES
        if failed or denied or self._plugins & NO_LOGIN:
            return Authenticated.NO
        return Authenticated.UNKNOWN


def of_kind(references: Iterable[str], kind: str) -> Iterator[str]:
    """Yield the values of the references of one kind: `79` for `CWE:79`."""
    prefix = f"{kind}:"
    return (text.removeprefix(prefix) for text in references if text.startswith(prefix))


def kev_due(texts: Iterable[str]) -> date | None:
    """Return the due date copied from the KEV catalogue; several CVEs, the first of them."""
    return min((day for text in texts if (day := calendar_date(text))), default=None)


def web_url(output: str | None) -> str | None:
    """Return the URL that the output of a web application plugin names."""
    found = _WEB_URL.search(output or "")
    return found[1] or found[2] if found else None
