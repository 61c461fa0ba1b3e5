"""What parsers.nessus_xml promises."""

import io
from collections import Counter
from datetime import UTC, date, datetime

import pytest

from parsers import nessus_xml
from parsers.export import Export
from poam.errors import ScanParseError
from poam.model import Authenticated, Kind
from tests.parsers_support import expected_severities, item, known, nessus, read, sample, split, tag

WORDS = {"4": "critical", "3": "high", "2": "medium", "1": "low", "0": "info"}
CM = 'xmlns:cm="http://www.nessus.org/cm"'


def check(name, result, plugin="21156", check_id="h1", severity="3"):
    """Return a compliance item as Nessus 6 and later write it."""
    inner = (
        f"<compliance>true</compliance><cm:compliance-check-name>{name}"
        f"</cm:compliance-check-name><cm:compliance-check-id>{check_id}</cm:compliance-check-id>"
    )
    if result:
        inner += f"<cm:compliance-result>{result}</cm:compliance-result>"
    return item(plugin, severity, inner, pluginFamily="Policy Compliance")


@pytest.mark.parametrize("expected", known("nessus_v2_xml"))
def test_counts_of_samples(expected):
    """Hosts, items, plugins, severities and CVEs equal an independent count.

    The vendor counts plugin numbers; here a compliance check is its own identifier. And a check
    that passed has no severity here: what it was written with is looked up in the file.
    """
    content = sample(expected["path"])
    findings, definitions, coverage = split(read(content, "x.nessus"))
    assert len(coverage) == int(expected["hosts"])
    assert len(findings) == int(expected["findings_total"])
    if not expected["policy_compliance_items"]:
        ids = {definition.source_identifier for definition in definitions}
        assert len(ids) == int(expected["unique_ids"])
    assert len({cve for d in definitions for cve in d.cves}) == expected["cves"]
    severities = Counter(f.native_severity for f in findings if f.native_severity)
    passed = PASSED_IN_SAMPLES.get(expected["path"], {})
    assert sum(passed.values()) == sum(not f.present for f in findings)
    named = Counter({WORDS[code]: number for code, number in severities.items()})
    assert named + Counter(passed) == expected_severities(expected)


# Of the items of seccubus' file that say [PASSED], each has severity="1".
PASSED_IN_SAMPLES = {"nessus/seccubus+seccubus__compliance.nessus": {"low": 42}}


def test_old_compliance_sample():
    """352 checks failed and 42 passed in it: the result is read from the description."""
    content = sample("nessus/seccubus+seccubus__compliance.nessus")
    findings, _, _ = split(read(content, "x.nessus"))
    results = Counter(finding.status for finding in findings)
    assert (results["FAILED"], results["PASSED"]) == (352, 42)
    assert all(f.present == (f.status != "PASSED") for f in findings)
    texts = content.decode().split("<ReportItem ")
    passed = [text for text in texts if "[PASSED]" in text]
    assert len(passed) == len([text for text in passed if 'severity="1"' in text]) == 42


def test_v1_is_not_claimed():
    """The Nessus 3 format and unknown versions are refused by name, not misread."""
    for root in ("NessusClientData", "NessusClientData_vwrong"):
        with pytest.raises(Exception, match=f"root element {root}"):
            read(f"<{root}></{root}>")


def test_every_cve_is_kept():
    """A plugin with several `cve` elements has them all, in order."""
    inner = "<cve>CVE-2024-1111</cve><cve>cve-2024-2222</cve><cve>CVE-2024-1111</cve>"
    _, (definition,), _ = split(read(nessus(item(inner=inner))))
    assert definition.cves == ("CVE-2024-1111", "CVE-2024-2222")


@pytest.mark.parametrize(
    ("text", "value"), [("0.0", 0.0), ("4.9", 4.9), ("10.0", 10.0), ("", None), ("-", None)]
)
def test_scores(text, value):
    """A score of 0.0 is a score; an empty one is missing."""
    inner = f"<cvss3_base_score>{text}</cvss3_base_score>"
    _, (definition,), _ = split(read(nessus(item(inner=inner))))
    assert definition.cvss3_base == value


