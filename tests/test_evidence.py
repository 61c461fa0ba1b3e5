"""What speaks for and against a match: every veto, every kind of evidence, and the sum."""

import re
from types import SimpleNamespace

import pytest

from poam.assets import AssetIndex
from poam.correlate import Correlator
from tests.core_support import item, items, policy

POINTS = {k: level.points for k, level in policy().correlation.evidence.kinds.items()}
LINK_AT = policy().correlation.evidence.link_at
REVIEW_AT = policy().correlation.evidence.review_at
HOST, PAGE = "web-01", "https://s.example/list"
TWO = ("CVE-2026-0001", "CVE-2026-0002")
XSS = "Cross Site Scripting (Reflected)"


def weigh(weakness=None, row=None):
    """Weigh one weakness against one row; each is told by what is special about it."""
    given = {"title": "A flaw", "detector": "Nessus", "identifier": "10001", "cves": ()}
    given |= {"place": HOST, "port": 0, "parameter": "", "rating": "High"} | (weakness or {})
    values = {"weakness_name": "A flaw", "asset_identifier": given["place"]}
    values |= {"weakness_source_identifier": ""} | (row or {})
    correlator = Correlator(items(item(**values)), AssetIndex(), policy())
    is_page = "://" in given["place"]
    place = SimpleNamespace(
        asset_identifier=given["place"],
        location=given["place"] if is_page else "",
        port=given["port"],
        parameter=given["parameter"],
    )
    described = SimpleNamespace(
        detector=given["detector"],
        source_identifier=given["identifier"],
        name=given["title"],
        cves=given["cves"],
        original_risk_rating=given["rating"],
    )
    (row,) = correlator._rows
    return correlator._weigher.weigh(correlator.weakness(described, [place]), row.side)


def evidence(match):
    """Return the kinds and points of a match."""
    return {one.kind: one.points for one in match.evidence}


@pytest.mark.parametrize(
    ("weakness", "row", "because"),
    [
        pytest.param(
            {},
            {"weakness_source_identifier": "10002"},
            "another check of this scanner (10002)",
            id="another check",
        ),
        pytest.param(
            {"title": "x (USN-5991-1)"},
            {"weakness_name": "x (USN-5992-1)"},
            "ubuntu advisory USN-5992-1, not USN-5991-1",
            id="advisory",
        ),
        pytest.param(
            {"title": "x DSA-4448-1"},
            {"weakness_name": "x DLA-3375-1"},
            "debian advisory DLA-3375-1",
            id="advisory of the distribution's other scheme",
        ),
        pytest.param(
            {"title": "KB4013389: x"}, {"weakness_name": "KB4013390: x"}, "kb KB4013390", id="KB"
        ),
        pytest.param(
            {"title": "x < 2.4.57"}, {"weakness_name": "x < 2.4.56"}, "version bound", id="bound"
        ),
        pytest.param(
            {"title": "x (April 2018 CPU)"},
            {"weakness_name": "x (Jan 2018 CPU)"},
            "month 2018-01, not 2018-04",
            id="month",
        ),
        pytest.param(
            {"title": "x (XX-402)"}, {"weakness_name": "x (XX-403)"}, "reference", id="reference"
        ),
        pytest.param(
            {"title": "RHEL 7 : x"}, {"weakness_name": "CentOS 7 : x"}, "for centos", id="system"
        ),
        pytest.param(
            {"cves": TWO[:1]}, {"cve": TWO[1]}, "no CVE in common", id="disjoint CVE sets"
        ),
        pytest.param(
            {"detector": "ZAP", "title": XSS, "place": PAGE, "identifier": "40012"},
            {"weakness_name": "SQL Injection", "weakness_detector_source": "Burp"},
            "another class",
            id="class",
        ),
        pytest.param({}, {"asset_identifier": "web-02"}, "no asset in common", id="asset"),
        pytest.param(
            {"title": "SSL Certificate Cannot Be Trusted", "port": 443},
            {
                "weakness_name": "SSL Certificate Cannot Be Trusted",
                "asset_identifier": "web-01 (8443/tcp)",
            },
            "on another port",
            id="port",
        ),
        pytest.param(
            {"place": PAGE}, {"asset_identifier": f"{PAGE}/b"}, "no page in common", id="page"
        ),
        pytest.param(
            {"detector": "ZAP", "title": XSS, "place": PAGE, "parameter": "q"},
            {"weakness_name": XSS, "asset_identifier": f"{PAGE} (parameter: p)"},
            "another parameter",
            id="parameter",
        ),
    ],
)
def test_vetoes(weakness, row, because):
    """Each rules the match out, and says why; nothing then counts for it."""
    match = weigh(weakness, row)
    assert because in match.veto
    assert because in match.words
    assert match.points == 0


