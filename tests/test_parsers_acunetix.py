"""What the parser of Acunetix promises."""

from datetime import datetime

import pytest

from poam.errors import ScanParseError
from poam.model import DateOrder, Kind
from tests.parsers_support import counts, expected_severities, known, read, sample, split


@pytest.mark.parametrize("row", known("acunetix_xml"))
def test_counts_of_samples(row):
    """Findings, names and severities equal an independent count."""
    found = counts(read(sample(row["path"])))
    assert found.findings == int(row["findings_total"])
    assert found.identifiers == int(row["unique_ids"])
    assert found.assets == int(row["hosts"])
    assert found.severities == expected_severities(row)


def item(name="XSS", severity="high", inner="", affects="/a"):
    """Return a ReportItem."""
    return (
        f"<ReportItem><Name><![CDATA[{name}]]></Name><Affects>{affects}</Affects>"
        f"<Severity><![CDATA[{severity}]]></Severity>{inner}</ReportItem>"
    )


def scan(*items, url="https://h.example.gov", crawler="", said="", start="28/02/2020, 05:13:54"):
    """Return a Scan of a site."""
    crawled = f'<Crawler StartUrl="{crawler}"><SiteFiles/></Crawler>' if crawler else ""
    return (
        f"<Scan><StartURL>{url}</StartURL><StartTime>{start}</StartTime>{said}{crawled}"
        f"<ReportItems>{''.join(items)}</ReportItems></Scan>"
    )


def group(*scans):
    """Return a report."""
    return f'<?xml version="1.0"?><ScanGroup>{"".join(scans)}</ScanGroup>'


def test_definition():
    """Texts lose their markup; CVSS comes by version, with dots or with commas."""
    inner = (
        "<Type>csrf</Type><Impact>Bad.</Impact><Description><![CDATA[One<br/>two]]></Description>"
        "<Recommendation>Do.</Recommendation>"
        '<CWEList><CWE id="352">CWE-352</CWE><CWE>CWE-79</CWE></CWEList>'
        "<CVEList><CVE><ID>CVE-2020-0001</ID></CVE><CVE><ID>CVE-2020-0002</ID></CVE></CVEList>"
        "<CVSS><Descriptor>AV:N/AC:L/Au:N/C:N/I:N/A:P</Descriptor><Score>5,0</Score></CVSS>"
        "<CVSS3><Descriptor>CVSS:3.0/AV:N</Descriptor><Score>5,3</Score></CVSS3>"
        "<References><Reference><URL>https://r.example.org</URL></Reference></References>"
    )
    _, (definition,), _ = split(read(group(scan(item(inner=inner)))))
    assert (definition.name, definition.family) == ("XSS", "csrf")
    assert definition.description == "One\ntwo\n\nBad."
    assert definition.solution == "Do."
    assert (definition.cvss2_base, definition.cvss2_vector) == (5.0, "AV:N/AC:L/Au:N/C:N/I:N/A:P")
    assert (definition.cvss3_base, definition.cvss3_vector) == (5.3, "CVSS:3.0/AV:N")
    assert definition.cwes == ("CWE-352", "CWE-79")
    assert definition.cves == ("CVE-2020-0001", "CVE-2020-0002")
    assert definition.references == ("https://r.example.org",)


@pytest.mark.parametrize(("text", "base"), [("0.0", 0.0), ("0,0", 0.0), ("", None), ("10", 10.0)])
def test_scores(text, base):
    """Zero is a score, empty is none."""
    inner = f"<CVSS><Score>{text}</Score></CVSS>"
    _, (definition,), _ = split(read(group(scan(item(inner=inner)))))
    assert definition.cvss2_base == base


@pytest.mark.parametrize(
    ("severity", "kind"),
    [
        ("info", Kind.INFORMATIONAL),
        ("informational", Kind.INFORMATIONAL),
        ("low", Kind.VULNERABILITY),
        ("odd", Kind.VULNERABILITY),
        ("", Kind.VULNERABILITY),
    ],
)
def test_severities(severity, kind):
    """Both words for information inform; an unknown or missing severity does not."""
    (finding,), _, _ = split(read(group(scan(item(severity=severity)))))
    assert (finding.kind, finding.native_severity) == (kind, severity or None)


@pytest.mark.parametrize(
    ("text", "order", "stamp"),
    [
        ("28/02/2020, 05:13:54", DateOrder.DAY_FIRST, "2020-02-28T05:13:54"),
        ("20/9/2016, 16:37:38", DateOrder.DAY_FIRST, "2016-09-20T16:37:38"),
        ("10/09/2025, 18:09:55", DateOrder.DAY_FIRST, "2025-09-10T18:09:55"),
        ("10/09/2025, 18:09:55", DateOrder.MONTH_FIRST, "2025-10-09T18:09:55"),
        ("9/20/2016, 4:37:38 PM", DateOrder.MONTH_FIRST, "2016-09-20T16:37:38"),
    ],
)
def test_dates(text, order, stamp):
    """The order of day and month is the stated one."""
    said = f"<FinishTime>{text}</FinishTime>"
    _, _, (coverage,) = split(read(group(scan(start=text, said=said)), dates=order))
    assert (coverage.started, coverage.ended) == (datetime.fromisoformat(stamp),) * 2


def test_contradictory_dates():
    """A thirteenth month stops the file with its line."""
    content = group(scan(), "\n", scan(start="\n02/28/2020, 05:13:54"))
    said = r"x, line 2: found the date '02/28/2020, 05:13:54', which is no date with the day first"
    with pytest.raises(ScanParseError, match=said):
        read(content, "x")


