"""matrix-nio on a real Synapse, with its homeserver's address set to the gateway's."""

from __future__ import annotations

import asyncio
import hashlib
import io
import time
from collections.abc import AsyncIterator
from typing import Any

import nio
import pytest

from deploy.local.synapse import Synapse
from tests.e2e.support import TEXTS
from tests.sdk.conftest import PASSWORD
from tests.sdk.gateway import GatewayProcess
from tests.sdk.matrix import MESSAGE, bodies, client_at, make_room, say

HELLO = TEXTS["allow"][0]


@pytest.fixture
async def news(gateway: GatewayProcess) -> AsyncIterator[Any]:
    """The account in good standing, through the gateway."""
    async with client_at(gateway.url_of("matrix"), "news", PASSWORD) as client:
        yield client


@pytest.fixture
async def reader(synapse: Synapse) -> AsyncIterator[Any]:
    """Somebody who asks the homeserver itself."""
    async with client_at(synapse.url, "reader", PASSWORD) as client:
        yield client


@pytest.fixture
async def room(news: Any, reader: Any) -> str:
    """A public room that the reader is in."""
    room = await make_room(news)
    await reader.join(room)
    return room


@pytest.mark.parametrize("text", TEXTS["allow"])
async def test_an_allowed_message_is_published(news: Any, reader: Any, room: str, text: str) -> None:
    answer = await say(news, room, text)
    assert isinstance(answer, nio.RoomSendResponse), answer
    found = await reader.room_get_event(room, answer.event_id)
    assert found.event.body == text


async def test_the_same_transaction_gets_the_same_event(
    gateway: GatewayProcess, news: Any, reader: Any, room: str
) -> None:
    before = gateway.count("gateway_decisions")
    first, second = [await say(news, room, HELLO, tx_id="once") for _ in range(2)]
    assert first.event_id == second.event_id
    assert gateway.count("gateway_decisions") - before == 1
    assert await bodies(reader, room) == [HELLO]


async def test_an_edit_is_judged_like_a_message(news: Any, reader: Any, room: str) -> None:
    said = await say(news, room, HELLO)

    async def edit(text: str) -> Any:
        relation = {"rel_type": "m.replace", "event_id": said.event_id}
        new = {"msgtype": "m.text", "body": text}
        return await news.room_send(
            room, MESSAGE, {"msgtype": "m.text", "body": "*", "m.new_content": new, "m.relates_to": relation}
        )

    assert isinstance(await edit(TEXTS["allow"][1]), nio.RoomSendResponse)
    assert isinstance(await edit(TEXTS["block"][0]), nio.RoomSendError)
    assert await bodies(reader, room) == [HELLO, "*"]


@pytest.mark.parametrize("text", [*TEXTS["block"], *TEXTS["hold"]])
async def test_what_is_not_allowed_gets_the_ordinary_error(news: Any, reader: Any, room: str, text: str) -> None:
    answer = await say(news, room, text)
    assert isinstance(answer, nio.RoomSendError)
    assert answer.status_code == "M_FORBIDDEN"
    assert await bodies(reader, room) == []


async def test_a_held_message_is_published_once_released(
    gateway: GatewayProcess, news: Any, reader: Any, room: str
) -> None:
    before = gateway.holds()
    assert isinstance(await say(news, room, TEXTS["hold"][0], tx_id="held"), nio.RoomSendError)
    assert gateway.release(*gateway.holds() - before)["state"] == "published"
    assert await bodies(reader, room) == [TEXTS["hold"][0]]
    answer = await say(news, room, TEXTS["hold"][0], tx_id="held")
    assert isinstance(answer, nio.RoomSendError), "a retry gets the answer that the first try got"
    assert gateway.holds() == before
    assert await bodies(reader, room) == [TEXTS["hold"][0]]


