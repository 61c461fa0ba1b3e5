"""The models of `triggers.yaml`: how past-due items are counted, and what is escalated."""

from bisect import bisect_left
from enum import StrEnum
from itertools import pairwise
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from poam.model import RiskRating
from poam.rules import Rules


class Level(StrEnum):
    """What follows from a trigger: a Detailed Finding Review, a Corrective Action Plan, nothing."""

    DFR = "DFR"
    CAP = "CAP"
    NONE = "none"
    NOT_COMPUTED = "not computed"


class PastDue(Rules):
    """The buckets of days past the scheduled completion date, by the last day of each."""

    source: str
    last_days: tuple[int, ...] = Field(min_length=1)

    @field_validator("last_days")
    @classmethod
    def _rising(cls, days: tuple[int, ...]) -> tuple[int, ...]:
        if any(one >= next_one for one, next_one in pairwise((0, *days))):
            raise ValueError("the days must be above 0 and rise")
        return days

    @property
    def labels(self) -> tuple[str, ...]:
        """The buckets' names: `0-30`, `31-60` and so on, and `121+`."""
        first_days = (0, *(day + 1 for day in self.last_days))
        closed = zip(first_days, self.last_days, strict=False)
        return (*(f"{first}-{last}" for first, last in closed), f"{first_days[-1]}+")

    def label(self, days_late: int) -> str:
        """The bucket of so many days."""
        return self.labels[bisect_left(self.last_days, days_late)]


class Repeat(Rules):
    """For how many months a trigger that fires again is a CAP."""

    source: str
    months: int = Field(ge=1)


class TriggerRule(Rules):
    """One trigger: what it leads to, and who says so."""

    source: str
    level: Literal[Level.DFR, Level.CAP]


class UniqueVulnerabilities(TriggerRule):
    """How far the unique vulnerabilities may exceed the site's baseline."""

    percent: int = Field(ge=0)
    at_least: int = Field(ge=0)
    baseline: int | None = Field(ge=0)


class UnauthenticatedScans(TriggerRule):
    """Which share of assets may be scanned without logging in."""

    percent: int = Field(ge=1, le=100)


class AgedItems(TriggerRule):
    """How many items of a rating may be aged more than so many days."""

    rating: RiskRating
    days: int = Field(ge=0)
    at_least: int = Field(ge=1)


class NotComputed(TriggerRule):
    """A trigger that a person answers for."""

    text: str


class Triggers(Rules):
    """Source: `triggers.yaml`."""

    past_due: PastDue
    repeat: Repeat
    unique_vulnerabilities: UniqueVulnerabilities
    unauthenticated_scans: UnauthenticatedScans
    aged: dict[str, AgedItems]
    not_computed: dict[str, NotComputed]

    @model_validator(mode="after")
    def _own_names(self) -> Self:
        names = [*self.aged, *self.not_computed, "unique_vulnerabilities", "unauthenticated_scans"]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"two triggers are called {', '.join(twice)}")
        return self
