"""Original Risk Rating: which score decides, and where the bands begin."""

import pytest

from poam.severity import rate
from tests.core_support import batch, definition, finding, policy, run, scan


def rated(**scores):
    """Return the rating and its basis for one definition."""
    row = rate(batch(definition(**scores)).definitions, policy()).iloc[0]
    return row.original_risk_rating, row.rating_basis


@pytest.mark.parametrize(
    ("score", "rating"),
    [
        pytest.param(10.0, "High", id="10.0"),
        pytest.param(7.0, "High", id="scenario-2 7.0 is High"),
        pytest.param(6.9, "Moderate", id="scenario-2 6.9 is Moderate"),
        pytest.param(4.0, "Moderate", id="scenario-2 4.0 is Moderate"),
        pytest.param(3.9, "Low", id="scenario-2 3.9 is Low"),
        pytest.param(0.1, "Low", id="0.1"),
        pytest.param(0.0, None, id="scenario-3 0.0 is informational"),
    ],
)
@pytest.mark.parametrize("basis", ["cvss3_base", "cvss2_base"])
def test_bands_begin_at_their_lower_bound(basis, score, rating):
    """7.0 is High, 4.0 Moderate, 0.1 Low, and 0.0 is no rating, by CVSS v3 and v2 alike."""
    found, why = rated(**{"cvss3_base": None, basis: score})
    assert found == rating
    assert f"{score:.1f} is {rating or 'informational'}" in why


@pytest.mark.parametrize(
    ("scores", "rating", "basis"),
    [
        pytest.param(
            {"cvss3_base": None, "cvss2_base": 7.2}, "High", "CVSS v2", id="scenario-4 v2 alone"
        ),
        pytest.param(
            {"cvss3_base": 5.0, "cvss2_base": 9.0}, "Moderate", "CVSS v3", id="scenario-4 v3 wins"
        ),
        pytest.param(
            {"cvss3_base": None, "native_severity": "4"},
            "High",
            "Nessus severity 4",
            id="scenario-4 Nessus Critical is High",
        ),
        pytest.param(
            {"cvss3_base": 5.5, "native_severity": "3"},
            "Moderate",
            "CVSS v3",
            id="scenario-5 the score outranks the scanner",
        ),
        pytest.param(
            {"cvss3_base": 0.0, "cvss2_base": 9.0}, None, "CVSS v3", id="v3 of 0.0 still decides"
        ),
        pytest.param(
            {"cvss3_base": None, "cvss4_base": 9.0, "native_severity": "1"},
            "Low",
            "Nessus severity 1",
            id="v4 rates nothing",
        ),
    ],
)
def test_the_first_basis_that_exists_decides(scores, rating, basis):
    """CVSS v3 base, else v2 base, else the scanner's own rating; the basis is written down."""
    found, why = rated(**scores)
    assert found == rating
    assert basis in why


A, B, C = "CVE-2026-0001", "CVE-2026-0002", "CVE-2021-44228"


def rated_by_nvd(nvd, rules=None, **given):
    """Return the rating and its basis for one definition with NVD's scores at hand."""
    definitions = batch(definition(**{"cves": (A,), "cvss3_base": 5.0} | given)).definitions
    row = rate(definitions, rules or policy(), nvd).iloc[0]
    return row.original_risk_rating, row.rating_basis


@pytest.mark.parametrize(
    ("score", "rating"),
    [
        (10.0, "High"),
        (9.0, "High"),
        (8.9, "High"),
        (7.0, "High"),
        (6.9, "Moderate"),
        (4.0, "Moderate"),
        (3.9, "Low"),
        (0.1, "Low"),
        (0.0, None),
    ],
)
def test_nvd_comes_first(score, rating):
    """NVD's score decides over the scan's own, in the bands of CVSS v3; Critical is High."""
    for scan_score in (None, 0.0, 9.9):
        found, why = rated_by_nvd({A: score}, cvss3_base=scan_score)
        assert found == rating
        assert why == f"NVD CVSS v3 base {score:.1f} ({A}) is {rating or 'informational'}"


