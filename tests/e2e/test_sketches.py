"""Workers that share what they judged, over a real broker."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from itertools import count

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from classifiers import metrics
from classifiers.campaigns.classifier import CampaignClassifier
from classifiers.campaigns.exchange import MOST_WAITING, Exchange, exchange_of
from classifiers.campaigns.settings import CampaignSettings
from classifiers.campaigns.sketch import VERSION
from classifiers.catalogue import load
from classifiers.contract import Opinion, Question, decode_replies, encode_questions
from classifiers.health import Health
from classifiers.judge import judge
from classifiers.outages import Outage
from classifiers.settings import Settings
from classifiers.worker import Worker
from deploy.local.kafka import Kafka

LIMIT = 30.0  # seconds for anything to happen
FOREVER_MS = 4_000_000_000_000
_numbers = count(1)


@pytest.fixture(scope="module")
def broker() -> Iterator[Kafka]:
    """A broker of this module's own, for it is killed in between."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("KAFKA_BOOTSTRAP_SERVERS", raising=False)
        own = Kafka()
    with own:
        yield own


@pytest.fixture
async def settings(broker: Kafka) -> Settings:
    """Topics of this test's own, the sketches' one included."""
    prefix = f"s{next(_numbers)}."
    made = Settings(kafka_bootstrap_servers=broker.bootstrap, topic_prefix=prefix, group_id=f"{prefix}g")
    await create(made, made.questions_topic, made.opinions_topic, made.dead_letters_topic, made.sketches_topic)
    return made


async def create(settings: Settings, *topics: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.kafka_bootstrap_servers)
    await admin.start()
    await admin.create_topics([NewTopic(topic, 2, 1) for topic in topics])
    await admin.close()


class Member:
    """One worker's campaign classifier, with what tells whether the worker is ready."""

    def __init__(self, settings: Settings) -> None:
        self.health = Health()
        self.campaign = CampaignClassifier(CampaignSettings(entries=20_000))
        self.exchange = Exchange(settings, self.campaign, self.health, Outage())
        self.health.connected(True)
        self.health.joined(True)

    def says(self, number: int) -> float:
        """How sure it is of message ``number``, which account ``number`` sent."""
        answer = self.campaign.judge(question(number))
        assert isinstance(answer, Opinion)
        return answer.scores[0].value

    async def knows(self, messages: int) -> None:
        await until(partial(remembers, self.campaign, messages))


@asynccontextmanager
async def sharing(settings: Settings) -> AsyncIterator[Member]:
    """A member whose exchange runs inside the block."""
    member, stop = Member(settings), asyncio.Event()
    task = asyncio.create_task(member.exchange.run(stop))
    try:
        yield member
    finally:
        stop.set()
        async with asyncio.timeout(LIMIT):
            await task


async def until(happens: Callable[[], bool]) -> None:
    async with asyncio.timeout(LIMIT):
        while not happens():  # noqa: ASYNC110 - what is waited for tells nobody
            await asyncio.sleep(0.02)


def question(number: int) -> Question:
    text = f"Dear customer {number}, the winter coats you looked at are half price until Sunday, see you in the shop."
    return Question(
        f"e-{number}", f"m-{number}", "t-1", ("campaign",), (text,), (), FOREVER_MS, author=f"account-{number}"
    )


async def test_what_one_worker_judged_the_other_counts(settings: Settings) -> None:
    async with sharing(settings) as one, sharing(settings) as other:
        assert [one.says(1), other.says(2)] == [0.0, 0.0]
        await one.knows(2)
        await other.knows(2)
        assert one.says(3) == 0.5
        await other.knows(3)
        assert other.says(4) == 0.6
        assert other.says(3) == 0.6  # asked again: it counted where it was asked first


async def test_a_worker_that_starts_reads_first_and_is_ready_then(settings: Settings) -> None:
    async with sharing(settings) as one:
        for number in (1, 2):
            one.says(number)
        async with sharing(settings) as early:
            await early.knows(2)
    late = Member(settings)
    assert not late.health.ready
    assert late.says(50) == 0.0  # it answers before it is ready
    stop = asyncio.Event()
    running = asyncio.create_task(late.exchange.run(stop))
    await until(lambda: late.health.ready)
    assert late.says(3) == 0.6
    stop.set()
    await running


async def test_a_topic_that_is_made_later_is_waited_for(broker: Kafka) -> None:
    settings = Settings(kafka_bootstrap_servers=broker.bootstrap, topic_prefix=f"s{next(_numbers)}.")
    async with sharing(settings) as one:
        await create(settings, settings.sketches_topic)
        await until(lambda: one.health.ready)
        async with sharing(settings) as other:
            await until(lambda: other.health.ready)
            one.says(1)
            await other.knows(1)


