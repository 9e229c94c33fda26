"""The table of held messages that wait for a person, beside those of `gateway.adapters.sql.tables`."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, Index, Integer, PrimaryKeyConstraint, Table, Text, text

from gateway.adapters.sql.tables import Key, metadata

_DECIDED: Final = text("waiting_ms IS NOT NULL")

queue: Final = Table(
    "queue",
    metadata,
    Column("message_id", Key, nullable=False),
    Column("tenant_id", Key, nullable=False),
    Column("account_id", Key, nullable=False),
    # The category it is queued for, empty where none was found.
    Column("category", Text, nullable=False),
    # Until when somebody should have decided: the order of the queue.
    Column("due_ms", BigInteger, nullable=False),
    # How many people must agree.
    Column("eyes", Integer, nullable=False, server_default="1"),
    Column("claimed_by", Text),
    Column("claimed_until_ms", BigInteger, nullable=False, server_default="0"),
    Column("escalated_by", Text),
    Column("escalated_note", Text),
    # What a first of two people decided, and a decision that may still be undone until ``waiting_ms``: JSON.
    Column("first", Text),
    Column("first_by", Text),
    Column("waiting", Text),
    Column("waiting_ms", BigInteger),
    # Since when it is carried out.
    Column("taken_ms", BigInteger),
    # Why the last decision could not be carried out.
    Column("problem", Text),
    PrimaryKeyConstraint("message_id"),
    Index("queue_by_due", "due_ms", "message_id"),
    Index("queue_by_tenant", "tenant_id", "due_ms", "message_id"),
    Index("queue_by_account", "tenant_id", "account_id", "due_ms"),
    Index("queue_waiting", "waiting_ms", postgresql_where=_DECIDED, sqlite_where=_DECIDED),
)
