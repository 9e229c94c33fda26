"""The records of one partition as they come, read from the end it had at the start.

The client library's consumer serves many partitions and groups; a reader of one partition that asks the broker itself
spends a fraction of its processor time on a record, and has it sooner.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from aiokafka import TopicPartition
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import CorruptRecordException, KafkaError, LeaderNotAvailableError, OffsetOutOfRangeError, for_code
from aiokafka.protocol.fetch import FetchRequest
from aiokafka.protocol.offset import OffsetRequest
from aiokafka.record.memory_records import MemoryRecords

_WAIT_MS: Final = 500
_MAX_BYTES: Final = 8 * 2**20
_LATEST: Final = -1
_TRIES: Final = 20
_PAUSE_SECONDS: Final = 0.1


class Found(NamedTuple):
    """A record as it was read."""

    offset: int
    value: bytes
    headers: Sequence[tuple[str, bytes]]


class Replies:
    """``options`` are those of an aiokafka client."""

    def __init__(self, options: dict[str, Any], topic: str, partition: int) -> None:
        self._client = AIOKafkaClient(**options)
        self._topic = topic
        self._partition = partition
        self._position = 0
        self._end = 0

    @property
    def lag(self) -> int:
        """How many records there are that were not read."""
        return max(0, self._end - self._position)

    async def start(self) -> None:
        """Connect, and find the end of the partition: what is written from now on will be read. Raises `KafkaError`."""
        await self._client.bootstrap()
        await self._client.set_topics([self._topic])
        await self._seek_to_end()

    async def stop(self) -> None:
        """Disconnect."""
        await self._client.close()

    async def read(self) -> list[Found]:
        """The next records; nothing when none came for a while. Raises `KafkaError`."""
        where = (self._partition, self._position, _MAX_BYTES)
        request = FetchRequest(_WAIT_MS, 1, _MAX_BYTES, 0, [(self._topic, [where])], rack_id="")
        response = await self._client.send(self._leader(), request)
        [(_, [(_, code, end, *rest)])] = response.topics
        if code == OffsetOutOfRangeError.errno:
            await self._seek_to_end()  # so old that they were deleted, as nobody waits for them
            return []
        self._check(code)
        self._end = end
        return self._unpack(rest[-1])

    def _unpack(self, data: bytes) -> list[Found]:
        found: list[Found] = []
        records = MemoryRecords(data)
        while records.has_next():
            batch = records.next_batch()
            if not batch.validate_crc():
                raise CorruptRecordException(f"partition {self._partition}, offset {self._position}")
            if not batch.is_control_batch:
                found += [
                    Found(record.offset, record.value or b"", record.headers)
                    for record in batch
                    if record.offset >= self._position
                ]
            self._position = max(self._position, batch.next_offset)
        return found

    async def _seek_to_end(self) -> None:
        request = OffsetRequest(-1, 0, [(self._topic, [(self._partition, _LATEST)])])
        for left in reversed(range(_TRIES)):
            try:
                response = await self._client.send(self._leader(), request)
                [(_, [(_, code, *_, offset)])] = response.topics
                self._check(code)
            except KafkaError as error:
                if not (left and error.retriable):
                    raise
                await asyncio.sleep(_PAUSE_SECONDS)  # a topic that was just made has no leader yet
            else:
                self._position = self._end = offset
                return

    def _leader(self) -> int:
        leader: int | None = self._client.cluster.leader_for_partition(TopicPartition(self._topic, self._partition))
        if leader is None or leader == -1:
            self._client.force_metadata_update()
            raise LeaderNotAvailableError(f"partition {self._partition}")
        return leader

    def _check(self, code: int) -> None:
        if code:
            self._client.force_metadata_update()
            raise for_code(code)(f"partition {self._partition}")
