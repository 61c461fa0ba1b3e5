"""What the parsers of Qualys VM scans, reports and exports promise."""

import logging
from collections import Counter
from datetime import UTC, datetime

import pytest

from parsers.registry import HEAD_SIZE, identify
from poam.errors import ScanFormatError, ScanParseError
from poam.model import Authenticated, DateOrder, Kind
from tests.conftest import SAMPLE_SCANS
from tests.parsers_support import counts, expected_severities, known, policy, read, sample, split

FORMATS = (
    "qualys_asset_data_report_xml",
    "qualys_host_list_vm_detection_xml",
    "qualys_pci_hackerguardian_csv",
    "qualys_vm_report_csv",
    "qualys_vm_scan_xml",
    "qualys_vmdr_csv_by_cve",
    "qualys_vmdr_csv_by_qid",
)


@pytest.mark.parametrize("row", known(*FORMATS))
def test_counts_of_samples(row):
    """Hosts, detections, QIDs, states and severities equal an independent count.

    As it counts, information gathered is info whatever its code, and hosts without results are
    no hosts.
    """
    records = read(sample(row["path"]))
    findings, definitions, coverage = split(records)
    telling = [r for r in findings if r.kind is not Kind.INFORMATIONAL]
    found = counts([*telling, *definitions])
    assert len(findings) == int(row["findings_total"])
    assert len({c.asset for c in coverage if "NO_RESULTS" not in c.locator}) == int(row["hosts"])
    assert len({f.source_identifier for f in findings}) == int(row["unique_ids"])
    information = {"info": len(findings) - len(telling)} if len(telling) < len(findings) else {}
    assert found.severities | information == expected_severities(row)
    assert {f.asset for f in findings} <= {c.asset for c in coverage}
    if "status" in row:
        assert Counter(f.status or "absent" for f in findings) == Counter(row["status"])
    if "glossary" in row:
        assert len(definitions) == row["glossary"]


@pytest.mark.parametrize(
    ("path", "qid", "cves", "port"),
    [
        ("Qualys_Sample_Report.csv", "91762", 23, None),
        ("infrascan_webgui_qualys_infrascan_webgui_1.xml", "123168", 19, None),
        ("vmdr_many_vulns_cve.csv", "800005", 1, 8443),
        ("vmdr_one_vuln_qid.csv", "100269", 0, None),
        ("hacker_guardian_one_finding.csv", "150059", 0, 80),
    ],
)
def test_details_of_samples(path, qid, cves, port):
    """Every CVE of a QID is kept, and the port of its detection."""
    content = sample(f"qualys/DefectDojo+django-DefectDojo__qualys_{path}")
    findings, definitions, _ = split(read(content))
    (definition,) = [d for d in definitions if d.source_identifier == qid]
    finding = next(f for f in findings if f.source_identifier == qid)
    assert (len(definition.cves), finding.port) == (cves, port)
    assert definition.name
    assert definition.description


@pytest.mark.parametrize("format", ["xml", "csv"])
def test_the_heads_alone(format):
    """Each sample of ours is claimed by its parser, also where the head is cut in the middle."""
    for scan in SAMPLE_SCANS.glob(f"qualys_*_{format}/*.{format}"):
        content = scan.read_bytes()
        for size in (HEAD_SIZE, 1500):
            assert scan.parent.name == identify(content[:size], "x").NAME


def at(text):
    """Return a time of the scanner's own clock."""
    return datetime.fromisoformat(text)


def csv(*rows, columns, preamble="", end="\n"):
    """Return a CSV of these rows, each a mapping of columns to cells."""
    names = columns.split(",")
    lines = [names, *([row.get(name, "") for name in names] for row in rows)]
    quoted = [",".join('"' + cell.replace('"', '""') + '"' for cell in line) for line in lines]
    return preamble + "".join(f"{line}{end}" for line in quoted)


# --- SCAN ---


def scan(*ips, status="FINISHED", duration="01:30:00", root="SCAN"):
    """Return the results of a scan."""
    return (
        f'<?xml version="1.0"?><!DOCTYPE SCAN SYSTEM ""><{root} value="scan/1.2"><HEADER>'
        f'<KEY value="DATE">2026-11-16T08:00:00Z</KEY><KEY value="DURATION">{duration}</KEY>'
        f'<KEY value="STATUS">{status}</KEY><OPTION_PROFILE><OPTION_PROFILE_TITLE>Monthly'
        f"</OPTION_PROFILE_TITLE></OPTION_PROFILE></HEADER>{''.join(ips)}</{root}>"
    )


