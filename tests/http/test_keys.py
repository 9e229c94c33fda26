"""One idempotency key: one effect, and the same answer every time."""

from __future__ import annotations

import asyncio

import httpx
import pytest
from fastapi import FastAPI

from gateway.core.model import MessageState, Outcome
from tests.http.conftest import client_of, serve
from tests.world import World, open_world

BODY = {"account_id": "acc-1", "text": "hello"}
KEY = {"Idempotency-Key": "order-7"}


@pytest.mark.parametrize(("score", "status"), [(0.0, 200), (0.6, 202), (0.95, 403)])
async def test_a_retry_gets_the_same_bytes_and_has_no_effect(
    client: httpx.AsyncClient, world: World, score: float, status: int
) -> None:
    world.classifiers.say("text", "spam", score)
    first = await client.post("/v1/messages", json=BODY, headers=KEY)
    world.classifiers.say("text", "spam", 0.0)
    written = list(world.store.journal)
    again = await client.post("/v1/messages", json=BODY, headers=KEY)

    assert (first.status_code, again.status_code) == (status, status)
    assert again.content == first.content
    assert again.headers == first.headers
    assert world.store.journal == written


async def test_a_retry_after_the_hold_was_released_still_says_held(client: httpx.AsyncClient, world: World) -> None:
    world.classifiers.say("text", "spam", 0.6)
    first = await client.post("/v1/messages", json=BODY, headers=KEY)
    stored = await world.stored(first.json()["message_id"])
    await world.resolve(stored, Outcome.ALLOW, "Ann", "fine")
    await world.review.forward_queued()
    assert await world.state(stored.message_id) is MessageState.PUBLISHED

    again = await client.post("/v1/messages", json=BODY, headers=KEY)
    assert (again.status_code, again.content) == (202, first.content)
    assert len(world.upstream.got) == 1


async def test_another_request_under_the_key_is_refused(client: httpx.AsyncClient, world: World) -> None:
    await client.post("/v1/messages", json=BODY, headers=KEY)
    answer = await client.post("/v1/messages", json={**BODY, "text": "other"}, headers=KEY)
    assert (answer.status_code, answer.json()["code"]) == (422, "key_reused")
    assert len(world.upstream.got) == 1


async def test_a_key_is_good_for_one_route(client: httpx.AsyncClient, world: World) -> None:
    await client.post("/v1/decisions", json=BODY, headers=KEY)
    answer = await client.post("/v1/messages", json=BODY, headers=KEY)
    assert (answer.status_code, answer.json()["code"]) == (422, "key_reused")
    assert world.upstream.got == []


async def test_tenants_do_not_share_keys(client: httpx.AsyncClient, stranger: httpx.AsyncClient) -> None:
    mine = await client.post("/v1/messages", json=BODY, headers=KEY)
    theirs = await stranger.post("/v1/messages", json={"account_id": "acc-theirs", "text": "hello"}, headers=KEY)
    assert (mine.status_code, theirs.status_code) == (200, 200)
    assert mine.json()["message_id"] != theirs.json()["message_id"]


async def test_a_retry_while_the_first_is_worked_on_is_409(client: httpx.AsyncClient, world: World) -> None:
    world.classifiers.answering.clear()
    first = asyncio.create_task(client.post("/v1/messages", json=BODY, headers=KEY))
    await world.classifiers.waiting.wait()

    early = await client.post("/v1/messages", json=BODY, headers=KEY)
    assert (early.status_code, early.json()["code"], early.headers["retry-after"]) == (409, "key_in_flight", "1")

    world.classifiers.answering.set()
    answer = await first
    assert (await client.post("/v1/messages", json=BODY, headers=KEY)).content == answer.content
    assert len(world.upstream.got) == 1


async def test_a_retry_at_another_process_while_the_first_forwards_is_409(
    client: httpx.AsyncClient, world: World
) -> None:
    second = await open_world(world.store, process=1)
    world.upstream.answering.clear()
    first = asyncio.create_task(client.post("/v1/messages", json=BODY, headers=KEY))
    await world.upstream.waiting.wait()

    async with client_of(serve(second)) as elsewhere:
        early = await elsewhere.post("/v1/messages", json=BODY, headers=KEY)
        assert (early.status_code, early.json()["code"]) == (409, "key_in_flight")
        world.upstream.answering.set()
        answer = await first
        assert (await elsewhere.post("/v1/messages", json=BODY, headers=KEY)).content == answer.content
    assert (len(world.upstream.got), second.upstream.got) == (1, [])


@pytest.mark.parametrize(("other", "status"), [(BODY, 200), ({**BODY, "text": "other"}, 422)])
async def test_two_processes_that_decide_at_once_have_one_effect(
    app: FastAPI, world: World, other: dict[str, str], status: int
) -> None:
    """Both found the key free; the second learns at its commit that it is taken."""
    second = await open_world(world.store, process=1)
    second.classifiers.answering.clear()
    async with client_of(app) as here, client_of(serve(second)) as there:
        slow = asyncio.create_task(there.post("/v1/messages", json=other, headers=KEY))
        await second.classifiers.waiting.wait()
        fast = await here.post("/v1/messages", json=BODY, headers=KEY)
        second.classifiers.answering.set()
        answer = await slow

    assert answer.status_code == status
    assert (answer.content == fast.content) is (status == 200)
    assert world.store.journal == ["commit forwarding", "forward", "move published", "key taken"]
    assert second.upstream.got == []
