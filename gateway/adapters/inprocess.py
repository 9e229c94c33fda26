"""The classifiers in this very process: the same code as the Kafka worker's, for small installations and the demo."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from classifiers.contract import Answer, Picture, Question, Reply, Silence
from gateway.adapters.authors import Authors
from gateway.adapters.pending import Pending, picture_bytes, silent
from gateway.core.model import Message
from gateway.ports import Clock

log = logging.getLogger(__name__)
_LOOK_SECONDS: Final = 1.0


class InProcessClassifiers:
    """See `gateway.ports.Classifiers`. ``judge`` runs on two threads beside the event loop: one for questions with
    pictures, one for all others. ``limit`` bounds the questions that wait for it, ``picture_limit`` the bytes of their
    pictures."""

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
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="classifiers")
        self._picture_thread = ThreadPoolExecutor(1, thread_name_prefix="classifiers-pictures")
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
        self._thread.shutdown()
        self._picture_thread.shutdown()

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
        if not self.healthy() or sum([len(picture.data) for picture in pictures]) > self._pictures_left:
            return silent(names, Silence.UNAVAILABLE)
        question = self._pending.ask(message_id, message, names, deadline_ms, pictures)
        self._pictures_left -= picture_bytes(question)
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
        thread = self._picture_thread if question.pictures else self._thread
        try:
            reply = await asyncio.get_running_loop().run_in_executor(thread, self._judge, question)
        except Exception as error:  # a classifier's own fault, of any kind: this message is held
            log.exception("classifier failed", {"error": type(error).__name__})
            answers = silent(question.ask, Silence.FAILED)
            reply = Reply(question.correlation, question.message_id, question.tenant_id, answers)
        finally:
            self._pictures_left += picture_bytes(question)
        self._pending.resolve(reply)
