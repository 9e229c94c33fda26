"""A held message is released or rejected exactly once: by a late reply, by asking again, or by a person."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest

from classifiers.contract import Answer, Opinion, Reply, Score, Silence, Unanswered
from gateway.core.model import Account, AccountState, MessageState, Outcome
from gateway.core.policy import PolicyInForce
from gateway.ports import StoreUnavailable
from gateway.review import PERSON as BY_PERSON
from gateway.silences import Silences
from tests.hold import hold
from tests.policies import policy
from tests.world import MARGIN_MS, PERSON, TENANT, TTL_MS, World, open_world, submission

FINE = Opinion("text", "1", ())
SPAM = Opinion("text", "1", (Score("spam", 0.95),))
SUSPECT = Opinion("text", "1", (Score("spam", 0.6),))


@pytest.fixture
async def world() -> World:
    return await open_world()


def late(message_id: str, *answers: Answer, tenant_id: str = TENANT.tenant_id) -> Reply:
    """A reply that comes after its question's deadline."""
    return Reply("0.1-1", message_id, tenant_id, answers)


@pytest.mark.parametrize(
    ("answer", "state"),
    [(FINE, MessageState.PUBLISHED), (SPAM, MessageState.REJECTED), (SUSPECT, MessageState.HELD)],
    ids=["fine", "spam", "suspect"],
)
async def test_a_late_reply_decides(world: World, answer: Opinion, state: MessageState) -> None:
    message_id = await hold(world)
    await world.review.late(late(message_id, answer))
    assert await world.state(message_id) is state
    assert len(world.upstream.got) == (state is MessageState.PUBLISHED)
    (_, first), (_, second) = await world.store.cases(message_id)
    assert first.decision.outcome is Outcome.HOLD
    assert second.answers == (answer, Opinion("news", "1", ()))


async def test_the_intent_is_committed_before_a_released_message_is_sent(world: World) -> None:
    message_id = await hold(world)
    await world.review.late(late(message_id, FINE))
    assert world.store.journal == ["move forwarding", "forward", "move published"]


async def test_an_app_that_forwards_by_itself_is_left_to_it(world: World) -> None:
    message_id = await hold(world, forwards=False)
    await world.review.late(late(message_id, FINE))
    assert await world.state(message_id) is MessageState.RELEASED
    assert world.upstream.got == []


async def test_the_same_reply_twice_releases_once(world: World) -> None:
    message_id = await hold(world)
    reply = late(message_id, FINE)
    world.store.meet = asyncio.Barrier(2)
    await asyncio.gather(world.review.late(reply), world.review.late(reply))
    await world.review.late(reply)
    assert len(world.upstream.got) == 1
    assert "not moved forwarding" in world.store.journal


async def test_opinions_that_come_at_once_to_two_processes_both_stand(world: World) -> None:
    second = await open_world(world.store, process=1)
    world.classifiers.silences["news"] = Silence.TIMEOUT
    message_id = await hold(world)
    world.store.meet = asyncio.Barrier(2)
    await asyncio.gather(
        world.review.late(late(message_id, SUSPECT)), second.review.late(late(message_id, Opinion("news", "1", ())))
    )
    _, newest = (await world.store.cases(message_id))[-1]
    assert newest.answers == (SUSPECT, Opinion("news", "1", ()))
    assert await world.state(message_id) is MessageState.HELD
    assert len(await world.store.cases(message_id)) == 3
    assert "not moved held" in world.store.journal


async def test_two_processes_release_once(world: World) -> None:
    second = await open_world(world.store, process=1)
    message_id = await hold(world)
    world.store.meet = asyncio.Barrier(2)
    await asyncio.gather(world.review.late(late(message_id, FINE)), second.review.late(late(message_id, FINE)))
    assert len(world.upstream.got) + len(second.upstream.got) == 1


async def test_a_reply_and_a_person_at_once_have_one_effect(world: World) -> None:
    message_id = await hold(world)
    stored = await world.stored(message_id)
    world.store.meet = asyncio.Barrier(2)
    await asyncio.gather(
        world.review.late(late(message_id, FINE)),
        world.resolve(stored, Outcome.BLOCK, "Ann", "no"),
    )
    assert (await world.state(message_id), len(world.upstream.got)) in [
        (MessageState.REJECTED, 0),
        (MessageState.PUBLISHED, 1),
    ]