@pytest.mark.parametrize(
    ("url", "crawler", "asset"),
    [
        ("https://H.example.gov:443/app", "", "https://h.example.gov"),
        ("h.example.gov", "http://h.example.gov/", "http://h.example.gov"),
        ("h.example.gov", "", "h.example.gov"),
        ("", "http://h.example.gov:8080/", "http://h.example.gov:8080"),
    ],
)
def test_site(url, crawler, asset):
    """Where the start has no scheme, the crawler's start has it."""
    (finding,), _, (coverage,) = split(read(group(scan(item(), url=url, crawler=crawler)), "x"))
    assert (finding.asset, coverage.asset) == (asset, asset)


@pytest.mark.parametrize(
    ("affects", "location"),
    [
        ("/m/zmain?x=1", "https://h.example.gov/m/zmain?x"),
        ("/", "https://h.example.gov/"),
        ("", "https://h.example.gov/"),
        ("Web Server", "https://h.example.gov/"),
        ("https://h.example.gov/full", "https://h.example.gov/full"),
    ],
)
def test_location(affects, location):
    """What is affected is a page of the site, or the server as a whole."""
    (finding,), _, _ = split(read(group(scan(item(affects=affects)))))
    assert finding.location == location


def test_locator():
    """The locator names method, page, parameter and line."""
    inner = (
        "<Parameter>q</Parameter>"
        "<TechnicalDetails><Request>POST /a HTTP/1.1\nCookie: secret</Request></TechnicalDetails>"
    )
    (finding,), _, _ = split(read(group(scan(item(inner=inner))), "x"))
    assert finding.locator == (
        "x: site https://h.example.gov, issue XSS, "
        "POST https://h.example.gov/a, parameter q, line 1"
    )


def test_one_finding_per_item():
    """The same name on the same page twice is two findings of one definition."""
    findings, definitions, _ = split(read(group(scan(item(), item()))))
    assert (len(findings), len(definitions)) == (2, 1)


def test_name_identifies():
    """The same type is raised by modules of other names in other versions."""
    items = (
        item("Slow HTTP", inner="<ModuleName>/SlowHTTPDOS</ModuleName>"),
        item("Slow HTTP", inner="<ModuleName>slow-loris</ModuleName>"),
    )
    findings, definitions, _ = split(read(group(scan(*items))))
    assert {f.source_identifier for f in findings} == {"Slow HTTP"}
    assert len(definitions) == 1


@pytest.mark.parametrize(
    ("flag", "status"), [("True", "False Positive"), ("1", "False Positive"), ("False", None)]
)
def test_false_positive(flag, status):
    """A mark somebody set keeps the finding."""
    inner = f"<IsFalsePositive>{flag}</IsFalsePositive>"
    (finding,), _, _ = split(read(group(scan(item(inner=inner)))))
    assert (finding.present, finding.status) == (True, status)


@pytest.mark.parametrize("said", ["<Aborted>True</Aborted>", "<Responsive>False</Responsive>"])
def test_scan_that_broke_off(said, caplog):
    """It proves no absence, so its coverage has no date; what it found is dated."""
    (finding,), _, (coverage,) = split(read(group(scan(item(), said=said))))
    assert (coverage.started, coverage.ended) == (None, None)
    assert finding.first_seen == finding.last_seen == datetime.fromisoformat("2020-02-28T05:13:54")
    assert "broke off" in caplog.text


def test_several_scans():
    """Each scan has its own site and times."""
    scans = (scan(item()), scan(url="https://i.example.gov", start="01/03/2020, 00:00:00"))
    (finding,), _, (first, second) = split(read(group(*scans)))
    assert (finding.asset, first.asset, second.asset) == (
        "https://h.example.gov",
        "https://h.example.gov",
        "https://i.example.gov",
    )
    assert second.started == datetime.fromisoformat("2020-03-01T00:00:00")


def test_no_scan(caplog):
    """A group without a scan is empty, and says so."""
    assert read("<ScanGroup><Scan1/></ScanGroup>") == []
    assert "no Scan in it" in caplog.text


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (group(scan(item(name=""))), "line 1: found a ReportItem without a Name"),
        (group(scan(url="")), "line 1: found a Scan without StartURL"),
        (group(item()), "line 1: found a ReportItem outside of a Scan"),
        (group(scan(start="soon")), "line 1: found the time 'soon'"),
        (
            group(scan(item(inner="<CVSS3><Score>53</Score></CVSS3>"))),
            "line 1, CVSS3: found the score '53'. Expected a CVSS score from 0 to 10",
        ),
        (
            group(scan(item(inner="<IsFalsePositive>perhaps</IsFalsePositive>"))),
            "line 1, IsFalsePositive: found 'perhaps'. Expected True, False or nothing",
        ),
        (group(scan())[:-12], r"line 1, column \d+: found broken XML"),
    ],
)
def test_bad_input(content, said):
    """What is missing or broken is said with its line."""
    with pytest.raises(ScanParseError, match=said):
        read(content)


@pytest.mark.parametrize(
    "content",
    [
        group(scan(item())).replace("?>", ' encoding="UTF-16"?>').encode("utf-16"),
        b"\xef\xbb\xbf" + group(scan(item())).encode(),
    ],
    ids=["utf-16", "bom"],
)
def test_encodings(content):
    """The encoding changes nothing."""
    assert read(content) == read(group(scan(item())))
