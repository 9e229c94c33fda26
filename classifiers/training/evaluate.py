"""How well the models do on sources they did not learn from: each source in turn is left out, and judged."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Final

import numpy as np

from classifiers.contract import Category
from classifiers.training.arrays import Labels, Numbers
from classifiers.training.corpus import Row
from classifiers.training.fit import head, labels, material
from classifiers.training.measures import Estimate, estimate, f1, macro_f1, precision_area
from classifiers.training.recipe import Recipe
from classifiers.training.teaching import Teacher, lessons, nothing

_OFFENCE: Final[tuple[Category, ...]] = ("hate", "harassment")
_FEW: Final = 40
"""Rows of either class that a source must have for its figures to say anything."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A category, or a group of them, judged in one source by a model of all the others. ``area`` is that under the
    precision-recall curve, ``macro`` the mean F1 of both classes at 0.5, ``positive`` the F1 of the positive class
    there.
    """

    language: str
    category: str
    source: str
    rows: int
    base: float
    area: Estimate
    macro: Estimate
    positive: Estimate


def groups(recipe: Recipe) -> list[tuple[Category, ...]]:
    """What is measured: each category, and both kinds of offence as one, which one source calls hate and another
    harassment.
    """
    alone: list[tuple[Category, ...]] = [(category,) for category in recipe.categories]
    return alone + ([_OFFENCE] if set(_OFFENCE) <= set(recipe.categories) else [])


def across_sources(rows: Sequence[Row], recipe: Recipe, teachers: Mapping[str, Teacher]) -> Iterator[Cell]:
    """Every group of categories and source of which there are enough rows of both classes, outside the source and in
    it. Teachers that learn from texts do not read what is left out either.
    """
    for language in recipe.languages:
        everything = material([row for row in rows if row.language == language], recipe, nothing)
        truths = {category: labels(everything.rows, category) for category in recipe.categories}
        source = np.array([row.source for row in everything.rows])
        for name in sorted(recipe.sources):
            inside = source == name
            # Of a group a row is 1 if one of its labels is, 0 if one is and none the contrary, -1 if none is known.
            told: dict[tuple[Category, ...], Labels] = {
                group: truth
                for group in groups(recipe)
                if _enough(truth := np.max([truths[category][inside] for category in group], axis=0))
                and all(_enough(truths[category][~inside]) for category in group)
            }
            if told:
                known = teachers[language]([row for row in everything.rows if row.source != name])
                its = replace(everything, lessons=lessons(everything.rows, known))
                found = {c: head(its, ~inside, recipe, c).probabilities(its.texts[inside]) for c in set(chain(*told))}
            for group, truth in told.items():
                likely = np.max([found[category] for category in group], axis=0)
                yield _cell(language, " or ".join(group), name, truth[truth >= 0], likely[truth >= 0])


def _enough(truth: Labels) -> bool:
    return min(int((truth == 1).sum()), int((truth == 0).sum())) >= _FEW


def _cell(language: str, category: str, source: str, truth: Labels, likely: Numbers) -> Cell:
    area, macro, positive = [estimate(measure, truth, likely) for measure in (precision_area, macro_f1(), f1())]
    return Cell(language, category, source, len(truth), float(truth.mean()), area, macro, positive)
