"""What the parsers of AppScan, WebInspect, AppSpider, InsightAppSec and Veracode promise."""

import tracemalloc
from collections import Counter
from datetime import UTC, datetime, timedelta, timezone
from functools import cache, partial

import pytest

from parsers import webinspect_xml
from parsers.export import Export
from parsers.registry import HEAD_SIZE, PARSERS, identify
from parsers.xml import elements
from poam.errors import ScanFormatError, ScanParseError
from poam.model import DateOrder, Kind
from poam.policy import load_policy
from tests import parsers_support
from tests.parsers_support import counts, expected_severities, known, sample, split

FORMATS = (
    *("appscan_xml", "webinspect_sessions_xml", "webinspect_scan_xml"),
    *("appspider_vulnsummary_xml", "insightappsec_csv", "veracode_detailedreport_xml"),
)
APP = "https://app.example.gov"

read = partial(parsers_support.read, dates=DateOrder.MONTH_FIRST)


@cache
def policy():
    """Return the policy, loaded once."""
    return load_policy()


@pytest.mark.parametrize("name", ["appscan_xml", "webinspect_xml"])
def test_order_of_dates(name):
    """Both write American dates, as their mappings state."""
    assert policy().date_order(name) is DateOrder.MONTH_FIRST


@pytest.mark.parametrize("row", [row for row in known(*FORMATS) if "veracode" not in str(row.id)])
def test_counts_of_samples(row):
    """Findings, identifiers and severities equal an independent count."""
    counted = counts(read(sample(row["path"])))
    assert counted.findings == int(row["findings_total"])
    assert counted.identifiers == int(row["unique_ids"])
    assert counted.severities == expected_severities(row)


@pytest.mark.parametrize("row", known(*FORMATS))
def test_one_site_per_sample(row):
    """Each sample is of one site, which is covered.

    expected.csv counts hosts of AppScan in tables these two reports lack (starting-url and
    url-group): the site is in the `location` of the issues, or among the visited links.
    """
    records = read(sample(row["path"]))
    findings, _, coverage = split(records)
    assert row["hosts"] == ([] if row["format"] == "appscan_xml" else "1")
    assert len(coverage) == 1
    assert {f.asset for f in findings} <= {c.asset for c in coverage}
    assert len({f.locator for f in findings}) == len(findings)


@pytest.mark.parametrize("row", known("veracode_detailedreport_xml"))
def test_veracode_samples(row, caplog):
    """Dynamic flaws are findings; expected.csv counts static ones with them, and in `dynamic` not.

    What is left out is said, with its number.
    """
    findings, _, _ = split(read(sample(row["path"]), "v.xml"))
    assert [f.native_severity for f in findings] == ["3"] * row["dynamic"]
    static = int(row["findings_total"]) - row["dynamic"]
    said = "v.xml: left out, as no dynamic analysis found them: 1 static flaws, 2 component"
    assert (said in caplog.text) == (static == 1)


def test_appscan_sample_without_issues(caplog):
    """A report that counts seven issues and lists none proves none of them gone."""
    path = "appscan/DefectDojo+django-DefectDojo__hcl_appscan_no_findings.xml"
    (coverage,) = read(sample(path), "a.xml")
    assert (coverage.started, coverage.ended) == (None, None)
    assert "a.xml: lists 0 of 7 issues" in caplog.text


@pytest.mark.parametrize(
    "path",
    [
        "webinspect/DefectDojo+django-DefectDojo__microfocus_webinspect_Webinspect_V18_20.xml",
        "webinspect/DefectDojo+sample-scan-files__Webinspect_Vulnerability_V18.20.xml",
    ],
)
def test_webinspect_samples_agree(path):
    """Both forms of one scan hold the same issues at the same places."""
    findings, definitions, _ = split(read(sample(path)))
    home, root = "https://www.microfocus.com/en-us/home", "https://www.microfocus.com/"
    assert Counter((f.source_identifier, f.location) for f in findings) == {
        ("10302", home): 1,
        ("11306", home): 1,
        ("10344", home): 1,
        ("4728", home): 1,
        ("10302", root): 1,
    }
    assert all(d.name and d.description and d.solution and d.references for d in definitions)


# Synthetic exports, the least that each format needs.


def appscan(*items, tables="", head="", total=None):
    """Return an AppScan report of these issues."""
    total = len(items) if total is None else total
    return (
        f'<xml-report name="AppScan Report" xmlExportVersion="2.42">{head}'
        f'<issue-group total="{total}">{"".join(items)}</issue-group>{tables}</xml-report>'
    )