@pytest.mark.parametrize("text", ["98", "9,8", "high", "-1", "nan"])
def test_impossible_scores(text):
    """A score above 10 or not a number stops the file, naming the item."""
    inner = f"<cvss_base_score>{text}</cvss_base_score>"
    with pytest.raises(ScanParseError, match=r"host 10\.0\.0\.5, item 1, cvss_base_score"):
        read(nessus(item(inner=inner)))


def test_fields_of_a_definition():
    """Texts, every CVSS version, CWE, references and the KEV due date are read."""
    inner = (
        "<synopsis>Short.</synopsis><description>Long.</description><solution>n/a</solution>"
        "<cvss_base_score>5.0</cvss_base_score><cvss_vector>CVSS2#AV:N/AC:L</cvss_vector>"
        "<cvss3_base_score>7.5</cvss3_base_score><cvss3_vector>CVSS:3.0/AV:N</cvss3_vector>"
        "<cvss4_base_score>8.7</cvss4_base_score><cvss4_vector>CVSS:4.0/AV:N</cvss4_vector>"
        "<xref>CWE:79</xref><cwe>89</cwe><xref>IAVA:2024-A-0378-S</xref><see_also>http://a\n"
        "http://b</see_also><xref>CISA-KNOWN-EXPLOITED:2025/05/22</xref>"
    )
    _, (d,), _ = split(read(nessus(item(inner=inner, pluginName="A &lt; 2"))))
    assert d.name == "A < 2"
    assert d.description == "Short.\n\nLong."
    assert d.solution is None
    assert (d.cvss2_base, d.cvss2_vector) == (5.0, "AV:N/AC:L")
    assert (d.cvss3_base, d.cvss3_vector) == (7.5, "CVSS:3.0/AV:N")
    assert (d.cvss4_base, d.cvss4_vector) == (8.7, "CVSS:4.0/AV:N")
    assert set(d.cwes) == {"CWE-79", "CWE-89"}
    assert d.references == ("IAVA:2024-A-0378-S", "http://a", "http://b")
    assert d.kev_due == date(2025, 5, 22)


def test_kev_element():
    """The KEV due date is also read from an element of its own."""
    inner = "<cisa-known-exploited>2025/05/22</cisa-known-exploited>"
    _, (definition,), _ = split(read(nessus(item(inner=inner))))
    assert definition.kev_due == date(2025, 5, 22)


@pytest.mark.parametrize(
    ("plugin", "severity", "inner", "kind"),
    [
        ("1", "0", "", Kind.INFORMATIONAL),
        ("0", "1", "", Kind.INFORMATIONAL),
        ("1", "1", "<risk_factor>None</risk_factor>", Kind.INFORMATIONAL),
        (
            "1",
            "1",
            "<risk_factor>None</risk_factor><cvss_base_score>9.0</cvss_base_score>",
            Kind.VULNERABILITY,
        ),
        ("1", "1", "", Kind.VULNERABILITY),
    ],
)
def test_kinds(plugin, severity, inner, kind):
    """Information is severity 0, an open port, or no risk without a score (Nessus 4)."""
    (finding,), (definition,), _ = split(read(nessus(item(plugin, severity, inner))))
    assert finding.kind is kind
    assert (finding.native_severity, definition.native_severity) == (severity, None)


def test_compliance_severity_zero_failed():
    """A failed check is a configuration finding whatever its severity."""
    (finding,), _, _ = split(read(nessus(check("1.1 Ensure", "FAILED", severity="0"), report=CM)))
    assert (finding.kind, finding.present, finding.status) == (Kind.CONFIGURATION, True, "FAILED")


def test_compliance_identity():
    """Checks share plugin numbers and their check-id differs per host: the name identifies."""
    content = nessus(
        check("A", "FAILED", "21156", "h1"),
        check("B", "PASSED", "21156", "h2", severity="1"),
        check("C", "WARNING", "33814", "h3"),
        check("D", None, "21157", "h4", severity="0"),
        report=CM,
    )
    findings, _, _ = split(read(content))
    assert [f.source_identifier for f in findings] == ["A", "B", "C", "D"]
    assert [f.present for f in findings] == [True, False, True, True]
    assert findings[3].kind is Kind.INFORMATIONAL
    # Passing says nothing of how severe failing would be.
    assert [f.native_severity for f in findings] == ["3", None, "3", "0"]


