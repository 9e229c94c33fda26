"""PDQ, the perceptual hash: what remains of a picture when only its 16 lowest frequencies each way are kept. Pure.

After "The TMK+PDQF Video-Hashing Algorithm and the PDQ Image-Hashing Algorithm" (Facebook, 2019): luminance, two passes
of a box filter each way, 64 by 64 samples, a cosine transform without its constant, and a bit for each of 256
coefficients above their median. Written here because the library that binds the original comes without wheels for
Linux.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

_SAMPLES: Final = 64
_KEPT: Final = 16
_LUMA: Final = np.array([0.299, 0.587, 0.114], np.float32)
_QUALITY: Final = 90
"""The sum of gradients that makes a hundredth of full quality."""

Plane = npt.NDArray[np.float32]

_COSINES: Final = (
    np.sqrt(2 / _SAMPLES)
    * np.cos(np.pi / 2 / _SAMPLES * np.outer(np.arange(1, _KEPT + 1), 2 * np.arange(_SAMPLES) + 1))
).astype(np.float32)
_SIGNS: Final = np.where(np.arange(_KEPT) % 2, 1.0, -1.0).astype(np.float32)
"""What mirroring makes of the coefficients: those of odd frequencies change their sign."""


def compute(picture: npt.NDArray[np.uint8]) -> tuple[npt.NDArray[np.uint8], int]:
    """The hashes of an RGB picture of shape (height, width, 3) in its eight orientations (as it is, first), 32 bytes a
    row, and its quality, 0 to 100: how much there is in it to tell pictures apart by."""
    samples = _sampled(picture.astype(np.float32) @ _LUMA)
    found = _COSINES @ samples @ _COSINES.T
    turned = [
        plane * rows[:, None] * columns
        for plane in (found, found.T)
        for rows in (np.ones_like(_SIGNS), _SIGNS)
        for columns in (np.ones_like(_SIGNS), _SIGNS)
    ]
    return np.array([_bits(plane) for plane in turned], np.uint8), _quality(samples)


def _bits(plane: Plane) -> npt.NDArray[np.uint8]:
    flat = plane.ravel()
    median = np.partition(flat, flat.size // 2 - 1)[flat.size // 2 - 1]
    return np.packbits((flat > median)[::-1])


def _sampled(plane: Plane) -> Plane:
    for _ in range(2):
        plane = _boxed(_boxed(plane.T).T)
    rows, columns = [((np.arange(_SAMPLES) + 0.5) * size / _SAMPLES).astype(int) for size in plane.shape]
    return np.asarray(plane[rows[:, None], columns], np.float32)


def _boxed(plane: Plane) -> Plane:
    """Each value as the mean of those around it in its column; at the borders, of as many as there are."""
    size = len(plane)
    window = (size + 2 * _SAMPLES - 1) // (2 * _SAMPLES)
    ahead = (window + 2) // 2
    sums = np.concatenate((np.zeros((1, plane.shape[1])), np.cumsum(plane, axis=0, dtype=np.float64)))
    at = np.arange(size)
    low, high = np.maximum(at + ahead - window, 0), np.minimum(at + ahead, size)
    return np.asarray((sums[high] - sums[low]) / (high - low)[:, None], np.float32)


def _quality(samples: Plane) -> int:
    steps = [
        np.trunc((samples[1:] - samples[:-1]) * 100 / 255),
        np.trunc((samples[:, 1:] - samples[:, :-1]) * 100 / 255),
    ]
    return min(int(sum([np.abs(step).sum() for step in steps])) // _QUALITY, 100)
