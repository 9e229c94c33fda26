"""What people ask to have taken down or put back, and where it stands."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import func, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.adapters.sql.claims import lock_heads
from gateway.adapters.sql.dialect import AnyRow, put
from gateway.adapters.sql.engine import Database
from gateway.adapters.sql.history import record
from gateway.adapters.sql.tables import messages
from gateway.adapters.sql.tables_takedowns import FAILED, WAITS, takedowns
from gateway.core.audit import ADMINISTRATORS, TAKEDOWN, act_body, subject
from gateway.core.model import MessageState
from gateway.core.registration import By
from gateway.core.takedown_problems import TakedownProblem, decoded, encoded
from gateway.core.takedowns import PUBLIC, Takedown, TakedownRefused, TakedownState, back, down

COLUMNS: Final = tuple([takedowns.c[name] for name in Takedown.__struct_fields__])
"""What `takedown_of` reads."""


class SqlTakedowns:
    """See `gateway.ports.Takedowns`. The row is written with the act, so whoever asks sees it at once; the part that
    follows acts finds it there."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def take_down(
        self, tenant_id: str, message_id: str, category: str, by: By, now_ms: int
    ) -> Takedown | TakedownRefused:
        """See `gateway.ports.Takedowns`, as for every method below."""
        async with self._database.writing("take down") as connection:
            await lock_heads(connection, ADMINISTRATORS)
            message = await message_row(connection, message_id)
            if message is None or message.tenant_id != tenant_id:
                return TakedownRefused.MESSAGE_UNKNOWN
            if MessageState(message.state) not in PUBLIC:
                return TakedownRefused.NOT_PUBLIC
            found = await takedown_row(connection, message_id)
            state = down(found.state if found else None)
            if found is not None and state is None:
                return found
            at_ms = later(found, now_ms)
            made = Takedown(
                message_id,
                tenant_id,
                message.account_id,
                message.content_hash,
                TakedownState.DUE,
                category,
                "own",
                category,
                0,
                at_ms,
                at_ms,
            )
            await keep(self._database, connection, made, found)
            await _record(connection, made, by, "TakeDown")
            return made

    async def restore(self, tenant_id: str, message_id: str, by: By, now_ms: int) -> Takedown | TakedownRefused:
        async with self._database.writing("restore") as connection:
            await lock_heads(connection, ADMINISTRATORS)
            message = await message_row(connection, message_id)
            if message is None or message.tenant_id != tenant_id:
                return TakedownRefused.MESSAGE_UNKNOWN
            found = await takedown_row(connection, message_id)
            if found is None or MessageState(message.state) not in PUBLIC:
                return TakedownRefused.NOT_TAKEN_DOWN
            state = back(found.state, found.attempts)
            if state is None:
                return found
            made = restoring(found, state, "own", "person", later(found, now_ms))
            await keep(self._database, connection, made, found)
            await _record(connection, made, by, "Restore")
            return made

    async def of_message(self, tenant_id: str, message_id: str) -> Takedown | None:
        wanted = select(*COLUMNS).where(takedowns.c.message_id == message_id, takedowns.c.tenant_id == tenant_id)
        async with self._database.reading("takedown") as connection:
            row = (await connection.execute(wanted)).first()
        return None if row is None else takedown_of(row)

    async def takedowns(self, tenant_id: str | None, after: str, limit: int, failed: bool = False) -> list[Takedown]:
        wanted = select(*COLUMNS).where(takedowns.c.message_id > after).order_by(takedowns.c.message_id).limit(limit)
        if tenant_id is not None:
            wanted = wanted.where(takedowns.c.tenant_id == tenant_id)
        async with self._database.reading("takedowns") as connection:
            rows = await connection.execute(wanted.where(FAILED) if failed else wanted)
            return [takedown_of(row) for row in rows]

    async def unfinished(
        self, tenant_id: str | None, after: tuple[int, str], limit: int, failed: bool | None = None
    ) -> list[Takedown]:
        place = (takedowns.c.asked_ms, takedowns.c.message_id)
        which = or_(WAITS, FAILED) if failed is None else FAILED if failed else WAITS
        wanted = select(*COLUMNS).where(which, tuple_(*place) > tuple_(*after)).order_by(*place).limit(limit)
        if tenant_id is not None:
            wanted = wanted.where(takedowns.c.tenant_id == tenant_id)
        async with self._database.reading("takedowns") as connection:
            return [takedown_of(row) for row in await connection.execute(wanted)]

    async def count(self, tenant_id: str | None) -> tuple[int, int]:
        numbers = []
        async with self._database.reading("takedowns") as connection:
            for which in (WAITS, FAILED):
                wanted = select(func.count()).select_from(takedowns).where(which)
                if tenant_id is not None:
                    wanted = wanted.where(takedowns.c.tenant_id == tenant_id)
                numbers.append((await connection.execute(wanted)).scalar_one())
        return numbers[0], numbers[1]


