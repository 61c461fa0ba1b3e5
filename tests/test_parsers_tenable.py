"""What the readers of Nessus and Tenable tables promise, in CSV and JSON."""

import csv
import io
import json
import logging
from collections import Counter
from datetime import UTC, date, datetime

import pytest

from parsers.registry import identify
from poam.errors import ScanFormatError, ScanParseError
from poam.model import Authenticated, Kind, RiskRating
from tests.conftest import SAMPLE_SCANS
from tests.parsers_support import (
    counts,
    expected_severities,
    item,
    known,
    nessus,
    policy,
    read,
    sample,
    split,
    tag,
)

FORMATS = ("nessus_csv", "tenable_sc_csv", "tenable_vm_csv", "tenable_vm_json", "tenable_was_csv")


def table(*rows, delimiter=","):
    """Return a CSV of rows given as dicts, each cell quoted."""
    out = io.StringIO()
    header = dict.fromkeys(column for row in rows for column in row)
    writer = csv.DictWriter(out, header, delimiter=delimiter, quoting=csv.QUOTE_ALL)
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def scan(plugin="51192", **cells):
    """Return a row of a Nessus CSV."""
    base = {"Plugin ID": plugin, "CVE": "", "CVSS v2.0 Base Score": "", "Risk": "Medium"}
    base |= {"Host": "10.20.1.10", "Protocol": "tcp", "Port": "443", "Name": f"Plugin {plugin}"}
    base |= {"Description": "", "Solution": "", "XREF": "", "Plugin Output": ""}
    return base | {name.replace("_", " "): text for name, text in cells.items()}


def vm(plugin="51192", **cells):
    """Return a row of a scan that Tenable Vulnerability Management exports."""
    base = scan(plugin) | {"Asset UUID": "a-1", "Vulnerability State": "Active"}
    base |= {"IP Address": "10.20.1.10", "FQDN": "web.example.gov", "Original Severity": ""}
    base |= {"Modification": "NONE", "First Found": "", "Last Found": "", "Last Fixed": ""}
    return base | {name.replace("_", " "): text for name, text in cells.items()}


def finding(identifier="51192", **cells):
    """Return a row of the findings that Tenable Vulnerability Management exports."""
    base = {"asset.id": "a-1", "asset.name": "web-01", "asset.display_ipv4_address": "10.20.1.10"}
    base |= {"definition.id": identifier, "definition.name": "N", "severity": "Low"}
    base |= {"port": "443", "protocol": "TCP", "state": "ACTIVE", "risk_modified": "NONE"}
    return base | cells


def detail(plugin="51192", **cells):
    """Return a row of a Vulnerability Detail List of Tenable.sc."""
    base = {"Plugin": plugin, "Plugin Name": "N", "Family": "General", "Severity": "Medium"}
    base |= {"IP Address": "10.20.3.10", "Protocol": "TCP", "Port": "443"}
    return base | {name.replace("_", " "): text for name, text in cells.items()}


def web(**cells):
    """Return a row of a Tenable WAS CSV."""
    base = {"Plugin ID": "98104", "CVE": "", "CVSS": "7.5", "CVSSv3": "7.1", "Risk": "high"}
    base |= {"Host": "portal.example.gov", "Protocol": "https", "Port": "", "Name": "XSS"}
    return base | {"Plugin Output": ""} | {k.replace("_", " "): v for k, v in cells.items()}


def exported(plugin=51192, asset=None, **fields):
    """Return an object of Tenable's vulnerability export."""
    about = {"uuid": "a-1", "hostname": "10.20.4.11", "ipv4": "10.20.4.11", **(asset or {})}
    base = {"asset": about, "output": "", "plugin": {"id": plugin, "name": "N"}}
    base |= {"port": {"port": 443, "protocol": "TCP"}, "severity": "medium", "severity_id": 2}
    return base | {"severity_default_id": 2, "state": "OPEN", **fields}


