"""What clients without a good credential cost a listener: nothing that stays, and no more than their share."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx
import pytest

from gateway.core.quota import HoldQuota
from gateway.http.problems import Problem
from tests.http.moderated import ASKS, HOLDS, ROUTES, Site, site
from tests.peer import Play
from tests.world import ACCOUNT

OWN_WAY = '  unauthorized: {status: 401, body: {kind: unauthorized, error: "{message}"}}\n'


async def left_nothing(chatty: Site) -> bool:
    """Whether nothing was stored."""
    return await chatty.states() == [] and chatty.world.store.journal == []


def is_unauthorised(answer: httpx.Response) -> bool:
    return (answer.status_code, answer.headers["x-moderation"]) == (401, "unauthorized")


@pytest.mark.parametrize("routes", [ROUTES, ROUTES + OWN_WAY], ids=["old map", "own way"])
@pytest.mark.parametrize("choice", ["hold", "block"])
async def test_a_credential_that_the_platform_refuses_is_answered_401_and_leaves_nothing(
    tmp_path: Path, choice: str, routes: str
) -> None:
    async with site(tmp_path, routes, unknown_accounts=choice) as chatty:
        chatty.me(None)
        answer = await chatty.post(token="made-up")

        assert is_unauthorised(answer)
        assert answer.json()["kind"] == ("unauthorized" if OWN_WAY in routes else "malformed")
        assert await left_nothing(chatty)


@pytest.mark.parametrize("choice", ["hold", "block", "pass"])
async def test_a_request_without_a_credential_is_answered_401_and_nobody_is_asked(tmp_path: Path, choice: str) -> None:
    async with site(tmp_path, unknown_accounts=choice) as chatty:
        answer = await chatty.client.post("/rooms/1", json={"text": "hello"})

        assert is_unauthorised(answer)
        assert chatty.peer.requests == []
        assert await left_nothing(chatty)


async def test_a_refused_credential_is_remembered_as_bad_for_a_while(tmp_path: Path) -> None:
    async with site(tmp_path) as chatty:
        chatty.me(None)
        answers = [await chatty.post(token="made-up") for _ in range(20)]
        assert all(map(is_unauthorised, answers))
        assert len(chatty.peer.requests) == 1

        chatty.world.clock.now += 60_000
        chatty.me(None)
        assert is_unauthorised(await chatty.post(token="made-up"))
        assert len(chatty.peer.requests) == 2


async def test_a_credential_that_was_refused_and_is_issued_then_is_good_at_once(tmp_path: Path) -> None:
    async with site(tmp_path) as chatty:
        chatty.me(None)
        assert is_unauthorised(await chatty.post(token="fresh"))
        chatty.plays(b'{"token":"fresh","seconds":7200}')
        await chatty.client.post("/token", json={"app": ACCOUNT.account_id, "secret": "s"})
        assert (await chatty.post(token="fresh")).status_code == 200


async def test_the_platform_is_asked_about_so_many_bad_credentials_of_a_client(tmp_path: Path) -> None:
    async with site(tmp_path) as chatty:
        for number in range(ASKS):
            chatty.me(None)
            assert is_unauthorised(await chatty.post(token=f"made-up-{number}"))
        more = [await chatty.post(token=f"other-{number}") for number in range(10)]

        assert {answer.json()["kind"] for answer in more} == {"unavailable"}
        assert len(chatty.peer.requests) == ASKS
        assert await left_nothing(chatty)


async def test_good_credentials_of_one_client_may_be_as_many_as_they_are(tmp_path: Path) -> None:
    async with site(tmp_path) as chatty:
        for number in range(3 * ASKS):
            chatty.me(ACCOUNT.account_id)
            assert (await chatty.post(token=f"good-{number}")).status_code == 200


async def test_of_whom_nobody_can_be_asked_so_much_waits_of_a_client(tmp_path: Path) -> None:
    async with site(tmp_path) as chatty:
        kinds = []
        for number in range(HOLDS + 3):
            chatty.peer.plays.append(Play(b"garbage\r\n\r\n", close=True))
            kinds.append((await chatty.post(token=f"maybe-{number}")).json()["kind"])

        assert kinds == ["held"] * HOLDS + ["unavailable"] * 3
        assert len(await chatty.states()) == HOLDS


@pytest.mark.parametrize("status", ["302 Found", "200 OK"], ids=["elsewhere", "says nothing"])
async def test_an_answer_that_says_neither_is_no_refusal(tmp_path: Path, status: str) -> None:
    async with site(tmp_path) as chatty:
        chatty.plays(b"<html>", status)
        assert (await chatty.post()).json()["kind"] == "held"


async def test_what_strangers_send_takes_nothing_from_registered_accounts(tmp_path: Path) -> None:
    async with site(tmp_path) as chatty:
        chatty.me(ACCOUNT.account_id)
        assert (await chatty.post()).status_code == 200
        chatty.strangers.take(1 << 20)
        with pytest.raises(Problem):
            chatty.strangers.check(1)
        assert (await chatty.post()).status_code == 200
        chatty.me("nobody-registered")
        assert (await chatty.post(token="theirs")).json()["kind"] == "unavailable"


async def test_many_requests_at_once_with_one_bad_credential_ask_once(tmp_path: Path) -> None:
    async with site(tmp_path) as chatty:
        chatty.me(None)
        answers = await asyncio.gather(*(chatty.post(token="made-up") for _ in range(8)))
        assert all(map(is_unauthorised, answers))
        assert len(chatty.peer.requests) == 1


async def test_where_too_much_of_a_tenant_waits_the_platform_is_unavailable_and_nothing_is_stored(
    tmp_path: Path,
) -> None:
    async with site(tmp_path, quota=HoldQuota(1, 1 << 20)) as chatty:
        assert await chatty.hold()
        before = await chatty.states()
        answer = await chatty.post("another")

        assert (answer.status_code, answer.json()["kind"]) == (503, "unavailable")
        assert await chatty.states() == before
