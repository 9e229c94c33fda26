"""What a process moved to FORWARDING without knowing it is found, and sent once."""

from __future__ import annotations

import asyncio

import pytest

from classifiers.contract import Opinion, Reply, Silence
from gateway.core.model import MessageState
from gateway.perform import Performed
from gateway.ports import StoreUnavailable
from gateway.publish import Refusal
from tests.world import TENANT, World, open_world, submission


@pytest.fixture
async def world() -> World:
    return await open_world()


async def strand(world: World) -> str:
    """A message that a late opinion released, though the answer to the commit was lost."""
    world.classifiers.silences["text"] = Silence.TIMEOUT
    result = await world.publish(submission())
    world.classifiers.silences.clear()
    assert isinstance(result, Performed)
    world.store.doubt.add("move")
    await world.review.late(Reply("0.1-1", result.message_id, TENANT.tenant_id, (Opinion("text", "1", ()),)))
    world.store.doubt.clear()
    assert await world.state(result.message_id) is MessageState.FORWARDING
    assert world.upstream.got == []
    return result.message_id


async def test_a_stranded_message_is_queued_again_and_sent_once(world: World) -> None:
    message_id = await strand(world)
    await world.perform.put_back_stranded()
    assert world.perform.unsettled == 0, "once is not enough: it could be on its way"
    await world.perform.put_back_stranded()
    await world.perform.settle_again()
    assert await world.state(message_id) is MessageState.QUEUED
    await world.review.forward_queued()
    assert await world.state(message_id) is MessageState.PUBLISHED
    assert len(world.upstream.got) == 1


async def test_what_was_answered_503_is_never_sent_even_if_its_commit_comes_late(world: World) -> None:
    world.store.doubt.add("commit")
    assert await world.publish(submission()) is Refusal.STORE_UNAVAILABLE
    world.store.doubt.clear()
    world.perform._unsettled.clear()  # as when the result was written before the late commit, and met nothing
    for _ in range(2):
        await world.perform.put_back_stranded()
    await world.perform.settle_again()
    await world.review.forward_queued()
    assert len(await world.store.in_state(MessageState.FAILED, 10)) == 1
    assert world.upstream.got == []


async def test_a_message_under_way_is_left_alone(world: World) -> None:
    world.upstream.answering.clear()
    under_way = asyncio.create_task(world.publish(submission()))
    await world.upstream.waiting.wait()
    for _ in range(3):
        await world.perform.put_back_stranded()
    assert world.perform.unsettled == 0
    world.upstream.answering.set()
    result = await under_way
    assert isinstance(result, Performed)
    assert result.state is MessageState.PUBLISHED
    assert len(world.upstream.got) == 1


async def test_a_message_that_is_being_put_back_is_not_sent(world: World) -> None:
    message_id = await strand(world)
    stored = await world.stored(message_id)
    world.perform.put_back(stored)
    with pytest.raises(StoreUnavailable):
        await world.perform.forward(TENANT, stored)
    assert world.upstream.got == []
