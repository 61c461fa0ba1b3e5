"""What a title says beyond its words: advisory numbers, version bounds, months, systems."""

import pytest

from poam.marks import MarkReader, beginnings, is_partial
from tests.core_support import policy

READER = MarkReader(policy().correlation)


def marks(title, family):
    """Return the marks of one family in a title."""
    return set(READER.read(title).families.get(family, ()))


NUMBERS = [
    ("rhsa", "RHSA-2023:0957", ("(RHSA-2023:0957)", "RHSA-2023-0957 lua", "rhsa2023:0957")),
    ("cesa", "CESA-2021:1879", ("(CESA-2021:1879)", "CESA2021:1879 - CentOS 8")),
    ("elsa", "ELSA-2009-0337", ("(ELSA-2009-0337)", "ELSA-2009:0337", "ELSA 2009-0337")),
    ("alsa", "ALSA-2022:1234", ("AlmaLinux 8 : x (ALSA-2022:1234)",)),
    ("rlsa", "RLSA-2022:1234", ("Rocky Linux 8 : x (RLSA-2022:1234)",)),
    ("usn", "USN-2535-1", ("(USN-2535-1)", "USN2535-1", "usn 2535-1", "USN-2535 1")),
    ("dsa", "DSA-2613-1", ("Debian DSA-2613-1 : rails", "dsa2613-1", "DSA 2613", "DSA-2613")),
    ("dla", "DLA-3375-1", ("DLA 3375-1", "Debian DLA-3375-1 : xrdp", "DLA3375-1")),
    ("glsa", "GLSA-202305-18", ("GLSA-202305-18 : libsdl2", "Gentoo (GLSA 202305-18)")),
    (
        "suse",
        "SUSE-SU-2022:3926-1",
        ("SUSE SLES12 : x (SUSE-SU-2022:3926-1)", "suse-su-2022-3926-1", "SUSE-SU-2022:3926"),
    ),
    (
        "fedora",
        "FEDORA-2023-1254A1FC28",
        (
            "Fedora 38 : curl (2023-1254a1fc28)",
            "Fedora Security Update for curl (FEDORA-2023-1254a1fc28)",
            "FEDORA 2023-1254A1FC28",
        ),
    ),
    (
        "freebsd",
        "0F99A30C-7B4B-11ED-9168-080027F5FEC9",
        (
            "FreeBSD : curl -- multiple (0f99a30c-7b4b-11ed-9168-080027f5fec9)",
            "Free Berkeley Software Distribution (FreeBSD) Security Update for curl "
            "(0f99a30c-7b4b-11ed-9168-080027f5fec9)",
        ),
    ),
    ("freebsd_advisory", "FREEBSD-SA-14:06", ("OpenSSL (FreeBSD-SA-14:06.openssl)",)),
    ("alas", "ALAS-2023-1958", ("Amazon Linux 2 : x (ALAS-2023-1958)", "ALAS2-2023-1958")),
    ("euleros", "EULEROS-SA-2022-1234", ("EulerOS 2.0 SP8 : x (EulerOS-SA-2022-1234)",)),
    ("photon", "PHSA-2021-3.0-0201", ("Photon OS 3.0: Linux PHSA-2021-3.0-0201",)),
    ("slackware", "SSA:2021-041-01", ("(SSA:2021-041-01)", "SSA-2021-041-01")),
    ("vmsa", "VMSA-2021-0002", ("ESXi 7.0 (VMSA-2021-0002)", "vCenter VMSA-2021-0002.1")),
    ("cisco", "CISCO-SA-20170927-IKE", ("Cisco IOS XE DoS (cisco-sa-20170927-ike)",)),
    ("fortinet", "FG-IR-20-001", ("Fortinet FortiOS DoS (FG-IR-20-001)",)),
    ("juniper", "JSA11147", ("Juniper Junos OS Vulnerability (JSA11147)",)),
    ("f5", "K12345678", ("F5 Networks BIG-IP : OpenSSL (K12345678)",)),
    ("f5", "K12345", ("F5 Networks BIG-IP : OpenSSL (SOL12345)",)),
    ("citrix", "CTX477714", ("Citrix ADC Multiple Vulnerabilities (CTX477714)",)),
    ("splunk", "SVD-2023-0201", ("Splunk Enterprise < 8.1.13 (SVD-2023-0201)",)),
    ("palo_alto", "PAN-SA-2020-0005", ("PAN-OS (PAN-SA-2020-0005)",)),
    ("mozilla", "MFSA-2022-24", ("Mozilla Firefox MFSA2022-24", "MFSA 2022-24")),
    ("apple", "HT213092", ("macOS 12.x < 12.2.1 (HT213092)",)),
    ("aix", "IJ40614", ("AIX 7.2 TL 4 : bind (IJ40614)",)),
    ("hp", "HPSBGN03270", ("HP x (HPSBGN03270)",)),
    ("ms", "MS17-010", ("MS17-010: SMB (4013389)", "SMB Server RCE (MS17-010)")),
    ("kb", "KB4013389", ("MS17-010: SMB (4013389)", "KB4013389: x", "kb 4013389")),
    ("kb", "KB3268093", ("SAP NetWeaver AS Java Improper Access Control (3268093)",)),
    ("adobe", "APSB22-39", ("Adobe Acrobat < 20.005 (APSB22-39)", "APSB 22-39")),
    ("adobe", "APSA10-02", ("Adobe Reader APSA10-02",)),
]


