"""The batch as one transaction of PostgreSQL: at once if possible, else in two statements between BEGIN and COMMIT.

The first decides what takes place and locks it; the second writes the rest. Rows go as one array a column.
The driver is used without SQLAlchemy here: a statement of theirs costs more than a row.
"""

from __future__ import annotations

from contextlib import suppress
from operator import itemgetter
from typing import Any, Final

import asyncpg

from gateway.adapters.sql import postgres_at_once
from gateway.adapters.sql.engine import FOREIGN, name_of
from gateway.adapters.sql.plan import MESSAGE, Heads, Moved, Values, erases, plan
from gateway.adapters.sql.postgres_at_once import columns
from gateway.adapters.sql.postgres_connection import connect
from gateway.adapters.sql.writer import Conflict, Outcomes, RowRefused
from gateway.adapters.sql.writes import Insert, Probe, Update, Write
from gateway.core.records import Owner
from gateway.ports import StoreUnavailable

# `mine` are the leases in force among the locked rows: nothing is written for an owner that lost its slot. Slot -1 is
# the administrators', which is leased to nobody.
# Keys are given in order, so two processes that insert the same ones wait for each other and do not deadlock.
_DECIDE: Final = f"""
WITH lease AS MATERIALIZED (
    SELECT slot, epoch, expires_ms, seq, hash FROM chains WHERE slot = ANY($1::int[]) ORDER BY slot FOR UPDATE
), mine AS (
    SELECT slot, epoch FROM lease WHERE expires_ms > 0 OR slot = -1
), won AS (
    INSERT INTO idempotency_keys (tenant_id, key, message_id)
    SELECT n.tenant_id, n.key, n.message_id
    FROM unnest($2::text[], $3::text[], $4::text[], $5::int[], $6::bigint[])
        AS n (tenant_id, key, message_id, slot, epoch)
    JOIN mine USING (slot, epoch)
    ON CONFLICT DO NOTHING
    RETURNING message_id
), moved AS (
    UPDATE messages m SET
        state = c.state,
        body = CASE WHEN {erases("c.state", "m.forwards")} THEN ''::bytea ELSE m.body END,
        updated_ms = c.at_ms,
        owner_slot = CASE WHEN c.state = 'forwarding' THEN c.slot END,
        owner_epoch = CASE WHEN c.state = 'forwarding' THEN c.epoch END,
        steps = m.steps + 1,
        recheck_limit = coalesce(c.recheck_limit, m.recheck_limit),
        upstream_status = coalesce(c.upstream_status, m.upstream_status),
        upstream_body = coalesce(c.upstream_body, m.upstream_body),
        upstream_content_type = coalesce(c.upstream_content_type, m.upstream_content_type),
        handle = coalesce(c.handle, m.handle)
    FROM unnest(
        $7::text[], $8::int[], $9::bigint[], $10::text[], $11::text[], $12::bigint[], $13::int[], $14::int[],
        $15::bytea[], $16::text[], $17::text[], $18::int[]
    ) AS c (
        id, slot, epoch, expect, state, at_ms, recheck_limit, upstream_status, upstream_body, upstream_content_type,
        handle, step
    )
    JOIN mine USING (slot, epoch)
    WHERE m.id = c.id AND m.state = c.expect AND (c.step IS NULL OR m.steps = c.step)
        AND (c.expect <> 'forwarding' OR (m.owner_slot = c.slot AND m.owner_epoch = c.epoch))
    RETURNING m.id, m.tenant_id, m.account_id, m.platform, m.content_hash, m.steps
)
SELECT 0 AS what, slot, epoch, expires_ms, seq, hash AS id, NULL, NULL, NULL, NULL FROM lease
UNION ALL SELECT 1, NULL, NULL, NULL, NULL, message_id, NULL, NULL, NULL, NULL FROM won
UNION ALL SELECT 2, NULL, NULL, NULL, steps, id, tenant_id, account_id, platform, content_hash FROM moved
"""  # noqa: S608 - the states are constants

