"""One item's row as the checks ask it, and what they say of it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date

from poam.assets import AssetIndex
from poam.deadlines import effective_rating
from poam.frames import Row
from poam.layout import FieldRule, FieldType
from poam.model import RiskRating, Sheet
from poam.policy import Policy
from poam.workbook import PoamWorkbook


@dataclass(frozen=True, slots=True)
class Fault:
    """What one check says of one cell of a row."""

    field: str
    found: str
    expected: str


@dataclass(frozen=True)
class Context:
    """What every check may ask; `previous` has last month's items by POA&M ID, folded."""

    book: PoamWorkbook
    policy: Policy
    as_of: date
    previous: dict[str, Row] = field(default_factory=dict)
    index: AssetIndex | None = None
    unread: frozenset[str] = frozenset()

    def rule(self, name: str) -> FieldRule:
        """The template's rule for a column."""
        return self.policy.templates.fields[name]


@dataclass(frozen=True, slots=True)
class Line:
    """One item's row, asked by field. A cell that could not be read is not an empty one."""

    record: Row
    context: Context

    def has(self, name: str) -> bool:
        """Whether the sheet has the column."""
        return self.context.book.has_field(self.record.sheet, name)

    def text(self, name: str) -> str:
        """The cell's text without what surrounds it."""
        value = getattr(self.record, name)
        return value.strip() if isinstance(value, str) else ""

    def day(self, name: str) -> date | None:
        """The cell's date, None where it has none."""
        value = getattr(self.record, name)
        return value if isinstance(value, date) else None

    def empty(self, name: str) -> bool:
        """Whether the sheet has the column and this row nothing in it."""
        if not self.has(name) or self.text(name) or self.day(name):
            return False
        is_date = self.context.rule(name).type is FieldType.DATE
        return not (is_date and self.address(name) in self.context.unread)

    def address(self, name: str) -> str:
        """The cell's address, or the sheet and row where the sheet has no such column."""
        plan = self.context.book.plans[Sheet(self.record.sheet)]
        column = plan.columns.get(name)
        return plan.address(self.record.row, column) if column else f"{plan.name}!{self.record.row}"

    @property
    def rating(self) -> RiskRating | None:
        """The rating that counts."""
        return effective_rating(self.record)

    @property
    def before(self) -> "Line | None":
        """The same item in last month's workbook."""
        record = self.context.previous.get(folded(self.record.poam_id))
        return Line(record, self.context) if record is not None else None


Check = Callable[[Line], Iterator[Fault]]


def folded(text: str) -> str:
    """Return a text as it is compared: without case and surrounding blanks."""
    return text.strip().casefold()
