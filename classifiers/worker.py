"""The Kafka worker: questions in, judged, replies out and acknowledged, positions committed, in this order.

A record is settled when its replies and dead letters are acknowledged (or nobody waits for them any more),
and only settled records are committed: what a crash loses is judged again. Broker loss ends nothing; the
worker is unready meanwhile.
"""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import AsyncExitStack, suppress
from functools import partial
from typing import Final

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.abc import ConsumerRebalanceListener
from aiokafka.errors import KafkaError

from classifiers import kafka, metrics
from classifiers.batch import AnswerOne, Batch, Outcome, Record, attempt
from classifiers.catalogue import CLASSIFIERS
from classifiers.committer import Committer
from classifiers.contract.lanes import Lane, is_long
from classifiers.health import Health
from classifiers.outages import Outage
from classifiers.outbox import Outbox
from classifiers.settings import Kind, Settings

_POLL_MS: Final = 500
_HAND_OVER_SECONDS: Final = 3.0
_DRAIN_SECONDS: Final = 3.5
_COMMIT_SECONDS: Final = 1.0
_PROBE_SECONDS: Final = 2.0
_RECONNECT_SECONDS: Final = 1.0
_BEAT_SECONDS: Final = 1.0
_log = logging.getLogger(__name__)


class Worker:
    """Answers questions until told to stop: as a member of one consumer group for each kind of them."""

    def __init__(self, settings: Settings, answer: AnswerOne, health: Health, outage: Outage | None = None) -> None:
        self._settings = settings
        self._outage = outage or Outage()
        self._answer = answer
        self._health = health

    async def run(self, stop: asyncio.Event) -> None:
        """Works until ``stop`` is set, then finishes what it took, commits, and returns within 10 s."""
        beat = asyncio.create_task(self._beat())
        try:
            # An error of its own ends the process, and the runner with it what is left of the other member.
            await asyncio.gather(*[self._member(kind, stop) for kind in self._settings.kinds])
        finally:
            beat.cancel()

    async def _member(self, kind: Kind, stop: asyncio.Event) -> None:
        while not stop.is_set():
            try:
                await self._session(kind, stop)
            except (KafkaError, OSError) as error:
                self._outage.failed(kind, type(error).__name__)
                with suppress(TimeoutError):
                    async with asyncio.timeout(_RECONNECT_SECONDS):
                        await stop.wait()
            finally:
                self._health.connected(False, kind)
                self._health.joined(False, kind)

    async def _beat(self) -> None:
        while True:
            self._health.turned()
            await asyncio.sleep(_BEAT_SECONDS)

    async def _session(self, kind: Kind, stop: asyncio.Event) -> None:
        async with AsyncExitStack() as opened:
            producer = await kafka.or_stop(stop, opened.enter_async_context(kafka.open_producer(self._settings)))
            if producer is None:
                return
            await kafka.or_stop(stop, kafka.know_partitions(producer, self._settings.opinions_topic))
            session = _Session(kind, self._settings, self._answer, self._health, producer, self._outage)
            opened.push_async_callback(session.close)
            opening = kafka.open_consumer(self._settings, session, kind)
            consumer = await kafka.or_stop(stop, opened.enter_async_context(opening))
            if consumer is None:
                return
            await session.run(consumer, stop)