@pytest.mark.parametrize(("family", "number", "titles"), NUMBERS)
def test_a_number_has_one_spelling(family, number, titles):
    """Scanners and people write one scheme's number in many ways."""
    for title in titles:
        assert marks(title, family) == {number}, title


@pytest.mark.parametrize(
    ("title", "bounds"),
    [
        ("Firefox < 68.7.0", {"68.7.0"}),
        ("Adobe AIR <= 15.0.0.293", {"15.0.0.293"}),
        ("PHP prior to 7.4.30", {"7.4.30"}),
        ("PHP Versions Prior to 7.4.30", {"7.4.30"}),
        ("PHP before version 7.4.30", {"7.4.30"}),
        ("Opera less than 9.22", {"9.22"}),
        ("PHP older than v7.4.30", {"7.4.30"}),
        ("PHP &lt; 7.4.30", {"7.4.30"}),
        ("PHP &amp;lt; 7.4.30", {"7.4.30"}),
        ("Apache 2.4.x >= 2.4.7 / < 2.4.52", {"2.4.52"}),
        ("VirtualBox < 4.0.34 / 4.1.42 / 5.0.8", {"4.0.34", "4.1.42", "5.0.8"}),
        ("OpenSSL 1.1.1 < 1.1.1u", {"1.1.1u"}),
        ("OpenSSH < 9.3p2", {"9.3p2"}),
        ("Adobe Animator < 4.4.7 / < 22.4", {"4.4.7", "22.4"}),
        ("Jenkins < 2.303.3 LTS / 2.319 weekly", {"2.303.3", "2.319"}),
        ("Symantec Client < 14.3 RU1 MP1 DoS", {"14.3.ru1.mp1"}),
        ("Zimbra 8.8.15 < 8.8.15 Patch 30", {"8.8.15.patch.30"}),
        ("ManageEngine < build 6114", {"build.6114"}),
        ("ServiceDesk < 11.3 Build 11306", {"11.3.build.11306"}),
        ("IBM DB2 9.7 < 9.7 FP 11 / 10.1 < 10.1 FP6", {"9.7.fp.11", "10.1.fp6"}),
        ("PHP 7.4.30", set()),
        ("Firefox before update", set()),
    ],
)
def test_version_bounds(title, bounds):
    """The bound, in every way of saying "below"; patch levels and builds are part of it."""
    assert marks(title, "version_bound") == bounds


@pytest.mark.parametrize(
    ("title", "bounds"),
    [
        ("Tomcat 9.0.x < 9.0.37 / 8.5.x < 8.5.57", {"9.0.37", "8.5.57"}),
        ("GitLab 13.11 < 15.3.5 / 15.4 < 15.4.4 / 15.5 < 15.5.2", {"15.3.5", "15.4.4", "15.5.2"}),
        ("Node 14.x < 14.21.1 / 16.x before 16.18.1", {"14.21.1", "16.18.1"}),
    ],
)
def test_a_branch_is_no_bound(title, bounds):
    """What stands before the next "below" is the branch, which adjacent releases share."""
    assert marks(title, "version_bound") == bounds


