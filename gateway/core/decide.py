"""The decision: a pure function of message, facts, answers and policy, so it can be explained and replayed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from classifiers.contract import Answer, Opinion, Silence, Unanswered
from gateway.core.authorise import judge_news
from gateway.core.identity import judge_identity
from gateway.core.model import STRICTNESS, AccountState, Case, Decision, Facts, Message, Outcome, Reason
from gateway.core.policy import Policy, PolicyInForce
from gateway.core.sanctions import judge_standing

_SILENCES = {
    Silence.TIMEOUT: "The classifier {} did not answer in time.",
    Silence.UNAVAILABLE: "The classifier {} could not be asked.",
    Silence.UNSUPPORTED: "The classifier {} does not run, or cannot judge content of this kind, language or length.",
    Silence.INCOMPLETE: "The classifier {} was not asked, because not all of the content could be fetched.",
    Silence.FAILED: "The classifier {} failed on this message.",
}


_DOUBTS = {
    "encrypted": "The content is encrypted and cannot be judged.",
    "unknown_reference": "It publishes content by reference, and what that is was never judged here.",
}


def settle(message: Message, facts: Facts, policy: PolicyInForce) -> Decision | None:
    """The decision that facts alone settle (a block, or a private account), so that no classifier need be asked; None
    if they do not."""
    if facts.account is not None and facts.account.private and facts.account.state is AccountState.ACTIVE:
        return Decision(Outcome.ALLOW, "account_private", (), policy.version)
    reasons = _of_facts(message, facts, (), policy.policy)
    if any(reason.outcome is Outcome.BLOCK for reason in reasons):
        return _strictest(reasons, policy)
    return None


def forbidden(message: Message, facts: Facts, policy: PolicyInForce) -> Decision | None:
    """The block that facts alone give, whatever anybody decided on the content; None if they give none."""
    decision = settle(message, facts, policy)
    return decision if decision is not None and decision.outcome is Outcome.BLOCK else None


def decide(message: Message, facts: Facts, answers: Sequence[Answer], policy: PolicyInForce) -> Decision:
    """The strictest reason decides; without any, the message is allowed.

    A classifier that the policy asks about such a message, and that is missing from ``answers``, counts as silent.
    """
    rules = policy.policy
    opinions = [answer for answer in answers if isinstance(answer, Opinion)]
    reasons = _of_facts(message, facts, opinions, rules)
    reasons += _silences(rules.ask(bool(message.media)), answers, rules)
    for opinion in opinions:
        reasons += _violations(opinion, rules)
    return _strictest(reasons, policy)


SILENT: Final = frozenset(f"classifier_{silence.value}" for silence in Silence)
"""Codes of reasons that say that a classifier gave no opinion."""


def is_silence(decision: Decision) -> bool:
    """Whether a message is held for nothing but want of an opinion."""
    return decision.outcome is Outcome.HOLD and all(reason.code in SILENT for reason in decision.reasons)


def lacks_opinions(case: Case) -> bool:
    """Whether a decision was taken without an opinion that the policy needs, or without any that was asked for."""
    silent = any(reason.code in SILENT for reason in case.decision.reasons)
    return silent or (bool(case.answers) and not any(isinstance(answer, Opinion) for answer in case.answers))


def of_account(facts: Facts, policy: PolicyInForce) -> Decision:
    """What is known of the account alone, whatever it publishes: its standing, and who is behind it."""
    account = facts.account
    if account is not None and account.private and account.state is AccountState.ACTIVE:
        return _strictest([], policy)
    reasons = judge_standing(facts, policy.policy.standing)
    if (reason := judge_identity(facts, policy.policy.identity)) is not None:
        reasons.append(reason)
    return _strictest(reasons, policy)


def _of_facts(message: Message, facts: Facts, opinions: Sequence[Opinion], rules: Policy) -> list[Reason]:
    reasons = judge_standing(facts, rules.standing)
    if (reason := judge_identity(facts, rules.identity)) is not None:
        reasons.append(reason)
    if (reason := judge_news(message, facts, opinions, rules.news)) is not None:
        reasons.append(reason)
    for doubt in message.doubts:
        text = _DOUBTS.get(doubt, "A part of it cannot be judged.")
        reasons.append(Reason(doubt, rules.doubts.outcome(doubt), text, "platform"))
    return reasons


def _strictest(reasons: list[Reason], policy: PolicyInForce) -> Decision:
    reasons = [reason for reason in reasons if reason.outcome is not Outcome.ALLOW]
    if not reasons:
        return Decision(Outcome.ALLOW, "nothing_found", (), policy.version)
    reasons.sort(key=lambda reason: -STRICTNESS[reason.outcome])  # stable: facts stay before opinions
    return Decision(reasons[0].outcome, reasons[0].code, tuple(reasons), policy.version)


def _silences(asked: Sequence[str], answers: Sequence[Answer], rules: Policy) -> list[Reason]:
    given = {answer.classifier: answer for answer in answers}
    reasons: list[Reason] = []
    for name in asked:
        answer = given.get(name) or Unanswered(name, Silence.TIMEOUT)
        stage = rules.classifiers.get(name)
        if isinstance(answer, Unanswered) and stage is not None and stage.required:
            code = f"classifier_{answer.silence.value}"
            reasons.append(Reason(code, stage.silence, _SILENCES[answer.silence].format(name), name))
    return reasons


_WORDS: Final = {
    "sexual": "sexual content",
    "sexual_minors": "sexual content about minors",
    "self_harm": "self-harm",
    "illegal_goods": "trade in illegal goods",
}
"""Categories whose names are no words for authors."""


def _violations(opinion: Opinion, rules: Policy) -> list[Reason]:
    reasons: list[Reason] = []
    for score in opinion.scores:
        threshold = rules.categories.get(score.category)
        if threshold is None or score.value < threshold.hold:
            continue
        blocks = threshold.block is not None and score.value >= threshold.block
        outcome, code = (Outcome.BLOCK, "content_violation") if blocks else (Outcome.HOLD, "content_suspected")
        message = f"The message looks like {_WORDS.get(score.category, score.category)}."
        reasons.append(Reason(code, outcome, message, opinion.classifier, score.category, score.value, score.spans))
    return reasons
