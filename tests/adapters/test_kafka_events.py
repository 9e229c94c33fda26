"""Rows that do not fit into a record are said not to be announced, and not dropped."""

from __future__ import annotations

import orjson
import pytest
from aiokafka.producer.message_accumulator import BatchBuilder

from gateway.adapters.kafka.events import KafkaEvents, cloud_event
from gateway.core.audit import APPEAL, DECISION, FOLLOWED, GENESIS, REPORT, SANCTION, TAKEDOWN, act_body, link
from gateway.core.registration import By
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


@pytest.mark.parametrize(
    ("kind", "fields", "subject"),
    [
        (TAKEDOWN, {"message_id": "m1"}, "m1"),
        (SANCTION, {"account_id": "a1", "message_id": None}, "t1/a1"),
        (APPEAL, {"appeal_id": "p1"}, "t1/p1"),
        (REPORT, {"report_id": "r1"}, "t1/r1"),
        *[(kind, {}, "" if kind == TAKEDOWN else "t1/") for kind in sorted(FOLLOWED)],
    ],
)
def test_what_an_act_is_about_and_no_act_stops_those_behind_it(
    kind: str, fields: dict[str, str | None], subject: str
) -> None:
    row = link(GENESIS, -1, 1, 0, kind, "", act_body(By("mo"), 0, "t1", "Act", **fields))
    assert orjson.loads(cloud_event(row))["subject"] == subject
