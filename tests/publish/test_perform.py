"""The order of effects: commit, then forward, then record how it went, then answer; and the store failing at each."""

from __future__ import annotations

import asyncio

import pytest

from classifiers.contract import Opinion, Reply, Silence
from gateway.core.model import MessageState
from gateway.perform import Performed
from gateway.ports import LeaseLost, StoreUnavailable, UpstreamNotReached, UpstreamUnknown
from gateway.publish import Refusal
from tests.world import MARGIN_MS, TTL_MS, World, open_world, submission


@pytest.fixture
async def world() -> World:
    return await open_world()


async def published(world: World, key: str | None = None) -> Performed:
    """A message that was published, as far as the client is told."""
    result = await world.publish(submission(key=key))
    assert isinstance(result, Performed)
    assert result.state is MessageState.PUBLISHED
    return result


async def test_commit_then_forward_then_settle(world: World) -> None:
    await published(world)
    assert world.store.journal == ["commit forwarding", "forward", "move published"]


async def test_the_answer_waits_for_the_result_to_be_recorded(world: World) -> None:
    world.upstream.answering.clear()
    answer = asyncio.create_task(world.publish(submission()))
    await world.upstream.waiting.wait()
    assert not answer.done()
    assert world.store.journal == ["commit forwarding", "forward"]
    world.upstream.answering.set()
    await answer
    assert world.store.journal[-1] == "move published"


@pytest.mark.parametrize(
    ("score", "journal"), [(0.6, ["commit held"]), (0.95, ["commit blocked"])], ids=["hold", "block"]
)
async def test_what_is_not_allowed_is_committed_and_no_more(world: World, score: float, journal: list[str]) -> None:
    world.classifiers.say("text", "spam", score)
    await world.publish(submission())
    assert world.store.journal == journal


async def test_nothing_is_forwarded_without_a_commit(world: World) -> None:
    world.store.refuse.add("commit")
    assert await world.publish(submission()) is Refusal.STORE_UNAVAILABLE
    assert world.upstream.got == []


async def test_after_a_commit_in_doubt_nothing_is_forwarded_and_the_record_says_so(world: World) -> None:
    world.store.doubt.add("commit")
    assert await world.publish(submission(key="k")) is Refusal.STORE_UNAVAILABLE
    world.store.doubt.clear()
    assert await world.publish(submission(key="k")) is Refusal.KEY_IN_FLIGHT

    await world.perform.settle_again()

    retried = await world.publish(submission(key="k"))
    assert isinstance(retried, Performed)
    assert retried.state is MessageState.FAILED
    assert world.upstream.got == []


async def test_a_hold_in_doubt_under_a_key_is_what_the_same_key_is_answered_with(world: World) -> None:
    world.classifiers.say("text", "spam", 0.6)
    world.store.doubt.add("commit")
    assert await world.publish(submission(key="k")) is Refusal.STORE_UNAVAILABLE
    assert world.perform.unsettled == 0
    world.store.doubt.clear()
    retried = await world.publish(submission(key="k"))
    assert isinstance(retried, Performed)
    assert retried.state is MessageState.HELD


async def test_a_hold_in_doubt_without_a_key_is_withdrawn(world: World) -> None:
    message_id = await hold_in_doubt(world)
    assert await world.state(message_id) is MessageState.HELD
    await world.perform.settle_again()
    assert await world.state(message_id) is MessageState.FAILED
    assert world.upstream.got == []


@pytest.mark.parametrize("settled", [False, True])
async def test_a_late_opinion_does_not_release_what_was_answered_503(world: World, settled: bool) -> None:
    message_id = await hold_in_doubt(world)
    if settled:
        world.perform._unsettled.clear()
    await world.review.late(Reply("0.1-1", message_id, "t1", (Opinion("text", "1", ()),)))
    assert world.upstream.got == []
    assert await world.state(message_id) is MessageState.HELD


async def test_a_hold_whose_commit_came_late_is_withdrawn_all_the_same(world: World) -> None:
    message_id = await hold_in_doubt(world)
    world.perform._unsettled.clear()  # as when the withdrawal was written before the late commit, and met nothing
    await world.perform.put_back_stranded()
    assert world.perform.unsettled == 0, "the commit may still come"
    world.clock.now += 10_000
    await world.perform.put_back_stranded()
    await world.perform.settle_again()
    assert await world.state(message_id) is MessageState.FAILED


async def hold_in_doubt(world: World) -> str:
    """A message that is held for want of an opinion, though its client was answered 503."""
    world.classifiers.silences["text"] = Silence.TIMEOUT
    world.store.doubt.add("commit")
    assert await world.publish(submission()) is Refusal.STORE_UNAVAILABLE
    world.store.doubt.clear()
    [stored] = await world.store.in_state(MessageState.HELD, 10)
    return stored.message_id


