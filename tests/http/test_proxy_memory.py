"""100 MB in either direction do not make the gateway grow, and whoever is too fast is made to wait."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator, Iterator
from threading import Event, Thread

import psutil

from tests.http.proxy_process import proxy_process
from tests.http.recorder import served

MB = 1_000_000
SIZE = 100 * MB
PIECE = bytes(range(256)) * 4000
GROWTH = 20 * MB

Reader = asyncio.StreamReader
Writer = asyncio.StreamWriter


@contextlib.contextmanager
def growth(process: psutil.Process) -> Iterator[list[int]]:
    """Watches a process; the list holds by how many bytes it grew at the most while the block ran."""
    before = process.memory_info().rss
    found = [0]
    ended = Event()

    def watch() -> None:
        while not ended.wait(0.002):
            found[0] = max(found[0], process.memory_info().rss - before)

    thread = Thread(target=watch)
    thread.start()
    try:
        yield found
    finally:
        ended.set()
        thread.join()


async def send(writer: Writer, size: int) -> str:
    """Send so many bytes as fast as they are taken; their digest."""
    digest = hashlib.sha256()
    while size:
        piece = PIECE[: min(size, len(PIECE))]
        digest.update(piece)
        size -= len(piece)
        writer.write(piece)
        await writer.drain()
    return digest.hexdigest()


async def take(reader: Reader, size: int) -> str:
    """Take so many bytes; their digest."""
    digest = hashlib.sha256()
    while size:
        piece = await reader.read(min(size, 1 << 18))
        assert piece, "cut off"
        size -= len(piece)
        digest.update(piece)
    return digest.hexdigest()


class Store:
    """An upstream that takes and gives bodies. Unless it is ``patient`` it notices that its client takes nothing;
    unless it is ``reading`` it takes nothing itself until it may ``resume``."""

    def __init__(self) -> None:
        self.stuck = asyncio.Event()
        self.resume = asyncio.Event()
        self.sent = 0
        self.patient = True
        self.reading = True
        self.digest = ""

    async def __call__(self, reader: Reader, writer: Writer) -> None:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            size = int(head.split(b" ")[1].rsplit(b"/", 1)[1])
            if head.startswith(b"PUT"):
                if not self.reading:
                    await self.resume.wait()
                self.digest = await take(reader, size)
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 64\r\n\r\n" + self.digest.encode())
            else:
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
                self.digest = await self._give(writer, size)

    async def _give(self, writer: Writer, size: int) -> str:
        digest = hashlib.sha256()
        while self.sent < size:
            piece = PIECE[: min(size - self.sent, len(PIECE))]
            writer.write(piece)
            digest.update(piece)
            self.sent += len(piece)
            try:
                async with asyncio.timeout(None if self.patient else 0.5):
                    await writer.drain()
            except TimeoutError:
                self.patient = True
                self.stuck.set()
                await writer.drain()
        self.sent = 0
        return digest.hexdigest()


@contextlib.asynccontextmanager
async def running() -> AsyncIterator[tuple[Store, Reader, Writer, psutil.Process]]:
    """The upstream, a connection to the gateway before it, and the gateway's process, warmed up in both directions."""
    store = Store()
    async with served(store) as netloc, proxy_process(netloc) as (port, process):
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 18)
        try:
            for _ in range(3):
                assert await upload(reader, writer, 3 * MB) == store.digest
                assert await download(reader, writer, 3 * MB) == store.digest
            yield store, reader, writer, process
        finally:
            writer.close()


async def upload(reader: Reader, writer: Writer, size: int) -> str:
    """Send a body; its digest, which the upstream found too."""
    writer.write(b"PUT /upload/%d HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % (size, size))
    digest = await send(writer, size)
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200")
    assert await reader.readexactly(64) == digest.encode()
    return digest


async def download(reader: Reader, writer: Writer, size: int) -> str:
    """Take a body; its digest."""
    writer.write(b"GET /download/%d HTTP/1.1\r\nHost: a\r\n\r\n" % size)
    head = await reader.readuntil(b"\r\n\r\n")
    assert b"Content-Length: %d\r\n" % size in head
    return await take(reader, size)


async def test_a_long_upload() -> None:
    async with running() as (store, reader, writer, process):
        with growth(process) as grown:
            assert await upload(reader, writer, SIZE) == store.digest
    assert grown[0] < GROWTH


async def test_a_long_download() -> None:
    async with running() as (store, reader, writer, process):
        with growth(process) as grown:
            assert await download(reader, writer, SIZE) == store.digest
    assert grown[0] < GROWTH


async def test_a_client_that_does_not_read_makes_the_upstream_wait() -> None:
    async with running() as (store, reader, writer, process):
        with growth(process) as grown:
            store.patient = False
            writer.write(b"GET /download/%d HTTP/1.1\r\nHost: a\r\n\r\n" % SIZE)
            await store.stuck.wait()
            assert store.sent < SIZE, "the systems' own buffers take a part of it"
            await reader.readuntil(b"\r\n\r\n")
            assert await take(reader, SIZE) == store.digest
    assert grown[0] < GROWTH


async def test_an_upstream_that_does_not_read_makes_the_client_wait() -> None:
    async with running() as (store, reader, writer, process):
        with growth(process) as grown:
            store.reading = False
            sending = asyncio.create_task(upload(reader, writer, SIZE))
            done, _ = await asyncio.wait((sending,), timeout=0.5)
            assert not done
            store.resume.set()
            assert await sending == store.digest
    assert grown[0] < GROWTH