_WRITE: Final = """
WITH new_messages AS (
    INSERT INTO messages (
        id, tenant_id, account_id, platform, content_hash, state, forwards, owner_slot, owner_epoch, decision_id,
        steps, fingerprint, message, body, content_type, created_ms, updated_ms, recheck_at, recheck_limit,
        idempotent
    )
    SELECT id, tenant_id, account_id, platform, content_hash, state, forwards, owner_slot, owner_epoch, decision_id,
        1, fingerprint, message, body, content_type, at_ms, at_ms, at_ms, recheck_limit, idempotent
    FROM unnest(
        $1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bool[], $8::int[],
        $9::bigint[], $10::text[], $11::text[], $12::text[], $13::bytea[], $14::text[], $15::bigint[], $16::int[],
        $17::bool[]
    ) AS n (
        id, tenant_id, account_id, platform, content_hash, state, forwards, owner_slot, owner_epoch, decision_id,
        fingerprint, message, body, content_type, at_ms, recheck_limit, idempotent
    )
), new_decisions AS (
    INSERT INTO decisions (message_id, step, id, at_ms, outcome, policy_version, case_json)
    SELECT * FROM unnest($18::text[], $19::int[], $20::text[], $21::bigint[], $22::text[], $23::text[], $24::text[])
), new_audit AS (
    INSERT INTO audit (chain, seq, at_ms, kind, message_id, body, prev_hash, hash, step)
    SELECT * FROM unnest(
        $25::int[], $26::bigint[], $27::bigint[], $28::text[], $29::text[], $30::text[], $31::text[], $32::text[],
        $33::int[]
    )
)
UPDATE chains c SET seq = h.seq, hash = h.hash
FROM unnest($34::int[], $35::bigint[], $36::text[]) AS h (slot, seq, hash) WHERE c.slot = h.slot
"""

_PROBE: Final = "UPDATE counters SET value = value + 1 WHERE name = 'ping'"

_ABOUT_NOTHING: Final[tuple[tuple[str, list[Any]], ...]] = (
    (postgres_at_once.STATEMENT, [0, "", -2, 0, 0, "", "[]", [], "[]", [], 0, 0]),
    (_DECIDE, [[] for _ in range(18)]),
    (_WRITE, [[] for _ in range(36)]),
)
"""The statements of the hot path with values that match no row."""

_OF_A_ROW: Final = (
    asyncpg.IntegrityConstraintViolationError,
    asyncpg.DataError,
    asyncpg.exceptions.DataError,
    asyncpg.ProgramLimitExceededError,
    ValueError,
    TypeError,
)
"""What one row can cause: the database refuses it, or a value of it cannot be encoded."""


