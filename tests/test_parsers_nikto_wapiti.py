"""What the parsers of Nikto and Wapiti promise."""

import json
from datetime import datetime

import pytest

from parsers.registry import identify
from poam.errors import ScanFormatError, ScanParseError
from poam.model import Authenticated, Kind
from poam.policy import load_policy
from tests.parsers_support import counts, expected_severities, known, read, sample, split


@pytest.mark.parametrize("row", known("nikto_json", "nikto_xml"))
def test_counts_of_nikto_samples(row):
    """Findings and identifiers equal an independent count; none has a rating."""
    findings, definitions, coverage = split(read(sample(row["path"])))
    assert len(findings) == int(row["findings_total"]) == int(row["unmapped_severity"])
    assert len({f.source_identifier for f in findings}) == int(row["unique_ids"])
    assert len(coverage) == int(row["hosts"])
    assert {f.native_severity for f in findings} == {None}
    assert {d.native_severity for d in definitions} == {None}
    assert {f.kind for f in findings} == {Kind.VULNERABILITY}


def host(*found, **fields):
    """Return a host of a JSON report."""
    given = {"host": "h.example.gov", "ip": "10.0.0.5", "port": "443", "banner": ""}
    return {**given, "vulnerabilities": found, **fields}


def entry(**fields):
    """Return a finding of a JSON report."""
    return {"id": "999986", "OSVDB": "0", "method": "GET", "url": "/", "msg": "A.", **fields}


def details(*items, site="https://h.example.gov:443/", port="443", statistics=""):
    """Return a scandetails element."""
    return (
        f'<scandetails targetip="10.0.0.5" targethostname="h.example.gov" targetport="{port}" '
        f'starttime="2020-11-16 03:45:07" sitename="{site}">{"".join(items)}{statistics}'
        "</scandetails>"
    )


def found(number="999986", uri="/", description="A.", **attributes):
    """Return an item of an XML report."""
    written = "".join(f' {name}="{value}"' for name, value in attributes.items())
    return (
        f'<item id="{number}" method="GET"{written}><description><![CDATA[{description}]]>'
        f"</description><uri><![CDATA[{uri}]]></uri></item>"
    )


def niktoscan(*scans):
    """Return a Nikto report in XML."""
    doctype = '<!DOCTYPE niktoscan SYSTEM "docs/nikto.dtd">'
    return f'<?xml version="1.0" ?>{doctype}<niktoscan>{"".join(scans)}</niktoscan>'


class TestNiktoXml:
    """Reports in XML."""

    def test_records(self):
        """A target has its times, its address and its name."""
        statistics = '<statistics endtime="2020-11-16 03:45:44"/>'
        content = niktoscan(details(found(osvdbid="3092"), statistics=statistics))
        (finding,), (definition,), (coverage,) = split(read(content, "x"))
        assert finding.locator == (
            "x: site https://h.example.gov, issue 999986, GET https://h.example.gov/, line 1"
        )
        assert (definition.name, definition.references) == ("A.", ("OSVDB-3092",))
        assert (coverage.asset, coverage.ips) == ("https://h.example.gov", ("10.0.0.5",))
        assert coverage.started == datetime.fromisoformat("2020-11-16T03:45:07")
        assert coverage.ended == datetime.fromisoformat("2020-11-16T03:45:44")

    @pytest.mark.parametrize("nested", [True, False])
    def test_several_targets(self, nested):
        """Targets follow each other, or each has a niktoscan of its own within the outer one."""
        scans = [details(found()), details(site="http://10.0.0.6:8080/")]
        wrapped = [f"<niktoscan>{scan}</niktoscan>" for scan in scans] if nested else scans
        findings, _, coverage = split(read(niktoscan(*wrapped)))
        assert len(findings) == 1
        assert [c.asset for c in coverage] == ["https://h.example.gov", "http://10.0.0.6:8080"]

    @pytest.mark.parametrize(
        ("uri", "location"),
        [
            ("/a?x=1", "https://h.example.gov/a?x"),
            ("//etc/hosts", "https://h.example.gov//etc/hosts"),
            ("", "https://h.example.gov/"),
        ],
    )
    def test_location(self, uri, location):
        """Pages are the target's, even where a path looks like the address of another host."""
        (finding,), _, _ = split(read(niktoscan(details(found(uri=uri)))))
        assert (finding.location, finding.asset) == (location, "https://h.example.gov")

    @pytest.mark.parametrize(
        ("content", "said"),
        [
            (niktoscan(found()), "line 1: found an item outside of scandetails"),
            (niktoscan(details(found(number=""))), "line 1: found a finding without an id"),
            (niktoscan("<scandetails/>"), "line 1: found a target without host and address"),
            (niktoscan(details(port="https")), "line 1, port: found the port 'https'"),
            (niktoscan(details())[:-3], r"line 1, column \d+: found broken XML"),
        ],
    )
    def test_bad_input(self, content, said):
        """What is missing or broken is said with its line."""
        with pytest.raises(ScanParseError, match=said):
            read(content)


