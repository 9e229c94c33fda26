"""The structure of a GIF file, block by block (GIF89a specification)."""

from __future__ import annotations

import struct
from typing import Final

from classifiers.images.facts import Facts
from classifiers.images.limits import MAX_FRAMES, MAX_METADATA, MAX_SEGMENTS, Refused, bounded

_MAX_BLOCKS: Final = 262_144
"""Four times as many as 16 MiB have of full length."""


def read(data: bytes) -> Facts:
    """The size and the number of frames. Raises `Refused` for what is not well-formed up to its trailer, or has a
    frame that leaves the canvas."""
    try:
        return _read(data)
    except (IndexError, struct.error) as error:
        raise Refused("GIF: ends too early") from error


def _read(data: bytes) -> Facts:
    width, height, flags = struct.unpack_from("<HHB", data, 6)
    at, frames, segments, metadata = 13 + _table(flags), 0, 0, 0
    blocks = _Blocks(data)
    while data[at] != 0x3B:
        if data[at] == 0x21:
            segments = bounded(segments + 1, MAX_SEGMENTS, "GIF: extensions")
            end = blocks.end(at + 2)
            metadata = bounded(metadata + end - at, MAX_METADATA, "GIF: bytes that are not pixels")
            at = end
        elif data[at] == 0x2C:
            frames = bounded(frames + 1, MAX_FRAMES, "frames")
            left, top, wide, high, flags = struct.unpack_from("<HHHHB", data, at + 1)
            if left + wide > width or top + high > height:
                raise Refused("GIF: a frame leaves the canvas")
            at = blocks.end(at + 11 + _table(flags))
        else:
            raise Refused("GIF: an unknown block")
    return Facts("GIF", width, height, frames)


class _Blocks:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._seen = 0

    def end(self, at: int) -> int:
        """Where what follows the blocks at ``at`` begins."""
        while length := self._data[at]:
            self._seen = bounded(self._seen + 1, _MAX_BLOCKS, "GIF: blocks")
            at += 1 + length
        return at + 1


def _table(flags: int) -> int:
    """Bytes of a colour table."""
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0