def appscan_item(inner="", url=f"{APP}/a", kind="attX", severity="<severity>Low</severity>"):
    """Return an issue of AppScan with its address in it."""
    place = f"<location>{url}</location>" if url else ""
    return f'<item id="1">{severity}<issue-type><ref>{kind}</ref></issue-type>{place}{inner}</item>'


def webinspect_issue(inner="", check="1", severity="2", url=f"{APP}/a"):
    """Return an issue of WebInspect's flat form; without a url, of the other."""
    place = f"<URL>{url}</URL>" if url else ""
    return (
        f"<Issue><CheckTypeID>Vulnerability</CheckTypeID>{place}"
        f"<VulnerabilityID>{check}</VulnerabilityID><Severity>{severity}</Severity>"
        f"<Name>N</Name>{inner}</Issue>"
    )


def webinspect_scan(*issues, name="My scan", start="2/4/2026 2:02:07 PM", duration="00:02:01.5"):
    """Return WebInspect's flat form."""
    return (
        f"<Scan><Name>{name}</Name><PolicyName>Standard</PolicyName><StartTime>{start}</StartTime>"
        f"<Duration>{duration}</Duration><Issues>{''.join(issues)}</Issues></Scan>"
    )


def webinspect_session(*issues, place=f"<URL>{APP}:443/a</URL>", more=""):
    """Return a session of WebInspect."""
    return (
        f'<Session requestId="1">{place}{more}<Issues>{"".join(issues)}</Issues>'
        "<Request><Method>GET</Method></Request></Session>"
    )


def appspider(*vulns, header="<ScanStarted>2026-11-15 14:05:42</ScanStarted>"):
    """Return a summary of AppSpider."""
    return f"<VulnSummary>{header}<VulnList>{''.join(vulns)}</VulnList></VulnSummary>"


def appspider_vuln(score="2-Low", **fields):
    """Return a vulnerability of AppSpider."""
    given = {"WebSite": f"{APP}:443", "VulnUrl": f"{APP}/a", "VulnType": "T", **fields}
    inner = "".join(f"<{name}>{text}</{name}>" for name, text in given.items())
    return f"<Vuln>{inner}<AttackScore>{score}</AttackScore></Vuln>"


def insightappsec(*rows):
    """Return a CSV of InsightAppSec."""
    columns = {
        "app_uuid": "u",
        "rootCause_url": f"{APP}/a?x=1",
        "rootCause_parameter": "x",
        "rootCause_method": "GET",
        "moduleName": "M",
        "status": "UNREVIEWED",
        "severity": "LOW",
        "attackType": "A",
        "firstDiscovered": "2026-11-01T01:00:00.5",
        "lastDiscovered": "2026-11-02T01:00:00.123456",
        "lastDiscoveredScan_uuid": "s",
        "lastDiscoveredScan_startTime": "2026-11-02T00:00:00",
        "lastDiscoveredScan_endTime": "2026-11-02T02:00:00",
        "lastDiscoveredScan_status": "COMPLETE",
        "lastDiscoveredScan_crawlOnly": "false",
        "lastDiscoveredScan_scanConfig_name": "Full",
    }
    lines = [list(columns), *([*(columns | row).values()] for row in rows)]
    return "".join(",".join(f'"{cell}"' for cell in line) + "\r\n" for line in lines)


def veracode(*flaws, container="dynamicflaws", modules="", more=""):
    """Return a detailed report of Veracode."""
    return (
        '<detailedreport xmlns="https://www.veracode.com/schema/reports/export/1.0">'
        '<dynamic-analysis submitted_date="2026-11-01 10:00:00 UTC" '
        f'published_date="2026-11-02 10:00:00 UTC"><modules>{modules}</modules></dynamic-analysis>'
        '<severity level="3"><category><desc><para text="D"/></desc>'
        f'<cwe cweid="79" cwename="XSS"><{container}>{"".join(flaws)}</{container}></cwe>'
        f"</category>{more}</severity></detailedreport>"
    )


def flaw(**attributes):
    """Return a flaw of Veracode."""
    given = {"severity": "3", "issueid": "1", "cweid": "79", "url": f"{APP}/a", **attributes}
    written = " ".join(f'{name}="{text}"' for name, text in given.items())
    return f"<flaw {written}/>"


ONE_FINDING = {
    "appscan_xml": appscan(appscan_item()),
    "webinspect_xml": webinspect_scan(webinspect_issue()),
    "appspider_xml": appspider(appspider_vuln()),
    "insightappsec_csv": insightappsec({}),
    "veracode_xml": veracode(flaw()),
}
SESSIONS = f"<Sessions>{webinspect_session(webinspect_issue(url=''))}</Sessions>"
EACH = [
    *(pytest.param(content, id=name) for name, content in ONE_FINDING.items()),
    pytest.param(SESSIONS, id="webinspect_xml, sessions"),
]


