"""Credentials and references of platforms, private accounts, and whether a message may be sent again."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "credentials",
        sa.Column("tenant_id", KEY, nullable=False),
        sa.Column("platform", KEY, nullable=False),
        sa.Column("credential", KEY, nullable=False),
        sa.Column("account_id", KEY, nullable=False),
        sa.Column("expires_ms", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "platform", "credential"),
    )
    op.create_table(
        "remembered",
        sa.Column("tenant_id", KEY, nullable=False),
        sa.Column("platform", KEY, nullable=False),
        sa.Column("reference", KEY, nullable=False),
        sa.Column("message_id", KEY, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "platform", "reference", "message_id"),
    )
    op.add_column("accounts", sa.Column("private", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("messages", sa.Column("idempotent", sa.Boolean(), nullable=False, server_default=sa.false()))
