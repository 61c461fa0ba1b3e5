"""What parsers.json promises."""

import io
import tracemalloc

import pytest

from parsers import json
from parsers.export import Export
from poam.errors import ScanParseError


def export(content):
    """Return an export of this content."""
    return Export(io.BytesIO(content.encode() if isinstance(content, str) else content), "x.json")


@pytest.mark.parametrize(
    ("head", "paths"),
    [
        ('{"a": [{"b": {"c": 1}}, 2], "d": nu', {"a", "a/b", "a/b/c", "d"}),
        ('[{"a": 1}, {"b": "cut he', {"a", "b"}),
        ('{"a": 1}\n{"b": 2}\n', {"a", "b"}),
        ("<a/>", set()),
        ("", set()),
    ],
)
def test_paths(head, paths):
    """The keys of a head are known as far as it goes."""
    assert json.paths(head.encode()) == paths
    assert json.paths(head.encode("utf-16")) == paths


def test_head_may_end_anywhere():
    """No cut makes a head unreadable."""
    head = '[{"a": "é", "b": [true, null, 1.5e3]}]'.encode()
    assert all(json.paths(head[:size]) <= {"a", "b"} for size in range(len(head)))


@pytest.mark.parametrize(
    "content",
    ['[{"a": 1}, {"a": 2}]', '{"a": 1}\n\n{"a": 2}\n', ' [ {"a": 1},\n{"a": 2} ]\n'],
    ids=["list", "lines", "spaced list"],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_objects(content, encoding):
    """A list of objects and objects line by line are the same."""
    assert list(json.objects(export(content.encode(encoding)), "x")) == [{"a": 1}, {"a": 2}]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (
            '[{"a": 1},\n{"a": 2',
            "x.json, object 2, about line 2: found broken JSON (premature EOF)",
        ),
        ('{"a": 1}\n[1]', "x.json, object 2: found a JSON list"),
        ("[1]", "x.json, object 1: found a JSON int"),
        (
            b'[{"a": "\xff"}]',
            "x.json, object 1, about line 1: found broken JSON (UnicodeDecodeError)",
        ),
    ],
)
def test_broken_objects(content, said):
    """Where a list breaks off, the number of the object says so."""
    with pytest.raises(ScanParseError) as error:
        list(json.objects(export(content), "a list"))
    assert str(error.value) == f"{said}. Expected a list."


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"a":\n 1', "x.json, line 2, column 3: found broken JSON"),
        ("[]", "x.json, line 1: found a JSON list"),
        (b'{"a": "\xff"}', r"x.json: found broken JSON \(UnicodeDecodeError\)"),
        ("[" * 100_000, r"x.json: found broken JSON \(RecursionError\)"),
        ('{"a": 1' + "0" * 5000 + "}", r"x.json: found broken JSON \(ValueError\)"),
    ],
)
def test_broken_document(content, said):
    """A report that is not one object is refused with its place."""
    with pytest.raises(ScanParseError, match=said):
        json.document(export(content), "a report")


def test_scalars():
    """Scalars come as texts, whatever their type; what is none is empty."""
    holder = {
        "a": 1,
        "b": None,
        "c": [1, "x", None, {}],
        "d": " y ",
        "e": True,
        "f": {"g": {"h": 2}},
    }
    assert [json.text(holder, key) for key in "abcdez"] == ["1", "", "", "y", "true", ""]
    assert (json.texts(holder, "c"), json.texts(holder, "d")) == (("1", "x"), ("y",))
    assert json.text(json.within(holder, "f", "g"), "h") == "2"
    assert json.within(holder, "a", "g") == {}


def test_memory_does_not_grow():
    """A list of many objects is never whole in memory."""
    content = ("[" + ",".join(['{"a": "' + "x" * 1000 + '"}'] * 20_000) + "]").encode()
    source = io.BytesIO(content)
    tracemalloc.start()
    assert sum(1 for _ in json.objects(Export(source, "x.json"), "x")) == 20_000
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2_000_000
