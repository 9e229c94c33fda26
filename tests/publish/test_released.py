"""A person overrules opinions, and not the facts of the moment: neither at the release nor when it is sent."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from gateway.core.model import AccountState, MessageState, Outcome, Registrant, VerificationState
from gateway.perform import Performed
from gateway.review import ReleaseForbidden
from tests.hold import hold
from tests.world import ACCOUNT, PERSON, TENANT, TTL_MS, World, open_world, submission

CLOSED = replace(ACCOUNT, state=AccountState.CLOSED)
IN_REVIEW = replace(PERSON, state=VerificationState.REVIEW)


@pytest.fixture
async def world() -> World:
    return await open_world()


async def resolve(world: World, message_id: str, outcome: Outcome = Outcome.ALLOW) -> bool:
    return await world.resolve(await world.stored(message_id), outcome, "Ann", "looked at it")


async def become(world: World, person: Registrant) -> None:
    """Change what is known of the registrant."""
    await world.store.put_registrant(TENANT.tenant_id, person, "test", world.clock.now_ms())


@pytest.mark.parametrize(
    ("closed", "why"),
    [
        (True, "The account is closed."),
        (False, "The registrant's identity was declined; correct the particulars and have them verified again."),
    ],
    ids=["closed", "unverified"],
)
async def test_what_facts_alone_block_is_not_released(world: World, closed: bool, why: str) -> None:
    message_id = await hold(world)
    if closed:
        await world.put(CLOSED)
    else:
        await become(world, replace(PERSON, state=VerificationState.DECLINED))
    with pytest.raises(ReleaseForbidden) as refused:
        await resolve(world, message_id)
    assert str(refused.value) == why
    assert await world.state(message_id) is MessageState.HELD
    assert world.store.journal == []
    assert await resolve(world, message_id, Outcome.BLOCK)
    assert await world.state(message_id) is MessageState.REJECTED


async def test_what_facts_hold_a_person_may_release(world: World) -> None:
    await become(world, IN_REVIEW)
    message_id = await hold(world)
    assert await resolve(world, message_id)
    await world.review.forward_queued()
    assert await world.state(message_id) is MessageState.PUBLISHED


async def test_the_decision_of_a_person_has_the_facts_it_was_taken_on(world: World) -> None:
    message_id = await hold(world)
    await become(world, IN_REVIEW)
    await resolve(world, message_id)
    _, newest = (await world.store.cases(message_id))[-1]
    assert newest.facts.account == replace(ACCOUNT, registrant=IN_REVIEW)


async def test_an_account_closed_between_release_and_forward_is_not_published(world: World) -> None:
    message_id = await hold(world)
    await resolve(world, message_id)
    await world.put(CLOSED)
    await world.review.forward_queued()
    assert world.upstream.got == []
    assert await world.state(message_id) is MessageState.REJECTED
    _, newest = (await world.store.cases(message_id))[-1]
    assert newest.decision.rule == "account_closed"


async def test_a_message_of_a_dead_process_that_facts_forbid_by_now_is_left_to_a_person(world: World) -> None:
    world.store.refuse.add("move")
    result = await world.publish(submission(key="k", idempotent=True))
    assert isinstance(result, Performed)
    world.store.refuse.clear()
    second = await open_world(world.store, process=1)
    second.clock.now += TTL_MS // 2
    await second.lease.renew()
    second.clock.now += TTL_MS // 2
    await world.store.end_expired(second.clock.now_ms(), TTL_MS)
    assert await world.store.recover(second.clock.now_ms()) == (1, 0)
    await world.put(CLOSED)
    await second.review.forward_queued()
    assert second.upstream.got == []
    assert await world.state(result.message_id) is MessageState.UNKNOWN
