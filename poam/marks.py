"""What a title says beyond its words: the numbers, versions and dates that tell checks apart."""

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache

from rapidfuzz import fuzz

from poam.correlation_rules import Correlation, EvidenceKind, Family
from poam.escapes import unescaped

MONTHS = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip
BELOW = (
    r"(?:<=?|≤|\bprior to\b|\bbefore\b|\bearlier than\b|\bolder than\b|\bup to\b"
    r"|\bless than\b|\blower than\b)"
)
# `14.3 RU1 MP1`, `8.8.15 Patch 30`: what follows a version and tells its builds apart. The groups
# are atomic: a version is taken whole or not at all.
LEVEL = r"(?:build|patch|update|hotfix|fp|fix\s?pack|sp|ru|mp|cu|sr|hf|rc)"
VERSION = rf"v?((?>\d+(?:[._]\w+)*(?:\s+{LEVEL}[\s.#-]*\d+)*+)|(?>build\s+\d+))"
BOUND = re.compile(rf"{BELOW}\s*(?:versions?\s*)?{VERSION}", re.IGNORECASE)
# `/ 9.0.38` is one more bound; in `/ 8.5.x < 8.5.58` it is the branch that the next one is of.
NEXT_BOUND = re.compile(rf"(?:\s+(?:lts|esr|weekly))?\s*/\s*{VERSION}(?!\s*{BELOW})", re.IGNORECASE)
MONTH = re.compile(
    r"(?:\b|CPU)((?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6})\.?"
    r"(?:[\s,]+\d{1,2}(?:st|nd|rd|th)?(?=[\s,]))?[\s,]*(\d{4})\b",
    re.IGNORECASE,
)
# What stands in brackets and looks like the number of a scheme that no family knows.
BRACKETS = re.compile(r"\(([^()]{3,80})\)")
REFERENCE = re.compile(
    r"(?!CVE-|CWE-|x86_64$|(?:19|20)\d\d$|\d+(?:\.\w+)+$"
    r"|(?:INC|CHG|REQ|RITM|TASK|TICKET|JIRA|POAM|VULN|RISK|SEC|CM|V)-?\d+$)"
    r"(?:[a-z0-9]+[-_:.])*[a-z]*[-_:.]?\d[\w.:-]*",
    re.IGNORECASE,
)
CUT = re.compile(r"\s*(?:\.\.\.|…)\s*$")
# A pattern that begins with plain words cannot match where none of them stands.
BEGINNING = re.compile(r"\\b(?:\(\?:([A-Za-z|]+)\)|([A-Za-z]+))(?![?*{|A-Za-z])")
PARTIAL = re.compile(r"\bet\s+al\b|\.\.\.|…|\bothers?\b|\bmore\b|\betc\b", re.IGNORECASE)


@dataclass(frozen=True)
class Marks:
    """The marks of a title, by family: `rhsa`, `kb`, `version_bound`, `month` and so on.

    `distributions` are the systems it names. `rivals` are the same values by what excludes each
    other: the advisories of one distribution (DSA and DLA), the numbers of one family. Two
    titles whose rivals have nothing in common are two weaknesses, however alike their words.
    """

    families: Mapping[str, frozenset[str]] = field(default_factory=dict)
    rivals: Mapping[str, frozenset[str]] = field(default_factory=dict)
    distributions: frozenset[str] = frozenset()


Numbered = list[tuple[str, Family, re.Pattern[str]]]
Named = list[tuple[str, re.Pattern[str]]]
Apart = list[tuple[str, str, re.Pattern[str]]]


