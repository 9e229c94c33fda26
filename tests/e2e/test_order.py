"""Nothing reaches the upstream before its decision is committed, and nothing about it is announced before that."""

from __future__ import annotations

import asyncio
import hashlib
import json
from contextlib import suppress

import psutil
from aiokafka import ConsumerRecord

from deploy.local.stack import Stack
from tests.e2e.books import query, settled
from tests.e2e.support import children, publish, ready, records, until
from tests.e2e.upstream import Upstream

MANY = 60
UNDER_WAY = 12


async def test_whatever_arrives_upstream_was_committed_before(bare_stack: Stack) -> None:
    await asyncio.to_thread(bare_stack.start_gateway, 2)
    await asyncio.to_thread(bare_stack.start_worker)
    committed: list[tuple[str, str, str]] = []

    async def look(headers: dict[str, str], body: bytes) -> None:
        """See, on a connection of our own and before the upstream answers, what is committed of this message."""
        found = await query(
            bare_stack,
            "SELECT m.state, m.content_hash, d.outcome FROM messages m JOIN decisions d ON d.message_id = m.id "
            "JOIN audit a ON a.message_id = m.id AND a.step = d.step WHERE m.id = $1",
            headers["idempotency-key"],
        )
        committed.extend((row["state"], row["content_hash"], row["outcome"]) for row in found)
        assert committed[-1][1] == hashlib.sha256(body).hexdigest()

    async with Upstream(bare_stack, look=look) as upstream:
        asked = [publish(bare_stack, f"The bus leaves at ten past nine ({number}).") for number in range(MANY)]
        answers = await asyncio.gather(*asked)
    assert [answer.status for answer in answers] == [200] * MANY
    assert len(upstream.requests) == len(committed) == MANY
    assert {(state, outcome) for state, _, outcome in committed} == {("forwarding", "allow")}


async def test_after_a_kill_each_decision_is_announced_before_what_recovery_made_of_it(bare_stack: Stack) -> None:
    supervisor = await asyncio.to_thread(bare_stack.start_gateway, 2)
    await asyncio.to_thread(bare_stack.start_worker)
    processes = children(supervisor.pid)
    await until(lambda: ready(bare_stack, set(processes)), 30, "both processes ready")
    async with Upstream(bare_stack, seconds=2.0) as upstream:
        asked = [asyncio.create_task(attempt(bare_stack, number)) for number in range(UNDER_WAY)]
        await until(lambda: len(upstream.requests) == UNDER_WAY, 20, "forwards under way")
        for pid in processes:
            psutil.Process(pid).kill()
        await asyncio.gather(*asked)
        await until(lambda: settled(bare_stack), 60, "recovery")
    unknown = await query(bare_stack, "SELECT id FROM messages WHERE state = 'unknown'")
    assert len(unknown) == UNDER_WAY

    def all_recovered(found: list[ConsumerRecord]) -> bool:
        recovered = [record for record in found if json.loads(record.value)["data"].get("actor") == "recovery"]
        return len(recovered) >= UNDER_WAY

    kinds: dict[str, list[str]] = {}
    for record in await records(bare_stack, "decisions", all_recovered):
        event = json.loads(record.value)
        kinds.setdefault(event["subject"], []).append(event["type"])
    assert {row["id"] for row in unknown} <= kinds.keys()
    assert {seen[0] for seen in kinds.values()} == {"moderation.decision"}


async def attempt(stack: Stack, number: int) -> None:
    """Publish something; the process that does it dies."""
    with suppress(OSError):
        await publish(stack, f"The ferry leaves at noon ({number}).")
