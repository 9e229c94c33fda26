"""Rules and model together: neither is lost, and the model alone blocks nobody."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifiers.contract import Opinion, Question
from classifiers.text import CATEGORIES, TextClassifier, together

LIKELY = st.floats(0, 1)


@given(LIKELY)
def test_the_model_alone_stays_below_what_blocks_and_keeps_its_order(probability: float) -> None:
    assert together(0.0, probability) <= 0.89
    assert together(0.0, probability) <= together(0.0, min(probability + 0.05, 1.0))


@given(LIKELY, LIKELY)
def test_neither_is_lost(rule: float, probability: float) -> None:
    found = together(rule, probability)
    assert found >= round(rule, 4)
    assert found >= together(0.0, probability)
    assert found <= 1.0


def test_what_both_find_is_surer() -> None:
    assert together(0.6, 0.8) == pytest.approx(0.92)
    assert together(0.4, 0.8) == pytest.approx(0.8)


@pytest.fixture(scope="module")
def classifier() -> TextClassifier:
    return TextClassifier(second=False)


def scores(classifier: TextClassifier, text: str) -> dict[str, float]:
    answer = classifier.judge(Question("c", "m", "t", ("text",), (text,), (), 0))
    assert isinstance(answer, Opinion)
    return {score.category: score.value for score in answer.scores}


@pytest.mark.parametrize(
    ("category", "plain", "softened"),
    [
        ("hate", "all immigrants are vermin and parasites", "Whoever says all immigrants are vermin should be ashamed"),
        ("harassment", "你这个贱人真恶心", "他骂我“你这个贱人真恶心”，我已经截图举报了"),
    ],
)
def test_contexts_soften(classifier: TextClassifier, category: str, plain: str, softened: str) -> None:
    assert scores(classifier, softened)[category] < 0.75 * scores(classifier, plain)[category]


def test_every_category_has_a_score(classifier: TextClassifier) -> None:
    assert set(scores(classifier, "Good morning")) == set(CATEGORIES)


@pytest.mark.parametrize(
    "text", ["http://127.0.0.1:43305/gone.jpg", "@somebody_else", "12345", "👍👍👍", "!!! ... ???", "   "]
)
def test_what_has_no_words_says_nothing(classifier: TextClassifier, text: str) -> None:
    assert max(scores(classifier, text).values()) < 0.3
