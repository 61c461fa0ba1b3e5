"""The models of `lint.yaml`: what is wrong with a POA&M before it is submitted."""

from enum import StrEnum
from typing import Self

from pydantic import model_validator

from poam.rules import Rules


class LintCode(StrEnum):
    """Every check, by its stable code. L7 needs last month's workbook, L8 the inventory."""

    REQUIRED_EMPTY = "L101"
    ID_TWICE = "L102"
    NOT_UNDERSTOOD = "L103"
    HEADER_DATE = "L104"
    COLUMN_MISSING = "L105"
    COLUMN_EXTRA = "L106"
    SERVICE_EMPTY = "L107"
    DETECTION_MISSING = "L201"
    DETECTION_FUTURE = "L202"
    DETECTION_AFTER_COMPLETION = "L203"
    COMPLETION_TOO_LATE = "L204"
    STATUS_DATE_OUTSIDE = "L205"
    PAST_DUE = "L206"
    RATING_UNKNOWN = "L301"
    CHOICE_UNKNOWN = "L302"
    ADJUSTED_WITHOUT_APPROVAL = "L303"
    APPROVAL_WITHOUT_ADJUSTED = "L304"
    REQUIREMENT_ON_HIGH = "L305"
    DEPENDENCY_WITHOUT_CHECKIN = "L306"
    DEPENDENCY_WITHOUT_PRODUCT = "L307"
    CHECKIN_OLD = "L308"
    DEPENDENCY_ON_HIGH = "L309"
    RATIONALE_EMPTY = "L310"
    FALSE_POSITIVE_OPEN = "L311"
    KEV_WITHOUT_DATE = "L312"
    KEV_DATE_ALONE = "L313"
    ASSET_EMPTY = "L401"
    ASSET_TWICE = "L402"
    IDENTIFIER_EMPTY = "L403"
    SEVERAL_IDENTIFIERS = "L404"
    CVE_MALFORMED = "L405"
    CONTROL_MALFORMED = "L406"
    CLOSED_WITHOUT_DATE = "L501"
    CLOSED_WITHOUT_EVIDENCE = "L502"
    NOT_CLOSEABLE = "L503"
    MILESTONES_EMPTY = "L601"
    MILESTONE_MALFORMED = "L602"
    DETECTION_CHANGED = "L701"
    COMPLETION_MOVED = "L702"
    RATING_CHANGED = "L703"
    MILESTONE_CHANGED = "L704"
    ROW_GONE = "L705"
    TEXT_SHORTENED = "L706"
    ASSET_NOT_IN_INVENTORY = "L801"


class LintLevel(StrEnum):
    """An error is a reason to reject the submission; a warning is a question it will raise."""

    ERROR = "error"
    WARNING = "warning"


class LintCheck(Rules):
    """One check: what it finds, how bad that is, and who says so."""

    source: str
    level: LintLevel
    text: str


class Lint(Rules):
    """Source: `lint.yaml`."""

    checks: dict[LintCode, LintCheck]

    @model_validator(mode="after")
    def _every_check(self) -> Self:
        if missing := [code.value for code in LintCode if code not in self.checks]:
            raise ValueError(f"no level for {', '.join(missing)}")
        return self
