"""PostgreSQL away for longer than a lease, wrong clocks, vanished hosts: no process ends, no answer becomes unknown."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from time import monotonic

import psutil
import pytest

from deploy.local.kafka import Kafka
from deploy.local.postgres import Postgres
from deploy.local.processes import free_port
from deploy.local.stack import Stack
from gateway.adapters.sql import open_store
from gateway.core.records import Owner
from tests.e2e.books import audit_problems, nothing_waits, query, rows
from tests.e2e.conftest import fresh_stack
from tests.e2e.load import Load, more_answers
from tests.e2e.support import Connection, children, ready, tell, until
from tests.e2e.upstream import Upstream

LEASE_SECONDS = 12
SETTINGS = {"GATEWAY_LEASE_SECONDS": str(LEASE_SECONDS), "GATEWAY_UPSTREAM_SECONDS": "5"}
OUTAGE_SECONDS = LEASE_SECONDS * 1.5
LATE_SECONDS = LEASE_SECONDS / 2
START_SECONDS = 30
WRONG_CLOCK = """
import sys
from gateway.adapters.clock import SystemClock
right = SystemClock.now_ms
SystemClock.now_ms = lambda self: right(self) + {ms}
from gateway.cli import main
main(sys.argv[1:])
"""
"""The gateway on a machine whose clock is off. Nothing else of it is changed."""


@pytest.fixture(scope="module")
def own_postgres() -> Iterator[Postgres]:
    """A server that nobody else needs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("DATABASE_URL", raising=False)
        with Postgres() as server:
            yield server


@pytest.fixture
def outage_stack(kafka: Kafka, own_postgres: Postgres, tmp_path: Path) -> Iterator[Stack]:
    """A stack on that server whose leases are short."""
    with fresh_stack(kafka, own_postgres, tmp_path, upstream=False, settings=SETTINGS) as stack:
        yield stack


async def test_an_outage_longer_than_the_lease_ends_no_process_and_leaves_nothing_unknown(
    outage_stack: Stack, own_postgres: Postgres, tmp_path: Path
) -> None:
    stack = outage_stack
    supervisor = await asyncio.to_thread(stack.start_gateway, 2)
    await asyncio.to_thread(stack.start_worker)
    processes = set(children(supervisor.pid))
    await until(lambda: ready(stack, processes), START_SECONDS, "both processes ready")
    before = await owners(stack)

    ways = (
        (own_postgres.stop, own_postgres.start),
        (own_postgres.freeze, own_postgres.thaw),
        (own_postgres.stop, own_postgres.start),
    )
    async with Upstream(stack, seconds=0.5) as upstream:
        async with Load(stack.port, tmp_path / "client.log", clients=16, pause=0.1, outcomes=("allow",)) as load:
            for away, back in ways:
                await outage(stack, load, processes, away, back)
                assert set(children(supervisor.pid)) == processes, stack.log("gateway")
        took = await until(lambda: nothing_waits(stack), 90, "every message settled")
        sent = Counter(body for _, body in upstream.requests)

    assert await owners(stack) == before, "every process has its slot under its epoch"
    found = await rows(stack)
    states = dict(Counter(row.state for row in found.values()))
    tell(f"{load.statuses()} answered, {states}, settled {took:.1f} s after the load")
    for each in load.answered:
        assert each.answer is not None
        if each.answer.status == 200:
            assert found[each.answer.body["message_id"]].state == "published"
            assert sent[each.body] == 1
    assert "unknown" not in {row.state for row in found.values()}
    assert max(sent.values()) == 1
    assert await audit_problems(stack) == []
    assert set(children(supervisor.pid)) == processes
    tell(f"another process ready within {await start_another(stack):.1f} s")


