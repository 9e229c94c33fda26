"""The linear model: what it says is the arithmetic of its weights, and its spans are what moved it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifiers.learned.grams import grams
from classifiers.learned.linear import Linear, passages

BITS = 16


def model(words: dict[str, int], *, slope: float = 1.0, bias: float = 0.0, passage: int = 40) -> Linear:
    """A model of one category in which these words, and nothing else, have weights."""
    weights = np.zeros((1 << BITS, 1), np.int8)
    for word, weight in words.items():
        found = grams(word)
        whole = (found.starts == 0) & (found.lengths == len(word))
        weights[found.buckets(BITS)[whole], 0] = weight
    one = np.ones(1, np.float32)
    return Linear(("spam",), BITS, passage, weights, one, one * slope, one * bias)


def test_a_probability_is_the_sum_of_weights_over_the_root_of_their_number() -> None:
    made = model({"viagra": 50}, slope=0.1, bias=-1.0)
    found = grams("buy viagra now")
    size = len(np.unique(found.buckets(BITS)))
    odds = 0.1 * 50 / math.sqrt(size) - 1.0
    assert made.probabilities(found)[0] == pytest.approx(1 / (1 + math.exp(-odds)), rel=1e-5)


@pytest.mark.parametrize("text", ["伟哥", "伟哥？", "买伟哥", "买 伟哥 ok"])
def test_a_few_chinese_characters_alone_prove_nothing(text: str) -> None:
    made = model({"伟哥": 50}, slope=0.1, bias=-1.0)
    buckets = np.unique(grams(text).buckets(BITS))
    assert len(buckets) < 60
    odds = 0.1 * int(made.weights[buckets].sum()) / math.sqrt(60) - 1.0
    assert made.probabilities(grams(text))[0] == pytest.approx(1 / (1 + math.exp(-odds)), rel=1e-5)


def test_saying_it_again_changes_little() -> None:
    made = model({"viagra": 50}, slope=0.1)
    once, often = (made.probabilities(grams(" ".join(["viagra"] * times)))[0] for times in (2, 4))
    assert often == pytest.approx(once, abs=0.05)


def test_a_long_text_is_judged_by_its_worst_passage() -> None:
    made = model({"viagra": 120}, slope=0.3, bias=-2.0)
    filler = "the weather is fine and we went to the lake again "
    alone = made.probabilities(grams("get your viagra here"))[0]
    hidden = made.probabilities(grams(filler * 30 + "get your viagra here " + filler * 30))[0]
    harmless = made.probabilities(grams(filler * 60))[0]
    assert alone > hidden > 0.5
    assert harmless < 0.15


def test_it_is_told_in_which_passage_a_category_is_most_likely() -> None:
    made = model({"viagra": 120}, slope=0.3, bias=-2.0, passage=60)
    filler = "the weather is fine and we went to the lake again. "
    text = filler * 3 + "get your viagra here, the pills are cheap. " + filler * 3
    values, [(start, end)] = made.worst(grams(text))
    assert values.tolist() == made.probabilities(grams(text)).tolist()
    assert text[start:end].startswith("get your viagra")
    assert made.worst(grams("get your viagra here"))[1] == [(0, 20)]


@given(st.lists(st.integers(2, 300), min_size=1, max_size=60), st.integers(40, 400))
def test_every_sentence_that_says_something_is_in_a_passage_with_little_before_it(
    sentences: list[int], length: int
) -> None:
    found = grams(" ".join(["a" * (size - 1) + "." for size in sentences]))
    cut = list(passages(found, length))
    assert all(0 <= start < end and end - start <= length for start, end in cut)
    assert len(set(cut)) == len(cut)
    assert len(cut) <= found.size / 6 + 3
    begin = 0
    for size in sentences if found.size > length else ():
        end = begin + size
        if 36 <= size <= length:
            assert any(begin - 12 < start <= begin and end <= stop for start, stop in cut)
        if size > length:
            covered = {place for start, stop in cut for place in range(start, stop)}
            assert covered >= set(range(begin, end))
        begin = end + 1


def test_a_text_without_anything_is_of_nothing() -> None:
    assert model({}, bias=9.0).probabilities(grams(""))[0] == 0.0


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("please buy viagra, friend", ["viagra"]),
        ("卖伟哥啦", ["伟哥"]),
        ("nothing here", []),
        ("sent! check it", ["!"]),
        ("sent! buy viagra", ["viagra"]),
    ],
)
def test_stretches_are_whole_words_that_moved_it(text: str, shown: list[str]) -> None:
    found = model({"viagra": 50, "伟哥": 60, "!": 40}).stretches(grams(text), text, "spam")
    assert [text[start:end] for start, end in found] == shown


def test_stretches_are_few() -> None:
    text = " filler ".join(["viagra"] * 30)
    assert len(model({"viagra": 50}).stretches(grams(text), text, "spam")) == 8
