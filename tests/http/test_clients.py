"""Requests that show no account's credential, which are told by the client's address: answers to interactions."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import discord
import httpx
import orjson
import pytest
from aiohttp import TCPConnector
from discord.http import Route
from msgspec.structs import replace

from gateway.adapters.keys import FileSealer, new_keys
from gateway.clients import Clients
from gateway.core.model import AccountState, MessageState
from gateway.identify import Identify
from gateway.platforms.listeners import Listener
from gateway.platforms.reading import SEPARATOR
from gateway.platforms.shipped import load_shipped
from tests.fakes import FakeClock
from tests.http.moderated import Site, site
from tests.world import ACCOUNT

MAP = Path("gateway/platforms/discord.yaml").read_text()
BOT_ADDRESS, OTHER_ADDRESS = "127.0.0.2", "127.0.0.3"
ME = "/api/v10/users/@me"
TOKEN = "aW50ZXJhY3Rpb246OTpr"
CALLBACK = f"/api/v10/interactions/9/{TOKEN}/callback"
FOLLOWUP = f"/api/v10/webhooks/7/{TOKEN}"
ORIGINAL = f"{FOLLOWUP}/messages/@original"
REPLIES = [
    ("POST", CALLBACK, {"type": 4, "data": {"content": "hello"}}),
    ("POST", FOLLOWUP, {"content": "hello"}),
    ("PATCH", ORIGINAL, {"content": "hello"}),
]


class Bots:
    """Clients of a Discord listener, by their addresses."""

    def __init__(self, chatty: Site) -> None:
        self.chatty = chatty

    async def ask(
        self, address: str, method: str, path: str, body: Any = None, token: str = "", **headers: str
    ) -> httpx.Response:
        """A request from this address."""
        shown = {"Authorization": f"Bot {token}"} if token else {}
        transport = httpx.AsyncHTTPTransport(local_address=address)
        async with httpx.AsyncClient(base_url=self.chatty.client.base_url, transport=transport) as client:
            return await client.request(method, path, json=body, headers={**shown, **headers})

    async def show(self, address: str, token: str, account_id: str = ACCOUNT.account_id, **headers: str) -> None:
        """A bot reads from this address, and the platform will know whose it is."""
        self.chatty.me(account_id)
        read = await self.ask(address, "GET", ME, token=token, **headers)
        assert read.status_code == 200

    async def reply(self, address: str, text: str = "hello", **headers: str) -> str:
        """What becomes of an answer to an interaction from this address."""
        body = {"type": 4, "data": {"content": text}}
        answer = await self.ask(address, "POST", CALLBACK, body, **headers)
        return str(answer.headers.get("x-moderation", "published"))


@asynccontextmanager
async def bots(tmp_path: Path, **fields: Any) -> AsyncIterator[Bots]:
    async with site(tmp_path, MAP, **fields) as chatty:
        yield Bots(chatty)


async def owners(found: Bots) -> list[str]:
    """The accounts that messages are held to be of."""
    kept = [await found.chatty.world.store.in_state(state, 99) for state in MessageState]
    return sorted(one.message.account_id for some in kept for one in some)


@pytest.mark.parametrize(("method", "path", "body"), REPLIES)
async def test_an_answer_to_an_interaction_is_the_bots_whose_address_it_comes_from(
    tmp_path: Path, method: str, path: str, body: Any
) -> None:
    async with bots(tmp_path) as found:
        await found.show(BOT_ADDRESS, "bot")
        found.chatty.me(ACCOUNT.account_id)  # whose it is is asked when it is needed
        found.chatty.plays(b'{"id":"1"}')
        answer = await found.ask(BOT_ADDRESS, method, path, body)
        assert (answer.status_code, answer.json()) == (200, {"id": "1"})
        assert await owners(found) == [ACCOUNT.account_id]
        assert [request.split(b" ")[1].decode() for request in found.chatty.peer.requests] == [ME, ME, path]


async def test_a_message_that_the_bot_sent_shows_whose_address_it_is(tmp_path: Path) -> None:
    async with bots(tmp_path) as found:
        found.chatty.me(ACCOUNT.account_id)
        found.chatty.plays(b'{"id":"1"}')
        sent = await found.ask(BOT_ADDRESS, "POST", "/api/v10/channels/5/messages", {"content": "hi"}, token="bot")
        assert sent.status_code == 200
        found.chatty.plays(b'{"id":"2"}')
        assert await found.reply(BOT_ADDRESS) == "published"


async def test_it_is_judged_like_any_other_message_of_the_bot(tmp_path: Path) -> None:
    async with bots(tmp_path) as found:
        await found.show(BOT_ADDRESS, "bot")
        found.chatty.world.classifiers.say("text", "spam", 0.99)
        found.chatty.me(ACCOUNT.account_id)
        assert await found.reply(BOT_ADDRESS, "buy") == "blocked"
        await found.chatty.put(replace(ACCOUNT, state=AccountState.CLOSED))
        found.chatty.world.classifiers.say("text", "spam", 0.0)
        assert await found.reply(BOT_ADDRESS) == "blocked"


async def test_who_calls_from_another_address_neither_publishes_as_the_bot_nor_is_anything_held_against_it(
    tmp_path: Path,
) -> None:
    async with bots(tmp_path) as found:
        await found.show(BOT_ADDRESS, "bot")
        requests = len(found.chatty.peer.requests)
        assert await found.reply(OTHER_ADDRESS) == "held"
        forged = {"X-Forwarded-For": BOT_ADDRESS, "Forwarded": f"for={BOT_ADDRESS}", "X-Real-IP": BOT_ADDRESS}
        assert await found.reply(OTHER_ADDRESS, "forged", **forged) == "held"
        found.chatty.world.classifiers.say("text", "spam", 0.99)
        assert await found.reply(OTHER_ADDRESS, "buy") == "blocked"  # for what it says, and as nobody's
        assert all(owner.startswith("?") for owner in await owners(found))
        assert len(found.chatty.peer.requests) == requests


async def test_behind_a_proxy_of_our_own_the_address_is_the_clients(tmp_path: Path) -> None:
    async with bots(tmp_path, trusted_peers=[f"{OTHER_ADDRESS}/32"]) as found:
        mine, others = {"X-Forwarded-For": "203.0.113.7"}, {"X-Forwarded-For": "203.0.113.8"}
        await found.show(OTHER_ADDRESS, "bot", **mine)
        found.chatty.me(ACCOUNT.account_id)
        assert await found.reply(OTHER_ADDRESS, **others) == "held"
        found.chatty.plays(b'{"id":"1"}')
        assert await found.reply(OTHER_ADDRESS, "again", **mine) == "published"


async def test_where_an_address_has_two_bots_an_answer_is_nobodys(tmp_path: Path) -> None:
    async with bots(tmp_path) as found:
        await found.chatty.put(replace(ACCOUNT, account_id="acc-2"))
        await found.show(BOT_ADDRESS, "bot")
        await found.show(BOT_ADDRESS, "second", "acc-2")
        for account_id in (ACCOUNT.account_id, "acc-2"):
            found.chatty.me(account_id)
        assert await found.reply(BOT_ADDRESS) == "held"
        assert all(owner.startswith("?") for owner in await owners(found))


async def test_two_credentials_of_one_bot_are_one_and_one_that_the_platform_refuses_by_now_is_none(
    tmp_path: Path,
) -> None:
    async with bots(tmp_path) as found:
        for token in ("bot", "new", "gone"):
            await found.show(BOT_ADDRESS, token)
        for account_id in (ACCOUNT.account_id, ACCOUNT.account_id, None):
            found.chatty.me(account_id)
        found.chatty.plays(b'{"id":"1"}')
        assert await found.reply(BOT_ADDRESS) == "published"


@pytest.mark.parametrize("status", ["401 Unauthorized", "403 Forbidden"])
async def test_a_credential_that_the_platform_did_not_take_shows_nothing(tmp_path: Path, status: str) -> None:
    async with bots(tmp_path) as found:
        found.chatty.plays(b"{}", status)
        await found.ask(BOT_ADDRESS, "GET", ME, token="bot")
        assert await found.reply(BOT_ADDRESS) == "held"
        assert len(found.chatty.peer.requests) == 1


async def test_where_the_platform_does_not_say_whose_it_is_an_answer_is_held(tmp_path: Path) -> None:
    async with bots(tmp_path) as found:
        await found.show(BOT_ADDRESS, "bot")
        found.chatty.plays(b"{}", "503 Service Unavailable")
        assert await found.reply(BOT_ADDRESS) == "held"


async def test_an_address_ends_nobodys_moderation(tmp_path: Path) -> None:
    async with bots(tmp_path) as found:
        await found.chatty.put(replace(ACCOUNT, private=True))
        await found.show(BOT_ADDRESS, "bot")
        found.chatty.me(ACCOUNT.account_id)
        assert await found.reply(BOT_ADDRESS) == "held"


async def test_the_address_of_a_webhooks_caller_is_not_the_webhooks(tmp_path: Path) -> None:
    async with bots(tmp_path) as found:
        index = found.chatty.sealer.index(SEPARATOR.join(["webhook", "7", "key"]))
        hook = "/api/v10/webhooks/7/key"
        await found.chatty.world.store.put_credential("t1", "discord", index, ACCOUNT.account_id, None)
        assert (await found.ask(BOT_ADDRESS, "POST", hook, {"content": "hi"})).status_code == 200
        found.chatty.me(ACCOUNT.account_id)
        assert await found.reply(BOT_ADDRESS) == "held"


async def test_an_unmodified_sdk_answers_an_interaction(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    user = {"id": "41", "username": "news", "discriminator": "0", "avatar": None, "bot": True}
    about = {"icon": None, "description": "", "verify_key": "", "team": None, "owner": user, "id": "41", "name": "News"}
    of_app = {**about, "bot_public": True, "bot_require_code_grant": False}
    done = {"interaction": {"id": "9", "type": 2, "response_message_id": "1"}}
    event = {"id": "9", "type": 2, "token": TOKEN, "version": 1, "application_id": "41", "attachment_size_limit": 1}
    async with bots(tmp_path) as found:
        await found.chatty.put(replace(ACCOUNT, account_id="41"))
        monkeypatch.setattr(Route, "BASE", f"{str(found.chatty.client.base_url).rstrip('/')}/api/v10")
        for answer in (user, of_app, user, done):  # the third when the gateway asks whose the credential is
            found.chatty.plays(orjson.dumps(answer))
        connector = TCPConnector(local_addr=(BOT_ADDRESS, 0))
        async with discord.Client(intents=discord.Intents.none(), connector=connector) as client:
            await client.login("bot")
            interaction = discord.Interaction(data=event, state=client._connection)  # type: ignore[arg-type]
            sent = await interaction.response.send_message("hello")
        assert sent.message_id == 1
        assert await owners(found) == ["41"]
        assert b'"hello"' in found.chatty.peer.requests[-1]


# -- what is remembered


class Kept:
    """Clients of a Discord listener, at most three; credentials are those of the account that they name."""

    def __init__(self, tmp_path: Path) -> None:
        new_keys(tmp_path / "keys.json")
        self.sealer, self.clock = FileSealer(tmp_path / "keys.json"), FakeClock()
        self.listener = Listener(name="d", platform="discord", tenant="t1", port=1, upstream="http://one.example")
        self.listener.use(load_shipped("discord"))
        identify = Identify(self, None, self.sealer, self.clock)  # type: ignore[arg-type]
        self.clients = Clients(identify, self.sealer, self.clock, size=3)
        self.accounts = {self.sealer.index(f"{name} {number}"): name for name in ("a", "b") for number in range(9)}

    async def account_by_credential(self, _tenant_id: str, _platform: str, index: str, _now_ms: int) -> str | None:
        """See `gateway.ports.Credentials`."""
        return self.accounts.get(index)

    async def put_credential(self, *_: Any) -> None:
        """See `gateway.ports.Credentials`."""

    def note(self, client: str, credential: str) -> None:
        """This client shows this credential."""
        self.clients.note(self.listener, client, credential)

    async def of(self, client: str) -> str | None:
        """Whose this client's requests are."""
        return await self.clients.account_id(self.listener, client, Free())