def test_compliance_old_style():
    """Name and result of an old check stand in its description; the host's evidence does not."""
    text = '"SN.1 Links" : [FAILED]\nref. page 3\n - error message: no such file\n'
    inner = f"<description>{text}</description>"
    content = nessus(item("21157", "3", inner, pluginFamily="Policy Compliance"))
    (finding,), (definition,), _ = split(read(content))
    assert (finding.source_identifier, finding.status) == ("SN.1 Links", "FAILED")
    assert (definition.name, definition.description) == ("SN.1 Links", "ref. page 3")


def test_compliance_sections():
    """Solution and references of a check may stand in its description alone."""
    text = '"A" : [FAILED]\n\nWhy.\n\nSolution:\nSet it.\n\nReference: 800-53|AC-17,LEVEL|1A\n'
    content = nessus(item("21157", "3", f"<description>{text}</description>",
                          pluginFamily="Policy Compliance"))  # fmt: skip
    _, (definition,), _ = split(read(content))
    assert (definition.description, definition.solution) == ("Why.", "Set it.")
    assert definition.references == ("800-53|AC-17", "LEVEL|1A")


def test_compliance_any_namespace():
    """Compliance elements count by local name."""
    content = nessus(check("A", "FAILED"), report='xmlns:cm="http://example.com/other"')
    (finding,), _, _ = split(read(content))
    assert finding.source_identifier == "A"


def test_pci_items_are_no_checks():
    """Plugins of the family Policy Compliance without a result are ordinary items."""
    (finding,), _, _ = split(read(nessus(item("33929", "0", "", pluginFamily="Policy Compliance"))))
    assert (finding.kind, finding.source_identifier) == (Kind.INFORMATIONAL, "33929")


def test_each_item_is_a_finding():
    """The same plugin twice on one port, with other outputs, is two findings of one definition."""
    first = item("1", inner="<plugin_output>a</plugin_output>", port="80")
    again = item("1", inner="<plugin_output>b</plugin_output>", port="80")
    findings, definitions, _ = split(read(nessus(first, again), "march.nessus"))
    assert [f.locator for f in findings] == [
        "march.nessus: host 10.0.0.5, item 1",
        "march.nessus: host 10.0.0.5, item 2",
    ]
    assert len(definitions) == 1


def test_severity_of_each_item():
    """One plugin can have another severity on another host: a person may have changed it."""
    findings, definitions, _ = split(read(nessus(item("1", "3"), item("1", "0", port="80"))))
    assert [(f.native_severity, f.kind) for f in findings] == [
        ("3", Kind.VULNERABILITY),
        ("0", Kind.INFORMATIONAL),
    ]
    assert len(definitions) == 1


def test_output_is_no_part_of_a_definition():
    """Plugin output that changes from month to month changes nothing."""
    one, two = (
        split(read(nessus(item(inner=f"<plugin_output>{text}</plugin_output>"))))
        for text in ("at 10:00", "at 11:00")
    )
    assert one == two


def test_identifiers_missing():
    """An item with neither plugin nor check name stops the file."""
    with pytest.raises(ScanParseError, match="neither pluginID nor compliance-check-name"):
        read(nessus('<ReportItem port="1"/>'))


def test_coverage():
    """A host without items is covered, with all its names, times, policy and feed."""
    output = "Plugin feed version : 202506051630\nScan policy used : Monthly\n"
    properties = "".join(
        [
            tag("host-ip", "10.0.0.5"),
            tag("host-fqdn", "a.example.gov"),
            tag("host-fqdns", '[{"FQDN": "b.example.gov", "sources": []}]'),
            tag("hostname", "a"),
            tag("netbios-name", "A"),
            tag("mac-address", "00:11:22:33:44:55\n00:11:22:33:44:66"),
            tag("HOST_START", "Fri Jun  6 10:50:39 2025"),
            tag("HOST_END_TIMESTAMP", "1749222639"),
        ]
    )
    info = item("19506", "0", f"<plugin_output>{output}</plugin_output>")
    _, _, (c,) = split(read(nessus(info, properties=properties, host="web")))
    assert (c.asset, c.ips, c.hostname, c.netbios) == ("web", ("10.0.0.5",), "a", "A")
    assert c.fqdns == ("a.example.gov", "b.example.gov")
    assert c.macs == ("00:11:22:33:44:55", "00:11:22:33:44:66")
    assert c.started == datetime.fromisoformat("2025-06-06T10:50:39")
    assert c.ended == datetime(2025, 6, 6, 15, 10, 39, tzinfo=UTC)
    assert (c.policy, c.feed_date) == ("Monthly", date(2025, 6, 5))
    assert read(nessus())[0].asset == "10.0.0.5"


