"""mappings/templates.yaml as frozen models: where each edition of the template keeps what."""

import re
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Any, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

from poam.errors import PolicyError
from poam.model import Sheet

FIELD_NAMES = (
    "poam_id",
    "controls",
    "weakness_name",
    "weakness_description",
    "weakness_detector_source",
    "weakness_source_identifier",
    "asset_identifier",
    "point_of_contact",
    "resources_required",
    "remediation_plan",
    "original_detection_date",
    "scheduled_completion_date",
    "planned_milestones",
    "milestone_changes",
    "status_date",
    "vendor_dependency",
    "last_vendor_checkin_date",
    "vendor_dependent_product_name",
    "original_risk_rating",
    "adjusted_risk_rating",
    "risk_adjustment",
    "false_positive",
    "operational_requirement",
    "deviation_rationale",
    "supporting_documents",
    "comments",
    "auto_approve",
    "bod_22_01_tracking",
    "bod_22_01_due_date",
    "cve",
    "service_name",
)
"""Every column any edition of the template has, in the order of the widest one."""

METADATA_NAMES = ("csp", "system_name", "impact_level", "poam_date")

Filled = Annotated[str, StringConstraints(min_length=1)]


class FieldType(StrEnum):
    """What a column holds."""

    TEXT = "text"
    DATE = "date"
    CHOICE = "choice"


class Owner(StrEnum):
    """Who writes a column: see `design.md` §3, column ownership."""

    MACHINE_ONCE = "machine_once"
    MACHINE = "machine"
    PERSON = "person"
    APPEND = "append"


class Frozen(BaseModel):
    """A mapping that refuses unknown keys and does not change."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class FieldRule(Frozen):
    """One column of the template, the same in every edition that has it.

    A sheet without a `required` header is no POA&M; every item must fill a `mandatory` column.
    `choices` are the drop-down's words. `tolerated` are words people write instead, read
    without complaint. `guidance`, `hint` and `example` fill the top rows of a built template.
    """

    source: Filled
    type: FieldType
    owner: Owner
    required: bool = False
    mandatory: bool = False
    aliases: tuple[Filled, ...] = ()
    choices: tuple[Filled, ...] = ()
    tolerated: tuple[str, ...] = ()
    width: float = 20
    guidance: Filled
    hint: Filled
    example: str = ""

    @model_validator(mode="after")
    def _choices_fit_the_type(self) -> Self:
        if (self.type is FieldType.CHOICE) != bool(self.choices):
            raise ValueError("choices belong to type choice, and only there")
        return self


class MetadataCell(Frozen):
    """One fact about the system, above the table: its label and the cell that holds it.

    `placeholders` are words of a blank template, `placeholder_prefix` begins its guidance.
    """

    label: Filled
    aliases: tuple[Filled, ...] = ()
    label_cell: Filled
    value_cell: Filled
    blank: str = ""
    placeholders: tuple[Filled, ...] = ()
    placeholder_prefix: str = ""


class SheetLayout(Frozen):
    """One sheet of items: where its table starts and which headers differ from the edition's.

    `row_labels` stand left of the table beside rows that are not items. `guidance_rows` is
    the number of rows below the header that explain the columns; `example_row` follows them.
    """

    source: Filled
    name: Filled
    required: bool = True
    header_row: int = Field(ge=1)
    first_column: Filled = "A"
    first_data_row: int = Field(ge=2)
    last_data_row: int = Field(ge=2)
    guidance_rows: int = 0
    row_labels: tuple[Filled, ...] = ()
    metadata: bool = False
    freeze: bool = False
    headers: dict[str, Filled] = Field(default_factory=dict)


class PageLayout(Frozen):
    """A sheet that holds no items: plain rows of text, written into a built template."""

    name: Filled
    source: Filled
    title: str = ""
    header_row: int = 1
    first_column: Filled = "A"
    widths: tuple[float, ...] = (100,)
    columns: tuple[Filled, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()


class Edition(Frozen):
    """One edition of the template. `columns` gives field and header, in the template's order.

    `no_adjusted_rating`, `no_identifier` and `no_kev` are what the edition
    wants where there is none.
    """

    source: Filled
    title: Filled
    suffixes: tuple[Filled, ...]
    no_adjusted_rating: str
    no_identifier: str
    no_kev: str
    metadata: dict[str, MetadataCell]
    columns: dict[str, Filled]
    sheets: dict[Sheet, SheetLayout]
    pages_before: tuple[PageLayout, ...] = ()
    pages_after: tuple[PageLayout, ...] = ()

    @property
    def has_milestones(self) -> bool:
        """Whether milestones have columns of their own."""
        return "planned_milestones" in self.columns

    def header(self, sheet: Sheet, field: str) -> str:
        """Give the header text of a field on one sheet."""
        return self.sheets[sheet].headers.get(field, self.columns[field])


class Layouts(Frozen):
    """Every edition, the newest first, and the columns they share.

    `guidance_ids` and `example_ids` are texts in the POAM ID column of rows that explain;
    `blank_words` stand for nothing in a date column.
    """

    source: Filled
    fields: dict[str, FieldRule]
    guidance_ids: tuple[Filled, ...]
    example_ids: tuple[Filled, ...]
    blank_words: tuple[Filled, ...]
    editions: dict[str, Edition]

    @model_validator(mode="after")
    def _names_are_known(self) -> Self:
        if tuple(self.fields) != FIELD_NAMES:
            raise ValueError(f"fields must be exactly {', '.join(FIELD_NAMES)}, in this order")
        for name, edition in self.editions.items():
            if tuple(edition.metadata) != METADATA_NAMES:
                raise ValueError(f"edition {name}: metadata must be {', '.join(METADATA_NAMES)}")
            used = set(edition.columns).union(*(s.headers for s in edition.sheets.values()))
            if unknown := used - set(self.fields):
                raise ValueError(f"edition {name}: no such field: {', '.join(sorted(unknown))}")
            if not {Sheet.OPEN, Sheet.CLOSED} <= set(edition.sheets):
                raise ValueError(f"edition {name}: needs an open and a closed sheet")
        return self

    def field_of(self, header: str) -> str | None:
        """Give the field a header stands for, in any edition's spelling."""
        return self.known_headers.get(normal(header))

    @cached_property
    def known_headers(self) -> dict[str, str]:
        """Every spelling of a header, reduced by `normal`, with its field."""
        found: dict[str, str] = {}
        for name, rule in self.fields.items():
            for alias in rule.aliases:
                found[normal(alias)] = name
        for edition in self.editions.values():
            for sheet in edition.sheets:
                for name in edition.columns:
                    found[normal(edition.header(sheet, name))] = name
        return found


def normal(text: str) -> str:
    """Reduce a header to its letters and digits: case, spaces, `&` and punctuation vary."""
    return re.sub(r"[\W_]+", "", text).casefold()


def load_layouts(content: dict[str, Any]) -> Layouts:
    """Check the content of templates.yaml; raises PolicyError that lists every broken rule."""
    try:
        return Layouts.model_validate(content)
    except ValidationError as e:
        faults = "; ".join(
            f"{'.'.join(str(p) for p in x['loc']) or 'file'}: {x['msg']}" for x in e.errors()
        )
        raise PolicyError(f"templates.yaml: {faults}.") from e
