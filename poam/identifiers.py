"""What a row's detector and identifier cells say: which weaknesses of which scanners it is."""

import re
from dataclasses import dataclass

import pandas as pd

from poam.classes import base_identifier
from poam.policy import Policy, Scanner

LOOKS_LIKE_IDENTIFIER = re.compile(r"^\S*\d\S*$")
CVE = re.compile(r"CVE-\d{4}-\d{4,19}", re.IGNORECASE)
SEPARATORS = " :#=_-"
# Burp writes its decimal type also as eight hexadecimal digits.
HEXADECIMAL = re.compile(r"0x[0-9a-f]{1,8}|00[0-9a-f]{6}", re.IGNORECASE)
SPACED_VARIANT = re.compile(r"(\d+)\s+-\s+(\d{1,2})")
# `51192 - SSL Certificate Cannot Be Trusted`, `38657 (SSL)`: the number and what it is called.
WITH_TITLE = re.compile(r"(\d{4,})(?:\s+[-\u2013]\s+|\s*:\s+|\s*\()(?=[a-z]).*", re.DOTALL)
# What separates identifiers: a slash without blanks only where every part is a bare number.
SEPARATED = (
    (r"[,;/|&+]|\s+and\s+", re.compile(r"^\d+$")),
    (r"[,;]|\s/\s|\s+and\s+", LOOKS_LIKE_IDENTIFIER),
    (r"[,;\s]+", LOOKS_LIKE_IDENTIFIER),
)
NAMES = re.compile(r"[\n;,/&+|]+|\s+and\s+", re.IGNORECASE)
# `Nessus Scanner 10.4`, `Tenable.sc (ACAS)`: what stands beside a scanner's name.
BESIDE_NAME = re.compile(
    r"\s*\([^()]*\)|\s+(?:(?:vulnerability\s+)?scan(?:s|ner)?|v?\d[\d.]*)(?=\s|$)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class RowIdentity:
    """A row's identifiers scoped by detector, and the detectors it names.

    `keys` are (detector, source identifier). `detectors` are the scanners known to the policy; a
    row of a penetration test or an assessment has none. `unscoped` are identifiers of a row
    that does not say whose they are.
    """

    keys: frozenset[tuple[str, str]]
    detectors: frozenset[str]
    unscoped: frozenset[str] = frozenset()


def series_of(detector: str, policy: Policy) -> str:
    """The series of numbers in which a detector counts its checks; a vendor's may share one."""
    scanner = policy.scanner(detector)
    return (scanner.identifier_series or scanner.detector) if scanner else detector


def row_identity(detector_cell: str, identifier_cell: str, policy: Policy) -> RowIdentity:
    """Read Weakness Detector Source and Weakness Source Identifier.

    Identifiers mean something only within their scanner: hundreds of Qualys QIDs are also valid
    Nessus plugin ids. A word before the number says whose it is (`QID-38657`, `Nessus 51192`);
    otherwise, as many detectors as identifiers pair up, else each identifier belongs to every
    detector named. Prefixes (`Plugin ID:`), an Excel `.0` and placeholders
    (`N/A`, `TBD`) are not part of an identifier.
    """
    names = [name.strip() for name in NAMES.split(detector_cell) if name.strip()]
    scanners = [scanner.detector for name in names if (scanner := _scanner(name, policy))]
    lines = [line.strip() for line in identifier_cell.split("\n") if line.strip()]
    if len(lines) == 1:
        lines = _tokens(lines[0], policy)
    keys: set[tuple[str, str]] = set()
    unscoped: set[str] = set()
    tokens = [
        (at, *_scoped(token, policy))
        for at, line in enumerate(lines)
        for token in _tokens(line, policy)
    ]
    claimed = {series_of(named, policy) for _, named, _ in tokens if named}
    paired = len(scanners) == len(lines) == len(names) > 1 and not claimed
    left = [name for name in scanners if series_of(name, policy) not in claimed]
    # `173421, QID 241297` of Nessus and Qualys: the number without a word is Nessus'.
    bare = left if sum(not named for _, named, _ in tokens) <= len(left) else scanners
    for at, named, identifier in tokens:
        owners = [scanners[at]] if paired else bare
        if named:
            series = series_of(named, policy)
            owners = [name for name in scanners if series_of(name, policy) == series] or [named]
        keys |= {(owner, source_identifier(identifier, policy, owner)) for owner in owners}
        unscoped |= set() if owners else {identifier}
    return RowIdentity(frozenset(keys), frozenset(scanners), frozenset(unscoped))


def lists_images(detector_cell: str, policy: Policy) -> bool:
    """Whether a row's assets are container images: one of its detectors scans them."""
    return any(map(policy.scans_images, row_identity(detector_cell, "", policy).detectors))


def of_images(detectors: "pd.Series[str]", policy: Policy) -> "pd.Series[bool]":
    """Tell the rows of scanners whose assets are container images."""
    return detectors.isin([name for name in detectors.unique() if policy.scans_images(name)])


def _tokens(line: str, policy: Policy) -> list[str]:
    """The identifiers of one line: several where each part looks like one, else the line itself.

    A compliance check's identifier is its name, which may well have commas in it.
    """
    if LOOKS_LIKE_IDENTIFIER.match(_scoped(line, policy)[1]) and not re.search(r"[,;/|&+]", line):
        return [line]
    plural, rest = _plural(line, policy)
    for separators, looks in SEPARATED:
        parts = [f"{plural}{part.strip()}" for part in re.split(separators, rest)]
        bare = [_scoped(part, policy)[1] for part in parts]
        given = [(part, token) for part, token in zip(parts, bare, strict=True) if token]
        if given and all(looks.match(token) for _, token in given):
            return [part for part, _ in given]
    return [line] if _scoped(line, policy)[1] else []


def _plural(line: str, policy: Policy) -> tuple[str, str]:
    """Split `QIDs 38657, 38658` into the prefix of each number and the numbers."""
    folded = line.casefold()
    for prefix, _ in policy.correlation.identifier.in_order:
        if folded.startswith(prefix):
            match = re.match(r"(?:s|\(s\))\s*[\s:#=-]\s*(?=\d)", folded[len(prefix) :])
            if match:
                return f"{prefix} ", line[len(prefix) + match.end() :]
    return "", line


def _scanner(name: str, policy: Policy) -> Scanner | None:
    """The scanner a name means, by itself or without what stands beside it."""
    return policy.scanner(name) or policy.scanner(BESIDE_NAME.sub("", name).strip())


def _scoped(token: str, policy: Policy) -> tuple[str | None, str]:
    """Split a token into the scanner that its prefix names, if any, and the identifier."""
    rules = policy.correlation.identifier
    text = re.sub(r"\s+", " ", token).strip(" '\"").casefold()
    named: str | None = None
    # `Qualys QID 38657` has two prefixes.
    while prefixed := _without_prefix(text, policy):
        owner, text = prefixed
        named = named or owner
    return named, "" if text in rules.placeholders else _number(text)


def _without_prefix(text: str, policy: Policy) -> tuple[str | None, str] | None:
    prefixes = policy.correlation.identifier.in_order
    for prefix, owner in prefixes:
        rest = text.removeprefix(prefix)
        if rest == text or not rest:
            continue
        # `Netsparker: XSS` has a word behind the colon; `nessusd` is no prefix and a `d`.
        number = re.match(r"(?:s|\(s\))?[\s:#=_-]*\d", rest)
        if number or (owner and re.match(r"\s*[:#]\s*\w", rest)):
            return owner, re.sub(r"^(?:s|\(s\))(?=[\s:#=_-]*\d)", "", rest).lstrip(SEPARATORS)
        if rest[0] in SEPARATORS:
            inner = rest.lstrip(SEPARATORS)
            if any(inner.startswith(other) for other, _ in prefixes):
                deeper = _without_prefix(inner, policy)
                if deeper:
                    return owner or deeper[0], deeper[1]
    return None


def _number(text: str) -> str:
    if match := SPACED_VARIANT.fullmatch(text):
        return f"{match[1]}-{match[2]}"
    if match := WITH_TITLE.fullmatch(text):
        return match[1]
    return re.sub(r"^#?(\d+)(?:\.0+)?$", r"\1", text)


def source_identifier(token: str, policy: Policy, detector: str = "") -> str:
    """One identifier without prefix, Excel's `.0` and case; "" for a placeholder."""
    text = _scoped(token, policy)[1]
    if detector == "Burp Suite" and HEXADECIMAL.fullmatch(text):
        return str(int(text, 16))
    return text


def same_check(identifier: str, other: str) -> bool:
    """Whether two identifiers of one series name one check; a variant left out is compatible."""
    if identifier == other:
        return True
    return base_identifier(identifier) == base_identifier(other) and (
        "-" not in identifier or "-" not in other
    )


def cve_ids(text: str) -> tuple[str, ...]:
    """Every CVE number in a text, in upper case, in order, once each."""
    return tuple(dict.fromkeys(match.upper() for match in CVE.findall(text)))