def ip(items="", attributes='value="10.0.0.5" name="a.example.gov"'):
    """Return a host of a scan."""
    return f"<IP {attributes}>{items}</IP>"


def item(tag="VULN", number="1", severity="3", inner="", cat='value="Web" port="443"'):
    """Return one item in its category."""
    return (
        f"<{tag}S><CAT {cat}><{tag} number='{number}' severity='{severity}'><TITLE>T</TITLE>"
        f"{inner}</{tag}></CAT></{tag}S>"
    )


def test_scan_port_is_on_the_category():
    """Port and protocol are the category's, and hold for every item in it."""
    two = "<VULN number='1' severity='3'/><VULN number='2' severity='3'/>"
    items = f"<VULNS><CAT value='Web' port='443' protocol='TCP'>{two}</CAT></VULNS>"
    findings, definitions, _ = split(read(scan(ip(items + item(number="3", cat="value='x'")))))
    assert [(f.port, f.protocol) for f in findings] == [(443, "tcp"), (443, "tcp"), (None, None)]
    assert findings[0].locator == "scan.xml: host 10.0.0.5, QID 1, port 443/tcp"
    assert [d.family for d in definitions] == ["Web", "Web", "x"]


def test_scan_kinds():
    """Services and information are informational, potential vulnerabilities are not."""
    items = "".join(item(tag, severity="5") for tag in ("INFO", "SERVICE", "VULN", "PRACTICE"))
    findings, _, _ = split(read(scan(ip(items))))
    assert [f.kind for f in findings] == [*[Kind.INFORMATIONAL] * 2, *[Kind.VULNERABILITY] * 2]
    assert {f.native_severity for f in findings} == {"5"}


def test_scan_definition():
    """CVEs come from the attribute and the list; no score is missing, 0.0 is one."""
    inner = (
        "<CVSS_BASE source='service'>0.0</CVSS_BASE><CVSS3_BASE></CVSS3_BASE>"
        "<CVE_ID_LIST><CVE_ID><ID>CVE-2024-1111</ID></CVE_ID></CVE_ID_LIST>"
        "<BUGTRAQ_ID_LIST><BUGTRAQ_ID><ID>7</ID></BUGTRAQ_ID></BUGTRAQ_ID_LIST>"
        "<DIAGNOSIS><![CDATA[One.<P>Two]]></DIAGNOSIS><CONSEQUENCE>N/A</CONSEQUENCE>"
        "<SOLUTION>Patch.</SOLUTION>"
    )
    content = scan(ip(item(inner=inner))).replace("number='1'", "number='1' cveid='CVE-2024-2222'")
    _, (definition,), _ = split(read(content))
    assert (definition.cvss2_base, definition.cvss3_base) == (0.0, None)
    assert definition.cves == ("CVE-2024-2222", "CVE-2024-1111")
    assert (definition.references, definition.description) == (("BID:7",), "One.\n\nTwo")
    assert (definition.solution, definition.native_severity) == ("Patch.", None)


def test_scan_coverage():
    """A host without items was scanned, one that was down was not; the header says when and how."""
    bare = ip(attributes='value="10.0.0.6" name="No registered hostname"')
    down = ip(attributes='value="10.0.0.7" status="down"')
    _, _, coverage = split(read(scan(ip(item()), bare, down)))
    assert [(c.asset, c.fqdns) for c in coverage] == [
        ("10.0.0.5", ("a.example.gov",)),
        ("10.0.0.6", ()),
    ]
    assert coverage[0].started == datetime(2026, 11, 16, 8, tzinfo=UTC)
    assert coverage[0].ended == datetime(2026, 11, 16, 9, 30, tzinfo=UTC)
    assert coverage[0].policy == "Monthly"
    # "Unix Authentication ON" among the options says what was tried, not what worked.
    assert coverage[0].authenticated is Authenticated.UNKNOWN


@pytest.mark.parametrize(
    ("duration", "ended"),
    [
        ("1 day 00:00:10", datetime(2026, 11, 17, 8, 0, 10, tzinfo=UTC)),
        ("25:00:00", datetime(2026, 11, 17, 9, tzinfo=UTC)),
        ("", None),
        ("N/A", None),
    ],
)
def test_scan_duration(duration, ended):
    """Without a duration that can be read the end is not known; the start is."""
    _, _, (coverage,) = split(read(scan(ip(), duration=duration)))
    assert (coverage.started, coverage.ended) == (datetime(2026, 11, 16, 8, tzinfo=UTC), ended)


