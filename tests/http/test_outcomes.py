"""What the client is answered for each way a publish request can end."""

from __future__ import annotations

import httpx
import orjson
import pytest

from classifiers.contract import Score, Silence, Span
from gateway.core.model import MessageState
from gateway.core.records import UpstreamAnswer
from gateway.ports import UpstreamNotReached, UpstreamUnknown
from tests.world import CLOSED, NOBODYS, THEIRS, World

BODY = {"account_id": "acc-1", "text": "hello"}


async def test_allow_is_forwarded_as_it_came_and_answered_with_what_the_upstream_said(
    client: httpx.AsyncClient, world: World
) -> None:
    raw = b'{ "text":"hello",\n"account_id" : "acc-1", "metadata": {"x": 1.50} }'
    answer = await client.post("/v1/messages", content=raw, headers={"Content-Type": "application/json"})

    assert answer.status_code == 200
    body = answer.json()
    assert set(body) == {"decision_id", "message_id", "decision", "reasons", "upstream"}
    assert (body["decision"], body["reasons"]) == ("allow", [])
    assert body["upstream"] == {"status": 200, "body": {"id": "up-1"}}
    [(tenant, message_id, request)] = world.upstream.got
    assert (tenant.tenant_id, message_id, request.body) == ("t1", body["message_id"], raw)
    assert await world.state(message_id) is MessageState.PUBLISHED


@pytest.mark.parametrize(
    ("content_type", "raw", "shown"),
    [
        ("application/json; charset=utf-8", b"[1]", [1]),
        ("application/json", b'{"cut', '{"cut'),
        ("text/plain", b"ok \xff", "ok �"),
    ],
)
async def test_the_upstreams_answer_is_shown_as_json_only_if_it_is(
    client: httpx.AsyncClient, world: World, content_type: str, raw: bytes, shown: object
) -> None:
    world.upstream.answer = UpstreamAnswer(201, raw, content_type)
    answer = await client.post("/v1/messages", json=BODY)
    assert answer.json()["upstream"] == {"status": 201, "body": shown}


async def test_a_refusal_of_the_upstream_is_passed_on(client: httpx.AsyncClient, world: World) -> None:
    world.upstream.answer = UpstreamAnswer(429, b"slow down", "text/plain")
    answer = await client.post("/v1/messages", json=BODY)
    assert answer.status_code == 200
    assert answer.json()["upstream"] == {"status": 429, "body": "slow down"}
    assert await world.state(answer.json()["message_id"]) is MessageState.REFUSED


async def test_hold_says_where_to_look_and_forwards_nothing(client: httpx.AsyncClient, world: World) -> None:
    world.classifiers.scores["text"] = (Score("spam", 0.6, (Span(0, 1, 4),)),)
    answer = await client.post("/v1/messages", json=BODY)

    assert answer.status_code == 202
    body = answer.json()
    assert answer.headers["location"] == f"/v1/messages/{body['message_id']}"
    assert body["decision"] == "hold"
    assert body["reasons"] == [
        {
            "code": "content_suspected",
            "category": "spam",
            "message": "The message looks like spam.",
            "source": "text",
            "policy_version": world.policy.version,
            "score": 0.6,
            "spans": [{"part": 0, "start": 1, "end": 4}],
        }
    ]
    assert world.upstream.got == []
    assert await world.state(body["message_id"]) is MessageState.HELD


@pytest.mark.parametrize("silence", list(Silence))
async def test_silence_of_a_classifier_holds(client: httpx.AsyncClient, world: World, silence: Silence) -> None:
    world.classifiers.silences["news"] = silence
    answer = await client.post("/v1/messages", json=BODY)
    assert answer.status_code == 202
    assert [reason["code"] for reason in answer.json()["reasons"]] == [f"classifier_{silence.value}"]
    assert world.upstream.got == []


async def test_block_is_a_problem_with_the_decision_in_it(client: httpx.AsyncClient, world: World) -> None:
    world.classifiers.say("text", "violence", 0.95)
    answer = await client.post("/v1/messages", json=BODY)

    assert answer.status_code == 403
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body["type"] == "urn:moderation-gateway:problem:content_violation"
    assert (body["title"], body["status"], body["code"]) == ("Forbidden", 403, "content_violation")
    assert (body["detail"], body["decision"]) == ("The message looks like violence.", "block")
    assert world.upstream.got == []
    assert await world.state(body["message_id"]) is MessageState.BLOCKED


