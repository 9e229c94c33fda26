"""A hold that nobody decides on ends, once, in the policy's time."""

from __future__ import annotations

import pytest

from classifiers.contract import Silence
from gateway.core.model import MessageState, Outcome
from gateway.perform import Performed
from gateway.review import resolve_by_person
from tests.world import World, open_world, submission

HOUR_MS = 3_600_000
LIMIT_MS = 168 * HOUR_MS


@pytest.fixture
async def world() -> World:
    return await open_world()


async def hold(world: World) -> str:
    """A held message."""
    world.classifiers.silences["text"] = Silence.TIMEOUT
    result = await world.publish(submission())
    assert isinstance(result, Performed)
    assert result.state is MessageState.HELD
    return result.message_id


async def later(world: World, ms: int) -> None:
    """Time passes, in which the process kept its lease."""
    world.clock.now += ms
    await world.lease.renew()


async def test_a_hold_ends_when_its_time_is_over_and_not_before(world: World) -> None:
    message_id = await hold(world)

    await later(world, LIMIT_MS - 1)
    await world.review.expire()
    assert await world.state(message_id) is MessageState.HELD

    await later(world, 1)
    await world.review.expire()
    assert await world.state(message_id) is MessageState.REJECTED
    _, (_, last) = await world.store.cases(message_id)
    assert (last.decision.outcome, last.decision.rule) == (Outcome.BLOCK, "hold_expired")
    assert world.upstream.got == []


async def test_the_policy_says_how_long(world: World) -> None:
    message_id = await hold(world)
    holds = world.policy.policy.holds.model_copy(update={"expire_hours": 1.0})
    changed = world.policy.policy.model_copy(update={"holds": holds})
    world.policy = type(world.policy)(changed, world.policy.text, world.policy.version)

    await later(world, HOUR_MS)
    await world.review.expire()

    assert await world.state(message_id) is MessageState.REJECTED


async def test_what_a_person_released_meanwhile_stays_released(world: World) -> None:
    message_id = await hold(world)
    stored = await world.stored(message_id)
    assert await resolve_by_person(
        world.store, world.store, world.clock, world.policy, stored, Outcome.ALLOW, "mo", "fine"
    )

    await later(world, LIMIT_MS)
    await world.review.expire()

    assert await world.state(message_id) is MessageState.QUEUED


async def test_more_than_one_round_is_asked_for_while_more_may_be_due(world: World) -> None:
    for _ in range(3):
        await hold(world)
    await later(world, LIMIT_MS)

    assert await world.review.expire(limit=2)
    assert not await world.review.expire(limit=2)
    assert (await world.store.count(MessageState.HELD))[0] == 0
