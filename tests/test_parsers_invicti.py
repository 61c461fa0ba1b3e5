"""What the parsers of Invicti, Netsparker and Acunetix 360 promise."""

import json
import logging
from datetime import datetime, timedelta

import pytest

from parsers.registry import identify
from poam.errors import ScanFormatError, ScanParseError
from poam.model import DateOrder, Kind
from tests.parsers_support import counts, expected_severities, known, read, sample, split

DAY, MONTH = DateOrder.DAY_FIRST, DateOrder.MONTH_FIRST
FORMS = ["xml", "json"]
NAMES = {
    "Description": "description",
    "RemedialActions": "remedial-actions",
    "RemedialProcedure": "remedial-procedure",
    "ExternalReferences": "external-references",
    "RemedyReferences": "remedy-references",
    "LookupId": "LookupId",
    "FirstSeenDate": "FirstSeenDate",
    "LastSeenDate": "LastSeenDate",
}


@pytest.mark.parametrize("row", known("invicti_acunetix360_json", "invicti_enterprise_xml"))
def test_counts_of_samples(row):
    """Findings, identifiers and severities equal an independent count."""
    found = counts(read(sample(row["path"])))
    assert found.findings == int(row["findings_total"])
    assert found.identifiers == int(row["unique_ids"])
    assert found.assets == int(row["hosts"])
    assert found.severities == expected_severities(row)


def vulnerability(**fields):
    """Return the fields of a vulnerability."""
    given = {"Type": "Xss", "Name": "XSS", "Severity": "High", "Url": "https://h.example.gov/a"}
    return {**given, **fields}


def report(
    form, *vulnerabilities, url="https://h.example.gov/", generated="", initiated="", **target
):
    """Return the same report in XML or in JSON."""
    target = {"Url": url, "Initiated": initiated, **target}
    if form == "json":
        content = {"Generated": generated, "Target": target, "Vulnerabilities": vulnerabilities}
        return json.dumps(content)
    written = "".join(f"<vulnerability>{_xml(one)}</vulnerability>" for one in vulnerabilities)
    return (
        f'<invicti-enterprise generated="{generated}"><target>{_xml(target)}</target>'
        f"<vulnerabilities>{written}</vulnerabilities></invicti-enterprise>"
    )


def _xml(fields):
    return "".join(
        f"<{NAMES.get(name, name.lower())}>{_text(value)}</{NAMES.get(name, name.lower())}>"
        for name, value in fields.items()
    )


def _text(value):
    return value.replace("&", "&amp;").replace("<", "&lt;")


def test_both_formats_say_the_same():
    """XML and JSON of one report give the same records, but for the place in the file."""
    fields = vulnerability(
        State="Present",
        FirstSeenDate="13/06/2021 01:52 PM",
        Description="<p>Text</p>",
        RemedialProcedure="<p>Do it.</p>",
        ExternalReferences="<a class='x' href='https://r.example.org/?a=1&amp;b=2'>R</a>",
    )
    xml, as_json = (
        str(read(report(form, fields, initiated="25/06/2021 01:46 AM"), "x", dates=DAY))
        for form in FORMS
    )
    assert xml.replace(", line 1'", ", vulnerability 1'") == as_json
    assert "references=('https://r.example.org/?a=1&b=2',)" in xml


