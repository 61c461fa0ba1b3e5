"""What the Burp Suite parsers promise."""

import io
import json
import logging
import re
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parsers.export import Export
from parsers.registry import HEAD_SIZE, PARSERS, identify
from poam.errors import ScanParseError
from poam.model import Authenticated, Kind
from tests.parsers_support import counts, expected_severities, known, sample, split

DTD = (
    "<!DOCTYPE issues [\n<!ELEMENT issues (issue*)>\n"
    '<!ATTLIST issues burpVersion CDATA "">\n<!ATTLIST host ip CDATA "">\n]>\n'
)
FULL = {"origin": "https://app.example.gov", "path": "/a", "severity": "high"}


def read(content, file="scan.xml"):
    """Return the records of an export; Burp writes no dates whose order a policy has to state."""
    content = content.encode() if isinstance(content, str) else content
    parser = identify(content[:HEAD_SIZE], file)
    return list(parser.records(Export(io.BytesIO(content), file)))


def cdata(text):
    """Return a text as Burp writes it; the end of a CDATA section cannot stand within one."""
    return f"<![CDATA[{text.replace(']]>', ']]]]><![CDATA[>')}]]>"


def issue(inner="", host="https://app.example.gov", ip="10.0.0.5", **fields):
    """Return an issue in XML."""
    given = {
        **{"serialNumber": "77", "type": "2097920", "name": "Scripting"},
        **{"path": "/a", "location": "/a", "severity": "High", "confidence": "Firm", **fields},
    }
    written = "".join(f"<{name}>{cdata(text)}</{name}>" for name, text in given.items())
    return f'<issue>{written}<host ip="{ip}">{host}</host>{inner}</issue>'


def xml(*issues, exported="Mon Nov 16 20:41:07 EST 2026", dtd=DTD):
    """Return issues as Burp exports them."""
    root = f'<issues burpVersion="2026.9.2" exportTime="{exported}">'
    return f'<?xml version="1.0"?>\n{dtd}{root}\n{"".join(issues)}</issues>'


def found(**fields):
    """Return the event of an issue found."""
    return {"type": "issue_found", "issue": {**FULL, "type_index": "2097920", **fields}}


def scan(*events, **fields):
    """Return a scan as the REST API gives it."""
    return json.dumps({"scan_metrics": {}, "issue_events": events, **fields})


def graphql(*issues):
    """Return issues as the GraphQL API gives them; a first argument is the issue type."""
    return json.dumps({"Issues": [{"issue_type": kind, **FULL, **rest} for kind, rest in issues]})


def junit(*suites, name="Dastardly scan results - have a nice day!"):
    """Return test suites: pairs of an address and a failure, or None."""
    written = "".join(
        f'<testsuite name="{url}"><testcase name="x">{failure or ""}</testcase></testsuite>'
        for url, failure in suites
    )
    return f'<?xml version="1.0"?><testsuites name="{name}">{written}</testsuites>'


def failure(text="", message="Scripting found at https://app.example.gov/a", severity="High"):
    """Return a failure of Dastardly."""
    return f'<failure message="{message}" type="{severity}">{cdata(text)}</failure>'


