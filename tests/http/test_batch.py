"""POST /v1/decisions:batch: many decisions at once, none of them forwarded."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import orjson
import pytest

from tests.http.conftest import BODY_LIMIT, client_of, serve
from tests.world import CLOSED, THEIRS, World, open_world

GOOD = {"account_id": "acc-1", "text": "hello"}
PATH = "/v1/decisions:batch"


async def test_decisions_and_problems_come_in_the_order_of_the_messages(
    client: httpx.AsyncClient, world: World
) -> None:
    messages: list[Any] = [
        GOOD,
        {**GOOD, "account_id": CLOSED.account_id},
        {"text": "whose?"},
        {**GOOD, "account_id": THEIRS.account_id},
        "no object",
        {**GOOD, "account_id": "nobody-knows"},
    ]
    answer = await client.post(PATH, json={"messages": messages})

    assert answer.status_code == 200
    allowed, closed, unnamed, theirs, text, unknown = answer.json()["decisions"]
    assert allowed["decision"] == "allow"
    assert (closed["decision"], closed["reasons"][0]["code"]) == ("block", "account_closed")
    assert (unnamed["status"], unnamed["errors"][0]["field"]) == (400, "messages.2.account_id")
    assert (text["status"], text["errors"][0]["field"]) == (400, "messages.4.body")
    assert [one["decision"] for one in (theirs, unknown)] == ["hold", "hold"]
    assert world.upstream.got == []
    assert sorted(world.store.journal) == ["commit blocked", "commit decided", "commit held", "commit held"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"{", "body"),
        (b'{"messages": [], "messages": []}', "messages"),
        (b'{"messages": [{"account_id": "acc-1", "text": "a", "text": "b"}]}', "text"),
        (b"{}", "messages"),
        (b'{"messages": []}', "messages"),
        (b'{"messages": {}}', "messages"),
        (b'{"messages": [{}], "more": 1}', "messages"),
        (b"[]", "messages"),
        (orjson.dumps({"messages": [{}] * 101}), "messages"),
    ],
)
async def test_a_batch_that_cannot_be_read_is_400(
    client: httpx.AsyncClient, world: World, body: bytes, field: str
) -> None:
    answer = await client.post(PATH, content=body)
    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert world.store.journal == []


async def test_a_hundred_are_decided() -> None:
    world = await open_world(limit=100)
    async with client_of(serve(world)) as client:
        answer = await client.post(PATH, content=b'{"messages":[%b]}' % b",".join([b'{"account_id":"a"}'] * 100))
    assert answer.status_code == 200
    assert len(answer.json()["decisions"]) == 100


async def test_what_exceeds_the_limit_is_refused_one_by_one() -> None:
    world = await open_world(limit=2)
    world.classifiers.answering.clear()
    async with client_of(serve(world)) as client:
        asking = asyncio.create_task(client.post(PATH, json={"messages": [GOOD] * 3}))
        await world.classifiers.waiting.wait()
        world.classifiers.answering.set()
        answer = await asking
    codes = [decision.get("code", decision.get("decision")) for decision in answer.json()["decisions"]]
    assert codes == ["allow", "allow", "overloaded"]


async def test_a_batch_that_is_too_large_is_413(client: httpx.AsyncClient) -> None:
    answer = await client.post(PATH, content=b" " * (BODY_LIMIT + 1))
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Content-Type": "text/plain"}, 415),
        ({"Content-Encoding": "gzip"}, 415),
        ({"Transfer-Encoding": "gzip, chunked"}, 501),
        ({"Authorization": "Bearer wrong"}, 401),
    ],
)
async def test_headers_are_read_as_for_one_message(
    client: httpx.AsyncClient, headers: dict[str, str], status: int
) -> None:
    assert (await client.post(PATH, content=b"{}", headers=headers)).status_code == status


async def test_a_batch_takes_no_key(client: httpx.AsyncClient, world: World) -> None:
    answer = await client.post(PATH, json={"messages": [GOOD]}, headers={"Idempotency-Key": "k"})
    assert (answer.status_code, answer.json()["code"]) == (400, "idempotency_key")
    assert "POST /v1/decisions" in answer.json()["detail"]
    assert world.store.journal == []
