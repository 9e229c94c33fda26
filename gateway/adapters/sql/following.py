"""Follows the audit chains, and writes what comes of each row in one transaction with how far it has read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol

import orjson
from sqlalchemy import and_, bindparam, func, or_, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.adapters.sql.dialect import AnyRow, insert_new
from gateway.adapters.sql.engine import Database
from gateway.adapters.sql.tables import audit, chains, decisions, followed, messages
from gateway.core import codec
from gateway.core.audit import DECISION, FOLLOWED, TRANSITION
from gateway.core.happened import Act, Happened, MessageStep
from gateway.core.model import MessageState
from gateway.ports import StoreUnavailable

_AT_ONCE: Final = 200
"""Rows whose aftermath is written in one transaction."""
_CHARACTERS: Final = 4_000_000
"""Characters of the messages that these are about: each is read and taken apart, several times where it has several
steps."""

# Bodies are canonical JSON, and quotes within its strings are escaped, so these can only be members. Most messages are
# allowed and published: the database passes their rows over, and they are not sent here to be found out.
_STOPPED: Final = or_(audit.c.body.contains('"state":"held"'), audit.c.body.contains('"state":"blocked"'))
_RESOLVED: Final = or_(audit.c.body.contains('"from":"held"'), audit.c.body.contains('"decision":'))
TELLING: Final = or_(
    and_(audit.c.kind == DECISION, _STOPPED),
    and_(audit.c.kind == TRANSITION, _RESOLVED),
    audit.c.kind.in_(sorted(FOLLOWED)),
)
"""The condition of the rows that tell of something with an aftermath."""


class Part(Protocol):
    """One kind of aftermath."""

    async def write(self, connection: AsyncConnection, happened: Sequence[Happened], now_ms: int) -> None:
        """Write what follows from these, oldest first. Whatever it raises undoes the other parts' writes too, and all
        is tried again: so nothing may be raised for a row that will never be otherwise."""


class SqlFollower:
    """See `gateway.ports.Follower`. ``parts`` write in their order. Of messages with more than ``characters`` together
    one transaction takes the first ones, at least one."""

    def __init__(self, database: Database, parts: Sequence[Part], characters: int = _CHARACTERS) -> None:
        self._database = database
        self._parts = parts
        self._characters = characters

    async def follow(self, chain: int, now_ms: int) -> bool:
        """See `gateway.ports.Follower`."""
        async with self._database.reading("follow") as connection:
            if await _place(connection, chain) >= await _head(connection, chain):
                return False  # nearly always: nobody's lock is taken for it
        async with self._database.writing("follow") as connection:
            await connection.execute(insert_new(self._database, followed).values(chain=chain, seq=0))
            place = await _place(connection, chain, lock=True)
            # The head first: the rows up to it are committed.
            head = await _head(connection, chain)
            found = await connection.execute(
                select(audit.c.seq, audit.c.at_ms, audit.c.kind, audit.c.message_id, audit.c.body, audit.c.step)
                .where(audit.c.chain == chain, audit.c.seq > place, audit.c.seq <= head, TELLING)
                .order_by(audit.c.seq)
                .limit(_AT_ONCE)
            )
            all_rows = found.all()
            rows = await self._fitting(connection, all_rows)
            happened = await happened_in(connection, rows)
            if happened:
                for part in self._parts:
                    await part.write(connection, happened, now_ms)
            more = len(rows) < len(all_rows) or len(rows) == _AT_ONCE
            read = rows[-1].seq if more else head
            await connection.execute(update(followed).where(followed.c.chain == chain).values(seq=read))
        return more

    async def _fitting(self, connection: AsyncConnection, rows: Sequence[AnyRow]) -> list[AnyRow]:
        """The first of these rows whose messages are not too much at once."""
        about = sorted({row.message_id for row in rows if row.message_id})
        lengths = select(messages.c.id, func.length(messages.c.message)).where(messages.c.id.in_(about))
        length_of = {row[0]: row[1] for row in await connection.execute(lengths)}
        fitting: list[AnyRow] = []
        total = 0
        for row in rows:
            total += length_of.get(row.message_id, 0)
            if fitting and total > self._characters:
                break
            fitting.append(row)
        return fitting


async def _place(connection: AsyncConnection, chain: int, lock: bool = False) -> int:
    wanted = select(followed.c.seq).where(followed.c.chain == chain)
    return await connection.scalar(wanted.with_for_update() if lock else wanted) or 0


async def _head(connection: AsyncConnection, chain: int) -> int:
    return await connection.scalar(select(chains.c.seq).where(chains.c.slot == chain)) or 0


async def happened_in(connection: AsyncConnection, rows: Sequence[AnyRow]) -> list[Happened]:
    """What these audit rows tell, in their order. Raises `StoreUnavailable`."""
    about = sorted({row.message_id for row in rows if row.message_id})
    kept = await connection.execute(
        select(messages.c.id, messages.c.message, messages.c.created_ms).where(messages.c.id.in_(about))
    )
    of_messages = {row.id: row for row in kept}
    steps = [(row.message_id, row.step) for row in rows if row.message_id]
    taken = await connection.execute(
        select(decisions.c.message_id, decisions.c.step, decisions.c.id, decisions.c.case_json).where(
            tuple_(decisions.c.message_id, decisions.c.step).in_(bindparam("steps", steps, expanding=True))
        )
    )
    of_decisions = {(row.message_id, row.step): row for row in taken}
    happened: list[Happened] = []
    for row in rows:
        body = orjson.loads(row.body)
        if not row.message_id:
            happened.append(
                Act(row.at_ms, row.kind, body.get("act", ""), body.get("actor", ""), body.get("tenant_id", ""), body)
            )
        elif row.message_id in of_messages:
            decision = of_decisions.get((row.message_id, row.step))
            happened.append(_step(row, body, of_messages[row.message_id], decision))
    return happened


def _step(row: AnyRow, body: Mapping[str, Any], kept: AnyRow, decision: AnyRow | None) -> MessageStep:
    new = row.kind == DECISION
    try:
        return MessageStep(
            at_ms=row.at_ms,
            message_id=row.message_id,
            before=None if new else MessageState(body["from"]),
            after=MessageState(body["state" if new else "to"]),
            actor="gateway" if new else body["actor"],
            note="" if new else body["note"],
            message=codec.decode_message(kept.message),
            created_ms=kept.created_ms,
            decision_id=decision.id if decision is not None else None,
            case=codec.decode_case(decision.case_json) if decision is not None else None,
        )
    except (KeyError, ValueError) as error:
        raise StoreUnavailable(f"what happened to message {row.message_id} cannot be read back") from error
