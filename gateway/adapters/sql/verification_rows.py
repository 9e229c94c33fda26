"""Rows of verifications, and what follows when one changes: the registrant's own row, its accounts, the audit row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec
from msgspec.structs import replace
from sqlalchemy import ColumnElement, and_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.adapters.sql.dialect import AnyRow
from gateway.adapters.sql.history import record, touch_accounts
from gateway.adapters.sql.registry import registrant_row
from gateway.adapters.sql.tables import registrants
from gateway.adapters.sql.tables_register import verifications
from gateway.core.audit import act_body, subject
from gateway.core.model import Registrant, VerificationState
from gateway.core.registration import By
from gateway.core.verification import Proof, Verdict, Verification, VerificationEvent, after, proof_after
from gateway.ports import Applied

_FIELDS: Final = Verification.__struct_fields__
ROWS: Final = select(verifications.c.tenant_id, *[verifications.c[name] for name in _FIELDS])
"""Verifications, each with its tenant."""

_encoder = msgspec.json.Encoder()
_verdicts = msgspec.json.Decoder(tuple[Verdict, ...])


class Undone(Exception):
    """Ends a transaction without writing anything."""

    def __init__(self, result: Applied) -> None:
        super().__init__(result.value)
        self.result = result


def is_this(tenant_id: str, verification_id: str) -> ColumnElement[bool]:
    """The condition for one verification."""
    return and_(verifications.c.tenant_id == tenant_id, verifications.c.verification_id == verification_id)


async def only(connection: AsyncConnection, condition: ColumnElement[bool]) -> tuple[str, Verification]:
    """The verification that the condition is for, with its tenant. Raises `Undone`."""
    row = (await connection.execute(ROWS.where(condition))).first()
    if row is None:
        raise Undone(Applied.UNKNOWN)
    return row.tenant_id, verification_of(row)


async def of_registrant(connection: AsyncConnection, tenant_id: str, registrant_id: str) -> list[Verification]:
    """A registrant's verifications, oldest first."""
    mine = and_(verifications.c.tenant_id == tenant_id, verifications.c.registrant_id == registrant_id)
    oldest = (verifications.c.created_ms, verifications.c.verification_id)
    return [verification_of(row) for row in await connection.execute(ROWS.where(mine).order_by(*oldest))]


def verification_of(row: AnyRow) -> Verification:
    """The verification in a row of `ROWS`."""
    values = {name: getattr(row, name) for name in _FIELDS}
    values["state"] = VerificationState(row.state)
    values["verdicts"] = _verdicts.decode(row.verdicts)
    return Verification(**values)


def values_of(verification: Verification) -> dict[str, Any]:
    """The columns of a verification, but for its tenant."""
    values = {name: getattr(verification, name) for name in _FIELDS}
    return {**values, "verdicts": _encoder.encode(verification.verdicts).decode()}


def moved(verification: Verification, event: VerificationEvent, at_ms: int, valid_ms: int | None) -> Verification:
    """The verification after an event. Raises `Undone` where it cannot happen.

    Where more has to be sent, what reviewers approved is not what the next one will see: they begin anew.
    """
    state = after(verification.state, event)
    if state is None:
        raise Undone(Applied.IMPOSSIBLE)
    expires_at = verification.expires_at
    if state is VerificationState.VERIFIED:
        expires_at = None if valid_ms is None else at_ms + valid_ms
    verdicts = () if state is VerificationState.NEEDS_INPUT else verification.verdicts
    event_ms = max(verification.event_ms, at_ms)
    return replace(verification, state=state, event_ms=event_ms, expires_at=expires_at, verdicts=verdicts)


async def move(
    connection: AsyncConnection,
    tenant_id: str,
    verification: Verification,
    changed: Verification,
    by: By,
    change: int,
    now_ms: int,
    **more: object,
) -> None:
    """Write a verification as it is now, with all that follows from it; ``more`` is for the audit row."""
    registrant = await registrant_row(connection, tenant_id, verification.registrant_id)
    before = await of_registrant(connection, tenant_id, verification.registrant_id)
    await write(connection, tenant_id, changed)
    others = [one for one in before if one.verification_id != changed.verification_id]
    if registrant is not None:
        await project(connection, tenant_id, registrant, verification, changed, others, change, now_ms)
    was, to = verification.state, changed.state
    await record_move(connection, tenant_id, changed, by, change, now_ms, "Verification", was=was, to=to, **more)


async def write(connection: AsyncConnection, tenant_id: str, verification: Verification) -> None:
    """Write a verification over its row."""
    this = is_this(tenant_id, verification.verification_id)
    await connection.execute(update(verifications).where(this).values(**values_of(verification)))


async def project(
    connection: AsyncConnection,
    tenant_id: str,
    registrant: Registrant,
    was: Verification | None,
    now: Verification,
    others: Sequence[Verification],
    change: int,
    now_ms: int,
) -> None:
    """Bring the registrant's row in line with what one of its verifications ``was`` and is ``now``."""
    if registrant.state is VerificationState.REDACTED:
        return
    held = Proof(registrant.state, registrant.framework, registrant.level, registrant.expires_at)
    await set_proof(connection, tenant_id, registrant, proof_after(held, was, now, others, now_ms), change)


async def set_proof(
    connection: AsyncConnection,
    tenant_id: str,
    registrant: Registrant,
    proved: Proof,
    change: int,
) -> None:
    """Write what a registrant amounts to now into its row."""
    values = {name: getattr(proved, name) for name in proved.__struct_fields__}
    if all(getattr(registrant, name) == value for name, value in values.items()):
        return
    this = and_(registrants.c.tenant_id == tenant_id, registrants.c.registrant_id == registrant.registrant_id)
    await connection.execute(update(registrants).where(this).values(**values))
    await touch_accounts(connection, tenant_id, registrant.registrant_id, change)


async def record_move(
    connection: AsyncConnection,
    tenant_id: str,
    verification: Verification,
    by: By,
    change: int,
    now_ms: int,
    act: str,
    *,
    to: VerificationState,
    was: VerificationState | None = None,
    **more: object,
) -> None:
    """Leave the audit row of a change, in the registrant's history, without the registrant's id; ``more`` is what else
    it says."""
    fields = {
        "verification_id": verification.verification_id,
        "provider": verification.provider,
        "from": was,
        "to": to,
        "framework": verification.framework,
        "level": verification.level,
        "expires_at": verification.expires_at,
        **more,
    }
    body = act_body(by, change, tenant_id, act, **fields)
    await record(connection, tenant_id, body, now_ms, [subject("registrant", verification.registrant_id)])
