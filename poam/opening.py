"""What a new POA&M item says in each column."""

from dataclasses import dataclass
from datetime import date

import pandas as pd

from poam.cells import CELL_LIMIT, asset_cell, cut
from poam.classes import classify
from poam.controls import ControlChoice, Facts
from poam.cross_references import Listing
from poam.deadlines import Deadline
from poam.frames import Row
from poam.identifiers import series_of, source_identifier
from poam.milestones import planned
from poam.model import Kind, RiskRating, Value
from poam.policy import Policy


@dataclass(frozen=True)
class Edition:
    """What differs between template editions for an item's values.

    `fields` and `sheets` that it has; its words for "not adjusted", "not in the KEV catalogue" and
    "the scanner gives no identifier".
    """

    fields: frozenset[str]
    sheets: frozenset[str]
    not_adjusted: str
    not_in_kev: str
    no_identifier: str = ""


@dataclass(frozen=True)
class Cohort:
    """The assets of one weakness that were first seen on one day: one item's worth.

    `finders` are the detector and source identifier of other scanners that see it there.
    """

    detector: str
    source_identifier: str
    kind: Kind
    name: str
    description: str
    rating: RiskRating
    detected: date
    assets: tuple[str, ...]
    deadline: Deadline
    controls: ControlChoice
    solution: str = ""
    cves: tuple[str, ...] = ()
    finders: tuple[tuple[str, str], ...] = ()
    in_kev: bool | None = None
    kev_due: date | None = None

    def listing(self, poam_id: str) -> Listing:
        """The item as another may name it."""
        detectors = frozenset((self.detector, *(detector for detector, _ in self.finders)))
        return Listing(poam_id, detectors, self.cves)


def item_values(
    cohort: Cohort, poam_id: str, as_of: date, edition: Edition, policy: Policy, comment: str = ""
) -> tuple[dict[str, Value], str | None]:
    """A new item's values by field, and the full asset list where it does not fit the cell.

    The machine's columns come from the cohort; a person's columns get the site's defaults.
    Editions without milestone columns carry the milestone in the remediation plan.
    Source: POA&M Template Completion Guide v2.2 p. 3-6; template v3.0 guidance rows.
    """
    due = cohort.deadline.due
    plan = _plan(cohort, policy)
    if "planned_milestones" not in edition.fields:
        plan = f"{plan}\n\n1) {due}: {policy.site.milestone}"
    cell, attachment = asset_cell(cohort.assets, poam_id)
    values: dict[str, Value] = {
        "poam_id": poam_id,
        "controls": ", ".join(cohort.controls.controls),
        "weakness_name": cut(cohort.name, CELL_LIMIT),
        "weakness_description": cut(cohort.description or cohort.name, CELL_LIMIT),
        "weakness_detector_source": "\n".join((cohort.detector, *(f[0] for f in cohort.finders))),
        "weakness_source_identifier": "\n".join(
            (cohort.source_identifier, *(f[1] for f in cohort.finders))
        ),
        "asset_identifier": cell,
        "point_of_contact": policy.site.point_of_contact,
        "resources_required": policy.site.resources_required,
        "remediation_plan": plan,
        "original_detection_date": cohort.detected,
        "scheduled_completion_date": due,
        "planned_milestones": planned(due, policy.site.milestone),
        "status_date": as_of,
        "vendor_dependency": "No",
        "original_risk_rating": cohort.rating.value,
        "adjusted_risk_rating": edition.not_adjusted,
        "risk_adjustment": "No",
        "false_positive": "No",
        "operational_requirement": "No",
        "auto_approve": "No",
        "comments": "\n".join(
            filter(None, (comment, _pointer_note(poam_id) if attachment else ""))
        ),
        "bod_22_01_tracking": kev_word(cohort.in_kev, edition),
        "bod_22_01_due_date": cohort.kev_due,
        "cve": "\n".join(cohort.cves),
        "service_name": policy.site.service_name,
    }
    kept = {field: value for field, value in values.items() if field in edition.fields}
    return kept, "\n".join(cohort.assets) if attachment else None


def kev_word(in_kev: bool | None, edition: Edition) -> str:
    """Yes, the edition's word for no, or nothing where no catalogue was asked."""
    if in_kev is None:
        return ""
    return "Yes" if in_kev else edition.not_in_kev


def _plan(cohort: Cohort, policy: Policy) -> str:
    solution = cohort.solution.strip()
    if not solution or solution.casefold() in {"n/a", "none"}:
        return policy.site.remediation_plan_without_solution
    plan = policy.site.remediation_plan.format(solution=solution, due=cohort.deadline.due)
    return cut(plan, CELL_LIMIT - 1000)


def _pointer_note(poam_id: str) -> str:
    return f"The complete asset list is in assets-{poam_id}.csv."


def facts(weakness: Row, policy: Policy) -> Facts:
    """What is known of a weakness when its controls are chosen."""
    name = text_of(weakness.name)
    series = series_of(weakness.detector, policy)
    identifier = source_identifier(weakness.source_identifier, policy, weakness.detector)
    found = classify(series, identifier, name, policy.weakness_classes)
    return Facts(
        kind=Kind(weakness.kind),
        detector=weakness.detector,
        name=name,
        family=text_of(weakness.family),
        solution=text_of(weakness.solution),
        cves=tuple(weakness.cves),
        cwes=tuple(weakness.cwes),
        weakness_class=found.key if found else "",
        class_cwes=found.cwe if found else (),
    )


def text_of(value: object) -> str:
    """A definition's text, "" where it gives none."""
    return "" if value is None or (isinstance(value, float) and pd.isna(value)) else str(value)