def test_unfinished_scan(caplog):
    """What a cancelled scan lists is there; what it does not list is not proven gone."""
    (finding,), _, (coverage,) = split(read(scan(ip(item()), status="CANCELED")))
    assert (coverage.started, coverage.ended) == (None, None)
    assert finding.last_seen == datetime(2026, 11, 16, 8, tzinfo=UTC)
    assert "scan.xml: the scan's status is CANCELED" in caplog.text


def test_scan_virtual_host():
    """A name that several hosts serve is no name of each: it would make them one asset."""
    cat = 'value="Web" fqdn="www.example.gov" port="443"'
    hosts = [ip(item(cat=cat), f'value="10.0.0.{n}"') for n in (5, 6)]
    _, _, coverage = split(read(scan(*hosts)))
    assert [c.fqdns for c in coverage] == [(), ()]


@pytest.mark.parametrize(
    ("inner", "said"),
    [
        (ip(item(number="")), "line 1, host 10.0.0.5: found a VULN without number"),
        (ip(item(tag="OTHER")), "host 10.0.0.5, QID 1: found the type 'OTHER'"),
        (ip(attributes=""), "line 1: found an IP without value or name"),
        (ip(item(cat='port="x"')), "host 10.0.0.5, QID 1: found the port 'x'"),
        (
            ip(item(inner="<CVSS_BASE>9,8</CVSS_BASE>")),
            "line 1, QID 1, CVSS_BASE: found the score '9,8'",
        ),
        ("<ERROR number='1905'>No such scan</ERROR>", "line 1: found the error 1905: No such scan"),
        ("<IP value='10.0.0.5'>", "found broken XML"),
    ],
)
def test_broken_scans(inner, said):
    """What cannot be read is refused with its place."""
    with pytest.raises(ScanParseError, match=f"^scan.xml, .*{said}"):
        read(scan(inner))


def test_another_scan():
    """The root element alone does not make a scan of Qualys."""
    with pytest.raises(ScanFormatError, match="XML with the root element SCAN"):
        read("<SCAN><IP>10.0.0.5</IP></SCAN>")


def test_scan_in_utf_16():
    """The encoding is the file's."""
    content = scan(ip(item(inner="<SOLUTION>é</SOLUTION>")))
    _, (definition,), _ = split(read(content.encode("utf-16")))
    assert definition.solution == "é"


# --- scan report CSV ---

REPORT = (
    "IP,DNS,NetBIOS,Tracking Method,IP Status,QID,Title,Vuln Status,Type,Severity,Port,Protocol,"
    "FQDN,First Detected,Last Detected,Date Last Fixed,CVE ID,CVSS Base,CVSS3 Base,Threat,Results"
)


def report(*rows, columns=REPORT, **options):
    """Return a scan report; each row adds to a plain one, None takes a cell away."""
    plain = {"IP": "10.0.0.5", "QID": "1", "Title": "T", "Type": "Vuln", "Severity": "3"}
    filled = [{k: v for k, v in {**plain, **row}.items() if v is not None} for row in rows]
    return csv(*filled, columns=columns, **options)


@pytest.mark.parametrize("lines", [0, 3, 7, 128, 1500])
def test_report_preamble(lines):
    """The header is found behind any preamble: titles, addresses, or a row for each host."""
    preamble = '"10.0.0.1, ""Heron""","12","4.0"\r\n' * lines
    (finding,), _, _ = split(read(report({}, preamble=preamble, end="\r\n"), "r.csv"))
    assert finding.locator == f"r.csv: line {lines + 2}, host 10.0.0.5, QID 1"


def test_report_columns():
    """Columns come in any order and number: those of scores and results depend on the template."""
    content = report({}, columns="Severity,Type,Title,QID,IP")
    (finding,), (definition,), (coverage,) = split(read(content))
    assert (finding.native_severity, definition.name, coverage.ended) == ("3", "T", None)


def test_report_states():
    """Fixed is gone, Ig is information, Practice is a vulnerability."""
    states = ("New", "Active", "Re-Opened", "Fixed")
    rows = [{"Vuln Status": state} for state in states]
    rows += [{"Type": "Ig", "Severity": "5"}, {"Type": "Practice"}]
    findings, _, _ = split(read(report(*rows)))
    assert [f.status for f in findings] == [*states, None, None]
    assert [f.present for f in findings] == [True, True, True, False, True, True]
    assert [f.kind for f in findings][4:] == [Kind.INFORMATIONAL, Kind.VULNERABILITY]


