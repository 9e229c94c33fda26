"""The structure of a JPEG file, segment by segment up to its end (ITU-T T.81, annex B).

Whatever follows the end (a second picture, a gain map, a film) is not what a viewer shows, and is not read.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from typing import Final

from classifiers.images.facts import Facts
from classifiers.images.limits import MAX_METADATA, MAX_SEGMENTS, Refused, bounded

_MARKER: Final = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
"""The next marker in coded data: stuffed bytes, restarts and fill bytes are part of it."""
_FRAMES: Final = frozenset({0xC0, 0xC1, 0xC2, 0xC9, 0xCA})
"""Baseline, extended and progressive; lossless and hierarchical files are refused, as viewers refuse them."""
_OTHER_FRAMES: Final = frozenset({0xC3, 0xC5, 0xC6, 0xC7, 0xCB, 0xCD, 0xCE, 0xCF, 0xDE})
_PROGRESSIVE: Final = frozenset({0xC2, 0xCA})
_START_OF_SCAN: Final = 0xDA
_END: Final = 0xD9
_METADATA: Final = frozenset({*range(0xE0, 0xF0), 0xFE})


def read(data: bytes) -> Facts:
    """The size and how often a decoder goes over it. Raises `Refused` for what is not well-formed up to its end."""
    segments = metadata = scans = 0
    frame: tuple[int, int, int] | None = None
    for marker, at, length in _segments(data):
        segments = bounded(segments + 1, MAX_SEGMENTS, "JPEG: segments")
        scans += marker == _START_OF_SCAN
        if marker in _METADATA:
            metadata = bounded(metadata + length, MAX_METADATA, "JPEG: bytes that are not pixels")
        elif marker in _OTHER_FRAMES or (marker in _FRAMES and (frame is not None or length < 8)):
            raise Refused("JPEG: a kind that viewers do not show")
        elif marker in _FRAMES:
            height, width = struct.unpack_from(">HH", data, at + 3)
            frame = marker, width, height
    if frame is None or not scans:
        raise Refused("JPEG: no pixels")
    return Facts("JPEG", frame[1], frame[2], scans=scans, copied=frame[0] in _PROGRESSIVE or scans > 1)


def _segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """The marker of each segment, where its length stands, and its length; coded data is skipped."""
    at = 2
    while True:
        marker, at = _next(data, at)
        if marker == _END:
            return
        length = int.from_bytes(data[at : at + 2], "big")
        if length < 2 or at + length > len(data):
            raise Refused("JPEG: a segment ends after the file")
        yield marker, at, length
        at += length
        if marker == _START_OF_SCAN:
            found = _MARKER.search(data, at)
            if found is None:
                raise Refused("JPEG: ends too early")
            at = found.start()


def _next(data: bytes, at: int) -> tuple[int, int]:
    """The marker at ``at``, which fill bytes may precede, and where what follows it begins. Raises `Refused`."""
    if data[at : at + 1] != b"\xff":
        raise Refused("JPEG: no marker where one belongs")
    while data[at : at + 1] == b"\xff":
        at += 1
    if at >= len(data):
        raise Refused("JPEG: ends too early")
    return data[at], at + 1
