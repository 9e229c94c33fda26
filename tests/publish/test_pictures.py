"""Pictures on the way of a publish request: brought before they are asked about, and held while one is missing."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
from collections.abc import AsyncIterator

import orjson
import pytest

from classifiers.contract import Opinion, Picture, Reply, Score, Silence, Unanswered
from gateway.adapters.fetching import Fetcher, FetchLimits
from gateway.adapters.pictures import WebPictures
from gateway.core.model import Media, MessageState
from gateway.core.records import Request
from gateway.perform import Performed
from gateway.platforms import native
from gateway.publish import Submission
from tests.adapters.picture_site import PNG, PictureSite, answer
from tests.fakes import FakeClock, LookingClassifiers
from tests.policies import policy
from tests.world import CLOSED, TENANT, World, open_world, submission

FINE = (Opinion("text", "1", ()), Opinion("news", "1", ()), Opinion("image", "1", ()))


@pytest.fixture
async def site() -> AsyncIterator[PictureSite]:
    async with PictureSite() as opened:
        yield opened


@pytest.fixture
async def world(site: PictureSite) -> AsyncIterator[World]:
    fetcher = Fetcher(FetchLimits(private_hosts={f"127.0.0.1:{site.port}"}, seconds=30.0))
    pictures = WebPictures(fetcher, None, FakeClock(), budget=1 << 20)
    opened = await open_world(classifiers=LookingClassifiers(), pictures=pictures)
    opened.policy = policy(("deadline_ms: 800", "deadline_ms: 30000"))
    yield opened
    fetcher.close()


def linking(site: PictureSite, *paths: str) -> Submission:
    """A request with pictures by address."""
    return submission(media=tuple([Media("image/png", url=site.url(path, "127.0.0.1")) for path in paths]))


def uploading(*data: bytes) -> Submission:
    """A request of the native API with pictures in it."""
    items = [{"content_type": "image/png", "data": base64.b64encode(each).decode()} for each in data]
    body = json.dumps({"account_id": "acc-1", "text": "look", "media": items}).encode()
    message = native.read(body, TENANT.tenant_id)
    return Submission(TENANT, message, Request(body, native.CONTENT_TYPE), True, None, message.content_hash)


async def published(world: World, given: Submission) -> Performed:
    result = await world.publish(given)
    assert isinstance(result, Performed)
    return result


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize("way", ["link", "upload"])
async def test_a_message_goes_out_once_all_its_pictures_were_judged(site: PictureSite, world: World, way: str) -> None:
    result = await published(world, linking(site, "/a.png") if way == "link" else uploading(PNG))
    assert result.state is MessageState.PUBLISHED
    assert world.classifiers.seen == [Picture("image/png", PNG)]
    stored = await world.stored(result.message_id)
    assert stored.first.answers == FINE
    assert [media.sha256 for media in stored.message.media] == [sha(PNG)]
    assert len(world.upstream.got) == 1


async def test_what_is_kept_and_forwarded_is_what_came(site: PictureSite, world: World) -> None:
    given = linking(site, "/a.png")
    stored = await world.stored((await published(world, given)).message_id)
    assert stored.message.content_hash == given.message.content_hash
    [(_, _, request)] = world.upstream.got
    assert request == given.request


async def test_nothing_goes_out_while_a_picture_is_missing(site: PictureSite, world: World) -> None:
    result = await published(world, linking(site, "/a.png", "/gone.png"))
    assert (result.state, result.decision.rule) == (MessageState.HELD, "classifier_incomplete")
    assert world.upstream.got == []
    assert (await world.stored(result.message_id)).first.answers == (
        *FINE[:2],
        Unanswered("image", Silence.INCOMPLETE),
    )


async def test_of_media_that_are_no_pictures_the_classifier_says_that_it_cannot_judge(
    site: PictureSite, world: World
) -> None:
    film = Media("video/mp4", url=site.url("/a.mp4", "127.0.0.1"))
    result = await published(
        world, submission(media=(Media("image/png", url=site.url("/gone.png", "127.0.0.1")), film))
    )
    assert result.state is MessageState.HELD
    assert [names for _, names, _ in world.classifiers.asked] == [("text", "news"), ("image",)]
    assert world.classifiers.seen == []


async def test_a_picture_that_is_a_violation_blocks(site: PictureSite, world: World) -> None:
    world.classifiers.say("image", "sexual", 0.95)
    result = await published(world, linking(site, "/a.png"))
    assert (result.state, result.decision.rule) == (MessageState.BLOCKED, "content_violation")
    assert world.upstream.got == []


async def test_the_texts_are_asked_about_while_pictures_are_on_their_way(site: PictureSite, world: World) -> None:
    go_on = asyncio.Event()

    async def wait(writer: asyncio.StreamWriter) -> None:
        await go_on.wait()
        writer.write(answer())

    site.pages["/wait.png"] = wait
    request = asyncio.create_task(world.publish(linking(site, "/wait.png")))
    await world.classifiers.waiting.wait()
    assert [names for _, names, _ in world.classifiers.asked] == [("text", "news")]
    go_on.set()
    assert isinstance(await request, Performed)
    assert [names for _, names, _ in world.classifiers.asked] == [("text", "news"), ("image",)]
    assert len({(message_id, deadline_ms) for message_id, _, deadline_ms in world.classifiers.asked}) == 1


async def test_nothing_is_fetched_for_a_message_that_facts_settle(site: PictureSite, world: World) -> None:
    media = (Media("image/png", url=site.url("/a.png", "127.0.0.1")),)
    result = await published(world, submission(account=CLOSED, media=media))
    assert result.state is MessageState.BLOCKED
    assert (site.requests, world.classifiers.asked) == ([], [])


async def test_nothing_is_fetched_when_nobody_looks_at_pictures(site: PictureSite, world: World) -> None:
    world.policy = policy(("  image: {required: true, silence: hold, only: media}\n", ""))
    assert (await published(world, linking(site, "/a.png"))).state is MessageState.PUBLISHED
    assert site.requests == []
    assert [names for _, names, _ in world.classifiers.asked] == [("text", "news")]


async def test_a_message_without_media_is_asked_about_once(world: World) -> None:
    await published(world, submission())
    assert [names for _, names, _ in world.classifiers.asked] == [("text", "news")]


# -- held, and asked about again


async def held(world: World, given: Submission) -> str:
    """A message whose pictures were there, and whose classifier of pictures said nothing in time."""
    world.classifiers.silences["image"] = Silence.TIMEOUT
    result = await published(world, given)
    world.classifiers.silences.clear()
    world.classifiers.seen.clear()
    assert result.state is MessageState.HELD
    return result.message_id


async def again(world: World) -> None:
    """What upkeep does some time later."""
    world.clock.now += 3000
    await world.review.ask_again()


@pytest.mark.parametrize("way", ["link", "upload"])
async def test_asked_again_with_the_same_pictures(site: PictureSite, world: World, way: str) -> None:
    message_id = await held(world, linking(site, "/a.png") if way == "link" else uploading(PNG))
    await again(world)
    assert world.classifiers.seen == [Picture("image/png", PNG)]
    assert await world.state(message_id) is MessageState.PUBLISHED
    assert [orjson.loads(row.body).get("note") for row in await world.store.history(message_id)][1] == "asked again"


async def test_a_picture_that_was_exchanged_meanwhile_is_missing(site: PictureSite, world: World) -> None:
    message_id = await held(world, linking(site, "/a.png"))
    site.pages["/a.png"] = answer(b"another")
    await again(world)
    assert world.classifiers.seen == []
    assert await world.state(message_id) is MessageState.HELD
    assert world.upstream.got == []


async def test_a_picture_that_came_too_late_is_judged_later_and_named(site: PictureSite, world: World) -> None:
    """The first try had no time for it, so there is nothing that it must be the same as."""
    world.policy = policy()
    world.clock.now -= world.policy.policy.deadline_ms  # for the pictures' own clock the deadline has come
    message_id = await held(world, linking(site, "/a.png"))
    assert (await world.stored(message_id)).message.media[0].sha256 is None
    await again(world)
    assert await world.state(message_id) is MessageState.PUBLISHED
    notes = [orjson.loads(row.body).get("note") for row in await world.store.history(message_id)]
    assert f"asked again about pictures with SHA-256 {sha(PNG)}" in notes


async def test_a_message_that_found_no_room_is_asked_about_again(site: PictureSite, world: World) -> None:
    message_ids = []
    for pictures in (2, 1):
        paths = [f"/{number}.png" for number in range(pictures)]
        site.pages |= {path: answer(b"x" * 700_000) for path in paths}
        result = await published(world, linking(site, *paths))
        message_ids.append((result.message_id, result.state, result.decision.rule))
    (crowded, *_), (_, *others) = message_ids
    assert message_ids[0][1:] == (MessageState.HELD, "classifier_unavailable")
    assert others == [MessageState.PUBLISHED, "nothing_found"]
    site.pages["/1.png"] = answer(b"x")
    await again(world)
    assert await world.state(crowded) is MessageState.PUBLISHED


async def test_a_late_opinion_on_a_picture_decides(site: PictureSite, world: World) -> None:
    message_id = await held(world, linking(site, "/a.png"))
    violation = Opinion("image", "1", (Score("violence", 0.95),))
    await world.review.late(Reply("0.1-1", message_id, TENANT.tenant_id, (violation,)))
    assert await world.state(message_id) is MessageState.REJECTED
    assert world.upstream.got == []
