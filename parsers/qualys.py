"""What the Qualys formats have in common."""

import re
from collections.abc import Iterable
from datetime import datetime

from parsers.text import plain_text, stated, unique
from parsers.xml import Element, text_of, texts_of
from poam.errors import ScanParseError
from poam.model import Authenticated, Kind

DETECTOR = "Qualys"

_KINDS = {
    "vuln": Kind.VULNERABILITY,
    "confirmed": Kind.VULNERABILITY,
    "practice": Kind.VULNERABILITY,
    "potential": Kind.VULNERABILITY,
    "ig": Kind.INFORMATIONAL,
    "info": Kind.INFORMATIONAL,
}

# Source: titles in Qualys' KnowledgeBase. 70028 is read, because it tells both.
LOGIN_WORKED = {"38307", "70053"}  # Unix, Windows Authentication Method
LOGIN_FAILED = {"105015", "105053", "105297", "105298", "105315"}
WINDOWS_AUTHENTICATION_METHOD = "70028"

_RATED_VECTOR = re.compile(r"(?P<score>[^\s(]*)\s*(?:\((?P<vector>[^)]*)\))?")


def kind_of(word: str | None, file: str, place: str) -> Kind:
    """Return what a detection of this type is; potential vulnerabilities are vulnerabilities."""
    kind = _KINDS.get((word or "").lower())
    if kind is None:
        expected = "Vuln, Practice or Ig, or Confirmed, Potential or Info"
        raise ScanParseError(file, place, f"the type '{word or ''}'", expected)
    return kind


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
    if first and last and last < first:
        return last, first
    return first, last


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
