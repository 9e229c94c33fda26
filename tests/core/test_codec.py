"""The stored form: canonical, exact, and readable by versions before and after."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from classifiers.contract import CATEGORIES, Opinion, Score, Silence, Span, Unanswered
from gateway.core.codec import (
    decode_account,
    decode_case,
    decode_facts,
    decode_message,
    encode_account,
    encode_case,
    encode_facts,
    encode_message,
)
from gateway.core.model import (
    Account,
    AccountState,
    Case,
    Decision,
    Degree,
    Facts,
    Media,
    Message,
    NewsAuthorisation,
    NewsKind,
    Outcome,
    Reason,
    Registrant,
    RegistrantKind,
    Repost,
    Sanction,
    VerificationState,
)

texts = st.text(st.characters(codec="utf-8"), max_size=20)
maybe = st.none() | texts
times = st.integers(-(2**63), 2**63 - 1)
probabilities = st.floats(0, 1) | st.sampled_from([0.0, 1.0, 5e-324, 0.1 + 0.2])
spans = st.builds(Span, st.integers(0, 9), st.integers(0, 999), st.integers(0, 999))
span_lists = st.lists(spans, max_size=2).map(tuple)


def many(items: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(items, max_size=3).map(tuple)


scores = st.builds(Score, st.sampled_from(sorted(CATEGORIES)), probabilities, span_lists)
answers = st.builds(Opinion, texts, texts, many(scores)) | st.builds(Unanswered, texts, st.sampled_from(Silence))
registrants = st.builds(
    Registrant,
    texts,
    st.sampled_from(RegistrantKind),
    st.sampled_from(VerificationState),
    maybe,
    maybe,
    st.none() | times,
)
accounts = st.builds(
    Account,
    texts,
    st.sampled_from(AccountState),
    st.none() | registrants,
    many(st.builds(NewsAuthorisation, texts, st.sampled_from(NewsKind), times, times, st.booleans())),
    many(st.builds(Sanction, st.sampled_from(Degree), times, st.none() | times)),
)
facts = st.builds(Facts, times, st.none() | accounts)
outcomes = st.sampled_from(Outcome)
reasons = st.builds(Reason, texts, outcomes, texts, texts, maybe, st.none() | probabilities, span_lists)
cases = st.builds(Case, facts, many(answers), st.builds(Decision, outcomes, texts, many(reasons), texts))
messages = st.builds(
    Message,
    texts,
    texts,
    texts,
    many(texts),
    texts,
    many(st.builds(Media, texts, maybe, maybe)),
    maybe,
    st.none() | st.builds(Repost, maybe, maybe, maybe, maybe),
    maybe,
)


def assert_exact(value: object, encode: Callable[[Any], bytes], decode: Callable[[bytes | str], Any]) -> None:
    data = encode(value)
    back = decode(data)
    assert back == value
    assert encode(back) == data
    assert decode(data.decode()) == value


@given(messages)
def test_a_message_comes_back_exactly(message: Message) -> None:
    assert_exact(message, encode_message, decode_message)


@given(accounts)
def test_an_account_comes_back_exactly(account: Account) -> None:
    assert_exact(account, encode_account, decode_account)


@given(facts)
def test_facts_come_back_exactly(value: Facts) -> None:
    assert_exact(value, encode_facts, decode_facts)


@given(cases)
def test_a_case_comes_back_exactly(case: Case) -> None:
    assert_exact(case, encode_case, decode_case)


MESSAGE = Message("t", "a", "p", ("x",), "h")


def test_the_bytes_are_fixed() -> None:
    """What is stored today must be found again by tomorrow's hash."""
    assert encode_message(MESSAGE) == (
        b'{"tenant_id":"t","account_id":"a","platform":"p","texts":["x"],"content_hash":"h"}'
    )
    account = Account("a", AccountState.ACTIVE, news=(NewsAuthorisation("s", NewsKind.HOST, 1, 2),))
    assert encode_account(account) == (
        b'{"account_id":"a","state":"active","news":[{"scheme":"s","kind":"host","valid_from":1,"valid_to":2}]}'
    )
    reason = Reason("c", Outcome.HOLD, "m", "s", score=0.5)
    answers = (Opinion("text", "1", (Score("spam", 0.5),)), Unanswered("x", Silence.TIMEOUT))
    case = Case(Facts(1, None), answers, Decision(Outcome.HOLD, "c", (reason,), "v"))
    assert encode_case(case) == (
        b'{"facts":{"at_ms":1,"account":null},"answers":[{"kind":"opinion","classifier":"text","version":"1",'
        b'"scores":[{"category":"spam","value":0.5}]},{"kind":"unanswered","classifier":"x","silence":"timeout"}],'
        b'"decision":{"outcome":"hold","rule":"c","reasons":[{"code":"c","outcome":"hold","message":"m","source":"s",'
        b'"score":0.5}],"policy_version":"v"}}'
    )


def test_fields_of_a_later_version_are_ignored() -> None:
    row = json.loads(encode_message(replace(MESSAGE, media=(Media("image/png"),))))
    row["later"] = {"a": 1}
    row["media"][0]["later"] = 1
    assert decode_message(json.dumps(row)) == replace(MESSAGE, media=(Media("image/png"),))


@pytest.mark.parametrize(
    "data", [b"", b"null", b"[]", b"{}", b'{"texts":1}', b'{"account_id":"secret","state":"no such state"}']
)
def test_what_is_no_stored_value_is_refused_without_quoting_it(data: bytes) -> None:
    decoders: tuple[Callable[[bytes], object], ...] = (decode_message, decode_account, decode_facts, decode_case)
    for decode in decoders:
        with pytest.raises(ValueError, match="not a stored value") as caught:
            decode(data)
        assert "secret" not in str(caught.value)
        assert caught.value.__cause__ is None


def test_a_lone_surrogate_is_refused() -> None:
    with pytest.raises(ValueError, match="surrogates"):
        encode_message(replace(MESSAGE, texts=("\ud800",)))
