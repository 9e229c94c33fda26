"""Pictures from a publish request to the workers that look at them, over a real broker, and nothing out unseen."""

from __future__ import annotations

import asyncio
import base64
import json
import os
from collections.abc import AsyncIterator

import pytest

from classifiers.contract import Picture, decode_questions
from deploy.local.stack import Stack
from tests.adapters.picture_site import PNG, PictureSite, answer
from tests.e2e.support import once, published, questions

LARGE = os.urandom(3_000_000)


@pytest.fixture
async def site() -> AsyncIterator[PictureSite]:
    async with PictureSite() as opened:
        opened.pages["/large.jpg"] = answer(LARGE, content_type="image/jpeg")
        yield opened


@pytest.fixture
async def opened(stack: Stack, site: PictureSite) -> Stack:
    """A stack with workers of both kinds; those of pictures say of everything that nothing is the matter."""
    settings = {
        "GATEWAY_PICTURES__PRIVATE_HOSTS": f"127.0.0.1:{site.port}",
        "GATEWAY_PICTURES__SECONDS": "30",
    }
    await asyncio.to_thread(stack.start_gateway, 1, settings)
    await asyncio.to_thread(stack.start_worker)
    await asyncio.to_thread(stack.start_worker, "constant", "media")
    return stack


def body(*media: dict[str, str]) -> bytes:
    """A publish request with these media."""
    return json.dumps({"account_id": "demo-verified", "text": "Good morning!", "media": media}).encode()


async def test_a_message_goes_out_when_workers_saw_its_pictures(opened: Stack, site: PictureSite) -> None:
    uploaded = {"content_type": "image/png", "data": base64.b64encode(PNG).decode()}
    linked = {"content_type": "image/jpeg", "url": site.url("/large.jpg", "127.0.0.1")}
    given = body(uploaded, linked)
    reply = await once(opened, "POST", "/v1/messages", given)
    assert (reply.status, reply.codes) == (200, [])
    assert [request["body"] for request in published(opened)] == [given.decode()]

    [large] = await questions(opened, "media-questions")
    [question] = decode_questions(large.value)
    assert question.ask == ("image",)
    assert question.pictures == (Picture("image/png", PNG), Picture("image/jpeg", LARGE))
    assert len(question.author) == 16
    assert "demo-verified" not in large.value.decode()
    [plain] = await questions(opened)
    [question] = decode_questions(plain.value)
    assert (question.ask, question.pictures) == (("text", "news", "lexicon", "campaign"), ())


async def test_a_message_is_held_while_one_of_its_pictures_cannot_be_had(opened: Stack, site: PictureSite) -> None:
    for url in (site.url("/gone.jpg", "127.0.0.1"), site.url("/a.png", "localhost"), "https://169.254.169.254/a.png"):
        reply = await once(opened, "POST", "/v1/messages", body({"content_type": "image/jpeg", "url": url}))
        assert (reply.status, reply.codes) == (202, ["classifier_incomplete"]), url
    assert published(opened) == []
    assert {request.split(b" ")[1] for request in site.requests} == {b"/gone.jpg"}  # it may be tried again