class TestSamples:
    """Counts equal those taken independently of the real exports."""

    @pytest.mark.parametrize("row", known("nessus_csv", "tenable_io_csv", "tenable_was_csv"))
    def test_rows_per_cve(self, row):
        """These repeat a finding for each CVE: distinct findings count, not rows."""
        found = counts(read(sample(row["path"])))
        assert found.findings == int(row["distinct_findings"])
        severities = {word: n for word, n in row["distinct_by_severity"].items() if n}
        assert found.severities == severities
        assert found.identifiers == int(row["unique_ids"])
        assert found.assets == int(row["hosts"])

    @pytest.mark.parametrize("row", known("tenable_sc_csv", "tenable_vm_findings_csv_semicolon"))
    def test_rows_per_finding(self, row):
        """These have a row for each finding; blank rows at the end are none."""
        found = counts(read(sample(row["path"])))
        assert found.findings == int(row["findings_total"])
        assert found.severities == expected_severities(row)
        assert found.identifiers == int(row["unique_ids"])
        assert found.assets == int(row["hosts"])

    @pytest.mark.parametrize(
        "row", known("nessus_csv", "tenable_io_csv", "tenable_was_csv", "tenable_sc_csv")
    )
    def test_cves(self, row):
        """Each CVE of each plugin is there, counted by the csv module alone."""
        lines = csv.DictReader(io.StringIO(sample(row["path"]).decode("utf-8-sig"), newline=""))
        expected = {
            (line.get("Plugin ID") or line["Plugin"], cve)
            for line in lines
            for cve in (line["CVE"] or "").split(",")
            if cve
        }
        _, definitions, _ = split(read(sample(row["path"])))
        found = {(d.source_identifier, cve) for d in definitions for cve in d.cves}
        assert found == expected

    @pytest.mark.parametrize("row", known("tenable_vm_findings_csv_semicolon"))
    def test_states(self, row):
        """A finding's state is kept; all here are present."""
        findings, _, _ = split(read(sample(row["path"])))
        assert Counter(f.status for f in findings) == row["states"]
        assert all(f.present and f.first_seen and f.last_seen for f in findings)

    @pytest.mark.parametrize("row", known("tenable_sc_summary_csv"))
    def test_summary(self, row):
        """A summary without hosts is refused in a sentence that names the right export."""
        with pytest.raises(ScanParseError, match=r"IP Address\..*Vulnerability Detail List"):
            read(sample(row["path"]))

    def test_scores_without_points(self, caplog):
        """In nessus-template.csv a decimal comma took the points: 5.0 is 50, 9.8 is 98.

        The five findings are read; but 50 is no score, and of 10 nobody knows whether it was
        1.0. So no score of the file is used: Nessus' own Risk rates them, and a warning says it.
        """
        path = "nessus/DefectDojo+django-DefectDojo__nessus_nessus-template.csv"
        findings, definitions, _ = split(read(sample(path), "march.csv"))
        assert Counter(f.native_severity for f in findings) == {
            "Critical": 1,
            "High": 1,
            "Medium": 3,
        }
        assert {(d.cvss2_base, d.cvss3_base, d.cvss4_base) for d in definitions} == {
            (None, None, None)
        }
        (warning,) = caplog.records
        assert warning.levelno == logging.WARNING
        assert "march.csv: line 2: the CVSS score '50' is above 10 (10 such" in warning.getMessage()
        assert {d.kev_due for d in definitions} == {None, date(2024, 7, 3)}


class TestIdentified:
    """Each export has one reader."""

    @pytest.mark.parametrize("name", FORMATS)
    @pytest.mark.parametrize("size", [1100, 2000, 65536])
    def test_cut_heads(self, name, size):
        """Wherever the head ends behind the header, the same one parser claims it."""
        for path in (SAMPLE_SCANS / name).iterdir():
            assert name == identify(path.read_bytes()[:size], path.name).NAME

    @pytest.mark.parametrize(
        ("row", "name"),
        [
            (scan(), "nessus_csv"),
            (vm(), "tenable_vm_csv"),
            ({k: v for k, v in vm().items() if k != "Asset UUID"}, "tenable_vm_csv"),
            (finding(), "tenable_vm_csv"),
            (detail(), "tenable_sc_csv"),
            (web(), "tenable_was_csv"),
            (web() | vm(), "tenable_was_csv"),
        ],
    )
    @pytest.mark.parametrize("delimiter", [",", ";"])
    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
    def test_dialects(self, row, name, delimiter, encoding):
        """Columns tell the dialect, whatever the delimiter and the encoding."""
        content = table(row, delimiter=delimiter).encode(encoding)
        assert name == identify(content, "x").NAME
        assert len(split(read(content))[0]) == 1

    def test_long_output_first(self):
        """An output longer than the head, before the plugin, does not hide an export."""
        content = json.dumps([exported(output="x" * 70000)])
        assert identify(content.encode()[:65536], "x").NAME == "tenable_vm_json"

    def test_no_columns(self):
        """A CSV without the columns that identify is of nobody."""
        without = {k: v for k, v in scan().items() if k != "Port"}
        with pytest.raises(ScanFormatError):
            read(table(without))

    @pytest.mark.parametrize("row", [scan(), vm(), finding(), detail(), web()])
    def test_no_rows(self, row):
        """A header alone is a scan that found nothing."""
        assert read(table(row).splitlines()[0]) == []


