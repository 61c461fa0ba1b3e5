"""What the parsers of Qualys WAS, Policy Compliance and Container Security promise."""

import csv
import io
import json
from collections import Counter
from datetime import UTC, date, datetime

import pytest

from parsers.registry import PARSERS, identify
from poam.errors import ScanParseError
from poam.model import Authenticated, Kind, Sheet
from poam.policy import load_policy
from tests.conftest import SAMPLE_SCANS
from tests.parsers_support import expected_severities, known, read, sample, split

SITE = "https://app.example.gov"


def rated(findings, definitions):
    """Count findings by the word for their severity; informational ones as `info`.

    Qualys gives information a severity too, and it means something else there.
    """
    codes = {d.source_identifier: d.native_severity for d in definitions if d.native_severity}
    words = load_policy().scanner(findings[0].detector).severity_names if findings else {}
    return Counter(
        "info"
        if finding.kind is Kind.INFORMATIONAL
        else words[finding.native_severity or codes[finding.source_identifier]]
        for finding in findings
    )


@pytest.mark.parametrize("expected", known("qualys_was_report_xml"))
def test_counts_of_was_samples(expected):
    """Findings, identifiers and severities equal an independent count; so does the glossary.

    `hosts` there are the sites of vulnerabilities alone. The web application of the appendix was
    scanned too: without any vulnerability, or under another name than its vulnerability.
    """
    findings, definitions, coverage = split(read(sample(expected["path"])))
    assert len(findings) == int(expected["findings_total"])
    assert len({f.source_identifier for f in findings}) == int(expected["unique_ids"])
    assert len(definitions) == expected["glossary"]
    assert rated(findings, definitions) == expected_severities(expected)
    vulnerable = {f.asset for f in findings if f.kind is Kind.VULNERABILITY}
    assert len(vulnerable) == int(expected["hosts"])
    assert {f.asset for f in findings} <= {c.asset for c in coverage}
    assert {(c.authenticated, c.policy) for c in coverage} == {
        (Authenticated.NO, "Initial WAS Options")
    }


def element(name, **children):
    """Return an element with a child for each text; `__` stands for a path."""
    inner = "".join(
        element(key.partition("__")[0], **{key.partition("__")[2]: text})
        if "__" in key
        else f"<{key}>{text}</{key}>"
        for key, text in children.items()
    )
    return f"<{name}>{inner}</{name}>"


def was_xml(results="", glossary="", scans="", applications="", root="WAS_SCAN_REPORT"):
    """Return a report of Qualys WAS; its summary uses the names of results for numbers."""
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><{root}>'
        "<TARGET><SCAN>weekly</SCAN></TARGET>"
        "<SUMMARY><GLOBAL_SUMMARY><VULNERABILITY>9</VULNERABILITY></GLOBAL_SUMMARY></SUMMARY>"
        f"<RESULTS>{results}</RESULTS><GLOSSARY><QID_LIST>{glossary}</QID_LIST></GLOSSARY>"
        f"<APPENDIX><SCAN_LIST>{scans}</SCAN_LIST>{applications}</APPENDIX></{root}>"
    )


def listed(category, **fields):
    """Return a list with one result."""
    return f"<{category}_LIST>{element(category, **fields)}</{category}_LIST>"


def vulnerability(**fields):
    """Return a list with one vulnerability."""
    given = {"ID": "7", "QID": "150001", "URL": f"{SITE}/a?x=1&amp;y=2"}
    return listed("VULNERABILITY", **{**given, **fields})


def scan(**fields):
    """Return a scan of the appendix."""
    given = {
        "START_DATE": "21 Sep 2017 04:27PM GMT-0400",
        "END_DATE": "21 Sep 2017 05:27PM GMT-0400",
        "WEB_APPLICATION": "App",
        "PROFILE": "weekly",
        "STATUS": "Finished",
    }
    return element("SCAN", **{**given, **fields})


APP = element("WEBAPP", NAME="App", URL=f"{SITE}:443/")


