"""The console's sessions, passwords and tries, in tables."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import and_, case, delete, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.adapters.sql.dialect import insert_or, put
from gateway.adapters.sql.engine import Database
from gateway.adapters.sql.history import record
from gateway.adapters.sql.tables_console import passwords, sessions, tries
from gateway.adapters.sql.tables_register import operators
from gateway.adapters.sql.writes import check_text
from gateway.core.audit import act_body
from gateway.core.operators import Operator, Role
from gateway.core.registration import By
from gateway.core.sessions import SESSIONS, Lifetimes, Session, Tries
from gateway.ports.sessions import SignedIn

_OPERATOR = (operators.c.name, operators.c.role, operators.c.tenant_id)


class SqlSessions:
    """See `gateway.ports.sessions.Sessions`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, token_hash: str) -> SignedIn | None:
        """See `gateway.ports.sessions.Sessions`, as for every method below."""
        wanted = (
            select(*_OPERATOR, sessions.c.created_ms, sessions.c.seen_ms)
            .join_from(sessions, operators, operators.c.name == sessions.c.name)
            .where(sessions.c.token_hash == token_hash)
        )
        async with self._database.reading_for_strangers("session") as connection:
            row = (await connection.execute(wanted)).first()
        if row is None:
            return None
        return SignedIn(Session(row[0], row[3], row[4]), Operator(row[0], Role(row[1]), row[2]))

    async def begin(self, name: str, token_hash: str, way: str, now_ms: int) -> bool:
        async with self._database.writing("begin session") as connection:
            operator = await _operator(connection, name, stays=True)
            if operator is None:
                return False
            values = {"token_hash": token_hash, "name": name, "created_ms": now_ms, "seen_ms": now_ms}
            await connection.execute(insert(sessions).values(**values))
            newest = (
                select(sessions.c.token_hash)
                .where(sessions.c.name == name)
                .order_by(sessions.c.created_ms.desc(), sessions.c.token_hash)
                .limit(SESSIONS)
            )
            kept = [row.token_hash for row in await connection.execute(newest)]
            await connection.execute(
                delete(sessions).where(sessions.c.name == name, sessions.c.token_hash.not_in([*kept, token_hash]))
            )
            body = act_body(By(name, way), 0, operator.tenant_id or "", "SignIn", role=operator.role)
            await record(connection, operator.tenant_id or "", body, now_ms)
            return True

    async def touch(self, token_hash: str, now_ms: int) -> None:
        async with self._database.writing("touch session") as connection:
            await connection.execute(
                update(sessions)
                .where(sessions.c.token_hash == token_hash, sessions.c.seen_ms < now_ms)
                .values(seen_ms=now_ms)
            )

    async def end(self, token_hash: str) -> None:
        async with self._database.writing("end session") as connection:
            await connection.execute(delete(sessions).where(sessions.c.token_hash == token_hash))

    async def end_others(self, name: str, but: str) -> int:
        async with self._database.writing("end sessions") as connection:
            return await _end(connection, name, but)

    async def sweep(self, lifetimes: Lifetimes, tries_: Tries, now_ms: int) -> None:
        ended = or_(
            sessions.c.seen_ms <= now_ms - lifetimes.idle_ms,
            sessions.c.created_ms <= now_ms - lifetimes.absolute_ms,
        )
        async with self._database.writing("sweep sessions") as connection:
            await connection.execute(delete(sessions).where(ended))
            await connection.execute(delete(tries).where(tries.c.since_ms <= now_ms - tries_.window_ms))

    async def operator(self, name: str) -> Operator | None:
        check_text(name)
        async with self._database.reading_for_strangers("operator") as connection:
            return await _operator(connection, name)

    async def password(self, name: str) -> str | None:
        check_text(name)
        wanted = (
            select(passwords.c.password_hash)
            .join_from(passwords, operators, operators.c.name == passwords.c.name)
            .where(passwords.c.name == name)
        )
        async with self._database.reading_for_strangers("password") as connection:
            found: str | None = await connection.scalar(wanted)
        return found

    async def set_password(self, name: str, password_hash: str, by: By, now_ms: int, keep: str = "") -> bool:
        check_text(name, by.actor, by.reason)
        async with self._database.writing("set password") as connection:
            operator = await _operator(connection, name, stays=True)
            if operator is None:
                return False
            values = {"name": name, "password_hash": password_hash, "changed_ms": now_ms}
            await connection.execute(put(self._database, passwords, values))
            await _end(connection, name, keep)
            body = act_body(by, 0, operator.tenant_id or "", "SetPassword", operator=name)
            await record(connection, operator.tenant_id or "", body, now_ms)
            return True

    async def count(self, what: Sequence[tuple[str, int]], window_ms: int, now_ms: int) -> bool:
        async with self._database.writing("count tries") as connection:
            for key, limit in what:
                first = insert_or(self._database, tries).values(what=key, tried=1, since_ms=now_ms)
                over = tries.c.since_ms <= now_ms - window_ms
                again = first.on_conflict_do_update(
                    index_elements=["what"],
                    # No number grows without end, and no try beyond the limit makes the window longer.
                    set_={
                        "tried": case((over, 1), (tries.c.tried > limit, tries.c.tried), else_=tries.c.tried + 1),
                        "since_ms": case((over, now_ms), else_=tries.c.since_ms),
                    },
                ).returning(tries.c.tried)
                tried: int = (await connection.execute(again)).scalar_one()
                if tried > limit:
                    return False
        return True

    async def forgive(self, what: str) -> None:
        async with self._database.writing("forget tries") as connection:
            await connection.execute(delete(tries).where(tries.c.what == what))


async def forget_operator(connection: AsyncConnection, name: str) -> None:
    """What goes with an operator: its sessions and its password. A later one of the same name is another."""
    await connection.execute(delete(sessions).where(sessions.c.name == name))
    await connection.execute(delete(passwords).where(passwords.c.name == name))


async def _operator(connection: AsyncConnection, name: str, *, stays: bool = False) -> Operator | None:
    """An operator; with ``stays`` it is not revoked before this transaction ends, which would leave behind what a later
    operator of the same name finds."""
    wanted = select(*_OPERATOR).where(operators.c.name == name)
    row = (await connection.execute(wanted.with_for_update() if stays else wanted)).first()
    return None if row is None else Operator(row[0], Role(row[1]), row[2])


async def _end(connection: AsyncConnection, name: str, but: str) -> int:
    others = and_(sessions.c.name == name, sessions.c.token_hash != but)
    return (await connection.execute(delete(sessions).where(others))).rowcount
