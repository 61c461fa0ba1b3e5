"""Rows for FedRAMP's Deviation Request Form, filled in as far as POA&M and scans tell them."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import date

import pandas as pd

from poam.deadlines import effective_rating, rating_of
from poam.frames import Row, rows
from poam.identifiers import row_identity, series_of, source_identifier
from poam.model import RiskRating, Sheet
from poam.opening import text_of
from poam.policy import Policy

FORM = (
    "DR Number",
    "POA&M ID",
    "Scan ID",
    "CVE",
    "Assets Impacted",
    "Vulnerability Name",
    "Vulnerability Source",
    "Initial Risk Rating",
    "CVSS Base Score",
    "Original Detection Date",
    "Tool-Provided Vulnerability Description",
    "Tool-Provided Recommeded Action",  # the form's spelling
    "CSP-Provided Vulnerability Information (Optional)",
    "Type of DR",
    "Requested Risk Rating/Impact",
    "Adjusted CVSS Score",
    "DR Submission Date",
    "DR Rationale",
)
"""Columns A to R of the form. Source: Deviation Request Form v2.1, DR Sheet row 10."""

REQUESTS = dict.fromkeys((*FORM, "why"), "str") | {
    "CVSS Base Score": "float64",
    "Original Detection Date": "object",
}
BLANK: dict[str, object] = {n: "" if dtype == "str" else None for n, dtype in REQUESTS.items()}


def deviation_requests(
    items: pd.DataFrame, definitions: pd.DataFrame | None, as_of: date, policy: Policy
) -> pd.DataFrame:
    """One row per deviation that an item asks for or has to ask for, the next due first.

    `items` are a workbook's; closed ones are left out. `definitions`, where a scan is at hand,
    give the scanner's score, description and recommended action; else the row's own description
    stands and the others stay blank. Columns are `FORM`, blank where only a person can tell, and
    `why`: the reasons, the due date and what the timing of a request asks.

    What is Pending is asked for. A High has to ask for a risk adjustment where its fix is the
    vendor's or where it has an operational requirement, unless it is an approved false positive.
    A risk adjustment and an operational requirement are one request (OR RA), a false positive is
    one of its own.
    Source: Deviation Request Form v2.1, Instructions; ConMon Strategy Guide v3.2 p. 25.
    """
    known = _by_identifier(definitions, policy)
    found = []
    for item in rows(items[items["sheet"] != Sheet.CLOSED]):
        for kind, reasons in _requests(item):
            values = BLANK | _from_item(item, kind) | _from_scans(item, known, policy)
            values["why"] = "; ".join((*reasons, *_timing(item, kind, as_of)))
            due = item.scheduled_completion_date or date.max
            found.append(((due, item.sheet, item.row, kind), values))
    found.sort(key=lambda request: request[0])
    frame = pd.DataFrame([values for _, values in found], columns=list(REQUESTS))
    return frame.astype(REQUESTS)


def _requests(item: Row) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield the type of each request, as the form's drop-down has it, and the reasons for it."""
    if item.false_positive.strip() == "Pending":
        yield "FP", ("the false positive is Pending",)
    requirement = item.operational_requirement.strip()
    high = effective_rating(item) is RiskRating.HIGH and item.false_positive.strip() != "Yes"
    reasons = (
        ("OR", "the operational requirement is Pending", requirement == "Pending"),
        ("RA", "the risk adjustment is Pending", item.risk_adjustment.strip() == "Pending"),
        (
            "OR RA",
            "an operational requirement on a High needs a risk adjustment beside it",
            high and requirement in ("Yes", "Pending"),
        ),
        (
            "RA",
            "a vendor dependency on a High needs a risk adjustment",
            high and item.vendor_dependency.strip() == "Yes",
        ),
    )
    holding = [(kinds, reason) for kinds, reason, holds in reasons if holds]
    if holding:
        kinds = {kind for several, _ in holding for kind in several.split()}
        yield " ".join(sorted(kinds)), tuple(reason for _, reason in holding)


def _timing(item: Row, kind: str, as_of: date) -> Iterator[str]:
    """Yield when the request has to be in: never on the due date or after it.

    Source: FedRAMP 3PAO training p. 64.
    """
    due, rating = item.scheduled_completion_date, effective_rating(item)
    if due is None:
        yield "it has no scheduled completion date"
    elif due <= as_of:
        yield f"urgent: the due date {due} has come; a request is in time only before it"
    else:
        yield f"a request is in time before the due date {due}, days left: {(due - as_of).days}"
    if rating is RiskRating.HIGH:
        yield "urgent: a High's request goes with the first POA&M that lists it, or before the next"
    elif rating is RiskRating.MODERATE and "RA" in kind:
        yield "a Moderate's risk adjustment is asked for before the third POA&M that lists it"


def _from_item(item: Row, kind: str) -> dict[str, object]:
    asked = "RA" in kind and item.risk_adjustment.strip() != "Yes"
    requested = rating_of(item.adjusted_risk_rating) if asked else None
    return {
        "POA&M ID": item.poam_id,
        "Scan ID": item.weakness_source_identifier,
        "CVE": item.cve,
        "Assets Impacted": item.asset_identifier,
        "Vulnerability Name": item.weakness_name,
        "Vulnerability Source": item.weakness_detector_source,
        "Initial Risk Rating": item.original_risk_rating,
        "Original Detection Date": item.original_detection_date,
        "Tool-Provided Vulnerability Description": item.weakness_description,
        "Type of DR": kind,
        "Requested Risk Rating/Impact": requested.value if requested else "",
        "DR Rationale": item.deviation_rationale,
    }


def _from_scans(
    item: Row, known: dict[tuple[str, str], list[Row]], policy: Policy
) -> dict[str, object]:
    """What the scanners say of an item's weaknesses; nothing of an item that no scan knows."""
    keys = row_identity(item.weakness_detector_source, item.weakness_source_identifier, policy).keys
    places = sorted({(series_of(detector, policy), number) for detector, number in keys})
    found = [definition for place in places for definition in known.get(place, ())]
    values: dict[str, object] = {
        "CVSS Base Score": _score(found, policy),
        "Tool-Provided Vulnerability Description": _texts(x.description for x in found),
        "Tool-Provided Recommeded Action": _texts(x.solution for x in found),
    }
    return {name: value for name, value in values.items() if value not in (None, "")}


def _by_identifier(
    definitions: pd.DataFrame | None, policy: Policy
) -> dict[tuple[str, str], list[Row]]:
    known: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows(definitions) if definitions is not None else ():
        number = source_identifier(row.source_identifier, policy, row.detector)
        known[series_of(row.detector, policy), number].append(row)
    return known


def _score(found: Sequence[Row], policy: Policy) -> float | None:
    """The worst base score of the first kind that the policy asks for and a scanner gives."""
    for basis in policy.severity.precedence:
        scores = [getattr(definition, basis, None) for definition in found]
        if given := [score for score in scores if pd.notna(score)]:
            return float(max(given))
    return None


def _texts(given: Iterable[object]) -> str:
    return "\n\n".join(dict.fromkeys(text for x in given if (text := text_of(x).strip())))
