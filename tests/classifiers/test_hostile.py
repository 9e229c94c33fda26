"""Messages made to break a classifier: each gets an opinion or `Unanswered`, and never an exception."""

from __future__ import annotations

from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifiers.catalogue import load
from classifiers.contract import Answer, Opinion, Question, Silence, Unanswered, encode_replies
from classifiers.judge import Classifier, judge
from classifiers.passages import MOST_CHARACTERS

NAMES = ("text", "news", "lexicon", "campaign")

HOSTILE = {
    "a megabyte": "kill the weather " * 60_000,
    "a megabyte of Chinese": "杀天气" * 330_000,
    "lone surrogates": "\ud800\udfff\udc00 kill you \ud83d" * 500,
    "10,000 combining marks": "k" + "\u0301" * 10_000 + "ill you",
    "marks on every letter": "".join([char + "\u0335\u0336\u0337" for char in "i will kill you "]) * 500,
    "no spaces": "a" * 190_000,
    "spaces only": " \u3000\u200b\n" * 40_000,
    "regex bait": "a.b-c_d*e/f " * 12_000,
    "leetspeak bait": "1l0v3$@" * 20_000,
    "nested quotes": "“‘「『" * 40_000,
    "emoji joined without end": "👩\u200d" * 60_000,
    "right to left": "\u202e" * 50_000 + "kill",
    "control characters": "".join(map(chr, range(32))) * 5_000,
    "digits": "0123456789" * 19_000,
    "one Chinese character": "的" * 190_000,
    "mixed alphabets": "aаα" * 60_000,
    "pinyin": "wo yao sha ni " * 13_000,
    "null": "\0",
    "nothing": "",
}


@cache
def classifiers() -> dict[str, Classifier]:
    return load(NAMES)


def answers(*texts: str) -> dict[str, Answer]:
    question = Question("c", "m", "t", NAMES, texts, (), 2**53 - 1, author="a")
    reply = judge(question, classifiers())
    encode_replies([reply])
    return {answer.classifier: answer for answer in reply.answers}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_text_is_answered(name: str) -> None:
    found = answers(HOSTILE[name])
    assert set(found) == set(NAMES)
    for answer in found.values():
        assert isinstance(answer, Opinion) or answer.silence is Silence.UNSUPPORTED


def test_a_text_that_hides_under_marks_is_not_judged_as_if_it_were_plain() -> None:
    assert answers(HOSTILE["marks on every letter"])["text"] == Unanswered("text", Silence.UNSUPPORTED)


@pytest.mark.parametrize("name", ["text", "news"])
def test_more_than_can_be_judged_in_time_is_not_judged_by_half(name: str) -> None:
    half = "so " * (MOST_CHARACTERS // 6)
    assert isinstance(answers(half, half)[name], Opinion)
    assert answers(half, half, "b" * 100)[name] == Unanswered(name, Silence.UNSUPPORTED)


@pytest.mark.parametrize("number", [0, 1, 150, 201, 400])
@pytest.mark.parametrize("filler", ["", " ", "fine weather"])
def test_a_threat_is_found_among_any_number_of_parts(number: int, filler: str) -> None:
    found = answers(*[filler] * number, "I am going to kill you tonight", *[filler] * number)["text"]
    assert isinstance(found, Opinion)
    assert max(score.value for score in found.scores if score.category == "violence") > 0.9


def test_news_is_found_among_any_number_of_parts() -> None:
    headline = (
        "BEIJING, March 3 (Reuters) - The central bank said on Tuesday it would cut rates, officials told reporters."
    )
    for texts in ((headline,), ("",) * 300 + (headline,), ("so",) * 300 + (headline,)):
        found = answers(*texts)["news"]
        assert isinstance(found, Opinion)
        assert found.scores[0].value > 0.8, len(texts)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(alphabet=st.characters(exclude_categories=()), max_size=80), max_size=4))
def test_any_texts_are_answered_with_spans_inside_them(texts: list[str]) -> None:
    for answer in answers(*texts).values():
        if isinstance(answer, Opinion):
            for score in answer.scores:
                for span in score.spans:
                    assert 0 <= span.start < span.end <= len(texts[span.part])