async def test_a_late_reply_cannot_take_back_a_rejection(world: World) -> None:
    message_id = await hold(world)
    await world.review.late(late(message_id, SPAM))
    await world.review.late(late(message_id, FINE))
    assert await world.state(message_id) is MessageState.REJECTED
    assert world.upstream.got == []


async def test_an_opinion_once_given_stands(world: World) -> None:
    message_id = await hold(world)
    await world.review.late(late(message_id, SUSPECT))
    await world.review.late(late(message_id, FINE))
    assert await world.state(message_id) is MessageState.HELD
    assert len(await world.store.cases(message_id)) == 2


async def test_a_reply_without_news_writes_nothing(world: World) -> None:
    message_id = await hold(world)
    await world.review.late(late(message_id, Unanswered("text", Silence.TIMEOUT)))
    assert world.store.journal == []


@pytest.mark.parametrize(("message_id", "tenant_id"), [("no-such-message", TENANT.tenant_id), (None, "t2")])
async def test_a_foreign_reply_changes_nothing(world: World, message_id: str | None, tenant_id: str) -> None:
    held = await hold(world)
    await world.review.late(late(message_id or held, FINE, tenant_id=tenant_id))
    assert await world.state(held) is MessageState.HELD


async def test_an_account_closed_meanwhile_is_not_published(world: World) -> None:
    message_id = await hold(world)
    await world.put(Account("acc-1", AccountState.CLOSED, PERSON))
    await world.review.late(late(message_id, FINE))
    assert await world.state(message_id) is MessageState.REJECTED
    _, newest = (await world.store.cases(message_id))[-1]
    assert newest.decision.rule == "account_closed"
    assert world.upstream.got == []


async def test_the_policy_in_force_decides_on_the_release(world: World) -> None:
    message_id = await hold(world)
    world.policy = strict = policy(("spam: {hold: 0.5, block: 0.9}", "spam: {hold: 0.1, block: 0.2}"))
    await world.review.late(late(message_id, Opinion("text", "1", (Score("spam", 0.3),))))
    assert await world.state(message_id) is MessageState.REJECTED
    _, newest = (await world.store.cases(message_id))[-1]
    assert newest.decision.policy_version == strict.version


async def test_a_late_reply_while_the_store_is_away_waits_for_the_next_question(world: World) -> None:
    message_id = await hold(world)
    world.store.down = True
    await world.review.late(late(message_id, FINE))
    world.store.down = False
    assert await world.state(message_id) is MessageState.HELD
    assert await world.review.ask_again() is False
    assert await world.state(message_id) is MessageState.PUBLISHED


@pytest.mark.parametrize("silence", [Silence.TIMEOUT, Silence.UNAVAILABLE, Silence.FAILED])
async def test_holds_that_wait_for_an_opinion_are_asked_about_again(world: World, silence: Silence) -> None:
    message_id = await hold(world, silence)
    world.classifiers.asked.clear()
    await world.review.ask_again()
    assert world.classifiers.asked == [(message_id, ("text", "news"), world.clock.now_ms() + 2000)]
    assert await world.state(message_id) is MessageState.PUBLISHED


async def test_a_hold_for_another_reason_is_not_asked_about(world: World) -> None:
    world.classifiers.say("text", "spam", 0.6)
    await world.publish(submission())
    world.classifiers.asked.clear()
    await world.review.ask_again()
    assert world.classifiers.asked == []


async def test_nothing_is_asked_while_the_classifiers_cannot_be(world: World) -> None:
    message_id = await hold(world)
    world.classifiers.is_healthy = False
    assert await world.review.ask_again() is False
    assert await world.state(message_id) is MessageState.HELD
    world.classifiers.is_healthy = True
    await world.review.ask_again()
    assert await world.state(message_id) is MessageState.PUBLISHED


async def test_while_a_classifier_is_silent_one_hold_finds_out_and_the_others_are_left_for_longer_each_time(
    world: World,
) -> None:
    for _ in range(20):
        await hold(world)
    world.classifiers.silences["text"] = Silence.TIMEOUT
    world.classifiers.asked.clear()
    asked: list[int] = []
    for _ in range(64):
        await world.review.ask_again()
        asked.append(len(world.classifiers.asked))
        world.clock.now += 2000
    assert asked[:3] == [20, 40, 41]
    assert all(before < after for before, after in pairwise(asked)), "somebody finds out in each try's time"
    assert asked[-1] < 20 * 7 + 64


