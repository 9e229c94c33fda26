"""Questions to Kafka: those of one moment share a record, and a broker that is away is noticed, not waited for."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from functools import partial

from aiokafka.errors import KafkaError, MessageSizeTooLargeError

from classifiers.contract import VERSION, Question, Silence, encode_questions
from classifiers.contract.lanes import Turns
from gateway import metrics
from gateway.adapters.kafka.direct import DirectProducer
from gateway.adapters.pending import picture_bytes

log = logging.getLogger(__name__)

RECORD_QUESTIONS = 128
_RECORD_CHARACTERS = 200_000
"""Bounds of one record, well below a broker's limit of about a megabyte in the widest encoding."""
_STALL_SECONDS = 2.0


class Asker:
    """Sends questions; at most ``in_flight`` records are on their way at once, so what is asked meanwhile shares the
    next one, ``together`` of them at most, of which tenants take turns. ``lost`` hears of questions that the broker did
    not take, and whether it may take them later.

    Questions wait in memory only until their deadline: while the broker is away `stalled` is true and nothing more
    is taken.
    """

    def __init__(
        self,
        producer: DirectProducer,
        topic: str,
        reply_to: int,
        lost: Callable[[Sequence[Question], Silence], None],
        in_flight: int,
        *,
        together: int = RECORD_QUESTIONS,
    ) -> None:
        self._producer = producer
        self._topic = topic
        self._reply_to = str(reply_to).encode()
        self._lost = lost
        self._limit = in_flight
        self._together = together
        self._queue = Turns[Question]()
        self._pictures = 0
        self._sending: dict[asyncio.Task[None], float] = {}
        self._flush_planned = False
        self._failed_at: float | None = None

    @property
    def stalled(self) -> bool:
        """Whether the broker has stopped taking records."""
        if self._failed_at is not None:
            return True
        oldest = next(iter(self._sending.values()), None)
        return oldest is not None and asyncio.get_running_loop().time() - oldest > _STALL_SECONDS

    @property
    def picture_bytes(self) -> int:
        """The pictures of the questions that wait or are on their way."""
        return self._pictures

    def ask(self, question: Question) -> None:
        """Send a question with the next record."""
        self._pictures += picture_bytes(question)
        self._queue.put(question.tenant_id, question)
        self._plan()

    async def probe(self) -> None:
        """While stalled: see whether the broker is back."""
        if not self.stalled:
            return
        if await self._producer.reachable():
            self._failed_at = None
            self._plan()

    async def close(self) -> None:
        """Send what is queued, and wait for it: a send is never cancelled. For a broker that is away, drop the queue;
        nobody waits for the answers any more."""
        while self._queue or self._sending:
            if self.stalled:
                self._pictures -= _size(self._queue.take_all())
            self._flush()
            if self._sending:
                await asyncio.wait(self._sending)

    def _plan(self) -> None:
        if not self._flush_planned:
            self._flush_planned = True
            asyncio.get_running_loop().call_soon(self._flush)

    def _flush(self) -> None:
        self._flush_planned = False
        while self._queue and len(self._sending) < self._limit:
            batch = self._take()
            metrics.QUESTION_BATCH.observe(len(batch))
            task = asyncio.create_task(self._send(batch))
            self._sending[task] = asyncio.get_running_loop().time()
            task.add_done_callback(partial(self._sent, _size(batch)))

    def _take(self) -> list[Question]:
        batch: list[Question] = []
        size = 0
        while self._queue and len(batch) < self._together:
            size += sum(map(len, self._queue.first().texts))
            if batch and size > _RECORD_CHARACTERS:
                break
            batch.append(self._queue.take())
        return batch

    async def _send(self, batch: Sequence[Question]) -> None:
        deadline_ms = max(question.deadline_ms for question in batch)
        headers = [
            ("v", str(VERSION).encode()),
            ("deadline", str(deadline_ms).encode()),
            ("reply-to", self._reply_to),
        ]
        traceparent = next((question.traceparent for question in batch if question.traceparent), None)
        if traceparent is not None:
            headers.append(("traceparent", traceparent.encode()))
        try:
            await self._producer.send(self._topic, encode_questions(batch), headers)
            self._failed_at = None
        except MessageSizeTooLargeError:
            # The broker is well, so nobody else is held up. Sent alone, each question shows whether it is too large.
            if len(batch) == 1:
                self._lost(batch, Silence.UNSUPPORTED)
                return
            for question in batch:
                await self._send((question,))
        except KafkaError as error:
            self._failed_at = asyncio.get_running_loop().time()
            metrics.STAGE_FAULTS.labels("questions", type(error).__name__).inc()
            log.warning("questions not sent", {"error": repr(error), "questions": len(batch)})
            self._lost(batch, Silence.UNAVAILABLE)

    def _sent(self, pictures: int, task: asyncio.Task[None]) -> None:
        del self._sending[task]
        self._pictures -= pictures
        if self._queue:
            self._flush()
        task.result()


def _size(questions: Iterable[Question]) -> int:
    return sum([picture_bytes(question) for question in questions])
