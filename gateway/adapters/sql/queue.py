"""The queue of held messages in a table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec
from msgspec.structs import replace
from sqlalchemy import ColumnElement, and_, delete, func, or_, select, true, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.adapters.sql.dialect import AnyRow, insert_new, insert_or
from gateway.adapters.sql.engine import Database
from gateway.adapters.sql.history import record
from gateway.adapters.sql.tables import messages
from gateway.adapters.sql.tables_queue import queue
from gateway.adapters.sql.writes import check_text
from gateway.core import codec
from gateway.core import queue as rule
from gateway.core.audit import REVIEW, act_body, subject
from gateway.core.happened import Happened, MessageStep
from gateway.core.holds import Holds
from gateway.core.model import Case, Message, MessageState
from gateway.core.queue import Entry, Resolution, Step, Unresolved
from gateway.core.registration import By
from gateway.ports import StoreUnavailable

_resolution: Final = msgspec.json.Decoder(Resolution)
_COLUMNS: Final = [queue.c[name] for name in Entry.__struct_fields__]


class SqlQueue:
    """See `gateway.ports.Queue`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(
        self,
        tenant_id: str | None,
        after: tuple[int, str] | None,
        limit: int,
        category: str | None = None,
        escalated: bool | None = None,
    ) -> list[Entry]:
        """See `gateway.ports.Queue`, as for every method below."""
        chosen = _chosen(tenant_id, category, escalated)
        wanted = select(*_COLUMNS).where(chosen).order_by(queue.c.due_ms, queue.c.message_id).limit(limit)
        if after is not None:
            behind = and_(queue.c.due_ms == after[0], queue.c.message_id > after[1])
            wanted = wanted.where(queue.c.due_ms >= after[0], or_(queue.c.due_ms > after[0], behind))
        async with self._database.reading("queue") as connection:
            return [_entry(row) for row in await connection.execute(wanted)]

    async def entry(self, message_id: str, tenant_id: str | None) -> Entry | None:
        wanted = _one(message_id, tenant_id)
        async with self._database.reading("queue") as connection:
            row = (await connection.execute(select(*_COLUMNS).where(wanted))).first()
        return None if row is None else _entry(row)

    async def messages(self, message_ids: Sequence[str]) -> dict[str, Message]:
        wanted = select(messages.c.id, messages.c.message).where(messages.c.id.in_(message_ids))
        async with self._database.reading("messages") as connection:
            rows = (await connection.execute(wanted)).all()
        try:
            return {row.id: codec.decode_message(row.message) for row in rows}
        except ValueError as error:
            raise StoreUnavailable("a message cannot be read back") from error

    async def by_account(self, tenant_id: str, account_id: str, limit: int) -> list[Entry]:
        wanted = (
            select(*_COLUMNS)
            .where(queue.c.tenant_id == tenant_id, queue.c.account_id == account_id)
            .order_by(queue.c.due_ms, queue.c.message_id)
            .limit(limit)
        )
        async with self._database.reading("queue") as connection:
            return [_entry(row) for row in await connection.execute(wanted)]

    async def count(self, tenant_id: str | None, now_ms: int, most: int | None = None) -> tuple[int, int, int]:
        mine = select(queue.c.due_ms, queue.c.escalated_by)
        if tenant_id is not None:
            mine = mine.where(queue.c.tenant_id == tenant_id)
        if most is not None:
            mine = mine.order_by(queue.c.due_ms, queue.c.message_id).limit(most + 1)
        each = mine.subquery()
        late = func.count().filter(each.c.due_ms < now_ms)
        wanted = select(func.count(), late, func.count(each.c.escalated_by)).select_from(each)
        async with self._database.reading("queue") as connection:
            row = (await connection.execute(wanted)).one()
        return row[0], row[1], row[2]

    async def enter(self, entry: Entry) -> None:
        async with self._database.writing("queue") as connection:
            await connection.execute(insert_new(self._database, queue).values(**_row(entry)))

    async def claim(
        self, message_id: str, tenant_id: str | None, actor: str, rules: Holds, now_ms: int
    ) -> Entry | Unresolved:
        return await self._change(message_id, tenant_id, lambda entry: rule.claim(entry, actor, rules, now_ms))

    async def claim_next(
        self,
        tenant_id: str | None,
        actor: str,
        rules: Holds,
        now_ms: int,
        category: str | None = None,
        escalated: bool | None = None,
    ) -> Entry | None:
        free = and_(
            _chosen(tenant_id, category, escalated),
            queue.c.claimed_until_ms <= now_ms,
            queue.c.waiting_ms.is_(None),
            or_(queue.c.escalated_by.is_(None), queue.c.escalated_by != actor),
            or_(queue.c.first_by.is_(None), queue.c.first_by != actor),
        )
        wanted = select(*_COLUMNS).where(free).order_by(queue.c.due_ms, queue.c.message_id).limit(1)
        async with self._database.writing("claim next") as connection:
            row = (await connection.execute(wanted.with_for_update(skip_locked=True))).first()
            if row is None:
                return None
            entry = rule.claim(_entry(row), actor, rules, now_ms)
            if isinstance(entry, Unresolved):
                return None
            await _write(connection, entry)
            return entry

    async def let_go(self, message_id: str, tenant_id: str | None, actor: str, now_ms: int) -> Entry | Unresolved:
        return await self._change(message_id, tenant_id, lambda entry: rule.let_go(entry, actor, now_ms))

    async def escalate(
        self, message_id: str, tenant_id: str | None, actor: str, note: str, now_ms: int
    ) -> Entry | Unresolved:
        return await self._change(
            message_id,
            tenant_id,
            lambda entry: rule.escalate(entry, actor, note, now_ms),
            lambda _after: (Step.ESCALATE, By(actor, note), now_ms),
        )

    async def resolve(
        self, message_id: str, tenant_id: str | None, resolution: Resolution, rules: Holds, undo_ms: int
    ) -> Entry | Unresolved:
        by = By(resolution.actor, resolution.note)
        return await self._change(
            message_id,
            tenant_id,
            lambda entry: rule.resolve(entry, resolution, rules, undo_ms),
            lambda after: (rule.step_of(after, resolution), by, resolution.at_ms),
            only_held=True,
            outcome=resolution.outcome,
            code=resolution.code,
        )

    async def undo(self, message_id: str, tenant_id: str | None, actor: str, now_ms: int) -> Entry | Unresolved:
        return await self._change(
            message_id,
            tenant_id,
            lambda entry: rule.undo(entry, actor),
            lambda _after: (Step.UNDO, By(actor), now_ms),
        )

    async def take_due(self, now_ms: int, again_ms: int, limit: int) -> Sequence[Entry]:
        free = or_(queue.c.taken_ms.is_(None), queue.c.taken_ms <= now_ms - again_ms)
        wanted = (
            select(*_COLUMNS)
            .where(queue.c.waiting_ms.is_not(None), queue.c.waiting_ms <= now_ms, free)
            .order_by(queue.c.waiting_ms, queue.c.message_id)
            .limit(limit)
        )
        async with self._database.reading("queue") as connection:
            if (await connection.execute(wanted.limit(1))).first() is None:
                return []  # nearly always: nobody's write lock is taken for it
        async with self._database.writing("take due") as connection:
            rows = (await connection.execute(wanted.with_for_update(skip_locked=True))).all()
            taken = [replace(_entry(row), taken_ms=now_ms) for row in rows]
            if taken:
                mine = queue.c.message_id.in_([entry.message_id for entry in taken])
                await connection.execute(update(queue).where(mine).values(taken_ms=now_ms))
            return taken

    async def could_not(self, message_id: str, resolution: Resolution, problem: str) -> None:
        def still(entry: Entry) -> Entry | Unresolved:
            return rule.could_not(entry, problem) if entry.waiting == resolution else Unresolved.NOT_DECIDED

        await self._change(message_id, None, still)

    async def tidy(self, limit: int) -> int:
        first = select(queue.c.message_id).order_by(queue.c.due_ms, queue.c.message_id).limit(limit).subquery()
        left = (
            select(messages.c.id)
            .join(first, first.c.message_id == messages.c.id)
            .where(messages.c.state != MessageState.HELD)
        )
        async with self._database.reading("queue") as connection:
            ended = (await connection.scalars(left)).all()
        for message_id in ended:  # what was held once and is no more is never held again
            await self.drop(message_id)
        return len(ended)

    async def drop(self, message_id: str) -> None:
        async with self._database.writing("queue") as connection:
            await connection.execute(delete(queue).where(queue.c.message_id == message_id))

    async def _change(
        self,
        message_id: str,
        tenant_id: str | None,
        change: Callable[[Entry], Entry | Unresolved],
        told: Callable[[Entry], tuple[Step, By, int]] | None = None,
        *,
        only_held: bool = False,
        **fields: object,
    ) -> Entry | Unresolved:
        """Change an entry by a rule, with the audit row that tells of it. One is changed by one at a time.

        With ``only_held`` an entry whose message is not held is taken out instead.
        """
        async with self._database.writing("queue") as connection:
            wanted = select(*_COLUMNS).where(_one(message_id, tenant_id)).with_for_update()
            row = (await connection.execute(wanted)).first()
            if row is None:
                return Unresolved.NOT_HELD
            if only_held and not await _is_held(connection, message_id):
                await connection.execute(delete(queue).where(queue.c.message_id == message_id))
                return Unresolved.NOT_HELD
            before = _entry(row)
            after = change(before)
            if isinstance(after, Unresolved) or after == before:
                return after
            await _write(connection, after)
            if told is not None:
                step, by, now_ms = told(after)
                check_text(by.actor, by.reason)
                body = act_body(by, 0, after.tenant_id, step, message_id=message_id, **fields)
                about = [subject("message", message_id)]
                await record(connection, after.tenant_id, body, now_ms, about, kind=REVIEW)
            return after


