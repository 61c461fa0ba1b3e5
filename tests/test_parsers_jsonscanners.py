"""What the parsers of StackHawk, Nuclei, Arachni and SARIF promise."""

import io
import json
import logging
import re
from collections import Counter
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from parsers import arachni_json, arachni_xml, nuclei_json, sarif_json, stackhawk_json
from parsers.export import Export
from poam.errors import ScanFormatError, ScanParseError
from poam.model import Authenticated, Finding, Kind, ScanCoverage
from poam.policy import load_policy
from tests.conftest import SAMPLE_SCANS
from tests.mutations import spoiled_json, spoiled_xml
from tests.parsers_support import counts, expected_severities, known, read, sample, split

SENTENCE = r"scan(, [^\n]*)?: found [^\n]+\. Expected [^\n]+\."
SITE = "https://app.example.gov"


def told(content):
    """Return the sentence with which an export is refused."""
    with pytest.raises(ScanParseError) as refused:
        read(content if isinstance(content, (str, bytes)) else json.dumps(content), "scan.json")
    return str(refused.value)


# --- All of them ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "expected", known("arachni_json", "nuclei_json", "sarif_json", "stackhawk_json")
)
def test_counts_of_samples(expected):
    """Findings, identifiers and severities equal an independent count.

    StackHawk's are counted by finding, of which each has paths; a SARIF level that a result does
    not give is that of its rule, or warning, which expected.csv leaves open.
    """
    records = read(sample(expected["path"]))
    found = counts(records)
    assert found.identifiers == int(expected["unique_ids"])
    severities = expected_severities(expected)
    if expected["format"] == "stackhawk_json":
        assert found.findings == expected["paths"]
        findings, _, _ = split(records)
        assert Counter(f.status for f in findings) == expected["path_status"]
        kinds = {(re.search(r"issue (\d+)", f.locator)[1], f.native_severity) for f in findings}
        assert len(kinds) == int(expected["findings_total"])
        assert Counter(severity.lower() for _, severity in kinds) == severities
        return
    if unmapped := int(expected["unmapped_severity"]):
        severities["medium"] = severities.get("medium", 0) + unmapped
    assert found.findings == int(expected["findings_total"])
    assert found.severities == severities


# Nuclei's `host` is the target, which the independent count takes as it stands. A match on a port
# (`host:22`) of a target that is given as an address is on a host, an asset of its own beside the
# site; and secureCodeBox's example was sent on to another site.
MORE_ASSETS = {"many_findings": 1, "many_findings_new": 1, "example-com-test": 1}


@pytest.mark.parametrize("expected", known("arachni_json", "nuclei_json", "stackhawk_json"))
def test_hosts_of_samples(expected):
    """Each host that is named is covered, and no other."""
    _, _, coverage = split(read(sample(expected["path"])))
    name = re.sub(r".*__(nuclei_)?|\.\w+$", "", expected["path"])
    assert len({c.asset for c in coverage}) == int(expected["hosts"]) + MORE_ASSETS.get(name, 0)


def test_values_of_samples():
    """Scores, CVEs, CWEs, first seen and suppressions are those of the samples."""
    path = "nuclei/DefectDojo+django-DefectDojo__nuclei_many_findings_new.json"
    openssh = split(read(sample(path)))[1][0]
    assert (openssh.cvss3_base, openssh.cwes) == (5.3, ("CWE-362",))
    path = "sarif/DefectDojo+django-DefectDojo__dependency_check.sarif"
    jquery = {d.source_identifier: d for d in split(read(sample(path)))[1]}["CVE-2020-11023"]
    assert (jquery.cvss3_base, jquery.cvss2_base, jquery.cves) == (6.1, 4.3, ("CVE-2020-11023",))
    path = "sarif/DefectDojo+django-DefectDojo__appendix_k.sarif"
    (finding,), _, _ = split(read(sample(path)))
    assert finding.asset == "//build.example.com/work/src/collections/list.h"
    assert finding.status == "suppressed (external accepted)"
    assert finding.first_seen == datetime(2016, 7, 15, 14, 20, 42, tzinfo=UTC)


PARSERS = (arachni_json, arachni_xml, nuclei_json, sarif_json, stackhawk_json)
SCANS = [
    pytest.param(parser, path, id=f"{parser.NAME}/{path.name}")
    for parser in PARSERS
    for path in sorted((SAMPLE_SCANS / parser.NAME).iterdir())
]


@pytest.mark.parametrize(("parser", "path"), SCANS)
@given(data=st.data())
@settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
def test_wrong_types(parser, path, data):
    """What is of another type than it should be is read or refused, and no finding is homeless."""
    spoiled = spoiled_xml if parser is arachni_xml else spoiled_json
    content = data.draw(spoiled(path.read_bytes()))
    try:
        records = list(parser.records(Export(io.BytesIO(content), "scan")))
    except ScanParseError as e:
        assert re.fullmatch(SENTENCE, str(e))  # noqa: PT017
        return
    assets = {record.asset for record in records if isinstance(record, ScanCoverage)}
    assert {record.asset for record in records if isinstance(record, Finding)} <= assets


