"""Verifications of registrants in tables.

Every change locks the counter's row first, so changes to the register follow one another and what is looked up stays
true. What is refused is rolled back as a whole: it leaves no trace, and may be sent again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace
from sqlalchemy import and_

from gateway.adapters.sql.dialect import AnySelect, insert_new
from gateway.adapters.sql.engine import Database
from gateway.adapters.sql.history import next_change
from gateway.adapters.sql.registry import registrant_row
from gateway.adapters.sql.tables_register import provider_events, verifications
from gateway.adapters.sql.verification_rows import (
    ROWS,
    Undone,
    is_this,
    move,
    moved,
    of_registrant,
    only,
    project,
    record_move,
    set_proof,
    values_of,
    verification_of,
    write,
)
from gateway.adapters.sql.writes import check_text
from gateway.core.model import VerificationState
from gateway.core.registration import By
from gateway.core.review_count import Uncounted, outcome
from gateway.core.verification import OPEN, Verdict, Verification, VerificationEvent, after, proof, repeats
from gateway.ports import Applied, Begun, StoreUnavailable
from gateway.providers.webhooks import ProviderEvent

_OF_AN_ATTEMPT: Final = (VerificationEvent.EXPIRE, VerificationEvent.CANCEL)
"""What a provider says of an attempt only: what was proved ends by its own time, or by a decision here."""


class _NotCounted(Exception):
    """Ends a transaction without writing anything: a verdict that does not count."""

    def __init__(self, why: Uncounted) -> None:
        super().__init__(why.value)
        self.why = why


class _BegunBefore(Exception):
    """Ends a transaction without writing anything: what was to begin is there."""

    def __init__(self, there: Verification) -> None:
        super().__init__(there.verification_id)
        self.there = there


class SqlVerifications:
    """See `gateway.ports.Verifications`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def begin(self, tenant_id: str, verification: Verification, by: By, now_ms: int) -> Begun | None:
        """See `gateway.ports.Verifications`, as for every method below."""
        this = verification
        check_text(tenant_id, this.verification_id, this.registrant_id, this.provider, this.reference or "")
        check_text(by.actor, by.reason)
        try:
            async with self._database.writing("begin verification") as connection:
                change = await next_change(connection)
                registrant = await registrant_row(connection, tenant_id, this.registrant_id)
                if registrant is None or registrant.state is VerificationState.REDACTED:
                    raise Undone(Applied.UNKNOWN)
                before = await of_registrant(connection, tenant_id, this.registrant_id)
                for there in before:
                    if repeats(this, there):
                        raise _BegunBefore(there)
                values = {"tenant_id": tenant_id, **values_of(this)}
                added = await connection.execute(insert_new(self._database, verifications).values(**values))
                if added.rowcount == 0:
                    raise Undone(Applied.REPLAYED)
                await project(connection, tenant_id, registrant, None, this, before, change, now_ms)
                await record_move(connection, tenant_id, this, by, change, now_ms, "BeginVerification", to=this.state)
                return Begun(this, new=True)
        except Undone:
            return None
        except _BegunBefore as before_now:
            return Begun(before_now.there, new=False)

    async def advance(self, event: ProviderEvent, valid_ms: int | None, tenants: Sequence[str], now_ms: int) -> Applied:
        check_text(event.reference, event.event_id)
        this = and_(verifications.c.provider == event.provider, verifications.c.reference == event.reference)
        try:
            async with self._database.writing("provider event") as connection:
                change = await next_change(connection)
                tenant_id, verification = await only(connection, this)
                if tenant_id not in tenants:
                    raise Undone(Applied.UNKNOWN)
                # By a digest: the provider's ids lead to a person there, and this row outlives an erasure.
                digest = hashlib.sha256(event.event_id.encode()).hexdigest()
                seen = {"provider": event.provider, "event_id": digest, "at_ms": event.at_ms}
                added = await connection.execute(insert_new(self._database, provider_events).values(**seen))
                if added.rowcount == 0:
                    raise Undone(Applied.REPLAYED)
                if event.at_ms < verification.event_ms:
                    raise Undone(Applied.REORDERED)
                if event.event in _OF_AN_ATTEMPT and verification.state not in OPEN:
                    raise Undone(Applied.IMPOSSIBLE)
                by = By(f"provider:{event.provider}", event.event)
                changed = moved(verification, event.event, event.at_ms, valid_ms)
                await move(connection, tenant_id, verification, changed, by, change, now_ms)
                return Applied.APPLIED
        except Undone as undone:
            return undone.result

    async def happen(
        self,
        tenant_id: str,
        verification_id: str,
        event: VerificationEvent,
        valid_ms: int | None,
        by: By,
        now_ms: int,
        *,
        open_only: bool = False,
    ) -> Applied:
        check_text(by.actor, by.reason)
        try:
            async with self._database.writing("verification") as connection:
                change = await next_change(connection)
                _, verification = await only(connection, is_this(tenant_id, verification_id))
                if open_only and verification.state not in OPEN:
                    raise Undone(Applied.IMPOSSIBLE)
                changed = moved(verification, event, now_ms, valid_ms)
                if event is VerificationEvent.SUBMIT:
                    # The verifier's clock may be behind ours, and what it says next must not be late.
                    changed = replace(changed, event_ms=verification.event_ms)
                await move(connection, tenant_id, verification, changed, by, change, now_ms)
                return Applied.APPLIED
        except Undone as undone:
            return undone.result

    async def judge(
        self, tenant_id: str, verification_id: str, verdict: Verdict, valid_ms: int | None, reason: str
    ) -> Verification | Uncounted | Applied:
        check_text(verdict.reviewer, reason)
        try:
            async with self._database.writing("verdict") as connection:
                change = await next_change(connection)
                _, verification = await only(connection, is_this(tenant_id, verification_id))
                if verification.state is not VerificationState.REVIEW:
                    raise Undone(Applied.IMPOSSIBLE)
                registrant = await registrant_row(connection, tenant_id, verification.registrant_id)
                if registrant is None:
                    raise StoreUnavailable("a verification without its registrant")
                event = outcome(registrant.kind, verification.verdicts, verdict)
                if isinstance(event, Uncounted):
                    raise _NotCounted(event)
                changed = verification if event is None else moved(verification, event, verdict.at_ms, valid_ms)
                changed = replace(changed, verdicts=(*verification.verdicts, verdict))
                by = By(verdict.reviewer, reason)
                said = "approve" if verdict.approve else "refuse"
                await move(connection, tenant_id, verification, changed, by, change, verdict.at_ms, verdict=said)
                return changed
        except Undone as undone:
            return undone.result
        except _NotCounted as uncounted:
            return uncounted.why

    async def restart(self, tenant_id: str, registrant_id: str, by: By, now_ms: int) -> int:
        check_text(by.actor, by.reason)
        async with self._database.writing("restart verification") as connection:
            change = await next_change(connection)
            before = await of_registrant(connection, tenant_id, registrant_id)
            ended = 0
            left = []
            for verification in before:
                state = after(verification.state, VerificationEvent.CANCEL)
                if state is None:
                    left.append(verification)
                    continue
                ended += 1
                changed = replace(verification, state=state, event_ms=max(verification.event_ms, now_ms))
                left.append(changed)
                await write(connection, tenant_id, changed)
                await record_move(
                    connection, tenant_id, changed, by, change, now_ms, "Verification", was=verification.state, to=state
                )
            registrant = await registrant_row(connection, tenant_id, registrant_id)
            if registrant is not None and registrant.state is not VerificationState.REDACTED:
                await set_proof(connection, tenant_id, registrant, proof(left, now_ms), change)
            return ended

    async def verification(self, tenant_id: str, verification_id: str) -> Verification | None:
        found = await self._found(ROWS.where(is_this(tenant_id, verification_id)))
        return found[0][1] if found else None

    async def of_registrant(self, tenant_id: str, registrant_id: str) -> list[Verification]:
        async with self._database.reading("verifications") as connection:
            return await of_registrant(connection, tenant_id, registrant_id)

    async def pending(self, provider: str, before_ms: int, limit: int) -> list[tuple[str, Verification]]:
        waits = and_(
            verifications.c.state == VerificationState.PENDING,
            verifications.c.provider == provider,
            verifications.c.created_ms < before_ms,
        )
        oldest = (verifications.c.created_ms, verifications.c.verification_id)
        return await self._found(ROWS.where(waits).order_by(*oldest).limit(limit))

    async def ending(self, before_ms: int, limit: int, tenant_id: str | None = None) -> list[tuple[str, Verification]]:
        ends = and_(verifications.c.state == VerificationState.VERIFIED, verifications.c.expires_at < before_ms)
        if tenant_id is not None:
            ends = and_(ends, verifications.c.tenant_id == tenant_id)
        first = (verifications.c.expires_at, verifications.c.verification_id)
        return await self._found(ROWS.where(ends).order_by(*first).limit(limit))

    async def _found(self, wanted: AnySelect) -> list[tuple[str, Verification]]:
        async with self._database.reading("verifications") as connection:
            return [(row.tenant_id, verification_of(row)) for row in await connection.execute(wanted)]
