"""qq-botpy, with ``botpy.http.Route.SCHEME`` and ``DOMAIN`` set: it takes no address as a parameter.

Its access token comes from an address of its own that cannot be set, so the bot is given one that it already has.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest
from botpy.api import BotAPI
from botpy.errors import ForbiddenError, SequenceNumberError, ServerError
from botpy.http import BotHttp, Route
from botpy.robot import Token

from tests.e2e.support import TEXTS
from tests.sdk.site import Site, asend_both_ways
from tests.sdk.upstreams.qq import QQ

# It makes an SSL context in the old way for each session, also for http.
pytestmark = pytest.mark.filterwarnings("ignore:ssl.(SSLContext|PROTOCOL_TLS):DeprecationWarning:botpy.http")


@pytest.fixture
def site(sites: dict[str, Site[Any]]) -> Site[QQ]:
    return sites["qq"]


@asynccontextmanager
async def api_at(url: str, credential: tuple[str, str] = QQ.GOOD) -> AsyncIterator[BotAPI]:
    place = urlsplit(url)
    usual = Route.SCHEME, Route.DOMAIN
    Route.SCHEME, Route.DOMAIN = place.scheme, place.netloc
    token = Token("app", "secret")
    token.access_token, token.expires_in = credential[0], sys.maxsize
    http = BotHttp(timeout=10)
    try:
        await http.login(token)
        yield BotAPI(http)
    finally:
        await http.close()
        Route.SCHEME, Route.DOMAIN = usual


@pytest.mark.parametrize("text", TEXTS["allow"])
async def test_an_allowed_message_arrives_as_it_was_sent(site: Site[QQ], text: str) -> None:
    async def to_channel(url: str) -> Any:
        async with api_at(url) as api:
            return await api.post_message("77", content=text)

    async def to_group(url: str) -> Any:
        async with api_at(url) as api:
            return await api.post_group_message("G1", content=text)

    async def to_user(url: str) -> Any:
        async with api_at(url) as api:
            return await api.post_c2c_message("U1", content=text)

    assert (await asend_both_ways(site, to_channel))["content"] == text
    assert (await asend_both_ways(site, to_group))["id"]
    assert (await asend_both_ways(site, to_user))["id"]


@pytest.mark.parametrize("text", TEXTS["block"])
async def test_a_blocked_message_raises_the_ordinary_error(site: Site[QQ], text: str) -> None:
    async with api_at(site.url) as api:
        await site.arefused(
            ForbiddenError,
            api.post_message("77", content=text),
            api.post_group_message("G1", content=text),
            api.post_c2c_message("U1", content=text),
        )


@pytest.mark.parametrize("text", TEXTS["hold"])
async def test_a_held_message_is_answered_as_one_under_audit(site: Site[QQ], text: str) -> None:
    site.server.take()
    async with api_at(site.url) as api:
        answer: Any = await api.post_message("77", content=text)
    assert answer["code"] == 304023
    assert answer["data"]["message_audit"]["audit_id"]
    assert site.server.take() == []


async def test_a_restricted_account_gets_the_ordinary_error(site: Site[QQ]) -> None:
    async with api_at(site.url, QQ.RESTRICTED) as api:
        await site.arefused(SequenceNumberError, api.post_message("77", content=TEXTS["allow"][0]))


async def hold(url: str) -> None:
    """Send what the gateway holds."""
    async with api_at(url) as api:
        await api.post_group_message("G1", content=TEXTS["hold"][1])


async def test_a_released_message_arrives_as_it_was_sent(site: Site[QQ]) -> None:
    with site.releasing():
        await hold(site.server.url)
        await hold(site.url)


async def test_a_release_that_comes_too_late_is_told(site: Site[QQ]) -> None:
    with site.releasing_too_late():
        await hold(site.url)


async def test_a_platform_that_does_not_answer_is_the_ordinary_error(site: Site[QQ]) -> None:
    async with api_at(site.url) as api:
        with site.unanswered(), pytest.raises(ServerError):
            await api.post_message("77", content=TEXTS["allow"][0])


async def test_everything_else_passes(site: Site[QQ]) -> None:
    async with api_at(site.url) as api:
        assert (await api.me())["username"] == "news"
