"""Every number and switch of the rulebooks is stated by a test: changed, it makes one fail.

Each leaf is changed in a copy of `mappings/`, and the fast tests that state its rules are run over
that copy. A copy that they pass is a threshold without a test. A test that holds a table of values
against a policy is called with the changed policy instead.
"""

import json
import os
import shlex
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import Literal, get_args, get_origin

import pytest
import yaml
from pydantic import ValidationError

from poam.policy import LOADER, NativeSeverity, Policy, Scanner, load_policy
from poam.rules import Rules
from tests.conftest import PROJECT
from tests.test_boundaries import test_lint_levels as check_lint_levels
from tests.test_boundaries import test_points as check_points
from tests.test_native_severity import test_native_severities as check_native_severities

pytestmark = pytest.mark.heavy

AT_ONCE = 2
MAPPINGS = PROJECT / "mappings"
SCANNERS = sorted(path.name for path in (MAPPINGS / "scanners").glob("*.yaml"))
# The tests that state the rules, by where their numbers and switches are: files, or one of a file.
TESTS = {
    "severity": ["severity"],
    "gates": ["gates"],
    "triggers.past_due": ["metrics::test_buckets_of_days_past_due"],
    "triggers.repeat": ["triggers::test_the_same_trigger_again_is_a_cap"],
    "triggers.unique_vulnerabilities": [
        "triggers::test_unique_vulnerabilities_above_the_baseline",
        "triggers::test_the_sums_of_the_other_triggers",
    ],
    "triggers.unauthenticated_scans": ["triggers::test_unauthenticated_share"],
    "triggers.aged": ["triggers::test_where_aged_items_escalate"],
    "triggers.not_computed": ["boundaries"],
    "assets": ["assets::test_without_an_inventory_the_policy_prefers"],
    "correlation": ["boundaries"],
    "timelines": ["boundaries"],
    "timelines.detection": ["dedupe::test_first_seen_is_the_earliest"],
    "timelines.remediation": ["deadlines::test_windows_are_calendar_days"],
    "timelines.vendor_dependency": [
        "standing::test_the_vendor_was_asked_of_late",
        "standing::test_whom_a_vendor_dependency_excuses",
    ],
    "timelines.deviations": ["standing::test_only_approved_deviations_excuse"],
    "timelines.rating_changes": ["revision::test_a_raised_rating"],
    "timelines.containers": ["containers::test_a_new_version_keeps_the_item"],
}
# Those that hold a table against a policy.
TABLES = {"lint": check_lint_levels, "correlation.evidence.kinds": check_points}
RULEBOOKS = list(dict.fromkeys(place.partition(".")[0] for place in (*TESTS, *TABLES)))


@dataclass(frozen=True)
class Mutant:
    """A rulebook with one leaf changed: `file` under `mappings/`, and its `text`."""

    file: str
    leaf: str
    change: str
    text: str

    @property
    def name(self):
        """Which leaf of which file it changes, and how."""
        return f"{self.file}, {self.leaf}: {self.change}"

    @property
    def policy(self):
        """The policy with this rulebook."""
        section = self.file.removesuffix(".yaml")
        kind = Policy.model_fields[section].annotation
        changed = kind.model_validate(yaml.load(self.text, LOADER))  # noqa: S506
        return load_policy().model_copy(update={section: changed})


def nearest(leaf, places):
    """Return what a table has for a leaf: that of the place nearest above it, or None."""
    above = [place for place in places if f"{leaf}.".startswith(f"{place}.")]
    return places[max(above, key=len)] if above else None


def leaves(kind, node, path=()):
    """Yield path, YAML node and other values of each number and switch below a node.

    `kind` is what the policy's models say of the node; text is no leaf.
    """
    below = get_args(kind)
    if isinstance(kind, type) and issubclass(kind, Rules):
        for key, value in node.value:
            annotation = kind.model_fields[key.value].annotation
            yield from leaves(annotation, value, (*path, key.value))
    elif get_origin(kind) is dict:
        for key, value in node.value:
            yield from leaves(below[1], value, (*path, key.value))
    elif get_origin(kind) is tuple:
        for number, value in enumerate(node.value):
            yield from leaves(below[0], value, (*path, str(number)))
    elif values := others(kind, node):
        yield ".".join(path), node, values


def others(kind, node):
    """Return what else a leaf may be: the next of its choices, or one up and one down.

    One is one in the last place that is written: 0.1 for 7.0. A number for null is 0.
    """
    value = yaml.safe_load(node.value) if node.style is None else node.value
    if {int, float, Decimal} & {kind, *get_args(kind)}:
        if value is None:
            return [0]
        number = Decimal(node.value)
        step = Decimal(1).scaleb(number.as_tuple().exponent)
        return [number + step, number - step]
    choices = choices_of(kind)
    return [choices[(choices.index(value) + 1) % len(choices)]] if choices else []


