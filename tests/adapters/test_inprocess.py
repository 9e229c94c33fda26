"""The classifiers in this process: beside the event loop, bounded, and silent when they fail."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator

import pytest
from msgspec.structs import replace

from classifiers.contract import Answer, Opinion, Picture, Question, Reply, Silence, Unanswered
from classifiers.contract.lanes import LONG
from gateway import tracing
from gateway.adapters.authors import Authors
from gateway.adapters.inprocess import InProcessClassifiers
from gateway.core.model import Media, Message
from tests.fakes import FakeClock

MESSAGE = Message("t1", "acc-1", "native", ("title", "text"), "0" * 64, (Media("image/png", "https://one.example"),))
PICTURE = Picture("image/png", b"\x89PNG")
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class SlowJudge:
    """Judges when it is let to, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[Question] = []
        self.begun = threading.Event()
        self.go_on = threading.Event()
        self.go_on.set()

    def __call__(self, question: Question) -> Reply:
        self.asked.append(question)
        self.begun.set()
        self.go_on.wait()
        answers = tuple([Opinion(name, "1", ()) for name in question.ask])
        return Reply(question.correlation, question.message_id, question.tenant_id, answers)


@pytest.fixture
def judge() -> SlowJudge:
    return SlowJudge()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def classifiers(judge: SlowJudge, clock: FakeClock) -> AsyncIterator[InProcessClassifiers]:
    classifiers = InProcessClassifiers(judge, clock, limit=4)
    await classifiers.start()
    yield classifiers
    judge.go_on.set()
    await classifiers.stop()


def ask(
    classifiers: InProcessClassifiers, clock: FakeClock, seconds: int = 3600, tenant: str = "t1", text: str = ""
) -> asyncio.Task[tuple[Answer, ...]]:
    """Ask, with so many seconds to the deadline."""
    message = replace(MESSAGE, tenant_id=tenant, texts=(text,) if text else MESSAGE.texts)
    return asyncio.create_task(classifiers.ask("m1", message, ("text",), clock.now_ms() + 1000 * seconds))


async def given_up(*asking: asyncio.Task[tuple[Answer, ...]]) -> None:
    """Nobody waits for these answers any more."""
    for task in asking:
        task.cancel()
    await asyncio.gather(*asking, return_exceptions=True)


async def test_a_question_carries_the_content_and_nothing_of_the_account(
    classifiers: InProcessClassifiers, clock: FakeClock, judge: SlowJudge
) -> None:
    with tracing.request("POST /v1/messages", TRACE):
        await ask(classifiers, clock)
    deadline_ms = clock.now_ms() + 3_600_000
    [asked] = judge.asked
    assert "acc-1" not in str(asked)
    assert asked == Question(
        "local-1", "m1", "t1", ("text",), ("title", "text"), ("image/png",), deadline_ms, TRACE, Authors()(MESSAGE)
    )


async def test_the_loop_turns_while_it_judges(
    classifiers: InProcessClassifiers, clock: FakeClock, judge: SlowJudge
) -> None:
    judge.go_on.clear()
    asking = ask(classifiers, clock)
    await asyncio.get_running_loop().run_in_executor(None, judge.begun.wait)
    assert not asking.done()
    judge.go_on.set()
    assert await asking == (Opinion("text", "1", ()),)


async def test_a_question_of_texts_does_not_wait_behind_pictures(clock: FakeClock) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def judge(question: Question) -> Reply:
        if question.pictures:
            begun.set()
            go_on.wait()
        answers = tuple([Opinion(name, "1", ()) for name in question.ask])
        return Reply(question.correlation, question.message_id, question.tenant_id, answers)

    classifiers = InProcessClassifiers(judge, clock, picture_limit=5)
    deadline_ms = clock.now_ms() + 3_600_000
    looking = asyncio.create_task(classifiers.ask("m1", MESSAGE, ("image",), deadline_ms, [PICTURE]))
    await asyncio.get_running_loop().run_in_executor(None, begun.wait)
    try:
        async with asyncio.timeout(30):
            assert await classifiers.ask("m2", MESSAGE, ("text",), deadline_ms) == (Opinion("text", "1", ()),)
            # More bytes than the limit are not kept for the thread that is busy.
            refused = await classifiers.ask("m3", MESSAGE, ("image",), deadline_ms, [PICTURE])
        assert refused == (Unanswered("image", Silence.UNAVAILABLE),)
    finally:
        go_on.set()
    assert await looking == (Opinion("image", "1", ()),)
    assert await classifiers.ask("m4", MESSAGE, ("image",), deadline_ms, [PICTURE]) == (Opinion("image", "1", ()),)
    await classifiers.stop()


async def test_more_questions_than_the_limit_are_not_taken(
    classifiers: InProcessClassifiers, clock: FakeClock, judge: SlowJudge
) -> None:
    judge.go_on.clear()
    waiting = [ask(classifiers, clock, tenant=tenant) for tenant in ("t1", "t1", "t2", "t2")]
    assert await ask(classifiers, clock, tenant="t3") == (Unanswered("text", Silence.UNAVAILABLE),)
    assert not classifiers.healthy()
    judge.go_on.set()
    await asyncio.gather(*waiting)
    assert await ask(classifiers, clock) == (Opinion("text", "1", ()),)
    assert classifiers.healthy()


