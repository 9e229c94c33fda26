"""Taking messages so that no other process takes them too: holds to ask about again, queued messages, orphans.

On PostgreSQL the rows are locked and those locked by others passed over; on SQLite the whole file is locked.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy import and_, exists, insert, or_, select, true, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.adapters.sql.dialect import AnyRow, AnySelect
from gateway.adapters.sql.engine import Database, audit_key
from gateway.adapters.sql.plan import Heads
from gateway.adapters.sql.reads import STORED, in_this_state, stored
from gateway.adapters.sql.tables import FOR_EVER, KEPT, WAITS, audit, chains, messages
from gateway.adapters.sql.tables_statements import appeals
from gateway.core.appeals import AppealState
from gateway.core.audit import ADMINISTRATORS, TRANSITION, transition_body
from gateway.core.model import MessageState
from gateway.core.records import Owner, Stored, Transition
from gateway.ports import LeaseLost

_BACKOFF: Final = 6
"""The wait before a hold is asked about again doubles this often: up to 64 times."""

_ORPHANS: Final = 500
"""How many orphans one transaction settles."""

_MOVED: Final = (
    messages.c.id,
    messages.c.tenant_id,
    messages.c.account_id,
    messages.c.platform,
    messages.c.content_hash,
    messages.c.steps,
)


class Claims:
    """The part of the store that hands out messages, each to one process."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def claim_silent_holds(self, now_ms: int, retry_ms: int, limit: int, *, early: bool = False) -> list[Stored]:
        """See `gateway.ports.Store`, as for every method below."""
        async with self._database.writing("claim holds") as connection:
            found = await connection.execute(
                select(messages.c.id, messages.c.rechecks)
                .where(WAITS, true() if early else messages.c.recheck_at <= now_ms)
                .order_by(messages.c.recheck_at, messages.c.created_ms, messages.c.id)
                .limit(limit)
                .with_for_update(skip_locked=True)
            )
            claimed: dict[int, list[str]] = {}
            for message_id, rechecks in found.all():
                claimed.setdefault(min(rechecks, _BACKOFF), []).append(message_id)
            for doublings, ids in claimed.items():
                await connection.execute(
                    update(messages)
                    .where(messages.c.id.in_(ids))
                    .values(rechecks=messages.c.rechecks + 1, recheck_at=now_ms + (retry_ms << doublings))
                )
            return await _read(connection, [message_id for ids in claimed.values() for message_id in ids])

    async def wake_silent_holds(self, by_ms: int) -> None:
        later = and_(WAITS, messages.c.recheck_at > by_ms, messages.c.recheck_limit == FOR_EVER)
        async with self._database.writing("wake holds") as connection:
            # One that somebody else has locked is being asked about, or decided on.
            ids = select(messages.c.id).where(later).with_for_update(skip_locked=True)
            await connection.execute(update(messages).where(messages.c.id.in_(ids)).values(recheck_at=by_ms))

    async def claim_queued(self, owner: Owner, now_ms: int, limit: int) -> list[Stored]:
        async with self._database.writing("claim queued") as connection:
            heads = await lock_heads(connection, owner.slot)
            if not heads.holds(owner):
                raise LeaseLost(f"slot {owner.slot} is no longer held under epoch {owner.epoch}")
            found = await connection.execute(
                select(*_MOVED)
                .where(in_this_state(MessageState.QUEUED))
                .order_by(messages.c.created_ms, messages.c.id)
                .limit(limit)
                .with_for_update(skip_locked=True)
            )
            rows = found.all()
            await _move(connection, rows, MessageState.FORWARDING, now_ms, owner)
            for row in rows:
                _link(heads, owner.slot, row, MessageState.QUEUED, MessageState.FORWARDING, "queue", "taken up", now_ms)
            await append(connection, heads)
            return await _read(connection, [row.id for row in rows])

    async def recover(self, now_ms: int) -> tuple[int, int]:
        queued = unknown = 0
        async with self._database.reading("orphans") as connection:
            if (await connection.execute(_orphans().limit(1))).first() is None:
                return 0, 0  # nearly always: the administrators' chain is not locked for it
        while True:
            async with self._database.writing("recover") as connection:
                # Their chain first: whoever locks several chains does so by number, and none waits for another.
                heads = await lock_heads(connection, ADMINISTRATORS)
                locked = _orphans().limit(_ORPHANS).with_for_update(of=messages, skip_locked=True)
                rows = (await connection.execute(locked)).all()
                again = [row for row in rows if row.again]
                lost = [row for row in rows if not row.again]
                await _move(connection, again, MessageState.QUEUED, now_ms)
                await _move(connection, lost, MessageState.UNKNOWN, now_ms)
                for row in rows:
                    state = MessageState.QUEUED if row.again else MessageState.UNKNOWN
                    note = "the process that forwarded it is gone"
                    _link(heads, ADMINISTRATORS, row, MessageState.FORWARDING, state, "recovery", note, now_ms)
                await append(connection, heads)
            queued += len(again)
            unknown += len(lost)
            if len(rows) < _ORPHANS:
                return queued, unknown

    async def forget_requests(self, ended_ms: int, limit: int) -> int:
        open_appeal = exists().where(appeals.c.message_id == messages.c.id, appeals.c.state == AppealState.OPEN)
        due = (
            select(messages.c.id)
            .where(KEPT, messages.c.updated_ms <= ended_ms, ~open_appeal)
            .order_by(messages.c.updated_ms, messages.c.id)
            .limit(limit)
        )
        async with self._database.reading("kept requests") as connection:
            if (await connection.execute(due.limit(1))).first() is None:
                return 0  # nearly always: nobody's write lock is taken for it
        async with self._database.writing("forget requests") as connection:
            found = await connection.execute(due.with_for_update(of=messages, skip_locked=True))
            ids = [row.id for row in found]
            if ids:
                await connection.execute(update(messages).where(messages.c.id.in_(ids)).values(body=b""))
            return len(ids)


