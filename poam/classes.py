"""Classes of weakness: when a check of one scanner is the same as a check of another."""

import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from poam.rules import Rules

NOT_WORDS = re.compile(r"[^a-z0-9]+")
VARIANT = re.compile(r"(\d+)-\d{1,2}")
REMEMBERED = 65536  # titles


class WeaknessClass(Rules):
    """One class: the checks that are it, by identifier or by title.

    `parameter`: the same fault only in the same parameter of a page. `service`: the same only
    on the same port. `generic`: a title that does not say which of its `flavours` it is.
    """

    key: str
    title: str
    cwe: tuple[int, ...] = ()
    parameter: bool = False
    service: bool = False
    generic: bool = False
    flavours: tuple[str, ...] = ()
    identifiers: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    titles: tuple[str, ...] = ()
    unless: tuple[str, ...] = ()

    @field_validator("titles", "unless")
    @classmethod
    def _compile(cls, patterns: tuple[str, ...]) -> tuple[str, ...]:
        return _compiling(patterns)

    @model_validator(mode="after")
    def _flavours_of_generic(self) -> Self:
        if bool(self.flavours) != self.generic:
            raise ValueError("a generic class has flavours, and only a generic one")
        return self


class WeaknessClasses(Rules):
    """Source: `weakness_classes.yaml`."""

    source: str
    noise: tuple[str, ...]
    classes: dict[str, WeaknessClass]

    @field_validator("noise")
    @classmethod
    def _compile(cls, patterns: tuple[str, ...]) -> tuple[str, ...]:
        return _compiling(patterns)

    @field_validator("classes", mode="before")
    @classmethod
    def _named(cls, classes: object) -> object:
        if not isinstance(classes, Mapping):
            return classes
        return {
            key: {"key": key, **value} if isinstance(value, Mapping) else value
            for key, value in classes.items()
        }

    @model_validator(mode="after")
    def _known_flavours(self) -> Self:
        for key, one in self.classes.items():
            if one.key != key:
                raise ValueError(f"{key} has the key '{one.key}'")
            if unknown := sorted(set(one.flavours) - self.classes.keys()):
                raise ValueError(f"{key} has the flavour {', '.join(unknown)}, which is no class")
        return self

    @model_validator(mode="after")
    def _one_class_per_identifier(self) -> Self:
        owner: dict[tuple[str, str], str] = {}
        for key, one in self.classes.items():
            for number in set(self.numbers(one)):
                if owner.setdefault(number, key) != key:
                    raise ValueError(f"{' '.join(number)} is in {owner[number]} and in {key}")
        return self

    def numbers(self, one: WeaknessClass) -> Iterator[tuple[str, str]]:
        """Yield the identifiers of a class, each with its series."""
        for series, identifiers in one.identifiers.items():
            for identifier in identifiers:
                yield series.casefold(), identifier.casefold()

    @cached_property
    def index(self) -> "ClassIndex":
        """What finds a class, compiled once."""
        return ClassIndex(self)


Described = tuple[re.Pattern[str], WeaknessClass]


class ClassIndex:
    """Finds the class of an identifier or of a title."""

    def __init__(self, rules: WeaknessClasses) -> None:
        self._of_number = {
            number: one for one in rules.classes.values() for number in rules.numbers(one)
        }
        self._noise = [re.compile(pattern) for pattern in rules.noise]
        self._unless = {
            key: re.compile("|".join(f"(?:{pattern})" for pattern in one.unless))
            for key, one in rules.classes.items()
            if one.unless
        }
        # Under a word, or a piece of text, without which a title cannot match: what it may match.
        self._of_word: dict[str, list[Described]] = {}
        self._of_text: dict[str, list[Described]] = {}
        for one in rules.classes.values():
            for pattern in one.titles:
                described = (re.compile(pattern), one)
                words, text = needed(pattern)
                for word in words:
                    self._of_word.setdefault(word, []).append(described)
                if not words:
                    self._of_text.setdefault(text, []).append(described)
        self._of_title: dict[str, WeaknessClass | None] = {}

    def find(self, series: str, identifier: str, name: str) -> WeaknessClass | None:
        """Return the class of a check: by its identifier, else by its title."""
        title = normalised(name)
        series, identifier = series.casefold(), identifier.strip().casefold()
        found = self._of_number.get((series, identifier))
        found = found or self._of_number.get((series, base_identifier(identifier)))
        if found and not self._excluded(found, title):
            return found
        return self._by_title(title)

    def _by_title(self, title: str) -> WeaknessClass | None:
        if title not in self._of_title:
            if len(self._of_title) >= REMEMBERED:
                self._of_title.clear()
            self._of_title[title] = self._matched(title)
        return self._of_title[title]

    def _matched(self, title: str) -> WeaknessClass | None:
        """Return the one class that describes the title, as it is or without its noise."""
        while title:
            found = {
                one.key: one
                for pattern, one in self._candidates(title)
                if pattern.fullmatch(title) and not self._excluded(one, title)
            }
            if found:
                return next(iter(found.values())) if len(found) == 1 else None
            bare = title
            for pattern in self._noise:
                bare = pattern.sub("", bare)
            if bare == title:
                return None
            title = bare
        return None

    def _candidates(self, title: str) -> Iterator[Described]:
        for word in set(title.split()):
            yield from self._of_word.get(word, ())
        for text, described in self._of_text.items():
            if text in title:
                yield from described

    def _excluded(self, one: WeaknessClass, title: str) -> bool:
        pattern = self._unless.get(one.key)
        return bool(pattern and pattern.fullmatch(title))


