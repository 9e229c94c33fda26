"""The decision: the strictest reason decides, and silence is never taken for consent."""

from __future__ import annotations

from itertools import product

import pytest

from classifiers.contract import Answer, Opinion, Score, Silence, Span, Unanswered
from gateway.core.decide import decide, lacks_opinions, settle
from gateway.core.model import (
    Account,
    AccountState,
    Case,
    Decision,
    Degree,
    Facts,
    Media,
    Message,
    Outcome,
    Reason,
    Sanction,
)
from tests.policies import policy
from tests.world import ACCOUNT, CLOSED, PERSON

POLICY = policy()
TEXT = Message("t1", "acc-1", "native", ("hello",), "0" * 64)
PICTURE = Message("t1", "acc-1", "native", ("hello",), "0" * 64, (Media("image/png", "https://one.example/a"),))
FACTS = Facts(1000, ACCOUNT)
FINE = (Opinion("text", "1", ()), Opinion("news", "1", ()))


def says(value: float, name: str = "text") -> Opinion:
    """An opinion that takes the message for spam."""
    return Opinion(name, "1", (Score("spam", value, (Span(0, 1, 2),)),))


def sanctioned(degree: Degree) -> Account:
    """A verified account under a sanction."""
    return Account("acc-1", AccountState.ACTIVE, PERSON, (), (Sanction(degree, 0),))


def codes(decision: Decision) -> list[str]:
    """What its reasons are called, in order."""
    return [reason.code for reason in decision.reasons]


def test_nothing_found_is_allowed() -> None:
    assert decide(TEXT, FACTS, FINE, POLICY) == Decision(Outcome.ALLOW, "nothing_found", (), POLICY.version)


@pytest.mark.parametrize(
    ("value", "outcome", "rule"),
    [
        (0.0, Outcome.ALLOW, "nothing_found"),
        (0.49999, Outcome.ALLOW, "nothing_found"),
        (0.5, Outcome.HOLD, "content_suspected"),
        (0.89999, Outcome.HOLD, "content_suspected"),
        (0.9, Outcome.BLOCK, "content_violation"),
        (1.0, Outcome.BLOCK, "content_violation"),
    ],
)
def test_a_threshold_counts_from_its_very_value(value: float, outcome: Outcome, rule: str) -> None:
    decision = decide(TEXT, FACTS, (says(value), FINE[1]), POLICY)
    assert (decision.outcome, decision.rule) == (outcome, rule)
    if outcome is not Outcome.ALLOW:
        [reason] = decision.reasons
        assert (reason.source, reason.category, reason.score) == ("text", "spam", value)
        assert reason.spans == (Span(0, 1, 2),)


def test_a_category_without_a_block_is_never_blocked() -> None:
    sure = Opinion("text", "1", (Score("self_harm", 1.0),))
    assert decide(TEXT, FACTS, (sure, FINE[1]), POLICY).outcome is Outcome.HOLD


def test_news_is_a_topic_and_no_violation() -> None:
    decision = decide(TEXT, FACTS, (FINE[0], Opinion("news", "1", (Score("news", 1.0),))), POLICY)
    assert (decision.outcome, codes(decision)) == (Outcome.HOLD, ["news_not_authorised"])


def test_the_strictest_reason_decides_and_facts_stand_before_opinions() -> None:
    facts = Facts(1000, Account("acc-1", AccountState.ACTIVE, None, (), (Sanction(Degree.RESTRICT, 0),)))
    answers = (Opinion("text", "1", (Score("spam", 0.6), Score("hate", 0.95))), Unanswered("news", Silence.FAILED))
    decision = decide(TEXT, facts, answers, POLICY)
    assert (decision.outcome, decision.rule) == (Outcome.BLOCK, "registrant_missing")
    assert codes(decision) == [
        "registrant_missing",
        "content_violation",
        "sanction_restrict",
        "classifier_failed",
        "content_suspected",
    ]


def test_a_reason_that_the_policy_allows_is_no_reason() -> None:
    lenient = policy(("missing: block", "missing: allow"))
    facts = Facts(1000, Account("acc-1", AccountState.ACTIVE))
    assert decide(TEXT, facts, FINE, lenient) == Decision(Outcome.ALLOW, "nothing_found", (), lenient.version)


