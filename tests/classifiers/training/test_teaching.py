"""Teaching: words that no label names are learned from what their texts mean, and nothing held back is seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from classifiers.learned.grams import grams
from classifiers.learned.linear import Linear
from classifiers.training import fit, recipe
from classifiers.training.corpus import Row
from classifiers.training.teaching import MOST, Meanings, lessons, nothing, spread

WORDS = ("lake", "bread", "train", "music", "letter", "garden", "winter", "cousin", "paper", "window", "morning")
LABELLED, UNLABELLED = "scum", "vermin"


def rows() -> list[Row]:
    """Harmless sentences, sentences with a bad word that are labelled, and others whose bad word no label names."""
    chance = np.random.default_rng(1)
    found = []
    for number in range(600):
        words = [WORDS[place] for place in chance.integers(0, len(WORDS), 6)]
        if number % 3:
            words[int(chance.integers(6))] = LABELLED if number % 3 == 1 else UNLABELLED
        labels = {} if number % 3 == 2 else {"hate": number % 3}
        found.append(Row("edos" if number % 2 else "own", "en", " ".join(words), labels))
    return found


def meanings(rows: Sequence[Row]) -> Meanings:
    """Vectors that tell bad sentences, whatever the word."""
    chance = np.random.default_rng(2)
    bad = np.array([any(word in row.text for word in (LABELLED, UNLABELLED)) for row in rows])
    vectors = chance.normal(0.0, 0.1, (len(rows), 8)).astype(np.float32)
    vectors[:, 0] += bad
    return {row.text: vector for row, vector in zip(rows, vectors, strict=True)}


@pytest.fixture(scope="module")
def rules() -> recipe.Recipe:
    update = {"categories": ("hate",), "taught": {"en": {"hate": 0.6}}, "bits": 14, "rare": 1}
    return recipe.read("text").model_copy(update=update)


def likely(model: Linear, text: str) -> float:
    return float(model.probabilities(grams(text))[0])


def test_a_word_that_no_label_names_is_learned_from_what_its_sentences_mean(rules: recipe.Recipe) -> None:
    untaught, taught = fit.learn(rows(), rules, nothing), fit.learn(rows(), rules, meanings)
    text = f"a {UNLABELLED} by the lake in winter"
    assert likely(untaught, text) < 0.6
    assert likely(taught, text) > 0.8
    assert likely(taught, "a garden by the lake in winter") < 0.1
    assert likely(taught, f"a {LABELLED} by the lake in winter") > 0.8


@pytest.mark.parametrize(
    ("language", "shares", "taught"),
    [
        ("en", {"en": {"hate": 0.6}}, True),
        ("en", {"en": {"spam": 0.6}}, False),
        ("en", {"zh": {"hate": 0.6}}, False),
        ("zh", {"zh": {"hate": 0.6}}, True),
        ("zh", {"en": {"hate": 0.6}}, False),
    ],
)
def test_a_category_is_taught_in_the_languages_that_have_a_share_of_it(
    rules: recipe.Recipe, language: str, shares: dict[str, dict[str, float]], taught: bool
) -> None:
    its = [replace(row, language=language) for row in rows()]
    shared = rules.model_copy(update={"taught": shares})
    one, other = fit.learn(its, shared, meanings), fit.learn(its, shared, nothing)
    assert (one.weights.tobytes() != other.weights.tobytes()) == taught


def test_a_disguised_row_means_what_it_did_before() -> None:
    plain = rows()[0]
    disguised = replace(plain, text="somethingelse", disguise_of=plain.text)
    stranger = replace(plain, text="unheard of")
    found = lessons([stranger, disguised, plain], meanings([plain]))
    assert found is not None
    assert found.places.tolist() == [1, 2]
    assert (found.vectors[0] == found.vectors[1]).all()
    assert lessons([stranger], meanings([plain])) is None


def test_of_a_large_source_some_are_taught_evenly_spread_and_of_ours_all() -> None:
    many = [Row(source, "en", str(number), {}) for source in ("edos", "own") for number in range(2 * MOST)]
    taken = spread(many)
    assert [row.text for row in taken if row.source == "edos"] == [str(2 * number) for number in range(MOST)]
    assert sum(row.source == "own" for row in taken) == 2 * MOST


def test_rows_that_may_not_be_seen_teach_nothing(rules: recipe.Recipe) -> None:
    """A source is judged by models that never saw it: not its labels, and not its texts either."""
    its = rows()
    seen = np.array([row.source == "own" for row in its])
    heads = []
    for label in (0, 1):
        changed = [row if row.source == "own" else Row("edos", "en", row.text + " x", {"hate": label}) for row in its]
        heads.append(fit.head(fit.material(changed, rules, meanings), seen, rules, "hate"))
    assert heads[0].weights.tobytes() == heads[1].weights.tobytes()
    unknown = grams("x").buckets(rules.bits)
    assert not heads[0].weights[unknown].any(), "words of the others have no weight"
