"""Kafka killed for half a minute under load: all is held, nothing is allowed unjudged, and then it all resolves."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from time import monotonic

import pytest

from classifiers.contract import Opinion
from deploy.local.kafka import Kafka
from deploy.local.postgres import Postgres
from deploy.local.stack import Stack
from gateway.adapters.sql import open_store
from gateway.core.model import MessageState
from tests.e2e.books import audit_problems, compare, nothing_waits, rows
from tests.e2e.conftest import fresh_stack
from tests.e2e.load import Load, Sent
from tests.e2e.support import health, publish, tell, until

OUTAGE_SECONDS = 30
ANSWER_SECONDS = 2.5
"""The policy's deadline of 0.8 s, the commit, and a margin, for 95 % of the answers."""
SLOWEST_SECONDS = 10
"""For every answer, whatever else the machine was busy with."""
RESOLVE_SECONDS = 90
SILENCES = {"classifier_timeout", "classifier_unavailable"}


@pytest.fixture(scope="module")
def own_kafka() -> Iterator[Kafka]:
    """A broker that nobody else needs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("KAFKA_BOOTSTRAP_SERVERS", raising=False)
        with Kafka() as broker:
            yield broker


@pytest.fixture
def outage_stack(own_kafka: Kafka, postgres: Postgres, tmp_path: Path) -> Iterator[Stack]:
    """A stack on that broker."""
    with fresh_stack(own_kafka, postgres, tmp_path, patient=False) as stack:
        yield stack


async def test_a_broker_away_for_half_a_minute_holds_messages_and_loses_none(
    outage_stack: Stack, own_kafka: Kafka, tmp_path: Path
) -> None:
    stack = outage_stack
    await asyncio.to_thread(stack.start_gateway, 2)
    await asyncio.to_thread(stack.start_worker)
    async with Load(stack.port, tmp_path / "client.log", clients=8, pause=0.25) as load:
        await until(lambda: len(load.answered) >= 100, 30, "answers before the outage")
        assert load.statuses().keys() == {200, 202, 403}
        killed = monotonic()
        await asyncio.to_thread(own_kafka.kill)
        down = monotonic()
        await until(lambda: monotonic() - down >= OUTAGE_SECONDS - 3, OUTAGE_SECONDS, "the outage to last")
        assert not (await health(stack))["components"]["bus"]["ok"]
        last = monotonic()
        await asyncio.to_thread(own_kafka.start)
        back = monotonic()
        allowed = load.statuses(back).get(200, 0)
        resumed = await until(lambda: load.statuses(back).get(200, 0) > allowed + 20, 60, "messages allowed again")

    resolved = await until(lambda: nothing_waits(stack), RESOLVE_SECONDS, "the holds to resolve by themselves")
    found = await rows(stack)
    outage = [sent for sent in load.log if down <= sent.at <= last - ANSWER_SECONDS]
    silent = [sent for sent in load.log if sent.answer and SILENCES & set(sent.answer.codes)]
    states = Counter(found[sent.answer.body["message_id"]].state for sent in silent if sent.answer)
    *_, slowest = seconds = sorted(sent.seconds for sent in load.log)
    most = seconds[len(seconds) * 95 // 100]
    tell(
        f"{len(load.log)} sent, {len(outage)} in the outage of {back - killed:.0f} s, {len(silent)} held for silence, "
        f"95 % of the answers within {most:.2f} s, all within {slowest:.2f} s; allowed again after {resumed:.1f} s, "
        f"all resolved {resolved:.1f} s later: {dict(states)}"
    )
    assert load.broken == load.refused == 0
    assert len(outage) > 100
    for sent in outage:
        held_for_silence(sent)
    assert most < ANSWER_SECONDS
    assert slowest < SLOWEST_SECONDS
    assert len(silent) >= len(outage)
    for sent in silent:
        assert sent.answer is not None
        expected = {"allow": "published", "hold": "held", "block": "rejected"}[sent.outcome]
        assert found[sent.answer.body["message_id"]].state == expected
    assert len(found) == len(load.log)
    compare(stack, load.log, found)
    await every_allowed_message_was_judged(stack)
    assert await audit_problems(stack) == []


async def test_without_a_broker_the_gateway_still_ends_in_order(outage_stack: Stack, own_kafka: Kafka) -> None:
    stack = outage_stack
    gateway = await asyncio.to_thread(stack.start_gateway, 2)
    await asyncio.to_thread(own_kafka.kill)
    try:
        for number in range(4):  # the last ones are held at once: by then the broker is known to be away
            answer = await publish(stack, f"The library opens at nine ({number}).")
            assert (answer.status, set(answer.codes) - SILENCES) == (202, set())
        began = monotonic()
        assert await asyncio.to_thread(stack.end, gateway) == 0
        tell(f"ended in {monotonic() - began:.1f} s")
        assert "shutdown failed" not in (stack.directory / "gateway.log").read_text()
    finally:
        await asyncio.to_thread(own_kafka.start)


def held_for_silence(sent: Sent) -> None:
    """Fail unless the answer is a hold because nobody could be asked."""
    assert sent.answer is not None
    assert (sent.answer.status, sent.answer.body["decision"]) == (202, "hold"), sent.answer.body
    assert set(sent.answer.codes) <= SILENCES, sent.answer.body
    assert sent.answer.headers["location"] == f"/v1/messages/{sent.answer.body['message_id']}"


async def every_allowed_message_was_judged(stack: Stack) -> None:
    """Fail unless each published message's newest case has an opinion of each required classifier."""
    async with open_store(stack.database_url) as (store, _):
        messages = await store.in_state(MessageState.PUBLISHED, 100_000)
        assert messages
        for stored in messages:
            _, case = (await store.cases(stored.message_id))[-1]
            judged = {answer.classifier for answer in case.answers if isinstance(answer, Opinion)}
            assert judged >= {"text", "news", "lexicon"}
