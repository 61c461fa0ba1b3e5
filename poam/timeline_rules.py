"""The models of `timelines.yaml`: clocks, and when an item opens, changes and closes."""

from typing import Literal, Self

from pydantic import Field, model_validator

from poam.model import RiskRating
from poam.rules import Rules


class Detection(Rules):
    """What beside the scan's date may be the original detection date."""

    source: str
    counts: tuple[Literal["first_found", "ledger"], ...]


class Remediation(Rules):
    """Days from original detection to scheduled completion, by rating."""

    source: str
    days: dict[RiskRating, int]

    @model_validator(mode="after")
    def _every_rating(self) -> Self:
        if missing := [rating for rating in RiskRating if self.days.get(rating, 0) < 1]:
            raise ValueError(f"no window of at least a day for {', '.join(missing)}")
        return self


class Kev(Rules):
    """How a CISA KEV due date bears on the scheduled completion date."""

    source: str
    mode: Literal["min", "supersede"]
    past_due_days: int | None = Field(ge=0)


class VendorDependency(Rules):
    """When a fix that is the vendor's to make excuses a date that has passed."""

    source: str
    checkin_days: int = Field(ge=0)
    excused: tuple[RiskRating, ...]
    release_words: tuple[str, ...]


class Deviations(Rules):
    """What an approved deviation does."""

    source: str
    no_requirement_on: tuple[RiskRating, ...]


class RatingChanges(Rules):
    """What follows when a scanner raises its rating of an open item."""

    source: str
    raised: Literal["adjust", "review"]


class Scope(Rules):
    """Which weaknesses the POA&M tracks."""

    source: str
    track: Literal["all", "past_due"]


class Items(Rules):
    """What an item is: one per weakness and detection date, whichever scanners find it."""

    source: str
    new_assets: Literal["new_row", "append"]
    cross_detector: Literal["same_item", "separate"]


class Closing(Rules):
    """What it takes to close."""

    source: str
    confirm_scans: Literal[1, 2]
    decommissioned: Literal["close", "review"]


class Recurrence(Rules):
    """What becomes of a closed item that a scan finds again."""

    source: str
    after_closing: Literal["new_item", "reopen"]
    same_cycle_days: int = Field(ge=0)


class Configuration(Rules):
    """The one item on Open that stands for all configuration findings."""

    source: str
    roll_up: bool
    roll_up_name: str = Field(min_length=1)
    roll_up_description: str


class Containers(Rules):
    """What a new version of a container image is to the item that lists an earlier one."""

    source: str
    new_version: Literal["keep", "new_row"]


class Timelines(Rules):
    """Source: `timelines.yaml`."""

    detection: Detection
    remediation: Remediation
    kev: Kev
    vendor_dependency: VendorDependency
    deviations: Deviations
    rating_changes: RatingChanges
    scope: Scope
    items: Items
    closing: Closing
    recurrence: Recurrence
    configuration: Configuration
    containers: Containers