class TestRowsOfOneFinding:
    """Nessus and Tenable.io repeat a finding once for each of its CVEs."""

    @pytest.mark.parametrize("row", [scan, vm])
    def test_all_cves(self, row):
        """Rows that differ in the CVE alone are one finding with all CVEs, also when sorted."""
        rows = [row("1", CVE="CVE-2024-1111"), row("2"), row("1", CVE="CVE-2024-2222")]
        findings, definitions, _ = split(read(table(*rows), "march.csv"))
        assert [f.source_identifier for f in findings] == ["1", "2"]
        assert [d.cves for d in definitions] == [("CVE-2024-1111", "CVE-2024-2222"), ()]
        assert findings[0].locator.startswith("march.csv: line 2, host ")

    @pytest.mark.parametrize(
        "other",
        [{"Port": "8443"}, {"Protocol": "udp"}, {"Host": "10.9.9.9"}, {"Plugin_Output": "b"}],
    )
    def test_other_findings(self, other):
        """Another port, protocol, host or output is another finding."""
        assert len(split(read(table(scan("1"), scan("1", **other))))[0]) == 2

    def test_xml_and_csv_agree(self):
        """XML and CSV of one scan have the same findings, definitions and coverage."""
        inner = (
            "<synopsis>S.</synopsis><description>D.</description><solution>Update.</solution>"
            "<cve>CVE-2024-1111</cve><cve>CVE-2024-2222</cve><cvss_base_score>5.0</cvss_base_score>"
            "<cvss3_base_score>7.5</cvss3_base_score><xref>CWE:79</xref><see_also>http://a\nhttp://b"
            "</see_also><xref>CISA-KNOWN-EXPLOITED:2025/05/22</xref><xref>IAVA:2024-A-1</xref>"
            "<plugin_output>{}</plugin_output>"
        )
        about = "Credentialed checks : yes\nScan policy used : Monthly"
        info = item("19506", "0", f"<plugin_output>{about}</plugin_output>")
        twice = [item("7", "3", inner.format(text), port="443") for text in "ab"]
        content = nessus(info, *twice, properties=tag("host-ip", "10.0.0.5"))
        cells = {"Synopsis": "S.", "Description": "D.", "Solution": "Update.", "Port": "443"}
        cells |= {"CVSS v2.0 Base Score": "5.0", "CVSS v3.0 Base Score": "7.5", "Risk": "High"}
        cells |= {"XREF": "CWE:79;CISA-KNOWN-EXPLOITED:2025/05/22;IAVA:2024-A-1"}
        cells |= {"See Also": "http://a\nhttp://b", "Host": "10.0.0.5"}
        rows = [
            scan("19506", Host="10.0.0.5", Port="0", Risk="None", Plugin_Output=about),
            *(
                scan("7") | cells | {"CVE": cve, "Plugin Output": text}
                for text in "ab"
                for cve in ("CVE-2024-1111", "CVE-2024-2222")
            ),
        ]
        as_xml, as_csv = split(read(content)), split(read(table(*rows)))
        key = ("source_identifier", "asset", "port", "protocol", "kind", "present")
        assert _fields(as_xml[0], *key) == _fields(as_csv[0], *key)
        texts = ("name", "description", "solution", "cvss2_base", "cvss3_base", "cves", "cwes")
        assert _fields(as_xml[1], *texts, "kev_due") == _fields(as_csv[1], *texts, "kev_due")
        assert _fields(as_xml[1], "references") == _fields(as_csv[1], "references")
        host = ("asset", "ips", "authenticated", "policy")
        assert _fields(as_xml[2], *host) == _fields(as_csv[2], *host)


def _fields(records, *names):
    return [[getattr(record, name) for name in names] for record in records]


