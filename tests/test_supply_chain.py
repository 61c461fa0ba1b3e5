"""What the program is made of: pinned, and under licences that ask nothing of its users."""

import re
from importlib.metadata import PackageNotFoundError, distribution

import pytest
from packaging.requirements import Requirement

from tests.conftest import PROJECT

FREE = re.compile(
    r"MIT|BSD|Apache|PSF|Python Software|ISC|MPL|Mozilla|Unlicense|Zero|Public Domain|Artistic"
)
# Offered under either of two licences; it is used under the other.
DUAL = {"text-unidecode": "Artistic License"}
PINS = {
    re.sub(r"[-_.]+", "-", line.partition("==")[0]).lower()
    for line in (PROJECT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    if "==" in line
}


def needed(extras=()):
    """Return every distribution that the program needs, by name; None where it is not installed."""
    found, waiting = {}, [("conmon-poam", extras)]
    while waiting:
        name, extras = waiting.pop()
        key = re.sub(r"[-_.]+", "-", name).lower()
        if key in found:
            continue
        try:
            found[key] = distribution(name)
        except PackageNotFoundError:
            found[key] = None
            continue
        for text in found[key].requires or ():
            one = Requirement(text)
            wanted = [{"extra": extra} for extra in ("", *extras)]
            if one.marker is None or any(map(one.marker.evaluate, wanted)):
                waiting.append((one.name, tuple(one.extras)))
    del found["conmon-poam"]
    return found


def licence(found):
    """Return all that a distribution says of its licence."""
    told = found.metadata
    classifiers = [c for c in told.get_all("Classifier") or () if c.startswith("License")]
    own = told.get("License-Expression") or (told.get("License") or "")[:200]
    return " ".join((own, *classifiers))


@pytest.mark.parametrize("extras", [(), ("dask", "postgres")], ids=["plain", "extras"])
def test_licences(extras):
    """Every package that comes along has a permissive licence, and none is under the GPL alone."""
    wrong = {}
    for name, found in needed(extras).items():
        if found is None:
            continue
        said = licence(found)
        if name in DUAL:
            assert DUAL[name] in said
        elif "GPL" in said or not FREE.search(said):
            wrong[name] = said
    assert wrong == {}


def test_pins():
    """Each package that is installed for the program is pinned in the constraints."""
    here = {name for name, found in needed(("dask", "postgres")).items() if found is not None}
    assert sorted(here - PINS) == []


def test_no_index_address():
    """The constraints pin versions, and say nothing of where packages come from."""
    text = (PROJECT / "constraints.txt").read_text(encoding="utf-8")
    assert not re.search(r"https?:|--(extra-)?index-url|--find-links|@", text)
