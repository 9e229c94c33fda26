"""Reviewers over HTTP, on two processes that die in between: each held message ends once, as one of them said."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import psutil

from deploy.local.stack import Stack
from gateway.adapters.sql import SqlOperators, open_store
from gateway.core.operators import Operator, Role
from gateway.core.registration import By
from gateway.http.requests import hash_key
from tests.e2e.books import audit_problems, query
from tests.e2e.support import PATIENT, TEXTS, Answer, children, once, publish, published, ready, shipped, until

HOLDS = "/v1/admin/tenants/demo/holds"
NAMES = ("reviewer-one", "reviewer-two")
MESSAGES = 12


async def decide(stack: Stack, name: str, message_id: str, verb: str, *, undo: bool = False) -> Answer:
    """What a reviewer is answered to a decision."""
    code = "no_violation" if verb == "release" else "fraud"
    body = json.dumps({"code": code, "reason": "looked at it", "undo": undo}).encode()
    return await once(stack, "POST", f"{HOLDS}/{message_id}:{verb}", body, Authorization=f"Bearer key-{name}")


async def appoint(stack: Stack) -> None:
    async with open_store(stack.database_url) as (store, _):
        for name in NAMES:
            operator = Operator(name, Role.REVIEWER)
            assert await SqlOperators(store.database).add(operator, hash_key(f"key-{name}"), By("test"), 0)


async def test_each_hold_ends_once_whatever_two_reviewers_say_and_who_dies(stack: Stack, tmp_path: Path) -> None:
    policy = tmp_path / "policy.yaml"
    # All is decided, looked up and killed while the first of the decisions can still be undone.
    policy.write_text(shipped(PATIENT, ("undo_seconds: 8", "undo_seconds: 30")))
    supervisor = await asyncio.to_thread(stack.start_gateway, 2, {"GATEWAY_POLICY_FILE": str(policy)})
    await asyncio.to_thread(stack.start_worker)
    await appoint(stack)
    text = TEXTS["hold"][0]
    held = [await publish(stack, f"{text} Offer {number}.") for number in range(MESSAGES)]
    assert {answer.status for answer in held} == {202}
    ids = [answer.body["message_id"] for answer in held]

    at_once, later = ids[: MESSAGES // 2], ids[MESSAGES // 2 :]
    won: dict[str, str] = {}
    for message_id in at_once:
        verbs = ("release", "reject")
        answers = await asyncio.gather(
            *[decide(stack, name, message_id, verb) for name, verb in zip(NAMES, verbs, strict=True)]
        )
        assert sorted(answer.status for answer in answers) == [200, 409]
        won[message_id] = next(verb for answer, verb in zip(answers, verbs, strict=True) if answer.status == 200)
    # Of what is being sent while its process dies only a person can say whether it arrived: `test_kill` is about that.
    await until(lambda: ended(stack, at_once), 30, "the end of these")
    for message_id in later:
        assert (await decide(stack, NAMES[0], message_id, "release", undo=True)).status == 200
        won[message_id] = "release"
    assert {message_id for message_id in later if await state(stack, message_id) != "held"} == set()

    for pid in children(supervisor.pid):  # what was decided is not in anybody's memory
        psutil.Process(pid).kill()
    await until(lambda: len(children(supervisor.pid)) == 2, 20, "two processes again")
    await until(lambda: ready(stack, set(children(supervisor.pid))), 30, "both of them ready")

    await until(lambda: ended(stack, ids), 120, "the end of every hold")
    keys = [request["key"] for request in published(stack)]
    for message_id, verb in won.items():
        assert (await state(stack, message_id), keys.count(message_id)) == (
            ("published", 1) if verb == "release" else ("rejected", 0)
        )
    await until(lambda: _left(stack), 10, "an empty queue")
    assert await audit_problems(stack) == []


async def state(stack: Stack, message_id: str) -> str:
    [row] = await query(stack, "SELECT state FROM messages WHERE id = $1", message_id)
    return str(row[0])


async def ended(stack: Stack, ids: list[str]) -> bool:
    return {await state(stack, each) for each in ids} <= {"published", "rejected"}


async def _left(stack: Stack) -> bool:
    [row] = await query(stack, "SELECT count(*) FROM queue")
    return bool(row[0] == 0)
