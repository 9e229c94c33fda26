"""Many rows at once, by the bare drivers: what imports need of a database, said once for both.

Statements are PostgreSQL's, with numbered parameters, and put into each database's words here; ``IN each($n)`` is for
the list of texts given as parameter n. A join with such a list would be worse: while statistics are of a time when a
table was small, it would be read as a whole for each text.
"""

from __future__ import annotations

import asyncio
import re
import sqlite3
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cache
from itertools import chain
from typing import Any, Final, Protocol, TypeVar

import orjson
from sqlalchemy import Table, make_url

from gateway.adapters.sql.engine import FOREIGN, edge, is_sqlite, pragmas
from gateway.adapters.sql.listening import CHANNEL
from gateway.adapters.sql.postgres_connection import connect
from gateway.ports import StoreUnavailable

T = TypeVar("T")
Row = Sequence[Any]

_TIMEOUT_S: Final = 120.0
"""For a statement that writes thousands of rows on a busy disk, and for the wait for other writers."""
_PARAMETERS: Final = 30_000
"""SQLite takes 32766 parameters a statement."""
_IN_MEMORY: Final = ("PRAGMA cache_size = -262144", "PRAGMA wal_autocheckpoint = 4000", "PRAGMA temp_store = MEMORY")
"""For rows whose keys come in any order: 256 MiB of pages, and 64 MiB of log before they are moved to the file."""


_GAP: Final = 0.1
"""The share of a transaction's time for which a SQLite file is left to others after it."""
_FEW: Final = 50
"""Rows that are written sooner one by one than through another table."""
_STAGED: Final = """
CREATE TEMPORARY TABLE IF NOT EXISTS {staged} ON COMMIT DELETE ROWS AS SELECT {names} FROM {table} WITH NO DATA
"""

_EACH: Final = re.compile(r"IN each\(\$(\d)\)")


class Bulk(Protocol):
    """One connection, with one transaction at a time. Everything but `undo` raises `StoreUnavailable`."""

    async def begin(self) -> None:
        """Begin a transaction that writes."""

    async def ask(self, statement: str, *values: object) -> list[Row]:
        """The rows of a statement."""

    async def put(self, table: Table, columns: Sequence[str], rows: Sequence[Row], *, new: bool = False) -> None:
        """Insert rows, or replace those with the same primary key in these columns. No key may occur twice. Where all
        are known to be ``new`` it takes less time."""

    async def tell(self) -> None:
        """Let who listens for changes hear of it, once it is committed."""

    async def commit(self) -> None:
        """Make it durable."""

    async def undo(self) -> None:
        """Undo what is not committed, as far as there is a connection."""

    async def close(self) -> None:
        """Close the connection, and undo what is not committed."""


async def open_bulk(url: str) -> Bulk:
    """A connection for imports, of its own."""
    if is_sqlite(url):
        return SqliteBulk(url)
    with edge("import"):
        return PostgresBulk(await connect(url, _TIMEOUT_S, {"application_name": "moderation-gateway-import"}))