class TestSeverity:
    """What the scanner rates, as it writes it."""

    @pytest.mark.parametrize(
        ("word", "kind"),
        [
            ("Critical", Kind.VULNERABILITY),
            ("Low", Kind.VULNERABILITY),
            ("None", Kind.INFORMATIONAL),
            ("Severe", Kind.VULNERABILITY),
            ("", Kind.VULNERABILITY),
        ],
    )
    def test_risk(self, word, kind):
        """Risk rates, not Risk Factor; a word nobody knows stays as it is, to be reviewed."""
        ((one,), (about,), _) = split(read(table(scan(Risk=word) | {"Risk Factor": "High"})))
        assert (one.native_severity, one.kind) == (word or None, kind)
        assert about.native_severity is None

    @pytest.mark.parametrize("detector", ["Nessus", "Tenable WAS"])
    def test_words_and_numbers(self, detector):
        """Words and numbers of one severity have one rating; the worst come first."""
        scanner = policy().scanner(detector)
        codes, names = scanner.severity.codes, scanner.severity_names
        assert codes.keys() == names.keys()
        ratings = {"critical": RiskRating.HIGH, "high": RiskRating.HIGH}
        ratings |= {"medium": RiskRating.MODERATE, "low": RiskRating.LOW, "info": None}
        assert all(codes[code] == ratings[name] for code, name in names.items())
        assert list(dict.fromkeys(names.values())) == list(ratings)
        assert scanner.severity.worst(["info", "Low", "3", "Critical"]) == "Critical"

    @pytest.mark.parametrize(
        ("text", "value"), [("0.0", 0.0), ("4.9", 4.9), ("5", 5.0), ("10", 10.0), ("", None)]
    )
    def test_scores(self, text, value):
        """A score of 0.0 is a score, an empty one is missing; the columns have many names."""
        for row, column in (
            (scan(), "CVSS v2.0 Base Score"),
            ({k: v for k, v in scan().items() if not k.startswith("CVSS")}, "CVSS"),
            (detail(), "CVSS V2 Base Score"),
            (finding(), "definition.cvss2.base_score"),
        ):
            _, (about,), _ = split(read(table(row | {column: text})))
            assert about.cvss2_base == value

    @pytest.mark.parametrize("row", [scan(), vm(), detail(), web()])
    def test_score_above_ten(self, row, caplog):
        """One score above 10 makes all scores of the file doubtful."""
        rows = [row | {"CVSS": "98"}, row | {"CVSS": "9.8", "Plugin ID": "2", "Plugin": "2"}]
        rows = [{k: v for k, v in one.items() if k != "CVSS v2.0 Base Score"} for one in rows]
        _, definitions, _ = split(read(table(*rows)))
        assert [d.cvss2_base for d in definitions] == [None, None]
        assert "line 2: the CVSS score '98' is above 10 (1 such" in caplog.text

    @pytest.mark.parametrize("text", ["9,8", "high", "-1", "nan"])
    def test_no_score(self, text):
        """What is no number stops the file at its line."""
        with pytest.raises(ScanParseError, match=f"x.csv, line 2: found the score '{text}'"):
            read(table(scan() | {"CVSS v2.0 Base Score": text}), "x.csv")


class TestCompliance:
    """A row of a policy check says in its description which check, and its result."""

    TEXT = (
        '"1.1 Ensure x" : [{}]\n\nWhy.\n\nSolution:\nSet it.\n\nSee Also: https://a\n\n'
        "Reference: 800-53|AC-17,LEVEL|1A\n\nPolicy Value:\nno\n\nActual Value:\nyes"
    )

    @pytest.mark.parametrize(
        ("result", "present", "severity"),
        [
            ("FAILED", True, "FAILED"),
            ("WARNING", True, "WARNING"),
            ("ERROR", True, "ERROR"),
            ("PASSED", False, None),
        ],
    )
    def test_results(self, result, present, severity):
        """A check is a configuration finding keyed by its name; one that passed is gone."""
        row = scan("21157", Risk=result, Description=self.TEXT.format(result))
        ((one,), (about,), _) = split(read(table(row)))
        assert (one.kind, one.present) == (Kind.CONFIGURATION, present)
        assert (one.status, one.native_severity) == (result, severity)
        assert one.source_identifier == about.source_identifier == about.name == "1.1 Ensure x"
        assert (about.description, about.solution) == ("Why.", "Set it.")
        assert about.references == ("https://a", "800-53|AC-17", "LEVEL|1A")

    def test_three_shared_plugins(self):
        """Checks of one plugin are told apart; the same check on two hosts is one weakness."""
        rows = [
            scan("21157", Description=f'"{name}" : [FAILED]\nActual Value: {host}', Host=host)
            for name in ("A", "B")
            for host in ("10.0.0.1", "10.0.0.2")
        ]
        findings, definitions, _ = split(read(table(*rows)))
        assert [f.source_identifier for f in findings] == ["A", "A", "B", "B"]
        assert [d.description for d in definitions] == [None, None]

    def test_other_family(self):
        """What only looks like a check, in a family of its own, is none."""
        row = vm(Description='"x" : [FAILED]') | {"Plugin Family": "Misc."}
        ((one,), _, _) = split(read(table(row)))
        assert (one.kind, one.source_identifier) == (Kind.VULNERABILITY, "51192")

    def test_check_without_result(self):
        """A check whose text does not tell the result is a configuration finding all the same."""
        row = detail("1000123", Family="Policy Compliance", Severity="High")
        ((one,), _, _) = split(read(table(row)))
        assert (one.kind, one.source_identifier) == (Kind.CONFIGURATION, "1000123")


