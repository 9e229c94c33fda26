"""A record straight to the leader of a partition, in a request of its own.

The client library's producer takes a record through an accumulator and two tasks, which costs twice the processor time
and nearly twice the wait of the request itself. It stays for everything but the plain case.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Final

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError, RequestTimedOutError
from aiokafka.protocol.produce import ProduceRequest
from aiokafka.record.default_records import DefaultRecordBatchBuilder

ALL_REPLICAS: Final = -1
TIMEOUT_MS: Final = 5000
_MAX_BYTES: Final = 500_000
"""A longer record goes the ordinary way, which knows what the broker takes."""


class DirectProducer:
    """Sends over the connections of a started producer."""

    def __init__(self, producer: AIOKafkaProducer) -> None:
        self._producer = producer

    async def send(self, topic: str, value: bytes, headers: Sequence[tuple[str, bytes]]) -> None:
        """Return when all replicas have the record, at a partition taken at random. Raises `KafkaError`.

        It may be there twice when the broker was changed or lost meanwhile.
        """
        if not await self._at_once(topic, value, headers):
            await (await self._producer.send(topic, value, headers=list(headers)))

    async def reachable(self) -> bool:
        """Ask the cluster who leads what; whether it answers."""
        return bool(await self._producer.client.force_metadata_update())

    async def _at_once(self, topic: str, value: bytes, headers: Sequence[tuple[str, bytes]]) -> bool:
        cluster = self._producer.client.cluster
        partitions = cluster.available_partitions_for_topic(topic)
        if not partitions or len(value) > _MAX_BYTES:
            return False
        partition = random.choice(tuple(partitions))  # noqa: S311 - no secret
        leader = cluster.leader_for_partition(TopicPartition(topic, partition))
        request = ProduceRequest(None, ALL_REPLICAS, TIMEOUT_MS, [(topic, [(partition, _batch(value, headers))])])
        try:
            response = await self._producer.client.send(leader, request)
        except RequestTimedOutError:
            raise  # the ordinary way would only wait as long again
        except KafkaError:
            return False
        [(_, [(_, code, *_)])] = response.topics
        return bool(code == 0)


def _batch(value: bytes, headers: Sequence[tuple[str, bytes]]) -> bytes:
    """A record batch of one, not compressed."""
    builder = DefaultRecordBatchBuilder(
        2,
        0,
        is_transactional=0,
        producer_id=-1,
        producer_epoch=-1,
        base_sequence=0,
        batch_size=_MAX_BYTES,
    )
    builder.append(0, None, None, value, list(headers))
    return bytes(builder.build())
