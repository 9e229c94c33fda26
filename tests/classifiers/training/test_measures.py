"""Measures and cards: figures as textbooks have them, and everything that has to be said of a model is said."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from classifiers.training import cards, measures, recipe
from classifiers.training.corpus import Row
from classifiers.training.evaluate import Cell, across_sources
from classifiers.training.measures import Estimate
from classifiers.training.teaching import Meanings, nothing

TRUTH = np.array([1, 1, 0, 0], np.int8)


def test_measures() -> None:
    scores = np.array([0.9, 0.4, 0.6, 0.1])
    assert measures.precision_area(TRUTH, scores) == pytest.approx((1 + 2 / 3) / 2)
    assert measures.f1()(TRUTH, scores) == pytest.approx(0.5)
    assert measures.macro_f1(0.3)(TRUTH, scores) == pytest.approx((0.8 + 2 / 3) / 2)


def test_an_interval_holds_its_value_and_narrows_with_more_rows() -> None:
    chance = np.random.default_rng(2)

    def wide(rows: int) -> float:
        truth = (np.arange(rows) % 2).astype(np.int8)
        found = measures.estimate(measures.precision_area, truth, truth * 0.3 + chance.random(rows))
        assert found.low <= found.value <= found.high
        return found.high - found.low

    assert wide(2000) < wide(60)


@pytest.mark.parametrize(("hits", "of", "low", "high"), [(0, 1000, 0.0, 0.0038), (5, 10, 0.237, 0.763)])
def test_wilson(hits: int, of: int, low: float, high: float) -> None:
    found = measures.share(hits, of)
    assert found.low == pytest.approx(low, abs=1e-3)
    assert found.high == pytest.approx(high, abs=1e-3)


def rows() -> list[Row]:
    """Two sources that agree on what is spam."""
    words = ["lake", "bread", "train", "music", "letter", "garden"]
    return [
        Row(
            source,
            "en",
            f"{words[number % 6]} {words[number % 5]} {'viagra' if number % 3 == 0 else 'tea'} {number}",
            {"spam": int(number % 3 == 0)},
        )
        for source in ("own", "sms-spam")
        for number in range(500)
    ]


@pytest.fixture(scope="module")
def rules() -> recipe.Recipe:
    shipped = recipe.read("text")
    kept = {name: shipped.sources[name] for name in ("own", "sms-spam")}
    return shipped.model_copy(update={"sources": kept, "bits": 14, "languages": ("en", "zh")})


def test_a_source_is_judged_by_a_model_of_the_others(rules: recipe.Recipe) -> None:
    read = []

    def teacher(rows: Sequence[Row]) -> Meanings:
        read.append({row.source for row in rows})
        return {}

    only = rules.model_copy(update={"languages": ("en",), "categories": ("spam",)})
    cells = list(across_sources(rows(), only, {"en": teacher}))
    assert [(cell.source, cell.category, cell.rows) for cell in cells] == [
        ("own", "spam", 500),
        ("sms-spam", "spam", 500),
    ]
    assert all(cell.area.value > 0.95 for cell in cells)
    assert read == [{"sms-spam"}, {"own"}], "its teacher never saw the source either"


def test_what_one_source_calls_hate_and_another_harassment_is_measured_as_one(rules: recipe.Recipe) -> None:
    places = ["lake", "bread", "train", "music", "letter", "garden"]
    its = []
    for number in range(600):
        text = f"{places[number % 6]} {('scum', 'idiot', 'tea')[number % 3]} {places[number % 5]} {number}"
        its.append(Row("own", "en", text, {"hate": int(number % 3 == 0), "harassment": int(number % 3 == 1)}))
        if number % 3 != 1:
            its.append(Row("sms-spam", "en", f"{text} too", {"harassment": int(number % 3 == 0)}))
    only = rules.model_copy(update={"languages": ("en",), "categories": ("hate", "harassment")})
    cells = {(cell.source, cell.category): cell for cell in across_sources(its, only, {"en": nothing})}
    assert cells["sms-spam", "harassment"].area.value < 0.6, "it taught that this is hate"
    assert cells["sms-spam", "hate or harassment"].area.value > 0.95
    assert cells["sms-spam", "hate or harassment"].rows == 400
    assert ("own", "hate or harassment") not in cells, "nobody else knows hate"


def test_a_card_says_what_has_to_be_said(rules: recipe.Recipe) -> None:
    area = Estimate(0.9, 0.8, 0.95)
    found = cards.Findings([Cell("en", "spam", "own", 500, 0.33, area, area, area)], [], [], [], ["case 7 failed"])
    commercial = recipe.read("text")
    text = cards.card(commercial, rows(), "abc", found)
    before, after = text.split("which state none")
    assert "version abc" in text
    assert "| sms-spam | CC BY 4.0 | 500 | spam 167 |" in before
    assert "| agnews | non-commercial (AG) | 0 |  |" in after
    assert "| en | spam | own | 500 | 0.33 | 0.900 (0.800-0.950) |" in text
    assert "- case 7 failed" in text