class TestWasXml:
    """Scan reports and web application reports."""

    def test_result(self):
        """A vulnerability has its page without values, its parameter, and the time it was seen."""
        fields = {"PARAM": "x", "PAYLOADS__PAYLOAD__REQUEST__METHOD": "POST"}
        dates = {"DETECTION_DATE": "21 Sep 2017 04:27PM GMT-0400"}
        content = was_xml(vulnerability(**fields, **dates), scans=scan(), applications=APP)
        (finding,), _, (coverage,) = split(read(content, "w.xml"))
        assert (finding.asset, finding.location) == (SITE, f"{SITE}/a?x&y")
        assert finding.locator == (
            f"w.xml: site {SITE}, issue 7 (QID 150001), POST {SITE}/a?x&y, parameter x"
        )
        assert finding.first_seen is None
        assert finding.last_seen == datetime(2017, 9, 21, 20, 27, tzinfo=UTC)
        assert (coverage.asset, coverage.policy) == (SITE, "weekly")
        assert coverage.ended == datetime(2017, 9, 21, 21, 27, tzinfo=UTC)

    @pytest.mark.parametrize(
        ("fields", "present", "status"),
        [
            ({}, True, None),
            ({"STATUS": "FIXED"}, False, "FIXED"),
            ({"STATUS": "REOPENED"}, True, "REOPENED"),
            ({"IGNORED": "false"}, True, None),
            ({"IGNORED": "true"}, True, "ignored"),
            (
                {"STATUS": "ACTIVE", "IGNORED": "true", "IGNORE_REASON": "FALSE_POSITIVE"},
                True,
                "ACTIVE (ignored: FALSE_POSITIVE)",
            ),
        ],
    )
    def test_status(self, fields, present, status):
        """Fixed is gone; what a person ignores is there, with that person's word."""
        (finding,), _, _ = split(read(was_xml(vulnerability(**fields))))
        assert (finding.present, finding.status) == (present, status)

    @pytest.mark.parametrize(
        ("category", "kind"),
        [
            ("VULNERABILITY", Kind.VULNERABILITY),
            ("SENSITIVE_CONTENT", Kind.VULNERABILITY),
            ("INFORMATION_GATHERED", Kind.INFORMATIONAL),
        ],
    )
    def test_kinds(self, category, kind):
        """Information gathered is information, also with severity 3."""
        glossary = element("QID", QID="150001", SEVERITY="3")
        content = was_xml(listed(category, QID="150001", URL=SITE), glossary)
        (finding,), (definition,), _ = split(read(content))
        assert (finding.kind, definition.native_severity) == (kind, "3")

    def test_glossary(self):
        """A QID stands in a QID; N/A is none, codes come in lists, 0.0 is a score."""
        glossary = element(
            "QID",
            QID="150001",
            CATEGORY="Confirmed Vulnerability",
            SEVERITY="5",
            TITLE="Title",
            GROUP="XSS",
            DESCRIPTION="&lt;P&gt;What&lt;/P&gt;",
            IMPACT="N/A",
            SOLUTION="N/A",
            CWE="CWE-79,CWE-116",
            WASC="WASC-8,WASC-22",
            OWASP="A3",
            CVSS_BASE="0.0",
            CVSS_V3__BASE="6.1",
            CVE_LIST__CVE="CVE-2026-1234",
        )
        _, (definition,), _ = split(read(was_xml(vulnerability(), glossary)))
        assert (definition.name, definition.description, definition.solution) == (
            "Title",
            "What",
            None,
        )
        assert (definition.native_severity, definition.family) == ("5", "XSS")
        assert (definition.cvss2_base, definition.cvss3_base) == (0.0, 6.1)
        assert definition.cwes == ("CWE-79", "CWE-116")
        assert definition.cves == ("CVE-2026-1234",)
        assert definition.references == ("WASC-8", "WASC-22", "OWASP A3")

    def test_not_in_the_glossary(self, caplog):
        """A QID without an entry is named by its number, with a warning, never dropped."""
        (finding,), (definition,), _ = split(read(was_xml(vulnerability(QID="9"))))
        assert (finding.source_identifier, definition.source_identifier) == ("9", "9")
        assert "QID 9 is not in the glossary" in caplog.text

    @pytest.mark.parametrize(
        ("status", "expected"),
        [
            ("No Authentication specified", Authenticated.NO),
            ("Successful", Authenticated.YES),
            ("SUCCESSFUL", Authenticated.YES),
            ("Partial", Authenticated.PARTIAL),
            ("Failed", Authenticated.NO),
            ("NOT_USED", Authenticated.NO),
            ("Other", Authenticated.UNKNOWN),
        ],
    )
    def test_authentication(self, status, expected):
        """The scan says how its login went; AUTHENTICATION of a result says something else."""
        results = vulnerability(AUTHENTICATION="Required")
        content = was_xml(results, scans=scan(AUTHENTICATION_STATUS=status), applications=APP)
        _, _, (coverage,) = split(read(content))
        assert coverage.authenticated is expected

    def test_unfinished_scan(self, caplog):
        """A scan that did not finish proves nothing to be gone: its coverage has no dates."""
        content = was_xml(scans=scan(STATUS="Time Limit Reached"), applications=APP)
        _, _, (coverage,) = split(read(content))
        assert (coverage.started, coverage.ended) == (None, None)
        assert "a scan with the status Time Limit Reached" in caplog.text

    def test_empty(self):
        """A report without results covers its web application."""
        findings, definitions, (coverage,) = split(read(was_xml(scans=scan(), applications=APP)))
        assert (findings, definitions, coverage.asset, coverage.fqdns) == (
            [],
            [],
            SITE,
            ("app.example.gov",),
        )

    def test_several_scans(self):
        """Each scan of a web application is a coverage; results without URL go by their time."""
        other = element("WEBAPP", NAME="Other", URL="https://other.example.gov")
        later = {"START_DATE": "22 Sep 2017 04:27PM GMT-0400", "WEB_APPLICATION": "Other"}
        gathered = listed("INFORMATION_GATHERED", QID="6", LAST_TIME_DETECTED=later["START_DATE"])
        content = was_xml(gathered, scans=scan() + scan(**later), applications=APP + other)
        (finding,), _, coverage = split(read(content))
        assert finding.asset == "https://other.example.gov"
        assert [(c.asset, c.started.day) for c in coverage] == [
            (SITE, 21),
            ("https://other.example.gov", 22),
        ]

    def test_web_application_report(self):
        """Results stand under their web application, whose address may come last."""
        results = "".join(
            element("WEB_APPLICATION", NAME=name)[: -len("</WEB_APPLICATION>")]
            + listed("INFORMATION_GATHERED", QID="6", LAST_TIME_DETECTED=day)
            + "</WEB_APPLICATION>"
            for name, day in (
                ("App", "1 Nov 2026 01:00AM GMT"),
                ("Other", "2 Nov 2026 01:00AM GMT"),
            )
        )
        other = element("WEBAPP", NAME="Other", URL="https://other.example.gov")
        content = was_xml(results, applications=APP + other, root="WAS_WEBAPP_REPORT")
        findings, _, coverage = split(read(content))
        assert [f.asset for f in findings] == [SITE, "https://other.example.gov"]
        assert [c.ended.day for c in coverage] == [1, 2]

    @pytest.mark.parametrize(
        ("content", "said"),
        [
            (was_xml(vulnerability(QID="")), "w.xml, line 1: found a result without QID"),
            (was_xml(glossary="<QID></QID>"), "an entry of the glossary without QID"),
            (
                was_xml(vulnerability(DETECTION_DATE="soon")),
                "line 1, DETECTION_DATE: found the time 'soon'",
            ),
            (
                was_xml(glossary=element("QID", QID="1", CVSS_BASE="61")),
                "QID 1, CVSS: found the score '61'",
            ),
            (
                was_xml(listed("INFORMATION_GATHERED", QID="6")),
                "names neither a URL nor a web application",
            ),
            (was_xml(vulnerability())[:-20], r"line 1, column \d+: found broken XML"),
        ],
    )
    def test_bad_input(self, content, said):
        """What cannot be read is said in one sentence with its place."""
        with pytest.raises(ScanParseError, match=said):
            read(content, "w.xml")