def test_report_dates():
    """Months come first; crossed dates are put in order; a fix is when the host was last seen."""
    rows = [
        {"First Detected": "11/02/2026 08:00:00", "Last Detected": "03/04/2026 09:00:00"},
        {"Vuln Status": "Fixed", "Date Last Fixed": "11/12/2026 10:00:00"},
    ]
    (finding, _), _, (coverage,) = split(read(report(*rows)))
    assert finding.first_seen == at("2026-03-04 09:00:00")
    assert finding.last_seen == at("2026-11-02 08:00:00")
    assert coverage.ended == at("2026-11-12 10:00:00")


def test_report_dates_the_other_way():
    """A thirteenth month refuses the file by its line; a site can state the other order."""
    content = report({"Last Detected": "11/02/2026 08:00"}, {"Last Detected": "25/02/2026 08:00"})
    with pytest.raises(ScanParseError) as error:
        read(content, "r.csv")
    assert str(error.value) == (
        "r.csv, line 3, host 10.0.0.5, Last Detected: found the date '25/02/2026 08:00', which is "
        "no date with the month first. Expected MM/DD/YYYY (for DD/MM/YYYY say day_first under "
        "site: dates:)."
    )
    findings, _, _ = split(read(content, dates=DateOrder.DAY_FIRST))
    assert findings[0].last_seen == at("2026-02-11 08:00:00")


def test_report_definition():
    """Number and vector share a cell, several CVEs another; the description is the Threat."""
    row = {
        "CVSS Base": "9.3 (AV:N/AC:M/Au:N/C:C/I:C/A:C)",
        "CVSS3 Base": "-",
        "CVE ID": "CVE-2024-1111, CVE-2024-2222",
        "Threat": 'Said "so",\nbelow',
        "Results": "what was seen",
    }
    _, (definition,), _ = split(read(report(row)))
    assert (definition.cvss2_base, definition.cvss2_vector) == (9.3, "AV:N/AC:M/Au:N/C:C/I:C/A:C")
    assert (definition.cvss3_base, definition.cvss3_vector) == (None, None)
    assert definition.cves == ("CVE-2024-1111", "CVE-2024-2222")
    assert definition.description == 'Said "so",\nbelow'


def test_report_hosts_without_findings(caplog):
    """A row may stand for a host without findings: covered where it was scanned, else logged."""
    gone = dict.fromkeys(("QID", "Title", "Type", "Severity"))
    rows = [
        {**gone, "IP Status": "host scanned, no vuln found"},
        {**gone, "IP": "10.0.0.6", "IP Status": "no vuln"},
        {**gone, "IP": "10.0.0.7", "IP Status": "host not alive"},
        {**gone, "IP": "10.0.0.8"},
    ]
    with caplog.at_level(logging.INFO):
        findings, _, coverage = split(read(report(*rows)))
    assert (findings, [c.asset for c in coverage]) == ([], ["10.0.0.5", "10.0.0.6"])
    assert "2 hosts are listed as not scanned" in caplog.text


def test_report_hosts():
    """Rows of a host need not be together; hosts of one address differ by how they are tracked."""
    rows = [
        {"DNS": "No registered hostname", "Tracking Method": "IP", "QID": "38307", "Type": "Ig"},
        {"IP": "10.0.0.6", "Tracking Method": "IP", "DNS": "b.example.gov"},
        {"Tracking Method": "IP", "NetBIOS": "A", "FQDN": "www.example.gov"},
        {"Tracking Method": "QAGENT", "DNS": "a.example.gov"},
        {"IP": None, "DNS": "c.example.gov"},
    ]
    _, _, coverage = split(read(report(*rows)))
    assert [(c.asset, c.fqdns, c.netbios) for c in coverage] == [
        ("10.0.0.5", (), "A"),
        ("10.0.0.6", ("b.example.gov",), None),
        ("10.0.0.5", ("a.example.gov",), None),
        ("c.example.gov", ("c.example.gov",), None),
    ]
    assert [c.authenticated for c in coverage][:2] == [Authenticated.YES, Authenticated.UNKNOWN]


LAUNCH = (
    '"Launch Date","Active Hosts","Status","Duration","Option Profile"\n'
    '"11/16/2026 at 08:00:00 (GMT-0500)","1","{}","01:30:00","Monthly"\n\n'
)


