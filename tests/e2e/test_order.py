"""Nothing reaches the upstream before its decision and audit row are committed."""

from __future__ import annotations

import asyncio
import hashlib

from deploy.local.stack import Stack
from tests.e2e.books import query
from tests.e2e.support import publish
from tests.e2e.upstream import Upstream

MANY = 60


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
