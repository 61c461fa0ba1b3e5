"""The models of `gates.yaml`: what the scans must be like before they are submitted."""

from decimal import Decimal
from typing import Literal

from pydantic import Field

from poam.model import Authenticated
from poam.rules import Rules


class GateRule(Rules):
    """What a gate measures, in plain words, and who asks for it."""

    text: str = Field(min_length=1)
    source: str = Field(min_length=1)


class LoginRule(GateRule):
    """The share of unauthenticated assets that is too large, and what counts as that."""

    unauthenticated: tuple[Literal[Authenticated.NO, Authenticated.PARTIAL], ...] = Field(
        min_length=1
    )
    below: Decimal = Field(gt=0, le=1)

    @property
    def threshold(self) -> str:
        """What passes: `below 10 %`."""
        return f"below {_percent(self.below)}"


class CoverageRule(GateRule):
    """The share of the inventory that must have been scanned."""

    at_least: Decimal = Field(gt=0, le=1)

    @property
    def threshold(self) -> str:
        """What passes: `at least 95 %`."""
        return f"at least {_percent(self.at_least)}"


class CountRule(GateRule):
    """How many assets may be so."""

    at_most: int = Field(ge=0)

    @property
    def threshold(self) -> str:
        """What passes: `at most 0`."""
        return f"at most {self.at_most}"


class AgeRule(GateRule):
    """How many calendar days old something may be; the last of them still passes."""

    at_most_days: int = Field(ge=0)

    @property
    def threshold(self) -> str:
        """What passes: `at most 30 days`."""
        return f"at most {days(self.at_most_days)}"


class Gates(Rules):
    """Source: `gates.yaml`."""

    unauthenticated: LoginRule
    coverage: CoverageRule
    unexpected: CountRule
    feed_age: AgeRule
    image_age: AgeRule


def days(count: int) -> str:
    """Return `1 day`, `30 days`."""
    return f"{count} day{'s' * (count != 1)}"


def _percent(share: Decimal) -> str:
    return f"{float(share) * 100:g} %"
