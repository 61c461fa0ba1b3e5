"""The original risk rating of each definition, and the basis for it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from poam.frames import Row, rows
from poam.model import RiskRating
from poam.policy import Policy

Band = Literal["cvss3_base", "cvss2_base"]
BASIS_WORDS: dict[Band, str] = {"cvss3_base": "CVSS v3 base", "cvss2_base": "CVSS v2 base"}


@dataclass(frozen=True, slots=True)
class Rated:
    """A definition's rating, None where it has none, its basis, and the key of the rule."""

    rating: RiskRating | None
    basis: str
    rule: str


def rate(
    definitions: pd.DataFrame, policy: Policy, nvd: Mapping[str, float] | None = None
) -> pd.DataFrame:
    """Add `original_risk_rating` (High, Moderate, Low or None) and `rating_basis` to definitions.

    The first basis of `severity.precedence` that a definition has decides: a missing score is
    the next basis's question, never a Low. A score below the lowest band, or a native code
    that the scanner's table calls informational, is no rating, and the basis says so;
    `native_informational` tells the latter. `nvd` gives NVD's CVSS v3 base scores by CVE: the
    worst over a definition's CVEs counts. Where the scanner's own severity is another rating than
    the score's, the basis says that too. `rating_rule` is the key of the policy line.
    Source: FedRAMP Vulnerability Scanning Requirements v3.0 p. 2.
    """
    out = definitions.copy()
    rated = [_rated(row, policy, nvd or {}) for row in rows(definitions)]
    out["original_risk_rating"] = pd.Series([r.rating for r in rated], out.index, dtype=object)
    out["native_informational"] = [_is_informational(row, policy) for row in rows(definitions)]
    out["rating_basis"] = pd.Series([r.basis for r in rated], out.index, dtype="str")
    out["rating_rule"] = pd.Series([r.rule for r in rated], out.index, dtype="str")
    return out


def _rated(row: Row, policy: Policy, nvd: Mapping[str, float]) -> Rated:
    for basis in policy.severity.precedence:
        if basis == "native":
            return _native(row, policy)
        if basis == "nvd_cvss3":
            if listed := [cve for cve in row.cves if cve in nvd] if nvd else []:
                worst = min(listed, key=lambda cve: (-nvd[cve], cve))
                said = f"NVD CVSS v3 base {nvd[worst]:.1f} ({worst})"
                return _scored(row, nvd[worst], "cvss3_base", said, policy)
        elif pd.notna(score := getattr(row, basis)):
            return _scored(row, score, basis, f"{BASIS_WORDS[basis]} {score:.1f}", policy)
    return Rated(None, "no score", "severity.precedence")


def _scored(row: Row, score: float, band: Band, said: str, policy: Policy) -> Rated:
    rating = _band(score, policy.severity.bands[band])
    basis = f"{said} is {rating or 'informational'}"
    codes, code = _codes(row, policy), str(row.native_severity)
    if code in codes and codes[code] != rating:
        basis += f"; the scanner's own severity {code} is {codes[code] or 'informational'}"
    decided = f"{band}.{rating}" if rating else band
    return Rated(rating, basis, f"severity.bands.{decided}")


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


def _native(row: Row, policy: Policy) -> Rated:
    detector, code = str(row.detector), row.native_severity
    if pd.isna(code):
        return Rated(None, "no CVSS score and no severity in the export", "severity.precedence")
    scanner = policy.scanner(detector)
    if scanner is None or str(code) not in scanner.severity.codes:
        basis = f"{detector} severity '{code}' is not in its severity table"
        return Rated(None, basis, "severity.precedence")
    rating = scanner.severity.codes[str(code)]
    basis = f"no CVSS score; {detector} severity {code} is {rating or 'informational'}"
    number = policy.scanners.index(scanner)
    return Rated(rating, basis, f"scanners[{number}].severity.codes.{code}")
