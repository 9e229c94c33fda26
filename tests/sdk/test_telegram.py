"""python-telegram-bot, with ``base_url`` set."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Any

import pytest
from telegram import Bot, InputFile, Message
from telegram.error import Forbidden, NetworkError, RetryAfter

from tests.e2e.support import TEXTS
from tests.sdk.site import Site, asend_both_ways
from tests.sdk.upstreams.telegram import Telegram

CHANNEL = "@news"


@pytest.fixture
def site(sites: dict[str, Site[Any]]) -> Site[Telegram]:
    return sites["telegram"]


@asynccontextmanager
async def bot_at(url: str, credential: tuple[str, str] = Telegram.GOOD) -> AsyncIterator[Bot]:
    async with Bot(credential[0], base_url=f"{url}/bot") as bot:
        yield bot


@pytest.mark.parametrize("text", TEXTS["allow"])
async def test_an_allowed_message_arrives_as_it_was_sent(site: Site[Telegram], text: str) -> None:
    async def send(url: str) -> Message:
        async with bot_at(url) as bot:
            return await bot.send_message(CHANNEL, text)

    message: Message = await asend_both_ways(site, send)
    assert message.text == text


async def test_an_allowed_edit_arrives_as_it_was_sent(site: Site[Telegram]) -> None:
    async def send(url: str) -> Message | bool:
        async with bot_at(url) as bot:
            return await bot.edit_message_text(TEXTS["allow"][0], CHANNEL, 7)

    assert isinstance(await asend_both_ways(site, send), Message)


async def test_an_allowed_picture_with_caption_arrives_as_it_was_sent(site: Site[Telegram]) -> None:
    async def send(url: str) -> Message:
        async with bot_at(url) as bot:
            return await bot.send_photo(CHANNEL, InputFile(b"\x89PNG picture", "p.png"), caption=TEXTS["allow"][1])

    message: Message = await asend_both_ways(site, send)
    assert message.photo


@pytest.mark.parametrize("text", [*TEXTS["block"], *TEXTS["hold"]])
async def test_what_is_not_allowed_raises_the_ordinary_error(site: Site[Telegram], text: str) -> None:
    async with bot_at(site.url) as bot:
        errors = await site.arefused(
            Forbidden,
            bot.send_message(CHANNEL, text),
            bot.edit_message_text(text, CHANNEL, 7),
            bot.send_photo(CHANNEL, InputFile(b"\x89PNG picture", "p.png"), caption=text),
        )
    assert {"Held for review as " in error.message for error in errors} == {text in TEXTS["hold"]}


async def test_a_restricted_account_gets_the_ordinary_error(
    site: Site[Telegram], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PTB_TIMEDELTA", "true")  # without it, it warns of what is to change
    async with bot_at(site.url, Telegram.RESTRICTED) as bot:
        (error,) = await site.arefused(RetryAfter, bot.send_message(CHANNEL, TEXTS["allow"][0]))
    assert error.retry_after == timedelta(hours=1)


async def hold(url: str) -> None:
    """Send what the gateway holds."""
    with suppress(Forbidden):
        async with bot_at(url) as bot:
            await bot.send_photo(CHANNEL, InputFile(b"\x89PNG picture", "p.png"), caption=TEXTS["hold"][1])


async def test_a_released_message_arrives_as_it_was_sent(site: Site[Telegram]) -> None:
    with site.releasing():
        await hold(site.server.url)
        await hold(site.url)


async def test_a_release_that_comes_too_late_is_told(site: Site[Telegram]) -> None:
    with site.releasing_too_late():
        await hold(site.url)


async def test_a_platform_that_does_not_answer_is_the_ordinary_error(site: Site[Telegram]) -> None:
    async with bot_at(site.url) as bot:
        with site.unanswered(), pytest.raises(NetworkError):
            await bot.send_message(CHANNEL, TEXTS["allow"][0])


async def test_everything_else_passes(site: Site[Telegram]) -> None:
    async with bot_at(site.url) as bot:
        assert (await bot.get_me()).username == "bot_1001"
        assert await bot.get_updates(timeout=1) == ()
