"""The classifiers in this very process: the same code as the Kafka worker's, for small installations and the demo."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Final

from classifiers.contract import Answer, Picture, Question, Reply, Silence
from classifiers.contract.lanes import Lane, is_long
from gateway import metrics
from gateway.adapters.authors import Authors
from gateway.adapters.pending import Pending, picture_bytes, silent
from gateway.core.model import Message
from gateway.ports import Clock

log = logging.getLogger(__name__)
_LOOK_SECONDS: Final = 1.0


class InProcessClassifiers:
    """See `gateway.ports.Classifiers`. ``judge`` runs on three threads beside the event loop: for questions with
    pictures, for those of long texts, and for all others. In each, tenants take turns, and a question whose deadline
    has passed is not judged any more. ``limit`` bounds the questions that wait, of which one tenant may have half, and
    ``picture_limit`` the bytes of their pictures."""

    def __init__(
        self,
        judge: Callable[[Question], Reply],
        clock: Clock,
        limit: int = 256,
        picture_limit: int = 64 * 1024 * 1024,
        authors: Authors | None = None,
        versions: Callable[[], object] | None = None,
    ) -> None:
        self._judge = judge
        self._versions = versions
        self._watching: asyncio.Task[None] | None = None
        self._clock = clock
        self._limit = limit
        self._pictures_left = picture_limit
        self._pending = Pending("local", authors)
        self._lane, self._long_lane, self._picture_lane = [
            Lane(f"classifiers{kind}", 1) for kind in ("", "-long", "-pictures")
        ]
        self._waiting = Counter[str]()
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Look after what the classifiers read from files, from now on."""
        if self._versions is not None:
            self._watching = asyncio.create_task(self._watch(self._versions))

    async def stop(self) -> None:
        """Wait for the questions under way."""
        if self._watching is not None:
            self._watching.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        await self._pending.close()
        for lane in (self._lane, self._long_lane, self._picture_lane):
            await lane.close()

    def ready(self) -> bool:
        """See `gateway.ports.Classifiers`."""
        return True

    def healthy(self) -> bool:
        """See `gateway.ports.Classifiers`."""
        return len(self._tasks) < self._limit

    def on_late(self, apply: Callable[[Reply], Awaitable[None]]) -> None:
        """See `gateway.ports.Classifiers`."""
        self._pending.on_late(apply)

    async def ask(
        self,
        message_id: str,
        message: Message,
        names: Sequence[str],
        deadline_ms: int,
        pictures: Sequence[Picture] = (),
    ) -> tuple[Answer, ...]:
        """See `gateway.ports.Classifiers`."""
        if self._waiting[message.tenant_id] >= max(self._limit // 2, 1):
            return silent(names, Silence.UNAVAILABLE)
        if not self.healthy() or sum([len(picture.data) for picture in pictures]) > self._pictures_left:
            return silent(names, Silence.UNAVAILABLE)
        question = self._pending.ask(message_id, message, names, deadline_ms, pictures)
        self._pictures_left -= picture_bytes(question)
        self._waiting[question.tenant_id] += 1
        task = asyncio.create_task(self._answer(question))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        seconds = (deadline_ms - self._clock.now_ms()) / 1000
        return await self._pending.wait(question.correlation, names, seconds)

    async def _watch(self, versions: Callable[[], object]) -> None:
        # Who is asked for a version looks whether its file changed. Without that the first message after a change
        # would still be judged by the old terms, however long ago the change was.
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            versions()

    async def _answer(self, question: Question) -> None:
        lane = self._picture_lane if question.pictures else self._long_lane if is_long(question) else self._lane
        try:
            reply = await lane.put(question.tenant_id, partial(self._judge_in_time, question))
        except Exception as error:  # a classifier's own fault, of any kind: this message is held
            log.exception("classifier failed", {"error": type(error).__name__})
            answers = silent(question.ask, Silence.FAILED)
            reply = Reply(question.correlation, question.message_id, question.tenant_id, answers)
        finally:
            self._pictures_left += picture_bytes(question)
            self._waiting[question.tenant_id] -= 1
            if not self._waiting[question.tenant_id]:
                del self._waiting[question.tenant_id]
        if reply is None:
            metrics.EXPIRED_QUESTIONS.inc()
        else:
            self._pending.resolve(reply)

    def _judge_in_time(self, question: Question) -> Reply | None:
        """The reply; None when nobody waits for it any more."""
        return self._judge(question) if self._clock.now_ms() < question.deadline_ms else None
