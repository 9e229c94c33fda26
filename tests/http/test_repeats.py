"""A bot that takes "held" for a failure sends the same again: what is held for want of an opinion is published once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from classifiers.contract import Opinion, Reply, Silence
from gateway.core.model import MessageState, Outcome
from gateway.upkeep import expect_repeats
from tests.http.moderated import Site, site
from tests.world import ACCOUNT


@pytest.fixture
async def chatty(tmp_path: Path) -> AsyncIterator[Site]:
    """A platform whose caller is registered, while the classifier is silent."""
    async with site(tmp_path) as made:
        made.me(ACCOUNT.account_id)
        made.world.classifiers.silences["text"] = Silence.TIMEOUT
        yield made


def published(chatty: Site) -> int:
    """How many messages the platform got."""
    return sum(request.startswith(b"POST /rooms/") for request in chatty.peer.requests)


async def speak(chatty: Site, message_id: str) -> None:
    """Let the classifier answer about a message that waits, and about all others from now on."""
    chatty.world.classifiers.silences.clear()
    await chatty.review.late(Reply("0.1-1", message_id, "t1", (Opinion("text", "1", ()),)))


async def test_the_same_again_is_the_same_hold(chatty: Site) -> None:
    first, again, other = await chatty.post(), await chatty.post(), await chatty.post("another")
    assert (first.status_code, again.status_code, other.status_code) == (202, 202, 202)
    assert again.json()["id"] == first.json()["id"] != other.json()["id"]


async def test_the_same_again_after_it_was_published_is_published_once(chatty: Site) -> None:
    held = await chatty.post()
    await speak(chatty, held.json()["id"])
    assert published(chatty) == 1
    again = await chatty.post()
    assert (again.status_code, published(chatty)) == (200, 1)


async def test_the_same_again_after_it_was_rejected_is_rejected(chatty: Site) -> None:
    message_id = (await chatty.post()).json()["id"]
    stored = await chatty.world.stored(message_id)
    assert await chatty.world.resolve(stored, Outcome.BLOCK, "mo", "no")
    chatty.world.classifiers.silences.clear()
    assert (await chatty.post()).status_code == 403
    assert published(chatty) == 0


async def test_what_was_never_held_is_published_each_time(chatty: Site) -> None:
    chatty.world.classifiers.silences.clear()
    assert [(await chatty.post()).status_code for _ in range(2)] == [200, 200]
    assert published(chatty) == 2


async def test_after_a_while_it_is_new(chatty: Site) -> None:
    held = await chatty.post()
    await speak(chatty, held.json()["id"])
    chatty.world.clock.now += 600_000
    await chatty.world.lease.renew()
    chatty.me(ACCOUNT.account_id)
    assert (await chatty.post()).status_code == 200
    assert published(chatty) == 2


async def test_what_did_not_reach_the_platform_is_tried_again(chatty: Site) -> None:
    message_id = (await chatty.post()).json()["id"]
    chatty.plays(b'{"code": 7}')
    await speak(chatty, message_id)
    assert await chatty.world.state(message_id) is not MessageState.PUBLISHED
    before = published(chatty)
    await chatty.post()
    assert published(chatty) >= before


async def test_another_process_finds_it_once_it_has_looked(chatty: Site) -> None:
    message_id = (await chatty.post()).json()["id"]
    chatty.publish._repeats_until_ms = 0  # as in a process that has just started
    await expect_repeats(chatty.world.store, chatty.publish)
    await speak(chatty, message_id)
    assert (await chatty.post()).status_code == 200
    assert published(chatty) == 1


async def test_two_processes_do_not_hold_the_same_twice(chatty: Site) -> None:
    first = await chatty.post()
    chatty.publish._repeats_until_ms = 0  # it has not looked yet
    assert (await chatty.post()).json()["id"] == first.json()["id"]
    assert len(await chatty.states()) == 1
