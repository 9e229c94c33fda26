"""What people are shown of texts that others wrote, and of moments."""

from __future__ import annotations

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.shown import counted, visible, visible_json, written


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("早上好, Ann!", "早上好, Ann!"),
        ("a\x1b[2J", r"a\x1b[2J"),
        ("one\ntwo\u2028three", r"one\ntwo\u2028three"),
        ("pay\u202e001", r"pay\u202e001"),
        ("in\u200bvisible", r"in\u200bvisible"),
        ("\\x1b", r"\\x1b"),
        ("\ud800", r"\ud800"),
    ],
)
def test_what_a_terminal_would_act_on_or_hide_is_an_escape(text: str, seen: str) -> None:
    assert visible(text) == seen


@given(st.text(alphabet=st.characters()))
def test_no_control_character_comes_through_and_no_two_texts_look_the_same(text: str) -> None:
    seen = visible(text)
    assert not [sign for sign in seen if unicodedata.category(sign)[0] == "C"]
    backslash = seen.replace("\\\\", "")
    assert ("\\" in text) == ("\\\\" in seen)
    assert ("\\" in backslash) == any(unicodedata.category(s)[0] == "C" or s in "\u2028\u2029" for s in text)


def test_a_long_text_is_cut_and_says_so() -> None:
    assert visible("abc\n", 4) == r"abc\n"
    assert visible("abcde", 4) == "abcd..."


def test_a_moment_is_iso_8601_and_one_that_no_calendar_has_a_number() -> None:
    assert written(0) == "1970-01-01T00:00:00Z"
    assert written(1_798_761_599_999) == "2026-12-31T23:59:59Z"
    assert written(2**53) == str(2**53)


@given(
    st.recursive(
        st.none() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_json_that_is_shown_means_the_same_and_hides_nothing(value: object) -> None:
    seen = visible_json(value)
    assert json.loads(seen) == value
    assert not [sign for sign in seen if unicodedata.category(sign)[0] == "C" or sign in "\u2028\u2029"]


def test_json_shows_letters_as_they_are() -> None:
    assert visible_json({"早": "a\u202e\\"}) == r'{"早":"a\u202e\\"}'


@pytest.mark.parametrize(("number", "told"), [(0, "0 routes"), (1, "1 route"), (2, "2 routes")])
def test_one_thing_is_no_plural(number: int, told: str) -> None:
    assert counted(number, "route") == told
