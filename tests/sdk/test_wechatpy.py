"""wechatpy, with ``API_BASE_URL`` set, and the two lines it takes to fetch the access token from there too."""

from __future__ import annotations

import functools
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from wechatpy.exceptions import APILimitedException, WeChatClientException

from tests.e2e.support import TEXTS
from tests.sdk.site import Site, send_both_ways
from tests.sdk.upstreams.wechat import SECRET, WeChat
from tests.sdk.wechat import Client

READER = "oReader"
BLOCKED, LIMITED = 87014, 45009


@pytest.fixture
def site(sites: dict[str, Site[Any]]) -> Site[WeChat]:
    return sites["wechat"]


def client_at(url: str, credential: tuple[str, str] = WeChat.GOOD) -> Client:
    client = Client(url, credential[1], SECRET)
    client.fetch_access_token()
    return client


def article(text: str) -> dict[str, Any]:
    return {"title": "News", "author": "Library", "content": f"<p>{text}</p>", "thumb_media_id": "thumb"}


@pytest.mark.parametrize("text", TEXTS["allow"])
def test_an_allowed_message_arrives_as_it_was_sent(site: Site[WeChat], text: str) -> None:
    answer = send_both_ways(site, lambda url: client_at(url).message.send_text(READER, text))
    assert answer["errcode"] == 0


@pytest.mark.parametrize("text", TEXTS["allow"])
def test_an_allowed_mass_message_arrives_as_it_was_sent(site: Site[WeChat], text: str) -> None:
    answer = send_both_ways(site, lambda url: client_at(url).message.send_mass_text(None, text, is_to_all=True))
    assert answer["msg_id"]


def test_a_draft_can_be_published_by_what_it_was_answered(site: Site[WeChat]) -> None:
    client = client_at(site.url)
    site.server.take()
    draft = client.post("draft/add", data={"articles": [article(TEXTS["allow"][1])]})
    published = client.post("freepublish/submit", data={"media_id": draft["media_id"]})
    assert published["publish_id"]
    assert [request.path for request in site.server.take()] == ["/cgi-bin/draft/add", "/cgi-bin/freepublish/submit"]


def test_an_unknown_reference_is_held(site: Site[WeChat]) -> None:
    submit = functools.partial(client_at(site.url).post, "freepublish/submit", data={"media_id": "never seen"})
    (error,) = site.refused(WeChatClientException, submit)
    assert error.errcode == BLOCKED


def writes(client: Client, text: str) -> list[Callable[[], Any]]:
    return [
        lambda: client.message.send_text(READER, text),
        lambda: client.message.send_mass_text(None, text, is_to_all=True),
        lambda: client.post("draft/add", data={"articles": [article(text)]}),
    ]


@pytest.mark.parametrize("text", [*TEXTS["block"], *TEXTS["hold"]])
def test_what_is_not_allowed_raises_the_ordinary_error(site: Site[WeChat], text: str) -> None:
    errors = site.refused(WeChatClientException, *writes(client_at(site.url), text))
    assert {error.errcode for error in errors} == {BLOCKED}
    assert {error.errmsg.startswith("Held for review as ") for error in errors} == {text in TEXTS["hold"]}


def test_a_restricted_account_gets_the_ordinary_error(site: Site[WeChat]) -> None:
    client = client_at(site.url, WeChat.RESTRICTED)
    (error,) = site.refused(APILimitedException, *writes(client, TEXTS["allow"][0])[:1])
    assert error.errcode == LIMITED


def hold(url: str) -> None:
    """Send what the gateway holds."""
    with suppress(WeChatClientException):
        client_at(url).message.send_text(READER, TEXTS["hold"][1])


def test_a_released_message_arrives_as_it_was_sent(site: Site[WeChat]) -> None:
    with site.releasing():
        hold(site.server.url)
        hold(site.url)


def test_a_release_that_comes_too_late_is_told(site: Site[WeChat]) -> None:
    with site.releasing_too_late():
        hold(site.url)


def test_the_same_message_id_gets_the_same_answer_and_one_effect(site: Site[WeChat]) -> None:
    client = client_at(site.url)
    mass = {"filter": {"is_to_all": True}, "msgtype": "text", "text": {"content": TEXTS["allow"][0]}}
    mass["clientmsgid"] = "once"
    site.server.take()
    first, second = (client.post("message/mass/sendall", data=mass) for _ in range(2))
    assert first == second
    assert len(site.server.take()) == 1


def test_a_platform_that_does_not_answer_is_the_ordinary_error(site: Site[WeChat]) -> None:
    client = client_at(site.url)
    with site.unanswered(), pytest.raises(WeChatClientException, match="-1"):
        client.message.send_text(READER, TEXTS["allow"][0])


def test_everything_else_passes(site: Site[WeChat]) -> None:
    assert client_at(site.url).misc.get_wechat_ips() == ["127.0.0.1"]
