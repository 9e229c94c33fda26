"""The first tables, with the administrators' chain and the counters at their beginning."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "audit",
        sa.Column("chain", sa.Integer(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("message_id", KEY, nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("prev_hash", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("chain", "seq"),
    )
    op.create_index("audit_by_message", "audit", ["message_id"], unique=False)
    op.create_table(
        "chains",
        sa.Column("slot", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("expires_ms", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("slot"),
    )
    op.create_table(
        "counters",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "cursors",
        sa.Column("chain", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("announced", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("chain"),
    )
    op.create_table(
        "decisions",
        sa.Column("message_id", KEY, nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("id", KEY, nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("policy_version", sa.Text(), nullable=False),
        sa.Column("case_json", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("message_id", "step"),
    )
    op.create_index("decisions_by_id", "decisions", ["id"], unique=True)
    op.create_table(
        "idempotency_keys",
        sa.Column("tenant_id", KEY, nullable=False),
        sa.Column("key", KEY, nullable=False),
        sa.Column("message_id", KEY, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "key"),
    )
    op.create_table(
        "messages",
        sa.Column("id", KEY, nullable=False),
        sa.Column("tenant_id", KEY, nullable=False),
        sa.Column("account_id", KEY, nullable=False),
        sa.Column("platform", sa.Text(), nullable=False),
        sa.Column("content_hash", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("forwards", sa.Boolean(), nullable=False),
        sa.Column("owner_slot", sa.Integer(), nullable=True),
        sa.Column("owner_epoch", sa.BigInteger(), nullable=True),
        sa.Column("decision_id", KEY, nullable=False),
        sa.Column("steps", sa.Integer(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("content_type", sa.Text(), nullable=False),
        sa.Column("upstream_status", sa.Integer(), nullable=True),
        sa.Column("upstream_body", sa.LargeBinary(), nullable=True),
        sa.Column("upstream_content_type", sa.Text(), nullable=True),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.Column("updated_ms", sa.BigInteger(), nullable=False),
        sa.Column("recheck_at", sa.BigInteger(), nullable=False),
        sa.Column("rechecks", sa.Integer(), server_default="0", nullable=False),
        sa.Column("recheck_limit", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "messages_by_state",
        "messages",
        ["state", "created_ms", "id"],
        unique=False,
        postgresql_where=sa.text("state <> 'published'"),
        sqlite_where=sa.text("state <> 'published'"),
    )
    op.create_index(
        "messages_to_recheck",
        "messages",
        ["recheck_at", "created_ms"],
        unique=False,
        postgresql_where=sa.text("state = 'held' AND rechecks < recheck_limit"),
        sqlite_where=sa.text("state = 'held' AND rechecks < recheck_limit"),
    )
    op.create_table(
        "policies",
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("kept_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("version"),
    )
    op.create_table(
        "tenants",
        sa.Column("tenant_id", KEY, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("upstream_url", sa.Text(), nullable=False),
        sa.Column("upstream_idempotent", sa.Boolean(), nullable=False),
        sa.Column("upstream_token_env", sa.Text(), nullable=True),
        sa.Column("change", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id"),
    )
    op.create_index("tenants_by_change", "tenants", ["change"], unique=False)
    op.create_table(
        "app_keys",
        sa.Column("key_hash", KEY, nullable=False),
        sa.Column("tenant_id", KEY, nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.tenant_id"]),
        sa.PrimaryKeyConstraint("key_hash"),
    )
    op.create_table(
        "registrants",
        sa.Column("tenant_id", KEY, nullable=False),
        sa.Column("registrant_id", KEY, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("framework", sa.Text(), nullable=True),
        sa.Column("level", sa.Text(), nullable=True),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.tenant_id"]),
        sa.PrimaryKeyConstraint("tenant_id", "registrant_id"),
    )
    op.create_table(
        "accounts",
        sa.Column("tenant_id", KEY, nullable=False),
        sa.Column("account_id", KEY, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("registrant_id", KEY, nullable=True),
        sa.Column("change", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id", "registrant_id"], ["registrants.tenant_id", "registrants.registrant_id"]),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.tenant_id"]),
        sa.PrimaryKeyConstraint("tenant_id", "account_id"),
    )
    op.create_index("accounts_by_change", "accounts", ["change"], unique=False)
    op.create_index("accounts_by_id", "accounts", ["account_id"], unique=False)
    op.create_index("accounts_by_registrant", "accounts", ["tenant_id", "registrant_id"], unique=False)
    op.create_table(
        "authorisations",
        sa.Column("tenant_id", KEY, nullable=False),
        sa.Column("account_id", KEY, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("scheme", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.BigInteger(), nullable=False),
        sa.Column("valid_to", sa.BigInteger(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id", "account_id"], ["accounts.tenant_id", "accounts.account_id"]),
        sa.PrimaryKeyConstraint("tenant_id", "account_id", "position"),
    )
    op.create_table(
        "sanctions",
        sa.Column("tenant_id", KEY, nullable=False),
        sa.Column("account_id", KEY, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("degree", sa.Text(), nullable=False),
        sa.Column("starts_at", sa.BigInteger(), nullable=False),
        sa.Column("ends_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["tenant_id", "account_id"], ["accounts.tenant_id", "accounts.account_id"]),
        sa.PrimaryKeyConstraint("tenant_id", "account_id", "position"),
    )
    op.execute(
        "INSERT INTO chains (slot, epoch, holder, expires_ms, seq, hash) "
        "VALUES (-1, 0, '', 0, 0, '0000000000000000000000000000000000000000000000000000000000000000')"
    )
    op.execute("INSERT INTO counters (name, value) VALUES ('registry', 0), ('ping', 0)")
