"""The scheduled completion date, the rules that set it, and whether an item is late."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from poam.frames import Row
from poam.model import RiskRating
from poam.timeline_rules import Timelines, VendorDependency

DAY = r"(\d{4}-\d{2}-\d{2})"


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
    start: date,
    kev_due: date | None,
    policy: Timelines,
    counted_from: str = "the original detection date",
) -> Deadline:
    """The date by which a weakness must be remediated.

    Calendar days by rating from `start`, the original detection or a vendor's release; a KEV due
    date replaces it (`kev.mode: supersede`) or does so only when earlier (`min`). A KEV date that
    lies before the detection is kept as it is, and the item is late at once, unless
    `kev.past_due_days` says otherwise.
    Source: FedRAMP Rev5 baseline RA-5(d).
    """
    days = policy.remediation.days[rating]
    window = start + timedelta(days=days)
    basis = f"{rating}: {days} days from {counted_from} {start}"
    rule = f"timelines.remediation.days.{rating}"
    if kev_due is None:
        return Deadline(window, basis, (rule,))
    due, rules = kev_deadline(kev_due, start, policy)
    if policy.kev.mode == "min" and due >= window:
        return Deadline(window, basis, (rule,))
    words = f"CISA KEV due date {kev_due} ({policy.kev.mode}); {basis}"
    if due != kev_due:
        words = f"{(due - start).days} days from {counted_from} {start}, which CISA KEV precedes"
    return Deadline(due, words, (*rules, rule))


def kev_deadline(kev_due: date, detected: date, policy: Timelines) -> tuple[date, tuple[str, ...]]:
    """The day that a CISA KEV due date asks for, and the keys of the rules."""
    grace = policy.kev.past_due_days
    if grace is None or kev_due >= detected:
        return kev_due, ("timelines.kev.mode",)
    return detected + timedelta(days=grace), ("timelines.kev.past_due_days",)


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


def vendor_release(item: Row, as_of: date, policy: VendorDependency) -> date | None:
    """The first day, from the detection to `as_of`, that Comments give as the vendor's release.

    A window restarts once, so a later day that Comments also give counts for nothing.
    Source: POA&M Template Completion Guide v2.2 p. 4 (the release date is given in Comments).
    """
    detected = item.original_detection_date
    if item.vendor_dependency.strip() != "Yes" or not isinstance(detected, date):
        return None
    words = "|".join(re.escape(words) for words in policy.release_words)
    stated = re.findall(rf"(?:{words})[\s:=]*(?:on|is)?\s*{DAY}", item.comments, re.IGNORECASE)
    days = sorted(day for text in stated if (day := _day(text)) and detected < day <= as_of)
    return days[0] if days else None


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
    ratings = (effective_rating(item), rating_of(item.original_risk_rating))
    known = list(dict.fromkeys(rating for rating in ratings if rating))
    released = vendor_release(item, as_of, policy.vendor_dependency)
    if released:
        for rating in known:
            yield deadline(rating, released, kev_due, policy, "the vendor's release on")
    if isinstance(detected, date):
        for rating in known:
            for kev in dict.fromkeys((kev_due, None)):
                yield deadline(rating, detected, kev, policy)


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
    excused = _excuse(item, rating, as_of, policy)
    words = f"due {due}, {(as_of - due).days} days ago on {as_of}"
    if excused:
        said = (f"{words}; not counted late: {excused}",)
        return Standing(rating, due, False, excused, said, ("timelines.vendor_dependency.excused",))
    return Standing(rating, due, True, "", (f"{words}: late", *_no_excuse(item, as_of, policy)))


def _excuse(item: Row, rating: RiskRating | None, as_of: date, policy: Timelines) -> str:
    rule = policy.vendor_dependency
    if item.false_positive.strip() == "Yes":
        return "an approved false positive"
    if item.operational_requirement.strip() == "Yes" and rating is not RiskRating.HIGH:
        return "an approved operational requirement"
    asked = item.last_vendor_checkin_date
    if (
        item.vendor_dependency.strip() == "Yes"
        and rating in rule.excused
        and isinstance(asked, date)
        and timedelta() <= as_of - asked <= timedelta(days=rule.checkin_days)
        and not vendor_release(item, as_of, rule)
    ):
        return f"a vendor dependency, the vendor last asked on {asked}"
    return ""


def _no_excuse(item: Row, as_of: date, policy: Timelines) -> Iterator[str]:
    """Yield why what looks like an excuse is none."""
    rule, rating = policy.vendor_dependency, effective_rating(item)
    if item.vendor_dependency.strip() == "Yes":
        asked = item.last_vendor_checkin_date
        if rating not in rule.excused:
            yield f"a vendor dependency does not excuse a {rating or 'row without a rating'}"
        elif released := vendor_release(item, as_of, rule):
            yield f"the vendor released its fix on {released}: the dependency excuses it no more"
        elif not isinstance(asked, date):
            yield "a vendor dependency without a check-in date excuses nothing"
        else:
            yield (
                f"the last vendor check-in, {asked}, is not within {rule.checkin_days} days before "
                f"{as_of}"
            )
    if item.operational_requirement.strip() == "Yes":
        yield "an operational requirement does not excuse a High"
    for name in ("risk_adjustment", "false_positive", "operational_requirement"):
        if getattr(item, name).strip() == "Pending":
            yield f"a pending {name.replace('_', ' ')} stops no clock"


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
