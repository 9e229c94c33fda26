"""The tables of statements of reasons and of appeals, beside those of `gateway.adapters.sql.tables`."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Boolean, Column, Index, LargeBinary, PrimaryKeyConstraint, Table, Text, text

from gateway.adapters.sql.tables import Key, metadata

statements: Final = Table(
    "statements",
    metadata,
    # Made of what it is about, and begins with the time: see `gateway.core.stated.statement_id`.
    Column("id", Key, nullable=False),
    Column("tenant_id", Key, nullable=False),
    Column("account_id", Key, nullable=False),
    Column("restriction", Text, nullable=False),
    Column("category", Text),
    # JSON lists.
    Column("codes", Text, nullable=False),
    Column("content_types", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("automated_detection", Boolean, nullable=False),
    Column("automation", Text, nullable=False),
    Column("policy_version", Text, nullable=False),
    Column("message_id", Key),
    Column("sanction_id", Key),
    Column("content_ms", BigInteger),
    Column("starts_ms", BigInteger, nullable=False),
    Column("ends_ms", BigInteger),
    Column("lifted_ms", BigInteger),
    Column("lifted", Text),
    PrimaryKeyConstraint("id"),
    Index("statements_by_tenant", "tenant_id", "id"),
    Index("statements_by_account", "tenant_id", "account_id", "id"),
    Index("statements_by_message", "message_id"),
    Index("statements_by_sanction", "sanction_id"),
)

OPEN: Final = text("state = 'open'")
"""The predicate of the index over appeals that wait. Queries have it in these words: bound as a parameter, the state
would be unknown when the database plans, and the index would not do."""
DECIDED: Final = text("state <> 'open'")
"""The predicate of the indexes over decided appeals, newest first: of all, and of each tenant."""
TOLD: Final = text("state <> 'open' AND length(text) > 0")
"""The predicate of the index over decided appeals whose words are still kept."""

appeals: Final = Table(
    "appeals",
    metadata,
    Column("id", Key, nullable=False),
    Column("tenant_id", Key, nullable=False),
    Column("account_id", Key, nullable=False),
    Column("statement_id", Key, nullable=False),
    Column("message_id", Key),
    Column("sanction_id", Key),
    Column("state", Text, nullable=False),
    Column("language", Text, nullable=False),
    # The author's words and those the author is told, sealed if ``sealed``; empty once their time is over.
    Column("sealed", Boolean, nullable=False),
    Column("text", LargeBinary, nullable=False),
    Column("note", LargeBinary),
    Column("made_ms", BigInteger, nullable=False),
    Column("due_ms", BigInteger, nullable=False),
    Column("decided_ms", BigInteger),
    Column("decided_by", Text),
    Column("restored", Text),
    PrimaryKeyConstraint("id"),
    Index("appeals_by_statement", "statement_id", unique=True),
    Index("appeals_by_message", "message_id"),
    Index("appeals_open", "tenant_id", "due_ms", "id", postgresql_where=OPEN, sqlite_where=OPEN),
    Index("appeals_decided", "decided_ms", "id", postgresql_where=DECIDED, sqlite_where=DECIDED),
    Index("appeals_decided_by_tenant", "tenant_id", "decided_ms", "id", postgresql_where=DECIDED, sqlite_where=DECIDED),
    Index("appeals_told", "decided_ms", postgresql_where=TOLD, sqlite_where=TOLD),
)

involved: Final = Table(
    "involved",
    metadata,
    # Who had a part in a message's take-down ("message:ID") or in a sanction ("sanction:ID"): they decide no appeal
    # against it. Who reviewed a message stands in its audit rows.
    Column("tenant_id", Key, nullable=False),
    Column("subject", Key, nullable=False),
    Column("actor", Text, nullable=False),
    PrimaryKeyConstraint("tenant_id", "subject", "actor"),
)