def test_results_of_one_scan():
    """Results of one scan have no dates by row, but say above the header when it ran."""
    trailer = '\n"Target distribution across scanner appliances"\n"External : 10.0.0.5"\n'
    content = report({}, preamble=LAUNCH.format("Finished")) + trailer
    (finding,), _, (coverage,) = split(read(content))
    assert finding.last_seen is None
    assert coverage.started == datetime(2026, 11, 16, 13, tzinfo=UTC)
    assert coverage.ended == datetime(2026, 11, 16, 14, 30, tzinfo=UTC)
    assert coverage.policy == "Monthly"


def test_results_of_an_unfinished_scan(caplog):
    """A cancelled scan proves nothing gone."""
    (finding,), _, (coverage,) = split(read(report({}, preamble=LAUNCH.format("Canceled"))))
    assert (coverage.started, coverage.ended) == (None, None)
    assert finding.last_seen == datetime(2026, 11, 16, 13, tzinfo=UTC)
    assert "the scan's status is Canceled" in caplog.text


# --- host list detection CSV ---

DETECTIONS = (
    "Host ID,IP Address,Tracking Method,DNS Name,Last Scan Datetime,Last VM Scanned Date,"
    "Last VM Scanned Duration,Last VM Auth Scanned Date,QID,Type,Port,Protocol,Severity,Status,"
    "First Found Datetime,Last Found Datetime,Is Ignored,Is Disabled"
)
BEGIN, END = "----BEGIN_RESPONSE_BODY_CSV\n", "----END_RESPONSE_BODY_CSV\n"
CUT = 'WARNING\n"CODE","TEXT","URL"\n"1980","1 record limit exceeded.","https://q/?id_min=8"\n'


def detections(*rows, **options):
    """Return the answer of the host detection API, without its marks."""
    plain = {
        **{"Host ID": "7", "IP Address": "10.0.0.5", "QID": "1", "Type": "Confirmed"},
        **{"Severity": "4", "Status": "Active", "Last VM Scanned Date": "2026-11-02T01:00:00Z"},
    }
    filled = [{k: v for k, v in {**plain, **row}.items() if v is not None} for row in rows]
    return csv(*filled, columns=DETECTIONS, **options)


BARE = dict.fromkeys(("QID", "Type", "Severity", "Status"))


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize(
    "marks",
    [("", ""), (BEGIN, END), (f"----BEGIN_RESPONSE_HEADER_CSV\n----END\n{BEGIN}", END)],
    ids=["no metadata", "marks", "header"],
)
def test_detections_marks(marks, end):
    """The marks around the body are no records, whether they are there or not."""
    content = f"{marks[0]}{detections({}, {'QID': '2'}, end=end)}{marks[1]}"
    findings, definitions, (coverage,) = split(read(content))
    assert [f.source_identifier for f in findings] == ["1", "2"]
    assert [(d.name, d.native_severity) for d in definitions] == [(None, None)] * 2
    assert coverage.ended == datetime(2026, 11, 2, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "footer",
    [f"{END}----BEGIN_RESPONSE_FOOTER_CSV\n{CUT}----END_RESPONSE_FOOTER_CSV\n", f"{END}{CUT}"],
)
def test_cut_detections(footer, caplog):
    """Where Qualys cut the answer, a warning says so, and only hosts that it lists are covered."""
    rows = [{}, {**BARE, "Host ID": "8", "IP Address": "10.0.0.6"}]
    findings, _, coverage = split(read(f"{BEGIN}{detections(*rows)}{footer}", "d.csv"))
    assert [c.asset for c in coverage] == ["10.0.0.5", "10.0.0.6"]
    assert len(findings) == 1
    assert [r.getMessage() for r in caplog.records] == [
        "d.csv: Qualys warns: 1 record limit exceeded."
    ]


def test_cut_file():
    """A body that begins and does not end was cut on the way: what is missing is not gone."""
    with pytest.raises(ScanParseError) as error:
        read(BEGIN + detections({}), "d.csv")
    assert str(error.value) == (
        "d.csv, the end of the file: found no ----END_RESPONSE_BODY_CSV. "
        "Expected a complete host list detection output of Qualys in CSV."
    )


