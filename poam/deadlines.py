"""The scheduled completion date, the rules that set it, and whether an item is late."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from poam.frames import Row
from poam.model import RiskRating
from poam.timeline_rules import Timelines, VendorDependency

# As this program writes days, and as the template shows them: 2026-11-03, 11/3/2026.
DAY = r"(?:\d{4}-\d{2}-\d{2}|\d{1,2}/\d{1,2}/\d{4})"
# A release begins a line, a sentence, or what follows the day of a line.
RELEASE = (
    rf"(?:^|[.;(\n]|(?:^|\n){DAY}:)\s*(?:the\s+)?(?:{{words}})"
    rf"(?:\s+(?:its|a|the)\s+(?:fix|patch|update))?[\s:=]*(?:on|is)?\s*({DAY})"
)


@dataclass(frozen=True, slots=True)
class Deadline:
    """A scheduled completion date, why it is that day, and the keys of the rules that set it."""

    due: date
    basis: str
    rules: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Standing:
    """How an item stands on a day.

    `rating` is the one that counts, `excused` why it is not counted late although its date has
    passed ("" where nothing excuses it), `because` the whole in words, `rules` the keys of the
    policy lines.
    """

    rating: RiskRating | None
    due: date | None
    late: bool
    excused: str
    because: tuple[str, ...]
    rules: tuple[str, ...] = ("timelines.remediation.days",)


def deadline(
    rating: RiskRating,
    detected: date,
    kev_due: date | None,
    policy: Timelines,
    released: date | None = None,
) -> Deadline:
    """The date by which a weakness must be remediated.

    Calendar days by rating from the original detection, or from the day on which a vendor
    `released` its fix; a KEV due date replaces it (`kev.mode: supersede`) or does so only when
    earlier (`min`). A KEV date that lies before the detection is kept as it is, and the item is
    late at once, unless `kev.past_due_days` says otherwise.
    Source: FedRAMP Rev5 baseline RA-5(d); POA&M Template Completion Guide v2.2 p. 4.
    """
    days = policy.remediation.days[rating]
    start = released or detected
    window = start + timedelta(days=days)
    event = "the vendor's release on" if released else "the original detection date"
    basis = f"{rating}: {days} days from {event} {start}"
    rule = f"timelines.remediation.days.{rating}"
    if kev_due is None:
        return Deadline(window, basis, (rule,))
    due, kev_rule = kev_deadline(kev_due, detected, policy)
    if policy.kev.mode == "min" and due >= window:
        return Deadline(window, basis, (rule,))
    words = f"CISA KEV due date {kev_due} ({policy.kev.mode})"
    if due != kev_due:
        words = f"{(due - detected).days} days from the original detection date {detected}, which "
        words += f"comes after CISA's KEV due date {kev_due}"
    return Deadline(due, f"{words}; {basis}", (kev_rule, rule))


def kev_deadline(kev_due: date, detected: date, policy: Timelines) -> tuple[date, str]:
    """The day that a CISA KEV due date asks for, and the key of the rule."""
    grace = policy.kev.past_due_days
    if grace is None or kev_due >= detected:
        return kev_due, "timelines.kev.mode"
    return detected + timedelta(days=grace), "timelines.kev.past_due_days"


def is_late(due: date, as_of: date) -> bool:
    """Whether a date has passed: the day itself is on time, the next day is late."""
    return as_of > due


def rating_of(text: str) -> RiskRating | None:
    """The rating that a cell names, None where it names none."""
    return next((rating for rating in RiskRating if rating.value == text.strip()), None)


def is_worse(one: RiskRating, other: RiskRating) -> bool:
    """Whether a rating is worse than another."""
    worst_first = list(RiskRating)
    return worst_first.index(one) < worst_first.index(other)


def effective_rating(item: Row) -> RiskRating | None:
    """The rating that counts: the adjusted one where its adjustment is approved.

    Source: POA&M Template Completion Guide v2.2 p. 5.
    """
    adjusted = rating_of(item.adjusted_risk_rating)
    if adjusted and item.risk_adjustment.strip() == "Yes":
        return adjusted
    return rating_of(item.original_risk_rating)


def vendor_releases(item: Row, as_of: date, policy: VendorDependency) -> tuple[date, ...]:
    """The days up to `as_of` that Comments give as the vendor's release of its fix, in order.

    What is "expected", or "not yet", is none.
    Source: POA&M Template Completion Guide v2.2 p. 4 (the release date is given in Comments).
    """
    if item.vendor_dependency.strip() != "Yes":
        return ()
    words = "|".join(re.escape(words) for words in policy.release_words)
    stated = re.findall(RELEASE.replace("{words}", words), item.comments, re.IGNORECASE)
    return tuple(sorted(day for text in stated if (day := _day(text)) and day <= as_of))


def vendor_release(item: Row, as_of: date, policy: VendorDependency) -> date | None:
    """The release that restarts an item's window: the first after its detection.

    A window restarts once, so a later day that Comments also give counts for nothing.
    """
    detected = item.original_detection_date
    days = vendor_releases(item, as_of, policy)
    return next((day for day in days if isinstance(detected, date) and day > detected), None)


def tracked_kev_due(item: Row) -> date | None:
    """CISA's due date of an item that the KEV catalogue lists."""
    due = item.bod_22_01_due_date
    tracked = item.bod_22_01_tracking.strip() == "Yes"
    return due if tracked and isinstance(due, date) else None