class QueuePart:
    """The follower's part that lets entries come when messages are held, and go when they are not any more."""

    def __init__(self, database: Database, rules: Callable[[], Holds]) -> None:
        self._database = database
        self._rules = rules

    async def write(self, connection: AsyncConnection, happened: Sequence[Happened], now_ms: int) -> None:
        """See `gateway.adapters.sql.following.Part`."""
        steps = [each for each in happened if isinstance(each, MessageStep)]
        newest = {step.message_id: step for step in steps}
        ended = [key for key, step in newest.items() if step.after is not MessageState.HELD]
        if ended:
            await connection.execute(delete(queue).where(queue.c.message_id.in_(ended)))
        # Chains are read each for itself: what was held here may have been released in one that was read before.
        waits = select(messages.c.id).where(messages.c.id.in_(sorted(newest)), messages.c.state == MessageState.HELD)
        now_held = set((await connection.scalars(waits)).all())
        held = [step for step in newest.values() if step.after is MessageState.HELD and step.message_id in now_held]
        rows = [_row(_enter(step, step.case, self._rules())) for step in held if step.case is not None]
        if not rows:
            return
        statement = insert_or(self._database, queue)
        # What was found anew changes the order, and not what people have made of it meanwhile.
        again = {name: statement.excluded[name] for name in ("category", "due_ms", "eyes")}
        await connection.execute(statement.on_conflict_do_update(index_elements=["message_id"], set_=again), rows)


