"""How often Python searches for cycles: objects that only hold each other."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

NEW = 200_000
"""Objects more than at the last search. After 700, which is Python's own, a large run spends an
eighth of its time walking all that it holds, again and again."""


@contextmanager
def uncollected() -> Iterator[None]:
    """Search for no cycles: records have none."""
    on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if on:
            gc.enable()


@contextmanager
def seldom_collected() -> Iterator[None]:
    """Search seldom: frames and decisions have few."""
    before = gc.get_threshold()
    gc.set_threshold(NEW, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
