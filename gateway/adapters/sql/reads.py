"""Reading what was written: messages, cases, audit rows."""

from __future__ import annotations

from collections.abc import AsyncIterator
from hashlib import sha256
from itertools import takewhile
from typing import Final

from sqlalchemy import ColumnElement, String, and_, bindparam, func, literal, select, text

from gateway.adapters.sql.dialect import AnyRow, AnySelect
from gateway.adapters.sql.engine import Database
from gateway.adapters.sql.tables import NOT_PUBLISHED, WAITS, audit, chains, cursors, decisions, messages
from gateway.core import codec
from gateway.core.erasing import ERASED, is_erased
from gateway.core.model import Case, MessageState, Outcome
from gateway.core.records import AuditRow, Owner, Request, Stored, UpstreamAnswer, Written
from gateway.ports import StoreUnavailable

_PAGE: Final = 1000
"""Audit rows read at a time."""

STORED: Final = select(
    messages.c.id,
    messages.c.decision_id,
    messages.c.message,
    messages.c.body,
    messages.c.content_type,
    messages.c.state,
    messages.c.forwards,
    decisions.c.case_json,
    messages.c.created_ms,
    messages.c.updated_ms,
    messages.c.fingerprint,
    messages.c.upstream_status,
    messages.c.upstream_body,
    messages.c.upstream_content_type,
    messages.c.steps,
).join_from(messages, decisions, and_(decisions.c.message_id == messages.c.id, decisions.c.step == 1))
"""What `stored` reads: a message with its first case."""


_AUDIT: Final[AnySelect] = select(*[column for column in audit.c if column.name != "step"])


def stored(row: AnyRow) -> Stored:
    """The message in a row of `STORED`. Raises `StoreUnavailable` for one that cannot be read back."""
    try:
        return Stored(
            message_id=row[0],
            decision_id=row[1],
            message=codec.decode_message(row[2]),
            request=Request(row[3], row[4]),
            state=MessageState(row[5]),
            forwards=row[6],
            first=codec.decode_case(row[7]),
            created_ms=row[8],
            updated_ms=row[9],
            fingerprint=row[10],
            upstream=None if row[11] is None else UpstreamAnswer(row[11], row[12], row[13]),
            steps=row[14],
        )
    except ValueError as error:
        raise StoreUnavailable(f"message {row[0]} cannot be read back") from error


def _is_erased(message_json: str) -> bool:
    # Nearly none has the mark, and all are read.
    return f'"{ERASED}"' in message_json and is_erased(codec.decode_message(message_json))


def unannounced(chain: int, limit: int) -> AnySelect:
    """The first rows of a chain that are not announced, in order, each with its step."""
    # The cursor of this chain, not that of each row's: the database looks it up once and begins to read there.
    cursor = select(cursors.c.announced).where(cursors.c.chain == chain).scalar_subquery()
    new = and_(audit.c.chain == chain, audit.c.seq > func.coalesce(cursor, 0))
    return _AUDIT.add_columns(audit.c.step).where(new).order_by(audit.c.seq).limit(limit)


def in_this_state(state: MessageState) -> ColumnElement[bool]:
    """The condition for a state, in the form that lets a partial index serve it: the state is part of the text."""
    # Bound as a parameter, the state would be unknown when the database plans, and the index would not do.
    this = bindparam("state", str(state), String, literal_execute=True, unique=True)
    if state is MessageState.PUBLISHED:
        return messages.c.state == this
    return and_(messages.c.state == this, NOT_PUBLISHED)


