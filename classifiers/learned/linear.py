"""Logistic regression over hashed n-grams, one column a category: probabilities, and the stretches that moved them.
Pure.

A text is the set of its n-grams, scaled to length 1 (a very short Chinese one to less): its value for a category is the
sum of their weights over the root of their number. So every n-gram's part in it is known, which is what the spans show.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from classifiers.learned.grams import Grams

Floats = npt.NDArray[np.float32]
Stretch = tuple[int, int]

_LATIN: Final = re.compile("[a-z0-9]")
_FEW: Final = 60
"""N-grams of a Chinese text that says little: fewer count as so many, for a few characters alone prove nothing. A word
or two of English can be all there is of an insult.
"""
_MOST_STRETCHES: Final = 8
_SHORTEST: Final = 36
"""Characters of the shortest piece: fewer say too little by themselves."""
_APART: Final = 12
"""Characters between the beginnings of passages: what stands before a sentence in one of them is no longer."""
_WARM: Final = 0.4
"""How warm a character must be, against the warmest one, to belong to a stretch."""


@dataclass(frozen=True, slots=True)
class Linear:
    """A model. ``weights`` are int8 of shape (buckets, categories), in units of ``scale`` for each category.

    ``slope`` and ``bias`` turn the value of a text into log-odds (Platt 1999). ``passage`` is the length, in characters
    of the view, of the passages that a long text is judged by beside the whole.
    """

    categories: tuple[str, ...]
    bits: int
    passage: int
    weights: npt.NDArray[np.int8]
    scale: Floats
    slope: Floats
    bias: Floats

    def probabilities(self, found: Grams) -> Floats:
        """How likely the text is of each category, 0 to 1: the whole, or the passage that is most so."""
        return self.worst(found)[0]

    def worst(self, found: Grams) -> tuple[Floats, list[Stretch]]:
        """The probabilities, and for each category which passage it is, or the whole, that is most so."""
        where = [(0, found.size)] * len(self.categories)
        if not len(found.hashes):
            return np.zeros(len(self.categories), np.float32), where
        buckets = found.buckets(self.bits)
        odds = self._odds(buckets, _FEW if found.chinese.any() else 1)
        if len(found.breaks) > 1 or found.size > self.passage:
            order = np.argsort(found.starts, kind="stable")
            buckets, starts = buckets[order], found.starts[order]
            for begin, end in passages(found, self.passage):
                low, high = starts.searchsorted((begin, end))
                # A passage has more around it: fewer n-grams than it may have characters count as so many.
                there = self._odds(buckets[low:high], self.passage)
                for index in (there > odds).nonzero()[0]:
                    odds[index], where[index] = there[index], (begin, end)
        return np.asarray(1.0 / (1.0 + np.exp(-odds)), np.float32), where

    def stretches(self, found: Grams, view: str, category: str) -> list[Stretch]:
        """The stretches of the view that speak most for a category, in order and of whole words; at most eight. Signs
        alone speak only where no word does.
        """
        column = self.weights[found.buckets(self.bits), self.categories.index(category)]
        share = column / found.lengths
        starts, ends = np.maximum(found.starts, 0), np.minimum(found.starts + found.lengths, found.size)
        letters = np.concatenate(([0], np.cumsum([character.isalnum() for character in view[: found.size]])))
        for counted in (share * (letters[ends] > letters[starts]), share):
            begun = np.bincount(starts, counted, found.size + 1)
            ended = np.bincount(ends, counted, found.size + 1)
            heat = np.cumsum(begun - ended, dtype=np.float64)[: found.size]
            if warmest := _warmest(heat):
                return _words(view, warmest)
        return []

    def _odds(self, buckets: npt.NDArray[np.int64], least: int) -> Floats:
        """The log-odds of the categories for a set of n-grams, which counts as ``least`` if there are fewer."""
        unlike_ones = unlike(buckets)
        # Sums of columns; `sum` takes twice as long for them.
        sums = np.einsum("ij->j", self.weights.take(unlike_ones, axis=0).astype(np.int32))
        values = sums * self.scale / np.float32(max(len(unlike_ones), least)) ** np.float32(0.5)
        return np.asarray(self.slope * values + self.bias, np.float32)


def passages(found: Grams, length: int) -> Iterator[Stretch]:
    """What of a text is judged apart, so that little hides behind what stands around it: from where each sentence
    begins as many as are long enough to say something, and as many as are no longer than ``length``; longer ones in
    overlapping pieces of that length. Where sentences are short, not every one of them begins a passage.
    """
    edges = [*found.breaks, found.size]
    last = -_SHORTEST
    for place, begin in enumerate(edges[:-1]):
        end = edges[place + 1]
        if end - begin > length:
            for start in range(begin, end - length // 3, length * 2 // 3):
                yield start, start + length
        elif begin - last >= _APART:
            shortest = bisect_left(edges, begin + _SHORTEST, place + 1)
            longest = bisect_right(edges, begin + length, place + 1) - 1
            for at in {shortest, longest} if shortest <= longest else ():
                last = begin
                if edges[at] - begin < found.size:
                    yield begin, edges[at]


def unlike(buckets: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Each bucket once, in order. Faster than numpy's own for so few."""
    ordered = np.sort(buckets)
    kept = np.empty(len(ordered), bool)
    kept[:1] = True
    np.not_equal(ordered[1:], ordered[:-1], out=kept[1:])
    return ordered[kept]


def _words(view: str, stretches: list[Stretch]) -> list[Stretch]:
    """The same, begun and ended where words do; what then touches is one. Signs alone are shown where no word is."""
    found: list[Stretch] = []
    signs: list[Stretch] = []
    for start, end in stretches:
        while 0 < start < len(view) and _LATIN.match(view, start) and _LATIN.match(view, start - 1):
            start -= 1
        while end < len(view) and _LATIN.match(view, end) and _LATIN.match(view, end - 1):
            end += 1
        piece = view[start:end]
        start, end = start + len(piece) - len(piece.lstrip()), end - len(piece) + len(piece.rstrip())
        if not any(map(str.isalnum, piece)):
            signs.append((start, end))
            continue
        if found and start <= found[-1][1] + 1:
            start = found.pop()[0]
        found.append((start, end))
    return found or signs


def _warmest(heat: npt.NDArray[np.float64]) -> list[Stretch]:
    """Runs of warm characters, the warmest first to be taken."""
    if not len(heat) or heat.max() <= 0:
        return []
    warm = np.concatenate(([False], heat >= _WARM * heat.max(), [False]))
    edges = np.flatnonzero(warm[1:] != warm[:-1]).reshape(-1, 2)
    sums = np.concatenate(([0.0], np.cumsum(heat)))
    weight = sums[edges[:, 1]] - sums[edges[:, 0]]
    best = np.sort(np.argsort(-weight, kind="stable")[:_MOST_STRETCHES])
    return [(int(start), int(end)) for start, end in edges[best]]
