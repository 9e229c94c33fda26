"""Processes are replaced, and policies changed, under load: no client notices."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from time import monotonic

import psutil
import pytest

from deploy.local.stack import Stack
from tests.e2e.books import audit_problems, compare, nothing_waits, rows
from tests.e2e.load import Load, more_answers
from tests.e2e.support import (
    DEADLINE,
    SHIPPED,
    children,
    gone,
    publish,
    ready,
    reports,
    shipped,
    tell,
    until,
)
from tests.e2e.upstream import Upstream

END_SECONDS = 30


class Running:
    """A gateway of two processes with a policy file of its own, a worker, and a client log."""

    def __init__(self, stack: Stack, directory: Path) -> None:
        self.stack = stack
        self.policy = directory / "policy.yaml"
        self.put(SHIPPED)
        self.client_log = directory / "client.log"
        self.supervisor: subprocess.Popen[bytes] = stack.start_gateway(2, {"GATEWAY_POLICY_FILE": str(self.policy)})
        stack.start_worker()

    def put(self, policy: str) -> None:
        """Replace the policy file, which nobody reads half written."""
        beside = self.policy.with_suffix(".new")
        beside.write_text(policy)
        beside.replace(self.policy)

    @asynccontextmanager
    async def load(self) -> AsyncIterator[Load]:
        """Load inside the block; after it, fail if a single request was refused, broken, or answered with an error."""
        await until(lambda: ready(self.stack, set(children(self.supervisor.pid))), 30, "both processes ready")
        async with Load(self.stack.port, self.client_log, clients=16, pause=0.05) as load:
            await until(lambda: len(load.answered) >= 100, 30, "answers before anything happens")
            yield load
            await more_answers(load, 100)
        tell(f"{len(load.log)} sent, answers {load.statuses()}, slowest {max(s.seconds for s in load.log):.2f} s")
        assert (load.refused, load.broken, len(load.answered)) == (0, 0, len(load.log))
        assert set(load.statuses()) <= {200, 202, 403}
        await until(lambda: nothing_waits(self.stack), 90, "every message settled")
        compare(self.stack, load.log, await rows(self.stack))


@pytest.fixture
def gateway(stack: Stack, tmp_path: Path) -> Running:
    return Running(stack, tmp_path)


async def replaced(gateway: Running, old: set[int]) -> None:
    """Wait until these processes are gone and two others are ready."""

    def both() -> bool:
        now = children(gateway.supervisor.pid)
        return len(now) == 2 and not old & set(now)

    await until(both, END_SECONDS, "the replacement to start")
    await until(lambda: ready(gateway.stack, set(children(gateway.supervisor.pid))), END_SECONDS, "it to be ready")


async def test_processes_are_replaced_and_no_client_notices(gateway: Running) -> None:
    async with gateway.load() as load:
        for child in children(gateway.supervisor.pid):
            began = monotonic()
            psutil.Process(child).send_signal(signal.SIGTERM)
            await until(partial(gone, child), END_SECONDS, "its end")
            tell(f"ended in {monotonic() - began:.1f} s")
            await replaced(gateway, {child})
            await more_answers(load, 100)
        before = set(children(gateway.supervisor.pid))
        gateway.supervisor.send_signal(signal.SIGUSR1)
        await replaced(gateway, before)
    # The supervisor writes down how each process ended.
    ends = [line for line in log(gateway).splitlines() if "gateway process ended" in line]
    assert len(ends) == 4
    assert all('"status":0' in line for line in ends), ends
    assert await audit_problems(gateway.stack) == []


async def test_the_end_waits_for_requests_under_way(bare_stack: Stack) -> None:
    supervisor = await asyncio.to_thread(bare_stack.start_gateway, 2)
    await asyncio.to_thread(bare_stack.start_worker)
    pids = set(children(supervisor.pid))
    await until(lambda: ready(bare_stack, pids), 30, "both processes ready")
    async with Upstream(bare_stack, seconds=1.5) as upstream:
        asking = [
            asyncio.create_task(publish(bare_stack, f"The bakery opens at seven ({number}).")) for number in range(20)
        ]
        await until(lambda: len(upstream.requests) == len(asking), 20, "the requests to be under way")
        began = monotonic()
        supervisor.send_signal(signal.SIGTERM)
        answers = await asyncio.gather(*asking)
        assert await asyncio.to_thread(supervisor.wait, END_SECONDS) == 0
        tell(f"ended in {monotonic() - began:.1f} s")
    assert [answer.status for answer in answers] == [200] * len(asking)
    assert not [pid for pid in pids if psutil.pid_exists(pid)]
    with pytest.raises(ConnectionRefusedError):
        await publish(bare_stack, "too late")


async def test_the_order_to_end_is_heard_while_processes_are_being_replaced(stack: Stack) -> None:
    supervisor = await asyncio.to_thread(stack.start_gateway, 2)
    pids = set(children(supervisor.pid))
    await until(lambda: ready(stack, pids), 30, "both processes ready")
    supervisor.send_signal(signal.SIGUSR1)
    await until(lambda: set(children(supervisor.pid)) - pids, END_SECONDS, "a successor to begin")
    supervisor.send_signal(signal.SIGTERM)
    assert await asyncio.to_thread(supervisor.wait, END_SECONDS) == 0
    assert "Traceback" not in (stack.directory / "gateway.log").read_text()


async def test_a_broken_policy_changes_nothing_and_a_good_one_is_taken_up(gateway: Running) -> None:
    stack = gateway.stack
    pids = set(children(gateway.supervisor.pid))

    async def version() -> str:
        """The policy that a hold is decided by."""
        answer = await publish(stack, "The museum is open.", "nobody")
        return str(answer.body["reasons"][0]["policy_version"])

    async def everywhere(what: str) -> bool:
        """Whether both processes say this of their policy."""
        found = await reports(stack, pids)
        return bool(found) and all(what in report["components"]["policy"]["detail"] for report in found)

    first = await version()
    async with gateway.load() as load:
        gateway.put(shipped((DEADLINE, "deadline_ms: soon")))
        line = SHIPPED.splitlines().index(DEADLINE) + 1
        await until(lambda: everywhere(f"line {line}: deadline_ms"), 30, "the report to say which line is wrong")
        assert await version() == first
        await more_answers(load, 100)

        gateway.put(shipped((DEADLINE, "deadline_ms: 900")))
        took = await until(lambda: everywhere("version "), 30, "the valid file to be taken up")
        tell(f"taken up within {took:.1f} s")
        second = await version()
        assert second != first

        os.kill(gateway.supervisor.pid, signal.SIGHUP)
        await more_answers(load, 200)
        assert await version() == second
        assert set(children(gateway.supervisor.pid)) == pids
    versions = {
        reason["policy_version"] for sent in load.answered if sent.answer for reason in sent.answer.body["reasons"]
    }
    assert versions == {first, second}


def log(gateway: Running) -> str:
    """All that the gateway's processes wrote."""
    return (gateway.stack.directory / "gateway.log").read_text()