class TestCoverage:
    """What rows prove of the scan."""

    INFO = (
        "Information about this scan : \n\nPlugin feed version : 202611160610\nScan policy used : "
        "Monthly\nCredentialed checks : {}\nScan Start Date : {}\nScan duration : 345 sec\n"
    )

    @pytest.mark.parametrize(
        ("start", "started"),
        [
            ("2026/11/6 1:05 EST (UTC -05:00)", "2026-11-06T01:05:00-05:00"),
            ("2020/6/17 15:19 China Standard Time", "2020-06-17T15:19:00"),
            ("2009/11/8 2:21", "2009-11-08T02:21:00"),
            ("yesterday", None),
            ("2026/13/40 1:05", None),
        ],
    )
    def test_scan_information(self, start, started):
        """Plugin 19506 tells a Nessus CSV's dates, policy, feed and credentials."""
        row = scan("19506", Plugin_Output=self.INFO.format("yes, as 'root' via ssh", start))
        _, _, (c,) = split(read(table(row)))
        assert c.started == (datetime.fromisoformat(started) if started else None)
        assert (c.ended - c.started).seconds == 345 if started else c.ended is None
        assert (c.policy, c.feed_date) == ("Monthly", date(2026, 11, 16))
        assert (c.authenticated, c.ips) == (Authenticated.YES, ("10.20.1.10",))

    @pytest.mark.parametrize(
        ("plugins", "expected"),
        [
            (["51192"], Authenticated.UNKNOWN),
            (["141118"], Authenticated.YES),
            (["141118", "104410"], Authenticated.PARTIAL),
            (["110723"], Authenticated.NO),
            (["21745"], Authenticated.NO),
        ],
    )
    @pytest.mark.parametrize("row", [scan, detail, vm])
    def test_plugins(self, plugins, expected, row):
        """Plugins about the login are evidence, of each host for itself."""
        other = {"Host": "10.0.0.9", "IP Address": "10.0.0.9", "Asset UUID": "a-9"}
        base = row()
        other = {name: text for name, text in other.items() if name in base}
        _, _, (c, d) = split(read(table(*map(row, plugins), base | other)))
        assert (c.authenticated, d.authenticated) == (expected, Authenticated.UNKNOWN)

    def test_fixed_is_no_evidence(self):
        """What is fixed says nothing of the last scan."""
        row = vm("110723", Vulnerability_State="Fixed")
        assert split(read(table(row)))[2][0].authenticated is Authenticated.UNKNOWN

    @pytest.mark.parametrize(
        ("logged_in", "logged_out", "started", "expected"),
        [
            ("2026-11-16T01:15:00Z", "", "2026-11-16T01:00:00Z", Authenticated.YES),
            ("2026-10-16T01:15:00Z", "", "2026-11-16T01:00:00Z", Authenticated.NO),
            ("2026-10-16T01:15:00Z", "2026-11-16T01:15:00Z", "", Authenticated.NO),
            ("2026-11-16T01:15:00Z", "2026-10-16T01:15:00Z", "", Authenticated.YES),
            ("2026-11-16T01:15:00Z", "", "", Authenticated.YES),
            ("", "2026-11-16T01:15:00Z", "", Authenticated.NO),
            ("", "", "2026-11-16T01:00:00Z", Authenticated.UNKNOWN),
        ],
    )
    def test_dates_of_logins(self, logged_in, logged_out, started, expected):
        """A login since the scan began is one of this scan; an older one is not."""
        row = vm() | {"Last Authenticated Results Date": logged_in, "Host Start": started}
        row |= {"Last Unauthenticated Results Date": logged_out}
        assert split(read(table(row)))[2][0].authenticated is expected

    def test_names_of_vm(self):
        """Host names, addresses and times stand in columns of their own; the latest time counts."""
        row = vm(Host="web", First_Found="2026-08-01T00:00:00.5Z") | {"NetBios": "WEB"}
        row |= {"MAC Address": "00:00:5e:00:53:01\n00:00:5e:00:53:02", "Host End": ""}
        early = row | {"Last Found": "2026-10-01T00:00:00Z"}
        late = row | {"Last Found": "2026-11-01T00:00:00Z", "Port": "80", "IP Address": "10.0.0.6"}
        findings, _, (c,) = split(read(table(late, early)))
        assert {f.asset for f in findings} == {c.asset} == {"web"}
        assert (c.ips, c.fqdns) == (("10.0.0.6", "10.20.1.10"), ("web.example.gov",))
        assert (c.netbios, c.macs) == ("WEB", ("00:00:5e:00:53:01", "00:00:5e:00:53:02"))
        assert c.ended == datetime(2026, 11, 1, tzinfo=UTC)
        assert findings[0].first_seen == datetime(2026, 8, 1, 0, 0, 0, 500000, UTC)

    def test_one_name_two_assets(self):
        """Tenable's identifier tells assets apart that have one name, and ties one that moved."""
        rows = [
            vm(Host="localhost", FQDN="a.example.gov", Asset_UUID="a"),
            vm(Host="localhost", FQDN="b.example.gov", Asset_UUID="b"),
            vm("2", Host="moved", FQDN="a.example.gov", Asset_UUID="a"),
        ]
        findings, _, coverage = split(read(table(*rows)))
        assert [f.asset for f in findings] == ["localhost", "10.20.1.10", "localhost"]
        assert [c.asset for c in coverage] == ["localhost", "10.20.1.10"]