@pytest.mark.parametrize(
    ("title", "months"),
    [
        ("Oracle Java SE (October 2018 CPU)", {"2018-10"}),
        ("Oracle Java SE (Oct 2018 CPU)", {"2018-10"}),
        ("Oracle Java SE CPUOCT2018", {"2018-10"}),
        ("Oracle Java SE Critical Patch Update - October 2018", {"2018-10"}),
        ("Oracle Java SE Critical Patch Update, Oct. 2018", {"2018-10"}),
        ("java_july2016_advisory.asc (July 2016 CPU)", {"2016-07"}),
        ("Node.js (November 3 2022 Security Releases)", {"2022-11"}),
        ("Update of Sept 2022", {"2022-09"}),
        ("Update of Ocotber 2022", set()),
        ("Update of Janury 2022", {"2022-01"}),
        ("Update of May 2022", {"2022-05"}),
        ("Autodesk Maya 2022", set()),
        ("Junos 2022", set()),
        ("Marvel 2019", set()),
        ("Decoder 2020", set()),
    ],
)
def test_months(title, months):
    """A month with its year, long, short, or run together; a product's name is none."""
    assert marks(title, "month") == months


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("McAfee DLP (SB10382)", "McAfee DLP (SB10386)"),
        ("Jenkins plugins (2023-05-16)", "Jenkins plugins (2023-06-14)"),
        ("Scientific Linux : kernel (20200407)", "Scientific Linux : kernel (20200506)"),
        ("Confluence (CONFSERVER-79016)", "Confluence (CONFSERVER-79017)"),
        ("Jenkins (CloudBees Advisory 2023-02-09)", "Jenkins (CloudBees Advisory 2023-03-08)"),
        ("SAP (SAP Note 3268172)", "SAP (SAP Note 3268173)"),
    ],
)
def test_numbers_of_an_unknown_scheme_are_rivals(one, other):
    """A number in brackets tells two titles apart, whoever's scheme it is."""
    mine, theirs = (READER.read(title).rivals["reference"] for title in (one, other))
    assert mine
    assert theirs
    assert not mine & theirs


@pytest.mark.parametrize(
    "title",
    [
        "RHEL 8 : x (RHSA-2022:7110)",
        "GitLab (CVE-2022-3285)",
        "Injection (CWE-564)",
        "libc (x86_64)",
        "Office (2016)",
        "Flaw (INC0012345)",
        "Flaw (V-00123)",
        "Adobe FrameMaker (2019.0.8)",
        "Flaw (x3 hosts)",
        "SSL Medium Strength Cipher Suites Supported (SWEET32)",
        "Kernel (Live Patch 13 for SLE 15 SP3)",
    ],
)
def test_these_are_no_numbers_of_a_scheme(title):
    """Known schemes, CVEs, tickets, versions and nicknames are not taken for one."""
    assert "reference" not in READER.read(title).rivals


def test_a_reference_is_compared_without_punctuation():
    """`XX-CORE-2022-012` and `XX_CORE:2022-012` are one number."""
    one = READER.read("Tool (XX-CORE-2022-012)").rivals
    assert one == READER.read("Tool (XX_CORE:2022-012)").rivals


@pytest.mark.parametrize(
    ("title", "found"),
    [
        ("RHEL 8 : kernel (RHSA-2022:711...", {}),
        ("Apache 2.4.x < 2.4.4...", {}),
        ("RHEL 8 : kernel (RHSA-2022:7110)...", {"rhsa": {"RHSA-2022:7110"}}),
        ("RHEL 8 : kernel RHSA-2022:7110 ...", {"rhsa": {"RHSA-2022:7110"}}),
    ],
)
def test_a_number_cut_in_two_is_none(title, found):
    """Where a title breaks off within a number, the number may be another one."""
    assert {family: set(values) for family, values in READER.read(title).families.items()} == found


def test_debian_security_and_lts_advisories_exclude_each_other():
    """Schemes of one distribution are rivals: a DSA is not a DLA."""
    mine, theirs = READER.read("Debian DSA-4448-1"), READER.read("Debian DLA-3375-1")
    assert mine.rivals.keys() == theirs.rivals.keys() == {"debian advisory"}