class MarkReader:
    """Reads the marks of titles, by the families that the policy names."""

    def __init__(self, rules: Correlation) -> None:
        self.read = lru_cache(maxsize=65536)(self._read)
        self.kind_of: dict[str, EvidenceKind] = {
            **dict.fromkeys(rules.families.advisory, "advisory"),
            **dict.fromkeys(rules.families.bulletin, "bulletin"),
            "version_bound": "version_bound",
            "month": "month",
        }
        every = (*rules.families.advisory.items(), *rules.families.bulletin.items())
        self._families: Numbered = [
            (name, family, re.compile(family.pattern, re.IGNORECASE)) for name, family in every
        ]
        self._rival_of = {
            name: f"{family.distribution} advisory"
            for name, family, _ in self._families
            if family.distribution
        }
        self._distributions: Named = [
            (name, re.compile(pattern, re.IGNORECASE))
            for name, pattern in rules.distributions.patterns.items()
        ]
        self._rivals: Apart = [
            (kind, value, re.compile(pattern, re.IGNORECASE))
            for kind, patterns in rules.rivals.model_dump(exclude={"source"}).items()
            for value, pattern in patterns.items()
        ]
        patterns = [one for _, _, one in (*self._families, *self._rivals)]
        patterns += [one for _, one in self._distributions]
        self._words = sorted({word for one in patterns for word in beginnings(one.pattern)})
        self._likely = lru_cache(maxsize=4096)(self._with_words)

    def _with_words(self, words: frozenset[str]) -> tuple[Numbered, Named, Apart]:
        """Return what may match a title in which, of all words to begin with, these stand."""

        def may_match(pattern: re.Pattern[str]) -> bool:
            needed = beginnings(pattern.pattern)
            return not needed or not words.isdisjoint(needed)

        return (
            [one for one in self._families if may_match(one[-1])],
            [one for one in self._distributions if may_match(one[-1])],
            [one for one in self._rivals if may_match(one[-1])],
        )

    def _read(self, title: str) -> Marks:
        """Return what marks a title has."""
        title, end = _uncut(title)
        folded = title.casefold()
        words = frozenset([word for word in self._words if word in folded])
        numbered, named, apart = self._likely(words)
        families: dict[str, frozenset[str]] = {}
        systems = {name for name, pattern in named if pattern.search(title)}
        claimed: list[tuple[int, int]] = []
        for name, family, pattern in numbered:
            matches = [match for match in pattern.finditer(title) if match.end() <= end]
            if matches:
                families[name] = frozenset(_spelled(family.spelled, match) for match in matches)
                claimed += [match.span() for match in matches]
                systems |= {family.distribution} if family.distribution else set()
        if bounds := _bounds(title, end):
            families["version_bound"] = bounds
        if months := _months(title):
            families["month"] = months
        rivals: defaultdict[str, frozenset[str]] = defaultdict(frozenset)
        for name, numbers in families.items():
            rivals[self._rival_of.get(name, name)] |= numbers
        for kind, value, pattern in apart:
            for match in (m for m in pattern.finditer(title) if m.end() <= end):
                said = " ".join((value, *(match.groups() and match.groups()[:1])))
                rivals[kind] |= {said.casefold()}
        if references := _references(title, claimed):
            rivals["reference"] = references
        return Marks(families, dict(rivals), frozenset(systems))


@cache
def beginnings(pattern: str) -> tuple[str, ...]:
    """Return words of which everything that a pattern matches begins with one; none if unknown."""
    match = BEGINNING.match(pattern)
    bare = pattern
    while bare != (bare := re.sub(r"\((?:\\.|[^()\\])*\)", "", bare)):
        pass
    if match is None or "|" in bare:
        return ()
    words = (match[1] or match[2]).casefold().split("|")
    return tuple(words) if all(words) else ()


def _uncut(title: str) -> tuple[str, int]:
    """Return a title as text, and where a number in it must end to be whole.

    What a title cut short breaks off in (`RHSA-2022:71...`) may be another number.
    """
    title = unescaped(unescaped(title))
    cut = CUT.search(title)
    if cut is None:
        return title, len(title)
    # After a blank the number before it is whole.
    return title[: cut.start()], cut.start() - (not cut[0][0].isspace())


def _spelled(form: str, match: re.Match[str]) -> str:
    # A revision that is not written is the first.
    return form.format(*(part or "1" for part in match.groups())).upper()


def _bounds(title: str, end: int) -> frozenset[str]:
    versions: set[str] = set()
    for match in BOUND.finditer(title):
        found: re.Match[str] | None = match
        while found and found.end() <= end:
            versions.add(re.sub(r"[\s.#-]+", ".", found[1].lower()))
            found = NEXT_BOUND.match(title, found.end())
    return frozenset(versions)


def _months(title: str) -> frozenset[str]:
    found = {(_month(word.lower()), year) for word, year in MONTH.findall(title)}
    return frozenset(f"{year}-{month:02}" for month, year in found if month)


def _month(word: str) -> int:
    """Return the number of a month, allowing for a typo in a long name; 0 for `maya` or `junos`."""
    for number, name in enumerate(MONTHS, start=1):
        if word[:3] == name[:3]:
            typed = len(name) > 3 and len(word) > 4 and fuzz.ratio(word, name) >= 75
            return number if name.startswith(word) or typed else 0
    return 0


def _references(title: str, claimed: list[tuple[int, int]]) -> frozenset[str]:
    """Return the numbers in brackets that no family knows (`(XSA-402)`), without punctuation."""
    found: set[str] = set()
    for brackets in BRACKETS.finditer(title):
        for word in re.finditer(r"[^\s,;/]+", brackets[1]):
            start, end = (at + brackets.start(1) for at in word.span())
            known = any(start < stop and begin < end for begin, stop in claimed)
            number = re.sub(r"\W|_", "", word[0]).upper()
            digits = sum(letter.isdigit() for letter in number)
            enough = digits >= 4 or (digits == 3 and "-" in word[0])
            if enough and not known and REFERENCE.fullmatch(word[0]):
                found.add(number)
    return frozenset(found)


def is_partial(cve_cell: str) -> bool:
    """Tell whether a CVE cell says that it leaves some out (`CVE-2022-3437 et al.`)."""
    return bool(PARTIAL.search(cve_cell))
