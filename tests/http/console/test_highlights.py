"""Highlights: whole words, one label a category, none on words that say nothing."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from classifiers.contract import Span
from gateway.core.model import Case, Decision, Facts, Message, Outcome, Reason
from gateway.http.console.highlights import clear
from gateway.http.console.marks import Mark, pieces
from gateway.http.console.passages import passages_of

TEXT = "You can send me the money, and I can make you rich"


def marked(text: str, *marks: Mark) -> list[tuple[str, str]]:
    """What is marked in a text, as what."""
    return [(text[mark.start : mark.end], mark.label) for mark in clear([text], {0: marks}).get(0, [])]


def test_words_are_marked_whole() -> None:
    assert marked(TEXT, Mark(10, 11, "fraud"), Mark(22, 24, "fraud")) == [("send", "fraud"), ("money", "fraud")]


def test_words_that_say_nothing_are_not_marked_unless_nothing_else_is() -> None:
    found = [
        Mark(4, 7, "fraud"),
        Mark(13, 15, "fraud"),
        Mark(16, 19, "fraud"),
        Mark(20, 25, "fraud"),
        Mark(4, 7, "spam"),
    ]
    assert marked(TEXT, *found) == [("money", "fraud"), ("can", "spam")]


def test_neighbours_are_one_stretch() -> None:
    assert marked("buy cheap pills now", Mark(0, 3, "spam"), Mark(4, 9, "spam"), Mark(16, 19, "spam")) == [
        ("buy cheap", "spam"),
        ("now", "spam"),
    ]


def test_chinese_has_no_words_to_complete() -> None:
    assert marked("加我微信发你资料", Mark(2, 4, "spam")) == [("微信", "spam")]


def test_each_label_stands_once_in_a_text_and_what_is_surest_in_front() -> None:
    spans = [Span(0, start, start + 5) for start in (8, 20, 31)]
    reasons = (
        Reason("content_suspected", Outcome.HOLD, "spam", "text", "spam", 0.6, (spans[1],)),
        Reason("content_suspected", Outcome.HOLD, "fraud", "text", "fraud", 0.9, tuple(spans)),
    )
    case = Case(Facts(0, None), (), Decision(Outcome.HOLD, "content_suspected", reasons, "1"))
    [only] = passages_of(Message("t1", "acc-1", "native", (TEXT,), "0" * 64), case).texts
    labels = [label for piece in pieces(only.text, only.marks) for label in piece.begins]
    assert sorted(labels) == ["fraud", "spam"]
    both = next(piece for piece in pieces(only.text, only.marks) if len(piece.labels) == 2)
    assert both.labels == ("fraud", "spam")


@given(
    st.text(alphabet="ab é_好ก the", max_size=20),
    st.lists(st.builds(Mark, st.integers(-2, 22), st.integers(-2, 22), st.sampled_from(["x", "y"])), max_size=6),
)
def test_no_word_is_cut_and_no_label_is_lost(text: str, marks: list[Mark]) -> None:
    found = clear([text], {0: marks}).get(0, [])
    inside = {mark.label for mark in marks if max(0, mark.start) < min(len(text), mark.end)}
    assert {mark.label for mark in found} == inside
    for mark in found:
        assert 0 <= mark.start < mark.end <= len(text)
        for at in (mark.start, mark.end):
            between = text[max(0, at - 1) : at + 1]
            assert len(between) < 2 or at in (0, len(text)) or not (between.isascii() and between.isalnum())
