"""The durable record in SQLite or PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final, Self

from sqlalchemy import func, select

from gateway.adapters.sql.claims import Claims, append, lock_heads
from gateway.adapters.sql.dialect import insert_new, insert_or
from gateway.adapters.sql.engine import Database
from gateway.adapters.sql.group import Group
from gateway.adapters.sql.keys import Keys
from gateway.adapters.sql.leases import Leases
from gateway.adapters.sql.lookup import Lookup, PostgresReader, SqliteReader
from gateway.adapters.sql.platform_records import PlatformRecords
from gateway.adapters.sql.reads import Reads
from gateway.adapters.sql.registry import SqlRegister
from gateway.adapters.sql.session_postgres import PostgresSession
from gateway.adapters.sql.session_sqlite import SqliteSession
from gateway.adapters.sql.tables import cursors, policies
from gateway.adapters.sql.upgrade import upgrade
from gateway.adapters.sql.writer import Session, write_batch
from gateway.adapters.sql.writes import Probe, Write, insert, update
from gateway.core.audit import ADMINISTRATORS
from gateway.core.policy import PolicyInForce
from gateway.core.records import Entry, Owner, Stored, Transition
from gateway.ports import KeyTaken, StoreUnavailable

_FOR_KEYS: Final = 2
"""Connections for look-ups of idempotency keys, and of what was written under one."""


class SqlStore(Reads, Leases, Claims, PlatformRecords):
    """`gateway.ports.Store` on a database whose tables are up to date; see `open_store`."""

    def __init__(
        self,
        database: Database,
        asked: Database,
        session: Session,
        group: Group[Write, bool],
        keys: Keys,
        lookup: Lookup,
    ) -> None:
        super().__init__(database)
        self._asked = asked
        self._under_keys = Reads(asked)
        self._session = session
        self._group = group
        self._keys = keys
        self._lookup = lookup

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        url: str,
        timeout_s: float = 5.0,
        pool_size: int = 4,
        batch: int = 512,
        queue: int = 8192,
        *,
        server_time: bool = True,
        audit_key: bytes | None = None,
    ) -> AsyncIterator[Self]:
        """Connect, and on leaving write what is still queued and disconnect.

        ``url`` is SQLAlchemy's: ``sqlite+aiosqlite:///file`` or ``postgresql+asyncpg://...``. ``timeout_s`` bounds
        each statement and each wait for a connection or a lock; ``pool_size`` connections serve what is not on the
        hot path, and two more look-ups of idempotency keys; at most ``batch`` writes share a transaction, and as many
        look-ups a statement; at most ``queue`` of each wait. Without ``server_time`` leases on PostgreSQL go by their
        callers' clocks, too.
        ``audit_key`` makes the hashes of the audit chains' rows (`gateway.core.audit.row_hash`).
        """
        database = Database(url, timeout_s, pool_size, server_time, audit_key)
        session: Session = (
            SqliteSession(url, timeout_s, database.turn, audit_key)
            if database.sqlite
            else PostgresSession(url, timeout_s, audit_key)
        )
        group: Group[Write, bool] = Group(lambda writes: write_batch(session, writes), limit=batch, queue=queue)
        # Whoever publishes under a key waits for this, so what the process does beside answering must not take it.
        asked = Database(url, timeout_s, _FOR_KEYS, server_time)
        keys = Keys(asked, batch, queue)
        reader = SqliteReader(url, timeout_s) if database.sqlite else PostgresReader(url, timeout_s)
        lookup = Lookup(reader, batch, queue)
        try:
            yield cls(database, asked, session, group, keys, lookup)
        finally:
            await group.close()
            await keys.close()
            await lookup.close()
            await session.close()
            await asked.close()
            await database.close()

    @property
    def database(self) -> Database:
        """The database, for the ports beside the store."""
        return self._database

    @property
    def register(self) -> SqlRegister:
        """The registry in the same database."""
        return SqlRegister(self._database, self._lookup)

    async def ping(self) -> None:
        """See `gateway.ports.Store`, as for every method below."""
        await self._group.put(Probe())

    async def warm(self) -> None:
        """Open all connections and prepare what the hot path runs on them: the first message is as fast as the
        thousandth. Changes nothing. Raises `StoreUnavailable`."""
        await self._database.warm()
        await self._asked.warm()
        await self._session.warm()
        await self.ping()
        await self._lookup.account("", "")
        await self.by_key("", "")
        await self.register.tenant_by_key("")

    async def commit(self, owner: Owner, entry: Entry) -> KeyTaken | None:
        if await self._group.put(insert(owner, entry)):
            return None
        stored = await self.by_key(entry.message.tenant_id, entry.key or "")
        if stored is None:
            raise StoreUnavailable("an idempotency key is taken, but nothing is stored under it")
        return KeyTaken(stored)

    async def by_key(self, tenant_id: str, key: str) -> Stored | None:
        message_id = await self._keys.message_id(tenant_id, key)
        return None if message_id is None else await self._under_keys.message(message_id, tenant_id)

    async def move(self, owner: Owner, transition: Transition) -> bool:
        return await self._group.put(update(owner, transition))

    async def keep_policy(self, policy: PolicyInForce, now_ms: int) -> None:
        async with self._database.writing("policy") as connection:
            await connection.execute(
                insert_new(self._database, policies),
                {"version": policy.version, "text": policy.text, "kept_ms": now_ms},
            )

    async def newest_policy(self) -> str | None:
        """See `gateway.ports.Store`."""
        async with self._database.reading("newest policy") as connection:
            newest = select(policies.c.text).order_by(policies.c.kept_ms.desc(), policies.c.version).limit(1)
            found: str | None = await connection.scalar(newest)
        return found

    async def policy(self, version: str) -> str | None:
        async with self._database.reading("policy") as connection:
            found: str | None = await connection.scalar(select(policies.c.text).where(policies.c.version == version))
            return found

    async def append_audit(self, kind: str, body: str, now_ms: int) -> None:
        async with self._database.writing("audit") as connection:
            heads = await lock_heads(connection, ADMINISTRATORS)
            heads.append(ADMINISTRATORS, now_ms, kind, "", body, 0)
            await append(connection, heads)

    async def announced(self, chain: int, seq: int) -> None:
        statement = insert_or(self._database, cursors).values(chain=chain, announced=seq)
        # Never back: of two announcers, the slower one must not undo the other's progress.
        furthest = func.max if self._database.sqlite else func.greatest
        async with self._database.writing("announced") as connection:
            await connection.execute(
                statement.on_conflict_do_update(
                    index_elements=["chain"],
                    set_={"announced": furthest(cursors.c.announced, statement.excluded.announced)},
                )
            )


@asynccontextmanager
async def open_store(
    url: str,
    timeout_s: float = 5.0,
    pool_size: int = 4,
    batch: int = 512,
    queue: int = 8192,
    *,
    server_time: bool = True,
    audit_key: bytes | None = None,
) -> AsyncIterator[tuple[SqlStore, SqlRegister]]:
    """The store and the registry of one database, after bringing its tables up to date. See `SqlStore.open`."""
    await upgrade(url)
    opened = SqlStore.open(url, timeout_s, pool_size, batch, queue, server_time=server_time, audit_key=audit_key)
    async with opened as store:
        yield store, store.register
