"""How good scores are, with how sure that is. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from sklearn.metrics import average_precision_score, f1_score

Scores = npt.NDArray[np.float64]
Truth = npt.NDArray[np.int8]
Measure = Callable[[Truth, Scores], float]

_TIMES: Final = 300


@dataclass(frozen=True, slots=True)
class Estimate:
    """A measured value, and where its like would lie 95 times of 100 with other rows from the same source (bootstrap,
    stratified by class: Efron 1979)."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} ({self.low:.3f}-{self.high:.3f})"


def precision_area(truth: Truth, scores: Scores) -> float:
    """Area under the precision-recall curve (average precision)."""
    return float(average_precision_score(truth, scores))


def macro_f1(threshold: float = 0.5) -> Measure:
    """The mean of both classes' F1 at a threshold."""

    def measure(truth: Truth, scores: Scores) -> float:
        return float(f1_score(truth, scores >= threshold, average="macro"))

    return measure


def f1(threshold: float = 0.5) -> Measure:
    """F1 of the positive class at a threshold."""

    def measure(truth: Truth, scores: Scores) -> float:
        return float(f1_score(truth, scores >= threshold, zero_division=0.0))

    return measure


def estimate(measure: Measure, truth: Truth, scores: Scores, seed: int = 5) -> Estimate:
    """A measure with its interval."""
    chance = np.random.default_rng(seed)
    classes = [np.flatnonzero(truth == label) for label in (0, 1)]
    found = []
    for _ in range(_TIMES):
        drawn = np.concatenate([chance.choice(members, len(members)) for members in classes])
        found.append(measure(truth[drawn], scores[drawn]))
    low, high = np.quantile(found, (0.025, 0.975))
    return Estimate(measure(truth, scores), float(low), float(high))


def share(hits: int, of: int) -> Estimate:
    """A share with its 95 % interval (Wilson 1927)."""
    z, part = 1.96, hits / of
    middle = (part + z * z / (2 * of)) / (1 + z * z / of)
    half = z / (1 + z * z / of) * float(np.sqrt(part * (1 - part) / of + z * z / (4 * of * of)))
    return Estimate(part, max(middle - half, 0.0), min(middle + half, 1.0))
