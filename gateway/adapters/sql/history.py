"""What every write to the register does beside its own: take a change number, and leave an audit row that is found by
what it is about."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import insert, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.adapters.sql.claims import append, lock_heads
from gateway.adapters.sql.tables import accounts, counters
from gateway.adapters.sql.tables_register import audit_subjects
from gateway.core.audit import ADMINISTRATORS, REGISTRY


async def next_change(connection: AsyncConnection) -> int:
    """The number of this write. Its row stays locked until the write is committed."""
    done = await connection.execute(
        update(counters)
        .where(counters.c.name == "registry")
        .values(value=counters.c.value + 1)
        .returning(counters.c.value)
    )
    number: int = done.scalar_one()
    return number


async def touch_accounts(connection: AsyncConnection, tenant_id: str, registrant_id: str, change: int) -> None:
    """Let every cache drop the accounts of a registrant: all of them stand on the same proof."""
    await connection.execute(
        update(accounts)
        .where(accounts.c.tenant_id == tenant_id, accounts.c.registrant_id == registrant_id)
        .values(change=change)
    )


async def record(
    connection: AsyncConnection,
    tenant_id: str,
    body: str,
    now_ms: int,
    subjects: Sequence[str] = (),
    kind: str = REGISTRY,
) -> None:
    """Append a row to the administrators' chain, in the histories of its ``subjects``: `gateway.core.audit.subject`."""
    heads = await lock_heads(connection, ADMINISTRATORS)
    heads.append(ADMINISTRATORS, now_ms, kind, "", body, 0)
    await append(connection, heads)
    seq = heads.links[-1].seq
    if subjects:
        rows = [{"tenant_id": tenant_id, "subject": each, "chain": ADMINISTRATORS, "seq": seq} for each in subjects]
        await connection.execute(insert(audit_subjects), rows)
