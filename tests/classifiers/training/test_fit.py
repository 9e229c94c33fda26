"""Fitting: telling words get weights, the same rows give the same bytes, and probabilities mean something."""

from __future__ import annotations

import numpy as np
import pytest

from classifiers.learned.grams import grams
from classifiers.training import corpus, evasion, fit, recipe
from classifiers.training.corpus import Row
from classifiers.training.teaching import nothing

WORDS = [
    "lake",
    "bread",
    "train",
    "music",
    "letter",
    "garden",
    "winter",
    "cousin",
    "paper",
    "window",
    "morning",
    "river",
]
BAD = ["scum", "vermin"]


def rows(count: int = 400) -> list[Row]:
    """Harmless sentences, every other with one of two bad words in it."""
    chance = np.random.default_rng(1)
    found = []
    for number in range(count):
        words = [WORDS[place] for place in chance.integers(0, len(WORDS), 6)]
        if number % 2:
            words[int(chance.integers(6))] = BAD[int(chance.integers(2))]
        labels = {"hate": number % 2} if number % 10 else {}
        found.append(Row("own", "en", " ".join(words), labels))
    return found


@pytest.fixture(scope="module")
def rules() -> recipe.Recipe:
    return recipe.read("text").model_copy(update={"categories": ("hate",), "bits": 14, "rare": 1})


def test_what_was_learned_is_found_again_and_only_that(rules: recipe.Recipe) -> None:
    model = fit.learn(rows(), rules, nothing)
    bad, fine = (
        float(model.probabilities(grams(text))[0]) for text in ("a vermin by the lake", "a garden by the lake")
    )
    assert bad > 0.9
    assert fine < 0.1
    text = "letter from the scum of winter"
    assert [text[start:end] for start, end in model.stretches(grams(text), text, "hate")][:1] == ["scum"]


def test_the_same_rows_give_the_same_bytes(rules: recipe.Recipe) -> None:
    one, other = fit.learn(rows(), rules, nothing), fit.learn(rows(), rules, nothing)
    assert one.weights.tobytes() == other.weights.tobytes()
    assert one.slope.tobytes() + one.bias.tobytes() == other.slope.tobytes() + other.bias.tobytes()


def test_probabilities_are_calibrated_on_rows_not_learned_from(rules: recipe.Recipe) -> None:
    """Half of the labels are wrong by chance, so nothing can be known, and the model must say so."""
    chance = np.random.default_rng(3)
    noise = [Row(row.source, row.language, row.text, {"hate": int(chance.integers(2))}) for row in rows(600)]
    model = fit.learn(noise, rules, nothing)
    likely = [float(model.probabilities(grams(row.text))[0]) for row in noise]
    assert min(likely) > 0.35
    assert max(likely) < 0.65


def test_of_many_negatives_some_are_left_out_and_our_own_never(rules: recipe.Recipe) -> None:
    many = [Row("cold" if number % 4 else "own", "zh", str(number), {}) for number in range(6000)]
    truth = np.zeros(6000, np.int8)
    truth[:10] = 1
    taken = fit.learned_from(many, truth, rules.model_copy(update={"negatives": 1000}))
    assert set(range(10)) <= set(taken.tolist())
    assert {place for place in range(10, 6000) if place % 4 == 0} <= set(taken.tolist())
    assert len([place for place in taken if place >= 10 and place % 4]) == 1000


def test_unknown_labels_are_not_learned_from() -> None:
    assert fit.labels([Row("own", "en", "x", {"hate": 1}), Row("own", "en", "y", {})], "hate").tolist() == [1, -1]


def test_homophones_sound_alike_and_are_the_same_every_time() -> None:
    text = "加我微信代开发票"
    changed = evasion.homophones(text, 1.0, 1)
    assert len(changed) == len(text)
    assert sum([a == b for a, b in zip(text, changed, strict=True)]) <= 1
    assert evasion.homophones(text, 1.0, 1) == changed
    assert evasion.homophones(text, 0.0, 1) == text
    assert evasion.homophones("no Chinese", 1.0, 1) == "no Chinese"


def test_words_become_emoji() -> None:
    assert evasion.emoji("我要拿刀杀狗") == "我要拿🔪杀🐶"


def test_one_row_in_so_many_is_learned_from_in_disguise() -> None:
    plain = [Row("own", "zh", f"拿刀的人{number}号", {}) for number in range(8)] + [Row("own", "en", "knife", {})]
    found = list(corpus.disguised(plain, 4))
    assert len(found) == 2
    assert [row.disguise_of for row in found] == [plain[0].text, plain[4].text]
    assert all(row.text != row.disguise_of for row in found)
    assert list(corpus.disguised(plain, 0)) == []


def test_a_disguised_row_is_held_out_with_its_original() -> None:
    rules = recipe.read("text")
    plain = [Row("own", "zh", f"拿刀的人{number}号", {}) for number in range(300)]
    hidden = list(corpus.disguised(plain, 2))
    parts = fit.folds(plain + hidden, rules)
    assert parts[: len(plain)].tolist() == fit.folds(plain, rules).tolist()
    assert parts[len(plain) :].tolist() == [
        parts[[each.text for each in plain].index(str(row.disguise_of))] for row in hidden
    ]


def test_most_disguises_are_homophones_and_some_are_emoji() -> None:
    plain = [Row("own", "zh", "我要拿刀杀狗" * 5, {}) for _ in range(8)]
    with_emoji = ["🔪" in row.text for row in corpus.disguised(plain, 1)]
    assert with_emoji == [True] + [False] * 7
