"""What the gateway answers when it cannot work: overloaded, the store away, slow and vanished clients, draining."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any

import httpx
import orjson
import pytest
from fastapi import FastAPI

from classifiers.contract import Silence
from tests.http.conftest import client_of, serve
from tests.world import KEY, THEIRS, World, open_world

BODY = {"account_id": "acc-1", "text": "hello"}
Event = MutableMapping[str, Any]


async def post(
    app: FastAPI,
    path: str,
    receive: Callable[[], Awaitable[Event]],
    headers: Sequence[tuple[bytes, bytes]] = (
        (b"authorization", b"Bearer " + KEY.encode()),
        (b"content-type", b"application/json"),
    ),
) -> list[Event]:
    """Post as a client that sends its body as ``receive`` says; the events sent back."""
    sent: list[Event] = []

    async def send(event: Event) -> None:
        sent.append(event)

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": list(headers),
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 2),
        "state": {},
    }
    await app(scope, receive, send)
    return sent


async def test_more_requests_than_the_limit_are_429_and_have_no_effect() -> None:
    world = await open_world(limit=1)
    world.classifiers.answering.clear()
    async with client_of(serve(world)) as client:
        first = asyncio.create_task(client.post("/v1/messages", json=BODY))
        await world.classifiers.waiting.wait()
        refused = await client.post("/v1/messages", json=BODY)
        world.classifiers.answering.set()

        assert (refused.status_code, refused.json()["code"]) == (429, "overloaded")
        assert refused.headers["retry-after"] == "1"
        assert (await first).status_code == 200
        assert (await client.post("/v1/messages", json=BODY)).status_code == 200
    assert world.publish.in_flight == 0
    assert len(world.upstream.got) == 2


@pytest.mark.parametrize("route", ["/v1/messages", "/v1/decisions"])
async def test_a_decision_that_cannot_be_recorded_is_503_and_not_forwarded(
    client: httpx.AsyncClient, world: World, route: str
) -> None:
    world.store.refuse.add("commit")
    answer = await client.post(route, json=BODY, headers={"Idempotency-Key": "k"})
    assert (answer.status_code, answer.json()["code"], answer.headers["retry-after"]) == (503, "store_unavailable", "1")
    assert world.upstream.got == []

    world.store.refuse.clear()
    assert (await client.post(route, json=BODY, headers={"Idempotency-Key": "k"})).status_code == 200


@pytest.mark.parametrize("waiting", [(1000, 0), (1, 1 << 20)], ids=["number", "bytes"])
@pytest.mark.parametrize("route", ["/v1/messages", "/v1/decisions"])
async def test_where_too_much_of_a_tenant_waits_no_more_is_held_and_the_rest_goes_on(
    client: httpx.AsyncClient, stranger: httpx.AsyncClient, world: World, route: str, waiting: tuple[int, int]
) -> None:
    world.quota.measured({"t1": waiting})
    world.classifiers.silences["text"] = Silence.TIMEOUT
    refused = await client.post(route, json=BODY, headers={"Idempotency-Key": "k"})
    assert (refused.status_code, refused.json()["code"], refused.headers["retry-after"]) == (429, "holds_full", "60")
    assert world.store.journal == []
    assert (await stranger.post("/v1/messages", json={**BODY, "account_id": THEIRS.account_id})).status_code == 202

    world.quota.measured({"t1": (999, 0)})
    assert (await client.post("/v1/messages", json=BODY, headers={"Idempotency-Key": "k"})).status_code == 202
    assert (await client.post("/v1/messages", json=BODY, headers={"Idempotency-Key": "k"})).status_code == 202
    assert (await client.post("/v1/messages", json=BODY)).status_code == 429
    world.classifiers.silences.clear()
    assert (await client.post("/v1/messages", json=BODY)).status_code == 200


async def test_while_the_store_is_away_every_route_is_503(client: httpx.AsyncClient, world: World) -> None:
    world.store.down = True
    answers = [
        await client.post("/v1/messages", json=BODY),
        await client.post("/v1/decisions", json=BODY),
        await client.post("/v1/decisions:batch", json={"messages": [BODY]}),
        await client.get("/v1/messages/0"),
    ]
    assert [(answer.status_code, answer.headers["retry-after"]) for answer in answers] == [(503, "1")] * 4
    assert world.upstream.got == []


@pytest.mark.parametrize("path", ["/v1/messages", "/v1/decisions", "/v1/decisions:batch"])
async def test_a_body_that_comes_too_slowly_is_408(world: World, path: str) -> None:
    async def receive() -> Event:
        await asyncio.Event().wait()
        raise AssertionError

    start, body = await post(serve(world, read_seconds=0.01), path, receive)
    assert start["status"] == 408
    assert orjson.loads(body["body"])["code"] == "body_too_slow"
    assert world.store.journal == []


@pytest.mark.parametrize("path", ["/v1/messages", "/v1/decisions"])
@pytest.mark.parametrize("begun", [True, False])
async def test_a_client_that_leaves_before_its_body_is_whole_decides_nothing(
    app: FastAPI, world: World, path: str, begun: bool
) -> None:
    whole = orjson.dumps(BODY)
    events: list[Event] = [{"type": "http.request", "body": whole, "more_body": True}] if begun else []
    events.append({"type": "http.disconnect"})

    async def receive() -> Event:
        return events.pop(0)

    assert await post(app, path, receive) == []
    assert world.store.journal == []
    assert world.classifiers.asked == []


async def test_a_client_that_leaves_before_its_batch_is_whole_decides_nothing(app: FastAPI, world: World) -> None:
    events: list[Event] = [
        {"type": "http.request", "body": orjson.dumps({"messages": [BODY]}), "more_body": True},
        {"type": "http.disconnect"},
    ]

    async def receive() -> Event:
        return events.pop(0)

    start, _ = await post(app, "/v1/decisions:batch", receive)
    assert start["status"] == 400
    assert world.store.journal == []
    assert world.classifiers.asked == []


async def test_a_body_in_pieces_is_one_body(app: FastAPI, world: World) -> None:
    whole = orjson.dumps(BODY)
    pieces = [whole[:1], b"", whole[1:]]

    async def receive() -> Event:
        return {"type": "http.request", "body": pieces.pop(0), "more_body": bool(pieces)}

    start, _ = await post(app, "/v1/messages", receive)
    assert start["status"] == 200
    [(_, _, request)] = world.upstream.got
    assert request.body == whole


@pytest.mark.parametrize("path", ["/v1/messages", "/v1/decisions:batch"])
async def test_pieces_beyond_the_limit_are_not_kept(app: FastAPI, world: World, path: str) -> None:
    taken = 0

    async def receive() -> Event:
        nonlocal taken
        taken += 1
        return {"type": "http.request", "body": b" " * 1024, "more_body": True}

    start, _ = await post(app, path, receive)
    assert (start["status"], taken) == (413, 5)
    assert world.store.journal == []


async def test_while_draining_every_answer_asks_to_close(app: FastAPI, client: httpx.AsyncClient) -> None:
    before = await client.post("/v1/messages", json=BODY)
    app.state.draining = True
    answers = [
        await client.post("/v1/messages", json=BODY),
        await client.post("/v1/messages", json={}),
        await client.get(f"/v1/messages/{before.json()['message_id']}"),
        await client.get("/livez"),
    ]
    assert "connection" not in before.headers
    assert [answer.status_code for answer in answers] == [200, 400, 200, 200]
    assert [answer.headers["connection"] for answer in answers] == ["close"] * 4


@pytest.mark.parametrize("path", ["/v1/messages", "/v1/decisions"])
async def test_a_request_for_another_protocol_is_refused_and_closed(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.post(path, headers={"Upgrade": "h2c", "Connection": "Upgrade"}, json={})
    assert answer.status_code == 400
    assert answer.json()["code"] == "upgrade"
    assert answer.headers["connection"] == "close"