RESULT = ["VULNERABILITY", "ID", "Detection ID", "QID", "Url", "Param", "Ignored", "Detection Date"]
SENSITIVE = ["SENSITIVECONTENT", "ID", "Detection ID", "QID", "Content", "Url"]
GATHERED = ["INFORMATION_GATHERED", "ID", "Detection ID", "QID", "Results", "Detection Date"]
ENTRY = ["QID", "Id", "Title", "Category", "Severity Level", "Groups", "CVE IDs"]
WEBAPP = ["Web Application Name", "URL", "Owner", "Scope", "Operating System"]
SCAN = ["Web Application", "Start Date", "End Date", "Status", "Authentication Status"]


def table(*rows, delimiter=","):
    """Return rows as CSV, every cell in quotes."""
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows(
        rows
    )
    return text.getvalue()


def was_csv(*results, delimiter=","):
    """Return a scan report with these rows of results."""
    return table(
        ["Scan Report, weekly"],
        [],
        ["SUMMARY"],
        ["VULNERABILITY", "2"],
        ["RESULTS"],
        *results,
        ["GLOSSARY"],
        ENTRY,
        ["QID", "150001", "Script, reflected", "Confirmed", "5", "XSS", "CVE-2026-1 CVE-2026-1234"],
        ["QID", "6", "Name", "Information Gathered", "1"],
        ["GROUP", "Name", "Category"],
        ["QID", "not", "an entry"],
        ["APPENDIX"],
        SCAN,
        [
            "App",
            "21 Sep 2017 04:27PM GMT-0400",
            "21 Sep 2017 05:27PM GMT-0400",
            "Finished",
            "Failed",
        ],
        WEBAPP,
        ["App", f"{SITE}/", "Owner", "Limit to URL hostname"],
        ["Category", "Severity", "Level", "Description"],
        ["Confirmed", "1", "Minimal", "The least"],
        delimiter=delimiter,
    )


FOUND = [
    "VULNERABILITY",
    "7",
    "8",
    "150001",
    f"{SITE}/a?x=1",
    "x",
    "true",
    "21 Sep 2017 04:27PM GMT",
]