@pytest.mark.parametrize(
    ("weakness", "row"),
    [
        pytest.param({"title": "x < 2.4.57"}, {"weakness_name": "x"}, id="one bound"),
        pytest.param({"title": "x < 2.4.57"}, {"weakness_name": "x prior to 2.4.57"}, id="bound"),
        pytest.param({"title": "RHEL 7 : x"}, {"weakness_name": "x"}, id="one system"),
        pytest.param({"cves": TWO}, {"cve": ""}, id="CVEs on one side"),
        pytest.param({"cves": TWO}, {"cve": TWO[0]}, id="one CVE in common"),
        pytest.param({"port": 443}, {"asset_identifier": "web-01 (8443/tcp)"}, id="no service"),
        pytest.param(
            {"title": "SSL Certificate Cannot Be Trusted", "port": 443},
            {"weakness_name": "SSL Certificate Cannot Be Trusted"},
            id="port on one side",
        ),
        pytest.param(
            {"detector": "ZAP", "title": XSS, "place": PAGE, "parameter": "q"},
            {"weakness_name": XSS},
            id="parameter on one side",
        ),
        pytest.param(
            {"title": "A flaw", "cves": TWO},
            {"weakness_source_identifier": "10002", "cve": "\n".join(TWO)},
            id="twins: one title, one CVE set, two numbers",
        ),
        pytest.param(
            {"title": "x (USN-5991-1)"},
            {"weakness_name": "x (USN-5991-1)", "asset_identifier": "web-02"},
            id="this scanner's advisory on another host",
        ),
        pytest.param({"place": "web-01.corp.example"}, {"asset_identifier": "WEB-01"}, id="label"),
        pytest.param({"place": "10.0.0.7"}, {"asset_identifier": "10.0.0.5-9"}, id="range"),
    ],
)
def test_what_is_no_veto(weakness, row):
    """What only one side says rules nothing out, nor do two spellings of one thing."""
    assert not weigh(weakness, row).veto


