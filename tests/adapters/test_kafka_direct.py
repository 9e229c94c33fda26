"""Records sent to a partition's leader without the client library's producer, and read without its consumer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from secrets import token_hex
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic, RecordsToDelete
from aiokafka.errors import KafkaConnectionError, KafkaError, MessageSizeTooLargeError, RequestTimedOutError

from deploy.local.kafka import Kafka
from gateway.adapters.kafka.direct import DirectProducer
from gateway.adapters.kafka.replies import Replies

HEADERS = [("v", b"1"), ("reply-to", b"0")]


@pytest.fixture
async def topic(kafka: Kafka) -> str:
    """A new topic of one partition."""
    name = f"direct-{token_hex(4)}"
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic(name, 1, 1)])
    await admin.close()
    return name


@pytest.fixture
async def producer(kafka: Kafka) -> AsyncIterator[AIOKafkaProducer]:
    async with AIOKafkaProducer(bootstrap_servers=kafka.bootstrap, acks="all") as producer:
        yield producer


@pytest.fixture
async def replies(kafka: Kafka, topic: str) -> AsyncIterator[Replies]:
    replies = Replies({"bootstrap_servers": kafka.bootstrap}, topic, 0)
    await replies.start()
    yield replies
    await replies.stop()


async def read(replies: Replies, count: int) -> list[bytes]:
    """So many values."""
    found: list[bytes] = []
    async with asyncio.timeout(10):
        while len(found) < count:
            found += [each.value for each in await replies.read()]
    return found


async def test_what_is_sent_is_read_in_order(producer: AIOKafkaProducer, topic: str, replies: Replies) -> None:
    direct = DirectProducer(producer)
    for number in range(5):  # the first goes the ordinary way, for the topic's partitions are not known yet
        await direct.send(topic, b"%d" % number, HEADERS)
    assert await read(replies, 5) == [b"0", b"1", b"2", b"3", b"4"]
    assert replies.lag == 0
    assert await replies.read() == []


async def test_headers_arrive(producer: AIOKafkaProducer, topic: str, kafka: Kafka) -> None:
    await producer.partitions_for(topic)
    await DirectProducer(producer).send(topic, b"value", HEADERS)
    async with AIOKafkaConsumer(topic, bootstrap_servers=kafka.bootstrap, auto_offset_reset="earliest") as consumer:
        record = await asyncio.wait_for(consumer.getone(), 10)
    assert (record.value, list(record.headers), record.key) == (b"value", HEADERS, None)


async def test_a_record_that_the_broker_would_not_take_is_refused(producer: AIOKafkaProducer, topic: str) -> None:
    await producer.partitions_for(topic)
    with pytest.raises(MessageSizeTooLargeError):
        await DirectProducer(producer).send(topic, b"x" * 2_000_000, HEADERS)


async def test_only_what_was_written_after_the_start_is_read(
    producer: AIOKafkaProducer, topic: str, kafka: Kafka
) -> None:
    await producer.send_and_wait(topic, b"before")
    replies = Replies({"bootstrap_servers": kafka.bootstrap}, topic, 0)
    await replies.start()
    for value in (b"one", b"two"):
        await producer.send(topic, value)  # both in one batch
    await producer.flush()
    assert await read(replies, 2) == [b"one", b"two"]
    await replies.stop()


async def test_marks_of_transactions_are_passed_over(kafka: Kafka, topic: str, replies: Replies) -> None:
    async with AIOKafkaProducer(bootstrap_servers=kafka.bootstrap, transactional_id=topic) as producer:
        for value in (b"one", b"two"):
            async with producer.transaction():
                await producer.send_and_wait(topic, value)
    assert await read(replies, 2) == [b"one", b"two"]
    assert await replies.read() == []
    assert replies.lag == 0


async def test_deleted_records_are_passed_over(
    producer: AIOKafkaProducer, kafka: Kafka, topic: str, replies: Replies
) -> None:
    await producer.send_and_wait(topic, b"deleted")
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await admin.start()
    await admin.delete_records({TopicPartition(topic, 0): RecordsToDelete(before_offset=1)})
    await admin.close()
    assert await replies.read() == []
    await producer.send_and_wait(topic, b"kept")
    assert await read(replies, 1) == [b"kept"]


async def test_a_partition_that_is_not_there_is_said(kafka: Kafka, topic: str) -> None:
    replies = Replies({"bootstrap_servers": kafka.bootstrap}, topic, 7)
    with pytest.raises(KafkaError):
        await replies.start()
    await replies.stop()


class _Broken:
    """A producer whose direct way fails, and that counts what it sends in the ordinary way."""

    def __init__(self, error: KafkaError | None = None, code: int = 0) -> None:
        self._error, self._code = error, code
        self.client = self
        self.cluster = SimpleNamespace(available_partitions_for_topic=lambda _: {0}, leader_for_partition=lambda _: 1)
        self.sent = 0

    async def send(self, where: Any, what: Any, **_: Any) -> Any:
        if isinstance(where, int):
            if self._error is not None:
                raise self._error
            return SimpleNamespace(topics=[("topic", [(0, self._code, 0)])])
        self.sent += 1
        done = asyncio.get_running_loop().create_future()
        done.set_result(None)
        return done


@pytest.mark.parametrize(("error", "code"), [(KafkaConnectionError(), 0), (None, 6)], ids=["broken", "moved"])
async def test_what_fails_goes_the_ordinary_way(error: KafkaError | None, code: int) -> None:
    producer = _Broken(error, code)
    await DirectProducer(producer).send("topic", b"value", HEADERS)
    assert producer.sent == 1


async def test_after_a_time_out_nothing_is_sent_again() -> None:
    producer = _Broken(RequestTimedOutError())
    with pytest.raises(RequestTimedOutError):
        await DirectProducer(producer).send("topic", b"value", HEADERS)
    assert producer.sent == 0