async def test_a_question_that_was_given_up_still_takes_its_place(
    classifiers: InProcessClassifiers, clock: FakeClock, judge: SlowJudge
) -> None:
    judge.go_on.clear()
    waiting = [ask(classifiers, clock, tenant=tenant) for tenant in ("t1", "t1", "t2", "t2")]
    await asyncio.get_running_loop().run_in_executor(None, judge.begun.wait)
    await given_up(*waiting)
    assert not classifiers.healthy()


async def test_stopping_waits_for_what_is_asked_and_for_late_replies(judge: SlowJudge, clock: FakeClock) -> None:
    classifiers, late = InProcessClassifiers(judge, clock), list[Reply]()

    async def apply(reply: Reply) -> None:
        late.append(reply)

    classifiers.on_late(apply)
    judge.go_on.clear()
    asking = ask(classifiers, clock)
    await asyncio.get_running_loop().run_in_executor(None, judge.begun.wait)
    await given_up(asking)
    stopping = asyncio.create_task(classifiers.stop())
    assert not stopping.done()
    judge.go_on.set()
    await stopping
    assert late == [Reply("local-1", "m1", "t1", (Opinion("text", "1", ()),))]


async def test_what_classifiers_read_from_files_is_looked_after_though_nobody_asks(clock: FakeClock) -> None:
    looked = asyncio.Event()
    classifiers = InProcessClassifiers(SlowJudge(), clock, versions=looked.set)
    await classifiers.start()
    await asyncio.wait_for(looked.wait(), 10)
    await classifiers.stop()


async def test_a_failure_is_logged_without_the_text(clock: FakeClock, caplog: pytest.LogCaptureFixture) -> None:
    def broken(_question: Question) -> Reply:
        raise KeyError("the classifier's own fault")

    classifiers = InProcessClassifiers(broken, clock)
    assert await ask(classifiers, clock) == (Unanswered("text", Silence.FAILED),)
    await classifiers.stop()
    assert "classifier failed" in caplog.text
    assert "title" not in caplog.text


async def test_one_tenant_does_not_take_all_places(
    classifiers: InProcessClassifiers, clock: FakeClock, judge: SlowJudge
) -> None:
    judge.go_on.clear()
    waiting = [ask(classifiers, clock), ask(classifiers, clock)]
    assert await ask(classifiers, clock) == (Unanswered("text", Silence.UNAVAILABLE),)
    waiting.append(ask(classifiers, clock, tenant="t2"))
    judge.go_on.set()
    assert await asyncio.gather(*waiting) == [(Opinion("text", "1", ()),)] * 3


async def test_what_expires_while_it_waits_is_not_judged(clock: FakeClock, judge: SlowJudge) -> None:
    classifiers = InProcessClassifiers(judge, clock)
    judge.go_on.clear()
    first = ask(classifiers, clock, text="first")
    await asyncio.get_running_loop().run_in_executor(None, judge.begun.wait)
    late = [ask(classifiers, clock, seconds=1, text=f"late {number}") for number in range(9)]
    last = ask(classifiers, clock, text="last")
    await asyncio.sleep(0)
    clock.now += 1000
    judge.go_on.set()
    for asking in (first, last):
        assert await asking == (Opinion("text", "1", ()),)
    await given_up(*late)
    await classifiers.stop()
    assert [question.texts for question in judge.asked] == [("first",), ("last",)]


async def test_tenants_take_turns(clock: FakeClock, judge: SlowJudge) -> None:
    classifiers = InProcessClassifiers(judge, clock)
    judge.go_on.clear()
    waiting = [ask(classifiers, clock, text=f"t1 {number}") for number in range(5)]
    waiting += [ask(classifiers, clock, tenant=tenant, text=tenant) for tenant in ("t2", "t3")]
    await asyncio.get_running_loop().run_in_executor(None, judge.begun.wait)
    judge.go_on.set()
    await asyncio.gather(*waiting)
    await classifiers.stop()
    order = [question.texts[0] for question in judge.asked]
    assert order == ["t1 0", "t2", "t3", "t1 1", "t1 2", "t1 3", "t1 4"] or order == [
        "t1 0",
        "t1 1",
        "t2",
        "t3",
        "t1 2",
        "t1 3",
        "t1 4",
    ]


async def test_ten_long_texts_hold_up_no_short_one(clock: FakeClock) -> None:
    begun, go_on, judged = threading.Event(), threading.Event(), list[int]()

    def judge(question: Question) -> Reply:
        if len(question.texts[0]) > LONG:
            begun.set()
            go_on.wait()
        judged.append(len(question.texts[0]))
        answers = tuple([Opinion(name, "1", ()) for name in question.ask])
        return Reply(question.correlation, question.message_id, question.tenant_id, answers)

    classifiers = InProcessClassifiers(judge, clock)
    long = [ask(classifiers, clock, text="x" * (LONG + 1)) for _ in range(10)]
    await asyncio.get_running_loop().run_in_executor(None, begun.wait)
    for tenant in ("t1", "t2") * 10:
        assert await ask(classifiers, clock, tenant=tenant, text="short") == (Opinion("text", "1", ()),)
    assert judged == [5] * 20
    go_on.set()
    await asyncio.gather(*long)
    await classifiers.stop()
