"""What the Qualys parsers promise."""

import io
import sys
from collections import Counter
from datetime import datetime

import pytest

from parsers import qualys_asset_data_xml
from parsers.export import Export
from poam.errors import ScanParseError
from poam.model import Authenticated, Kind
from tests.parsers_support import known, policy, read, sample, split


@pytest.mark.parametrize("expected", known("qualys_knowledgebase_xml"))
def test_knowledgebase_sample(expected):
    """The KnowledgeBase gives definitions alone, as many as an independent count says."""
    findings, definitions, coverage = split(read(sample(expected["path"])))
    assert (findings, coverage) == ([], [])
    assert len(definitions) == int(expected["findings_total"])
    words = policy().scanner("Qualys").severity_names
    counts = Counter(words[d.native_severity] for d in definitions)
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


def test_report_fix_shows_a_scan():
    """A scan that saw a fix looked at the host, later than anything was found on it."""
    fixed = info(status="Fixed", extra="<LAST_FIXED>2026-11-09T00:00:00Z</LAST_FIXED>")
    _, _, (coverage,) = split(read(report(host(fixed))))
    assert coverage.ended == datetime.fromisoformat("2026-11-09T00:00:00Z")


def test_report_virtual_host():
    """A name that several hosts serve is no name of each: it would make them one asset."""
    content = report(host(info(extra="<FQDN>www.example.gov</FQDN>")))
    _, _, (coverage,) = split(read(content))
    assert coverage.fqdns == ("a.example.gov",)


def test_times_with_and_without_a_zone():
    """Times of both sorts are compared, not stumbled over."""
    (finding,), _, _ = split(read(report(host(info(last="2026-09-02T00:00:00")))))
    assert (finding.first_seen.month, finding.last_seen.month) == (9, 10)


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


def test_large_glossary_is_read_once():
    """Four times the glossary takes four times the calls and bytes, not sixteen."""

    def work(count):
        qids = [str(number) for number in range(1, count + 1)]
        content = report(host(*map(info, qids)), "".join(map(details, qids))).encode()
        source = Counted(content)
        calls = Counter()
        sys.setprofile(lambda _, event, __: calls.update([event]))
        try:
            made = list(qualys_asset_data_xml.records(Export(source, "scan.xml")))
        finally:
            sys.setprofile(None)
        assert len(made) == 1 + 2 * count
        assert source.given == len(content)
        return calls.total()

    assert 3.5 < work(6000) / work(1500) < 4.5


class Counted(io.BytesIO):
    """A stream that counts the bytes it gave."""

    given = 0

    def read(self, size=-1):
        """Give bytes, and count them."""
        chunk = super().read(size)
        self.given += len(chunk)
        return chunk


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
        f'<!DOCTYPE {root} SYSTEM ""><{root}>'
        "<RESPONSE><HOST_LIST><HOST><IP>10.0.0.5</IP>"
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
    assert (finding.native_severity, definition.native_severity) == ("4", None)
    assert definition.name is None


def test_detection_ignored():
    """What Qualys was told to ignore is still present; the status says so."""
    (finding,), _, _ = split(read(detections(detection("<IS_IGNORED>1</IS_IGNORED>"))))
    assert (finding.present, finding.status) == (True, "Active (ignored)")


def test_detection_fixed():
    """What Qualys calls fixed is not present; its own severity stays with it."""
    content = detections(detection().replace("Active", "Fixed").replace(">4<", ">9<"))
    (finding,), _, _ = split(read(content))
    assert (finding.present, finding.status, finding.native_severity) == (False, "Fixed", "9")


@pytest.mark.parametrize("duration", ["-", "²", "99999999999999"])
def test_detection_duration(duration):
    """A duration that is none leaves the start unknown."""
    _, _, (coverage,) = split(read(detections().replace(">3600<", f">{duration}<")))
    assert coverage.started is None


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
    """Qualys' warning that the answer was cut is logged; hosts it lists are covered, no others."""
    warning = "<WARNING><CODE>1980</CODE><TEXT>1 record limit exceeded.</TEXT></WARNING>"
    content = detections(detection()).replace("</RESPONSE>", f"{warning}</RESPONSE>")
    (finding,), _, (coverage,) = split(read(content, "d.xml"))
    assert finding.asset == coverage.asset == "10.0.0.5"
    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert record.getMessage() == "d.xml: Qualys warns: 1 record limit exceeded."


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
