"""The record codec: golden bytes that other languages read and write too, round trips, and refusals."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifiers.contract import (
    CATEGORIES,
    LAST_MS,
    ContractError,
    Opinion,
    Question,
    Reply,
    Score,
    Silence,
    Span,
    Unanswered,
    decode_questions,
    decode_replies,
    decode_versions,
    encode_questions,
    encode_replies,
    encode_versions,
)

GOLDEN = Path(__file__).parent / "golden"

QUESTIONS = [
    Question(
        correlation="7f3a-1",
        message_id="m-1",
        tenant_id="t-1",
        ask=("text", "news"),
        texts=("Good morning", "早上好 ☀"),
        media=("image/png",),
        deadline_ms=1_767_225_600_000,
        traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    ),
    Question("7f3a-2", "m-2", "t-1", (), (), (), 0),
]
REPLIES = [
    Reply(
        "7f3a-1",
        "m-1",
        "t-1",
        (
            Opinion(
                "text",
                "rules-1-0123456789ab",
                (Score("violence", 0.97, (Span(0, 0, 4), Span(1, 2, 3))), Score("spam", 0.0)),
            ),
            Unanswered("news", Silence.TIMEOUT),
            Unanswered("image", Silence.UNSUPPORTED),
        ),
    ),
    Reply("7f3a-2", "m-2", "t-1", ()),
    Reply("7f3a-3", "m-3", "t-1", (Opinion("campaign", "campaign-1", (Score("spam", 0.5),), lasting=False),)),
]


def test_golden_questions_are_written_and_read_exactly() -> None:
    golden = (GOLDEN / "questions.json").read_bytes()
    assert encode_questions(QUESTIONS) == golden
    assert decode_questions(golden) == QUESTIONS


def test_golden_replies_are_written_and_read_exactly() -> None:
    golden = (GOLDEN / "replies.json").read_bytes()
    assert encode_replies(REPLIES) == golden
    assert decode_replies(golden) == REPLIES


_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
_texts = st.lists(_text, max_size=4).map(tuple)
_questions = st.builds(
    Question,
    correlation=_text,
    message_id=_text,
    tenant_id=_text,
    ask=_texts,
    texts=_texts,
    media=_texts,
    deadline_ms=st.integers(0, LAST_MS),
    traceparent=st.none() | st.text(st.characters(codec="ascii"), min_size=1),
)
_spans = st.lists(st.builds(Span, st.integers(0, 9), st.integers(0, 999), st.integers(0, 999))).map(tuple)
_scores = st.builds(Score, st.sampled_from(sorted(CATEGORIES)), st.floats(0, 1), _spans)
_answers = st.builds(Opinion, _text, _text, st.lists(_scores, max_size=3).map(tuple), st.booleans()) | st.builds(
    Unanswered, _text, st.sampled_from(Silence)
)
_replies = st.builds(Reply, _text, _text, _text, st.lists(_answers, max_size=3).map(tuple))


@given(st.lists(_questions, max_size=4))
def test_questions_survive_the_codec(questions: list[Question]) -> None:
    assert decode_questions(encode_questions(questions)) == questions


@given(st.lists(_replies, max_size=4))
def test_replies_survive_the_codec(replies: list[Reply]) -> None:
    assert decode_replies(encode_replies(replies)) == replies


@given(st.binary(max_size=200))
def test_other_bytes_are_refused_and_nothing_else_happens(value: bytes) -> None:
    for decode in (decode_questions, decode_replies):
        with contextlib.suppress(ContractError):
            assert decode(value) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"violence"', b'"politics"'),
        (b"0.97", b"1.01"),
        (b'"timeout"', b'"asleep"'),
        (b'"tenant_id":"t-1"', b'"tenant_id":1'),
        (b'"correlation"', b'"corelation"'),
        (b"[0,0,4]", b"[0,0]"),
    ],
)
def test_a_reply_against_the_contract_is_refused(old: bytes, new: bytes) -> None:
    golden = (GOLDEN / "replies.json").read_bytes()
    assert old in golden
    with pytest.raises(ContractError):
        decode_replies(golden.replace(old, new))


@pytest.mark.parametrize(
    "value", [b"", b"null", b"{}", b"[1]", b"[{}]", b'["x"]', b"[[]]", (GOLDEN / "replies.json").read_bytes()]
)
def test_a_value_that_holds_no_questions_is_refused(value: bytes) -> None:
    with pytest.raises(ContractError):
        decode_questions(value)


@pytest.mark.parametrize("deadline", [-1, LAST_MS + 1, 10**30])
def test_a_deadline_that_is_no_time_is_refused(deadline: int) -> None:
    golden = (GOLDEN / "questions.json").read_bytes()
    old = b'"deadline_ms":1767225600000'
    assert old in golden
    decode_questions(golden.replace(old, b'"deadline_ms":%d' % LAST_MS))
    with pytest.raises(ContractError):
        decode_questions(golden.replace(old, b'"deadline_ms":%d' % deadline))


@given(st.dictionaries(_text, _text, max_size=4))
def test_versions_survive_the_codec_as_ascii(versions: dict[str, str]) -> None:
    header = encode_versions(versions)
    assert header.isascii()
    assert decode_versions(header) == versions


@pytest.mark.parametrize("header", [b"", b"[]", b'{"text":1}', b'{"text":', b"\xff", b"null"])
def test_a_header_that_holds_no_versions_is_refused(header: bytes) -> None:
    with pytest.raises(ContractError, match="versions"):
        decode_versions(header)
