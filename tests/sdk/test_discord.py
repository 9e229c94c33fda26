"""discord.py, with ``discord.http.Route.BASE`` set: it takes no address as a parameter."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import discord
import pytest
from discord.http import Route

from tests.e2e.support import TEXTS
from tests.sdk.site import Site, asend_both_ways
from tests.sdk.upstreams.discord import Discord

CHANNEL = 700_000_000_000_000_001
CODES = {"block": 200_000, "hold": 200_000, "limited": 40_062}


@pytest.fixture
def site(sites: dict[str, Site[Any]]) -> Site[Discord]:
    return sites["discord"]


@asynccontextmanager
async def channel_at(url: str, credential: tuple[str, str] = Discord.GOOD) -> AsyncIterator[discord.PartialMessageable]:
    usual, Route.BASE = Route.BASE, f"{url}/api/v10"
    try:
        async with discord.Client(intents=discord.Intents.none()) as client:
            await client.login(credential[0])
            yield client.get_partial_messageable(CHANNEL)
    finally:
        Route.BASE = usual


def picture() -> discord.File:
    return discord.File(io.BytesIO(b"\x89PNG picture"), "p.png")


@pytest.mark.parametrize("text", TEXTS["allow"])
async def test_an_allowed_message_arrives_as_it_was_sent(site: Site[Discord], text: str) -> None:
    async def send(url: str) -> discord.Message:
        async with channel_at(url) as channel:
            return await channel.send(text, nonce=len(text))

    message: discord.Message = await asend_both_ways(site, send)
    assert message.content == text


async def test_an_allowed_file_with_text_arrives_as_it_was_sent(site: Site[Discord]) -> None:
    async def send(url: str) -> discord.Message:
        async with channel_at(url) as channel:
            return await channel.send(TEXTS["allow"][1], file=picture(), nonce=5)

    message: discord.Message = await asend_both_ways(site, send)
    assert message.content == TEXTS["allow"][1]


@pytest.mark.parametrize("outcome", ["block", "hold"])
async def test_what_is_not_allowed_raises_the_ordinary_error(site: Site[Discord], outcome: str) -> None:
    async with channel_at(site.url) as channel:
        for text in TEXTS[outcome]:
            errors = await site.arefused(
                discord.HTTPException,
                channel.send(text),
                channel.send(text, file=picture()),
                channel.send(embed=discord.Embed(title="News", description=text)),
                channel.get_partial_message(1).edit(content=text),
            )
            assert {error.code for error in errors} == {CODES[outcome]}


async def test_a_restricted_account_gets_the_ordinary_error(site: Site[Discord]) -> None:
    async with channel_at(site.url, Discord.RESTRICTED) as channel:
        (error,) = await site.arefused(discord.HTTPException, channel.send(TEXTS["allow"][0]))
    assert error.code == CODES["limited"]


async def hold(url: str) -> None:
    """Send what the gateway holds."""
    with suppress(discord.HTTPException):
        async with channel_at(url) as channel:
            await channel.send(TEXTS["hold"][1], file=picture(), nonce=1)


async def test_a_released_message_arrives_as_it_was_sent(site: Site[Discord]) -> None:
    with site.releasing():
        await hold(site.server.url)
        await hold(site.url)


async def test_a_release_that_comes_too_late_is_told(site: Site[Discord]) -> None:
    async with channel_at(site.url) as channel:
        with site.releasing_too_late(), suppress(discord.HTTPException):
            await channel.send(TEXTS["hold"][0])


async def test_the_same_nonce_gets_the_same_answer_and_one_effect(site: Site[Discord]) -> None:
    site.server.take()
    async with channel_at(site.url) as channel:
        first, second = [await channel.send(TEXTS["allow"][0], nonce=7) for _ in range(2)]
    assert first.id == second.id
    assert len(site.server.take()) == 1


async def test_a_platform_that_does_not_answer_is_the_ordinary_error(site: Site[Discord]) -> None:
    async with channel_at(site.url) as channel:
        with site.unanswered(), pytest.raises(discord.DiscordServerError):
            await channel.send(TEXTS["allow"][0])


async def test_everything_else_passes(site: Site[Discord]) -> None:
    async with channel_at(site.url) as channel:
        assert (await channel._state.http.get_channel(CHANNEL))["id"] == str(CHANNEL)
