"""What parsers.text and poam.locations promise."""

import time
from datetime import date, datetime

import pytest

from parsers.dates import calendar_date, written_datetime
from parsers.text import cwe_ids, plain_text, score, vector
from poam.errors import ScanParseError
from poam.locations import location, site


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        (None, None),
        (" \n ", None),
        ("Apache 2.4.x < 2.4.58 & more", "Apache 2.4.x < 2.4.58 & more"),
        ("<p>One.</p><p>Two.</p>", "One.\n\nTwo."),
        ("a<br>b<BR/>c", "a\nb\nc"),
        ("<ul><li>one</li><li>two</li></ul>", "- one\n- two"),
        ("&lt;p&gt;escaped &amp;amp; again&lt;/p&gt;", "escaped & again"),
        ("Set &quot;x&quot;", 'Set "x"'),
        ('see <A HREF="http://a" TARGET="_blank">this</A>.', "see this."),
        ("line one\r\nline two", "line one\nline two"),
        ("<p>use &lt;script&gt;</p>", "use <script>"),
        ("a<![CDATA[b]]>c<br>", "abc"),
        ("a<![ATDCA[b]]><br>c", "a<![ATDCA[b]]>\nc"),
        ("a<!-- <p> -- > -->b<br><!-- c", "ab\n<!-- c"),
        ("<pre>a  b</pre> c  d", "a  b\nc d"),
    ],
)
def test_plain_text(markup, text):
    """Markup goes, line breaks and lists stay, and what is no markup is left alone."""
    assert plain_text(markup) == text


BROKEN = (
    "<div>",
    "<p>a",
    "<li>a<br>",
    "<b>x<i>y",
    "<font x='",
    "<a href=",
    "<!--",
    "<![if ",
    "</p",
)


@pytest.mark.parametrize("markup", BROKEN)
def test_markup_without_end(markup):
    """A text takes as long as it is: half a megabyte of broken markup is no reason to wait."""
    began = time.process_time()
    plain_text("<br>" + markup * (500_000 // len(markup)))
    assert time.process_time() - began < 5


def test_score_and_vector():
    """`-` is no score and no vector; brackets and the prefix of Nessus go."""
    assert score("-", "f", "p") is None
    assert vector("-") is None
    assert vector("CVSS2#AV:N/AC:L") == "AV:N/AC:L"
    assert vector("(AV:N)") == "AV:N"


def test_cwe_ids():
    """ZAP writes -1 and 0 for no CWE."""
    assert cwe_ids(["-1", "0", "", None, "79", "CWE-89", "CWE:20"]) == (
        "CWE-79",
        "CWE-89",
        "CWE-20",
    )


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("Tue, 12 May 2020 20:57:30", "2020-05-12T20:57:30"),
        ("Fr., 30 Sep. 2022 08:40:35", "2022-09-30T08:40:35"),
        ("Mi., 5 Okt. 2022 08:40:35", "2022-10-05T08:40:35"),
        ("Wed, 5 Dec 2018 19:00:19", "2018-12-05T19:00:19"),
        ("Fri Jun  6 10:50:39 2025", "2025-06-06T10:50:39"),
    ],
)
def test_written_datetime(text, iso):
    """Times in words are read in the dialects scanners write, without a zone."""
    assert written_datetime(text, "f", "p") == datetime.fromisoformat(iso)


@pytest.mark.parametrize("text", ["yesterday", "Tue, 32 May 2020 20:57:30", "12/05/2020 20:57"])
def test_unreadable_datetime(text):
    """A time that cannot be read is an error that quotes it."""
    with pytest.raises(ScanParseError, match=f"f, p: found the time '{text}'"):
        written_datetime(text, "f", "p")


def test_calendar_date():
    """Dates with slashes, hyphens or neither; what is no date is None."""
    assert calendar_date("2025/05/22") == calendar_date("202505221630") == date(2025, 5, 22)
    assert calendar_date("2025/13/22") is None


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://App.Example.gov:443/a?x=1&y=2&x=3#f", "https://app.example.gov/a?x&y"),
        ("http://h:8080/a;jsessionid=AB12?q=", "http://h:8080/a?q"),
        ("http://h:80", "http://h/"),
        ("http://[::1]:80/a", "http://[::1]/a"),
        ("http://user@h/a", "http://h/a"),
        ("http://[x/?a=secret", "http://[x/?a"),
        ("/only/a/path?x=1", "/only/a/path?x"),
    ],
)
def test_location(url, expected):
    """A page has one spelling, whatever values and sessions a scan used."""
    assert location(url) == expected


def test_site():
    """A site is scheme and host, with a port that is not the scheme's own."""
    assert site("HTTPS://H:443") == "https://h"
    assert site("http://h:8080/path") == "http://h:8080"
    assert site("https://[::1]") == "https://[::1]"
