"""Questions that wait for their reply: matched, late, foreign, given up, and ended by their deadline."""

from __future__ import annotations

import asyncio

import pytest
from prometheus_client import REGISTRY

from classifiers.contract import Opinion, Question, Reply, Silence, Unanswered
from gateway.adapters.authors import Authors
from gateway.adapters.pending import Pending
from gateway.core.model import Media, Message

NAMES = ("text", "news")
TEXT, NEWS = Opinion("text", "1", ()), Opinion("news", "1", ())
TIMEOUT = tuple(Unanswered(name, Silence.TIMEOUT) for name in NAMES)
LONG = 3600.0
MESSAGE = Message(
    "t1", "acc-1", "native", ("hello",), "h", media=(Media("image/png", url="https://one.example/a.png"),)
)


class Late:
    """Collects the late replies."""

    def __init__(self) -> None:
        self.replies: list[Reply] = []
        self.go_on = asyncio.Event()
        self.go_on.set()

    async def __call__(self, reply: Reply) -> None:
        await self.go_on.wait()
        self.replies.append(reply)


@pytest.fixture
def pending() -> Pending:
    return Pending("3.7")


@pytest.fixture
def late(pending: Pending) -> Late:
    handler = Late()
    pending.on_late(handler)
    return handler


def reply(correlation: str, *answers: Opinion) -> Reply:
    """A reply to a question."""
    return Reply(correlation, "m1", "t1", answers)


def counted(name: str) -> float:
    """The value of a counter."""
    return REGISTRY.get_sample_value(f"gateway_{name}_replies_total") or 0.0


def ask(pending: Pending) -> Question:
    """Ask something: the first question is 3.7-1."""
    return pending.ask("m1", MESSAGE, NAMES, 1000)


async def test_a_question_says_what_is_asked_and_no_two_share_a_correlation(pending: Pending) -> None:
    asked = Question("3.7-1", "m1", "t1", NAMES, ("hello",), ("image/png",), 1000, author=Authors()(MESSAGE))
    assert ask(pending) == asked
    assert [ask(pending).correlation for _ in range(2)] == ["3.7-2", "3.7-3"]


async def test_answers_come_by_name_and_in_the_order_asked(pending: Pending, late: Late) -> None:
    ask(pending)
    pending.resolve(reply("3.7-1", NEWS, TEXT))
    assert await pending.wait("3.7-1", NAMES, LONG) == (TEXT, NEWS)
    assert len(pending) == 0
    await pending.close()
    assert late.replies == []


async def test_a_reply_wakes_who_waits(pending: Pending) -> None:
    ask(pending)
    ask(pending)
    first = asyncio.create_task(pending.wait("3.7-1", NAMES, LONG))
    second = asyncio.create_task(pending.wait("3.7-2", NAMES, LONG))
    pending.resolve(reply("3.7-2", TEXT, NEWS))
    assert await second == (TEXT, NEWS)
    assert not first.done()
    assert len(pending) == 1
    pending.resolve(reply("3.7-1", TEXT, NEWS))
    await first


async def test_a_name_that_the_reply_leaves_out_is_silent(pending: Pending) -> None:
    ask(pending)
    pending.resolve(reply("3.7-1", NEWS, Opinion("other", "1", ())))
    assert await pending.wait("3.7-1", NAMES, LONG) == (TIMEOUT[0], NEWS)


@pytest.mark.parametrize("seconds", [0.001, 0.0, -5.0])
async def test_without_a_reply_the_deadline_ends_the_wait(pending: Pending, seconds: float) -> None:
    ask(pending)
    assert await pending.wait("3.7-1", NAMES, seconds) == TIMEOUT
    assert len(pending) == 0


async def test_a_reply_after_the_deadline_is_late(pending: Pending, late: Late) -> None:
    before = counted("late"), counted("foreign")
    ask(pending)
    await pending.wait("3.7-1", NAMES, 0.0)
    pending.resolve(reply("3.7-1", TEXT, NEWS))
    await pending.close()
    assert late.replies == [reply("3.7-1", TEXT, NEWS)]
    assert (counted("late"), counted("foreign")) == (before[0] + 1, before[1])


async def test_a_second_reply_is_late(pending: Pending, late: Late) -> None:
    ask(pending)
    pending.resolve(reply("3.7-1", TEXT, NEWS))
    pending.resolve(reply("3.7-1", NEWS))
    assert await pending.wait("3.7-1", NAMES, LONG) == (TEXT, NEWS)
    await pending.close()
    assert late.replies == [reply("3.7-1", NEWS)]


@pytest.mark.parametrize("correlation", ["3.6-1", "3.70-1", "4.7-1", "3.7", ""])
async def test_a_reply_to_another_life_is_foreign_and_still_applied(
    pending: Pending, late: Late, correlation: str
) -> None:
    before = counted("late"), counted("foreign")
    ask(pending)
    pending.resolve(reply(correlation, TEXT))
    await pending.close()
    assert (counted("late"), counted("foreign")) == (before[0], before[1] + 1)
    assert late.replies == [reply(correlation, TEXT)]
    assert len(pending) == 1


async def test_without_a_handler_late_replies_are_only_counted(pending: Pending) -> None:
    before = counted("late")
    pending.resolve(reply("3.7-9", TEXT))
    await pending.close()
    assert counted("late") == before + 1


@pytest.mark.parametrize("silence", [Silence.UNAVAILABLE, Silence.UNSUPPORTED])
async def test_what_could_not_be_asked_is_silent_at_once(pending: Pending, silence: Silence) -> None:
    ask(pending)
    pending.give_up("3.7-1", NAMES, silence)
    answers = await pending.wait("3.7-1", NAMES, LONG)
    assert answers == tuple(Unanswered(name, silence) for name in NAMES)


async def test_giving_up_takes_back_no_answer(pending: Pending) -> None:
    ask(pending)
    pending.resolve(reply("3.7-1", TEXT, NEWS))
    pending.give_up("3.7-1", NAMES, Silence.UNAVAILABLE)
    pending.give_up("3.7-2", NAMES, Silence.UNAVAILABLE)
    assert await pending.wait("3.7-1", NAMES, LONG) == (TEXT, NEWS)


async def test_a_cancelled_wait_leaves_nothing_behind(pending: Pending, late: Late) -> None:
    ask(pending)
    waiting = asyncio.create_task(pending.wait("3.7-1", NAMES, LONG))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert len(pending) == 0
    pending.resolve(reply("3.7-1", TEXT))
    await pending.close()
    assert len(late.replies) == 1


async def test_closing_waits_for_what_is_being_applied(pending: Pending, late: Late) -> None:
    late.go_on.clear()
    pending.resolve(reply("3.7-9", TEXT))
    closing = asyncio.create_task(pending.close())
    await asyncio.sleep(0)
    assert not closing.done()
    late.go_on.set()
    await closing
    assert len(late.replies) == 1
