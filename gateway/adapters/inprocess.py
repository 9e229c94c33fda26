"""The classifiers in this very process: the same code as the Kafka worker's, for small installations and the demo."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from classifiers.contract import Answer, Question, Reply, Silence
from gateway.adapters.pending import Pending, silent
from gateway.core.model import Message
from gateway.ports import Clock

log = logging.getLogger(__name__)


class InProcessClassifiers:
    """See `gateway.ports.Classifiers`. ``judge`` runs on one thread beside the event loop, and on no other; ``limit``
    bounds the questions that wait for it."""

    def __init__(self, judge: Callable[[Question], Reply], clock: Clock, limit: int = 256) -> None:
        self._judge = judge
        self._clock = clock
        self._limit = limit
        self._pending = Pending("local")
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="classifiers")
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Nothing to connect."""

    async def stop(self) -> None:
        """Wait for the questions under way."""
        if self._tasks:
            await asyncio.wait(self._tasks)
        await self._pending.close()
        self._thread.shutdown()

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
        self, message_id: str, message: Message, names: Sequence[str], deadline_ms: int
    ) -> tuple[Answer, ...]:
        """See `gateway.ports.Classifiers`."""
        if not self.healthy():
            return silent(names, Silence.UNAVAILABLE)
        question = self._pending.ask(message_id, message, names, deadline_ms)
        task = asyncio.create_task(self._answer(question))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        seconds = (deadline_ms - self._clock.now_ms()) / 1000
        return await self._pending.wait(question.correlation, names, seconds)

    async def _answer(self, question: Question) -> None:
        try:
            reply = await asyncio.get_running_loop().run_in_executor(self._thread, self._judge, question)
        except Exception as error:  # a classifier's own fault, of any kind: this message is held
            log.exception("classifier failed", {"error": type(error).__name__})
            answers = silent(question.ask, Silence.FAILED)
            reply = Reply(question.correlation, question.message_id, question.tenant_id, answers)
        self._pending.resolve(reply)
