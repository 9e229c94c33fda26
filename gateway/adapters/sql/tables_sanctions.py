"""The tables of incidents and of the sanctions that come of them, beside those of `gateway.adapters.sql.tables`.

What is in force is also in the table ``sanctions``, as the hot path reads it with the account.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, PrimaryKeyConstraint, Table, Text, false, text

from gateway.adapters.sql.tables import Key, metadata

AUTOMATIC: Final = text("automatic")
"""The predicate of the index by which a tenant's quota is counted."""
PROPOSED: Final = text("state = 'proposed'")
"""The predicate of the index over what waits for people."""

incidents: Final = Table(
    "incidents",
    metadata,
    Column("tenant_id", Key, nullable=False),
    Column("incident_id", Key, nullable=False),
    Column("account_id", Key, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("happening", Text, nullable=False),
    Column("category", Text, nullable=False),
    Column("message_id", Key, nullable=False),
    Column("content_hash", Key, nullable=False),
    # When it turned out to be none; it counts no more.
    Column("removed_ms", BigInteger),
    PrimaryKeyConstraint("tenant_id", "incident_id"),
    Index("incidents_by_account", "tenant_id", "account_id", "at_ms"),
    Index("incidents_by_content", "tenant_id", "account_id", "content_hash"),
)

sanction_records: Final = Table(
    "sanction_records",
    metadata,
    Column("tenant_id", Key, nullable=False),
    Column("sanction_id", Key, nullable=False),
    Column("account_id", Key, nullable=False),
    Column("degree", Text, nullable=False),
    # A JSON list of the degrees that go with it.
    Column("also", Text, nullable=False, server_default="[]"),
    Column("days", Integer),
    # One whose time is over stays in force here.
    Column("state", Text, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("starts_ms", BigInteger),
    Column("ends_ms", BigInteger),
    Column("why", Text, nullable=False),
    Column("category", Text),
    Column("incident_id", Key),
    Column("message_id", Key),
    Column("automatic", Boolean, nullable=False, server_default=false()),
    Column("waits", Text),
    Column("reason", Text, nullable=False, server_default=""),
    # A JSON list of those who agreed.
    Column("agreed", Text, nullable=False, server_default="[]"),
    Column("decided_by", Text),
    Column("decided_ms", BigInteger),
    Column("policy_version", Text, nullable=False),
    # In which state its closing found the account.
    Column("account_before", Text),
    Column("fell", Boolean, nullable=False, server_default=false()),
    PrimaryKeyConstraint("tenant_id", "sanction_id"),
    Index("sanction_records_by_account", "tenant_id", "account_id", "sanction_id"),
    Index("sanction_records_by_state", "tenant_id", "state", "sanction_id"),
    Index("sanction_records_by_id", "sanction_id", "tenant_id"),
    Index(
        "sanction_records_automatic",
        "tenant_id",
        "created_ms",
        postgresql_where=AUTOMATIC,
        sqlite_where=AUTOMATIC,
    ),
    Index("sanction_records_proposed", "created_ms", postgresql_where=PROPOSED, sqlite_where=PROPOSED),
)
