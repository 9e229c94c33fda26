"""Reports by the public, their receipts, strikes against who makes them without ground, and trusted flaggers."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
OPEN = sa.text("is_open")
KEPT = sa.text("NOT is_open AND NOT erased")
OF_MESSAGE = sa.text("message_id IS NOT NULL")


def upgrade() -> None:
    op.create_table(
        "reports",
        sa.Column("report_id", KEY, nullable=False),
        sa.Column("tenant_id", KEY, nullable=False),
        sa.Column("subject", KEY, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("is_open", sa.Boolean(), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("due_ms", sa.BigInteger(), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.Column("reporters", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("trusted", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("message_id", KEY, nullable=True),
        sa.Column("account_id", KEY, nullable=True),
        sa.Column("complaint", sa.Text(), nullable=False, server_default=""),
        sa.Column("claimed_by", sa.Text(), nullable=True),
        sa.Column("claimed_until_ms", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("decided_ms", sa.BigInteger(), nullable=True),
        sa.Column("unfounded", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("note", sa.Text(), nullable=False, server_default=""),
        sa.Column("erased", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.PrimaryKeyConstraint("report_id"),
    )
    op.create_index(
        "reports_open", "reports", ["tenant_id", "subject"], unique=True, postgresql_where=OPEN, sqlite_where=OPEN
    )
    op.create_index(
        "reports_by_due", "reports", ["tenant_id", "due_ms", "report_id"], postgresql_where=OPEN, sqlite_where=OPEN
    )
    op.create_index("reports_due", "reports", ["due_ms", "report_id"], postgresql_where=OPEN, sqlite_where=OPEN)
    op.create_index("reports_decided", "reports", ["decided_ms"], postgresql_where=KEPT, sqlite_where=KEPT)
    op.create_index(
        "reports_by_message",
        "reports",
        ["tenant_id", "message_id"],
        postgresql_where=OF_MESSAGE,
        sqlite_where=OF_MESSAGE,
    )
    op.create_table(
        "report_receipts",
        sa.Column("receipt_id", KEY, nullable=False),
        sa.Column("tenant_id", KEY, nullable=False),
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("reporter", KEY, nullable=True),
        sa.Column("repeats", KEY, nullable=False),
        sa.Column("flagger", KEY, nullable=True),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.Column("person", sa.LargeBinary(), nullable=True),
        sa.Column("explanation", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("receipt_id"),
    )
    op.create_index("report_receipts_repeated", "report_receipts", ["tenant_id", "repeats"])
    op.create_table(
        "report_items",
        sa.Column("receipt_id", KEY, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("report_id", KEY, nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("duplicate", sa.Boolean(), nullable=False),
        sa.Column("due_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("receipt_id", "position"),
    )
    op.create_index("report_items_by_report", "report_items", ["report_id", "receipt_id"])
    op.create_table(
        "report_strikes",
        sa.Column("tenant_id", KEY, nullable=False),
        sa.Column("reporter", KEY, nullable=False),
        sa.Column("report_id", KEY, nullable=False),
        sa.Column("made_ms", sa.BigInteger(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "reporter", "report_id"),
    )
    op.create_index("report_strikes_by_time", "report_strikes", ["at_ms"])
    op.create_table(
        "report_flaggers",
        sa.Column("tenant_id", KEY, nullable=False),
        sa.Column("name", KEY, nullable=False),
        sa.Column("key_hash", KEY, nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.Column("revoked_ms", sa.BigInteger(), nullable=True),
        sa.Column("decided", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("actioned", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("errors", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("unfounded", sa.Integer(), nullable=False, server_default="0"),
        sa.PrimaryKeyConstraint("tenant_id", "name"),
    )
    op.create_index("report_flaggers_by_key", "report_flaggers", ["key_hash"], unique=True)