def test_times_of_scan_information():
    """A host without times has those of plugin 19506."""
    output = "Scan Start Date : 2025/6/6 10:50 EDT (UTC -04:00)\nScan duration : 60 sec"
    info = item("19506", "0", f"<plugin_output>{output}</plugin_output>")
    _, _, (coverage,) = split(read(nessus(info)))
    assert coverage.started == datetime(2025, 6, 6, 14, 50, tzinfo=UTC)
    assert coverage.ended == datetime(2025, 6, 6, 14, 51, tzinfo=UTC)
    _, _, (coverage,) = split(read(nessus(info, properties=tag("HOST_END_TIMESTAMP", "0"))))
    assert coverage.ended == datetime(1970, 1, 1, tzinfo=UTC)


def checks(answer):
    """Return plugin 19506 saying whether its checks were credentialed."""
    return item("19506", "0", f"<plugin_output>Credentialed checks : {answer}</plugin_output>")


@pytest.mark.parametrize(
    ("properties", "report_items", "expected"),
    [
        ("", [], Authenticated.UNKNOWN),
        (tag("Credentialed_Scan", "true"), [], Authenticated.YES),
        (tag("Credentialed_Scan", "false"), [], Authenticated.NO),
        ("", [checks("yes, as 'root' via ssh")], Authenticated.YES),
        ("", [checks("yes (on the localhost)")], Authenticated.YES),
        ("", [checks("no")], Authenticated.NO),
        ("", [item("21745", "0")], Authenticated.NO),
        ("", [item("110723", "0")], Authenticated.NO),
        ("", [item("141118", "0"), item("104410", "0")], Authenticated.PARTIAL),
        (tag("Credentialed_Scan", "true"), [item("110385", "0")], Authenticated.PARTIAL),
        (tag("Credentialed_Scan", "true"), [item("110723", "0")], Authenticated.YES),
        (tag("local-checks-proto", "ssh"), [], Authenticated.YES),
    ],
)
def test_authenticated(properties, report_items, expected):
    """A login that worked is yes, beside one that failed partial; nothing said is unknown."""
    _, _, (coverage,) = split(read(nessus(*report_items, properties=properties)))
    assert coverage.authenticated is expected


def test_was():
    """A WAS export has its own detector; the location is the URL the output names."""
    output = "<plugin_output>detected on URL 'http://App.example.gov:80/s?q=1#x' by</plugin_output>"
    inner = f"{output}<cvss>7.5</cvss><cvssv3>7.1</cvssv3><xref>CWE:79</xref>"
    site = "http://app.example.gov/"
    properties = tag("host-fqdn", site) + tag("HOST_END", "2021-03-12T12:34:30.12031+00:00")
    content = nessus(
        item("98104", "3", inner), item("98000", "0"), properties=properties, host=site,
        report='type="was"',
    )  # fmt: skip
    findings, definitions, (coverage,) = split(read(content))
    assert {r.detector for r in (*findings, *definitions, coverage)} == {"Tenable WAS"}
    assert [f.location for f in findings] == ["http://app.example.gov/s?q", site]
    assert findings[0].asset == coverage.asset == "http://app.example.gov"
    assert (definitions[0].cvss2_base, definitions[0].cvss3_base) == (7.5, 7.1)
    assert definitions[0].cwes == ("CWE-79",)
    assert coverage.fqdns == ("app.example.gov",)
    assert coverage.ended == datetime(2021, 3, 12, 12, 34, 30, 120310, tzinfo=UTC)


@pytest.mark.parametrize("listed", ["none", "[1]", '[{"a": "b"}]', "5"])
def test_unreadable_names(listed):
    """A list of names in no known form stops the file."""
    with pytest.raises(ScanParseError, match="tag host-fqdns: found something else"):
        read(nessus(properties=tag("host-fqdns", listed)))


def test_unreadable_time():
    """A time in no known form stops the file: dates decide deadlines."""
    with pytest.raises(ScanParseError, match="the time 'soon'"):
        read(nessus(properties=tag("HOST_END", "soon")))


