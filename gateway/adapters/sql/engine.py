"""Connections: how each database is set up, and where its exceptions stop."""

from __future__ import annotations

import asyncio
import os
import socket
import sqlite3
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from typing import Any, Final

import asyncpg
from sqlalchemy import Connection, event, make_url, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from gateway.ports import StoreUnavailable

FOREIGN: Final = (SQLAlchemyError, asyncpg.PostgresError, asyncpg.InterfaceError, sqlite3.Error, OSError)
"""What a database, its driver or the network may raise. A time-out is an OSError."""


def pragmas(timeout_s: float) -> tuple[str, ...]:
    """How every SQLite connection begins. ``busy_timeout`` comes first: the others may meet a locked file.

    A row takes about a kilobyte, so with pages larger than usual a batch writes far fewer of them. What is deleted, or
    written over, is overwritten in the file, which not every build of SQLite does: what was kept of a registrant
    before is then gone when the registrant is erased.
    """
    return (
        f"PRAGMA busy_timeout = {int(timeout_s * 1000)}",
        "PRAGMA page_size = 16384",
        "PRAGMA journal_mode = WAL",
        "PRAGMA synchronous = FULL",
        "PRAGMA foreign_keys = ON",
        "PRAGMA secure_delete = ON",
    )


_SILENT_S: Final = 5.0
"""How long a session may keep its locks without a word, and a connection go without an answer. A host that vanishes
says no farewell; its locks must be free again well within a lease."""


def settings(timeout_s: float) -> dict[str, str]:
    """How every PostgreSQL session is set.

    Of a host that vanished the server ends what it left: a transaction in which nothing happens, and a connection that
    acknowledges nothing. A lock is waited for less long than a statement may last.

    A plan is kept for a prepared statement's life, so one made while a table was small must not read the whole
    table when it is large: every query of the hot path has its index.
    """
    return {
        "application_name": "moderation-gateway",
        "statement_timeout": str(int(timeout_s * 1000)),
        "lock_timeout": str(int(timeout_s * 800)),
        "idle_in_transaction_session_timeout": str(int(_SILENT_S * 1000)),
        "tcp_user_timeout": str(int(_SILENT_S * 1000)),
        "tcp_keepalives_idle": "2",
        "tcp_keepalives_interval": "1",
        "tcp_keepalives_count": "3",
        "enable_seqscan": "off",
        "enable_hashjoin": "off",
        "enable_mergejoin": "off",
        "enable_material": "off",
        "jit": "off",
    }


def watch(connection: Any) -> None:
    """Let the kernel find out by itself that the server of an asyncpg connection has vanished: what is sent and not
    acknowledged, or a probe that nobody answers, ends the connection in seconds, not in a quarter of an hour."""
    outer = connection._transport.get_extra_info("socket")  # the driver has no option for it
    with socket.socket(fileno=os.dup(outer.fileno())) as inner:
        if inner.family == socket.AF_UNIX:
            return
        inner.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in _PROBES.items():
            if (option := getattr(socket, name, None)) is not None:  # not every system has each of them
                inner.setsockopt(socket.IPPROTO_TCP, option, value)


_PROBES: Final = {
    "TCP_KEEPIDLE": 2,
    "TCP_KEEPINTVL": 1,
    "TCP_KEEPCNT": 3,
    "TCP_USER_TIMEOUT": int(_SILENT_S * 1000),
}


def is_sqlite(url: str) -> bool:
    """Whether the URL names a SQLite file."""
    return make_url(url).get_backend_name() == "sqlite"


def audit_key(connection: AsyncConnection) -> bytes | None:
    """The key of the hashes in the audit chains, as the database's connections carry it."""
    inner = connection.sync_connection
    found: bytes | None = None if inner is None else inner.get_execution_options().get(_KEY)
    return found


def create_engine(url: str, timeout_s: float, pool_size: int) -> AsyncEngine:
    """An engine whose transactions hold the write lock from their first statement on SQLite.

    ``pool_size`` 0 opens a new connection each time.
    """
    pool: Mapping[str, Any] = (
        {"poolclass": NullPool}
        if pool_size == 0
        else {"pool_size": pool_size, "max_overflow": 0, "pool_timeout": timeout_s}
    )
    if is_sqlite(url):
        engine = create_async_engine(url, hide_parameters=True, **pool)
        _set_up_sqlite(engine, timeout_s)
        return engine
    connect = {"timeout": timeout_s, "command_timeout": timeout_s, "server_settings": settings(timeout_s)}
    engine = create_async_engine(url, hide_parameters=True, connect_args=connect, **pool)

    @event.listens_for(engine.sync_engine, "connect")
    def prepare(connection: Any, _record: object) -> None:
        watch(connection.driver_connection)

    return engine