@pytest.mark.parametrize(
    ("cves", "nvd", "why"),
    [
        pytest.param(
            (A, C, B), {A: 4.0, B: 9.8, C: 9.8}, f"NVD CVSS v3 base 9.8 ({C}) is High", id="worst"
        ),
        pytest.param(
            (A, B), {B: 3.1, C: 9.8}, f"NVD CVSS v3 base 3.1 ({B}) is Low", id="one has a score"
        ),
        pytest.param((A, B), {C: 9.8}, "CVSS v3 base 5.0 is Moderate", id="none has a score"),
        pytest.param((), {C: 9.8}, "CVSS v3 base 5.0 is Moderate", id="no CVE"),
        pytest.param((A,), {}, "CVSS v3 base 5.0 is Moderate", id="an empty file"),
        pytest.param((A,), None, "CVSS v3 base 5.0 is Moderate", id="no file"),
    ],
)
def test_the_worst_of_the_cves_that_nvd_scores(cves, nvd, why):
    """CVEs without NVD's score do not count; without any the scan's own score does."""
    for order in (cves, cves[::-1]):
        assert rated_by_nvd(nvd, cves=order)[1] == why


@pytest.mark.parametrize(
    ("score", "code", "note"),
    [
        (5.0, "4", "; the scanner's own severity 4 is High"),
        (5.0, "2", ""),
        (9.8, "4", ""),
        (9.8, "0", "; the scanner's own severity 0 is informational"),
        (0.0, "1", "; the scanner's own severity 1 is Low"),
        (0.0, "0", ""),
        (5.0, None, ""),
        (5.0, "9", ""),
    ],
)
def test_another_rating_by_the_scanner_is_noted(score, code, note):
    """The basis says what the scanner says where it says something else, and only there."""
    _, why = rated_by_nvd({A: score}, native_severity=code)
    assert why.partition(";")[1] + why.partition(";")[2] == note


def test_a_site_may_leave_nvd_out():
    """The order of the bases is the policy's."""
    own = policy()
    severity = own.severity.model_copy(update={"precedence": ("cvss3_base", "nvd_cvss3")})
    rules = own.model_copy(update={"severity": severity})
    assert rated_by_nvd({A: 9.8}, rules)[0] == "Moderate"
    assert rated_by_nvd({A: 9.8}, rules, cvss3_base=None)[0] == "High"


@pytest.mark.parametrize(
    ("detector", "code", "rating"),
    [
        ("Nessus", "3", "High"),
        ("Nessus", "2", "Moderate"),
        ("Nessus", "1", "Low"),
        ("Nessus", "0", None),
        ("Qualys", "5", "High"),
        ("Qualys", "4", "High"),
        ("Qualys", "3", "Moderate"),
        ("Qualys", "2", "Low"),
        ("Qualys", "1", "Low"),
        ("ZAP", "3", "High"),
        ("ZAP", "2", "Moderate"),
        ("ZAP", "1", "Low"),
        ("ZAP", "0", None),
    ],
)
def test_native_codes_are_the_scanners_own(detector, code, rating):
    """The same code means what its own scanner's table says, never another's."""
    found, why = rated(detector=detector, cvss3_base=None, native_severity=code)
    assert found == rating
    assert f"{detector} severity {code} is {rating or 'informational'}" in why


@pytest.mark.parametrize(
    ("scores", "why"),
    [
        ({"native_severity": None}, "no CVSS score and no severity"),
        ({"native_severity": "9"}, "'9' is not in its severity table"),
        ({"native_severity": "3", "detector": "Homemade"}, "not in its severity table"),
    ],
    ids=["nothing", "unknown code", "unknown scanner"],
)
def test_no_rating_is_never_a_low(scores, why):
    """Without a usable score there is no rating, and the basis says what is missing."""
    found, basis = rated(**{"cvss3_base": None} | scores)
    assert found is None
    assert why in basis


def test_rating_leaves_its_input_alone():
    """The definitions handed in are not changed; the result has four more columns."""
    definitions = batch(definition(), definition("10002", cvss3_base=None)).definitions
    before = definitions.copy()
    after = rate(definitions, policy())
    assert definitions.equals(before)
    assert set(after) - set(before) == {
        "native_informational",
        "original_risk_rating",
        "rating_basis",
        "rating_rule",
    }


def test_a_weakness_without_a_rating_goes_to_review():
    """What cannot be rated is a person's question: no row, and nothing dropped."""
    changes = run([definition(cvss3_base=None), finding(), scan()])
    (decision,) = changes.decisions
    assert decision.kind == "needs_review"
    assert "no rating" in decision.because[0]
