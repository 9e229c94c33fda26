"""Statements of reasons and appeals; the requests of blocked messages are kept for these."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "statements",
        sa.Column("id", KEY, nullable=False),
        sa.Column("tenant_id", KEY, nullable=False),
        sa.Column("account_id", KEY, nullable=False),
        sa.Column("restriction", sa.Text(), nullable=False),
        sa.Column("category", sa.Text(), nullable=True),
        sa.Column("codes", sa.Text(), nullable=False),
        sa.Column("content_types", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("automated_detection", sa.Boolean(), nullable=False),
        sa.Column("automation", sa.Text(), nullable=False),
        sa.Column("policy_version", sa.Text(), nullable=False),
        sa.Column("message_id", KEY, nullable=True),
        sa.Column("sanction_id", KEY, nullable=True),
        sa.Column("content_ms", sa.BigInteger(), nullable=True),
        sa.Column("starts_ms", sa.BigInteger(), nullable=False),
        sa.Column("ends_ms", sa.BigInteger(), nullable=True),
        sa.Column("lifted_ms", sa.BigInteger(), nullable=True),
        sa.Column("lifted", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("statements_by_tenant", "statements", ["tenant_id", "id"])
    op.create_index("statements_by_account", "statements", ["tenant_id", "account_id", "id"])
    op.create_index("statements_by_message", "statements", ["message_id"])
    op.create_index("statements_by_sanction", "statements", ["sanction_id"])
    op.create_table(
        "appeals",
        sa.Column("id", KEY, nullable=False),
        sa.Column("tenant_id", KEY, nullable=False),
        sa.Column("account_id", KEY, nullable=False),
        sa.Column("statement_id", KEY, nullable=False),
        sa.Column("message_id", KEY, nullable=True),
        sa.Column("sanction_id", KEY, nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("sealed", sa.Boolean(), nullable=False),
        sa.Column("text", sa.LargeBinary(), nullable=False),
        sa.Column("note", sa.LargeBinary(), nullable=True),
        sa.Column("made_ms", sa.BigInteger(), nullable=False),
        sa.Column("due_ms", sa.BigInteger(), nullable=False),
        sa.Column("decided_ms", sa.BigInteger(), nullable=True),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("restored", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("appeals_by_statement", "appeals", ["statement_id"], unique=True)
    op.create_index("appeals_by_message", "appeals", ["message_id"])
    _partial("appeals_open", "appeals", ["tenant_id", "due_ms", "id"], "state = 'open'")
    _partial("appeals_told", "appeals", ["decided_ms"], "state <> 'open' AND length(text) > 0")
    op.create_table(
        "involved",
        sa.Column("tenant_id", KEY, nullable=False),
        sa.Column("subject", KEY, nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "subject", "actor"),
    )
    _partial("messages_kept", "messages", ["updated_ms", "id"], "state IN ('blocked', 'rejected') AND length(body) > 0")


def _partial(name: str, table: str, columns: list[str], where: str) -> None:
    op.create_index(name, table, columns, postgresql_where=sa.text(where), sqlite_where=sa.text(where))
