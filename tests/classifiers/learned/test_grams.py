"""N-grams: the same words give the same hashes wherever they stand, and every hash knows where it came from."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifiers.learned.grams import Grams, grams, worded

TEXTS = st.text(alphabet=st.characters(exclude_categories=()), max_size=120)
WORDS = st.text(alphabet="abcdefg你好吗杀,! 🔫", max_size=60)


def pieces(text: str, found: Grams) -> set[str]:
    """The stretches of the text that its n-grams cover."""
    padded = f" {worded(text)} "
    return {padded[start + 1 : start + 1 + length] for start, length in zip(found.starts, found.lengths, strict=True)}


@given(TEXTS)
def test_any_text_has_n_grams_within_its_borders(text: str) -> None:
    found = grams(text)
    assert len(found.hashes) == len(found.starts) == len(found.lengths) == len(found.chinese)
    assert found.size == len(text)
    assert (found.starts >= -1).all()
    assert (found.lengths >= 1).all()
    assert (found.starts + found.lengths <= len(text) + 1).all()
    assert (found.buckets(10) < 1 << 10).all()


@given(WORDS, WORDS, st.text(alphabet="abc杀你", min_size=3, max_size=8))
def test_what_a_text_is_made_of_does_not_depend_on_where_it_stands(before: str, after: str, word: str) -> None:
    alone = set(grams(f"{before} {word}").hashes.tolist())
    inner = {
        hashed
        for hashed, start, length in zip(*(lambda g: (g.hashes, g.starts, g.lengths))(grams(word)), strict=True)
        if start >= 0 and start + length <= len(word)
    }
    assert inner <= alone | set(grams(f"{word} {after}").hashes.tolist())


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        ("kill you", {"kill", "you", "kill you", " kil", "ll yo"}, {"k", "ki"}),
        ("杀了你", {"杀", "杀了", "杀了你"}, set()),
        ("go 杀", {"go", " 杀", "杀"}, {"g"}),
    ],
)
def test_pieces(text: str, inside: set[str], outside: set[str]) -> None:
    covered = pieces(text, grams(text))
    assert inside <= covered
    assert not outside & covered


def test_characters_that_sound_alike_share_hashes() -> None:
    common = set(grams("加微信号").hashes.tolist()) & set(grams("家薇芯浩").hashes.tolist())
    assert len(common) == 10  # three pairs and two triples of syllables, each twice
    assert not set(grams("加微信号").hashes.tolist()) & set(grams("图书馆开").hashes.tolist())


@pytest.mark.parametrize(
    ("text", "piece", "times"),
    [("杀", "杀", 1), ("杀了", "杀了", 3), ("杀 了", "杀 了", 4), ("杀!", "杀!", 2), ("go", "go", 1)],
)
def test_chinese_characters_in_a_row_count_once_and_their_sounds_twice(text: str, piece: str, times: int) -> None:
    found = grams(text)
    padded = f" {text} "
    covered = [padded[at + 1 : at + 1 + size] for at, size in zip(found.starts, found.lengths, strict=True)]
    assert covered.count(piece) == times


def test_what_has_chinese_in_it_can_be_left_out() -> None:
    found = grams("kill 你 now").without_chinese()
    assert {"kill", "now"} <= pieces("kill 你 now", found)
    assert not any("你" in piece for piece in pieces("kill 你 now", found))
    assert found.latin == 7
    assert found.syllables == 1


@pytest.mark.parametrize("name", ["https://a.example/kill?you=1", "www.kill.example", "@killer_99", "rt"])
def test_addresses_and_names_are_no_words(name: str) -> None:
    assert len(worded(f"go {name} now")) == len(f"go {name} now")
    assert worded(f"go {name} now").split() == ["go", "now"]
    assert worded(f"{name}杀你").strip() == "杀你"
    assert worded("start at a@b of art") == "start at a@b of art"


def test_nothing_is_read_beyond_twice_a_window() -> None:
    assert grams("a" * 100_000).size == 8000


def test_order_of_words_matters() -> None:
    assert set(grams("you kill").hashes.tolist()) != set(grams("kill you").hashes.tolist())
    assert np.array_equal(grams("kill you").hashes, grams("kill you").hashes)
