"""The classifiers behind Kafka: request and reply over two topics, one reply partition for each gateway process."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from classifiers.contract import Answer, ContractError, Picture, Question, Reply, Silence, decode_replies
from gateway import metrics
from gateway.adapters.authors import Authors
from gateway.adapters.kafka.announced import Announced
from gateway.adapters.kafka.client import MEDIA_RECORD, client_options, close, ensure_topics
from gateway.adapters.kafka.direct import TIMEOUT_MS, DirectProducer
from gateway.adapters.kafka.questions import Asker
from gateway.adapters.kafka.replies import Found, Replies
from gateway.adapters.pending import Pending, silent
from gateway.core.model import Message
from gateway.core.records import Owner
from gateway.ports import Clock
from gateway.settings import KafkaSettings

log = logging.getLogger(__name__)

_PAUSE_SECONDS = 1.0
_START_SECONDS = 10.0
_IN_FLIGHT = 1
"""Records of questions at once. A second one would leave sooner and make more and smaller records, each of which costs
this process, the broker and a worker as much as several questions do."""
_BATCH_BYTES = 1024 * 1024
"""At the client's own 16 KiB a few records fill a batch, and the rest wait and wake one another."""
_MEDIA_IN_FLIGHT = 4
"""Each is a record of one question: a large picture must not keep the small ones waiting."""
_PICTURE_BYTES = 64 * 1024 * 1024
"""Of the questions that wait for the broker; more are not taken, for a broker that is slow must not fill the memory."""


class KafkaClassifiers:
    """See `gateway.ports.Classifiers`. ``owner`` gives the reply partition (its slot) and the life of this process
    (its epoch). ``limit`` bounds the questions that wait for a reply.

    Questions with pictures have a topic and a connection of their own, so that no other waits behind their bytes."""

    def __init__(
        self, settings: KafkaSettings, owner: Owner, clock: Clock, limit: int = 4096, authors: Authors | None = None
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._limit = limit
        self._slot = owner.slot
        self._pending = Pending(f"{owner.slot}.{owner.epoch}", authors)
        self._asker: Asker | None = None
        self._media_asker: Asker | None = None
        self._producers: list[AIOKafkaProducer] = []
        self._replies: Replies | None = None
        self._announced = Announced(clock)
        self._tasks: list[asyncio.Task[None]] = []
        self._helpers: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Connect. When Kafka is away this returns after some seconds and connecting goes on; until `ready` every
        message is held."""
        connecting = asyncio.create_task(self._connect())
        self._tasks.append(connecting)
        await asyncio.wait((connecting,), timeout=_START_SECONDS)

    async def stop(self) -> None:
        """Send what was asked, apply what has come, and disconnect."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._replies is not None:
            await close(self._replies)
        for asker in (self._asker, self._media_asker):
            if asker is not None:
                await asker.close()
        for producer in self._producers:
            await close(producer)
        await self._pending.close()

    def ready(self) -> bool:
        """See `gateway.ports.Classifiers`. A process whose reading has ended by an error of its own is not ready."""
        return self._asker is not None and not any(task.done() for task in self._helpers)

    def healthy(self) -> bool:
        """See `gateway.ports.Classifiers`."""
        return self._asker is not None and self.ready() and not self._asker.stalled

    def on_late(self, apply: Callable[[Reply], Awaitable[None]]) -> None:
        """See `gateway.ports.Classifiers`."""
        self._pending.on_late(apply)

    def versions(self) -> Mapping[str, str]:
        """The version in which each classifier runs, by name: of those of which it is certain at this moment."""
        return self._announced.versions()

    async def ask(
        self,
        message_id: str,
        message: Message,
        names: Sequence[str],
        deadline_ms: int,
        pictures: Sequence[Picture] = (),
    ) -> tuple[Answer, ...]:
        """See `gateway.ports.Classifiers`."""
        asker = self._media_asker if pictures else self._asker
        if asker is None or asker.stalled or len(self._pending) >= self._limit:
            return silent(names, Silence.UNAVAILABLE)
        if pictures and asker.picture_bytes + sum([len(one.data) for one in pictures]) > _PICTURE_BYTES:
            return silent(names, Silence.UNAVAILABLE)
        question = self._pending.ask(message_id, message, names, deadline_ms, pictures)
        asker.ask(question)
        seconds = (deadline_ms - self._clock.now_ms()) / 1000
        return await self._pending.wait(question.correlation, names, seconds)

    async def _connect(self) -> None:
        failing = False
        while True:
            try:
                await self._open()
                return
            except (KafkaError, OSError) as error:
                if not failing:  # its end is a line, too: "Kafka connected"
                    log.warning("Kafka cannot be reached; trying again", {"error": repr(error)})
                failing = True
                await self._close_half_open()
                await asyncio.sleep(_PAUSE_SECONDS)

    async def _open(self) -> None:
        await ensure_topics(self._settings)
        options = client_options(self._settings)
        # Until the end of the partition is known, a reply to a question asked now could be missed.
        self._replies = Replies(options, f"{self._settings.topic_prefix}opinions", self._slot)
        await self._replies.start()
        plain = await self._produce(max_batch_size=_BATCH_BYTES, **options)
        large = await self._produce(max_batch_size=_BATCH_BYTES, max_request_size=MEDIA_RECORD, **options)
        prefix = self._settings.topic_prefix
        self._media_asker = Asker(
            large, f"{prefix}media-questions", self._slot, self._give_up, in_flight=_MEDIA_IN_FLIGHT, together=1
        )
        self._asker = Asker(plain, f"{prefix}questions", self._slot, self._give_up, in_flight=_IN_FLIGHT)
        self._helpers = [
            asyncio.create_task(self._read(self._replies)),
            asyncio.create_task(self._watch(self._asker, self._media_asker)),
        ]
        self._tasks += self._helpers
        log.info("Kafka connected", {"reply_partition": self._slot})

    async def _produce(self, **options: Any) -> DirectProducer:
        producer = AIOKafkaProducer(acks="all", request_timeout_ms=TIMEOUT_MS, **options)
        self._producers.append(producer)
        await producer.start()
        return DirectProducer(producer)

    async def _close_half_open(self) -> None:
        for client in (self._replies, *self._producers):
            if client is not None:
                await close(client)
        self._replies = None
        self._producers.clear()

    async def _read(self, replies: Replies) -> None:
        failing = False
        while True:
            try:
                records = await replies.read()
            except KafkaError as error:
                if not failing:
                    log.warning("replies cannot be read; trying again", {"error": repr(error)})
                failing = True
                await asyncio.sleep(_PAUSE_SECONDS)
                continue
            failing = False
            for found in records:
                self._hand_out(found)
            if not replies.lag:
                self._announced.read_to_end()

    def _hand_out(self, found: Found) -> None:
        try:
            if any(name == "versions" for name, _ in found.headers):
                self._announced.hear(dict(found.headers))
                return
            replies = decode_replies(found.value)
        except ContractError as error:
            metrics.BAD_REPLIES.inc()
            log.warning("reply not understood", {"error": str(error), "offset": found.offset})
            return
        for reply in replies:
            self._announced.see(reply.answers)
            self._pending.resolve(reply)

    async def _watch(self, *askers: Asker) -> None:
        while True:
            await asyncio.sleep(_PAUSE_SECONDS)
            for asker in askers:
                await asker.probe()
            if self._replies is not None:
                metrics.REPLY_LAG.set(self._replies.lag)

    def _give_up(self, questions: Sequence[Question], silence: Silence) -> None:
        for question in questions:
            self._pending.give_up(question.correlation, question.ask, silence)
