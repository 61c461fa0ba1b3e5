"""The rulebooks: sourced, closed to unknown keys, and overridden one value at a time."""

import shutil
from importlib.resources import as_file, files

import pytest
import yaml

from poam.errors import PolicyError
from poam.gate_rules import Gates
from poam.lint_rules import LintCode
from poam.policy import SECTIONS, load_policy, read_mapping
from poam.timeline_rules import Timelines
from tests.conftest import PROJECT


@pytest.fixture
def config(tmp_path):
    """Return a function that writes a site's conmon.yaml and loads the policy with it."""

    def load(text):
        path = tmp_path / "conmon.yaml"
        path.write_text(text, encoding="utf-8")
        return load_policy(path)

    return load


def values(model, at=()):
    """Every value of a policy by its place."""
    if not isinstance(model, dict):
        return {at: model}
    return {k: v for key, below in model.items() for k, v in values(below, (*at, key)).items()}


def test_the_projects_own_rules():
    """FedRAMP's windows, and the choices that this project makes where it leaves them open."""
    timelines = load_policy().timelines
    assert timelines.remediation.days == {"High": 30, "Moderate": 90, "Low": 180}
    assert (timelines.kev.mode, timelines.items.new_assets) == ("min", "new_row")


@pytest.mark.parametrize(
    ("text", "place", "value"),
    [
        ("timelines: {kev: {mode: supersede}}", ("timelines", "kev", "mode"), "supersede"),
        (
            "timelines: {remediation: {days: {Low: 120}}}",
            ("timelines", "remediation", "days", "Low"),
            120,
        ),
        ("site: {timezone: US/Eastern}", ("site", "timezone"), "US/Eastern"),
        (
            "correlation: {evidence: {review_at: 80}}",
            ("correlation", "evidence", "review_at"),
            80,
        ),
        ("assets: {prefer: [ip]}", ("assets", "prefer"), ["ip"]),
    ],
)
def test_a_site_overrides_one_value(config, text, place, value):
    """The value that is set changes, every other stays, and the hash tells them apart."""
    own, changed = load_policy(), config(text)
    before, after = (values(p.model_dump(mode="json")) for p in (own, changed))
    assert {k: v for k, v in after.items() if before.get(k) != v} == {place: value}
    assert changed.sha256() != own.sha256()


def test_the_hash_is_of_the_values(config):
    """The same values have the same hash, wherever they were written."""
    assert config("site: {timezone: UTC}").sha256() == load_policy().sha256()


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("colour: red", "colour"),
        ("scanners: []", "scanners"),
        ("templates: {}", "templates"),
        ("site: {time_zone: UTC}", "site.time_zone is not a key it knows"),
        ("timelines: {kev: {mod: min}}", "timelines.kev.mod is not a key it knows"),
        ("timelines: {kev: {mode: never}}", "timelines.kev.mode is 'never'"),
        ("timelines: {remediation: {days: {Critical: 15}}}", "Critical"),
        ("site: {timezone: Mars/Olympus}", "'Mars/Olympus' is not a time zone"),
        ("site: {timezone: ''}", "is not a time zone"),
        ("timelines: {items: {new_assets: never}}", "timelines.items.new_assets is 'never'"),
        ("correlation: {titles: {near_at: 101}}", "correlation.titles.near_at"),
        ("correlation: {titles: {decorations: ['(']}}", "is no regular expression"),
        (
            "correlation: {evidence: {kinds: {month: {label: 'in {when}'}}}}",
            "has another place to fill than {what}",
        ),
        ("site: {encodings: {nessus_csv: klingon}}", "'klingon' is not an encoding"),
        ("site: {dates: {nessus_csw: day_first}}", "nessus_csw is no format"),
        ("timelines: 30", "timelines"),
        ("- a list", "Expected keys and values"),
        ("site: {", "not YAML"),
        ("", "Expected keys and values"),
    ],
)
def test_what_breaks_a_rule_is_refused_by_name(config, text, named):
    """Unknown keys, wrong values and no YAML are errors that name the key, not defaults."""
    with pytest.raises(PolicyError, match=r"conmon\.yaml") as e:
        config(text)
    assert named in str(e.value)