def classify(
    series: str, identifier: str, name: str, classes: WeaknessClasses
) -> WeaknessClass | None:
    """Return the class of a check, None where it is in none.

    The identifier decides, within its series of numbers; else the title. A class is passed over
    where its `unless` describes the title: one identifier may stand for several weaknesses. A
    title describes a class as a whole, never in part, so that "Foo 1.2 SQL Injection", an
    advisory, is no class; a title that fits several classes has none.
    """
    return classes.index.find(series, identifier, name)


def related(a: WeaknessClass, b: WeaknessClass) -> Literal["same", "compatible", "different"]:
    """Compare two classes: `compatible` is a generic class with one of its flavours."""
    if a.key == b.key:
        return "same"
    return "compatible" if b.key in a.flavours or a.key in b.flavours else "different"


def base_identifier(identifier: str) -> str:
    """The rule of an alert that has variants: ZAP's `10038-1` is one of rule 10038."""
    match = VARIANT.fullmatch(identifier)
    return match[1] if match else identifier


def normalised(title: str) -> str:
    """Return a title in lower case, each run of what is no letter or digit as one blank."""
    return NOT_WORDS.sub(" ", title.lower()).strip()


def needed(pattern: str) -> tuple[tuple[str, ...], str]:
    """Return words of which everything matching has one, and a text that it contains.

    There may be no such words, and the text may be "". Only what is outside groups and without
    a quantifier counts; a word also needs a blank or an end of the pattern on both sides.
    """
    pieces, depth, at = [""], 0, 0
    while at < len(pattern):
        mark = pattern[at]
        if depth == 0 and mark == "|":
            return (), ""
        if depth == 0 and (mark.isalnum() or mark == " ") and pattern[at + 1 : at + 2] not in _MANY:
            pieces[-1] += mark
        else:
            pieces.append("")
            if mark == "\\":
                at += 1
            elif mark == "[":
                at = pattern.index("]", at + 2)
            elif mark == "{":
                at = pattern.index("}", at)
            else:
                depth += {"(": 1, ")": -1}.get(mark, 0)
        at += 1
    text = max(pieces, key=len)
    pieces[1:] = ["\0" + piece for piece in pieces[1:]]
    pieces[:-1] = [piece + "\0" for piece in pieces[:-1]]
    words = [word for piece in pieces for word in piece.split() if "\0" not in word]
    if words:
        return (max(words, key=len),), text
    choice = _FIRST.match(pattern) or _LAST.search(pattern)
    if choice and all(choice[1].split("|")):
        return tuple(max(one.split(), key=len) for one in choice[1].split("|")), text
    return (), text


# A choice of plain words that begins or ends the pattern.
_FIRST = re.compile(r"\(([a-z0-9 |]+)\)(?= )")
_LAST = re.compile(r"(?<= )\(([a-z0-9 |]+)\)$")
_MANY = ("?", "*", "+", "{")


def _compiling(patterns: tuple[str, ...]) -> tuple[str, ...]:
    for pattern in patterns:
        try:
            re.compile(pattern)
        except re.error as e:
            raise ValueError(f"'{pattern}' is no regular expression: {e}") from e
    return patterns
