"""A platform's publish request is judged, forwarded as it came, and answered in the platform's own words."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from classifiers.contract import Opinion, Reply, Silence
from gateway.core.model import Account, AccountState, Degree, MessageState, Sanction
from gateway.core.records import SEALED
from tests.http.moderated import BOT, ROUTES, STRANGER, Site, site
from tests.peer import Play
from tests.policies import policy
from tests.world import ACCOUNT, CLOSED, PERSON

RESTRICTED = Account("acc-limited", AccountState.ACTIVE, PERSON, sanctions=(Sanction(Degree.RESTRICT, 0),))


@pytest.fixture
async def chatty(tmp_path: Path) -> AsyncIterator[Site]:
    """The platform, before a gateway that holds the unknown."""
    async with site(tmp_path) as made:
        yield made


async def test_an_allowed_request_arrives_as_it_was_sent_and_its_answer_comes_back_as_it_is(chatty: Site) -> None:
    chatty.me(ACCOUNT.account_id)
    chatty.plays(b'{"code":0,"id":"1"}', "201 Created")
    body = '{ "text" : "caf\\u00e9 \U0001f600" }'.encode()

    answer = await chatty.client.post(
        "/rooms/1?a=%2F&b",
        content=body,
        headers={"Authorization": f"Bearer {BOT}", "Content-Type": "application/json", "X-Mine": "yes"},
    )

    assert (answer.status_code, answer.content, answer.headers["x-upstream"]) == (201, b'{"code":0,"id":"1"}', "1")
    head, _, arrived = chatty.peer.requests[1].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /rooms/1?a=%2F&b HTTP/1.1\r\n")
    assert b"\r\nAuthorization: Bearer bot-token\r\n" in head + b"\r\n"
    assert b"x-mine: yes" in head.lower()
    assert arrived == body
    assert await chatty.states() == [MessageState.PUBLISHED]


async def test_a_blocked_request_goes_nowhere(chatty: Site) -> None:
    chatty.me(ACCOUNT.account_id)
    chatty.world.classifiers.say("text", "violence", 0.99)

    answer = await chatty.post("bad")

    assert (answer.status_code, answer.json()["kind"]) == (403, "blocked")
    assert answer.headers["x-moderation"] == "blocked"
    assert "Held" not in answer.json()["error"]
    assert answer.headers["content-type"] == "application/json"
    assert len(chatty.peer.requests) == 1, "only who calls was asked"
    assert await chatty.states() == [MessageState.BLOCKED]


async def test_a_held_request_waits_sealed_and_is_sent_once_when_it_is_released(chatty: Site) -> None:
    chatty.me(ACCOUNT.account_id)
    chatty.world.classifiers.silences["text"] = Silence.TIMEOUT
    answer = await chatty.post("hello there")
    assert (answer.status_code, answer.json()["kind"]) == (202, "held")
    message_id = answer.json()["id"]
    assert answer.json()["error"].startswith(f"Held for review as {message_id}: ")
    assert (answer.headers["x-moderation"], answer.headers["x-moderation-message"]) == ("held", message_id)
    stored = await chatty.world.stored(message_id)
    assert stored.request.content_type == SEALED
    assert b"hello there" not in stored.request.body
    assert BOT.encode() not in stored.request.body

    await chatty.release(stored.message_id)
    await chatty.review.forward_queued()

    assert len(chatty.peer.requests) == 2
    assert b"hello there" in chatty.peer.requests[1]
    assert b"Authorization: Bearer bot-token" in chatty.peer.requests[1]
    assert await chatty.states() == [MessageState.PUBLISHED]


@pytest.mark.parametrize(("body", "status"), [(b'{"code":401}', "200 OK"), (b"{}", "401 Unauthorized")])
async def test_a_release_with_a_credential_that_is_no_longer_good_has_failed(
    chatty: Site, body: bytes, status: str
) -> None:
    chatty.me(ACCOUNT.account_id)
    chatty.world.classifiers.silences["text"] = Silence.TIMEOUT
    message_id = (await chatty.post()).json()["id"]
    chatty.plays(body, status)

    await chatty.review.late(Reply("0.1-1", message_id, "t1", (Opinion("text", "1", ()),)))

    assert await chatty.states() == [MessageState.RELEASE_FAILED]


async def test_a_request_that_waits_does_not_open_for_another_message(chatty: Site) -> None:
    chatty.me(ACCOUNT.account_id)
    chatty.world.classifiers.silences["text"] = Silence.TIMEOUT
    first = await chatty.world.stored((await chatty.post("first")).json()["id"])
    second = await chatty.world.stored((await chatty.post("second")).json()["id"])
    kept = chatty.world.store._kept[first.message_id]
    kept.entry = replace(kept.entry, request=second.request)

    await chatty.release(first.message_id)

    assert len(chatty.peer.requests) == 1, "what was not judged as this message is not sent as it"
    assert await chatty.world.state(first.message_id) is MessageState.FAILED


async def test_a_restricted_account_is_told_so_where_the_policy_blocks_it(chatty: Site) -> None:
    await chatty.put(RESTRICTED)
    chatty.me(RESTRICTED.account_id)
    chatty.world.policy = policy(("restrict: hold", "restrict: block"))

    answer = await chatty.post()

    assert (answer.status_code, answer.json()["kind"]) == (403, "limited")


async def test_a_closed_account_publishes_nothing(chatty: Site) -> None:
    chatty.me(CLOSED.account_id)

    assert (await chatty.post()).json()["kind"] == "blocked"


async def test_who_calls_is_asked_once(chatty: Site) -> None:
    chatty.me(ACCOUNT.account_id)

    for _ in range(3):
        assert (await chatty.post()).status_code == 200
    assert [request.split(b" ")[1] for request in chatty.peer.requests] == [b"/me", *[b"/rooms/1"] * 3]


@pytest.mark.parametrize(("choice", "kind"), [("hold", "held"), ("block", "blocked")])
async def test_the_requests_of_the_unknown_are_held_or_blocked(tmp_path: Path, choice: str, kind: str) -> None:
    async with site(tmp_path, unknown_accounts=choice) as chatty:
        chatty.me("nobody-registered")
        answer = await chatty.post(token=STRANGER)

        assert answer.json()["kind"] == kind
        assert len(chatty.peer.requests) == 1


async def test_the_requests_of_the_unknown_pass_where_the_tenant_wants_that(tmp_path: Path) -> None:
    async with site(tmp_path, unknown_accounts="pass") as chatty:
        chatty.me(None)
        chatty.plays(b"passed")
        answer = await chatty.post(token=STRANGER)

        assert answer.content == b"passed"
        assert await chatty.states() == []


async def test_a_private_account_is_not_moderated_nor_recorded(chatty: Site) -> None:
    await chatty.put(replace(ACCOUNT, private=True))
    chatty.me(ACCOUNT.account_id)
    chatty.plays(b"passed")
    chatty.world.classifiers.say("text", "violence", 0.99)

    answer = await chatty.post("to a friend")

    assert answer.content == b"passed"
    assert await chatty.states() == []
    assert b"to a friend" in chatty.peer.requests[1]


async def test_while_the_platform_does_not_say_who_calls_messages_are_held(chatty: Site) -> None:
    chatty.peer.plays.append(Play(b"garbage\r\n\r\n", close=True))

    assert (await chatty.post()).json()["kind"] == "held"


async def test_a_credential_that_the_platform_issues_is_learned_and_kept_hashed(chatty: Site) -> None:
    chatty.plays(b'{"token":"fresh","seconds":7200}')
    answer = await chatty.client.post("/token", json={"app": ACCOUNT.account_id, "secret": "s"})
    assert answer.json() == {"token": "fresh", "seconds": 7200}

    assert (await chatty.post(token="fresh")).status_code == 200
    assert [request.split(b" ")[1] for request in chatty.peer.requests] == [b"/token", b"/rooms/1"]
    assert "fresh" not in repr(chatty.world.store.__dict__)


async def test_the_same_transaction_again_gets_the_same_answer_and_has_no_second_effect(chatty: Site) -> None:
    chatty.me(ACCOUNT.account_id)
    chatty.plays(b'{"code":0,"event":"1"}')

    first, second = await chatty.send("t1"), await chatty.send("t1")

    assert first.content == second.content == b'{"code":0,"event":"1"}'
    assert first.status_code == second.status_code
    assert len(chatty.peer.requests) == 2
    assert await chatty.states() == [MessageState.PUBLISHED]


async def test_another_text_under_the_same_transaction_is_refused(chatty: Site) -> None:
    chatty.me(ACCOUNT.account_id)
    await chatty.send("t1")

    assert (await chatty.send("t1", "other")).json()["kind"] == "malformed"


async def test_two_callers_transactions_are_not_one(chatty: Site) -> None:
    other = replace(ACCOUNT, account_id="acc-2")
    await chatty.put(other)
    chatty.me(ACCOUNT.account_id)
    await chatty.send("t1")
    chatty.me(other.account_id)
    await chatty.send("t1", token="other-token")

    assert await chatty.states() == [MessageState.PUBLISHED] * 2


async def test_a_transaction_that_may_have_arrived_is_sent_again_by_its_own_client(chatty: Site) -> None:
    chatty.me(ACCOUNT.account_id)
    chatty.plays(b'{"code"', close=True)
    first = await chatty.send("t1")
    chatty.peer.plays[:] = []
    second = await chatty.send("t1")

    assert first.json()["kind"] == "unavailable"
    assert second.status_code == 200
    assert await chatty.states() == [MessageState.PUBLISHED]


async def test_a_request_of_unknown_outcome_is_not_sent_again(chatty: Site) -> None:
    chatty.me(ACCOUNT.account_id)
    chatty.plays(b"{}", "502 Bad Gateway")

    assert (await chatty.post()).json()["kind"] == "unavailable"
    assert await chatty.states() == [MessageState.UNKNOWN]


async def test_a_refusal_of_the_platform_comes_back_as_it_is(chatty: Site) -> None:
    chatty.me(ACCOUNT.account_id)
    chatty.plays(b'{"code":17}')

    assert (await chatty.post()).content == b'{"code":17}'
    assert await chatty.states() == [MessageState.REFUSED]


async def test_what_a_draft_says_is_judged_again_when_it_is_published(chatty: Site) -> None:
    chatty.me(ACCOUNT.account_id)
    chatty.plays(b'{"code":0,"draft":"d1"}')
    headers = {"Authorization": f"Bearer {BOT}"}
    assert (await chatty.client.post("/drafts", json={"text": "a story"}, headers=headers)).status_code == 200
    chatty.world.classifiers.asked.clear()

    answer = await chatty.client.post("/submit", json={"draft": "d1"}, headers=headers)

    assert answer.status_code == 200
    _, submitted = await chatty.world.store.in_state(MessageState.PUBLISHED, 9)
    assert "a story" in submitted.message.texts


async def test_a_draft_that_was_never_judged_here_is_held(chatty: Site) -> None:
    chatty.me(ACCOUNT.account_id)

    answer = await chatty.client.post("/submit", json={"draft": "d9"}, headers={"Authorization": f"Bearer {BOT}"})

    assert answer.json()["kind"] == "held"


@pytest.mark.parametrize("body", [b"{", b'{"text":"a","text":"b"}', b'{"text":"\xff"}', b"[" * 40 + b"]" * 40])
async def test_what_can_be_read_in_two_ways_or_not_at_all_is_refused(chatty: Site, body: bytes) -> None:
    chatty.me(ACCOUNT.account_id)
    headers = {"Authorization": f"Bearer {BOT}", "Content-Type": "application/json"}

    answer = await chatty.client.post("/rooms/1", content=body, headers=headers)

    assert (answer.status_code, answer.json()["kind"]) == (400, "malformed")
    assert await chatty.states() == []


async def test_a_body_beyond_the_limit_is_refused(tmp_path: Path) -> None:
    async with site(tmp_path, body_limit=1024) as chatty:
        chatty.me(ACCOUNT.account_id)

        assert (await chatty.post("x" * 2000)).json()["kind"] == "malformed"


async def test_without_the_store_nothing_is_published(chatty: Site) -> None:
    chatty.me(ACCOUNT.account_id)
    await chatty.post()
    chatty.world.store.refuse.add("commit")

    assert (await chatty.post()).json()["kind"] == "unavailable"
    assert len(chatty.peer.requests) == 2


async def test_a_private_credential_in_the_head_does_not_speak_for_another_in_the_body(tmp_path: Path) -> None:
    routes = ROUTES.replace("account: bearer", "account: [bearer, json:token]")
    async with site(tmp_path, routes) as chatty:
        await chatty.put(replace(ACCOUNT, private=True))
        chatty.me(ACCOUNT.account_id)

        answer = await chatty.client.post(
            "/rooms/1", json={"text": "x", "token": STRANGER}, headers={"Authorization": f"Bearer {BOT}"}
        )

        assert (answer.status_code, answer.json()["kind"]) == (400, "malformed")
        assert chatty.peer.requests == []
