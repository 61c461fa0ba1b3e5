"""mappings/*.yaml and the site's conmon.yaml as frozen models; unknown keys are refused.

The only module that reads YAML. Every rule that comes from a rulebook has its `source` beside
it, and a run's policy hash covers every value.
"""

import codecs
import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import yaml
from pydantic import Field, ValidationError, field_validator, model_validator

from poam.classes import WeaknessClasses
from poam.controls import Controls
from poam.correlation_rules import Correlation
from poam.errors import PolicyError
from poam.gate_rules import Gates
from poam.layout import Layouts, load_layouts
from poam.lint_rules import Lint
from poam.model import DateOrder, RiskRating
from poam.rules import Rules
from poam.timeline_rules import Timelines
from poam.trigger_rules import Triggers

# The same safe loader in C, where PyYAML was built with it: ten times as fast.
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Severity(Rules):
    """How an original risk rating is found. Source: `severity.yaml`."""

    source: str
    precedence: tuple[Literal["nvd_cvss3", "cvss3_base", "cvss2_base", "native"], ...]
    bands: dict[Literal["cvss3_base", "cvss2_base"], dict[RiskRating, float]]


class InventoryLayout(Rules):
    """Header texts of the integrated inventory workbook."""

    source: str
    sheet: str
    identifier: tuple[str, ...]
    ips: tuple[str, ...]
    names: tuple[str, ...]
    macs: tuple[str, ...]
    in_latest_scan: tuple[str, ...]
    label_column_values: tuple[str, ...]


class Assets(Rules):
    """Source: `assets.yaml`."""

    source: str
    prefer: tuple[Literal["fqdn", "ip", "name"], ...]
    ignore: tuple[str, ...]
    inventory: InventoryLayout


class NativeSeverity(Rules):
    """A scanner's own severity codes as ratings, the worst first; None is informational."""

    source: str
    codes: dict[str, RiskRating | None]

    def worst(self, codes: Iterable[str]) -> str | None:
        """The worst of these codes; one that the table does not know comes before all others."""
        order = {code: place for place, code in enumerate(self.codes)}
        return min(sorted(codes), key=lambda code: order.get(code, -1), default=None)


class FieldAccount(Rules):
    """The vendor's fields of one format: read by its parser, or left unread on purpose.

    `dates` is the order in which the format writes dates of digits alone, where it does.
    """

    dates: DateOrder | None = None
    read: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()


class Scanner(Rules):
    """One file of `scanners/`: a detector as the POA&M names it, and its spellings.

    With `any_tool` the file is about an exchange format: each tool that writes it is a detector
    of its own, called `Tool (SARIF)`. Scanners of one vendor that number their checks in one
    series have one `identifier_series`. With `images` its assets are container images.
    """

    detector: str
    identifier_series: str = ""
    images: bool = False
    any_tool: bool = False
    aliases: tuple[str, ...] = ()
    identifier_word: str = "Identifier"
    severity: NativeSeverity
    severity_names: dict[str, str]
    fields: dict[str, FieldAccount]


class Limits(Rules):
    """How much of a scan file is read; one that goes beyond is refused."""

    unpacked_mb: int = Field(gt=0)
    unpacked_ratio: int = Field(gt=0)
    held_mb: int = Field(gt=0)


class Site(Rules):
    """What a site sets for itself. Source: `site.yaml`, overridden by conmon.yaml."""

    timezone: str
    poam_id_prefix: str
    point_of_contact: str
    resources_required: str
    service_name: str
    remediation_plan: str
    remediation_plan_without_solution: str
    milestone: str
    dates: dict[str, DateOrder]
    encodings: dict[str, str]
    submission_day: int = Field(ge=1, le=31)
    limits: Limits

    @field_validator("encodings")
    @classmethod
    def _known_encodings(cls, encodings: dict[str, str]) -> dict[str, str]:
        for name in encodings.values():
            try:
                codecs.lookup(name)
            except LookupError as e:
                raise ValueError(f"'{name}' is not an encoding such as latin-1") from e
        return encodings

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError) as e:
            raise ValueError(f"'{name}' is not a time zone name such as US/Eastern or UTC") from e
        return name


