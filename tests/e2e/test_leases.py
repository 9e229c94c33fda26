"""Slots: never more processes than there are, a dead one's is taken at once, and who lost his does nothing more."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections import Counter
from time import monotonic

import psutil

from deploy.local.processes import free_port
from deploy.local.stack import Stack
from gateway.adapters.sql import open_store
from gateway.core.records import Owner
from tests.e2e.books import audit_problems, rows, settled
from tests.e2e.support import Broken, Connection, body_of, children, gone, publish, ready, tell, until
from tests.e2e.upstream import Upstream

MANY = 4


async def slots(stack: Stack) -> list[Owner]:
    """The leases in force."""
    async with open_store(stack.database_url) as (store, _):
        return [owner for owner, _ in await store.holders()]


async def test_a_process_without_a_slot_says_so_and_ends(hasty_stack: Stack) -> None:
    stack = hasty_stack
    two = {"GATEWAY_KAFKA__PARTITIONS": "2"}
    supervisor = await asyncio.to_thread(stack.start_gateway, 2, two)
    await until(lambda: ready(stack, set(children(supervisor.pid))), 30, "both processes ready")
    third = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "gateway", "serve", "--port", str(free_port())),
        env=stack.environment({**two, "GATEWAY_MANAGEMENT_PORT": str(free_port())}),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await third.communicate()
    assert third.returncode not in (0, None)
    assert "all 2 slots are taken by other gateway processes" in said.decode()
    assert (await publish(stack, "The bakery is open.")).status == 202  # there is no worker; but it is recorded
    assert {owner.slot for owner in await slots(stack)} == {0, 1}


async def test_the_slot_of_a_dead_process_is_taken_at_once(stack: Stack) -> None:
    only = {"GATEWAY_KAFKA__PARTITIONS": "2", "GATEWAY_LEASE_SECONDS": "600"}
    supervisor = await asyncio.to_thread(stack.start_gateway, 2, only)
    await until(lambda: ready(stack, set(children(supervisor.pid))), 30, "both processes ready")
    before = {owner.slot: owner.epoch for owner in await slots(stack)}
    victim = children(supervisor.pid)[0]
    began = monotonic()
    psutil.Process(victim).kill()
    await until(lambda: len(set(children(supervisor.pid)) - {victim}) == 2, 20, "a successor")
    await until(lambda: ready(stack, set(children(supervisor.pid))), 30, "the successor to be ready")
    after = {owner.slot: owner.epoch for owner in await slots(stack)}
    tell(f"slot taken over after {monotonic() - began:.1f} s")
    assert after.keys() == before.keys() == {0, 1}
    assert sorted(after[slot] - before[slot] for slot in after) == [0, 1]


async def test_who_lost_its_lease_while_it_slept_ends_and_forwards_nothing_more(bare_stack: Stack) -> None:
    stack = bare_stack
    supervisor = await asyncio.to_thread(stack.start_gateway, 2)
    await asyncio.to_thread(stack.start_worker)
    await until(lambda: ready(stack, set(children(supervisor.pid))), 30, "both processes ready")
    sleeper, other = children(supervisor.pid)
    connections = await connected_to(stack, sleeper, 2 * MANY)

    async with Upstream(stack, seconds=1.0) as upstream:
        begun = [asyncio.create_task(attempt(connection, "begun")) for connection in connections[:MANY]]
        await until(lambda: len(upstream.requests) == MANY, 20, "forwards under way")
        psutil.Process(sleeper).send_signal(signal.SIGSTOP)
        async with open_store(stack.database_url) as (store, _):
            await store.break_lease(await owner_of(stack, sleeper))
        await until(lambda: settled(stack), 30, "the other process to settle what this one had under way")
        assert Counter(row.state for row in (await rows(stack)).values()) == {"unknown": MANY}
        queued = [asyncio.create_task(attempt(connection, "queued")) for connection in connections[MANY:]]
        assert (await publish(stack, "The tram is on time.")).status == 200, "the other process goes on"
        psutil.Process(sleeper).send_signal(signal.SIGCONT)
        await until(lambda: gone(sleeper), 40, "the process without a lease to end")
        answers = await asyncio.gather(*begun, *queued)
    bodies = Counter(b"begun" in body for _, body in upstream.requests)
    assert bodies == {True: MANY, False: 1}, "each once that was under way, none of those it read later"
    assert set(answers[:MANY]) <= {200, 502, None}
    assert set(answers[MANY:]) <= {503, None}
    assert Counter(row.state for row in (await rows(stack)).values()) == {"unknown": MANY, "published": 1}
    await until(lambda: len(children(supervisor.pid)) == 2, 20, "a successor")
    assert other in children(supervisor.pid)
    assert await audit_problems(stack) == []
    await asyncio.gather(*(connection.close() for connection in connections))


async def owner_of(stack: Stack, pid: int) -> Owner:
    """The lease that a process holds."""
    async with open_store(stack.database_url) as (store, _):
        held = await store.holders()
    return next(owner for owner, holder in held if holder.rpartition("/")[2] == str(pid))


async def connected_to(stack: Stack, pid: int, number: int) -> list[Connection]:
    """Connections that this process has taken."""
    found: list[Connection] = []

    async def connect() -> None:
        connection = Connection(stack.port)
        if (await connection.ask("GET", "/healthz")).body["pid"] == pid:
            found.append(connection)
        else:
            await connection.close()

    async def enough() -> bool:
        await asyncio.gather(*(connect() for _ in range(8)))
        return len(found) >= number

    await until(enough, 20, "connections to one of the processes")
    await asyncio.gather(*(connection.close() for connection in found[number:]))
    return found[:number]


async def attempt(connection: Connection, word: str) -> int | None:
    """The status that a message with this word is answered; None if the connection broke."""
    try:
        return (await connection.publish(body_of(f"The tram leaves at ten, {word}."))).status
    except Broken:
        return None