def test_detections_states():
    """Severity and state are the detection's own; what Qualys was told to ignore is present."""
    rows = [
        {"Severity": "5", "Is Ignored": "1", "Is Disabled": "1"},
        {"Status": "Fixed", "Is Ignored": "0"},
        {"Status": None, "Type": "Info"},
        {"Type": "Potential"},
    ]
    findings, _, _ = split(read(detections(*rows)))
    assert [(f.status, f.present) for f in findings] == [
        ("Active (ignored, disabled)", True),
        ("Fixed", False),
        (None, True),
        ("Active", True),
    ]
    assert [f.native_severity for f in findings] == ["5", "4", "4", "4"]
    assert findings[2].kind is Kind.INFORMATIONAL


def test_detections_times():
    """A scan began its duration before it ended; crossed dates are put in order."""
    row = {
        "Last VM Scanned Duration": "3600",
        "First Found Datetime": "2026-11-02T00:30:00Z",
        "Last Found Datetime": "2026-11-01T00:00:00Z",
    }
    (finding,), _, (coverage,) = split(read(detections(row)))
    assert coverage.started == datetime(2026, 11, 2, tzinfo=UTC)
    assert finding.first_seen == datetime(2026, 11, 1, tzinfo=UTC)
    assert finding.last_seen == datetime(2026, 11, 2, 0, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("login", "tracking", "expected"),
    [
        ("2026-11-02T01:00:00Z", "IP", Authenticated.YES),
        ("2026-10-02T01:00:00Z", "IP", Authenticated.NO),
        ("", "IP", Authenticated.NO),
        ("", "AGENT", Authenticated.UNKNOWN),
    ],
)
def test_detections_authenticated(login, tracking, expected):
    """The last scan was authenticated when the last authenticated one is not older."""
    row = {"Last VM Auth Scanned Date": login, "Tracking Method": tracking}
    _, _, (coverage,) = split(read(detections(row)))
    assert coverage.authenticated is expected


# --- VMDR ---

VMDR = (
    "QID,Title,Severity,KB Severity,Type Detected,Last Detected,First Detected,Protocol,Port,"
    "Status,Asset Id,Asset Name,Asset IPV4,Asset IPV6,Disabled,Ignored,Threat,Last Fixed,Results"
)
BY_CVE = f"CVE,CVE-Description,CVSSv2 Base (nvd),CVSSv3.1 Base (nvd),{VMDR}"
METADATA = '"Asset Vuln Datalist Report","16 Nov 2026 10:00AM GMT-0500","1"\n"H"\n"U"\n'


def vmdr(*rows, columns=VMDR, **options):
    """Return a VMDR export."""
    plain = {
        **{"QID": "1", "Title": "T", "Severity": "4", "KB Severity": "3", "Status": "ACTIVE"},
        **{"Type Detected": "Confirmed", "Last Detected": "Nov 03, 2026 07:00 AM"},
        **{"Protocol": "'-", "Port": "0", "Asset Id": "7", "Asset Name": "WEB01"},
        **{"Asset IPV4": "10.0.0.5", "Disabled": "No", "Ignored": "No"},
    }
    filled = [{k: v for k, v in {**plain, **row}.items() if v is not None} for row in rows]
    return csv(*filled, columns=columns, **options)


@pytest.mark.parametrize("preamble", ["", METADATA], ids=["no metadata", "metadata"])
@pytest.mark.parametrize("columns", [VMDR, BY_CVE], ids=["by QID", "by CVE"])
def test_vmdr_layouts(columns, preamble):
    """Both views are read, with metadata lines or without; a quoted dash is no value."""
    content = vmdr({"Last Fixed": "'-"}, columns=columns, preamble=preamble)
    (finding,), (definition,), (coverage,) = split(read(content))
    assert (finding.native_severity, definition.native_severity) == ("4", "3")
    assert (finding.port, finding.protocol, finding.status) == (None, None, "ACTIVE")
    assert finding.last_seen == coverage.ended == at("2026-11-03 07:00:00")
    assert coverage.hostname == "WEB01"


def test_vmdr_quoted_rows():
    """Rows quoted as a whole, each quote in them doubled, are taken apart, lines in cells too."""
    columns, row = vmdr({"Results": 'a, "b"\nc', "QID": "38657"}).split("\n", 1)
    wrapped = '"' + row.rstrip("\n").replace('"', '""') + '"\n'
    (finding,), _, _ = split(read(f"{columns}\n{wrapped}"))
    assert (finding.source_identifier, finding.port) == ("38657", None)


