"""Fits the heads of the second look: logistic regression over sentence vectors, calibrated like the first look's."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt

from classifiers.learned.second import pieces
from classifiers.learned.sentences import SIZE, Sentences, Vectors
from classifiers.normalise import normalise
from classifiers.training.alike import written_out
from classifiers.training.arrays import Labels, Numbers
from classifiers.training.corpus import Row
from classifiers.training.fit import calibrate, folds, labels, weights
from classifiers.training.recipe import Recipe
from classifiers.training.teaching import Meanings, by_meaning, spread

_TOGETHER: Final = 32


def meanings(rows: Sequence[Row]) -> Meanings:
    """The vectors of some of these English rows, evenly spread over each source. Raises `ModelError` without the
    extra.
    """
    its = spread(rows)
    return dict(zip([row.text for row in its], _embed(its), strict=True))


def learn(rows: Sequence[Row], known: Meanings, recipe: Recipe) -> tuple[npt.NDArray[np.float64], list[float]]:
    """Weights of shape (384, categories) and the bias of each category, so that their sum is log-odds."""
    its = [row for row in rows if row.text in known]
    vectors = np.stack([known[row.text] for row in its])
    counts, part = weights(its, recipe), folds(its, recipe)
    table = np.zeros((SIZE, len(recipe.second)))
    biases = []
    for column, category in enumerate(recipe.second):
        truth = labels(its, category)
        labelled = truth >= 0
        table[:, column], bias = _head(
            vectors[labelled], truth[labelled], counts[labelled], part[labelled], recipe.folds
        )
        biases.append(bias)
    return table, biases


def _embed(rows: Sequence[Row]) -> Vectors:
    """The vector of each row's first piece; some 85 rows a second and core."""
    views = [next(pieces(normalise(row.text).text), "") for row in rows]
    order = sorted(range(len(views)), key=lambda place: len(views[place]))
    batches = [order[at : at + _TOGETHER] for at in range(0, len(order), _TOGETHER)]
    vectors = np.zeros((len(views), SIZE), np.float32)
    with ProcessPoolExecutor() as pool:
        texts = [[views[place] for place in batch] for batch in batches]
        for batch, found in zip(batches, pool.map(_vectors, texts, chunksize=16), strict=True):
            vectors[batch] = found
    return vectors


def _vectors(texts: Sequence[str]) -> Vectors:
    return _network().vectors(texts)


@cache
def _network() -> Sentences:
    """One a process."""
    return Sentences(written_out)


def _head(vectors: Vectors, truth: Labels, counts: Numbers, part: Labels, parts: int) -> tuple[Numbers, float]:
    values = np.zeros(len(truth))
    for fold in range(parts):
        rest = part != fold
        values[~rest] = vectors[~rest] @ by_meaning(vectors[rest], truth[rest], counts[rest])[0]
    slope, bias = calibrate(values, truth, counts)
    return by_meaning(vectors, truth, counts)[0] * slope, bias
