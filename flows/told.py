"""The story of an item, as the ledger tells it."""

from itertools import groupby

from flows.asking import Location, default_ledger
from flows.places import place
from poam.errors import RunError
from poam.ledger import Ledger, ledger_exists
from poam.story import Chapter, story


def story_of(poam_id: str, runs: Location, ledger: str | None = None) -> str:
    """Where an item was seen, and what each run did to it. Raises RunError where none knows it."""
    url = ledger or default_ledger(place(runs))
    if not ledger_exists(url):
        raise RunError(f"{url}: there is no such ledger. Expected one, or a run's folder by --run.")
    book = Ledger(url)
    try:
        places, changes = book.about(poam_id)
    finally:
        book.close()
    chapters = [
        Chapter(run_id, some[0]["as_of"], some[0]["inputs"], some)
        for run_id, found in groupby(changes, key=lambda change: change["run_id"])
        if (some := list(found))
    ]
    text = story(poam_id, places, chapters)
    if not text:
        raise RunError(f"{url}: no run knows {poam_id}. Expected an ID of the workbook.")
    return text
