"""The tables of the ledger, as of the newest version."""

from sqlalchemy import JSON, Column, Date, Integer, MetaData, Table, Text

VERSION = 4
metadata = MetaData()

ledger = Table("ledger", metadata, Column("version", Integer, nullable=False))
# PostgreSQL indexes no row of more than 2704 bytes, and a location may be longer: hence the digest.
sighting = Table(
    "sighting",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("detector", Text, nullable=False),
    Column("source_identifier", Text, nullable=False),
    Column("asset_identifier", Text, nullable=False),
    Column("location", Text, nullable=False),
    Column("parameter", Text, nullable=False),
    Column("port", Integer, nullable=False),
    Column("protocol", Text, nullable=False),
    Column("first_seen", Date, nullable=False),
    Column("last_seen", Date, nullable=False),
    Column("first_clean", Date),
    Column("last_clean", Date),
    Column("authenticated", Text, nullable=False),
    Column("poam_id", Text, nullable=False),
    sqlite_with_rowid=False,
)
run = Table(
    "run",
    metadata,
    Column("run_id", Text, primary_key=True),
    Column("as_of", Date, nullable=False),
    Column("policy_sha256", Text, nullable=False),
    Column("inputs", JSON, nullable=False),
    Column("counts", JSON, nullable=False),
    # Runs that older versions recorded have neither.
    Column("metrics", JSON(none_as_null=True)),
    Column("number", Integer),
)
change = Table(
    "change",
    metadata,
    Column("run_id", Text, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("poam_id", Text, nullable=False),
    Column("field", Text, nullable=False),
    Column("before", Text, nullable=False),
    Column("after", Text, nullable=False),
    Column("because", Text, nullable=False),
)
answer = Table(
    "answer",
    metadata,
    Column("detector", Text, primary_key=True),
    Column("source_identifier", Text, primary_key=True),
    Column("poam_id", Text, primary_key=True),
    Column("answer", Text, nullable=False),
    Column("who", Text, nullable=False),
    Column("when", Date, nullable=False),
    Column("item", Text, nullable=False),
)
asset_id = Table(
    "asset_id",
    metadata,
    Column("id", Text, primary_key=True),
    Column("asset_identifier", Text, nullable=False),
)
inventory = Table(
    "inventory",
    metadata,
    Column("asset_identifier", Text, primary_key=True),
    Column("last_listed", Date, nullable=False),
)
firing = Table(
    "firing",
    metadata,
    Column("run_id", Text, primary_key=True),
    Column("trigger", Text, primary_key=True),
    Column("as_of", Date, nullable=False),
)
