"""What a run said, kept for its folder."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

HOUSE = ("flows", "parsers", "poam")


class _Lines(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(f"{record.levelname} {record.getMessage()}")


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