class PostgresBulk:
    """A `Bulk` on PostgreSQL: rows are copied into a temporary table, and merged from there in one statement."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._staged: set[str] = set()

    async def begin(self) -> None:
        """See `Bulk`, as for every method below."""
        with edge("import"):
            await self._connection.execute("BEGIN")

    async def ask(self, statement: str, *values: object) -> list[Row]:
        with edge("import"):
            found: list[Row] = await self._connection.fetch(_postgres(statement), *values)
            return found

    async def put(self, table: Table, columns: Sequence[str], rows: Sequence[Row], *, new: bool = False) -> None:
        if not rows:
            return
        staged, names = f"staged_{table.name}", ", ".join(columns)
        into, conflict = f"INSERT INTO {table.name} ({names})", "" if new else _conflict(table, columns)
        with edge("import"):
            if len(rows) < _FEW:
                places = ", ".join([f"${position}" for position, _ in enumerate(columns, start=1)])
                await self._connection.executemany(f"{into} VALUES ({places}) {conflict}", rows)
                return
            if table.name not in self._staged:
                await self._connection.execute(_STAGED.format(staged=staged, names=names, table=table.name))
                self._staged.add(table.name)
            else:
                await self._connection.execute(f"TRUNCATE {staged}")
            await self._connection.copy_records_to_table(staged, records=rows, columns=columns)
            await self._connection.execute(f"{into} SELECT {names} FROM {staged} {conflict}")  # noqa: S608

    async def tell(self) -> None:
        with edge("import"):
            await self._connection.execute("SELECT pg_notify($1, '')", CHANNEL)

    async def commit(self) -> None:
        with edge("import"):
            await self._connection.execute("COMMIT")

    async def undo(self) -> None:
        with suppress(*FOREIGN):
            await self._connection.execute("ROLLBACK")
        self._staged.clear()  # a table made in that transaction is gone too

    async def close(self) -> None:
        self._connection.terminate()


class SqliteBulk:
    """A `Bulk` on a SQLite file, in a thread of its own; each statement has as many rows as it takes, because the
    driver gives up the interpreter lock at every step, see `session_sqlite`."""

    def __init__(self, url: str) -> None:
        self._path = make_url(url).database or ""
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="sqlite-bulk")
        self._connection: sqlite3.Connection | None = None
        self._begun = 0.0

    async def begin(self) -> None:
        """See `Bulk`, as for every method below."""
        await self._in_thread(lambda: self._open().execute("BEGIN IMMEDIATE"))
        self._begun = time.monotonic()

    async def ask(self, statement: str, *values: object) -> list[Row]:
        given = [orjson.dumps(value).decode() if isinstance(value, list) else value for value in values]
        return await self._in_thread(lambda: self._open().execute(_sqlite(statement), given).fetchall())

    async def put(self, table: Table, columns: Sequence[str], rows: Sequence[Row], *, new: bool = False) -> None:
        conflict = "" if new else _conflict(table, columns)
        await self._in_thread(lambda: self._put(table, columns, rows, conflict))

    async def tell(self) -> None:
        """Nobody listens."""

    async def commit(self) -> None:
        await self._in_thread(lambda: self._open().execute("COMMIT"))
        # Other processes try again now and then; without a gap they would find the file locked each time.
        await asyncio.sleep((time.monotonic() - self._begun) * _GAP)

    async def undo(self) -> None:
        with suppress(StoreUnavailable):
            await self._in_thread(lambda: self._open().rollback())

    async def close(self) -> None:
        await self._in_thread(self._close)
        self._thread.shutdown()

    async def _in_thread(self, call: Callable[[], T]) -> T:
        with edge("import"):
            return await asyncio.get_running_loop().run_in_executor(self._thread, call)

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = sqlite3.connect(self._path, isolation_level=None)
            for pragma in (*pragmas(_TIMEOUT_S), *_IN_MEMORY):
                self._connection.execute(pragma)
        return self._connection

    def _put(self, table: Table, columns: Sequence[str], rows: Sequence[Row], conflict: str) -> None:
        connection, names, at_once = self._open(), ", ".join(columns), _PARAMETERS // len(columns)
        row = f"({', '.join('?' * len(columns))})"
        for start in range(0, len(rows), at_once):
            some = rows[start : start + at_once]
            values = ", ".join([row] * len(some))
            connection.execute(
                f"INSERT INTO {table.name} ({names}) VALUES {values} {conflict}",  # noqa: S608
                list(chain.from_iterable(some)),
            )

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


@cache
def _postgres(statement: str) -> str:
    return _EACH.sub(r"= ANY($\1::text[])", statement)


@cache
def _sqlite(statement: str) -> str:
    listed = _EACH.sub(r"IN (SELECT value FROM json_each($\1))", statement)
    return listed.replace("$", "?").replace("FOR UPDATE", "")


def _conflict(table: Table, columns: Sequence[str]) -> str:
    keys = [column.name for column in table.primary_key.columns]
    others = [f"{name} = excluded.{name}" for name in columns if name not in keys]
    then = f"UPDATE SET {', '.join(others)}" if others else "NOTHING"
    return f"ON CONFLICT ({', '.join(keys)}) DO {then}"
