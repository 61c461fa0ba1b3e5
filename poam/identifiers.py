"""What a row's detector and identifier cells say: which weaknesses of which scanners it is."""

import re
from dataclasses import dataclass

from poam.policy import Policy

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
    whole = (policy.scanner(detector_cell.strip()), identifier_cell.strip())
    lines = [line.strip() for line in identifier_cell.split("\n") if line.strip()]
    keys: set[tuple[str, str]] = set()
    if len(scanners) == len(lines) > 1 and len(scanners) == len(names):
        pairs = [([scanner], line) for scanner, line in zip(scanners, lines, strict=True)]
    else:
        pairs = [(scanners, line) for line in lines]
    for detectors, line in pairs:
        tokens = {line, *re.split(r"[,;]\s*", line)}
        for token in map(lambda text: source_identifier(text, policy), tokens):
            keys |= {(detector, token) for detector in detectors if token}
    if whole[0] and whole[1]:
        keys.add((whole[0].detector, source_identifier(whole[1], policy)))
    return RowIdentity(frozenset(key for key in keys if key[1]), frozenset(scanners))


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
