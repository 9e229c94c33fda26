"""The header of a BMP file (Microsoft, "Bitmap Storage")."""

from __future__ import annotations

import struct

from classifiers.images.facts import Facts
from classifiers.images.limits import Refused


def read(data: bytes) -> Facts:
    """The size; a file that is read from the top down has a negative height. Raises `Refused` for a broken header."""
    try:
        header = struct.unpack_from("<I", data, 14)[0]
        width, height = struct.unpack_from("<HH" if header == 12 else "<ii", data, 18)
    except struct.error as error:
        raise Refused("BMP: ends too early") from error
    return Facts("BMP", width, abs(height))
