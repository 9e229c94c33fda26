"""The batch as one transaction of SQLite, run as one call in a thread of its own.

The driver gives up the interpreter lock at every step of a statement, and gets it back only when the busy event
loop yields it, so each table gets all its rows in one statement. ``executemany``, or a thread hop a statement,
made a batch take a hundred times as long under load.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, TypeVar

import orjson
from sqlalchemy import make_url

from gateway.adapters.sql.engine import name_of, pragmas
from gateway.adapters.sql.plan import MESSAGE, Heads, Moved, Values, erases, plan
from gateway.adapters.sql.writer import Outcomes, RowRefused
from gateway.adapters.sql.writes import Insert, Probe, Update, Write
from gateway.core.model import MessageState
from gateway.ports import StoreUnavailable

T = TypeVar("T")

_OF_A_ROW: Final = (
    sqlite3.IntegrityError,
    sqlite3.DataError,
    sqlite3.InterfaceError,
    OverflowError,
    ValueError,
    TypeError,
)
"""What one row can cause: the database refuses it, or a value of it cannot be encoded."""

_ROWS_AT_ONCE: Final = 1000
"""SQLite takes 32766 parameters a statement."""

_HEADS: Final = """
SELECT slot, epoch, expires_ms, seq, hash FROM chains WHERE slot IN (SELECT value FROM json_each(?))
"""
_TAKEN: Final = """
SELECT json_group_array(json_array(k.tenant_id, k.key)) FROM json_each(?) AS n
JOIN idempotency_keys AS k ON k.tenant_id = n.value ->> 0 AND k.key = n.value ->> 1
"""
_ROWS: Final = """
SELECT json_group_array(json_array(
    m.id, m.state, m.owner_slot, m.owner_epoch, m.steps, m.tenant_id, m.account_id, m.platform, m.content_hash
)) FROM json_each(?) AS n JOIN messages AS m ON m.id = n.value
"""
_UPDATE: Final = f"""
WITH c (
    id, slot, epoch, state, at_ms, recheck_limit, upstream_status, upstream_body, upstream_content_type, handle
) AS (VALUES {{rows}})
UPDATE messages SET
    state = c.state,
    body = CASE WHEN {erases("c.state", "messages.forwards")} THEN x'' ELSE messages.body END,
    updated_ms = c.at_ms,
    owner_slot = c.slot,
    owner_epoch = c.epoch,
    steps = messages.steps + 1,
    recheck_limit = coalesce(c.recheck_limit, messages.recheck_limit),
    upstream_status = coalesce(c.upstream_status, messages.upstream_status),
    upstream_body = coalesce(c.upstream_body, messages.upstream_body),
    upstream_content_type = coalesce(c.upstream_content_type, messages.upstream_content_type),
    handle = coalesce(c.handle, messages.handle)
FROM c WHERE messages.id = c.id
"""  # noqa: S608 - the states are constants
_MESSAGES: Final = f"""
WITH n ({", ".join(MESSAGE)}) AS (VALUES {{rows}})
INSERT INTO messages (
    id, tenant_id, account_id, platform, content_hash, state, forwards, owner_slot, owner_epoch, decision_id,
    steps, fingerprint, message, body, content_type, created_ms, updated_ms, recheck_at, recheck_limit, idempotent
)
SELECT id, tenant_id, account_id, platform, content_hash, state, forwards, owner_slot, owner_epoch, decision_id,
    1, fingerprint, message, body, content_type, at_ms, at_ms, at_ms, recheck_limit, idempotent FROM n
