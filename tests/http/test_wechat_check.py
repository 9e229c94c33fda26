"""WeChat's text check: what is asked, what is answered, and that a check is a decision like any other."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from fastapi import FastAPI
from wechatpy import WeChatClient
from wechatpy.exceptions import WeChatClientException

from classifiers.contract import Category, Score, Silence, Span
from gateway.adapters.keys import FileSealer, new_keys
from gateway.core.model import Account, AccountState, Degree, MessageState, Sanction
from gateway.http.budget import Budget
from gateway.http.requests import Receive, hash_key
from gateway.http.wechat_check import LIMIT, PATH
from gateway.http.wechat_tokens import Tokens
from tests.fakes import NOW_MS
from tests.http.compatible import gone, listening, never, post, serve_compatible
from tests.http.conftest import BODY_LIMIT, client_of
from tests.policies import policy
from tests.world import ACCOUNT, CLOSED, KEY, NOBODYS, PERSON, World, open_world

V1 = {"content": "hello"}
V2 = {"version": 2, "scene": 2, "openid": "oReader-1_x", "content": "hello"}


@pytest.fixture
def sealer(tmp_path: Path) -> FileSealer:
    new_keys(tmp_path / "keys.json")
    return FileSealer(tmp_path / "keys.json")


@pytest.fixture
def app(world: World, sealer: FileSealer) -> FastAPI:
    return serve_compatible(world, sealer)


def asker(app: FastAPI, account: Account = ACCOUNT) -> httpx.AsyncClient:
    """A client with an access token of this account."""
    tokens: Tokens = app.state.wechat_tokens
    client = client_of(app, key=None)
    client.params = httpx.QueryParams(access_token=tokens.issue(account.account_id, hash_key(KEY)))
    return client


@pytest.fixture
def client(app: FastAPI) -> httpx.AsyncClient:
    return asker(app)


# -- version 1


@pytest.mark.parametrize(
    ("score", "expected"),
    [
        (0.0, {"errcode": 0, "errmsg": "ok"}),
        (0.6, {"errcode": 87014, "errmsg": "risky content"}),
        (0.95, {"errcode": 87014, "errmsg": "risky content"}),
    ],
)
@pytest.mark.parametrize("version", [None, 1])
async def test_version_1_is_ok_only_if_allowed(
    client: httpx.AsyncClient, world: World, score: float, expected: object, version: int | None
) -> None:
    world.classifiers.say("text", "spam", score)
    answer = await client.post(PATH, json=V1 if version is None else V1 | {"version": version})
    assert (answer.status_code, answer.headers["content-type"], answer.json()) == (200, "application/json", expected)


async def test_a_silent_classifier_is_never_ok(client: httpx.AsyncClient, world: World) -> None:
    world.classifiers.silences["text"] = Silence.TIMEOUT
    assert (await client.post(PATH, json=V1)).json()["errcode"] == 87014
    assert (await client.post(PATH, json=V2)).json()["result"] == {"suggest": "review", "label": 21000}


# -- version 2

LABELS: list[tuple[Category, int]] = [
    ("spam", 10001),
    ("sexual", 20002),
    ("sexual_minors", 20002),
    ("hate", 20003),
    ("harassment", 20003),
    ("violence", 20006),
    ("terrorism", 20006),
    ("gambling", 20006),
    ("illegal_goods", 20006),
    ("fraud", 20008),
    ("self_harm", 21000),
]


@pytest.mark.parametrize(("score", "suggest"), [(0.6, "review"), (0.95, "risky")])
@pytest.mark.parametrize(("category", "label"), LABELS)
async def test_version_2_suggests_and_labels(
    client: httpx.AsyncClient, world: World, category: Category, label: int, score: float, suggest: str
) -> None:
    if category == "self_harm":
        suggest = "review"  # the policy never blocks it
    world.classifiers.say("text", category, score)
    answer = await client.post(PATH, json=V2)
    body = answer.json()
    assert (body["errcode"], body["errmsg"]) == (0, "ok")
    assert body["result"] == {"suggest": suggest, "label": label}
    prob = round(score * 100)
    assert body["detail"] == [
        {"strategy": "content_model", "errcode": 0, "suggest": suggest, "label": label, "prob": prob}
    ]
    assert ("location" in answer.headers) is (suggest == "review")


async def test_version_2_passes_what_is_allowed(client: httpx.AsyncClient, world: World) -> None:
    body = (await client.post(PATH, json=V2)).json()
    assert body["result"] == {"suggest": "pass", "label": 100}
    assert body["detail"] == [{"strategy": "content_model", "errcode": 0, "suggest": "pass", "label": 100}]
    stored = await world.store.message_of_decision(body["trace_id"], "t1")
    assert stored is not None
    assert stored.state is MessageState.DECIDED
    assert stored.message.platform == "wechat_check"
    assert world.upstream.got == []


async def test_the_words_that_moved_it_are_told(client: httpx.AsyncClient, world: World) -> None:
    spans = (Span(0, 0, 3), Span(1, 4, 7), Span(0, 0, 3), Span(9, 0, 1))
    world.classifiers.scores["text"] = (Score("spam", 0.95, spans),)
    body = (await client.post(PATH, json=V2 | {"title": "买药了吗", "content": "win big now"})).json()
    assert body["detail"][0]["keyword"] == "买药了,big"


async def test_the_label_is_of_the_strictest_that_has_one(client: httpx.AsyncClient, world: World) -> None:
    scores = (Score("self_harm", 0.99), Score("spam", 0.6), Score("fraud", 0.95), Score("hate", 0.95))
    world.classifiers.scores["text"] = scores
    world.classifiers.silences["news"] = Silence.FAILED
    body = (await client.post(PATH, json=V2)).json()
    assert body["result"] == {"suggest": "risky", "label": 20008}
    assert [(part["strategy"], part["errcode"], part["suggest"], part["label"]) for part in body["detail"]] == [
        ("content_model", 0, "risky", 20008),
        ("content_model", 0, "risky", 20003),
        ("news", -1, "review", 21000),
        ("content_model", 0, "review", 21000),
        ("content_model", 0, "review", 10001),
    ]


async def test_a_milder_reason_gives_no_label(client: httpx.AsyncClient, world: World) -> None:
    world.policy = policy(("self_harm: {hold: 0.5}", "self_harm: {hold: 0.5, block: 0.9}"))
    world.classifiers.scores["text"] = (Score("self_harm", 0.95), Score("spam", 0.6))
    assert (await client.post(PATH, json=V2)).json()["result"] == {"suggest": "risky", "label": 21000}


async def test_news_of_an_account_that_may_not_publish_it_is_for_review(
    client: httpx.AsyncClient, world: World
) -> None:
    world.classifiers.say("news", "news", 0.95)
    body = (await client.post(PATH, json=V2)).json()
    assert body["result"] == {"suggest": "review", "label": 21000}


RESTRICTED = Account(
    "acc-r", AccountState.ACTIVE, PERSON, sanctions=(Sanction(Degree.RESTRICT, NOW_MS, NOW_MS + 10_000),)
)
PRIVATE = Account("acc-p", AccountState.ACTIVE, private=True)


@pytest.mark.parametrize(
    ("account", "suggest", "label", "strategies"),
    [
        (CLOSED, "risky", 21000, ["standing"]),
        (NOBODYS, "risky", 21000, ["identity"]),
        (RESTRICTED, "review", 21000, ["standing"]),
        (PRIVATE, "pass", 100, []),
    ],
)
async def test_identity_and_standing_count(
    app: FastAPI, world: World, account: Account, suggest: str, label: int, strategies: list[str]
) -> None:
    for extra in (RESTRICTED, PRIVATE):
        await world.put(extra)
    client = asker(app, account)
    body = (await client.post(PATH, json=V2)).json()
    assert body["result"] == {"suggest": suggest, "label": label}
    assert [part["strategy"] for part in body["detail"]] == strategies
    ok = 0 if suggest == "pass" else 87014
    assert (await client.post(PATH, json=V1)).json()["errcode"] == ok


async def test_a_held_check_can_be_looked_up(client: httpx.AsyncClient, app: FastAPI, world: World) -> None:
    world.classifiers.say("text", "spam", 0.6)
    answer = await client.post(PATH, json=V2)
    found = await client_of(app).get(answer.headers["location"])
    assert (found.json()["decision_id"], found.json()["state"]) == (answer.json()["trace_id"], "held")


# -- what is judged


@pytest.mark.parametrize(
    ("body", "texts"),
    [
        (V1, ("hello",)),
        (V1 | {"title": "t", "nickname": "n", "signature": "s"}, ("t", "hello", "n", "s")),
        (V2 | {"signature": "s", "nickname": "n", "title": "t", "scene": 1}, ("t", "hello", "n", "s")),
        (V2 | {"title": None, "nickname": ""}, ("hello",)),
        (V2 | {"more": ["x", {"y": "z"}]}, ("hello", "x", "z")),
        (V2 | {"want to buy?": "no"}, ("hello", "want to buy?", "no")),
        (V1 | {"openid": "buy now", "scene": "cheap"}, ("hello", "buy now", "cheap")),
        ({"content": '{"a": "b\\u0061d"}'}, ('{"a": "b\\u0061d"}', "bad")),
    ],
)
async def test_every_text_is_judged(
    client: httpx.AsyncClient, world: World, body: dict[str, object], texts: tuple[str, ...]
) -> None:
    answer = await client.post(PATH, json=body)
    assert answer.json()["errcode"] == 0
    [(message_id, names, deadline_ms)] = world.classifiers.asked
    assert (await world.stored(message_id)).message.texts == texts
    assert (names, deadline_ms) == (("text", "news"), NOW_MS + 800)


@pytest.mark.parametrize("content_type", [None, "text/plain", "application/json; charset=utf-8", "application/json"])
async def test_the_body_is_json_whatever_its_type(
    client: httpx.AsyncClient, world: World, content_type: str | None
) -> None:
    headers = {} if content_type is None else {"Content-Type": content_type}
    answer = await client.post(PATH, content=b'{"content": "\\u4f60\\u597d"}', headers=headers)
    assert answer.json() == {"errcode": 0, "errmsg": "ok"}
    [(message_id, _, _)] = world.classifiers.asked
    assert (await world.stored(message_id)).message.texts == ("你好",)


# -- what is refused


def without(name: str) -> bytes:
    return orjson.dumps({key: value for key, value in V2.items() if key != name})


def with_(**changes: object) -> bytes:
    return orjson.dumps(V2 | changes)


def inside(times: int) -> str:
    """JSON as text in JSON as text..."""
    text = "[]"
    for _ in range(times):
        text = orjson.dumps([text]).decode()
    return text


NESTED = b'{"content": "x", "a": %b}' % (b"[" * 40 + b"]" * 40)


@pytest.mark.parametrize(
    ("body", "errcode", "named"),
    [
        (b"", 44002, ""),
        (b"  ", 44002, ""),
        (b"{}", 44002, "content"),
        (without("content"), 44002, "content"),
        (with_(content=""), 44002, "content"),
        (b"content=hello", 47001, ""),
        (b"{", 47001, ""),
        (b"[]", 47001, ""),
        (b'"hello"', 47001, ""),
        (b"\xef\xbb\xbf{}", 47001, ""),
        (b'{"content": "\xff"}', 47001, ""),
        (b'{"content": "\\ud800"}', 47001, ""),
        (b'{"content": "a", "content": "b"}', 47001, "content"),
        (b'{"content": "a", "c\\u006fntent": "b"}', 47001, "content"),
        (b'{"content": "a", "x": {"k": 1, "k": 2}}', 47001, "k"),
        (NESTED, 47001, ""),
        (with_(content=1), 47001, "content"),
        (with_(content=["a"]), 47001, "content"),
        (with_(title=1), 47001, "title"),
        (with_(nickname={}), 47001, "nickname"),
        (with_(signature=False), 47001, "signature"),
        (with_(content=inside(7)), 47001, ""),
        (with_(version=3), 47001, "version"),
        (with_(version="2"), 47001, "version"),
        (with_(version=2.0), 47001, "version"),
        (with_(version=True), 47001, "version"),
        (with_(version=None), 47001, "version"),
        (without("scene"), 40129, "scene"),
        (with_(scene=0), 40129, "scene"),
        (with_(scene=5), 40129, "scene"),
        (with_(scene="1"), 40129, "scene"),
        (with_(scene=True), 40129, "scene"),
        (without("openid"), 40003, "openid"),
        (with_(openid=""), 40003, "openid"),
        (with_(openid=7), 40003, "openid"),
        (with_(openid="buy now"), 40003, "openid"),
        (with_(openid="x" * 129), 40003, "openid"),
        (b" " * (BODY_LIMIT + 1), 45002, ""),
    ],
)
async def test_a_body_that_cannot_be_checked(
    client: httpx.AsyncClient, world: World, body: bytes, errcode: int, named: str
) -> None:
    answer = await client.post(PATH, content=body)
    assert (answer.status_code, answer.json()["errcode"]) == (200, errcode)
    assert named in answer.json()["errmsg"]
    assert world.store.journal == []


async def test_more_text_than_wechat_takes_is_refused(app: FastAPI, client: httpx.AsyncClient) -> None:
    app.state.service.body_limit = 10**6
    app.state.service.budget = Budget(10**6)
    codes = []
    for size in (LIMIT, LIMIT + 1):
        answer = await client.post(
            PATH, json={"content": "é" * ((size - 1) // 2) + "x" * ((size - 1) % 2), "title": "x"}
        )
        codes.append(answer.json()["errcode"])
    assert codes == [0, 45002]


@pytest.mark.parametrize(
    ("query", "errcode"),
    [
        ("", 41001),
        ("access_token=", 41001),
        ("token=x", 41001),
        ("access_token=x", 40001),
        ("access_token={token}&access_token={token}", 47001),
    ],
)
async def test_without_a_token_nothing_is_checked(app: FastAPI, world: World, query: str, errcode: int) -> None:
    token = asker(app).params["access_token"]
    async with client_of(app, key=None) as client:
        answer = await client.post(f"{PATH}?{query.format(token=token)}", content=b"not even JSON")
    assert (answer.status_code, answer.json()["errcode"]) == (200, errcode)
    assert world.store.journal == []


async def test_it_needs_post(client: httpx.AsyncClient) -> None:
    assert (await client.get(PATH)).json()["errcode"] == 43002


async def test_a_coded_body_is_refused(client: httpx.AsyncClient) -> None:
    answer = await client.post(PATH, json=V1, headers={"Content-Encoding": "gzip"})
    assert answer.json()["errcode"] == 47001


# -- faults


@pytest.mark.parametrize("body", [V1, V2])
async def test_a_decision_that_cannot_be_recorded_is_system_busy(
    client: httpx.AsyncClient, world: World, body: dict[str, object]
) -> None:
    world.store.refuse.add("commit")
    answer = await client.post(PATH, json=body)
    assert (answer.status_code, answer.json()["errcode"]) == (200, -1)


async def test_while_the_store_is_away_the_system_is_busy(client: httpx.AsyncClient, world: World) -> None:
    world.store.down = True
    assert (await client.post(PATH, json=V2)).json()["errcode"] == -1


async def test_what_exceeds_the_limit_is_system_busy(sealer: FileSealer) -> None:
    world = await open_world(limit=1)
    world.classifiers.answering.clear()
    client = asker(serve_compatible(world, sealer))
    first = asyncio.create_task(client.post(PATH, json=V1))
    await world.classifiers.waiting.wait()
    second = await client.post(PATH, json=V1)
    world.classifiers.answering.set()
    assert [(await first).json()["errcode"], second.json()["errcode"]] == [0, -1]


@pytest.mark.parametrize(("receive", "errcode"), [(never, 47001), (gone, 44002)])
async def test_a_body_that_is_slow_or_cut_off_decides_nothing(
    world: World, sealer: FileSealer, receive: Receive, errcode: int
) -> None:
    app = serve_compatible(world, sealer, read_seconds=0.01)
    token = asker(app).params["access_token"]
    status, body = await post(app, PATH, f"access_token={token}", {}, receive)
    assert (status, body["errcode"]) == (200, errcode)
    assert world.store.journal == []


# -- the real client


class Client(WeChatClient):  # type: ignore[misc]
    """wechatpy with every address at ``url``: these are the lines it takes."""

    def __init__(self, url: str, appid: str, secret: str) -> None:
        super().__init__(appid, secret)
        self.url = self.wxa.API_BASE_URL = f"{url}/"

    def fetch_access_token(self) -> Any:
        params = {"grant_type": "client_credential", "appid": self.appid, "secret": self.secret}
        return self._fetch_access_token(f"{self.url}cgi-bin/token", params)

    def check(self, **fields: object) -> Any:
        return self.post(f"{self.url}wxa/msg_sec_check", data={**V2, **fields})


async def client_asks(app: FastAPI, ask: Callable[[Client], Any], secret: str = KEY) -> Any:
    def in_a_thread() -> Any:
        client = Client(url, "acc-1", secret)
        with client._http:
            return ask(client)

    async with listening(app) as url:
        return await asyncio.to_thread(in_a_thread)


async def test_wechatpy_is_told_ok(app: FastAPI, world: World) -> None:
    answer = await client_asks(app, lambda client: client.wxa.check_text_security("你好"))
    assert answer == {"errcode": 0, "errmsg": "ok"}
    [(message_id, _, _)] = world.classifiers.asked
    assert (await world.stored(message_id)).message.texts == ("你好",)


@pytest.mark.parametrize("score", [0.6, 0.95])
async def test_wechatpy_raises_its_ordinary_error_once(app: FastAPI, world: World, score: float) -> None:
    world.classifiers.say("text", "fraud", score)
    with pytest.raises(WeChatClientException) as raised:
        await client_asks(app, lambda client: client.wxa.check_text_security("send 500"))
    assert (raised.value.errcode, raised.value.errmsg) == (87014, "risky content")
    assert len(world.store.journal) == 1


@pytest.mark.parametrize(("score", "suggest"), [(0.0, "pass"), (0.6, "review"), (0.95, "risky")])
async def test_wechatpy_is_given_version_2s_answer(app: FastAPI, world: World, score: float, suggest: str) -> None:
    world.classifiers.say("text", "fraud", score)
    answer = await client_asks(app, lambda client: client.check(nickname="小明"))
    assert answer["result"]["suggest"] == suggest


async def test_wechatpy_fetches_a_new_token_when_its_own_has_ended(app: FastAPI, world: World) -> None:
    def ask(client: Client) -> Any:
        client.fetch_access_token()
        old = client.access_token
        world.clock.now += 7_200_000
        asyncio.run_coroutine_threadsafe(world.lease.renew(), loop).result()
        return client.check(), old != client.access_token

    loop = asyncio.get_running_loop()
    answer, renewed = await client_asks(app, ask)
    assert (answer["errcode"], renewed) == (0, True)


@pytest.mark.parametrize(
    ("secret", "ask", "errcode"),
    [
        ("wrong", lambda client: client.check(), 40001),
        (KEY, lambda client: client.check(scene=9), 40129),
        (KEY, lambda client: client.check(content=""), 44002),
    ],
)
async def test_wechatpy_raises_for_what_is_refused(
    app: FastAPI, secret: str, ask: Callable[[Client], Any], errcode: int
) -> None:
    with pytest.raises(WeChatClientException) as raised:
        await client_asks(app, ask, secret)
    assert raised.value.errcode == errcode
