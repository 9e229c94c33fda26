"""The ways to reach classifiers, each with the same classifiers behind it."""

from __future__ import annotations

import asyncio
import hashlib
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from secrets import token_hex
from typing import Protocol

from aiokafka import AIOKafkaProducer

from classifiers.contract import (
    Answer,
    Category,
    Opinion,
    Picture,
    Question,
    Reply,
    Score,
    Silence,
    Unanswered,
    encode_replies,
)
from classifiers.health import Health
from classifiers.settings import Settings
from classifiers.worker import Worker
from gateway.adapters.clock import SystemClock
from gateway.adapters.inprocess import InProcessClassifiers
from gateway.adapters.kafka.classifiers import KafkaClassifiers
from gateway.adapters.remembered import RememberedClassifiers
from gateway.core.model import Message
from gateway.core.records import Owner
from gateway.ports import Classifiers
from gateway.settings import KafkaSettings, RememberSettings
from tests.fakes import ScriptedClassifiers

KNOWN = ("text", "news", "eyes")
"""What ``eyes`` say names the very bytes that they see."""
MESSAGE = Message("t1", "acc-1", "native", ("hello",), "0" * 64)


def seen(pictures: Sequence[Picture]) -> Opinion:
    """What ``eyes`` say of pictures: their bytes, as the version they answer with."""
    digests = [f"{one.content_type} {len(one.data)} {hashlib.sha256(one.data).hexdigest()}" for one in pictures]
    return Opinion("eyes", ", ".join(digests), ())


class Bench:
    """The classifiers' code: opinions as told, or a failure."""

    def __init__(self) -> None:
        self.scores: dict[str, tuple[Score, ...]] = {}
        self.broken = False
        self.looking = threading.Event()
        self.looking.set()

    def __call__(self, question: Question) -> Reply:
        if self.broken:
            raise RuntimeError("told to fail")
        answers = tuple([self._answer(name, question) for name in question.ask])
        return Reply(question.correlation, question.message_id, question.tenant_id, answers)

    def versions(self) -> Mapping[str, str]:
        """What is certain: a bench that fails gives no opinion, and the version of the eyes is what they see."""
        return {} if self.broken else {"text": "1", "news": "1"}

    def _answer(self, name: str, question: Question) -> Answer:
        if name not in KNOWN:
            return Unanswered(name, Silence.UNSUPPORTED)
        if name == "eyes":
            self.looking.wait()
            return seen(question.pictures)
        return Opinion(name, "1", self.scores.get(name, ()))


class Bus(Protocol):
    """A way to reach the classifiers, and a hand on them."""

    classifiers: Classifiers

    def says(self, name: str, category: Category, value: float) -> None:
        """Let a classifier score."""

    def breaks(self, broken: bool) -> None:
        """Let every classifier fail."""

    def looks(self, looking: bool) -> None:
        """Let questions with pictures be judged, or let them wait until they may."""

    async def late(self, message_id: str) -> None:
        """Let the classifier "text" answer on a message when nobody waits for it any more."""


class ScriptedBus:
    """The fake, which looks at the script alone."""

    def __init__(self) -> None:
        self._fake = _Punctual()
        self.classifiers: Classifiers = self._fake

    def says(self, name: str, category: Category, value: float) -> None:
        self._fake.say(name, category, value)

    def breaks(self, broken: bool) -> None:
        self._fake.silences = dict.fromkeys(KNOWN, Silence.FAILED) if broken else {}

    def looks(self, looking: bool) -> None:
        (self._fake.looking.set if looking else self._fake.looking.clear)()

    async def late(self, message_id: str) -> None:
        assert self._fake.late is not None
        await self._fake.late(Reply("", message_id, MESSAGE.tenant_id, (self._fake._answer("text"),)))


class _Punctual(ScriptedClassifiers):
    """Keeps deadlines, and knows which names there are."""

    def __init__(self) -> None:
        super().__init__()
        self.looking = asyncio.Event()
        self.looking.set()

    async def ask(
        self,
        message_id: str,
        message: Message,
        names: Sequence[str],
        deadline_ms: int,
        pictures: Sequence[Picture] = (),
    ) -> tuple[Answer, ...]:
        if deadline_ms <= SystemClock().now_ms():
            return tuple([Unanswered(name, Silence.TIMEOUT) for name in names])
        if pictures:
            await self.looking.wait()
        given: dict[str, Answer] = {name: Unanswered(name, Silence.UNSUPPORTED) for name in names if name not in KNOWN}
        if "eyes" not in self.silences:
            given["eyes"] = seen(pictures)
        return tuple([given.get(name) or self._answer(name) for name in names])


class BenchBus:
    """A bus with the bench behind it."""

    def __init__(self, classifiers: Classifiers, bench: Bench, late: Callable[[str], Awaitable[object]]) -> None:
        self.classifiers = classifiers
        self._bench = bench
        self._late = late

    def says(self, name: str, category: Category, value: float) -> None:
        self._bench.scores[name] = (Score(category, value),)

    def breaks(self, broken: bool) -> None:
        self._bench.broken = broken

    def looks(self, looking: bool) -> None:
        (self._bench.looking.set if looking else self._bench.looking.clear)()

    async def late(self, message_id: str) -> None:
        await self._late(message_id)


def remembered(classifiers: Classifiers, bench: Bench) -> Classifiers:
    """A memory before these."""
    return RememberedClassifiers(classifiers, bench.versions, SystemClock(), RememberSettings())


@asynccontextmanager
async def in_process(remember: bool = False) -> AsyncIterator[Bus]:
    """The bench on a thread of this process; with ``remember``, a memory before it."""
    bench = Bench()
    classifiers = InProcessClassifiers(bench, SystemClock())
    await classifiers.start()

    async def late(message_id: str) -> None:
        asking = asyncio.create_task(classifiers.ask(message_id, MESSAGE, ("text",), 2**52))
        await asyncio.sleep(0)  # it is asked, and then nobody waits for the answer
        asking.cancel()

    yield BenchBus(remembered(classifiers, bench) if remember else classifiers, bench, late)
    await classifiers.stop()


@asynccontextmanager
async def over_kafka(bootstrap: str, remember: bool = False) -> AsyncIterator[Bus]:
    """The bench in a worker behind a real broker; with ``remember``, a memory before it."""
    prefix = f"contract-{token_hex(4)}."
    bench, health, stop = Bench(), Health(kinds=("text", "media")), asyncio.Event()
    settings = KafkaSettings(bootstrap_servers=bootstrap, topic_prefix=prefix, partitions=1)
    classifiers = KafkaClassifiers(settings, Owner(0, 1), SystemClock())
    await classifiers.start()
    work = Settings(
        kafka_bootstrap_servers=bootstrap, topic_prefix=prefix, group_id=prefix, max_tries=1, questions="both"
    )
    worker = asyncio.create_task(Worker(work, bench, health).run(stop))
    async with AIOKafkaProducer(bootstrap_servers=bootstrap) as producer:

        async def late(message_id: str) -> None:
            reply = bench(Question("0.1-999", message_id, MESSAGE.tenant_id, ("text",), MESSAGE.texts, (), 0))
            await producer.send_and_wait(
                f"{prefix}opinions", encode_replies([reply]), partition=0, headers=[("v", b"1")]
            )

        yield BenchBus(remembered(classifiers, bench) if remember else classifiers, bench, late)
    await classifiers.stop()
    stop.set()
    await worker
