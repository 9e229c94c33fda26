"""Audit rows announced on the decisions topic as CloudEvents 1.0 (Kafka protocol binding, structured mode)."""

from __future__ import annotations

import asyncio
import zlib
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

import orjson
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from gateway import metrics
from gateway.adapters.kafka.client import client_options, close
from gateway.core.audit import APPEAL, LICENCE, REPORT, SANCTION, TAKEDOWN
from gateway.core.records import AuditRow
from gateway.ports import Fault
from gateway.settings import KafkaSettings

SOURCE = "urn:moderation-gateway"
_HEADERS = [("content-type", b"application/cloudevents+json; charset=utf-8")]
_BATCH_BYTES = 256 * 1024


class KafkaEvents:
    """See `gateway.ports.Events`. Events of one message, licence, account, report or appeal share a key and a
    partition, so they stay in the order of their chain; the id (chain and row) lets a consumer drop an event that it
    has seen before."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._topic = f"{settings.topic_prefix}decisions"
        self._options = client_options(settings)
        self._producer: AIOKafkaProducer | None = None

    async def announce(self, rows: Sequence[AuditRow]) -> None:
        """See `gateway.ports.Events`."""
        try:
            producer = await self._connected()
            partitions = sorted(await producer.partitions_for(self._topic))
            shares: defaultdict[int, list[AuditRow]] = defaultdict(list)
            for row in rows:
                shares[partitions[zlib.crc32(_subject(row).encode()) % len(partitions)]].append(row)
            deliveries: list[asyncio.Future[object]] = []
            for partition, share in shares.items():
                deliveries += await self._send(producer, partition, share)
            await asyncio.gather(*deliveries)
        except (KafkaError, OSError) as error:
            raise Fault(f"events not announced: {error!r}") from error
        metrics.EVENTS.inc(len(rows))

    async def stop(self) -> None:
        """Disconnect."""
        if self._producer is not None:
            await close(self._producer)

    async def _connected(self) -> AIOKafkaProducer:
        if self._producer is None:
            producer = AIOKafkaProducer(
                acks="all", max_batch_size=_BATCH_BYTES, request_timeout_ms=5000, **self._options
            )
            try:
                await producer.start()
            except BaseException:
                await close(producer)
                raise
            self._producer = producer
        return self._producer

    async def _send(
        self, producer: AIOKafkaProducer, partition: int, rows: Sequence[AuditRow]
    ) -> list[asyncio.Future[object]]:
        """Send rows to one partition in as few batches as hold them."""
        deliveries = []
        batch = producer.create_batch()
        for row in rows:
            fields = {"key": _subject(row).encode(), "value": cloud_event(row), "headers": _HEADERS}
            if batch.append(timestamp=row.at_ms, **fields) is None:
                deliveries.append(await producer.send_batch(batch, self._topic, partition=partition))
                batch = producer.create_batch()
                if batch.append(timestamp=row.at_ms, **fields) is None:
                    raise Fault(f"row {row.seq} of chain {row.chain} does not fit into a record")
        deliveries.append(await producer.send_batch(batch, self._topic, partition=partition))
        return deliveries


def cloud_event(row: AuditRow) -> bytes:
    """The event for one audit row."""
    return orjson.dumps(
        {
            "specversion": "1.0",
            "id": f"{row.chain}-{row.seq}",
            "source": SOURCE,
            "type": f"moderation.{row.kind}",
            "subject": _subject(row),
            "time": datetime.fromtimestamp(row.at_ms / 1000, UTC).isoformat(timespec="milliseconds"),
            "datacontenttype": "application/json",
            "data": orjson.Fragment(row.body),
        }
    )


_NAMED: Final = {LICENCE: "licence_id", SANCTION: "account_id", APPEAL: "appeal_id", REPORT: "report_id"}
"""What names that which an act is about, beside its tenant."""


def _subject(row: AuditRow) -> str:
    """What an event is about: a message, or something else of a tenant's. A row that lacks its name is announced all
    the same: those behind it wait for it."""
    if row.message_id:
        return row.message_id
    body = orjson.loads(row.body)
    if row.kind == TAKEDOWN:
        return str(body.get("message_id") or "")
    return f"{body.get('tenant_id') or ''}/{body.get(_NAMED.get(row.kind, '')) or ''}"
