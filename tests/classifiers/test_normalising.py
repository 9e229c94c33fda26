"""The tables of the canonical view: every row does what it says, and no pattern of a step can run away."""

from __future__ import annotations

import importlib
import pkgutil
import re

import pytest

from classifiers import folding, normalise, normalising, sounds
from classifiers.normalising import apart, emoji, leet, stock
from classifiers.normalising.chinese import SIMPLIFIED
from classifiers.normalising.confusables import LATIN
from classifiers.normalising.tables import pairs, rows, words
from tests.patterns import nested_repeats

MODULES = [
    normalise,
    folding,
    sounds,
    *[
        importlib.import_module(f"{normalising.__name__}.{module.name}")
        for module in pkgutil.iter_modules(normalising.__path__)
    ],
]
PATTERNS = {
    f"{module.__name__}.{name}": value.pattern
    for module in MODULES
    for name, value in vars(module).items()
    if isinstance(value, re.Pattern)
}


def test_no_pattern_repeats_what_repeats() -> None:
    assert len(PATTERNS) > 30
    assert {name: nested for name, pattern in PATTERNS.items() if (nested := nested_repeats(pattern))} == {}


def test_parts_are_joined() -> None:
    table = list(rows("parts.tsv", 4))
    assert len(table) >= 150
    wrong = [row for row in table if normalise.normalise(f"，{row[0]}，").text != f",{row[1]},"]
    assert wrong == []


def test_parts_that_are_ordinary_characters_are_left_alone() -> None:
    wrong = [parts for parts in pairs("parts_bound.tsv") if normalise.normalise(f"，{parts}，").text != f",{parts},"]
    assert wrong == []


def test_stock_spellings_are_read() -> None:
    table = list(rows("stock.tsv", 3))
    assert len(table) >= 120
    for written, meant, where in table:
        before = next((part[1] for part in where.split() if part.startswith("<")), "")
        after = next((part[1] for part in where.split() if part.startswith(">")), "")
        assert meant in normalise.normalise(f"说，{before}{written}{after}，").text, written


def test_every_emoji_has_its_words_between_characters_and_after_an_article() -> None:
    table = list(rows("emoji.tsv", 3))
    assert len(table) >= 200
    for sign, chinese, english in table:
        assert normalise.normalise(f"这{sign}那").text == f"这{chinese}那", sign
        assert normalise.normalise(f"my {sign}").text == f"my {english}", sign


def test_masks_and_cuts_of_known_words_are_undone() -> None:
    for word in ("fuck", "bitches", "nigger", "cocaine"):
        for at in range(1, len(word) - 1):
            assert normalise.normalise(f"{word[:at]}*{word[at + 1 :]}").text == word
            assert normalise.normalise(f"{word[:at]}_{word[at:]}").text == word


def test_other_spellings_lead_to_words_and_not_to_each_other() -> None:
    table = pairs("spelled.tsv")
    assert [word for word in table.values() if word in table] == []
    assert [word for word in table if word in leet.KNOWN] == []


@pytest.mark.parametrize("table", [LATIN, SIMPLIFIED], ids=["latin", "simplified"])
def test_single_characters_become_single_ones_that_stay(table: dict[str, str]) -> None:
    assert [old for old, new in table.items() if len(old) != 1 or len(new) != 1 or new in table] == []


def test_a_row_with_a_wrong_number_of_columns_is_named() -> None:
    with pytest.raises(ValueError, match=r"emoji\.tsv, line 2: expected 2 columns"):
        list(rows("emoji.tsv", 2))


def test_hidden_words_are_pairs() -> None:
    assert [word for word in words("hidden.txt") if len(word) != 2] == []


def test_halves_and_stock_words_are_closed_under_reading() -> None:
    """What a step makes is not undone or changed again by the next reading."""
    made = [
        *apart._HALVED.values(),
        *[row.meant for row in stock._ROWS],
        *[" ".join(row) for row in emoji._ROWS.values()],
    ]
    assert [text for text in made if normalise.normalise(text).text != text] == []
