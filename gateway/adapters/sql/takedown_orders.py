"""The outbox of what is to be taken down or put back: each is taken by one process at a time, which has it for a
while."""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace
from sqlalchemy import ColumnElement, String, and_, bindparam, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.adapters.sql.claims import lock_heads
from gateway.adapters.sql.engine import Database
from gateway.adapters.sql.tables import messages, tenants
from gateway.adapters.sql.tables_takedowns import takedowns
from gateway.adapters.sql.takedowns import COLUMNS, problem_fields, takedown_of, write_act
from gateway.core.audit import ADMINISTRATORS
from gateway.core.records import SEALED, UpstreamAnswer
from gateway.core.registration import By
from gateway.core.takedown_problems import TakedownProblem, encoded
from gateway.core.takedowns import UNDER_WAY, WAITING, Takedown, TakedownState
from gateway.ports import Order

_GATEWAY: Final = By("gateway")

_WAITS: Final = takedowns.c.state.in_(
    bindparam("waiting", sorted(WAITING), String, expanding=True, literal_execute=True, unique=True)
)
"""The predicate of the index over these. Bound as parameters, the states would be unknown when the database plans."""

_DONE: Final = {TakedownState.DUE: TakedownState.DONE, TakedownState.RESTORE_DUE: TakedownState.RESTORED}
_GIVEN_UP: Final = {TakedownState.DUE: TakedownState.FAILED, TakedownState.RESTORE_DUE: TakedownState.RESTORE_FAILED}
_ACTS: Final = {
    TakedownState.DONE: "TakenDown",
    TakedownState.FAILED: "TakedownFailed",
    TakedownState.RESTORED: "Restored",
    TakedownState.RESTORE_FAILED: "RestoreFailed",
}


class SqlOrders:
    """See `gateway.ports.Orders`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def claim(self, now_ms: int, lease_ms: int, limit: int) -> list[Order]:
        """See `gateway.ports.Orders`, as for every method below."""
        due = (
            select(
                *COLUMNS,
                messages.c.content_type.label("sent_as"),
                messages.c.upstream_status,
                messages.c.upstream_body,
                messages.c.upstream_content_type,
                messages.c.handle,
                tenants.c.takedown_url,
                tenants.c.upstream_token_env,
            )
            .join(messages, messages.c.id == takedowns.c.message_id)
            .join(tenants, tenants.c.tenant_id == takedowns.c.tenant_id)
            .where(_WAITS, takedowns.c.due_ms <= now_ms, messages.c.state.not_in(sorted(UNDER_WAY)))
            .order_by(takedowns.c.due_ms, takedowns.c.message_id)
            .limit(limit)
        )
        async with self._database.reading("takedowns") as connection:
            if (await connection.execute(due.limit(1))).first() is None:
                return []  # nearly always: nobody's write lock is taken for it
        async with self._database.writing("claim takedowns") as connection:
            rows = (await connection.execute(due.with_for_update(of=takedowns, skip_locked=True))).all()
            if rows:
                await connection.execute(
                    update(takedowns)
                    .where(takedowns.c.message_id.in_([row.message_id for row in rows]))
                    .values(attempts=takedowns.c.attempts + 1, due_ms=now_ms + lease_ms)
                )
        orders = []
        for row in rows:
            answered = None
            if row.upstream_status is not None:
                answered = UpstreamAnswer(row.upstream_status, row.upstream_body, row.upstream_content_type)
            orders.append(
                Order(
                    takedown=replace(takedown_of(row), attempts=row.attempts + 1),
                    listened=row.sent_as == SEALED,
                    url=row.takedown_url,
                    token_env=row.upstream_token_env,
                    upstream=answered,
                    handle=row.handle,
                )
            )
        return orders

    async def done(self, takedown: Takedown, now_ms: int) -> None:
        await self._end(takedown, _DONE[takedown.state], None, now_ms)

    async def put_off(self, takedown: Takedown, due_ms: int, problem: TakedownProblem) -> None:
        async with self._database.writing("takedown") as connection:
            await connection.execute(
                update(takedowns).where(_this(takedown)).values(due_ms=due_ms, problem=encoded(problem))
            )

    async def given_up(self, takedown: Takedown, problem: TakedownProblem, now_ms: int) -> None:
        await self._end(takedown, _GIVEN_UP[takedown.state], problem, now_ms)

    async def waiting(self) -> tuple[int, int | None]:
        async with self._database.reading("takedowns") as connection:
            found = await connection.execute(
                select(func.count(), func.min(takedowns.c.asked_ms)).select_from(takedowns).where(_WAITS)
            )
            row = found.one()
            return row[0], row[1]

    async def _end(
        self, takedown: Takedown, state: TakedownState, problem: TakedownProblem | None, now_ms: int
    ) -> None:
        async with self._database.writing("takedown") as connection:
            await lock_heads(connection, ADMINISTRATORS)
            ended = await connection.execute(
                update(takedowns).where(_this(takedown)).values(state=state, at_ms=now_ms, problem=encoded(problem))
            )
            if ended.rowcount:
                fields = {"attempts": takedown.attempts, **problem_fields(problem)}
                await write_act(connection, takedown, _GATEWAY, _ACTS[state], now_ms, **fields)
            else:
                await _hurry(connection, takedown, now_ms)


def _this(takedown: Takedown) -> ColumnElement[bool]:
    """The row, if neither the wish has changed nor another process taken it up since this attempt began."""
    return and_(
        takedowns.c.message_id == takedown.message_id,
        takedowns.c.asked_ms == takedown.asked_ms,
        takedowns.c.attempts == takedown.attempts,
        takedowns.c.state == takedown.state,
    )


async def _hurry(connection: AsyncConnection, takedown: Takedown, now_ms: int) -> None:
    """Nothing is under way any more: a wish that was made during the attempt, and waits for its end, is due."""
    await connection.execute(
        update(takedowns)
        .where(
            takedowns.c.message_id == takedown.message_id,
            takedowns.c.asked_ms > takedown.asked_ms,
            takedowns.c.attempts == 0,
            takedowns.c.state.in_(sorted(WAITING)),
            takedowns.c.due_ms > now_ms,
        )
        .values(due_ms=now_ms)
    )