@pytest.mark.parametrize("content", EACH)
class TestEach:
    """What holds for each of the formats."""

    def test_finding(self, content):
        """One record is one finding, on a covered site, without the values of its query."""
        (finding,), (definition,), (coverage,) = split(read(content))
        assert finding.asset == coverage.asset == APP
        assert finding.location in (f"{APP}/a", f"{APP}/a?x")
        assert definition.source_identifier == finding.source_identifier
        assert (definition.native_severity, finding.kind) == (None, Kind.VULNERABILITY)
        assert (coverage.fqdns, coverage.ips) == (("app.example.gov",), ())
        scanner = policy().scanner(finding.detector)
        assert finding.native_severity in scanner.severity.codes

    @pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
    def test_encodings(self, content, encoding):
        """A byte order mark and UTF-16 change nothing, nor do Windows' line ends."""
        assert read(content.encode(encoding)) == read(content)
        written = content.replace("\r\n", "\n").replace("><", ">\r\n<")
        assert len(split(read(written))[0]) == 1

    def test_cut(self, content):
        """A head that ends early is claimed by one parser or none, a cut file refused."""
        for size in range(0, len(content), 7):
            assert sum(parser.recognises(content[:size].encode()) for parser in PARSERS) <= 1
        if content.startswith("<"):
            with pytest.raises(ScanParseError, match="found broken XML"):
                read(content[: content.rindex("<")])


UNKNOWN = "Severe"


@pytest.mark.parametrize(
    ("content", "detector"),
    [
        (appscan(appscan_item(severity=f"<severity>{UNKNOWN}</severity>")), "AppScan"),
        (webinspect_scan(webinspect_issue(severity=UNKNOWN)), "WebInspect"),
        (appspider(appspider_vuln(UNKNOWN)), "AppSpider"),
        (insightappsec({"severity": UNKNOWN}), "InsightAppSec"),
        (veracode(flaw(severity=UNKNOWN)), "Veracode"),
    ],
)
def test_unknown_severity(content, detector):
    """A code nobody knows comes out as it is, and is not taken for information."""
    (finding,), _, _ = split(read(content))
    assert (finding.native_severity, finding.kind) == (UNKNOWN, Kind.VULNERABILITY)
    assert UNKNOWN not in policy().scanner(detector).severity.codes


@pytest.mark.parametrize(
    ("content", "rating"),
    [
        (appscan(appscan_item(severity="<severity>Informational</severity>")), "informational"),
        (appscan(appscan_item(severity="<severity>informational</severity>")), "informational"),
        (appscan(appscan_item(severity="<severity-id>0</severity-id>")), "informational"),
        (appscan(appscan_item(severity="<severity>low</severity>")), "Low"),
        (appscan(appscan_item(severity="<severity-id>4</severity-id>")), "High"),
        (appscan(appscan_item(severity="<severity>CRITICAL</severity>")), "High"),
        (webinspect_scan(webinspect_issue(severity="0")), "informational"),
        (webinspect_scan(webinspect_issue(severity="4")), "High"),
        (appspider(appspider_vuln("1-Informational")), "informational"),
        (appspider(appspider_vuln("0-Safe")), "informational"),
        (appspider(appspider_vuln("4-High")), "High"),
        (insightappsec({"severity": "INFORMATIONAL"}), "informational"),
        (insightappsec({"severity": "MEDIUM"}), "Moderate"),
        (veracode(flaw(severity="0")), "informational"),
        (veracode(flaw(severity="1")), "Low"),
        (veracode(flaw(severity="5")), "High"),
    ],
)
def test_severities(content, rating):
    """Informational is information and not low; the lowest rating is no information."""
    (finding,), _, _ = split(read(content))
    codes = policy().scanner(finding.detector).severity.codes
    assert (codes[finding.native_severity] or "informational") == rating
    assert (finding.kind is Kind.INFORMATIONAL) == (rating == "informational")


@pytest.mark.parametrize(
    ("content", "status", "present"),
    [
        (appscan(appscan_item("<status>Fixed</status>")), "Fixed", False),
        (appscan(appscan_item("<status>Noise</status>")), "Noise", True),
        (insightappsec({"status": "REMEDIATED"}), "REMEDIATED", False),
        (insightappsec({"status": "FALSE_POSITIVE"}), "FALSE_POSITIVE", True),
        (veracode(flaw(remediation_status="Fixed")), "Fixed", False),
        (
            veracode(flaw(remediation_status="Fixed", mitigation_status="none")),
            *("Fixed", False),
        ),
        (
            veracode(
                flaw(
                    remediation_status="Open",
                    mitigation_status="accepted",
                    mitigation_status_desc="Mitigation Accepted",
                )
            ),
            *("Open (Mitigation Accepted)", True),
        ),
    ],
)
def test_status(content, status, present):
    """The vendor's word stays; only a fixed weakness is gone."""
    (finding,), _, _ = split(read(content))
    assert (finding.status, finding.present) == (status, present)


