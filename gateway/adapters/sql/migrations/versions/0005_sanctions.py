"""Incidents, the sanctions that come of them, and which rows of an account's sanctions are theirs."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.add_column("sanctions", sa.Column("sanction_id", KEY, nullable=True))
    op.create_table(
        "incidents",
        sa.Column("tenant_id", KEY, nullable=False),
        sa.Column("incident_id", KEY, nullable=False),
        sa.Column("account_id", KEY, nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("happening", sa.Text(), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("message_id", KEY, nullable=False),
        sa.Column("content_hash", KEY, nullable=False),
        sa.Column("removed_ms", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "incident_id"),
    )
    op.create_index("incidents_by_account", "incidents", ["tenant_id", "account_id", "at_ms"])
    op.create_index("incidents_by_content", "incidents", ["tenant_id", "account_id", "content_hash"])
    op.create_table(
        "sanction_records",
        sa.Column("tenant_id", KEY, nullable=False),
        sa.Column("sanction_id", KEY, nullable=False),
        sa.Column("account_id", KEY, nullable=False),
        sa.Column("degree", sa.Text(), nullable=False),
        sa.Column("also", sa.Text(), nullable=False, server_default="[]"),
        sa.Column("days", sa.Integer(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.Column("starts_ms", sa.BigInteger(), nullable=True),
        sa.Column("ends_ms", sa.BigInteger(), nullable=True),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("category", sa.Text(), nullable=True),
        sa.Column("incident_id", KEY, nullable=True),
        sa.Column("message_id", KEY, nullable=True),
        sa.Column("automatic", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("waits", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False, server_default=""),
        sa.Column("agreed", sa.Text(), nullable=False, server_default="[]"),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("decided_ms", sa.BigInteger(), nullable=True),
        sa.Column("policy_version", sa.Text(), nullable=False),
        sa.Column("account_before", sa.Text(), nullable=True),
        sa.Column("fell", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.PrimaryKeyConstraint("tenant_id", "sanction_id"),
    )
    op.create_index("sanction_records_by_account", "sanction_records", ["tenant_id", "account_id", "sanction_id"])
    op.create_index("sanction_records_by_state", "sanction_records", ["tenant_id", "state", "sanction_id"])
    op.create_index("sanction_records_by_id", "sanction_records", ["sanction_id", "tenant_id"])
    for name, columns, where in (
        ("sanction_records_automatic", ["tenant_id", "created_ms"], "automatic"),
        ("sanction_records_proposed", ["created_ms"], "state = 'proposed'"),
    ):
        predicate = sa.text(where)
        op.create_index(name, "sanction_records", columns, postgresql_where=predicate, sqlite_where=predicate)
