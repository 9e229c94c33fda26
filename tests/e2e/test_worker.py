"""The worker against a real broker: answers, dead letters, commits, rebalance, broker loss, orderly end."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from itertools import count

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from msgspec.structs import replace

from classifiers.catalogue import load
from classifiers.contract import (
    Opinion,
    Question,
    Reply,
    Silence,
    Unanswered,
    decode_questions,
    decode_replies,
    encode_questions,
)
from classifiers.health import Health
from classifiers.judge import judge
from classifiers.settings import Settings
from classifiers.worker import Worker
from deploy.local.kafka import Kafka

CONSTANT = partial(judge, classifiers=load(["constant"]))
LIMIT = 30.0  # seconds for anything to happen
_numbers = count(1)


@pytest.fixture(scope="module")
def broker() -> Iterator[Kafka]:
    """A broker of this module's own, for it is killed in between."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("KAFKA_BOOTSTRAP_SERVERS", raising=False)
        own = Kafka()
    with own:
        yield own


class Asker:
    """The gateway's side of the topics: asks and listens."""

    def __init__(self, settings: Settings, producer: AIOKafkaProducer, consumer: AIOKafkaConsumer) -> None:
        self.settings = settings
        self._producer = producer
        self._consumer = consumer

    async def send(self, value: bytes, partition: int = 0, **headers: bytes) -> None:
        """Writes a record; ``reply_to`` names the header ``reply-to``."""
        named = {"v": b"1", "deadline": b"%d" % later(), "reply-to": b"1"}
        named |= {name.replace("_", "-"): value for name, value in headers.items()}
        topic = self.settings.questions_topic
        await self._producer.send_and_wait(topic, value, partition=partition, headers=list(named.items()))

    async def ask(self, *questions: Question, partition: int = 0, **headers: bytes) -> None:
        await self.send(encode_questions(questions), partition, **headers)

    async def next(self) -> ConsumerRecord:
        """The next reply or dead letter. What workers announce of their versions is neither."""
        async with asyncio.timeout(LIMIT):
            while "versions" in dict((record := await self._consumer.getone()).headers):
                pass
            return record

    async def replies(self) -> list[Reply]:
        record = await self.next()
        assert record.topic == self.settings.opinions_topic
        return decode_replies(record.value)

    async def replies_and_letters(self, number: int) -> tuple[list[Reply], list[ConsumerRecord]]:
        """The next so many records, of which no order is promised: the replies in them, and the dead letters."""
        records = [await self.next() for _ in range(number)]
        letters = [record for record in records if record.topic == self.settings.dead_letters_topic]
        replies = [decode_replies(record.value) for record in records if record not in letters]
        return [reply for batch in replies for reply in batch], letters

    async def committed(self) -> dict[int, int]:
        """The group's positions by partition."""
        admin = AIOKafkaAdminClient(bootstrap_servers=self.settings.kafka_bootstrap_servers)
        await admin.start()
        try:
            offsets = await admin.list_consumer_group_offsets(self.settings.group_id)
        finally:
            await admin.close()
        return {p.partition: at.offset for p, at in offsets.items() if at.offset >= 0}

    async def until_committed(self, positions: dict[int, int]) -> None:
        async with asyncio.timeout(LIMIT):
            while await self.committed() != positions:  # noqa: ASYNC110 - the broker tells no commits
                await asyncio.sleep(0.05)


@pytest.fixture
async def asker(broker: Kafka) -> AsyncIterator[Asker]:
    prefix = f"t{next(_numbers)}."
    settings = Settings(kafka_bootstrap_servers=broker.bootstrap, topic_prefix=prefix, group_id=f"{prefix}g")
    topics = [settings.questions_topic, settings.opinions_topic, settings.dead_letters_topic]
    admin = AIOKafkaAdminClient(bootstrap_servers=broker.bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic(topic, 2, 1) for topic in topics])
    await admin.close()
    consumer = AIOKafkaConsumer(bootstrap_servers=broker.bootstrap, auto_offset_reset="earliest")
    async with AIOKafkaProducer(bootstrap_servers=broker.bootstrap, acks="all") as producer:
        await consumer.start()
        consumer.assign([TopicPartition(topic, part) for topic in topics[1:] for part in (0, 1)])
        yield Asker(settings, producer, consumer)
        # In a task of its own: after a broker's end, the client's cancelled tasks surface in it as a cancellation.
        await asyncio.wait((asyncio.create_task(consumer.stop()),))


@asynccontextmanager
async def working(settings: Settings, answer: Callable[[Question], Reply] = CONSTANT) -> AsyncIterator[Health]:
    """A worker that is ready inside the block and has ended in order after it."""
    health, stop = Health(), asyncio.Event()
    task = asyncio.create_task(Worker(settings, answer, health).run(stop))
    try:
        await until(lambda: health.ready or task.done())
        yield health
    finally:
        stop.set()
        async with asyncio.timeout(LIMIT):
            await task