class Policy(Rules):
    """Every number, table and switch of a run."""

    severity: Severity
    timelines: Timelines
    correlation: Correlation
    assets: Assets
    controls: Controls
    gates: Gates
    triggers: Triggers
    lint: Lint
    site: Site
    weakness_classes: WeaknessClasses
    scanners: tuple[Scanner, ...]
    templates: Layouts
    places: dict[str, str] = Field(default_factory=dict, exclude=True, repr=False)

    @model_validator(mode="after")
    def _known_formats(self) -> Self:
        known = {name for scanner in self.scanners for name in scanner.fields}
        if unknown := sorted({*self.site.dates, *self.site.encodings} - known):
            raise ValueError(
                f"site: {', '.join(unknown)} is no format; there are {', '.join(sorted(known))}"
            )
        return self

    @property
    def zone(self) -> ZoneInfo:
        """The site's time zone: it decides on which day a scan took place."""
        return ZoneInfo(self.site.timezone)

    def scanner(self, detector: str) -> Scanner | None:
        """The scanner with this name or alias, whatever the case."""
        wanted = detector.strip().casefold()
        if found := self._scanner_of.get(wanted):
            return found
        exchanged = (s for s in self.scanners if s.any_tool)
        return next((s for s in exchanged if wanted.endswith(f"({s.detector.casefold()})")), None)

    @cached_property
    def _scanner_of(self) -> dict[str, Scanner]:
        return {
            name.casefold(): scanner
            for scanner in reversed(self.scanners)
            for name in (*scanner.aliases, scanner.detector)
        }

    def date_order(self, parser: str) -> DateOrder | None:
        """How a format writes dates of digits alone: as the site says, else as its mapping does."""
        stated = (
            scanner.fields[parser].dates for scanner in self.scanners if parser in scanner.fields
        )
        return self.site.dates.get(parser) or next(stated, None)

    def cite(self, *keys: str) -> str:
        """Return the policy lines behind a decision: file, line, key, value and source.

        A key is a path such as `timelines.kev.mode`; the source is the nearest one above it.
        """
        for key in keys:
            if key not in self._citations:
                self._citations[key] = self._citation(key)
        return " | ".join(self._citations[key] for key in dict.fromkeys(keys))

    @cached_property
    def _citations(self) -> dict[str, str]:
        return {}

    def _citation(self, key: str) -> str:
        values: list[Any] = [self]
        for step in re.findall(r"[^.\[\]]+", key):
            values.append(_below(values[-1], step))
        sources = [source for value in values if (source := getattr(value, "source", None))]
        place, value = self.places.get(key, "set by the caller"), values[-1]
        shown = f" = {value}" if isinstance(value, str | int | float | None) else ""
        return f"{place}, {key}{shown}: {sources[-1]}" if sources else f"{place}, {key}{shown}"

    def scans_images(self, detector: str) -> bool:
        """Whether a detector's assets are container images."""
        scanner = self.scanner(detector)
        return scanner is not None and scanner.images

    def sha256(self) -> str:
        """One hash over every value, so that a run says under which rules it decided."""
        values = self.model_dump(mode="json")
        return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


SECTIONS = (
    "severity",
    "timelines",
    "correlation",
    "assets",
    "controls",
    "gates",
    "triggers",
    "lint",
    "site",
    "weakness_classes",
)


