"""Fits the heads of the second look: logistic regression over sentence vectors, calibrated like the first look's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression

from classifiers.learned.second import pieces
from classifiers.learned.sentences import SIZE, Sentences, Vectors
from classifiers.normalise import normalise
from classifiers.training.corpus import Row
from classifiers.training.fit import Labels, Numbers, calibrate, folds, labels, weights
from classifiers.training.recipe import OWN, Recipe

MOST: Final = 2000
"""Rows of a source that are embedded; our own all."""
_STRENGTH: Final = 3.0
_TOGETHER: Final = 32


def taken(rows: Sequence[Row]) -> list[Row]:
    """The English rows that are embedded: of each source at most `MOST`, evenly spread."""
    found: list[Row] = []
    for source in sorted({row.source for row in rows}):
        its = [row for row in rows if row.source == source and row.language == "en"]
        count = len(its) if source == OWN else min(len(its), MOST)
        found += [its[index * len(its) // count] for index in range(count)]
    return found


def embed(rows: Sequence[Row]) -> Vectors:
    """The vector of each row's first piece; some 200 rows a second. Raises `ModelError` without the extra."""
    network = Sentences()
    views = [next(pieces(normalise(row.text).text), "") for row in rows]
    order = sorted(range(len(views)), key=lambda place: len(views[place]))
    vectors = np.zeros((len(views), SIZE), np.float32)
    for at in range(0, len(order), _TOGETHER):
        places = order[at : at + _TOGETHER]
        vectors[places] = network.vectors([views[place] for place in places])
    return vectors


def learn(rows: Sequence[Row], vectors: Vectors, recipe: Recipe) -> tuple[npt.NDArray[np.float64], list[float]]:
    """Weights of shape (384, categories) and the bias of each category, so that their sum is log-odds."""
    counts, part = weights(rows, recipe), folds(rows, recipe)
    table = np.zeros((SIZE, len(recipe.second)))
    biases = []
    for column, category in enumerate(recipe.second):
        truth = labels(rows, category)
        known = truth >= 0
        table[:, column], bias = _head(vectors[known], truth[known], counts[known], part[known], recipe.folds)
        biases.append(bias)
    return table, biases


def _head(vectors: Vectors, truth: Labels, counts: Numbers, part: Labels, parts: int) -> tuple[Numbers, float]:
    values = np.zeros(len(truth))
    for fold in range(parts):
        rest = part != fold
        values[~rest] = vectors[~rest] @ _fit(vectors[rest], truth[rest], counts[rest])
    slope, bias = calibrate(values, truth, counts)
    return _fit(vectors, truth, counts) * slope, bias


def _fit(vectors: Vectors, truth: Labels, counts: Numbers) -> Numbers:
    balance = np.where(truth == 1, counts[truth == 0].sum() / counts[truth == 1].sum(), 1.0)
    learner = LogisticRegression(C=_STRENGTH, max_iter=300)
    learner.fit(vectors.astype(np.float64), truth, sample_weight=counts * np.sqrt(balance))
    return np.asarray(learner.coef_[0], np.float64)