@pytest.mark.parametrize("form", FORMS)
class TestReports:
    """The same rules in XML and in JSON."""

    def test_texts(self, form):
        """The description has the impact with it, the solution the actions to take."""
        fields = vulnerability(
            Description="<p>What</p>", Impact="<div>So what</div>", RemedialActions="<p>Look</p>"
        )
        _, (first,), _ = split(read(report(form, {**fields, "RemedialProcedure": "Do"})))
        assert first.description == "What\n\nSo what"
        assert first.solution == "Look\n\nDo"

    @pytest.mark.parametrize(
        ("text", "order", "stamp"),
        [
            ("25/06/2021 09:59 PM", DAY, "2021-06-25T21:59"),
            ("25/06/2021 12:30 AM", DAY, "2021-06-25T00:30"),
            ("25/06/2021 13:44 PM", DAY, "2021-06-25T13:44"),
            ("02/20/2023 05:03 PM", MONTH, "2023-02-20T17:03"),
            ("03/02/2019 15:50:29 (UTC-06:00)", DAY, "2019-02-03T15:50:29-06:00"),
            ("03/02/2019 15:50:29 (UTC-06:00)", MONTH, "2019-03-02T15:50:29-06:00"),
            ("10/25/2022 21:41:51", MONTH, "2022-10-25T21:41:51"),
        ],
    )
    def test_dates(self, form, text, order, stamp):
        """Afternoons count, and the order of day and month is the stated one."""
        content = report(form, vulnerability(FirstSeenDate=text, LastSeenDate=text), initiated=text)
        (finding,), _, (coverage,) = split(read(content, dates=order))
        moment = datetime.fromisoformat(stamp)
        assert (finding.first_seen, finding.last_seen, coverage.started) == (moment,) * 3

    @pytest.mark.parametrize(("text", "order"), [("02/20/2023", DAY), ("20/02/2023", MONTH)])
    @pytest.mark.parametrize("field", ["FirstSeenDate", "LastSeenDate"])
    def test_contradictory_dates(self, form, text, order, field):
        """A thirteenth month stops the file, with its place: it is written the other way."""
        content = report(form, vulnerability(), vulnerability(**{field: text}))
        place = f"x, {'line 1' if form == 'xml' else 'vulnerability 2'}, {field}: found the date"
        with pytest.raises(ScanParseError, match=f"^{place} '{text}', which is no date with"):
            read(content, "x", dates=order)

    def test_contradiction_in_the_report_date(self, form):
        """The report's own date is no date of the scan, but it can show the wrong order."""
        content = report(form, generated="11/16/2026 02:05 PM", initiated="11/12/2026 02:05 PM")
        with pytest.raises(ScanParseError, match="generated: found the date '11/16/2026 02:05 PM'"):
            read(content, dates=DAY)

    @pytest.mark.parametrize(
        ("duration", "lasted"),
        [
            ("00:12:24.8161163", {"minutes": 12, "seconds": 24}),
            ("1.02:03:04", {"days": 1, "hours": 2, "minutes": 3, "seconds": 4}),
            ("", {}),
        ],
    )
    def test_end_of_the_scan(self, form, duration, lasted):
        """A scan ends where its duration says: a report may be made months later."""
        times = {"generated": "25/12/2021 09:59 AM", "initiated": "25/06/2021 11:50 PM"}
        _, _, (coverage,) = split(read(report(form, **times, Duration=duration), dates=DAY))
        assert coverage.ended - coverage.started == timedelta(**lasted)

    def test_only_the_report_is_dated(self, form):
        """The desktop program dates the report alone."""
        _, _, (coverage,) = split(read(report(form, generated="25/12/2021 09:59 AM"), dates=DAY))
        assert (coverage.started, coverage.ended) == (
            None,
            datetime.fromisoformat("2021-12-25T09:59"),
        )

    @pytest.mark.parametrize(
        ("state", "present"),
        [
            ("Present", True),
            ("Revived", True),
            ("Present, FalsePositive", True),
            ("Present, AcceptedRisk", True),
            ("Ignored", True),
            ("FixedUnconfirmed", True),
            ("Fixed (Can't Retest)", True),
            ("Fixed", False),
            ("FixedConfirmed", False),
            ("Fixed (Confirmed)", False),
            ("FixedConfirmed, Revived", True),
            ("", True),
        ],
    )
    def test_states(self, form, state, present):
        """A person's mark keeps a finding, in the tool's words; only a retest proves a fix."""
        (finding,), _, _ = split(read(report(form, vulnerability(State=state))))
        assert (finding.present, finding.status) == (present, state or None)

    @pytest.mark.parametrize(
        ("severity", "kind"),
        [
            ("BestPractice", Kind.INFORMATIONAL),
            ("Information", Kind.INFORMATIONAL),
            ("Critical", Kind.VULNERABILITY),
            ("Low", Kind.VULNERABILITY),
            ("Odd", Kind.VULNERABILITY),
            ("", Kind.VULNERABILITY),
        ],
    )
    def test_severities(self, form, severity, kind):
        """Best practice and information inform; an unknown or missing severity does not."""
        (finding,), _, _ = split(read(report(form, vulnerability(Severity=severity))))
        assert (finding.kind, finding.native_severity) == (kind, severity or None)

    def test_one_finding_per_record(self, form):
        """One type on several pages, with several severities, is several findings of one type."""
        url = "https://h.example.gov/a?q=1&p=2"
        found = [vulnerability(Url=url), vulnerability(Url=url), vulnerability(Severity="Low")]
        findings, definitions, coverage = split(read(report(form, *found), "x"))
        assert [f.native_severity for f in findings] == ["High", "High", "Low"]
        assert findings[0].location == "https://h.example.gov/a?q&p"
        assert findings[0].locator.startswith(
            "x: site https://h.example.gov, issue Xss, https://h.example.gov/a?q&p, "
        )
        assert (len(definitions), len(coverage)) == (1, 1)

    def test_other_sites(self, form):
        """A finding on another host is that host's; a path or nothing is on the target."""
        urls = ["https://Other.example.gov:443/x", "/b", ""]
        content = report(form, *(vulnerability(Url=url) for url in urls))
        findings, _, coverage = split(read(content))
        assert [f.location for f in findings] == [
            "https://other.example.gov/x",
            "https://h.example.gov/b",
            "https://h.example.gov/",
        ]
        assert [c.asset for c in coverage] == ["https://h.example.gov", "https://other.example.gov"]

    def test_other_sites_are_not_scanned(self, form):
        """A finding on another host is dated, but its coverage is not: it proves no absence."""
        found = [vulnerability(), vulnerability(Url="https://other.example.gov/x")]
        content = report(form, *found, initiated="25/06/2021 01:46 AM")
        (mine, other), _, (target, beside) = split(read(content, dates=DAY))
        started = datetime.fromisoformat("2021-06-25T01:46")
        assert (target.started, beside.started, beside.ended) == (started, None, None)
        assert (mine.first_seen, other.first_seen, other.last_seen) == (None, started, started)

    def test_other_scheme(self, form):
        """A target that sends its visitors on to https was scanned there."""
        found = vulnerability(Url="https://h.example.gov/x")
        content = report(form, found, url="http://H.example.gov:80", initiated="25/06/2021 01:46")
        _, _, coverage = split(read(content, dates=DAY))
        assert [c.asset for c in coverage] == ["http://h.example.gov", "https://h.example.gov"]
        assert (
            coverage[0].started == coverage[1].started == datetime.fromisoformat("2021-06-25T01:46")
        )

    def test_empty_scan(self, form):
        """A report of nothing proves that the target was scanned."""
        findings, definitions, (coverage,) = split(read(report(form), "x"))
        assert (findings, definitions) == ([], [])
        assert (coverage.asset, coverage.locator) == (
            "https://h.example.gov",
            "x: site https://h.example.gov",
        )

    @pytest.mark.parametrize(
        ("content", "said"),
        [
            ({"url": ""}, "found a target without an address. Expected an address such as"),
            (
                {"Duration": "long", "initiated": "01/02/2026"},
                "duration: found the duration 'long'",
            ),
            ({"Duration": "23:00:00", "initiated": "31/12/9999 23:00"}, "found the duration"),
            ({"initiated": "soon"}, "initiated: found the time 'soon'"),
        ],
    )
    def test_bad_targets(self, form, content, said):
        """What the target lacks is said with its place."""
        with pytest.raises(ScanParseError, match=said):
            read(report(form, **content), dates=DAY)

    def test_no_type(self, form):
        """A vulnerability without a type could not be told from others."""
        with pytest.raises(
            ScanParseError, match=r"found a vulnerability without a type\. Expected"
        ):
            read(report(form, vulnerability(Type="")))

    def test_order_of_the_mapping(self, form):
        """Where the site states no order, that of the format's mapping holds."""
        (finding,), _, _ = split(read(report(form, vulnerability(FirstSeenDate="03/04/2026"))))
        days = {"xml": "2026-03-04", "json": "2026-04-03"}
        assert finding.first_seen == datetime.fromisoformat(days[form])