@pytest.mark.parametrize(
    ("weakness", "row", "kind"),
    [
        pytest.param({}, {"weakness_source_identifier": "10001"}, "identifier", id="identifier"),
        pytest.param(
            {"detector": "ZAP", "identifier": "10038", "place": PAGE},
            {
                "weakness_detector_source": "ZAP",
                "weakness_source_identifier": "10038\n10020",
                "asset_identifier": f"{PAGE}\n{PAGE}/b",
            },
            "identifier_among",
            id="one of several identifiers on several pages",
        ),
        pytest.param(
            {},
            {"weakness_detector_source": "3PAO", "weakness_source_identifier": "10001"},
            "unscoped_identifier",
            id="a number of nobody",
        ),
        pytest.param(
            {"title": "x (USN-5991-1)"}, {"weakness_name": "y usn5991-1"}, "advisory", id="advisory"
        ),
        pytest.param({"title": "MS17-010: x"}, {"weakness_name": "MS17-010"}, "bulletin", id="MS"),
        pytest.param(
            {"title": "Tool < 2.4.57"},
            {"weakness_name": "Old tool before 2.4.57"},
            "version_bound",
            id="<",
        ),
        pytest.param(
            {"title": "Tool Jan 2018"}, {"weakness_name": "Old tool CPUJAN2018"}, "month", id="CPU"
        ),
        pytest.param({"cves": TWO}, {"cve": "\n".join(TWO)}, "cve_equal", id="equal CVE sets"),
        pytest.param({"cves": TWO}, {"cve": TWO[0]}, "cve_subset", id="fewer CVEs"),
        pytest.param(
            {"cves": TWO}, {"cve": f"{TWO[0]}, {TWO[1]} et al."}, "cve_subset", id="et al."
        ),
        pytest.param(
            {"cves": TWO}, {"cve": f"{TWO[0]}\nCVE-2026-0003"}, "cve_overlap", id="some CVEs"
        ),
        pytest.param(
            {"detector": "ZAP", "title": XSS, "place": PAGE},
            {"weakness_name": "Reflected XSS", "weakness_detector_source": "Burp"},
            "class",
            id="class",
        ),
        pytest.param({}, {}, "title", id="title"),
        pytest.param(
            {"title": "SUSE Enterprise Linux Security Update for xen and all its tools"},
            {"weakness_name": "SUSE Enterprise Linux Se..."},
            "title_begins",
            id="beginning",
        ),
        pytest.param(
            {"title": "Tomcat Request Smuggling"},
            {"weakness_name": "Outdated tomcat on web tier"},
            "product",
            id="product",
        ),
        pytest.param({}, {}, "asset", id="asset"),
        pytest.param({"place": PAGE}, {}, "page", id="page"),
    ],
)
def test_evidence(weakness, row, kind):
    """Each kind is given once, with the points that the mapping says."""
    match = weigh(weakness, row)
    assert evidence(match).get(kind) == POINTS[kind], match.words


@pytest.mark.parametrize(
    ("weakness", "row"),
    [
        ({}, {}),
        ({"title": "x (USN-5991-1)", "cves": TWO}, {"weakness_name": "y usn5991-1", "cve": TWO[0]}),
        ({"title": "x < 2 (Jan 2018)"}, {"weakness_name": "x prior to 2 CPUJAN2018"}),
    ],
)
def test_the_sum_can_be_redone(weakness, row):
    """The points in the sentence add up to the total at its end."""
    match = weigh(weakness, row)
    terms, _, total = match.words.rpartition(" = ")
    stated = [int(points) for points in re.findall(r"\((\d+)\)(?= \+ |$)", terms)]
    assert len(stated) == len(match.evidence)
    assert sum(stated) == match.points == int(total)


def test_an_identifier_needs_no_sum():
    """What the scanner itself calls the same is said so, without points."""
    match = weigh({}, {"weakness_source_identifier": "10001"})
    assert match.words == "the scanner's own identifier"


def test_a_row_that_fits_many_gets_no_full_title():
    """Without number and CVEs a title that recurs in the feed does not decide alone."""
    match = weigh({"cves": TWO}, {})
    assert evidence(match)["title_alone"] == POINTS["title_alone"]
    assert match.points < LINK_AT


def test_another_scanners_words_are_no_title():
    """Titles are compared within one scanner; between two they only share a product."""
    match = weigh({"title": "Tomcat flaw"}, {"weakness_name": "Tomcat flaw"} | QUALYS)
    assert not evidence(match).keys() & {"title", "title_near", "title_begins"}


QUALYS = {"weakness_detector_source": "Qualys"}