class TestNiktoJson:
    """Reports in JSON."""

    @pytest.mark.parametrize("report", [host(entry()), [host(entry())]], ids=["2.1", "2.5"])
    def test_records(self, report):
        """One host or a list of hosts; no report has a date."""
        (finding,), (definition,), (coverage,) = split(read(json.dumps(report), "x"))
        assert finding.locator == (
            "x: site https://h.example.gov, issue 999986, GET https://h.example.gov/, "
            "host 1, vulnerability 1"
        )
        assert (definition.name, definition.description) == ("A.", "A.")
        assert (coverage.ips, coverage.started, coverage.ended) == (("10.0.0.5",), None, None)

    @pytest.mark.parametrize(
        ("port", "asset", "location", "number"),
        [
            ("443", "https://h.example.gov", "https://h.example.gov/a", None),
            ("80", "http://h.example.gov", "http://h.example.gov/a", None),
            (8080, "h.example.gov", None, 8080),
            ("", "h.example.gov", None, None),
        ],
    )
    def test_no_scheme(self, port, asset, location, number):
        """No scheme is stated: a port that does not tell it stays a port of the host."""
        content = json.dumps(host(entry(url="/a"), port=port))
        (finding,), _, (coverage,) = split(read(content))
        assert (finding.asset, coverage.asset) == (asset, asset)
        assert (finding.location, finding.port) == (location, number)

    def test_messages(self):
        """From 2.5 on the page comes before the message; CVEs stand in it or in the references."""
        new = entry(url="/a", msg="/a: See CVE-2020-0001.", references="CVE-2020-0002, https://r")
        _, (definition,), _ = split(read(json.dumps([host(new)])))
        assert definition.name == "See CVE-2020-0001."
        assert definition.cves == ("CVE-2020-0001", "CVE-2020-0002")
        assert definition.references == ("CVE-2020-0002", "https://r")

    def test_empty_scan(self):
        """A host without findings was scanned."""
        findings, _, coverage = split(read(json.dumps(host(vulnerabilities=[]))))
        assert (len(findings), len(coverage)) == (0, 1)

    @pytest.mark.parametrize(
        ("report", "said"),
        [
            ([host(), host(host="", ip=None)], "host 2: found a target without host and address"),
            (host(entry(id=None)), "host 1, vulnerability 1: found a finding without an id"),
            (host("x"), "host 1: found 'vulnerabilities' that holds no objects"),
            ([host(), 7], "object 2: found a JSON int"),
        ],
    )
    def test_bad_input(self, report, said):
        """What is missing or of another type is said with the number of the record."""
        with pytest.raises(ScanParseError, match=said):
            read(json.dumps(report))


