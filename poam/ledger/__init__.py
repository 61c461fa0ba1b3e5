"""What was seen when: SQLite by default, PostgreSQL by URL."""

from poam.ledger.book import Ledger, Recalled
from poam.ledger.database import ledger_exists, ledger_file, ledger_url
from poam.ledger.memory import clean_days, memory_frame, remembered
from poam.ledger.schema import VERSION

__all__ = [
    "VERSION",
    "Ledger",
    "Recalled",
    "clean_days",
    "ledger_exists",
    "ledger_file",
    "ledger_url",
    "memory_frame",
    "remembered",
]
