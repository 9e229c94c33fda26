"""What happened, as a ladder is tried on it: read in pages, and put in order of accounts in a temporary file, so that
no more than a page and one account's violations are in memory."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import closing
from typing import Any, Final

import orjson
from sqlalchemy import and_, func, select, tuple_

from gateway.adapters.sql import sanction_rows
from gateway.adapters.sql.dialect import AnyRow
from gateway.adapters.sql.engine import Database, edge
from gateway.adapters.sql.tables import audit, decisions, messages
from gateway.adapters.sql.tables_sanctions import incidents, sanction_records
from gateway.core import codec
from gateway.core.audit import ADMINISTRATORS, APPEAL, TAKEDOWN
from gateway.core.happened import Act, Happened, MessageStep
from gateway.core.ladder import Strike
from gateway.core.ladder_rules import RANK, Happening, Ladder
from gateway.core.model import Degree, MessageState, Outcome
from gateway.core.sanction_records import Why
from gateway.core.strikes import Reversal, reversal_of, strike_of
from gateway.ports import StoreUnavailable

_PAGE: Final = 2000
_NAMES: Final = ", ".join(Strike.__struct_fields__)
_PLACES: Final = ", ".join(["?"] * len(Strike.__struct_fields__))
_IN_ORDER: Final = f"SELECT {_NAMES} FROM strikes ORDER BY tenant_id, account_id, at_ms, incident_id"  # noqa: S608


class SqlTrial:
    """Reads what happened from a moment on (``from_ms``, unix ms), of one tenant or of all. It writes nothing."""

    def __init__(self, database: Database, tenant_id: str | None, from_ms: int) -> None:
        self._database = database
        self._tenant_id = tenant_id
        self._from_ms = from_ms

    async def strikes(self, rules: Ladder) -> AsyncIterator[Strike]:
        """What these rules hold against accounts, without what was taken back; account by account, each account's in
        order of time. Raises `StoreUnavailable`."""
        with edge("trial"), closing(sqlite3.connect("")) as spool:  # a file that SQLite deletes by itself
            spool.execute(f"CREATE TABLE strikes ({_NAMES})")
            spool.execute("CREATE INDEX strikes_by_account ON strikes (tenant_id, account_id, at_ms, incident_id)")
            reversals: list[Reversal] = []
            async for page in self._pages():
                found = [strike_of(each, f"{number:08}", rules) for number, each in enumerate(page)]
                rows = [_row(each) for each in found if each is not None]
                spool.executemany(f"INSERT INTO strikes ({_NAMES}) VALUES ({_PLACES})", rows)  # noqa: S608
                reversals += [each for each in map(reversal_of, page) if each is not None]
            for reversal in reversals:
                await self._take_back(spool, reversal)
            for strike in _in_order(spool):
                yield strike

    async def incidents(self, limit: int) -> list[Strike]:
        """See `gateway.ports.SanctionHistory`. What the ladder in force holds against nobody is among
        `strikes` only; but these are found without reading every decision."""
        wanted = (
            select(*sanction_rows.STRIKE)
            .where(incidents.c.at_ms >= self._from_ms, incidents.c.removed_ms.is_(None))
            .order_by(*[incidents.c[name] for name in ("tenant_id", "account_id", "at_ms", "incident_id")])
            .limit(limit)
        )
        if self._tenant_id is not None:
            wanted = wanted.where(incidents.c.tenant_id == self._tenant_id)
        async with self._database.reading("trial") as connection:
            return [sanction_rows.strike(row) for row in await connection.execute(wanted)]

    async def given(self, since_ms: int) -> dict[Degree, int]:
        """How many sanctions of each degree were really given or proposed since a moment, without what took the place
        of others."""
        table = sanction_records.c
        wanted = and_(table.created_ms >= since_ms, table.why != Why.APPEAL)
        if self._tenant_id is not None:
            wanted = and_(wanted, table.tenant_id == self._tenant_id)
        query = select(table.degree, func.count()).where(wanted).group_by(table.degree)
        async with self._database.reading("trial") as connection:
            return {Degree(row[0]): row[1] for row in await connection.execute(query)}

    async def strictest_given(self, tenant_id: str, account_id: str, since_ms: int) -> Degree | None:
        """The strictest degree that an account was really given, or that was proposed, since a moment."""
        table = sanction_records.c
        mine = and_(table.tenant_id == tenant_id, table.account_id == account_id, table.created_ms >= since_ms)
        async with self._database.reading("trial") as connection:
            found = [Degree(each) for each in await connection.scalars(select(table.degree).where(mine).distinct())]
        return max(found, key=RANK.__getitem__, default=None)

    async def _pages(self) -> AsyncIterator[Sequence[Happened]]:
        """Decisions that block, then acts, a page at a time."""
        key = ("", 0)
        while True:
            # Which of them block is asked first: most do not, and their cases need not be sent here.
            page = (
                select(decisions.c.message_id, decisions.c.step, decisions.c.outcome, decisions.c.at_ms)
                .where(tuple_(decisions.c.message_id, decisions.c.step) > key)
                .order_by(decisions.c.message_id, decisions.c.step)
                .limit(_PAGE)
            )
            async with self._database.reading("trial") as connection:
                rows = (await connection.execute(page)).all()
                wanted = [
                    (row.message_id, row.step)
                    for row in rows
                    if row.outcome == Outcome.BLOCK and row.at_ms >= self._from_ms
                ]
                if wanted:
                    yield [_step(row) for row in await connection.execute(self._cases(wanted))]
            if len(rows) < _PAGE:
                break
            key = (rows[-1].message_id, rows[-1].step)
        async for acts in self._acts():
            yield acts

    def _cases(self, wanted: Sequence[tuple[str, int]]) -> Any:
        found = (
            select(
                decisions.c.message_id,
                decisions.c.step,
                decisions.c.at_ms,
                decisions.c.id,
                decisions.c.case_json,
                messages.c.message,
                messages.c.created_ms,
            )
            .join(messages, messages.c.id == decisions.c.message_id)
            .where(tuple_(decisions.c.message_id, decisions.c.step).in_(wanted))
            .order_by(decisions.c.message_id, decisions.c.step)
        )
        return found if self._tenant_id is None else found.where(messages.c.tenant_id == self._tenant_id)

    async def _acts(self) -> AsyncIterator[Sequence[Happened]]:
        seq = 0
        while True:
            page = (
                select(audit.c.seq, audit.c.at_ms, audit.c.kind, audit.c.body)
                .where(audit.c.chain == ADMINISTRATORS, audit.c.seq > seq)
                .order_by(audit.c.seq)
                .limit(_PAGE)
            )
            async with self._database.reading("trial") as connection:
                rows = (await connection.execute(page)).all()
            yield [act for row in rows if row.kind in (TAKEDOWN, APPEAL) and (act := self._act(row)) is not None]
            if len(rows) < _PAGE:
                return
            seq = rows[-1].seq

    def _act(self, row: AnyRow) -> Act | None:
        body = orjson.loads(row.body)
        act = Act(row.at_ms, row.kind, body.get("act", ""), body.get("actor", ""), body.get("tenant_id", ""), body)
        return act if row.at_ms >= self._from_ms and self._tenant_id in (None, act.tenant_id) else None

    async def _take_back(self, spool: sqlite3.Connection, reversal: Reversal) -> None:
        message_id = reversal.message_id
        async with self._database.reading("trial") as connection:
            if message_id is None:
                table = sanction_records.c
                named = and_(table.tenant_id == reversal.tenant_id, table.sanction_id == reversal.sanction_id)
                message_id = await connection.scalar(select(table.message_id).where(named, table.why != Why.PERSON))
            content = await connection.scalar(select(messages.c.content_hash).where(messages.c.id == message_id))
        spool.execute(
            "DELETE FROM strikes WHERE tenant_id = ? AND account_id = ? AND (message_id = ? OR content_hash = ?)",
            (reversal.tenant_id, reversal.account_id, message_id, content or message_id),
        )


def _step(row: AnyRow) -> MessageStep:
    first = row.step == 1
    try:
        return MessageStep(
            at_ms=row.at_ms,
            message_id=row.message_id,
            before=None if first else MessageState.HELD,
            after=MessageState.BLOCKED if first else MessageState.REJECTED,
            actor="",
            note="",
            message=codec.decode_message(row.message),
            created_ms=row.created_ms,
            decision_id=row.id,
            case=codec.decode_case(row.case_json),
        )
    except ValueError as error:
        raise StoreUnavailable(f"a decision on {row.message_id} cannot be read back") from error


def _row(strike: Strike) -> tuple[Any, ...]:
    return tuple([getattr(strike, name) for name in Strike.__struct_fields__])


def _in_order(spool: sqlite3.Connection) -> Iterator[Strike]:
    for row in spool.execute(_IN_ORDER):
        values = dict(zip(Strike.__struct_fields__, row, strict=True))
        yield Strike(**{**values, "happening": Happening(values["happening"])})
