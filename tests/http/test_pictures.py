"""Pictures uploaded to a platform's own API: judged by their bytes, and forwarded untouched or not at all."""

from __future__ import annotations

from pathlib import Path

from classifiers.contract import Picture, Silence
from gateway.core.model import MessageState
from tests.adapters.picture_site import PNG
from tests.fakes import LookingClassifiers
from tests.http.moderated import BOT, ROUTES, Site, site
from tests.world import ACCOUNT

UPLOADS = ROUTES.replace(
    "routes:\n",
    "routes:\n  - {id: photo, methods: [POST], path: /photo, text: ['part:caption'], body: [multipart]}\n",
    1,
)
HEADERS = {"Authorization": f"Bearer {BOT}"}


async def upload(opened: Site, content_type: str = "image/png") -> str:
    """Publish a picture; what the answer says became of it."""
    opened.me(ACCOUNT.account_id)
    opened.plays(b'{"kind":"published"}')
    files = {"photo": ("a.png", PNG, content_type)}
    response = await opened.client.post("/photo", data={"caption": "look"}, files=files, headers=HEADERS)
    return str(response.json()["kind"])


async def test_an_uploaded_picture_is_judged_and_goes_out_as_it_came(tmp_path: Path) -> None:
    async with site(tmp_path, UPLOADS, LookingClassifiers()) as opened:
        assert await upload(opened) == "published"
        assert opened.world.classifiers.seen == [Picture("image/png", PNG)]
        assert PNG in opened.peer.requests[-1]


async def test_an_uploaded_film_is_held(tmp_path: Path) -> None:
    async with site(tmp_path, UPLOADS, LookingClassifiers()) as opened:
        assert await upload(opened, "video/mp4") == "held"
        assert opened.world.classifiers.seen == []
        assert not any(b"/photo" in request for request in opened.peer.requests)


async def test_a_held_upload_is_asked_about_again_with_its_bytes(tmp_path: Path) -> None:
    async with site(tmp_path, UPLOADS, LookingClassifiers()) as opened:
        opened.world.classifiers.silences["image"] = Silence.TIMEOUT
        assert await upload(opened) == "held"
        opened.world.classifiers.silences.clear()
        opened.world.clock.now += 3000
        await opened.review.ask_again()
        assert opened.world.classifiers.seen == [Picture("image/png", PNG)] * 2
        assert await opened.states() == [MessageState.PUBLISHED]
        assert PNG in opened.peer.requests[-1]