def _set_up_sqlite(engine: AsyncEngine, timeout_s: float) -> None:
    @event.listens_for(engine.sync_engine, "do_connect")
    def make(_dialect: object, _record: object, words: Sequence[Any], options: Mapping[str, Any]) -> None:
        # Messages and who wrote them: for nobody else on the machine. SQLite gives its files beside it the same mode.
        if words[0] != ":memory:" and not options.get("uri"):
            with suppress(OSError):  # it is there, and its mode is its owner's affair; or SQLite says what is wrong
                os.close(os.open(words[0], os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))

    @event.listens_for(engine.sync_engine, "connect")
    def prepare(connection: Any, _record: object) -> None:
        # The driver's own transaction control starts late and not for reads; `begin` below replaces it.
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in pragmas(timeout_s):
            cursor.execute(pragma)
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def begin(connection: Connection) -> None:
        if not connection.get_execution_options().get("reads"):
            connection.exec_driver_sql("BEGIN IMMEDIATE")


@contextmanager
def edge(what: str) -> Iterator[None]:
    """Turn a foreign exception into `StoreUnavailable`. Its text is left out: it may quote a row."""
    try:
        yield
    except FOREIGN as error:
        raise StoreUnavailable(f"{what}: {name_of(error)}") from error


def name_of(error: BaseException) -> str:
    """What an exception is called, and its SQLSTATE if it has one."""
    cause = getattr(error, "orig", None) or error
    state = getattr(cause, "sqlstate", None) or getattr(cause, "sqlite_errorname", None)
    return f"{type(cause).__name__} ({state})" if state else type(cause).__name__


_KEY: Final = "audit_key"


class Database:
    """The pooled connections of one process to one database; `reading` and `writing` give one out."""

    def __init__(
        self, url: str, timeout_s: float, pool_size: int, server_time: bool = True, audit_key: bytes | None = None
    ) -> None:
        self.url = url
        self.timeout_s = timeout_s
        self.sqlite = is_sqlite(url)
        self.server_time = server_time and not self.sqlite
        """Whether leases go by the server's clock, see `gateway.adapters.sql.leases`."""
        self.audit_key = audit_key
        self.engine = create_engine(url, timeout_s, pool_size).execution_options(**{_KEY: audit_key})
        self._pool_size = pool_size
        self._strangers = asyncio.Semaphore(max(1, pool_size - 1))
        # SQLite has one writer at a time, and lets others try again now and then, so one of many may never come to
        # it. Within this process they wait in a line.
        self.turn = asyncio.Lock()
        # Single statements: each sees one moment by itself, and BEGIN and ROLLBACK around it would only cost.
        self._reads = self.engine.execution_options(
            **({"reads": True} if self.sqlite else {"isolation_level": "AUTOCOMMIT"})
        )

    @asynccontextmanager
    async def reading(self, what: str) -> AsyncIterator[AsyncConnection]:
        """A connection for single statements that change nothing. Raises `StoreUnavailable`."""
        with edge(what):
            async with self._reads.connect() as connection:
                yield connection

    @asynccontextmanager
    async def reading_for_strangers(self, what: str) -> AsyncIterator[AsyncConnection]:
        """As `reading`, for keys that anybody can make up: all connections but one serve them. That one is left for
        what this process needs to be trusted, its change feed and its lease."""
        with edge(what):
            async with asyncio.timeout(self.timeout_s):
                await self._strangers.acquire()
        try:
            async with self.reading(what) as connection:
                yield connection
        finally:
            self._strangers.release()

    @asynccontextmanager
    async def writing(self, what: str) -> AsyncIterator[AsyncConnection]:
        """A connection in a transaction, committed at the end of the block. Raises `StoreUnavailable`."""
        with edge(what):
            async with AsyncExitStack() as stack:
                if self.sqlite:
                    async with asyncio.timeout(self.timeout_s):
                        await stack.enter_async_context(self.turn)
                yield await stack.enter_async_context(self.engine.begin())

    async def warm(self) -> None:
        """Open all connections, so that nobody has to wait for that later. Raises `StoreUnavailable`."""
        async with AsyncExitStack() as stack:
            for _ in range(self._pool_size):
                connection = await stack.enter_async_context(self.reading("warm"))
                await connection.execute(text("SELECT 1"))

    async def close(self) -> None:
        """Close all connections."""
        await self.engine.dispose()
