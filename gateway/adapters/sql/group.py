"""Group commit: what queued while the previous batch was written is the next batch. There is no timer."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Generic, Protocol, TypeVar

from prometheus_client import Histogram

from gateway import metrics
from gateway.ports import Fault, StoreUnavailable


class Sized(Protocol):
    """Something that waits to be written; ``size`` is about how many bytes it takes."""

    @property
    def size(self) -> int: ...


Item = TypeVar("Item", bound=Sized)
Result = TypeVar("Result")


class Group(Generic[Item, Result]):
    """One task that hands waiting items to ``write``, a batch at a time, and gives each caller its own result.

    ``write`` returns one result or fault for each item, in order. A batch has at most ``limit`` items and, beyond
    its first item, at most ``limit_bytes``; at most ``queue`` items wait. ``sizes`` observes
    how many items each batch had.
    """

    def __init__(
        self,
        write: Callable[[list[Item]], Awaitable[list[Result | Fault]]],
        limit: int = 512,
        limit_bytes: int = 8 * 2**20,
        queue: int = 8192,
        sizes: Histogram = metrics.GROUP_COMMIT,
    ) -> None:
        self._write = write
        self._limit = limit
        self._limit_bytes = limit_bytes
        self._queue = queue
        self._sizes = sizes
        self._waiting: deque[tuple[Item, asyncio.Future[Result]]] = deque()
        self._wake = asyncio.Event()
        self._closing = False
        self._loop = asyncio.get_running_loop()
        self._task = self._loop.create_task(self._run(), name="group-commit")

    def put(self, item: Item) -> asyncio.Future[Result]:
        """The result of writing this item, to be awaited.

        A caller cancelled while it waits leaves the item where it is: it is dropped if it still queues when its
        turn comes, and written whole otherwise. Raises `StoreUnavailable` at once when the queue is full or closed.
        """
        if self._closing:
            raise StoreUnavailable("the store is closed")
        if len(self._waiting) >= self._queue:
            raise StoreUnavailable("too many writes are waiting")
        future: asyncio.Future[Result] = self._loop.create_future()
        self._waiting.append((item, future))
        self._wake.set()
        return future

    async def close(self) -> None:
        """Write what waits, and take nothing more."""
        self._closing = True
        self._wake.set()
        await self._task

    async def _run(self) -> None:
        while True:
            batch = self._take()
            if not batch:
                if self._closing:
                    return
                self._wake.clear()
                await self._wake.wait()
                continue
            self._sizes.observe(len(batch))
            try:
                results = await self._write([item for item, _ in batch])
            except Exception as error:  # whatever it is, no caller may wait for ever
                results = [StoreUnavailable(f"the batch failed: {type(error).__name__}") for _ in batch]
            for (_, future), result in zip(batch, results, strict=True):
                if future.done():
                    continue
                if isinstance(result, Fault):
                    future.set_exception(result)
                else:
                    future.set_result(result)

    def _take(self) -> list[tuple[Item, asyncio.Future[Result]]]:
        batch: list[tuple[Item, asyncio.Future[Result]]] = []
        size = 0
        while self._waiting and len(batch) < self._limit:
            size += self._waiting[0][0].size
            if batch and size > self._limit_bytes:
                break
            pair = self._waiting.popleft()
            if not pair[1].cancelled():
                batch.append(pair)
        return batch