class Free:
    """Anybody may ask as often as they like."""

    def take(self) -> bool:
        """See `gateway.identify.Asking`."""
        return True

    def give_back(self) -> None:
        """See `gateway.identify.Asking`."""


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    return Kept(tmp_path)


async def test_of_a_client_without_an_address_nothing_is_remembered(kept: Kept) -> None:
    kept.note("", "a 1")
    assert await kept.of("") is None


async def test_the_client_that_was_silent_longest_is_forgotten(kept: Kept) -> None:
    for client in ("1", "2", "3", "1", "4"):
        kept.note(client, "a 1")
    assert [await kept.of(client) for client in ("1", "2", "3", "4")] == ["a", None, "a", "a"]


async def test_of_a_client_with_many_credentials_nothing_can_be_told_and_few_are_kept(kept: Kept) -> None:
    for number in range(4):
        kept.note("1", f"a {number}")
    assert await kept.of("1") == "a"
    for number in range(9):
        kept.note("1", f"a {number}")
    assert await kept.of("1") is None
    assert len(kept.clients._clients["d", "1"]) == 5


async def test_each_credential_counts_for_its_own_hour(kept: Kept) -> None:
    kept.note("1", "b 1")
    kept.clock.now += 1
    kept.note("1", "a 1")
    assert await kept.of("1") is None
    kept.clock.now += 3_600_000 - 1
    assert await kept.of("1") == "a"
    kept.clock.now += 1
    assert await kept.of("1") is None


async def test_where_no_route_asks_for_it_nothing_is_remembered(kept: Kept) -> None:
    kept.listener.use(load_shipped("telegram"))
    kept.note("1", "a 1")
    assert kept.clients._clients == {}


def test_no_credential_is_kept_in_clear(kept: Kept) -> None:
    kept.note("1", "very-secret 1")
    assert "very-secret" not in repr(kept.clients._clients)
