"""Where to look in a picture: the detector takes a square of 320 pixels, in which small things vanish."""

from __future__ import annotations

from math import ceil
from typing import Final

from classifiers.images.decode import SHORT

Box = tuple[int, int, int, int]
"""Left, top, right and bottom, in pixels."""

MAX_TILES: Final = 24
_LONG: Final = 2.0
"""From this ratio of its sides on a picture is a strip, of screenshots stitched together for example."""
_STEP: Final = 0.75
"""Of a tile's side, from one tile to the next: what lies on a border of one is inside the other."""
_CORNER: Final = 0.625
"""Of the picture's sides, for the tiles in the four corners of a large picture."""


def boxes(width: int, height: int, moving: bool = False) -> list[Box]:
    """The whole picture first; then squares along a strip, or the corners of a large picture that does not move.

    Together they cover the picture, and there are never more than 1 + `MAX_TILES`.
    """
    whole = (0, 0, width, height)
    if max(width, height) > _LONG * min(width, height):
        return [whole, *_strip(width, height)]
    if min(width, height) < SHORT or moving:
        return [whole]
    wide, high = ceil(width * _CORNER), ceil(height * _CORNER)
    return [whole] + [(x, y, x + wide, y + high) for y in (0, height - high) for x in (0, width - wide)]


def _strip(width: int, height: int) -> list[Box]:
    short, long = min(width, height), max(width, height)
    side = max(short, ceil(long / (1 + (MAX_TILES - 1) * _STEP)))
    count = 1 + ceil((long - side) / (side * _STEP))
    starts = [round(index * (long - side) / max(count - 1, 1)) for index in range(count)]
    if width > height:
        return [(start, 0, start + side, height) for start in starts]
    return [(0, start, width, start + side) for start in starts]
