"""The engine finds what a naive search finds, wherever and however it stands."""

from __future__ import annotations

import sys
import threading
from string import ascii_letters, digits

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from classifiers.lexicon.engine import Engine, EngineError, Sought

LATIN = set(ascii_letters + digits)


def naive(sought: list[Sought], text: str) -> list[tuple[int, int, int]]:
    found = []
    for number, one in enumerate(sought):
        size = len(one.text)
        for start in range(len(text) - size + 1):
            end = start + size
            if text[start:end] != one.text:
                continue
            left = one.text[0] in LATIN and start > 0 and text[start - 1] in LATIN
            right = one.text[-1] in LATIN and end < len(text) and text[end] in LATIN
            if not (one.whole and (left or right)):
                found.append((start, end, number))
    return found


# One, two, three and four bytes in UTF-8; letters, a blank, signs that mean something in patterns.
ALPHABET = "ab .*é好人\U0001f602"
SOUGHT = st.lists(
    st.builds(Sought, st.text(ALPHABET, min_size=1, max_size=4), st.booleans()), min_size=1, max_size=8, unique=True
)


@given(SOUGHT, st.text(ALPHABET, max_size=40))
@example([Sought("aa", False), Sought("a", False), Sought("aaa", True)], "aaaa aaa")
@example([Sought("好", True), Sought("好人", True), Sought("人", True)], "\U0001f602好人é好人")
@example([Sought("a", True)], "好a人_a_ éa")
def test_it_finds_what_a_naive_search_finds(sought: list[Sought], text: str) -> None:
    found = Engine(sought).find(text)
    assert sorted(found) == sorted(naive(sought, text))
    assert [end for _, end, _ in found] == sorted([end for _, end, _ in found])


def test_latin_terms_are_whole_words_and_chinese_ones_stand_anywhere() -> None:
    engine = Engine([Sought("ass", True), Sought("傻逼", True), Sought("a片", True), Sought("porn", False)])
    text = "class, ass. 你这个大傻逼ass 看a片 aa片 freeporn_ass"
    assert [text[start:end] for start, end, _ in engine.find(text)] == ["ass", "傻逼", "ass", "a片", "porn", "ass"]


def test_signs_of_patterns_are_only_signs() -> None:
    engine = Engine([Sought("f**k", True), Sought(".+", True), Sought("[a-z]", True)])
    assert engine.find("fork ffffk abc") == []
    assert [number for *_, number in engine.find("f**k .+ [a-z]")] == [0, 1, 2]


def test_half_of_a_surrogate_pair_harms_nothing() -> None:
    assert Engine([Sought("好人", True)]).find("\ud83d好人\udc00") == [(1, 3, 0)]


def test_several_threads_may_use_one_engine() -> None:
    engine = Engine([Sought("好", True)])
    text = "好 " * 20_000
    found: list[int] = []
    threads = [threading.Thread(target=lambda: found.append(len(engine.find(text)))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [20_000] * 4


def test_a_missing_library_is_a_clear_error_and_nothing_slower_takes_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "hyperscan", None)
    with pytest.raises(EngineError, match=r"hyperscan does not load here .*; install it, or leave the classifier out"):
        Engine([Sought("word", True)])


def test_strings_that_cannot_be_compiled_are_a_clear_error() -> None:
    with pytest.raises(EngineError, match="cannot compile the terms"):
        Engine([])
