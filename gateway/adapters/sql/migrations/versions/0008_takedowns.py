"""What is taken down after it was published, how, and where apps are told of it."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.add_column("tenants", sa.Column("takedown_url", sa.Text(), nullable=True))
    op.add_column("messages", sa.Column("handle", sa.Text(), nullable=True))
    op.create_table(
        "takedowns",
        sa.Column("message_id", KEY, nullable=False),
        sa.Column("tenant_id", KEY, nullable=False),
        sa.Column("account_id", KEY, nullable=False),
        sa.Column("content_hash", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("asked_ms", sa.BigInteger(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("due_ms", sa.BigInteger(), nullable=False),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("message_id"),
    )
    op.create_index("takedowns_by_tenant", "takedowns", ["tenant_id", "message_id"])
    op.create_index(
        "takedowns_due",
        "takedowns",
        ["due_ms"],
        postgresql_where=sa.text("state IN ('due', 'restore_due')"),
        sqlite_where=sa.text("state IN ('due', 'restore_due')"),
    )
    op.create_index(
        "takedowns_failed",
        "takedowns",
        ["tenant_id", "message_id"],
        postgresql_where=sa.text("state IN ('failed', 'restore_failed')"),
        sqlite_where=sa.text("state IN ('failed', 'restore_failed')"),
    )
