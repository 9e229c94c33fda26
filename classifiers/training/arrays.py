"""The shapes that models are made of: a sparse matrix of n-grams with a row for each text, and numbers beside it."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy import sparse

Matrix: TypeAlias = Any
"""A ``scipy.sparse.csr_matrix``; scipy says nothing of types."""
Numbers = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int8]
Mask = npt.NDArray[np.bool_]
Places = npt.NDArray[np.int64]


def without_rare(texts: Matrix, rare: int) -> Matrix:
    """The same texts without the n-grams that fewer than ``rare`` of them have."""
    common = np.bincount(texts.indices, minlength=texts.shape[1]) >= rare
    kept = sparse.csr_matrix((texts.data * common[texts.indices], texts.indices, texts.indptr), texts.shape, copy=True)
    kept.eliminate_zeros()
    return kept


def balanced(truth: Labels, counts: Numbers) -> Numbers:
    """What each row counts so that the rarer class counts more, by the root of what it is short of."""
    scarce = counts[truth == 0].sum() / counts[truth == 1].sum()
    return counts * np.sqrt(np.where(truth == 1, scarce, 1.0))