def test_every_fault_is_listed_at_once(config):
    """A person corrects a file once."""
    with pytest.raises(PolicyError) as e:
        config("site: {colour: red, timezone: Nowhere}")
    assert "site.colour" in str(e.value)
    assert "Nowhere" in str(e.value)


def test_a_missing_file_is_an_error(tmp_path):
    """A configuration that was named and is not there is never passed over."""
    with pytest.raises(PolicyError, match=r"absent\.yaml"):
        load_policy(tmp_path / "absent.yaml")


def test_a_directory_replaces_the_rulebooks(tmp_path):
    """A copy of `mappings/` with one number changed is a policy of its own."""
    with as_file(files("mappings")) as folder:
        shutil.copytree(folder, tmp_path / "rules", ignore=shutil.ignore_patterns("*.py*"))
    path = tmp_path / "rules" / "timelines.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("High: 30", "High: 15"), "utf-8")
    assert load_policy(directory=tmp_path / "rules").timelines.remediation.days["High"] == 15


@pytest.mark.parametrize("detector", ["Nessus", "nessus", " ACAS ", "Tenable.sc"])
def test_a_scanner_is_known_by_every_alias(detector):
    """Name or alias, whatever the case."""
    assert load_policy().scanner(detector).detector == "Nessus"
    assert load_policy().scanner("Nobody's scanner") is None


def test_an_alias_belongs_to_one_scanner():
    """No spelling points at two detectors."""
    names = [name.casefold() for s in load_policy().scanners for name in {s.detector, *s.aliases}]
    assert len(names) == len(set(names))


def test_every_native_code_has_a_name():
    """The severity table and the words for its codes are about the same codes."""
    for scanner in load_policy().scanners:
        assert set(scanner.severity.codes) <= set(scanner.severity_names), scanner.detector


SCANNERS = PROJECT / "mappings" / "scanners"
RULES = {
    "severity.yaml": [()],
    "timelines.yaml": [(name,) for name in Timelines.model_fields],
    "correlation.yaml": [
        (),
        *((name,) for name in ("identifier", "evidence", "titles", "families", "distributions")),
    ],
    "assets.yaml": [(), ("inventory",)],
    "controls.yaml": [(), ("otherwise",)],
    "gates.yaml": [(name,) for name in Gates.model_fields],
    "triggers.yaml": [
        ("past_due",),
        ("repeat",),
        ("unique_vulnerabilities",),
        ("unauthenticated_scans",),
        *(("aged", name) for name in load_policy().triggers.aged),
    ],
    "lint.yaml": [("checks", code.value) for code in LintCode],
    "templates.yaml": [()],
    "weakness_classes.yaml": [()],
    **{f"scanners/{path.name}": [("severity",)] for path in SCANNERS.glob("*.yaml")},
}


@pytest.mark.parametrize("name", RULES)
def test_every_block_of_rules_has_its_source(name):
    """Where a rule comes from stands beside it."""
    for place in RULES[name]:
        block = read_mapping(name)
        for key in place:
            block = block[key]
        assert len(block["source"]) > 10, (name, place)


def test_no_rulebook_is_left_out():
    """A new mapping file is a new line in RULES; the site's own choices need no source."""
    with as_file(files("mappings")) as folder:
        names = {p.relative_to(folder).as_posix() for p in folder.rglob("*.yaml")}
        assert names == set(RULES) | {"site.yaml"}
        assert set(SECTIONS) <= {name.removesuffix(".yaml") for name in names}
        for name in names:
            assert yaml.safe_load((folder / name).read_text(encoding="utf-8"))
