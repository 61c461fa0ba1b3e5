"""The one item on Open that stands for all configuration findings.

Source: POA&M template v3.0, Instructions; POA&M template update of 2024-06-21.
"""

from collections.abc import Iterator, Sequence
from datetime import date

import pandas as pd

from poam.asset_lines import asset_lines
from poam.cells import appended, asset_cell, is_attachment_line
from poam.changes import Decision
from poam.controls import Facts
from poam.deadlines import deadline, effective_rating
from poam.frames import Row, rows
from poam.model import ChangeKind, Kind, RiskRating, Sheet, Value
from poam.opening import Cohort, Edition, item_values
from poam.policy import Policy

RULE = "timelines.configuration.roll_up"


def is_roll_up(record: Row, policy: Policy) -> bool:
    """Whether a row is the roll-up item: on Open, by its name."""
    return bool(record.sheet == Sheet.OPEN and has_its_name(record, policy))


def has_its_name(record: Row, policy: Policy) -> bool:
    """Whether a row is the roll-up item, or was until it was closed."""
    name = policy.timelines.configuration.roll_up_name
    return bool(record.weakness_name.strip().casefold() == name.casefold())


def without_roll_up(items: pd.DataFrame, policy: Policy) -> pd.DataFrame:
    """The items that stand for a weakness of their own."""
    own = [not is_roll_up(record, policy) for record in rows(items)]
    return items[pd.Series(own, index=items.index, dtype=bool)]


def roll_up(
    items: pd.DataFrame, ids: Iterator[str], as_of: date, edition: Edition, policy: Policy
) -> Decision | None:
    """Open, update or close the roll-up item as the configuration findings ask.

    `items` as the run leaves them (`poam.changes.applied`). None where the policy wants no such
    item, the edition has no sheet for configuration findings, or there is nothing to say.
    """
    if not policy.timelines.configuration.roll_up or Sheet.CONFIGURATION not in edition.sheets:
        return None
    findings = [record for record in rows(items) if record.sheet == Sheet.CONFIGURATION]
    standing = next((record for record in rows(items) if is_roll_up(record, policy)), None)
    if standing is not None:
        return _kept(standing, findings, as_of, policy)
    return _opened(findings, next(ids), as_of, edition, policy) if findings else None


def _opened(
    findings: Sequence[Row], poam_id: str, as_of: date, edition: Edition, policy: Policy
) -> Decision:
    rule = policy.timelines.configuration
    ratings = [rating for record in findings if (rating := effective_rating(record))]
    rating = min(ratings, key=list(RiskRating).index, default=RiskRating.LOW)
    days = [record.original_detection_date for record in findings]
    detected = min((day for day in days if isinstance(day, date)), default=as_of)
    cohort = Cohort(
        detector="\n".join(_texts(findings, "weakness_detector_source")),
        source_identifier=edition.no_identifier,
        kind=Kind.CONFIGURATION,
        name=rule.roll_up_name,
        description=rule.roll_up_description,
        assets=_assets(findings),
        rating=rating,
        detected=detected,
        deadline=deadline(rating, detected, None, policy.timelines),
        controls=policy.controls.choose(Facts(kind=Kind.CONFIGURATION, detector="")),
        in_kev=False,
    )
    values, attachment = item_values(cohort, poam_id, as_of, edition, policy)
    because = f"configuration findings are open: {len(findings)} [{policy.cite(RULE)}]"
    return Decision(
        ChangeKind.OPENED,
        (because,),
        poam_id=poam_id,
        after=values,
        detector=cohort.detector,
        source_identifier=cohort.source_identifier,
        weakness_name=cohort.name,
        attachment=attachment,
    )


def _kept(record: Row, findings: Sequence[Row], as_of: date, policy: Policy) -> Decision:
    assets = _assets(findings)
    listed = [line.text for line in asset_lines(record.asset_identifier)]
    after: dict[str, Value] = {}
    kind, attachment, to_sheet = ChangeKind.UNCHANGED, None, None
    if not findings:
        kind, to_sheet = ChangeKind.CLOSED, Sheet.CLOSED
        because = "no configuration finding is open any more"
        after["comments"] = appended(record.comments, f"{as_of}: Closed. {because.capitalize()}.")
    else:
        because = (
            f"configuration findings are open: {len(findings)}; it counts neither as open nor late"
        )
        if set(listed) != set(assets) and not any(map(is_attachment_line, listed)):
            kind = ChangeKind.UPDATED
            cell, is_long = asset_cell(assets, record.poam_id)
            after["asset_identifier"] = cell
            attachment = "\n".join(assets) if is_long else None
    if after:
        after["status_date"] = as_of
    return Decision(
        kind,
        (f"{because} [{policy.cite(RULE)}]",),
        poam_id=record.poam_id,
        sheet=record.sheet,
        row=record.row,
        to_sheet=to_sheet,
        before={name: getattr(record, name) for name in after},
        after=after,
        detector=record.weakness_detector_source,
        source_identifier=record.weakness_source_identifier,
        weakness_name=record.weakness_name,
        attachment=attachment,
    )


def _assets(findings: Sequence[Row]) -> tuple[str, ...]:
    """Return every asset that a finding lists, once and in order."""
    lines = (line for record in findings for line in asset_lines(record.asset_identifier))
    return tuple(sorted({line.text for line in lines if not is_attachment_line(line.text)}))


def _texts(findings: Sequence[Row], name: str) -> list[str]:
    """Return the texts of a column, once and in order; a cell may hold a line for each."""
    return sorted({text for r in findings for text in getattr(r, name).splitlines() if text})
