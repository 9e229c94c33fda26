"""The tables of registrants, news and their records, beside those of `gateway.adapters.sql.tables`."""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    text,
)

from gateway.adapters.sql.tables import Key, metadata

bars: Final = Table(
    "bars",
    metadata,
    # What may not be registered again until ``until_ms``: a name, a registrant's id, or an identifier ("id_number" and
    # the like, by its digest in the blind index).
    Column("tenant_id", Key, nullable=False),
    Column("what", Key, nullable=False),
    Column("digest", Key, nullable=False),
    Column("since_ms", BigInteger, nullable=False),
    Column("until_ms", BigInteger, nullable=False),
    # Whose closing made it, to lift it with; empty where none did. Two closings bar one registrant twice.
    Column("account_id", Key, nullable=False),
    PrimaryKeyConstraint("tenant_id", "what", "digest", "account_id"),
)

private_proposals: Final = Table(
    "private_proposals",
    metadata,
    # That an account become private, which waits for another person's agreement.
    Column("tenant_id", Key, nullable=False),
    Column("account_id", Key, nullable=False),
    Column("actor", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    PrimaryKeyConstraint("tenant_id", "account_id"),
)

verifications: Final = Table(
    "verifications",
    metadata,
    Column("tenant_id", Key, nullable=False),
    Column("verification_id", Key, nullable=False),
    Column("registrant_id", Key, nullable=False),
    Column("provider", Key, nullable=False),
    Column("reference", Key),
    Column("state", Text, nullable=False),
    Column("framework", Text),
    Column("level", Text),
    Column("created_ms", BigInteger, nullable=False),
    Column("event_ms", BigInteger, nullable=False),
    Column("expires_at", BigInteger),
    # A JSON list.
    Column("verdicts", Text, nullable=False),
    PrimaryKeyConstraint("tenant_id", "verification_id"),
    ForeignKeyConstraint(["tenant_id", "registrant_id"], ["registrants.tenant_id", "registrants.registrant_id"]),
    Index("verifications_by_registrant", "tenant_id", "registrant_id"),
    Index("verifications_by_reference", "provider", "reference", unique=True),
    Index("verifications_by_state", "state", "expires_at"),
)

provider_events: Final = Table(
    "provider_events",
    metadata,
    Column("provider", Key, nullable=False),
    Column("event_id", Key, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    PrimaryKeyConstraint("provider", "event_id"),
)

personal: Final = Table(
    "personal",
    metadata,
    Column("tenant_id", Key, nullable=False),
    Column("registrant_id", Key, nullable=False),
    # The registrant's own key, sealed by the master key; without this row nothing of the registrant can be read.
    Column("wrapped", LargeBinary, nullable=False),
    # A map from field to its sealed value.
    Column("fields", LargeBinary, nullable=False),
    PrimaryKeyConstraint("tenant_id", "registrant_id"),
)

personal_index: Final = Table(
    "personal_index",
    metadata,
    Column("tenant_id", Key, nullable=False),
    Column("field", Key, nullable=False),
    Column("digest", Key, nullable=False),
    Column("registrant_id", Key, nullable=False),
    PrimaryKeyConstraint("tenant_id", "field", "digest", "registrant_id"),
    Index("personal_index_by_registrant", "tenant_id", "registrant_id"),
)

index_keys: Final = Table(
    "index_keys",
    metadata,
    # With which key the digests of personal data are made: its digest of a text of its own, in one row.
    Column("name", Key, nullable=False),
    Column("digest", Text, nullable=False),
    PrimaryKeyConstraint("name"),
)

licences: Final = Table(
    "licences",
    metadata,
    Column("tenant_id", Key, nullable=False),
    Column("licence_id", Key, nullable=False),
    Column("holder", Key, nullable=False),
    Column("scheme", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("licence_no", Text),
    Column("issuer", Text),
    Column("jurisdiction", Text),
    Column("valid_from", BigInteger, nullable=False),
    Column("valid_to", BigInteger, nullable=False),
    # JSON lists.
    Column("domains", Text, nullable=False),
    Column("evidence", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("warned_ms", BigInteger),
    PrimaryKeyConstraint("tenant_id", "licence_id"),
    ForeignKeyConstraint(["tenant_id", "holder"], ["registrants.tenant_id", "registrants.registrant_id"]),
    Index("licences_by_end", "valid_to"),
)

whitelists: Final = Table(
    "whitelists",
    metadata,
    Column("tenant_id", Key, nullable=False),
    Column("version", Integer, nullable=False),
    Column("name", Text, nullable=False),
    Column("valid_from", BigInteger, nullable=False),
    Column("imported_ms", BigInteger, nullable=False),
    Column("sha256", Text, nullable=False),
    PrimaryKeyConstraint("tenant_id", "version"),
)

whitelist_sources: Final = Table(
    "whitelist_sources",
    metadata,
    Column("tenant_id", Key, nullable=False),
    Column("version", Integer, nullable=False),
    Column("position", Integer, nullable=False),
    Column("publisher", Text, nullable=False),
    Column("domain", Text),
    PrimaryKeyConstraint("tenant_id", "version", "position"),
)

articles: Final = Table(
    "articles",
    metadata,
    Column("tenant_id", Key, nullable=False),
    Column("url_key", Key, nullable=False),
    Column("title_key", Key),
    Column("publisher", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("author", Text),
    Column("text", Text, nullable=False),
    Column("published_ms", BigInteger, nullable=False),
    PrimaryKeyConstraint("tenant_id", "url_key"),
    Index("articles_by_title", "tenant_id", "title_key"),
)

_WAITS: Final = text("done_ms IS NULL")

notices: Final = Table(
    "notices",
    metadata,
    Column("id", Key, nullable=False),
    Column("tenant_id", Key, nullable=False),
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("due_ms", BigInteger, nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("done_ms", BigInteger),
    PrimaryKeyConstraint("id"),
    Index("notices_due", "due_ms", postgresql_where=_WAITS, sqlite_where=_WAITS),
)

operators: Final = Table(
    "operators",
    metadata,
    Column("name", Key, nullable=False),
    Column("key_hash", Key, nullable=False),
    Column("role", Text, nullable=False),
    # The tenant whose register it is about; null for all.
    Column("tenant_id", Key),
    Column("created_ms", BigInteger, nullable=False),
    PrimaryKeyConstraint("name"),
    Index("operators_by_key", "key_hash", unique=True),
)

audit_subjects: Final = Table(
    "audit_subjects",
    metadata,
    # Which audit rows are about an account, a registrant or a licence: the rows themselves name no registrant.
    Column("tenant_id", Key, nullable=False),
    Column("subject", Key, nullable=False),
    Column("chain", Integer, nullable=False),
    Column("seq", BigInteger, nullable=False),
    PrimaryKeyConstraint("tenant_id", "subject", "chain", "seq"),
)

imports: Final = Table(
    "imports",
    metadata,
    # How far the import of a file got; written in the transaction of each chunk.
    Column("import_id", Key, nullable=False),
    Column("tenant_id", Key, nullable=False),
    Column("kind", Text, nullable=False),
    Column("lines", BigInteger, nullable=False),
    Column("written", BigInteger, nullable=False),
    Column("rejected", BigInteger, nullable=False),
    Column("rejects_bytes", BigInteger, nullable=False),
    Column("done_ms", BigInteger),
    # Of the rows written: what was not there, what changed, and accounts that have another registrant now.
    Column("added", BigInteger, nullable=False),
    Column("changed", BigInteger, nullable=False),
    Column("moved", BigInteger, nullable=False),
    PrimaryKeyConstraint("import_id"),
)