class TestDateHeaders:
    """Up to the twelfth only the answers of the site show that an order is wrong."""

    RESPONSE = "HTTP/1.1 200 OK\r\nDate: {}\r\n\r\n"

    @pytest.mark.parametrize(
        ("initiated", "date", "warned"),
        [
            ("03/02/2019 15:48:23 (UTC-06:00)", "Sat, 02 Mar 2019 21:48:24 GMT", True),
            ("02/03/2019 15:48:23 (UTC-06:00)", "Sat, 02 Mar 2019 21:48:24 GMT", False),
            ("03/02/2019 15:48:23", "Sun, 03 Mar 2019 00:48:24 GMT", True),
            ("03/02/2019", "Fri, 01 Feb 2019 21:48:24 GMT", False),
            ("03/03/2019", "Sat, 02 Mar 2019 21:48:24 GMT", False),
            ("25/06/2021", "Thu, 24 Jun 2021 22:49:36 GMT", False),
            ("03/02/2019", "Sat, 99 Mar 2019 21:48:24 GMT", False),
            ("", "Sat, 02 Mar 2019 21:48:24 GMT", False),
        ],
    )
    def test_warning(self, initiated, date, warned, caplog):
        """A warning names the setting; the dates are read as stated."""
        answer = {"Content": self.RESPONSE.format(date)}
        content = report("json", vulnerability(HttpResponse=answer), initiated=initiated)
        read(content, "x.json", dates=DAY)
        assert ("look at site: dates:" in caplog.text) is warned

    def test_sample(self, caplog):
        """One sample is month first: its responses are of 2 March 2019, and so is the scan then."""
        content = sample("netsparker/DefectDojo+django-DefectDojo__netsparker_issue_10311.json")
        _, _, (coverage,) = split(read(content, dates=MONTH))
        assert coverage.started.isoformat() == "2019-03-02T15:48:23-06:00"
        assert not caplog.records
        _, _, (coverage,) = split(read(content))
        assert coverage.started.isoformat() == "2019-02-03T15:48:23-06:00"
        assert caplog.records[0].levelno == logging.WARNING
        assert "dated 2019-02-03, but the site answered on 2019-03-02" in caplog.text


