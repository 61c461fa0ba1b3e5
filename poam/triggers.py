"""Which escalation triggers a month fires: a DFR, a CAP, or neither, with the sum behind it."""

from calendar import monthrange
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date

import pandas as pd

from poam.metrics import OpenItem, unique_margin, unique_threshold
from poam.trigger_rules import (
    AgedItems,
    Level,
    Repeat,
    Triggers,
    UnauthenticatedScans,
    UniqueVulnerabilities,
)

COLUMNS = ["trigger", "level", "figure", "threshold", "because", "poam_ids", "source"]
SHOWN = 10  # POA&M IDs in a sentence before "and n more"


@dataclass(frozen=True, slots=True)
class Trigger:
    """One trigger: what it leads to, its figure against the threshold, and the sum in a sentence.

    `figure` and `threshold` are None where they are not computed; `poam_ids` are the items behind
    the figure. A share is a number from 0 to 1.
    """

    id: str
    level: Level
    figure: float | None
    threshold: float | None
    because: str
    source: str
    poam_ids: tuple[str, ...] = ()

    @property
    def fired(self) -> bool:
        """Whether it leads to anything: then the ledger remembers it as a `PastTrigger`."""
        return self.level in (Level.DFR, Level.CAP)


@dataclass(frozen=True, slots=True)
class PastTrigger:
    """A trigger that fired in an earlier run, and that run's day."""

    id: str
    as_of: date


def triggers(
    found: Sequence[OpenItem],
    unique: int | None,
    unauthenticated: float | None,
    rules: Triggers,
    as_of: date,
    history: Iterable[PastTrigger] = (),
) -> tuple[Trigger, ...]:
    """Every trigger of the rulebook, fired or not, and those that a person answers for.

    `found` as `metrics.open_items` gives them, `unique` the unique vulnerabilities of the scans,
    `unauthenticated` the share of assets scanned without logging in (each None where nobody
    knows), `history` what fired before. What fires again within `repeat.months` is a CAP; runs of
    one calendar month are one.
    Source: `triggers.yaml`.
    """
    past = tuple(history)
    computed = (
        _unique(unique, rules.unique_vulnerabilities),
        _unauthenticated(unauthenticated, rules.unauthenticated_scans),
        *(_aged(name, rule, found) for name, rule in rules.aged.items()),
    )
    return (
        *(_repeated(trigger, past, as_of, rules.repeat) for trigger in computed),
        *(
            _unknown(name, f"{rule.level}: {rule.text}; a person answers for it", rule.source)
            for name, rule in rules.not_computed.items()
        ),
    )


def triggers_frame(found: Iterable[Trigger]) -> pd.DataFrame:
    """The triggers as a table for a file: one row each, POA&M IDs separated by commas."""
    table = [
        (t.id, t.level.value, t.figure, t.threshold, t.because, ", ".join(t.poam_ids), t.source)
        for t in found
    ]
    frame = pd.DataFrame(table, columns=COLUMNS)
    return frame.astype({"figure": "float64", "threshold": "float64"})


def _unique(unique: int | None, rule: UniqueVulnerabilities) -> Trigger:
    name, baseline = "unique_vulnerabilities", rule.baseline
    if baseline is None:
        setting = f"triggers.{name}.baseline"
        return _unknown(name, f"there is no baseline: set {setting} in conmon.yaml", rule.source)
    if unique is None:
        return _unknown(name, "no scan was read", rule.source)
    threshold = unique_threshold(baseline, rule)
    because = (
        f"{unique} unique vulnerabilities; baseline {baseline} + "
        f"{unique_margin(baseline, rule):.10g} ({rule.percent} % of it, at least {rule.at_least}) "
        f"= {threshold:.10g}: more is a {rule.level}"
    )
    level = rule.level if unique > threshold else Level.NONE
    return Trigger(name, level, unique, threshold, because, rule.source)


def _unauthenticated(share: float | None, rule: UnauthenticatedScans) -> Trigger:
    name = "unauthenticated_scans"
    if share is None:
        return _unknown(name, "no export says whether its scan logged in", rule.source)
    threshold = rule.percent / 100
    because = f"{100 * share:.4g} % unauthenticated: {rule.percent} % or more is a {rule.level}"
    level = rule.level if share >= threshold else Level.NONE
    return Trigger(name, level, share, threshold, because, rule.source)


def _aged(name: str, rule: AgedItems, found: Sequence[OpenItem]) -> Trigger:
    """Count items, not weaknesses: one weakness on several rows is several items."""
    counted = [i for i in found if i.standing.rating is rule.rating and not i.standing.excused]
    aged = [item for item in counted if item.age is not None and item.age > rule.days]
    weaknesses = len({item.weakness for item in aged})
    poam_ids = tuple(item.poam_id for item in aged)
    because = f"{len(aged)} {rule.rating} item{'s' * (len(aged) != 1)}"
    if weaknesses < len(aged):
        because += f" of {weaknesses} weakness{'es' * (weaknesses != 1)}"
    because += f" aged more than {rule.days} days{_in_brackets(poam_ids)}: "
    because += f"{rule.at_least} or more is a {rule.level}"
    if undated := [item.poam_id for item in counted if item.age is None]:
        because += f"; without an original detection date, and not counted{_in_brackets(undated)}"
    level = rule.level if len(aged) >= rule.at_least else Level.NONE
    return Trigger(name, level, len(aged), rule.at_least, because, rule.source, poam_ids)


def _repeated(trigger: Trigger, past: Iterable[PastTrigger], as_of: date, rule: Repeat) -> Trigger:
    earlier = [
        one.as_of
        for one in past
        if one.id == trigger.id
        and (one.as_of.year, one.as_of.month) < (as_of.year, as_of.month)
        and as_of < _months_after(one.as_of, rule.months)
    ]
    if not trigger.fired or not earlier:
        return trigger
    because = (
        f"{trigger.because}; fired on {max(earlier)} too: twice in {rule.months} months is a CAP"
    )
    return replace(trigger, level=Level.CAP, because=because)


def _months_after(day: date, months: int) -> date:
    """Return the same day so many months later, or the month's last where it has no such day."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def _in_brackets(poam_ids: Sequence[str]) -> str:
    if not poam_ids:
        return ""
    more = f" and {len(poam_ids) - SHOWN} more" if len(poam_ids) > SHOWN else ""
    return f" ({', '.join(poam_ids[:SHOWN])}{more})"


def _unknown(name: str, because: str, source: str) -> Trigger:
    return Trigger(name, Level.NOT_COMPUTED, None, None, because, source)