class TestSamples:
    """Real exports, counted independently."""

    @pytest.mark.parametrize("row", known("burp_xml"))
    def test_xml(self, row):
        """Findings, hosts and severities are equal; identifiers are equal as types.

        expected.csv counts types: the one file with issues of extensions has ten of them under
        the type 134217728, which are ten weaknesses.
        """
        content = sample(row["path"])
        records = read(content)
        counted = counts(records)
        assert counted.findings == int(row["findings_total"]) == content.count(b"<issue>")
        assert counted.assets == int(row["hosts"])
        assert counted.severities == expected_severities(row)
        findings, definitions, _ = split(records)
        types = {finding.source_identifier.partition(" ")[0] for finding in findings}
        assert len(types) == int(row["unique_ids"])
        extensions = 10 if "v2_1_02" in row["path"] else 1
        assert counted.identifiers == len(types) - 1 + extensions == len(definitions)

    @pytest.mark.parametrize("row", known("burp_enterprise_api_json"))
    def test_enterprise(self, row):
        """Findings, hosts, severities and types are equal."""
        counted = counts(read(sample(row["path"])))
        assert counted.findings == row["event_types"]["issue_found"] == int(row["findings_total"])
        assert counted.assets == int(row["hosts"])
        assert counted.identifiers == int(row["unique_ids"])
        assert counted.severities == expected_severities(row)

    @pytest.mark.parametrize("row", known("burp_graphql_json"))
    def test_graphql(self, row):
        """Findings, hosts, severities and types are equal, a type without a name too."""
        counted = counts(read(sample(row["path"])))
        assert counted.findings == int(row["findings_total"])
        assert counted.assets == int(row["hosts"])
        assert counted.identifiers == int(row["unique_ids"])
        assert counted.severities == expected_severities(row)

    @pytest.mark.parametrize("row", known("burp_dastardly_junit_xml"))
    def test_dastardly(self, row):
        """Findings, titles and severities are equal; the assets are sites.

        expected.csv counts as hosts the addresses with failures: all are on one site.
        """
        content = sample(row["path"])
        counted = counts(read(content))
        assert counted.findings == int(row["findings_total"])
        assert counted.identifiers == int(row["unique_ids"])
        assert counted.severities == expected_severities(row)
        sites = set(re.findall(rb'<testsuite [^>]*name="(https://[^/"]+)', content))
        assert counted.assets == len(sites) == 1
        assert len(re.findall(rb'<testsuite failures="1"', content)) == int(row["hosts"])

    def test_cves_of_dastardly(self):
        """The CVE numbers of a detail belong to its weakness, each once."""
        path = "burp/DefectDojo+django-DefectDojo__burp_dastardly_many_findings.xml"
        _, (scripting, library), _ = split(read(sample(path)))
        assert scripting.cves == ()
        assert library.cves == (
            *("CVE-2020-7676", "CVE-2019-10768", "CVE-2023-26118", "CVE-2022-25869"),
            *("CVE-2022-25844", "CVE-2023-26116", "CVE-2023-26117"),
        )
        assert library.cwes == ("CWE-1104",)

    @pytest.mark.parametrize(
        "row",
        known(
            *("burp_xml", "burp_enterprise_api_json", "burp_graphql_json"),
            "burp_dastardly_junit_xml",
        ),
    )
    def test_no_secrets(self, row):
        """Cookies, requests and responses of the samples are in no record."""
        said = str(read(sample(row["path"])))
        assert not re.search(r"JSESSIONID|AWSALB|Bearer|R0VU|HTTP/\d|Set-Cookie", said)


class TestRecognition:
    """Exactly one parser claims an export, by its content."""

    CASES = (
        ("burp_xml", xml(issue())),
        ("burp_xml", xml()),
        ("burp_enterprise_json", scan(found())),
        ("burp_enterprise_json", scan()),
        ("burp_enterprise_json", json.dumps({"issue_events": [found()], "scan_status": "x"})),
        ("burp_graphql_json", graphql(({"name": "x"}, {}))),
        ("burp_graphql_json", graphql((None, {}))),
        ("burp_graphql_json", '{"Issues": []}'),
        ("burp_dastardly_xml", junit(("https://app.example.gov:443/", None))),
        ("burp_dastardly_xml", junit()),
        (None, '<issues format="6" by="lint 8.1"><issue id="x"/></issues>'),
        (None, junit(("https://app.example.gov/", None), name="Unit tests")),
        (None, junit(("Dastardly", failure()), name="All results")),
        (None, '<testsuite name="Dastardly scan results"/>'),
        (None, '{"Issues": [{"Name": "x"}]}'),
        (None, '{"issue_events": []}'),
    )

    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
    @pytest.mark.parametrize(("name", "content"), CASES)
    def test_claims(self, name, content, encoding):
        """Each format is told by its own words, in any encoding; other formats are left alone."""
        head = content.encode(encoding)
        claims = [parser.NAME for parser in PARSERS if parser.recognises(head)]
        assert claims == ([name] if name else [])

    @pytest.mark.parametrize(
        ("name", "content"), [(n, c) for n, c in CASES if n and c != '{"Issues": []}']
    )
    def test_cut_heads(self, name, content):
        """A head that ends behind the telling part is claimed, whatever comes after it."""
        telling = ("burpVersion=", '"issue_events":', '"issue":', '"issue_type":', "Dastardly scan")
        end = max(content.find(word) + len(word) + 1 for word in telling if word in content)
        for size in range(end, len(content)):
            head = content[:size].encode()
            assert [parser.NAME for parser in PARSERS if parser.recognises(head)] == [name]

    def test_long_document_type(self):
        """Burp's DTD stands before the root; one of some size does not hide it."""
        padding = "".join(f"<!ELEMENT e{n} (#PCDATA)>\n" for n in range(2000))
        content = xml(issue(), dtd=DTD.replace("]>", f"{padding}]>"))
        assert 30_000 < content.find("<issues") < HEAD_SIZE
        assert len(split(read(content))[0]) == 1

    @pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
    def test_encodings(self, encoding):
        """JSON and XML in other encodings and with other line ends say the same."""
        for content in (scan(found(name="é")), graphql(({"name": "é"}, {})), xml(issue(name="é"))):
            windows = content.replace("\n", "\r\n").encode(encoding)
            assert split(read(windows))[:2] == split(read(content))[:2]


