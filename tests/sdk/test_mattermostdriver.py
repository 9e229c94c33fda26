"""mattermostdriver, with ``scheme``, ``url`` and ``port`` set."""

from __future__ import annotations

from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from mattermostdriver import Driver
from mattermostdriver.exceptions import NotEnoughPermissions

from tests.e2e.support import TEXTS
from tests.sdk.site import Site, send_both_ways
from tests.sdk.upstreams.mattermost import Mattermost

CHANNEL = "channelchannelchannelchann"


@pytest.fixture
def site(sites: dict[str, Site[Any]]) -> Site[Mattermost]:
    return sites["mattermost"]


def driver_at(url: str, credential: tuple[str, str] = Mattermost.GOOD) -> Driver:
    place = urlsplit(url)
    driver = Driver({"scheme": place.scheme, "url": place.hostname, "port": place.port, "token": credential[0]})
    driver.login()
    return driver


@pytest.mark.parametrize("text", TEXTS["allow"])
def test_an_allowed_post_arrives_as_it_was_sent(site: Site[Mattermost], text: str) -> None:
    post = {"channel_id": CHANNEL, "message": text}
    assert send_both_ways(site, lambda url: driver_at(url).posts.create_post(post))["message"] == text


def test_an_allowed_edit_arrives_as_it_was_sent(site: Site[Mattermost]) -> None:
    edit = {"message": TEXTS["allow"][0]}
    assert send_both_ways(site, lambda url: driver_at(url).posts.patch_post("p1", edit))["id"] == "p1"


@pytest.mark.parametrize("text", [*TEXTS["block"], *TEXTS["hold"]])
def test_what_is_not_allowed_raises_the_ordinary_error(site: Site[Mattermost], text: str) -> None:
    driver = driver_at(site.url)
    site.refused(
        NotEnoughPermissions,
        lambda: driver.posts.create_post({"channel_id": CHANNEL, "message": text}),
        lambda: driver.posts.patch_post("p1", {"message": text}),
    )


def test_a_restricted_account_gets_the_ordinary_error(site: Site[Mattermost]) -> None:
    driver = driver_at(site.url, Mattermost.RESTRICTED)
    post = {"channel_id": CHANNEL, "message": TEXTS["allow"][0]}
    (error,) = site.refused(requests.HTTPError, lambda: driver.posts.create_post(post))
    assert error.response is not None
    assert error.response.status_code == 429


def hold(url: str) -> None:
    """Send what the gateway holds."""
    with suppress(NotEnoughPermissions):
        driver_at(url).posts.create_post({"channel_id": CHANNEL, "message": TEXTS["hold"][1]})


def test_a_released_post_arrives_as_it_was_sent(site: Site[Mattermost]) -> None:
    with site.releasing():
        hold(site.server.url)
        hold(site.url)


def test_a_release_that_comes_too_late_is_told(site: Site[Mattermost]) -> None:
    with site.releasing_too_late():
        hold(site.url)


def test_the_same_pending_id_gets_the_same_answer_and_one_effect(site: Site[Mattermost]) -> None:
    driver = driver_at(site.url)
    post = {"channel_id": CHANNEL, "message": TEXTS["allow"][0], "pending_post_id": "reader:1700000000000"}
    site.server.take()
    first, second = (driver.posts.create_post(post) for _ in range(2))
    assert first == second
    assert len(site.server.take()) == 1


def test_a_platform_that_does_not_answer_is_the_ordinary_error(site: Site[Mattermost]) -> None:
    driver = driver_at(site.url)
    with site.unanswered(), pytest.raises(requests.HTTPError, match="503"):
        driver.posts.create_post({"channel_id": CHANNEL, "message": TEXTS["allow"][0]})


def test_everything_else_passes(site: Site[Mattermost]) -> None:
    assert driver_at(site.url).users.get_user("me")["username"] == "news"
