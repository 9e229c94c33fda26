"""Where to look: everything is covered, nothing is looked at too often."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from classifiers.images.decode import SHORT
from classifiers.images.views import MAX_TILES, boxes

SIDES = st.integers(1, 16_384)


@given(SIDES, SIDES, st.booleans())
def test_views_are_few_and_inside(width: int, height: int, moving: bool) -> None:
    views = boxes(width, height, moving)
    assert views[0] == (0, 0, width, height)
    assert len(views) <= 1 + MAX_TILES
    for left, top, right, bottom in views:
        assert 0 <= left < right <= width
        assert 0 <= top < bottom <= height


@given(SIDES, SIDES, st.booleans())
def test_tiles_cover_the_picture(width: int, height: int, moving: bool) -> None:
    tiles = boxes(width, height, moving)[1:]
    if tiles:
        marks = np.zeros((101, 101), dtype=bool)
        x, y = np.linspace(0, width, 101, endpoint=False), np.linspace(0, height, 101, endpoint=False)
        for left, top, right, bottom in tiles:
            marks |= np.outer((y >= top) & (y < bottom), (x >= left) & (x < right))
        assert marks.all()


@given(st.integers(100, 1000), st.floats(2.1, 18))
def test_the_tiles_of_a_strip_are_overlapping_squares(short: int, ratio: float) -> None:
    long = int(short * ratio)
    tiles = boxes(short, long)[1:]
    assert boxes(long, short)[1:] == [(top, left, bottom, right) for left, top, right, bottom in tiles]
    for tile, following in pairwise(tiles):
        assert tile[2] - tile[0] == tile[3] - tile[1] == short
        assert tile[3] - following[1] >= short // 5


def test_only_strips_and_large_still_pictures_are_cut() -> None:
    assert len(boxes(400, 300)) == 1
    assert len(boxes(SHORT - 1, SHORT)) == 1
    assert len(boxes(SHORT, SHORT)) == 5
    assert len(boxes(SHORT, SHORT, moving=True)) == 1
    assert len(boxes(1000, 2001)) == 4
