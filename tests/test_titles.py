"""Titles as words: what analysts add is left out, and how alike two titles are."""

import pytest

from poam.titles import TitleReader, common_words
from tests.core_support import policy

READER = TitleReader(policy().correlation.titles)


@pytest.mark.parametrize(
    "title",
    [
        "[HIGH] Firefox < 3.0 Overflow",
        "VULN-123: Firefox < 3.0 Overflow",
        "Firefox < 3.0 Overflow - see INC0012345",
        "Firefox < 3.0 Overflow - rescan pending",
        "Firefox < 3.0 Overflow (x3 hosts)",
        "Firefox < 3.0 Overflow (recurring)",
        "Nessus: Firefox < 3.0 Overflow",
        "Firefox < 3.0 Overflow (uncredentialed check)",
        "Firefox < 3.0 Overflow...",
        "FIREFOX &lt; 3.0   OVERFLOW",
        "Firefox &amp;lt; 3.0 Overflow",
    ],
)
def test_decorations_are_left_out(title):
    """Analysts' prefixes and suffixes, the mode of a check, case, blanks and HTML say nothing."""
    assert READER.cleaned(title) == "firefox 3.0 overflow"


def test_abbreviations_are_written_out():
    """People shorten what scanners write out."""
    assert READER.cleaned("Mult. Vulns") == READER.cleaned("Multiple Vulnerabilities")


@pytest.mark.parametrize(
    ("title", "other", "verdict"),
    [
        ("Apache Tomcat Request Smuggling", "Apache Tomcat Request Smuggling", "same"),
        ("Apache Tomcat Request Smuggling", "apache tomcat reqest smugling", "same"),
        ("Apache Tomcat Request Smuggling", "Smuggling Request - Tomcat Apache", "same"),
        ("SSH Weak Key Exchange Algorithms Enabled", "SSH Weak MAC Algorithms Enabled", "near"),
        (
            "SUSE Enterprise Linux Security Update for xen and its many tools",
            "SUSE Enterprise Linux Secu",
            "begins",
        ),
        ("Apache Tomcat Request Smuggling", "Directory Listing", "other"),
        ("Cisco IOS XE Denial of Service Flaw", "Cisco IOS XR Denial of Service Flaw", "near"),
        ("Security Update for SLES 11 SP3", "Security Update for SLES 11 SP4", "near"),
        ("Unsupported Python 2.7 installed", "Unsupported Python 3.5 installed", "near"),
        ("Tomcat 8.5.0 to 8.5.54 Smuggling", "Tomcat 8.5.0 to 8.5.51 Smuggling", "near"),
        ("Apache Struts Flaw S2-061", "Apache Struts Flaw S2-062", "near"),
        ("Apache 2.4 Request Smuggling", "Apache 2.4.x Request Smuggling", "same"),
        ("Ubuntu 14.04 LTS Kernel Smuggling", "Ubuntu 14.04 Kernel Smuggling", "same"),
        ("xen hypervisor Smuggling Flaw", "xne hypervisor Smuggling Flaw", "same"),
        ("", "", "other"),
        ("...", "Directory Listing", "other"),
    ],
)
def test_likeness(title, other, verdict):
    """Same at 88 %, near at 78 %, a beginning of 18 letters or more, else other.

    Where each title names something that the other does not (a number, a product) they are near
    at most: two adjacent checks look more alike than one check twice.
    """
    assert READER.likeness(title, other).verdict == verdict


def test_products_and_vendors():
    """Words of the trade are left out; a vendor's name is told from a product's."""
    products, vendors = READER.products("Apache Tomcat 9.0.x < 9.0.37 Multiple Vulnerabilities")
    assert (products, vendors) == ({"tomcat"}, {"apache"})


@pytest.mark.parametrize(
    ("mine", "theirs", "shared"),
    [
        ({"tomcat"}, {"tomcat"}, ["tomcat"]),
        ({"wireshark"}, {"wiresharc"}, ["wireshark"]),
        ({"curl"}, {"curk"}, []),
        ({"tomcat"}, {"firefox"}, []),
        (set(), {"firefox"}, []),
    ],
)
def test_common_words(mine, theirs, shared):
    """A long word counts with a letter mistyped; a short one does not."""
    assert common_words(frozenset(mine), frozenset(theirs)) == shared
