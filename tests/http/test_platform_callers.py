"""Who calls, when that is in doubt: what cannot be told is judged, and what was true once is asked again."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from gateway.adapters.keys import FileSealer
from gateway.core.model import AccountState, MessageState
from tests.http.moderated import BOT, STRANGER, site
from tests.peer import Play
from tests.world import ACCOUNT, CLOSED


@pytest.mark.parametrize("answer", [Play(b"garbage\r\n\r\n", close=True), "503 Service Unavailable", "429 Too Many"])
async def test_where_the_unknown_pass_one_who_could_not_be_asked_about_does_not(
    tmp_path: Path, answer: Play | str
) -> None:
    async with site(tmp_path, unknown_accounts="pass") as chatty:
        if isinstance(answer, Play):
            chatty.peer.plays.append(answer)
        else:
            chatty.plays(b"{}", answer)

        assert (await chatty.post()).json()["kind"] == "held"
        assert len(chatty.peer.requests) == 1, "only who calls was asked"


@pytest.mark.parametrize(
    "headers",
    [{}, {"Authorization": "Bearer\ttoken"}, {"Authorization": "BearerXtoken"}, {"Cookie": "session=1"}],
    ids=["none", "tab", "joined", "cookie"],
)
async def test_where_the_unknown_pass_one_without_a_credential_that_we_read_does_not(
    tmp_path: Path, headers: dict[str, str]
) -> None:
    async with site(tmp_path, unknown_accounts="pass") as chatty:
        answer = await chatty.client.post("/rooms/1", json={"text": "hello"}, headers=headers)

        assert (answer.status_code, answer.headers["x-moderation"]) == (401, "unauthorized")
        assert chatty.peer.requests == []


async def test_where_the_unknown_are_blocked_one_who_could_not_be_asked_about_is_held(tmp_path: Path) -> None:
    async with site(tmp_path, unknown_accounts="block") as chatty:
        chatty.plays(b"{}", "503 Service Unavailable")

        assert (await chatty.post()).json()["kind"] == "held"


async def test_a_credential_that_a_person_gave_to_another_account_is_its_within_seconds(tmp_path: Path) -> None:
    async with site(tmp_path) as chatty:
        index = FileSealer(tmp_path / "keys.json").index(BOT)
        await chatty.put(replace(ACCOUNT, private=True))
        await chatty.world.store.put_credential("t1", "chatty", index, ACCOUNT.account_id, None)
        assert (await chatty.post()).status_code == 200
        await chatty.world.store.put_credential("t1", "chatty", index, CLOSED.account_id, None)
        chatty.world.clock.now += 2_000

        assert (await chatty.post()).json()["kind"] == "blocked"


@pytest.mark.parametrize("state", [AccountState.CLOSED, AccountState.SUSPENDED])
async def test_a_private_account_that_may_not_publish_does_not_pass(tmp_path: Path, state: AccountState) -> None:
    async with site(tmp_path) as chatty:
        await chatty.put(replace(ACCOUNT, private=True, state=state))
        chatty.me(ACCOUNT.account_id)

        assert (await chatty.post()).json()["kind"] == "blocked"


async def test_a_held_message_of_an_account_that_became_private_can_be_released(tmp_path: Path) -> None:
    async with site(tmp_path) as chatty:
        message_id = await chatty.hold()
        await chatty.put(replace(ACCOUNT, private=True))

        await chatty.release(message_id)

        assert await chatty.world.state(message_id) is MessageState.PUBLISHED


async def test_an_account_closed_meanwhile_does_not_publish_by_repeating_itself(tmp_path: Path) -> None:
    async with site(tmp_path) as chatty:
        chatty.me(ACCOUNT.account_id)
        chatty.plays(b"{}", "502 Bad Gateway")
        assert (await chatty.send("t1")).json()["kind"] == "unavailable"
        await chatty.put(replace(ACCOUNT, state=AccountState.CLOSED))

        assert (await chatty.send("t1")).json()["kind"] == "unavailable"
        assert len(chatty.peer.requests) == 2, "who calls, and the first attempt"


async def test_a_platform_that_has_no_room_now_is_asked_again_by_its_own_client(tmp_path: Path) -> None:
    async with site(tmp_path) as chatty:
        chatty.me(ACCOUNT.account_id)
        chatty.plays(b'{"later":1}', "429 Too Many Requests")
        chatty.plays(b'{"code":0,"id":"1"}')

        first, second = await chatty.send("t1"), await chatty.send("t1")

        assert (first.status_code, first.content) == (429, b'{"later":1}')
        assert second.content == b'{"code":0,"id":"1"}'
        assert await chatty.states() == [MessageState.FAILED, MessageState.PUBLISHED]


async def test_an_answer_that_nobody_can_ask_for_again_is_not_kept(tmp_path: Path) -> None:
    async with site(tmp_path) as chatty:
        chatty.me(ACCOUNT.account_id)
        chatty.plays(b'{"code":0,"secret":"hook"}')
        assert b"hook" in (await chatty.post()).content
        chatty.plays(b'{"code":0,"event":"1"}')
        await chatty.send("t1")

        kept = [one.upstream for one in await chatty.world.store.in_state(MessageState.PUBLISHED, 9)]
        assert [upstream.body for upstream in kept if upstream] == [b"", b'{"code":0,"event":"1"}']


async def test_another_account_s_draft_is_not_known_to_this_one(tmp_path: Path) -> None:
    async with site(tmp_path) as chatty:
        await chatty.put(replace(ACCOUNT, account_id="acc-2"))
        chatty.me(ACCOUNT.account_id)
        chatty.plays(b'{"code":0,"draft":"d1"}')
        draft = {"Authorization": f"Bearer {BOT}"}
        assert (await chatty.client.post("/drafts", json={"text": "a story"}, headers=draft)).status_code == 200
        chatty.me("acc-2")

        other = {"Authorization": f"Bearer {STRANGER}"}
        assert (await chatty.client.post("/submit", json={"draft": "d1"}, headers=other)).json()["kind"] == "held"


async def test_the_ids_of_one_realm_are_not_those_of_another(tmp_path: Path) -> None:
    async with site(tmp_path, account_prefix="east:") as chatty:
        await chatty.put(replace(ACCOUNT, account_id="east:7"))
        chatty.me("7")

        assert (await chatty.post()).status_code == 200
        assert await chatty.states() == [MessageState.PUBLISHED]


@pytest.mark.parametrize("body", [b'{"app":"a","App":"b"}', b'{"app":"a","app":"b"}', b'{"secret":"s"}', b"{"])
async def test_a_request_for_a_credential_that_may_be_for_another_account_goes_nowhere(
    tmp_path: Path, body: bytes
) -> None:
    async with site(tmp_path) as chatty:
        answer = await chatty.client.post("/token", content=body, headers={"Content-Type": "application/json"})

        assert answer.json()["kind"] == "malformed"
        assert chatty.peer.requests == []
