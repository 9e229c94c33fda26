"""How far the audit chains were followed, and the queue of held messages."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "followed",
        sa.Column("chain", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
    )
    op.create_table(
        "queue",
        sa.Column("message_id", KEY, nullable=False),
        sa.Column("tenant_id", KEY, nullable=False),
        sa.Column("account_id", KEY, nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("due_ms", sa.BigInteger(), nullable=False),
        sa.Column("eyes", sa.Integer(), nullable=False, server_default="1"),
        sa.Column("claimed_by", sa.Text(), nullable=True),
        sa.Column("claimed_until_ms", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("escalated_by", sa.Text(), nullable=True),
        sa.Column("escalated_note", sa.Text(), nullable=True),
        sa.Column("first", sa.Text(), nullable=True),
        sa.Column("first_by", sa.Text(), nullable=True),
        sa.Column("waiting", sa.Text(), nullable=True),
        sa.Column("waiting_ms", sa.BigInteger(), nullable=True),
        sa.Column("taken_ms", sa.BigInteger(), nullable=True),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("message_id"),
    )
    op.create_index("queue_by_due", "queue", ["due_ms", "message_id"])
    op.create_index("queue_by_tenant", "queue", ["tenant_id", "due_ms", "message_id"])
    op.create_index("queue_by_account", "queue", ["tenant_id", "account_id", "due_ms"])
    op.create_index(
        "queue_waiting",
        "queue",
        ["waiting_ms"],
        postgresql_where=sa.text("waiting_ms IS NOT NULL"),
        sqlite_where=sa.text("waiting_ms IS NOT NULL"),
    )
    # What came of older rows is not written afterwards: nobody is sanctioned for what happened before the ladder.
    op.execute("INSERT INTO followed (chain, seq) SELECT slot, seq FROM chains WHERE seq > 0")
    op.execute(
        "INSERT INTO queue (message_id, tenant_id, account_id, category, due_ms) "
        "SELECT id, tenant_id, account_id, '', created_ms FROM messages WHERE state = 'held'"
    )