class TestVulnerabilityManagement:
    """States, decisions and references of Tenable Vulnerability Management."""

    @pytest.mark.parametrize(
        ("state", "present"),
        [("Active", True), ("Resurfaced", True), ("Fixed", False), ("FIXED", False), ("", True)],
    )
    def test_state(self, state, present):
        """What is fixed is not present; its state is kept, and the fix is a day it was scanned."""
        day = {"Last Fixed": "2026-11-16T00:00:00Z", "Last Found": "2026-10-16T00:00:00Z"}
        ((one,), _, (c,)) = split(read(table(vm(Vulnerability_State=state) | day)))
        assert (one.present, one.status) == (present, state or None)
        assert c.ended == datetime(2026, 11, 16, tzinfo=UTC)

    def test_decisions(self):
        """A recast finding keeps the scanner's severity; what a person decided is its status."""
        recast = {"Modification": "RECASTED", "Original Severity": "3", "Risk": "None"}
        accepted = {"Modification": "ACCEPTED", "Original Severity": "3"}
        findings, _, _ = split(read(table(vm("1") | recast, vm("2") | accepted)))
        assert [f.kind for f in findings] == [Kind.VULNERABILITY] * 2
        assert [f.native_severity for f in findings] == ["3", "Medium"]
        assert [f.status for f in findings] == ["Active (RECASTED)", "Active (ACCEPTED)"]

    @pytest.mark.parametrize(
        ("column", "text"),
        [
            ("definition.references", "CWE=[79, 89], CISA-KNOWN-EXPLOITED=[2022/03/24], USN=[1-1]"),
            ("Cross References", "CWE #79,CWE #89,CISA-KNOWN-EXPLOITED #2022/03/24,USN #1-1"),
            ("XREF", "CWE:79;CWE:89;CISA-KNOWN-EXPLOITED:2022/03/24;USN:1-1"),
        ],
    )
    def test_references(self, column, text):
        """Each way of writing references gives CWEs, the KEV due date and the others."""
        row = {"definition": finding, "Cross": detail, "XREF": scan}
        rows = row[column.replace(".", " ").split()[0]]()
        _, (about,), _ = split(read(table(rows | {column: text}, delimiter=";")))
        assert (about.cwes, about.kev_due) == (("CWE-79", "CWE-89"), date(2022, 3, 24))
        assert about.references == ("USN:1-1",)

    def test_findings(self):
        """The newer export: dotted names, all CVEs in a cell, a row for each finding."""
        cells = {"definition.cve": "CVE-2024-1111, CVE-2024-2222", "definition.cwe": "79, 89"}
        cells |= {"definition.see_also": "http://a, http://b,c", "": "text without a header"}
        cells |= {"first_observed": "2023-06-28T11:50:44.895Z", "last_seen": ""}
        rows = [finding(**cells), finding(**cells)]
        findings, (about,), (c,) = split(read(table(*rows, delimiter=";")))
        assert len(findings) == 2
        assert about.cves == ("CVE-2024-1111", "CVE-2024-2222")
        assert (about.cwes, about.references) == (("CWE-79", "CWE-89"), ("http://a", "http://b,c"))
        assert about.description is None
        assert (c.asset, c.ips, c.ended) == ("10.20.1.10", ("10.20.1.10",), None)