@pytest.mark.parametrize(
    ("content", "assets"),
    [
        (appscan(head=f"<x><starting-url>{APP}/</starting-url></x>"), [APP]),
        (webinspect_scan(), []),
        (webinspect_scan(name=f"Site: {APP}/-1"), [APP]),
        (webinspect_scan(name=f"Site: {APP}-1"), []),
        (f"<Sessions>{webinspect_session()}</Sessions>", [APP]),
        (appspider(), []),
        (insightappsec(), []),
        (veracode(modules=f'<module target_url="{APP}/x"/>'), [APP]),
    ],
)
def test_empty_scans(content, assets):
    """A scan without issues covers what it names."""
    findings, definitions, coverage = split(read(content))
    assert (findings, definitions) == ([], [])
    assert [c.asset for c in coverage] == assets


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (appscan(appscan_item(kind="")), "line 1: found an issue without an issue-type"),
        (
            appscan(appscan_item("<url><ref>9</ref></url>", url="")),
            "line 1: found an issue whose url is '9', which no table of the report resolves",
        ),
        (
            appscan(appscan_item("<cvss-score>98</cvss-score>")),
            "line 1: found the score '98'",
        ),
        (
            appscan(appscan_item("<date-created>soon</date-created>")),
            "line 1, date-created: found the time 'soon'",
        ),
        (
            appscan(head="<report-date-and-time>16/11/2026 3:13 PM</report-date-and-time>"),
            "report-date-and-time: found the date '16/11/2026 3:13 PM', which is no date with the "
            "month first",
        ),
        (webinspect_scan(webinspect_issue(check="")), "line 1: found an Issue without a Vuln"),
        (webinspect_scan(webinspect_issue(url="")), "line 1: found Issue without a URL"),
        (webinspect_scan(start="4.2.26"), "StartTime: found the time '4.2.26'"),
        (webinspect_scan(duration="soon"), "Duration: found the duration 'soon'"),
        (webinspect_scan(duration=f"{'1' * 5000}:00:00"), "Duration: found the duration '1111"),
        (
            webinspect_scan(start="12/31/9999 11:00:00 PM", duration="01:00:00"),
            "Duration: found the duration '01:00:00'",
        ),
        (appspider(appspider_vuln(VulnType="")), "line 1: found a Vuln without a VulnType"),
        (
            appspider(appspider_vuln(WebSite="", VulnUrl="")),
            "line 1: found a Vuln with neither WebSite nor VulnUrl",
        ),
        (
            appspider(
                appspider_vuln(),
                header="<ScanEnded>2026-11-15 14:05:42</ScanEnded><UTCOffset>EST</UTCOffset>",
            ),
            "UTCOffset: found the offset 'EST'",
        ),
        (
            appspider(appspider_vuln(), header="<ScanEnded>soon</ScanEnded>"),
            "ScanEnded: found the time 'soon'",
        ),
        (insightappsec({"moduleName": ""}), "line 2: found no moduleName or no rootCause_url"),
        (insightappsec({}, {"rootCause_url": ""}), "line 3: found no moduleName or no root"),
        (insightappsec({"lastDiscovered": "soon"}), "line 2: found the time 'soon'"),
        (veracode(flaw(cweid="")), "line 1: found a flaw without a cweid"),
        (veracode(flaw(url="")), "line 1, issue 1: found a dynamic flaw without a url"),
        (
            veracode(flaw(date_first_occurrence="soon")),
            "line 1, issue 1: found the time 'soon'",
        ),
    ],
)
def test_bad_input(content, said):
    """What cannot be read is refused in one sentence with its place."""
    with pytest.raises(ScanParseError) as error:
        read(content, "march.x")
    assert str(error.value).startswith(f"march.x, {said}")
    assert str(error.value).count("Expected") == 1


@pytest.mark.parametrize(
    "content",
    [
        "<Scan><Name>x</Name></Scan>",
        "<Scan><Plugin/><StartTime/></Scan>",
        '<Sessions><Session id="1"/></Sessions>',
        '<xml-report name="Other"><note>AppScan</note></xml-report>',
    ],
)
def test_common_roots(content):
    """A root element that others use too is not enough."""
    with pytest.raises(ScanFormatError):
        identify(content.encode()[:HEAD_SIZE], "x.xml")


