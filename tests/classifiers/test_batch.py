"""From a record's bytes to replies and dead letters, without Kafka."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from classifiers.batch import MAX_REPLY_BYTES, Batch, Outcome, Record, attempt
from classifiers.catalogue import load
from classifiers.contract import (
    Opinion,
    Picture,
    Question,
    Reply,
    Silence,
    Unanswered,
    decode_questions,
    decode_replies,
    encode_questions,
)
from classifiers.judge import judge
from tests.batches import judged

NOW = 1_000_000
LATER = NOW + 5_000
HEADERS = {"v": b"1", "deadline": b"%d" % LATER, "reply-to": b"7", "traceparent": b"00-aa-bb-01"}

CONSTANT = partial(judge, classifiers=load(["constant"]))


def question(number: int, deadline_ms: int = LATER, text: str = "hello") -> Question:
    return Question(f"e-{number}", f"m-{number}", "t-1", ("text", "news"), (text,), (), deadline_ms)


def record(questions: Sequence[Question], **headers: bytes) -> Record:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Record("questions", 3, 42, encode_questions(questions), HEADERS | named)


class Moody:
    """Answers like the constant, but fails on some questions a number of times."""

    def __init__(self, failures: dict[str, int]) -> None:
        self._left = failures
        self.tried: list[str] = []

    def __call__(self, asked: Question) -> Reply:
        self.tried.append(asked.correlation)
        if self._left.get(asked.correlation, 0) > 0:
            self._left[asked.correlation] -= 1
            raise ZeroDivisionError(asked.texts[0])
        return CONSTANT(asked)


def work(taken: Record, answer: Moody | None = None, now_ms: int = NOW, max_tries: int = 3) -> Outcome:
    return judged(taken, answer or CONSTANT, now_ms, max_tries)


def replies(outcome: Outcome) -> list[Reply]:
    return [reply for value in outcome.replies for reply in decode_replies(value)]


def test_one_reply_record_answers_all_questions_in_order() -> None:
    outcome = work(record([question(1), question(2), question(3)]))
    assert len(outcome.replies) == 1
    assert [reply.correlation for reply in replies(outcome)] == ["e-1", "e-2", "e-3"]
    assert [a.classifier for a in replies(outcome)[0].answers] == ["text", "news"]
    assert (outcome.reply_to, outcome.deadline_ms, outcome.questions) == (7, LATER, 3)
    assert outcome.dead_letters == []
    assert outcome.answered == {("text", "opinion"): 3, ("news", "opinion"): 3}


def test_the_reply_carries_version_deadline_and_trace() -> None:
    outcome = work(record([question(1)]))
    assert dict(outcome.headers) == {"v": b"1", "deadline": b"%d" % LATER, "traceparent": b"00-aa-bb-01"}
    bare = Record("questions", 3, 42, encode_questions([question(1)]), HEADERS | {"traceparent": b""})
    assert dict(work(bare).headers) == {"v": b"1", "deadline": b"%d" % LATER}


def test_an_expired_record_is_skipped_without_being_decoded() -> None:
    outcome = work(Record("questions", 0, 0, b"no json", HEADERS), now_ms=LATER)
    assert outcome.skipped
    assert outcome.replies == ()
    assert outcome.dead_letters == []


def test_an_expired_question_is_skipped_and_the_others_answered() -> None:
    outcome = work(record([question(1, deadline_ms=NOW), question(2)]))
    assert [reply.correlation for reply in replies(outcome)] == ["e-2"]
    assert outcome.expired == 1
    assert not outcome.skipped


def test_nothing_is_sent_when_all_questions_have_expired() -> None:
    outcome = work(record([question(1, deadline_ms=NOW)]))
    assert outcome.replies == ()
    assert outcome.dead_letters == []


def test_a_question_that_expires_between_two_tries_is_not_tried_again() -> None:
    moody = Moody({"e-1": 9})
    batch, times = Batch(record([question(1)]), NOW), iter((NOW, LATER))
    batch.note(batch.questions[0], attempt(batch.questions[0], moody, 3, lambda: next(times)))
    assert moody.tried == ["e-1"]
    assert batch.outcome().expired == 1


def test_a_failure_that_passes_is_tried_again() -> None:
    moody = Moody({"e-1": 2})
    outcome = work(record([question(1), question(2)]), moody)
    assert moody.tried == ["e-1", "e-1", "e-1", "e-2"]
    assert outcome.dead_letters == []
    assert outcome.retried == 2
    assert all(isinstance(a, Opinion) for reply in replies(outcome) for a in reply.answers)


def test_tries_are_counted_for_each_question() -> None:
    moody = Moody({"e-1": 2, "e-2": 2})
    outcome = work(record([question(1), question(2)]), moody)
    assert outcome.dead_letters == []
    assert len(moody.tried) == 6


def test_a_dead_letter_has_no_pictures() -> None:
    """Dead letters are kept for weeks."""
    plain = question(1)
    seen = replace(plain, pictures=(Picture("image/png", b"x" * 1000),))
    (letter,) = work(record([seen]), Moody({"e-1": 99})).dead_letters
    assert decode_questions(letter.value) == [plain]


def test_a_poisonous_question_becomes_a_dead_letter_and_harms_no_other() -> None:
    poison = question(2, text="secret words")
    outcome = work(record([question(1), poison, question(3)]), Moody({"e-2": 99}))
    first, second, third = replies(outcome)
    assert second.correlation == "e-2"
    assert second.answers == (Unanswered("text", Silence.FAILED), Unanswered("news", Silence.FAILED))
    assert all(isinstance(a, Opinion) for reply in (first, third) for a in reply.answers)
    (letter,) = outcome.dead_letters
    assert decode_questions(letter.value) == [poison]
    assert dict(letter.headers) == {
        "v": b"1",
        "error": b"ZeroDivisionError",
        "topic": b"questions",
        "partition": b"3",
        "offset": b"42",
        "tries": b"3",
    }
    assert not outcome.poisoned
    assert outcome.answered["text", "failed"] == 1


@pytest.mark.parametrize(
    "value",
    [
        None,
        b"",
        b"no json",
        b"{}",
        b"[1]",
        b"\xff\xfe",
        encode_questions([question(1)]).replace(b"%d" % LATER, b'"soon"'),
        encode_questions([question(1)]).replace(b'"ask"', b'"asked"'),
    ],
)
def test_an_undecodable_record_goes_whole_to_the_dead_letters(value: bytes | None) -> None:
    outcome = work(Record("questions", 3, 42, value, HEADERS))
    (letter,) = outcome.dead_letters
    assert letter.value == (value or b"")
    assert dict(letter.headers)["tries"] == b"0"
    assert outcome.replies == ()
    assert outcome.poisoned


@pytest.mark.parametrize(
    "headers",
    [
        {"v": b"2"},
        {"v": b""},
        {"v": b"01"},
        {"deadline": b"soon"},
        {"deadline": b""},
        {"reply_to": b"mine"},
    ],
)
def test_a_record_with_wrong_headers_goes_whole_to_the_dead_letters(headers: dict[str, bytes]) -> None:
    taken = record([question(1)], **headers)
    (letter,) = work(taken).dead_letters
    assert letter.value == taken.value


@pytest.mark.parametrize("missing", ["v", "deadline", "reply-to"])
def test_a_record_without_a_header_goes_whole_to_the_dead_letters(missing: str) -> None:
    headers = {name: value for name, value in HEADERS.items() if name != missing}
    taken = Record("questions", 3, 42, encode_questions([question(1)]), headers)
    outcome = work(taken)
    assert outcome.poisoned
    assert outcome.dead_letters[0].value == taken.value


def test_a_reply_too_long_for_the_broker_is_cut_between_questions() -> None:
    questions = [question(number) for number in range(2_000)]
    outcome = work(record(questions))
    assert len(outcome.replies) > 1
    assert all(len(value) <= MAX_REPLY_BYTES for value in outcome.replies)
    assert [reply.correlation for reply in replies(outcome)] == [q.correlation for q in questions]


@given(
    st.binary(max_size=80) | st.none(),
    st.dictionaries(st.sampled_from(["v", "deadline", "reply-to", "x"]), st.binary(max_size=8)),
)
def test_any_record_ends_as_skipped_answered_or_dead_letter(value: bytes | None, headers: dict[str, bytes]) -> None:
    outcome = work(Record("questions", 0, 0, value, headers))
    assert outcome.poisoned == (len(outcome.dead_letters) == 1)


@pytest.mark.parametrize("value", [b"no json, but perhaps a picture", encode_questions([question(1)])])
def test_a_dead_letter_of_a_record_with_pictures_is_its_headers_alone(value: bytes) -> None:
    """Such a topic keeps its records for minutes, dead letters are kept for weeks."""
    outcome = work(Record("media-questions", 3, 42, value, HEADERS | {"v": b"2"}, media=True))
    (letter,) = outcome.dead_letters
    assert letter.value == b""
    assert dict(letter.headers)["offset"] == b"42"
    assert outcome.poisoned
