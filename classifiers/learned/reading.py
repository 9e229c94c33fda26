"""What the models make of one view: probabilities by category from every language that can be in it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from classifiers.learned.grams import Grams, grams, worded
from classifiers.learned.linear import Linear, Stretch
from classifiers.learned.store import Models

CHINESE: Final = "zh"
ENGLISH: Final = "en"
_WORD: Final = 3
_SENTENCE: Final = 12
"""Latin letters that make a word, and enough of them to be read whatever stands beside them."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A view and the models that read it, each with the n-grams that it can judge. ``chinese``: whether there is
    Chinese or pinyin in it.
    """

    view: str
    chinese: bool
    models: tuple[tuple[Linear, Grams], ...]

    def probabilities(self) -> dict[str, float]:
        """How likely the view is of each category, by the language in which it is most so; nothing where nothing is
        read.
        """
        return {category: value for category, (value, _) in self.worst().items()}

    def worst(self) -> dict[str, tuple[float, Stretch]]:
        """The same, each with the passage of the view that is most so, or the whole of it."""
        best: dict[str, tuple[float, Stretch]] = {}
        for model, found in self.models:
            values, where = model.worst(found)
            for category, pair in zip(model.categories, zip(values.tolist(), where, strict=True), strict=True):
                if category not in best or pair[0] > best[category][0]:
                    best[category] = pair
        return best

    def stretches(self, category: str) -> list[Stretch]:
        """The stretches of the view that speak most for a category, by the model that is most sure of it."""
        surest = self.models[0] if len(self.models) == 1 else max(self.models, key=lambda pair: _of(pair, category))
        return surest[0].stretches(surest[1], self.view, category)


def _of(reader: tuple[Linear, Grams], category: str) -> float:
    model, found = reader
    return float(model.probabilities(found)[model.categories.index(category)])


def read(view: str, models: Models) -> Reading:
    """Reads a view with the model of each language that has letters in it; pinyin is Chinese, too. Where there is no
    word, an address alone, say, there is nothing to read.
    """
    if not any(map(str.isalpha, worded(view))):
        return Reading(view, False, ())
    found = _grams(view)
    readers = []
    if found.syllables:
        readers.append((models.languages[CHINESE], found))
    if found.latin >= _SENTENCE or found.latin >= max(_WORD, found.syllables // 3) or not readers:
        readers.append((models.languages[ENGLISH], found.without_chinese() if found.syllables else found))
    return Reading(view, found.syllables > 0, tuple(readers))


_grams: Final = lru_cache(16)(grams)
"""Several classifiers read the same view one after the other."""