@pytest.mark.parametrize(("parser", "path"), SCANS)
def test_encodings(parser, path):
    """Byte order marks, UTF-16 and line ends change nothing."""
    content = path.read_text("utf-8").replace('encoding="UTF-8"', "")
    plain = read(content)
    assert parser.recognises(content.encode("utf-16")[:2048])
    for encoding in ("utf-8-sig", "utf-16"):
        assert read(content.replace("\n", "\r\n").encode(encoding)) == plain


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"runs": 1}', '{"templateID": "x"}', "\n"])
def test_unclaimed(content):
    """An empty file, or JSON of somebody else, is claimed by none."""
    with pytest.raises(ScanFormatError, match="no parser claims it"):
        read(content)


# --- StackHawk -----------------------------------------------------------------------------


def stackhawk(*findings, **scan):
    """Return StackHawk's message of a scan."""
    given = {"application": "App", "env": "Test", "status": "COMPLETED"}
    given["startedTimestamp"] = "2026-11-16T14:02:11.120Z"
    report = {"scan": {**given, **scan}, "findings": list(findings)}
    return json.dumps({"service": "StackHawk", "scanCompleted": report})


def hawk(*paths, **fields):
    """Return one of its findings."""
    given = {"pluginId": "40012", "pluginName": "XSS", "severity": "High", "host": f"{SITE}:443"}
    return {**given, "paths": list(paths), **fields}


class TestStackHawk:
    """StackHawk's message of a completed scan."""

    def test_paths(self):
        """Each path is a finding with a status of its own; what somebody marked stays."""
        statuses = ("NEW", "FALSE_POSITIVE", "RISK_ACCEPTED")
        paths = [{"path": f"/{s}?x=1", "method": "GET", "status": s} for s in statuses]
        findings, (definition,), (coverage,) = split(read(stackhawk(hawk(*paths)), "hawk.json"))
        assert [f.status for f in findings] == list(statuses)
        assert all(f.present and f.native_severity == "High" for f in findings)
        assert findings[0].locator == (f"hawk.json: site {SITE}, issue 1 (40012), GET {SITE}/NEW?x")
        assert (definition.name, definition.native_severity) == ("XSS", None)
        assert (coverage.asset, coverage.started) == (
            SITE,
            datetime(2026, 11, 16, 14, 2, 11, 120000, tzinfo=UTC),
        )

    def test_no_path(self):
        """A finding without paths is one of the site; an empty path is its first page."""
        findings, _, _ = split(read(stackhawk(hawk(), hawk({"path": ""}))))
        assert [f.location for f in findings] == [f"{SITE}/"] * 2

    def test_same_plugin_twice(self):
        """One plugin on two hosts, or with two severities, is not folded."""
        other = hawk({"path": "/"}, host="https://api.example.gov", severity="Low")
        findings, definitions, coverage = split(read(stackhawk(hawk({"path": "/"}), other)))
        assert [f.native_severity for f in findings] == ["High", "Low"]
        assert (len(definitions), len(coverage)) == (1, 2)

    def test_empty(self):
        """A scan without findings names its application alone, with the environment."""
        findings, _, (coverage,) = split(read(stackhawk()))
        assert (findings, coverage.asset) == ([], "App (Test)")

    def test_unfinished(self, caplog):
        """A scan that did not complete has no day, and so proves no absence."""
        _, _, (coverage,) = split(read(stackhawk(hawk(), status="ERROR")))
        assert coverage.started is None
        assert "with the status ERROR" in caplog.text

    def test_refused(self):
        """The sentences for what is missing."""
        assert told(stackhawk(hawk(pluginId=None))) == (
            "scan.json, finding 1: found no pluginId. Expected one such as 10038."
        )
        assert "finding 1: found the host 'localhost'" in told(stackhawk(hawk(host="localhost")))
        assert "found the time 'soon'" in told(stackhawk(startedTimestamp="soon"))
        assert "no 'scan' or no 'findings'" in told({"service": "x", "scanCompleted": {}})


# --- Nuclei --------------------------------------------------------------------------------


def nuclei(**fields):
    """Return one result of version 3."""
    info = {"name": "Name", "severity": "low", **fields.pop("info", {})}
    given = {"template-id": "t-1", "info": info, "type": "http", "host": SITE}
    given["matched-at"] = f"{SITE}/a?b=1"
    given["timestamp"] = "2026-11-16T09:11:04.373496332-05:00"
    return {key: value for key, value in {**given, **fields}.items() if value is not None}


def lines(*results):
    """Return results as JSON Lines."""
    return "\n".join(json.dumps(result) for result in results) + "\n"