class PostgresSession:
    """A `Session` on PostgreSQL. ``timeout_s`` bounds each statement, here and on the server."""

    def __init__(self, url: str, timeout_s: float, audit_key: bytes | None = None) -> None:
        self._url = url
        self._audit_key = audit_key
        self._timeout_s = timeout_s
        self._connection: Any = None
        self._known: tuple[Owner, int, str] | None = None
        """The head of the chain that the last batch extended, while nobody else is known to have."""

    async def transaction(self, writes: list[Write]) -> Outcomes:
        """See `Session`."""
        connection = None
        try:
            connection = await self._open()
            if await self._at_once(connection, writes):
                return [True] * len(writes)
            await connection.execute("BEGIN")
            outcomes, head = await self._write(connection, writes)
        except (*FOREIGN, *_OF_A_ROW) as error:
            if connection is not None:
                await self._undo(connection)
            if isinstance(error, _OF_A_ROW):
                raise RowRefused(name_of(error)) from error
            if isinstance(error, asyncpg.TransactionRollbackError):
                raise Conflict(name_of(error)) from error
            raise StoreUnavailable(f"write: {name_of(error)}") from error
        except BaseException:
            if connection is not None:
                self._drop(connection)  # or the next batch would find itself in this one's transaction
            raise
        try:
            status = await connection.execute("COMMIT")
        except FOREIGN as error:
            self._drop(connection)
            raise StoreUnavailable(f"commit, outcome unknown: {name_of(error)}") from error
        if status != "COMMIT":
            raise StoreUnavailable("the database did not commit")
        self._known = head
        return outcomes

    async def warm(self) -> None:
        """See `Session`. A statement is prepared when it is first run, so each is run, about nothing."""
        connection = None
        try:
            connection = await self._open()
            for statement, values in _ABOUT_NOTHING:
                await connection.execute("BEGIN")
                with suppress(asyncpg.DivisionByZeroError):
                    await connection.fetch(statement, *values)
                await connection.execute("ROLLBACK")
        except FOREIGN as error:
            if connection is not None:
                self._drop(connection)
            raise StoreUnavailable(f"warm: {name_of(error)}") from error

    async def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            connection, self._connection = self._connection, None
            try:
                await connection.close(timeout=self._timeout_s)
            except FOREIGN:
                connection.terminate()

    async def _open(self) -> Any:
        if self._connection is None or self._connection.is_closed():
            self._connection = await connect(self._url, self._timeout_s)
        return self._connection

    async def _undo(self, connection: Any) -> None:
        try:
            await connection.execute("ROLLBACK")
        except FOREIGN:
            self._drop(connection)

    def _drop(self, connection: Any) -> None:
        connection.terminate()
        self._connection = None

    async def _at_once(self, connection: Any, writes: list[Write]) -> bool:
        """Write the batch in one statement, if what is known allows it; False when nothing was written."""
        known, self._known = self._known, None
        todo = postgres_at_once.arguments(writes, *known, self._audit_key) if known is not None else None
        if known is None or todo is None:
            return False
        values, seq, last = todo
        try:
            await connection.fetchval(postgres_at_once.STATEMENT, *values)
        except asyncpg.DivisionByZeroError:
            return False
        self._known = (known[0], seq, last)
        return True

    async def _write(self, connection: Any, writes: list[Write]) -> tuple[Outcomes, tuple[Owner, int, str] | None]:
        keys = [
            (w.entry.message.tenant_id, w.entry.key, w.message_id, w.owner.slot, w.owner.epoch)
            for w in writes
            if isinstance(w, Insert) and w.entry.key is not None
        ]
        # Stable: of two entries with one key, the first to come wins.
        keys.sort(key=itemgetter(0, 1))
        changes = [_change(w) for w in writes if isinstance(w, Update)]
        slots = {w.owner.slot for w in writes if not isinstance(w, Probe)}
        found = await connection.fetch(_DECIDE, list(slots), *columns(keys, 5), *columns(changes, 12))
        heads = Heads([(row[1], row[2], row[3], row[4], row[5]) for row in found if row[0] == 0], self._audit_key)
        won = {row[5] for row in found if row[0] == 1}
        moved = {row[5]: Moved(row[4], row[6], row[7], row[8], row[9]) for row in found if row[0] == 2}
        todo = plan(writes, heads, won, moved)
        if heads.links:
            await connection.execute(
                _WRITE,
                *columns(todo.messages, len(MESSAGE)),
                *columns(todo.decisions, 7),
                *columns(heads.links, 9),
                *columns(heads.moved(), 3),
            )
        if any(isinstance(w, Probe) for w in writes):
            await connection.execute(_PROBE)
        return todo.outcomes, heads.only()


def _change(write: Update) -> Values:
    transition, upstream = write.transition, write.transition.upstream
    return (
        write.message_id,
        write.owner.slot,
        write.owner.epoch,
        transition.expect,
        transition.state,
        transition.at_ms,
        write.recheck_limit,
        upstream and upstream.status,
        upstream and upstream.body,
        upstream and upstream.content_type,
        upstream and upstream.handle,
        transition.step,
    )