class TestJson:
    """Objects of the export API and of the portal."""

    def test_api(self):
        """Nested objects, lists of CVEs and references, numbers as numbers."""
        plugin = {"id": 7, "name": "N", "family": "General", "cve": ["CVE-2024-1", "CVE-2024-1111"]}
        plugin |= {"cvss3_base_score": 7.5, "cvss3_vector": {"raw": "AV:N"}, "cvss_base_score": 0.0}
        kev = [{"type": "CISA-KNOWN-EXPLOITED", "id": "2022/03/24"}, {"type": "CWE", "id": 79}]
        plugin |= {"xrefs": [*kev, {"type": "IAVA", "id": "2022-A-1"}], "see_also": ["a", "b"]}
        scan_times = {"started_at": "2026-11-16T05:00:00Z", "completed_at": "2026-11-16T05:30:00Z"}
        asset = {"fqdn": "a.example.gov", "mac_address": "00:00:5e:00:53:01", "netbios_name": None}
        one = exported(asset=asset, scan=scan_times) | {"plugin": plugin}
        ((found,), (about,), (c,)) = split(read(json.dumps([one]), "x.json"))
        assert (found.source_identifier, found.port, found.protocol) == ("7", 443, "tcp")
        assert (found.native_severity, found.locator) == (
            "medium",
            "x.json: object 1, host 10.20.4.11",
        )
        assert (about.cves, about.cwes) == (("CVE-2024-1111",), ("CWE-79",))
        assert (about.cvss2_base, about.cvss3_base, about.cvss3_vector) == (0.0, 7.5, "AV:N")
        assert about.kev_due == date(2022, 3, 24)
        assert about.references == ("IAVA:2022-A-1", "a", "b")
        assert (c.fqdns, c.hostname, c.ended.minute) == (("a.example.gov",), None, 30)

    @pytest.mark.parametrize("shape", ["flat", "nested"])
    def test_portal(self, shape):
        """Findings of the portal have the names of its CSV, in one word or in objects."""
        one = {**finding(), "definition.cve": ["CVE-2024-1111"], "port": 0, "severity": "LOW"}
        one["definition.references"] = [{"type": "cwe", "ids": ["79", "89"]}]
        if shape == "nested":
            one |= {"asset": {}, "definition": {}}
            for name in [name for name in one if "." in name]:
                outer, _, inner = name.partition(".")
                one[outer][inner] = one.pop(name)
        lines = "".join(f"{json.dumps(one)}\n" for _ in "ab")
        findings, (about,), (c,) = split(read(lines, "x.jsonl"))
        assert [f.port for f in findings] == [None, None]
        assert (about.cves, about.cwes) == (("CVE-2024-1111",), ("CWE-79", "CWE-89"))
        assert (c.asset, findings[0].kind) == ("10.20.1.10", Kind.VULNERABILITY)

    def test_states(self):
        """Fixed is gone; a recast keeps the scanner's severity and says why."""
        fixed = exported(1, state="FIXED", last_fixed="2026-11-16T00:00:00Z")
        recast = exported(2, severity="info", severity_modification_type="RECASTED")
        recast |= {"recast_reason": "internal"}
        findings, _, _ = split(read(json.dumps([fixed, recast])))
        assert [f.present for f in findings] == [False, True]
        assert findings[1].native_severity == "2"
        assert findings[1].status == "OPEN (RECASTED, internal)"
        assert findings[1].kind is Kind.VULNERABILITY

    @pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
    def test_encodings(self, encoding):
        """Any Unicode encoding is read."""
        assert len(split(read(json.dumps([exported()]).encode(encoding)))[0]) == 1

    @pytest.mark.parametrize(
        ("content", "said"),
        [
            (json.dumps([exported()])[:-1], "object 2, about line 1: found broken JSON"),
            (json.dumps([exported(), 1]), "object 2: found a JSON int"),
            (json.dumps([exported("")]), "object 1: found a finding without a plugin ID"),
            (
                json.dumps([exported(), exported() | {"asset": []}]),
                "object 2: found a finding without a host",
            ),
            (
                json.dumps([exported(), exported() | {"port": {"port": "x"}}]),
                "object 2: found the port 'x'",
            ),
            (json.dumps([exported(first_found="soon")]), "object 1: found the time 'soon'"),
            (
                json.dumps([exported() | {"plugin": {"id": 1, "cvss_base_score": "n"}}]),
                "object 1: found the score 'n'",
            ),
        ],
    )
    def test_bad_input(self, content, said):
        """Every failure names the object."""
        with pytest.raises(ScanParseError, match=said):
            read(content, "x.json")


