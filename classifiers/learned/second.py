"""The second look at an English text of which the first is unsure: what its sentences mean, beside the words in it.

Optional, see `sentences.installed`. Its log-odds count twice those of the first look.
"""

from __future__ import annotations

import hashlib
import io
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources.abc import Traversable
from itertools import chain, islice
from pathlib import Path
from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt

from classifiers.learned import store
from classifiers.learned.grams import worded
from classifiers.learned.linear import Stretch
from classifiers.learned.sentences import SIZE, Sentences, Vectors

Found = tuple[float, Stretch]
Embed = Callable[[Sequence[str]], Vectors]

NAME: Final = "sentences"
UNSURE: Final = (0.03, 0.97)
"""Between these, in any category, the first look is unsure."""
PIECE: Final = 600
"""Characters of the view that are embedded as one text."""
MOST_PIECES: Final = 7
"""Pieces of one message that are embedded: each takes some 20 ms of one core."""
_SURE: Final = 1e-4


@dataclass(slots=True)
class Left:
    """How much of one message may still get a second look; for the rest the first stands."""

    pieces: int = MOST_PIECES


class _Kept(store.Made, frozen=True):
    categories: tuple[str, ...]
    bias: list[float]


class SecondLook:
    """Linear heads over sentence vectors, one a category."""

    def __init__(self, directory: Traversable | None = None, embed: Embed | None = None) -> None:
        """``embed`` gives the vectors of texts, None for those of MiniLM.

        Raises `classifiers.learned.store.ModelError` when a part of it is missing or damaged.
        """
        directory = directory or store.shipped()
        head, raw = store.checked(f"{NAME}.json", directory), store.checked(f"{NAME}-en.npy", directory)
        kept = store.decoded(f"{NAME}.json", head, _Kept)
        self.categories: Final = kept.categories
        self.version: Final = hashlib.sha256(head + raw).hexdigest()[:12]
        self._bias = np.array(kept.bias, np.float32)
        self._weights = np.load(io.BytesIO(raw), allow_pickle=False).astype(np.float32)
        self._embed: Final = embed or Sentences().vectors

    def again(self, view: str, first: Mapping[str, Found], left: Left) -> dict[str, float]:
        """The probabilities after a second look, where the first is unsure; the first ones where it is sure.

        ``first`` is what the first look found of each category, and in which passage of the view. The same passage is
        looked at again: a longer one would say what is around it. The least harmless ones come first, as many as may
        be looked at.
        """
        low, high = UNSURE
        likely = {category: value for category, (value, _) in first.items()}
        unsure = sorted([first[c] for c in self.categories if low < first[c][0] < high], reverse=True)
        taken: dict[Stretch, list[str]] = {}
        for _, passage in unsure:
            if passage not in taken and (words := list(islice(pieces(view[slice(*passage)]), left.pieces))):
                taken[passage] = words
                left.pieces -= len(words)
        if not taken:
            return likely
        vectors = self._embed(list(chain.from_iterable(taken.values())))
        odds = vectors @ self._weights + self._bias
        edges = np.cumsum([0, *map(len, taken.values())])[:-1]
        worst = dict(zip(taken, np.maximum.reduceat(odds, edges), strict=True))
        for index, category in enumerate(self.categories):
            value, passage = first[category]
            if passage in worst:
                likely[category] = _both(value, float(worst[passage][index]))
        return likely


def pieces(view: str) -> Iterator[str]:
    """What of a passage is embedded: pieces of its words, cut evenly where it is longer."""
    view = " ".join(worded(view).split())
    count = -(-len(view) // PIECE)
    for index in range(count):
        start = index * max(len(view) - PIECE, 0) // max(count - 1, 1)
        yield view[start : start + PIECE]


def save(categories: Sequence[str], weights: npt.NDArray[np.float64], bias: Sequence[float], directory: Path) -> None:
    """Writes heads into a directory. ``weights`` are of shape (384, categories)."""
    if weights.shape != (SIZE, len(categories)):
        raise ValueError(f"weights: of shape {weights.shape}, expected {(SIZE, len(categories))}")
    np.save(directory / f"{NAME}-en.npy", weights.astype(np.float16), allow_pickle=False)
    kept = _Kept(store.MADE_FOR, tuple(categories), [round(number, 3) for number in bias])
    (directory / f"{NAME}.json").write_bytes(msgspec.json.format(msgspec.json.encode(kept), indent=1) + b"\n")
    store.sum_up(directory)


def _both(first: float, second_odds: float) -> float:
    """The probability whose log-odds are the mean of both; the second, which errs less on new sources, counts twice."""
    kept = min(max(first, _SURE), 1 - _SURE)
    return 1 / (1 + math.exp(-(math.log(kept / (1 - kept)) + 2 * second_odds) / 3))