class TestIdentifiers:
    """A weakness is its issue type."""

    def test_same_in_all(self):
        """The decimal type of XML is the type_index of JSON, as a number or as a text."""
        exports = [
            xml(issue(type="2097920")),
            scan(found(type_index=2097920)),
            scan(found(type_index="2097920")),
            graphql(({"type_index": 2097920, "name": "Scripting"}, {})),
        ]
        identities = {split(read(content))[0][0].source_identifier for content in exports}
        assert identities == {"2097920"}

    def test_extensions(self):
        """All issues of extensions share one type: the name tells them apart, in each format."""
        names = ["Old library", "Server  names\nits version"]
        exports = [
            xml(*(issue(type="134217728", name=name) for name in names)),
            scan(*(found(type_index=134217728, name=name) for name in names)),
            graphql(*(({"type_index": "134217728", "name": name}, {}) for name in names)),
        ]
        for content in exports:
            findings, definitions, _ = split(read(content))
            identifiers = ["134217728 Old library", "134217728 Server names its version"]
            assert [f.source_identifier for f in findings] == identifiers
            assert [d.source_identifier for d in definitions] == identifiers
            assert [d.name for d in definitions] == ["Old library", "Server names its version"]

    def test_one_type_on_two_hosts(self):
        """Two hosts and two severities are two findings, each with its own severity."""
        content = xml(issue(severity="High"), issue(host="http://other", severity="Low", ip=""))
        findings, definitions, coverage = split(read(content))
        assert [(f.asset, f.native_severity) for f in findings] == [
            ("https://app.example.gov", "High"),
            ("http://other", "Low"),
        ]
        assert [d.native_severity for d in definitions] == [None]
        assert [c.asset for c in coverage] == [f.asset for f in findings]

    def test_records_are_not_folded(self):
        """The same type at the same path is a finding each time: serial numbers tell them apart."""
        findings, _, _ = split(read(xml(issue(), issue(serialNumber="78"))))
        assert len(findings) == 2
        assert len({f.locator for f in findings}) == 2

    def test_type_without_number(self):
        """In GraphQL a type is known by its name, and without a name by its texts."""
        content = graphql(
            ({"name": "Scripting"}, {}),
            ({"name": None, "description_html": "One"}, {}),
            ({"name": None, "description_html": "Two"}, {}),
            ({"name": "", "description_html": "One", "references_html": None}, {}),
        )
        findings, definitions, _ = split(read(content))
        named, one, two, again = (f.source_identifier for f in findings)
        assert named == "Scripting"
        assert re.fullmatch(r"unnamed [0-9a-f]{12}", one)
        assert one == again != two
        assert [d.name for d in definitions] == ["Scripting", None, None]