async def test_what_is_taken_down_is_redacted_by_a_moderator(
    synapse: Synapse, gateway: GatewayProcess, news: Any, reader: Any, room: str
) -> None:
    before = gateway.published()
    said = await say(news, room, HELLO)
    [message_id] = gateway.published() - before
    refused = gateway.take_down("matrix", reader.access_token, message_id)  # who may not yet
    assert refused["takedown"]["state"] == "failed"
    assert "matrix answered 403" in gateway.command("messages", "takedowns", "--failed")
    assert await bodies(reader, room) == [HELLO]

    async with client_at(synapse.url, "news", PASSWORD) as owner:
        powers = (await owner.room_get_state_event(room, "m.room.power_levels")).content
        powers["users"][reader.user_id] = 50
        assert isinstance(await owner.room_put_state(room, "m.room.power_levels", powers), nio.RoomPutStateResponse)
    for _ in range(2):  # the second time nothing is left to do
        taken = gateway.take_down("matrix", reader.access_token, message_id)
        assert taken["takedown"]["state"] == "done"
    assert await bodies(reader, room) == []
    found = (await reader.room_get_event(room, said.event_id)).event
    assert isinstance(found, nio.RedactedEvent)
    assert (found.reason, found.redacter) == ("fraud", reader.user_id)


async def test_a_release_after_the_author_logged_out_is_told(gateway: GatewayProcess, reader: Any, room: str) -> None:
    before = gateway.holds()
    async with client_at(gateway.url_of("matrix"), "news", PASSWORD) as news:
        await say(news, room, TEXTS["hold"][0])
        assert isinstance(await news.logout(), nio.LogoutResponse)
    message = gateway.release(*gateway.holds() - before)
    assert message["state"] == "release_failed"
    assert message["upstream"]["status"] == 401
    assert await bodies(reader, room) == []


async def test_a_restricted_account_can_join_and_gets_the_ordinary_error_when_it_speaks(
    gateway: GatewayProcess, reader: Any, room: str
) -> None:
    async with client_at(gateway.url_of("matrix"), "restricted", PASSWORD) as restricted:
        assert isinstance(await restricted.join(room), nio.JoinResponse)
        answer = await say(restricted, room, HELLO)
    assert isinstance(answer, nio.RoomSendError)
    assert answer.status_code == "M_USER_SUSPENDED"
    assert await bodies(reader, room) == []


async def test_an_encrypted_event_is_held(news: Any, reader: Any, room: str) -> None:
    content = {"algorithm": "m.megolm.v1.aes-sha2", "ciphertext": "AwgA", "device_id": "D", "sender_key": "K"}
    answer = await news.room_send(room, "m.room.encrypted", {**content, "session_id": "S"})
    assert isinstance(answer, nio.RoomSendError)
    assert answer.status_code == "M_FORBIDDEN"


async def test_a_long_poll_ends_in_its_time_or_when_something_happens(news: Any, reader: Any, room: str) -> None:
    first = await news.sync(timeout=0)
    started = time.monotonic()
    quiet = await news.sync(timeout=1000, since=first.next_batch)
    assert isinstance(quiet, nio.SyncResponse), quiet
    assert time.monotonic() - started >= 1.0
    polling = asyncio.create_task(news.sync(timeout=20_000, since=quiet.next_batch))
    await say(reader, room, "Thank you")
    answer = await polling
    assert isinstance(answer, nio.SyncResponse), answer
    assert [event.body for event in answer.rooms.join[room].timeline.events] == ["Thank you"]


async def test_media_come_back_as_they_were(news: Any, reader: Any) -> None:
    data = bytes(range(256)) * 12_000
    sent, _ = await news.upload(lambda *_: io.BytesIO(data), "image/png", "picture.png", filesize=len(data))
    assert isinstance(sent, nio.UploadResponse), sent
    for client in (news, reader):
        got = await client.download(sent.content_uri)
        assert isinstance(got, nio.MemoryDownloadResponse), got
        assert hashlib.sha256(got.body).hexdigest() == hashlib.sha256(data).hexdigest()
