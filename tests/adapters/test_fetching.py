"""Fetching pictures from real servers: what comes, what is refused and why, and that nobody is led elsewhere."""

from __future__ import annotations

import asyncio
import gzip
import socket
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from gateway.adapters.fetching import Fetcher, FetchLimits
from gateway.core.fetchable import Missing, Unfetchable, public
from tests.adapters.picture_site import PNG, PictureSite, answer, certificate

PATIENCE = 30.0


class Names:
    """A resolver that answers as told, the last answer again and again."""

    def __init__(self, *answers: Sequence[str] | OSError) -> None:
        self.answers = list(answers) or [("127.0.0.1",)]
        self.asked: list[tuple[str, int]] = []

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked.append((host, port))
        found = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(found, OSError):
            raise found
        return found


def first_loopback(address: str) -> bool:
    """Takes one loopback address for the public Internet, and the others for what they are."""
    return address == "127.0.0.1" or public(address)


def fetcher(site: PictureSite, *answers: Sequence[str] | OSError, **limits: object) -> tuple[Fetcher, Names]:
    names = Names(*answers)
    given: dict[str, object] = {"http": True, "ports": (site.port,), "seconds": PATIENCE, **limits}
    return Fetcher(FetchLimits(**given), resolve=names, allowed=first_loopback), names  # type: ignore[arg-type]


@pytest.fixture
async def site() -> AsyncIterator[PictureSite]:
    async with PictureSite() as opened:
        yield opened


class Room:
    """Counts the bytes, and refuses more than it has place for."""

    def __init__(self, place: int = 1 << 30) -> None:
        self.taken = 0
        self._place = place

    def __call__(self, size: int) -> None:
        if self.taken + size > self._place:
            raise Unfetchable(Missing.CROWDED)
        self.taken += size


async def why(fetching: Fetcher, url: str, seconds: float = PATIENCE, room: Room | None = None) -> Missing:
    """Why a picture was not fetched."""
    with pytest.raises(Unfetchable) as caught:
        await fetching.fetch(url, seconds, room or Room())
    return caught.value.why


async def test_a_picture_comes_whole_and_the_request_says_no_more_than_it_must(site: PictureSite) -> None:
    fetching, names = fetcher(site)
    room = Room()
    assert await fetching.fetch(site.url("/a.png") + "#part", PATIENCE, room) == ("image/png", PNG)
    assert room.taken == len(PNG)
    assert names.asked == [("pictures.example", site.port)]
    [request] = site.requests
    assert request.decode() == (
        f"GET /a.png HTTP/1.1\r\nHost: pictures.example:{site.port}\r\nAccept: image/*\r\n"
        "Accept-Encoding: identity\r\nUser-Agent: moderation-gateway\r\nConnection: close\r\n\r\n"
    )
    await site.ended.wait()


async def test_a_picture_without_a_length_or_in_chunks(site: PictureSite) -> None:
    fetching, _ = fetcher(site)
    head = b"HTTP/1.1 200 OK\r\nContent-Type: IMAGE/JPEG; q=1\r\n"
    site.pages["/open"] = head + b"\r\n" + PNG
    site.pages["/chunks"] = head + b"Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n"
    assert await fetching.fetch(site.url("/open"), PATIENCE, Room()) == ("image/jpeg", PNG)
    assert await fetching.fetch(site.url("/chunks"), PATIENCE, Room()) == ("image/jpeg", b"abc")


