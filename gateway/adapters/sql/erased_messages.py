"""Erasing what the messages of some accounts say, in batches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy import ColumnElement, and_, bindparam, case, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.adapters.sql.engine import Database
from gateway.adapters.sql.history import record
from gateway.adapters.sql.reads import in_this_state
from gateway.adapters.sql.tables import messages
from gateway.core.audit import act_body, subject
from gateway.core.codec import decode_message, encode_message
from gateway.core.erasing import ACT, is_erased, without_content
from gateway.core.model import TERMINAL, MessageState
from gateway.core.registration import By

_SCAN: Final = 10_000
"""Messages of anybody's that are passed in one statement."""
_AT_ONCE: Final = 500
"""Messages erased in one transaction."""


async def any_wait(connection: AsyncConnection, tenant_id: str, account_ids: Sequence[str]) -> bool:
    """Whether a message of these accounts has not ended yet."""
    waiting = or_(*[in_this_state(state) for state in MessageState if state not in TERMINAL])
    wanted = select(messages.c.id).where(waiting, _of(tenant_id, account_ids)).limit(1)
    return await connection.scalar(wanted) is not None


async def erase_messages(database: Database, tenant_id: str, account_ids: Sequence[str], by: By, now_ms: int) -> int:
    """Erase what the ended messages of these accounts say, and return how many there were. After an interruption it
    goes on with those that are left."""
    erased, after = 0, ""
    while account_ids:
        async with database.reading("erase messages") as connection:
            ids = select(messages.c.id).where(messages.c.id > after).order_by(messages.c.id)
            last = await connection.scalar(ids.offset(_SCAN - 1).limit(1))
            mine = and_(_of(tenant_id, account_ids), messages.c.id > after)
            within = mine if last is None else and_(mine, messages.c.id <= last)
            found = list(await connection.scalars(select(messages.c.id).where(within).order_by(messages.c.id)))
        for start in range(0, len(found), _AT_ONCE):
            erased += await _erase(database, tenant_id, found[start : start + _AT_ONCE], by, now_ms)
        if last is None:
            break
        after = last
    return erased


async def _erase(database: Database, tenant_id: str, message_ids: Sequence[str], by: By, now_ms: int) -> int:
    async with database.writing("erase messages") as connection:
        ended = and_(messages.c.id.in_(message_ids), messages.c.state.in_(sorted(TERMINAL)))
        wanted = select(messages.c.id, messages.c.account_id, messages.c.message).where(ended).order_by(messages.c.id)
        found = [(row, decode_message(row.message)) for row in await connection.execute(wanted.with_for_update())]
        todo = [(row, message) for row, message in found if not is_erased(message)]
        if not todo:
            return 0
        values = [{"this": row.id, "to": encode_message(without_content(message)).decode()} for row, message in todo]
        # Their requests, and the upstream's answers, which may repeat what was published.
        answer = case((messages.c.upstream_body.is_(None), None), else_=b"")
        statement = update(messages).where(messages.c.id == bindparam("this"))
        await connection.execute(statement.values(message=bindparam("to"), body=b"", upstream_body=answer), values)
        body = act_body(by, 0, tenant_id, ACT, messages=[row.id for row, _ in todo])
        accounts = sorted({row.account_id for row, _ in todo})
        await record(connection, tenant_id, body, now_ms, [subject("account", each) for each in accounts])
        return len(todo)


def _of(tenant_id: str, account_ids: Sequence[str]) -> ColumnElement[bool]:
    return and_(messages.c.tenant_id == tenant_id, messages.c.account_id.in_(account_ids))
