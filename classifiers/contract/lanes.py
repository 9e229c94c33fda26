"""Whose question is judged next: tenants take turns, and long texts have a lane of their own.

A tenant that asks much waits behind itself, and one that asks of long texts holds up nobody's short ones.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, Generic, TypeVar

from classifiers.contract import Question

LONG: Final = 2_000
"""Characters of all text parts from which on a question is long. So many take up to 0.2 s of one core if they were
made to, and a few ms as a rule."""
MANY: Final = 20
"""Text parts from which on a question is long: each costs something, however short it is."""
_SLICE_SECONDS: Final = 0.005
"""How long a lane without threads may keep the event loop to itself."""

T = TypeVar("T")
Job = tuple[Callable[[], Any], "asyncio.Future[Any]"]


def is_long(question: Question) -> bool:
    """Whether judging it may take so long that short ones should not wait for it."""
    return len(question.texts) > MANY or sum(map(len, question.texts)) > LONG


class Turns(Generic[T]):
    """A queue that serves tenants in turn, and each tenant's items in their order."""

    def __init__(self) -> None:
        self._waiting: OrderedDict[str, deque[T]] = OrderedDict()
        self._number = 0

    def __len__(self) -> int:
        return self._number

    def put(self, tenant_id: str, item: T) -> None:
        """Let an item wait. A tenant of which nothing waits comes after all others."""
        self._waiting.setdefault(tenant_id, deque()).append(item)
        self._number += 1

    def first(self) -> T:
        """What `take` would give. Raises `StopIteration` when nothing waits."""
        return next(iter(self._waiting.values()))[0]

    def take(self) -> T:
        """The next item, whose tenant then comes after all others. Raises `KeyError` when nothing waits."""
        tenant_id, items = self._waiting.popitem(last=False)
        self._number -= 1
        item = items.popleft()
        if items:
            self._waiting[tenant_id] = items
        return item

    def take_all(self) -> list[T]:
        """Everything that waits."""
        return [self.take() for _ in range(self._number)]


class Lane:
    """Runs calls that compute, in turn by tenant: ``threads`` of them at once, each in a thread; without threads one
    after the other on the event loop, which gets its turn in between."""

    def __init__(self, name: str, threads: int) -> None:
        self._turns: Turns[Job] = Turns()
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix=name) if threads else None
        self._more = asyncio.Semaphore(0)
        self._runners = [asyncio.create_task(self._run(), name=name) for _ in range(max(threads, 1))]

    def put(self, tenant_id: str, call: Callable[[], T]) -> asyncio.Future[T]:
        """What the call returns or raises, once it had its turn. Cancelled before that, it is not made."""
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._turns.put(tenant_id, (call, future))
        self._more.release()
        return future

    async def close(self) -> None:
        """Let go of what waits, and of the threads when they have ended what is under way."""
        for runner in self._runners:
            runner.cancel()
        await asyncio.gather(*self._runners, return_exceptions=True)
        if self._threads is not None:
            self._threads.shutdown(wait=False)

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        pause_from = time.perf_counter()
        while True:
            has_to_wait = self._more.locked()
            await self._more.acquire()
            if not has_to_wait and self._threads is None and time.perf_counter() - pause_from > _SLICE_SECONDS:
                has_to_wait = True
                await asyncio.sleep(0)
            if has_to_wait:
                pause_from = time.perf_counter()
            call, future = self._turns.take()
            if future.cancelled():
                continue
            try:
                result = call() if self._threads is None else await loop.run_in_executor(self._threads, call)
            except Exception as error:  # whatever it is, who waits for it has to know
                if not future.done():
                    future.set_exception(error)
            else:
                if not future.done():
                    future.set_result(result)
