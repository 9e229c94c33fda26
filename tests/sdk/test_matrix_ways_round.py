"""Forms of a publish request that a real Synapse accepts, and that are judged like any other."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import httpx
import nio
import pytest

from deploy.local.synapse import Synapse
from tests.e2e.support import TEXTS
from tests.sdk.conftest import PASSWORD
from tests.sdk.gateway import GatewayProcess
from tests.sdk.matrix import client_at, make_room, say

WAYS = {
    "with a transaction": ("PUT", "/_matrix/client/v3/rooms/{room}/send/m.room.message/{txn}"),
    "without a transaction": ("POST", "/_matrix/client/v3/rooms/{room}/send/m.room.message"),
    "r0": ("PUT", "/_matrix/client/r0/rooms/{room}/send/m.room.message/{txn}"),
    "r0 without a transaction": ("POST", "/_matrix/client/r0/rooms/{room}/send/m.room.message"),
    "unstable": ("PUT", "/_matrix/client/unstable/rooms/{room}/send/m.room.message/{txn}"),
    "api/v1": ("PUT", "/_matrix/client/api/v1/rooms/{room}/send/m.room.message/{txn}"),
    "an encoded dot": ("PUT", "/_matrix/client/v3/rooms/{room}/send/m%2Eroom.message/{txn}"),
    "a second text": ("PUT", "/_matrix/client/v3/rooms/{room}/send/m.room.message/{txn}"),
    "the topic": ("PUT", "/_matrix/client/v3/rooms/{room}/state/m.room.topic"),
    "the topic with a slash": ("PUT", "/_matrix/client/v3/rooms/{room}/state/m.room.topic/"),
    "the name": ("PUT", "/_matrix/client/v3/rooms/{room}/state/m.room.name"),
    "the reason of a deletion": ("PUT", "/_matrix/client/v3/rooms/{room}/redact/{event}/{txn}"),
    "the reason without a transaction": ("POST", "/_matrix/client/v3/rooms/{room}/redact/{event}"),
}


class Writer:
    """Sends one text in any of the `WAYS`, and reads what the homeserver has."""

    def __init__(self, client: Any, room: str, event: str) -> None:
        self._client = client
        self._room = room
        self._event = event
        self._count = 0

    async def write(self, url: str, way: str, text: str, *, token_in_query: bool = False) -> httpx.Response:
        """Send it."""
        self._count += 1
        method, path = WAYS[way]
        target = path.format(room=quote(self._room), event=quote(self._event), txn=self._count)
        token = self._client.access_token
        headers = {} if token_in_query else {"Authorization": f"Bearer {token}"}
        query = f"?access_token={token}" if token_in_query else ""
        async with httpx.AsyncClient() as client:
            return await client.request(method, f"{url}{target}{query}", content=_body(way, text), headers=headers)

    async def published(self, text: str) -> bool:
        """Whether the text is in anything that happened in the room."""
        answer = await self._client.room_messages(self._room, limit=100, direction=nio.MessageDirection.front)
        return text in [value for event in answer.chunk for value in event.source["content"].values()]


def _body(way: str, text: str) -> str:
    words = json.dumps(text)
    for field in ("topic", "name", "reason"):
        if f"the {field}" in way:
            return f'{{"{field}": {words}}}'
    if way == "a second text":
        return f'{{"msgtype": "m.text", "body": "Good morning!", "body": {words}}}'
    return f'{{"msgtype": "m.text", "body": {words}}}'


@pytest.fixture
async def writer(synapse: Synapse) -> AsyncIterator[Writer]:
    """In a new room where it has said something, with the token of an account in good standing."""
    async with client_at(synapse.url, "news", PASSWORD) as client:
        room = await make_room(client)
        yield Writer(client, room, (await say(client, room, TEXTS["allow"][0])).event_id)


@pytest.mark.parametrize("way", WAYS)
async def test_it_is_no_way_round(gateway: GatewayProcess, synapse: Synapse, writer: Writer, way: str) -> None:
    text = TEXTS["block"][0]
    assert (await writer.write(gateway.url_of("matrix"), way, text)).status_code in (400, 403)
    assert not await writer.published(text)
    # The homeserver itself takes it, so there is something to close.
    assert (await writer.write(synapse.url, way, text)).status_code == 200
    assert await writer.published(text)


async def test_a_token_in_the_query_is_no_way_round(gateway: GatewayProcess, writer: Writer) -> None:
    url, way = gateway.url_of("matrix"), "with a transaction"
    blocked = await writer.write(url, way, TEXTS["block"][0], token_in_query=True)
    allowed = await writer.write(url, way, TEXTS["allow"][1], token_in_query=True)
    assert (blocked.status_code, allowed.status_code) == (403, 200)
    assert await writer.published(TEXTS["allow"][1])
    assert not await writer.published(TEXTS["block"][0])


async def test_an_allowed_text_passes_in_every_other_way(gateway: GatewayProcess, writer: Writer) -> None:
    for way in WAYS.keys() - {"a second text"}:
        answer = await writer.write(gateway.url_of("matrix"), way, TEXTS["allow"][1])
        assert answer.status_code == 200, (way, answer.text)