class TestFindings:
    """Where an issue is, how severe it is, and when it was seen."""

    def test_xml_locator(self):
        """The locator has the serial number, the method and the insertion point."""
        request = '<requestresponse><request method="POST" base64="true">%%%</request>'
        content = xml(
            issue(
                f"{request}</requestresponse>",
                host="HTTPS://App.example.gov:443",
                path="/a;jsessionid=1?token=secret",
                location="/a [user[name] parameter]",
            )
        )
        (finding,), _, (coverage,) = split(read(content, "b.xml"))
        assert finding.asset == coverage.asset == "https://app.example.gov"
        assert finding.location == "https://app.example.gov/a?token"
        assert finding.locator == (
            "b.xml: site https://app.example.gov, issue 2097920, serial number 77, "
            "POST https://app.example.gov/a?token, user[name] parameter"
        )

    def test_json_locators(self):
        """The caption has the insertion point; without a serial number the place tells."""
        caption = "/a [q parameter]"
        (finding,), _, _ = split(read(scan(found(caption=caption, serial_number="9")), "s.json"))
        assert finding.locator.endswith(
            "issue 2097920, serial number 9, https://app.example.gov/a, q parameter"
        )
        (finding,), _, _ = split(read(graphql(({"name": "X"}, {}))))
        assert finding.locator.endswith("issue X, issue 1, https://app.example.gov/a")

    @pytest.mark.parametrize(
        ("origin", "path", "where"),
        [
            ("https://h", "", "https://h/"),
            ("https://h/", "/a", "https://h/a"),
            ("http://h:8080", "a", "http://h:8080/a"),
            ("https://h", "//a", "https://h//a"),
            ("https://h", "?q=1", "https://h/?q"),
            ("http://[::1]:80", None, "http://[::1]/"),
        ],
    )
    def test_location(self, origin, path, where):
        """Origin and path make an address, whatever is missing of the path."""
        for content in (
            scan(found(origin=origin, path=path)),
            graphql(({"name": "X"}, {"origin": origin, "path": path})),
            xml(issue(host=origin, path=path or "")),
        ):
            assert split(read(content))[0][0].location == where

    @pytest.mark.parametrize(
        ("severity", "kind"),
        [
            ("High", Kind.VULNERABILITY),
            ("Information", Kind.INFORMATIONAL),
            ("info", Kind.INFORMATIONAL),
            ("Info", Kind.INFORMATIONAL),
            ("low", Kind.VULNERABILITY),
            ("Critical", Kind.VULNERABILITY),
        ],
    )
    def test_severity(self, severity, kind):
        """A severity is kept as written, an unknown one too, in each format."""
        exports = [
            xml(issue(severity=severity)),
            scan(found(severity=severity)),
            graphql(({"name": "X"}, {"severity": severity})),
            junit(("https://app.example.gov/", failure(severity=severity))),
        ]
        for content in exports:
            (finding,), (definition,), _ = split(read(content))
            assert (finding.native_severity, finding.kind) == (severity, kind)
            assert (finding.status, definition.native_severity) == (None, None)

    @pytest.mark.parametrize("severity", ["", None])
    def test_no_severity(self, severity):
        """No severity is none: neither Low nor informational."""
        for content in (scan(found(severity=severity)), xml(issue(severity=severity or ""))):
            ((finding,), _, _) = split(read(content))
            assert (finding.native_severity, finding.kind) == (None, Kind.VULNERABILITY)

    def test_false_positives(self):
        """What a user marked a false positive stays a finding with that status.

        As a severity the word replaces the scanner's, as a confidence it stands beside it.
        """
        exports = [
            (xml(issue(severity="False positive")), "False positive", None),
            (scan(found(severity="false_positive")), "false_positive", None),
            (graphql(({"name": "X"}, {"confidence": "false_positive"})), "false_positive", "high"),
        ]
        for content, status, severity in exports:
            (finding,), _, _ = split(read(content))
            assert (finding.status, finding.native_severity) == (status, severity)
            assert finding.present
            assert finding.kind is Kind.VULNERABILITY

    def test_events(self, caplog):
        """Events other than an issue found are no findings; the log has their number."""
        with caplog.at_level(logging.INFO):
            removed = {"type": "issue_removed", "issue": {"serial_number": "1"}}
            content = scan(removed, found(), removed, {"type": "note"}, scan_status="succeeded")
            findings, _, _ = split(read(content, "s.json"))
        assert len(findings) == 1
        assert caplog.messages == [
            "s.json: 2 events of type issue_removed ignored",
            "s.json: 1 events of type note ignored",
        ]

    @pytest.mark.parametrize("status", ["auditing", "failed", None])
    def test_times(self, status, caplog):
        """Requests date a finding, and the scan only once it has succeeded."""
        times = ["1794882071000", "1794882067120"]
        evidence = [{"request_response": {"request_time": time}} for time in times]
        events = [found(evidence=[*evidence, {"type": "other"}]), found(evidence=None)]
        (dated, undated), _, (coverage,) = split(read(scan(*events, scan_status=status)))
        first = datetime(2026, 11, 17, 2, 21, 7, tzinfo=UTC)
        assert (dated.first_seen, dated.last_seen) == (first, first + timedelta(seconds=4))
        assert (undated.first_seen, undated.last_seen) == (None, None)
        assert (coverage.started, coverage.ended) == (None, None)
        assert "proves nothing gone" in caplog.text
        _, _, (coverage,) = split(read(scan(*events, scan_status="succeeded")))
        assert (coverage.started, coverage.ended) == (first, first + timedelta(seconds=4))