async def test_one_result_that_is_refused_does_not_keep_the_others(world: World) -> None:
    world.store.refuse.add("move")
    first, second = await published(world), await published(world)
    world.store.refuse.clear()
    world.store.refuse_ids.add(first.message_id)
    with pytest.raises(StoreUnavailable):
        await world.perform.settle_again()
    assert await world.state(first.message_id) is MessageState.FORWARDING
    assert await world.state(second.message_id) is MessageState.PUBLISHED
    world.store.refuse_ids.clear()
    await world.perform.settle_again()
    assert await world.state(first.message_id) is MessageState.PUBLISHED


async def test_the_end_of_a_process_writes_what_waits_and_raises_nothing(world: World) -> None:
    world.store.refuse.add("move")
    result = await published(world)
    await world.perform.settle_last()
    assert world.perform.unsettled == 1
    world.store.refuse.clear()
    await world.perform.settle_last()
    assert await world.state(result.message_id) is MessageState.PUBLISHED


async def test_a_result_that_was_not_recorded_is_recorded_later(world: World) -> None:
    world.store.refuse.add("move")
    result = await published(world, key="k")
    assert await world.state(result.message_id) is MessageState.FORWARDING
    assert world.perform.unsettled == 1

    world.store.refuse.clear()
    await world.perform.settle_again()

    assert world.perform.unsettled == 0
    stored = await world.stored(result.message_id)
    assert (stored.state, stored.upstream) == (MessageState.PUBLISHED, world.upstream.answer)
    assert len(world.upstream.got) == 1


async def test_a_result_in_doubt_that_was_recorded_is_not_recorded_twice(world: World) -> None:
    world.store.doubt.add("move")
    result = await published(world)
    world.store.doubt.clear()
    await world.perform.settle_again()
    assert world.perform.unsettled == 0
    assert len(await world.store.history(result.message_id)) == 2


async def test_settling_goes_on_where_the_store_left_off(world: World) -> None:
    world.store.refuse.add("move")
    await published(world)
    with pytest.raises(Exception, match="told to refuse"):
        await world.perform.settle_again()
    assert world.perform.unsettled == 1


async def test_while_too_many_results_wait_nothing_is_forwarded(world: World) -> None:
    world.store.refuse.add("move")
    await published(world)
    await published(world)
    assert await world.publish(submission()) is Refusal.STORE_UNAVAILABLE
    assert len(world.upstream.got) == 2

    world.store.refuse.clear()
    await world.perform.settle_again()
    await published(world)


@pytest.mark.parametrize("key", [None, "k"])
async def test_without_a_lease_nothing_is_forwarded(world: World, key: str | None) -> None:
    world.clock.now += TTL_MS - MARGIN_MS
    assert await world.publish(submission(key=key)) is Refusal.STORE_UNAVAILABLE
    assert world.store.journal == []


async def test_just_before_the_margin_it_still_forwards(world: World) -> None:
    world.clock.now += TTL_MS - MARGIN_MS - 1
    await published(world)


async def test_a_commit_that_used_up_the_lease_does_not_forward(world: World) -> None:
    def meanwhile() -> None:
        world.clock.now += TTL_MS - MARGIN_MS

    world.store.before_commit = meanwhile
    assert await world.publish(submission()) is Refusal.STORE_UNAVAILABLE
    assert world.upstream.got == []


async def test_a_successor_settles_what_a_lost_process_left(world: World) -> None:
    world.store.refuse.add("move")
    result = await published(world)
    world.store.refuse.clear()
    world.clock.now += TTL_MS
    await world.store.end_expired(world.clock.now_ms(), TTL_MS)
    assert await world.store.recover(world.clock.now_ms()) == (0, 1)

    with pytest.raises(LeaseLost):
        await world.lease.renew()
    with pytest.raises(LeaseLost):
        await world.perform.settle_again()
    assert await world.state(result.message_id) is MessageState.UNKNOWN


@pytest.mark.parametrize(
    ("fault", "state"),
    [(UpstreamUnknown("?"), MessageState.UNKNOWN), (UpstreamNotReached("!"), MessageState.FAILED)],
)
async def test_a_fault_of_the_upstream_is_recorded_with_its_text(
    world: World, fault: UpstreamUnknown | UpstreamNotReached, state: MessageState
) -> None:
    world.upstream.fault = fault
    result = await world.publish(submission())
    assert isinstance(result, Performed)
    assert (result.state, result.upstream) == (state, None)
    assert await world.state(result.message_id) is state
    assert f'"note":"{fault}"' in (await world.store.history(result.message_id))[-1].body


@pytest.mark.parametrize(
    ("status", "state"),
    [
        (200, MessageState.PUBLISHED),
        (299, MessageState.PUBLISHED),
        (300, MessageState.REFUSED),
        (308, MessageState.REFUSED),
        (400, MessageState.REFUSED),
        (499, MessageState.REFUSED),
        (500, MessageState.UNKNOWN),
        (503, MessageState.UNKNOWN),
    ],
)
async def test_what_an_upstreams_status_means(world: World, status: int, state: MessageState) -> None:
    answer = world.upstream.answer
    world.upstream.answer = type(answer)(status, answer.body, answer.content_type)
    result = await world.publish(submission())
    assert isinstance(result, Performed)
    assert result.state is await world.state(result.message_id) is state