class TestNuclei:
    """Nuclei's results."""

    def test_lines_or_list(self):
        """JSON Lines, one array and blank lines between say the same."""
        results = [nuclei(), nuclei(**{"template-id": "t-2"})]
        assert read(lines(*results)) == read(json.dumps(results))
        assert read("\n\n".join(map(json.dumps, results))) == read(lines(*results))

    def test_version_2(self):
        """Version 2 spells its keys otherwise, and writes references as one text."""
        old = {"templateID": "t-1", "matched": f"{SITE}/a", "host": SITE, "matcher_name": "m"}
        old["info"] = {"severity": "low", "reference": "- https://a\n- https://b\n"}
        (finding,), (definition,), _ = split(read(lines(old), "n.json"))
        assert finding.locator == f"n.json: object 1, template t-1, {SITE}/a, matcher m"
        assert definition.references == ("https://a", "https://b")
        assert finding.last_seen is None

    def test_every_match(self):
        """One template matches several times: no match is folded, its matcher is named."""
        results = [nuclei(**{"matcher-name": m}) for m in ("a", "b", "b")]
        findings, definitions, _ = split(read(lines(*results)))
        assert [f.locator.rpartition(", ")[2] for f in findings] == [f"matcher {m}" for m in "abb"]
        assert len(definitions) == 1
        (finding,), _, _ = split(read(lines(nuclei(**{"extractor-name": "e"}))))
        assert finding.locator.endswith(", extractor e")

    @pytest.mark.parametrize("severity", ["critical", "high", "medium", "low", "info", "unknown"])
    def test_severity(self, severity):
        """The code stays as written; `unknown` is no rating and in no table."""
        (finding,), _, _ = split(read(lines(nuclei(info={"severity": severity}))))
        assert finding.native_severity == severity
        informational = severity == "info"
        assert (finding.kind is Kind.INFORMATIONAL) is informational
        codes = load_policy().scanner("Nuclei").severity.codes
        assert (severity in codes) is (severity != "unknown")

    def test_definition(self):
        """Every CVE, the vector's version tells the score's, impact and remediation are kept."""
        stated = {"cve-id": ["cve-2021-44228", "CVE-2021-45046"], "cwe-id": ["cwe-20", "CWE-917"]}
        stated |= {"cvss-metrics": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H", "cvss-score": 10}
        info = {"description": "d\n", "impact": "i", "remediation": "r", "classification": stated}
        result = nuclei(**{"template-id": "CVE-2021-44228", "info": info})
        _, (definition,), _ = split(read(lines(result)))
        assert definition.cves == ("CVE-2021-44228", "CVE-2021-45046")
        assert definition.cwes == ("CWE-20", "CWE-917")
        assert (definition.cvss3_base, definition.cvss2_base) == (10.0, None)
        assert (definition.description, definition.solution) == ("d\n\ni", "r")

    @pytest.mark.parametrize(
        ("vector", "scores"),
        [
            ("", (None, None, None)),
            ("CVSS:4.0/AV:N/AC:L", (None, None, 0.0)),
            ("CVSS:3.0/AV:N/AC:L", (None, 0.0, None)),
            ("AV:N/AC:L/Au:N/C:N/I:N/A:N", (0.0, None, None)),
        ],
    )
    def test_score_version(self, vector, scores):
        """0.0 is a score; without a vector nobody knows of which version."""
        info = {"classification": {"cvss-metrics": vector, "cvss-score": 0.0}}
        _, (one,), _ = split(read(lines(nuclei(info=info))))
        assert (one.cvss2_base, one.cvss3_base, one.cvss4_base) == scores

    @pytest.mark.parametrize(
        ("fields", "asset", "port", "location"),
        [
            ({}, SITE, None, f"{SITE}/a?b"),
            ({"matched-at": None}, SITE, None, f"{SITE}/"),
            ({"matched-at": "App.example.gov:22", "host": SITE}, "app.example.gov", 22, None),
            ({"matched-at": "10.0.0.5", "host": "10.0.0.5", "port": "53"}, "10.0.0.5", 53, None),
            ({"matched-at": "[2001:db8::1]:22", "host": "x"}, "2001:db8::1", 22, None),
            ({"matched-at": "2001:db8::1", "host": "x"}, "2001:db8::1", None, None),
            ({"matched-at": "example.gov", "type": "dns"}, "example.gov", None, None),
            ({"matched-at": "/srv/App.ini", "type": "file"}, "/srv/App.ini", None, None),
            ({"host": "app.example.gov", "url": SITE}, SITE, None, f"{SITE}/a?b"),
        ],
    )
    def test_assets(self, fields, asset, port, location):
        """A web match is on a site, any other on a host with its port."""
        (finding,), _, coverage = split(read(lines(nuclei(**fields))))
        assert (finding.asset, finding.port, finding.location) == (asset, port, location)
        assert asset in {c.asset for c in coverage}

    def test_addresses(self):
        """An address names a host where it is of one alone; a site's may be a proxy's."""
        results = [
            nuclei(ip="10.0.0.9"),
            nuclei(**{"matched-at": "a.gov:22", "host": "a.gov", "ip": "10.0.0.5"}),
            nuclei(**{"matched-at": "b.gov:22", "host": "b.gov", "ip": "10.0.0.6"}),
            nuclei(**{"matched-at": "c.gov:22", "host": "c.gov", "ip": "10.0.0.6"}),
            nuclei(**{"matched-at": "d.gov:22", "host": "d.gov", "ip": "10.10.10.10."}),
        ]
        _, _, coverage = split(read(lines(*results)))
        ips = {c.asset: c.ips for c in coverage}
        assert ips == {SITE: (), "a.gov": ("10.0.0.5",), "b.gov": (), "c.gov": (), "d.gov": ()}

    def test_last_result(self):
        """A target's scan ended with its last result, whatever zone it is written in."""
        times = ["2026-11-16T12:00:00Z", "2026-11-16T09:00:00-05:00", "2026-11-16T13:00:00"]
        _, _, (coverage,) = split(read(lines(*(nuclei(timestamp=time) for time in times))))
        assert coverage.ended == datetime.fromisoformat(times[1])

    def test_matcher_status(self, caplog):
        """What did not match is verified gone; a template that failed says nothing."""
        missed = nuclei(**{"matcher-status": False, "matched-at": None})
        failed = nuclei(**{"matcher-status": False, "error": "timeout", "host": "https://b.gov"})
        found = nuclei(error="cut off")
        findings, _, coverage = split(read(lines(found, missed, failed)))
        assert [f.present for f in findings] == [True, False]
        assert [c.asset for c in coverage] == [SITE]
        assert "1 results are errors" in caplog.text

    def test_refused(self):
        """The sentences for what is missing or cannot be read, with the object's number."""
        gone = {"template-id": "", "templateID": ""}
        assert told(lines(nuclei(), nuclei(**gone))) == (
            "scan.json, object 2: found no template-id. Expected one such as CVE-2021-44228."
        )
        assert "object 1: found no host" in told(lines(nuclei(**{"host": "", "matched-at": ""})))
        assert "found the time '5'" in told(lines(nuclei(timestamp=5)))
        stated = {"cvss-score": "98"}
        assert "found the score '98'" in told(lines(nuclei(info={"classification": stated})))
        assert "object 2, about line 2: found broken JSON" in told(lines(nuclei()) + '{"x')


# --- Arachni -------------------------------------------------------------------------------


def arachni(*issues, **fields):
    """Return an Arachni report in JSON."""
    report = {"version": "1.5.1", "seed": "s", "options": {"scope": {"x": 1}, "audit": {"x": 1}}}
    report["start_datetime"] = "2021-03-17 19:37:24 +0100"
    report["finish_datetime"] = "2021-03-17 19:41:46 +0100"
    return json.dumps({**report, "sitemap": {f"{SITE}/": 200}, "issues": list(issues), **fields})


def issue(**fields):
    """Return one of its issues."""
    given = {"name": "XSS", "severity": "high", "check": {"name": "X", "shortname": "xss"}}
    given["vector"] = {"action": f"{SITE}/search?q=1", "url": SITE, "affected_input_name": "q"}
    return {**given, "request": {"method": "post"}, **fields}


def arachni_1(body):
    """Return a report in the XML of version 1."""
    schema = "https://raw.githubusercontent.com/Arachni/arachni/v1.5.1/schema.xsd"
    return f'<report xmlns:x="x" x:noNamespaceSchemaLocation="{schema}">{body}</report>'


class TestArachni:
    """Arachni's reports, in JSON and in XML."""

    def test_finding(self):
        """An issue is where the input goes, not where the form stands."""
        (finding,), (definition,), (coverage,) = split(read(arachni(issue(cwe=79)), "a.json"))
        assert finding.location == f"{SITE}/search?q"
        assert finding.locator == (
            f"a.json: site {SITE}, issue 1 (xss), POST {SITE}/search?q, parameter q"
        )
        assert (finding.native_severity, definition.cwes) == ("high", ("CWE-79",))
        assert coverage.started == datetime.fromisoformat("2021-03-17T19:37:24+01:00")
        assert coverage.authenticated is Authenticated.UNKNOWN

    def test_page_without_action(self):
        """A vector that takes no input is a page; an action may be no address."""
        vectors = [{"url": f"{SITE}/a"}, {"action": "javascript:go()", "url": f"{SITE}/b"}]
        findings, _, _ = split(read(arachni(*(issue(vector=v) for v in vectors))))
        assert [f.location for f in findings] == [f"{SITE}/a", f"{SITE}/b"]

    def test_same_check_twice(self):
        """Issues of one check are one definition and a finding each, informational ones too."""
        content = arachni(issue(), issue(), issue(severity="informational"))
        findings, definitions, _ = split(read(content))
        assert [f.kind for f in findings] == [Kind.VULNERABILITY] * 2 + [Kind.INFORMATIONAL]
        assert len(definitions) == 1

    def test_empty(self, caplog):
        """Every site of the sitemap was scanned; a target that was not reached is on none."""
        _, _, coverage = split(read(arachni(sitemap={f"{SITE}/": 200, "https://b.gov/x": 302})))
        assert [c.asset for c in coverage] == [SITE, "https://b.gov"]
        assert read(arachni(sitemap={})) == []
        assert "nothing was scanned" in caplog.text

    @pytest.mark.parametrize(
        ("plugin", "status", "authenticated"),
        [
            ("autologin", "ok", Authenticated.YES),
            ("login_script", "success", Authenticated.YES),
            ("autologin", "form_not_found", Authenticated.UNKNOWN),
            ("healthmap", "ok", Authenticated.UNKNOWN),
        ],
    )
    def test_login(self, plugin, status, authenticated):
        """The plugins that log in say when it worked, in both formats."""
        results = {plugin: {"results": {"status": status}}}
        _, _, (coverage,) = split(read(arachni(plugins=results)))
        assert coverage.authenticated is authenticated
        xml = f"<{plugin}><results><status>{status}</status></results></{plugin}>"
        entry = f'<sitemap><entry url="{SITE}/"/></sitemap>'
        _, _, (coverage,) = split(read(arachni_1(f"{entry}<plugins>{xml}</plugins>")))
        assert coverage.authenticated is authenticated

    def test_xml(self):
        """The XML of version 1 says what its JSON does; issues in plugins are none."""
        content = arachni_1(
            f"<start_datetime>2021-03-17T19:37:24+01:00</start_datetime><issues><issue>"
            f"<name>XSS</name><severity>high</severity><check><shortname>xss</shortname></check>"
            f"<cwe>79</cwe><vector><url>{SITE}</url><action>{SITE}/search?q=1</action>"
            f"<affected_input_name>q</affected_input_name></vector>"
            f"<request><method>post</method></request>"
            f'<references><reference title="A" url="https://a"/></references></issue></issues>'
            f"<plugins><x><issue/></x></plugins>"
        )
        both = arachni(issue(cwe=79, references={"A": "https://a"}), finish_datetime=None)
        assert read(content, "a") == read(both, "a")

    def test_xml_before_1(self):
        """The XML before 1.0 has flat issues, written dates, CVSS v2 and capitals."""
        content = (
            "<arachni_report><system><start_datetime>Sat Feb 12 14:04:20 2011</start_datetime>"
            f"<url>{SITE}/</url></system><issues><issue><name>SQL</name><url>{SITE}/?id=7</url>"
            "<var>id</var><method>GET</method><internal_modname>sqli</internal_modname>"
            "<severity>High</severity><cvssv2>9.0</cvssv2><variations><variation>"
            "<url>https://x</url></variation></variations></issue></issues></arachni_report>"
        )
        (finding,), (definition,), (coverage,) = split(read(content, "a"))
        assert finding.locator == f"a: site {SITE}, issue 1 (sqli), GET {SITE}/?id, parameter id"
        assert (definition.cvss2_base, finding.native_severity) == (9.0, "High")
        assert coverage.started == datetime.fromisoformat("2011-02-12T14:04:20")

    def test_report_of_others(self):
        """A `report` without Arachni's schema is somebody else's."""
        with pytest.raises(ScanFormatError, match="root element report"):
            read("<report><issues/></report>")

    def test_refused(self):
        """The sentences for what is missing or cannot be read."""
        assert told(arachni(issue(vector={"url": "x"}))) == (
            "scan.json, issue 1: found no address in its vector. "
            "Expected an address such as https://app.example.gov/search."
        )
        assert "issue 1: found no name of a check" in told(arachni(issue(check={})))
        assert "finish_datetime: found the time 'x'" in told(arachni(finish_datetime="x"))
        assert "found 'issues' that holds no objects" in told(arachni(issues=[1]))
        assert "broken XML" in told("<arachni_report><issues>")


# --- SARIF ---------------------------------------------------------------------------------


def sarif(*results, rules=(), **fields):
    """Return a log of one run."""
    run = {"tool": {"driver": {"name": "Tool", "rules": list(rules)}}, "results": list(results)}
    return json.dumps({"version": "2.1.0", "runs": [{**run, **fields}]})


def at(uri, line=None, **artifact):
    """Return a location."""
    region = {"startLine": line} if line else {}
    return {"physicalLocation": {"artifactLocation": {"uri": uri, **artifact}, "region": region}}


def result(**fields):
    """Return a result."""
    given = {"ruleId": "R1", "message": {"text": "Message"}, "locations": [at(f"{SITE}/a?b=1")]}
    return {**given, **fields}


def only(content):
    """Return the one finding of a log."""
    (finding,), _, _ = split(read(content, "s.sarif"))
    return finding


class TestSarif:
    """SARIF, whichever tool wrote it."""

    def test_each_tool_is_a_detector(self):
        """Runs of two tools are of two detectors, which one mapping knows."""
        runs = [json.loads(sarif(result()))["runs"][0] for _ in range(2)]
        runs[1]["tool"]["driver"]["name"] = "Other"
        findings, _, _ = split(read(json.dumps({"version": "2.1.0", "runs": runs})))
        assert [f.detector for f in findings] == ["Tool (SARIF)", "Other (SARIF)"]
        assert load_policy().scanner("Other (SARIF)").detector == "SARIF"

    @pytest.mark.parametrize("runs", [[], None])
    def test_no_runs(self, runs):
        """A log without runs is valid, and empty."""
        assert read(json.dumps({"version": "2.1.0", "runs": runs})) == []

    def test_schema_alone(self):
        """The version may come after the runs."""
        log = {"$schema": "https://x/sarif-2.1.0.json", "runs": [], "version": "2.1.0"}
        assert sarif_json.recognises(json.dumps(log)[:60].encode())

    @pytest.mark.parametrize(
        ("fields", "rule", "severity", "kind"),
        [
            ({"level": "error"}, {}, "error", Kind.VULNERABILITY),
            ({}, {}, "warning", Kind.VULNERABILITY),
            ({}, {"defaultConfiguration": {"level": "note"}}, "note", Kind.VULNERABILITY),
            ({}, {"defaultConfiguration": {"level": "none"}}, "none", Kind.INFORMATIONAL),
            ({"level": "none"}, {}, "none", Kind.INFORMATIONAL),
            ({"kind": "informational"}, {}, "none", Kind.INFORMATIONAL),
            ({"kind": "notApplicable", "level": "note"}, {}, "none", Kind.INFORMATIONAL),
            ({"kind": "review"}, {}, "review", Kind.VULNERABILITY),
            ({"kind": "open", "level": "none"}, {}, "open", Kind.VULNERABILITY),
            ({"level": "fatal"}, {}, "fatal", Kind.VULNERABILITY),
        ],
    )
    def test_severity(self, fields, rule, severity, kind):
        """The level is the result's, its rule's or warning; what nobody judged has none."""
        finding = only(sarif(result(**fields), rules=[{"id": "R1", **rule}]))
        assert (finding.native_severity, finding.kind) == (severity, kind)
        known_codes = load_policy().scanner("Tool (SARIF)").severity.codes
        assert (severity in known_codes) is (severity not in ("review", "open", "fatal"))

    @pytest.mark.parametrize(
        ("number", "severity"),
        [
            ("10.0", "security-severity critical"),
            ("9.0", "security-severity critical"),
            ("8.9", "security-severity high"),
            ("7", "security-severity high"),
            ("6.9", "security-severity medium"),
            ("4.0", "security-severity medium"),
            (3.9, "security-severity low"),
            ("0.1", "security-severity low"),
            ("0.05", "note"),
            ("0.0", "note"),
            ("", "note"),
            ("11", "security-severity 11"),
            ("HIGH", "security-severity HIGH"),
        ],
    )
    def test_security_severity(self, number, severity):
        """The tool's own number says more than the level; it is no CVSS score."""
        rule = {"id": "R1", "properties": {"security-severity": number}}
        content = sarif(result(level="note"), rules=[rule])
        (finding,), (definition,), _ = split(read(content))
        assert finding.native_severity == severity
        assert definition.cvss3_base is None

    def test_security_severity_of_result(self):
        """A result's own number comes before its rule's; a level of none is none."""
        rule = {"id": "R1", "properties": {"security-severity": "1.0"}}
        own = {"properties": {"security-severity": "9.8"}}
        content = sarif(result(**own), result(level="none", **own), rules=[rule])
        findings, _, _ = split(read(content))
        assert [f.native_severity for f in findings] == ["security-severity critical", "none"]

    def test_cvss(self):
        """With a vector the number is its score; scores by name are scores."""
        properties = {"security-severity": "9.8", "cvssV3_vector": "CVSS:3.1/AV:N/AC:L"}
        _, (one,), _ = split(read(sarif(result(), rules=[{"id": "R1", "properties": properties}])))
        assert (one.cvss3_base, one.cvss3_vector) == (9.8, "CVSS:3.1/AV:N/AC:L")
        named = {"cvssv3_baseScore": 6.1, "cvssv2_score": "4.3"}
        _, (one,), _ = split(read(sarif(result(properties=named))))
        assert (one.cvss3_base, one.cvss2_base) == (6.1, 4.3)

    def test_level_set_for_the_run(self):
        """An invocation may set the level of a rule for the results it is said to have made."""
        override = {"descriptor": {"index": 0}, "configuration": {"level": "error"}}
        content = sarif(
            result(provenance={"invocationIndex": 0}),
            result(),
            rules=[{"id": "R1", "defaultConfiguration": {"level": "note"}}],
            invocations=[{"ruleConfigurationOverrides": [override]}],
        )
        findings, _, _ = split(read(content))
        assert [f.native_severity for f in findings] == ["error", "note"]

    @pytest.mark.parametrize(
        ("fields", "present", "status"),
        [
            ({}, True, None),
            ({"kind": "pass"}, False, None),
            ({"baselineState": "absent"}, False, "absent"),
            ({"baselineState": "new"}, True, "new"),
            ({"suppressions": []}, True, None),
            ({"suppressions": [{"kind": "external"}]}, True, "suppressed (external)"),
            (
                {"suppressions": [{"kind": "external", "state": "rejected"}, {"kind": "inSource"}]},
                *(True, "suppressed (external rejected, inSource)"),
            ),
        ],
    )
    def test_status(self, fields, present, status):
        """What somebody suppressed stays; what passed or is absent is gone."""
        finding = only(sarif(result(**fields)))
        assert (finding.present, finding.status) == (present, status)
        assert finding.kind is Kind.VULNERABILITY

    @pytest.mark.parametrize(
        ("location", "asset", "page"),
        [
            (at(f"{SITE}:443/a?b=1#c"), SITE, f"{SITE}/a?b"),
            (at("HTTPS://App.example.gov/A"), SITE, f"{SITE}/A"),
            (at("a/b", uriBaseId="PAGE"), SITE, f"{SITE}/x/a/b"),
            (at("/a", uriBaseId="PAGE"), SITE, f"{SITE}/a"),
            (at(None, index=0), SITE, f"{SITE}/x/of-artifact"),
            (at("file:///C:/code/a%20b.c"), "C:/code/a b.c", None),
            (at("file:////srv/a.js"), "/srv/a.js", None),
            (at("file:/srv/a.js"), "/srv/a.js", None),
            (at("file://build.example.gov/a.c"), "//build.example.gov/a.c", None),
            (at("src/a.c", uriBaseId="%SRCROOT%"), "src/a.c", None),
            (at("a.c", uriBaseId="LOOP"), "l/m/l/a.c", None),
            (at("a.c", uriBaseId="BAD"), "a.c", None),
            ({"logicalLocations": [{"fullyQualifiedName": "ns::f"}]}, "ns::f", None),
            ({"logicalLocations": [{"name": SITE}]}, SITE, f"{SITE}/"),
        ],
    )
    def test_locations(self, location, asset, page):
        """Relative addresses are resolved; a site is an asset with pages, a file one without."""
        bases = {
            "SITE": {"uri": SITE},
            "PAGE": {"uri": " x ", "uriBaseId": "SITE"},
            "LOOP": {"uri": "l/", "uriBaseId": "POOL"},
            "POOL": {"uri": "l/m/", "uriBaseId": "LOOP"},
            "BAD": {"uri": "http://[x"},
        }
        artifacts = [{"location": {"uri": "of-artifact", "uriBaseId": "PAGE"}}]
        content = sarif(result(locations=[location]), originalUriBaseIds=bases, artifacts=artifacts)
        (finding,), _, (coverage,) = split(read(content))
        assert (finding.asset, finding.location) == (asset, page)
        assert coverage.asset == asset
        assert bool(coverage.fqdns) is (page is not None)

    def test_several_locations(self):
        """A result at two lines of a file is two findings; one at none is where it was looked."""
        content = sarif(
            result(locations=[at("a.c", 3), at("a.c", 9)]),
            result(locations=[], analysisTarget={"uri": "b.c"}),
        )
        findings, _, coverage = split(read(content, "s"))
        assert [f.locator for f in findings] == [
            "s: run 1, result 1, rule R1, a.c, line 3",
            "s: run 1, result 1, rule R1, a.c, line 9",
            "s: run 1, result 2, rule R1, b.c",
        ]
        assert [c.asset for c in coverage] == ["a.c", "b.c"]

    @pytest.mark.parametrize(
        ("fields", "identifier", "name"),
        [
            ({"ruleId": "R1"}, "R1", "One"),
            ({"ruleId": "R1/2"}, "R1/2", "One"),
            ({"ruleId": "R10"}, "R10", None),
            ({"ruleId": None, "ruleIndex": 1}, "R2", "Two"),
            ({"ruleId": None, "rule": {"index": 0}}, "R1", "One"),
            ({"ruleId": "E1"}, "E1", "Three"),
            ({"ruleId": None, "rule": {"index": 0, "toolComponent": {"index": 0}}}, "E1", "Three"),
            ({"ruleId": "R2", "ruleIndex": 99}, "R2", "Two"),
            ({"ruleId": "R2", "ruleIndex": 2}, "R2", "Another two"),
        ],
    )
    def test_rules(self, fields, identifier, name):
        """A rule is found by its identifier or its index, in the driver or an extension."""
        names = (("R1", "One"), ("R2", "Two"), ("R2", "Another two"))
        rules = [{"id": rule, "shortDescription": {"text": text}} for rule, text in names]
        extension = {"name": "E", "rules": [{"id": "E1", "name": "Three"}]}
        driver = {"name": "Tool", "rules": rules}
        content = sarif(result(**fields), tool={"driver": driver, "extensions": [extension]})
        (finding,), (definition,), _ = split(read(content))
        assert finding.source_identifier == definition.source_identifier == identifier
        assert definition.name == name

    def test_definition(self):
        """Texts, CWEs from taxa, tags and properties, CVEs, references."""
        target = {"id": "79", "toolComponent": {"name": "CWE"}}
        rule = {
            "id": "CVE-2020-11023",
            "shortDescription": {"text": "Short"},
            "fullDescription": {"text": "Full"},
            "help": {"text": "Guide"},
            "helpUri": "https://help",
            "relationships": [{"target": target}],
            "properties": {
                "tags": ["external/cwe/cwe-020", "security"],
                "cwe": "CWE-352",
                "solution": {"text": "Mend it."},
                "references": ["https://a"],
            },
        }
        taxa = [{"id": "89", "toolComponent": {"index": 0}}, {"id": "7", "toolComponent": {}}]
        content = sarif(
            result(ruleId="CVE-2020-11023", taxa=taxa), rules=[rule], taxonomies=[{"name": "CWE"}]
        )
        _, (one,), _ = split(read(content))
        assert (one.name, one.description, one.solution) == ("Short", "Full\n\nGuide", "Mend it.")
        assert one.cwes == ("CWE-79", "CWE-89", "CWE-20", "CWE-352")
        assert (one.cves, one.references) == (("CVE-2020-11023",), ("https://help", "https://a"))
        _, (one,), _ = split(read(sarif(result())))
        assert (one.name, one.description) == (None, "Message")

    def test_dates(self):
        """The run's times are in UTC; a result may have a first detection of its own."""
        invocations = [
            {"startTimeUtc": "2026-11-16T10:00:00", "endTimeUtc": "2026-11-16T10:05:00Z"},
            {"startTimeUtc": "2026-11-16T09:00:00Z", "endTimeUtc": "2026-11-16T09:30:00.5Z"},
        ]
        provenance = {"firstDetectionTimeUtc": "2026-10-01T00:00:00Z"}
        content = sarif(result(provenance=provenance), invocations=invocations)
        (finding,), _, (coverage,) = split(read(content))
        assert (coverage.started, coverage.ended) == (
            datetime(2026, 11, 16, 9, tzinfo=UTC),
            datetime(2026, 11, 16, 10, 5, tzinfo=UTC),
        )
        assert (finding.first_seen, finding.last_seen) == (
            datetime(2026, 10, 1, tzinfo=UTC),
            coverage.ended,
        )

    @pytest.mark.parametrize(
        "fields", [{"results": None}, {"invocations": [{"executionSuccessful": False}]}]
    )
    def test_failed_run(self, fields, caplog):
        """A run that failed, or has no results at all, proves no absence: it has no day."""
        times = {"endTimeUtc": "2026-11-16T10:05:00Z"}
        invocations = [{**times, **one} for one in fields.pop("invocations", [{}])]
        roles = [{"location": {"uri": SITE}, "roles": ["analysisTarget"]}]
        content = sarif(invocations=invocations, artifacts=roles, **fields)
        _, _, (coverage,) = split(read(content))
        assert (coverage.asset, coverage.ended) == (SITE, None)
        assert "run 1 failed" in caplog.text

    def test_empty(self, caplog):
        """A run without results covers what it says it analysed, not every file it lists."""
        caplog.set_level(logging.INFO)
        artifacts = [
            {"location": {"uri": f"{SITE}/"}, "roles": ["analysisTarget"]},
            {"location": {"uri": "https://fonts.example.net/a"}},
        ]
        _, _, (coverage,) = split(read(sarif(artifacts=artifacts)))
        assert coverage.asset == SITE
        assert read(sarif()) == []
        assert "does not say what was scanned" in caplog.text

    def test_refused(self):
        """The sentences for what is missing, or kept elsewhere."""
        assert told(sarif(result(ruleId=None))) == (
            "scan.json, run 1, result 1: found no ruleId. Expected the identifier of a rule."
        )
        assert "result 1: found no location" in told(sarif(result(locations=[])))
        assert "found SARIF version '1.0.0'" in told({"version": "1.0.0", "runs": []})
        assert "found no name of the tool" in told(sarif(tool={}))
        elsewhere = {"results": [{"location": {"uri": "x.sarif-external-properties"}}]}
        assert "results kept apart" in told(sarif(externalPropertyFileReferences=elsewhere))
        assert "found 'results' that holds no objects" in told(sarif(results=["x"]))
        assert "found the score '61'" in told(sarif(result(properties={"cvssv2_score": 61})))