def choices_of(kind):
    """Return the values of a switch, none for what is no switch."""
    if get_origin(kind) is Literal:
        return get_args(kind)
    if kind is bool:
        return (True, False)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return tuple(kind)
    parts = [choices_of(part) for part in get_args(kind) if part is not type(None)]
    found = tuple(choice for part in parts for choice in part)
    return (*found, None) if found and type(None) in get_args(kind) else found


def scalars(node, path=()):
    """Yield path and YAML tag of each scalar below a node."""
    if isinstance(node, yaml.ScalarNode):
        yield ".".join(path), node.tag
    elif isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield from scalars(value, (*path, key.value))
    else:
        for number, value in enumerate(node.value):
            yield from scalars(value, (*path, str(number)))


def mutants(file, kind, at=()):
    """Every mutant of a rulebook, or of what it has under some keys, that the models accept."""
    text = (MAPPINGS / file).read_text(encoding="utf-8")
    node = yaml.compose(text, Loader=yaml.SafeLoader)
    for key in at:
        node = next(value for name, value in node.value if name.value == key)
    for leaf, below, values in leaves(kind, node, at):
        begin, end = below.start_mark.index, below.end_mark.index
        spelled = [str(v) if isinstance(v, Decimal) else json.dumps(v) for v in values]
        changed = [
            Mutant(file, leaf, f"{text[begin:end]} is {word}", text[:begin] + word + text[end:])
            for word in spelled
        ]
        accepted = [one for one in changed if is_accepted(kind, one.text, at)]
        assert accepted, f"{file}, {leaf}: no other value is accepted"
        yield from accepted


def is_accepted(kind, text, at):
    """Whether a rulebook's content is still one."""
    content = yaml.load(text, LOADER)  # noqa: S506 - the safe loader in C
    for key in at:
        content = content[key]
    try:
        kind.model_validate(content)
    except ValidationError:
        return False
    return True


def passes(file, text, folder, tests):
    """Whether tests pass over the rulebooks with one `file` as given; else one of them fails."""
    copy = folder / "mappings"
    shutil.copytree(MAPPINGS, copy, ignore=shutil.ignore_patterns("__pycache__"))
    (copy / file).write_text(text, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider"]
    command += ["-o", f"pythonpath={shlex.quote(str(folder))} ."]
    command += ["tests/test_{}.py{}{}".format(*name.partition("::")) for name in tests]
    done = subprocess.run(  # noqa: S603
        command,
        cwd=PROJECT,
        env=os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    shutil.rmtree(folder)
    assert done.returncode in (0, 1), f"{command}\n{done.stdout}{done.stderr}"
    return done.returncode == 0


def test_no_leaf_is_left_out(capsys):
    """Whatever is no text in a rulebook is a leaf: a number, a switch or null."""
    count = 0
    for name in RULEBOOKS:
        node = yaml.compose((MAPPINGS / f"{name}.yaml").read_text(encoding="utf-8"))
        found = {place for place, _, _ in leaves(Policy.model_fields[name].annotation, node)}
        assert {place for place, tag in scalars(node) if not tag.endswith(":str")} <= found
        count += len(found)
    count += sum(len(scanner.severity.codes) for scanner in load_policy().scanners)
    with capsys.disabled():
        sys.stdout.write(f"\n{count} numbers and switches\n")


@pytest.mark.parametrize("name", RULEBOOKS)
def test_every_leaf_of_a_rulebook_has_a_test(name, tmp_path):
    """With any number or switch changed a test fails that passes over the rulebook as it is."""
    file = f"{name}.yaml"
    changed = list(mutants(file, Policy.model_fields[name].annotation))
    tests = {one: nearest(f"{name}.{one.leaf}", TESTS | TABLES) for one in changed}
    run = {one: stated for one, stated in tests.items() if not callable(stated)}
    as_it_is = (MAPPINGS / file).read_text(encoding="utf-8")
    if every := sorted({test for stated in run.values() for test in stated}):
        assert passes(file, as_it_is, tmp_path / "as it is", every), f"unchanged: {every}"

    def survives(numbered):
        number, one = numbered
        return passes(one.file, one.text, tmp_path / str(number), run[one])

    with ThreadPoolExecutor(AT_ONCE) as pool:
        survived = list(pool.map(survives, enumerate(run)))
    assert [one.name for one, still in zip(run, survived, strict=True) if still] == []
    for one in tests.keys() - run.keys():
        with pytest.raises(AssertionError):
            tests[one](one.policy)


@pytest.mark.parametrize("name", SCANNERS)
def test_every_native_severity_has_a_test(name):
    """With any one rating of a scanner's table changed, the table of all of them fails."""
    own = load_policy()
    for mutant in mutants(f"scanners/{name}", NativeSeverity, ("severity",)):
        other = Scanner.model_validate(yaml.load(mutant.text, LOADER))  # noqa: S506
        scanners = [other if one.detector == other.detector else one for one in own.scanners]
        with pytest.raises(AssertionError):
            check_native_severities(own.model_copy(update={"scanners": tuple(scanners)}))
