"""Perceptual hashes of pictures: PDQ, 256 bits that change little when a picture is scaled or compressed again.

The algorithm and its thresholds are from "The TMK+PDQF Video-Hashing Algorithm and the PDQ Image-Hashing Algorithm"
(Facebook, 2019). Hashes are written as 64 hexadecimal digits, as by other programs that make them.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image

from classifiers.images import pdq

MIN_QUALITY: Final = 50
"""Of 100; a picture with less has so little in it that its hash says nothing."""
MAX_DISTANCE: Final = 31
"""Bits by which hashes of the same picture differ at most."""
_SIDE: Final = 512
_MIN_SIDE: Final = 16

Hashes = npt.NDArray[np.uint64]
"""Hashes by rows, each of four words."""


def digest(picture: Image.Image) -> tuple[Hashes, int]:
    """The hashes of an RGB picture in its eight orientations (as it is, first), and its quality: 0 to 100."""
    scale = min(_SIDE / max(picture.size), 1.0)
    size = max(round(picture.width * scale), 1), max(round(picture.height * scale), 1)
    if min(size) < _MIN_SIDE:
        return np.zeros((0, 4), dtype=np.uint64), 0
    if size != picture.size:
        picture = picture.resize(size, Image.Resampling.BILINEAR)
    rows, quality = pdq.compute(np.asarray(picture))
    return words(rows), quality


def words(rows: npt.NDArray[np.uint8]) -> Hashes:
    """Hashes of 32 bytes a row, by words."""
    return np.ascontiguousarray(rows).view(np.uint64)


def parse(text: str) -> Hashes:
    """One hash from its 64 hexadecimal digits. Raises `ValueError` for anything else."""
    if len(text) != 64:
        raise ValueError("expected 64 hexadecimal digits")
    return words(np.frombuffer(bytes.fromhex(text), dtype=np.uint8).reshape(1, -1))


def written(hashes: Hashes) -> str:
    """The first of these hashes as 64 hexadecimal digits."""
    return bytes(hashes[0].tobytes()).hex()