def test_vmdr_one_finding_with_all_its_cves():
    """A row for each CVE is one finding; the QID's score is the highest of its CVEs."""
    rows = [
        {"CVE": "CVE-2024-1111", "CVSSv2 Base (nvd)": "'-", "CVSSv3.1 Base (nvd)": "0.0"},
        {"CVE": "CVE-2024-1111", "Asset Id": "8", "Asset IPV4": "10.0.0.6"},
        {"CVE": "CVE-2024-2222", "CVSSv2 Base (nvd)": "5.0", "CVSSv3.1 Base (nvd)": "4.0"},
        {"CVE": "CVE-2024-2222", "Port": "443", "Protocol": "TCP"},
        {"CVE": "'-", "QID": "2"},
        {"CVE": "'-", "QID": "2"},
    ]
    findings, definitions, _ = split(read(vmdr(*rows, columns=BY_CVE)))
    assert [(f.source_identifier, f.asset, f.port) for f in findings] == [
        ("1", "10.0.0.5", None),
        ("1", "10.0.0.6", None),
        ("1", "10.0.0.5", 443),
        ("2", "10.0.0.5", None),
        ("2", "10.0.0.5", None),
    ]
    assert definitions[0].cves == ("CVE-2024-1111", "CVE-2024-2222")
    assert (definitions[0].cvss2_base, definitions[0].cvss3_base) == (5.0, 4.0)
    assert definitions[1].cves == ()


@pytest.mark.parametrize(
    ("row", "asset", "ips", "fqdns", "hostname"),
    [
        ({"Asset IPV4": "10.0.0.5,10.0.0.6"}, "10.0.0.5", ("10.0.0.5", "10.0.0.6"), (), "WEB01"),
        ({"Asset IPV4": "'-", "Asset IPV6": "2001:db8::1"}, "2001:db8::1", None, (), "WEB01"),
        ({"Asset IPV4": ""}, "WEB01", (), (), "WEB01"),
        ({"Asset Name": "w.example.gov"}, "10.0.0.5", None, ("w.example.gov",), None),
        ({"Asset Name": "10.0.0.5"}, "10.0.0.5", None, (), None),
    ],
)
def test_vmdr_assets(row, asset, ips, fqdns, hostname):
    """An asset may have several addresses, an IPv6 address alone, or only a name."""
    (finding,), _, (coverage,) = split(read(vmdr(row)))
    assert finding.asset == coverage.asset == asset
    assert coverage.ips == ((asset,) if ips is None else ips)
    assert (coverage.fqdns, coverage.hostname) == (fqdns, hostname)


def test_vmdr_states():
    """FIXED is gone; ignored stays present; the kind is Qualys' own word."""
    rows = [
        {"Status": "FIXED", "Last Fixed": "Nov 09, 2026 10:00 PM"},
        {"Status": "REOPENED", "Ignored": "Yes"},
        {"Type Detected": "Information", "Severity": "5"},
    ]
    findings, _, (coverage,) = split(read(vmdr(*rows)))
    assert [(f.status, f.present) for f in findings] == [
        ("FIXED", False),
        ("REOPENED (ignored)", True),
        ("ACTIVE", True),
    ]
    assert findings[2].kind is Kind.INFORMATIONAL
    assert coverage.ended == at("2026-11-09 22:00:00")


# --- PCI ---

PCI = (
    "IP,HOSTNAME,LAST SCAN,QID,VULN TITLE,TYPE,SEVERITY,PORT,PROTOCOL,FALSE POSITIVE STATUS,"
    "CVSS_BASE,Q_SEVERITY,THREAT,IMPACT,SOLUTION,RESULT,BUGTRAQID,CVEID"
)


def pci(*rows, **options):
    """Return a PCI report."""
    plain = {
        **{"IP": "203.0.113.5", "HOSTNAME": "w.example.gov", "LAST SCAN": "2026-11-16 04:00:30"},
        **{"QID": "1", "VULN TITLE": "T", "TYPE": "POTENTIAL", "SEVERITY": "M", "PORT": "80"},
        **{"Q_SEVERITY": "1", "FALSE POSITIVE STATUS": "-", "PROTOCOL": "tcp"},
    }
    filled = [{k: v for k, v in {**plain, **row}.items() if v is not None} for row in rows]
    return csv(*filled, columns=PCI, **options)


@pytest.mark.parametrize(
    ("severity", "rating"),
    [("H", "High"), ("M", "Moderate"), ("Medium", "Moderate"), ("L", "Low")],
)
def test_pci_severity(severity, rating):
    """The finding's severity is PCI's, as the report counts; Q_SEVERITY is the QID's."""
    (finding,), (definition,), _ = split(read(pci({"SEVERITY": severity})))
    assert (finding.native_severity, definition.native_severity) == (severity, "1")
    assert policy().scanner("Qualys").severity.codes[finding.native_severity] == rating


