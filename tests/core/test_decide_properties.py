"""What holds for every decision, whatever the answers are."""

from __future__ import annotations

from hypothesis import assume, given
from hypothesis import strategies as st

from classifiers.contract import CATEGORIES, Answer, Opinion, Score, Silence, Unanswered
from gateway.core.codec import encode_case
from gateway.core.decide import decide, settle
from gateway.core.model import (
    STRICTNESS,
    Account,
    AccountState,
    Case,
    Degree,
    Facts,
    Media,
    Message,
    NewsAuthorisation,
    NewsKind,
    Outcome,
    Registrant,
    RegistrantKind,
    Sanction,
    VerificationState,
)
from tests.policies import policy

POLICY, READ_AGAIN = policy(), policy()
NAMES = ("text", "news", "image")

scores = st.builds(Score, st.sampled_from(sorted(CATEGORIES)), st.floats(0.0, 1.0))
opinions = st.builds(Opinion, st.sampled_from(NAMES), st.just("1"), st.lists(scores, max_size=4).map(tuple))
silences = st.builds(Unanswered, st.sampled_from(NAMES), st.sampled_from(Silence))
answers = st.lists(opinions | silences, max_size=3, unique_by=lambda answer: answer.classifier).map(tuple)
times = st.integers(0, 3)
registrants = st.builds(
    Registrant,
    st.just("reg-1"),
    st.sampled_from(RegistrantKind),
    st.sampled_from(VerificationState),
    st.sampled_from(["eidas", "other", None]),
    st.sampled_from(["high", "low", None]),
    st.none() | times,
)
licences = st.builds(NewsAuthorisation, st.just("s"), st.sampled_from(NewsKind), times, times)
accounts = st.builds(
    Account,
    st.just("acc-1"),
    st.sampled_from(AccountState),
    st.none() | registrants,
    st.lists(st.builds(NewsAuthorisation, st.just("s"), st.sampled_from(NewsKind), times, times), max_size=2).map(
        tuple
    ),
    st.lists(st.builds(Sanction, st.sampled_from(Degree), times, st.none() | times), max_size=2).map(tuple),
)
facts = st.builds(Facts, times, st.none() | accounts)
messages = st.builds(
    Message,
    st.just("t1"),
    st.just("acc-1"),
    st.just("native"),
    st.just(("hello",)),
    st.just("0" * 64),
    st.sampled_from([(), (Media("image/png", "https://one.example/a"),)]),
    declared_topic=st.sampled_from([None, "news"]),
)


@given(messages, facts, answers, st.data())
def test_the_order_of_the_answers_does_not_matter(
    message: Message, known: Facts, given_answers: tuple[Answer, ...], data: st.DataObject
) -> None:
    shuffled = tuple(data.draw(st.permutations(given_answers)))
    one, other = decide(message, known, given_answers, POLICY), decide(message, known, shuffled, POLICY)
    assert (one.outcome, one.rule) == (other.outcome, other.rule)
    assert len(one.reasons) == len(other.reasons)


@given(messages, facts, answers)
def test_the_same_again_is_the_same_to_the_bit(
    message: Message, known: Facts, given_answers: tuple[Answer, ...]
) -> None:
    one, other = (decide(message, known, given_answers, rules) for rules in (POLICY, READ_AGAIN))
    assert one == other
    assert encode_case(Case(known, given_answers, one)) == encode_case(Case(known, given_answers, other))


@given(messages, facts, answers)
def test_silence_of_a_required_classifier_is_never_allowed(
    message: Message, known: Facts, given_answers: tuple[Answer, ...]
) -> None:
    heard = {answer.classifier for answer in given_answers if isinstance(answer, Opinion)}
    assume(not set(POLICY.policy.ask(bool(message.media))) <= heard)
    assert decide(message, known, given_answers, POLICY).outcome is not Outcome.ALLOW


@given(messages, facts, answers)
def test_the_outcome_is_that_of_the_first_and_strictest_reason(
    message: Message, known: Facts, given_answers: tuple[Answer, ...]
) -> None:
    decision = decide(message, known, given_answers, POLICY)
    strictness = [STRICTNESS[reason.outcome] for reason in decision.reasons]
    assert strictness == sorted(strictness, reverse=True)
    assert 0 not in strictness
    assert STRICTNESS[decision.outcome] == max(strictness, default=0)
    assert decision.rule == (decision.reasons[0].code if decision.reasons else "nothing_found")


@given(messages, facts, answers)
def test_an_opinion_more_is_never_milder_than_facts_alone(
    message: Message, known: Facts, given_answers: tuple[Answer, ...]
) -> None:
    settled = settle(message, known, POLICY)
    if settled is not None:
        decided = decide(message, known, given_answers, POLICY)
        assert decided.outcome is settled.outcome is Outcome.BLOCK
        assert decided.rule == settled.rule


@given(messages, facts, answers, scores)
def test_a_violation_more_is_never_milder(
    message: Message, known: Facts, given_answers: tuple[Answer, ...], score: Score
) -> None:
    more = (*given_answers, Opinion("another", "1", (score,)))
    before, after = decide(message, known, given_answers, POLICY), decide(message, known, more, POLICY)
    assert STRICTNESS[after.outcome] >= STRICTNESS[before.outcome]
