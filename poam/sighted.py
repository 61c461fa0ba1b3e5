"""The sightings of each weakness as rows, made when asked for: a batch may have a million."""

from collections import namedtuple
from collections.abc import Sequence
from typing import Any

import pandas as pd

from poam.frames import WEAKNESS, Row


def cells(column: "pd.Series[Any]") -> list[Any]:
    """The cells of a column as Python's own values; equal ones are one object."""
    if column.dtype == object:
        return column.tolist()
    codes, values = pd.factorize(column, use_na_sentinel=False)
    distinct = values.tolist()
    return [distinct[code] for code in codes.tolist()]


class Sighted:
    """The present sightings of a batch by weakness, with some of their columns."""

    def __init__(self, sightings: pd.DataFrame, columns: Sequence[str]) -> None:
        present = sightings.loc[sightings["present"]]
        row: Any = namedtuple("Sighting", ["Index", *columns])  # type: ignore[misc]  # names are given
        self._row = row
        self._cells = [present.index.tolist(), *(cells(present[name]) for name in columns)]
        self._at: Any = present.groupby(WEAKNESS, sort=False).indices

    def of(self, weakness: tuple[str, str]) -> list[Row]:
        """The rows of a detector's source identifier, labels as `Index`; none where unseen."""
        at = self._at.get(weakness)
        if at is None:
            return []
        places = at.tolist()
        return [
            self._row(*row)
            for row in zip(*([column[p] for p in places] for column in self._cells), strict=True)
        ]
