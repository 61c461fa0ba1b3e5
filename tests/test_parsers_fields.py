"""Every field of every sample is accounted for in mappings/scanners."""

import io
from fnmatch import fnmatchcase
from pathlib import Path
from xml.etree.ElementTree import ParseError

import pytest
import yaml
from defusedxml.ElementTree import fromstring

from parsers import csv, json
from parsers.export import Export
from parsers.registry import HEAD_SIZE, PARSERS, identify
from poam.errors import ScanFormatError, ScanParseError
from tests.conftest import SAMPLE_SCANS
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
    """Yield the path of every value that is neither an object nor a list nor null."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from json_fields(inner, f"{path}/{key}".lstrip("/"))
    elif isinstance(value, list):
        for inner in value:
            yield from json_fields(inner, path)
    elif value is not None:
        yield path


def tables(parser):
    """Return the telling columns of each table of a CSV format; none for the other formats."""
    return getattr(parser, "TABLES", (parser.COLUMNS,) if hasattr(parser, "COLUMNS") else ())


def fields(content, parser):
    """Return the paths of a sample's fields; none where it is malformed."""
    if tables(parser):
        head = content[:HEAD_SIZE]
        return {column for table in tables(parser) for column in csv.columns(head, *table)}
    try:
        if parser.NAME.endswith("_json"):
            export = Export(io.BytesIO(content), parser.NAME)
            return {path for one in json.objects(export, "JSON") for path in json_fields(one)}
        found = xml_fields(fromstring(content, forbid_dtd=False))
        return {path.replace("Report/ReportHost", "ReportHost") for path in found}
    except (ParseError, ScanParseError):
        return set()


def accounted(field, parser):
    """Tell whether a field is on one of its format's lists; names of columns have no case."""
    patterns = [*FIELDS[parser.NAME].get("read", []), *FIELDS[parser.NAME].get("unread", [])]
    if tables(parser):
        patterns = [pattern.casefold() for pattern in patterns]
    return any(fnmatchcase(field, pattern) for pattern in patterns)


def test_every_format_has_an_account():
    """Each parser has its lists, and each detector its mapping."""
    assert {parser.NAME for parser in PARSERS} <= set(FIELDS)
    detectors = {detector for parser in PARSERS for detector in parser.DETECTORS}
    assert detectors <= {scanner["detector"] for scanner in SCANNERS}


def exports():
    """Yield every sample scan and every sample beside the project, with its parser."""
    for path in sorted([*SAMPLE_SCANS.glob("*/*.*"), *SAMPLES.glob("*/*.*")]):
        content = path.read_bytes()
        try:
            yield path, content, identify(content[:HEAD_SIZE], path.name)
        except ScanFormatError:
            continue


def test_every_field_is_on_a_list():
    """A vendor's field is read, or left unread on purpose; none is overlooked."""
    overlooked = {
        (parser.NAME, field)
        for _, content, parser in exports()
        for field in fields(content, parser)
        if not accounted(field, parser)
    }
    assert sorted(overlooked) == []


@pytest.mark.parametrize("name", sorted(FIELDS))
def test_no_field_is_on_both_lists(name):
    """A field is either read or not."""
    lists = FIELDS[name]
    assert not set(lists.get("read", [])) & set(lists.get("unread", []))