class TestAppScan:
    """AppScan Standard and AppScan on Cloud."""

    TABLES = (
        '<url-group><item id="7"><name>https://app.example.gov:443/b;jsessionid=1?x=1</name></item>'
        '</url-group><entity-group><item id="8"><name>x</name><entity-type>Parameter</entity-type>'
        '</item></entity-group><issue-type-group><item id="attX" count="1"><name>Title</name>'
        "<cve>CVE-2026-0001</cve><cwe>79</cwe><advisory><ref>adv</ref></advisory>"
        "<fix-recommendation><ref>fix</ref></fix-recommendation></item></issue-type-group>"
        '<advisory-group><item id="adv"><advisory><name>n</name><testTechnicalDescription>'
        "<text>One.</text><text>Two.</text></testTechnicalDescription><references>"
        '<link target="https://r.example.gov">r</link></references></advisory></item>'
        '</advisory-group><fix-recommendation-group><item id="fix"><general><fixRecommendation>'
        "<text>Do:</text><code>&lt;b&gt;</code></fixRecommendation></general></item>"
        "</fix-recommendation-group>"
    )
    REFERRING = (
        "<url original_request_method='POST'><ref>7</ref></url><entity><ref>8</ref></entity>"
    )

    @pytest.mark.parametrize("before", [True, False], ids=["tables first", "tables last"])
    def test_tables(self, before):
        """Title, advisory, fix, address and entity are found in tables on either side."""
        item = appscan_item(self.REFERRING, url="")
        content = appscan(item, **{"head" if before else "tables": self.TABLES})
        (finding,), (definition,), (coverage,) = split(read(content, "a.xml"))
        assert (definition.name, definition.description) == ("Title", "One.\nTwo.")
        assert (definition.solution, definition.references) == (
            "Do:\n<b>",
            ("https://r.example.gov",),
        )
        assert (definition.cves, definition.cwes) == (("CVE-2026-0001",), ("CWE-79",))
        assert (finding.location, coverage.asset) == (f"{APP}/b?x", APP)
        assert finding.locator == (f"a.xml: site {APP}, issue attX 1, POST {APP}/b?x, parameter x")

    def test_articles(self):
        """On the cloud texts are in articles, whose markup is code; a link is its address."""
        article = (
            '<article-group><item id="attX"><cause><item>Cause.</item></cause><risk><item>Risk.'
            "</item></risk><recommendations><item>&lt;b&gt;</item><item><title>T</title>"
            "<url>https://u</url><linkType>external</linkType></item></recommendations>"
            "<externalReferences><item><title>T</title><url>https://e</url></item>"
            "</externalReferences></item></article-group>"
        )
        named = appscan_item("<issue-type-name>Title</issue-type-name>")
        _, (definition,), _ = split(read(appscan(named, tables=article)))
        assert (definition.name, definition.description) == ("Title", "Cause.\n\nRisk.")
        assert (definition.solution, definition.references) == ("<b>\nhttps://u", ("https://e",))

    @pytest.mark.parametrize(
        ("score", "vectors", "base2", "base3"),
        [
            ("5.4", "<vector>AV:N/AC:L/PR:L/UI:N/S:U/C:L/I:L/A:N/E:X/MAV:X</vector>", None, 5.4),
            ("0.0", "<vector>AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:N</vector>", None, 0.0),
            ("4.7", "<vector>AV:N/AC:L/PR:L/UI:N/S:U/C:L/I:L/A:N/E:U/RL:O</vector>", None, None),
            ("4.7", "<vector>AV:N/AC:L/PR:L/UI:N/S:U/C:L/I:L/A:N/MPR:N</vector>", None, None),
            ("9.4", "<base-vector>AV:N/AC:L/Au:N/C:C/I:C/A:N</base-vector>", 9.4, None),
            (
                "9.4",
                "<base-vector>AV:N/AC:L/Au:N/C:C/I:C/A:N</base-vector>"
                "<temporal-vector>E:ND/RL:ND/RC:ND</temporal-vector>",
                *(9.4, None),
            ),
            (
                "9.7",
                "<base-vector>AV:N/AC:L/Au:N/C:C/I:C/A:N</base-vector>"
                "<environmental-vector>CDP:ND/TD:ND/CR:H/IR:H/AR:H</environmental-vector>",
                *(None, None),
            ),
            ("9.7", "", None, None),
        ],
    )
    def test_cvss(self, score, vectors, base2, base3):
        """The score is that of the whole vector: a base score where it has base metrics alone."""
        inner = f"<cvss-score>{score}</cvss-score><cvss-vector>{vectors}</cvss-vector>"
        _, (definition,), _ = split(read(appscan(appscan_item(inner))))
        assert (definition.cvss2_base, definition.cvss3_base) == (base2, base3)

    @pytest.mark.parametrize(
        ("head", "started", "ended"),
        [
            (
                "<report-date-and-time>6/3/2026 3:13:48 PM</report-date-and-time>",
                None,
                datetime.fromisoformat("2026-06-03T15:13:48"),
            ),
            (
                "<report-date>Tuesday, November 3, 2026</report-date>",
                *(None, datetime.fromisoformat("2026-11-03")),
            ),
            (
                "<report-date-and-time>6/3/2026 3:13:48 PM</report-date-and-time>"
                "<scan-date-and-time>6/2/2026 1:00:00 AM</scan-date-and-time>",
                *(datetime.fromisoformat("2026-06-02T01:00:00"), None),
            ),
        ],
    )
    def test_dates(self, head, started, ended):
        """The scan's own date counts before the report's: a late report is no late scan."""
        content = appscan(appscan_item(), head=f"<layout>{head}</layout>")
        _, _, (coverage,) = split(read(content))
        assert (coverage.started, coverage.ended) == (started, ended)

    def test_first_seen(self):
        """An issue's own date is when it was first seen."""
        dated = appscan_item("<date-created>Tuesday, November 3, 2026</date-created>")
        (finding,), _, _ = split(read(appscan(dated)))
        assert finding.first_seen == datetime.fromisoformat("2026-11-03")

    def test_partial(self, caplog):
        """A report that lists fewer issues than it counts proves nothing gone."""
        head = "<report-date>Tuesday, November 3, 2026</report-date>"
        (finding,), _, (coverage,) = split(read(appscan(appscan_item(), head=head, total=113)))
        assert (finding.asset, coverage.ended) == (APP, None)
        assert "lists 1 of 113 issues" in caplog.text

    @pytest.mark.parametrize("total", ["", "many", "1"])
    def test_whole(self, total):
        """Without a number that contradicts, what is listed is all; types count as they like."""
        head = "<report-date>Tuesday, November 3, 2026</report-date>"
        types = '<issue-type-group><item id="attX" count="7"/></issue-type-group>'
        content = appscan(appscan_item(), head=head, tables=types, total=total)
        _, _, (coverage,) = split(read(content))
        assert coverage.ended == datetime.fromisoformat("2026-11-03")

    def test_static(self, caplog):
        """Issues of source code are on no site: left out, and said so."""
        items = [
            appscan_item("<technology>DAST</technology>"),
            appscan_item("<technology>SAST</technology>", url="src/A.java:1"),
        ]
        findings, _, (coverage,) = split(read(appscan(*items), "a.xml"))
        assert (len(findings), coverage.asset) == (1, APP)
        assert "a.xml: left out 1 issues no dynamic analysis found" in caplog.text

    def test_visited_and_filtered(self):
        """Visited links are scanned, filtered ones were left out of the scan."""
        tables = "".join(
            f"<{kind}-link-group><item><url>https://{kind}/</url></item></{kind}-link-group>"
            for kind in ("visited", "filtered", "broken")
        )
        _, _, coverage = split(read(appscan(tables=tables)))
        assert [c.asset for c in coverage] == ["https://visited"]


