"""The tables, as queries see them. `migrations` makes them; a test holds the two together.

Times are unix milliseconds. Messages have no foreign keys: rows of one message are written in one transaction and
never deleted alone, and a check for each row would cost the hot path more than it could find.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    false,
    text,
)

metadata: Final = MetaData()

Key: Final = Text().with_variant(Text(collation="C"), "postgresql")
"""The type of identifiers: compared byte by byte, in one order everywhere, and faster than by a language's rules."""

NOT_PUBLISHED: Final = text("state <> 'published'")
"""The predicate of the state index: nearly every message ends published, and is in no index but the primary key."""
WAITS: Final = text("state = 'held' AND rechecks < recheck_limit")
"""The predicate of the index over holds that wait for an opinion."""

KEPT: Final = text("state IN ('blocked', 'rejected') AND length(body) > 0")
"""The predicate of the index over messages whose request is kept for the time of an appeal."""

FOR_EVER: Final = 2**31 - 1
"""A ``recheck_limit`` that is never reached: asked again until there is an opinion. 0 stands for never again."""

messages: Final = Table(
    "messages",
    metadata,
    Column("id", Key, primary_key=True),
    Column("tenant_id", Key, nullable=False),
    Column("account_id", Key, nullable=False),
    Column("platform", Text, nullable=False),
    Column("content_hash", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("forwards", Boolean, nullable=False),
    Column("owner_slot", Integer),
    Column("owner_epoch", BigInteger),
    Column("decision_id", Key, nullable=False),
    # How often this row was written: 1 for a new message. It orders a message's decisions and audit rows, which
    # may lie in several chains and in one millisecond.
    Column("steps", Integer, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("content_type", Text, nullable=False),
    Column("upstream_status", Integer),
    Column("upstream_body", LargeBinary),
    Column("upstream_content_type", Text),
    # What the platform has to be told to remove what was published: JSON, see `gateway.platforms.removing`.
    Column("handle", Text),
    Column("created_ms", BigInteger, nullable=False),
    Column("updated_ms", BigInteger, nullable=False),
    Column("recheck_at", BigInteger, nullable=False),
    Column("rechecks", Integer, nullable=False, server_default="0"),
    Column("recheck_limit", Integer, nullable=False),
    # Whether the upstream takes the same request twice for one: then it may be sent again.
    Column("idempotent", Boolean, nullable=False, server_default=false()),
    Index(
        "messages_by_state",
        "state",
        "created_ms",
        "id",
        postgresql_where=NOT_PUBLISHED,
        sqlite_where=NOT_PUBLISHED,
    ),
    Index("messages_to_recheck", "recheck_at", "created_ms", postgresql_where=WAITS, sqlite_where=WAITS),
    Index("messages_kept", "updated_ms", "id", postgresql_where=KEPT, sqlite_where=KEPT),
)

decisions: Final = Table(
    "decisions",
    metadata,
    Column("message_id", Key, nullable=False),
    Column("step", Integer, nullable=False),
    Column("id", Key, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("policy_version", Text, nullable=False),
    Column("case_json", Text, nullable=False),
    PrimaryKeyConstraint("message_id", "step"),
    Index("decisions_by_id", "id", unique=True),
)

idempotency_keys: Final = Table(
    "idempotency_keys",
    metadata,
    Column("tenant_id", Key, nullable=False),
    Column("key", Key, nullable=False),
    Column("message_id", Key, nullable=False),
    PrimaryKeyConstraint("tenant_id", "key"),
)

audit: Final = Table(
    "audit",
    metadata,
    Column("chain", Integer, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("message_id", Key, nullable=False),
    Column("body", Text, nullable=False),
    Column("prev_hash", Text, nullable=False),
    Column("hash", Text, nullable=False),
    Column("step", Integer, nullable=False),
    PrimaryKeyConstraint("chain", "seq"),
    Index("audit_by_message", "message_id"),
)

chains: Final = Table(
    "chains",
    metadata,
    # One row is a slot's lease and its audit chain's head, so one lock checks the first and extends the second.
    Column("slot", Integer, primary_key=True, autoincrement=False),
    Column("epoch", BigInteger, nullable=False),
    Column("holder", Text, nullable=False),
    # 0: the lease has ended, and no write under this epoch is taken any more.
    Column("expires_ms", BigInteger, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("hash", Text, nullable=False),
)

cursors: Final = Table(
    "cursors",
    metadata,
    Column("chain", Integer, primary_key=True, autoincrement=False),
    Column("announced", BigInteger, nullable=False),
)

followed: Final = Table(
    "followed",
    metadata,
    # Up to which row each chain's aftermath was written.
    Column("chain", Integer, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, nullable=False),
)

counters: Final = Table(
    "counters",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", BigInteger, nullable=False),
)

policies: Final = Table(
    "policies",
    metadata,
    Column("version", Text, primary_key=True),
    Column("text", Text, nullable=False),
    Column("kept_ms", BigInteger, nullable=False),
)

tenants: Final = Table(
    "tenants",
    metadata,
    Column("tenant_id", Key, primary_key=True),
    Column("name", Text, nullable=False),
    Column("upstream_url", Text, nullable=False),
    Column("upstream_idempotent", Boolean, nullable=False),
    Column("upstream_token_env", Text),
    Column("notify_url", Text),
    Column("notify_secret_env", Text),
    Column("takedown_url", Text),
    Column("change", BigInteger, nullable=False),
    Index("tenants_by_change", "change"),
)

app_keys: Final = Table(
    "app_keys",
    metadata,
    Column("key_hash", Key, primary_key=True),
    Column("tenant_id", Key, ForeignKey("tenants.tenant_id"), nullable=False),
)

registrants: Final = Table(
    "registrants",
    metadata,
    Column("tenant_id", Key, ForeignKey("tenants.tenant_id"), nullable=False),
    Column("registrant_id", Key, nullable=False),
    Column("kind", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("framework", Text),
    Column("level", Text),
    Column("expires_at", BigInteger),
    PrimaryKeyConstraint("tenant_id", "registrant_id"),
)

accounts: Final = Table(
    "accounts",
    metadata,
    Column("tenant_id", Key, ForeignKey("tenants.tenant_id"), nullable=False),
    Column("account_id", Key, nullable=False),
    Column("state", Text, nullable=False),
    Column("registrant_id", Key),
    Column("change", BigInteger, nullable=False),
    Column("private", Boolean, nullable=False, server_default=false()),
    Column("name", Text),
    Column("account_class", Text, nullable=False, server_default="standard"),
    Column("term_ends_at", BigInteger),
    PrimaryKeyConstraint("tenant_id", "account_id"),
    ForeignKeyConstraint(["tenant_id", "registrant_id"], ["registrants.tenant_id", "registrants.registrant_id"]),
    Index("accounts_by_registrant", "tenant_id", "registrant_id"),
    Index("accounts_by_change", "change"),
)

authorisations: Final = Table(
    "authorisations",
    metadata,
    Column("tenant_id", Key, nullable=False),
    Column("account_id", Key, nullable=False),
    Column("position", Integer, nullable=False),
    Column("scheme", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("valid_from", BigInteger, nullable=False),
    Column("valid_to", BigInteger, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("licence_id", Key),
    # A JSON list.
    Column("domains", Text, nullable=False, server_default="[]"),
    PrimaryKeyConstraint("tenant_id", "account_id", "position"),
    ForeignKeyConstraint(["tenant_id", "account_id"], ["accounts.tenant_id", "accounts.account_id"]),
    Index("authorisations_by_licence", "tenant_id", "licence_id"),
)

sanctions: Final = Table(
    "sanctions",
    metadata,
    Column("tenant_id", Key, nullable=False),
    Column("account_id", Key, nullable=False),
    Column("position", Integer, nullable=False),
    Column("degree", Text, nullable=False),
    Column("starts_at", BigInteger, nullable=False),
    Column("ends_at", BigInteger),
    # Of which sanction it is a part; without one it was given with the account itself.
    Column("sanction_id", Key),
    PrimaryKeyConstraint("tenant_id", "account_id", "position"),
    ForeignKeyConstraint(["tenant_id", "account_id"], ["accounts.tenant_id", "accounts.account_id"]),
)

credentials: Final = Table(
    "credentials",
    metadata,
    Column("tenant_id", Key, nullable=False),
    Column("platform", Key, nullable=False),
    Column("credential", Key, nullable=False),
    Column("account_id", Key, nullable=False),
    Column("expires_ms", BigInteger),
    PrimaryKeyConstraint("tenant_id", "platform", "credential"),
)

remembered: Final = Table(
    "remembered",
    metadata,
    Column("tenant_id", Key, nullable=False),
    Column("platform", Key, nullable=False),
    Column("reference", Key, nullable=False),
    Column("message_id", Key, nullable=False),
    PrimaryKeyConstraint("tenant_id", "platform", "reference", "message_id"),
)
