"""Fits a linear model to rows: one logistic regression a category, mixed with what meanings teach the same n-grams
(see `teaching`), and calibrated on rows that neither learned from.

Every step is deterministic: sorted rows, seeded folds, a solver that uses one thread (liblinear: Fan et al. 2008),
weights rounded to int8. So the same rows give the same bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy import sparse
from sklearn.linear_model import LogisticRegression

from classifiers.learned.grams import grams
from classifiers.learned.linear import Linear, unlike
from classifiers.normalise import normalise
from classifiers.training.arrays import Labels, Mask, Matrix, Numbers, Places, balanced, without_rare
from classifiers.training.corpus import Row
from classifiers.training.recipe import HAND_WRITTEN, Recipe
from classifiers.training.teaching import Lessons, Teacher, lessons

_MOST_CHARACTERS: Final = 2000
_TURNS: Final = 300


@dataclass(frozen=True, slots=True)
class Head:
    """The weight of each bucket for one category; ``slope`` and ``bias`` turn a sum of them into log-odds."""

    weights: Numbers
    slope: float
    bias: float

    def probabilities(self, texts: Matrix) -> Numbers:
        """How likely each text is of the category."""
        return np.asarray(1 / (1 + np.exp(-(self.slope * (texts @ self.weights) + self.bias))))


@dataclass(frozen=True, slots=True)
class Material:
    """Rows of one language, ready to be learned from: the n-grams, weight and fold of each, and lessons if there are
    any.
    """

    rows: Sequence[Row]
    texts: Matrix
    counts: Numbers
    part: Labels
    lessons: Lessons | None


def material(rows: Sequence[Row], recipe: Recipe, teacher: Teacher) -> Material:
    """These rows, with what their teacher knows of them."""
    texts, taught = matrix(rows, recipe.bits), lessons(rows, teacher(rows))
    return Material(rows, texts, weights(rows, recipe), folds(rows, recipe), taught)


def matrix(rows: Sequence[Row], bits: int) -> Matrix:
    """One row of buckets for each text, scaled to length 1; shape (rows, 2**bits)."""
    found = [unlike(grams(normalise(row.text).text[:_MOST_CHARACTERS]).buckets(bits)) for row in rows]
    ends = np.concatenate(([0], np.cumsum([len(each) for each in found])))
    values = np.concatenate([np.full(len(each), 1 / np.sqrt(max(len(each), 1))) for each in found])
    return sparse.csr_matrix((values, np.concatenate(found), ends), shape=(len(rows), 1 << bits))


def labels(rows: Sequence[Row], category: str) -> Labels:
    """1, 0, or -1 for unknown."""
    return np.array([row.labels.get(category, -1) for row in rows], np.int8)


def weights(rows: Sequence[Row], recipe: Recipe) -> Numbers:
    """What each row counts."""
    return np.array([recipe.sources[row.source].weight for row in rows])


def fit(texts: Matrix, truth: Labels, counts: Numbers, strength: float, rare: int) -> Numbers:
    """The weight of each bucket for one category."""
    learner = LogisticRegression(
        C=strength, solver="liblinear", dual=True, max_iter=_TURNS, random_state=0, tol=1e-3
    ).fit(without_rare(texts, rare), truth, sample_weight=balanced(truth, counts))
    return np.asarray(learner.coef_[0], np.float64)


def calibrate(values: Numbers, truth: Labels, counts: Numbers) -> tuple[float, float]:
    """Slope and bias that turn values into log-odds (Platt 1999, with his guard against certainty)."""
    learner = LogisticRegression(C=1e3, solver="lbfgs", max_iter=200)
    learner.fit(values[:, None], truth, sample_weight=counts)
    return float(learner.coef_[0, 0]), float(learner.intercept_[0])


def folds(rows: Sequence[Row], recipe: Recipe) -> Labels:
    """The part each row belongs to, from its place in the sorted rows. A disguised row belongs to that of its original:
    else one would be learned from while the other is held out.
    """
    parts = np.random.default_rng(recipe.seed).integers(0, recipe.folds, len(rows)).astype(np.int8)
    plain = {(row.source, row.text): place for place, row in enumerate(rows) if row.disguise_of is None}
    origin = [
        place if row.disguise_of is None else plain[row.source, row.disguise_of] for place, row in enumerate(rows)
    ]
    return parts[origin]


def learn(rows: Sequence[Row], recipe: Recipe, teacher: Teacher) -> Linear:
    """The model of these rows, which are of one language."""
    its, everything = material(rows, recipe, teacher), np.ones(len(rows), np.bool_)
    size = len(recipe.categories)
    table = np.zeros((1 << recipe.bits, size), np.int8)
    scale, slope, bias = (np.zeros(size, np.float32) for _ in range(3))
    for column, category in enumerate(recipe.categories):
        found = head(its, everything, recipe, category)
        scale[column] = round(float(np.abs(found.weights).max() / 127), 9)
        table[:, column] = np.rint(found.weights / scale[column])
        slope[column], bias[column] = round(found.slope, 6), round(found.bias, 6)
    return Linear(recipe.categories, recipe.bits, recipe.passage[rows[0].language], table, scale, slope, bias)


def learned_from(rows: Sequence[Row], truth: Labels, recipe: Recipe) -> Places:
    """Which rows one category is learned from, by their place."""
    negative = np.flatnonzero(truth == 0)
    ours = np.array([row.source in HAND_WRITTEN for row in rows])[negative]
    others = negative[~ours]
    if len(others) > recipe.negatives:
        others = others[np.arange(recipe.negatives) * len(others) // recipe.negatives]
    return np.sort(np.concatenate((np.flatnonzero(truth == 1), negative[ours], others)))


def head(its: Material, seen: Mask, recipe: Recipe, category: str) -> Head:
    """One category, learned from those of the rows that may be ``seen``."""
    truth = np.where(seen, labels(its.rows, category), -1).astype(np.int8)
    known = learned_from(its.rows, truth, recipe)
    values = np.zeros(len(known))
    for fold in range(recipe.folds):
        rest = its.part != fold
        left = ~rest[known]
        values[left] = its.texts[known[left]] @ _weights(its, truth, known[~left], seen & rest, recipe, category)
    return Head(
        _weights(its, truth, known, seen, recipe, category), *calibrate(values, truth[known], its.counts[known])
    )


def _weights(its: Material, truth: Labels, known: Places, seen: Mask, recipe: Recipe, category: str) -> Numbers:
    """What labels say of each bucket, mixed with what meanings do, both by how far they spread the texts."""
    texts, strength = its.texts[known], recipe.strengths.get(category, recipe.strength)
    labelled = fit(texts, truth[known], its.counts[known], strength, recipe.rare)
    share = recipe.taught.get(its.rows[0].language, {}).get(category, 0.0)
    if its.lessons is None or not share:
        return labelled
    taught = its.lessons.weights(its.texts, truth, its.counts, seen, recipe.rare)
    mixed = (1 - share) * labelled / (texts @ labelled).std() + share * taught / (texts @ taught).std()
    return np.asarray(mixed, np.float64)
