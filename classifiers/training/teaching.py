"""What texts mean, taught to n-grams (knowledge distillation: Hinton, Vinyals and Dean 2015).

Few sources label a category, and n-grams know only the words of those. Vectors of meaning carry further (`sentences`
for English, `words` for Chinese): a regression over them, the teacher, says of any row how likely it is of the
category, and n-grams learn to say the same of all that have a vector. What they learn is a weight for each bucket, as
from labels, so judging takes no longer and needs no vectors.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from sklearn.linear_model import LogisticRegression, Ridge

from classifiers.learned.sentences import Vectors
from classifiers.training.arrays import Labels, Mask, Matrix, Numbers, Places, balanced, without_rare
from classifiers.training.corpus import Row
from classifiers.training.recipe import HAND_WRITTEN

Meanings = Mapping[str, Vectors]
"""The vector of a row's text, of length 1, for those that have one."""
Teacher = Callable[[Sequence[Row]], Meanings]
"""What rows of one language mean; it may know more than these, and learns from no others."""

MOST: Final = 4000
"""Rows of a source that are taught; hand-written ones all."""
_STRENGTH: Final = 0.3
_SMOOTH: Final = 0.3
"""How much the pupil is held back from learning its teacher's answers by heart."""
_SUREST: Final = 8.0
"""Log-odds beyond this teach no more than these."""


@dataclass(frozen=True, slots=True)
class Lessons:
    """Those of some rows that have a vector, by their place, with their vectors."""

    places: Places
    vectors: Vectors

    def weights(self, texts: Matrix, truth: Labels, counts: Numbers, seen: Mask, rare: int) -> Numbers:
        """The weight of each bucket, in log-odds. The teacher learns from the labels in ``truth`` (-1: unknown), the
        pupil from the teacher, both of rows that may be ``seen`` only; all are by the place of the row.
        """
        taken = seen[self.places]
        places, vectors = self.places[taken], self.vectors[taken]
        labelled = truth[places] >= 0
        weights, bias = by_meaning(vectors[labelled], truth[places][labelled], counts[places][labelled])
        odds = np.clip(vectors @ weights + bias, -_SUREST, _SUREST)
        pupil = Ridge(alpha=_SMOOTH, solver="lsqr", tol=1e-3, max_iter=60)
        return np.asarray(pupil.fit(without_rare(texts[places], rare), odds).coef_, np.float64)


def nothing(rows: Sequence[Row]) -> Meanings:
    """The teacher of those that learn from labels alone."""
    return {}


def spread(rows: Sequence[Row]) -> list[Row]:
    """The rows that are taught: of each source at most `MOST`, evenly spread."""
    found: list[Row] = []
    for source in sorted({row.source for row in rows}):
        its = [row for row in rows if row.source == source]
        count = len(its) if source in HAND_WRITTEN else min(len(its), MOST)
        found += [its[index * len(its) // count] for index in range(count)]
    return found


def lessons(rows: Sequence[Row], meanings: Meanings) -> Lessons | None:
    """Of these rows, a disguised one meaning what it did before; None if nothing is known of any."""
    found = [(place, meanings.get(row.disguise_of or row.text)) for place, row in enumerate(rows)]
    known = [(place, vector) for place, vector in found if vector is not None]
    return Lessons(np.array([place for place, _ in known]), np.stack([v for _, v in known])) if known else None


def by_meaning(vectors: Vectors, truth: Labels, counts: Numbers) -> tuple[Numbers, float]:
    """A regression over vectors of meaning: their weights and the bias, which add up to log-odds."""
    learner = LogisticRegression(C=_STRENGTH, max_iter=300)
    learner.fit(vectors.astype(np.float64), truth, sample_weight=balanced(truth, counts))
    return np.asarray(learner.coef_[0], np.float64), float(learner.intercept_[0])
