"""From what the network says of its 2,100 anchors to what is in the picture."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from classifiers.images.views import Box

LABELS: Final = (
    "FEMALE_GENITALIA_COVERED",
    "FACE_FEMALE",
    "BUTTOCKS_EXPOSED",
    "FEMALE_BREAST_EXPOSED",
    "FEMALE_GENITALIA_EXPOSED",
    "MALE_BREAST_EXPOSED",
    "ANUS_EXPOSED",
    "FEET_EXPOSED",
    "BELLY_COVERED",
    "FEET_COVERED",
    "ARMPITS_COVERED",
    "ARMPITS_EXPOSED",
    "FACE_MALE",
    "BELLY_EXPOSED",
    "MALE_GENITALIA_EXPOSED",
    "ANUS_COVERED",
    "FEMALE_BREAST_COVERED",
    "BUTTOCKS_COVERED",
)
"""The classes of the network, in its order, as its file names them."""
THRESHOLD: Final = 0.2
"""What the network is less sure of is noise."""
_SAME: Final = 0.45
"""Intersection over union from which two boxes are the same thing."""
_MOST: Final = 256
"""Boxes looked at, the surest first."""


class Detection(NamedTuple):
    """A body part: its label, how sure the network is (0 to 1), and where."""

    label: str
    confidence: float
    left: float
    top: float
    right: float
    bottom: float


def detections(output: npt.NDArray[np.float32], box: Box, scale: float) -> list[Detection]:
    """What a letterboxed part of a picture shows, the surest first, each thing once.

    ``output`` is 1 x (4 + classes) x anchors: centre, width and height in the network's pixels, then one confidence a
    class. ``box`` is the part, in the picture's pixels, and ``scale`` what it was scaled by. An anchor stands for its
    surest class; of boxes that overlap, whatever their classes, the surest stays.
    """
    table = output[0].T
    classes, sure = table[:, 4:].argmax(axis=1), table[:, 4:].max(axis=1)
    order = np.argsort(-sure, kind="stable")[:_MOST]
    order = order[sure[order] >= THRESHOLD]
    centre, half = table[order, 0:2], table[order, 2:4] / 2
    corner = np.array(box[:2], dtype=np.float32)
    low, high = corner, np.array(box[2:], dtype=np.float32)
    first = np.clip((centre - half) / scale + corner, low, high)
    last = np.clip((centre + half) / scale + corner, low, high)
    return [
        Detection(LABELS[classes[order[at]]], float(sure[order[at]]), *map(float, (*first[at], *last[at])))
        for at in _kept(first, last)
    ]


def _kept(first: npt.NDArray[np.float32], last: npt.NDArray[np.float32]) -> list[int]:
    """Greedy non-maximum suppression over boxes that are sorted by confidence."""
    area = np.prod(last - first, axis=1)
    left = np.ones(len(first), dtype=bool)
    kept = []
    for at in range(len(first)):
        if not left[at]:
            continue
        kept.append(at)
        common = np.prod(np.clip(np.minimum(last, last[at]) - np.maximum(first, first[at]), 0, None), axis=1)
        left &= common <= _SAME * (area + area[at] - common)
    return kept
