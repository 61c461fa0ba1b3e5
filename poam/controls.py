"""The models of `controls.yaml`, and the 800-53 controls of a weakness with the reason."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Annotated, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from poam.model import Kind
from poam.rules import Rules


def _compiles(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as e:
        raise ValueError(f"'{pattern}' is no regular expression: {e}") from e
    return pattern


# The twenty families of NIST SP 800-53 Rev. 5.
_FAMILIES = "AC|AT|AU|CA|CM|CP|IA|IR|MA|MP|PE|PL|PM|PS|PT|RA|SA|SC|SI|SR"
Control = Annotated[
    str, StringConstraints(pattern=rf"^({_FAMILIES})-[1-9]\d?(\([1-9]\d?\))?$", strict=True)
]
Glob = Annotated[str, StringConstraints(min_length=1)]
Pattern = Annotated[str, StringConstraints(min_length=1), AfterValidator(_compiles)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known of a weakness when its controls are chosen.

    `cwes` are the export's (`CWE-79`). `weakness_class` is the key in `weakness_classes.yaml` and
    `class_cwes` that class's numbers, where the weakness is in a class.
    """

    kind: Kind
    detector: str
    name: str = ""
    family: str = ""
    solution: str = ""
    cves: tuple[str, ...] = ()
    cwes: tuple[str, ...] = ()
    weakness_class: str = ""
    class_cwes: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class ControlChoice:
    """The controls of a weakness, why, and the key path of the rule that says so."""

    controls: tuple[str, ...]
    because: str
    rule: str


class ControlSet(Rules):
    """Controls, and what is wrong where they apply, in a few words."""

    source: str
    controls: tuple[Control, ...] = Field(min_length=1)
    because: str


class ControlRule(ControlSet):
    """Controls for the weaknesses of which every condition given holds.

    A condition holds where one of its values does. `detectors`, `families` and `classes` are
    patterns with `*`; `names` and `solution` are regular expressions that are looked for; none
    minds upper and lower case.
    """

    kinds: tuple[Kind, ...] = ()
    detectors: tuple[Glob, ...] = ()
    families: tuple[Glob, ...] = ()
    classes: tuple[Glob, ...] = ()
    cwes: tuple[Annotated[int, Field(gt=0)], ...] = ()
    names: tuple[Pattern, ...] = ()
    has_cve: bool = False
    solution: tuple[Pattern, ...] = ()

    @model_validator(mode="after")
    def _conditions(self) -> Self:
        if not any(getattr(self, name) for name in CONDITIONS):
            raise ValueError(f"a rule has a condition: {', '.join(CONDITIONS)}")
        if self.solution and not (self.has_cve or self.families):
            raise ValueError("solution needs has_cve or families: the words alone are too common")
        return self

    def match(self, facts: Facts) -> tuple[str, ...]:
        """The facts that fulfil the conditions, in words; none where a condition fails."""
        found = {
            "kinds": f"kind {facts.kind}" if facts.kind in self.kinds else "",
            "detectors": _like("detector", facts.detector, self.detectors),
            "families": _like("family", facts.family, self.families),
            "classes": _like("class", facts.weakness_class, self.classes),
            "cwes": next(_cwe_words(facts, self.cwes), ""),
            "names": _says("name", facts.name, self.names),
            "has_cve": next(iter(facts.cves), ""),
            "solution": _says("solution", facts.solution, self.solution),
        }
        words = tuple(found[name] for name in CONDITIONS if getattr(self, name))
        return words if all(words) else ()


CONDITIONS = tuple(name for name in ControlRule.model_fields if name not in ControlSet.model_fields)


class Controls(Rules):
    """Source: `controls.yaml`."""

    source: str
    rules: tuple[ControlRule, ...]
    otherwise: ControlSet

    def choose(self, facts: Facts) -> ControlChoice:
        """The controls of the first rule whose conditions hold, else those of `otherwise`.

        The order of the rules decides, also where a weakness has several CWEs: their own
        order says nothing. A class's CWEs count like the export's.
        """
        for place, rule in enumerate(self.rules):
            if words := rule.match(facts):
                return _choice(rule, f" ({', '.join(words)})", f"controls.rules[{place}]")
        return _choice(self.otherwise, "", "controls.otherwise")


def _choice(chosen: ControlSet, facts: str, rule: str) -> ControlChoice:
    controls = ", ".join(chosen.controls)
    return ControlChoice(chosen.controls, f"{controls}: {chosen.because}{facts}", rule)


def _like(word: str, value: str, globs: Iterable[str]) -> str:
    folded = value.strip().casefold()
    return f"{word} {value}" if any(fnmatchcase(folded, g.casefold()) for g in globs) else ""


def _says(word: str, text: str, patterns: Iterable[str]) -> str:
    unwrapped = " ".join(text.split())
    matches = (re.search(pattern, unwrapped, re.IGNORECASE) for pattern in patterns)
    return next((f'{word} "{match[0].strip()}"' for match in matches if match), "")


def _cwe_words(facts: Facts, wanted: tuple[int, ...]) -> Iterator[str]:
    for cwe in facts.cwes:
        if cwe.upper().removeprefix("CWE-") in map(str, wanted):
            yield cwe
    for number in facts.class_cwes:
        if number in wanted:
            yield f"CWE-{number} of class {facts.weakness_class}"