def test_nikto_is_for_review():
    """A finding without any rating is in no table, so that a person rates it."""
    assert load_policy().scanner("nikto").severity.codes == {}


@pytest.mark.parametrize("row", known("wapiti_xml"))
def test_counts_of_wapiti_samples(row):
    """Findings, names and severities equal an independent count."""
    counted = counts(read(sample(row["path"])))
    assert counted.findings == int(row["findings_total"])
    assert counted.identifiers == int(row["unique_ids"])
    assert counted.assets == int(row["hosts"])
    assert counted.severities == expected_severities(row)


def wapiti(*types, version="Wapiti 3.2.3", target="https://h.example.gov/app", infos=""):
    """Return a Wapiti report."""
    return (
        '<?xml version="1.0" ?><report type="security"><report_infos>'
        '<info name="generatorName">wapiti</info>'
        f'<info name="generatorVersion">{version}</info>'
        '<info name="dateOfScan">Sun, 28 Mar 2021 07:50:09 +0000</info>'
        f'<info name="target">{target}</info>{infos}</report_infos>'
        f"<vulnerabilities>{''.join(types)}</vulnerabilities></report>"
    )


def flaw(*entries, name="XSS", kind="vulnerability", inner=""):
    """Return a type of flaws with its entries."""
    return f'<{kind} name="{name}">{inner}<entries>{"".join(entries)}</entries></{kind}>'


def at(path="/a", level="1", curl="", parameter="", info=""):
    """Return an entry."""
    return (
        f"<entry><method>GET</method><path>{path}</path><level>{level}</level>"
        f"<parameter>{parameter}</parameter><info>{info}</info>"
        f"<curl_command><![CDATA[{curl}]]></curl_command></entry>"
    )


