"""What stays the same from month to month, as a form that Prefect's pages show."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

INPUTS = {"inventory", "kev", "nvd", "config", "ledger"}


class Settings(BaseModel):
    """The settings of a deployment. Locations are paths, or URLs such as s3://bucket/scans."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    inventory: str | None = Field(None, description="The integrated inventory workbook.")
    kev: str | None = Field(None, description="CISA's KEV catalogue as JSON.")
    nvd: tuple[str, ...] = Field((), description="NVD JSON 2.0 files, or folders of them.")
    config: str | None = Field(None, description="The site's conmon.yaml.")
    runs: str = Field("runs", description="Where run folders go.")
    ledger: str | None = Field(
        None,
        description="Database URL of the memory between runs; ledger.sqlite in `runs` by default.",
    )
    notify: tuple[str, ...] = Field(
        (),
        description="Who is told: Apprise URLs such as mailto:// and json://, or env:NAME for a "
        "variable of the worker that holds one. Nobody by default.",
    )
    engine: Literal["threads", "dask"] = Field(
        "threads", description="What reads scan files: threads here, or the workers of a cluster."
    )
    dask_address: str | None = Field(
        None, description="The scheduler (tcp://host:8786); a cluster on this machine by default."
    )
    seconds_per_file: float | None = Field(
        None, gt=0, description="How long reading one scan file may take; no limit by default."
    )
    review_days: int = Field(
        14, ge=1, description="How long a paused run waits for answers before it fails."
    )

    def inputs(self) -> dict[str, Any]:
        """Those that `flows.asking.asked` takes."""
        return self.model_dump(include=INPUTS)


DEFAULTS = Settings()
