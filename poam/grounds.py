"""The rule and the policy line behind each date and rating of an item."""

from collections.abc import Iterator, Sequence
from datetime import date

from poam.deadlines import (
    Deadline,
    effective_rating,
    is_worse,
    rating_of,
    rules_give,
    standing,
    tracked_kev_due,
)
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
        yield f"detected {detected}: as the workbook has it, and never changed [{cited}]"
    if isinstance(due, date):
        given = rules_give(item, as_of, tracked_kev_due(item), policy.timelines)
        yield _due(due, list(given), policy)
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
        f"original risk rating {original}: as the workbook has it, and never changed "
        f"[{policy.cite('severity.precedence')}]"
    )
    if counts and counts is not original:
        raised = is_worse(counts, original)
        rule = "timelines.rating_changes.raised" if raised else "timelines.deviations"
        yield f"counts as {counts}: Risk Adjustment is Yes [{policy.cite(rule)}]"


def _due(due: date, given: Sequence[Deadline], policy: Policy) -> str:
    """Say which rule gives a date, or that none does."""
    for one in given:
        if one.due == due:
            return f"due {due}: {one.basis} [{policy.cite(*one.rules)}]"
    if given and due < given[0].due:
        cited = policy.cite(*given[0].rules)
        return (
            f"due {due}: the rules would give {given[0].due} now ({given[0].basis}), and a "
            f"recorded date never moves away [{cited}]"
        )
    return f"due {due}: no rule gives this date; it is kept as it stands"
