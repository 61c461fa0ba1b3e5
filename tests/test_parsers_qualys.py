"""What the Qualys parsers promise."""

import time
from collections import Counter
from datetime import datetime

import pytest

from poam.errors import ScanParseError
from poam.model import Authenticated, Kind
from tests.parsers_support import known, read, sample, split

WORDS = {"5": "critical", "4": "high", "3": "medium", "2": "low", "1": "low"}


def severities(findings, definitions):
    """Count findings by the vendor's rule: information gathered is info whatever its code."""
    code = {d.source_identifier: d.native_severity for d in definitions}
    return Counter(
        "info" if f.kind is Kind.INFORMATIONAL else WORDS[code[f.source_identifier]]
        for f in findings
    )


@pytest.mark.parametrize(
    "expected", known("qualys_asset_data_report_xml", "qualys_host_list_vm_detection_xml")
)
def test_counts_of_samples(expected):
    """Hosts, detections, QIDs and severities equal an independent count."""
    findings, definitions, coverage = split(read(sample(expected["path"])))
    hosts = [c for c in coverage if "NO_RESULTS" not in c.locator]
    assert len(hosts) == int(expected["hosts"])
    assert len(findings) == int(expected["findings_total"])
    assert len({f.source_identifier for f in findings}) == int(expected["unique_ids"])
    counts = severities(findings, definitions)
    for word in ("critical", "high", "medium", "low", "info"):
        assert counts[word] == int(expected[word])
    status = Counter(f.status or "absent" for f in findings)
    assert status == Counter(expected["status"])
    if "glossary" in expected:
        assert len(definitions) == expected["glossary"]


@pytest.mark.parametrize("expected", known("qualys_knowledgebase_xml"))
def test_knowledgebase_sample(expected):
    """The KnowledgeBase gives definitions alone, as many as an independent count says."""
    findings, definitions, coverage = split(read(sample(expected["path"])))
    assert (findings, coverage) == ([], [])
    assert len(definitions) == int(expected["findings_total"])
    counts = Counter(WORDS[d.native_severity] for d in definitions)
    assert counts["medium"] == int(expected["medium"])
    assert all("" not in d.cves for d in definitions)


def report(hosts="", glossary="", appendices="", root="ASSET_DATA_REPORT"):
    """Return an ASSET_DATA_REPORT."""
    return (
        f'<?xml version="1.0" encoding="UTF-8" ?><!DOCTYPE {root} SYSTEM "https://q/x.dtd"><{root}>'
        "<HEADER><GENERATION_DATETIME>2026-11-03T00:00:00Z</GENERATION_DATETIME></HEADER>"
        f"<HOST_LIST>{hosts}</HOST_LIST><GLOSSARY><VULN_DETAILS_LIST>{glossary}"
        f"</VULN_DETAILS_LIST></GLOSSARY><APPENDICES>{appendices}</APPENDICES></{root}>"
    )


def host(*infos, ip="10.0.0.5", dns="a.example.gov"):
    """Return a HOST."""
    return (
        f"<HOST><IP>{ip}</IP><DNS><![CDATA[{dns}]]></DNS>"
        f"<VULN_INFO_LIST>{''.join(infos)}</VULN_INFO_LIST></HOST>"
    )


def info(qid="1", kind="Vuln", status="Active", last="2026-11-02T00:00:00Z", extra=""):
    """Return a VULN_INFO."""
    return (
        f'<VULN_INFO><QID id="qid_{qid}">{qid}</QID><TYPE>{kind}</TYPE>'
        f"<FIRST_FOUND>2026-10-01T00:00:00Z</FIRST_FOUND><LAST_FOUND>{last}</LAST_FOUND>"
        f"<VULN_STATUS>{status}</VULN_STATUS>{extra}</VULN_INFO>"
    )


def details(qid="1", extra=""):
    """Return a VULN_DETAILS of the glossary."""
    return (
        f'<VULN_DETAILS id="qid_{qid}"><QID id="qid_{qid}">{qid}</QID><TITLE>T{qid}</TITLE>'
        f"<SEVERITY>3</SEVERITY>{extra}</VULN_DETAILS>"
    )


def test_report_types_and_states():
    """Potential is a vulnerability, Ig information; Fixed is no longer present."""
    infos = [info("1"), info("2", "Practice"), info("3", "Ig"), info("4", status="Fixed")]
    findings, _, _ = split(read(report(host(*infos))))
    assert [f.kind for f in findings][1:3] == [Kind.VULNERABILITY, Kind.INFORMATIONAL]
    assert [f.present for f in findings] == [True, True, True, False]
    assert findings[3].status == "Fixed"


def test_report_unknown_type():
    """A type Qualys does not document stops the file."""
    with pytest.raises(ScanParseError, match=r"host 10\.0\.0\.5, QID 1: found the type 'New'"):
        read(report(host(info(kind="New"))))


