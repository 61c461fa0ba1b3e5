"""The accounts of a conversion: what became of every value."""

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum

import pandas as pd

from poam.errors import WorkbookError

_LISTED = 10  # texts in one sentence before "and n more"


class Fate(StrEnum):
    """What became of a value. `filled` is an empty cell that got the edition's word for none."""

    CARRIED = "carried"
    FOLDED = "folded"
    TRANSLATED = "translated"
    DROPPED = "dropped"
    FILLED = "filled"


_COUNTS = ("values", *(f.value for f in Fate))
COLUMNS = ("sheet", "header", *_COUNTS, "into")


@dataclass(frozen=True)
class Accounts:
    """What became of every value of a converted workbook.

    `frame` has one row per sheet and source column, with `COLUMNS`: how many cells hold a value,
    how many of them were carried, folded (`into` names the columns), translated or dropped, and
    how many empty ones were filled. Links and notes on cells, the system's facts and other
    sheets have rows too. `notes` gives the reason of whatever was dropped, by address, and the
    italics that could not be kept.
    """

    frame: pd.DataFrame
    notes: tuple[str, ...]

    def table(self) -> str:
        """Give the accounts as text, a line per column that holds anything, and the totals."""
        shown = self.frame[self.frame[list(_COUNTS)].any(axis=1)]
        totals = ["all sheets", "", *(str(shown[c].sum()) for c in _COUNTS), ""]
        lines = [list(COLUMNS), *(list(map(str, r)) for r in shown.itertuples(index=False)), totals]
        widths = [max(len(line[n]) for line in lines) for n in range(len(COLUMNS))]
        return "\n".join(
            "  ".join(
                x.rjust(w) if name in _COUNTS else x.ljust(w)
                for name, x, w in zip(COLUMNS, line, widths, strict=True)
            ).rstrip()
            for line in lines
        )


@dataclass
class Books:
    """The accounts while they are written, by sheet and header.

    `held` counts the values, `fates` what became of them, `into` where they were folded.
    `refused` says what cannot be converted, by address.
    """

    held: Counter[tuple[str, str]] = field(default_factory=Counter)
    fates: Counter[tuple[str, str, Fate]] = field(default_factory=Counter)
    into: dict[tuple[str, str], dict[str, None]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    def enter(
        self, sheet: str, header: str, fate: Fate, count: int = 1, into: str | None = None
    ) -> None:
        """Enter what became of some values of a column."""
        self.fates[sheet, header, fate] += count
        if into:
            self.into.setdefault((sheet, header), {})[into] = None

    def accounts(self) -> Accounts:
        """Give the accounts; raises WorkbookError where a value has no fate, or two."""
        rows = []
        for (sheet, header), values in self.held.items():
            fates = {f.value: self.fates[sheet, header, f] for f in Fate}
            if values != sum(fates.values()) - fates[Fate.FILLED]:
                raise WorkbookError(
                    f"{sheet}, {header}: {values} values, accounted for are {fates}. "
                    "Expected each once; nothing was written."
                )
            into = ", ".join(self.into.get((sheet, header), ()))
            rows.append({"sheet": sheet, "header": header, "values": values, **fates, "into": into})
        return Accounts(pd.DataFrame(rows, columns=list(COLUMNS)), tuple(self.notes))


def listed(texts: list[str]) -> str:
    """Give texts as one, the first of them where they are many."""
    more = len(texts) - _LISTED
    return "; ".join(texts[:_LISTED]) + (f"; and {more} more" if more > 0 else "")
