"""Titles as words: without what analysts add, abbreviations written out."""

import re
from dataclasses import dataclass
from functools import lru_cache

from rapidfuzz import fuzz

from poam.correlation_rules import Titles
from poam.escapes import unescaped

TYPO = 60  # per cent alike


@dataclass(frozen=True)
class Likeness:
    """How alike two titles are: `same`, `near`, `begins` (one is cut short) or `other`."""

    verdict: str
    percent: float


class TitleReader:
    """Reads titles by the rules of the policy."""

    def __init__(self, rules: Titles) -> None:
        self._rules = rules
        self._decorations = [re.compile(p, re.IGNORECASE) for p in rules.decorations]
        self._common = frozenset(rules.common_words)
        self._vendors = frozenset(rules.vendor_words)
        self._nicknames = frozenset(rules.nicknames)
        self.cleaned = lru_cache(maxsize=65536)(self._cleaned)
        self.products = lru_cache(maxsize=65536)(self._products)

    def _cleaned(self, title: str) -> str:
        """Return a title in lower case, without decoration and punctuation."""
        words = re.findall(r"[a-z0-9.]*[a-z0-9]", self.undecorated(title).casefold())
        return " ".join(self._rules.abbreviations.get(word, word) for word in words)

    def undecorated(self, title: str) -> str:
        """Return a title without what analysts put before and after it."""
        text = " ".join(unescaped(unescaped(title)).split())
        for pattern in self._decorations:
            text = pattern.sub("", text)
        return text

    def likeness(self, title: str, other: str) -> Likeness:
        """Compare a scanner's title with a row's."""
        rules = self._rules
        mine, theirs = self.cleaned(title), self.cleaned(other)
        if not mine or not theirs:
            return Likeness("other", 0)
        sort = fuzz.token_sort_ratio(mine, theirs)
        if sort >= rules.same_at:
            return Likeness("near" if self._other_subject(title, other) else "same", sort)
        if sort >= 70 and fuzz.token_set_ratio(mine, theirs) >= rules.same_as_set_at:
            return Likeness("same", fuzz.token_set_ratio(mine, theirs))
        if len(theirs) >= rules.begins_at and len(theirs) < len(mine):
            begins = fuzz.ratio(mine[: len(theirs)], theirs)
            if begins >= 94:
                return Likeness("begins", begins)
        return Likeness("near" if sort >= rules.near_at else "other", sort)

    def _other_subject(self, title: str, other: str) -> bool:
        """Tell titles that each name something the other does not: `IOS XE`, `IOS XR`; SP3, SP4."""
        mine, theirs = self._subjects(title), self._subjects(other)
        return _unmatched(mine, theirs) and _unmatched(theirs, mine)

    def _subjects(self, title: str) -> frozenset[str]:
        words = frozenset(self.cleaned(title).split()) - self._common
        return frozenset(word.removesuffix(".x") for word in words)

    def sorted_words(self, title: str) -> str:
        """Return a cleaned title with its words in order: what token_sort_ratio compares."""
        return " ".join(sorted(self.cleaned(title).split()))

    def _products(self, title: str) -> tuple[frozenset[str], frozenset[str]]:
        """Return the words that name a product, and those that name a vendor or a system."""
        telling = frozenset(self.cleaned(title).split()) - self._common
        words = telling - self._nicknames or telling
        named = {word for word in words if len(word) > 1 and not word[0].isdigit()}
        return frozenset(named - self._vendors), frozenset(named & self._vendors)


def _unmatched(words: frozenset[str], others: frozenset[str]) -> bool:
    """Tell whether a word is not among the others, nor a typo of one: a number, a short name."""
    for word in words - others:
        exact = len(word) < 3 or any(letter.isdigit() for letter in word)
        if exact or not any(fuzz.ratio(word, other) >= TYPO for other in others):
            return True
    return False


def common_words(mine: frozenset[str], theirs: frozenset[str]) -> list[str]:
    """Return the words both have, allowing for a letter or two mistyped in a long one."""
    shared = set(mine & theirs)
    for word in mine - shared:
        if len(word) >= 5 and any(
            len(other) >= 5 and fuzz.ratio(word, other) >= 80 for other in theirs
        ):
            shared.add(word)
    return sorted(shared)