@pytest.mark.parametrize(("silence", "required", "outcome"), list(product(Silence, [True, False], list(Outcome))))
def test_silence_means_what_the_policy_says_for_that_classifier(
    silence: Silence, required: bool, outcome: Outcome
) -> None:
    chosen = policy(("news: {required: true, silence: hold}", f"news: {{required: {required}, silence: {outcome}}}"))
    decision = decide(TEXT, FACTS, (FINE[0], Unanswered("news", silence)), chosen)
    if required and outcome is not Outcome.ALLOW:
        assert (decision.outcome, decision.rule) == (outcome, f"classifier_{silence}")
        assert [reason.source for reason in decision.reasons] == ["news"]
    else:
        assert decision.outcome is Outcome.ALLOW


@pytest.mark.parametrize("answers", [(), FINE[:1], FINE[1:], (FINE[0], Opinion("other", "1", ()))])
def test_a_classifier_that_is_missing_among_the_answers_is_silent(answers: tuple[Answer, ...]) -> None:
    decision = decide(TEXT, FACTS, answers, POLICY)
    assert decision.outcome is Outcome.HOLD
    assert set(codes(decision)) == {"classifier_timeout"}


def test_unreadable_are_asked_about_as_media() -> None:
    assert decide(TEXT, FACTS, FINE, POLICY).outcome is Outcome.ALLOW
    assert codes(decide(PICTURE, FACTS, FINE, POLICY)) == ["classifier_timeout"]
    assert decide(PICTURE, FACTS, (*FINE, Opinion("image", "1", ())), POLICY).outcome is Outcome.ALLOW


def test_an_opinion_that_nobody_asked_for_still_counts() -> None:
    assert decide(TEXT, FACTS, (*FINE, says(0.95, "other")), POLICY).outcome is Outcome.BLOCK


@pytest.mark.parametrize(
    ("facts", "rule"),
    [
        (Facts(1000, CLOSED), "account_closed"),
        (Facts(1000, Account("acc-1", AccountState.ACTIVE)), "registrant_missing"),
        (
            Facts(1000, sanctioned(Degree.CLOSE)),
            "sanction_close",
        ),
        (FACTS, None),
        (Facts(1000, None), None),
        (Facts(1000, sanctioned(Degree.RESTRICT)), None),
    ],
)
def test_facts_alone_settle_only_a_block(facts: Facts, rule: str | None) -> None:
    decision = settle(TEXT, facts, POLICY)
    assert (decision and decision.rule) == rule
    if decision is not None:
        assert decision.outcome is Outcome.BLOCK


def test_what_facts_settle_no_opinion_could_have_changed() -> None:
    facts = Facts(1000, CLOSED)
    settled = settle(TEXT, facts, POLICY)
    assert settled is not None
    decided = decide(TEXT, facts, FINE, POLICY)
    assert (settled.outcome, settled.rule) == (decided.outcome, decided.rule)


def test_undeclared_news_cannot_be_settled_and_declared_news_can() -> None:
    strict = policy(("unauthorised: hold", "unauthorised: block"))
    declared = Message("t1", "acc-1", "native", ("hello",), "0" * 64, declared_topic="news")
    assert settle(TEXT, FACTS, strict) is None
    decision = settle(declared, FACTS, strict)
    assert decision is not None
    assert decision.rule == "news_not_authorised"


def test_a_decision_lacks_opinions_where_one_that_is_needed_is_missing() -> None:
    silent, spoken = Unanswered("text", Silence.TIMEOUT), Opinion("news", "1", ())
    held = Decision(Outcome.HOLD, "x", (Reason("classifier_timeout", Outcome.HOLD, "", "text"),), "1")
    allowed = Decision(Outcome.ALLOW, "nothing_found", (), "1")
    facts = Facts(0, None)
    for answers, decision, expected in (
        ((silent, spoken), held, True),
        ((silent, spoken), allowed, False),  # the policy does not need it
        ((silent,), allowed, True),
        ((spoken,), allowed, False),
        ((), allowed, False),  # facts alone decided
    ):
        assert lacks_opinions(Case(facts, answers, decision)) is expected
