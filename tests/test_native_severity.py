"""The scanners' own severities: what each code of each scanner is as a FedRAMP rating."""

import pytest

from poam.severity import rate
from tests.core_support import batch, definition

# By detector, what its vendor writes, under the rating that it is where no CVSS base score exists
# (FedRAMP Vulnerability Scanning Requirements v3.0 p. 2). Critical is High (Automated
# Vulnerability Risk Adjustment Framework, 2018, p. 1). None is informational: no rating.
QUALYS = {"High": ["5", "4"], "Moderate": ["3"], "Low": ["2", "1"]}
HIGH_TO_INFO = {"High": ["3"], "Moderate": ["2"], "Low": ["1"], None: ["0"]}
NATIVE = {
    # Severity words of the XML export, by version.
    "Acunetix": {
        "High": ["critical", "high"],
        "Moderate": ["medium"],
        "Low": ["low"],
        None: ["informational", "info"],
    },
    # `severity-id` counts from 0; the words are those of `severity`.
    "AppScan": {
        "High": ["Critical", "4", "High", "3"],
        "Moderate": ["Medium", "2"],
        "Low": ["Low", "1"],
        None: ["Informational", "Information", "0"],
    },
    # `AttackScore` of VulnSummary.xml.
    "AppSpider": {
        "High": ["4-High"],
        "Moderate": ["3-Medium"],
        "Low": ["2-Low"],
        None: ["1-Informational", "0-Safe"],
    },
    # Issue severities; with a capital before version 1.0.
    "Arachni": {
        "High": ["high", "High"],
        "Moderate": ["medium", "Medium"],
        "Low": ["low", "Low"],
        None: ["informational", "Informational"],
    },
    # Issue severities of Professional (XML), of Enterprise (JSON) and of Dastardly.
    "Burp Suite": {
        "High": ["High", "high"],
        "Moderate": ["Medium", "medium"],
        "Low": ["Low", "low"],
        None: ["Information", "Info", "info"],
    },
    "InsightAppSec": {
        "High": ["HIGH"],
        "Moderate": ["MEDIUM"],
        "Low": ["LOW"],
        None: ["INFORMATIONAL", "SAFE"],
    },
    # Important is Netsparker's word for High.
    "Invicti": {
        "High": ["Critical", "Important", "High"],
        "Moderate": ["Medium"],
        "Low": ["Low"],
        None: ["BestPractice", "Best Practice", "Information", "Informational"],
    },
    # 0 info to 4 critical; the words of Nessus, Tenable Vulnerability Management and Security
    # Center; the results of compliance checks.
    "Nessus": {
        "High": ["4", "Critical", "critical", "CRITICAL", "3", "High", "high", "HIGH", "FAILED"],
        "Moderate": ["2", "Medium", "medium", "MEDIUM", "WARNING"],
        "Low": ["1", "Low", "low", "LOW"],
        None: ["0", "None", "Info", "info", "INFO"],
    },
    # It rates nothing: no code has a rating, so a person is asked.
    "Nikto": {},
    # `info.severity` of a template.
    "Nuclei": {
        "High": ["critical", "high"],
        "Moderate": ["medium"],
        "Low": ["low"],
        None: ["info"],
    },
    # 5 urgent, 4 critical, 3 serious, 2 medium, 1 minimal; H, M and L of the PCI reports.
    "Qualys": {
        "High": [*QUALYS["High"], "H", "High"],
        "Moderate": [*QUALYS["Moderate"], "M", "Medium"],
        "Low": [*QUALYS["Low"], "L", "Low"],
    },
    "Qualys Container Security": QUALYS,
    # The criticality of a control in a policy.
    "Qualys Policy Compliance": {
        "High": ["5", "URGENT", "4", "CRITICAL"],
        "Moderate": ["3", "SERIOUS"],
        "Low": ["2", "MEDIUM", "1", "MINIMAL"],
    },
    "Qualys WAS": QUALYS,
    # SARIF 2.1.0, 3.27.10: error, warning, note, none. `security-severity` of GitHub's extension.
    "SARIF": {
        "High": ["security-severity critical", "security-severity high", "error"],
        "Moderate": ["security-severity medium", "warning"],
        "Low": ["security-severity low", "note"],
        None: ["none"],
    },
    "StackHawk": {"High": ["High"], "Moderate": ["Medium"], "Low": ["Low"]},
    # Those of Nessus: numbers in XML, words in CSV.
    "Tenable WAS": {
        "High": ["4", "critical", "Critical", "3", "high", "High"],
        "Moderate": ["2", "medium", "Medium"],
        "Low": ["1", "low", "Low"],
        None: ["0", "info", "Info", "None"],
    },
    # 5 very high, 4 high, 3 medium, 2 low, 1 very low, 0 informational.
    "Veracode": {"High": ["5", "4"], "Moderate": ["3"], "Low": ["2", "1"], None: ["0"]},
    # wapitiCore/language/vulnerability.py: 4 critical to 0 info from 3.0.4 on; before that 1 high
    # to 3 low.
    "Wapiti": {
        "High": ["4", "3", "1 (until 3.0.3)"],
        "Moderate": ["2", "2 (until 3.0.3)"],
        "Low": ["1", "3 (until 3.0.3)"],
        None: ["0"],
    },
    # 4 critical, 3 high, 2 medium, 1 low, 0 information or best practice.
    "WebInspect": HIGH_TO_INFO | {"High": ["4", "3"]},
    # `riskcode`: 3 high, 2 medium, 1 low, 0 informational.
    "ZAP": HIGH_TO_INFO,
}


def ratings(policy):
    """Rate a definition of each code of each scanner that has no score: rating by detector, code.

    A code without its scanner's word for it is a KeyError: each basis names it.
    """
    given = [
        definition(f"{n}", detector=scanner.detector, cvss3_base=None, native_severity=code)
        for scanner in policy.scanners
        for n, code in enumerate(scanner.severity.codes)
    ]
    rated = rate(batch(*given).definitions, policy)
    assert not rated["rating_basis"].str.contains("is not in its severity table").any()
    return {
        (row.detector, row.native_severity): row.original_risk_rating for row in rated.itertuples()
    }


def test_native_severities(policy):
    """Every code of every scanner has the rating of the table above, and no scanner has another."""
    assert ratings(policy) == {
        (detector, code): rating
        for detector, codes_of in NATIVE.items()
        for rating, codes in codes_of.items()
        for code in codes
    }


def test_every_scanner_has_its_table(policy):
    """A new scanner is a new table here, if only an empty one."""
    assert {scanner.detector for scanner in policy.scanners} == set(NATIVE)


@pytest.mark.parametrize("detector", NATIVE)
def test_the_worst_code_stands_first(policy, detector):
    """The tables go from High to informational: of two codes the one above is the worse."""
    order = ["High", "Moderate", "Low", None]
    places = [order.index(r) for r in policy.scanner(detector).severity.codes.values()]
    assert places == sorted(places)