def test_report_coverage():
    """A host was scanned when its newest result was found; no registered name is no name."""
    content = report(host(info(), info(last="2026-11-01T00:00:00Z"), dns="No registered hostname"))
    _, _, (coverage,) = split(read(content))
    assert coverage.ended == datetime.fromisoformat("2026-11-02T00:00:00Z")
    assert (coverage.ips, coverage.fqdns) == (("10.0.0.5",), ())


def test_report_hosts_without_results():
    """Hosts without results were scanned: each address of the ranges is covered, once."""
    span = "<RANGE><START>10.0.0.4</START><END>10.0.0.6</END></RANGE>"
    content = report(host(), appendices=f"<NO_RESULTS><IP_LIST>{span}</IP_LIST></NO_RESULTS>")
    _, _, coverage = split(read(content))
    assert [c.asset for c in coverage] == ["10.0.0.5", "10.0.0.4", "10.0.0.6"]
    assert coverage[1].ended == datetime.fromisoformat("2026-11-03T00:00:00Z")


@pytest.mark.parametrize(
    ("start", "end"), [("10.0.0.0", "10.1.0.0"), ("10.0.0.9", "10.0.0.1"), ("a", "b")]
)
def test_report_impossible_range(start, end):
    """A range too large to be a list of hosts is named, not expanded."""
    span = f"<RANGE><START>{start}</START><END>{end}</END></RANGE>"
    content = report(appendices=f"<NO_RESULTS><IP_LIST>{span}</IP_LIST></NO_RESULTS>")
    with pytest.raises(ScanParseError, match=f"NO_RESULTS, range {start} to {end}"):
        read(content)


def test_glossary():
    """Scores and vectors are split, `-` is none, markup goes, CVEs are all kept."""
    extra = (
        "<THREAT><![CDATA[One.<P>Two<BR>three]]></THREAT><IMPACT>N/A</IMPACT>"
        "<SOLUTION>N/A</SOLUTION>"
        "<CVE_ID_LIST><CVE_ID><ID>CVE-2024-1111</ID></CVE_ID><CVE_ID><ID>CVE-2024-2222</ID>"
        "</CVE_ID></CVE_ID_LIST><CVSS_SCORE><CVSS_BASE source='service'>9.3 (AV:N/AC:M)</CVSS_BASE>"
        "</CVSS_SCORE><CVSS3_SCORE><CVSS3_BASE>-</CVSS3_BASE></CVSS3_SCORE>"
    )
    _, (d,), _ = split(read(report(host(info()), details(extra=extra))))
    assert (d.name, d.native_severity) == ("T1", "3")
    assert d.description == "One.\n\nTwo\nthree"
    assert d.solution is None
    assert d.cves == ("CVE-2024-1111", "CVE-2024-2222")
    assert (d.cvss2_base, d.cvss2_vector) == (9.3, "AV:N/AC:M")
    assert (d.cvss3_base, d.cvss3_vector) == (None, None)


def test_qid_absent_from_glossary():
    """A QID without a glossary entry is defined by its number alone, with no neighbour's CVEs."""
    extra = "<CVE_ID_LIST><CVE_ID><ID>CVE-2024-1111</ID></CVE_ID></CVE_ID_LIST>"
    content = report(host(info("1"), info("2")), details("1", extra))
    _, definitions, _ = split(read(content))
    assert [(d.source_identifier, d.name, d.cves) for d in definitions] == [
        ("1", "T1", ("CVE-2024-1111",)),
        ("2", None, ()),
    ]


def test_large_glossary_is_not_quadratic():
    """Four times the glossary takes about four times as long, not sixteen."""

    def seconds(count):
        qids = [str(number) for number in range(1, count)]
        content = report(host(*map(info, qids)), "".join(map(details, qids)))
        begin = time.process_time()
        read(content)
        return time.process_time() - begin

    seconds(100)
    assert seconds(6000) < 9 * seconds(1500)


@pytest.mark.parametrize(
    ("infos", "expected"),
    [
        ([info("1")], Authenticated.UNKNOWN),
        ([info("105015", "Ig")], Authenticated.NO),
        ([info("38307", "Ig")], Authenticated.YES),
        ([info("38307", "Ig"), info("105015", "Ig")], Authenticated.PARTIAL),
        (
            [info("70028", "Ig", extra="<RESULT>Discovery Method\tNULL session</RESULT>")],
            Authenticated.NO,
        ),
        ([info("70028", "Ig", extra="<RESULT>User Name\tscan</RESULT>")], Authenticated.YES),
    ],
)
def test_report_authenticated(infos, expected):
    """Authentication is read from the QIDs that report it, 70028 by its result."""
    _, _, (coverage,) = split(read(report(host(*infos))))
    assert coverage.authenticated is expected