def _cvss(vector, base):
    return {"Vector": vector, "BaseScore": {"Type": "Base", "Value": base}}


@pytest.mark.parametrize(
    ("classification", "version", "base", "vector"),
    [
        ({"Cvss": _cvss("CVSS:3.0/AV:N", "5.7"), "Cvss31": None}, 3, 5.7, "CVSS:3.0/AV:N"),
        ({"Cvss": None, "Cvss31": _cvss("CVSS:3.1/AV:A", "4.0")}, 3, 4.0, "CVSS:3.1/AV:A"),
        (
            {"Cvss31": _cvss("CVSS:3.1/AV:A", "4.0"), "Cvss": _cvss("CVSS:3.0/AV:N", "10.0")},
            *(3, 4.0, "CVSS:3.1/AV:A"),
        ),
        ({"Cvss": _cvss("CVSS:3.0/AV:N", 0.0)}, 3, 0.0, "CVSS:3.0/AV:N"),
        ({"Cvss": _cvss("CVSS:3.0/AV:N", ""), "Cvss31": {}}, 3, None, None),
        ({"Cvss40": _cvss("CVSS:4.0/AV:N", "8.7")}, 4, 8.7, "CVSS:4.0/AV:N"),
        (None, 3, None, None),
    ],
)
def test_scores(classification, version, base, vector):
    """CVSS 3.1 comes before 3.0, "0.0" is a score, and nothing is none."""
    fields = vulnerability(Classification=classification)
    _, (definition,), _ = split(read(report("json", fields)))
    found = [getattr(definition, f"cvss{version}_{part}") for part in ("base", "vector")]
    assert found == [base, vector]


DESKTOP = """<?xml version="1.0" encoding="utf-8" ?>
<netsparker generated="10/25/2022 21:41:51">
 <target><url>http://h.example.gov:8080/</url><scantime>30</scantime></target>
 <vulnerability confirmed="True">
  <url>http://h.example.gov:8080/p?id=1</url><type>Sqli</type><title>SQL Injection</title>
  <severity>Important</severity><vulnerableparameter>id</vulnerableparameter>
  <classification><CWE>89, 564</CWE>
   <CVSS><vector>CVSS:3.1/AV:N</vector>
    <score><type>Temporal</type><value>1.0</value></score>
    <score><type>Base</type><value>9.8</value></score></CVSS>
   <CVSS><vector>CVSS:3.0/AV:N</vector><score><type>Base</type><value>10.0</value></score></CVSS>
  </classification>
  <knownvulnerabilities><knownvulnerability><title>a</title><references>cve-2020-0001</references>
  </knownvulnerability><knownvulnerability><references>CVE-2020-0002, CVE-2020-0001</references>
  </knownvulnerability></knownvulnerabilities>
  <actionsToTake>Look.</actionsToTake><remedy>Do.</remedy>
  <externalReferences>&lt;a href="https://r.example.org/"&gt;R&lt;/a&gt;</externalReferences>
 </vulnerability>
</netsparker>"""


