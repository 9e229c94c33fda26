"""Proposals that accounts become private, which take another person's agreement."""

import sqlalchemy as sa
from alembic import op

from gateway.adapters.sql.tables import Key

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.create_table(
        "private_proposals",
        sa.Column("tenant_id", Key, nullable=False),
        sa.Column("account_id", Key, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "account_id"),
    )
