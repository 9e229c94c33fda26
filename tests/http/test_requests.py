"""Publish requests that are refused before anything is decided: headers, body, credentials."""

from __future__ import annotations

import base64

import httpx
import pytest
from fastapi import FastAPI

from tests.http.conftest import BODY_LIMIT, client_of
from tests.world import KEY, World

JSON = {"Content-Type": "application/json"}
BODY = b'{"account_id": "acc-1", "text": "hello"}'
ROUTES = ("/v1/messages", "/v1/decisions")


def nested(depth: int) -> bytes:
    """A body whose objects and lists are nested this deep."""
    return b'{"account_id": "acc-1", "text": "x", "metadata": {"a": %b}}' % (b"[" * (depth - 2) + b"]" * (depth - 2))


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"", "body"),
        (b"hello", "body"),
        (b'{"account_id": "acc-1", "text": "hel', "body"),
        (b'{"account_id": "acc-1", "text": "\xff"}', "body"),
        (b'{"account_id": "acc-1", "text": "\\ud800"}', "body"),
        (b'\xef\xbb\xbf{"account_id": "acc-1", "text": "x"}', "body"),
        (BODY + b"{}", "body"),
        (nested(33), "body"),
        (b'{"account_id": "acc-1", "text": "a", "text": "b"}', "text"),
        (b'{"account_id": "acc-1", "text": "a", "t\\u0065xt": "b"}', "text"),
        (b'{"account_id": "acc-1", "text": "a", "metadata": {"deep": [{"k": 1, "k": 1}]}}', "k"),
        (b'{"text": "a"}', "account_id"),
        (b'{"account_id": 7, "text": "a"}', "account_id"),
        (b'{"account_id": "acc-1", "text": "a", "extra": 1}', "extra"),
        (b'{"account_id": "acc-1"}', "body"),
        (b'[{"account_id": "acc-1", "text": "a"}]', "body"),
    ],
)
async def test_a_body_that_cannot_be_read_is_400_and_names_the_field(
    client: httpx.AsyncClient, world: World, route: str, body: bytes, field: str
) -> None:
    answer = await client.post(route, content=body, headers=JSON)
    assert answer.status_code == 400
    assert answer.json()["code"] == "bad_body"
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert world.store.journal == []


async def test_every_bad_field_is_named_at_once(client: httpx.AsyncClient) -> None:
    answer = await client.post("/v1/messages", json={"text": 1, "target": 2})
    assert {error["field"] for error in answer.json()["errors"]} == {"account_id", "text", "target"}


async def test_nesting_up_to_the_limit_is_read(client: httpx.AsyncClient) -> None:
    assert (await client.post("/v1/messages", content=nested(32), headers=JSON)).status_code == 200


async def test_a_body_as_large_as_the_limit_is_read_and_no_larger(client: httpx.AsyncClient, world: World) -> None:
    def body(size: int) -> bytes:
        return BODY[:-2] + b"x" * (size - len(BODY)) + b'"}'

    assert (await client.post("/v1/messages", content=body(BODY_LIMIT), headers=JSON)).status_code == 200
    answer = await client.post("/v1/messages", content=body(BODY_LIMIT + 1), headers=JSON)
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
    assert answer.json()["detail"].startswith("body: ")
    assert len(world.upstream.got) == 1


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"Content-Type": "text/plain"}, 415, "content_type"),
        ({"Content-Type": "application/jsonp"}, 415, "content_type"),
        ({"Content-Type": "application/json; charset=utf-16"}, 415, "content_type"),
        ({"Content-Type": "application/json; charset=utf-8; charset=gbk"}, 415, "content_type"),
        ({"Content-Type": "application/json", "Content-Encoding": "gzip"}, 415, "content_encoding"),
        ({"Content-Type": "application/json", "Content-Encoding": "identity, gzip"}, 415, "content_encoding"),
        ({"Content-Type": "application/json", "Idempotency-Key": ""}, 400, "idempotency_key"),
        ({"Content-Type": "application/json", "Idempotency-Key": "k" * 256}, 400, "idempotency_key"),
        ({"Content-Type": "application/json", "Idempotency-Key": "two words"}, 400, "idempotency_key"),
    ],
)
async def test_a_header_that_could_be_read_otherwise_is_refused(
    client: httpx.AsyncClient, world: World, headers: dict[str, str], status: int, code: str
) -> None:
    answer = await client.post("/v1/messages", content=BODY, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert world.store.journal == []


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "application/json"},
        {"Content-Type": 'Application/JSON; Charset="UTF-8"'},
        {"Content-Type": "application/json", "Content-Encoding": "identity"},
        {"Content-Type": "application/json", "Idempotency-Key": "k" * 255},
        {},
    ],
)
async def test_these_headers_are_plain(client: httpx.AsyncClient, headers: dict[str, str]) -> None:
    assert (await client.post("/v1/messages", content=BODY, headers=headers)).status_code == 200


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Authorization", f"Bearer {KEY}"),
        ("Content-Type", "application/json"),
        ("Content-Length", str(len(BODY))),
        ("Content-Encoding", "identity"),
        ("Host", "gateway"),
        ("Idempotency-Key", "k"),
        ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
    ],
)
async def test_a_header_given_twice_is_refused(app: FastAPI, world: World, name: str, value: str) -> None:
    once = {
        "Authorization": f"Bearer {KEY}",
        "Content-Type": "application/json",
        "Content-Length": str(len(BODY)),
        "Host": "gateway",
    }
    headers = [*(pair for pair in once.items() if pair[0] != name), (name, value), (name, value)]
    async with client_of(app, key=None) as client:
        answer = await client.post("/v1/messages", content=BODY, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "header_repeated")
    assert name.lower() in answer.json()["detail"]
    assert world.store.journal == []


@pytest.mark.parametrize(
    "authorization",
    [None, "", "Bearer", "Bearer ", "Bearer wrong", f"Basic {KEY}", KEY, f"Bearer {KEY} {KEY}"],
)
async def test_without_a_known_key_nothing_is_read(app: FastAPI, world: World, authorization: str | None) -> None:
    headers = {**JSON, "Authorization": authorization} if authorization is not None else JSON
    async with client_of(app, key=None) as client:
        answer = await client.post("/v1/messages", content=b"not even JSON", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthorised")
    assert answer.headers["www-authenticate"] == "Bearer"
    assert world.store.journal == []


async def test_media_data_must_be_base64(client: httpx.AsyncClient) -> None:
    def body(data: str) -> dict[str, object]:
        return {"account_id": "acc-1", "media": [{"content_type": "image/png", "data": data}]}

    answer = await client.post("/v1/messages", json=body("not base64!"))
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "media.0.data")
    assert (await client.post("/v1/messages", json=body(base64.b64encode(b"png").decode()))).status_code == 200


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize(("coding", "status"), [("gzip, chunked", 501), ("gzip", 501), ("Chunked", 200)])
async def test_the_only_transfer_coding_is_chunked(
    client: httpx.AsyncClient, world: World, route: str, coding: str, status: int
) -> None:
    answer = await client.post(route, content=BODY, headers={**JSON, "Transfer-Encoding": coding})
    assert answer.status_code == status
    assert (world.store.journal == []) == (status == 501)