async def test_clocks_ten_minutes_off_kill_nobody_and_keep_nobody_from_starting(outage_stack: Stack) -> None:
    stack = outage_stack
    await asyncio.to_thread(stack.start_gateway, 1)
    ahead = await asyncio.to_thread(start_wrong, stack, 600_000)
    first = await owners(stack)
    behind = await asyncio.to_thread(start_wrong, stack, -600_000)
    before = await owners(stack)
    assert len(before) == 3
    assert set(first) < set(before)
    began = monotonic()
    await until(lambda: monotonic() - began > 2.5 * LEASE_SECONDS, 60, "more than two lease periods")
    assert await owners(stack) == before
    for port, way in ((ahead, "ahead of"), (behind, "behind")):
        async with Connection(port) as connection:
            clock = (await connection.ask("GET", "/healthz")).body["components"]["clock"]
        assert not clock["ok"]
        assert way in clock["detail"]
        assert abs(int(clock["detail"].split("clock is ")[1].split(" ms")[0]) - 600_000) < 1000
    tell(f"another process ready within {await start_another(stack):.1f} s")


async def test_a_host_that_vanishes_with_locks_stops_neither_recovery_nor_a_start(outage_stack: Stack) -> None:
    stack = outage_stack
    supervisor = await asyncio.to_thread(stack.start_gateway, 2)
    processes = set(children(supervisor.pid))
    await until(lambda: ready(stack, processes), START_SECONDS, "both processes ready")
    async with open_store(stack.database_url) as (store, _), store.database.engine.connect() as vanished:
        # It never says another word, and its connection stays open.
        await vanished.exec_driver_sql("SELECT slot FROM chains FOR UPDATE")
        took = await start_another(stack)
        tell(f"another process ready within {took:.1f} s")
        assert await until(lambda: ready(stack, processes), START_SECONDS, "the others to be well") < START_SECONDS
        assert set(children(supervisor.pid)) == processes
        with suppress(Exception):  # the server has ended it
            await vanished.invalidate()
    assert not await query(stack, "SELECT 1 FROM messages WHERE state = 'unknown'")


async def outage(
    stack: Stack, load: Load, processes: set[int], away: Callable[[], None], back: Callable[[], None]
) -> None:
    """Let the store be away for longer than a lease, and wait until messages are published again."""
    # By now every process has extended its lease for a whole period: it could declare others dead.
    began = monotonic()
    await until(lambda: monotonic() - began > 1.5 * LEASE_SECONDS, 60, "a quiet time")
    await more_answers(load, 50)
    await asyncio.to_thread(away)
    down = monotonic()
    await until(lambda: monotonic() - down > OUTAGE_SECONDS, 60, "the outage to last")
    # One of them sees it later than the other, which must not take it for dead meanwhile.
    late = psutil.Process(min(processes))
    late.suspend()
    await asyncio.to_thread(back)
    returned = monotonic()
    await until(lambda: monotonic() - returned > LATE_SECONDS, 30, "the other process to go on alone")
    late.resume()
    await until(lambda: load.statuses(returned).get(200, 0) > 20, 60, "messages published again")
    again = monotonic() - returned
    await until(lambda: ready(stack, processes), 60, "both processes well again")
    well = monotonic() - returned
    tell(f"after an outage of {returned - down:.0f} s: published again after {again:.1f} s, well after {well:.1f} s")


async def owners(stack: Stack) -> list[Owner]:
    """The leases that have not ended."""
    async with open_store(stack.database_url) as (store, _):
        return [owner for owner, _ in await store.holders()]


def managed() -> dict[str, str]:
    """A management port of a process's own."""
    return {"GATEWAY_MANAGEMENT_PORT": str(free_port())}


def start_wrong(stack: Stack, ms: int) -> int:
    """A gateway process of its own whose clock is off by so much; the port of its health report."""
    port, more = free_port(), managed()
    options = ["-c", WRONG_CLOCK.format(ms=ms), "serve", "--port", str(port)]
    stack.start("gateway-wrong", options, f"http://127.0.0.1:{port}/readyz", more)
    return int(more["GATEWAY_MANAGEMENT_PORT"])


async def start_another(stack: Stack) -> float:
    """Start one more gateway process; how long it took, which must not be too long."""
    port, began = free_port(), monotonic()
    options = ["-m", "gateway", "serve", "--port", str(port)]
    await asyncio.to_thread(stack.start, "gateway-new", options, f"http://127.0.0.1:{port}/readyz", managed())
    took = monotonic() - began
    assert took < START_SECONDS
    return took
