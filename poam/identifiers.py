"""What a row's detector and identifier cells say: which weaknesses of which scanners it is."""

import re
from dataclasses import dataclass

from poam.policy import Policy

LOOKS_LIKE_IDENTIFIER = re.compile(r"^\S*\d\S*$")
CVE = re.compile(r"CVE-\d{4}-\d{4,19}", re.IGNORECASE)


@dataclass(frozen=True)
class RowIdentity:
    """A row's identifiers scoped by detector, and the detectors it names.

    `keys` are (detector, source identifier). `detectors` are the scanners known to the policy;
    a row of a penetration test or an assessment has none.
    """

    keys: frozenset[tuple[str, str]]
    detectors: frozenset[str]

    def identifies(self, detector: str) -> bool:
        """Whether the row carries an identifier of this detector."""
        return any(key[0] == detector for key in self.keys)


def row_identity(detector_cell: str, identifier_cell: str, policy: Policy) -> RowIdentity:
    """Read Weakness Detector Source and Weakness Source Identifier.

    Identifiers mean something only within their scanner: hundreds of Qualys QIDs are also valid
    Nessus plugin ids. With as many detector lines as identifier lines they pair up; otherwise
    each identifier belongs to every detector named. Prefixes (`QID-`, `Plugin ID:`), an Excel
    `.0` and placeholders (`N/A`, `TBD`) are not part of an identifier.
    """
    names = [line.strip() for line in re.split(r"[\n;,/]+", detector_cell) if line.strip()]
    scanners = [scanner.detector for name in names if (scanner := policy.scanner(name))]
    lines = [line.strip() for line in identifier_cell.split("\n") if line.strip()]
    keys: set[tuple[str, str]] = set()
    if len(scanners) == len(lines) > 1 and len(scanners) == len(names):
        pairs = [([scanner], line) for scanner, line in zip(scanners, lines, strict=True)]
    else:
        pairs = [(scanners, line) for line in lines]
    for detectors, line in pairs:
        for token in _tokens(line, policy):
            keys |= {(detector, token) for detector in detectors}
    return RowIdentity(frozenset(keys), frozenset(scanners))


def _tokens(line: str, policy: Policy) -> list[str]:
    """The identifiers of one line: several where each part looks like one, else the line itself.

    A compliance check's identifier is its name, which may well have commas in it.
    """
    parts = [source_identifier(part, policy) for part in re.split(r"[,;]", line)]
    given = [part for part in parts if part]
    if given and all(LOOKS_LIKE_IDENTIFIER.match(part) for part in given):
        return given
    whole = source_identifier(line, policy)
    return [whole] if whole else []


def source_identifier(token: str, policy: Policy) -> str:
    """One identifier without prefix, Excel's `.0` and case; "" for a placeholder."""
    rules = policy.correlation.identifier
    text = re.sub(r"\s+", " ", token).strip().casefold()
    for prefix in sorted(rules.prefixes, key=len, reverse=True):
        rest = text.removeprefix(prefix.casefold())
        if rest != text and re.match(r"[\s:#_-]*\d", rest):
            text = rest.lstrip(" :#_-")
            break
    text = re.sub(r"^(\d+)\.0+$", r"\1", text)
    return "" if text in rules.placeholders else text


def cve_ids(text: str) -> tuple[str, ...]:
    """Every CVE number in a text, in upper case, in order, once each."""
    return tuple(dict.fromkeys(match.upper() for match in CVE.findall(text)))
