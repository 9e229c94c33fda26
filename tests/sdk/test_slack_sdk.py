"""slack_sdk, with ``base_url`` set."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from tests.e2e.support import TEXTS
from tests.sdk.site import Site, asend_both_ways, send_both_ways
from tests.sdk.upstreams.slack import Slack

ERRORS = {"block": "restricted_action", "hold": "message_held_for_review", "limited": "ratelimited"}


@pytest.fixture
def site(sites: dict[str, Site[Any]]) -> Site[Slack]:
    return sites["slack"]


def client_at(url: str, credential: tuple[str, str] = Slack.GOOD) -> WebClient:
    return WebClient(credential[0], base_url=f"{url}/api/")


@pytest.mark.parametrize("text", TEXTS["allow"])
def test_an_allowed_message_arrives_as_it_was_sent(site: Site[Slack], text: str) -> None:
    answer = send_both_ways(site, lambda url: client_at(url).chat_postMessage(channel="C1", text=text))
    assert answer["message"]["text"] == text


async def test_the_asynchronous_client_does_the_same(site: Site[Slack]) -> None:
    async def send(url: str) -> Any:
        client = AsyncWebClient(Slack.GOOD[0], base_url=f"{url}/api/")
        return await client.chat_postMessage(channel="C1", text=TEXTS["allow"][0])

    assert (await asend_both_ways(site, send))["ok"]


def test_an_allowed_edit_arrives_as_it_was_sent(site: Site[Slack]) -> None:
    text = TEXTS["allow"][0]
    answer = send_both_ways(site, lambda url: client_at(url).chat_update(channel="C1", ts="1700000000.1", text=text))
    assert answer["ts"] == "1700000000.1"


def writes(client: WebClient, text: str) -> list[Callable[[], Any]]:
    section = {"type": "section", "text": {"type": "plain_text", "text": text}}
    return [
        lambda: client.chat_postMessage(channel="C1", text=text),
        lambda: client.chat_postMessage(channel="C1", text="News", blocks=[section]),
        lambda: client.chat_update(channel="C1", ts="1700000000.1", text=text),
    ]


@pytest.mark.parametrize("outcome", ["block", "hold"])
def test_what_is_not_allowed_raises_the_ordinary_error(site: Site[Slack], outcome: str) -> None:
    for text in TEXTS[outcome]:
        errors = site.refused(SlackApiError, *writes(client_at(site.url), text))
        assert {error.response["error"] for error in errors} == {ERRORS[outcome]}


def test_a_restricted_account_gets_the_ordinary_error(site: Site[Slack]) -> None:
    client = client_at(site.url, Slack.RESTRICTED)
    (error,) = site.refused(SlackApiError, *writes(client, TEXTS["allow"][0])[:1])
    assert error.response["error"] == ERRORS["limited"]


def hold(url: str) -> None:
    """Send what the gateway holds."""
    with suppress(SlackApiError):
        client_at(url).chat_postMessage(channel="C1", text=TEXTS["hold"][1])


def test_a_released_message_arrives_as_it_was_sent(site: Site[Slack]) -> None:
    with site.releasing():
        hold(site.server.url)
        hold(site.url)


def test_a_release_that_comes_too_late_is_told(site: Site[Slack]) -> None:
    with site.releasing_too_late():
        hold(site.url)


def test_a_platform_that_does_not_answer_is_the_ordinary_error(site: Site[Slack]) -> None:
    with site.unanswered(), pytest.raises(SlackApiError, match="service_unavailable"):
        client_at(site.url).chat_postMessage(channel="C1", text=TEXTS["allow"][0])


def test_everything_else_passes(site: Site[Slack]) -> None:
    client = client_at(site.url)
    assert client.auth_test()["user_id"] == "U001"
    assert client.conversations_list()["channels"][0]["name"] == "news"
