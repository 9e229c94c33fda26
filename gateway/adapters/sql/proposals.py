"""Proposals that accounts become private, in a table."""

from __future__ import annotations

from collections.abc import Collection

from msgspec import structs
from sqlalchemy import and_, delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.adapters.sql.dialect import put
from gateway.adapters.sql.engine import Database
from gateway.adapters.sql.tables_register import private_proposals
from gateway.core.registration import PrivateProposal


async def proposals_of(
    connection: AsyncConnection, tenant_id: str, account_ids: Collection[str]
) -> dict[str, PrivateProposal]:
    """The proposals that accounts become private, by the account's id."""
    table = private_proposals.c
    wanted = select(table.account_id, table.actor, table.reason, table.at_ms).where(
        table.tenant_id == tenant_id, table.account_id.in_(account_ids)
    )
    rows = await connection.execute(wanted)
    return {row.account_id: PrivateProposal(row.actor, row.reason, row.at_ms) for row in rows}


async def keep_proposal(
    database: Database,
    connection: AsyncConnection,
    tenant_id: str,
    account_id: str,
    proposal: PrivateProposal | None,
) -> None:
    """Keep the proposal that an account become private; None for none."""
    if proposal is None:
        mine = and_(private_proposals.c.tenant_id == tenant_id, private_proposals.c.account_id == account_id)
        await connection.execute(delete(private_proposals).where(mine))
        return
    values = {"tenant_id": tenant_id, "account_id": account_id, **structs.asdict(proposal)}
    await connection.execute(put(database, private_proposals, values))
