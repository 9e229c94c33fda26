"""The second look at an English text of which the first is unsure: what its sentences mean, beside the words in it.

Optional, see `sentences.installed`. Its log-odds count twice those of the first look.
"""

from __future__ import annotations

import hashlib
import io
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt

from classifiers.learned import store
from classifiers.learned.grams import worded
from classifiers.learned.sentences import SIZE, Sentences, Vectors

Embed = Callable[[Sequence[str]], Vectors]

NAME: Final = "sentences"
UNSURE: Final = (0.03, 0.97)
"""Between these, in any category, the first look is unsure."""
PIECE: Final = 600
"""Characters of the view that are embedded as one text."""
_MOST_PIECES: Final = 7
_SURE: Final = 1e-4


class _Kept(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
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
        kept = msgspec.json.decode(head, type=_Kept)
        self.categories: Final = kept.categories
        self.version: Final = hashlib.sha256(head + raw).hexdigest()[:12]
        self._bias = np.array(kept.bias, np.float32)
        self._weights = np.load(io.BytesIO(raw), allow_pickle=False).astype(np.float32)
        self._embed: Final = embed or Sentences().vectors

    def again(self, view: str, first: Mapping[str, float]) -> dict[str, float]:
        """The probabilities after a second look, where the first is unsure; ``first`` as it is where it is sure."""
        low, high = UNSURE
        if not any(low < first[category] < high for category in self.categories):
            return dict(first)
        if not (words := list(pieces(view))):
            return dict(first)
        vectors = self._embed(words)
        odds = (vectors @ self._weights + self._bias).max(axis=0)
        seconds = dict(zip(self.categories, odds.tolist(), strict=True))
        return {c: _both(value, seconds[c]) if c in seconds else value for c, value in first.items()}


def pieces(view: str) -> Iterator[str]:
    """What of a view is embedded: at most seven pieces of its words, cut evenly where it is longer."""
    view = " ".join(worded(view).split())
    count = min(-(-len(view) // PIECE), _MOST_PIECES)
    for index in range(count):
        start = index * max(len(view) - PIECE, 0) // max(count - 1, 1)
        yield view[start : start + PIECE]


def save(categories: Sequence[str], weights: npt.NDArray[np.float64], bias: Sequence[float], directory: Path) -> None:
    """Writes heads into a directory. ``weights`` are of shape (384, categories)."""
    if weights.shape != (SIZE, len(categories)):
        raise ValueError(f"weights: of shape {weights.shape}, expected {(SIZE, len(categories))}")
    np.save(directory / f"{NAME}-en.npy", weights.astype(np.float16), allow_pickle=False)
    kept = _Kept(tuple(categories), [round(number, 3) for number in bias])
    (directory / f"{NAME}.json").write_bytes(msgspec.json.format(msgspec.json.encode(kept), indent=1) + b"\n")
    store.sum_up(directory)


def _both(first: float, second_odds: float) -> float:
    """The probability whose log-odds are the mean of both; the second, which errs less on new sources, counts twice."""
    kept = min(max(first, _SURE), 1 - _SURE)
    return 1 / (1 + math.exp(-(math.log(kept / (1 - kept)) + 2 * second_odds) / 3))
