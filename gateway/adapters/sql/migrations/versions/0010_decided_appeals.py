"""Decided appeals, as people look them up: newest first, of all tenants and of one."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

DECIDED = sa.text("state <> 'open'")


def upgrade() -> None:
    for name, columns in (
        ("appeals_decided", ["decided_ms", "id"]),
        ("appeals_decided_by_tenant", ["tenant_id", "decided_ms", "id"]),
    ):
        op.create_index(name, "appeals", columns, postgresql_where=DECIDED, sqlite_where=DECIDED)
