"""The rule and the policy line behind each date and rating of an item."""

from collections.abc import Iterator
from datetime import date

from poam.deadlines import effective_rating, rating_of, rules_give, standing, tracked_kev_due
from poam.frames import Row
from poam.policy import Policy


def grounds(item: Row, as_of: date, policy: Policy) -> tuple[str, ...]:
    """Say what its dates and ratings rest on, and whether it is late, each with its policy line.

    `item` has the workbook's fields. Where no rule gives a date, that is said: it is a person's.
    """
    return tuple(_grounds(item, as_of, policy))


def status_ground(item: Row, policy: Policy) -> str:
    """Say what an item's status date is."""
    cited = policy.cite("templates.fields.status_date")
    return f"status date {item.status_date}: the last day on which the row changed [{cited}]"


def _grounds(item: Row, as_of: date, policy: Policy) -> Iterator[str]:
    yield from _rating(item, policy)
    detected, due = item.original_detection_date, item.scheduled_completion_date
    if detected:
        cited = policy.cite("timelines.detection.counts")
        yield f"detected {detected}: recorded when the item was opened, and never changed [{cited}]"
    if isinstance(due, date):
        given = rules_give(item, as_of, tracked_kev_due(item), policy.timelines)
        found = next((one for one in given if one.due == due), None)
        if found:
            yield f"due {due}: {found.basis} [{policy.cite(*found.rules)}]"
        else:
            yield f"due {due}: no rule gives this date; it is kept as it stands"
    if kev_due := tracked_kev_due(item):
        yield f"BOD 22-01 due date {kev_due}: CISA's own [{policy.cite('timelines.kev.mode')}]"
    yield status_ground(item, policy)
    stands = standing(item, as_of, policy.timelines)
    cited = f" [{policy.cite(*stands.rules)}]" if stands.late or stands.excused else ""
    yield "; ".join(stands.because) + cited


def _rating(item: Row, policy: Policy) -> Iterator[str]:
    original, counts = rating_of(item.original_risk_rating), effective_rating(item)
    if original is None:
        yield f"original risk rating '{item.original_risk_rating}': not one of the template's"
        return
    yield (
        f"original risk rating {original}: recorded when the item was opened, and never changed "
        f"[{policy.cite('severity.precedence')}]"
    )
    if counts is not original:
        rule = policy.cite("timelines.rating_changes.raised")
        yield f"counts as {counts}: Risk Adjustment is Yes [{rule}]"