class TestWasCsv:
    """The file of several tables."""

    @pytest.mark.parametrize("delimiter", [",", ";"])
    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
    @pytest.mark.parametrize("end", ["\n", "\r\n"])
    def test_tables(self, delimiter, encoding, end):
        """Each table has its own columns, and rows may be longer or shorter than they."""
        content = was_csv(
            RESULT,
            [*FOUND, "payload\nof two lines", "POST"],
            FOUND[:5],
            SENSITIVE,
            ["SENSITIVECONTENT", "9", "10", "150017", "000", f"{SITE}/b"],
            GATHERED,
            ["INFORMATION_GATHERED", "11", "12", "6", "name", "21 Sep 2017 04:27PM GMT"],
            delimiter=delimiter,
        )
        records = read(content.replace("\n", end).encode(encoding), "w.csv")
        findings, definitions, (coverage,) = split(records)
        assert [(f.source_identifier, f.kind, f.location, f.status) for f in findings] == [
            ("150001", Kind.VULNERABILITY, f"{SITE}/a?x", "ignored"),
            ("150001", Kind.VULNERABILITY, f"{SITE}/a?x", None),
            ("150017", Kind.VULNERABILITY, f"{SITE}/b", None),
            ("6", Kind.INFORMATIONAL, SITE, None),
        ]
        assert {d.source_identifier: (d.name, d.native_severity) for d in definitions} == {
            "150001": ("Script, reflected", "5"),
            "6": ("Name", "1"),
            "150017": (None, None),
        }
        assert definitions[0].cves == ("CVE-2026-1234",)
        assert (coverage.asset, coverage.authenticated) == (SITE, Authenticated.NO)
        assert coverage.started == datetime(2017, 9, 21, 20, 27, tzinfo=UTC)

    def test_web_application_report(self):
        """There the name of the web application comes first, and results have a status."""
        header = ["Web Application Name", *RESULT, "Status", "First Time Detected"]
        row = ["App", *FOUND, "FIXED", "20 Sep 2017 04:27PM GMT"]
        gathered = ["App", "INFORMATION_GATHERED", "11", "12", "6"]
        content = was_csv(header, row, ["Web Application Name", *GATHERED], gathered)
        (finding, information), _, _ = split(read(content))
        assert (finding.present, finding.first_seen.day) == (False, 20)
        assert information.asset == SITE

    def test_details_in_pairs(self):
        """The appendix may give the scan as names and values."""
        content = was_csv(RESULT).partition('"Web Application","Start')[0] + table(
            ["Start Date", "21 Sep 2017 04:27PM GMT"], ["Authentication Status", "Successful"]
        )
        content += table(WEBAPP, ["App", f"{SITE}/", "Owner", "Limit"])
        _, _, (coverage,) = split(read(content))
        assert (coverage.authenticated, coverage.started.day) == (Authenticated.YES, 21)

    def test_same_as_xml(self):
        """The same report says the same in both formats."""
        in_csv = split(read(was_csv(RESULT, FOUND), "w"))[0]
        dates = {"DETECTION_DATE": FOUND[-1]}
        in_xml = was_xml(
            vulnerability(URL=f"{SITE}/a?x=1", PARAM="x", IGNORED="true", **dates),
            applications=APP,
        )
        assert in_csv == split(read(in_xml, "w"))[0]

    @pytest.mark.parametrize(
        ("content", "said"),
        [
            (
                was_csv(RESULT, ["VULNERABILITY", "7", "8", ""]),
                "w.csv, line 7: found a result without QID",
            ),
            (
                was_csv(RESULT, ["else", "7", "8", "9"]),
                "line 7: found a row of results that begins else. Expected VULNERABILITY or",
            ),
            (
                was_csv(RESULT, [*FOUND[:-1], "soon"]),
                "line 7, DETECTION_DATE: found the time 'soon'",
            ),
            (was_csv(RESULT, FOUND)[:-3], r"line \d+: found broken CSV"),
        ],
    )
    def test_bad_input(self, content, said):
        """What cannot be read is said in one sentence with its line."""
        with pytest.raises(ScanParseError, match=said):
            read(content, "w.csv")


def control(cid="1071", status="Failed", inner=""):
    """Return a control of a policy report."""
    texts = {"CID": cid, "STATEMENT": f"Control {cid}", "STATUS": status}
    severity = "<CRITICALITY><LABEL>URGENT</LABEL><VALUE>5</VALUE></CRITICALITY>"
    return element("CONTROL", **texts).replace("</CONTROL>", f"{severity}{inner}</CONTROL>")


def policy_xml(*controls, host="<IP>10.0.0.5</IP><DNS>a.example.gov</DNS>", day="2026-11-03"):
    """Return a policy report of one host, scanned on this day."""
    return (
        '<!DOCTYPE COMPLIANCE_POLICY_REPORT SYSTEM "https://q/compliance_policy_report.dtd">'
        f"<COMPLIANCE_POLICY_REPORT><RESULTS><HOST_LIST><HOST>{host}"
        f"<LAST_SCAN_DATE>{day}T04:00:00Z</LAST_SCAN_DATE>"
        f"<CONTROL_LIST>{''.join(controls)}</CONTROL_LIST>"
        "</HOST></HOST_LIST></RESULTS></COMPLIANCE_POLICY_REPORT>"
    )