class TestDefinitions:
    """What is said of an issue type, in words without markup."""

    def test_texts(self):
        """Background and remediation become plain text, links become references."""
        content = xml(
            issue(
                issueBackground="<p>One &amp; two</p><ul><li>three</li></ul>",
                remediationBackground="Encode &lt; it",
                remediationDetail="Here: encode",
                references='<a href="https://r.example.org/?a=1&amp;b=2">R</a>',
                vulnerabilityClassifications='<a href="/79.html">CWE-79: X</a> CAPEC-591 CWE-80',
            )
        )
        _, (definition,), _ = split(read(content))
        assert definition.description == "One & two\n\n- three"
        assert definition.solution == "Encode < it"
        assert definition.references == ("https://r.example.org/?a=1&b=2",)
        assert definition.cwes == ("CWE-79", "CWE-80")

    def test_one_per_identifier(self):
        """A later issue fills what the first left out, and adds the CVE numbers of its detail."""
        content = xml(
            issue(issueDetail="CVE-2020-11022", issueBackground="First"),
            issue(
                issueDetail="cve-2020-11023, CVE-2020-11022",
                issueBackground="Second",
                remediationDetail="Update",
            ),
        )
        _, (definition,), _ = split(read(content))
        assert definition.cves == ("CVE-2020-11022", "CVE-2020-11023")
        assert (definition.description, definition.solution) == ("First", "Update")

    def test_details_stay_out(self):
        """A detail quotes cookies and parameters: no text is made of it."""
        cookie = "sid=s3cr3t"
        for content in (
            xml(issue(f"<issueDetailItems>{cookie}</issueDetailItems>", issueDetail=cookie)),
            scan(found(description=cookie, internal_data=cookie)),
            graphql(({"name": "X"}, {"description_html": cookie, "evidence": [cookie]})),
        ):
            assert "s3cr3t" not in str(read(content))

    def test_dastardly(self):
        """Headings tell the texts of a failure; evidence may look like them and is passed over."""
        text = (
            "Severity: High\n\nIssue Detail\nq is repeated. CVE-2020-11022\n\nIssue Background\n"
            "Pages\n\n\n\nrepeat &lt;.\n\nRemediation Detail\nThis one.\n\nRemediation Background\n"
            "All.\n\nEvidence\nRequest:\nGET /\n\nResponse:\nIssue Background\nCVE-2000-1\n"
            "References\n- no (https://no.example.org)\nVulnerability Classifications\n- CWE-1: no"
            "\n\nReferences\n\n- yes (https://yes.example.org/a)\n\nVulnerability Classifications\n"
            "\n- CWE-79: X (https://cwe.example.org/79.html)\n\nReported by Dastardly: https://x"
        )
        _, (definition,), _ = split(read(junit(("https://app.example.gov/", failure(text)))))
        assert definition.description == "Pages\n\nrepeat &lt;."
        assert definition.solution == "All."
        assert definition.cves == ("CVE-2020-11022",)
        assert definition.cwes == ("CWE-79",)
        assert definition.references == ("https://yes.example.org/a",)

    @pytest.mark.parametrize(
        ("text", "solution", "cwes"),
        [
            ("Issue Remediation\nUpdate.\n", "Update.", ()),
            ("Remediation Detail\nHere.\n", "Here.", ()),
            ("Issue Remediation\nU\nEvidence\nReferences\nCWE-1", "U", ()),
            ("Vulnerability Classifications\nCWE-79", None, ("CWE-79",)),
            ("", None, ()),
        ],
    )
    def test_dastardly_sections(self, text, solution, cwes):
        """Sections may be missing."""
        _, (definition,), _ = split(read(junit(("https://app.example.gov/", failure(text)))))
        assert (definition.solution, definition.cwes) == (solution, cwes)