class TestWebInspect:
    """WebInspect's two forms."""

    def test_texts(self):
        """Sections become text; `undefined` is none, around a text or instead of it."""
        sections = {
            "Summary": "undefined&lt;b&gt;What&lt;/b&gt;undefined",
            "Implication": "It is undefined",
            "Fix": "undefined",
            "Reference Info": '&lt;a href="https://r?a=1&amp;amp;b=2"&gt;R&lt;/a&gt;',
        }
        inner = "".join(
            f"<ReportSection>undefined<Name>{name}</Name><SectionText>{text}</SectionText>"
            "</ReportSection>"
            for name, text in sections.items()
        )
        inner += (
            '<Classifications>undefined<Classification kind="CWE" identifier="CWE-79"/>'
            '<Classification kind="7PK" identifier="12"/></Classifications>'
        )
        _, (definition,), _ = split(read(webinspect_scan(webinspect_issue(inner))))
        assert definition.description == "What\n\nIt is undefined"
        assert definition.solution is None
        assert definition.references == ("https://r?a=1&b=2",)
        assert definition.cwes == ("CWE-79",)

    def test_times(self):
        """The month comes first; a duration may have days; the end is start and duration."""
        _, _, (coverage,) = split(
            read(webinspect_scan(webinspect_issue(), duration="1.00:00:02.5"))
        )
        assert coverage.started == datetime.fromisoformat("2026-02-04T14:02:07")
        assert coverage.ended == datetime.fromisoformat("2026-02-05T14:02:09")
        assert coverage.policy == "Standard"

    def test_place_in_parts(self):
        """Without a URL the scheme, host and port say where."""
        place = "<Scheme>http</Scheme><Host>10.0.0.5</Host><Port>8080</Port>"
        sessions = webinspect_session(webinspect_issue(url=""), place=place)
        (finding,), _, (coverage,) = split(read(f"<Sessions>{sessions}</Sessions>"))
        assert (finding.asset, coverage.ips) == ("http://10.0.0.5:8080", ("10.0.0.5",))

    def test_locator(self):
        """The locator names the check, the request and the parameter attacked."""
        more = "<AttackParamDescriptor>post:user</AttackParamDescriptor>"
        session = webinspect_session(webinspect_issue(url=""), more=more)
        (finding,), _, _ = split(read(f"<Sessions>{session}</Sessions>", "w.xml"))
        assert finding.locator == (
            f"w.xml: site {APP}, issue 1 on line 1, GET {APP}/a, parameter post:user"
        )

    def test_every_session_is_covered(self):
        """A site that was requested is covered, with issues or without."""
        other = webinspect_session(place="<URL>http://b/</URL>")
        issue = webinspect_session(webinspect_issue(url=""), webinspect_issue(url=""))
        findings, _, coverage = split(read(f"<Sessions>{other}{issue}</Sessions>"))
        assert [c.asset for c in coverage] == ["http://b", APP]
        assert len(findings) == 2