COLUMNS = ["Host IP", "DNS Hostname", "Last Scan Date", "Control ID", "Technology", "Control"]
COLUMNS += ["Criticality Label", "Criticality Value", "Status", "Evidence", "Exception Status"]


def policy_csv(*rows):
    """Return a policy report as CSV, of rows of control, status and state of an exception."""
    when = "11/03/2026 at 04:00:00 AM (GMT)"
    host = ["10.0.0.5", "a.example.gov", when]
    cells = [
        [*host, cid, "Linux", f"Control {cid}", "URGENT", "5", status, "two\nlines", *exception]
        for cid, status, *exception in rows
    ]
    padded = [[*row, ""][: len(COLUMNS)] for row in cells]
    return table(["Policy report", when], ["Company, Inc."], [], COLUMNS, *padded)


def policy_exports(status, exception=""):
    """Return one result in both forms."""
    inner = element("EXCEPTION", STATUS=exception) if exception else ""
    return [
        policy_xml(control(status=status, inner=inner)),
        policy_csv(("1071", status, exception)),
    ]


class TestPolicy:
    """Results of controls, in XML and in CSV."""

    @pytest.mark.parametrize("form", [0, 1], ids=["xml", "csv"])
    @pytest.mark.parametrize(
        ("status", "exception", "present", "kind", "authenticated"),
        [
            ("Failed", "", True, Kind.CONFIGURATION, Authenticated.YES),
            ("FAILED", "", True, Kind.CONFIGURATION, Authenticated.YES),
            ("Passed", "", False, Kind.CONFIGURATION, Authenticated.YES),
            ("Error", "", True, Kind.INFORMATIONAL, Authenticated.UNKNOWN),
            ("Passed", "Approved", True, Kind.CONFIGURATION, Authenticated.YES),
            ("Passed (E)", "", True, Kind.CONFIGURATION, Authenticated.YES),
            ("PassedE", "", True, Kind.CONFIGURATION, Authenticated.YES),
            ("Passed", "Expired", False, Kind.CONFIGURATION, Authenticated.YES),
            ("Failed", "Requested", True, Kind.CONFIGURATION, Authenticated.YES),
        ],
    )
    def test_statuses(self, form, status, exception, present, kind, authenticated):
        """Failed is there, Passed is gone unless by an exception, Error is neither."""
        content = policy_exports(status, exception)[form]
        (finding,), (definition,), (coverage,) = split(read(content, "p"))
        assert (finding.present, finding.kind) == (present, kind)
        assert finding.status == (f"{status} (exception: {exception})" if exception else status)
        assert (finding.source_identifier, finding.native_severity) == ("1071", "5")
        assert (definition.name, definition.native_severity) == ("Control 1071", None)
        assert (finding.asset, coverage.asset, coverage.ips) == ("10.0.0.5",) * 2 + (("10.0.0.5",),)
        assert coverage.fqdns == ("a.example.gov",)
        assert coverage.ended == datetime(2026, 11, 3, 4, tzinfo=UTC)
        assert coverage.authenticated is authenticated

    def test_error_neither_opens_nor_closes(self, run, items_of, tmp_path):
        """An item of a control that failed stays open through errors, until the control passes."""
        poam = SAMPLE_SCANS / "poam" / "2026-09.xlsx"
        before = set(items_of(poam).index)
        controls = {
            11: [control(), control("2", "Error")],
            12: [control(status="Error"), control("2", "Error")],
            13: [control(status="Passed"), control("2", "Error")],
        }
        sheets = []
        for day, results in controls.items():
            scan, out = tmp_path / f"{day}.xml", tmp_path / f"{day}.xlsx"
            scan.write_text(policy_xml(*results, day=f"2026-11-{day}"), encoding="utf-8")
            run([scan], poam, out, date(2026, 11, day))
            items = items_of(out)
            new = items[~items.index.isin(before)]
            sheets.append(dict(zip(new["weakness_source_identifier"], new["sheet"], strict=True)))
            poam = out
        still = {"1071": Sheet.CONFIGURATION, "": Sheet.OPEN}  # and the item that stands for it
        assert sheets == [still, still, dict.fromkeys(still, Sheet.CLOSED)]

    @pytest.mark.parametrize("form", [0, 1], ids=["xml", "csv"])
    def test_partial(self, form):
        """An error beside results: the scanner may have lacked privileges."""
        xml = policy_xml(control(), control("2", "Error"))
        content = [xml, policy_csv(("1071", "Failed"), ("2", "Error"))][form]
        _, _, (coverage,) = split(read(content))
        assert coverage.authenticated is Authenticated.PARTIAL

    @pytest.mark.parametrize("form", [0, 1], ids=["xml", "csv"])
    def test_unknown_status(self, form):
        """Any other word is refused by name: it decides what opens and what closes."""
        with pytest.raises(ScanParseError, match="found the status 'Maybe' of control 1071"):
            read(policy_exports("Maybe")[form])

    @pytest.mark.parametrize(
        ("dates", "first"),
        [
            ({"FIRST_FAIL_DATE": "2026-10-06T04:00:00Z"}, 6),
            (
                {
                    "FIRST_FAIL_DATE": "2026-10-06T04:00:00Z",
                    "LAST_PASS_DATE": "2026-10-05T04:00:00Z",
                },
                6,
            ),
            (
                {
                    "FIRST_FAIL_DATE": "2026-10-06T04:00:00Z",
                    "LAST_PASS_DATE": "2026-10-20T04:00:00Z",
                },
                None,
            ),
            ({"FIRST_FAIL_DATE": "2026-10-06T04:00", "LAST_PASS_DATE": "2026-10-20T04:00Z"}, None),
        ],
    )
    def test_failing_since(self, dates, first):
        """A control that passed in between fails since a day that nobody wrote down."""
        inner = "".join(f"<{key}>{day}</{key}>" for key, day in dates.items())
        (finding,), _, _ = split(read(policy_xml(control(inner=inner))))
        assert (finding.first_seen.day if finding.first_seen else None) == first

    def test_empty(self):
        """A host without results was scanned all the same; a header alone is an empty report."""
        findings, _, (coverage,) = split(read(policy_xml()))
        assert (findings, coverage.asset) == ([], "10.0.0.5")
        assert read(policy_csv()) == []

    @pytest.mark.parametrize(
        ("content", "said"),
        [
            (policy_xml(control(cid="")), "p, line 1: found a CONTROL without CID"),
            (policy_xml(control(), host=""), "found a host without IP or DNS"),
            (
                "<COMPLIANCE_POLICY_REPORT><ERROR number='1'>no access</ERROR>"
                "</COMPLIANCE_POLICY_REPORT>",
                "found the error 'no access'",
            ),
            (policy_csv(("", "Failed")), "line 5: found a result without the control's id"),
            (
                policy_csv(("1071", "Failed")).replace("11/03", "31/03"),
                "31/03/2026 04:00:00 AM .* no date with the month first",
            ),
        ],
    )
    def test_bad_input(self, content, said):
        """What cannot be read is said in one sentence with its place."""
        with pytest.raises(ScanParseError, match=said):
            read(content, "p")