class Reads:
    """The half of the store that changes nothing."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def message(self, message_id: str, tenant_id: str | None = None) -> Stored | None:
        """See `gateway.ports.Store`, as for every method below."""
        return await self._one(_of(tenant_id, STORED.where(messages.c.id == message_id)))

    async def message_of_decision(self, decision_id: str, tenant_id: str | None = None) -> Stored | None:
        owner = select(decisions.c.message_id).where(decisions.c.id == decision_id).scalar_subquery()
        return await self._one(_of(tenant_id, STORED.where(messages.c.id == owner)))

    async def has_silent_holds(self) -> bool:
        return bool(await self._all(select(literal(1)).select_from(messages).where(WAITS).limit(1)))

    async def cases(self, message_id: str) -> list[tuple[str, Case]]:
        rows = await self._all(
            select(decisions.c.id, decisions.c.case_json)
            .where(decisions.c.message_id == message_id)
            .order_by(decisions.c.step)
        )
        try:
            return [(row[0], codec.decode_case(row[1])) for row in rows]
        except ValueError as error:
            raise StoreUnavailable(f"a decision on {message_id} cannot be read back") from error

    async def written(self, after: str = "", limit: int = 1, only: str | None = None) -> list[Written]:
        wanted = messages.c.id > after if only is None else messages.c.id == only
        columns = (messages.c.id, messages.c.state, messages.c.content_hash, messages.c.message)
        found = await self._all(select(*columns).where(wanted).order_by(messages.c.id).limit(limit))
        columns = (decisions.c.message_id, decisions.c.id, decisions.c.case_json, decisions.c.outcome)
        of = decisions.c.message_id.in_([row[0] for row in found])
        cases: dict[str, list[tuple[str, str, Outcome]]] = {}
        for message_id, decision_id, case_json, outcome in await self._all(select(*columns).where(of)):
            decided = (decision_id, sha256(case_json.encode()).hexdigest(), Outcome(outcome))
            cases.setdefault(message_id, []).append(decided)
        return [
            Written(
                message_id,
                MessageState(state),
                content_hash,
                sha256(message.encode()).hexdigest(),
                tuple(cases.get(message_id, ())),
                _is_erased(message),
            )
            for message_id, state, content_hash, message in found
        ]

    async def history(self, message_id: str) -> list[AuditRow]:
        rows = await self._all(_AUDIT.where(audit.c.message_id == message_id).order_by(audit.c.step))
        return [AuditRow(*row) for row in rows]

    async def in_state(self, state: MessageState, limit: int, tenant_id: str | None = None) -> list[Stored]:
        query = STORED.where(in_this_state(state)).order_by(messages.c.created_ms, messages.c.id).limit(limit)
        return [stored(row) for row in await self._all(_of(tenant_id, query))]

    async def forwarding(self, owner: Owner) -> list[Stored]:
        mine = and_(messages.c.owner_slot == owner.slot, messages.c.owner_epoch == owner.epoch)
        query = STORED.where(in_this_state(MessageState.FORWARDING), mine).order_by(messages.c.created_ms)
        return [stored(row) for row in await self._all(query)]

    async def count(self, state: MessageState) -> tuple[int, int | None]:
        rows = await self._all(select(func.count(), func.min(messages.c.created_ms)).where(in_this_state(state)))
        return rows[0][0], rows[0][1]

    async def since(self, state: MessageState) -> tuple[int, int | None]:
        rows = await self._all(select(func.count(), func.min(messages.c.updated_ms)).where(in_this_state(state)))
        return rows[0][0], rows[0][1]

    async def waiting(self) -> dict[str, tuple[int, int]]:
        size = func.sum(func.length(messages.c.body))
        query = select(messages.c.tenant_id, func.count(), size).where(in_this_state(MessageState.HELD))
        rows = await self._all(query.group_by(messages.c.tenant_id))
        return {tenant_id: (number, int(total)) for tenant_id, number, total in rows}

    async def audit(self) -> AsyncIterator[AuditRow]:
        place = (-(2**31), 0)
        while rows := await self._all(
            _AUDIT.where(text("(chain, seq) > (:chain, :seq)").bindparams(chain=place[0], seq=place[1]))
            .order_by(audit.c.chain, audit.c.seq)
            .limit(_PAGE)
        ):
            for row in rows:
                yield AuditRow(*row)
            place = (rows[-1].chain, rows[-1].seq)

    async def heads(self) -> dict[int, tuple[int, str]]:
        rows = await self._all(select(chains.c.slot, chains.c.seq, chains.c.hash).where(chains.c.seq > 0))
        return {row[0]: (row[1], row[2]) for row in rows}

    async def events(self, chain: int, limit: int) -> list[AuditRow]:
        rows = await self._all(unannounced(chain, limit))
        about = {row.message_id for row in rows if row.message_id}
        if not about:
            return [AuditRow(*row[:-1]) for row in rows]
        cursor = select(cursors.c.announced).where(cursors.c.chain == audit.c.chain).scalar_subquery()
        elsewhere = await self._all(
            select(audit.c.message_id, func.min(audit.c.step))
            .where(audit.c.message_id.in_(about), audit.c.chain != chain, audit.c.seq > func.coalesce(cursor, 0))
            .group_by(audit.c.message_id)
        )
        first = {row[0]: row[1] for row in elsewhere}
        ready = takewhile(lambda row: row.step <= first.get(row.message_id, row.step), rows)
        return [AuditRow(*row[:-1]) for row in ready]

    async def _one(self, query: AnySelect) -> Stored | None:
        rows = await self._all(query)
        return stored(rows[0]) if rows else None

    async def _all(self, query: AnySelect) -> list[AnyRow]:
        async with self._database.reading("read") as connection:
            return list((await connection.execute(query)).all())


def _of(tenant_id: str | None, query: AnySelect) -> AnySelect:
    return query if tenant_id is None else query.where(messages.c.tenant_id == tenant_id)
