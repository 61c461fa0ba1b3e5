"""What the ZAP parsers promise."""

import json
from collections import Counter
from datetime import datetime

import pytest

from poam.errors import ScanParseError
from poam.model import Kind
from poam.policy import load_policy
from tests.parsers_support import counts, expected_severities, known, read, sample, split

REAL = [row for row in known("zap_xml", "zap_json") if "secureCodeBox" not in str(row.id)]


@pytest.mark.parametrize("expected", REAL)
def test_counts_of_samples(expected):
    """Sites, alert types, instances and severities equal an independent count.

    The vendor counts alerts, each with its instances; here each instance is a finding.
    """
    records = read(sample(expected["path"]))
    counted = counts(records)
    assert counted.assets == int(expected["hosts"])
    assert counted.identifiers == int(expected["unique_ids"])
    assert counted.findings == int(expected["instances"])
    alerts = {(f.source_identifier, f.asset): f.native_severity for f in split(records)[0]}
    if len(alerts) == int(expected["findings_total"]):
        words = load_policy().scanner("ZAP").severity_names
        assert Counter(words[code] for code in alerts.values()) == expected_severities(expected)


def alert(**fields):
    """Return the fields of an alert."""
    given = {"pluginid": "10011", "alert": "zap1: Cookie", "name": "Cookie", "riskcode": "1"}
    return {**given, "confidence": "2", **fields}


def both(alerts, site="https://App.example.gov:443", generated="Sun, 22 Jun 2025 04:04:14"):
    """Return the same report in XML and in JSON; `uris` become instances."""
    entries, written = [], ""
    for fields in alerts:
        uris = fields.pop("uris", ["https://app.example.gov/"])
        instances = [{"uri": uri, "method": "GET", "param": "sid"} for uri in uris]
        entries.append({**fields, "instances": instances})
        written += f"<alertitem>{_xml(fields)}<instances>"
        written += "".join(f"<instance>{_xml(one)}</instance>" for one in instances)
        written += "</instances></alertitem>"
    xml = (
        f'<?xml version="1.0"?><OWASPZAPReport version="2.16.1" generated="{generated}">'
        f'<site name="{site}"><alerts>{written}</alerts></site></OWASPZAPReport>'
    )
    report = {"@version": "2.16.1", "@generated": generated}
    report["site"] = [{"@name": site, "alerts": entries}]
    return [xml, json.dumps(report)]


def _xml(fields):
    return "".join(
        f"<{name}>{value.replace('&', '&amp;').replace('<', '&lt;')}</{name}>"
        for name, value in fields.items()
    )


def test_both_formats_say_the_same():
    """XML and JSON of one report give the same records."""
    xml, as_json = both([alert(desc="<p>Text</p>", uris=["https://app.example.gov/a?x=1"])])
    assert read(xml, "zap") == read(as_json, "zap")