# Pairs of adjacent titles as scanners write them, of one scanner on one host: never one item.
ADJACENT = [
    ("Fedora 38 : curl (2023-1254a1fc28)", "Fedora 38 : curl (2023-7e7414e64d)"),
    (
        "FreeBSD : curl -- several (0f99a30c-7b4b-11ed-9168-080027f5fec9)",
        "FreeBSD : curl -- several (692a5fd5-bb25-4df4-8a0e-eb91581f2531)",
    ),
    ("Cisco IOS XE DoS (cisco-sa-20170927-ike)", "Cisco IOS XE DoS (cisco-sa-20180328-ike)"),
    ("ESXi 7.0 Multiple (VMSA-2021-0002)", "ESXi 7.0 Multiple (VMSA-2021-0014)"),
    ("Oracle WebLogic (Jul 2020 CPU)", "Oracle WebLogic (Oct 2020 CPU)"),
    ("Oracle Java SE (CPUJAN2018)", "Oracle Java SE (CPUAPR2018)"),
    (
        "Oracle Java Critical Patch Update - July 2020",
        "Oracle Java Critical Patch Update - Jan 2020",
    ),
    (
        "KB5008212: Windows 10 Version 2004 Security Update (December 2021)",
        "KB5008206: Windows 10 Version 1909 Security Update (December 2021)",
    ),
    (
        "Microsoft Office Security Update for June 2021",
        "Microsoft Office Security Update for July 2021",
    ),
    ("Adobe Acrobat Multiple (APSB22-39)", "Adobe Acrobat Multiple (APSB22-46)"),
    ("Jenkins LTS < 2.303.3 / weekly < 2.319", "Jenkins LTS < 2.303.2 / weekly < 2.315"),
    ("Jenkins plugins Multiple (2023-05-16)", "Jenkins plugins Multiple (2023-06-14)"),
    ("Tomcat 9.0.x < 9.0.37 / 8.5.x < 8.5.57", "Tomcat 9.0.x < 9.0.36 / 8.5.x < 8.5.56"),
    ("Wireshark 3.6.x < 3.6.11 / 4.0.x < 4.0.3", "Wireshark 3.6.x < 3.6.10 / 4.0.x < 4.0.2"),
    (
        "IBM WebSphere 8.5.0.0 < 8.5.5.21 / 9.0.0.0 < 9.0.5.9 (6404646)",
        "IBM WebSphere 8.5.0.0 < 8.5.5.20 / 9.0.0.0 < 9.0.5.8 (6334311)",
    ),
    ("Juniper Junos OS Vulnerability (JSA11147)", "Juniper Junos OS Vulnerability (JSA11148)"),
    ("Fortinet FortiGate DoS (FG-IR-20-001)", "Fortinet FortiGate DoS (FG-IR-20-002)"),
    ("F5 Networks BIG-IP : OpenSSL (K12345678)", "F5 Networks BIG-IP : OpenSSL (K12345679)"),
    ("Citrix ADC Multiple (CTX477714)", "Citrix ADC Multiple (CTX474995)"),
    ("Splunk Enterprise Multiple (SVD-2023-0201)", "Splunk Enterprise Multiple (SVD-2023-0202)"),
    (
        "SAP NetWeaver Improper Access Control (3268093)",
        "SAP NetWeaver Improper Access Control (3252433)",
    ),
    ("Drupal 9.4.x Multiple (SA-CORE-2022-012)", "Drupal 9.4.x Multiple (SA-CORE-2022-013)"),
    ("WordPress < 5.8.3 Multiple", "WordPress < 5.8.2 Multiple"),
    ("GitLab 13.11 < 15.3.5 / 15.4 < 15.4.4", "GitLab 13.11 < 15.3.4 / 15.4 < 15.4.3"),
    ("Symantec Endpoint < 14.3 RU1 MP1 DoS", "Symantec Endpoint < 14.3 RU1 DoS"),
    ("ManageEngine ADSelfService < build 6114", "ManageEngine ADSelfService < build 6113"),
    ("Zimbra 8.8.15 < 8.8.15 Patch 30 XSS", "Zimbra 8.8.15 < 8.8.15 Patch 29 XSS"),
    ("Xen Project Denial of Service (XSA-402)", "Xen Project Denial of Service (XSA-403)"),
    ("Nessus Agent Multiple (TNS-2022-13)", "Nessus Agent Multiple (TNS-2022-14)"),
    ("SL7.x : kernel (20200407)", "SL7.x : kernel (20200506)"),
]