class TestCoverage:
    """Which sites were scanned, and when."""

    @pytest.mark.parametrize(
        ("exported", "ended"),
        [
            ("Sat Sep 13 22:39:44 CEST 2014", datetime.fromisoformat("2014-09-13T22:39:44")),
            ("Wed Jan 27 22:43:35 WIB 2021", datetime.fromisoformat("2021-01-27T22:43:35")),
            ("Mon Nov 16 20:41:07 GMT+02:00 2026", datetime.fromisoformat("2026-11-16T18:41:07Z")),
            (
                "Tue Jul 30 16:09:32 EDT 2019",
                datetime(2019, 7, 30, 16, 9, 32, tzinfo=timezone(timedelta(hours=-4))),
            ),
            ("", None),
        ],
    )
    def test_export_time(self, exported, ended):
        """A zone word of several meanings is no zone: the time is the scanner's local time."""
        _, _, (coverage,) = split(read(xml(issue(), exported=exported)))
        assert (coverage.started, coverage.ended) == (None, ended)
        assert coverage.authenticated is Authenticated.UNKNOWN

    def test_hosts(self):
        """A site has its name and the addresses beside it, of all its issues; `ip` may be empty."""
        content = xml(issue(ip=""), issue(ip="10.0.0.5"), issue(ip="10.0.0.6"))
        _, _, (coverage,) = split(read(content))
        assert (coverage.fqdns, coverage.ips) == (("app.example.gov",), ("10.0.0.5", "10.0.0.6"))
        _, _, (coverage,) = split(read(xml(issue(host="https://10.0.0.5", ip="10.0.0.5"))))
        assert (coverage.fqdns, coverage.ips) == ((), ("10.0.0.5",))

    def test_dastardly(self):
        """Every address scanned is evidence, with a failure or without; only failures are found."""
        content = junit(
            ("https://app.example.gov:443/?a=1", None),
            ("https://app.example.gov:443/a?q=1", failure() + failure(severity="Low")),
            ("http://other.example.gov:80/", None),
        )
        findings, _, coverage = split(read(content))
        assert [c.asset for c in coverage] == [
            "https://app.example.gov",
            "http://other.example.gov",
        ]
        assert [(f.location, f.native_severity) for f in findings] == [
            ("https://app.example.gov/a", "High"),
            ("https://app.example.gov/a", "Low"),
        ]

    def test_dastardly_addresses(self):
        """The message has the address; where it has none, the test suite has."""
        suite = ("https://app.example.gov/b?q=1", failure(message="Lost found at found at /b"))
        (finding,), _, _ = split(read(junit(suite)))
        assert finding.source_identifier == "Lost found at"
        assert finding.location == "https://app.example.gov/b?q"

    @pytest.mark.parametrize(
        "content", [xml(), scan(scan_status="succeeded"), '{"Issues": []}', junit()]
    )
    def test_empty(self, content):
        """An export without issues is valid, and names no site."""
        assert read(content) == []

    def test_dastardly_without_failures(self):
        """A scan that found nothing has its coverage."""
        _, _, (coverage,) = split(read(junit(("https://app.example.gov:443/a", None))))
        assert coverage.asset == "https://app.example.gov"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (xml(issue(type="")), "x, line 8: found the issue type ''. Expected a decimal number"),
        (xml(issue(type="0x00200300")), "the issue type '0x00200300'"),
        (
            xml(issue(type="134217728", name="")),
            "line 8: found an extension's issue without a name",
        ),
        (xml(issue(host="")), "line 8: found the address '/a'. Expected an address such as https"),
        (xml(issue(host="app.example.gov")), "the address 'app.example.gov/a'"),
        (xml(issue(host="http://[x")), r"the address 'http://\[x/a'"),
        (xml("<issue/>"), "line 8: found the issue type ''"),
        (xml(issue(), exported="soon"), "x, exportTime: found the time 'soon'"),
        (xml(issue())[:-20], r"line \d+, column \d+: found broken XML"),
        (xml(issue(), dtd='<!DOCTYPE issues [<!ENTITY a "b">]>'), "the declaration of an entity"),
        (scan(found(type_index=None)), "x, event 1: found the issue type ''"),
        (scan(found(type_index=8.5)), r"the issue type '8\.5'"),
        (scan(found(type_index=[1])), "the issue type ''"),
        (scan(found(), found(origin=None)), "x, event 2: found the address '/a'"),
        (scan({"issue": {}}), "event 1: found an event without a type"),
        (scan({"type": "issue_found", "issue": "x"}), "event 1: found the issue type ''"),
        (scan({"type": "issue_found", "issue": None}), "event 1: found the issue type ''"),
        (scan("x"), "found 'issue_events' that holds no objects"),
        (scan(found(evidence="x")), "event 1: found 'evidence' that holds no objects"),
        (
            scan(found(evidence=[{"request_response": {"request_time": "soon"}}])),
            "event 1: found the time 'soon'. Expected milliseconds since 1970",
        ),
        (scan(found())[:-4], r"line 1, column \d+: found broken JSON"),
        (graphql((None, {})), "x, issue 1: found an issue_type with neither type_index nor name"),
        (graphql(("x", {})), "an issue_type with neither type_index nor name nor text"),
        (graphql(({"name": None, "description_html": ""}, {})), "neither type_index nor name"),
        (graphql(({"type_index": "x", "name": "X"}, {})), "the issue type 'x'"),
        (graphql(({"name": "X"}, {"origin": None})), "x, issue 1: found the address '/a'"),
        ('{"Issues": {"issue_type": 1}, "Issues": "x"}', "found 'Issues' that holds no objects"),
        (junit(("no address", failure(message="X found at y"))), "line 1: found the address"),
        (junit(("https://h/", failure(message=""))), "found the message ''. Expected the name"),
        (junit(("https://h/", failure(message="X"))), "found the message 'X'"),
        (junit(("https://h/", failure()))[:-30], "found broken XML"),
    ],
)
def test_refused(content, said):
    """What cannot be read is refused in one sentence with its place."""
    with pytest.raises(ScanParseError, match=said) as caught:
        read(content, "x")
    assert str(caught.value).count("Expected") == 1


