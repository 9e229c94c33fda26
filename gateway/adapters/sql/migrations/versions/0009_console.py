"""The console: sessions, passwords, and tries to sign in."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "console_sessions",
        sa.Column("token_hash", KEY, nullable=False),
        sa.Column("name", KEY, nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.Column("seen_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("token_hash"),
    )
    op.create_index("console_sessions_by_name", "console_sessions", ["name", "created_ms"])
    op.create_index("console_sessions_by_use", "console_sessions", ["seen_ms"])
    op.create_table(
        "console_passwords",
        sa.Column("name", KEY, nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("changed_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "console_tries",
        sa.Column("what", KEY, nullable=False),
        sa.Column("tried", sa.Integer(), nullable=False),
        sa.Column("since_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("what"),
    )
    op.create_index("console_tries_by_age", "console_tries", ["since_ms"])
