"""What every way to the classifiers does: the scripted one, the one in this process, and the one over Kafka; the last
two with a memory before them, too."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from classifiers.contract import Opinion, Picture, Reply, Score, Silence, Unanswered
from deploy.local.kafka import Kafka
from gateway.adapters.clock import SystemClock
from tests.contract.buses import MESSAGE, Bus, ScriptedBus, in_process, over_kafka, seen

pytestmark = pytest.mark.asyncio(loop_scope="module")

PATIENCE_MS = 30_000


WAYS = ["scripted", "in process", "in process, remembered", "kafka", "kafka, remembered"]


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=WAYS)
async def opened(request: pytest.FixtureRequest) -> AsyncIterator[Bus]:
    remember = request.param.endswith("remembered")
    if request.param == "scripted":
        yield ScriptedBus()
    elif request.param.startswith("in process"):
        async with in_process(remember) as bus:
            yield bus
    else:
        kafka: Kafka = request.getfixturevalue("kafka")
        async with over_kafka(kafka.bootstrap, remember) as bus:
            yield bus


@pytest.fixture
def bus(opened: Bus) -> Bus:
    opened.breaks(False)
    opened.looks(True)
    opened.says("text", "spam", 0.25)
    opened.says("news", "news", 0.75)
    return opened


TEXT = Opinion("text", "1", (Score("spam", 0.25),))
NEWS = Opinion("news", "1", (Score("news", 0.75),))


def soon() -> int:
    """A deadline that is not reached."""
    return SystemClock().now_ms() + PATIENCE_MS


async def test_it_is_ready_and_well(bus: Bus) -> None:
    assert bus.classifiers.ready()
    assert bus.classifiers.healthy()


@pytest.mark.parametrize(
    ("names", "answers"),
    [
        (("text", "news"), (TEXT, NEWS)),
        (("news", "text"), (NEWS, TEXT)),
        (("text",), (TEXT,)),
        (("image", "text"), (Unanswered("image", Silence.UNSUPPORTED), TEXT)),
        ((), ()),
    ],
)
async def test_one_answer_for_each_name_in_order(
    bus: Bus, names: tuple[str, ...], answers: tuple[Opinion | Unanswered, ...]
) -> None:
    assert await bus.classifiers.ask("m1", MESSAGE, names, soon()) == answers


async def test_questions_at_once_get_each_their_own_answers(bus: Bus) -> None:
    asked: list[tuple[str, ...]] = [("text",), ("news",), ("news", "text")] * 50
    got = await asyncio.gather(
        *(bus.classifiers.ask(f"m{number}", MESSAGE, names, soon()) for number, names in enumerate(asked))
    )
    assert [tuple(answer.classifier for answer in answers) for answers in got] == asked


async def test_a_deadline_that_passed_is_silence(bus: Bus) -> None:
    answers = await bus.classifiers.ask("m1", MESSAGE, ("text", "news"), SystemClock().now_ms() - 1)
    assert answers == (Unanswered("text", Silence.TIMEOUT), Unanswered("news", Silence.TIMEOUT))


async def test_a_classifier_that_fails_is_silent_for_this_message(bus: Bus) -> None:
    bus.breaks(True)
    answers = await bus.classifiers.ask("m1", MESSAGE, ("text", "news"), soon())
    assert answers == (Unanswered("text", Silence.FAILED), Unanswered("news", Silence.FAILED))
    bus.breaks(False)
    assert await bus.classifiers.ask("m2", MESSAGE, ("text", "news"), soon()) == (TEXT, NEWS)


@pytest.mark.parametrize("sizes", [(1,), (3, 0, 5), (700_000,), (8 * 1024 * 1024, 8 * 1024 * 1024, 4 * 1024 * 1024)])
async def test_pictures_arrive_byte_for_byte_and_in_order(bus: Bus, sizes: tuple[int, ...]) -> None:
    pictures = [Picture(f"image/{number}", os.urandom(size)) for number, size in enumerate(sizes)]
    answers = await bus.classifiers.ask("m1", MESSAGE, ("eyes", "image", "text"), soon(), pictures)
    assert answers == (seen(pictures), Unanswered("image", Silence.UNSUPPORTED), TEXT)


async def test_questions_of_texts_do_not_wait_behind_pictures(bus: Bus) -> None:
    bus.looks(False)
    pictures = [Picture("image/png", b"x" * 100_000)]
    looking = [
        asyncio.create_task(bus.classifiers.ask(f"p{n}", MESSAGE, ("eyes",), soon(), pictures)) for n in range(3)
    ]
    for number in range(10):
        assert await bus.classifiers.ask(f"m{number}", MESSAGE, ("text",), soon()) == (TEXT,)
    assert not any(task.done() for task in looking)
    bus.looks(True)
    assert await asyncio.gather(*looking) == [(seen(pictures),)] * 3


async def test_a_classifier_that_fails_on_a_picture_is_silent(bus: Bus) -> None:
    bus.breaks(True)
    pictures = [Picture("image/png", b"x" * 3_000_000)]
    assert await bus.classifiers.ask("m1", MESSAGE, ("eyes",), soon(), pictures) == (
        Unanswered("eyes", Silence.FAILED),
    )


async def test_a_deadline_that_passed_is_silence_for_pictures_too(bus: Bus) -> None:
    answers = await bus.classifiers.ask(
        "m1", MESSAGE, ("eyes",), SystemClock().now_ms() - 1, [Picture("image/png", b"x")]
    )
    assert answers == (Unanswered("eyes", Silence.TIMEOUT),)


async def test_a_reply_that_nobody_waits_for_goes_to_the_late_handler(bus: Bus) -> None:
    applied: asyncio.Queue[Reply] = asyncio.Queue()
    bus.classifiers.on_late(applied.put)
    await bus.late("m-late")
    async with asyncio.timeout(PATIENCE_MS / 1000):
        reply = await applied.get()
        while reply.message_id != "m-late":  # what the tests before gave no time may come now
            reply = await applied.get()
    assert (reply.message_id, reply.tenant_id, reply.answers) == ("m-late", "t1", (TEXT,))
