"""What a run said, kept for its folder.

Parsers run in other processes, or are not run at all where a file was read before; so what they say
is kept with what they read, and said again by the run.
"""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

PARSERS = "parsers"
SCANS = "scans"
"""Under this name a run says again what parsers said: it may name a scan's assets."""
HOUSE = ("flows", PARSERS, "poam", SCANS)


class _Lines(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if not of_parser(record):
            self.lines.append(f"{record.levelname} {record.getMessage()}")


class _Heard(logging.Handler):
    """Hears one thread only: others read other files."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.thread = threading.get_ident()
        self.said: list[tuple[int, str]] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.thread == self.thread:
            self.said.append((record.levelno, record.getMessage()))


def of_parser(record: logging.LogRecord) -> bool:
    """Whether a parser says something: the run says it again when the file is read."""
    return record.name.partition(".")[0] == PARSERS


@contextmanager
def heard() -> Iterator[list[tuple[int, str]]]:
    """Collect what parsers say in this thread, from INFO up: level and sentence."""
    logger, handler = logging.getLogger(PARSERS), _Heard()
    logger.setLevel(logging.INFO)
    logger.addHandler(handler)
    try:
        yield handler.said
    finally:
        logger.removeHandler(handler)


@contextmanager
def recorded() -> Iterator[list[str]]:
    """Collect what this program's own loggers say, from INFO up, whatever else listens to them."""
    handler = _Lines()
    loggers = [logging.getLogger(name) for name in HOUSE]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.addHandler(handler)
        logger.setLevel(min(logger.getEffectiveLevel(), logging.INFO))
    try:
        yield handler.lines
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.removeHandler(handler)
            logger.setLevel(level)