@pytest.mark.parametrize(("title", "other"), ADJACENT)
def test_adjacent_titles_are_two_weaknesses(title, other):
    """However alike their words, in either direction and in an analyst's spelling."""
    for mine, theirs in ((title, other), (other, title)):
        for edited in (theirs, theirs.upper(), theirs.replace("<", "prior to"), f"[HIGH] {theirs}"):
            assert weigh({"title": mine}, {"weakness_name": edited}).veto, edited


@pytest.mark.parametrize("title", sorted({title for pair in ADJACENT for title in pair}))
def test_an_edited_title_is_still_its_own(title):
    """The same edits make no veto against the title they were made to."""
    for edited in (title, title.upper(), title.replace("<", "prior to"), f"[HIGH] {title}"):
        match = weigh({"title": title}, {"weakness_name": edited})
        # A month alone recurs over the variants of one patch: a person is asked.
        enough = REVIEW_AT if "month" in evidence(match) else LINK_AT
        assert match.points >= enough, (edited, match.words)


@pytest.mark.parametrize(
    ("nessus", "qualys"),
    [
        ("Debian DLA-3375-1 : xrdp - LTS", "Debian Security Update for xrdp (DLA 3375-1)"),
        (
            "Fedora 38 : curl (2023-1254a1fc28)",
            "Fedora Security Update for curl (FEDORA-2023-1254a1fc28)",
        ),
        (
            "Amazon Linux 2 : x (ALAS-2023-1958)",
            "Amazon Linux Security Advisory for x : ALAS2-2023-1958",
        ),
        ("ESXi 7.0 Multiple (VMSA-2021-0002)", "VMware ESXi Patch Missing (VMSA-2021-0002)"),
        ("MS17-010: SMB Server (4013389)", "Microsoft SMB Server RCE Vulnerability (MS17-010)"),
        ("Citrix ADC Multiple (CTX477714)", "Citrix NetScaler Vulnerability (CTX477714)"),
    ],
)
def test_one_advisory_from_two_scanners(nessus, qualys):
    """One number and one host are enough, whatever else the titles say."""
    match = weigh({"title": nessus}, {"weakness_name": qualys} | QUALYS)
    assert match.points >= LINK_AT, match.words


@pytest.mark.parametrize(
    ("title", "name", "kind"),
    [
        ("Mozilla Firefox ESR < 102.3", "Mozilla Thunderbird < 102.3", "version_bound"),
        ("Oracle Java SE (Jan 2018 CPU)", "Oracle Database (Jan 2018 CPU)", "month"),
    ],
)
def test_a_bound_is_a_products(title, name, kind):
    """A bound or a month that two products of a vendor share tells nothing."""
    match = weigh(
        {"title": title, "cves": TWO}, {"weakness_name": name, "cve": "\n".join(TWO)} | QUALYS
    )
    assert kind not in evidence(match)
    assert match.points < LINK_AT


def test_bounds_that_agree_in_part():
    """A list that leaves bounds out is no veto; one with another bound is."""
    one = {"title": "Node.js < 14.21.3 / < 16.19.1 Multiple"}
    assert not weigh(one, {"weakness_name": "Node.js < 14.21.3 Multiple"}).veto
    assert weigh(one, {"weakness_name": "Node.js < 14.21.3 / < 16.20.0 Multiple"}).veto


def test_a_nickname_is_no_product():
    """Log4Shell is in a hundred products."""
    row = {"weakness_name": "VMware vCenter Log4Shell (VMSA-2021-0028)", "cve": TWO[0]} | QUALYS
    match = weigh({"title": "Apache Solr < 8.11.1 (Log4Shell)", "cves": TWO[:1]}, row)
    assert match.points < LINK_AT


def test_a_vendors_name_is_no_product():
    """One vendor makes many things."""
    match = weigh(
        {"title": "Apache Request Smuggling"},
        {"weakness_name": "Old Apache on the web tier"} | QUALYS,
    )
    assert "product" not in evidence(match)
