"""matrix-nio clients on a Synapse, directly and through the gateway."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import nio

MESSAGE = "m.room.message"


@asynccontextmanager
async def client_at(url: str, name: str, password: str) -> AsyncIterator[Any]:
    """A client that has logged in."""
    client = nio.AsyncClient(url, name)
    try:
        answer = await client.login(password)
        assert isinstance(answer, nio.LoginResponse), answer
        # An answer that makes it try again for ever would end here.
        async with asyncio.timeout(30):
            yield client
    finally:
        await client.close()


async def say(client: Any, room: str, text: str, **options: Any) -> Any:
    """Send a text message; nio's own answer object."""
    return await client.room_send(room, MESSAGE, {"msgtype": "m.text", "body": text}, **options)


async def make_room(client: Any) -> str:
    """A new public room; its id."""
    made = await client.room_create(visibility=nio.RoomVisibility.public, preset=nio.RoomPreset.public_chat)
    assert isinstance(made, nio.RoomCreateResponse), made
    return str(made.room_id)


async def bodies(client: Any, room: str) -> list[str]:
    """The text of every message that the homeserver has in a room, oldest first."""
    answer = await client.room_messages(room, limit=100, direction=nio.MessageDirection.front)
    assert isinstance(answer, nio.RoomMessagesResponse), answer
    return [event.source["content"]["body"] for event in answer.chunk if isinstance(event, nio.RoomMessageText)]
