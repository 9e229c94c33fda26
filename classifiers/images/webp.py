"""The structure of a WebP file, chunk by chunk (RFC 9649)."""

from __future__ import annotations

import struct
from typing import Final

from classifiers.images.facts import Facts
from classifiers.images.limits import MAX_METADATA, MAX_SEGMENTS, Refused, bounded

_PIXELS: Final = (b"VP8 ", b"VP8L", b"ALPH", b"ANMF")


def read(data: bytes) -> Facts:
    """The size and the number of frames. Raises `Refused` for what is not well-formed."""
    try:
        return _read(data)
    except struct.error as error:
        raise Refused("WebP: ends too early") from error


def _read(data: bytes) -> Facts:
    end = 8 + int(struct.unpack_from("<I", data, 4)[0])
    if end > len(data):
        raise Refused("WebP: ends too early")
    first = data[12:16]
    size = _size(data, first)
    at, segments, metadata, frames = 12, 0, 0, 0
    while at < end:
        name, length = struct.unpack_from("<4sI", data, at)
        segments = bounded(segments + 1, MAX_SEGMENTS, "WebP: chunks")
        if at + 8 + length > end:
            raise Refused("WebP: a chunk ends after the file")
        if name not in _PIXELS:
            metadata = bounded(metadata + length, MAX_METADATA, "WebP: bytes that are not pixels")
        frames += name == b"ANMF"
        at += 8 + length + length % 2
    return Facts("WEBP", *size, frames=max(frames, 1), copied=True)


def _size(data: bytes, first: bytes) -> tuple[int, int]:
    if first == b"VP8X":
        low_width, high_width, low_height, high_height = struct.unpack_from("<HBHB", data, 24)
        return 1 + low_width + (high_width << 16), 1 + low_height + (high_height << 16)
    if first == b"VP8 ":
        width, height = struct.unpack_from("<HH", data, 26)
        return width & 0x3FFF, height & 0x3FFF
    if first == b"VP8L":
        bits = struct.unpack_from("<I", data, 21)[0]
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    raise Refused("WebP: an unknown kind")
