"""What a classifier does late, wrongly or not at all, and what strangers write on the topics, hurts no one else."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator

import pytest
from aiokafka import AIOKafkaProducer, ConsumerRecord

from classifiers.catalogue import load
from classifiers.contract import decode_questions, encode_replies
from classifiers.judge import judge
from deploy.local.kafka import Kafka
from deploy.local.postgres import Postgres
from deploy.local.processes import free_port
from deploy.local.stack import Stack
from tests.e2e.books import audit_problems, rows
from tests.e2e.classifying import POISON, SLOW
from tests.e2e.conftest import fresh_stack
from tests.e2e.support import Answer, counter, once, publish, published, questions, records, topic, until


@pytest.fixture(scope="module")
def shared(kafka: Kafka, postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """One gateway process and the worker of `tests.e2e.classifying`, shared by all tests but those about silence."""
    with fresh_stack(kafka, postgres, tmp_path_factory.mktemp("stack")) as stack:
        stack.start_gateway(workers=1)
        start_classifying(stack)
        yield stack


def start_classifying(stack: Stack) -> None:
    """Start the worker of `tests.e2e.classifying`."""
    port = free_port()
    command = f"import os; os.environ['CLASSIFIERS_OPS_PORT'] = '{port}'; from tests.e2e import classifying"
    stack.start("classifying", ["-c", f"{command}; classifying.main()"], f"http://127.0.0.1:{port}/readyz")


async def resolved(stack: Stack, answer: Answer, state: str, seconds: float = 30) -> None:
    """Wait until the message that was so answered is in this state."""

    async def reached() -> bool:
        return bool((await rows(stack))[answer.body["message_id"]].state == state)

    await until(reached, seconds, f"the message to be {state}")


def times(stack: Stack, answer: Answer) -> int:
    """How often the message reached the upstream."""
    return [request["key"] for request in published(stack)].count(answer.body["message_id"])


async def write(stack: Stack, name: str, value: bytes | None, partition: int = 0, **headers: bytes) -> None:
    """Write a record as a stranger would."""
    async with AIOKafkaProducer(bootstrap_servers=stack.bootstrap) as producer:
        fields = [(field.replace("_", "-"), content) for field, content in headers.items()]
        await producer.send_and_wait(topic(stack, name), value, b"key", partition=partition, headers=fields)


async def test_holds_made_without_a_worker_resolve_once_there_is_one(hasty_stack: Stack) -> None:
    stack = hasty_stack
    await asyncio.to_thread(stack.start_gateway, 2)
    answers = [await publish(stack, f"The bakery opens at seven ({number}).") for number in range(3)]
    threat = await publish(stack, "I am going to kill you tonight, I know where you live.")
    for answer in [*answers, threat]:
        assert (answer.status, set(answer.codes)) == (202, {"classifier_timeout"})
    assert published(stack) == []
    await asyncio.to_thread(stack.start_worker)
    for answer in answers:
        await resolved(stack, answer, "published", 60)
        assert times(stack, answer) == 1
    await resolved(stack, threat, "rejected", 60)
    assert times(stack, threat) == 0
    assert await audit_problems(stack) == []


async def test_an_opinion_that_comes_late_resolves_the_hold_once(hasty_stack: Stack) -> None:
    stack = hasty_stack
    await asyncio.to_thread(stack.start_gateway, 1)
    late = await counter(stack, "gateway_late_replies_total")
    answer = await publish(stack, "The bakery opens at seven.")
    assert (answer.status, set(answer.codes)) == (202, {"classifier_timeout"})
    record = (await questions(stack))[0]
    question = decode_questions(record.value)[0]
    value = encode_replies([judge(question, load())])
    for _ in range(2):  # and once more, as when a worker died between reply and commit
        await write(stack, "opinions", value, int(dict(record.headers)["reply-to"]))
    await resolved(stack, answer, "published")
    await until(lambda: counted(stack, "gateway_late_replies_total", late + 2), 10, "the late replies to be counted")
    assert times(stack, answer) == 1
    history = (await rows(stack))[answer.body["message_id"]].history
    assert [(row["to"], row["note"]) for row in history[1:]] == [
        ("forwarding", "late opinion"),
        ("published", "upstream answered 201"),
    ]


async def test_a_slow_worker_holds_a_message_and_then_resolves_it(hasty_stack: Stack) -> None:
    await asyncio.to_thread(hasty_stack.start_gateway, 1)
    await asyncio.to_thread(start_classifying, hasty_stack)
    answer = await publish(hasty_stack, f"Here is {SLOW}.")
    assert (answer.status, set(answer.codes)) == (202, {"classifier_timeout"})
    await resolved(hasty_stack, answer, "published")
    assert times(hasty_stack, answer) == 1

    async def quick() -> bool:
        return (await publish(hasty_stack, "The worker has caught up.")).status == 200

    await until(quick, 20, "the worker to be done with it, for it was asked again meanwhile")


async def test_a_poisonous_question_is_buried_and_the_next_ones_are_answered(shared: Stack) -> None:
    answer = await publish(shared, f"Here is {POISON}.")
    assert (answer.status, set(answer.codes)) == (202, {"classifier_failed"})
    for number in range(32):  # twice as many as there are partitions
        assert (await publish(shared, f"The bakery opens at eight ({number}).")).status == 200

    def buried(found: list[ConsumerRecord]) -> list[ConsumerRecord]:
        return [record for record in found if POISON.encode() in record.value]

    letter = buried(await records(shared, "dead-letters", buried))[0]
    headers = dict(letter.headers)
    assert (headers["error"], headers["tries"]) == (b"RuntimeError", b"3")
    assert headers["topic"].decode() == topic(shared, "questions")
    assert (await rows(shared))[answer.body["message_id"]].state == "held"
    assert times(shared, answer) == 0


@pytest.mark.parametrize("value", [b"\xff not json", b"[1]", b'{"a": 1}', b"", b'[{"more":' + b"[" * 100_000])
async def test_an_undecodable_question_is_buried_and_its_partition_advances(shared: Stack, value: bytes) -> None:
    far = str(int(time.time() * 1000) + 3_600_000).encode()
    for partition in range(16):
        await write(shared, "questions", value, partition, v=b"1", deadline=far, reply_to=b"0")

    def buried(found: list[ConsumerRecord]) -> bool:
        return len([record for record in found if record.value == value]) >= 16

    found = [record for record in await records(shared, "dead-letters", buried) if record.value == value]
    assert {dict(record.headers)["error"] for record in found} == {b"ContractError"}
    for number in range(32):
        assert (await publish(shared, f"The bakery opens at nine ({number}, {value!r:.40}).")).status == 200


def reply(answers: object, correlation: str = "0.0-1", message_id: str = "0" * 32) -> bytes:
    """A reply as a stranger may write it."""
    row = {"correlation": correlation, "message_id": message_id, "tenant_id": "demo", "answers": answers}
    return json.dumps([row]).encode()


SCORES = {"kind": "opinion", "classifier": "text", "version": "1"}


@pytest.mark.parametrize(
    "value",
    [
        None,
        b"",
        b"\xff",
        b"{}",
        b"[1]",
        b"[[]]",
        reply(7),
        reply([{"kind": "unanswered", "classifier": "text", "silence": "bored"}]),
        reply([{**SCORES, "scores": [{"category": "violence", "value": "much"}]}]),
        reply([{**SCORES, "scores": [{"category": "violence", "value": 2}]}]),
        reply([{**SCORES, "scores": [{"category": "violence", "value": 0.1, "spans": [["a", "b", "c"]]}]}]),
        reply([{**SCORES, "scores": [{"category": "violence", "value": 0.1, "spans": [[1e999, 1, 2]]}]}]),
        reply([{**SCORES, "scores": [{"category": ["violence"], "value": 0.1}]}]),
        b'[{"more":' + b"[" * 100_000,
    ],
)
async def test_a_reply_that_follows_no_contract_is_counted_and_harmless(shared: Stack, value: bytes | None) -> None:
    bad = await counter(shared, "gateway_bad_replies_total")
    await write(shared, "opinions", value)
    assert (await publish(shared, f"The bakery is closed ({value!r:.80}).")).status == 200
    await until(lambda: counted(shared, "gateway_bad_replies_total", bad + 1), 10, "the bad reply to be counted")


async def counted(stack: Stack, name: str, value: float) -> bool:
    """Whether a counter has reached this value."""
    return await counter(stack, name) >= value


async def test_foreign_and_repeated_replies_are_counted_and_change_nothing(shared: Stack) -> None:
    clean = [{"category": "violence", "value": 0.0}]
    opinions = [{**SCORES, "classifier": name, "scores": clean} for name in ("text", "news", "lexicon")]
    hold = await publish(shared, "Guaranteed 30% returns weekly, send 500 USDT to my wallet and I double it.")
    done = await publish(shared, "The bakery is open again.")
    assert (hold.status, done.status) == (202, 200)
    before = await rows(shared)
    foreign = await counter(shared, "gateway_foreign_replies_total")
    for answer in (hold, done):
        for _ in range(3):
            await write(shared, "opinions", reply(opinions, "7.7-7", answer.body["message_id"]))
    await until(lambda: counted(shared, "gateway_foreign_replies_total", foreign + 6), 10, "the replies to be counted")
    assert (await publish(shared, "The bakery is closed again.")).status == 200
    after = await rows(shared)
    for answer in (hold, done):
        assert after[answer.body["message_id"]] == before[answer.body["message_id"]]
    assert (times(shared, hold), times(shared, done)) == (0, 1)


async def test_a_message_too_large_for_a_record_is_held_and_holds_up_nobody(shared: Stack) -> None:
    padding = {"account_id": "demo-verified", "text": "long", "metadata": {"notes": ["padding " * 12_000] * 20}}
    sending = asyncio.create_task(once(shared, "POST", "/v1/messages", json.dumps(padding).encode()))
    others: list[Answer] = []
    while not sending.done() or len(others) < 20:
        others.append(await publish(shared, f"The post office is open ({len(others)})."))
    large = await sending
    assert (large.status, set(large.codes)) == (202, {"classifier_unsupported"})
    assert {answer.status for answer in others} == {200}
