"""The table of what is taken down after it was published, beside those of `gateway.adapters.sql.tables`."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, Index, Integer, PrimaryKeyConstraint, Table, Text, text

from gateway.adapters.sql.tables import Key, metadata

WAITS: Final = text("state IN ('due', 'restore_due')")
"""The predicate of the index over what is still to be done."""
FAILED: Final = text("state IN ('failed', 'restore_failed')")
"""The predicate of the index over what a person has to do."""

takedowns: Final = Table(
    "takedowns",
    metadata,
    Column("message_id", Key, nullable=False),
    Column("tenant_id", Key, nullable=False),
    Column("account_id", Key, nullable=False),
    Column("content_hash", Text, nullable=False),
    Column("state", Text, nullable=False),
    # Empty where none was named.
    Column("category", Text, nullable=False),
    Column("source", Text, nullable=False),
    # What the app is told.
    Column("reason", Text, nullable=False),
    # With ``asked_ms`` it tells one attempt from all others: both are compared when its result is written.
    Column("attempts", Integer, nullable=False, server_default="0"),
    # When the present wish was made, which only grows.
    Column("asked_ms", BigInteger, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    # From when on it is tried; while it is being tried, until when nobody else does.
    Column("due_ms", BigInteger, nullable=False),
    Column("problem", Text),
    PrimaryKeyConstraint("message_id"),
    Index("takedowns_by_tenant", "tenant_id", "message_id"),
    Index("takedowns_due", "due_ms", postgresql_where=WAITS, sqlite_where=WAITS),
    Index("takedowns_failed", "tenant_id", "message_id", postgresql_where=FAILED, sqlite_where=FAILED),
)
