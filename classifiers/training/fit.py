"""Fits a linear model to rows: one logistic regression a category, calibrated on rows it did not learn from.

Every step is deterministic: sorted rows, seeded folds, a solver that uses one thread (liblinear: Fan et al. 2008),
weights rounded to int8. So the same rows give the same bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy import sparse
from sklearn.linear_model import LogisticRegression

from classifiers.learned.grams import grams
from classifiers.learned.linear import Linear, unlike
from classifiers.normalise import normalise
from classifiers.training.corpus import Row
from classifiers.training.recipe import OWN, Recipe

_MOST_CHARACTERS: Final = 2000
_TURNS: Final = 300

Matrix: TypeAlias = Any
"""A ``scipy.sparse.csr_matrix``; scipy says nothing of types."""
Numbers = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class Head:
    """The weight of each bucket for one category; ``slope`` and ``bias`` turn a sum of them into log-odds."""

    weights: Numbers
    slope: float
    bias: float

    def probabilities(self, texts: Matrix) -> Numbers:
        """How likely each text is of the category."""
        return np.asarray(1 / (1 + np.exp(-(self.slope * (texts @ self.weights) + self.bias))))


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
    """The weight of each bucket for one category. The rarer class counts more, by the root of what it is short of."""
    texts = _without_rare(texts, rare)
    balance = np.where(truth == 1, counts[truth == 0].sum() / counts[truth == 1].sum(), 1.0)
    learner = LogisticRegression(
        C=strength, solver="liblinear", dual=True, max_iter=_TURNS, random_state=0, tol=1e-3
    ).fit(texts, truth, sample_weight=counts * np.sqrt(balance))
    return np.asarray(learner.coef_[0], np.float64)


def calibrate(values: Numbers, truth: Labels, counts: Numbers) -> tuple[float, float]:
    """Slope and bias that turn values into log-odds (Platt 1999, with his guard against certainty)."""
    learner = LogisticRegression(C=1e3, solver="lbfgs", max_iter=200)
    learner.fit(values[:, None], truth, sample_weight=counts)
    return float(learner.coef_[0, 0]), float(learner.intercept_[0])


def folds(rows: Sequence[Row], recipe: Recipe) -> Labels:
    """The part each row belongs to, from its place in the sorted rows."""
    return np.random.default_rng(recipe.seed).integers(0, recipe.folds, len(rows)).astype(np.int8)


def learn(rows: Sequence[Row], recipe: Recipe) -> Linear:
    """The model of these rows, which are of one language."""
    texts, counts, part = matrix(rows, recipe.bits), weights(rows, recipe), folds(rows, recipe)
    size = len(recipe.categories)
    table = np.zeros((1 << recipe.bits, size), np.int8)
    scale, slope, bias = (np.zeros(size, np.float32) for _ in range(3))
    for column, category in enumerate(recipe.categories):
        truth = labels(rows, category)
        known = learned_from(rows, truth, recipe)
        found = head(texts[known], truth[known], counts[known], part[known], recipe, category)
        scale[column] = round(float(np.abs(found.weights).max() / 127), 9)
        table[:, column] = np.rint(found.weights / scale[column])
        slope[column], bias[column] = round(found.slope, 6), round(found.bias, 6)
    return Linear(recipe.categories, recipe.bits, recipe.passage[rows[0].language], table, scale, slope, bias)


def learned_from(rows: Sequence[Row], truth: Labels, recipe: Recipe) -> npt.NDArray[np.int64]:
    """Which rows one category is learned from, by their place."""
    negative = np.flatnonzero(truth == 0)
    ours = np.array([row.source == OWN for row in rows])[negative]
    others = negative[~ours]
    if len(others) > recipe.negatives:
        others = others[np.arange(recipe.negatives) * len(others) // recipe.negatives]
    return np.sort(np.concatenate((np.flatnonzero(truth == 1), negative[ours], others)))


def head(texts: Matrix, truth: Labels, counts: Numbers, part: Labels, recipe: Recipe, category: str) -> Head:
    """One category learned from rows whose label is known; ``part`` is the fold of each."""
    strength = recipe.strengths.get(category, recipe.strength)
    values = np.zeros(len(truth))
    for fold in range(recipe.folds):
        rest = part != fold
        values[~rest] = texts[~rest] @ fit(texts[rest], truth[rest], counts[rest], strength, recipe.rare)
    return Head(fit(texts, truth, counts, strength, recipe.rare), *calibrate(values, truth, counts))


def _without_rare(texts: Matrix, rare: int) -> Matrix:
    common = np.bincount(texts.indices, minlength=texts.shape[1]) >= rare
    kept = sparse.csr_matrix((texts.data * common[texts.indices], texts.indices, texts.indptr), texts.shape, copy=True)
    kept.eliminate_zeros()
    return kept
