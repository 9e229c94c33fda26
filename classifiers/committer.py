"""Commits settled positions: one commit in flight, and when it ends the newest positions if they moved."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError

from classifiers import metrics
from classifiers.positions import Positions

_REST_SECONDS: Final = 0.1
"""Between two commits. Each costs as much as answering a record; what it saves after a crash is little work."""

_PAUSE_SECONDS: Final = 0.5
_log = logging.getLogger(__name__)


class Committer:
    """Keeps the group's committed positions close behind what is settled."""

    def __init__(self) -> None:
        self._positions: Positions[TopicPartition] = Positions()
        self._moved = asyncio.Event()
        self._one = asyncio.Lock()

    def take(self, partition: TopicPartition, offset: int) -> None:
        """Work on this record begins."""
        self._positions.take(partition, offset)

    def settle(self, partition: TopicPartition, offset: int) -> None:
        """This record is answered and may be committed once all before it are."""
        self._positions.settle(partition, offset)
        self._moved.set()

    def forget(self, partitions: Collection[TopicPartition]) -> None:
        """These partitions were taken away."""
        self._positions.forget(partitions)

    async def run(self, consumer: AIOKafkaConsumer) -> None:
        """Commits whenever positions moved, until cancelled."""
        while True:
            await self._moved.wait()
            self._moved.clear()
            if await self.commit(consumer):
                await asyncio.sleep(_REST_SECONDS)
            else:
                self._moved.set()
                await asyncio.sleep(_PAUSE_SECONDS)

    async def commit(self, consumer: AIOKafkaConsumer) -> bool:
        """Commits what has moved; False if the broker refused for now.

        A partition that went to another worker is left to that worker, which reads its records again.
        """
        async with self._one:
            assigned = consumer.assignment()
            moved = {p: at for p, at in self._positions.moved().items() if p in assigned}
            if not moved:
                return True
            try:
                await consumer.commit(moved)
            except (CommitFailedError, IllegalStateError):
                metrics.COMMIT_FAILURES.inc()
                return True
            except KafkaError as error:
                metrics.COMMIT_FAILURES.inc()
                _log.warning("commit failed", extra={"error": type(error).__name__})
                return False
            self._positions.committed(moved)
            return True