def posture(infos, glossary):
    """Return posture information of one policy."""
    return (
        f"<POSTURE_INFO_LIST_OUTPUT><RESPONSE><POLICY><ID>1</ID><INFO_LIST>{infos}</INFO_LIST>"
        f"<GLOSSARY>{glossary}</GLOSSARY></POLICY></RESPONSE></POSTURE_INFO_LIST_OUTPUT>"
    )


def info(**fields):
    """Return one result of posture information."""
    given = {"ID": "1", "HOST_ID": "55", "CONTROL_ID": "1071", "STATUS": "Failed"}
    return element("INFO", **{**given, **fields})


class TestPosture:
    """Posture information: results first, hosts and controls in the glossary behind them."""

    GLOSSARY = (
        "<HOST_LIST><HOST><ID>55</ID><IP>10.0.0.5</IP><LAST_COMPLIANCE_SCAN_DATETIME>"
        "2026-11-03T04:00:00Z</LAST_COMPLIANCE_SCAN_DATETIME></HOST></HOST_LIST><CONTROL_LIST>"
        "<CONTROL><ID>1071</ID><STATEMENT>Length</STATEMENT><CRITICALITY><LABEL>SERIOUS</LABEL>"
        "<VALUE>3</VALUE></CRITICALITY><RATIONALE_LIST><RATIONALE><TEXT>Why</TEXT></RATIONALE>"
        "</RATIONALE_LIST></CONTROL></CONTROL_LIST>"
    )

    def test_joined(self):
        """A result has its host's address, and the control its statement and severity."""
        content = posture(info() + info(STATUS="Passed", CONTROL_ID="2"), self.GLOSSARY)
        findings, definitions, (coverage,) = split(read(content, "p"))
        assert [(f.asset, f.present, f.native_severity) for f in findings] == [
            ("10.0.0.5", True, None),
            ("10.0.0.5", False, None),
        ]
        (length,) = [d for d in definitions if d.name]
        assert (length.name, length.description, length.native_severity) == ("Length", "Why", "3")
        assert coverage.ended == datetime(2026, 11, 3, 4, tzinfo=UTC)

    def test_without_glossary(self, caplog):
        """A host that the glossary leaves out goes by its number, with a warning."""
        (finding,), _, (coverage,) = split(read(posture(info(), "")))
        assert (finding.asset, coverage.asset, coverage.ips) == ("55", "55", ())
        assert "host 55 is not in the glossary" in caplog.text

    def test_no_host(self):
        """A result without a host is refused."""
        with pytest.raises(ScanParseError, match="a host without IP or DNS"):
            read(posture(info(HOST_ID=""), self.GLOSSARY))


