"""One question to several classifiers: names, order, unknown ones, failures, and the constant stand-in."""

from __future__ import annotations

import math
from typing import Any, cast

import numpy as np
import pytest

from classifiers.catalogue import CLASSIFIERS, load
from classifiers.contract import (
    CATEGORIES,
    Answer,
    Category,
    Opinion,
    Question,
    Score,
    Silence,
    Unanswered,
    decode_replies,
    encode_replies,
)
from classifiers.judge import EVERY_NAME, failed, judge, versions_of


def ask(*names: str, texts: tuple[str, ...] = ("hello",), media: tuple[str, ...] = ()) -> Question:
    return Question("e-1", "m-1", "t-1", names, texts, media, 0)


def test_every_asked_classifier_answers_in_order() -> None:
    reply = judge(ask("news", "text"), load())
    assert (reply.correlation, reply.message_id, reply.tenant_id) == ("e-1", "m-1", "t-1")
    assert [answer.classifier for answer in reply.answers] == ["news", "text"]
    assert all(isinstance(answer, Opinion) for answer in reply.answers)


def test_an_unknown_classifier_is_unsupported() -> None:
    reply = judge(ask("text", "image", media=("image/png",)), load())
    assert isinstance(reply.answers[0], Opinion)
    assert reply.answers[1] == Unanswered("image", Silence.UNSUPPORTED)


def test_nothing_asked_nothing_answered() -> None:
    assert judge(ask(), load()).answers == ()


def test_the_constant_answers_under_every_name() -> None:
    reply = judge(ask("text", "image"), load(["constant"]))
    for name, answer in zip(("text", "image"), reply.answers, strict=True):
        assert isinstance(answer, Opinion)
        assert answer.classifier == name
        assert {score.category for score in answer.scores} == CATEGORIES
        assert {score.value for score in answer.scores} == {0.0}


def test_the_constant_only_stands_in_for_those_that_do_not_run() -> None:
    reply = judge(ask("news", "text"), load(["constant", "news"]))
    assert [a.version.split("-")[0] for a in reply.answers if isinstance(a, Opinion)] == ["news", "constant"]


def test_an_answer_in_anothers_name_lasts_as_long() -> None:
    class Anyone:
        name = EVERY_NAME
        version = "1"

        def judge(self, question: Question) -> Answer:
            return Opinion("anyone", "1", (), lasting=False)

    assert judge(ask("text"), {EVERY_NAME: Anyone()}).answers == (Opinion("text", "1", (), lasting=False),)


def test_a_version_that_cannot_be_told_is_left_out() -> None:
    class Shy:
        name = "shy"

        @property
        def version(self) -> str:
            raise LookupError

        def judge(self, question: Question) -> Answer:
            return Opinion("shy", "1", ())

    class Plain(Broken):
        name = "plain"

    assert versions_of({"shy": Shy(), "plain": Plain()}) == {"plain": "1"}


def test_only_a_campaign_is_not_known_from_the_message_alone() -> None:
    long = "The library opens at nine today, and everybody is welcome to have a look at the new books."
    for texts in (("hello",), (long,)):
        answers = judge(ask("text", "news", "lexicon", "campaign", texts=texts), load()).answers
        assert [answer.lasting for answer in answers if isinstance(answer, Opinion)] == [True, True, True, False]


class Broken:
    name = "text"
    version = "1"

    def judge(self, question: Question) -> Answer:
        raise LookupError(question.correlation)


def test_a_failure_is_the_callers_business() -> None:
    with pytest.raises(LookupError):
        judge(ask("text"), {"text": Broken()})


class Confused:
    name = "confused"
    version = "1"

    def __init__(self, answer: Any) -> None:
        self._answer = answer

    def judge(self, question: Question) -> Answer:
        answer: Answer = self._answer
        return answer


UNSOUND: Any = [
    *[Score("spam", value) for value in (math.nan, math.inf, -0.01, 1.01)],
    *[Score("spam", cast(float, value)) for value in (None, "1", True, np.float64(0.5))],
    *[Score(category, 0.5) for category in cast("list[Category]", ["politics", None, []])],
]


@pytest.mark.parametrize("score", UNSOUND)
@pytest.mark.parametrize("name", ["confused", EVERY_NAME])
def test_an_unsound_score_is_the_failure_of_its_classifier_alone(name: str, score: Score) -> None:
    running = {**load(["text"]), name: Confused(Opinion("confused", "1", (Score("hate", 0.5), score)))}
    reply = judge(ask("text", "confused"), running)
    assert isinstance(reply.answers[0], Opinion)
    assert reply.answers[1] == Unanswered("confused", Silence.FAILED)
    assert decode_replies(encode_replies([reply])) == [reply]


def test_an_answer_that_is_none_is_the_failure_of_its_classifier_alone() -> None:
    assert judge(ask("confused"), {"confused": Confused(None)}).answers == (Unanswered("confused", Silence.FAILED),)


def test_an_unsound_answer_is_logged_once_by_name(caplog: pytest.LogCaptureFixture) -> None:
    running = {"confused-once": Confused(Opinion("confused", "1", (Score("spam", math.nan),)))}
    for _ in range(3):
        judge(ask("confused-once"), running)
    assert [record.__dict__["classifier"] for record in caplog.records] == ["confused-once"]
    assert "value nan of spam" in caplog.text


@pytest.mark.parametrize("value", [0, 0.0, 1, 1.0])
def test_the_ends_of_the_scale_are_sound(value: float) -> None:
    opinion = Opinion("confused", "1", (Score("spam", value),))
    assert judge(ask("confused"), {"confused": Confused(opinion)}).answers == (opinion,)


def test_a_given_up_question_is_failed_by_all_it_asked() -> None:
    reply = failed(ask("text", "news"))
    assert reply.answers == (Unanswered("text", Silence.FAILED), Unanswered("news", Silence.FAILED))
    assert reply.correlation == "e-1"


def test_the_catalogue_knows_what_it_has() -> None:
    assert set(load()) == {"text", "news", "lexicon", "campaign", "image"}
    assert set(CLASSIFIERS) == {"text", "news", "lexicon", "campaign", "image", "constant", "remote"}
    for names in (["nobody"], []):
        with pytest.raises(ValueError, match="there are text, news, lexicon, campaign, image, constant"):
            load(names)
