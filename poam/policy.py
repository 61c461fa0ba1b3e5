"""mappings/*.yaml and the site's conmon.yaml as frozen models; unknown keys are refused.

The only module that reads YAML. Every rule that comes from a rulebook has its `source` beside
it, and a run's policy hash covers every value.
"""

import hashlib
import json
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from poam.errors import PolicyError
from poam.layout import Layouts, load_layouts
from poam.model import RiskRating


class Rules(BaseModel):
    """Base of every model here: frozen, and no key that it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Severity(Rules):
    """How an original risk rating is found. Source: `severity.yaml`."""

    source: str
    precedence: tuple[Literal["cvss3_base", "cvss2_base", "native"], ...]
    bands: dict[Literal["cvss3_base", "cvss2_base"], dict[RiskRating, float]]


class Remediation(Rules):
    """Days from original detection to scheduled completion, by rating."""

    source: str
    days: dict[RiskRating, int]


class Kev(Rules):
    """How a CISA KEV due date bears on the scheduled completion date."""

    source: str
    mode: Literal["min", "supersede"]


class Items(Rules):
    """What becomes of assets that show an already open weakness later."""

    source: str
    new_assets: Literal["new_row", "append"]


class Timelines(Rules):
    """Source: `timelines.yaml`."""

    remediation: Remediation
    kev: Kev
    items: Items


class Identifier(Rules):
    """What is not an identifier in a Weakness Source Identifier cell, and what may precede one."""

    source: str
    placeholders: tuple[str, ...]
    prefixes: tuple[str, ...]


class Proposal(Rules):
    """When two names are alike enough to ask a person."""

    source: str
    name_at_least: float = Field(ge=0, le=100)


class Correlation(Rules):
    """Source: `correlation.yaml`."""

    source: str
    identifier: Identifier
    proposal: Proposal


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


class ControlSet(Rules):
    """The 800-53 controls of one kind of finding."""

    source: str
    controls: tuple[str, ...]


class Controls(Rules):
    """Source: `controls.yaml`."""

    vulnerability: ControlSet
    configuration: ControlSet


class NativeSeverity(Rules):
    """A scanner's own severity codes as ratings; None is informational."""

    source: str
    codes: dict[str, RiskRating | None]


class FieldAccount(Rules):
    """The vendor's fields of one format: read by its parser, or left unread on purpose."""

    read: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()


class Scanner(Rules):
    """One file of `scanners/`: a detector as the POA&M names it, and its spellings."""

    detector: str
    aliases: tuple[str, ...] = ()
    identifier_word: str = "Identifier"
    severity: NativeSeverity
    severity_names: dict[str, str]
    fields: dict[str, FieldAccount]


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
    site: Site
    scanners: tuple[Scanner, ...]
    templates: Layouts

    @property
    def zone(self) -> ZoneInfo:
        """The site's time zone: it decides on which day a scan took place."""
        return ZoneInfo(self.site.timezone)

    def scanner(self, detector: str) -> Scanner | None:
        """The scanner with this name or alias, whatever the case."""
        wanted = detector.strip().casefold()
        for scanner in self.scanners:
            if wanted in {name.casefold() for name in (scanner.detector, *scanner.aliases)}:
                return scanner
        return None

    def sha256(self) -> str:
        """One hash over every value, so that a run says under which rules it decided."""
        values = self.model_dump(mode="json")
        return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


SECTIONS = ("severity", "timelines", "correlation", "assets", "controls", "site")


def load_policy(config: Path | None = None, directory: Path | None = None) -> Policy:
    """Read the rulebooks, then lay the site's `config` over them.

    `config` is a YAML file with the sections of `mappings/` as keys (`site:`, `timelines:` and
    so on), each holding only what the site changes. `directory` replaces `mappings/` as a whole.
    Raises PolicyError, naming every key that is unknown or has a wrong value.
    """
    content = {name: read_mapping(f"{name}.yaml", directory) for name in SECTIONS}
    if config is not None:
        overrides = read_mapping(config.name, config.parent)
        unknown = sorted(set(overrides) - set(SECTIONS))
        if unknown:
            raise PolicyError(f"{config}: found {', '.join(unknown)}. Expected {_or(SECTIONS)}.")
        content = _overlaid(content, overrides)
    scanners = [read_mapping(name, directory) for name in _scanner_files(directory)]
    try:
        templates = load_layouts(read_mapping("templates.yaml", directory))
        return Policy.model_validate({**content, "scanners": scanners, "templates": templates})
    except ValidationError as e:
        where = config or directory or "mappings"
        raise PolicyError(f"{where}: {_sentences(e)}") from e


def read_mapping(name: str, directory: Path | None = None) -> dict[str, Any]:
    """Read one rulebook, `timelines.yaml` say, from `directory` or from the package itself.

    Raises PolicyError, naming the file and line, where it is missing, not YAML or not a mapping.
    """
    place = files("mappings").joinpath(name) if directory is None else directory / name
    try:
        content = yaml.safe_load(place.read_text(encoding="utf-8"))
    except OSError as e:
        raise PolicyError(f"{name}: cannot be read ({e}). Expected a mapping file.") from e
    except yaml.YAMLError as e:
        raise PolicyError(f"{name}: not YAML ({e}). Expected a mapping file.") from e
    if not isinstance(content, dict):
        raise PolicyError(f"{name}: found {type(content).__name__}. Expected keys and values.")
    return content


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