class _Session(ConsumerRebalanceListener):  # type: ignore[misc]
    """One membership in the group, from joining to leaving or to an error that needs new clients."""

    def __init__(
        self,
        kind: Kind,
        settings: Settings,
        answer: AnswerOne,
        health: Health,
        producer: AIOKafkaProducer,
        outage: Outage,
    ) -> None:
        self._outage = outage
        self._kind = kind
        # A picture takes much longer than a text, and neither this loop nor the group may wait for it.
        self._lane = Lane("judge", 1 if kind == "media" else settings.threads)
        self._long_lane = Lane("judge-long", 1)
        self._settings = settings
        self._answer = answer
        self._health = health
        self._producer = producer
        self._outbox = Outbox(producer, settings)
        self._committer = Committer()
        self._consumer: AIOKafkaConsumer | None = None
        self._unsettled: set[asyncio.Task[None]] = set()
        self._broken: BaseException | None = None

    async def close(self) -> None:
        """Let go of the threads."""
        await self._lane.close()
        await self._long_lane.close()

    async def run(self, consumer: AIOKafkaConsumer, stop: asyncio.Event) -> None:
        """Polls until stopped, then drains. Raises `KafkaError` when the clients have to be made anew."""
        self._consumer = consumer
        helpers = [asyncio.create_task(self._committer.run(consumer)), asyncio.create_task(self._probe())]
        try:
            while not stop.is_set():
                if self._broken is not None:
                    raise self._broken
                if len(self._unsettled) >= self._settings.max_unsettled:
                    await asyncio.wait(self._unsettled, timeout=_POLL_MS / 1000, return_when=asyncio.FIRST_COMPLETED)
                    continue
                for partition, records in (await consumer.getmany(timeout_ms=_POLL_MS)).items():
                    for record in records:
                        self._committer.take(partition, record.offset)
                    for record in records:
                        await self._take(partition, record)
        finally:
            await self._drain()
            for helper in helpers:
                helper.cancel()
            await asyncio.gather(*helpers, return_exceptions=True)
            await self._last_commit(consumer)

    async def on_partitions_revoked(self, revoked: list[TopicPartition]) -> None:
        """Finishes and commits what it can before another worker takes over."""
        self._health.joined(False, self._kind)
        if self._consumer is not None and revoked:
            if self._unsettled:
                await asyncio.wait(self._unsettled, timeout=_HAND_OVER_SECONDS)
            await self._last_commit(self._consumer)
        self._committer.forget(revoked)

    async def on_partitions_assigned(self, assigned: list[TopicPartition]) -> None:
        """A member again."""
        self._health.joined(True, self._kind)
        _log.info("assigned", extra={"partitions": sorted([p.partition for p in assigned])})

    async def _take(self, partition: TopicPartition, raw: ConsumerRecord) -> None:
        media = raw.topic == self._settings.media_topic
        record = Record(raw.topic, raw.partition, raw.offset, raw.value, dict(raw.headers), media)
        # Of records with pictures, which may be large, one at a time is in memory.
        outcome = await self._judge(record) if self._kind == "media" else None
        task = asyncio.create_task(self._settle(partition, record, outcome))
        self._unsettled.add(task)
        task.add_done_callback(self._settled)
        metrics.UNSETTLED.set(len(self._unsettled))

    async def _judge(self, record: Record) -> Outcome:
        started = time.perf_counter()
        make = partial(Batch, record, _now_ms())
        batch = await asyncio.to_thread(make) if record.media else make()
        found = await asyncio.gather(
            *[
                (self._long_lane if not record.media and is_long(question) else self._lane).put(
                    question.tenant_id, partial(attempt, question, self._answer, self._settings.max_tries, _now_ms)
                )
                for question in batch.questions
            ]
        )
        for question, each in zip(batch.questions, found, strict=True):
            batch.note(question, each)
        outcome = batch.outcome()
        metrics.JUDGE_SECONDS.observe(time.perf_counter() - started)
        return outcome

    async def _settle(self, partition: TopicPartition, record: Record, outcome: Outcome | None) -> None:
        if outcome is None:
            outcome = await self._judge(record)
        _count(outcome)
        await self._outbox.send(record, outcome)
        self._committer.settle(partition, record.offset)

    def _settled(self, task: asyncio.Task[None]) -> None:
        self._unsettled.discard(task)
        metrics.UNSETTLED.set(len(self._unsettled))
        if not task.cancelled() and (error := task.exception()) is not None:
            self._broken = error  # an unsettled record would hold up its partition: better to stop and be restarted

    async def _drain(self) -> None:
        if self._unsettled:
            _, late = await asyncio.wait(self._unsettled, timeout=_DRAIN_SECONDS)
            if late:
                _log.warning("left unsettled", extra={"records": len(late)})
                for task in late:
                    task.cancel()  # not committed: judged again by whoever reads it next
                await asyncio.gather(*late, return_exceptions=True)

    async def _last_commit(self, consumer: AIOKafkaConsumer) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(_COMMIT_SECONDS):
                await self._committer.commit(consumer)

    async def _probe(self) -> None:
        while True:
            there = await kafka.answers(self._producer)
            self._health.connected(there, self._kind)
            if there:
                self._outage.works(self._kind)
            else:
                self._outage.failed(self._kind, "NoAnswer")
            await asyncio.sleep(_PROBE_SECONDS)


def _now_ms() -> int:
    return int(time.time() * 1000)


def _count(outcome: Outcome) -> None:
    if outcome.skipped:
        metrics.EXPIRED.labels("record").inc()
        return
    metrics.QUESTIONS.inc(outcome.questions)
    metrics.BATCH_QUESTIONS.observe(outcome.questions)
    if outcome.expired:
        metrics.EXPIRED.labels("question").inc(outcome.expired)
    if outcome.retried:
        metrics.RETRIES.inc(outcome.retried)
    for (classifier, kind), number in outcome.answered.items():
        metrics.ANSWERS.labels(classifier if classifier in CLASSIFIERS else "other", kind).inc(number)