def load_policy(config: Path | None = None, directory: Path | None = None) -> Policy:
    """Read the rulebooks, then lay the site's `config` over them.

    `config` is a YAML file with the sections of `mappings/` as keys (`site:`, `timelines:` and
    so on), each holding only what the site changes. `directory` replaces `mappings/` as a whole.
    Raises PolicyError, naming every key that is unknown or has a wrong value.
    """
    places: dict[str, str] = {}
    content = {}
    for name in SECTIONS:
        file = f"{name}.yaml"
        content[name], lines = _read(file, directory)
        places |= {f"{name}.{key}": f"{file} line {line}" for key, line in lines.items()}
    if config is not None:
        overrides, lines = _read(config.name, config.parent)
        places |= {key: f"{config.name} line {line}" for key, line in lines.items()}
        unknown = sorted(set(overrides) - set(SECTIONS))
        if unknown:
            raise PolicyError(f"{config}: found {', '.join(unknown)}. Expected {_or(SECTIONS)}.")
        content = _overlaid(content, overrides)
    scanners = []
    for number, file in enumerate(_scanner_files(directory)):
        scanner, lines = _read(file, directory)
        scanners.append(scanner)
        places |= {f"scanners[{number}].{key}": f"{file} line {at}" for key, at in lines.items()}
    layouts, lines = _read("templates.yaml", directory)
    places |= {f"templates.{key}": f"templates.yaml line {at}" for key, at in lines.items()}
    try:
        templates = load_layouts(layouts)
        return Policy.model_validate(
            {**content, "scanners": scanners, "templates": templates, "places": places}
        )
    except ValidationError as e:
        where = config or directory or "mappings"
        raise PolicyError(f"{where}: {_sentences(e)}") from e


def read_mapping(name: str, directory: Path | None = None) -> dict[str, Any]:
    """Read one rulebook, `timelines.yaml` say, from `directory` or from the package itself.

    Raises PolicyError, naming the file and line, where it is missing, not YAML or not a mapping.
    """
    return _read(name, directory)[0]


def _read(name: str, directory: Path | None) -> tuple[dict[str, Any], dict[str, int]]:
    """Return a rulebook's content, and the line on which each of its keys stands."""
    place = files("mappings").joinpath(name) if directory is None else directory / name
    try:
        loader = LOADER(place.read_text(encoding="utf-8"))
        node = loader.get_single_node()
        content = loader.construct_document(node) if node else None
        lines = dict(_lines(node, "")) if node else {}
    except OSError as e:
        raise PolicyError(f"{name}: cannot be read ({e}). Expected a mapping file.") from e
    except yaml.YAMLError as e:
        raise PolicyError(f"{name}: not YAML ({e}). Expected a mapping file.") from e
    if not isinstance(content, dict):
        raise PolicyError(f"{name}: found {type(content).__name__}. Expected keys and values.")
    return content, lines


def _lines(node: yaml.Node, above: str) -> Iterator[tuple[str, int]]:
    """Yield the path of each key below a node, `kev.mode` or `rules[2]`, and its line."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            path = f"{above}.{key.value}" if above else str(key.value)
            yield path, key.start_mark.line + 1
            yield from _lines(value, path)
    elif isinstance(node, yaml.SequenceNode):
        for number, value in enumerate(node.value):
            yield f"{above}[{number}]", value.start_mark.line + 1
            yield from _lines(value, f"{above}[{number}]")


def _below(value: object, step: str) -> object:
    """Return what a model, mapping or list has under a key or number."""
    if isinstance(value, Mapping):
        return next(below for key, below in value.items() if str(key) == step)
    if isinstance(value, list | tuple):
        return value[int(step)]
    return getattr(value, step)


def _scanner_files(directory: Path | None) -> list[str]:
    folder = files("mappings") if directory is None else directory
    names = sorted(f.name for f in folder.joinpath("scanners").iterdir())
    return [f"scanners/{name}" for name in names if name.endswith(".yaml")]


def _overlaid(base: Mapping[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    out = dict(base)
    for key, value in overrides.items():
        below = out.get(key)
        both = isinstance(below, dict) and isinstance(value, dict)
        out[key] = _overlaid(below, value) if both else value  # type: ignore[arg-type]
    return out


def _sentences(error: ValidationError) -> str:
    parts = []
    for problem in error.errors():
        where = ".".join(str(step) for step in problem["loc"])
        if problem["type"] == "extra_forbidden":
            parts.append(f"{where} is not a key it knows")
        else:
            parts.append(f"{where} is {problem['input']!r}: {problem['msg']}")
    return "; ".join(parts) + "."


def _or(words: tuple[str, ...]) -> str:
    return ", ".join(words[:-1]) + " or " + words[-1]
