"""Marks in texts, thresholds that are reached, and counts."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifiers.contract import Category, Opinion, Score, Silence, Span, Unanswered
from gateway.cli.classifying.judging import Judge, Judged, Reach, reach
from gateway.cli.classifying.marking import CONTEXT, marked, quotes
from gateway.cli.classifying.summary import Summary
from gateway.core.model import Decision, Outcome
from gateway.core.shown import visible
from tests.policies import policy

POLICY = policy().policy


def spans(*pairs: tuple[int, int]) -> list[Span]:
    return [Span(0, start, end) for start, end in pairs]


def test_marked_words_stand_in_what_is_around_them() -> None:
    assert marked("one two three", spans((4, 7))) == [("one ", False), ("two", True), (" three", False)]
    assert quotes("one two three", spans((4, 7), (0, 3), (4, 7))) == ["one", "two"]


def test_stretches_that_touch_are_one_and_those_beside_the_text_are_none() -> None:
    assert quotes("abcdef", spans((1, 3), (3, 4), (2, 3), (5, 99), (-5, 0), (7, 9), (4, 4))) == ["bcd", "f"]
    assert quotes("abcdef", [Span(1, 0, 3)]) == []


def test_what_is_far_from_every_mark_is_left_out() -> None:
    far = "x" * 500
    shown = marked(f"{far}A{far}B{far}", spans((500, 501), (1001, 1002)))
    assert [piece for piece, mark in shown if mark] == ["A", "B"]
    assert [piece for piece, _ in shown].count(" ... ") == 3
    assert sum(len(piece) for piece, _ in shown) < 5 * CONTEXT + 30
    assert marked(far, [])[-1] == (" ... ", False)


def test_what_a_terminal_would_act_on_is_an_escape_in_marks_and_around_them() -> None:
    assert marked("\x1b[2J bad\u202e", spans((0, 4))) == [("\\x1b[2J", True), (" bad\\u202e", False)]
    assert quotes("\x1b[2J bad", spans((0, 4))) == ["\\x1b[2J"]


@given(st.text(max_size=400), st.lists(st.tuples(st.integers(-5, 450), st.integers(-5, 450)), max_size=6))
def test_all_that_is_marked_is_shown_and_nothing_hidden(text: str, pairs: list[tuple[int, int]]) -> None:
    shown = marked(text, spans(*pairs))
    covered = {at for start, end in pairs for at in range(max(start, 0), min(end, len(text)))}
    assert "".join(piece for piece, mark in shown if mark) == visible("".join(text[at] for at in sorted(covered)))
    assert not [sign for piece, _ in shown for sign in piece if unicodedata.category(sign)[0] == "C"]


@pytest.mark.parametrize(
    ("category", "value", "reached"),
    [
        ("fraud", 0.49, None),
        ("fraud", 0.5, Reach("hold", 0.5)),
        ("fraud", 0.9, Reach("block", 0.9)),
        ("self_harm", 1.0, Reach("hold", 0.5)),
        ("news", 0.79, None),
        ("news", 0.8, Reach("news", 0.8)),
    ],
)
def test_a_score_reaches_the_highest_threshold_that_it_is_not_below(
    category: Category, value: float, reached: Reach | None
) -> None:
    assert reach(Score(category, value), POLICY) == reached


def judged(seconds: float, *scores: Score, outcome: Outcome = Outcome.ALLOW, silent: bool = False) -> Judged:
    answers = (Opinion("a", "1", scores), *((Unanswered("b", Silence.TIMEOUT),) if silent else ()))
    return Judged("text", answers, Decision(outcome, "rule", (), "v"), seconds)


def test_a_summary_counts_decisions_thresholds_silence_and_bad_lines() -> None:
    summary = Summary(POLICY, {"fraud", "spam", "news"})
    summary.add(judged(0.001, Score("fraud", 0.95), Score("fraud", 0.6), Score("hate", 0.9), outcome=Outcome.BLOCK))
    summary.add(judged(0.002, Score("fraud", 0.6), Score("news", 0.9), outcome=Outcome.HOLD, silent=True))
    summary.add(judged(0.100, Score("spam", 0.1)))
    summary.bad = 4
    fields = summary.fields(interrupted=True)
    times = fields.pop("milliseconds")
    assert fields == {
        "messages": 3,
        "bad_lines": 4,
        "interrupted": True,
        "decisions": {"allow": 1, "hold": 1, "block": 1},
        "categories": {"fraud": {"block": 1, "hold": 1}, "news": {"news": 1}},
        "silent": {"b": {"timeout": 1}},
    }
    assert times == {"p50": pytest.approx(2, rel=0.021), "p90": 100, "p99": 100, "max": 100}
    assert list(summary.rows()) == [
        ("fraud", "1", "1", "-"),
        ("news", "-", "-", "1"),
        ("b silent: timeout", "1", "", ""),
    ]
    assert summary.line() == "3 messages: 1 allow, 1 hold, 1 block; 4 bad lines"


def test_a_summary_of_nothing_is_one() -> None:
    assert Summary(POLICY, {"fraud"}).fields(interrupted=False)["milliseconds"] == {}


@given(st.lists(st.floats(1e-6, 10), min_size=1, max_size=200))
def test_percentiles_are_right_to_two_per_cent_whatever_the_times(times: list[float]) -> None:
    summary = Summary(POLICY, ())
    for seconds in times:
        summary.add(judged(seconds))
    told, ordered = summary.milliseconds(), sorted(times)
    for percent in (50, 90, 99):
        exact = ordered[-(-len(times) * percent // 100) - 1] * 1000
        assert told[f"p{percent}"] == pytest.approx(exact, rel=0.021, abs=0.001)


def test_a_classifier_of_a_stream_is_left_out_even_if_it_is_required() -> None:
    streaming = policy(("  news: {required: true, silence: hold}\n", "  campaign: {required: true, silence: block}\n"))
    judge = Judge(streaming, "", news_authorised=False)
    assert (judge.asked, judge.left_out, judge.missing) == (("text",), ("campaign",), ())
    assert judge(1, "Good morning!").decision.outcome is Outcome.ALLOW