@pytest.mark.parametrize("form", [0, 1], ids=["xml", "json"])
class TestReports:
    """The same rules in XML and in JSON."""

    def test_definition(self, form):
        """`name` has no prefix, markup goes, cweid -1 is none, the reference becomes lines."""
        reference = "<p>http://a</p><p>http://b</p>"
        one = alert(desc="<p>Text</p>", cweid="614", reference=reference)
        two = alert(pluginid="2", cweid="-1")
        _, (first, second), _ = split(read(both([one, two])[form]))
        assert (first.name, first.description, first.cwes) == ("Cookie", "Text", ("CWE-614",))
        assert first.references == ("http://a", "http://b")
        assert (second.description, second.cwes, second.solution) == (None, (), None)

    def test_alert_ref(self, form):
        """An alertRef identifies where it is given: one plugin raises several kinds of alert."""
        alerts = [alert(alertRef="10011-1"), alert(alertRef="10011-2"), alert(alertRef="")]
        findings, _, _ = split(read(both(alerts)[form]))
        assert [f.source_identifier for f in findings] == ["10011-1", "10011-2", "10011"]

    def test_one_finding_per_instance(self, form):
        """Instances that differ in values and sessions alone are on one page."""
        uris = [
            "https://app.example.gov/a;jsessionid=1?x=1",
            "HTTPS://APP.example.gov:443/a?x=2#f",
            "https://app.example.gov/b",
        ]
        findings, _, _ = split(read(both([alert(uris=uris)])[form], "zap.x"))
        pages = ["https://app.example.gov/a?x"] * 2 + ["https://app.example.gov/b"]
        assert [f.location for f in findings] == pages
        assert {f.asset for f in findings} == {"https://app.example.gov"}
        assert findings[0].locator == (
            "zap.x: site https://app.example.gov, issue 10011, "
            "GET https://app.example.gov/a?x, parameter sid"
        )

    def test_severities(self, form):
        """One alert type on two pages with two risks keeps both."""
        findings, (definition,), _ = split(read(both([alert(), alert(riskcode="3")])[form]))
        assert [f.native_severity for f in findings] == ["1", "3"]
        assert definition.native_severity is None

    def test_false_positives(self, form):
        """An alert with confidence 0 was marked a false positive in ZAP: no finding."""
        records = read(both([alert(confidence="0")])[form])
        findings, definitions, coverage = split(records)
        assert (len(findings), len(definitions), len(coverage)) == (0, 0, 1)

    def test_kinds(self, form):
        """Risk 0 is information; no risk code is not the lowest risk."""
        alerts = [alert(riskcode="0"), alert(pluginid="2", riskcode="")]
        findings, _, _ = split(read(both(alerts)[form]))
        assert [f.kind for f in findings] == [Kind.INFORMATIONAL, Kind.VULNERABILITY]
        assert findings[1].native_severity is None

    def test_no_identifier(self, form):
        """An alert with neither alertRef nor pluginid stops the file."""
        with pytest.raises(ScanParseError, match="neither alertRef nor pluginid"):
            read(both([alert(pluginid="")])[form])

    def test_dates(self, form):
        """The report's time is the scan's end; one that cannot be read stops the file."""
        _, _, (coverage,) = split(read(both([], generated="Fr., 30 Sep. 2022 08:40:35")[form]))
        assert coverage.ended == datetime.fromisoformat("2022-09-30T08:40:35")
        with pytest.raises(ScanParseError, match="generated: found the time 'soon'"):
            read(both([], generated="soon")[form])


def test_old_dialect():
    """Old ZAPs write an alert per occurrence, with its own address: one definition."""
    items = "".join(
        f"<alertitem>{_xml(alert(uri=f'http://h/{page}'))}</alertitem>" for page in "ab"
    )
    content = (
        '<OWASPZAPReport><site name="http://h:80"><alerts>'
        f"{items}<!-- <alertitem><pluginid>9</pluginid></alertitem> -->"
        "</alerts></site></OWASPZAPReport>"
    )
    findings, definitions, (coverage,) = split(read(content))
    assert [f.location for f in findings] == ["http://h/a", "http://h/b"]
    assert len(definitions) == 1
    assert (coverage.asset, coverage.ended) == ("http://h", None)


def test_several_sites():
    """Each site is an asset of its own, with findings or without."""
    content = (
        '<OWASPZAPReport><site name="https://a"><alerts/></site><site name="http://10.0.0.5:8080">'
        f"<alerts><alertitem>{_xml(alert())}</alertitem></alerts></site></OWASPZAPReport>"
    )
    (finding,), _, (first, second) = split(read(content))
    assert (first.asset, first.fqdns) == ("https://a", ("a",))
    assert (second.asset, second.ips) == ("http://10.0.0.5:8080", ("10.0.0.5",))
    assert finding.asset == second.asset


def test_json_site_alone():
    """In JSON a single site may stand without a list around it."""
    content = json.dumps({"@generated": "", "site": {"@name": "http://h", "alerts": [alert()]}})
    assert len(split(read(content))[0]) == 1


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"@generated": "", "site": [', r"line 1, column \d+: found broken JSON"),
        ('{"@generated": "", "site": "x"}', "found 'site' that holds no objects"),
        ('{"@generated": "", "site": [{"@name": ""}]}', "a site without a name"),
    ],
)
def test_broken_json(content, said):
    """Broken JSON is refused with its place."""
    with pytest.raises(ScanParseError, match=said):
        read(content)
