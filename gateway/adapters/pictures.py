"""The bytes of a message's pictures: uploads out of the request that brought them, the rest from the web."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

import msgspec
from msgspec.structs import replace

from classifiers.contract import Picture
from gateway import metrics
from gateway.adapters.fetching import Fetcher, is_picture
from gateway.core.fetchable import Missing, Unfetchable
from gateway.core.model import Media, Message
from gateway.core.records import SEALED, Envelope, Request
from gateway.platforms import multiparts, native
from gateway.platforms.call import header
from gateway.ports import Brought, Clock, Fault, Sealer

MOST_PICTURES: Final = 10
MOST_BYTES: Final = 20 * 1024 * 1024
"""Of one message; what is beyond is missing."""
_LONG: Final = 512 * 1024
"""Bytes that take too long to hash between two other requests."""
_UNTYPED: Final = "application/octet-stream"
"""What clients call an upload when they do not know better."""

log = logging.getLogger(__name__)

_envelope = msgspec.msgpack.Decoder(Envelope)


class WebPictures:
    """See `gateway.ports.Pictures`. Without a ``sealer`` platforms' uploads are missing. ``budget`` bounds the bytes of
    all pictures that are kept at once."""

    def __init__(
        self, fetcher: Fetcher, sealer: Sealer | None, clock: Clock, budget: int, most_bytes: int = MOST_BYTES
    ) -> None:
        self._fetcher = fetcher
        self._sealer = sealer
        self._clock = clock
        self._left = budget
        self._most = most_bytes

    @asynccontextmanager
    async def bring(self, message: Message, request: Request, deadline_ms: int) -> AsyncIterator[Brought]:
        """See `gateway.ports.Pictures`."""
        room = _Room(self, self._most)
        try:
            uploads = await self._uploads(message, request)
            seconds = (deadline_ms - self._clock.now_ms()) / 1000
            got = await asyncio.gather(
                *[self._one(media, at, uploads, room, seconds) for at, media in enumerate(message.media)]
            )
            del uploads
            media = tuple([found[0] for found in got])
            pictures = tuple([found[1] for found in got if isinstance(found[1], Picture)])
            missing = frozenset([found[1] for found in got if isinstance(found[1], Missing)])
            del got
            found = message if media == message.media else replace(message, media=media)
            yield Brought(found, pictures, missing)
        finally:
            room.leave()

    def take(self, size: int) -> None:
        """Keep so many bytes more. Raises `Unfetchable` when they do not fit."""
        if size > self._left:
            raise Unfetchable(Missing.CROWDED)
        self._left -= size

    def give_back(self, size: int) -> None:
        """Keep so many bytes less."""
        self._left += size

    async def _one(
        self, media: Media, at: int, uploads: dict[str, bytes], room: _Room, seconds: float
    ) -> tuple[Media, Picture | Missing]:
        """The media with the hash of what was found, and its picture or why there is none. Counts what came of it."""
        source = "upload" if media.url is None else "web"
        try:
            if at >= MOST_PICTURES:
                raise Unfetchable(Missing.MANY)
            if media.url is None:
                picture = _upload(media, uploads, room.take)
            else:
                media, picture = await self._fetched(media, media.url, room, seconds)
        except Unfetchable as missing:
            metrics.child(metrics.PICTURES, source, missing.why.value).inc()
            return media, missing.why
        metrics.child(metrics.PICTURES, source, "brought").inc()
        return media, picture

    async def _fetched(self, media: Media, url: str, room: _Room, seconds: float) -> tuple[Media, Picture]:
        if not is_picture(media.content_type):
            raise Unfetchable(Missing.NO_PICTURE)
        taken = 0

        def take(size: int) -> None:
            nonlocal taken
            room.take(size)
            taken += size

        try:
            content_type, data = await self._fetcher.fetch(url, seconds, take)
            digest = _sha256(data) if len(data) < _LONG else await asyncio.to_thread(_sha256, data)
            if media.sha256 not in (None, digest):
                raise Unfetchable(Missing.CHANGED)
        except Unfetchable:
            room.give_back(taken)
            raise
        return replace(media, sha256=digest), Picture(content_type, data)

    async def _uploads(self, message: Message, request: Request) -> dict[str, bytes]:
        """The bytes of uploads, found in the request by their hash: nobody keeps them besides."""
        uploaded = [item for item in message.media[:MOST_PICTURES] if item.url is None and _may_be_one(item)]
        wanted = {item.sha256 for item in uploaded if item.sha256}
        if not wanted:
            return {}
        try:
            if request.content_type != SEALED:
                # In a thread, for hashing some megabytes takes as long as answering many requests.
                return await asyncio.to_thread(native.uploads, request.body, wanted)
            if self._sealer is None:
                return {}
            envelope = _envelope.decode(self._sealer.open(request.body, message.content_hash))
            content_type = header(envelope.headers, "content-type") or ""
            return await asyncio.to_thread(multiparts.uploads, envelope.body, content_type, wanted)
        except (Fault, ValueError) as error:  # what was read once reads again, unless it was sealed by another key
            log.warning("uploads cannot be read again", {"error": type(error).__name__})
            return {}


class _Room:
    """What one message may still keep, of its own and of everybody's."""

    def __init__(self, shared: WebPictures, most: int) -> None:
        self._shared = shared
        self._left = self._most = most

    def take(self, size: int) -> None:
        """Keep so many bytes more. Raises `Unfetchable` when they do not fit."""
        if size > self._left:
            raise Unfetchable(Missing.LARGE)
        self._shared.take(size)
        self._left -= size

    def give_back(self, size: int) -> None:
        """Keep so many bytes less."""
        self._shared.give_back(size)
        self._left += size

    def leave(self) -> None:
        """Keep nothing."""
        self.give_back(self._most - self._left)


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _may_be_one(media: Media) -> bool:
    return is_picture(media.content_type) or media.content_type == _UNTYPED


def _upload(media: Media, uploads: dict[str, bytes], take: Callable[[int], None]) -> Picture:
    if not _may_be_one(media):
        raise Unfetchable(Missing.NO_PICTURE)
    data = uploads.get(media.sha256 or "")
    if data is None:
        raise Unfetchable(Missing.GONE)
    take(len(data))
    return Picture(media.content_type, data)
