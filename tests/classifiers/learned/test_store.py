"""Models on disk: what was saved is loaded, and nothing that is missing, damaged or foreign is."""

from __future__ import annotations

from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest

from classifiers.learned import store
from classifiers.learned.linear import Linear
from classifiers.learned.store import ModelError
from classifiers.news import NewsClassifier
from classifiers.text import TextClassifier


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """A directory with a small model in two languages."""
    numbers = np.array([0.5, 0.25], np.float32)
    weights = np.arange(-1024, 1024).reshape(1024, 2).astype(np.int8)
    made = Linear(("spam", "hate"), 10, 80, weights, numbers, numbers * 2, -numbers)
    store.save("text", {"en": made, "zh": made}, tmp_path)
    return tmp_path


def test_what_is_saved_is_loaded(kept: Path) -> None:
    found = store.load("text", kept)
    model = found.languages["zh"]
    assert (model.categories, model.bits, model.passage) == (("spam", "hate"), 10, 80)
    assert model.weights[3].tolist() == np.arange(-1024, 1024).astype(np.int8).reshape(1024, 2)[3].tolist()
    assert model.slope.tolist() == [1.0, 0.5]
    assert len(found.version) == 12


def test_saving_again_gives_the_same_bytes(kept: Path, tmp_path: Path) -> None:
    again = tmp_path / "again"
    store.save("text", store.load("text", kept).languages, again)
    assert {file.name: file.read_bytes() for file in again.iterdir()} == {
        file.name: file.read_bytes() for file in kept.iterdir() if file.is_file()
    }


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-20])


def flip(file: Path) -> None:
    raw = bytearray(file.read_bytes())
    raw[len(raw) // 2] ^= 1
    file.write_bytes(raw)


@pytest.mark.parametrize("damage", [Path.unlink, cut, flip])
@pytest.mark.parametrize("name", ["text.json", "text-en.npy", "text-zh.npy", store.SUMS])
def test_a_damaged_file_is_named(kept: Path, name: str, damage: Callable[[Path], None]) -> None:
    damage(kept / name)
    with pytest.raises(ModelError, match=r"make the models|install the package"):
        store.load("text", kept)


def test_a_model_of_another_version_of_the_code_is_refused(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "MADE_FOR", "something older")
    with pytest.raises(ModelError, match="make the models anew"):
        store.load("text", kept)


@pytest.mark.parametrize("library", ["confusable-homoglyphs", "opencc", "pypinyin"])
def test_a_model_says_which_libraries_read_its_texts(library: str) -> None:
    assert f"{library} {metadata.version(library)}" in store.MADE_FOR
    assert f'"{library}=={metadata.version(library)}"' in Path("pyproject.toml").read_text()


@pytest.mark.parametrize("classifier", [TextClassifier, NewsClassifier])
def test_a_classifier_without_its_models_is_none(tmp_path: Path, classifier: Callable[[Path], object]) -> None:
    with pytest.raises(ModelError, match=store.SUMS):
        classifier(tmp_path)


def test_a_version_changes_with_any_byte_of_a_model(kept: Path) -> None:
    before = store.load("text", kept)
    changed = before.languages["en"]
    changed.weights[5, 1] += 1
    store.save("text", {"en": changed, "zh": before.languages["zh"]}, kept)
    assert store.load("text", kept).version != before.version