async def message_row(connection: AsyncConnection, message_id: str) -> AnyRow | None:
    """Whose a message is, what it is, and where."""
    found = await connection.execute(
        select(messages.c.tenant_id, messages.c.account_id, messages.c.content_hash, messages.c.state).where(
            messages.c.id == message_id
        )
    )
    return found.first()


async def takedown_row(connection: AsyncConnection, message_id: str) -> Takedown | None:
    """A message's, locked until the transaction ends."""
    wanted = select(*COLUMNS).where(takedowns.c.message_id == message_id).with_for_update()
    row = (await connection.execute(wanted)).first()
    return None if row is None else takedown_of(row)


def takedown_of(row: AnyRow) -> Takedown:
    """The value in a row with `COLUMNS`."""
    values: dict[str, Any] = {column.name: getattr(row, column.name) for column in COLUMNS}
    read = {"state": TakedownState(row.state), "problem": decoded(row.problem)}
    return Takedown(**{**values, **read})


def later(found: Takedown | None, now_ms: int) -> int:
    """The time of a new wish: after the one before, whatever the clocks of two processes say."""
    return now_ms if found is None else max(now_ms, found.asked_ms + 1)


def restoring(found: Takedown, state: TakedownState, source: str, reason: str, at_ms: int) -> Takedown:
    """The same message's, once it is to be put back."""
    return Takedown(
        found.message_id,
        found.tenant_id,
        found.account_id,
        found.content_hash,
        state,
        found.category,
        source,
        reason,
        0,
        at_ms,
        at_ms,
    )


async def keep(database: Database, connection: AsyncConnection, made: Takedown, before: Takedown | None) -> None:
    """Write a new wish. If an attempt for the one before may be under way, this is not begun until it has ended:
    of two that overtook one another nobody could say which came last."""
    values = {name: getattr(made, name) for name in Takedown.__struct_fields__}
    due_ms = made.at_ms
    if before is not None:
        under_way = await connection.scalar(select(takedowns.c.due_ms).where(takedowns.c.message_id == made.message_id))
        if before.state in (TakedownState.DUE, TakedownState.RESTORE_DUE) and before.attempts:
            due_ms = max(due_ms, under_way or 0)
    values |= {"problem": encoded(made.problem), "due_ms": due_ms}
    await connection.execute(put(database, takedowns, values))


async def write_act(
    connection: AsyncConnection, takedown: Takedown, by: By, act: str, at_ms: int, **fields: object
) -> None:
    """Append the audit row of an act about a message, in its history and its account's."""
    body = act_body(
        by,
        0,
        takedown.tenant_id,
        act,
        account_id=takedown.account_id,
        message_id=takedown.message_id,
        content_hash=takedown.content_hash,
        category=takedown.category or None,
        source=takedown.source,
        **fields,
    )
    subjects = [subject("account", takedown.account_id), subject("message", takedown.message_id)]
    await record(connection, takedown.tenant_id, body, at_ms, subjects, TAKEDOWN)


def problem_fields(problem: TakedownProblem | None) -> dict[str, object]:
    """What an audit row says of what went wrong: in codes, for readers of any language."""
    return {} if problem is None else {"problem_code": problem.code.value, "problem_values": dict(problem.values)}


async def _record(connection: AsyncConnection, made: Takedown, by: By, act: str) -> None:
    await write_act(connection, made, by, act, made.asked_ms, report_id=None, automatic=False)