def image(*vulnerabilities, **fields):
    """Return an image as the API gives it."""
    repo = [{"registry": "docker.io", "repository": "library/nginx", "tag": "1.27"}]
    given = {"imageId": "4f6b", "sha": "4f6b0c", "repo": repo, "lastScanned": "1793678400000"}
    return {**given, "vulnerabilities": list(vulnerabilities), **fields}


def flaw(**fields):
    """Return a vulnerability of an image."""
    given = {"qid": 1, "title": "T", "severity": 5, "typeDetected": "CONFIRMED"}
    return {**given, "cveids": ["CVE-2026-1234"], **fields}


CONTAINER = ["Registry", "Repository", "Tag", "Image ID", "QID", "Title", "Severity", "Type"]
CONTAINER += ["Status", "CVE IDs", "Software", "Version", "Fixed Version", "Last Found"]


def container_csv(**fields):
    """Return an export of one vulnerability as CSV."""
    given = dict(
        zip(CONTAINER, ["docker.io", "library/nginx", "1.27", "4f6b0c", "1"], strict=False)
    )
    given |= {"Title": "T", "Severity": "5", "Type": "Confirmed", "CVE IDs": "CVE-2026-1234"}
    given |= {name.replace("_", " "): text for name, text in fields.items()}
    return table(CONTAINER, [given.get(name, "") for name in CONTAINER])


