"""The structure of a PNG or APNG file, chunk by chunk (W3C PNG, third edition)."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import Final

from classifiers.images.facts import Facts
from classifiers.images.limits import MAX_METADATA, MAX_SEGMENTS, Refused, bounded

MAGIC: Final = b"\x89PNG\r\n\x1a\n"
_MAX_PIXEL_CHUNKS: Final = 65_536
"""16 MiB in chunks of 256 bytes; encoders make them of 8 KiB and more."""
_GAMMA: Final = range(30_000, 70_001)
"""What viewers with and without a care for gamma show alike; a picture can look quite another one beyond it."""
_PRIMARIES: Final = (31_270, 32_900, 64_000, 33_000, 30_000, 60_000, 15_000, 6_000)
"""Of sRGB: x and y of white, red, green and blue, in 1/100,000."""
_ALIKE: Final = 1_000
"""By how much these may differ: encoders round, and nobody sees it."""
_MAX_TEXTS: Final = 16
"""Each may grow to the decoder's limit of 1 MiB."""


class _Seen:
    """What was seen of a file so far."""

    def __init__(self) -> None:
        self.size: tuple[int, int] | None = None
        self.announced: int | None = None
        self.controls = self.pixel_chunks = 0
        self.still = self.profiled = self.odd = False
        self._others = self._metadata = self._texts = 0

    def pixels(self, name: bytes) -> None:
        self.pixel_chunks = bounded(self.pixel_chunks + 1, _MAX_PIXEL_CHUNKS, "PNG: chunks of pixels")
        # A picture before the first frame control is for viewers that do not know animations: it is judged as well.
        self.still |= name == b"IDAT" and not self.controls

    def other(self, name: bytes, body: bytes) -> None:
        self._others = bounded(self._others + 1, MAX_SEGMENTS, "PNG: chunks")
        self._metadata = bounded(self._metadata + len(body), MAX_METADATA, "PNG: bytes that are not pixels")
        match name:
            case b"IHDR":
                if self.size is not None:
                    raise Refused("PNG: a second IHDR")
                self.size = struct.unpack_from(">II", body)
            case b"acTL":
                if self.announced is not None or self.pixel_chunks or len(body) != 8:
                    raise Refused("PNG: a misplaced acTL")
                self.announced = int.from_bytes(body[:4], "big")
            case b"fcTL":
                self.controls += 1
            case b"zTXt" | b"iTXt" | b"iCCP":
                self._texts = bounded(self._texts + 1, _MAX_TEXTS, "PNG: packed texts")
        self._colours(name, body)

    def _colours(self, name: bytes, body: bytes) -> None:
        match name:
            case b"gAMA":
                if int.from_bytes(body, "big") not in _GAMMA:
                    raise Refused("PNG: viewers do not agree on such a gamma")
            case b"cICP":
                raise Refused("PNG: viewers do not agree on cICP")
            case b"cHRM":
                self.odd |= not _as_srgb(body)
            case b"iCCP":
                if self.profiled or self.pixel_chunks:
                    raise Refused("PNG: a misplaced iCCP")
                self.profiled = True


def read(data: bytes) -> Facts:
    """The size and the number of frames. Raises `Refused` for what is not a well-formed file from IHDR to IEND."""
    seen = _Seen()
    for name, start, end in _chunks(data):
        if name in (b"IDAT", b"fdAT"):
            seen.pixels(name)
        else:
            seen.other(name, data[start:end])
    if seen.odd and not seen.profiled:
        raise Refused("PNG: viewers do not agree on such primaries")
    if seen.size is None or not seen.pixel_chunks:
        raise Refused("PNG: no pixels")
    if seen.controls != (seen.announced or 0):
        raise Refused("PNG: not as many frames as announced")
    return Facts("PNG", *seen.size, frames=seen.controls + seen.still if seen.controls else 1)


def _as_srgb(body: bytes) -> bool:
    if len(body) != 32:
        return False
    given: tuple[int, ...] = struct.unpack(">8I", body)
    return max([abs(one - other) for one, other in zip(given, _PRIMARIES, strict=True)]) <= _ALIKE


def _chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """The name of each chunk, and where its body begins and ends. Raises `Refused` for a file without IEND."""
    at, name = len(MAGIC), b""
    while name != b"IEND":
        if at + 12 > len(data):
            raise Refused("PNG: ends too early")
        length, name = struct.unpack_from(">I4s", data, at)
        start, end = at + 8, at + 8 + length
        if end + 4 > len(data):
            raise Refused("PNG: a chunk ends after the file")
        if at == len(MAGIC) and (name != b"IHDR" or length != 13):
            raise Refused("PNG: does not begin with IHDR")
        if zlib.crc32(memoryview(data)[at + 4 : end]) != int.from_bytes(data[end : end + 4], "big"):
            raise Refused("PNG: a damaged chunk")
        yield name, start, end
        at = end + 4