class TestSecurityCenter:
    """The Vulnerability Detail List of Tenable.sc."""

    def test_dates(self):
        """A month is a word, a zone a name; N/A is none; times with and without zones mix."""
        rows = [
            detail("1", Last_Observed="Jan 5, 2021 10:24:08 MST", First_Discovered="N/A"),
            detail("2", Last_Observed="Feb 9, 2024 10:48:42 UTC"),
            detail("3", Last_Observed="Jul 9, 2024 10:48:42 BST"),
        ]
        findings, _, (c,) = split(read(table(*rows)))
        assert findings[0].first_seen is None
        assert findings[0].last_seen.isoformat() == "2021-01-05T10:24:08-07:00"
        assert findings[1].last_seen.isoformat() == "2024-02-09T10:48:42+00:00"
        assert c.ended == findings[2].last_seen == datetime.fromisoformat("2024-07-09T10:48:42")

    def test_decisions(self):
        """A recast finding is rated by the plugin's risk; comments are evidence of a decision."""
        recast = {"Severity": "Info", "Risk Factor": "High", "Recast Risk Comment": "internal"}
        accepted = {"Risk Factor": "High", "Accept Risk Comment": "until March"}
        none = {"Risk Factor": "High", "Recast Risk Comment": "N/A"}
        rows = [detail("1") | recast, detail("2") | accepted, detail("3") | none]
        findings, _, _ = split(read(table(*rows)))
        assert [f.native_severity for f in findings] == ["High", "Medium", "Medium"]
        assert [f.kind for f in findings] == [Kind.VULNERABILITY] * 3
        assert [f.status for f in findings] == [
            "Recast Risk: internal",
            "Accept Risk: until March",
            None,
        ]

    @pytest.mark.parametrize(
        "names", [("Plugin Text", "Solution"), ("Plugin Output", "Steps to Remediate")]
    )
    def test_generations(self, names):
        """Names of columns change between versions."""
        output = "Plugin Output: Information :\nCredentialed checks : no"
        row = detail("19506") | {names[0]: output, names[1]: "n/a", "DNS Name": "a.example.gov"}
        _, (about,), (c,) = split(read(table(row | {"NetBIOS Name": "GROUP\\WEB-01"})))
        assert (about.solution, c.authenticated) == (None, Authenticated.NO)
        assert (c.fqdns, c.netbios) == (("a.example.gov",), "WEB-01")

    @pytest.mark.parametrize(
        ("text", "references"),
        [
            ("11849,33065", ("BID:11849", "BID:33065")),
            ("11849", ("BID:11849",)),
            ("1,184,933,065", ()),
        ],
    )
    def test_bugtraq(self, text, references):
        """A list that a spreadsheet took for one number is left out."""
        _, (about,), _ = split(read(table(detail(BID=text))))
        assert about.references == references

    def test_header_of_a_summary(self):
        """A summary is refused also when it has no rows."""
        with pytest.raises(ScanParseError, match="a summary names no hosts"):
            read("Plugin,Plugin Name,Family,Severity,Total,Host Total\n")


class TestWebApplications:
    """Tenable WAS in CSV."""

    @pytest.mark.parametrize(
        ("cells", "asset"),
        [
            ({}, "https://portal.example.gov"),
            ({"Port": "8443"}, "https://portal.example.gov:8443"),
            ({"Port": "443"}, "https://portal.example.gov"),
            ({"Protocol": "http", "Host": "10.0.0.5"}, "http://10.0.0.5"),
            ({"Host": "HTTPS://Portal.example.gov/app"}, "https://portal.example.gov"),
        ],
    )
    def test_asset(self, cells, asset):
        """Protocol, host and port make the site."""
        ((one,), _, (c,)) = split(read(table(web(**cells))))
        assert one.asset == c.asset == asset
        assert (c.ips, c.fqdns) in ((("10.0.0.5",), ()), ((), ("portal.example.gov",)))

    def test_pages(self):
        """The output names the page; values of its query are not part of it."""
        on = "has been detected on URL 'https://portal.example.gov/{}' by exploiting"
        rows = [
            web(Plugin_Output=on.format("a?q=1")),
            web(Plugin_Output=on.format("b")),
            web(Plugin_Output="on URL 'http:portal.example.gov/c' by"),
        ]
        findings, (about,), _ = split(read(table(*rows), "x.csv"))
        assert [f.location for f in findings] == [
            "https://portal.example.gov/a?q",
            "https://portal.example.gov/b",
            "https://portal.example.gov/",
        ]
        assert findings[0].locator == (
            "x.csv: site https://portal.example.gov, line 2, https://portal.example.gov/a?q"
        )
        assert (about.detector, about.cvss2_base, about.cvss3_base) == ("Tenable WAS", 7.5, 7.1)

    def test_cves(self):
        """Rows of one finding are one, with all CVEs; info is informational."""
        rows = [web(CVE="CVE-2020-11022", Risk="info"), web(CVE="CVE-2020-11023", Risk="info")]
        ((one,), (about,), _) = split(read(table(*rows)))
        assert about.cves == ("CVE-2020-11022", "CVE-2020-11023")
        assert one.kind is Kind.INFORMATIONAL


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([scan(), scan("")], "line 3: found a finding without a plugin ID"),
        ([scan(Host="")], "line 2: found a finding without a host"),
        ([web(Host="")], "line 2: found a finding without a host"),
        ([scan(Port="https")], "line 2: found the port 'https'"),
        ([vm(Last_Found="08/06/2023 02:00")], "line 2: found the time '08/06/2023 02:00'"),
        ([detail(First_Discovered="2024-02-09")], "line 2: found the time '2024-02-09'"),
    ],
)
def test_bad_rows(rows, said):
    """Every failure names its line and says what was expected."""
    with pytest.raises(ScanParseError, match=f"^x.csv, {said}.* Expected "):
        read(table(*rows), "x.csv")


def test_short_row():
    """A row with fewer cells than the header stops the file: a quote was lost."""
    with pytest.raises(ScanParseError, match="line 3: found a row of 2 cells"):
        read(table(scan()) + "1,2\n")
