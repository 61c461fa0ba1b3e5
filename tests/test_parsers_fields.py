"""Every field of every sample is accounted for in mappings/scanners."""

import json
from fnmatch import fnmatchcase
from pathlib import Path
from xml.etree.ElementTree import ParseError

import pytest
import yaml
from defusedxml.ElementTree import fromstring

from parsers.registry import HEAD_SIZE, PARSERS, identify
from poam.errors import ScanFormatError
from tests.parsers_support import SAMPLES

MAPPINGS = Path(__file__).parents[1] / "mappings" / "scanners"
SCANNERS = [yaml.safe_load(path.read_text("utf-8")) for path in sorted(MAPPINGS.glob("*.yaml"))]
FIELDS = {name: lists for scanner in SCANNERS for name, lists in scanner["fields"].items()}


def xml_fields(element, path=""):
    """Yield the path of every attribute and of every element with text of its own."""
    is_tag = element.tag == "tag" and path.endswith("HostProperties/tag")
    if is_tag:
        path = f"{path}={element.get('name')}"
    yield from (f"{path}@{name}" for name in element.attrib if not is_tag)
    if element.text and element.text.strip():
        yield path
    for child in element:
        yield from xml_fields(child, f"{path}/{child.tag.rpartition('}')[2]}".lstrip("/"))


def json_fields(value, path=""):
    """Yield the path of every value that is neither an object nor a list."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from json_fields(inner, f"{path}/{key}".lstrip("/"))
    elif isinstance(value, list):
        for inner in value:
            yield from json_fields(inner, path)
    else:
        yield path


def fields(content):
    """Return the paths of a sample's fields; none where it is malformed."""
    if content.lstrip().startswith(b"{"):
        return set(json_fields(json.loads(content)))
    try:
        found = xml_fields(fromstring(content, forbid_dtd=False))
        return {path.replace("Report/ReportHost", "ReportHost") for path in found}
    except ParseError:
        return set()


def test_every_format_has_an_account():
    """Each parser has its lists, and each detector its mapping."""
    assert {parser.NAME for parser in PARSERS} <= set(FIELDS)
    detectors = {detector for parser in PARSERS for detector in parser.DETECTORS}
    assert detectors <= {scanner["detector"] for scanner in SCANNERS}


def test_every_field_is_on_a_list():
    """A vendor's field is read, or left unread on purpose; none is overlooked."""
    if not SAMPLES.is_dir():
        pytest.skip("the samples are not beside the project (../shared/samples)")
    overlooked = set()
    for folder in ("nessus", "qualys", "zap"):
        for path in sorted((SAMPLES / folder).iterdir()):
            content = path.read_bytes()
            try:
                name = identify(content[:HEAD_SIZE], path.name).NAME
            except ScanFormatError:
                continue
            known = FIELDS[name]["read"] + FIELDS[name]["unread"]
            overlooked |= {
                (name, field)
                for field in fields(content)
                if not any(fnmatchcase(field, pattern) for pattern in known)
            }
    assert sorted(overlooked) == []


@pytest.mark.parametrize("name", sorted(FIELDS))
def test_no_field_is_on_both_lists(name):
    """A field is either read or not."""
    assert not set(FIELDS[name]["read"]) & set(FIELDS[name]["unread"])