"""  # noqa: S608 - the names are constants
_KEYS: Final = "INSERT INTO idempotency_keys (tenant_id, key, message_id) VALUES {rows}"
_DECISIONS: Final = """
INSERT INTO decisions (message_id, step, id, at_ms, outcome, policy_version, case_json) VALUES {rows}
"""
_AUDIT: Final = "INSERT INTO audit (chain, seq, at_ms, kind, message_id, body, prev_hash, hash, step) VALUES {rows}"
_CHAINS: Final = """
WITH h (slot, seq, hash) AS (VALUES {rows})
UPDATE chains SET seq = h.seq, hash = h.hash FROM h WHERE chains.slot = h.slot
"""
_PROBE: Final = "UPDATE counters SET value = value + 1 WHERE name = 'ping'"


class SqliteSession:
    """A `Session` on a SQLite file. ``timeout_s`` bounds the wait for the file's lock, and twice that each batch.

    ``turn`` is held while a batch is written, see `Database`.
    """

    def __init__(self, url: str, timeout_s: float, turn: asyncio.Lock, audit_key: bytes | None = None) -> None:
        self._audit_key = audit_key
        self._path = make_url(url).database or ""
        self._timeout_s = timeout_s
        self._turn = turn
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="sqlite-writer")
        self._connection: sqlite3.Connection | None = None

    async def transaction(self, writes: list[Write]) -> Outcomes:
        """See `Session`."""
        try:
            async with asyncio.timeout(self._timeout_s):
                await self._turn.acquire()
        except TimeoutError as error:
            raise StoreUnavailable("write: others held the file too long") from error
        try:
            async with asyncio.timeout(self._timeout_s * 2):
                deadline = time.monotonic() + self._timeout_s * 2
                return await self._in_thread(lambda: self._transaction(writes, deadline))
        except _OF_A_ROW as error:
            raise RowRefused(name_of(error)) from error
        except TimeoutError as error:
            if self._connection is not None:
                self._connection.interrupt()
            raise StoreUnavailable("write, outcome unknown: the disk did not answer in time") from error
        except sqlite3.Error as error:
            raise StoreUnavailable(f"write: {name_of(error)}") from error
        finally:
            self._turn.release()

    async def warm(self) -> None:
        """See `Session`."""
        try:
            await self._in_thread(self._open)
        except sqlite3.Error as error:
            raise StoreUnavailable(f"warm: {name_of(error)}") from error

    async def close(self) -> None:
        """Close the connection and end its thread."""
        await self._in_thread(self._close)
        self._thread.shutdown()

    async def _in_thread(self, call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, call)

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            connection = sqlite3.connect(self._path, isolation_level=None)
            for pragma in pragmas(self._timeout_s):
                connection.execute(pragma)
            self._connection = connection
        return self._connection

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _transaction(self, writes: list[Write], deadline: float) -> Outcomes:
        connection = self._open()
        try:
            connection.execute("BEGIN IMMEDIATE")
            outcomes = _write(connection, writes, self._audit_key)
            if time.monotonic() > deadline:  # the callers were told that it failed, as far as can be known
                raise sqlite3.OperationalError("too late")
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        return outcomes


def _write(connection: sqlite3.Connection, writes: list[Write], audit_key: bytes | None) -> Outcomes:
    """Nobody else writes between BEGIN IMMEDIATE and COMMIT, so what is read here is what is changed."""
    slots = {w.owner.slot for w in writes if not isinstance(w, Probe)}
    heads = Heads(connection.execute(_HEADS, (orjson.dumps(list(slots)).decode(),)).fetchall(), audit_key)
    keys = _free_keys(connection, writes, heads)
    changes, moved = _changes(connection, writes, heads)
    todo = plan(writes, heads, {message_id for _, _, message_id in keys}, moved)
    for statement, rows in (
        (_KEYS, keys),
        (_UPDATE, changes),
        (_MESSAGES, todo.messages),
        (_DECISIONS, todo.decisions),
        (_AUDIT, heads.links),
        (_CHAINS, heads.moved()),
    ):
        _execute(connection, statement, rows)
    if any(isinstance(w, Probe) for w in writes):
        connection.execute(_PROBE)
    return todo.outcomes


def _free_keys(connection: sqlite3.Connection, writes: list[Write], heads: Heads) -> list[tuple[str, str, str]]:
    wanted = [
        (w.entry.message.tenant_id, w.entry.key, w.message_id)
        for w in writes
        if isinstance(w, Insert) and w.entry.key is not None and heads.holds(w.owner)
    ]
    if not wanted:
        return []
    used = {(tenant, key) for tenant, key in _ask(connection, _TAKEN, wanted)}
    free: list[tuple[str, str, str]] = []
    for tenant, key, message_id in wanted:
        if (tenant, key) not in used:
            used.add((tenant, key))
            free.append((tenant, key, message_id))
    return free


def _changes(
    connection: sqlite3.Connection, writes: list[Write], heads: Heads
) -> tuple[list[Values], dict[str, Moved]]:
    wanted = [w for w in writes if isinstance(w, Update) and heads.holds(w.owner)]
    changes: list[Values] = []
    moved: dict[str, Moved] = {}
    if not wanted:
        return changes, moved
    rows = {row[0]: row[1:] for row in _ask(connection, _ROWS, [w.message_id for w in wanted])}
    for write in wanted:
        state, slot, epoch, steps, *names = rows.get(write.message_id, (None,) * 8)
        transition, owner, upstream = write.transition, write.owner, write.transition.upstream
        if state != transition.expect or transition.step not in (None, steps):
            continue
        if state == MessageState.FORWARDING and (slot, epoch) != (owner.slot, owner.epoch):
            continue
        owned = transition.state is MessageState.FORWARDING
        changes.append(
            (
                write.message_id,
                owner.slot if owned else None,
                owner.epoch if owned else None,
                transition.state,
                transition.at_ms,
                write.recheck_limit,
                upstream and upstream.status,
                upstream and upstream.body,
                upstream and upstream.content_type,
                upstream and upstream.handle,
            )
        )
        moved[write.message_id] = Moved(steps + 1, *names)
    return changes, moved


def _ask(connection: sqlite3.Connection, statement: str, values: Sequence[Any]) -> list[Any]:
    row = connection.execute(statement, (orjson.dumps(values).decode(),)).fetchone()
    found: list[Any] = orjson.loads(row[0])
    return found


def _execute(connection: sqlite3.Connection, statement: str, rows: Sequence[Values]) -> None:
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        some = rows[start : start + _ROWS_AT_ONCE]
        row = f"({', '.join('?' * len(some[0]))})"
        connection.execute(
            statement.replace("{rows}", ", ".join([row] * len(some))), [value for values in some for value in values]
        )