async def until(happens: Callable[[], bool]) -> None:
    async with asyncio.timeout(LIMIT):
        while not happens():  # noqa: ASYNC110 - the worker reports to a probe, not to an event
            await asyncio.sleep(0.02)


def later(seconds: float = 60) -> int:
    return int((time.time() + seconds) * 1000)


def question(number: int, deadline_ms: int | None = None, text: str = "hello") -> Question:
    when = later() if deadline_ms is None else deadline_ms
    return Question(f"e-{number}", f"m-{number}", "t-1", ("text", "news"), (text,), (), when)


def correlations(replies: Sequence[Reply]) -> list[str]:
    return [reply.correlation for reply in replies]


async def test_a_batch_is_answered_in_one_record_at_the_askers_partition(asker: Asker) -> None:
    async with working(asker.settings):
        await asker.ask(question(1), question(2), reply_to=b"1", traceparent=b"00-aa-bb-01")
        record = await asker.next()
        assert (record.topic, record.partition, record.key) == (asker.settings.opinions_topic, 1, None)
        replies = decode_replies(record.value)
        assert correlations(replies) == ["e-1", "e-2"]
        assert all(isinstance(answer, Opinion) for reply in replies for answer in reply.answers)
        headers = dict(record.headers)
        assert headers["v"] == b"1"
        assert headers["traceparent"] == b"00-aa-bb-01"
        await asker.ask(question(3), reply_to=b"0")
        assert (await asker.next()).partition == 0
        await asker.until_committed({0: 2})


async def test_expired_work_is_skipped_and_the_partition_advances(asker: Asker) -> None:
    async with working(asker.settings):
        await asker.send(b"not even json", deadline=b"%d" % later(-1))
        await asker.ask(question(1, deadline_ms=later(-1)), question(2))
        assert correlations(await asker.replies()) == ["e-2"]
        await asker.until_committed({0: 2})


async def test_a_poisonous_record_is_buried_and_the_next_one_answered(asker: Asker) -> None:
    async with working(asker.settings):
        await asker.send(b"not json")
        await asker.ask(question(1), v=b"2")
        await asker.ask(question(2), reply_to=b"99")
        await asker.ask(question(3))
        replies, letters = await asker.replies_and_letters(4)
        assert correlations(replies) == ["e-3"]
        errors = {dict(letter.headers)["offset"]: dict(letter.headers)["error"] for letter in letters}
        assert errors == {b"0": b"ContractError", b"1": b"ContractError", b"2": b"UnknownReplyPartition"}
        assert b"not json" in {letter.value for letter in letters}
        await asker.until_committed({0: 4})


async def test_a_question_that_always_fails_is_buried_alone_and_answered_failed(asker: Asker) -> None:
    tried: list[str] = []

    def moody(asked: Question) -> Reply:
        tried.append(asked.correlation)
        if asked.correlation == "e-2":
            raise ZeroDivisionError
        return CONSTANT(asked)

    async with working(asker.settings, moody):
        await asker.ask(question(1), question(2), question(3))
        replies, (letter,) = await asker.replies_and_letters(2)
        assert replies[1].answers == (Unanswered("text", Silence.FAILED), Unanswered("news", Silence.FAILED))
        assert [type(replies[at].answers[0]) for at in (0, 2)] == [Opinion, Opinion]
        assert [q.correlation for q in decode_questions(letter.value)] == ["e-2"]
        assert dict(letter.headers)["tries"] == b"3"
        assert tried == ["e-1", "e-2", "e-2", "e-2", "e-3"]
        await asker.until_committed({0: 1})


async def test_tenants_take_turns_and_long_texts_hold_up_no_short_ones(asker: Asker) -> None:
    begun, go_on, judged = threading.Event(), threading.Event(), list[str]()

    def answer(asked: Question) -> Reply:
        if asked.texts[0].startswith("long"):
            begun.set()
            assert go_on.wait(LIMIT)
        judged.append(asked.correlation)
        return CONSTANT(asked)

    async with working(asker.settings, answer):
        long = [question(number, text="long" * 1000) for number in range(10)]
        await asker.ask(*long)
        await asyncio.to_thread(begun.wait, LIMIT)
        short = [replace(question(number), tenant_id=f"t-{1 + number // 24}") for number in range(20, 26)]
        await asker.ask(*short)
        assert correlations(await asker.replies()) == [f"e-{number}" for number in range(20, 26)]
        assert judged == ["e-20", "e-24", "e-21", "e-25", "e-22", "e-23"]
        go_on.set()
        assert len(await asker.replies()) == 10
        await asker.until_committed({0: 2})


