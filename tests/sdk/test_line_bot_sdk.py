"""line-bot-sdk, with ``host`` set."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
from linebot.v3.messaging import (
    ApiClient,
    BroadcastRequest,
    Configuration,
    MessagingApi,
    PushMessageRequest,
    TextMessage,
)
from linebot.v3.messaging.exceptions import ApiException, ServiceException

from tests.e2e.support import TEXTS
from tests.sdk.site import Site, send_both_ways
from tests.sdk.upstreams.line import Line

READER = "U4af4980629"


@pytest.fixture
def site(sites: dict[str, Site[Any]]) -> Site[Line]:
    return sites["line"]


@contextmanager
def api_at(url: str, credential: tuple[str, str] = Line.GOOD) -> Iterator[MessagingApi]:
    with ApiClient(Configuration(access_token=credential[0], host=url)) as client:
        yield MessagingApi(client)


def push(text: str) -> PushMessageRequest:
    return PushMessageRequest(to=READER, messages=[TextMessage(text="News"), TextMessage(text=text)])


@pytest.mark.parametrize("text", TEXTS["allow"])
def test_an_allowed_message_arrives_as_it_was_sent(site: Site[Line], text: str) -> None:
    def send(url: str) -> Any:
        with api_at(url) as api:
            return api.push_message(push(text))

    assert len(send_both_ways(site, send).sent_messages) == 2


def writes(api: MessagingApi, text: str) -> list[Callable[[], Any]]:
    broadcast = BroadcastRequest(messages=[TextMessage(text=text)])
    return [lambda: api.push_message(push(text)), lambda: api.broadcast(broadcast)]


@pytest.mark.parametrize(("outcome", "told"), [("block", "blocked"), ("hold", "held")])
def test_what_is_not_allowed_raises_the_ordinary_error(site: Site[Line], outcome: str, told: str) -> None:
    for text in TEXTS[outcome]:
        with api_at(site.url) as api:
            errors = site.refused(ApiException, *writes(api, text))
        assert {(error.status, error.headers["x-moderation"]) for error in errors} == {(400, told)}


def test_a_restricted_account_gets_the_ordinary_error(site: Site[Line]) -> None:
    with api_at(site.url, Line.RESTRICTED) as api:
        (error,) = site.refused(ApiException, lambda: api.push_message(push(TEXTS["allow"][0])))
    assert error.status == 429


def hold(url: str) -> None:
    """Send what the gateway holds."""
    with suppress(ApiException), api_at(url) as api:
        api.push_message(push(TEXTS["hold"][1]))


def test_a_released_message_arrives_as_it_was_sent(site: Site[Line]) -> None:
    with site.releasing():
        hold(site.server.url)
        hold(site.url)


def test_a_release_that_comes_too_late_is_told(site: Site[Line]) -> None:
    with site.releasing_too_late():
        hold(site.url)


def test_the_same_retry_key_gets_the_same_answer_and_one_effect(site: Site[Line]) -> None:
    key = str(uuid.uuid4())
    site.server.take()
    with api_at(site.url) as api:
        first, second = (api.push_message(push(TEXTS["allow"][0]), x_line_retry_key=key) for _ in range(2))
    assert first == second
    assert len(site.server.take()) == 1


def test_a_platform_that_does_not_answer_is_the_ordinary_error(site: Site[Line]) -> None:
    with api_at(site.url) as api, site.unanswered(), pytest.raises(ServiceException):
        api.push_message(push(TEXTS["allow"][0]))


def test_everything_else_passes(site: Site[Line]) -> None:
    with api_at(site.url) as api:
        assert api.get_bot_info().user_id == Line.GOOD[1]
