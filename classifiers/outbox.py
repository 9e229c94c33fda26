"""Sends what came of a record, and does not rest before it is acknowledged or of no more use."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Final

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError

from classifiers import metrics
from classifiers.batch import DeadLetter, Headers, Outcome, Record, dead_letter
from classifiers.settings import Settings

_FIRST_PAUSE: Final = 0.1
_LONGEST_PAUSE: Final = 2.0
_log = logging.getLogger(__name__)


class Outbox:
    """Replies are tried until their deadline, dead letters until the broker has them."""

    def __init__(self, producer: AIOKafkaProducer, settings: Settings) -> None:
        self._producer = producer
        self._opinions = settings.opinions_topic
        self._dead_letters = settings.dead_letters_topic

    async def send(self, record: Record, outcome: Outcome) -> None:
        """Returns when all that has to be kept is acknowledged. Not to be cancelled: a send may be out."""
        match await self._is_partition(outcome) if outcome.replies else None:
            case True:
                for value in outcome.replies:
                    await self._reply(value, outcome)
            case False:
                letter = dead_letter(record, record.keepable, "UnknownReplyPartition", 0)
                await self._bury(letter, "record")
            case None:
                metrics.ABANDONED.inc(len(outcome.replies))
        for letter in outcome.dead_letters:
            await self._bury(letter, "record" if outcome.poisoned else "question")

    async def _is_partition(self, outcome: Outcome) -> bool | None:
        """Whether the asker's partition exists; None if the deadline passed before the broker could tell.

        An unknown partition may be new, so the broker is asked once more.
        """
        while True:
            try:
                if outcome.reply_to in await self._producer.partitions_for(self._opinions):
                    return True
                await self._producer.client.force_metadata_update()
                return outcome.reply_to in await self._producer.partitions_for(self._opinions)
            except KafkaError:
                if _now_ms() >= outcome.deadline_ms:
                    return None
                await asyncio.sleep(_FIRST_PAUSE)

    async def _reply(self, value: bytes, outcome: Outcome) -> None:
        pause = _FIRST_PAUSE
        while True:
            try:
                await self._write(self._opinions, value, outcome.headers, outcome.reply_to)
                return
            except KafkaError as error:
                if _now_ms() >= outcome.deadline_ms:
                    metrics.ABANDONED.inc()
                    _log.warning("reply abandoned", extra={"error": type(error).__name__})
                    return
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)

    async def _bury(self, letter: DeadLetter, what: str) -> None:
        pause, value = _FIRST_PAUSE, letter.value
        while True:
            try:
                await self._write(self._dead_letters, value, letter.headers, None)
                break
            except MessageSizeTooLargeError:
                if not value:
                    raise
                value = b""  # the headers say where the original stands
            except KafkaError as error:
                _log.warning("dead letter not written", extra={"error": type(error).__name__})
                await asyncio.sleep(pause)
                pause = min(pause * 2, _LONGEST_PAUSE)
        metrics.DEAD_LETTERS.labels(what).inc()
        _log.error("dead letter", extra={"what": what} | {k: v.decode() for k, v in letter.headers})

    async def _write(self, topic: str, value: bytes, headers: Headers, partition: int | None) -> None:
        await (await self._producer.send(topic, value, partition=partition, headers=list(headers)))


def _now_ms() -> int:
    return int(time.time() * 1000)