def detections(inner="", fields=""):
    """Return the answer of the host detection API for one host."""
    root = "HOST_LIST_VM_DETECTION_OUTPUT"
    return (
        f"<{root}><RESPONSE><HOST_LIST><HOST><IP>10.0.0.5</IP>"
        "<LAST_VM_SCANNED_DATE>2026-11-02T01:00:00Z</LAST_VM_SCANNED_DATE>"
        f"<LAST_VM_SCANNED_DURATION>3600</LAST_VM_SCANNED_DURATION>{fields}"
        f"<DETECTION_LIST>{inner}</DETECTION_LIST></HOST></HOST_LIST></RESPONSE></{root}>"
    )


def detection(extra="", last="2026-11-02T00:00:00Z"):
    """Return a DETECTION."""
    return (
        "<DETECTION><QID>1</QID><TYPE>Confirmed</TYPE><SEVERITY>4</SEVERITY><STATUS>Active</STATUS>"
        f"<FIRST_FOUND_DATETIME>2026-10-01T00:00:00Z</FIRST_FOUND_DATETIME>"
        f"<LAST_FOUND_DATETIME>{last}</LAST_FOUND_DATETIME>{extra}</DETECTION>"
    )


def test_detection_times():
    """A scan began its duration before it ended; crossed dates of a detection are put in order."""
    content = detections(detection(last="2026-09-01T00:00:00Z"))
    (finding,), (definition,), (coverage,) = split(read(content))
    assert finding.first_seen == datetime.fromisoformat("2026-09-01T00:00:00Z")
    assert finding.last_seen == datetime.fromisoformat("2026-10-01T00:00:00Z")
    assert coverage.started == datetime.fromisoformat("2026-11-02T00:00:00Z")
    assert (definition.name, definition.native_severity) == (None, "4")


def test_detection_ignored():
    """What Qualys was told to ignore is still present; the status says so."""
    (finding,), _, _ = split(read(detections(detection("<IS_IGNORED>1</IS_IGNORED>"))))
    assert (finding.present, finding.status) == (True, "Active (ignored)")


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ("", Authenticated.NO),
        ("2026-11-02T01:00:00Z", Authenticated.YES),
        ("2026-10-02T01:00:00Z", Authenticated.NO),
    ],
)
def test_detection_authenticated(fields, expected):
    """The last scan was authenticated when the last authenticated one is not older."""
    if fields:
        fields = f"<LAST_VM_AUTH_SCANNED_DATE>{fields}</LAST_VM_AUTH_SCANNED_DATE>"
    _, _, (coverage,) = split(read(detections(fields=fields)))
    assert coverage.authenticated is expected


def test_detection_of_an_agent():
    """An agent logs in nowhere: without the date nothing is known."""
    tracking = "<TRACKING_METHOD>AGENT</TRACKING_METHOD>"
    _, _, (coverage,) = split(read(detections(fields=tracking)))
    assert coverage.authenticated is Authenticated.UNKNOWN


def test_detection_cvss():
    """The CVSS of the risk factors goes where its version says."""
    factors = (
        '<QDS_FACTORS><QDS_FACTOR name="CVSS"><![CDATA[\n 7.5 ]]></QDS_FACTOR>'
        '<QDS_FACTOR name="CVSS_version">v3.x</QDS_FACTOR>'
        '<QDS_FACTOR name="CVSS_vector">AV:N/AC:L</QDS_FACTOR></QDS_FACTORS>'
    )
    _, (definition,), _ = split(read(detections(detection(factors))))
    assert (definition.cvss3_base, definition.cvss3_vector) == (7.5, "AV:N/AC:L")
    assert definition.cvss2_base is None


def test_cut_answer_is_logged(caplog):
    """Qualys' warning that the answer was cut reaches the log."""
    warning = "<WARNING><CODE>1980</CODE><TEXT>1000 record limit exceeded.</TEXT></WARNING>"
    read(detections().replace("</RESPONSE>", f"{warning}</RESPONSE>"))
    assert "1000 record limit exceeded" in caplog.text


def test_knowledgebase():
    """Empty CVE ids and titles are dropped; scores and vectors of both versions are read."""
    root = "KNOWLEDGE_BASE_VULN_LIST_OUTPUT"
    content = (
        f'<!DOCTYPE {root} SYSTEM ""><{root}><RESPONSE><VULN_LIST><VULN><QID>1</QID><TITLE/>'
        "<CVE_LIST><CVE><ID></ID></CVE><CVE><ID>CVE-2024-1111</ID></CVE></CVE_LIST>"
        "<CVSS><BASE>5.0</BASE></CVSS><CVSS_V3><BASE>7.5</BASE><VECTOR_STRING>CVSS:3.1/AV:N"
        f"</VECTOR_STRING></CVSS_V3></VULN></VULN_LIST></RESPONSE></{root}>"
    )
    (d,) = read(content)
    assert (d.name, d.cves) == (None, ("CVE-2024-1111",))
    assert (d.cvss2_base, d.cvss3_base, d.cvss3_vector) == (5.0, 7.5, "CVSS:3.1/AV:N")
