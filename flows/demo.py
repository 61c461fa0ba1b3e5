"""The main job on the sample scans: two months, through the Prefect flow."""

import shutil
from datetime import date
from pathlib import Path

from flows.conmon import monthly_conmon
from flows.pipeline import Outcome
from flows.settings import Settings
from flows.steps import Progress
from poam.errors import RunError

SAMPLES = Path(__file__).parents[1] / "sample_scans"
MONTHS = {"2026-10": date(2026, 10, 30), "2026-11": date(2026, 11, 20)}
NOT_SCANS = {"inventory", "kev", "poam"}
MARK = ".conmon-demo"


def run_demo(folder: Path, progress: Progress, samples: Path = SAMPLES) -> list[Outcome]:
    """Update September's POA&M with October's scans, and the result with November's.

    `folder` is emptied first, if it is an earlier demo's. Returns both outcomes. Raises
    RunError where the sample scans are not beside the program (a wheel does not carry them), or
    `folder` holds something else.
    """
    workbook = samples / "poam" / "2026-09.xlsx"
    if not workbook.exists():
        raise RunError(f"{samples}: found no sample scans. Expected the project's own folder.")
    _emptied(folder)
    settings = Settings(
        inventory=str(samples / "inventory" / "inventory.xlsx"),
        kev=str(samples / "kev" / "known_exploited_vulnerabilities.json"),
        runs=str(folder / "runs"),
    )
    outcomes = []
    for done, (month, as_of) in enumerate(MONTHS.items()):
        progress("months", done, len(MONTHS))
        updated = folder / f"POAM-{month}.xlsx"
        outcome = monthly_conmon(
            scans=[str(path) for path in month_of(samples, month)],
            poam=str(workbook),
            out=str(updated),
            as_of=as_of,
            settings=settings,
        )
        outcomes.append(outcome)
        workbook = updated
    progress("months", len(MONTHS), len(MONTHS))
    return outcomes


def month_of(samples: Path, month: str) -> list[Path]:
    """The sample scans of one month, every parser's."""
    return sorted(p for p in samples.glob(f"*/{month}.*") if p.parent.name not in NOT_SCANS)


def _emptied(folder: Path) -> None:
    if folder.exists():
        if any(folder.iterdir()) and not (folder / MARK).exists():
            raise RunError(
                f"{folder}: holds other files. Expected a new folder or an earlier demo's."
            )
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    (folder / MARK).touch()
