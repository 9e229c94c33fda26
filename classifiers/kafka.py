"""Kafka clients made from settings, opened and closed with care for half-open ones."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any, Final, TypeVar

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.abc import ConsumerRebalanceListener
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.errors import KafkaError
from aiokafka.helpers import create_ssl_context

from classifiers.settings import Kind, Settings

REQUEST_SECONDS: Final = 10
"""How long one request to the broker may take before it counts as failed and is tried again."""

MAX_RECORD_BYTES: Final = 1_048_576
_MEDIA_RECORD_BYTES: Final = 32 * 1024 * 1024
"""The largest record of the topic of questions with pictures."""
_BATCH_BYTES: Final = 1_000_000
"""Most bytes in one produce request. All senders that wait for room wake up for each request, so it is large."""

_PLAIN: Final[dict[str, int]] = {}
_LARGE: Final = {"fetch_max_bytes": _MEDIA_RECORD_BYTES, "max_partition_fetch_bytes": _MEDIA_RECORD_BYTES}
_CLOSE_SECONDS: Final = 1.5
_CANCEL_SECONDS: Final = 0.3
_KNOW_SECONDS: Final = 1.0
_METADATA_SECONDS: Final = 30
_T = TypeVar("_T")
_log = logging.getLogger(__name__)


def _connection(settings: Settings) -> dict[str, Any]:
    options: dict[str, Any] = {
        "bootstrap_servers": settings.kafka_bootstrap_servers,
        "security_protocol": settings.kafka_security_protocol,
        "request_timeout_ms": REQUEST_SECONDS * 1000,
        "metadata_max_age_ms": _METADATA_SECONDS * 1000,
    }
    if settings.kafka_security_protocol.startswith("SASL"):
        password = settings.kafka_sasl_password
        options["sasl_mechanism"] = settings.kafka_sasl_mechanism
        options["sasl_plain_username"] = settings.kafka_sasl_username
        options["sasl_plain_password"] = password.get_secret_value() if password else None
    if settings.kafka_security_protocol.endswith("SSL"):
        options["ssl_context"] = create_ssl_context(
            cafile=settings.kafka_ssl_cafile,
            certfile=settings.kafka_ssl_certfile,
            keyfile=settings.kafka_ssl_keyfile,
        )
    return options


@asynccontextmanager
async def open_producer(settings: Settings) -> AsyncIterator[AIOKafkaProducer]:
    """A started producer that is acknowledged by all replicas.

    Not idempotent: an answer sent twice is harmless, and a broken sequence would end the producer for good.
    Raises `KafkaError` or `OSError` if the broker cannot be reached.
    """
    producer = AIOKafkaProducer(
        **_connection(settings), acks="all", max_request_size=MAX_RECORD_BYTES, max_batch_size=_BATCH_BYTES
    )
    try:
        await producer.start()
        yield producer
    finally:
        await _closed(producer)


@asynccontextmanager
async def open_consumer(
    settings: Settings, listener: ConsumerRebalanceListener, kind: Kind = "text"
) -> AsyncIterator[AIOKafkaConsumer]:
    """A consumer of one kind of questions that has joined its group and commits only when told to. Those with pictures
    are fetched so that the memory holds about one of the largest at a time.

    Raises `KafkaError` or `OSError` if the broker cannot be reached or refuses.
    """
    consumer = AIOKafkaConsumer(
        **_connection(settings),
        **(_PLAIN if kind == "text" else _LARGE),
        group_id=settings.group_id if kind == "text" else settings.media_group_id,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
        partition_assignment_strategy=(RangePartitionAssignor,),
        fetch_max_wait_ms=500,
        max_poll_records=settings.max_poll_records if kind == "text" else 1,
    )
    consumer.subscribe([settings.questions_topic if kind == "text" else settings.media_topic], listener=listener)
    try:
        await consumer.start()
        yield consumer
    finally:
        await _closed(consumer)


@asynccontextmanager
async def open_reader(settings: Settings, topic: str) -> AsyncIterator[AIOKafkaConsumer]:
    """A consumer in no group that reads all partitions of a topic, from the beginning until told otherwise.

    Raises `KafkaError` or `OSError` if the broker cannot be reached or refuses.
    """
    consumer = AIOKafkaConsumer(
        topic, **_connection(settings), group_id=None, enable_auto_commit=False, auto_offset_reset="earliest"
    )
    try:
        await consumer.start()
        yield consumer
    finally:
        await _closed(consumer)


async def answers(producer: AIOKafkaProducer) -> bool:
    """Whether a broker answers now."""
    try:
        async with asyncio.timeout(3):
            await producer.client.fetch_all_metadata()
    except (KafkaError, OSError, TimeoutError):
        return False
    return True


async def know_partitions(producer: AIOKafkaProducer, topic: str) -> None:
    """Lets the producer find out where the topic's records go, so that the first one does not wait for that. A topic
    that is not there yet is not waited for."""
    with suppress(KafkaError, OSError, TimeoutError):
        async with asyncio.timeout(_KNOW_SECONDS):
            await producer.partitions_for(topic)


async def or_stop(stop: asyncio.Event, work: Coroutine[Any, Any, _T]) -> _T | None:
    """The result of ``work``, or None after cancelling it because ``stop`` came first."""
    task, stopping = asyncio.create_task(work), asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({task, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
        return None
    finally:
        task.cancel()
        stopping.cancel()
        await asyncio.gather(task, stopping, return_exceptions=True)


async def _closed(client: AIOKafkaProducer | AIOKafkaConsumer) -> None:
    """Closes a client, but does not wait for a broker that is gone.

    In a task of its own: without a broker, the client's own cancelled tasks surface in ``stop`` as a cancellation.
    """
    closing = asyncio.create_task(client.stop())
    await asyncio.wait({closing}, timeout=_CLOSE_SECONDS)
    if not closing.done():
        closing.cancel()
        await asyncio.wait({closing}, timeout=_CANCEL_SECONDS)
    if not closing.done() or closing.cancelled() or closing.exception() is not None:
        _log.warning("client not closed in order")
