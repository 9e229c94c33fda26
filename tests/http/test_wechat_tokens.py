"""Access tokens in WeChat's way: who gets one, what it is good for, and for how long."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from gateway.adapters.keys import FileSealer, add_key, new_keys
from gateway.http.budget import Budget
from gateway.http.wechat_tokens import SECONDS, Code
from tests.http.compatible import serve_compatible
from tests.http.conftest import BODY_LIMIT, client_of
from tests.world import ACCOUNT, KEY, OTHER_KEY, THEIRS, World

GOOD = {"grant_type": "client_credential", "appid": "acc-1", "secret": KEY}
TOKEN, STABLE, CHECK = "/cgi-bin/token", "/cgi-bin/stable_token", "/wxa/msg_sec_check"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "keys.json"
    new_keys(path)
    return path


@pytest.fixture
def app(world: World, file: Path) -> FastAPI:
    return serve_compatible(world, FileSealer(file))


@pytest.fixture
def anybody(app: FastAPI) -> httpx.AsyncClient:
    """A client without an application key."""
    return client_of(app, key=None)


async def ask(client: httpx.AsyncClient, way: str, arguments: dict[str, str]) -> httpx.Response:
    match way:
        case "query":
            return await client.get(TOKEN, params=arguments)
        case "query of a POST":
            return await client.post(TOKEN, params=arguments)
        case "form":
            return await client.post(TOKEN, data=arguments)
        case _:
            return await client.post(STABLE, json=arguments)


WAYS = ("query", "query of a POST", "form", "JSON")


@pytest.mark.parametrize("way", WAYS)
async def test_a_token_is_good_for_the_account_it_was_given_for(
    anybody: httpx.AsyncClient, world: World, way: str
) -> None:
    answer = await ask(anybody, way, GOOD)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    token = answer.json()["access_token"]
    assert answer.json() == {"access_token": token, "expires_in": 7200}

    checked = await anybody.post(CHECK, params={"access_token": token}, json={"content": "hello"})
    assert checked.json() == {"errcode": 0, "errmsg": "ok"}
    [(message_id, _, _)] = world.classifiers.asked
    message = (await world.stored(message_id)).message
    assert (message.tenant_id, message.account_id) == ("t1", "acc-1")


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("changes", "errcode"),
    [
        ({"grant_type": "password"}, 40002),
        ({"grant_type": ""}, 40002),
        ({"appid": ""}, 41002),
        ({"secret": ""}, 41004),
        ({"secret": "wrong"}, 40001),
        ({"appid": "nobody-knows"}, 40013),
        ({"appid": THEIRS.account_id}, 40013),
        ({"secret": OTHER_KEY}, 40013),
        ({"appid": "nobody-knows", "secret": "wrong"}, 40001),
    ],
)
async def test_a_request_for_a_token_that_is_refused(
    anybody: httpx.AsyncClient, way: str, changes: dict[str, str], errcode: int
) -> None:
    answer = await ask(anybody, way, GOOD | changes)
    assert (answer.status_code, answer.json()["errcode"]) == (200, errcode)


@pytest.mark.parametrize("missing", ["grant_type", "appid", "secret"])
@pytest.mark.parametrize("way", WAYS)
async def test_a_request_for_a_token_that_lacks_something(anybody: httpx.AsyncClient, way: str, missing: str) -> None:
    arguments = {name: value for name, value in GOOD.items() if name != missing}
    answer = await ask(anybody, way, arguments)
    assert answer.json()["errcode"] == {"grant_type": 40002, "appid": 41002, "secret": 41004}[missing]


@pytest.mark.parametrize(
    ("body", "errcode"),
    [
        (b"", 44002),
        (b" ", 44002),
        (b"{", 47001),
        (b"[]", 47001),
        (b'{"appid": "a", "appid": "b"}', 47001),
        (b'{"grant_type": "client_credential", "appid": 1, "secret": "s"}', 41002),
        (b'{"grant_type": "client_credential", "appid": "a", "secret": ["s"]}', 41004),
        (b" " * (BODY_LIMIT + 1), 45002),
    ],
)
async def test_a_stable_token_needs_a_plain_object(anybody: httpx.AsyncClient, body: bytes, errcode: int) -> None:
    answer = await anybody.post(STABLE, content=body)
    assert (answer.status_code, answer.json()["errcode"]) == (200, errcode)


async def test_a_stable_token_needs_post(anybody: httpx.AsyncClient) -> None:
    assert (await anybody.get(STABLE, params=GOOD)).json()["errcode"] == 43002


@pytest.mark.parametrize("name", list(GOOD))
async def test_an_argument_given_twice_is_refused(anybody: httpx.AsyncClient, name: str) -> None:
    twice = httpx.QueryParams([*GOOD.items(), (name, GOOD[name])])
    assert (await anybody.get(TOKEN, params=twice)).json()["errcode"] == 47001
    mixed = await anybody.post(TOKEN, params={name: GOOD[name]}, data=GOOD)
    assert mixed.json()["errcode"] == 47001


async def test_a_token_ends_with_its_time(anybody: httpx.AsyncClient, world: World) -> None:
    token = (await anybody.get(TOKEN, params=GOOD)).json()["access_token"]
    codes = []
    for passed in (SECONDS * 1000 - 1, 1):
        world.clock.now += passed
        await world.lease.renew()
        answer = await anybody.post(CHECK, params={"access_token": token}, json={"content": "hello"})
        codes.append(answer.json()["errcode"])
    assert codes == [0, 42001]


class Forgetful:
    """A registry that no longer knows any application key."""

    def __init__(self, registry: Any) -> None:
        self._registry = registry

    async def tenant_by_key(self, key_hash: str) -> None:
        return None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._registry, name)


async def test_a_token_ends_with_the_application_key(anybody: httpx.AsyncClient, app: FastAPI, world: World) -> None:
    token = (await anybody.get(TOKEN, params=GOOD)).json()["access_token"]
    app.state.service.registry = Forgetful(world.store)
    answer = await anybody.post(CHECK, params={"access_token": token}, json={"content": "hello"})
    assert answer.json()["errcode"] == 40001
    assert world.store.journal == []


def changed(token: str) -> list[str]:
    raw = base64.urlsafe_b64decode(token)
    flipped = [raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :] for at in (0, 1, 2, len(raw) // 2, len(raw) - 1)]
    return [base64.urlsafe_b64encode(data).decode() for data in (*flipped, raw[:-1], raw + b"x", b"\x01")]


async def test_a_token_that_was_changed_is_refused(anybody: httpx.AsyncClient, world: World) -> None:
    token = (await anybody.get(TOKEN, params=GOOD)).json()["access_token"]
    for bad in (*changed(token), "no token", "ä", f"{token}!", f"!{token}", KEY):
        answer = await anybody.post(CHECK, params={"access_token": bad}, json={"content": "hello"})
        assert answer.json()["errcode"] == 40001, bad
    assert world.store.journal == []


async def test_something_else_that_was_sealed_is_no_token(anybody: httpx.AsyncClient, file: Path, world: World) -> None:
    token = (await anybody.get(TOKEN, params=GOOD)).json()["access_token"]
    sealer = FileSealer(file)
    inside = sealer.open(base64.urlsafe_b64decode(token), "access token for the WeChat-compatible text check")
    other = base64.urlsafe_b64encode(sealer.seal(inside, "a request")).decode()
    answer = await anybody.post(CHECK, params={"access_token": other}, json={"content": "hello"})
    assert answer.json()["errcode"] == 40001


async def test_every_process_with_the_keys_reads_every_token(
    anybody: httpx.AsyncClient, file: Path, world: World
) -> None:
    old = (await anybody.get(TOKEN, params=GOOD)).json()["access_token"]
    add_key(file)
    another = client_of(serve_compatible(world, FileSealer(file)), key=None)
    new = (await another.get(TOKEN, params=GOOD)).json()["access_token"]
    for client, token in ((another, old), (anybody, new)):
        answer = await client.post(CHECK, params={"access_token": token}, json={"content": "hello"})
        assert answer.json()["errcode"] == 0


async def test_without_keys_the_error_says_what_to_do(world: World) -> None:
    client = client_of(serve_compatible(world), key=None)
    answers = [await ask(client, way, GOOD) for way in WAYS]
    answers.append(await client.post(CHECK, params={"access_token": "any"}, json={"content": "hello"}))
    for answer in answers:
        assert (answer.status_code, answer.json()["errcode"]) == (200, 48001)
        assert "GATEWAY_KEYS_FILE" in answer.json()["errmsg"]


async def test_while_the_store_is_away_the_system_is_busy(anybody: httpx.AsyncClient, world: World) -> None:
    world.store.down = True
    for way in WAYS:
        answer = await ask(anybody, way, GOOD)
        assert (answer.status_code, answer.json()["errcode"]) == (200, -1)


async def test_a_token_tells_nothing(anybody: httpx.AsyncClient) -> None:
    first = (await anybody.get(TOKEN, params=GOOD)).json()["access_token"]
    second = (await anybody.get(TOKEN, params=GOOD)).json()["access_token"]
    assert first != second
    for part in (ACCOUNT.account_id.encode(), KEY.encode()):
        assert part not in base64.urlsafe_b64decode(first)


@pytest.mark.parametrize("way", ["query", "query of a POST", "form"])
async def test_more_arguments_than_anybody_needs_are_not_read(anybody: httpx.AsyncClient, way: str) -> None:
    few = {f"a{number}": "" for number in range(50 - len(GOOD))}
    assert "access_token" in (await ask(anybody, way, GOOD | few)).json()
    many = few | {"one_more": ""}
    assert (await ask(anybody, way, GOOD | many)).json()["errcode"] == Code.FORMAT


@pytest.mark.parametrize("path", [TOKEN, STABLE])
async def test_a_request_for_a_token_is_short_however_long_others_may_be(
    anybody: httpx.AsyncClient, app: FastAPI, path: str
) -> None:
    app.state.service.body_limit = 10**6
    app.state.service.budget = Budget(10**6)
    answer = await anybody.post(path, content=b" " * (64 * 1024 + 1))
    assert answer.json()["errcode"] == Code.TOO_LARGE
    assert (await anybody.post(path, content=b" " * 64 * 1024)).json()["errcode"] != Code.TOO_LARGE
