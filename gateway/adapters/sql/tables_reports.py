"""The tables of reports by the public, beside those of `gateway.adapters.sql.tables`."""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    false,
    text,
)

from gateway.adapters.sql.tables import Key, metadata

_OPEN: Final = text("is_open")
_KEPT: Final = text("NOT is_open AND NOT erased")
_OF_MESSAGE: Final = text("message_id IS NOT NULL")

reports: Final = Table(
    "reports",
    metadata,
    Column("report_id", Key, nullable=False),
    Column("tenant_id", Key, nullable=False),
    # By what another report is found to be about the same: see `gateway.core.reports.subject_of`.
    Column("subject", Key, nullable=False),
    Column("state", Text, nullable=False),
    Column("is_open", Boolean, nullable=False),
    Column("category", Text, nullable=False),
    # Until when somebody should have decided: the order of the queue.
    Column("due_ms", BigInteger, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("reporters", Integer, nullable=False, server_default="0"),
    Column("trusted", Boolean, nullable=False, server_default=false()),
    Column("message_id", Key),
    Column("account_id", Key),
    # Whose complaint there was about the outcome, ``author`` or ``reporter``; empty for none.
    Column("complaint", Text, nullable=False, server_default=""),
    Column("claimed_by", Text),
    Column("claimed_until_ms", BigInteger, nullable=False, server_default="0"),
    Column("decided_by", Text),
    Column("decided_ms", BigInteger),
    Column("unfounded", Boolean, nullable=False, server_default=false()),
    Column("note", Text, nullable=False, server_default=""),
    Column("erased", Boolean, nullable=False, server_default=false()),
    PrimaryKeyConstraint("report_id"),
    Index("reports_open", "tenant_id", "subject", unique=True, postgresql_where=_OPEN, sqlite_where=_OPEN),
    Index("reports_by_due", "tenant_id", "due_ms", "report_id", postgresql_where=_OPEN, sqlite_where=_OPEN),
    Index("reports_due", "due_ms", "report_id", postgresql_where=_OPEN, sqlite_where=_OPEN),
    Index("reports_decided", "decided_ms", postgresql_where=_KEPT, sqlite_where=_KEPT),
    Index("reports_by_message", "tenant_id", "message_id", postgresql_where=_OF_MESSAGE, sqlite_where=_OF_MESSAGE),
)

report_receipts: Final = Table(
    "report_receipts",
    metadata,
    Column("receipt_id", Key, nullable=False),
    Column("tenant_id", Key, nullable=False),
    Column("token_hash", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("category", Text, nullable=False),
    # Keyed digests: of who made it, to count what is held against them, and of what would be the same report again.
    Column("reporter", Key),
    Column("repeats", Key, nullable=False),
    Column("flagger", Key),
    Column("created_ms", BigInteger, nullable=False),
    # Sealed: name and e-mail address, and why it was reported.
    Column("person", LargeBinary),
    Column("explanation", LargeBinary, nullable=False),
    PrimaryKeyConstraint("receipt_id"),
    Index("report_receipts_repeated", "tenant_id", "repeats"),
)

report_items: Final = Table(
    "report_items",
    metadata,
    Column("receipt_id", Key, nullable=False),
    Column("position", Integer, nullable=False),
    Column("report_id", Key, nullable=False),
    # An address or an id, as the reporter gave it, and whether somebody else had reported it by this very name.
    Column("reference", Text, nullable=False),
    Column("duplicate", Boolean, nullable=False),
    Column("due_ms", BigInteger, nullable=False),
    PrimaryKeyConstraint("receipt_id", "position"),
    Index("report_items_by_report", "report_id", "receipt_id"),
)

report_strikes: Final = Table(
    "report_strikes",
    metadata,
    Column("tenant_id", Key, nullable=False),
    # The digest of report_receipts.
    Column("reporter", Key, nullable=False),
    Column("report_id", Key, nullable=False),
    Column("made_ms", BigInteger, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    PrimaryKeyConstraint("tenant_id", "reporter", "report_id"),
    Index("report_strikes_by_time", "at_ms"),
)

report_flaggers: Final = Table(
    "report_flaggers",
    metadata,
    Column("tenant_id", Key, nullable=False),
    Column("name", Key, nullable=False),
    Column("key_hash", Key, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("revoked_ms", BigInteger),
    Column("decided", Integer, nullable=False, server_default="0"),
    Column("actioned", Integer, nullable=False, server_default="0"),
    Column("errors", Integer, nullable=False, server_default="0"),
    Column("unfounded", Integer, nullable=False, server_default="0"),
    PrimaryKeyConstraint("tenant_id", "name"),
    Index("report_flaggers_by_key", "key_hash", unique=True),
)
