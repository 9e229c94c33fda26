"""The bytes of a message's pictures: out of the request they came with, from the web, or missing for a reason."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
from prometheus_client import REGISTRY

from classifiers.contract import Picture
from gateway.adapters.fetching import Fetcher, FetchLimits
from gateway.adapters.keys import FileSealer, new_keys
from gateway.adapters.pictures import WebPictures
from gateway.core.fetchable import Missing
from gateway.core.model import Media, Message
from gateway.core.records import SEALED, Envelope, Request
from gateway.platforms import native
from tests.adapters.picture_site import PNG, PictureSite, answer
from tests.fakes import FakeClock

JPEG = b"\xff\xd8\xff and so on"
SECONDS = 30_000


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.fixture
async def site() -> AsyncIterator[PictureSite]:
    async with PictureSite() as opened:
        opened.pages["/b.jpg"] = answer(JPEG, content_type="image/jpeg")
        yield opened


@pytest.fixture
def sealer(tmp_path: Path) -> FileSealer:
    new_keys(tmp_path / "keys.json")
    return FileSealer(tmp_path / "keys.json")


@pytest.fixture
def pictures(site: PictureSite, sealer: FileSealer) -> WebPictures:
    return WebPictures(fetcher(site), sealer, FakeClock(), budget=1000, most_bytes=100)


def fetcher(site: PictureSite, at_once: int = 16) -> Fetcher:
    trusted = {f"pictures.example:{site.port}"}
    return Fetcher(FetchLimits(private_hosts=trusted, seconds=30.0, at_once=at_once), resolve=_here)


async def _here(_host: str, _port: int) -> list[str]:
    return ["127.0.0.1"]


def on_the_web(site: PictureSite, *paths: str) -> Message:
    return with_media(*[Media("image/png", url=site.url(path)) for path in paths])


def with_media(*media: Media) -> Message:
    return Message("t1", "acc-1", "native", (), "c" * 64, media)


NO_REQUEST = Request(b"", "application/json")


async def brought(
    pictures: WebPictures, message: Message, request: Request = NO_REQUEST
) -> tuple[Message, tuple[Picture, ...]]:
    async with pictures.bring(message, request, FakeClock().now_ms() + SECONDS) as found:
        return found.message, found.pictures


def counted(source: str, result: str) -> float:
    return REGISTRY.get_sample_value("gateway_pictures_total", {"source": source, "result": result}) or 0.0


# -- from the web


async def test_pictures_come_in_order_and_the_message_names_what_was_fetched(
    site: PictureSite, pictures: WebPictures
) -> None:
    message = on_the_web(site, "/b.jpg", "/a.png", "/b.jpg")
    before = counted("web", "brought")
    found, got = await brought(pictures, message)
    assert got == (Picture("image/jpeg", JPEG), Picture("image/png", PNG), Picture("image/jpeg", JPEG))
    assert [media.sha256 for media in found.media] == [sha(JPEG), sha(PNG), sha(JPEG)]
    assert [media.url for media in found.media] == [media.url for media in message.media]
    assert msgspec.structs.replace(found, media=message.media) == message
    assert counted("web", "brought") == before + 3


async def test_what_cannot_be_fetched_is_left_out(site: PictureSite, pictures: WebPictures) -> None:
    message = on_the_web(site, "/gone", "/a.png")
    before = counted("web", "status")
    found, got = await brought(pictures, message)
    assert got == (Picture("image/png", PNG),)
    assert [media.sha256 for media in found.media] == [None, sha(PNG)]
    assert counted("web", "status") == before + 1


@pytest.mark.parametrize(
    ("media", "result"),
    [
        (Media("image/png", url="mxc://example.org/abc"), "address"),
        (Media("image/png", url="telegram:AgADBAAD"), "address"),
        (Media("video/mp4", url="https://pictures.example/a.mp4"), "no_picture"),
    ],
)
async def test_media_that_are_no_pictures_on_the_web(
    site: PictureSite, pictures: WebPictures, media: Media, result: str
) -> None:
    before = counted("web", result)
    assert await brought(pictures, with_media(media)) == (with_media(media), ())
    assert site.requests == []
    assert counted("web", result) == before + 1


async def test_what_was_judged_before_must_still_be_the_same(site: PictureSite, pictures: WebPictures) -> None:
    judged, _ = await brought(pictures, on_the_web(site, "/a.png"))
    assert await brought(pictures, judged) == (judged, (Picture("image/png", PNG),))
    site.pages["/a.png"] = answer(PNG + b"!")
    before = counted("web", "changed")
    assert await brought(pictures, judged) == (judged, ())
    assert counted("web", "changed") == before + 1


async def test_a_deadline_that_passed_brings_nothing(site: PictureSite, pictures: WebPictures) -> None:
    message = on_the_web(site, "/a.png")
    async with pictures.bring(message, NO_REQUEST, FakeClock().now_ms()) as found:
        assert (found.message, found.pictures) == (message, ())
    assert site.requests == []


async def test_ten_pictures_of_a_message_and_no_more(site: PictureSite, pictures: WebPictures) -> None:
    site.pages |= {f"/{number}": answer(b"%d" % number) for number in range(12)}
    before = counted("web", "many")
    _, got = await brought(pictures, on_the_web(site, *[f"/{number}" for number in range(12)]))
    assert [picture.data for picture in got] == [b"%d" % number for number in range(10)]
    assert counted("web", "many") == before + 2


async def test_the_pictures_of_a_message_have_a_size_together(site: PictureSite, pictures: WebPictures) -> None:
    site.pages["/60"] = answer(b"x" * 60)
    before = counted("web", "large")
    _, got = await brought(pictures, on_the_web(site, "/60", "/60"))
    assert [len(picture.data) for picture in got] == [60]
    assert counted("web", "large") == before + 1


async def test_a_picture_that_broke_off_takes_no_room_from_the_next(site: PictureSite, sealer: FileSealer) -> None:
    pictures = WebPictures(fetcher(site, at_once=1), sealer, FakeClock(), budget=1000, most_bytes=100)
    site.pages |= {"/part": answer(b"x" * 61)[:-1], "/60": answer(b"x" * 60)}
    _, got = await brought(pictures, on_the_web(site, "/part", "/60"))
    assert [len(picture.data) for picture in got] == [60]


async def test_all_pictures_of_a_process_have_a_size_together_as_long_as_they_are_kept(
    site: PictureSite, sealer: FileSealer
) -> None:
    pictures = WebPictures(fetcher(site), sealer, FakeClock(), budget=100)
    site.pages["/60"] = answer(b"x" * 60)
    message, deadline_ms = on_the_web(site, "/60"), FakeClock().now_ms() + SECONDS
    before = counted("web", "crowded")
    async with pictures.bring(message, NO_REQUEST, deadline_ms) as first:
        assert len(first.pictures) == 1
        async with pictures.bring(message, NO_REQUEST, deadline_ms) as second:
            assert (set(first.missing), set(second.missing), second.pictures) == (set(), {Missing.CROWDED}, ())
    assert counted("web", "crowded") == before + 1
    for _ in range(3):  # what was given back can be taken again, also what a picture took that was refused in the end
        assert len((await brought(pictures, message))[1]) == 1
        assert (await brought(pictures, on_the_web(site, "/60", "/60")))[1] != ()


# -- out of the request


def native_request(*items: dict[str, str]) -> tuple[Message, Request]:
    body = json.dumps({"account_id": "acc-1", "text": "look", "media": items}).encode()
    return native.read(body, "t1"), Request(body, native.CONTENT_TYPE)


def item(data: bytes, content_type: str = "image/png") -> dict[str, str]:
    return {"content_type": content_type, "data": base64.b64encode(data).decode()}


async def test_uploads_of_the_native_api(site: PictureSite, pictures: WebPictures) -> None:
    message, request = native_request(
        item(PNG), {"content_type": "image/jpeg", "url": site.url("/b.jpg")}, item(JPEG, "image/jpeg"), item(PNG)
    )
    found, got = await brought(pictures, message, request)
    assert got == (
        Picture("image/png", PNG),
        Picture("image/jpeg", JPEG),
        Picture("image/jpeg", JPEG),
        Picture("image/png", PNG),
    )
    assert found.media == (
        message.media[0],
        msgspec.structs.replace(message.media[1], sha256=sha(JPEG)),
        *message.media[2:],
    )


async def test_an_upload_that_is_declared_to_be_no_picture(pictures: WebPictures) -> None:
    message, request = native_request(item(b"....ftyp", "video/mp4"), item(PNG, "application/octet-stream"))
    before = counted("upload", "no_picture")
    assert await brought(pictures, message, request) == (message, (Picture("application/octet-stream", PNG),))
    assert counted("upload", "no_picture") == before + 1


async def test_an_upload_that_came_with_an_earlier_request(pictures: WebPictures) -> None:
    _, request = native_request(item(PNG))
    message = with_media(Media("image/jpeg", sha256=sha(JPEG)))
    before = counted("upload", "gone")
    assert await brought(pictures, message, request) == (message, ())
    assert counted("upload", "gone") == before + 1


def multipart(*files: tuple[str, bytes]) -> bytes:
    parts = [
        b'--xyz\r\nContent-Disposition: form-data; name="f%d"; filename="a"\r\nContent-Type: %b\r\n\r\n%b\r\n'
        % (number, kind.encode(), data)
        for number, (kind, data) in enumerate(files)
    ]
    return b"".join(parts) + b"--xyz--\r\n"


def sealed(sealer: FileSealer, body: bytes, content_type: str = "multipart/form-data; boundary=xyz") -> Request:
    headers = ((b"Host", b"x"), (b"Content-Type", content_type.encode()))
    envelope = Envelope("tg", "send", False, "POST", b"/bot1/sendPhoto", headers, body)
    return Request(sealer.seal(msgspec.msgpack.encode(envelope), "c" * 64), SEALED)


UPLOADED = with_media(Media("image/png", sha256=sha(PNG)), Media("image/jpeg", sha256=sha(JPEG)))


async def test_uploads_of_a_platform(pictures: WebPictures, sealer: FileSealer) -> None:
    request = sealed(sealer, multipart(("image/jpeg", JPEG), ("text/plain", b"no"), ("image/png", PNG)))
    got = (Picture("image/png", PNG), Picture("image/jpeg", JPEG))
    assert await brought(pictures, UPLOADED, request) == (UPLOADED, got)


@pytest.mark.parametrize("broken", ["another message", "not sealed", "no envelope", "no multipart", "no boundary"])
async def test_a_request_that_cannot_be_read_again_has_no_pictures(
    pictures: WebPictures, sealer: FileSealer, broken: str
) -> None:
    message, body = UPLOADED, multipart(("image/png", PNG))
    request = sealed(sealer, body)
    match broken:
        case "another message":
            message = msgspec.structs.replace(message, content_hash="d" * 64)
        case "not sealed":
            request = Request(b"whatever it is, it was sealed by nobody", SEALED)
        case "no envelope":
            request = Request(sealer.seal(b"\xc1", "c" * 64), SEALED)
        case "no multipart":
            request = sealed(sealer, b"{}")
        case "no boundary":
            request = sealed(sealer, body, "application/json")
    before = counted("upload", "gone")
    assert await brought(pictures, message, request) == (message, ())
    assert counted("upload", "gone") == before + 2


async def test_without_the_keys_a_platforms_uploads_are_missing(site: PictureSite, sealer: FileSealer) -> None:
    pictures = WebPictures(fetcher(site), None, FakeClock(), budget=1000)
    assert await brought(pictures, UPLOADED, sealed(sealer, multipart(("image/png", PNG)))) == (UPLOADED, ())


async def test_uploads_have_a_size_together_too(pictures: WebPictures) -> None:
    message, request = native_request(item(b"x" * 60), item(b"y" * 60))
    before = counted("upload", "large")
    assert [len(picture.data) for picture in (await brought(pictures, message, request))[1]] == [60]
    assert counted("upload", "large") == before + 1