def rules_give(
    item: Row, as_of: date, kev_due: date | None, policy: Timelines
) -> Iterator[Deadline]:
    """Yield the deadlines that the rules give an item, the one that holds now first.

    After it come those of before: without the vendor's release, by the original rating, without
    CISA's date.
    """
    detected = item.original_detection_date
    if not isinstance(detected, date):
        return
    ratings = (effective_rating(item), rating_of(item.original_risk_rating))
    known = list(dict.fromkeys(rating for rating in ratings if rating))
    released = vendor_release(item, as_of, policy.vendor_dependency)
    for start in dict.fromkeys((released, None)):
        for rating in known:
            for kev in dict.fromkeys((kev_due, None)):
                yield deadline(rating, detected, kev, policy, start)


def standing(item: Row, as_of: date, policy: Timelines) -> Standing:
    """Say whether an open item is late on a day, and why or why not.

    `item` has the workbook's fields. A pending deviation stops no clock.
    Source: POA&M Template Completion Guide v2.2 p. 4-6; ConMon Strategy Guide v3.2 p. 25.
    """
    rating, due = effective_rating(item), item.scheduled_completion_date
    if not isinstance(due, date):
        return Standing(rating, None, False, "", ("it has no scheduled completion date",))
    if not is_late(due, as_of):
        return Standing(rating, due, False, "", (f"due {due}, on time on {as_of}",))
    words = f"due {due}, {(as_of - due).days} days ago on {as_of}"
    if excuse := _excuse(item, rating, as_of, policy):
        excused, rule = excuse
        said = f"{words}; not counted late: {excused}"
        return Standing(rating, due, False, excused, (said,), (rule,))
    no_excuse = list(_no_excuse(item, rating, as_of, policy))
    because = (f"{words}: late", *(why for why, _ in no_excuse))
    rules = ("timelines.remediation.days", *(rule for _, rule in no_excuse))
    return Standing(rating, due, True, "", because, rules)


def _excuse(
    item: Row, rating: RiskRating | None, as_of: date, policy: Timelines
) -> tuple[str, str] | None:
    """Return what excuses a date that has passed, and the key of the rule."""
    if item.false_positive.strip() == "Yes":
        return "an approved false positive", "timelines.deviations"
    no_requirement = policy.deviations.no_requirement_on
    if item.operational_requirement.strip() == "Yes" and rating not in no_requirement:
        return "an approved operational requirement", "timelines.deviations.no_requirement_on"
    rule, asked = policy.vendor_dependency, item.last_vendor_checkin_date
    if (
        item.vendor_dependency.strip() == "Yes"
        and rating in rule.excused
        and isinstance(asked, date)
        and timedelta() <= as_of - asked <= timedelta(days=rule.checkin_days)
        and not vendor_releases(item, as_of, rule)
    ):
        words = f"a vendor dependency, the vendor last asked on {asked}"
        return words, "timelines.vendor_dependency.checkin_days"
    return None


def _no_excuse(
    item: Row, rating: RiskRating | None, as_of: date, policy: Timelines
) -> Iterator[tuple[str, str]]:
    """Yield why what looks like an excuse is none, and the key of the rule."""
    rule = policy.vendor_dependency
    if item.vendor_dependency.strip() == "Yes":
        asked = item.last_vendor_checkin_date
        key = "timelines.vendor_dependency"
        if rating not in rule.excused:
            words = f"a vendor dependency does not excuse a {rating or 'row without a rating'}"
            yield words, f"{key}.excused"
        elif released := vendor_releases(item, as_of, rule):
            words = (
                f"the vendor released its fix on {released[0]}: the dependency excuses it no more"
            )
            yield words, f"{key}.release_words"
        elif not isinstance(asked, date):
            yield "a vendor dependency without a check-in date excuses nothing", key
        else:
            words = f"the last vendor check-in, {asked}, is not within {rule.checkin_days} days "
            yield f"{words}before {as_of}", f"{key}.checkin_days"
    if item.operational_requirement.strip() == "Yes":
        words = f"an operational requirement does not excuse a {rating or 'row without a rating'}"
        yield words, "timelines.deviations.no_requirement_on"
    for name in ("risk_adjustment", "false_positive", "operational_requirement"):
        if getattr(item, name).strip() == "Pending":
            yield f"a pending {name.replace('_', ' ')} stops no clock", "timelines.deviations"


def _day(text: str) -> date | None:
    """Read a day; None where the calendar has none such."""
    try:
        if "/" in text:
            month, day, year = map(int, text.split("/"))
            return date(year, month, day)
        return date.fromisoformat(text)
    except ValueError:
        return None