@pytest.mark.parametrize(
    ("account_id", "code"),
    [(CLOSED.account_id, "account_closed"), (NOBODYS.account_id, "registrant_missing")],
)
async def test_what_facts_settle_is_not_asked_about(
    client: httpx.AsyncClient, world: World, account_id: str, code: str
) -> None:
    answer = await client.post("/v1/messages", json={**BODY, "account_id": account_id})
    assert (answer.status_code, answer.json()["code"]) == (403, code)
    assert world.classifiers.asked == []


async def test_an_unknown_account_is_held(client: httpx.AsyncClient, world: World) -> None:
    answer = await client.post("/v1/messages", json={**BODY, "account_id": "nobody-knows"})
    assert answer.status_code == 202
    assert [reason["code"] for reason in answer.json()["reasons"]] == ["account_unknown"]
    assert world.upstream.got == []


async def test_another_tenants_account_is_unknown_like_any_other(client: httpx.AsyncClient, world: World) -> None:
    answer = await client.post("/v1/messages", json={**BODY, "account_id": THEIRS.account_id})
    assert answer.status_code == 202
    assert [reason["code"] for reason in answer.json()["reasons"]] == ["account_unknown"]
    assert world.upstream.got == []


@pytest.mark.parametrize(
    ("fault", "code", "state"),
    [
        (UpstreamUnknown("no answer"), "upstream_unknown", "unknown"),
        (UpstreamNotReached("refused"), "upstream_not_reached", "failed"),
    ],
)
async def test_an_upstream_without_an_answer_is_a_502_and_never_asked_again(
    client: httpx.AsyncClient, world: World, fault: UpstreamUnknown | UpstreamNotReached, code: str, state: str
) -> None:
    world.upstream.fault = fault
    first = await client.post("/v1/messages", json=BODY, headers={"Idempotency-Key": "k"})
    world.upstream.fault = None
    again = await client.post("/v1/messages", json=BODY, headers={"Idempotency-Key": "k"})

    assert first.status_code == 502
    body = first.json()
    assert (body["code"], body["state"], body["decision"]) == (code, state, "allow")
    assert first.headers["location"] == f"/v1/messages/{body['message_id']}"
    assert (again.status_code, again.content) == (502, first.content)
    assert len(world.upstream.got) == 1
    assert (await world.state(body["message_id"])).value == state


async def test_an_error_of_the_upstream_may_have_published(client: httpx.AsyncClient, world: World) -> None:
    world.upstream.answer = UpstreamAnswer(503, b"", "text/plain")
    answer = await client.post("/v1/messages", json=BODY)
    assert (answer.status_code, answer.json()["state"]) == (502, "unknown")


async def test_decisions_never_forward(client: httpx.AsyncClient, world: World) -> None:
    allowed = await client.post("/v1/decisions", json=BODY)
    assert (allowed.status_code, allowed.json()["decision"]) == (200, "allow")
    assert await world.state(allowed.json()["message_id"]) is MessageState.DECIDED
    world.classifiers.say("text", "spam", 0.95)
    blocked = await client.post("/v1/decisions", json=BODY)
    assert (blocked.status_code, blocked.json()["decision"]) == (200, "block")
    world.classifiers.say("text", "spam", 0.6)
    held = await client.post("/v1/decisions", json=BODY)
    assert (held.status_code, held.json()["decision"]) == (200, "hold")
    assert held.headers["location"] == f"/v1/messages/{held.json()['message_id']}"
    assert all("upstream" not in answer.json() for answer in (allowed, blocked, held))
    assert world.upstream.got == []


async def test_media_are_asked_about_as_media(client: httpx.AsyncClient, world: World) -> None:
    media = [{"content_type": "image/png", "url": "https://one.example/a.png"}]
    await client.post("/v1/messages", json=BODY)
    await client.post("/v1/messages", json={"account_id": "acc-1", "media": media})
    assert [names for _, names, _ in world.classifiers.asked] == [("text", "news"), ("text", "news", "image")]


async def test_the_deadline_counts_from_the_arrival(client: httpx.AsyncClient, world: World) -> None:
    await client.post("/v1/messages", json=BODY)
    [(_, _, deadline_ms)] = world.classifiers.asked
    assert deadline_ms == world.clock.now_ms() + world.policy.policy.deadline_ms


async def test_answers_are_whole_json(client: httpx.AsyncClient) -> None:
    answer = await client.post("/v1/messages", json=BODY)
    assert answer.headers["content-length"] == str(len(answer.content))
    assert orjson.loads(answer.content)["decision"] == "allow"
