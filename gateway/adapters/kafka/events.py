"""Audit rows announced on the decisions topic as CloudEvents 1.0 (Kafka protocol binding, structured mode)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

import orjson
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from gateway import metrics
from gateway.adapters.kafka.client import client_options
from gateway.core.records import AuditRow
from gateway.ports import Fault
from gateway.settings import KafkaSettings

SOURCE = "urn:moderation-gateway"
_HEADERS = [("content-type", b"application/cloudevents+json; charset=utf-8")]


class KafkaEvents:
    """See `gateway.ports.Events`. Events of one message share a key, so they stay in order in one partition; the id
    (chain and row) lets a consumer drop an event that it has seen before."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._topic = f"{settings.topic_prefix}decisions"
        self._producer = AIOKafkaProducer(
            acks="all", enable_idempotence=True, linger_ms=5, request_timeout_ms=5000, **client_options(settings)
        )
        self._started = False

    async def announce(self, rows: Sequence[AuditRow]) -> None:
        """See `gateway.ports.Events`."""
        try:
            if not self._started:
                await self._producer.start()
                self._started = True
            deliveries = [
                await self._producer.send(self._topic, cloud_event(row), key=row.message_id.encode(), headers=_HEADERS)
                for row in rows
            ]
            await asyncio.gather(*deliveries)
        except (KafkaError, OSError) as error:
            raise Fault(f"events not announced: {error!r}") from error
        metrics.EVENTS.inc(len(rows))

    async def stop(self) -> None:
        """Disconnect."""
        await self._producer.stop()


def cloud_event(row: AuditRow) -> bytes:
    """The event for one audit row."""
    return orjson.dumps(
        {
            "specversion": "1.0",
            "id": f"{row.chain}-{row.seq}",
            "source": SOURCE,
            "type": f"moderation.{row.kind}",
            "subject": row.message_id,
            "time": datetime.fromtimestamp(row.at_ms / 1000, UTC).isoformat(timespec="milliseconds"),
            "datacontenttype": "application/json",
            "data": orjson.Fragment(row.body),
        }
    )
