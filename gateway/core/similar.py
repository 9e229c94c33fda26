"""Which texts look alike to a reviewer: how much of two texts' five-character pieces they share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

_PIECE: Final = 5
_LONGEST: Final = 4_000
"""Characters of a text that are compared: what is the same in so many is the same to people."""
_ALIKE: Final = 0.5


def similar(texts: Iterable[str], others: Mapping[str, Iterable[str]], most: int) -> list[tuple[str, float]]:
    """The ids of other messages that share half of their pieces with this one's ``texts`` or more (Jaccard index), with
    how much, the most alike in front; at most so many."""
    mine = _pieces(texts)
    found = [(key, _shared(mine, _pieces(theirs))) for key, theirs in others.items()]
    alike = [pair for pair in found if pair[1] >= _ALIKE]
    return sorted(alike, key=lambda pair: (-pair[1], pair[0]))[:most]


def _pieces(texts: Iterable[str]) -> frozenset[str]:
    text = " ".join("\n".join(texts).casefold().split())[:_LONGEST]
    return frozenset([text[start : start + _PIECE] for start in range(max(1, len(text) - _PIECE + 1))])


def _shared(one: frozenset[str], other: frozenset[str]) -> float:
    return len(one & other) / len(one | other)
