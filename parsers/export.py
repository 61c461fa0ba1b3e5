"""An export as a parser gets it."""

from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO

from parsers.dates import numeric_datetime
from poam.errors import ScanParseError
from poam.model import DateOrder


@dataclass(frozen=True, slots=True)
class Export:
    """One export: its bytes, its name for locators and errors, and what it does not say itself.

    `dates` is the order in which it writes a date such as 03/04/2026, as the mapping of its
    format or the site states it; `encoding` is one the site states for a text file that is
    neither UTF-8 nor UTF-16. Of what can be read only as one piece, such as a text, at most
    `held_mb` million bytes are read (site: limits:); None sets no limit.
    """

    source: BinaryIO
    file: str
    dates: DateOrder | None = None
    encoding: str | None = None
    held_mb: int | None = None

    def error(self, place: str, found: str, expected: str) -> ScanParseError:
        """Return the error that says what stood at a place of this export."""
        return ScanParseError(self.file, place, found, expected)

    def hold(self, size: int, what: str, place: str = "") -> None:
        """Raise ScanParseError where a piece of this many bytes is too much to hold."""
        if self.held_mb is not None and size > self.held_mb * 1_000_000:
            found = f"{what} of more than {self.held_mb} MB"
            raise self.error(place, found, "less (site: limits: held_mb)")

    def datetime(self, text: str | None, place: str) -> datetime | None:
        """Read a date of digits, such as `03/04/2026 09:59 AM`; empty is missing."""
        return numeric_datetime(text, self.dates, self.file, place)
