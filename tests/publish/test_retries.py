"""A platform's client repeats its request under one key until it gets through: one effect, whatever happens between."""

from __future__ import annotations

import asyncio

import pytest

from classifiers.contract import Opinion, Reply, Silence
from gateway.core.model import MessageState, Outcome
from gateway.core.records import UpstreamAnswer, Verdict
from gateway.perform import Performed
from gateway.ports import UpstreamNotReached, UpstreamUnknown
from gateway.publish import Refusal, Submission
from tests.world import World, open_world, submission

AWAY = UpstreamNotReached("away")
SILENT = UpstreamUnknown("no answer")


@pytest.fixture
async def world() -> World:
    return await open_world()


def persistent(text: str = "hello") -> Submission:
    """A request of a platform whose client repeats it, under the key ``k``."""
    return submission(text, key="k", idempotent=True, client_retries=True)


async def test_what_did_not_arrive_is_tried_again_and_arrives_once(world: World) -> None:
    world.upstream.fault = AWAY
    first = await done(world, persistent())
    second = await done(world, persistent())
    world.upstream.fault = None
    third = await done(world, persistent())
    fourth = await done(world, persistent())

    assert [first.state, second.state, third.state, fourth.state] == [
        MessageState.FAILED,
        MessageState.FAILED,
        MessageState.PUBLISHED,
        MessageState.PUBLISHED,
    ]
    assert third.message_id == fourth.message_id
    assert len({first.message_id, second.message_id, third.message_id}) == 3
    assert len(world.upstream.got) == 3, "the last repetition was answered from the record"


async def test_what_may_have_arrived_is_sent_again_as_the_same_message(world: World) -> None:
    world.upstream.fault = SILENT
    first = await done(world, persistent())
    world.upstream.fault = None
    second = await done(world, persistent())

    assert (first.state, second.state) == (MessageState.UNKNOWN, MessageState.PUBLISHED)
    assert first.message_id == second.message_id
    assert second.upstream == world.upstream.answer
    assert await world.state(first.message_id) is MessageState.PUBLISHED


async def test_of_two_repetitions_at_once_one_sends(world: World) -> None:
    world.upstream.fault = SILENT
    await done(world, persistent())
    world.upstream.fault = None
    world.upstream.answering.clear()
    world.upstream.waiting.clear()
    sending = asyncio.create_task(world.publish(persistent()))
    await world.upstream.waiting.wait()
    other = await open_world(world.store, process=1)

    assert await other.publish(persistent()) is Refusal.KEY_IN_FLIGHT
    world.upstream.answering.set()
    await sending
    assert len(world.upstream.got) == 2
    assert other.upstream.got == []


async def test_a_client_that_does_not_repeat_gets_its_first_answer_again(world: World) -> None:
    world.upstream.fault = AWAY
    first = await done(world, submission(key="k"))
    world.upstream.fault = None
    second = await done(world, submission(key="k"))

    assert first == second
    assert len(world.upstream.got) == 1


async def test_something_else_under_the_key_is_refused_also_after_a_failure(world: World) -> None:
    world.upstream.fault = AWAY
    await done(world, persistent())

    assert await world.publish(persistent("other")) is Refusal.KEY_REUSED


@pytest.mark.parametrize(
    ("verdict", "state"),
    [
        (Verdict.ACCEPTED, MessageState.PUBLISHED),
        (Verdict.REFUSED, MessageState.REFUSED),
        (Verdict.EXPIRED, MessageState.REFUSED),
        (Verdict.UNSURE, MessageState.UNKNOWN),
    ],
)
async def test_what_the_route_map_says_of_an_answer_counts_more_than_its_status(
    world: World, verdict: Verdict, state: MessageState
) -> None:
    world.upstream.answer = UpstreamAnswer(200, b"{}", "application/json", verdict=verdict)

    assert (await done(world, submission())).state is state


async def test_a_release_that_meets_an_expired_credential_failed_for_good(world: World) -> None:
    world.classifiers.silences["text"] = Silence.TIMEOUT
    held = await done(world, submission())
    assert held.decision.outcome is Outcome.HOLD
    world.upstream.answer = UpstreamAnswer(401, b"{}", "application/json", verdict=Verdict.EXPIRED)

    await world.review.late(Reply("0.1-1", held.message_id, "t1", (Opinion("text", "1", ()),)))

    assert await world.state(held.message_id) is MessageState.RELEASE_FAILED
    upstream = (await world.stored(held.message_id)).upstream
    assert upstream is not None
    assert upstream.status == 401


async def test_what_the_upstream_calls_it_stands_for_the_message_from_then_on(world: World) -> None:
    world.upstream.answer = UpstreamAnswer(200, b"{}", "application/json", references=("media-1",))
    done_ = await done(world, submission("a draft"))

    (message,) = await world.store.recall("t1", "native", "media-1", "acc-1")
    assert message == (await world.stored(done_.message_id)).message


async def test_what_was_refused_stands_for_nothing(world: World) -> None:
    world.upstream.answer = UpstreamAnswer(400, b"{}", "application/json", references=("media-1",))
    await done(world, submission("a draft"))

    assert await world.store.recall("t1", "native", "media-1", "acc-1") == []


async def done(world: World, one: Submission) -> Performed:
    """Publish what is not refused."""
    result = await world.publish(one)
    assert isinstance(result, Performed)
    return result
