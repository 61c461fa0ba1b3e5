"""Messages to people: who is told is in the settings, and nobody is by default.

Messages hold counts and POA&M IDs, nothing else that a scan or a person wrote.
"""

import logging
import os
from collections.abc import Iterable, Sequence

from apprise import Apprise, NotifyFormat

from poam.errors import RunError
from poam.model import ChangeKind
from poam.report import RunReport

log = logging.getLogger(__name__)
VARIABLE = "env:"
NAMED = 20


def receivers(notify: Iterable[str]) -> Apprise:
    """Who is told. Raises RunError where one of the settings names nobody.

    URLs hold passwords: no message repeats them.
    """
    found = Apprise()
    for number, entry in enumerate(notify, start=1):
        url = os.environ.get(entry.removeprefix(VARIABLE)) if entry.startswith(VARIABLE) else entry
        if not url or not found.add(url):
            kind = entry if entry.startswith(VARIABLE) else entry.partition("://")[0]
            raise RunError(
                f"notify, {number}: found {kind}, which names nobody. Expected an Apprise URL, "
                "or env:NAME of a variable that holds one."
            )
    return found


def send(notify: Iterable[str], title: str, lines: Sequence[str]) -> None:
    """Tell everybody. Who cannot be reached is named in the log: a message stops no run."""
    for receiver in receivers(notify):
        if not receiver.notify("\n".join(lines), title, body_format=NotifyFormat.TEXT):
            where = receiver.url(privacy=True)  # type: ignore[no-untyped-call]
            log.warning("%s: the message could not be sent", where.partition("?")[0])


def tell(notify: Iterable[str], report: RunReport) -> None:
    """Tell what of a run asks for somebody; nothing where nothing does."""
    if lines := facts(report):
        send(notify, f"POA&M update as of {report.as_of}", lines)


def facts(report: RunReport) -> list[str]:
    """What of a run asks for somebody: refused files, items late or late soon, doubts."""
    doubts = [d.poam_id for d in report.decisions if d.kind is ChangeKind.NEEDS_REVIEW]
    late, soon = ([item.poam_id for item in items] for items in (report.late, report.late_soon))
    of = {
        "Files refused, nothing closed for their scanners": [""] * len(report.refused),
        "Items late": late,
        f"Items late before the next submission, {report.submission}": soon,
        "Decisions for a person": doubts,
    }
    return [f"{what}: {_counted(ids)}" for what, ids in of.items() if ids]


def _counted(ids: Sequence[str]) -> str:
    """How many, and the first of those that have a POA&M ID."""
    known = list(dict.fromkeys(filter(None, ids)))
    more = f" and {len(known) - NAMED} more" if len(known) > NAMED else ""
    return f"{len(ids)} ({', '.join(known[:NAMED])}{more})" if known else str(len(ids))