@pytest.mark.parametrize(
    ("page", "reason"),
    [
        (answer(b"", "Location: http://127.0.0.2/", status="302 Found"), Missing.REDIRECT),
        (answer(b"", "Location: /a.png", status="301 Moved Permanently"), Missing.REDIRECT),
        (answer(status="404 Not Found"), Missing.STATUS),
        (answer(status="500 Oh"), Missing.STATUS),
        (answer(status="206 Partial Content"), Missing.STATUS),
        (answer(b"", status="204 No Content"), Missing.STATUS),
        (answer(gzip.compress(PNG), "Content-Encoding: gzip"), Missing.ENCODED),
        (answer(PNG, "Content-Encoding: br"), Missing.ENCODED),
        (answer(b"<html>", content_type="text/html"), Missing.NO_PICTURE),
        (answer(content_type="video/mp4"), Missing.NO_PICTURE),
        (answer(content_type=None), Missing.NO_PICTURE),
        (answer(PNG, "Content-Type: text/html"), Missing.NO_PICTURE),
        (answer(b"x" * 2000), Missing.LARGE),
        (b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\n\r\n" + b"x" * 2000, Missing.LARGE),
        (b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nContent-Length: 9\r\n\r\nabc", Missing.UNREACHABLE),
        (b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nTransfer-Encoding: gzip\r\n\r\nabc", Missing.UNREACHABLE),
        (b"220 smtp.example ESMTP\r\n", Missing.UNREACHABLE),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000, Missing.UNREACHABLE),
        (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", Missing.UNREACHABLE),
        (b"", Missing.UNREACHABLE),
    ],
)
async def test_an_answer_that_is_no_picture(site: PictureSite, page: bytes, reason: Missing) -> None:
    fetching, _ = fetcher(site, size=1000)
    site.pages["/p"] = page
    assert await why(fetching, site.url("/p")) is reason
    assert len(site.requests) == 1


async def test_an_endless_picture_is_read_no_further_than_the_limit(site: PictureSite) -> None:
    sent = 0

    async def endless(writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\n\r\n")
        while True:
            writer.write(b"x" * 65_536)
            await writer.drain()
            sent += 65_536

    site.pages["/endless"] = endless
    fetching, _ = fetcher(site, size=100_000)
    room = Room()
    assert await why(fetching, site.url("/endless"), room=room) is Missing.LARGE
    await site.ended.wait()
    assert room.taken <= 100_000
    assert sent < 100 * 1024 * 1024  # what the sockets between hold, and no more


async def test_there_may_be_no_room_for_it(site: PictureSite) -> None:
    fetching, _ = fetcher(site)
    assert await why(fetching, site.url(), room=Room(3)) is Missing.CROWDED
    await site.ended.wait()


@pytest.mark.parametrize("stage", ["head", "body"])
async def test_a_server_that_takes_too_long(site: PictureSite, stage: str) -> None:
    async def slow(writer: asyncio.StreamWriter) -> None:
        if stage == "body":
            writer.write(answer(PNG)[:-1])
        await asyncio.Event().wait()

    site.pages["/slow"] = slow
    for fetching, _ in (fetcher(site, seconds=0.2), fetcher(site)):
        seconds = 0.2 if fetching._limits.seconds == PATIENCE else PATIENCE
        async with asyncio.timeout(PATIENCE / 2):
            assert await why(fetching, site.url("/slow"), seconds) is Missing.SLOW
    assert len(site.requests) == 2


async def test_a_deadline_that_passed_asks_nobody(site: PictureSite) -> None:
    fetching, _ = fetcher(site)
    assert await why(fetching, site.url(), seconds=-1.0) is Missing.SLOW
    assert site.requests == []


@pytest.mark.parametrize(
    "addresses",
    [
        ("127.0.0.2",),
        ("127.0.0.1", "127.0.0.2"),
        ("127.0.0.1", "10.0.0.1"),
        ("127.0.0.1", "::1"),
        ("127.0.0.1", "::ffff:127.0.0.1"),
        ("127.0.0.1", "64:ff9b::7f00:1"),
        ("169.254.169.254",),
        ("fe80::1%1",),
    ],
)
async def test_one_private_address_is_enough_to_refuse(site: PictureSite, addresses: Sequence[str]) -> None:
    fetching, _ = fetcher(site, addresses)
    assert await why(fetching, site.url()) is Missing.PRIVATE
    assert site.requests == []


async def test_a_name_that_changes_its_mind_gains_nothing() -> None:
    """The name says 127.0.0.1 when it is looked at, and 127.0.0.2 whenever it is asked again (DNS rebinding)."""
    async with PictureSite() as outside, PictureSite("127.0.0.2") as inside:
        inside.pages["/a.png"] = answer(b"secret")
        fetching, names = fetcher(outside, ("127.0.0.1",), ("127.0.0.2",))
        assert await fetching.fetch(outside.url(), PATIENCE, Room()) == ("image/png", PNG)
        assert len(names.asked) == 1
        assert await why(fetching, outside.url()) is Missing.PRIVATE
        assert inside.requests == []


async def test_the_ordinary_resolver_and_rule_let_nothing_private_through(site: PictureSite) -> None:
    fetching = Fetcher(FetchLimits(http=True, ports=(site.port,)))
    for host in ("127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0"):  # noqa: S104
        assert await why(fetching, site.url(host=host)) is Missing.PRIVATE
    assert await why(fetching, site.url(host="localhost")) is Missing.ADDRESS
    assert await why(fetching, site.url(host="2130706433")) is Missing.ADDRESS
    assert site.requests == []
    fetching.close()


async def test_a_pair_that_the_operator_names_may_be_private(site: PictureSite) -> None:
    fetching = Fetcher(FetchLimits(private_hosts={f"localhost:{site.port}"}))
    assert await fetching.fetch(site.url(host="localhost"), PATIENCE, Room()) == ("image/png", PNG)
    assert await why(fetching, site.url(host="127.0.0.1")) is Missing.SCHEME
    fetching.close()


async def test_ipv6() -> None:
    async with PictureSite("::1") as site:
        fetching = Fetcher(FetchLimits(http=True, ports=(site.port,)), allowed=lambda address: address == "::1")
        assert await fetching.fetch(site.url(host="[::1]"), PATIENCE, Room()) == ("image/png", PNG)
        assert f"Host: [::1]:{site.port}\r\n".encode() in site.requests[0]
        fetching.close()


async def test_the_next_address_is_tried_when_one_does_not_answer(site: PictureSite) -> None:
    names = Names(("127.0.0.3", "127.0.0.1"))
    fetching = Fetcher(
        FetchLimits(http=True, ports=(site.port,), seconds=PATIENCE), resolve=names, allowed=lambda _: True
    )
    assert await fetching.fetch(site.url(), PATIENCE, Room()) == ("image/png", PNG)


@pytest.mark.parametrize("answers", [(), socket.gaierror(-2, "no such name")], ids=["no address", "no name"])
async def test_a_name_that_nobody_knows(site: PictureSite, answers: Sequence[str] | OSError) -> None:
    fetching, _ = fetcher(site, answers)
    assert await why(fetching, site.url()) is Missing.UNKNOWN_HOST


async def test_nobody_listens(site: PictureSite) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        fetching, _ = fetcher(site, ports=(port,))
        assert await why(fetching, f"http://pictures.example:{port}/") is Missing.UNREACHABLE


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://user:word@pictures.example/", Missing.ADDRESS),
        ("http://pictures.example:22/", Missing.PORT),
        ("telegram:abc", Missing.ADDRESS),
    ],
)
async def test_an_address_that_is_not_even_looked_up(site: PictureSite, url: str, reason: Missing) -> None:
    fetching, names = fetcher(site)
    assert await why(fetching, url) is reason
    assert names.asked == []


async def test_certificates_are_checked_against_the_name_and_not_the_address(tmp_path: Path) -> None:
    served, trusting = certificate(tmp_path, "pictures.example")
    async with PictureSite(tls=served) as site:
        limits = FetchLimits(ports=(site.port,), seconds=PATIENCE)
        fetching = Fetcher(limits, resolve=Names(), allowed=first_loopback, tls=trusting)
        assert await fetching.fetch(site.url(), PATIENCE, Room()) == ("image/png", PNG)
        assert await why(fetching, site.url(host="other.example")) is Missing.UNREACHABLE
        unknowing = Fetcher(limits, resolve=Names(), allowed=first_loopback)
        assert await why(unknowing, site.url()) is Missing.UNREACHABLE
    assert len(site.requests) == 1


async def test_proxies_of_the_environment_are_not_used(site: PictureSite, monkeypatch: pytest.MonkeyPatch) -> None:
    async with PictureSite() as proxy:
        for name in ("http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        fetching, _ = fetcher(site)
        assert await fetching.fetch(site.url(), PATIENCE, Room()) == ("image/png", PNG)
        assert proxy.requests == []


@pytest.mark.parametrize(
    ("limits", "hosts", "most"),
    [
        ({"at_once": 3, "per_host": 9}, 6, 3),
        ({"at_once": 9, "per_host": 2}, 1, 2),
        ({"at_once": 9, "per_host": 2}, 3, 6),
    ],
)
async def test_no_more_at_once_than_is_set(site: PictureSite, limits: dict[str, object], hosts: int, most: int) -> None:
    go_on, full = asyncio.Event(), asyncio.Event()

    async def wait(writer: asyncio.StreamWriter) -> None:
        if site.at_once == most:
            full.set()
        await go_on.wait()
        writer.write(answer())

    site.pages["/wait"] = wait
    fetching, names = fetcher(site, **limits)
    urls = [site.url("/wait", host=f"h{number % hosts}.example") for number in range(12)]
    tasks = [asyncio.create_task(fetching.fetch(url, PATIENCE, Room())) for url in urls]
    async with asyncio.timeout(PATIENCE):
        await full.wait()
    assert len(names.asked) == most
    go_on.set()
    assert [data for _, data in await asyncio.gather(*tasks)] == [PNG] * 12
    assert site.most_at_once == most
    assert fetching._hosts == {}


async def test_a_fetch_that_is_cancelled_gives_its_place_back(site: PictureSite) -> None:
    started = asyncio.Event()

    async def wait(_writer: asyncio.StreamWriter) -> None:
        started.set()
        await asyncio.Event().wait()

    site.pages["/wait"] = wait
    fetching, _ = fetcher(site, at_once=1, per_host=1)
    task = asyncio.create_task(fetching.fetch(site.url("/wait"), PATIENCE, Room()))
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await fetching.fetch(site.url(), PATIENCE, Room()) == ("image/png", PNG)
