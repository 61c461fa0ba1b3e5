"""Errors a person can act on: the file and place, what was found, what was expected."""

QUOTED = 200  # characters


def quoted(text: str | None) -> str:
    """Return a text as one line of printable characters, cut after QUOTED of them."""
    text = text or ""
    start = text[: QUOTED * 4]
    line = " ".join("".join(c if c.isprintable() else " " for c in start).split())
    return line if len(line) <= QUOTED and start == text else f"{line[:QUOTED]}…"


class PoamError(Exception):
    """Input that cannot be used as it is. The message is one sentence for a person."""


class ScanFormatError(PoamError):
    """No parser claims a file, or more than one does."""


class ScanParseError(PoamError):
    """A parser claimed a file and could not read it to the end.

    `file` names the export, `place` is a line or element in it, `found` and `expected`
    are what stood there and what should have. What an export says is quoted as one line, cut
    short: a broken one may have anything anywhere, plugin output too.
    """

    def __init__(self, file: str, place: str, found: str, expected: str) -> None:
        place, found = quoted(place), quoted(found)
        self.file, self.place, self.found, self.expected = file, place, found, expected
        where = f"{file}, {place}" if place else file
        super().__init__(f"{where}: found {found}. Expected {expected}.")

    def __reduce__(self) -> tuple[type, tuple[str, ...]]:
        """Cross process borders whole: parsing runs in worker processes."""
        return type(self), (self.file, self.place, self.found, self.expected)


class WorkbookError(PoamError):
    """A workbook is not a POA&M, or cannot be written without losing something."""


class InventoryError(PoamError):
    """The inventory workbook cannot be read."""


class KevError(PoamError):
    """The KEV catalogue cannot be read."""


class NvdError(PoamError):
    """A file of the National Vulnerability Database cannot be read."""


class PolicyError(PoamError):
    """A mapping or the site's configuration breaks a rule of its own format."""


class FrameError(PoamError):
    """A frame between two steps misses a column or breaks a rule; every broken rule is listed."""


class LedgerError(PoamError):
    """The ledger cannot be opened, is held by another run, fails, or is of a newer version."""


class RunError(PoamError):
    """A recorded run cannot be read, or another run holds the workbook."""
