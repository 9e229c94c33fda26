"""Verifications, personal data, licences, sources, operators, histories, and what accounts need of them."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.add_column("accounts", sa.Column("name", sa.Text(), nullable=True))
    op.add_column("accounts", sa.Column("account_class", sa.Text(), nullable=False, server_default="standard"))
    op.add_column("accounts", sa.Column("term_ends_at", sa.BigInteger(), nullable=True))
    # Tenants are few, so an account is found in each of them by the primary key; imports have an index less to fill.
    op.drop_index("accounts_by_id", "accounts")
    op.add_column("authorisations", sa.Column("licence_id", KEY, nullable=True))
    op.add_column("authorisations", sa.Column("domains", sa.Text(), nullable=False, server_default="[]"))
    op.add_column("tenants", sa.Column("notify_url", sa.Text(), nullable=True))
    op.add_column("tenants", sa.Column("notify_secret_env", sa.Text(), nullable=True))
    _registrants()
    _news()
    _records()


def _registrants() -> None:
    op.create_table(
        "bars",
        sa.Column("tenant_id", KEY, nullable=False),
        sa.Column("what", KEY, nullable=False),
        sa.Column("digest", KEY, nullable=False),
        sa.Column("since_ms", sa.BigInteger(), nullable=False),
        sa.Column("until_ms", sa.BigInteger(), nullable=False),
        sa.Column("account_id", KEY, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "what", "digest", "account_id"),
    )
    op.create_table(
        "verifications",
        sa.Column("tenant_id", KEY, nullable=False),
        sa.Column("verification_id", KEY, nullable=False),
        sa.Column("registrant_id", KEY, nullable=False),
        sa.Column("provider", KEY, nullable=False),
        sa.Column("reference", KEY, nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("framework", sa.Text(), nullable=True),
        sa.Column("level", sa.Text(), nullable=True),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.Column("event_ms", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("verdicts", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "verification_id"),
        sa.ForeignKeyConstraint(["tenant_id", "registrant_id"], ["registrants.tenant_id", "registrants.registrant_id"]),
    )
    op.create_index("verifications_by_registrant", "verifications", ["tenant_id", "registrant_id"])
    op.create_index("verifications_by_reference", "verifications", ["provider", "reference"], unique=True)
    op.create_index("verifications_by_state", "verifications", ["state", "expires_at"])
    op.create_table(
        "provider_events",
        sa.Column("provider", KEY, nullable=False),
        sa.Column("event_id", KEY, nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("provider", "event_id"),
    )
    op.create_table(
        "personal",
        sa.Column("tenant_id", KEY, nullable=False),
        sa.Column("registrant_id", KEY, nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False),
        sa.Column("fields", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "registrant_id"),
    )
    op.create_table(
        "personal_index",
        sa.Column("tenant_id", KEY, nullable=False),
        sa.Column("field", KEY, nullable=False),
        sa.Column("digest", KEY, nullable=False),
        sa.Column("registrant_id", KEY, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "field", "digest", "registrant_id"),
    )
    op.create_index("personal_index_by_registrant", "personal_index", ["tenant_id", "registrant_id"])
    op.create_table(
        "index_keys",
        sa.Column("name", KEY, nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )


def _news() -> None:
    op.create_table(
        "licences",
        sa.Column("tenant_id", KEY, nullable=False),
        sa.Column("licence_id", KEY, nullable=False),
        sa.Column("holder", KEY, nullable=False),
        sa.Column("scheme", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("licence_no", sa.Text(), nullable=True),
        sa.Column("issuer", sa.Text(), nullable=True),
        sa.Column("jurisdiction", sa.Text(), nullable=True),
        sa.Column("valid_from", sa.BigInteger(), nullable=False),
        sa.Column("valid_to", sa.BigInteger(), nullable=False),
        sa.Column("domains", sa.Text(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("warned_ms", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "licence_id"),
        sa.ForeignKeyConstraint(["tenant_id", "holder"], ["registrants.tenant_id", "registrants.registrant_id"]),
    )
    op.create_index("licences_by_end", "licences", ["valid_to"])
    op.create_index("authorisations_by_licence", "authorisations", ["tenant_id", "licence_id"])
    op.create_table(
        "whitelists",
        sa.Column("tenant_id", KEY, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.BigInteger(), nullable=False),
        sa.Column("imported_ms", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "version"),
    )
    op.create_table(
        "whitelist_sources",
        sa.Column("tenant_id", KEY, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("publisher", sa.Text(), nullable=False),
        sa.Column("domain", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "version", "position"),
    )
    op.create_table(
        "articles",
        sa.Column("tenant_id", KEY, nullable=False),
        sa.Column("url_key", KEY, nullable=False),
        sa.Column("title_key", KEY, nullable=True),
        sa.Column("publisher", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("published_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "url_key"),
    )
    op.create_index("articles_by_title", "articles", ["tenant_id", "title_key"])


def _records() -> None:
    op.create_table(
        "notices",
        sa.Column("id", KEY, nullable=False),
        sa.Column("tenant_id", KEY, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.Column("due_ms", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("done_ms", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    waits = sa.text("done_ms IS NULL")
    op.create_index("notices_due", "notices", ["due_ms"], postgresql_where=waits, sqlite_where=waits)
    op.create_table(
        "operators",
        sa.Column("name", KEY, nullable=False),
        sa.Column("key_hash", KEY, nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("tenant_id", KEY, nullable=True),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_index("operators_by_key", "operators", ["key_hash"], unique=True)
    op.create_table(
        "audit_subjects",
        sa.Column("tenant_id", KEY, nullable=False),
        sa.Column("subject", KEY, nullable=False),
        sa.Column("chain", sa.Integer(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "subject", "chain", "seq"),
    )
    op.create_table(
        "imports",
        sa.Column("import_id", KEY, nullable=False),
        sa.Column("tenant_id", KEY, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("lines", sa.BigInteger(), nullable=False),
        sa.Column("written", sa.BigInteger(), nullable=False),
        sa.Column("rejected", sa.BigInteger(), nullable=False),
        sa.Column("rejects_bytes", sa.BigInteger(), nullable=False),
        sa.Column("done_ms", sa.BigInteger(), nullable=True),
        sa.Column("added", sa.BigInteger(), nullable=False),
        sa.Column("changed", sa.BigInteger(), nullable=False),
        sa.Column("moved", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("import_id"),
    )
