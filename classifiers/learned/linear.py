"""Logistic regression over hashed n-grams, one column a category: probabilities, and the stretches that moved them. Pure.

A text is the set of its n-grams, scaled to length 1: its value for a category is the sum of their weights over the
root of their number, plus a bias. So every n-gram's part in it is known, which is what the spans show.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from classifiers.learned.grams import Grams

Floats = npt.NDArray[np.float32]
Stretch = tuple[int, int]

_MOST_STRETCHES: Final = 8
_WARM: Final = 0.35
"""How warm a character must be, against the warmest one, to belong to a stretch."""
_SHORTEST: Final = 2


@dataclass(frozen=True, slots=True)
class Linear:
    """A model: ``weights`` are int8 of shape (buckets, categories), in units of ``scale`` for each category.

    ``slope`` and ``bias`` turn a sum of weights into log-odds: a passage's probability is calibrated by them (Platt 1999).
    ``passage`` is the length in characters of the passages that a long text is judged by, beside the whole.
    """

    categories: tuple[str, ...]
    bits: int
    passage: int
    weights: npt.NDArray[np.int8]
    scale: Floats
    slope: Floats
    bias: Floats

    def probabilities(self, found: Grams) -> Floats:
        """How likely the text is of each category, 0 to 1: that of its worst passage, or of the whole if that is more."""
        if not len(found.hashes):
            return np.zeros(len(self.categories), np.float32)
        buckets = found.buckets(self.bits)
        whole = np.unique(buckets)
        odds = self._odds(self.weights[whole].sum(axis=0, dtype=np.int32), len(whole))
        for start, end in self._passages(found):
            part = np.unique(buckets[start:end])
            odds = np.maximum(odds, self._odds(self.weights[part].sum(axis=0, dtype=np.int32), len(part)))
        return 1.0 / (1.0 + np.exp(-odds, dtype=np.float32))

    def stretches(self, found: Grams, category: str) -> list[Stretch]:
        """The stretches of the view that speak most for a category, in order; at most eight."""
        column = self.weights[found.buckets(self.bits), self.categories.index(category)]
        share = column.astype(np.float64) / found.lengths
        size = int((found.starts + found.lengths).max(initial=0)) + 1
        steps = np.zeros(size + 2)
        np.add.at(steps, found.starts + 1, share)
        np.add.at(steps, found.starts + 1 + found.lengths, -share)
        return _warm(np.cumsum(steps)[1:size])
