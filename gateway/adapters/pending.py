"""Questions that wait for their reply: matched by correlation, ended by their deadline."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from classifiers.contract import Answer, Picture, Question, Reply, Silence, Unanswered
from gateway import metrics, tracing
from gateway.adapters.authors import Authors
from gateway.core.model import Message


class Pending:
    """The questions under way in this process. ``epoch`` tells its correlations from those of earlier lives."""

    def __init__(self, epoch: str, authors: Authors | None = None) -> None:
        self._epoch = epoch
        self._authors = authors or Authors()
        self._sequence = 0
        self._waiting: dict[str, asyncio.Future[tuple[Answer, ...] | None]] = {}
        self._late: Callable[[Reply], Awaitable[None]] | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._waiting)

    def on_late(self, apply: Callable[[Reply], Awaitable[None]]) -> None:
        """See `gateway.ports.Classifiers.on_late`."""
        self._late = apply

    def ask(
        self,
        message_id: str,
        message: Message,
        names: Sequence[str],
        deadline_ms: int,
        pictures: Sequence[Picture] = (),
    ) -> Question:
        """The question about a message, with a correlation that no other has; its reply is waited for from now on."""
        self._sequence += 1
        correlation = f"{self._epoch}-{self._sequence}"
        self._waiting[correlation] = asyncio.get_running_loop().create_future()
        return Question(
            correlation=correlation,
            message_id=message_id,
            tenant_id=message.tenant_id,
            ask=tuple(names),
            texts=message.texts,
            media=tuple([media.content_type for media in message.media]),
            deadline_ms=deadline_ms,
            traceparent=tracing.traceparent(),
            author=self._authors(message),
            pictures=tuple(pictures),
        )

    async def wait(self, correlation: str, names: Sequence[str], seconds: float) -> tuple[Answer, ...]:
        """The answers to a question, by name; those that did not come within ``seconds`` are `Unanswered`."""
        future = self._waiting[correlation]
        timer = asyncio.get_running_loop().call_later(max(seconds, 0.0), _expire, future)
        try:
            answers = await future
        finally:
            timer.cancel()
            del self._waiting[correlation]
        if answers is None:
            return silent(names, Silence.TIMEOUT)
        given = {answer.classifier: answer for answer in answers}
        return tuple([given.get(name) or Unanswered(name, Silence.TIMEOUT) for name in names])

    def resolve(self, reply: Reply) -> None:
        """Hand a reply to whoever waits for it; a late one to the late handler."""
        future = self._waiting.get(reply.correlation)
        if future is not None and not future.done():
            future.set_result(reply.answers)
            return
        ours = reply.correlation.startswith(f"{self._epoch}-")
        (metrics.LATE_REPLIES if ours else metrics.FOREIGN_REPLIES).inc()
        if self._late is not None:
            task = asyncio.create_task(_apply(self._late, reply))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def give_up(self, correlation: str, names: Sequence[str], silence: Silence) -> None:
        """End a question that could not be asked, for this reason."""
        future = self._waiting.get(correlation)
        if future is not None and not future.done():
            future.set_result(silent(names, silence))

    async def close(self) -> None:
        """Wait for the late replies that are being applied."""
        if self._tasks:
            await asyncio.wait(self._tasks)


def picture_bytes(question: Question) -> int:
    """The size of a question's pictures, in bytes."""
    return sum([len(picture.data) for picture in question.pictures])


def silent(names: Sequence[str], silence: Silence) -> tuple[Answer, ...]:
    """No answer from any of these."""
    return tuple([Unanswered(name, silence) for name in names])


def _expire(future: asyncio.Future[tuple[Answer, ...] | None]) -> None:
    if not future.done():
        future.set_result(None)


async def _apply(apply: Callable[[Reply], Awaitable[None]], reply: Reply) -> None:
    await apply(reply)
