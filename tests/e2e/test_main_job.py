"""The main job in its production shape: two gateway processes and a worker, over Kafka and PostgreSQL."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from aiokafka import ConsumerRecord

from deploy.local.stack import Stack
from tests.e2e.books import rows
from tests.e2e.support import (
    TEXTS,
    Answer,
    Connection,
    body_of,
    command,
    health,
    is_well,
    once,
    publish,
    published,
    records,
    until,
)


def bodies(stack: Stack, message_id: str) -> list[str]:
    """What the upstream got under this message's id."""
    return [request["body"] for request in published(stack) if request["key"] == message_id]


async def state(stack: Stack, answer: Answer) -> dict[str, Any]:
    """What ``GET /v1/messages/ID`` says of the message that was so answered."""
    found = await once(stack, "GET", f"/v1/messages/{answer.body['message_id']}")
    assert found.status == 200
    return found.body


@pytest.mark.parametrize("text", TEXTS["allow"])
async def test_an_allowed_message_is_published_once_with_the_very_bytes(running: Stack, text: str) -> None:
    body = f'{{"text":  {json.dumps(text, ensure_ascii=True)},\n "account_id":"demo-verified"}}'.encode()
    answer = await once(running, "POST", "/v1/messages", body)
    message_id = answer.body["message_id"]
    assert (answer.status, answer.body["decision"], answer.body["reasons"]) == (200, "allow", [])
    assert answer.body["upstream"] == {"status": 201, "body": {"published": message_id}}
    assert bodies(running, message_id) == [body.decode()]
    found = await state(running, answer)
    assert (found["state"], found["decision_id"]) == ("published", answer.body["decision_id"])
    assert [row["kind"] for row in found["history"]] == ["decision", "transition"]


@pytest.mark.parametrize("text", TEXTS["hold"])
async def test_a_suspected_message_is_held_and_not_published(running: Stack, text: str) -> None:
    answer = await publish(running, text)
    assert (answer.status, answer.body["decision"]) == (202, "hold")
    assert answer.headers["location"] == f"/v1/messages/{answer.body['message_id']}"
    assert set(answer.codes) == {"content_suspected"}
    assert (await state(running, answer))["state"] == "held"
    assert bodies(running, answer.body["message_id"]) == []


@pytest.mark.parametrize("text", TEXTS["block"])
async def test_a_violating_message_is_blocked_with_its_reason(running: Stack, text: str) -> None:
    answer = await publish(running, text)
    assert (answer.status, answer.body["code"], answer.body["decision"]) == (403, "content_violation", "block")
    reason = answer.body["reasons"][0]
    assert (reason["category"], reason["source"]) == ("violence", "text")
    assert all(text[span["start"] : span["end"]] for span in reason["spans"])
    assert (await state(running, answer))["state"] == "blocked"
    assert bodies(running, answer.body["message_id"]) == []


@pytest.mark.parametrize(
    ("account", "status", "code"),
    [("nobody", 202, "account_unknown"), ("demo-closed", 403, "account_closed"), ("demo-unverified", 403, None)],
)
async def test_the_account_decides_before_the_text(running: Stack, account: str, status: int, code: str | None) -> None:
    answer = await publish(running, "The library opens at nine.", account)
    assert answer.status == status
    assert code is None or answer.codes[0] == code
    assert bodies(running, answer.body["message_id"]) == []


async def test_a_retry_gets_the_same_answer_whichever_process_takes_it(running: Stack) -> None:
    connections: dict[int, Connection] = {}

    async def meet() -> bool:
        """Open connections until both processes have taken one."""
        for connection in [Connection(running.port) for _ in range(8)]:
            pid = (await connection.ask("GET", "/healthz")).body["pid"]
            if connections.setdefault(pid, connection) is not connection:
                await connection.close()
        return len(connections) == 2

    await until(meet, 20, "connections to both processes")
    first, second = connections.values()
    body = body_of("The swimming pool is heated again.")
    answers = [await one.publish(body, Idempotency_Key="retried") for one in (first, second, first, second)]
    assert [answer.status for answer in answers] == [200] * 4
    assert all(answer.body == answers[0].body for answer in answers)
    assert bodies(running, answers[0].body["message_id"]) == [body.decode()]

    other = await second.publish(body_of("Something else."), Idempotency_Key="retried")
    assert (other.status, other.body["code"]) == (422, "key_reused")
    await asyncio.gather(first.close(), second.close())


