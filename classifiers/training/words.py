"""What Chinese texts mean, by the words that stand near each other in all of them: vectors for `teaching`.

A word is a character, two neighbouring ones, or a run of Latin letters and digits. Words are alike that have the same
neighbours: how much more often than by chance two stand near each other (positive pointwise mutual information) is
factorised into a vector for each word (Levy, Goldberg and Dagan 2015), and a text's is the mean of its words', the
rarer the heavier (Arora, Liang and Ma 2017). Nothing is used but the texts: no labels, and no network made elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import sparse
from sklearn.utils.extmath import randomized_svd

from classifiers.learned.sentences import Vectors
from classifiers.normalise import normalise
from classifiers.training.arrays import Matrix, Numbers, Places
from classifiers.training.corpus import Row
from classifiers.training.teaching import Meanings, spread

SIZE: Final = 200
_WORD: Final = re.compile("[a-z0-9]+|[\u3400-\u9fff]")
_CHARACTERS: Final = 400
_NEAR: Final = 5
"""How far from each other two words may begin, in single words."""
_RARE: Final = 8
"""Words that come less often have no vector."""
_SELDOM: Final = 30
"""Pairs that come less often are no neighbours of others: they only have some."""
_SMOOTHED: Final = 0.75
"""The power of how often a neighbour comes: rare ones would weigh too much."""
_COMMON: Final = 1e-3
"""A word that is this share of all weighs half of what the rarest does."""
_ITERATIONS: Final = 2


def meanings(rows: Sequence[Row]) -> Meanings:
    """The vectors, of shape (SIZE,) and length 1, of some of these Chinese rows, evenly spread over each source; all
    are read for them. Disguised rows are left out, and such as have no word that is known.
    Nothing is known of rows that have no more than SIZE words together.
    """
    plain = [row for row in rows if row.disguise_of is None]
    words = _words([_WORD.findall(normalise(row.text).text[:_CHARACTERS]) for row in plain])
    neighbours = _neighbours(words)
    if min(neighbours.shape) <= SIZE:
        return {}
    vectors = _vectors(words, neighbours)
    known = {row.text: vector for row, vector in zip(plain, vectors, strict=True) if vector.any()}
    return {row.text: known[row.text] for row in spread(plain) if row.text in known}


@dataclass(frozen=True, slots=True)
class _Words:
    """All texts one after the other, with gaps between them that no two near words span.

    ``one`` is the number of the single word at each place and ``two`` that of the pair which begins there, -1 for
    none. ``text`` is the text of each place, ``often`` how often each word comes, and ``neighbour`` its number as a
    neighbour, -1 if it is none.
    """

    one: Places
    two: Places
    text: Places
    texts: int
    often: Places
    neighbour: Places


def _words(texts: Sequence[Sequence[str]]) -> _Words:
    numbers: dict[str, int] = {}
    gap = [-1] * _NEAR
    spelt = np.array([n for text in texts for n in (*[numbers.setdefault(word, len(numbers)) for word in text], *gap)])
    at = np.repeat(np.arange(len(texts)), [len(text) + _NEAR for text in texts])
    pairs = np.where((spelt[:-1] >= 0) & (spelt[1:] >= 0), spelt[:-1] * len(numbers) + spelt[1:], -1)
    one, singles = _numbered(spelt, 0)
    two, doubles = _numbered(np.append(pairs, -1), len(singles))
    often = np.concatenate((singles, doubles))
    neighbours = (often >= _SELDOM) | (np.arange(len(often)) < len(singles))
    return _Words(one, two, at, len(texts), often, np.where(neighbours, np.cumsum(neighbours) - 1, -1))


def _numbered(found: Places, first: int) -> tuple[Places, Places]:
    """What is not rare, numbered from ``first`` on, -1 for the rest; and how often each of those comes."""
    known, inverse, often = np.unique(found, return_inverse=True, return_counts=True)
    kept = (known >= 0) & (often >= _RARE)
    numbers = np.where(kept, np.cumsum(kept) - 1 + first, -1)
    return numbers[inverse], often[kept]


def _neighbours(words: _Words) -> Matrix:
    """How often each word has each neighbour; shape (words, neighbours)."""
    shape = len(words.often), int(words.neighbour.max(initial=-1)) + 1
    found = sparse.csr_matrix(shape, dtype=np.float64)
    for far in range(1, _NEAR + 1):
        for left in (words.one, words.two)[:far]:
            for right in (words.one, words.two):
                before, behind = left[:-far], right[far:]
                both = (before >= 0) & (behind >= 0)
                before, behind = before[both], behind[both]
                for word, beside in ((before, words.neighbour[behind]), (behind, words.neighbour[before])):
                    counted = beside >= 0
                    ones = np.ones(int(counted.sum()))
                    found += sparse.coo_matrix((ones, (word[counted], beside[counted])), shape).tocsr()
    return found


def _vectors(words: _Words, neighbours: Matrix) -> Vectors:
    """Of each text: zeros for one without any known word."""
    words_side, strengths, _ = randomized_svd(_beyond_chance(neighbours), SIZE, n_iter=_ITERATIONS, random_state=0)
    of_words = words_side * np.sqrt(strengths)
    weight = _COMMON / (_COMMON + words.often / words.often.sum())
    places = np.concatenate((words.text, words.text))
    found = np.concatenate((words.one, words.two))
    places, found = places[found >= 0], found[found >= 0]
    held = sparse.coo_matrix((weight[found], (places, found)), (words.texts, len(words.often))).tocsr()
    vectors = held @ of_words
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9), np.float32)


def _beyond_chance(neighbours: Matrix) -> Matrix:
    """Positive pointwise mutual information."""
    counts = neighbours.tocoo()
    words: Numbers = np.asarray(neighbours.sum(axis=1)).ravel()
    beside: Numbers = np.asarray(neighbours.sum(axis=0)).ravel() ** _SMOOTHED
    gain: npt.NDArray[np.float64] = np.log(counts.data * beside.sum() / (words[counts.row] * beside[counts.col]))
    more = gain > 0
    return sparse.csr_matrix((gain[more], (counts.row[more], counts.col[more])), counts.shape)
