"""The header of a BMP file (Microsoft, "Bitmap Storage")."""

from __future__ import annotations

import struct
from typing import Final

from classifiers.images.facts import Facts
from classifiers.images.limits import Refused

_SRGB: Final = b"BGRs"
_WINDOWS: Final = b" niW"
"""Colour spaces of the header's versions 4 and 5, as little-endian numbers: sRGB, and the default, which is sRGB."""


def read(data: bytes) -> Facts:
    """The size; a file that is read from the top down has a negative height.

    Raises `Refused` for a broken header, and for one with colours of its own, which only some viewers follow.
    """
    try:
        header = struct.unpack_from("<I", data, 14)[0]
        width, height = struct.unpack_from("<HH" if header == 12 else "<ii", data, 18)
        colours = data[70:74] if header >= 108 else _SRGB
    except struct.error as error:
        raise Refused("BMP: ends too early") from error
    if colours not in (_SRGB, _WINDOWS):
        raise Refused("BMP: colours of its own")
    return Facts("BMP", width, abs(height))