class TestDesktop:
    """The desktop program's XML has other names for the same."""

    def test_records(self):
        """Both versions of CVSS are called CVSS there; the vector tells."""
        (finding,), (definition,), (coverage,) = split(read(DESKTOP, "x"))
        assert (definition.name, definition.solution) == ("SQL Injection", "Look.\n\nDo.")
        assert (definition.cvss3_base, definition.cvss3_vector) == (9.8, "CVSS:3.1/AV:N")
        assert definition.cwes == ("CWE-89", "CWE-564")
        assert definition.cves == ("CVE-2020-0001", "CVE-2020-0002")
        assert definition.references == ("https://r.example.org/",)
        assert finding.locator == (
            "x: site http://h.example.gov:8080, issue Sqli, "
            "http://h.example.gov:8080/p?id, parameter id, line 4"
        )
        assert coverage.ended == datetime.fromisoformat("2022-10-25T21:41:51")

    @pytest.mark.parametrize(
        "root",
        ["netsparker", "netsparker-enterprise", "invicti", "invicti-enterprise", "acunetix-360"],
    )
    def test_roots(self, root):
        """The root element is the name of the product."""
        assert (
            len(
                read(
                    DESKTOP.replace("<netsparker ", f"<{root} ").replace(
                        "</netsparker", f"</{root}"
                    )
                )
            )
            == 3
        )

    @pytest.mark.parametrize(
        "content",
        [
            DESKTOP.replace("utf-8", "utf-16").encode("utf-16"),
            b"\xef\xbb\xbf" + DESKTOP.encode(),
            DESKTOP.replace("\n", "\r\n").encode(),
        ],
        ids=["utf-16", "bom", "crlf"],
    )
    def test_encodings(self, content):
        """Encoding and line ends change nothing."""
        assert read(content) == read(DESKTOP)

    @pytest.mark.parametrize(
        ("content", "said"),
        [
            (
                "<invicti><vulnerability/></invicti>",
                "line 1: found a vulnerability before the target",
            ),
            ("<invicti/>", r"^x: found no target\. Expected a complete XML report"),
            (DESKTOP[:-20], r"line \d+, column \d+: found broken XML"),
            (DESKTOP.replace("9.8", "9,8"), r"line 4, cvss: found the score '9,8'"),
        ],
    )
    def test_bad_reports(self, content, said):
        """What is missing or broken is said with its line."""
        with pytest.raises(ScanParseError, match=said):
            read(content, "x")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
def test_encodings_of_json(encoding):
    """JSON may come in any Unicode encoding."""
    content = report("json", vulnerability(Name="Größe"))
    as_text = json.dumps(json.loads(content), ensure_ascii=False)
    assert read(as_text.encode(encoding)) == read(content)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('"Vulnerabilities": [null]', "report: found 'Vulnerabilities' that holds no objects"),
        ('"Vulnerabilities": [{"Type": null}]', "vulnerability 1: found a vulnerability without"),
        (
            '"Vulnerabilities": [{"Type": "t", "KnownVulnerabilities": [1]}]',
            "vulnerability 1: found 'KnownVulnerabilities' that holds no objects",
        ),
        ('"Vulnerabilities": [{"Type": "t"}', r"line 1, column \d+: found broken JSON"),
        (
            '"Vulnerabilities": [{"Type": "t", "Classification": {"Cvss": {"BaseScore":'
            ' {"Value": "57"}}}}]',
            "vulnerability 1, cvss: found the score '57'",
        ),
    ],
)
def test_bad_json(content, said):
    """Nulls, wrong types and broken ends are said with the number of the record."""
    start = '{"Generated": "", "Target": {"Url": "http://h"}, '
    with pytest.raises(ScanParseError, match=said):
        read(f"{start}{content}}}")


@pytest.mark.parametrize("content", [b"<netsparkers/>", b'{"Target": {"Url": 1}}', b"{}"])
def test_not_claimed(content):
    """What only looks alike is not claimed."""
    with pytest.raises(ScanFormatError, match="no parser claims it"):
        identify(content, "x")