async def test_of_many_at_once_with_one_key_one_is_published(running: Stack) -> None:
    body = body_of("The ferry leaves at noon.")
    sent = [once(running, "POST", "/v1/messages", body, Idempotency_Key="crowd") for _ in range(40)]
    answers = await asyncio.gather(*sent)
    assert {answer.status for answer in answers} <= {200, 409}
    assert len({answer.body["message_id"] for answer in answers if answer.status == 200}) == 1
    assert [request["body"] for request in published(running)].count(body.decode()) == 1


async def test_a_batch_is_decided_and_nothing_of_it_forwarded(running: Stack) -> None:
    before = len(published(running))
    texts = [text for outcome in ("allow", "hold", "block") for text in TEXTS[outcome]]
    messages = [{"account_id": "demo-verified", "text": text} for text in texts]
    answer = await once(running, "POST", "/v1/decisions:batch", json.dumps({"messages": messages}).encode())
    assert answer.status == 200
    decisions = [decision["decision"] for decision in answer.body["decisions"]]
    assert decisions == ["allow", "allow", "hold", "hold", "block", "block"]
    assert len(published(running)) == before


async def test_a_person_releases_a_hold_and_it_is_published_once(running: Stack) -> None:
    answer = await publish(running, TEXTS["hold"][0])
    message_id = answer.body["message_id"]
    release = ("holds", "release", message_id, "--note", "a parody", "--actor", "ann")
    said = await asyncio.gather(*(command(running, *release) for _ in range(3)))
    assert sorted(status for status, _ in said) == [0, 1, 1], said
    await until(lambda: bodies(running, message_id), 10, "the released message at the upstream")

    async def done() -> bool:
        return bool((await state(running, answer))["state"] == "published")

    await until(done, 10, "the released message to be published")
    assert bodies(running, message_id) == [body_of(TEXTS["hold"][0]).decode()]
    history = (await state(running, answer))["history"]
    assert [(row["from"], row["to"], row["actor"]) for row in history[1:]] == [
        ("held", "queued", "person"),
        ("queued", "forwarding", "queue"),
        ("forwarding", "published", "gateway"),
    ]
    await released_is_announced(running, message_id, history[1]["decision"]["decision_id"])


async def released_is_announced(stack: Stack, message_id: str, decision_id: str) -> None:
    """Fail unless the person's decision is announced too."""

    def arrived(found: list[ConsumerRecord]) -> bool:
        data = [json.loads(record.value)["data"] for record in found if record.key == message_id.encode()]
        return decision_id in [row["decision"]["decision_id"] for row in data if "decision" in row]

    await records(stack, "decisions", arrived)


async def test_a_decision_is_explained_and_comes_out_the_same(running: Stack) -> None:
    for outcome, texts in TEXTS.items():
        answer = await publish(running, texts[1])
        status, said = await command(running, "decisions", "explain", answer.body["decision_id"])
        assert (status, "Computed again: the same." in said) == (0, True), said
        assert f'outcome: "{outcome}"' in said


async def test_every_decision_is_announced_as_a_cloud_event(running: Stack) -> None:
    for texts in TEXTS.values():
        await publish(running, texts[0])
    expected = {message_id: row.outcomes[0] for message_id, row in (await rows(running)).items()}

    def all_arrived(found: list[ConsumerRecord]) -> bool:
        return expected.keys() <= {record.key.decode() for record in found}

    found = await records(running, "decisions", all_arrived)
    events = [json.loads(record.value) for record in found]
    assert len({event["id"] for event in events}) == len(events)
    first = {event["subject"]: event for event in events if event["type"] == "moderation.decision"}
    assert {subject: event["data"]["outcome"] for subject, event in first.items()} == expected
    for record, event in zip(found, events, strict=True):
        assert (record.key.decode(), event["specversion"]) == (event["subject"], "1.0")
        assert dict(record.headers)["content-type"].startswith(b"application/cloudevents+json")
    said = " ".join(record.value.decode() for record in found)
    assert not [text for texts in TEXTS.values() for text in texts if text in said], "a message's text left the gateway"


async def test_the_audit_chain_is_whole_and_the_gateway_well(running: Stack) -> None:
    await publish(running, TEXTS["allow"][0])
    status, said = await command(running, "audit", "verify")
    assert (status, said.splitlines()[-1]) == (0, "every chain is whole")

    async def well() -> bool:
        return is_well(await health(running))

    await until(well, 30, "the gateway to be well")
