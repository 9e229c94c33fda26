"""What client, upstream and database say about the same messages, compared without the gateway's own code."""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from dataclasses import dataclass

import asyncpg

from deploy.local.stack import Stack
from gateway.adapters.sql import open_store
from gateway.core.audit import breaks_meanwhile
from tests.e2e.load import Sent
from tests.e2e.support import published


@dataclass(frozen=True, slots=True)
class Row:
    """A message as the database has it, with the outcomes of its decisions and its audit rows, oldest first."""

    state: str
    content_hash: str
    outcomes: tuple[str, ...]
    history: tuple[dict[str, str], ...]

    @property
    def allowed_at(self) -> int | None:
        """The place in its history of the first decision that allows it."""
        for place, row in enumerate(self.history):
            if row.get("outcome") == "allow" and row["content_hash"] == self.content_hash:
                return place
        return None


async def query(stack: Stack, statement: str, *arguments: object) -> list[asyncpg.Record]:
    """The rows of a statement, on a connection of our own."""
    connection = await asyncpg.connect(stack.database_url.replace("+asyncpg", ""))
    try:
        found: list[asyncpg.Record] = await connection.fetch(statement, *arguments)
        return found
    finally:
        await connection.close()


async def settled(stack: Stack) -> bool:
    """Whether nothing is under way any more."""
    return not await query(stack, "SELECT 1 FROM messages WHERE state IN ('forwarding', 'queued') LIMIT 1")


async def waiting(stack: Stack) -> int:
    """How many held messages have a silent classifier in their newest case."""
    found = await query(
        stack,
        "SELECT count(*) FROM messages m WHERE state = 'held' AND (SELECT case_json FROM decisions d "
        "WHERE d.message_id = m.id ORDER BY step DESC LIMIT 1) LIKE '%\"silence\"%'",
    )
    return int(found[0][0])


async def nothing_waits(stack: Stack) -> bool:
    """Whether no hold waits for an opinion, and nothing is under way: then nobody but a person moves a message."""
    return await waiting(stack) == 0 and await settled(stack)


async def rows(stack: Stack) -> dict[str, Row]:
    """Every message in the database."""
    messages = await query(stack, "SELECT id, state, content_hash FROM messages")
    decisions = await query(stack, "SELECT message_id, outcome FROM decisions ORDER BY step")
    audit = await query(stack, "SELECT message_id, body FROM audit WHERE message_id <> '' ORDER BY step")
    outcomes: defaultdict[str, list[str]] = defaultdict(list)
    history: defaultdict[str, list[dict[str, str]]] = defaultdict(list)
    for message_id, outcome in decisions:
        outcomes[message_id].append(outcome)
    for message_id, body in audit:
        row = json.loads(body)
        history[message_id].append({**row, **row.get("decision", {})})
    return {
        row["id"]: Row(row["state"], row["content_hash"], tuple(outcomes[row["id"]]), tuple(history[row["id"]]))
        for row in messages
    }


async def audit_problems(stack: Stack) -> list[str]:
    """What is wrong with the audit chains. What follows from a decision may be written while they are read."""
    async with open_store(stack.database_url) as (store, _):
        before = await store.heads()
        rows = [row async for row in store.audit()]
        return list(breaks_meanwhile(rows, before, await store.heads()))


def compare(stack: Stack, log: list[Sent], found: dict[str, Row]) -> None:
    """Fail unless the three agree: nothing lost, nothing published twice, nothing published without a decision."""
    arrived = published(stack)
    times = Counter(request["key"] for request in arrived)
    bodies = Counter(request["body"] for request in arrived)
    assert not [key for key, number in times.items() if number > 1], "the upstream had a message twice"
    assert not [body for body, number in bodies.items() if number > 1], "the upstream had a text twice"
    for request in arrived:
        row = found[request["key"]]
        assert hashlib.sha256(request["body"].encode()).hexdigest() == row.content_hash
        assert "allow" in row.outcomes, f"published without a decision that allows it: {row}"
        before = row.history[: row.allowed_at + 1] if row.allowed_at is not None else ()
        assert before, f"published without an audit row of a decision that allows it: {row}"
        assert not [step for step in before if step.get("to", step.get("state")) in ("published", "unknown")]
        assert row.state in ("published", "unknown"), row
    for sent in log:
        if sent.answer is None:
            continue
        message_id = sent.answer.body["message_id"]
        row = found[message_id]
        assert row.content_hash == hashlib.sha256(sent.body).hexdigest()
        assert row.outcomes[0] == sent.answer.body["decision"], row
        match sent.answer.status:
            case 200:
                assert (times[message_id], row.state) == (1, "published")
            case 202:
                assert row.state in ("held", "rejected") or "allow" in row.outcomes[1:], row
                assert times[message_id] == (row.state == "published") or row.state == "unknown"
            case 403:
                assert (times[message_id], row.state) == (0, "blocked")
            case 502:
                assert row.state == "unknown"
            case status:
                raise AssertionError(f"a message was answered {status}: {sent.answer.body}")
    assert {row.state for row in found.values()} <= {"published", "held", "rejected", "blocked", "unknown"}