class TestContainer:
    """Vulnerabilities of images, in JSON and in CSV."""

    @pytest.mark.parametrize("form", [0, 1], ids=["json", "csv"])
    @pytest.mark.parametrize(
        ("severity", "rating"),
        [(5, "High"), (4, "High"), (3, "Moderate"), (2, "Low"), (1, "Low")],
    )
    def test_severity_is_not_inverted(self, form, severity, rating):
        """5 is the worst, as in all of Qualys. Other readers turn the scale of containers."""
        exports = [
            json.dumps(image(flaw(severity=severity))),
            container_csv(Severity=str(severity)),
        ]
        (finding,), _, _ = split(read(exports[form]))
        codes = load_policy().scanner(finding.detector).severity.codes
        assert codes[finding.native_severity] == rating
        assert list(codes) == ["5", "4", "3", "2", "1"]

    @pytest.mark.parametrize("form", [0, 1], ids=["json", "csv"])
    def test_image(self, form):
        """The asset is the image by its name, and its id leads back to the record."""
        exports = [json.dumps(image(flaw())), container_csv()]
        (finding,), (definition,), (coverage,) = split(read(exports[form], "c"))
        assert finding.asset == coverage.asset == "docker.io/library/nginx:1.27"
        assert finding.locator == "c: image docker.io/library/nginx:1.27, 4f6b0c, QID 1"
        assert (definition.name, definition.cves) == ("T", ("CVE-2026-1234",))

    @pytest.mark.parametrize("form", [0, 1], ids=["json", "csv"])
    @pytest.mark.parametrize(
        ("word", "status", "kind", "present"),
        [
            ("CONFIRMED", "ACTIVE", Kind.VULNERABILITY, True),
            ("Potential", "", Kind.VULNERABILITY, True),
            ("", "", Kind.VULNERABILITY, True),
            ("INFORMATION_GATHERED", "", Kind.INFORMATIONAL, True),
            ("CONFIRMED", "FIXED", Kind.VULNERABILITY, False),
        ],
    )
    def test_kind_and_status(self, form, word, status, kind, present):
        """The type decides on the kind; fixed is gone."""
        exports = [
            json.dumps(image(flaw(typeDetected=word, status=status or None))),
            container_csv(Type=word, Status=status),
        ]
        (finding,), _, _ = split(read(exports[form]))
        assert (finding.kind, finding.present, finding.status) == (kind, present, status or None)

    def test_names(self):
        """Each tag of an image is an asset; without any the image goes by its digest."""
        repos = [
            {"registry": "https://r.example.gov", "repository": "a/b", "tag": "1"},
            {"registry": None, "repository": "r.example.gov/a/b", "tag": None},
        ]
        content = json.dumps([image(flaw(), repo=repos), image(flaw(), repo=None)])
        findings, _, coverage = split(read(content))
        names = ["r.example.gov/a/b:1", "r.example.gov/a/b", "4f6b0c"]
        assert [f.asset for f in findings] == [c.asset for c in coverage] == names

    def test_json_texts(self):
        """Times are milliseconds, nulls are missing, packages say where the fix is."""
        software = [{"name": "zlib", "version": "1.2", "fixVersion": "1.3"}]
        dates = {"firstFound": "1791259200000", "lastFound": 1793678400000}
        scores = {"cvssInfo": {"baseScore": "0.0"}, "cvss3Info": {"baseScore": "9.8"}}
        exempted = {"isExempted": True, "port": None, "category": None}
        entry = flaw(software=software, **dates, **scores, **exempted)
        (finding,), (definition,), (coverage,) = split(read(json.dumps(image(entry)), "c"))
        assert finding.first_seen == datetime(2026, 10, 6, 4, tzinfo=UTC)
        assert finding.last_seen == datetime(2026, 11, 3, 4, tzinfo=UTC) == coverage.ended
        assert finding.status == "(exempted)"
        assert finding.locator.endswith("QID 1, zlib 1.2")
        assert definition.solution == "zlib: fixed in 1.3"
        assert (definition.cvss2_base, definition.cvss3_base) == (0.0, 9.8)

    @pytest.mark.parametrize("form", ["one", "list", "lines", "page", "details"])
    def test_json_forms(self, form):
        """One image, a list, one a line, a page of the API, or the answer about one image."""
        one = image(flaw())
        nested = {**image(), "details": {"vulns": [flaw()]}}
        content = {
            "one": json.dumps(one),
            "list": json.dumps([one]),
            "lines": f"{json.dumps(one)}\n",
            "page": json.dumps({"data": [one], "count": 1}),
            "details": json.dumps(nested),
        }[form]
        findings, _, (coverage,) = split(read(content))
        assert (len(findings), coverage.asset) == (1, "docker.io/library/nginx:1.27")

    def test_repeated_for_each_cve(self):
        """Rows that differ in the CVE alone are one finding; its definition has all of them."""
        second = container_csv(CVE_IDs="CVE-2026-5678").split("\n", 1)[1]
        other = container_csv(Software="zlib", Version="1.2", Fixed_Version="1.3").split("\n", 1)[1]
        findings, (definition,), _ = split(read(container_csv() + second + other))
        assert len(findings) == 2
        assert definition.cves == ("CVE-2026-1234", "CVE-2026-5678")
        assert definition.solution == "zlib: fixed in 1.3"

    @pytest.mark.parametrize(
        ("found", "day"),
        [
            ("2026-11-03T04:00:00Z", 3),
            ("11/03/2026 04:00:00", 3),
            ("Nov 3, 2026 04:00 AM", 3),
            ("1793678400000", 3),
        ],
    )
    def test_csv_dates(self, found, day):
        """Dates are read in each of the styles of Qualys' exports."""
        (finding,), _, (coverage,) = split(read(container_csv(Last_Found=found)))
        assert finding.last_seen.day == coverage.ended.day == day

    def test_times_with_a_zone_and_without(self):
        """Rows of one image may write their times either way: the newest dates the image."""
        zoneless = container_csv(Last_Found="2026-11-03T05:00").split("\n", 1)[1]
        content = container_csv(Last_Found="2026-11-03T04:00:00Z") + zoneless
        _, _, (coverage,) = split(read(content))
        assert coverage.ended == datetime(2026, 11, 3, 5)  # noqa: DTZ001

    def test_empty(self):
        """An image without vulnerabilities was scanned; a header alone is an empty export."""
        findings, _, (coverage,) = split(read(json.dumps(image(vulnerabilities=None))))
        assert (findings, coverage.ended) == ([], datetime(2026, 11, 3, 4, tzinfo=UTC))
        assert read(table(CONTAINER)) == []

    @pytest.mark.parametrize(
        ("content", "said"),
        [
            (json.dumps(image(flaw(qid=None))), "a vulnerability without QID"),
            (json.dumps(image(flaw(typeDetected="x"))), "QID 1: found the type 'x'"),
            (json.dumps(image(flaw(firstFound="soon"))), "first found: found the time 'soon'"),
            (json.dumps(image(vulnerabilities=[1])), "'vulnerabilities' that holds no objects"),
            (
                json.dumps({"details": {"vulns": [flaw()]}}),
                "c, object 1: found vulnerabilities of an image that is not named",
            ),
            (json.dumps([image(flaw())])[:-9], "found broken JSON"),
            (container_csv(QID=""), "line 2: found a vulnerability without QID"),
            (container_csv(Repository="", Image_ID=""), "line 2: found a row with neither Repos"),
        ],
    )
    def test_bad_input(self, content, said):
        """What cannot be read is said in one sentence with its place."""
        with pytest.raises(ScanParseError, match=said):
            read(content, "c")


NAMES = ("qualys_was", "qualys_policy", "qualys_container")
OWN = sorted(path for name in NAMES for path in SAMPLE_SCANS.glob(f"{name}*/*"))


@pytest.mark.parametrize("path", OWN, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_heads(path):
    """However early a head ends, its parser claims it or none does."""
    content = path.read_bytes()
    for end in range(0, len(content), 97):
        claims = {parser.NAME for parser in PARSERS if parser.recognises(content[:end])}
        assert claims <= {path.parent.name}
    assert path.parent.name == identify(content, path.name).NAME
