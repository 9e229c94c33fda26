"""What apps and platforms are told when something is taken down or put back, and what their answers mean."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest
from msgspec.structs import replace

from gateway.adapters.origin import HttpOrigin
from gateway.adapters.takedowns import HttpTakedowns
from gateway.core.records import UpstreamAnswer
from gateway.core.takedown_problems import Obstacle, TakedownProblem
from gateway.core.takedowns import Takedown, TakedownState
from gateway.platforms.listeners import Listener
from gateway.platforms.shipped import load_shipped
from gateway.ports import Fault, Order, TakedownFault, TakedownImpossible
from tests.http.recorder import Answer, Got, Recorder, recorder

TAKEDOWN = Takedown("m-1", "t1", "acc-1", "c" * 64, TakedownState.DUE, "fraud", "report", "fraud", 1, 5, 5)
BACK = replace(TAKEDOWN, state=TakedownState.RESTORE_DUE, reason="appeal")
PUBLISHED = UpstreamAnswer(201, b'{"id": 7}', "application/json")
EVENT = '{"listener":"chat","way":"redact","found":[{"room":"!r:x","event":"$e/1"}]}'


def answering(status: int, body: bytes = b"{}") -> Answer:
    """An answer in JSON."""
    head = f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return Answer(head.encode() + body)


class Site:
    """An app and a platform at one address, and what tells them."""

    def __init__(self, server: Recorder, remover: HttpTakedowns, answers: list[Answer]) -> None:
        self.server = server
        self.remover = remover
        self.answers = answers

    def told(self, takedown: Takedown = TAKEDOWN, **fields: Any) -> Order:
        """An order about a message that was published by the app."""
        given: dict[str, Any] = {
            "listened": False,
            "url": f"http://{self.server.netloc}/takedowns?a=1",
            "token_env": "APP_TOKEN",
            "upstream": PUBLISHED,
            "handle": None,
        }
        return Order(takedown, **{**given, **fields})

    def listened(self, takedown: Takedown = TAKEDOWN, handle: str | None = EVENT) -> Order:
        """An order about a message that came through the listener."""
        return Order(takedown, listened=True, url=None, token_env=None, upstream=None, handle=handle)

    async def fails(self, order: Order) -> Fault:
        """Carry out what does not work; the fault."""
        with pytest.raises(Fault) as caught:
            await self.remover.carry_out(order)
        return caught.value


Make = Callable[..., Any]


@asynccontextmanager
async def open_site(platform: str = "matrix", **fields: Any) -> AsyncIterator[Site]:
    answers: list[Answer] = []

    def answer(_got: Got) -> Answer:
        return answers.pop(0) if answers else answering(200)

    origin = HttpOrigin()
    async with recorder(answer) as server:
        listener = Listener(
            name="chat", platform=platform, tenant="t1", port=1, upstream=f"http://{server.netloc}", **fields
        )
        listener.use(load_shipped(platform))
        remover = HttpTakedowns(origin, {"chat": listener})
        yield Site(server, remover, answers)
        await remover.close()
        await origin.close()


@pytest.fixture(autouse=True)
def _tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APP_TOKEN", "app-token")
    monkeypatch.setenv("MOD_TOKEN", "mod-token")


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with open_site(takedown_token_env="MOD_TOKEN") as made:
        yield made


# -- apps


async def test_an_app_is_told_what_and_why(site: Site) -> None:
    await site.remover.carry_out(site.told())
    await site.remover.carry_out(site.told(BACK, upstream=None))
    first, second = site.server.got
    assert (first.method, first.target) == ("POST", "/takedowns?a=1")
    assert first.values(b"authorization") == [b"Bearer app-token"]
    assert first.values(b"idempotency-key") == [f"m-1:take_down:{TAKEDOWN.asked_ms}".encode()]
    assert first.values(b"content-type") == [b"application/json"]
    assert orjson.loads(first.body) == {
        "action": "take_down",
        "message_id": "m-1",
        "account_id": "acc-1",
        "upstream": {"status": 201, "body": {"id": 7}},
        "reason": "fraud",
    }
    assert second.values(b"idempotency-key") == [f"m-1:restore:{BACK.asked_ms}".encode()]
    told = orjson.loads(second.body)
    assert (told["action"], told["upstream"], told["reason"]) == ("restore", None, "appeal")


async def test_an_attempt_has_the_key_of_its_wish_and_another_wish_has_another(site: Site) -> None:
    again, anew = replace(TAKEDOWN, attempts=2), replace(TAKEDOWN, asked_ms=TAKEDOWN.asked_ms + 1)
    for each in (TAKEDOWN, again, anew):
        await site.remover.carry_out(site.told(each))
    first, second, third = [request.values(b"idempotency-key") for request in site.server.got]
    assert first == second != third  # an app that knows the key answers as before, and does nothing


@pytest.mark.parametrize("status", [200, 202, 204, 410])
async def test_an_app_has_done_it(site: Site, status: int) -> None:
    site.answers.append(answering(status, b"" if status == 204 else b"{}"))
    await site.remover.carry_out(site.told())


@pytest.mark.parametrize("status", [401, 403, 408, 409, 429, 500, 503])
async def test_an_app_may_do_it_later(site: Site, status: int) -> None:
    site.answers.append(answering(status))
    fault = await site.fails(site.told())
    assert isinstance(fault, TakedownFault)
    assert not isinstance(fault, TakedownImpossible)
    assert fault.problem == TakedownProblem(Obstacle.APP_ANSWERED, {"status": str(status)})


@pytest.mark.parametrize("status", [302, 400, 404, 422])  # 404 is what a wrong address is answered
async def test_an_app_will_not_do_it(site: Site, status: int) -> None:
    site.answers.append(answering(status))
    fault = await site.fails(site.told())
    assert isinstance(fault, TakedownImpossible)
    assert fault.problem == TakedownProblem(Obstacle.APP_ANSWERED, {"status": str(status)})


async def test_what_is_gone_cannot_be_put_back(site: Site) -> None:
    site.answers.append(answering(410))
    fault = await site.fails(site.told(BACK))
    assert isinstance(fault, TakedownImpossible)
    assert str(fault) == "takedown_url answered 410"


async def test_a_tenant_without_an_address_is_told_by_hand(site: Site) -> None:
    fault = await site.fails(site.told(url=None))
    assert isinstance(fault, TakedownImpossible)
    assert "--takedown-url" in str(fault)
    assert site.server.got == []


async def test_an_app_that_is_away_is_told_later(site: Site) -> None:
    fault = await site.fails(site.told(url="http://127.0.0.1:1/takedowns"))
    assert not isinstance(fault, TakedownImpossible)


async def test_without_the_apps_token_nothing_is_sent(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("APP_TOKEN")
    fault = await site.fails(site.told())
    assert isinstance(fault, TakedownImpossible)
    assert "APP_TOKEN" in str(fault)
    assert site.server.got == []


# -- platforms


async def test_a_platform_is_asked_by_its_route_map(site: Site) -> None:
    await site.remover.carry_out(site.listened())
    [got] = site.server.got
    assert (got.method, got.target) == ("PUT", "/_matrix/client/v3/rooms/%21r%3Ax/redact/%24e%2F1/m-1")
    assert got.values(b"authorization") == [b"Bearer mod-token"]
    assert got.values(b"host") == [site.server.netloc.encode()]
    assert orjson.loads(got.body) == {"reason": "fraud"}


async def test_what_is_gone_already_is_done(site: Site) -> None:
    site.answers.append(answering(404, b'{"errcode":"M_NOT_FOUND","error":"Event not found"}'))
    await site.remover.carry_out(site.listened())
    site.answers.append(answering(404, b'{"errcode":"M_UNRECOGNIZED"}'))
    fault = await site.fails(site.listened())
    assert isinstance(fault, TakedownImpossible)


@pytest.mark.parametrize(
    ("status", "body", "again"),
    [
        (403, b'{"errcode":"M_FORBIDDEN"}', False),
        (401, b'{"errcode":"M_UNKNOWN_TOKEN"}', True),
        (429, b'{"errcode":"M_LIMIT_EXCEEDED"}', True),
        (502, b"", True),
    ],
)
async def test_what_a_platforms_answer_means(site: Site, status: int, body: bytes, again: bool) -> None:
    site.answers.append(answering(status, body))
    fault = await site.fails(site.listened())
    assert isinstance(fault, TakedownImpossible) is not again
    assert f"matrix answered {status}" in str(fault)
    assert "mod-token" not in str(fault)


async def test_a_token_that_is_no_longer_good_is_named(site: Site) -> None:
    site.answers.append(answering(401, b'{"errcode":"M_UNKNOWN_TOKEN"}'))
    assert "MOD_TOKEN is no longer good" in str(await site.fails(site.listened()))


async def test_what_no_platform_can_do(site: Site) -> None:
    fault = await site.fails(site.listened(BACK))
    assert isinstance(fault, TakedownImpossible)
    assert str(fault) == "cannot be restored by the platform; the author may publish it again"
    assert site.server.got == []


@pytest.mark.parametrize(
    ("handle", "why"),
    [
        (None, "nothing is known"),
        ("{", "cannot be read"),
        ('{"listener":"other","way":"redact","found":[]}', "no listener other"),
        ('{"listener":"chat","way":"older","found":[{}]}', "no way older"),
    ],
)
async def test_what_there_is_no_way_for_is_left_to_people(site: Site, handle: str | None, why: str) -> None:
    fault = await site.fails(site.listened(handle=handle))
    assert isinstance(fault, TakedownImpossible)
    assert why in str(fault)
    assert site.server.got == []


async def test_another_tenants_listener_is_none(site: Site) -> None:
    fault = await site.fails(site.listened(replace(TAKEDOWN, tenant_id="t2")))
    assert "no listener chat" in str(fault)
    assert site.server.got == []


@pytest.mark.parametrize("token", [None, ""])
async def test_without_a_token_it_is_left_to_people(monkeypatch: pytest.MonkeyPatch, token: str | None) -> None:
    if token is not None:
        monkeypatch.setenv("MOD_TOKEN", token)
    fields = {} if token is None else {"takedown_token_env": "MOD_TOKEN"}
    async with open_site(**fields) as site:
        fault = await site.fails(site.listened())
        assert isinstance(fault, TakedownImpossible)
        assert ("takedown_token_env" if token is None else "MOD_TOKEN") in str(fault)
        assert site.server.got == []


async def test_a_token_in_a_file_is_read_each_time(tmp_path: Path) -> None:
    file = tmp_path / "token"
    async with open_site(takedown_token_file=str(file)) as site:
        fault = await site.fails(site.listened())
        assert not isinstance(fault, TakedownImpossible)  # whatever renews it may be late
        for token in ("one", "two"):
            file.write_text(f"{token}\n")
            await site.remover.carry_out(site.listened())
        assert [got.values(b"authorization") for got in site.server.got] == [[b"Bearer one"], [b"Bearer two"]]


async def test_a_token_that_no_header_can_hold_is_not_sent(monkeypatch: pytest.MonkeyPatch, site: Site) -> None:
    monkeypatch.setenv("MOD_TOKEN", "a\r\nX-Evil: 1")
    fault = await site.fails(site.listened())
    assert isinstance(fault, TakedownImpossible)
    assert "Evil" not in str(fault)
    assert site.server.got == []


async def test_all_pictures_of_an_album_are_removed_and_those_that_were_are_passed_over() -> None:
    found = [{"chat": "-1", "number": str(number)} for number in (1, 2, 3)]
    handle = orjson.dumps({"listener": "chat", "way": "delete_all", "found": found}).decode()
    async with open_site("telegram", takedown_token_env="MOD_TOKEN") as site:
        ok, gone = (
            b'{"ok":true,"result":true}',
            b'{"ok":false,"description":"Bad Request: message to delete not found"}',
        )
        site.answers += [answering(200, ok), answering(502)]
        assert not isinstance(await site.fails(site.listened(handle=handle)), TakedownImpossible)
        site.answers += [answering(400, gone), answering(200, ok), answering(200, ok)]
        await site.remover.carry_out(site.listened(handle=handle))
        targets = [got.target for got in site.server.got]
        assert targets[2:] == [f"/botmod-token/deleteMessage?chat_id=-1&message_id={n}" for n in (1, 2, 3)]


async def test_an_article_of_which_the_id_is_asked_first() -> None:
    handle = '{"listener":"chat","way":"delete_article","found":[{"publish":"100000001"}]}'
    async with open_site("wechat", takedown_token_env="MOD_TOKEN") as site:
        site.answers.append(answering(200, b'{"publish_id":"100000001","publish_status":1}'))
        fault = await site.fails(site.listened(handle=handle))
        assert not isinstance(fault, TakedownImpossible)  # it is still being published
        known = b'{"publish_id":"100000001","publish_status":0,"article_id":"A-1"}'
        site.answers += [answering(200, known), answering(200, b'{"errcode":0,"errmsg":"ok"}')]
        await site.remover.carry_out(site.listened(handle=handle))
        site.answers.append(answering(200, b'{"publish_id":"100000001","publish_status":5}'))
        await site.remover.carry_out(site.listened(handle=handle))  # its author removed it
        asked = [(got.target.partition("?")[0], orjson.loads(got.body)) for got in site.server.got]
        get, delete = "/cgi-bin/freepublish/get", "/cgi-bin/freepublish/delete"
        assert asked == [
            (get, {"publish_id": "100000001"}),
            (get, {"publish_id": "100000001"}),
            (delete, {"article_id": "A-1"}),
            (get, {"publish_id": "100000001"}),
        ]


async def test_what_is_said_of_what_may_not_be_seen_counts_for_a_second_attempt_only() -> None:
    handle = '{"listener":"chat","way":"delete","found":[{"message":"42"}]}'
    async with open_site("zulip", takedown_token_env="MOD_TOKEN") as site:
        said = b'{"result":"error","msg":"Invalid message(s)","code":"BAD_REQUEST"}'
        site.answers += [answering(400, said), answering(400, said)]
        assert isinstance(await site.fails(site.listened(handle=handle)), TakedownImpossible)
        await site.remover.carry_out(site.listened(replace(TAKEDOWN, attempts=2), handle))