class TestWapiti:
    """Reports of Wapiti."""

    def test_records(self):
        """CWEs stand in the titles of the references, CVEs in what was found."""
        references = (
            "<references><reference><title>CWE-89: SQL</title><url>https://r</url></reference>"
            "<reference><title>OWASP: SQL</title><url>https://s</url></reference></references>"
        )
        inner = f"<description>Bad.</description><solution>Do.</solution>{references}"
        flaws = flaw(at(parameter="q", info="CVE-2021-23017"), inner=inner)
        (finding,), (definition,), (coverage,) = split(read(wapiti(flaws), "x"))
        assert (definition.description, definition.solution) == ("Bad.", "Do.")
        assert (definition.cwes, definition.references) == (("CWE-89",), ("https://r", "https://s"))
        assert definition.cves == ("CVE-2021-23017",)
        assert finding.locator == (
            "x: site https://h.example.gov, issue XSS, "
            "GET https://h.example.gov/a, parameter q, line 1"
        )
        assert coverage.started == datetime.fromisoformat("2021-03-28T07:50:09+00:00")

    @pytest.mark.parametrize(
        ("version", "level", "severity", "word"),
        [
            ("Wapiti 3.0.4", "4", "4", "critical"),
            ("Wapiti 3.2.3", "3", "3", "high"),
            ("Wapiti 3.2", "1", "1", "low"),
            ("Wapiti 3.0.3", "1", "1 (until 3.0.3)", "high"),
            ("Wapiti 3.0.1", "3", "3 (until 3.0.3)", "low"),
            ("Wapiti 2.3.0", "2", "2 (until 3.0.3)", "medium"),
        ],
    )
    def test_levels(self, version, level, severity, word):
        """Until 3.0.3 level 1 was the highest, since 3.0.4 it is the lowest."""
        (finding,), _, _ = split(read(wapiti(flaw(at(level=level)), version=version)))
        assert finding.native_severity == severity
        assert load_policy().scanner("Wapiti").severity_names[severity] == word

    @pytest.mark.parametrize(
        ("kind", "level", "expected"),
        [
            ("vulnerability", "1", Kind.VULNERABILITY),
            ("vulnerability", "0", Kind.INFORMATIONAL),
            ("vulnerability", "", Kind.VULNERABILITY),
            ("vulnerability", "9", Kind.VULNERABILITY),
            ("anomaly", "2", Kind.VULNERABILITY),
            ("additional", "1", Kind.INFORMATIONAL),
        ],
    )
    def test_kinds(self, kind, level, expected):
        """Level 0 and additionals inform; a missing or unknown level does not."""
        (finding,), _, _ = split(read(wapiti(flaw(at(level=level), kind=kind))))
        assert (finding.kind, finding.native_severity) == (expected, level or None)

    def test_other_hosts(self):
        """With a domain as scope a path may be another host's: the request names it."""
        curl = 'curl "https://other.example.gov/a?x=1" -e "https://h.example.gov/"'
        findings, _, coverage = split(read(wapiti(flaw(at(), at(curl=curl)))))
        assert [f.location for f in findings] == [
            "https://h.example.gov/a",
            "https://other.example.gov/a",
        ]
        assert [c.asset for c in coverage] == ["https://h.example.gov", "https://other.example.gov"]

    def test_other_hosts_are_not_scanned(self):
        """A finding on another host is dated, but its coverage is not: it proves no absence."""
        login = '<info name="auth"><logged_in>true</logged_in></info>'
        other = at(curl='curl "https://other.example.gov/a"')
        (finding,), _, (target, beside) = split(read(wapiti(flaw(other), infos=login)))
        assert finding.first_seen == finding.last_seen == target.started
        assert (beside.started, beside.authenticated) == (None, Authenticated.UNKNOWN)
        assert target.authenticated is Authenticated.YES

    def test_types_without_entries(self):
        """A report lists all types; those without entries are none."""
        findings, definitions, coverage = split(read(wapiti(flaw())))
        assert (len(findings), len(definitions), len(coverage)) == (0, 0, 1)

    @pytest.mark.parametrize(
        ("auth", "authenticated"),
        [
            ("<logged_in>true</logged_in>", Authenticated.YES),
            ("<logged_in>false</logged_in>", Authenticated.NO),
            ("", Authenticated.UNKNOWN),
        ],
    )
    def test_login(self, auth, authenticated):
        """The report says whether the login worked, where there was one."""
        content = wapiti(infos=f'<info name="auth">{auth}</info>')
        _, _, (coverage,) = split(read(content))
        assert coverage.authenticated is authenticated

    def test_crawled_pages(self):
        """Crawled pages of a detailed report are no findings."""
        pages = f"<crawled_pages>{at()}{at()}</crawled_pages>"
        findings, _, _ = split(read(wapiti(flaw(at()), infos=pages)))
        assert len(findings) == 1

    @pytest.mark.parametrize(
        ("content", "said"),
        [
            (wapiti(flaw(at(), name="")), "line 1: found a vulnerability without a name"),
            (wapiti(target=""), "line 1: found the target ''"),
            (wapiti(flaw(at()), version="dev"), "line 1: found the version 'dev'"),
            (wapiti().replace("Sun, 28 Mar", "sometime"), "line 1: found the time 'sometime"),
            (wapiti()[:-3], r"line 1, column \d+: found broken XML"),
        ],
    )
    def test_bad_input(self, content, said):
        """What is missing or broken is said with its line."""
        with pytest.raises(ScanParseError, match=said):
            read(content)

    def test_other_reports(self):
        """A report is the root element of many things."""
        content = wapiti().replace(">wapiti<", ">other<")
        with pytest.raises(ScanFormatError, match="no parser claims it"):
            identify(content.encode(), "x")

    @pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
    def test_encodings(self, encoding):
        """The encoding changes nothing."""
        content = wapiti(flaw(at()))
        declared = content.replace(" ?>", f' encoding="{encoding.removesuffix("-sig")}" ?>')
        assert read(declared.encode(encoding)) == read(content)
