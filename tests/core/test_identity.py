"""Whether the registrant behind an account is verified well enough, for every state a verification can be in."""

from __future__ import annotations

import pytest

from gateway.core.identity import judge_identity
from gateway.core.model import (
    Account,
    AccountState,
    Facts,
    Outcome,
    Registrant,
    RegistrantKind,
    VerificationState,
)
from tests.policies import policy

AT_MS = 1000
UNDER_REVIEW = {VerificationState.PENDING, VerificationState.PROCESSING, VerificationState.REVIEW}


def facts(
    state: VerificationState = VerificationState.VERIFIED,
    framework: str | None = "eidas",
    level: str | None = "high",
    expires_at: int | None = None,
) -> Facts:
    """An account whose registrant is verified so."""
    person = Registrant("reg-1", RegistrantKind.PERSON, state, framework, level, expires_at)
    return Facts(AT_MS, Account("acc-1", AccountState.ACTIVE, person))


def field_for(state: VerificationState) -> tuple[str, str] | None:
    """The policy's field for a state, and the code of its reason."""
    if state is VerificationState.VERIFIED:
        return None
    if state is VerificationState.EXPIRED:
        return "expired: block", "registrant_expired"
    if state in UNDER_REVIEW:
        return "under_review: hold", "registrant_under_review"
    codes = {VerificationState.NEEDS_INPUT: "registrant_needs_input", VerificationState.DECLINED: "registrant_declined"}
    return "unverified: block", codes.get(state, "registrant_unverified")


@pytest.mark.parametrize("outcome", list(Outcome))
@pytest.mark.parametrize("state", list(VerificationState))
def test_every_state_has_the_outcome_that_the_policy_gives_it(state: VerificationState, outcome: Outcome) -> None:
    expected = field_for(state)
    if expected is None:
        assert judge_identity(facts(state), policy().policy.identity) is None
        return
    field, code = expected
    rules = policy((f"  {field}", f"  {field.split(':')[0]}: {outcome}")).policy.identity
    reason = judge_identity(facts(state), rules)
    assert reason is not None
    assert (reason.code, reason.outcome, reason.source) == (code, outcome, "identity")


def test_nobody_behind_an_account() -> None:
    reason = judge_identity(Facts(AT_MS, Account("acc-1", AccountState.ACTIVE)), policy().policy.identity)
    assert reason is not None
    assert (reason.code, reason.outcome) == ("registrant_missing", Outcome.BLOCK)


def test_an_unknown_account_is_not_judged_here() -> None:
    assert judge_identity(Facts(AT_MS, None), policy().policy.identity) is None


@pytest.mark.parametrize(
    ("expires_at", "expired"), [(None, False), (AT_MS + 1, False), (AT_MS, True), (AT_MS - 1, True), (0, True)]
)
def test_a_verification_ends_at_its_very_millisecond(expires_at: int | None, expired: bool) -> None:
    reason = judge_identity(facts(expires_at=expires_at), policy().policy.identity)
    assert (reason is not None and reason.code == "registrant_expired") is expired


@pytest.mark.parametrize(
    ("framework", "level", "enough"),
    [
        ("eidas", "high", True),
        ("eidas", "substantial", True),
        ("cn_real_name", "verified", True),
        ("eidas", "low", False),
        ("eidas", "verified", False),
        ("cn_real_name", "high", False),
        ("EIDAS", "high", False),
        ("other", "high", False),
        ("eidas", None, False),
        (None, "high", False),
        (None, None, False),
    ],
)
def test_a_level_is_enough_within_its_own_framework_only(
    framework: str | None, level: str | None, enough: bool
) -> None:
    reason = judge_identity(facts(framework=framework, level=level), policy().policy.identity)
    assert (reason is None) is enough
    if reason is not None:
        assert (reason.code, reason.outcome) == ("registrant_assurance_insufficient", Outcome.HOLD)


def test_expiry_comes_before_assurance() -> None:
    reason = judge_identity(facts(level="low", expires_at=AT_MS), policy().policy.identity)
    assert reason is not None
    assert reason.code == "registrant_expired"
