"""The story of one publish request: what is asked, in which order, and what is kept."""

from __future__ import annotations

import asyncio
import hashlib

import pytest

from classifiers.contract import Opinion, Silence, Unanswered
from gateway.core.model import Account, AccountState, MessageState, Outcome
from gateway.perform import Performed
from gateway.publish import Refusal
from tests.policies import policy
from tests.world import ACCOUNT, CLOSED, OTHER, PERSON, TENANT, THEIRS, World, open_world, submission


@pytest.fixture
async def world() -> World:
    return await open_world()


async def test_a_case_keeps_facts_answers_and_decision(world: World) -> None:
    world.classifiers.silences["news"] = Silence.UNSUPPORTED
    result = await world.publish(submission())
    assert isinstance(result, Performed)
    stored = await world.stored(result.message_id)
    assert stored.first.facts.account == ACCOUNT
    assert stored.first.facts.at_ms == stored.created_ms == world.clock.now_ms()
    assert stored.first.answers == (Opinion("text", "1", ()), Unanswered("news", Silence.UNSUPPORTED))
    assert stored.first.decision == result.decision
    assert stored.decision_id == result.decision_id


async def test_facts_that_settle_are_not_asked_about(world: World) -> None:
    result = await world.publish(submission(account=CLOSED))
    assert isinstance(result, Performed)
    assert (result.state, result.decision.rule) == (MessageState.BLOCKED, "account_closed")
    assert world.classifiers.asked == []
    assert (await world.stored(result.message_id)).first.answers == ()


async def test_facts_are_those_of_the_moment(world: World) -> None:
    await world.publish(submission())
    await world.put(Account("acc-1", AccountState.SUSPENDED, PERSON))
    result = await world.publish(submission())
    assert isinstance(result, Performed)
    assert result.decision.rule == "account_suspended"


async def test_one_request_is_decided_by_one_policy(world: World) -> None:
    """A policy that comes into force while the classifiers are asked is for the next request."""
    old = world.policy
    world.classifiers.answering.clear()
    world.classifiers.say("text", "spam", 0.6)
    first = asyncio.create_task(world.publish(submission()))
    await world.classifiers.waiting.wait()
    world.policy = policy(("spam: {hold: 0.5, block: 0.9}", "spam: {hold: 0.5, block: 0.55}"))
    world.classifiers.answering.set()

    before, after = await first, await world.publish(submission())
    assert isinstance(before, Performed)
    assert isinstance(after, Performed)
    assert (before.decision.outcome, before.decision.policy_version) == (Outcome.HOLD, old.version)
    assert (after.decision.outcome, after.decision.policy_version) == (Outcome.BLOCK, world.policy.version)


async def test_what_other_tenants_register_changes_nothing(world: World) -> None:
    """An account id means something within its tenant only."""
    nobodys = Account("acc-new", AccountState.ACTIVE, PERSON)
    before = await world.publish(submission(account=nobodys))
    await world.store.put_account(OTHER.tenant_id, nobodys, "test", world.clock.now_ms())
    after = await world.publish(submission(account=nobodys))
    assert isinstance(before, Performed)
    assert isinstance(after, Performed)
    assert (after.state, after.decision) == (before.state, before.decision)
    assert (after.state, after.decision.rule) == (MessageState.HELD, "account_unknown")


async def test_a_refused_request_leaves_its_key_free(world: World) -> None:
    world.quota.measured({TENANT.tenant_id: (1000, 0)})
    assert await world.publish(submission(account=THEIRS, key="k")) is Refusal.HOLDS_FULL
    assert isinstance(await world.publish(submission(key="k")), Performed)


async def test_a_cancelled_request_leaves_its_place_and_key_free() -> None:
    world = await open_world(limit=1)
    world.classifiers.answering.clear()
    request = asyncio.create_task(world.publish(submission(key="k")))
    await world.classifiers.waiting.wait()
    assert world.publish.in_flight == 1
    request.cancel()
    with pytest.raises(asyncio.CancelledError):
        await request
    assert world.publish.in_flight == 0
    world.classifiers.answering.set()
    assert isinstance(await world.publish(submission(key="k")), Performed)


async def test_without_a_key_the_same_request_is_two_messages(world: World) -> None:
    first, second = await world.publish(submission()), await world.publish(submission())
    assert isinstance(first, Performed)
    assert isinstance(second, Performed)
    assert first.message_id != second.message_id
    assert len(world.upstream.got) == 2


async def test_every_forward_follows_a_committed_allow_of_the_same_bytes(world: World) -> None:
    for index in range(5):
        world.classifiers.say("text", "spam", index / 4)
        await world.publish(submission(f"text {index}"))
    assert [request.body for _, _, request in world.upstream.got] == [b"text 0", b"text 1"]
    for _, message_id, request in world.upstream.got:
        stored = await world.stored(message_id)
        assert stored.first.decision.outcome is Outcome.ALLOW
        assert stored.message.content_hash == hashlib.sha256(request.body).hexdigest()


async def test_one_audit_row_a_decision_and_one_a_change(world: World) -> None:
    result = await world.publish(submission())
    assert isinstance(result, Performed)
    assert [row.kind for row in await world.store.history(result.message_id)] == ["decision", "transition"]


async def test_what_came_without_a_key_is_marked_so_for_recovery(world: World) -> None:
    named, nameless = await world.publish(submission(key="k")), await world.publish(submission())
    assert isinstance(named, Performed)
    assert isinstance(nameless, Performed)
    assert (await world.stored(named.message_id)).fingerprint != ""
    assert (await world.stored(nameless.message_id)).fingerprint == ""