@pytest.mark.parametrize(
    ("title", "systems"),
    [
        ("RHEL 8 : x", {"rhel"}),
        ("Red Hat Update for x", {"rhel"}),
        ("Oracle Enterprise Linux Security Update", {"oracle_linux"}),
        ("x (USN-1-1)", set()),
        ("x (USN-5991-1)", {"ubuntu"}),
        ("x (2023-1254a1fc28)", {"fedora"}),
        ("openSUSE 15 / SLES15", {"suse"}),
        ("Apache Tomcat", set()),
    ],
)
def test_systems(title, systems):
    """A system is named by its name or by the scheme of its advisories."""
    assert READER.read(title).distributions == systems


@pytest.mark.parametrize(
    ("cell", "partial"),
    [
        ("CVE-2022-3437 et al.", True),
        ("CVE-2022-3437, ...", True),
        ("CVE-2022-3437 and others", True),
        ("CVE-2022-3437 (+3 more)", True),
        ("CVE-2022-3437 etc.", True),
        ("CVE-2022-3437, CVE-2022-3438", False),
        ("", False),
    ],
)
def test_partial_lists_of_cves(cell, partial):
    """Whether a CVE cell says that it leaves some out."""
    assert is_partial(cell) is partial


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        (r"\bUSN[-\s]?(\d+)", ("usn",)),
        (r"\b(?:RHSA|RHBA)[-\s]?(\d+)", ("rhsa", "rhba")),
        (r"\b(?:open)?SUSE-(\d+)", ()),
        (r"\bcolou?r(\d+)", ()),
        (r"\bUSN(\d+)|\bDSA(\d+)", ()),
        (r"(?:\bKB\s?|(?<=\())(\d{6,7})\b", ()),
        (r"\b(I[JVZY]\d{5})\b", ()),
    ],
)
def test_beginnings(pattern, words):
    """The words a pattern needs are found only where it cannot match without."""
    assert beginnings(pattern) == words


RIVALS = [
    ("Firefox < 17.0 (Mac OS X)", "Firefox < 17.0 (Windows)", "platform"),
    ("Java (Unix)", "Java (Windows)", "platform"),
    ("Windows 10 Version 1803 Update", "Windows 10 Version 1809 Update", "windows_release"),
    ("Windows Server 2012 Update", "Windows Server 2012 R2 Update", "windows_release"),
    ("Windows 10 Version 1809 Update", "Windows Server 2016 Update", "windows_release"),
    (
        "Amazon Linux AMI : x (ALAS-2018-939)",
        "Amazon Linux 2 : x (ALAS-2018-939)",
        "amazon_generation",
    ),
    ("Amazon Linux 2 : x", "Amazon Linux 2023 : x", "amazon_generation"),
    ("Xen (XSA-402)", "Xen (XSA-403)", "xen"),
    ("Drupal (SA-CORE-2022-012)", "Drupal (SA-CORE-2022-013)", "drupal"),
    ("Agent (TNS-2022-13)", "Agent (TNS-2022-14)", "tenable"),
    ("Driver (INTEL-SA-00086)", "Driver (INTEL-SA-00075)", "intel"),
    ("Struts (S2-061)", "Struts (S2-062)", "struts"),
    ("PowerScale (DSA-2021-177)", "PowerScale (DSA-2021-178)", "dell"),
    ("Solaris (119783-40)", "Solaris (119783-41)", "solaris advisory"),
    ("x (ALASKERNEL-5.4-2022-014)", "x (ALASKERNEL-5.10-2022-014)", "amazon advisory"),
]


def test_looking_for_beginnings_first_changes_nothing(monkeypatch):
    """Titles read the same as where every pattern is tried on each."""
    monkeypatch.setattr("poam.marks.beginnings", lambda _: ())
    slow = MarkReader(policy().correlation)
    titles = [title for _, _, titles in NUMBERS for title in titles]
    titles += [title for one, other, _ in RIVALS for title in (one, other)]
    for title in titles:
        assert slow.read(title) == READER.read(title), title


@pytest.mark.parametrize(("one", "other", "kind"), RIVALS)
def test_rivals(one, other, kind):
    """What one vendor numbers or names apart is told apart."""
    mine, theirs = (READER.read(title).rivals[kind] for title in (one, other))
    assert mine
    assert theirs
    assert not mine & theirs


def test_a_release_cut_short_is_none():
    """`Windows 10 Version 17...` may be any of several releases."""
    assert "windows_release" not in READER.read("KB4483230: WINDOWS 10 VERSION 17...").rivals