async def test_no_text_is_sent_and_what_is_no_sketch_is_passed_over(settings: Settings) -> None:
    ignored = metrics.SKETCHES.labels("ignored")
    before = ignored._value.get()
    right = [("v", b"1"), ("sketch", VERSION.encode())]
    async with AIOKafkaProducer(bootstrap_servers=settings.kafka_bootstrap_servers) as producer:
        for value, headers in [
            (b"not json", right),
            (b"[]", [("v", b"2"), *right[1:]]),
            (b"[]", right[:1]),
            (b"", []),
        ]:
            await producer.send_and_wait(settings.sketches_topic, value, headers=headers)
    async with sharing(settings) as one, sharing(settings) as other:
        await until(lambda: one.health.ready and other.health.ready)
        one.says(1)
        await other.knows(1)
    assert ignored._value.get() == before + 8
    reader = AIOKafkaConsumer(
        settings.sketches_topic, bootstrap_servers=settings.kafka_bootstrap_servers, auto_offset_reset="earliest"
    )
    async with reader, asyncio.timeout(LIMIT):
        records = [await reader.getone() for _ in range(5)]
    (sent,) = [record.value for record in records if b"signature" in (record.value or b"")]
    for secret in (b"coats", b"t-1", b"account-1", b"m-1"):
        assert secret not in sent


async def test_a_lost_broker_ends_nothing(settings: Settings, broker: Kafka) -> None:
    async with sharing(settings) as one, sharing(settings) as other:
        await until(lambda: one.health.ready and other.health.ready)
        one.says(1)
        await other.knows(1)
        await asyncio.to_thread(broker.kill)
        try:
            assert [one.says(2), one.says(3)] == [0.0, 0.5]
        finally:
            await asyncio.to_thread(broker.start)
        heard = len(other.campaign.window)
        async with asyncio.timeout(LIMIT):
            for number in count(4):
                one.says(number)
                await asyncio.sleep(0.05)
                if len(other.campaign.window) > heard:
                    break


def test_what_finds_no_room_is_lost_and_counted(settings: Settings) -> None:
    lost = metrics.SKETCHES.labels("lost")
    before, member = lost._value.get(), Member(settings)
    tell = member.campaign.tell
    told = member.campaign
    sketches: list[object] = []
    told.tell = sketches.append
    member.says(1)
    assert tell is not None
    for _ in range(MOST_WAITING + 3):
        tell(sketches[0])  # type: ignore[arg-type]
    assert lost._value.get() == before + 3


async def test_two_workers_answer_as_one(settings: Settings) -> None:
    async with AsyncExitStack() as opened:
        windows = [await opened.enter_async_context(working(settings)) for _ in range(2)]
        producer = await opened.enter_async_context(
            AIOKafkaProducer(bootstrap_servers=settings.kafka_bootstrap_servers)
        )
        reader = await opened.enter_async_context(
            AIOKafkaConsumer(
                settings.opinions_topic,
                bootstrap_servers=settings.kafka_bootstrap_servers,
                auto_offset_reset="earliest",
            )
        )
        found = []
        for number in range(1, 6):
            headers = [("v", b"1"), ("deadline", b"%d" % FOREVER_MS), ("reply-to", b"0")]
            value = encode_questions([question(number)])
            await producer.send_and_wait(settings.questions_topic, value, partition=number % 2, headers=headers)
            async with asyncio.timeout(LIMIT):
                (reply,) = decode_replies((await reader.getone()).value)
            (answer,) = reply.answers
            assert isinstance(answer, Opinion)
            found.append(answer.scores[0].value)
            for window in windows:
                await until(partial(remembers, window, number))
    assert found == [0.0, 0.0, 0.5, 0.6, 0.66]


def remembers(campaign: CampaignClassifier, messages: int) -> bool:
    return len(campaign.window) == messages


@asynccontextmanager
async def working(settings: Settings) -> AsyncIterator[CampaignClassifier]:
    """A whole worker with the campaign classifier, ready inside the block."""
    classifiers, health, stop = load(["campaign"]), Health(), asyncio.Event()
    exchange = exchange_of(classifiers, settings, health, Outage())
    assert exchange is not None
    worker = Worker(settings, partial(judge, classifiers=classifiers), health)
    tasks = [asyncio.create_task(exchange.run(stop)), asyncio.create_task(worker.run(stop))]
    try:
        await until(lambda: health.ready or any(task.done() for task in tasks))
        campaign = classifiers["campaign"]
        assert isinstance(campaign, CampaignClassifier)
        yield campaign
    finally:
        stop.set()
        async with asyncio.timeout(LIMIT):
            await asyncio.gather(*tasks)


def test_without_the_classifier_there_is_nothing_to_exchange(settings: Settings) -> None:
    health = Health()
    assert exchange_of(load(["text"]), settings, health, Outage()) is None
    health.connected(True)
    health.joined(True)
    assert health.ready
