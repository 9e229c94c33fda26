"""The rows models learn from: what is known of each, and that none of them is a text that models are tested with."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from classifiers.contract import CATEGORIES
from classifiers.training import corpus, recipe
from classifiers.training.corpus import CorpusError, Row


def small(**sources: recipe.Source) -> recipe.Recipe:
    """A recipe over these sources and no rows of our own."""
    return recipe.read("text").model_copy(update={"sources": sources})


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data directory with one set of five rows, one of them twice."""
    rows = [(f"text {number}", "en", {"spam": number % 2}) for number in (3, 1, 2, 1)] + [("texte", "fr", {"spam": 1})]
    with gzip.open(tmp_path / "demo.jsonl.gz", "wt", encoding="utf-8") as file:
        for text, language, labels in rows:
            file.write(json.dumps({"text": text, "lang": language, "labels": labels}) + "\n")
    return tmp_path


def test_rows_are_sorted_and_unlike_and_of_known_languages(data: Path) -> None:
    rows = corpus.rows(small(demo=recipe.Source(licence="own", commercial=True, clean=("hate",))), data)
    assert rows == [Row("demo", "en", f"text {number}", {"hate": 0, "spam": number % 2}) for number in (1, 2, 3)]


def test_a_label_that_means_something_else_is_left_out(data: Path) -> None:
    rows = corpus.rows(small(demo=recipe.Source(licence="own", commercial=True, leave=("spam",), most=2)), data)
    assert [(row.text, dict(row.labels)) for row in rows] == [("text 1", {}), ("text 2", {})]


def test_a_row_that_models_are_tested_with_is_refused(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(corpus, "evaluation_keys", lambda: {corpus.key("TEXT, 2")})
    with pytest.raises(CorpusError, match="'text 2' is a text that models are tested with"):
        corpus.rows(small(demo=recipe.Source(licence="own", commercial=True)), data)


def test_a_missing_set_is_named(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"absent\.jsonl\.gz"):
        corpus.rows(small(absent=recipe.Source(licence="own", commercial=True)), tmp_path)


def test_no_row_of_our_own_is_one_that_models_are_tested_with() -> None:
    keys = corpus.evaluation_keys()
    assert len(keys) > 30_000
    rows = [row for source in recipe.HAND_WRITTEN for row in corpus.hand_written(source)]
    assert not [row.text for row in rows if corpus.key(row.text) in keys]


def test_our_own_rows_are_many_in_both_languages_and_of_every_category() -> None:
    rows = corpus.hand_written(recipe.OWN)
    for language in ("en", "zh"):
        found = {c for row in rows if row.language == language for c, yes in row.labels.items() if yes}
        assert found == CATEGORIES
        assert len([row for row in rows if row.language == language]) > 2000


def test_everyday_rows_are_of_no_category() -> None:
    rows = corpus.hand_written(recipe.EVERYDAY)
    assert min(len([row for row in rows if row.language == language]) for language in ("en", "zh")) > 1000
    assert not [row.text for row in rows if any(row.labels.values())]


@pytest.mark.parametrize("line", ["spam", "spam\t ", "politics\ttext", "spam,\ttext", "\ttext"])
def test_a_line_that_is_no_row_is_named(line: str) -> None:
    with pytest.raises(CorpusError, match=r"demo\.tsv:2: expected"):
        list(corpus._read("own", "demo.tsv", f"# rows\n{line}\n"))


def test_undecided_labels_are_unknown() -> None:
    (row,) = corpus._read("own", "zh-demo.tsv", "spam,fraud?\t一行\\n两行\n")
    assert row.language == "zh"
    assert row.text == "一行\n两行"
    assert row.labels["spam"] == 1
    assert row.labels["hate"] == 0
    assert "fraud" not in row.labels


@pytest.mark.parametrize(("one", "other"), [("Hello, World!", "ｈｅｌｌｏ world"), ("你好！", "你好")])
def test_a_key_knows_a_text_whatever_its_signs(one: str, other: str) -> None:
    assert corpus.key(one) == corpus.key(other)
    assert corpus.key(one) != corpus.key(one + "x")


@pytest.mark.parametrize("name", recipe.RECIPES)
def test_shipped_recipes_say_what_may_be_used_commercially(name: str) -> None:
    whole = recipe.read(name)
    kept = whole.commercial()
    assert recipe.OWN in kept.sources
    assert 0 < len(kept.sources) < len(whole.sources)
    assert all(source.commercial for source in kept.sources.values())


@pytest.mark.parametrize("taught", [{"zn": {"hate": 0.5}}, {"zh": {"harrasment": 0.5}}])
def test_what_is_taught_has_to_be_learned(taught: dict[str, dict[str, float]]) -> None:
    fields = recipe.read("text").model_dump() | {"taught": taught}
    with pytest.raises(ValueError, match=r"taught: unknown: (zn|harrasment)"):
        recipe.Recipe.model_validate(fields)


def test_an_unknown_recipe_is_named() -> None:
    with pytest.raises(recipe.RecipeError, match="nothing"):
        recipe.read("nothing")
