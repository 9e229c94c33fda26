"""Meanings of Chinese texts: words that stand among the same words mean the same, though no text has both."""

from __future__ import annotations

import numpy as np
import pytest

from classifiers.training import teaching, words
from classifiers.training.corpus import Row, disguised

ANIMALS = "猫狗鸟鱼"
TOOLS = "锤锯钉钳"


def rows(count: int = 400) -> list[Row]:
    """Texts about animals and about tools: what is said of each kind is its own, and no text names two of a kind."""
    chance = np.random.default_rng(3)
    found = []
    for number in range(count):
        named, said = [(ANIMALS, "吃睡叫跑喂养毛爪"), (TOOLS, "敲修木铁拧装箱架")][number % 2]
        around = [said[place] for place in chance.integers(0, len(said), 6)]
        around.insert(int(chance.integers(7)), named[int(chance.integers(len(named)))])
        found.append(Row("own", "zh", "".join(around), {}))
    return found


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few words are in so few texts."""
    monkeypatch.setattr(words, "SIZE", 4)


def test_texts_are_alike_whose_words_have_the_same_neighbours() -> None:
    of_one = [Row("own", "zh", name, {}) for name in (ANIMALS[0], ANIMALS[1], TOOLS[0])]
    found = words.meanings(rows() + of_one)
    cat, dog, hammer = [found[row.text] for row in of_one]
    assert cat @ dog > 0.8
    assert cat @ hammer < 0.2
    assert np.linalg.norm(cat) == pytest.approx(1, abs=1e-5)


def test_the_same_texts_mean_the_same_each_time() -> None:
    one, other = words.meanings(rows()), words.meanings(rows())
    assert one.keys() == other.keys()
    assert all(one[text].tobytes() == other[text].tobytes() for text in one)


def test_a_text_without_a_known_word_means_nothing() -> None:
    found = words.meanings([*rows(), Row("own", "zh", "罕", {}), Row("own", "zh", "", {})])
    assert "罕" not in found
    assert "" not in found


def test_words_of_two_texts_are_no_neighbours() -> None:
    """Every text of one word: whatever the order of the texts, nothing stands near anything."""
    assert words.meanings([Row("own", "zh", char, {}) for char in (ANIMALS + TOOLS) * 20]) == {}


def test_disguised_rows_are_not_read() -> None:
    plain = rows()
    hidden = list(disguised(plain, 1))
    assert hidden
    assert words.meanings(plain + hidden).keys() == words.meanings(plain).keys()
    known = teaching.lessons(plain + hidden, words.meanings(plain + hidden))
    assert known is not None
    assert len(known.places) == len(plain) + len(hidden), "but they mean what they did before"