class TestAppSpider:
    """AppSpider's VulnerabilitiesSummary."""

    @pytest.mark.parametrize(
        ("offset", "zone"),
        [
            ("-5", timezone(timedelta(hours=-5))),
            ("5.5", timezone(timedelta(hours=5, minutes=30))),
            ("+05:30", timezone(timedelta(hours=5, minutes=30))),
            ("0", UTC),
            ("", None),
        ],
    )
    def test_times(self, offset, zone):
        """The offset stands apart from the times, before them or after the vulnerabilities."""
        times = "<ScanStarted>2026-11-15 14:05:42</ScanStarted>"
        times += f"<ScanEnded>2026-11-15 15:00:00</ScanEnded><UTCOffset>{offset}</UTCOffset>"
        first = appspider(appspider_vuln(), header=times)
        last = appspider(appspider_vuln(), header="").replace("</VulnList>", f"</VulnList>{times}")
        for content in (first, last):
            _, _, (coverage,) = split(read(content))
            assert coverage.started == datetime(2026, 11, 15, 14, 5, 42, tzinfo=zone)
            assert coverage.ended == datetime(2026, 11, 15, 15, tzinfo=zone)

    def test_fields(self):
        """N/A is none, CWE 0 is none; a page without TLS belongs to the site scanned."""
        vuln = appspider_vuln(
            *("2-Low",),
            VulnUrl="http://app.example.gov/b?x=1",
            WebSiteIP="10.0.0.5",
            Method="N/A",
            ParameterName="N/A",
            CweId="0",
            DbId="FB",
            AttackType="MJPYBZHSWwshWRRFSGWA",
            Description="&lt;p&gt;Text&lt;/p&gt;",
        )
        (finding,), (definition,), (coverage,) = split(read(appspider(vuln), "s.xml"))
        assert (finding.asset, finding.location) == (APP, "http://app.example.gov/b?x")
        assert finding.locator == f"s.xml: site {APP}, issue FB, http://app.example.gov/b?x"
        assert (definition.name, definition.description) == ("T", "Text")
        assert (definition.cwes, coverage.ips) == ((), ("10.0.0.5",))


class TestInsightAppSec:
    """The CSV of InsightAppSec."""

    def test_row(self):
        """A row has its own dates, method and parameter."""
        (finding,), _, (coverage,) = split(read(insightappsec({}), "i.csv"))
        assert finding.locator == (
            f"i.csv: site {APP}, issue A on line 2, GET {APP}/a?x, parameter x"
        )
        assert finding.first_seen == datetime.fromisoformat("2026-11-01T01:00:00.500")
        assert finding.last_seen == datetime.fromisoformat("2026-11-02T01:00:00.123456")
        assert coverage.ended == datetime.fromisoformat("2026-11-02T02:00:00")
        assert coverage.policy == "Full"

    @pytest.mark.parametrize(
        "scan",
        [
            {"lastDiscoveredScan_status": "STOPPED"},
            {"lastDiscoveredScan_status": "FAILED"},
            {"lastDiscoveredScan_crawlOnly": "true"},
        ],
    )
    def test_scan_that_proves_nothing(self, scan):
        """A scan that was stopped or did not attack is no proof that something is gone."""
        _, _, (coverage,) = split(read(insightappsec(scan)))
        assert (coverage.asset, coverage.started, coverage.ended) == (APP, None, None)

    def test_several_scans(self):
        """Each scan of a site is covered once."""
        rows = [{}, {}, {"lastDiscoveredScan_uuid": "t"}, {"rootCause_url": "http://b/"}]
        findings, definitions, coverage = split(read(insightappsec(*rows)))
        assert (len(findings), len(definitions)) == (4, 1)
        assert [c.asset for c in coverage] == [APP, APP, "http://b"]


