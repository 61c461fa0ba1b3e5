"""mappings/*.yaml and the site's conmon.yaml as frozen models; unknown keys are refused."""

from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from poam.errors import PolicyError


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
