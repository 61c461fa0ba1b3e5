"""The base of every policy model."""

from pydantic import BaseModel, ConfigDict


class Rules(BaseModel):
    """Frozen, and no key that it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")
