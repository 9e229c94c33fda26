"""From body parts to the probability that a picture is sexual.

The network says what it sees, not whether that is sexual, and it is not calibrated. So: only what is exposed counts;
each part has a weight, the probability that a picture that surely shows it is sexual (a picture may be medical, a work
of art, or of a beach); and parts of different kinds in one view support each other. With the policy that ships, one
kind alone holds a message for a person and never blocks it; genitals together with another kind block it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import prod
from typing import Final

from classifiers.images.boxes import THRESHOLD, Detection

WEIGHTS: Final[Mapping[str, float]] = {
    "FEMALE_GENITALIA_EXPOSED": 0.9,
    "MALE_GENITALIA_EXPOSED": 0.9,
    "ANUS_EXPOSED": 0.9,
    "FEMALE_BREAST_EXPOSED": 0.8,
    "BUTTOCKS_EXPOSED": 0.6,
}
"""What counts, and how much. Not in it: everything covered, faces, feet, armpits, bellies and men's chests."""
_SURE: Final = 0.5
"""The confidence from which a part is taken for seen: what the network is right about it mostly puts above."""
_CEILING: Final = 0.97


def sexual(seen: Iterable[Detection]) -> float:
    """The probability, 0 to `_CEILING`, for what was seen in one view: each kind counts once, as its surest."""
    surest: dict[str, float] = {}
    for found in seen:
        if found.label in WEIGHTS:
            surest[found.label] = max(surest.get(found.label, 0.0), found.confidence)
    if not surest:
        return 0.0
    missed = prod([1.0 - WEIGHTS[label] * _certainty(confidence) for label, confidence in surest.items()])
    return min(round(1.0 - missed, 4), _CEILING)


def _certainty(confidence: float) -> float:
    return min(max((confidence - THRESHOLD) / (_SURE - THRESHOLD), 0.0), 1.0)
