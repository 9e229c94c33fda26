"""From body parts to the probability that a picture is sexual.

The network says what it sees, not whether that is sexual, and it is not calibrated. So: only what is exposed counts;
each part has a weight, the probability that a picture that surely shows it is sexual (a picture may be medical, a work
of art, or of a beach); and parts of different kinds in one view support each other. With the policy that ships, one
kind alone holds a message for a person and never blocks it; genitals together with another kind block it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import prod
from typing import Final, NamedTuple

from classifiers.images.boxes import THRESHOLD, Detection


class Part(NamedTuple):
    """A body part that counts: its weight, and the confidence from which it is taken for seen."""

    weight: float
    sure: float


PARTS: Final[Mapping[str, Part]] = {
    "FEMALE_GENITALIA_EXPOSED": Part(0.9, 0.5),
    "MALE_GENITALIA_EXPOSED": Part(0.9, 0.5),
    "ANUS_EXPOSED": Part(0.9, 0.5),
    "FEMALE_BREAST_EXPOSED": Part(0.8, 0.5),
    "BUTTOCKS_EXPOSED": Part(0.6, 0.7),
}
"""Not in it: everything covered, faces, feet, armpits, bellies and men's chests. Buttocks have to be seen more surely:
the network sees them in drawings of mere ellipses, with a confidence of up to 0.6, and none of the others there."""
_CEILING: Final = 0.97


def sexual(seen: Iterable[Detection]) -> float:
    """The probability, 0 to `_CEILING`, for what was seen in one view: each kind counts once, as its surest."""
    surest: dict[str, float] = {}
    for found in seen:
        if found.label in PARTS:
            surest[found.label] = max(surest.get(found.label, 0.0), found.confidence)
    if not surest:
        return 0.0
    missed = prod([1.0 - _probability(PARTS[label], confidence) for label, confidence in surest.items()])
    return min(round(1.0 - missed, 4), _CEILING)


def _probability(part: Part, confidence: float) -> float:
    return part.weight * min(max((confidence - THRESHOLD) / (part.sure - THRESHOLD), 0.0), 1.0)