def test_pci_records():
    """Texts with blanks for commas, dashes for none; a claim of false positive is no verdict."""
    rows = [
        {"CVEID": "CVE-2024-1111 CVE-2024-2222", "BUGTRAQID": "7 8", "RESULT": r"\ -\ "},
        {"FALSE POSITIVE STATUS": "REQUESTED", "BUGTRAQID": "-", "TYPE": "CONFIRMED"},
    ]
    findings, definitions, (coverage,) = split(read(pci(*rows)))
    assert definitions[0].cves == ("CVE-2024-1111", "CVE-2024-2222")
    assert (definitions[0].references, definitions[1].references) == (("BID:7", "BID:8"), ())
    assert (definitions[0].cvss2_base, definitions[0].cvss3_base) == (None, None)
    assert [(f.status, f.present) for f in findings] == [
        (None, True),
        ("false positive: REQUESTED", True),
    ]
    assert coverage.ended == at("2026-11-16 04:00:30")
    assert coverage.fqdns == ("w.example.gov",)


# --- all CSV formats ---

TABLES = {"report": report, "detections": detections, "vmdr": vmdr, "pci": pci}


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_header_alone(table):
    """A header without rows is an empty scan."""
    assert read(table()) == []
    assert read(table(preamble="\n", end="\r\n") + "\r\n\r\n") == []


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le"])
@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_encodings(table, encoding):
    """The encoding and the line ends are the file's."""
    content = table({}, end="\r\n")
    assert read(content.encode(encoding)) == read(content)


@pytest.mark.parametrize(
    ("table", "row", "said"),
    [
        (report, {"QID": None}, "line 2: found a detection without QID"),
        (report, {"IP": None}, "line 2: found a row that names no host"),
        (report, {"Type": "New"}, "line 2, host 10.0.0.5, QID 1: found the type 'New'"),
        (report, {"Type": None}, "line 2, host 10.0.0.5, QID 1: found the type ''"),
        (report, {"Port": "http"}, "line 2, host 10.0.0.5, QID 1: found the port 'http'"),
        (report, {"CVSS Base": "98"}, "line 2, CVSS Base: found the score '98'"),
        (report, {"First Detected": "yesterday"}, "First Detected: found the time 'yesterday'"),
        (detections, {"QID": None}, "line 2: found a detection without QID"),
        (detections, {"IP Address": None}, "line 2: found a row that names no host"),
        (detections, {"Last Found Datetime": "11/02/2026"}, "found the time '11/02/2026'"),
        (vmdr, {"QID": "'-"}, "line 2: found a row without QID"),
        (vmdr, {"Asset Name": "'-", "Asset IPV4": "'-"}, "line 2: found a row that names no host"),
        (vmdr, {"Last Detected": "Foo 03, 2026"}, "Last Detected: found the time 'Foo 03, 2026'"),
        (vmdr, {"Type Detected": "Maybe"}, "QID 1: found the type 'Maybe'"),
        (pci, {"QID": None}, "line 2: found a row without QID"),
        (pci, {"IP": None, "HOSTNAME": None}, "line 2: found a row that names no host"),
        (pci, {"LAST SCAN": "today"}, "line 2, LAST SCAN: found the time 'today'"),
    ],
)
def test_broken_rows(table, row, said):
    """What a row lacks or says wrongly is refused with its line."""
    with pytest.raises(ScanParseError, match=f"^x.csv, .*{said}"):
        read(table(row), "x.csv")


@pytest.mark.parametrize("table", [report, detections])
def test_times_with_and_without_a_zone(table):
    """Times of both sorts in one row are compared, not stumbled over."""
    names = ("First Detected", "Last Detected")
    values = ("11/02/2026 08:00:00 GMT", "11/01/2026 08:00:00")
    if table is detections:
        names = ("First Found Datetime", "Last Found Datetime")
        values = ("2026-11-02T08:00:00Z", "2026-11-01T08:00:00")
    (finding,), _, _ = split(read(table(dict(zip(names, values, strict=True)))))
    assert (finding.first_seen.day, finding.last_seen.day) == (1, 2)


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_unknown_severity(table):
    """A severity that Qualys does not document reaches the rating as it is written."""
    (finding,), _, _ = split(read(table({"Severity": "9", "SEVERITY": "9"})))
    assert finding.native_severity == "9"
    assert "9" not in policy().scanner("Qualys").severity.codes
