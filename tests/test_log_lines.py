"""What an export says is one short, printable line wherever a log line or a refusal quotes it."""

import io
import json
import logging
import re

import pytest

from parsers.export import Export
from parsers.registry import PARSERS
from parsers.text import plain_text
from poam.errors import QUOTED, ScanParseError, quoted
from poam.marks import MarkReader
from poam.model import Definition, ScanCoverage
from poam.titles import TitleReader
from tests.conftest import SAMPLE_SCANS
from tests.core_support import policy

RULES = policy().correlation
MARKS, TITLES = MarkReader(RULES), TitleReader(RULES.titles)
PARSER = {parser.NAME: parser for parser in PARSERS}
BREAKS = "\u2028\x85\u202e"  # a line, another, and text from right to left
LONG = f"a{BREAKS}b" + "c" * 5000
DIGITS = "1" * 5000


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (None, ""),
        ("as it is", "as it is"),
        ("two\r\nlines\tand a tab", "two lines and a tab"),
        (f"a{BREAKS}b\x1b[31mc\x00", "a b [31mc"),
        ("x" * QUOTED, "x" * QUOTED),
        ("x" * (QUOTED + 1), "x" * QUOTED + "…"),
        ("\n" * 5000 + "never looked at", "…"),
    ],
)
def test_quoted(text, line):
    """Line ends and what is not printable are spaces; what is longer is cut, and shows it."""
    assert quoted(text) == line


def spoiled(name, before, after):
    """Read a sample in which one text is another; give its records."""
    (file,) = (SAMPLE_SCANS / name).glob("portal.*")
    text = file.read_text(encoding="utf-8")
    assert before in text
    content = text.replace(before, after).encode()
    export = Export(io.BytesIO(content), file.name, dates=policy().date_order(name))
    return list(PARSER[name].records(export))


@pytest.mark.parametrize(
    ("name", "before", "after", "told"),
    [
        (
            "qualys_detections_csv",
            "3 record limit exceeded.",
            LONG,
            "portal.csv: Qualys warns: a b",
        ),
        ("qualys_was_csv", '"900005","150009"', f'"900005","{LONG}"', "portal.csv: QID a b"),
        ("qualys_scan_xml", "FINISHED", LONG, "portal.xml: the scan's status is a b"),
        (
            "stackhawk_json",
            '"COMPLETED"',
            json.dumps(LONG),
            "portal.json: a scan with the status a",
        ),
    ],
)
def test_warned_in_one_line(name, before, after, told, caplog):
    """A warning quotes what the scanner wrote, and nobody can write a log line of their own."""
    with caplog.at_level(logging.WARNING):
        spoiled(name, before, after)
    (line,) = (r.getMessage() for r in caplog.records if r.getMessage().startswith(told))
    assert line.isprintable()
    assert len(line) < QUOTED + 100


def test_refused_in_one_line():
    """A refusal quotes what it found the same way."""
    with pytest.raises(ScanParseError, match="found the version 'a b") as e:
        spoiled("wapiti_xml", "Wapiti 3.2.3", LONG)
    assert str(e.value).isprintable()
    assert len(str(e.value)) < QUOTED + 200


def test_numbers_without_end():
    """A version or a duration of 5,000 digits is no number to count with; the rest is read."""
    as_ever = spoiled("wapiti_xml", "Wapiti 3.2.3", "Wapiti 3.2.3")
    assert spoiled("wapiti_xml", "Wapiti 3.2.3", f"Wapiti {DIGITS}.2.3") == as_ever
    nessus = (SAMPLE_SCANS / "nessus_xml" / "2026-11.nessus").read_text(encoding="utf-8")
    content = re.sub(r"(Scan duration : )\d+", rf"\g<1>{DIGITS}", nessus).encode()
    read = PARSER["nessus_xml"].records(Export(io.BytesIO(content), "scan.nessus"))
    assert any(isinstance(record, ScanCoverage) for record in read)


def test_references_without_end():
    """A character's number of 5,000 digits is no character; the text around it is read."""
    content = f"<p>before &#{DIGITS}; after &#{DIGITS}</p>"
    assert plain_text(content) == "before \ufffd after \ufffd"
    assert TITLES.undecorated(f"Firefox &#{DIGITS}; Overflow") == "Firefox \ufffd Overflow"
    assert MARKS.read(f"Firefox &#{DIGITS}; (RHSA-2023:0957)").families["rhsa"]
    for name, link in (
        ("burp_xml", "kind=reflected&amp;"),
        ("invicti_xml", "?a=1&amp;"),
        ("webinspect_xml", "?a=1&amp;"),
    ):
        spoilt = link.replace("&amp;", f"&#{DIGITS};")
        definitions = [d for d in spoiled(name, link, spoilt) if isinstance(d, Definition)]
        assert any("\ufffd" in reference for d in definitions for reference in d.references)
