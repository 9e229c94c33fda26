"""What follows from a wish to take a message down or to put it back: its row in the outbox.

Wishes come from decisions on reports, from people, and from appeals: what was wrongly taken down is put back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from msgspec.structs import replace
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.adapters.sql.claims import lock_heads
from gateway.adapters.sql.engine import Database
from gateway.adapters.sql.tables import counters
from gateway.adapters.sql.takedowns import keep, message_row, problem_fields, restoring, takedown_row, write_act
from gateway.core.audit import ADMINISTRATORS, APPEAL, TAKEDOWN
from gateway.core.happened import Act, Happened
from gateway.core.model import MessageState
from gateway.core.registration import By
from gateway.core.takedown_problems import Obstacle, TakedownProblem
from gateway.core.takedowns import PUBLIC, UNDER_WAY, WISHED_DOWN, Takedown, TakedownState, back, down

_GATEWAY: Final = By("gateway")
_UNKNOWN: Final = TakedownProblem(Obstacle.MESSAGE_UNKNOWN)
_NOT_PUBLIC: Final = TakedownProblem(Obstacle.NOT_PUBLISHED)


class TakedownPart:
    """See `gateway.adapters.sql.following.Part`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def write(self, connection: AsyncConnection, happened: Sequence[Happened], now_ms: int) -> None:
        """Write the rows, oldest wish first. A wish that is older than the one in the row changes nothing."""
        wishes = [act for act in happened if isinstance(act, Act) and _is_wish(act)]
        if not wishes:
            return
        # In the order in which every transaction takes these locks, before any of the rows.
        await connection.execute(select(counters.c.value).where(counters.c.name == "registry").with_for_update())
        await lock_heads(connection, ADMINISTRATORS)
        for act in wishes:
            if act.act == "TakeDown":
                await self._down(connection, act, now_ms)
            else:
                await self._back(connection, act)

    async def _down(self, connection: AsyncConnection, act: Act, now_ms: int) -> None:
        message_id, body = _text(act.body, "message_id"), act.body
        message = await message_row(connection, message_id)
        found = await takedown_row(connection, message_id)
        category, source = _text(body, "category"), _text(body, "source") or "own"
        known = message is not None and message.tenant_id == act.tenant_id
        made = Takedown(
            message_id,
            act.tenant_id,
            message.account_id if message is not None and known else _text(body, "account_id"),
            message.content_hash if message is not None and known else _text(body, "content_hash"),
            TakedownState.DUE,
            category,
            source,
            category or source,
            0,
            act.at_ms,
            act.at_ms,
        )
        if message is None or not known:
            await _failed(connection, made, _UNKNOWN, now_ms)
            return
        if found is not None and (_is_stale(act, found, found.state in WISHED_DOWN) or down(found.state) is None):
            return
        if MessageState(message.state) not in PUBLIC | UNDER_WAY:
            made = replace(made, state=TakedownState.FAILED, at_ms=now_ms, problem=_NOT_PUBLIC)
            await _failed(connection, made, _NOT_PUBLIC, now_ms)
        await keep(self._database, connection, made, found)

    async def _back(self, connection: AsyncConnection, act: Act) -> None:
        message_id = _text(act.body, "message_id")
        message = await message_row(connection, message_id)
        found = await takedown_row(connection, message_id)
        if found is None or found.tenant_id != act.tenant_id:
            return
        if message is None:
            return
        state_now = MessageState(message.state)
        if state_now not in PUBLIC and not (state_now in UNDER_WAY and found.state is TakedownState.DUE):
            return  # readers never saw it
        if (
            _is_stale(act, found, found.state not in WISHED_DOWN)
            or (state := back(found.state, found.attempts)) is None
        ):
            return
        source = "appeal" if act.kind == APPEAL else _text(act.body, "source") or "own"
        made = restoring(found, state, source, "appeal" if act.kind == APPEAL else "person", act.at_ms)
        await keep(self._database, connection, made, found)
        if state is TakedownState.CANCELLED:
            await write_act(connection, made, _GATEWAY, "Restored", act.at_ms, attempts=0)


async def _failed(connection: AsyncConnection, made: Takedown, problem: TakedownProblem, now_ms: int) -> None:
    await write_act(connection, made, _GATEWAY, "TakedownFailed", now_ms, attempts=0, **problem_fields(problem))


def _is_stale(act: Act, found: Takedown, same: bool) -> bool:
    """Whether a wish was written before: with the act itself (then it is the ``same`` wish, of this very time), or
    another one since."""
    return act.at_ms < found.asked_ms or (same and act.at_ms == found.asked_ms)


def _is_wish(act: Act) -> bool:
    match act.kind, act.act:
        case (kind, "TakeDown" | "Restore") if kind == TAKEDOWN:
            return True
        case (kind, "DecideAppeal") if kind == APPEAL:
            return act.body.get("outcome") == "reversed" and bool(act.body.get("message_id"))
    return False


def _text(body: Mapping[str, Any], name: str) -> str:
    value = body.get(name)
    return value if isinstance(value, str) else ""
