"""Where files lie: local paths, or URLs that fsspec opens, such as s3://bucket/scans."""

import hashlib
import os
import shutil
from collections.abc import Iterable
from io import BufferedReader
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias, Union, cast

from poam.errors import RunError

if TYPE_CHECKING:
    from upath import UPath

Place: TypeAlias = Union[Path, "UPath"]
"""A file or folder: a local path, or a URL with a path's methods."""


def place(text: str | Path) -> Place:
    """Read a path or URL as a person gives it. Raises RunError where a URL's kind is unknown."""
    given = str(text)
    protocol, mark, rest = given.partition("://")
    if not mark:
        return Path(text)
    if protocol == "file":
        return Path(rest)
    from upath import UPath  # slow to import, and most places are paths

    try:
        found = UPath(given)
        _ = found.fs  # the filesystem behind it: its package may be missing
    except (ValueError, ImportError, OSError) as e:
        reason = str(e).splitlines()[0]
        raise RunError(
            f"{given}: found a location of kind '{protocol}' that cannot be opened ({reason}). "
            "Expected a path, or a URL whose filesystem is installed "
            "(s3: pip install 'conmon-poam[s3]')."
        ) from e
    return found


def places(texts: Iterable[str | Path]) -> tuple[Place, ...]:
    """Read several paths or URLs."""
    return tuple(map(place, texts))


def sha256(here: Place) -> str:
    """The SHA-256 of a file."""
    with here.open("rb") as stream:
        return hashlib.file_digest(cast("BufferedReader", stream), "sha256").hexdigest()


def within(folder: Place, here: Place) -> str:
    """The name of a file inside a folder, with slashes."""
    names = (str(one) if isinstance(one, Path) else one.path for one in (here, folder))
    return os.path.relpath(*names).replace(os.sep, "/")


def whole(here: Place) -> str:
    """One name for one place, however it was given: links followed, a URL's path."""
    return str(here.resolve()) if isinstance(here, Path) else here.path


def renamed(here: Place, name: str) -> None:
    """Give a file another name in its folder, in the place of what has that name."""
    if isinstance(here, Path):
        here.replace(here.with_name(name))
    else:
        here.rename(here.with_name(name))


def copy(source: Place, target: Place) -> None:
    """Copy a file's bytes. Locally the target is whole or is not there."""
    draft = target.with_name(f".{target.name}.partial") if isinstance(target, Path) else target
    with source.open("rb") as given, draft.open("wb") as taken:
        shutil.copyfileobj(given, taken)
    if draft is not target:
        renamed(draft, target.name)
