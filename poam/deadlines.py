"""The scheduled completion date and the rule that sets it."""

from dataclasses import dataclass
from datetime import date, timedelta

from poam.model import RiskRating
from poam.policy import Timelines


@dataclass(frozen=True, slots=True)
class Deadline:
    """A scheduled completion date and the rule that set it."""

    due: date
    basis: str


def deadline(
    rating: RiskRating, detected: date, kev_due: date | None, policy: Timelines
) -> Deadline:
    """The date by which a weakness must be remediated.

    Calendar days from the original detection date by rating; a KEV due date replaces it
    (`kev.mode: supersede`) or does so only when earlier (`min`). A KEV date that lies before the
    detection is kept as it is: the item is late at once, and a report says so.
    Source: FedRAMP Rev5 baseline RA-5(d).
    """
    days = policy.remediation.days[rating]
    window = detected + timedelta(days=days)
    basis = f"{rating}: {days} days from the original detection date {detected}"
    if kev_due is None or (policy.kev.mode == "min" and kev_due >= window):
        return Deadline(window, basis)
    return Deadline(kev_due, f"CISA KEV due date {kev_due} ({policy.kev.mode}); {basis}")


def is_late(due: date, as_of: date) -> bool:
    """Whether a date has passed: the day itself is on time, the next day is late."""
    return as_of > due
