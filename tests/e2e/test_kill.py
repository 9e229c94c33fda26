"""kill -9 at random moments: nothing acknowledged is lost, nothing is published twice or without a decision."""

from __future__ import annotations

import asyncio
import random
import subprocess
from contextlib import suppress
from pathlib import Path
from time import monotonic

import psutil

from deploy.local.stack import Stack
from tests.e2e.books import audit_problems, compare, nothing_waits, rows
from tests.e2e.load import Load, more_answers
from tests.e2e.support import Connection, children, counter, ready, tell, until

KILLS = 20
OF_ALL = {4, 10, 16}
"""Which of the kills end the supervisor too, with all its processes."""


async def test_twenty_kills_under_load_lose_and_double_nothing(hasty_stack: Stack, tmp_path: Path) -> None:
    stack = hasty_stack
    seed = random.randrange(2**32)  # noqa: S311 - see Load
    tell(f"seed {seed}")
    chance = random.Random(seed)  # noqa: S311
    started = monotonic()
    supervisor = await asyncio.to_thread(stack.start_gateway, 2)
    await asyncio.to_thread(stack.start_worker)

    async with Load(stack.port, tmp_path / "client.log", clients=24, pause=0.08, keyed=3, seed=seed) as load:
        for number in range(KILLS):
            await more_answers(load, chance.randrange(5, 150))
            if number in OF_ALL:
                supervisor = await kill_all(stack, supervisor)
            else:
                await kill_one(supervisor, chance)
        await more_answers(load, 200)

    await until(lambda: len(children(supervisor.pid)) == 2, 20, "two processes again")
    await until(lambda: ready(stack, set(children(supervisor.pid))), 30, "both of them ready")
    took = await until(lambda: nothing_waits(stack), 90, "every message settled")
    found = await rows(stack)
    compare(stack, load.log, found)
    assert await audit_problems(stack) == []
    await same_key_same_answer(stack, load)
    assert await counter(stack, "gateway_ready") == 2
    states = {state: sum(row.state == state for row in found.values()) for state in ("published", "held", "unknown")}
    tell(
        f"{KILLS} kills in {monotonic() - started:.0f} s: {len(load.log)} sent, {load.statuses()} answered, "
        f"{load.broken} broken, {load.refused} refused; {states}, settled {took:.1f} s after the load"
    )
    assert load.broken >= KILLS, "the kills interrupted too little to prove anything"
    assert {200, 202, 403} <= load.statuses().keys()
    assert set(load.statuses()) <= {200, 202, 403, 502}


async def kill_one(supervisor: subprocess.Popen[bytes], chance: random.Random) -> None:
    """Kill one of a supervisor's processes, which it will replace."""
    found: list[int] = []

    def any_child() -> bool:
        found[:] = children(supervisor.pid)
        return bool(found)

    await until(any_child, 10, "a process to kill")
    with suppress(psutil.NoSuchProcess):  # it has ended since, and is replaced as well
        psutil.Process(chance.choice(found)).kill()


async def kill_all(stack: Stack, supervisor: subprocess.Popen[bytes]) -> subprocess.Popen[bytes]:
    """Kill a supervisor with its processes, and start another."""
    # Stopped first: a process that it started meanwhile would be in no list, and keep the listening socket.
    process = psutil.Process(supervisor.pid)
    process.suspend()
    await until(lambda: process.status() == psutil.STATUS_STOPPED, 10, "the supervisor to stop")
    pids = children(supervisor.pid)
    for pid in pids:
        with suppress(psutil.NoSuchProcess):
            psutil.Process(pid).kill()
    supervisor.kill()
    supervisor.wait()
    await until(lambda: all(ended(pid) for pid in pids), 10, "their end")
    return await asyncio.to_thread(stack.start_gateway, 2)


def ended(pid: int) -> bool:
    """Whether a process runs no more, be it waited for or not."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


async def same_key_same_answer(stack: Stack, load: Load) -> None:
    """Ask again under every key that was used: whichever process answers, it says the same."""
    keyed = [sent for sent in load.log if sent.key is not None and sent.answer is not None]
    assert len(keyed) > 100

    async def again(share: int) -> None:
        async with Connection(stack.port) as connection:
            for sent in keyed[share::16]:
                assert sent.answer is not None
                assert sent.key is not None
                answer = await connection.publish(sent.body, Idempotency_Key=sent.key)
                assert (answer.status, answer.body) == (sent.answer.status, sent.answer.body)

    before = len(await rows(stack))
    await asyncio.gather(*(again(share) for share in range(16)))
    assert len(await rows(stack)) == before