NAMES = st.text(
    st.characters(codec="utf-8", exclude_categories=("C",), exclude_characters="\ufffe\uffff")
)
WORDS = st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=1, max_size=8)
SEVERITIES = {
    "High": Kind.VULNERABILITY,
    "Medium": Kind.VULNERABILITY,
    "Low": Kind.VULNERABILITY,
    "Information": Kind.INFORMATIONAL,
}
ISSUES = st.fixed_dictionaries(
    {
        "type": st.integers(1, 2**27 - 1) | st.just(134217728),
        "name": NAMES.filter(str.strip),
        "serial": st.integers(1, 2**63 - 1),
        "scheme": st.sampled_from(["http", "https"]),
        "host": WORDS.map(lambda word: f"h{word}.example.gov"),
        "port": st.none() | st.integers(1, 65535).filter(lambda port: port not in (80, 443)),
        "path": st.lists(WORDS, max_size=3),
        "parameter": st.none() | WORDS,
        "severity": st.sampled_from(sorted(SEVERITIES)),
        "text": NAMES,
    }
)


@settings(deadline=None)
@given(st.lists(ISSUES, max_size=8))
def test_round_trip(issues):
    """Any issues written as Burp writes them come back as exactly those findings, in order."""
    written, expected = [], []
    for one in issues:
        asset = f"{one['scheme']}://{one['host']}" + (f":{one['port']}" if one["port"] else "")
        path, point = f"/{'/'.join(one['path'])}", one["parameter"]
        written.append(
            issue(
                host=asset.upper(),
                type=str(one["type"]),
                name=one["name"],
                serialNumber=str(one["serial"]),
                path=path + (f"?{point}={one['serial']}" if point else ""),
                location=path + (f" [{point} parameter]" if point else ""),
                severity=one["severity"],
                issueBackground=one["text"],
                issueDetail=one["text"],
            )
        )
        name = f" {' '.join(one['name'].split())}" if one["type"] == 134217728 else ""
        where = f"{asset}{path}" + (f"?{point}" if point else "")
        parameter = f", {point} parameter" if point else ""
        identifier, severity = f"{one['type']}{name}", one["severity"]
        locator = f"b: site {asset}, issue {identifier}, serial number {one['serial']}, {where}"
        expected.append(
            (identifier, asset, where, severity, SEVERITIES[severity], locator + parameter)
        )
    findings, definitions, coverage = split(read(xml(*written), "b"))
    assert [
        (f.source_identifier, f.asset, f.location, f.native_severity, f.kind, f.locator)
        for f in findings
    ] == expected
    assert {d.source_identifier for d in definitions} == {row[0] for row in expected}
    assert len(definitions) == len({row[0] for row in expected})
    assert [c.asset for c in coverage] == list(dict.fromkeys(row[1] for row in expected))