def _orphans() -> AnySelect:
    """The messages under way whose owner's lease has ended: none of its writes comes after this."""
    owned = exists().where(
        chains.c.slot == messages.c.owner_slot,
        chains.c.epoch == messages.c.owner_epoch,
        chains.c.expires_ms > 0,
    )
    known = or_(messages.c.steps > 1, messages.c.fingerprint != "")
    again = and_(messages.c.idempotent, known)
    return (
        select(*_MOVED, again.label("again"))
        .where(in_this_state(MessageState.FORWARDING), ~owned)
        .order_by(messages.c.created_ms, messages.c.id)
    )


async def lock_heads(connection: AsyncConnection, chain: int) -> Heads:
    """Lock the head of a chain until the transaction ends."""
    found = await connection.execute(
        select(chains.c.slot, chains.c.epoch, chains.c.expires_ms, chains.c.seq, chains.c.hash)
        .where(chains.c.slot == chain)
        .with_for_update()
    )
    return Heads([(row[0], row[1], row[2], row[3], row[4]) for row in found], audit_key(connection))


async def append(connection: AsyncConnection, heads: Heads) -> None:
    """Write what was appended to locked chains."""
    if heads.links:
        await connection.execute(insert(audit), [link._asdict() for link in heads.links])
    for slot, seq, last in heads.moved():
        await connection.execute(update(chains).where(chains.c.slot == slot).values(seq=seq, hash=last))


async def _move(
    connection: AsyncConnection, rows: Sequence[AnyRow], state: MessageState, now_ms: int, owner: Owner | None = None
) -> None:
    if rows:
        await connection.execute(
            update(messages)
            .where(messages.c.id.in_([row.id for row in rows]))
            .values(
                state=state,
                updated_ms=now_ms,
                steps=messages.c.steps + 1,
                owner_slot=owner.slot if owner else None,
                owner_epoch=owner.epoch if owner else None,
            )
        )


def _link(
    heads: Heads,
    chain: int,
    row: AnyRow,
    before: MessageState,
    after: MessageState,
    actor: str,
    note: str,
    now_ms: int,
) -> None:
    body = transition_body(
        Transition(row.id, before, after, actor, note, now_ms),
        row.tenant_id,
        row.account_id,
        row.platform,
        row.content_hash,
    )
    heads.append(chain, now_ms, TRANSITION, row.id, body, row.steps + 1)


async def _read(connection: AsyncConnection, ids: list[str]) -> list[Stored]:
    if not ids:
        return []
    rows = await connection.execute(STORED.where(messages.c.id.in_(ids)).order_by(messages.c.created_ms, messages.c.id))
    return [stored(row) for row in rows]