@pytest.mark.parametrize("minutes", [1, 5])
async def test_after_an_outage_a_thousand_holds_resolve_within_seconds(minutes: int) -> None:
    world = await open_world(limit=1000)
    for _ in range(1000):
        await hold(world)
    world.classifiers.silences["text"] = Silence.TIMEOUT
    end_ms = world.clock.now + minutes * 60_000
    while world.clock.now < end_ms:
        await world.lease.renew()
        more = await world.review.ask_again()
        world.clock.now += 2000 if more else 500
    del world.classifiers.silences["text"]
    back_ms = world.clock.now
    while (await world.store.count(MessageState.HELD))[0]:
        await world.lease.renew()
        more = await world.review.ask_again()
        world.clock.now += 100 if more else 500
        assert world.clock.now - back_ms < 10_000
    assert len(world.upstream.got) == 1000


async def test_a_classifier_that_comes_and_goes_does_not_make_all_holds_due_each_time(world: World) -> None:
    silences = Silences(2000)
    answer, silent = Opinion("text", "1", ()), Unanswered("text", Silence.TIMEOUT)
    back = []
    for second in range(30):
        silences.note([answer if second % 2 else silent, Unanswered("news", Silence.FAILED)], second * 1000)
        back.append(silences.take_back(second * 1000))
    assert [second for second, each in enumerate(back) if each] == [1, 11, 21]


async def test_more_holds_than_are_asked_about_at_once_are_said_to_wait(world: World) -> None:
    await hold(world)
    await hold(world)
    assert await world.review.ask_again(limit=1) is True
    assert await world.review.ask_again(limit=2) is False
    assert len(world.upstream.got) == 2


async def test_a_person_releases_and_a_running_gateway_forwards_it_once(world: World) -> None:
    message_id = await hold(world)
    stored = await world.stored(message_id)
    assert await world.resolve(stored, Outcome.ALLOW, "Ann", "fine")
    assert not await world.resolve(stored, Outcome.BLOCK, "Bob", "no")
    assert await world.state(message_id) is MessageState.QUEUED

    second = await open_world(world.store, process=1)
    await asyncio.gather(world.review.forward_queued(), second.review.forward_queued())

    assert await world.state(message_id) is MessageState.PUBLISHED
    assert len(world.upstream.got) + len(second.upstream.got) == 1
    _, newest = (await world.store.cases(message_id))[-1]
    assert (newest.decision.rule, newest.decision.reasons[0].source) == (BY_PERSON, "Ann")


async def test_a_late_reply_after_a_persons_rejection_changes_nothing(world: World) -> None:
    message_id = await hold(world)
    await world.resolve(await world.stored(message_id), Outcome.BLOCK, "Ann", "no")
    await world.review.late(late(message_id, FINE))
    assert await world.state(message_id) is MessageState.REJECTED


async def test_a_queued_message_whose_tenant_cannot_be_read_is_queued_again(world: World) -> None:
    message_id = await hold(world)
    await world.resolve(await world.stored(message_id), Outcome.ALLOW, "Ann", "fine")
    world.store.refuse.add("tenant")
    with pytest.raises(StoreUnavailable):
        await world.review.forward_queued()
    world.store.refuse.clear()
    assert world.upstream.got == []
    await world.perform.settle_again()
    assert await world.state(message_id) is MessageState.QUEUED
    await world.review.forward_queued()
    assert await world.state(message_id) is MessageState.PUBLISHED


async def test_without_a_lease_nothing_is_released(world: World) -> None:
    message_id = await hold(world)
    world.clock.now += TTL_MS - MARGIN_MS
    await world.review.late(late(message_id, FINE))
    assert await world.state(message_id) is MessageState.HELD
    assert world.upstream.got == []


async def test_a_release_that_used_up_the_lease_is_queued_again(world: World) -> None:
    message_id = await hold(world)

    def meanwhile() -> None:
        world.clock.now += TTL_MS - MARGIN_MS

    world.store.before_move = meanwhile
    await world.review.late(late(message_id, FINE))
    assert world.upstream.got == []
    await world.lease.renew()
    await world.perform.settle_again()
    assert await world.state(message_id) is MessageState.QUEUED


def test_the_policy_of_these_tests_holds_on_silence() -> None:
    in_force: PolicyInForce = policy()
    assert all(stage.silence is Outcome.HOLD for stage in in_force.policy.classifiers.values())