class TestVeracode:
    """Veracode's detailed report."""

    def test_texts(self):
        """Texts are attributes; those of one category do not leak into the next."""
        more = (
            "<category><recommendations><para text='Do:'><bulletitem text='one'/></para>"
            "</recommendations><cwe cweid='1' cwename='Other'><description><text text='T'/>"
            f"</description><dynamicflaws>{flaw(cweid='1')}</dynamicflaws></cwe>"
            f"<cwe cweid='2'><dynamicflaws>{flaw(cweid='2')}</dynamicflaws></cwe></category>"
        )
        _, definitions, _ = split(read(veracode(flaw(), more=more)))
        assert [(d.name, d.description, d.solution) for d in definitions] == [
            ("XSS", "D", None),
            ("Other", "T", "Do:\n- one"),
            (None, None, "Do:\n- one"),
        ]
        assert definitions[0].cwes == ("CWE-79",)

    def test_flaw(self):
        """A flaw has its own first date; the analysis says when it ran."""
        seen = flaw(date_first_occurrence="2026-10-01 10:00:00 UTC", vuln_parameter="q")
        (finding,), _, (coverage,) = split(read(veracode(seen), "v.xml"))
        assert finding.locator == f"v.xml: site {APP}, issue 1, {APP}/a, parameter q"
        assert finding.first_seen == datetime(2026, 10, 1, 10, tzinfo=UTC)
        assert coverage.started == datetime(2026, 11, 1, 10, tzinfo=UTC)
        assert coverage.ended == datetime(2026, 11, 2, 10, tzinfo=UTC)

    @pytest.mark.parametrize("container", ["staticflaws", "manualflaws"])
    def test_left_out(self, container, caplog):
        """Flaws no dynamic analysis found are left out, with their number."""
        records = read(veracode(flaw(url=""), flaw(url=""), container=container))
        assert records == []
        kind = container.removesuffix("flaws")
        assert f"no dynamic analysis found them: 2 {kind} flaws" in caplog.text


class Endless:
    """A WebInspect export of many megabytes, made while it is read."""

    def __init__(self, sessions, *, flat):
        """Prepare so many sessions, or flat issues, of about 100 kB of traffic each."""
        self.size = 0
        self._parts = self._content(sessions, flat)
        self._rest = b""

    def _content(self, sessions, flat):
        traffic = f"<RawResponse><![CDATA[{'lorem ipsum ' * 8000}]]></RawResponse>"
        if flat:
            unit = webinspect_issue(traffic)
            start, end = webinspect_scan().split("</Issues>")
            end = f"</Issues>{end}"
        else:
            unit = webinspect_session(webinspect_issue(url=""), more=traffic)
            start, end = "<Sessions>", "</Sessions>"
        yield start.encode()
        for _ in range(sessions):
            yield unit.encode()
        yield end.encode()

    def read(self, size=-1):
        """Return at most `size` bytes."""
        while len(self._rest) < size:
            part = next(self._parts, None)
            if part is None:
                break
            self._rest += part
        given, self._rest = self._rest[:size], self._rest[size:]
        self.size += len(given)
        return given


@pytest.mark.parametrize("flat", [False, True], ids=["sessions", "flat"])
def test_memory_does_not_grow(flat, monkeypatch):
    """Twenty times the traffic takes no more memory: in Python, and in the tree lxml holds."""
    held = []

    def watched(*args):
        for event, element in elements(*args):
            tree = element.getroottree().iter()
            held.append(sum(len(one.text or "") + len(one.tail or "") for one in tree))
            yield event, element

    monkeypatch.setattr(webinspect_xml, "elements", watched)
    peaks = []
    for sessions in (5, 100):
        source = Endless(sessions, flat=flat)
        export = Export(source, "large.xml", dates=DateOrder.MONTH_FIRST)
        tracemalloc.start()
        for _ in webinspect_xml.records(export):
            pass
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert source.size > 9_000_000
    assert peaks[1] < peaks[0] + 2_000_000
    assert max(held) < 300_000
