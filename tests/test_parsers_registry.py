"""What parsers.registry promises."""

import io
from types import SimpleNamespace

import pytest

from parsers.registry import HEAD_SIZE, PARSERS, identify
from poam.errors import ScanFormatError
from tests.parsers_support import nessus, read


def named(name, claims):
    """Return a parser of this name that claims everything or nothing."""
    return SimpleNamespace(NAME=name, recognises=lambda _: claims)


def test_two_claims():
    """Two parsers that claim a file are both named."""
    parsers = [named("a", True), named("b", True), named("c", False)]
    with pytest.raises(ScanFormatError, match=r"^march\.nessus: claimed by a and b\. Expected"):
        identify(b"x", "march.nessus", parsers)


@pytest.mark.parametrize(
    ("head", "look"),
    [
        (b"", "an empty file"),
        (b"\xef\xbb\xbf \n", "an empty file"),
        (b"<!DOCTYPE html><html><body>login</body></html>", "an HTML page"),
        (b"\n<HTML>", "an HTML page"),
        (b'<?xml version="1.0"?><!-- c --><a:issues/>', "XML with the root element issues"),
        (b'{"a": 1}', "JSON"),
        (b"IP,QID\n1,2\n", "plain text"),
        (b"PK\x03\x04rest", "a zip archive or an Office document"),
        (b"\x7fELF\0\0", "binary content"),
    ],
)
def test_no_claim(head, look):
    """A file nobody claims is described, and the formats are listed."""
    with pytest.raises(ScanFormatError) as error:
        identify(head, "march.xml")
    assert f"looks like {look}. Expected an export of one of these: Acunetix, " in str(error.value)


def test_parsers_are_complete():
    """Every parser has a name of its own, the name of its module; all but SARIF's, detectors."""
    assert len({parser.NAME for parser in PARSERS}) == len(PARSERS)
    for parser in PARSERS:
        assert parser.__name__ == f"parsers.{parser.NAME}"
        assert parser.DETECTORS or parser.NAME == "sarif_json"  # each tool is one of its own


@pytest.mark.parametrize(
    "content",
    [
        nessus().encode("utf-16"),
        b"\xef\xbb\xbf" + nessus().encode(),
        nessus().replace("><", ">\r\n<").encode(),
        nessus().replace("<NessusClientData_v2>", "<!-- <a> --><NessusClientData_v2>").encode(),
        nessus().partition("?>")[2].encode(),
    ],
    ids=["utf-16", "bom", "crlf", "comment", "no declaration"],
)
def test_encodings_and_prologues(content):
    """Encoding, byte order mark, line ends and comments do not hide a format."""
    if content.startswith(b"\xff\xfe"):
        content = nessus().replace('"1.0"', '"1.0" encoding="UTF-16"').encode("utf-16")
    assert read(content)[0].asset == "10.0.0.5"


def test_head_may_end_anywhere():
    """Recognition never fails on a head that is cut, at whatever byte."""
    content = b'<?xml version="1.0"?><!DOCTYPE a [<!ELEMENT a (#PCDATA)>]><!-- x --><a/>'
    for size in range(len(content)):
        for parser in PARSERS:
            assert not parser.recognises(content[:size])
    assert io.BytesIO(content).read(HEAD_SIZE) == content
