"""Rows that do not fit into a record are said not to be announced, and not dropped."""

from __future__ import annotations

import pytest
from aiokafka.producer.message_accumulator import BatchBuilder

from gateway.adapters.kafka.events import KafkaEvents
from gateway.core.audit import DECISION, GENESIS, link
from gateway.ports import Fault
from gateway.settings import KafkaSettings


class Full:
    """A producer whose batches take nothing more."""

    def __init__(self) -> None:
        self.sent: list[object] = []

    def create_batch(self) -> BatchBuilder:
        batch = BatchBuilder(1024, 0)
        batch.close()
        return batch

    async def send_batch(self, batch: object, topic: str, *, partition: int) -> None:
        self.sent.append(batch)


async def test_a_row_that_no_batch_takes_is_a_fault() -> None:
    events = KafkaEvents(KafkaSettings(bootstrap_servers="nowhere:1"))
    row = link(GENESIS, 3, 7, 0, DECISION, "m1", "{}")
    with pytest.raises(Fault, match="row 7 of chain 3"):
        await events._send(Full(), 0, [row])
