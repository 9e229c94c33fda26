"""How well the models do on sources they did not learn from: each source in turn is left out, and judged."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from classifiers.training.arrays import Labels, Numbers
from classifiers.training.corpus import Row
from classifiers.training.fit import head, labels, material
from classifiers.training.measures import Estimate, estimate, f1, macro_f1, precision_area
from classifiers.training.recipe import Recipe
from classifiers.training.teaching import Meanings

_FEW: Final = 40
"""Rows of either class that a source must have for its figures to say anything."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A category judged in one source by a model of all the others. ``area`` is that under the precision-recall curve,
    ``macro`` the mean F1 of both classes at 0.5, ``positive`` the F1 of the positive class there."""

    language: str
    category: str
    source: str
    rows: int
    base: float
    area: Estimate
    macro: Estimate
    positive: Estimate


def across_sources(rows: Sequence[Row], recipe: Recipe, meanings: Meanings) -> Iterator[Cell]:
    """Every category and source of which there are enough rows of both classes, outside the source and in it."""
    for language in recipe.languages:
        its = material([row for row in rows if row.language == language], recipe, meanings)
        source = np.array([row.source for row in its.rows])
        for category in recipe.categories:
            truth = labels(its.rows, category)
            for name in sorted(recipe.sources):
                outside, inside = source != name, (source == name) & (truth >= 0)
                if _enough(truth[inside]) and _enough(truth[outside]):
                    found = head(its, outside, recipe, category)
                    yield _cell(language, category, name, truth[inside], found.probabilities(its.texts[inside]))


def _enough(truth: Labels) -> bool:
    return min(int((truth == 1).sum()), int((truth == 0).sum())) >= _FEW


def _cell(language: str, category: str, source: str, truth: Labels, likely: Numbers) -> Cell:
    area, macro, positive = [estimate(measure, truth, likely) for measure in (precision_area, macro_f1(), f1())]
    return Cell(language, category, source, len(truth), float(truth.mean()), area, macro, positive)
