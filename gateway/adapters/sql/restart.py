"""What becomes of a registrant's verifications when what they prove is no longer so."""

from __future__ import annotations

from sqlalchemy import and_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.adapters.sql.tables import registrants
from gateway.adapters.sql.tables_register import verifications
from gateway.core.model import VerificationState
from gateway.core.verification import Verification, VerificationEvent, after, proof

_COLUMNS = (
    verifications.c.verification_id,
    verifications.c.registrant_id,
    verifications.c.provider,
    verifications.c.state,
    verifications.c.created_ms,
    verifications.c.event_ms,
)


async def restart(connection: AsyncConnection, tenant_id: str, registrant_id: str, now_ms: int) -> None:
    """Cancel the verifications that are open or stand, and bring the registrant's row in line."""
    left = await happen(connection, tenant_id, registrant_id, VerificationEvent.CANCEL)
    state = proof(left, now_ms).state
    await _set_state(connection, tenant_id, registrant_id, state)


async def redact(connection: AsyncConnection, tenant_id: str, registrant_id: str) -> int:
    """Redact the registrant and all its verifications; returns how many. What leads to the person at a provider, its
    reference, goes."""
    left = await happen(connection, tenant_id, registrant_id, VerificationEvent.REDACT)
    mine = and_(verifications.c.tenant_id == tenant_id, verifications.c.registrant_id == registrant_id)
    await connection.execute(update(verifications).where(mine).values(reference=None))
    await _set_state(connection, tenant_id, registrant_id, VerificationState.REDACTED)
    return len(left)


async def happen(
    connection: AsyncConnection, tenant_id: str, registrant_id: str, event: VerificationEvent
) -> list[Verification]:
    """Let an event happen to all verifications of a registrant that it can happen to; all of them, as they are then."""
    mine = and_(verifications.c.tenant_id == tenant_id, verifications.c.registrant_id == registrant_id)
    found = (await connection.execute(select(*_COLUMNS).where(mine))).all()
    left = []
    for row in found:
        state = after(VerificationState(row.state), event)
        if state is not None:
            this = and_(mine, verifications.c.verification_id == row.verification_id)
            await connection.execute(update(verifications).where(this).values(state=state))
        now = state or VerificationState(row.state)
        left.append(Verification(row[0], row[1], row[2], now, created_ms=row[4], event_ms=row[5]))
    return left


async def _set_state(connection: AsyncConnection, tenant_id: str, registrant_id: str, state: VerificationState) -> None:
    this = and_(registrants.c.tenant_id == tenant_id, registrants.c.registrant_id == registrant_id)
    values = {"state": state, "framework": None, "level": None, "expires_at": None}
    await connection.execute(update(registrants).where(this).values(**values))
