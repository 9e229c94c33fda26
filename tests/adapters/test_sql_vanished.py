"""PostgreSQL and processes that vanish without a word, and clocks that are wrong: locks and leases end all the same."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from itertools import count
from time import monotonic
from typing import Any

import asyncpg
import pytest
from sqlalchemy import make_url, text

from deploy.local.postgres import Postgres
from gateway.adapters.sql import SqlStore, open_store
from gateway.adapters.sql.engine import create_engine
from gateway.adapters.sql.postgres_connection import connect
from gateway.core.model import MessageState
from gateway.core.records import Owner
from gateway.ports import StoreUnavailable
from tests.contract.samples import entry

_names = count(1)
_HOUR_MS = 3_600_000
_LONGEST_MS = 4 * _HOUR_MS


@pytest.fixture
def url(postgres: Postgres) -> Iterator[str]:
    name = f"vanished_{next(_names)}"
    yield postgres.create_database(name)
    postgres.drop_database(name)


@pytest.fixture
async def store(url: str) -> AsyncIterator[SqlStore]:
    async with open_store(url) as (opened, _):
        yield opened


async def leased(store: SqlStore, holder: str, now_ms: int = 0) -> Owner:
    lease = await store.lease(holder, 8, _HOUR_MS, now_ms)
    assert lease is not None
    return lease.owner


async def bare(url: str) -> Any:
    """A connection as an earlier version made it: nothing bounds how long it keeps its locks."""
    parts = make_url(url)
    return await asyncpg.connect(host=parts.host, port=parts.port, user=parts.username, database=parts.database)


async def run(url: str, statement: str) -> None:
    engine = create_engine(url, 10.0, pool_size=0)
    async with engine.begin() as connection:
        await connection.execute(text(statement))
    await engine.dispose()


async def overdue(url: str, *slots: int) -> None:
    """Let the time of these leases be over."""
    await run(url, f"UPDATE chains SET expires_ms = 1 WHERE slot IN ({', '.join(map(str, slots))})")  # noqa: S608


async def test_recovery_and_new_processes_go_on_beside_a_lock_that_nobody_gives_back(store: SqlStore, url: str) -> None:
    locked, dead = await leased(store, "locked"), await leased(store, "dead")
    lost, other = entry(idempotent=False), entry(idempotent=False)
    await store.commit(locked, lost)
    await store.commit(dead, other)
    await store.release(await leased(store, "before"))
    await overdue(url, locked.slot, dead.slot)
    vanished = await bare(url)
    await vanished.execute("BEGIN")
    await vanished.fetch("SELECT slot FROM chains WHERE slot IN ($1, 2) FOR UPDATE", locked.slot)

    began = monotonic()
    await store.end_expired(0, _LONGEST_MS)
    assert await store.recover(0) == (0, 1)
    assert (await leased(store, "new")).slot == dead.slot, "not slot 2, which is free and locked"
    assert monotonic() - began < 2.0, "nothing waited for the lock"

    vanished.terminate()
    while (lost_state := await store.message(lost.message_id)) and lost_state.state is MessageState.FORWARDING:
        await store.end_expired(0, _LONGEST_MS)
        await store.recover(0)
    assert lost_state is not None
    assert lost_state.state is MessageState.UNKNOWN


async def test_the_server_ends_a_session_that_keeps_locks_in_silence(store: SqlStore, url: str) -> None:
    dead = await leased(store, "dead")
    await store.commit(dead, entry(idempotent=False))
    vanished = await connect(url, 5.0)
    await vanished.execute("BEGIN")
    await vanished.fetch("SELECT slot FROM chains FOR UPDATE")
    await overdue_once_unlocked(url, dead)
    began = monotonic()
    await store.end_expired(0, _LONGEST_MS)
    assert await store.recover(0) == (0, 1)
    assert await leased(store, "new")
    assert monotonic() - began < 5.0
    vanished.terminate()


async def overdue_once_unlocked(url: str, owner: Owner) -> None:
    """Write to the locked row: the statement comes through when the server has ended the session that locked it."""
    began = monotonic()
    await overdue(url, owner.slot)
    assert 1.0 < monotonic() - began < 10.0


async def test_every_session_is_bounded_on_both_sides(store: SqlStore, url: str) -> None:
    names = (
        "idle_in_transaction_session_timeout",
        "lock_timeout",
        "statement_timeout",
        "tcp_user_timeout",
        "tcp_keepalives_idle",
        "tcp_keepalives_interval",
        "tcp_keepalives_count",
    )
    hot = await connect(url, 5.0)
    async with store.database.engine.connect() as pooled:
        driver: Any = (await pooled.get_raw_connection()).driver_connection
        for connection in (hot, driver):
            found = [
                await connection.fetchval("SELECT setting FROM pg_settings WHERE name = $1", name) for name in names
            ]
            assert list(map(int, found)) == [5000, 4000, 5000, 5000, 2, 1, 3]
            ours = connection._transport.get_extra_info("socket")
            assert ours.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
            assert ours.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 5000
    hot.terminate()


@pytest.mark.parametrize("skew_ms", [600_000, -600_000, 10**12])
async def test_leases_on_postgresql_go_by_its_clock_whatever_a_process_thinks(store: SqlStore, skew_ms: int) -> None:
    wrong, right = await leased(store, "wrong", skew_ms), await leased(store, "right")
    lease = await store.renew(wrong, _HOUR_MS, skew_ms)
    other = await store.renew(right, _HOUR_MS, 0)
    assert lease is not None
    assert other is not None
    assert abs(lease.expires_ms - other.expires_ms) < 10_000
    await store.end_expired(skew_ms, _LONGEST_MS)
    assert [owner for owner, _ in await store.holders()] == [wrong, right]


async def test_a_lease_that_an_earlier_version_wrote_far_ahead_ends(store: SqlStore, url: str) -> None:
    ahead = await leased(store, "ahead")
    await run(url, f"UPDATE chains SET expires_ms = {10**15} WHERE slot = {ahead.slot}")  # noqa: S608
    await store.end_expired(0, 0)
    await store.end_expired(0, 0)
    assert await store.holders() == []


async def test_a_lock_on_the_own_chain_fails_a_renewal_within_its_time_and_the_next_one_works(
    store: SqlStore, url: str
) -> None:
    owner = await leased(store, "one")
    vanished = await bare(url)
    await vanished.execute("BEGIN")
    await vanished.fetch("SELECT slot FROM chains FOR UPDATE")
    results = await asyncio.gather(store.renew(owner, _HOUR_MS, 0), return_exceptions=True)
    assert [type(result) for result in results] == [StoreUnavailable]
    vanished.terminate()
    while True:
        try:
            assert await store.renew(owner, _HOUR_MS, 0) is not None
            return
        except StoreUnavailable:
            continue