def _enter(step: MessageStep, case: Case, rules: Holds) -> Entry:
    return rule.enter(step.message_id, step.tenant_id, step.message.account_id, case, step.created_ms, rules)


def _one(message_id: str, tenant_id: str | None) -> ColumnElement[bool]:
    mine = queue.c.message_id == message_id
    return mine if tenant_id is None else and_(mine, queue.c.tenant_id == tenant_id)


def _chosen(tenant_id: str | None, category: str | None, escalated: bool | None) -> ColumnElement[bool]:
    """The part of the queue that somebody goes through."""
    wanted: list[ColumnElement[bool]] = [true()]
    if tenant_id is not None:
        wanted.append(queue.c.tenant_id == tenant_id)
    if category is not None:
        wanted.append(queue.c.category == category)
    if escalated is not None:
        wanted.append(queue.c.escalated_by.is_not(None) if escalated else queue.c.escalated_by.is_(None))
    return and_(*wanted)


def _entry(row: AnyRow) -> Entry:
    values = dict(zip(Entry.__struct_fields__, row, strict=True))
    for name in ("first", "waiting"):
        if values[name] is not None:
            values[name] = _resolution.decode(values[name])
    return Entry(**values)


def _row(entry: Entry) -> dict[str, Any]:
    values = {name: getattr(entry, name) for name in Entry.__struct_fields__}
    for name in ("first", "waiting"):
        if values[name] is not None:
            values[name] = msgspec.json.encode(values[name]).decode()
    return {**values, "first_by": entry.first.actor if entry.first is not None else None}


async def _is_held(connection: AsyncConnection, message_id: str) -> bool:
    """Whether a message is held now. It is a statement of its own, for one that waits for a lock sees other tables as
    they were before it waited."""
    state = await connection.scalar(select(messages.c.state).where(messages.c.id == message_id))
    return bool(state == MessageState.HELD)


async def _write(connection: AsyncConnection, entry: Entry) -> None:
    await connection.execute(update(queue).where(queue.c.message_id == entry.message_id).values(**_row(entry)))