def test_coverage_comes_first():
    """A host's coverage comes before its definitions and findings."""
    names = [type(record).__name__ for record in read(nessus(item("1"), item("2")))]
    assert names == ["ScanCoverage", "Definition", "Definition", "Finding", "Finding"]


def test_definition_that_differs_comes_again():
    """The same plugin with another text is defined twice, with the same text once."""
    one, two = item("1", inner="<synopsis>a</synopsis>"), item("1", inner="<synopsis>b</synopsis>")
    _, definitions, _ = split(read(nessus(one, one, two)))
    assert [d.description for d in definitions] == ["a", "b"]


class Drops:
    """A file that gives so many bytes at a time."""

    def __init__(self, content, size):
        """Hold all of it."""
        self._source, self._size = io.BytesIO(content), size

    def read(self, _=-1):
        """Return the next of them."""
        return self._source.read(self._size)


def vulnerability(plugin, output, text="Old.", after="", **attributes):
    """Return a ReportItem with an output that may be markup, and what follows it."""
    inner = f"<description>{text}</description>\n<plugin_output>{output}</plugin_output>{after}\n"
    return item(plugin, inner=inner, **attributes)


PLAIN = vulnerability("1", "a")
REPEATED = {
    "output that differs": [PLAIN, vulnerability("1", "b &lt; c\n"), vulnerability("1", "")],
    "texts that differ": [PLAIN, vulnerability("1", "a", "New."), PLAIN],
    "ports that differ": [PLAIN, vulnerability("1", "a", port="80"), PLAIN],
    "texts after the output": [
        PLAIN,
        *[vulnerability("1", "a", after="<cve>CVE-2024-1234</cve>")] * 3,
    ],
    "no output": [item("1"), item("1"), item("1", inner="<solution>None.</solution>"), item("1")],
    "two outputs": [vulnerability("1", "</plugin_output><plugin_output>b")] * 3,
    "markup in the output": [PLAIN, vulnerability("1", "<b>c</b>"), vulnerability("1", "&#8364;")],
    "CDATA": [PLAIN, vulnerability("1", "<![CDATA[</plugin_output></ReportItem>]]>"), PLAIN],
    "an item in CDATA": [PLAIN, vulnerability("2", f"<![CDATA[{PLAIN}]]>"), PLAIN],
    "an item in a comment": [PLAIN, f"<!-- {PLAIN} -->", PLAIN],
    "a comment that begins in an item": [PLAIN, vulnerability("1", "a", "<!--"), "-->", PLAIN],
    "an output in CDATA": [
        vulnerability("1", "a", f"<![CDATA[<plugin_output>{word}</plugin_output>]]>")
        for word in "bcb"
    ],
    "an output that is no child": [
        item("19506", inner=f"<a><plugin_output>Credentialed checks : {word}</plugin_output></a>")
        for word in ("yes", "no", "yes")
    ],
    "an entity in the output": [PLAIN, vulnerability("1", "&nope;")],
    "no character in the output": [PLAIN, vulnerability("1", "\x01")],
    "broken XML after it": [PLAIN, vulnerability("1", "b\nc"), "</bogus>"],
    "an item in a policy": [PLAIN, f"<policyName>{PLAIN}</policyName>", PLAIN],
    "an item in an item": [PLAIN, vulnerability("2", "a", after=PLAIN), PLAIN],
    "other hosts": [PLAIN, "</ReportHost><ReportHost name='b'><HostProperties/>", PLAIN],
    "scan information": [
        vulnerability("19506", f"Credentialed checks : {word}\n") for word in ("yes", "no", "yes")
    ],
}


@pytest.mark.parametrize("size", [1, 50, 65536])
@pytest.mark.parametrize("case", REPEATED)
def test_items_that_come_again(case, size, monkeypatch):
    """An item that was read before says the same as if it were read again, wherever it stands."""
    items = REPEATED[case]
    content = nessus(PLAIN, *items, *items).replace("\n", "\r\n" if size == 50 else "\n").encode()

    def outcome():
        try:
            return list(nessus_xml.records(Export(Drops(content, size), "march.nessus")))
        except ScanParseError as e:
            return str(e).partition(", column")[0]

    found = outcome()
    monkeypatch.setattr("parsers.nessus_stream._Reader._known_end", lambda *_: 0)
    assert found == outcome()
