"""Where the contract suites run: each place can be opened many times, also at once, and keeps what was written."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol

from sqlalchemy import text

from gateway.adapters.memory import MemoryStore
from gateway.adapters.sql import open_store
from gateway.adapters.sql.engine import create_engine
from gateway.adapters.sql.tables import metadata
from gateway.core.audit import GENESIS
from gateway.ports import Register, Store


class Place(Protocol):
    """A database, or what stands for one."""

    def open(self) -> AbstractAsyncContextManager[tuple[Store, Register]]:
        """Open it as one gateway process does."""


class InMemory:
    """One store in memory: opening it again finds what was written."""

    def __init__(self) -> None:
        self._store = MemoryStore()

    @asynccontextmanager
    async def open(self) -> AsyncIterator[tuple[Store, Register]]:
        yield self._store, self._store


class InDatabase:
    """A real database."""

    def __init__(self, url: str) -> None:
        self.url = url

    @asynccontextmanager
    async def open(self) -> AsyncIterator[tuple[Store, Register]]:
        async with open_store(self.url, server_time=False) as opened:  # the suites say what time it is
            yield opened


async def empty(url: str) -> None:
    """Bring a PostgreSQL database back to how the migrations left it, far sooner than a new one would be made."""
    engine = create_engine(url, timeout_s=10.0, pool_size=0)
    async with engine.begin() as connection:
        await connection.execute(text(f"TRUNCATE {', '.join(metadata.tables)}"))
        await connection.execute(text("INSERT INTO counters (name, value) VALUES ('registry', 0), ('ping', 0)"))
        await connection.execute(
            text("INSERT INTO chains (slot, epoch, holder, expires_ms, seq, hash) VALUES (-1, 0, '', 0, 0, :genesis)"),
            {"genesis": GENESIS},
        )
    await engine.dispose()
