"""The models of `correlation.yaml`: which existing item a weakness is."""

import re
from functools import cached_property
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, field_validator

from poam.rules import Rules


def _compiles(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as e:
        raise ValueError(f"'{pattern}' is no regular expression: {e}") from e
    return pattern


Pattern = Annotated[str, AfterValidator(_compiles)]

EvidenceKind = Literal[
    "identifier",
    "identifier_among",
    "unscoped_identifier",
    "advisory",
    "bulletin",
    "version_bound",
    "month",
    "cve_equal",
    "cve_subset",
    "cve_overlap",
    "class",
    "class_compatible",
    "product",
    "title",
    "title_alone",
    "title_near",
    "title_begins",
    "asset",
    "page",
    "answer",
]


class Identifier(Rules):
    """What is not an identifier in a Weakness Source Identifier cell, and what may precede one."""

    source: str
    placeholders: tuple[str, ...]
    prefixes: tuple[str, ...]
    prefixes_of: dict[str, tuple[str, ...]]

    @cached_property
    def in_order(self) -> tuple[tuple[str, str | None], ...]:
        """Every prefix with the scanner it names, if it does, the longest first."""
        named = [(word, owner) for owner, words in self.prefixes_of.items() for word in words]
        plain = [(word, None) for word in self.prefixes]
        every = [(word.casefold(), owner) for word, owner in (*named, *plain)]
        return tuple(sorted(every, key=lambda one: -len(one[0])))


class Level(Rules):
    """What one kind of evidence is worth, and its words in the sum."""

    points: int
    label: str

    @field_validator("label")
    @classmethod
    def _fills(cls, label: str) -> str:
        try:
            label.format(what="")
        except (KeyError, IndexError, ValueError) as e:
            raise ValueError(f"'{label}' has another place to fill than {{what}}") from e
        return label


class Points(Rules):
    """The kinds of evidence, and from which sum on they link or ask."""

    source: str
    link_at: int = Field(gt=0)
    review_at: int = Field(gt=0)
    margin: int = Field(ge=0)
    kinds: dict[EvidenceKind, Level]


class Titles(Rules):
    """How titles are cleaned and compared. Percentages are of rapidfuzz."""

    source: str
    same_at: float = Field(ge=0, le=100)
    same_as_set_at: float = Field(ge=0, le=100)
    near_at: float = Field(ge=0, le=100)
    begins_at: int
    abbreviations: dict[str, str]
    decorations: tuple[Pattern, ...]
    nicknames: tuple[str, ...]
    common_words: tuple[str, ...]
    vendor_words: tuple[str, ...]


class Family(Rules):
    """One scheme of numbers: how it is found, its one spelling, the system it belongs to."""

    pattern: Pattern
    spelled: str
    distribution: str | None = None


class Families(Rules):
    """Numbers that name one fix."""

    source: str
    advisory: dict[str, Family]
    bulletin: dict[str, Family]


class Distributions(Rules):
    """Systems that a title can name."""

    source: str
    patterns: dict[str, Pattern]


class Rivals(Rules):
    """What excludes each other without naming a fix: by kind, patterns by value."""

    source: str
    platform: dict[str, Pattern]
    windows_release: dict[str, Pattern]
    amazon_generation: dict[str, Pattern]


class Correlation(Rules):
    """Source: `correlation.yaml`."""

    source: str
    identifier: Identifier
    evidence: Points
    titles: Titles
    families: Families
    distributions: Distributions
    rivals: Rivals
