"""The original risk rating of each definition, and the basis for it."""

from collections.abc import Mapping

import pandas as pd

from poam.frames import Row, rows
from poam.model import RiskRating
from poam.policy import Policy

BASIS_WORDS = {"cvss3_base": "CVSS v3 base", "cvss2_base": "CVSS v2 base"}


def rate(
    definitions: pd.DataFrame, policy: Policy, nvd: Mapping[str, float] | None = None
) -> pd.DataFrame:
    """Add `original_risk_rating` (High, Moderate, Low or None) and `rating_basis` to definitions.

    The first basis of `severity.precedence` that a definition has decides: a missing score is
    the next basis's question, never a Low. A score below the lowest band, or a native code
    that the scanner's table calls informational, is no rating, and the basis says so;
    `native_informational` tells the latter. `nvd` gives NVD's CVSS v3 base scores by CVE: the
    worst over a definition's CVEs counts, and where the scanner's own rating is another, the
    basis says that too.
    Source: FedRAMP Vulnerability Scanning Requirements v3.0 p. 2.
    """
    out = definitions.copy()
    rated = [_rating(row, policy, nvd or {}) for row in rows(definitions)]
    ratings, bases = [rating for rating, _ in rated], [basis for _, basis in rated]
    out["original_risk_rating"] = pd.Series(ratings, index=out.index, dtype=object)
    out["native_informational"] = [_is_informational(row, policy) for row in rows(definitions)]
    out["rating_basis"] = pd.Series(bases, index=out.index, dtype="str")
    return out


def _rating(row: Row, policy: Policy, nvd: Mapping[str, float]) -> tuple[RiskRating | None, str]:
    for basis in policy.severity.precedence:
        if basis == "native":
            return _native(row, policy)
        if basis == "nvd_cvss3":
            if listed := [cve for cve in row.cves if cve in nvd] if nvd else []:
                return _nvd(row, min(listed, key=lambda cve: (-nvd[cve], cve)), nvd, policy)
            continue
        score = getattr(row, basis)
        if pd.notna(score):
            rating = _band(score, policy.severity.bands[basis])
            return rating, f"{BASIS_WORDS[basis]} {score:.1f} is {rating or 'informational'}"
    return None, "no score"


def _nvd(
    row: Row, worst: str, nvd: Mapping[str, float], policy: Policy
) -> tuple[RiskRating | None, str]:
    rating = _band(nvd[worst], policy.severity.bands["cvss3_base"])
    basis = f"NVD CVSS v3 base {nvd[worst]:.1f} ({worst}) is {rating or 'informational'}"
    codes, code = _codes(row, policy), str(row.native_severity)
    if code in codes and codes[code] != rating:
        basis += f"; the scanner's own severity {code} is {codes[code] or 'informational'}"
    return rating, basis


def _is_informational(row: Row, policy: Policy) -> bool:
    codes, code = _codes(row, policy), str(row.native_severity)
    return code in codes and codes[code] is None


def _codes(row: Row, policy: Policy) -> dict[str, RiskRating | None]:
    scanner = policy.scanner(str(row.detector))
    return scanner.severity.codes if scanner else {}


def _band(score: float, bands: dict[RiskRating, float]) -> RiskRating | None:
    for rating, bound in sorted(bands.items(), key=lambda band: -band[1]):
        if score >= bound:
            return rating
    return None


def _native(row: Row, policy: Policy) -> tuple[RiskRating | None, str]:
    detector, code = str(row.detector), row.native_severity
    if pd.isna(code):
        return None, "no CVSS score and no severity in the export"
    scanner = policy.scanner(detector)
    if scanner is None or str(code) not in scanner.severity.codes:
        return None, f"{detector} severity '{code}' is not in its severity table"
    rating = scanner.severity.codes[str(code)]
    return rating, f"no CVSS score; {detector} severity {code} is {rating or 'informational'}"
