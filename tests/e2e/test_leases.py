"""Slots: never more processes than there are, a dead one's is taken at once, and who lost his does nothing more."""

from __future__ import annotations

import asyncio
import signal
import sys
from time import monotonic

import psutil

from deploy.local.processes import free_port
from deploy.local.stack import Stack
from gateway.adapters.clock import SystemClock
from gateway.adapters.sql import open_store
from gateway.core.records import Owner
from tests.e2e.books import audit_problems, compare, rows, settled
from tests.e2e.load import Sent
from tests.e2e.support import Answer, Broken, body_of, children, gone, health, once, publish, published, ready, until


async def slots(stack: Stack) -> list[Owner]:
    """The leases in force."""
    async with open_store(stack.database_url) as (store, _):
        return [owner for owner, _ in await store.holders(SystemClock().now_ms())]


async def test_a_process_without_a_slot_says_so_and_ends(stack: Stack) -> None:
    two = {"GATEWAY_KAFKA__PARTITIONS": "2"}
    supervisor = await asyncio.to_thread(stack.start_gateway, 2, two)
    await until(lambda: ready(stack, set(children(supervisor.pid))), 30, "both processes ready")
    third = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "gateway", "serve", "--port", str(free_port())),
        env=stack.environment(two),
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
    print(f"slot taken over after {monotonic() - began:.1f} s")  # noqa: T201 - not after the lease's 600 s
    assert after.keys() == before.keys() == {0, 1}
    assert sorted(after[slot] - before[slot] for slot in after) == [0, 1]


async def test_who_lost_its_lease_while_it_slept_ends_and_forwards_nothing_more(stack: Stack) -> None:
    supervisor = await asyncio.to_thread(stack.start_gateway, 2)
    await asyncio.to_thread(stack.start_worker)
    pids = children(supervisor.pid)
    await until(lambda: ready(stack, set(pids)), 30, "both processes ready")
    asking = [asyncio.create_task(attempt(stack, number)) for number in range(60)]
    await until(lambda: len(published(stack)) >= 10, 20, "requests under way")
    slept = (await health(stack))["pid"]
    owner = await owner_of(stack, slept)
    psutil.Process(slept).send_signal(signal.SIGSTOP)
    async with open_store(stack.database_url) as (store, _):
        await store.break_lease(owner)
    other = next(pid for pid in pids if pid != slept)
    await until(lambda: settled(stack), 20, "the other process to settle what this one had under way")
    arrived = [request["key"] for request in published(stack)]
    found = await rows(stack)
    psutil.Process(slept).send_signal(signal.SIGCONT)
    await until(lambda: gone(slept), 40, "the process without a lease to end")
    answers = await asyncio.gather(*asking)
    await until(lambda: len(children(supervisor.pid)) == 2, 20, "a successor")
    assert other in children(supervisor.pid)

    late = [request["key"] for request in published(stack)[len(arrived) :]]
    now = await rows(stack)
    assert [key for key in late if key in found and found[key].state != "held"] == []
    for message_id, row in found.items():
        if row.state == "unknown":
            assert now[message_id].state == "unknown"
    log = [sent for sent in answers if sent.answer is not None and "message_id" in sent.answer.body]
    assert {sent.answer.status for sent in answers if sent.answer} <= {200, 202, 502, 503}
    compare(stack, log, now)
    assert await audit_problems(stack) == []


async def owner_of(stack: Stack, pid: int) -> Owner:
    """The lease that a process holds."""
    async with open_store(stack.database_url) as (store, _):
        held = await store.holders(SystemClock().now_ms())
    return next(owner for owner, holder in held if holder.rpartition("/")[2] == str(pid))


async def attempt(stack: Stack, number: int) -> Sent:
    """Send one message, and note what became of it."""
    sent = Sent("allow", body_of(f"The tram leaves at ten ({number})."), None)
    try:
        answer: Answer = await once(stack, "POST", "/v1/messages", sent.body)
    except Broken:
        sent.broken = 1
    else:
        sent.answer = answer
    return sent