async def test_a_second_worker_takes_its_share_and_nothing_is_lost(asker: Asker) -> None:
    expected = {f"e-{number}" for number in range(60)}
    answered: set[str] = set()
    shares: tuple[list[str], list[str]] = ([], [])

    def counting(share: list[str], asked: Question) -> Reply:
        share.append(asked.correlation)
        return CONSTANT(asked)

    async with working(asker.settings, partial(counting, shares[0])) as first:
        for number in range(20):
            await asker.ask(question(number), partition=number % 2)
        async with working(asker.settings, partial(counting, shares[1])):
            await until(lambda: first.ready)
            for number in range(20, 40):
                await asker.ask(question(number), partition=number % 2)
            while len(answered) < 40:
                answered.update(correlations(await asker.replies()))
        for number in range(40, 60):
            await asker.ask(question(number), partition=number % 2)
        while len(answered) < 60:
            answered.update(correlations(await asker.replies()))
        await asker.until_committed({0: 30, 1: 30})
    assert answered == expected
    assert all(shares)


async def test_what_was_committed_is_not_answered_again(asker: Asker) -> None:
    async with working(asker.settings):
        await asker.ask(question(1))
        assert correlations(await asker.replies()) == ["e-1"]
    assert await asker.committed() == {0: 1}
    async with working(asker.settings):
        await asker.ask(question(2))
        assert correlations(await asker.replies()) == ["e-2"]


async def test_a_lost_broker_is_waited_for(asker: Asker, broker: Kafka) -> None:
    async with working(asker.settings) as health:
        await asker.ask(question(1))
        assert correlations(await asker.replies()) == ["e-1"]
        await asyncio.to_thread(broker.kill)
        try:
            await until(lambda: not health.ready)
            assert health.alive
        finally:
            await asyncio.to_thread(broker.start)
        await until(lambda: health.ready)
        await asker.ask(question(2))
        while "e-2" not in correlations(await asker.replies()):
            continue  # the first answer may come again: its commit may have been lost with the broker
        await asker.until_committed({0: 2})


@asynccontextmanager
async def process(settings: Settings) -> AsyncIterator[asyncio.subprocess.Process]:
    """The worker as a process of its own, that has logged its start."""
    environment = {
        **os.environ,
        "CLASSIFIERS_KAFKA_BOOTSTRAP_SERVERS": settings.kafka_bootstrap_servers,
        "CLASSIFIERS_TOPIC_PREFIX": settings.topic_prefix,
        "CLASSIFIERS_GROUP_ID": settings.group_id,
        "CLASSIFIERS_CLASSIFIERS": settings.classifiers,
    }
    command = [sys.executable, "-m", "classifiers"]
    running = await asyncio.create_subprocess_exec(*command, env=environment, stderr=asyncio.subprocess.PIPE)
    assert running.stderr is not None
    try:
        async with asyncio.timeout(LIMIT):
            while b'"started"' not in await running.stderr.readline():
                assert running.returncode is None
        yield running
    finally:
        if running.returncode is None:
            running.kill()
        await running.communicate()


async def test_a_terminated_process_finishes_its_work_and_exits_with_0(asker: Asker) -> None:
    async with process(asker.settings) as running:
        await asker.ask(question(1))
        (reply,) = await asker.replies()
        assert [type(answer) for answer in reply.answers] == [Opinion, Opinion]
        running.send_signal(signal.SIGTERM)
        async with asyncio.timeout(10):
            _, log = await running.communicate()
        assert running.returncode == 0
        assert b'"stopped"' in log
        assert b"hello" not in log
    assert await asker.committed() == {0: 1}


async def test_a_process_runs_a_classifier_from_outside_the_catalogue(asker: Asker) -> None:
    settings = asker.settings.model_copy(update={"classifiers": "text,classifiers.examples.shouting:Shouting"})
    async with process(settings):
        await asker.ask(replace(question(1), ask=("shouting", "text"), texts=("THIS IS SAID RATHER LOUDLY",)))
        [reply] = await asker.replies()
    loud, text = reply.answers
    assert isinstance(loud, Opinion)
    assert isinstance(text, Opinion)
    assert (loud.classifier, loud.scores[0].category) == ("shouting", "spam")
    assert loud.scores[0].value > 0.6


async def test_a_worker_with_threads_judges_the_next_record_while_one_waits(asker: Asker) -> None:
    second_came = threading.Event()

    def answer(asked: Question) -> Reply:
        if asked.correlation == "e-1":
            assert second_came.wait(LIMIT)
        else:
            second_came.set()
        return CONSTANT(asked)

    async with working(asker.settings.model_copy(update={"threads": 2}), answer):
        await asker.ask(question(1))
        await asker.ask(question(2))
        answered = correlations(await asker.replies()) + correlations(await asker.replies())
        assert sorted(answered) == ["e-1", "e-2"]
        await asker.until_committed({0: 2})


async def test_a_process_without_a_broker_still_ends_within_10_s(asker: Asker, broker: Kafka) -> None:
    async with process(asker.settings) as running:
        await asker.ask(question(1))
        assert correlations(await asker.replies()) == ["e-1"]
        await asyncio.to_thread(broker.kill)
        try:
            running.send_signal(signal.SIGTERM)
            async with asyncio.timeout(10):
                _, log = await running.communicate()
            assert running.returncode == 0, log.decode()[-3000:]
        finally:
            await asyncio.to_thread(broker.start)
