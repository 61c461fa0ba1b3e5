"""What the Qualys formats have in common."""

import logging
import re
from collections.abc import Iterable
from datetime import datetime, timedelta

from parsers.dates import instant, latest
from parsers.text import plain_text, port_number, stated, unique
from parsers.xml import Element, text_of, texts_of
from poam.errors import ScanParseError, quoted
from poam.model import Authenticated, Finding, Kind

DETECTOR = "Qualys"

log = logging.getLogger(__name__)

_KINDS = {
    "vuln": Kind.VULNERABILITY,
    "confirmed": Kind.VULNERABILITY,
    "practice": Kind.VULNERABILITY,
    "potential": Kind.VULNERABILITY,
    "ig": Kind.INFORMATIONAL,
    "info": Kind.INFORMATIONAL,
    "information": Kind.INFORMATIONAL,
    "service": Kind.INFORMATIONAL,
}

# Source: titles in Qualys' KnowledgeBase. 70028 is read, because it tells both.
LOGIN_WORKED = {"38307", "70053"}  # Unix, Windows Authentication Method
LOGIN_FAILED = {"105015", "105053", "105297", "105298", "105315"}
WINDOWS_AUTHENTICATION_METHOD = "70028"
LOGINS = LOGIN_WORKED | LOGIN_FAILED | {WINDOWS_AUTHENTICATION_METHOD}

_RATED_VECTOR = re.compile(r"(?P<score>[^\s(]*)\s*(?:\((?P<vector>[^)]*)\))?")
_DURATION = re.compile(r"(?:(\d{1,3}) days? )?(?:(\d{1,4}):(\d{2}):)?(\d{1,7})", re.ASCII)
_COMPLETE = ("", "finished", "nohostalive", "novulnsfound")


def kind_of(word: str | None, file: str, place: str) -> Kind:
    """Return what a detection of this type is; potential vulnerabilities are vulnerabilities."""
    kind = _KINDS.get((word or "").lower())
    if kind is None:
        expected = "Vuln, Practice or Ig, or Confirmed, Potential or Info"
        raise ScanParseError(file, place, f"the type '{word or ''}'", expected)
    return kind


def finding(
    file: str,
    place: str,
    asset: str,
    qid: str,
    *,
    kind: str | None,
    port: str | None = None,
    protocol: str | None = None,
    severity: str | None = None,
    status: str | None = None,
    flags: Iterable[str] = (),
    times: tuple[datetime | None, datetime | None] = (None, None),
) -> Finding:
    """Return the Finding of a detection at a place, the words as the export writes them.

    `flags` are what Qualys was told about it (ignored, disabled), `times` when it was found first
    and last. Fixed is not present. Raises ScanParseError for an unknown type or port.
    """
    place = f"{place}, QID {qid}"
    number = port_number(port, file, place)
    protocol = protocol.lower() if protocol else None
    spot = f", port {'/'.join(unique([port, protocol]))}" if number else ""
    noted = ", ".join(flags)
    first, last = in_order(*times)
    return Finding(
        detector=DETECTOR,
        source_identifier=qid,
        asset=asset,
        kind=kind_of(kind, file, place),
        locator=f"{file}: {place}{spot}",
        present=(status or "").lower() != "fixed",
        port=number,
        protocol=protocol,
        status=f"{status or ''} ({noted})".strip() if noted else status,
        native_severity=severity,
        first_seen=first,
        last_seen=last,
    )


def references(definition: Element, bugtraq: str) -> tuple[str, ...]:
    """Return the vendor's references, then the Bugtraq ids at the path `bugtraq`, each once."""
    vendor = (
        f"{text_of(reference, 'ID') or ''} {text_of(reference, 'URL') or ''}"
        for reference in definition.iterfind("VENDOR_REFERENCE_LIST/VENDOR_REFERENCE")
    )
    return unique([*vendor, *(f"BID:{bid}" for bid in texts_of(definition, bugtraq))])


def dns_name(text: str | None) -> str | None:
    """Return a host name; `No registered hostname` is none."""
    text = stated(text)
    return None if not text or text.lower() == "no registered hostname" else text


def prose(element: Element, path: str) -> str | None:
    """Return a text of the vendor's without markup; N/A is none."""
    return stated(plain_text(text_of(element, path)))


def score_and_vector(text: str | None) -> tuple[str | None, str | None]:
    """Split `9.3 (AV:N/AC:M/Au:N/C:C/I:C/A:C)`; `-` has neither."""
    match = _RATED_VECTOR.fullmatch((text or "").strip())
    return (match["score"], match["vector"]) if match else (text, None)


def in_order(
    first: datetime | None, last: datetime | None
) -> tuple[datetime | None, datetime | None]:
    """Return both times with the earlier one first: Qualys writes them crossed at times."""
    if first and last and instant(last) < instant(first):
        return last, first
    return first, last


def before(ended: datetime | None, duration: str | None) -> datetime | None:
    """Return when a scan of this duration began; None where the export does not tell."""
    return _moved(ended, duration, -1)


def scan_times(
    started: datetime | None, duration: str | None, status: str | None, file: str
) -> tuple[datetime | None, datetime | None, datetime | None]:
    """Return a scan's start and end and the time of its detections, which the end implies.

    A scan that was cancelled or still runs saw what it lists, but proves nothing gone: only its
    detections have a time then, and a warning says so.
    """
    if "".join((status or "").lower().split()) in _COMPLETE:
        return started, _moved(started, duration, 1), None
    log.warning(
        "%s: the scan's status is %s: what it does not list may be there", file, quoted(status)
    )
    return None, None, started


def _moved(time: datetime | None, duration: str | None, sign: int) -> datetime | None:
    """Move a time by `3600` or `01:00:00` or `1 day 01:00:00`."""
    match = _DURATION.fullmatch((duration or "").strip())
    if time is None or match is None:
        return None
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    span = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
    try:
        return time + sign * span
    except OverflowError:
        return None


def authentication(results: Iterable[tuple[str, str | None]]) -> Authenticated:
    """Weigh the QIDs, with their results, that say whether the scanner logged in to a host."""
    worked = failed = anonymous = False
    for qid, result in results:
        worked |= qid in LOGIN_WORKED
        failed |= qid in LOGIN_FAILED
        if qid == WINDOWS_AUTHENTICATION_METHOD and result:
            # Without credentials Qualys tries a NULL session, and says so in the result.
            null = "null session" in result.lower() or "(none)" in result.lower()
            anonymous |= null
            worked |= not null
    if worked:
        return Authenticated.PARTIAL if failed else Authenticated.YES
    return Authenticated.NO if failed or anonymous else Authenticated.UNKNOWN


def last_login(
    logged_in: datetime | None, scanned: datetime | None, tracking: str | None
) -> Authenticated:
    """Compare a host's last scan with the last one that logged in.

    Qualys writes the latter once a scan has logged in to a host, so a host without it was
    scanned from outside only; but an agent logs in nowhere.
    """
    if logged_in is None and "AGENT" in (tracking or "").upper():
        return Authenticated.UNKNOWN
    if logged_in and latest([logged_in, scanned]) == logged_in:
        return Authenticated.YES
    return Authenticated.NO
