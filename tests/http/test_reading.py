"""GET /v1/messages/{id}: the state and history of a message, for its own tenant."""

from __future__ import annotations

import httpx
import orjson
import pytest

from gateway.core.model import Outcome
from tests.world import World

BODY = {"account_id": "acc-1", "text": "a secret text"}


async def test_a_published_message_shows_each_step(client: httpx.AsyncClient, world: World) -> None:
    sent = (await client.post("/v1/messages", json=BODY)).json()
    answer = await client.get(f"/v1/messages/{sent['message_id']}")

    assert answer.status_code == 200
    body = answer.json()
    assert body["message_id"] == sent["message_id"]
    assert body["decision_id"] == sent["decision_id"]
    assert (body["account_id"], body["state"], body["decision"]) == ("acc-1", "published", "allow")
    assert (body["created_ms"], body["updated_ms"]) == (world.clock.now_ms(), world.clock.now_ms())
    assert body["upstream"] == {"status": 200, "body": {"id": "up-1"}}
    assert [step["kind"] for step in body["history"]] == ["decision", "transition"]
    assert (body["history"][1]["from"], body["history"][1]["to"]) == ("forwarding", "published")


async def test_a_persons_step_is_told_by_codes_without_name_or_note(client: httpx.AsyncClient, world: World) -> None:
    world.classifiers.say("text", "spam", 0.6)
    sent = (await client.post("/v1/messages", json=BODY)).json()
    stored = await world.stored(sent["message_id"])
    await world.resolve(stored, Outcome.BLOCK, "Ann Canaria", "is spam, says Ann")

    answer = await client.get(f"/v1/messages/{sent['message_id']}")
    body = answer.json()
    assert (body["state"], body["decision"]) == ("rejected", "hold")
    assert body["reasons"] == sent["reasons"]
    step = body["history"][-1]
    assert (step["from"], step["to"], step["actor"], "note" in step) == ("held", "rejected", "person", False)
    [reason] = step["decision"]["reasons"]
    assert (step["decision"]["rule"], reason["code"], reason["source"]) == ("person", "reviewed", "person")
    assert "Ann" not in answer.text
    # Those who work there still read both.
    kept = orjson.loads((await world.store.history(sent["message_id"]))[-1].body)
    assert (kept["actor"], kept["note"]) == ("Ann Canaria", "is spam, says Ann")


async def test_what_the_gateway_did_by_itself_keeps_its_note(client: httpx.AsyncClient) -> None:
    sent = (await client.post("/v1/messages", json=BODY)).json()
    step = (await client.get(f"/v1/messages/{sent['message_id']}")).json()["history"][-1]
    assert (step["actor"], step["note"]) == ("gateway", "upstream answered 200")


async def test_the_history_has_no_text_and_no_tenant(client: httpx.AsyncClient) -> None:
    sent = (await client.post("/v1/messages", json=BODY)).json()
    answer = await client.get(f"/v1/messages/{sent['message_id']}")
    assert "a secret text" not in answer.text
    assert all("tenant_id" not in step for step in answer.json()["history"])


async def test_another_tenant_and_an_unknown_id_are_told_the_same(
    client: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    sent = (await client.post("/v1/messages", json=BODY)).json()
    foreign = await stranger.get(f"/v1/messages/{sent['message_id']}")
    unknown = await client.get("/v1/messages/no-such-message")
    assert (foreign.status_code, unknown.status_code) == (404, 404)
    assert foreign.content == unknown.content


@pytest.mark.parametrize("headers", [{"Authorization": "Bearer wrong"}, {"Authorization": ""}])
async def test_nobody_reads_without_a_key(client: httpx.AsyncClient, headers: dict[str, str]) -> None:
    answer = await client.get("/v1/messages/1", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthorised")
